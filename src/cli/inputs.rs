//! The inputs that commands share: paths, configuration, rules.

use std::path::PathBuf;

use clap::Args;

use unbraid::{Request, error::Error};

use super::console::Console;
use super::engine::EngineOptions;
use super::progress::ProgressLine;

#[derive(Debug, Args)]
pub struct Inputs {
    /// Folders and files: code, manifests, specifications, traces, saved facts; `-` is standard input
    #[arg(required_unless_present = "engine", value_name = "PATH")]
    pub inputs: Vec<PathBuf>,
    #[command(flatten)]
    pub engine: EngineOptions,
    #[command(flatten)]
    pub options: ReadOptions,
}

#[derive(Debug, Clone, Args)]
pub struct ReadOptions {
    /// Configuration; the default is the nearest unbraid.yaml from the first folder up to the top of its repository
    #[arg(long, value_name = "FILE", env = "UNBRAID_CONFIG")]
    pub config: Option<PathBuf>,
    /// Further rule files
    #[arg(long = "rules", value_name = "FILE")]
    pub rules: Vec<PathBuf>,
    /// The profile that runs (Spring profile, compose override, values file); may be given several times
    #[arg(long = "profile", value_name = "NAME")]
    pub profiles: Vec<String>,
    /// Read test, generated, vendored and minified code and code among documents too
    #[arg(long)]
    pub all_code: bool,
    /// Memory for spans (like 500M or 2G); beyond it they go to the folder for temporary files
    #[arg(long, value_name = "SIZE", value_parser = size, default_value = "2G")]
    pub memory: u64,
    /// Fail when anything could not be read
    #[arg(long)]
    pub strict: bool,
}

/// A size in bytes, with K, M, G or T for powers of 1024.
pub fn size(text: &str) -> Result<u64, String> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let shift = match text[digits.len()..].to_ascii_uppercase().as_str() {
        "" | "B" => 0,
        "K" | "KB" | "KIB" => 10,
        "M" | "MB" | "MIB" => 20,
        "G" | "GB" | "GIB" => 30,
        "T" | "TB" | "TIB" => 40,
        unit => return Err(format!("`{unit}` is no unit; write K, M, G or T")),
    };
    let number: f64 = digits.parse().map_err(|_| "write a number and a unit, like 500M or 2G".to_owned())?;
    let bytes = number * (1u64 << shift) as f64;
    if (1e6..1e18).contains(&bytes) { Ok(bytes as u64) } else { Err("at least 1M".to_owned()) }
}

impl Inputs {
    /// Paths alone, without an engine.
    pub fn of(inputs: Vec<PathBuf>, options: &ReadOptions) -> Self {
        Self { inputs, engine: EngineOptions::default(), options: options.clone() }
    }

    /// What to read and how.
    pub fn request(&self) -> Request {
        let options = &self.options;
        Request {
            inputs: self.inputs.clone(),
            config: options.config.clone(),
            rules: options.rules.clone(),
            profiles: options.profiles.clone(),
            all_code: options.all_code,
            memory: Some(options.memory),
            ..Request::default()
        }
    }

    /// Reads everything.
    pub fn read(&self) -> Result<unbraid::Reading, Error> {
        self.read_by(self.request(), &|_| {})
    }

    /// Reads the inputs, and what the engine holds.
    fn read_by(&self, request: Request, tell: &dyn Fn(&str)) -> Result<unbraid::Reading, Error> {
        let declared = unbraid::declared(&request)?;
        let answers = self.engine.ask(&declared.config, self.options.memory, tell)?;
        unbraid::read_with(&Request { answers, ..request }, &declared)
    }

    /// Reads everything; on a terminal it tells how far reading traces is.
    pub fn read_watched(&self, console: &Console) -> Result<unbraid::Reading, Error> {
        let bar = console.progress();
        let request = Request { progress: bar.as_ref().map(ProgressLine::hook), ..self.request() };
        self.read_by(request, &|text| console.tell(text))
    }

    /// The result: read from a saved graph.json if that is all that was given, else from the inputs.
    pub fn result(&self) -> Result<unbraid::result::Result, Error> {
        if let [only] = self.inputs.as_slice()
            && only.extension().is_some_and(|e| e.eq_ignore_ascii_case("json"))
            && only.is_file()
        {
            let text = unbraid::files::read_text(only)?;
            if text.get(..200.min(text.len())).is_some_and(|head| head.contains("\"unbraid-result/")) {
                return unbraid::result::Result::read(&only.display().to_string(), text.as_bytes());
            }
        }
        let result = unbraid::analyze(&self.read()?);
        self.strictly(&result)?;
        Ok(result)
    }

    /// The inputs in words.
    pub fn names(&self) -> String {
        let engine = self.engine.name();
        let paths = self.inputs.iter().map(|i| i.display().to_string());
        paths.chain(engine).collect::<Vec<_>>().join(", ")
    }

    /// Notes are fatal under `--strict`.
    pub fn strictly(&self, result: &unbraid::result::Result) -> Result<(), Error> {
        match result.notes.first().filter(|_| self.options.strict) {
            Some(first) => {
                Err(Error::Strict { count: result.notes.len(), first: format!("{}: {}", first.place, first.text) })
            }
            None => Ok(()),
        }
    }
}
