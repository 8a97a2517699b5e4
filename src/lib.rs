//! unbraid: the service call graph of a system, its synchronous coupling, and the way to events.
//!
//! One flow, each arrow one call that takes a reference and returns a value:
//!
//! `inputs -> files::discover -> ingest::ingest -> graph::link -> analyze::analyze -> plan -> gate::judge ->
//! report::render -> files::write`
//!
//! - `model` holds the nouns, plain data that knows nothing of ours; `result` is everything a run found, as one type.
//! - `files` is the only owner of input and output; from `graph` on nothing touches the disk.
//! - `ingest` turns inputs into facts with names as written; languages, formats and manifests are one file each.
//! - `rules/` says as data what a client library's calls mean; no Rust knows a library.
//! - `graph` resolves names and addresses, each with the chain of evidence that led there.
//! - `analyze` scores, tests entities, finds smells, simulates; `plan` orders the steps; `gate` decides.
//! - `engines` asks what holds the spans (Spark, ClickHouse, other databases) for a partial graph: one more input.
//! - `receive`, behind the feature of its name, takes traces from the network into a file that is read as an input.
//! - `report` renders the one result as bytes. The library never prints or exits; the program does.

pub mod analyze;
pub mod check;
pub mod config;
pub mod diff;
pub mod engines;
pub mod error;
pub mod explain;
pub mod files;
pub mod gate;
pub mod graph;
pub mod ingest;
pub mod mcp;
pub mod model;
pub mod plan;
#[cfg(feature = "receive")]
pub mod receive;
pub mod report;
pub mod result;
pub mod rules;

use std::path::{Path, PathBuf};

use config::Config;
use error::Error;
use model::Facts;
use rules::Rules;

/// What to read and how.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// Folders and files; each folder is a root.
    pub inputs: Vec<PathBuf>,
    /// `unbraid.yaml`; if not given, the nearest one from the first input up to the top of its repository.
    pub config: Option<PathBuf>,
    /// Further rule files of the user.
    pub rules: Vec<PathBuf>,
    /// Profiles, compose overrides and values files that count, beside those of the configuration.
    pub profiles: Vec<String>,
    /// Read code of tests, generated, vendored and minified code, and code among documents too.
    pub all_code: bool,
    /// Bytes that spans may take in memory before they go to disk; 2 GiB if not given.
    pub memory: Option<u64>,
    /// What an engine gave, by its name: read like an input.
    pub answers: Vec<(String, engines::Answer)>,
    /// Is told how far reading traces is.
    pub progress: Option<OnProgress>,
}

/// What is told how far reading traces is.
#[derive(Clone)]
pub struct OnProgress(pub std::sync::Arc<dyn Fn(ingest::traces::Progress) + Send + Sync>);

impl std::fmt::Debug for OnProgress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("OnProgress")
    }
}

/// What reading gave: everything that linking needs.
#[derive(Debug)]
pub struct Reading {
    /// Name of the system: from the configuration, else of the first input.
    pub system: String,
    /// The configuration.
    pub config: Config,
    /// Built-in rules and the user's.
    pub rules: Rules,
    /// All facts, sorted.
    pub facts: Facts,
}

/// What a team declares, and where.
#[derive(Debug, Clone, Default)]
pub struct Declared {
    /// The configuration.
    pub config: Config,
    /// Its file; `None` = there is none.
    pub path: Option<PathBuf>,
    /// The folder that its paths are relative to.
    pub folder: PathBuf,
}

impl Declared {
    /// The file's name, for messages.
    #[must_use]
    pub fn name(&self) -> String {
        self.path.as_ref().map_or_else(|| config::FILE_NAME.to_owned(), |p| p.display().to_string())
    }
}

impl Reading {
    /// Reads texts in memory.
    ///
    /// # Errors
    /// A facts file that cannot be used.
    pub fn in_memory(sources: Vec<files::Source>, config: Config) -> Result<Self, Error> {
        let rules = Rules::built_in()?;
        let listing = files::Listing { sources, roots: vec![String::new()], ..files::Listing::default() };
        let facts = ingest::ingest(&listing, &rules, ingest::Options::default())?;
        let system = config.name.clone().unwrap_or_else(|| "system".to_owned());
        Ok(Self { system, config, rules, facts })
    }
}

