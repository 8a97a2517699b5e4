//! `unbraid check`: judges a system, for pipelines.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;

use unbraid::config::GateConfig;
use unbraid::report::text::summary;
use unbraid::{files, gate};

use super::console::Console;
use super::inputs::Inputs;

#[derive(Debug, Args)]
pub struct Check {
    #[command(flatten)]
    inputs: Inputs,
    /// Highest score that passes
    #[arg(long, value_name = "N")]
    max_score: Option<f64>,
    /// Lowest coverage that counts as enough evidence, 0 to 1
    #[arg(long, value_name = "SHARE")]
    min_coverage: Option<f64>,
    /// Write the result as JSON too
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

pub fn run(command: &Check, console: &Console) -> Result<u8> {
    let reading = command.inputs.read()?;
    let result = unbraid::analyze(&reading);
    command.inputs.strictly(&result)?;
    if let Some(path) = &command.json {
        files::write_atomically(path, &serde_json::to_vec_pretty(&result)?)?;
    }
    let declared = reading.config.gate.clone();
    let limits = GateConfig {
        max_score: command.max_score.or(declared.max_score),
        min_coverage: command.min_coverage.or(declared.min_coverage),
    };
    let outcome = gate::judge(&result, &limits);
    console.say(&summary(&result, console.style(), None));
    let word = match outcome.verdict {
        gate::Verdict::Pass => "pass",
        gate::Verdict::Fail => "gate failed",
        gate::Verdict::NotEnough => "not enough evidence",
    };
    let line = format!("{word}: {}", outcome.reasons.join("; "));
    match outcome.verdict {
        gate::Verdict::Pass => console.say(&format!("{line}\n")),
        _ => console.complain(&line),
    }
    Ok(outcome.verdict.code())
}
