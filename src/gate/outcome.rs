//! What the gate says: the verdict, its reasons, and every violation with its state.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::{FailOn, Level};
use crate::model::Coverage;
use crate::result::{Evidence, NotEvaluated};

/// The schema id of an outcome.
pub const SCHEMA: &str = "unbraid-check/1";

/// What the gate says as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Everything holds.
    Pass,
    /// A violation fails.
    Fail,
    /// Nothing to judge by, or less than the floor.
    NotEnough,
}

impl Verdict {
    /// The exit code.
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Self::Pass => 0,
            Self::Fail => 1,
            Self::NotEnough => 3,
        }
    }

    /// The words shown to people.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail => "gate failed",
            Self::NotEnough => "not enough evidence",
        }
    }
}

/// Where a violation comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// A limit is broken, whoever broke it.
    Limit,
    /// The base (or the baseline) does not have it.
    New,
    /// The base has it, less badly.
    Worse,
    /// It was accepted, for a time that is over.
    Expired,
    /// The base has it too, or there is nothing to compare with.
    Existing,
    /// All evidence lies in another repository's facts.
    Elsewhere,
    /// Accepted in the baseline.
    Accepted,
}

impl State {
    /// The name used in JSON and text.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Limit => "limit",
            Self::New => "new",
            Self::Worse => "worse",
            Self::Expired => "expired",
            Self::Existing => "existing",
            Self::Elsewhere => "elsewhere",
            Self::Accepted => "accepted",
        }
    }
}

/// One violation of a rule, or a smell.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Item {
    /// Rule or smell: `max-score`, `sync-cycle`, `architecture/ID`.
    pub rule: String,
    /// What it means.
    pub level: Level,
    /// Where it comes from.
    pub state: State,
    /// Does it fail the gate?
    pub fails: bool,
    /// Services that it is about, sorted.
    pub services: Vec<String>,
    /// Operation, table or key that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// One sentence.
    pub because: String,
    /// Where it stands.
    pub evidence: Vec<Evidence>,
    /// Ways out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refactorings: Vec<String>,
    /// The size of the violation, where it has one: a growing one is worse.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub measure: Option<f64>,
    /// Identity: hash of rule, services and subject; never a line number.
    pub fingerprint: String,
    /// The acceptance that it has or had.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accepted: Option<super::Accepted>,
}

/// What the result was compared with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Compared {
    /// `origin/main`, a file, or the baseline.
    pub with: String,
    /// The merge base, for a revision.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// Commits that the revision is ahead of the merge base: what they brought is not counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub behind: Option<u64>,
    /// The score there; `None` = not measured.
    pub score: Option<f64>,
}

/// What the baseline holds, and what became of it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BaselineState {
    /// Entries.
    pub accepted: usize,
    /// Entries that hold something in this run.
    pub used: usize,
    /// Entries more (or less) than at the base; `None` without a base.
    pub growth: Option<i64>,
    /// Entries whose finding is gone.
    pub stale: Vec<super::Accepted>,
    /// Entries whose time is over.
    pub expired: Vec<super::Accepted>,
}

/// The outcome of a check: what `-o json=` writes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Outcome {
    /// `unbraid-check/1`.
    pub schema: String,
    /// Name of the system.
    pub system: String,
    /// Verdict.
    pub verdict: Verdict,
    /// The exit code that follows from it.
    pub exit_code: u8,
    /// Why, one sentence each.
    pub reasons: Vec<String>,
    /// The score; `None` when there is no service.
    pub score: Option<f64>,
    /// Its interval.
    pub interval: Option<[f64; 2]>,
    /// How much could be resolved.
    pub coverage: Option<Coverage>,
    /// Which violations fail.
    pub fail_on: FailOn,
    /// What it was compared with; `None` = nothing.
    pub compared: Option<Compared>,
    /// The baseline; `None` = there is none.
    pub baseline: Option<BaselineState>,
    /// Violations: what fails first, then what is new, then the rest.
    pub items: Vec<Item>,
    /// What got better, one sentence each.
    pub better: Vec<String>,
    /// What the reader should know: which side moved, what was not compared.
    pub notes: Vec<String>,
    /// Smells that could not be evaluated.
    pub not_evaluated: Vec<NotEvaluated>,
}

impl Outcome {
    /// Items that fail the gate.
    pub fn failing(&self) -> impl Iterator<Item = &Item> {
        self.items.iter().filter(|i| i.fails)
    }

    /// Items that the change brought and that do not fail.
    pub fn fresh(&self) -> impl Iterator<Item = &Item> {
        self.items.iter().filter(|i| !i.fails && matches!(i.state, State::New | State::Worse | State::Limit))
    }

    /// How many items are in a state.
    #[must_use]
    pub fn count(&self, state: State) -> usize {
        self.items.iter().filter(|i| i.state == state).count()
    }
}
