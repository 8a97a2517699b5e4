//! The few reasons why a run cannot happen: a user's mistake, said once and clearly.
//!
//! Unreadable input is not an error but a note; a bug panics.

use thiserror::Error;

/// Why a run cannot happen. Each text says what, where, and what to do.
#[derive(Debug, Error)]
pub enum Error {
    /// A path that was given does not exist or cannot be read.
    #[error("cannot read {path}: {reason}; give a folder or file that exists and is readable")]
    Input {
        /// The path as given.
        path: String,
        /// What the system says.
        reason: String,
    },
    /// `unbraid.yaml` is wrong.
    #[error("{}: {reason}", place(path, *line))]
    Config {
        /// The configuration file.
        path: String,
        /// Line, from 1; 0 if not known.
        line: usize,
        /// What is wrong and what to do.
        reason: String,
    },
    /// A rule file is wrong.
    #[error("{}: {reason}", place(path, *line))]
    Rule {
        /// The rule file.
        path: String,
        /// Line, from 1; 0 if not known.
        line: usize,
        /// What is wrong and what to do.
        reason: String,
    },
    /// An output file cannot be written.
    #[error("cannot write {path}: {reason}; choose another place with -o")]
    Output {
        /// The path.
        path: String,
        /// What the system says.
        reason: String,
    },
    /// A saved result or facts file cannot be used.
    #[error("{path}: {reason}")]
    Saved {
        /// The file.
        path: String,
        /// What is wrong and what to do.
        reason: String,
    },
    /// The revision to compare with cannot be used.
    #[error("--base {revision}: {reason}")]
    Base {
        /// The revision as given.
        revision: String,
        /// What is wrong and what to do.
        reason: String,
    },
    /// The folder of a receiver's state cannot be used.
    #[error("state folder {path}: {reason}")]
    State {
        /// The folder.
        path: String,
        /// What is wrong and what to do.
        reason: String,
    },
    /// A receiver cannot run.
    #[error("{what}: {reason}")]
    Receive {
        /// What of it.
        what: String,
        /// What is wrong and what to do.
        reason: String,
    },
    /// What to compare is neither a saved result nor a revision.
    #[error("{revision}: {reason}")]
    Revision {
        /// What was given.
        revision: String,
        /// What is wrong and what to do.
        reason: String,
    },
    /// An engine cannot be used, or did not answer as it has to.
    #[error("{engine}: {reason}")]
    Engine {
        /// The engine, without credentials.
        engine: String,
        /// What is wrong and what to do.
        reason: String,
    },
    /// Notes under `--strict`.
    #[error("--strict: {}, the first: {first}", crate::model::counted(.count, "note"))]
    Strict {
        /// How many.
        count: usize,
        /// The first one.
        first: String,
    },
}

/// `path:line`, or the path alone where the line is not known.
fn place(path: &str, line: usize) -> String {
    if line == 0 { path.to_owned() } else { format!("{path}:{line}") }
}
