//! `unbraid check`: judges a system, for pipelines.

use std::path::PathBuf;

use anyhow::{Result, bail};
use clap::{Args, ValueEnum};

use unbraid::check::{CheckRequest, Overrides, check};
use unbraid::config::{FailOn, Level, Stale};
use unbraid::files;
use unbraid::gate::{Outcome, Verdict, date};
use unbraid::report::gate::{Page, render_styled};

use super::console::Console;
use super::inputs::Inputs;
use super::output::{self, Output};
use super::progress::ProgressLine;

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  unbraid check . --max-score 30
  unbraid check . --base origin/main -o gate.sarif -o \"$GITHUB_STEP_SUMMARY\"
  unbraid check . --facts ../carts.json --base origin/main --fail-on new

Exit codes: 0 pass, 1 the gate failed, 2 could not run, 3 not enough evidence.")]
pub struct Check {
    #[command(flatten)]
    pub side: Sides,
    /// Highest score that passes
    #[arg(long, value_name = "N")]
    max_score: Option<f64>,
    /// Most points by which the score may rise above that of the base
    #[arg(long, value_name = "N")]
    max_increase: Option<f64>,
    /// Longest synchronous chain that passes, in hops
    #[arg(long, value_name = "N")]
    max_depth: Option<u32>,
    /// Lowest coverage that counts as enough evidence, 0 to 1
    #[arg(long, value_name = "SHARE")]
    min_coverage: Option<f64>,
    /// The coupling may only fall
    #[arg(long)]
    ratchet: bool,
    /// Which violations fail: what the base and the baseline do not have, or any
    #[arg(long, value_enum, value_name = "WHICH")]
    fail_on: Option<FailOnArgument>,
    /// What an accepted finding that is gone is worth
    #[arg(long, value_enum, value_name = "LEVEL")]
    stale: Option<StaleArgument>,
    /// Level of a rule or smell: RULE=error, warning, note or off; several times
    #[arg(long = "level", value_name = "RULE=LEVEL", value_parser = level)]
    levels: Vec<(String, Level)>,
    /// Where to write the outcome, in the format that FORMAT or the file name says (gate.sarif, junit.xml, md=FILE,
    /// github=-); several times
    #[arg(short, long, value_name = "[FORMAT=]PATH", value_parser = output::for_gate)]
    output: Vec<Output>,
    /// Write the result (graph.json) too
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

/// What is compared: shared by the commands that look at the gate.
#[derive(Debug, Args)]
pub struct Sides {
    #[command(flatten)]
    pub inputs: Inputs,
    /// Compare with the merge base of HEAD and this revision, or with a saved graph.json
    #[arg(long, value_name = "REVISION|FILE", env = "UNBRAID_BASE")]
    pub base: Option<String>,
    /// Facts of other repositories (written by --facts-out): linked, but never to blame
    #[arg(long, value_name = "FILE")]
    pub facts: Vec<PathBuf>,
    /// The baseline; the default is unbraid-baseline.json beside unbraid.yaml
    #[arg(long, value_name = "FILE")]
    pub baseline: Option<PathBuf>,
    /// The day that acceptances are measured by; the default is SOURCE_DATE_EPOCH, else today
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = day)]
    pub today: Option<String>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum FailOnArgument {
    New,
    Any,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum StaleArgument {
    Warn,
    Error,
}

fn level(text: &str) -> Result<(String, Level), String> {
    let (rule, level) = text.split_once('=').ok_or("write RULE=LEVEL, for example new-sync-edge=error")?;
    let level = match level {
        "error" => Level::Error,
        "warning" => Level::Warning,
        "note" => Level::Note,
        "off" => Level::Off,
        other => return Err(format!("`{other}` is no level; there are: error, warning, note, off")),
    };
    Ok((rule.to_owned(), level))
}

fn day(text: &str) -> Result<String, String> {
    if date::is_date(text) { Ok(text.to_owned()) } else { Err("write a date as YYYY-MM-DD".to_owned()) }
}

impl Sides {
    /// What to check, without limits of the command line.
    pub fn request(&self) -> Result<CheckRequest> {
        if let Some(engine) = self.inputs.engine.name() {
            bail!(
                "{engine}: both sides of a comparison need the same traces; ask it once by `unbraid analyze --engine … \
                --facts-out traces.json` and give that file as an input"
            );
        }
        Ok(CheckRequest {
            request: self.inputs.request(),
            facts: self.facts.clone(),
            base: self.base.clone().filter(|b| !b.is_empty()),
            baseline: self.baseline.clone(),
            baseline_to_come: false,
            today: self.today.clone().unwrap_or_else(today),
            overrides: Overrides::default(),
        })
    }
}

/// `SOURCE_DATE_EPOCH`, else the clock: the only place that looks at it.
fn today() -> String {
    let given = std::env::var("SOURCE_DATE_EPOCH").ok().and_then(|s| s.parse().ok());
    let clock = || std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |d| d.as_secs());
    date::of_seconds(given.unwrap_or_else(clock))
}

impl Check {
    fn request(&self) -> Result<CheckRequest> {
        let overrides = Overrides {
            max_score: self.max_score,
            max_increase: self.max_increase,
            max_depth: self.max_depth,
            min_coverage: self.min_coverage,
            ratchet: self.ratchet,
            fail_on: self.fail_on.map(|f| match f {
                FailOnArgument::New => FailOn::New,
                FailOnArgument::Any => FailOn::Any,
            }),
            stale: self.stale.map(|s| match s {
                StaleArgument::Warn => Stale::Warn,
                StaleArgument::Error => Stale::Error,
            }),
            levels: self.levels.clone(),
        };
        Ok(CheckRequest { overrides, ..self.side.request()? })
    }
}

pub fn run(command: &Check, console: &Console) -> Result<u8> {
    let mut request = command.request()?;
    let against = request.base.as_ref().map_or_else(String::new, |b| format!(" and {b}"));
    console.stage(&format!("reading {}{against}", command.side.inputs.names()));
    let bar = console.progress();
    request.request.progress = bar.as_ref().map(ProgressLine::hook);
    let checked = check(&request)?;
    drop(bar);
    console.notes(&checked.result);
    console.clear();
    command.side.inputs.strictly(&checked.result)?;
    let anchor = checked.anchor();
    let page = Page {
        result: &checked.result,
        outcome: &checked.outcome,
        prefixes: &checked.prefixes,
        anchor: anchor.as_deref(),
    };
    output::write_outcome(&command.output, &page)?;
    if let Some(path) = &command.json {
        files::write_atomically(path, &serde_json::to_vec_pretty(&checked.result)?)?;
    }
    if !command.output.iter().any(Output::is_standard_output) {
        console.say(&render_styled(&page, console.style()));
    }
    if checked.outcome.verdict != Verdict::Pass {
        console.complain(&last_line(&checked.outcome));
    }
    Ok(checked.outcome.verdict.code())
}

/// The verdict with its reasons: what is seen even with `--quiet`.
fn last_line(outcome: &Outcome) -> String {
    let more = outcome.reasons.len().saturating_sub(3);
    let more = if more > 0 { format!("; and {more} more") } else { String::new() };
    let reasons: Vec<&str> = outcome.reasons.iter().take(3).map(String::as_str).collect();
    format!("{}: {}{more}", outcome.verdict.as_str(), reasons.join("; "))
}
