//! The history of a repository as text: one `git log` for each input that is the top of one.
//!
//! git runs as in `git`: nothing of the repository's configuration is run, nothing is fetched. What cannot be
//! measured is said with the command that helps.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use super::git::{git, repository_of};

/// Commits that are read at most, newest first.
const MOST_COMMITS: &str = "20000";
/// Bytes that are read at most (256 MiB: a hundred times the log of twenty thousand ordinary commits).
const MOST_BYTES: u64 = 256 << 20;

/// Begins each commit of a [`Log`].
pub const COMMIT: char = '\u{1e}';
/// Separates its fields: short hash, author's name, author's address, seconds since 1970, subject.
pub const FIELD: char = '\u{1f}';

/// The history of one input.
#[derive(Debug, Clone)]
pub struct Log {
    /// Name of the root.
    pub root: String,
    /// The log, newest commit first: a line that begins with [`COMMIT`], then a line for each file in the format of
    /// `--name-status`, relative to the root. `Err` says why it was not measured, and what helps.
    pub text: Result<String, String>,
}

/// Histories of inputs, in their order; inputs that are files have none.
///
/// An input that lies inside a repository without being its top is read only if `enclosing` asks for it: the
/// repository is then of something larger.
#[must_use]
pub fn histories(roots: &[PathBuf], names: &[String], enclosing: bool) -> Vec<Log> {
    let folders = roots.iter().zip(names).filter(|(root, _)| root.is_dir());
    folders.map(|(root, name)| Log { root: name.clone(), text: log(root, enclosing) }).collect()
}

fn log(root: &Path, enclosing: bool) -> Result<String, String> {
    let full = super::absolute(root);
    let Some(top) = repository_of(&full) else {
        return Err("no git repository: clone the system with its history (git clone URL)".to_owned());
    };
    if top != full && !enclosing {
        return Err("the input is a part of a larger repository: give the top of the repository, or set \
                    `history: {enclosing: true}` in unbraid.yaml"
            .to_owned());
    }
    match ask(&full, &["rev-parse", "--is-shallow-repository"])?.trim() {
        "false" => {}
        _ => {
            return Err(
                "the clone is shallow: git fetch --unshallow (for the checkout action: fetch-depth: 0)".to_owned()
            );
        }
    }
    let format = format!("--format={COMMIT}%h{FIELD}%aN{FIELD}%aE{FIELD}%ct{FIELD}%s");
    ask(
        &full,
        &[
            "log",
            "-n",
            MOST_COMMITS,
            "--no-merges",
            "--no-color",
            "--no-ext-diff",
            "--no-textconv",
            "--no-show-signature",
            "--find-renames",
            "-l",
            "1000",
            "--name-status",
            "--relative",
            &format,
            "HEAD",
            "--",
            ".",
        ],
    )
}

fn ask(folder: &Path, arguments: &[&str]) -> Result<String, String> {
    let mut child = git(folder)
        .args(arguments)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|e| format!("git does not start ({e}): install it"))?;
    let mut bytes = Vec::new();
    let read = child.stdout.take().map(|out| out.take(MOST_BYTES).read_to_end(&mut bytes));
    if bytes.len() as u64 >= MOST_BYTES {
        drop(child.kill());
    }
    let status = child.wait().map_err(|e| e.to_string())?;
    match read {
        Some(Ok(_)) if status.success() || bytes.len() as u64 >= MOST_BYTES => {
            Ok(String::from_utf8_lossy(&bytes).into_owned())
        }
        _ => Err("git cannot read the history: try `git log` in the folder (nothing may be committed yet, or the \
                  repository belongs to another user: git config --global --add safe.directory FOLDER)"
            .to_owned()),
    }
}
