//! Arguments, and one short file per command. Belongs to the program: the library never prints or exits.
//!
//! To add a command: a file in `cli/` with its `Args` type and `run`, a variant here, an arm in [`run`].

mod analyze;
mod baseline;
mod check;
mod console;
mod diff;
mod engine;
mod explain;
mod fold;
mod help;
mod init;
mod inputs;
mod mcp;
mod merge;
mod output;
mod plan;
mod progress;
mod receive;
mod render;
mod rules;
mod schema;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use console::{Console, GlobalOptions};

/// Could not run: usage, configuration, unreadable input.
const COULD_NOT_RUN: u8 = 2;

#[derive(Debug, Parser)]
#[command(name = "unbraid", version, about, long_about = None, propagate_version = true)]
#[command(after_help = "Examples:
  unbraid analyze path/to/system
  unbraid check . --base origin/main -o gate.sarif
  unbraid explain 'orders->payments' .

Exit codes: 0 pass, 1 the gate failed, 2 could not run, 3 not enough evidence.")]
struct Cli {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    global: GlobalOptions,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Read a system, write its reports, print the summary
    Analyze(analyze::Analyze),
    /// Judge a system, or what a change brings to it: for pipelines
    Check(check::Check),
    /// Write, prune or show what a team has accepted
    Baseline(baseline::BaselineCommand),
    /// Compare two results: score, edges, findings, what got better
    Diff(diff::Diff),
    /// Write a commented unbraid.yaml from what is found
    Init(init::Init),
    /// Say what a rule or smell is about, or what is known of a service or an edge
    Explain(explain::Explain),
    /// Write the plan with the files that carry it out: topics, connectors, schemas, SQL
    Plan(plan::PlanCommand),
    /// Write the reports of a saved result again, in any format
    Render(render::Render),
    /// Fold rows of spans from standard input into a partial graph
    Fold(fold::Fold),
    /// Merge partial graphs into what all their traces say
    Merge(merge::Merge),
    /// Receive traces by OTLP until it is stopped, then write the reports
    Receive(receive::Receive),
    /// Rules of client libraries
    Rules(rules::RulesCommand),
    /// Print the JSON schema of a file that unbraid reads or writes
    Schema(schema::Schema),
    /// Answer a coding agent by the Model Context Protocol
    Mcp(mcp::Mcp),
    /// Print the completions of a shell
    Completions(help::Completions),
    /// Print the manual page
    Man(help::Man),
}

/// Runs the program.
#[must_use]
pub fn run() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let code = if error.use_stderr() { COULD_NOT_RUN } else { 0 };
            // A closed pipe is no reason to complain.
            drop(error.print());
            return ExitCode::from(code);
        }
    };
    let console = Console::of(&cli.global);
    cli.global.set_threads();
    let code = match &cli.command {
        Command::Analyze(command) => analyze::run(command, &console),
        Command::Baseline(command) => baseline::run(command, &console),
        Command::Check(command) => check::run(command, &console),
        Command::Completions(command) => help::completions(command, &console),
        Command::Diff(command) => diff::run(command, &console),
        Command::Explain(command) => explain::run(command, &console),
        Command::Fold(command) => fold::run(command),
        Command::Merge(command) => merge::run(command, &console),
        Command::Plan(command) => plan::run(command, &console),
        Command::Receive(command) => receive::run(command, &console),
        Command::Render(command) => render::run(command, &console),
        Command::Init(command) => init::run(command, &console),
        Command::Man(command) => help::man(command, &console),
        Command::Mcp(command) => mcp::run(command, &console),
        Command::Rules(command) => rules::run(command, &console),
        Command::Schema(command) => schema::run(command, &console),
    };
    match code {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            console.complain(&format!("error: {}", one_line(&format!("{error:#}"))));
            ExitCode::from(COULD_NOT_RUN)
        }
    }
}

/// An error is one line, whatever a library put into it.
fn one_line(text: &str) -> String {
    text.split('\n').map(str::trim).filter(|l| !l.is_empty()).collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn arguments_fit_together() {
        super::Cli::command().debug_assert();
    }
}
