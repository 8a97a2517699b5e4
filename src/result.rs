//! The whole result as one type: what `graph.json` is, written and read back.
//!
//! Its schema is versioned; the fields named in the published contract keep their names and meaning.
//! Absent input is `null` or an absent key with a note, never 0. Everything is sorted.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::error::Error;

pub use crate::model::{Band, Confidence, Evidence, Mode, Severity, Site, SourceKind};

pub use crate::model::{
    Candidate, CoChange, Dependency, Endpoint, Entity, Finding, History, Metrics, NotEvaluated, Note, Plan, ReadCounts,
    SchemaFact, ScoreReport, Service, SharedWrite, SiteCounts, TableUse, Traffic, UnresolvedSite, VerbLie,
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
    /// Published metrics of the blocking graph; `None` when there is no service.
    #[serde(default)]
    pub metrics: Option<Metrics>,
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
    /// Who reads and writes which table.
    pub tables: Vec<TableUse>,
    /// Operations served.
    pub endpoints: Vec<Endpoint>,
    /// Schemas read, for the plan.
    pub schemas: Vec<SchemaFact>,
    /// What traces say; `None` = no traces given.
    pub traffic: Option<Traffic>,
    /// What changes together, without who changed it; `None` = not measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub history: Option<History>,
    /// Owners of data, sorted by name.
    pub entities: Vec<Entity>,
    /// Operations whose verb hides what they do.
    #[serde(default)]
    pub verb_lies: Vec<VerbLie>,
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

/// Pairs of services that a result keeps.
const PAIRS: usize = 500;

/// The pairs that change together most, in the order of their names.
fn closest(mut pairs: Vec<CoChange>) -> Vec<CoChange> {
    pairs.sort_by(|x, y| {
        y.degree.total_cmp(&x.degree).then_with(|| (y.shared, &x.a, &x.b).cmp(&(x.shared, &y.a, &y.b)))
    });
    pairs.truncate(PAIRS);
    pairs.sort_by(|x, y| (&x.a, &x.b).cmp(&(&y.a, &y.b)));
    pairs
}

impl Result {
    /// Reads a result that was written before.
    ///
    /// # Errors
    /// The bytes are no result, or one of another version of the schema.
    pub fn read(path: &str, bytes: &[u8]) -> std::result::Result<Self, Error> {
        let fail = |reason: String| Error::Saved { path: path.to_owned(), reason };
        let value: serde_json::Value =
            serde_json::from_slice(bytes).map_err(|e| fail(format!("no JSON: {e}; give a graph.json")))?;
        match value.get("schema").and_then(serde_json::Value::as_str) {
            Some(SCHEMA) => {}
            Some(other) => {
                return Err(fail(format!("its schema is `{other}`, not {SCHEMA}; write it again with this version")));
            }
            None => return Err(fail(format!("no result: it has no schema `{SCHEMA}`; give a graph.json"))),
        }
        serde_json::from_value(value).map_err(|e| fail(format!("not readable as {SCHEMA}: {e}; write it again")))
    }

    /// Everything that an analysis and a plan say.
    #[must_use]
    pub fn of(system: &str, analysis: crate::analyze::Analysis, plan: Option<Plan>) -> Self {
        let crate::analyze::Analysis { graph, score, metrics, entities, verb_lies, findings, not_evaluated, .. } =
            analysis;
        let parts = graph.into_parts();
        Self {
            schema: SCHEMA.to_owned(),
            system: system.to_owned(),
            score,
            metrics,
            services: parts.services,
            dependencies: parts.dependencies,
            candidates: parts.candidates,
            unresolved: parts.unresolved,
            site_counts: parts.site_counts,
            shared_writes: parts.shared_writes,
            tables: parts.tables,
            endpoints: parts.endpoints,
            schemas: parts.schemas,
            traffic: parts.traffic,
            history: parts.history.map(|h| History { authors: Vec::new(), pairs: closest(h.pairs), ..h }),
            entities,
            verb_lies,
            findings,
            not_evaluated,
            plan,
            read: parts.read,
            notes: parts.notes,
        }
    }
}