/// Reads all inputs.
///
/// # Errors
/// A user's mistake: an input, configuration or rule file that cannot be used.
pub fn read(request: &Request) -> Result<Reading, Error> {
    read_with(request, &declared(request)?)
}

/// Reads partial graphs that were written by `unbraid fold`; `-` is standard input. `file` is the number of the file,
/// for evidence.
///
/// # Errors
/// A file that cannot be read, was cut off, or is of another version.
pub fn partial_graph(path: &Path, file: u32) -> Result<ingest::fold::PartialGraph, Error> {
    let text = if path == Path::new("-") {
        let fail = |reason: String| Error::Input { path: "standard input".to_owned(), reason };
        let bytes = files::Source::standard_input("")?.bytes().map_err(fail)?;
        String::from_utf8_lossy(&bytes).into_owned()
    } else {
        files::read_text(path)?
    };
    ingest::fold::PartialGraph::from_text(&text, file)
        .map_err(|reason| Error::Saved { path: path.display().to_string(), reason })
}

/// Reads all inputs by a configuration that is read already.
///
/// # Errors
/// A user's mistake: an input or rule file that cannot be used.
pub fn read_with(request: &Request, declared: &Declared) -> Result<Reading, Error> {
    read_listing(request, declared, files::discover)
}

/// Reads the inputs as they were at a base.
///
/// # Errors
/// A user's mistake: an input or rule file that cannot be used.
pub fn read_at(request: &Request, declared: &Declared, base: &files::Base) -> Result<Reading, Error> {
    read_listing(request, declared, |roots, options| base.discover(roots, options))
}

/// The result of the inputs as a revision has them, by today's configuration.
///
/// # Errors
/// A user's mistake: no such revision, an input or rule file that cannot be used.
pub fn analyze_at(request: &Request, revision: &str) -> Result<result::Result, Error> {
    let inside = request.inputs.first().cloned().unwrap_or_default();
    let state = files::Base::at(&inside, revision)?;
    Ok(analyze(&read_at(request, &declared(request)?, &state)?))
}

fn read_listing(
    request: &Request,
    declared: &Declared,
    discover: impl Fn(&[PathBuf], &files::Options) -> Result<files::Listing, Error>,
) -> Result<Reading, Error> {
    let mut config = declared.config.clone();
    config.profiles.extend(request.profiles.iter().cloned());
    let mut listing = discover(&request.inputs, &files::Options { exclude: config.exclude.clone() })?;
    let own = !config.rules.is_empty() || !request.rules.is_empty();
    let rules = match own || !ingest::is_traces_alone(&listing, &config.traces.columns) {
        true => all_rules(request, &config, &declared.folder)?,
        false => Rules::default(),
    };
    for (name, answer) in &request.answers {
        listing.sources.push(files::Source::in_memory(name, answer.graph.to_text()));
        listing.notes.extend(answer.notes.iter().map(|text| model::Note::new(name, text)));
    }
    let traces = ingest::traces::Options {
        memory: request.memory,
        columns: Some(&config.traces.columns),
        progress: request.progress.as_ref().map(|p| &*p.0 as &(dyn Fn(ingest::traces::Progress) + Sync)),
    };
    let mut facts = ingest::ingest(&listing, &rules, ingest::Options { traces, all_code: request.all_code })?;
    // The same history on both sides of a comparison: it is not what a change changes.
    if !config.history.off {
        let logs = files::histories(&request.inputs, &listing.roots, config.history.enclosing);
        if !logs.is_empty() {
            facts.append(Facts { history: Some(ingest::history::read(&logs, &config.history)), ..Facts::default() });
        }
    }
    Ok(Reading { system: system_name(request, &config), config, rules, facts })
}

/// Everything that follows from a reading.
#[must_use]
pub fn analyze(reading: &Reading) -> result::Result {
    analyze_with(reading, &plan::options::Options::default())
}

