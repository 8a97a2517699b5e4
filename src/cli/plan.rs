//! `unbraid plan`: the plan with the files that carry it out.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use clap::{Args, ValueEnum};

use unbraid::model::counted;
use unbraid::plan::artefacts::File;
use unbraid::plan::document::{PlanFile, SCHEMA};
use unbraid::plan::options::{Options, Order, Platform, SchemaKind};
use unbraid::plan::verify::{Checked, verify};
use unbraid::plan::write::MARK;
use unbraid::{files, gate};

use super::console::Console;
use super::inputs::Inputs;

#[derive(Debug, Args)]
pub struct PlanCommand {
    #[command(flatten)]
    inputs: Inputs,
    /// Output folder; the default is reports/NAME/plan
    #[arg(short, long, value_name = "FOLDER")]
    output: Option<PathBuf>,
    /// Write into a folder that holds something already; files that unbraid did not write stay untouched
    #[arg(long)]
    force: bool,
    /// Check every file; a folder with a plan in it, given as PATH, is checked as it stands
    #[arg(long)]
    verify: bool,
    /// Steps at most
    #[arg(long, value_name = "N", default_value_t = unbraid::plan::STEPS)]
    steps: usize,
    /// Leave computed views with their owners
    #[arg(long)]
    no_views: bool,
    /// What comes first
    #[arg(long, value_enum, default_value_t = OrderName::Value)]
    order: OrderName,
    /// Only this owner's step
    #[arg(long, value_name = "SERVICE")]
    only: Option<String>,
    /// Platform that the files are for
    #[arg(long, value_enum, default_value_t = PlatformName::Kafka)]
    platform: PlatformName,
    /// Kind of schema
    #[arg(long, value_enum, default_value_t = SchemaName::Avro)]
    schema: SchemaName,
    /// Highest rate of changes of one entity, a second: gives the number of partitions
    #[arg(long, value_name = "RATE")]
    peak: Option<f64>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum OrderName {
    /// The largest gains early
    Value,
    /// The largest gain per point first
    Ratio,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum PlatformName {
    /// Commands of Apache Kafka, Connect over REST
    Kafka,
    /// Names of Confluent Platform
    Confluent,
    /// Strimzi custom resources
    Strimzi,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum SchemaName {
    /// Avro
    Avro,
    /// JSON Schema
    Json,
    /// Protocol Buffers
    Protobuf,
}

impl PlanCommand {
    fn options(&self) -> Result<Options> {
        if self.peak.is_some_and(|p| !p.is_finite() || p < 0.0) {
            bail!("--peak must be a rate of 0 or more");
        }
        Ok(Options {
            steps: self.steps,
            views: !self.no_views,
            order: match self.order {
                OrderName::Value => Order::Value,
                OrderName::Ratio => Order::Ratio,
            },
            only: self.only.clone(),
            platform: match self.platform {
                PlatformName::Kafka => Platform::Kafka,
                PlatformName::Confluent => Platform::Confluent,
                PlatformName::Strimzi => Platform::Strimzi,
            },
            schema: match self.schema {
                SchemaName::Avro => SchemaKind::Avro,
                SchemaName::Json => SchemaKind::Json,
                SchemaName::Protobuf => SchemaKind::Protobuf,
            },
            peak: self.peak,
        })
    }
}

pub fn run(command: &PlanCommand, console: &Console) -> Result<u8> {
    let first = command.inputs.inputs.first().map(PathBuf::as_path).unwrap_or(Path::new("."));
    if command.verify && earlier(first).is_some() {
        return check_folder(first, console);
    }
    let options = command.options()?;
    let reading = command.inputs.read()?;
    let result = unbraid::analyze_with(&reading, &options);
    command.inputs.strictly(&result)?;
    if let Some(reason) = gate::not_enough(&result, None) {
        console.complain(&reason);
        return Ok(gate::Verdict::NotEnough.code());
    }
    if let Some(only) = &options.only
        && !result.services.iter().any(|s| s.name == *only)
    {
        bail!("--only {only}: there is no such service");
    }
    let folder = command
        .output
        .clone()
        .unwrap_or_else(|| Path::new("reports").join(super::analyze::file_name(&result.system)).join("plan"));
    let previous = earlier(&folder);
    if !command.force && previous.is_none() && folder.read_dir().is_ok_and(|mut entries| entries.next().is_some()) {
        bail!("{} holds something that is no plan; choose another folder or say --force", folder.display());
    }
    if !command.force && previous.is_some() {
        bail!("{} holds a plan already; --force writes it again, and says what became of its steps", folder.display());
    }
    let (file, files) = unbraid::plan_files(&result, &options, &reading.config.liberated, previous.as_ref());
    for written in &files {
        own_or_absent(&folder.join(&written.path), previous.as_ref(), &written.path)?;
    }
    remove_old(&folder, previous.as_ref(), &files)?;
    let bytes: Vec<(String, Vec<u8>)> = files.into_iter().map(|f| (f.path, f.text.into_bytes())).collect();
    files::write_all(&folder, &bytes)?;
    let plan = &file.plan;
    let mut text = format!("{}: {}\n", plan.verdict.as_str(), plan.because);
    for (at, step) in plan.steps.iter().enumerate() {
        let ready = if step.design.as_ref().is_some_and(|d| d.ready) { "ready" } else { "not ready" };
        text.push_str(&format!(
            "{:>3}. {} {:.2} -> {:.2}, {ready}\n",
            at + 1,
            step.entity.clone().unwrap_or_default(),
            step.score_before,
            step.score_after
        ));
    }
    text.push_str(&format!("{}\n", folder.join("plan.md").display()));
    console.say(&text);
    Ok(if command.verify { report(&file.files, console) } else { 0 })
}

/// The plan in a folder, if there is one of ours.
fn earlier(folder: &Path) -> Option<PlanFile> {
    let text = files::read_text(&folder.join("plan.json")).ok()?;
    serde_json::from_str::<PlanFile>(&text).ok().filter(|p| p.schema == SCHEMA)
}

/// A file that is there already must be ours: listed by the plan that is there, or marked.
fn own_or_absent(path: &Path, previous: Option<&PlanFile>, name: &str) -> Result<()> {
    if !path.exists() || previous.is_some_and(|p| p.files.iter().any(|f| f.path == name)) {
        return Ok(());
    }
    let ours = files::read_text(path).is_ok_and(|t| t.contains(MARK));
    if !ours {
        bail!("{} was not written by unbraid and stays as it is; move it away", path.display());
    }
    Ok(())
}

/// Files of the plan before that this one no longer has.
fn remove_old(folder: &Path, previous: Option<&PlanFile>, files: &[File]) -> Result<()> {
    let old = previous.map(|p| p.files.as_slice()).unwrap_or_default();
    for gone in old.iter().filter(|o| !files.iter().any(|f| f.path == o.path)) {
        files::remove_inside(folder, &gone.path)?;
    }
    Ok(())
}

/// Checks a folder as it stands: what the plan lists must be there and be well.
fn check_folder(folder: &Path, console: &Console) -> Result<u8> {
    let plan = earlier(folder).unwrap_or_else(|| unreachable!("asked before"));
    let mut found = Vec::new();
    let mut missing = 0;
    for listed in &plan.files {
        match files::read_text(&folder.join(&listed.path)) {
            Ok(text) => found.push(File { path: listed.path.clone(), text }),
            Err(error) => {
                missing += 1;
                console.complain(&format!("{error}"));
            }
        }
    }
    let code = report(&verify(&found), console);
    Ok(if missing > 0 { 1 } else { code })
}

fn report(checked: &[Checked], console: &Console) -> u8 {
    let bad: Vec<&Checked> = checked.iter().filter(|c| !c.problems.is_empty()).collect();
    for file in &bad {
        for problem in &file.problems {
            console.complain(&format!("{}: {problem}", file.path));
        }
    }
    let unchecked = checked.iter().filter(|c| c.by.is_empty()).count();
    console.say(&format!(
        "{} checked, {} bad, {unchecked} that only people can check\n",
        counted(checked.len() - unchecked, "file"),
        bad.len()
    ));
    u8::from(!bad.is_empty())
}
