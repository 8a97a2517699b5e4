//! `unbraid init`: writes a commented `unbraid.yaml` from what it finds.

use std::path::PathBuf;

use anyhow::{Result, bail};
use clap::Args;

use unbraid::config::FILE_NAME;
use unbraid::files;
use unbraid::model::counted;
use unbraid::result::{Result as RunResult, Service};

use super::console::Console;
use super::inputs::Inputs;

#[derive(Debug, Args)]
#[command(after_help = "Example:
  unbraid init . && unbraid check .")]
pub struct Init {
    #[command(flatten)]
    inputs: Inputs,
    /// Write here; `-` is standard output. The default is unbraid.yaml in the first folder
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Replace a file that is there
    #[arg(long)]
    force: bool,
}

pub fn run(command: &Init, console: &Console) -> Result<u8> {
    let first = command.inputs.inputs.first().cloned().unwrap_or_default();
    let folder = if first.is_dir() { first } else { PathBuf::new() };
    let path = command.output.clone().unwrap_or_else(|| folder.join(FILE_NAME));
    let printed = path.as_os_str() == "-";
    if !printed && path.exists() && !command.force {
        bail!("{} is there already; change it by hand, or replace it with --force", path.display());
    }
    let result = command.inputs.result()?;
    let text = configuration(&result);
    if printed {
        console.print(&text);
        return Ok(0);
    }
    files::write_atomically(&path, text.as_bytes())?;
    console.say(&format!("{}: {}; try `unbraid check`\n", path.display(), counted(result.services.len(), "service")));
    Ok(0)
}

/// The file: what holds now is set, the rest is shown as a comment.
fn configuration(result: &RunResult) -> String {
    let mut out = String::from(
        "# What this team declares about its system. Everything is optional; `unbraid schema config` prints the schema.\n",
    );
    out.push_str(&format!("name: {}\n", quoted(&result.system)));
    out.push_str("\n# Paths that are not part of the system (globs, from each root).\n# exclude: ['experiments/**']\n");
    out.push_str("\n# The gate: `unbraid check`. What is not set is not asked.\ngate:\n");
    out.push_str("  # Only what a change adds fails; `any` takes what is there too.\n  fail_on: new\n");
    if let Some(score) = &result.score {
        out.push_str(&format!(
            "  # The score is {:.1} now ({}). The ratchet lets it fall and never rise; a limit holds for all time.\n",
            score.value,
            score.band.as_str()
        ));
        out.push_str("  ratchet: true\n");
        out.push_str(&format!("  # max_score: {}\n", score.value.ceil()));
        out.push_str(&format!("  # The longest synchronous chain has {} now.\n", counted(score.figures.depth, "hop")));
        out.push_str(&format!("  # max_depth: {}\n", score.figures.depth.max(1)));
        if let Some(coverage) = score.coverage.code.or(score.coverage.traces) {
            let floor = (coverage * 20.0 - 1.0).floor().max(0.0) / 20.0;
            out.push_str(&format!(
                "  # {:.0} % of the outbound calls are resolved now; below the floor the gate does not pass.\n",
                coverage * 100.0
            ));
            out.push_str(&format!("  min_coverage: {floor:.2}\n"));
        }
    }
    out.push_str("  # levels: {new-sync-edge: error, entity-service: off}\n");
    if let Some(term) = result.score.iter().flat_map(|s| &s.terms).find(|t| t.up > 0) {
        out.push_str(&format!("  # budgets: {{{}: {{needs: {}}}}}\n", quoted(&term.service), term.up));
    }
    out.push_str(
        "\n# Who may call whom.\n# architecture:\n#   - id: ui-through-gateway\n#     from: {roles: [ui]}\n#     deny: {roles: [service]}\n#     mode: sync\n#     reason: browsers talk to the gateway alone\n",
    );
    let published: Vec<String> =
        result.plan.iter().flat_map(|p| &p.steps).take(1).filter_map(|s| s.entity.as_deref().map(quoted)).collect();
    if !published.is_empty() {
        out.push_str("\n# Owners whose data is published as events: new reads of them are a step back.\n");
        out.push_str(&format!("# liberated: [{}]\n", published.join(", ")));
    }
    out.push_str("\n# Roles, owners and names where the inputs say too little. Found now:\n# services:\n");
    for service in result.services.iter().take(200) {
        out.push_str(&format!("#   {}: {{{}}}\n", quoted(&service.name), known(service)));
    }
    out.push_str("\n# Edges that no input shows.\n# edges:\n#   - {from: A, to: B, mode: sync, reason: WHY}\n");
    out
}

fn known(service: &Service) -> String {
    let mut parts = vec![format!("role: {}", service.kind.as_str())];
    parts.extend(service.owners.first().map(|o| format!("owner: {}", quoted(o))));
    if !service.aliases.is_empty() {
        let all: Vec<String> = service.aliases.iter().take(5).map(|a| quoted(a)).collect();
        parts.push(format!("aliases: [{}]", all.join(", ")));
    }
    parts.join(", ")
}

/// A name as YAML: plain where it is a plain word, else as JSON, which YAML reads; never more than a line.
fn quoted(text: &str) -> String {
    let plain = text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
        && !["true", "false", "null", "yes", "no", "on", "off", "y", "n"].contains(&text.to_lowercase().as_str());
    if plain { text.to_owned() } else { serde_json::Value::from(text).to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stay_names() {
        assert_eq!(quoted("orders-api"), "orders-api");
        assert_eq!(quoted("no"), "\"no\"");
        assert_eq!(quoted("7\n# x: {"), "\"7\\n# x: {\"");
    }
}