/// Everything that follows from a reading, with a plan to the user's liking.
#[must_use]
pub fn analyze_with(reading: &Reading, options: &plan::options::Options) -> result::Result {
    let graph = graph::link::link(&reading.facts, &reading.config, &reading.rules);
    let analysis = analyze::analyze(graph, &reading.config);
    let plan = plan::plan(&analysis, options);
    result::Result::of(&reading.system, analysis, plan)
}

/// The files of a plan, with `plan.json` as a value; an earlier one is looked at again.
#[must_use]
pub fn plan_files(
    result: &result::Result,
    options: &plan::options::Options,
    liberated: &[String],
    previous: Option<&plan::document::PlanFile>,
) -> (plan::document::PlanFile, Vec<plan::artefacts::File>) {
    use plan::document::{PlanFile, SCHEMA, earlier, render};
    let score = result.score.as_ref();
    let nothing = || model::Plan {
        verdict: model::Verdict::DoNotMigrate,
        because: "no service was found".to_owned(),
        steps: Vec::new(),
        floor: 0.0,
        residue: Vec::new(),
        proposals: Vec::new(),
        search: String::new(),
        order: String::new(),
        other_order: Vec::new(),
        not_tried: 0,
        cycles: Vec::new(),
    };
    let plan = result.plan.clone().unwrap_or_else(nothing);
    let (mut files, checked) = plan::files(&result.system, &plan, &result.services, options);
    let now = score.map(|s| s.value);
    let file = PlanFile {
        schema: SCHEMA.to_owned(),
        generated: plan::write::MARK.to_owned(),
        system: result.system.clone(),
        score: now,
        interval: score.map(|s| s.interval),
        coverage: score.map(|s| s.coverage),
        options: options.clone(),
        earlier: previous.map(|p| earlier(p, &result.dependencies, liberated, now)).unwrap_or_default(),
        files: checked,
        plan,
    };
    let json = serde_json::to_string_pretty(&file).expect("a plan has only text keys") + "\n";
    files.push(plan::artefacts::File { path: "plan.json".to_owned(), text: json });
    files.push(plan::artefacts::File { path: "plan.md".to_owned(), text: render(&file) });
    files.sort_by(|a, b| a.path.cmp(&b.path));
    (file, files)
}

/// What the team declares: in the file that was named, else in the nearest `unbraid.yaml` from the first input up
/// to the top of its repository.
///
/// # Errors
/// A configuration that cannot be used.
pub fn declared(request: &Request) -> Result<Declared, Error> {
    let here = [PathBuf::from(".")];
    // An engine alone: what is declared is where the user stands.
    let first = if request.inputs.is_empty() { here.first() } else { request.inputs.first() };
    let found = request.config.clone().or_else(|| files::find_upwards(first?, config::FILE_NAME));
    let Some(path) = found else {
        let folder = first.filter(|f| f.is_dir()).cloned().unwrap_or_default();
        return Ok(Declared { folder, ..Declared::default() });
    };
    let text = files::read_text(&path)?;
    let folder = path.parent().map(Path::to_path_buf).unwrap_or_default();
    Ok(Declared { config: Config::parse(&path.display().to_string(), &text)?, path: Some(path), folder })
}

/// Built-in rules first, then the user's, by the same door.
fn all_rules(request: &Request, config: &Config, folder: &Path) -> Result<Rules, Error> {
    let mut rules = Rules::built_in()?;
    let declared = config.rules.iter().map(|r| folder.join(r));
    for path in declared.chain(request.rules.iter().cloned()) {
        let text = files::read_text(&path)?;
        rules.add(&path.display().to_string(), &text)?;
    }
    Ok(rules)
}

fn system_name(request: &Request, config: &Config) -> String {
    let from_input = || {
        let first = request.inputs.first()?;
        let full = files::absolute(first);
        let name = if full.is_file() { full.file_stem() } else { full.file_name() };
        name.map(|n| n.to_string_lossy().into_owned())
    };
    config.name.clone().or_else(from_input).unwrap_or_else(|| "system".to_owned())
}
