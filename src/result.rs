//! The whole result as one type: what `graph.json` is, written and read back.
//!
//! Its schema is versioned; the fields named in the published contract keep their names and meaning.
//! Absent input is `null` or an absent key with a note, never 0. Everything is sorted.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::{
    Candidate, Dependency, Endpoint, Entity, Finding, Note, Plan, ReadCounts, SchemaFact, ScoreReport, Service,
    SharedWrite, Traffic, UnresolvedSite,
};

/// The schema id of a result.
pub const SCHEMA: &str = "unbraid-result/1";

/// Everything that a run found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Result {
    /// `unbraid-result/1`.
    pub schema: String,
    /// Name of the system (folder name, or `name` of unbraid.yaml).
    pub system: String,
    /// Synchronous Coupling Score; `None` when there is no service.
    pub score: Option<ScoreReport>,
    /// Services, sorted by name.
    pub services: Vec<Service>,
    /// Dependencies, sorted by identity.
    pub dependencies: Vec<Dependency>,
    /// Ambiguous call sites.
    pub candidates: Vec<Candidate>,
    /// Outbound call sites that could not be resolved.
    pub unresolved: Vec<UnresolvedSite>,
    /// Outbound call sites that lead to an address outside that is not drawn as a service, by count.
    pub site_counts: SiteCounts,
    /// Tables that several services write.
    pub shared_writes: Vec<SharedWrite>,
    /// Operations served.
    pub endpoints: Vec<Endpoint>,
    /// Schemas read, for the plan.
    pub schemas: Vec<SchemaFact>,
    /// What traces say; `None` = no traces given.
    pub traffic: Option<Traffic>,
    /// Owners of data, sorted by name.
    pub entities: Vec<Entity>,
    /// Smells found, most severe first.
    pub findings: Vec<Finding>,
    /// Smells that could not be evaluated, with the missing input.
    pub not_evaluated: Vec<NotEvaluated>,
    /// The plan; `None` when there is no service.
    pub plan: Option<Plan>,
    /// What was read and skipped.
    pub read: ReadCounts,
    /// What could not be read or resolved.
    pub notes: Vec<Note>,
}

/// How outbound call sites were settled.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SiteCounts {
    /// Target known inside the system.
    pub resolved: u32,
    /// Target outside.
    pub external: u32,
    /// Several possible targets.
    pub ambiguous: u32,
    /// Not resolved.
    pub unresolved: u32,
}

/// A smell without its input.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NotEvaluated {
    /// Smell id.
    pub smell: String,
    /// What is missing.
    pub missing: String,
}
