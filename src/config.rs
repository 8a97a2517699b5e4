//! `unbraid.yaml`: raw as written, then checked. Unknown keys are errors with a suggestion.
//!
//! Takes a text; gives a [`Config`]. Opens no file.

mod engine;
mod gate;
mod traces;

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::model::{Mode, ServiceKind};

pub use engine::{EngineColumns, EngineConfig};
pub use gate::{ArchitectureRule, Between, Budget, FailOn, GateConfig, Level, Selector, Stale};
pub use traces::{TimeUnit, TraceColumns, TraceConfig};

/// The name of the configuration file.
pub const FILE_NAME: &str = "unbraid.yaml";

/// What a team declares about its system. Everything is optional.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Name of the system, for the report.
    pub name: Option<String>,
    /// Globs of paths to leave out.
    pub exclude: Vec<String>,
    /// Further rule files, relative to the configuration file.
    pub rules: Vec<String>,
    /// Profiles, compose overrides and values files that count: their values win over the base, those of others are
    /// not read. Without any, a base comes first and variants without a base are all kept.
    pub profiles: Vec<String>,
    /// Declared facts about services, by name or alias.
    pub services: BTreeMap<String, ServiceConfig>,
    /// Edges that no input shows.
    pub edges: Vec<EdgeConfig>,
    /// Owners whose data is published already: a new synchronous read of them is a step back.
    pub liberated: Vec<String>,
    /// Named groups of services, for the rules below.
    pub groups: BTreeMap<String, Selector>,
    /// Who may call whom.
    pub architecture: Vec<ArchitectureRule>,
    /// How the score is made.
    pub analysis: AnalysisConfig,
    /// How the history of the repositories is read.
    pub history: HistoryConfig,
    /// How traces are read.
    pub traces: TraceConfig,
    /// Where an engine (`--engine`) finds spans.
    pub engine: EngineConfig,
    /// Thresholds of the gate.
    pub gate: GateConfig,
}

/// How the history of the repositories is read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct HistoryConfig {
    /// Read no history.
    pub off: bool,
    /// Read it too where an input is only a part of a repository.
    pub enclosing: bool,
    /// Authors stand under a pseudonym in every output.
    pub pseudonyms: bool,
    /// Days before the newest commit that count; two years if not given.
    pub days: Option<u32>,
}

impl HistoryConfig {
    /// Days before the newest commit that count: two years show habits of the present teams (ours).
    #[must_use]
    pub fn days(&self) -> u32 {
        self.days.unwrap_or(730)
    }
}

/// How the score is made.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AnalysisConfig {
    /// Count a call with a proven fallback as half a dependency. The score is then comparable only with others that do.
    pub criticality: bool,
}

/// Declared facts about one service.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ServiceConfig {
    /// Its role.
    pub role: Option<ServiceKind>,
    /// Further names.
    pub aliases: Vec<String>,
    /// Counts in the score whatever its role (or never).
    pub member: Option<bool>,
    /// Its owner.
    pub owner: Option<String>,
    /// Words of the team, for groups and rules.
    pub tags: Vec<String>,
    /// Leave it out, with the reason.
    pub ignore: Option<String>,
}

/// A declared edge.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EdgeConfig {
    /// Caller.
    pub from: String,
    /// Callee.
    pub to: String,
    /// Mode; sync if not given.
    #[serde(default = "sync")]
    pub mode: Mode,
    /// Topic, for async edges.
    #[serde(default)]
    pub channel: Option<String>,
    /// Why it is declared.
    pub reason: String,
}

fn sync() -> Mode {
    Mode::Sync
}

impl Config {
    /// Reads a configuration.
    ///
    /// # Errors
    /// What is wrong, with path, line and the nearest known key.
    pub fn parse(path: &str, text: &str) -> Result<Self, Error> {
        if text.trim().is_empty() {
            return Ok(Self::default());
        }
        let fail = |line, reason| Error::Config { path: path.to_owned(), line, reason };
        let config: Self = serde_yaml::from_str(text)
            .map_err(|e| fail(e.location().map_or(0, |l| l.line()), with_suggestion(&e.to_string())))?;
        config.problem().map_or(Ok(()), |reason| Err(fail(0, reason)))?;
        Ok(config)
    }
}

