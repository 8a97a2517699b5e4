//! The migration plan: ordered steps with the score before and after.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The answer as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Publish entities, step by step.
    Migrate,
    /// Merging two services gains more than any publication.
    MergeFirst,
    /// Events would not help.
    DoNotMigrate,
}

impl Verdict {
    /// The name used in JSON and text.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Migrate => "migrate",
            Self::MergeFirst => "merge-first",
            Self::DoNotMigrate => "do-not-migrate",
        }
    }
}

/// What a step does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// Publish the owner's entity (and its views): frees its reads.
    PublishEntity,
    /// A caller emits a business event instead of a notification call.
    EmitEvent,
    /// A command becomes a saga step.
    Saga,
    /// Two services become one.
    Merge,
    /// A computation becomes a library.
    Library,
    /// A read service in front of a projection.
    ReadService,
}

impl Action {
    /// The name used in JSON and text.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::PublishEntity => "publish-entity",
            Self::EmitEvent => "emit-event",
            Self::Saga => "saga",
            Self::Merge => "merge",
            Self::Library => "library",
            Self::ReadService => "read-service",
        }
    }
}

/// One term of the effort of a step, in ordinal points.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct EffortTerm {
    /// What costs.
    pub what: String,
    /// Points.
    pub points: f64,
}

/// A step of the plan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Step {
    /// What is done.
    pub action: Action,
    /// Owning service (publish-entity) or emitting caller (emit-event).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entity: Option<String>,
    /// The two services (saga, merge, library, read-service), or all that the step touches.
    #[serde(default)]
    pub services: Vec<String>,
    /// Score before.
    pub score_before: f64,
    /// Score after.
    pub score_after: f64,
    /// Sum of the effort terms, in ordinal points (not days).
    pub effort: f64,
    /// The terms.
    #[serde(default)]
    pub effort_terms: Vec<EffortTerm>,
    /// Why this step, now.
    #[serde(default)]
    pub because: String,
    /// Edges that go, as `source → target`.
    #[serde(default)]
    pub frees_edges: Vec<[String; 2]>,
    /// Call sites that go, as `path:line operation`.
    #[serde(default)]
    pub frees_sites: Vec<String>,
    /// Computed views that are published with it (verb and path).
    #[serde(default)]
    pub views: Vec<String>,
    /// Consumers that get a projection.
    #[serde(default)]
    pub consumers: Vec<String>,
    /// Time on critical paths that it saves at most, in microseconds a request that enters; `None` without traces.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub critical_path_saved_us: Option<f64>,
    /// What it adds to the upper bound of the availability of requests, 0 to 1; `None` without traces.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub availability_gained: Option<f64>,
    /// What it puts in the place of calls.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub design: Option<super::design::Design>,
}

/// What events cannot remove: an edge that stays, why, and what could be done.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Residue {
    /// Caller.
    pub source: String,
    /// Callee.
    pub target: String,
    /// Intents that keep it.
    pub intents: Vec<super::dependency::Intent>,
    /// What could be done: saga, merge, library, keep.
    pub proposal: String,
    /// Score of the target state if the proposal were carried out too.
    pub score_after: Option<f64>,
}

/// A cycle of calls and the cheapest way to break it by events.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CycleBreak {
    /// Members of the strongly connected component, sorted.
    pub services: Vec<String>,
    /// Can events break it?
    pub breakable: bool,
    /// Edges to free; where events cannot break it, a cycle of commands and computations.
    pub edges: Vec<[String; 2]>,
    /// Steps that free these edges: who publishes, who emits.
    #[serde(default)]
    pub steps: Vec<String>,
    /// Points of freeing the edges; `None` where it cannot be done.
    pub effort: Option<f64>,
    /// Score with these steps alone; `None` where it cannot be done.
    pub score_after: Option<f64>,
    /// One sentence.
    pub because: String,
}

/// The plan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Plan {
    /// The answer.
    pub verdict: Verdict,
    /// Its reason, one sentence.
    #[serde(default)]
    pub because: String,
    /// Steps in order.
    pub steps: Vec<Step>,
    /// Score with all reads, views and notifications freed.
    pub floor: f64,
    /// What stays.
    pub residue: Vec<Residue>,
    /// Steps proposed for the residue (saga, merge, library, read-service); never part of the search.
    #[serde(default)]
    pub proposals: Vec<Step>,
    /// How the search was done, one sentence (beam width, or greedy and what was not tried).
    #[serde(default)]
    pub search: String,
    /// Which order `steps` takes: `value` (early) or `ratio` (start small).
    #[serde(default)]
    pub order: String,
    /// The same search in the other order.
    #[serde(default)]
    pub other_order: Vec<Step>,
    /// Moves that the search did not try.
    #[serde(default)]
    pub not_tried: u32,
    /// Cycles, with the cheapest way to break each.
    #[serde(default)]
    pub cycles: Vec<CycleBreak>,
}
