//! `unbraid rules`: lists the rules of client libraries and runs the examples in them.

use std::path::PathBuf;

use anyhow::Result;
use clap::{Args, Subcommand};

use unbraid::files;
use unbraid::rules::Rules;

use super::console::Console;

#[derive(Debug, Args)]
pub struct RulesCommand {
    #[command(subcommand)]
    command: RulesAction,
}

#[derive(Debug, Subcommand)]
enum RulesAction {
    /// List the rules that are built in
    List,
    /// Run the examples of rule files (`matches`, `ignores`); without a file, of the built-in ones
    Test {
        /// Rule files
        files: Vec<PathBuf>,
    },
}

pub fn run(command: &RulesCommand, console: &Console) -> Result<u8> {
    match &command.command {
        RulesAction::List => {
            let lines: Vec<String> =
                Rules::built_in()?.all.iter().map(|r| format!("{} {:?}\n", r.full_id, r.is)).collect();
            console.print(&lines.concat());
            Ok(0)
        }
        RulesAction::Test { files: paths } => {
            let mut rules = if paths.is_empty() { Rules::built_in()? } else { Rules::default() };
            for path in paths {
                rules.add(&path.display().to_string(), &files::read_text(path)?)?;
            }
            let failures = unbraid::ingest::examples::failures(&rules);
            for failure in &failures {
                console.complain(&failure.to_string());
            }
            console.print(&format!("{} rules, {} examples failed\n", rules.all.len(), failures.len()));
            Ok(u8::from(!failures.is_empty()))
        }
    }
}
