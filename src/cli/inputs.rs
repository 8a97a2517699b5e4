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

#[derive(Debug, Args)]
pub struct ReadOptions {
    /// Configuration; the default is unbraid.yaml in the first folder
    #[arg(long, value_name = "FILE", env = "UNBRAID_CONFIG")]
    pub config: Option<PathBuf>,
    /// Further rule files
    #[arg(long = "rules", value_name = "FILE")]
    pub rules: Vec<PathBuf>,
    /// Fail when anything could not be read
    #[arg(long)]
    pub strict: bool,
}

impl Inputs {
    /// What to read and how.
    pub fn request(&self) -> Request {
        let options = &self.options;
        Request { inputs: self.inputs.clone(), config: options.config.clone(), rules: options.rules.clone() }
    }

    /// Reads everything.
    pub fn read(&self) -> Result<unbraid::Reading, Error> {
        unbraid::read(&self.request())
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
