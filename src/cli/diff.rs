//! `unbraid diff`: what changed between two results, or two revisions of a repository.

use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::Args;

use unbraid::{error::Error, files};

use super::console::Console;
use super::inputs::{Inputs, ReadOptions};

#[derive(Debug, Args)]
pub struct Diff {
    /// The older state: a graph.json, or a revision of the repository; OLD..NEW names both
    old: String,
    /// The newer state: a graph.json or a revision; the default is the checked-out commit
    new: Option<String>,
    /// What to read of the revisions: folders and files, with today's configuration on both sides
    #[arg(long = "in", value_name = "PATH", default_value = ".")]
    inputs: Vec<PathBuf>,
    /// Print JSON instead of Markdown
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    options: ReadOptions,
}

pub fn run(command: &Diff, console: &Console) -> Result<u8> {
    let (old, new) = sides(&command.old, command.new.as_deref());
    let diff = unbraid::diff::diff(&command.state(old)?, &command.state(new)?);
    let shown = if command.json { serde_json::to_string_pretty(&diff)? + "\n" } else { diff.to_string() };
    console.print(&shown);
    Ok(0)
}

/// `a..b`, `a b` or `a` alone, as git reads them; a file may be named with dots.
fn sides<'a>(old: &'a str, new: Option<&'a str>) -> (&'a str, &'a str) {
    match (new, old.split_once("..")) {
        (Some(new), _) => (old, new),
        (None, Some((from, to))) if !Path::new(old).is_file() => {
            let or_head = |side: &'a str| if side.is_empty() { "HEAD" } else { side };
            (or_head(from), or_head(to.trim_start_matches('.')))
        }
        (None, _) => (old, "HEAD"),
    }
}

impl Diff {
    /// A saved result if there is such a file, else what a revision gives.
    fn state(&self, given: &str) -> Result<unbraid::result::Result, Error> {
        let path = Path::new(given);
        if path.is_file() {
            return unbraid::result::Result::read(given, files::read_text(path)?.as_bytes());
        }
        let inputs = Inputs::of(self.inputs.clone(), &self.options);
        let result = unbraid::analyze_at(&inputs.request(), given)?;
        inputs.strictly(&result)?;
        Ok(result)
    }
}