impl Config {
    /// What is well-formed and yet makes no sense.
    fn problem(&self) -> Option<String> {
        let gate = &self.gate;
        let ranges = [
            ("gate.max_score", gate.max_score, 100.0),
            ("gate.max_increase", gate.max_increase, 100.0),
            ("gate.min_coverage", gate.min_coverage, 1.0),
        ];
        for (what, value, most) in ranges {
            if value.is_some_and(|v| !(0.0..=most).contains(&v)) {
                return Some(format!("{what} must lie between 0 and {most}"));
            }
        }
        let mut ids = BTreeSet::new();
        for rule in &self.architecture {
            if rule.id.is_empty() || !ids.insert(&rule.id) {
                return Some(format!("architecture: the id `{}` is empty or used twice", rule.id));
            }
            if rule.allow.is_some() == rule.deny.is_some() {
                return Some(format!("architecture: rule `{}` needs either `allow` or `deny`", rule.id));
            }
        }
        if let Some((name, _)) = self.groups.iter().find(|(_, s)| !s.groups.is_empty()) {
            return Some(format!("the group `{name}` names groups; name its services, roles, owners or tags"));
        }
        self.selectors().flat_map(|s| &s.groups).find(|g| !self.groups.contains_key(*g)).map(|unknown| {
            let known: Vec<&str> = self.groups.keys().map(String::as_str).collect();
            format!("`{unknown}` is no group{}", nearest(unknown, &known))
        })
    }

    /// All selectors that are written in it.
    fn selectors(&self) -> impl Iterator<Item = &Selector> {
        let rules = self.architecture.iter();
        let rules = rules.flat_map(|r| std::iter::once(&r.from).chain(&r.allow).chain(&r.deny));
        let edges = self.gate.new_sync_edges.iter().flat_map(|b| [&b.from, &b.to]);
        rules.chain(edges).chain(self.groups.values())
    }
}

/// "; did you mean …?" for a word that is not among the known ones.
#[must_use]
pub fn nearest(given: &str, known: &[&str]) -> String {
    match known.iter().map(|k| (distance(given, k), k)).min() {
        Some((d, word)) if d <= 1 + given.len() / 3 => format!("; did you mean `{word}`?"),
        _ if known.is_empty() => "; there is none".to_owned(),
        _ => format!("; there are: {}", known.join(", ")),
    }
}

/// Adds "did you mean" to a message about an unknown field or variant, from the list of known ones in it.
#[must_use]
pub fn with_suggestion(message: &str) -> String {
    let Some(at) = message.find("unknown ") else { return message.to_owned() };
    let mut quoted = message[at..].split('`').skip(1).step_by(2);
    let Some(given) = quoted.next() else { return message.to_owned() };
    let best = quoted.map(|known| (distance(given, known), known)).min();
    match best {
        Some((d, known)) if d <= 1 + given.len() / 3 => format!("{message}; did you mean `{known}`?"),
        _ => message.to_owned(),
    }
}

/// Levenshtein distance in characters.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, ca) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, cb) in b.iter().enumerate() {
            let cost = diagonal + usize::from(ca != *cb);
            diagonal = row[j + 1];
            row[j + 1] = cost.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_keys_are_errors_with_line_and_suggestion() {
        let error =
            Config::parse("unbraid.yaml", "name: shop\ngate:\n  max_scor: 20\n").expect_err("must fail").to_string();
        assert!(error.contains("unbraid.yaml:3"), "{error}");
        assert!(error.contains("did you mean `max_score`?"), "{error}");
    }

    #[test]
    fn an_empty_file_is_the_default_and_values_are_checked() {
        assert_eq!(Config::parse("x", " \n").expect("ok"), Config::default());
        assert!(Config::parse("x", "gate: {max_score: 101}").is_err());
    }

    #[test]
    fn rules_that_make_no_sense_are_errors_that_say_so() {
        let error = |text: &str| Config::parse("x.yaml", text).expect_err("must fail").to_string();
        let rule = "architecture:\n  - {id: a, reason: r, from: {groups: [sale]}, deny: {}}\ngroups: {sales: {}}\n";
        assert!(error(rule).contains("did you mean `sales`?"), "{}", error(rule));
        assert!(error("architecture:\n  - {id: a, reason: r}\n").contains("either `allow` or `deny`"));
        assert!(error("architecture:\n  - {id: a}\n").contains("reason"));
        assert!(error("gate: {levels: {new-sync-edge: loud}}").contains("warning"));
    }
}
