//! `unbraid schema`: the JSON schema of a file that unbraid reads or writes.

use anyhow::Result;
use clap::{Args, ValueEnum};

use super::console::Console;

#[derive(Debug, Args)]
pub struct Schema {
    /// Which file
    #[arg(value_enum)]
    file: SchemaFile,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum SchemaFile {
    /// What `check -o json=FILE` writes
    Check,
    /// unbraid-baseline.json
    Baseline,
    /// graph.json
    Result,
    /// What --facts-out writes
    Facts,
    /// unbraid.yaml
    Config,
    /// A rule file
    Rule,
    /// What `diff --json` prints
    Diff,
}

pub fn run(command: &Schema, console: &Console) -> Result<u8> {
    let schema = match command.file {
        SchemaFile::Result => schemars::schema_for!(unbraid::result::Result),
        SchemaFile::Facts => schemars::schema_for!(unbraid::model::Facts),
        SchemaFile::Config => schemars::schema_for!(unbraid::config::Config),
        SchemaFile::Check => schemars::schema_for!(unbraid::gate::Outcome),
        SchemaFile::Baseline => schemars::schema_for!(unbraid::gate::Baseline),
        SchemaFile::Rule => schemars::schema_for!(unbraid::rules::RuleFile),
        SchemaFile::Diff => schemars::schema_for!(unbraid::diff::Diff),
    };
    console.print(&format!("{}\n", serde_json::to_string_pretty(&schema)?));
    Ok(0)
}
