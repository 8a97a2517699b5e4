//! The rules of the gate that are no smells: id, level, and the text that explains them.

use crate::analyze::smells::SMELLS;
use crate::config::{Config, Level, nearest};
use crate::error::Error;
use crate::model::Severity;

/// A rule of the gate.
pub struct Rule {
    /// Id: reads well in a message.
    pub id: &'static str,
    /// Its level if unbraid.yaml names none.
    pub level: Level,
    /// What it is, how it is set, the way out: Markdown.
    pub text: &'static str,
}

/// All rules of the gate.
#[rustfmt::skip]
pub const RULES: &[Rule] = &[
    Rule { id: "architecture", level: Level::Error, text: include_str!("text/architecture.md") },
    Rule { id: "liberated-entity", level: Level::Error, text: include_str!("text/liberated-entity.md") },
    Rule { id: "loosened-gate", level: Level::Error, text: include_str!("text/loosened-gate.md") },
    Rule { id: "max-depth", level: Level::Error, text: include_str!("text/max-depth.md") },
    Rule { id: "max-increase", level: Level::Error, text: include_str!("text/max-increase.md") },
    Rule { id: "max-score", level: Level::Error, text: include_str!("text/max-score.md") },
    Rule { id: "min-coverage", level: Level::Error, text: include_str!("text/min-coverage.md") },
    Rule { id: "new-sync-edge", level: Level::Warning, text: include_str!("text/new-sync-edge.md") },
    Rule { id: "ratchet", level: Level::Error, text: include_str!("text/ratchet.md") },
    Rule { id: "service-budget", level: Level::Error, text: include_str!("text/service-budget.md") },
    Rule { id: "stale-acceptance", level: Level::Warning, text: include_str!("text/stale-acceptance.md") },
];

/// The level of a rule of the gate.
#[must_use]
pub fn level_of(config: &Config, id: &str) -> Level {
    let own = || RULES.iter().find(|r| r.id == id).map_or(Level::Error, |r| r.level);
    config.gate.levels.get(id).copied().unwrap_or_else(own)
}

/// The level of a smell: as set, else as severe as the finding.
#[must_use]
pub fn level_of_smell(config: &Config, id: &str, severity: Severity) -> Level {
    config.gate.levels.get(id).copied().unwrap_or(match severity {
        Severity::High => Level::Error,
        Severity::Medium => Level::Warning,
        Severity::Low => Level::Note,
    })
}

/// Ids that `gate.levels` may name.
#[must_use]
pub fn ids() -> Vec<&'static str> {
    RULES.iter().map(|r| r.id).chain(SMELLS.iter().map(|s| s.id)).collect()
}

/// Checks what only the gate knows of a configuration: that levels name rules or smells.
///
/// # Errors
/// The first unknown one, with the nearest known.
pub fn check(config: &Config, path: &str) -> Result<(), Error> {
    let known = ids();
    match config.gate.levels.keys().find(|id| !known.contains(&id.as_str())) {
        None => Ok(()),
        Some(unknown) => {
            let reason = format!("gate.levels: `{unknown}` is no rule or smell{}", nearest(unknown, &known));
            Err(Error::Config { path: path.to_owned(), line: 0, reason })
        }
    }
}

/// The title of a Markdown text.
#[must_use]
pub fn title(text: &str) -> &str {
    text.lines().next().unwrap_or_default().trim_start_matches("# ")
}
