//! The part of `unbraid.yaml` that the gate reads: thresholds, levels, budgets, and who may call whom.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::{Mode, ServiceKind};

/// Thresholds of `unbraid check`. What is not given is not asked.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct GateConfig {
    /// Highest score that passes, 0 to 100.
    pub max_score: Option<f64>,
    /// Most points by which the score may rise above that of the base.
    pub max_increase: Option<f64>,
    /// Neither the score nor the sum of the terms of services that both sides have may rise.
    pub ratchet: bool,
    /// Longest synchronous chain that passes, in hops.
    pub max_depth: Option<u32>,
    /// Lowest coverage (of code, else of traces; 0 to 1) that counts as enough evidence.
    pub min_coverage: Option<f64>,
    /// Which violations fail: only what is new, or any.
    pub fail_on: FailOn,
    /// Level by rule or smell id, in place of its own.
    pub levels: BTreeMap<String, Level>,
    /// A new synchronous edge is a violation only between these; without any, wherever it is.
    pub new_sync_edges: Vec<Between>,
    /// Budgets by service; `*` for every service that has none of its own.
    pub budgets: BTreeMap<String, Budget>,
    /// What an accepted finding that is gone is worth.
    pub stale: Stale,
}

/// Which violations fail.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum FailOn {
    /// What the base and the baseline do not have.
    #[default]
    New,
    /// Whatever is not accepted in the baseline.
    Any,
}

impl FailOn {
    /// The name used in YAML and on the command line.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Any => "any",
        }
    }
}

/// What a violation of a rule means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Not looked at.
    Off,
    /// Shown.
    Note,
    /// Shown, and meant.
    Warning,
    /// Fails the gate.
    Error,
}

impl Level {
    /// The name used in YAML, JSON and text.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// What an accepted finding that is gone is worth.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Stale {
    /// Shown.
    #[default]
    Warn,
    /// Fails.
    Error,
}

/// Edges between two groups of services.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Between {
    /// Callers.
    pub from: Selector,
    /// Callees.
    pub to: Selector,
}

/// The most that one service may have.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Budget {
    /// Services that it waits for, directly or through others.
    pub needs: Option<u32>,
    /// Services that wait for it, directly or through others.
    pub needed_by: Option<u32>,
    /// Services that it calls itself and waits for.
    pub calls: Option<u32>,
}

/// Services by what is known of them. Every condition that is given must hold; of a list, one is enough.
/// Without a condition, all services.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Selector {
    /// Names or aliases; `*` and `?` as in file names.
    pub names: Vec<String>,
    /// Roles.
    pub roles: Vec<ServiceKind>,
    /// Owners.
    pub owners: Vec<String>,
    /// Tags of unbraid.yaml.
    pub tags: Vec<String>,
    /// Named groups of unbraid.yaml.
    pub groups: Vec<String>,
}

/// A rule of the architecture: who may call whom.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ArchitectureRule {
    /// Its name in messages and in the baseline.
    pub id: String,
    /// Callers that it is about.
    #[serde(default)]
    pub from: Selector,
    /// They may call only these.
    #[serde(default)]
    pub allow: Option<Selector>,
    /// They must not call these.
    #[serde(default)]
    pub deny: Option<Selector>,
    /// Only edges of this mode; without it, `sync`, `async` and `data`.
    #[serde(default)]
    pub mode: Option<Mode>,
    /// What a violation means.
    #[serde(default = "error")]
    pub level: Level,
    /// Why.
    pub reason: String,
}

fn error() -> Level {
    Level::Error
}
