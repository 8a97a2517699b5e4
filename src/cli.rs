//! Arguments, and one short function per subcommand. Belongs to the program: the library never prints or exits.

use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, Parser, Subcommand, ValueEnum};

use unbraid::config::GateConfig;
use unbraid::report::text::{Style, summary};
use unbraid::{Request, error::Error, files, gate, report};

/// Could not run: usage, configuration, unreadable input.
const COULD_NOT_RUN: u8 = 2;

#[derive(Debug, Parser)]
#[command(name = "unbraid", version, about, long_about = None, propagate_version = true)]
#[command(after_help = "Exit codes: 0 pass, 1 the gate failed, 2 could not run, 3 not enough evidence.")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Read a system, write its reports, print the summary
    Analyze(Analyze),
    /// Judge a system by its score: for CI
    Check(Check),
    /// Say what a smell or a service is about
    Explain(Explain),
    /// Rules of client libraries
    Rules(RulesCommand),
    /// Print the JSON schema of a file that unbraid reads or writes
    Schema(Schema),
}

#[derive(Debug, Args)]
struct Inputs {
    /// Folders and files: code, manifests, specifications, traces, saved facts
    #[arg(required = true, value_name = "PATH")]
    inputs: Vec<PathBuf>,
    /// Configuration; the default is unbraid.yaml in the first folder
    #[arg(long, value_name = "FILE", env = "UNBRAID_CONFIG")]
    config: Option<PathBuf>,
    /// Further rule files
    #[arg(long = "rules", value_name = "FILE")]
    rules: Vec<PathBuf>,
    /// Fail when anything could not be read
    #[arg(long)]
    strict: bool,
    /// Colours on the terminal
    #[arg(long, value_enum, default_value_t = Color::Auto)]
    color: Color,
    /// Print nothing but errors
    #[arg(short, long)]
    quiet: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Color {
    /// On a terminal, unless NO_COLOR is set
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

#[derive(Debug, Args)]
struct Analyze {
    #[command(flatten)]
    inputs: Inputs,
    /// Output folder; the default is reports/NAME
    #[arg(short, long, value_name = "FOLDER")]
    output: Option<PathBuf>,
    /// Write the facts too, to be linked with those of other repositories
    #[arg(long, value_name = "FILE")]
    facts_out: Option<PathBuf>,
}

#[derive(Debug, Args)]
struct Check {
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

#[derive(Debug, Args)]
struct Explain {
    /// Id of a smell, or `smells` for the list
    smell: String,
}

#[derive(Debug, Args)]
struct RulesCommand {
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

#[derive(Debug, Args)]
struct Schema {
    /// Which file
    #[arg(value_enum)]
    file: SchemaFile,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum SchemaFile {
    /// graph.json
    Result,
    /// What --facts-out writes
    Facts,
    /// unbraid.yaml
    Config,
    /// A rule file
    Rule,
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
    let code = match cli.command {
        Command::Analyze(command) => analyze(&command),
        Command::Check(command) => check(&command),
        Command::Explain(command) => explain(&command),
        Command::Rules(command) => rules(&command.command),
        Command::Schema(command) => schema(command.file),
    };
    match code {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            say(&mut std::io::stderr(), &format!("error: {error:#}\n"));
            ExitCode::from(COULD_NOT_RUN)
        }
    }
}

/// Writes to a stream; a closed pipe ends quietly.
fn say(stream: &mut impl Write, text: &str) {
    drop(stream.write_all(text.as_bytes()).and_then(|()| stream.flush()));
}

impl Inputs {
    fn read(&self) -> Result<unbraid::Reading, Error> {
        let request = Request { inputs: self.inputs.clone(), config: self.config.clone(), rules: self.rules.clone() };
        unbraid::read(&request)
    }

    /// Notes are fatal under `--strict`.
    fn strictly(&self, result: &unbraid::result::Result) -> Result<(), Error> {
        match result.notes.first().filter(|_| self.strict) {
            Some(first) => {
                Err(Error::Strict { count: result.notes.len(), first: format!("{}: {}", first.place, first.text) })
            }
            None => Ok(()),
        }
    }

    fn style(&self) -> Style {
        let terminal = std::io::stdout().is_terminal();
        let wanted = std::env::var_os("CLICOLOR_FORCE").is_some_and(|v| v != "0");
        let color = match self.color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => wanted || terminal && std::env::var_os("NO_COLOR").is_none(),
        };
        let width = std::env::var("COLUMNS").ok().and_then(|c| c.parse().ok()).unwrap_or(80);
        Style { width, color }
    }
}

fn analyze(command: &Analyze) -> Result<u8> {
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
    if !command.inputs.quiet {
        say(&mut std::io::stdout(), &summary(&result, command.inputs.style(), Some(&place)));
    }
    // A run that found nothing is not a good result.
    let outcome = gate::judge(&result, &GateConfig::default());
    if outcome.verdict != gate::Verdict::Pass {
        say(&mut std::io::stderr(), &format!("{}\n", outcome.reasons.join("\n")));
    }
    Ok(outcome.verdict.code())
}

/// A system's name as the name of a folder.
fn file_name(system: &str) -> String {
    let name: String =
        system.chars().map(|c| if c.is_alphanumeric() || matches!(c, '-' | '_' | '.') { c } else { '-' }).collect();
    if name.trim_matches('.').is_empty() { "system".to_owned() } else { name }
}

fn check(command: &Check) -> Result<u8> {
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
    if !command.inputs.quiet {
        say(&mut std::io::stdout(), &summary(&result, command.inputs.style(), None));
    }
    let word = match outcome.verdict {
        gate::Verdict::Pass => "pass",
        gate::Verdict::Fail => "gate failed",
        gate::Verdict::NotEnough => "not enough evidence",
    };
    let line = format!("{word}: {}\n", outcome.reasons.join("; "));
    match outcome.verdict {
        gate::Verdict::Pass => say(&mut std::io::stdout(), &line),
        _ => say(&mut std::io::stderr(), &line),
    }
    Ok(outcome.verdict.code())
}

fn explain(command: &Explain) -> Result<u8> {
    use unbraid::analyze::smells::SMELLS;
    let ids: Vec<&str> = SMELLS.iter().map(|s| s.id).collect();
    if command.smell == "smells" {
        say(&mut std::io::stdout(), &format!("{}\n", ids.join("\n")));
        return Ok(0);
    }
    match SMELLS.iter().find(|s| s.id == command.smell) {
        Some(smell) => {
            say(&mut std::io::stdout(), smell.text);
            Ok(0)
        }
        None => anyhow::bail!("`{}` is no smell; there are: {}", command.smell, ids.join(", ")),
    }
}

fn rules(action: &RulesAction) -> Result<u8> {
    match action {
        RulesAction::List => {
            let rules = unbraid::rules::Rules::built_in()?;
            let lines: Vec<String> = rules.all.iter().map(|r| format!("{} {:?}\n", r.full_id, r.is)).collect();
            say(&mut std::io::stdout(), &lines.concat());
            Ok(0)
        }
        RulesAction::Test { files: paths } => {
            let mut rules =
                if paths.is_empty() { unbraid::rules::Rules::built_in()? } else { unbraid::rules::Rules::default() };
            for path in paths {
                rules.add(&path.display().to_string(), &files::read_text(path)?)?;
            }
            let failures = unbraid::ingest::examples::failures(&rules);
            for failure in &failures {
                say(&mut std::io::stderr(), &format!("{failure}\n"));
            }
            say(&mut std::io::stdout(), &format!("{} rules, {} examples failed\n", rules.all.len(), failures.len()));
            Ok(u8::from(!failures.is_empty()))
        }
    }
}

fn schema(file: SchemaFile) -> Result<u8> {
    let schema = match file {
        SchemaFile::Result => schemars::schema_for!(unbraid::result::Result),
        SchemaFile::Facts => schemars::schema_for!(unbraid::model::Facts),
        SchemaFile::Config => schemars::schema_for!(unbraid::config::Config),
        SchemaFile::Rule => schemars::schema_for!(unbraid::rules::RuleFile),
    };
    say(&mut std::io::stdout(), &format!("{}\n", serde_json::to_string_pretty(&schema)?));
    Ok(0)
}
