//! `unbraid analyze`: reads a system, writes its reports, prints the summary.

use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::Args;

use unbraid::report::text::summary;
use unbraid::{files, gate};

use super::console::Console;
use super::inputs::Inputs;
use super::output::{self, Output};

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  unbraid analyze path/to/system
  unbraid analyze code manifests traces.jsonl -o out -o md=summary.md
  unbraid analyze orders --facts-out orders.json && unbraid analyze orders.json carts.json")]
pub struct Analyze {
    #[command(flatten)]
    inputs: Inputs,
    /// Where to write: a folder for everything, or single files in the format that FORMAT or their name says
    /// (report.html, graph.json, md=FILE); may be given several times. The default is reports/NAME
    #[arg(short, long, value_name = "[FORMAT=]PATH", value_parser = output::for_report)]
    output: Vec<Output>,
    /// Write the facts too, to be linked with those of other repositories
    #[arg(long, value_name = "FILE")]
    facts_out: Option<PathBuf>,
}

pub fn run(command: &Analyze, console: &Console) -> Result<u8> {
    console.stage(&format!("reading {}", command.inputs.names()));
    let reading = command.inputs.read_watched(console)?;
    report(&reading, &command.inputs, command.facts_out.as_deref(), &command.output, console)
}

/// Writes what follows from a reading, and says it in short.
pub fn report(
    reading: &unbraid::Reading,
    inputs: &Inputs,
    facts_out: Option<&Path>,
    outputs: &[Output],
    console: &Console,
) -> Result<u8> {
    if let Some(path) = facts_out {
        let mut text = serde_json::to_vec_pretty(&reading.facts)?;
        text.push(b'\n');
        files::write_atomically(path, &text)?;
    }
    console.stage("linking and scoring");
    let result = unbraid::analyze(reading);
    console.notes(&result);
    inputs.strictly(&result)?;
    let mut outputs = outputs.to_vec();
    if outputs.is_empty() {
        outputs.push(Output { format: None, path: Path::new("reports").join(file_name(&result.system)) });
    }
    console.stage("writing");
    output::write_reports(&outputs, &result)?;
    console.clear();
    // What goes to standard output is not mixed with the summary.
    if !outputs.iter().any(Output::is_standard_output) {
        console.say(&summary(&result, console.style(), Some(&place(&outputs[0]))));
    }
    // A run that found nothing is not a good result.
    match gate::not_enough(&result, None) {
        Some(reason) => {
            console.complain(&reason);
            Ok(gate::Verdict::NotEnough.code())
        }
        None => Ok(gate::Verdict::Pass.code()),
    }
}

/// What to open first.
fn place(output: &Output) -> String {
    let path = if output.format.is_none() { output.path.join("report.html") } else { output.path.clone() };
    path.display().to_string()
}

/// A system's name as the name of a folder.
pub fn file_name(system: &str) -> String {
    let name: String =
        system.chars().map(|c| if c.is_alphanumeric() || matches!(c, '-' | '_' | '.') { c } else { '-' }).collect();
    if name.trim_matches('.').is_empty() { "system".to_owned() } else { name }
}
