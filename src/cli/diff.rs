//! `unbraid diff`: what changed between two results.

use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::Args;

use unbraid::{error::Error, files};

use super::console::Console;

#[derive(Debug, Args)]
pub struct Diff {
    /// graph.json of the older state
    old: PathBuf,
    /// graph.json of the newer state
    new: PathBuf,
    /// Print JSON instead of Markdown
    #[arg(long)]
    json: bool,
}

pub fn run(command: &Diff, console: &Console) -> Result<u8> {
    let diff = unbraid::diff::diff(&read(&command.old)?, &read(&command.new)?);
    let shown = if command.json { serde_json::to_string_pretty(&diff)? + "\n" } else { diff.to_string() };
    console.print(&shown);
    Ok(0)
}

fn read(path: &Path) -> Result<unbraid::result::Result, Error> {
    unbraid::result::Result::read(&path.display().to_string(), files::read_text(path)?.as_bytes())
}
