//! What the history of the repositories says: which services change together, and who changes them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::evidence::Evidence;

/// A commit: what it changed, after bots and merges were left out.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct ChangeSet {
    /// Name of the input root, empty for a single one.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub root: String,
    /// Seconds since 1970, as the commit says.
    pub time: i64,
    /// Short hash.
    pub commit: String,
    /// Author, pseudonymised where that was asked for.
    pub author: String,
    /// Ticket that the message names (`ABC-12`, `#12`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ticket: Option<String>,
    /// Files by the path that they have now, relative to the root.
    pub files: Vec<String>,
}

/// The histories of the inputs, as facts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HistoryFact {
    /// Change sets in order.
    #[serde(default)]
    pub changes: Vec<ChangeSet>,
    /// Why some history was not measured, with the command that helps; empty if all was.
    #[serde(default)]
    pub missing: Vec<String>,
    /// Commits that were left out, by reason.
    #[serde(default)]
    pub skipped: std::collections::BTreeMap<String, u32>,
}

impl HistoryFact {
    /// Gives what was read as the only root its name among others.
    pub fn rooted(&mut self, root: &str) {
        if root.is_empty() {
            return;
        }
        for change in self.changes.iter_mut().filter(|c| c.root.is_empty()) {
            root.clone_into(&mut change.root);
        }
        for missing in &mut self.missing {
            *missing = format!("{root}: {missing}");
        }
    }
}

/// The history by service.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct History {
    /// Change sets that were used.
    pub changes: u32,
    /// Pairs of services that changed together at least once.
    pub pairs: Vec<CoChange>,
    /// Who changed what.
    pub authors: Vec<Authorship>,
    /// Commits that were left out, by reason.
    pub skipped: std::collections::BTreeMap<String, u32>,
}

/// Two services that changed together.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CoChange {
    /// The one, first by name.
    pub a: String,
    /// The other.
    pub b: String,
    /// Change sets that touch both.
    pub shared: u32,
    /// Shared change sets / mean of the change sets of the two (code-maat's degree), 0 to 1.
    pub degree: f64,
    /// Joined by ticket or time, not by one commit.
    #[serde(default)]
    pub across: bool,
    /// Examples: commits.
    pub evidence: Vec<Evidence>,
}

/// How often one author changed one service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Authorship {
    /// The service.
    pub service: String,
    /// The author.
    pub author: String,
    /// Change sets.
    pub revisions: u32,
}
