//! `unbraid merge`: partial graphs -> what all their traces say, or one partial graph.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;

use unbraid::files;
use unbraid::ingest::fold::PartialGraph;
use unbraid::model::facts::FACTS_SCHEMA;

use super::console::Console;

#[derive(Debug, Args)]
pub struct Merge {
    /// Files that `unbraid fold` wrote; `-` is standard input
    #[arg(required = true, value_name = "PARTIAL")]
    parts: Vec<PathBuf>,
    /// Where to write the facts that `unbraid analyze` reads; the default is standard output
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Write a partial graph that can be merged again
    #[arg(long)]
    partial: bool,
}

#[derive(serde::Serialize)]
struct Merged {
    schema: &'static str,
    traffic: unbraid::model::Traffic,
}

pub fn run(command: &Merge, console: &Console) -> Result<u8> {
    let names: Vec<String> = command.parts.iter().map(|p| p.display().to_string()).collect();
    let mut whole = PartialGraph::default();
    for (at, path) in command.parts.iter().enumerate() {
        console.stage(&format!("merging {}", names[at]));
        whole = whole.merge(unbraid::partial_graph(path, u32::try_from(at)?)?);
    }
    console.clear();
    let text = if command.partial {
        whole.to_text()
    } else {
        serde_json::to_string_pretty(&Merged { schema: FACTS_SCHEMA, traffic: whole.finish(&names) })? + "\n"
    };
    match &command.output {
        Some(path) => files::write_atomically(path, text.as_bytes())?,
        None => files::write_standard_output(text.as_bytes())?,
    }
    Ok(0)
}
