//! The inputs that commands share: paths, configuration, rules.

use std::path::PathBuf;

use clap::Args;

use unbraid::{Request, error::Error};

#[derive(Debug, Args)]
pub struct Inputs {
    /// Folders and files: code, manifests, specifications, traces, saved facts
    #[arg(required = true, value_name = "PATH")]
    pub inputs: Vec<PathBuf>,
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
    /// Fail when anything could not be read
    #[arg(long)]
    pub strict: bool,
}

impl Inputs {
    /// What to read and how.
    pub fn request(&self) -> Request {
        let options = &self.options;
        Request {
            inputs: self.inputs.clone(),
            config: options.config.clone(),
            rules: options.rules.clone(),
            profiles: options.profiles.clone(),
        }
    }

    /// Reads everything.
    pub fn read(&self) -> Result<unbraid::Reading, Error> {
        unbraid::read(&self.request())
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
        self.inputs.iter().map(|i| i.display().to_string()).collect::<Vec<_>>().join(", ")
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
