//! `unbraid analyze`: reads a system, writes its reports, prints the summary.

use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::Args;

use unbraid::config::GateConfig;
use unbraid::report::text::summary;
use unbraid::{files, gate, report};

use super::console::Console;
use super::inputs::Inputs;

#[derive(Debug, Args)]
pub struct Analyze {
    #[command(flatten)]
    inputs: Inputs,
    /// Output folder; the default is reports/NAME
    #[arg(short, long, value_name = "FOLDER")]
    output: Option<PathBuf>,
    /// Write the facts too, to be linked with those of other repositories
    #[arg(long, value_name = "FILE")]
    facts_out: Option<PathBuf>,
}

pub fn run(command: &Analyze, console: &Console) -> Result<u8> {
    let reading = command.inputs.read()?;
    if let Some(path) = &command.facts_out {
        let mut text = serde_json::to_vec_pretty(&reading.facts)?;
        text.push(b'\n');
        files::write_atomically(path, &text)?;
    }
    let result = unbraid::analyze(&reading);
    command.inputs.strictly(&result)?;
    let folder = command.output.clone().unwrap_or_else(|| Path::new("reports").join(file_name(&result.system)));
    files::write_all(&folder, &report::render(&result))?;
    let place = folder.join("report.html").display().to_string();
    console.say(&summary(&result, console.style(), Some(&place)));
    // A run that found nothing is not a good result.
    let outcome = gate::judge(&result, &GateConfig::default());
    if outcome.verdict != gate::Verdict::Pass {
        console.complain(&outcome.reasons.join("\n"));
    }
    Ok(outcome.verdict.code())
}

/// A system's name as the name of a folder.
fn file_name(system: &str) -> String {
    let name: String =
        system.chars().map(|c| if c.is_alphanumeric() || matches!(c, '-' | '_' | '.') { c } else { '-' }).collect();
    if name.trim_matches('.').is_empty() { "system".to_owned() } else { name }
}
