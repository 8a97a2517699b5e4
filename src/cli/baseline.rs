//! `unbraid baseline`: writes, prunes and shows what a team has accepted. `check` only reads it.

use anyhow::{Result, bail};
use clap::{Args, Subcommand};

use unbraid::check::{CheckRequest, Checked, check};
use unbraid::files;
use unbraid::gate::baseline::{Accepted, Baseline, accept};
use unbraid::gate::{Item, Level, State, date};
use unbraid::model::counted;

use super::check::Sides;
use super::console::Console;

#[derive(Debug, Args)]
pub struct BaselineCommand {
    #[command(subcommand)]
    command: BaselineAction,
}

#[derive(Debug, Subcommand)]
enum BaselineAction {
    /// Accept what is found now, and keep the figures for the ratchet; what was accepted keeps its reason
    Write(WriteBaseline),
    /// Take out what is gone
    Prune(Sides),
    /// List what is accepted, and what became of it
    Show(Sides),
}

#[derive(Debug, Args)]
#[command(after_help = "Example:
  unbraid baseline write . --only sync-cycle --reason \"split planned\" --owner team-sales --expires 2027-03-31")]
struct WriteBaseline {
    #[command(flatten)]
    side: Sides,
    /// Why: needed when something new is accepted
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// Who answers for it
    #[arg(long, value_name = "NAME")]
    owner: Option<String>,
    /// The last day on which it is accepted
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = last_day)]
    expires: Option<String>,
    /// Accept only violations of this rule or smell, or with this fingerprint; several times
    #[arg(long = "only", value_name = "RULE|FINGERPRINT")]
    only: Vec<String>,
    /// Accept nothing new: only bring the figures for the ratchet up to date
    #[arg(long, conflicts_with = "only")]
    figures_only: bool,
}

fn last_day(text: &str) -> Result<String, String> {
    if date::is_date(text) { Ok(text.to_owned()) } else { Err("write a date as YYYY-MM-DD".to_owned()) }
}

pub fn run(command: &BaselineCommand, console: &Console) -> Result<u8> {
    match &command.command {
        BaselineAction::Write(command) => write(command, console),
        BaselineAction::Prune(side) => prune(side, console),
        BaselineAction::Show(side) => show(side, console),
    }
}

/// Judged by the folder's own configuration and baseline: what a base would say is no matter here.
fn look(side: &Sides, to_come: bool) -> Result<Checked> {
    let checked = check(&CheckRequest { base: None, baseline_to_come: to_come, ..side.request()? })?;
    side.inputs.strictly(&checked.result)?;
    Ok(checked)
}

fn write(command: &WriteBaseline, console: &Console) -> Result<u8> {
    let checked = look(&command.side, true)?;
    let old: Vec<Accepted> = checked.baseline.iter().flat_map(|b| b.accepted.clone()).collect();
    let chosen = |i: &&Item| {
        let by_rule = |r: &String| i.rule == *r || i.fingerprint == *r;
        command.only.is_empty() || command.only.iter().any(by_rule)
    };
    // Limits are not accepted but set; notes need no acceptance.
    let fresh = |i: &&Item| {
        matches!(i.state, State::New | State::Worse | State::Existing | State::Expired)
            && i.level >= Level::Warning
            && i.rule != "new-sync-edge"
    };
    let items: Vec<&Item> = match command.figures_only {
        true => Vec::new(),
        false => checked.outcome.items.iter().filter(fresh).filter(chosen).collect(),
    };
    if items.is_empty() && !command.only.is_empty() {
        bail!("nothing of {} is found that is not accepted already", command.only.join(", "));
    }
    let reason = match (&command.reason, items.is_empty()) {
        (Some(reason), _) if !reason.trim().is_empty() => reason.trim().to_owned(),
        (_, true) => String::new(),
        _ => bail!("{} would be accepted; say why with --reason", counted(items.len(), "finding")),
    };
    let made: Vec<Accepted> =
        items.iter().map(|i| accept(i, &reason, command.owner.as_deref(), command.expires.as_deref())).collect();
    let replaced = |a: &Accepted| made.iter().any(|m| m.fingerprint == a.fingerprint);
    let kept: Vec<Accepted> = old.iter().filter(|a| !replaced(a)).cloned().collect();
    let baseline = Baseline::of(&checked.result, kept.iter().chain(&made).cloned().collect());
    files::write_atomically(&checked.baseline_path, baseline.text().as_bytes())?;
    let path = checked.baseline_path.display();
    console.say(&format!("{path}: {} accepted, {} of them now\n", kept.len() + made.len(), made.len()));
    Ok(0)
}

fn prune(side: &Sides, console: &Console) -> Result<u8> {
    let checked = look(side, false)?;
    let path = checked.baseline_path.display();
    let Some(mut baseline) = checked.baseline else { bail!("there is no baseline at {path}") };
    let gone: Vec<Accepted> = checked.outcome.baseline.map(|b| b.stale).unwrap_or_default();
    let before = baseline.accepted.len();
    baseline.accepted.retain(|a| !gone.contains(a));
    files::write_atomically(&checked.baseline_path, baseline.text().as_bytes())?;
    console.say(&format!("{path}: {} taken out, {} left\n", before - baseline.accepted.len(), baseline.accepted.len()));
    Ok(0)
}

fn show(side: &Sides, console: &Console) -> Result<u8> {
    let checked = look(side, false)?;
    let path = checked.baseline_path.display();
    let (Some(baseline), Some(state)) = (checked.baseline, checked.outcome.baseline) else {
        console.print(&format!("there is no baseline at {path}\n"));
        return Ok(0);
    };
    let mut out = String::new();
    for entry in &baseline.accepted {
        let now = match (state.stale.contains(entry), state.expired.contains(entry)) {
            (true, _) => "stale",
            (false, true) => "expired",
            (false, false) => "in use",
        };
        let what = entry.subject.clone().unwrap_or_else(|| entry.services.join(", "));
        let owner = entry.owner.as_ref().map_or_else(String::new, |o| format!("; {o}"));
        let until = entry.expires.as_ref().map_or_else(String::new, |d| format!("; until {d}"));
        out.push_str(&format!("{now:<8} {} ({what}): {}{owner}{until}\n", entry.rule, entry.reason));
    }
    out.push_str(&format!(
        "{path}: {} accepted, {} in use, {} stale, {} expired\n",
        state.accepted,
        state.used,
        state.stale.len(),
        state.expired.len()
    ));
    console.print(&out);
    Ok(0)
}
