//! What the analysis says of a graph: score, entities, findings.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::evidence::{Confidence, Evidence, Place};

/// The bands of the Synchronous Coupling Score (analysis.md §3; provisional).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Band {
    /// Below 15.
    Loose,
    /// 15 to 35.
    Moderate,
    /// 35 to 55.
    High,
    /// 55 and above.
    DistributedMonolith,
}

impl Band {
    /// The words shown to people.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Loose => "loose",
            Self::Moderate => "moderate",
            Self::High => "high",
            Self::DistributedMonolith => "distributed monolith",
        }
    }
}

/// How much of the evidence could be used, each 0 to 1; `None` = not measured.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Coverage {
    /// Outbound call sites resolved or external / all.
    pub code: Option<f64>,
    /// (used + entry + internal) / (spans − duplicate).
    pub traces: Option<f64>,
}

/// What one service contributes to the score.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Term {
    /// The service.
    pub service: String,
    /// Distinct services that it can reach (it needs them).
    pub up: u32,
    /// Distinct services that can reach it (they need it).
    pub down: u32,
    /// `1 − 0.9^(up + down)`.
    pub value: f64,
}

/// What the score would lose without one edge.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct EdgeMarginal {
    /// Caller.
    pub source: String,
    /// Callee.
    pub target: String,
    /// `SCS(G) − SCS(G without the edge)`.
    pub value: f64,
}

/// Further figures of the blocking graph.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct GraphFigures {
    /// |V|.
    pub services: u32,
    /// Blocking edges inside V.
    pub edges: u32,
    /// Members of V with at least one blocking dependency, either way.
    pub entangled: u32,
    /// Cycles (strongly connected components of two or more), each sorted.
    pub cycles: Vec<Vec<String>>,
    /// Longest path of the condensation, in hops.
    pub depth: u32,
    /// One longest synchronous chain, as service names.
    pub longest_chain: Vec<String>,
    /// Reachable pairs / n(n−1), self excluded (MacCormack, Rusnak, Baldwin 2006).
    pub propagation_cost: Option<f64>,
    /// Distinct callers by service (AIS).
    pub fan_in: BTreeMap<String, u32>,
    /// Distinct callees by service (ADS).
    pub fan_out: BTreeMap<String, u32>,
    /// PageRank by service, damping 0.85.
    pub page_rank: BTreeMap<String, f64>,
}

/// What requests are exposed to at run time, as traces show it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Runtime {
    /// Calls between services for each request that enters the system; `None` if none enters.
    pub calls_per_request: Option<f64>,
    /// Upper bound of the availability of the requests that enter: of each service where they enter the product of
    /// the availabilities of all that it reaches, weighted by requests.
    pub availability_bound: Option<f64>,
    /// Share of the critical path spent outside the services where the requests enter, 0 to 1.
    pub critical_path_share: Option<f64>,
}

/// Three further scores, never mixed into the headline; `None` = not measured.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SubScores {
    /// Runtime exposure, 0 to 100: share of the requests served that other services sent and waited for (traces).
    pub runtime_exposure: Option<f64>,
    /// What stands beside it; `None` without traces.
    #[serde(default)]
    pub runtime: Option<Runtime>,
    /// Share of service × table pairs where a non-owner reads or writes, 0 to 100.
    pub data_ownership: Option<f64>,
    /// Share of sync edges with change coupling, 0 to 100 (needs git).
    pub change_coupling: Option<f64>,
}

/// The Synchronous Coupling Score with everything that explains it (analysis.md §3).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ScoreReport {
    /// 0 to 100, higher is worse; counts confirmed and probable edges.
    pub value: f64,
    /// `[confirmed only, confirmed + probable + every candidate]`.
    pub interval: [f64; 2],
    /// Coverage.
    pub coverage: Coverage,
    /// Band.
    pub band: Band,
    /// Of how many public systems, and how many of these score lower: `[lower, all]`.
    pub compared: [u32; 2],
    /// One term per member of V, highest first.
    pub terms: Vec<Term>,
    /// One marginal per blocking edge, highest first.
    pub marginals: Vec<EdgeMarginal>,
    /// Graph figures.
    pub figures: GraphFigures,
    /// Sub-scores.
    pub sub_scores: SubScores,
}

/// The result of the entity test (analysis.md §5.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum EntityClass {
    /// E1, E2, E4 and E5.
    Entity,
    /// E1, E2 and E4.
    AggregateOwner,
    /// Neither.
    None,
    /// Two or more tests unknown.
    Undetermined,
}

/// A service seen as an owner of data.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Entity {
    /// The service.
    pub service: String,
    /// Class.
    pub class: EntityClass,
    /// Tests `E1` to `E6`; `null` = not known.
    pub tests: BTreeMap<String, Option<bool>>,
    /// What each test saw, in words.
    #[serde(default)]
    pub because: BTreeMap<String, String>,
    /// Operations that make up the entity.
    #[serde(default)]
    pub operations: Vec<String>,
    /// Of these the ones that read its store.
    #[serde(default)]
    pub reading: Vec<String>,
    /// Of these the ones that write its store.
    #[serde(default)]
    pub writing: Vec<String>,
    /// Tables or collections that it owns.
    #[serde(default)]
    pub tables: Vec<String>,
    /// Stored fields, from mapped types and migrations, else from its own specification.
    #[serde(default)]
    pub fields: Vec<EntityField>,
    /// Services that read it.
    #[serde(default)]
    pub readers: Vec<String>,
    /// Services that write it.
    #[serde(default)]
    pub writers: Vec<String>,
    /// Gain in score if its reads and views were set free now; `None` = not tried (huge systems).
    #[serde(default)]
    pub gain: Option<f64>,
    /// Rank by gain, from 1; 0 = no gain, or not tried.
    #[serde(default)]
    pub rank: u32,
    /// Rank by fan-in, from 1.
    #[serde(default)]
    pub rank_by_fan_in: u32,
    /// Rank by PageRank, from 1.
    #[serde(default)]
    pub rank_by_page_rank: u32,
    /// Why the ranks differ, one sentence; empty where they agree.
    #[serde(default)]
    pub rank_because: String,
}

/// A stored field of an entity.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct EntityField {
    /// Table, collection or schema.
    pub table: String,
    /// Field or column.
    pub name: String,
    /// Type as written; empty if the input does not say.
    #[serde(default)]
    pub type_name: String,
    /// Never null.
    #[serde(default)]
    pub required: bool,
    /// Part of the identifier.
    #[serde(default)]
    pub key: bool,
    /// The input says `orm`, `migration`, `openapi` or `proto`.
    pub format: String,
    /// Where it is declared.
    pub place: Place,
}

/// An operation whose verb says something else than its handler does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct VerbLie {
    /// Who serves it.
    pub service: String,
    /// `GET /orders/{}/pay`.
    pub operation: String,
    /// Handler name.
    pub handler: String,
    /// Where the handler stands.
    pub place: Place,
    /// `true`: its verb reads and it writes; `false`: its verb writes and it only reads.
    pub writes: bool,
    /// Services that call it.
    pub callers: Vec<String>,
}

/// Severity of a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing.
    Low,
    /// Worth planning.
    Medium,
    /// Worth acting.
    High,
}

/// A smell found (analysis.md §4).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Finding {
    /// Smell id (`sync-cycle`).
    pub smell: String,
    /// Severity.
    pub severity: Severity,
    /// Confidence: how sure we are.
    pub confidence: Severity,
    /// Services involved, sorted.
    pub services: Vec<String>,
    /// Operation or table, where the finding is about one; part of the fingerprint.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// One sentence with the figures.
    pub because: String,
    /// Evidence.
    pub evidence: Vec<Evidence>,
    /// Ways out.
    #[serde(default)]
    pub refactorings: Vec<String>,
    /// Stable identity: hash of smell, services and subject; never a line number.
    pub fingerprint: String,
}

impl Finding {
    /// The fingerprint of (smell, sorted services, subject): FNV-1a 64 bit over the parts, in hex.
    ///
    /// FNV is written out here because the value is stored in baselines and must never change
    /// (<http://www.isthe.com/chongo/tech/comp/fnv/>).
    #[must_use]
    pub fn fingerprint_of(smell: &str, services: &[String], subject: Option<&str>) -> String {
        let mut sorted: Vec<&str> = services.iter().map(String::as_str).collect();
        sorted.sort_unstable();
        let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
        let mut eat = |text: &str| {
            for byte in text.bytes().chain(std::iter::once(0)) {
                hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
            }
        };
        eat(smell);
        for service in sorted {
            eat(service);
        }
        eat(subject.unwrap_or_default());
        format!("{hash:016x}")
    }

    /// Confidence of a finding from the weakest evidence.
    #[must_use]
    pub fn confidence_from(evidence: &[Evidence]) -> Severity {
        match evidence.iter().map(|e| e.confidence).min() {
            Some(Confidence::Confirmed) => Severity::High,
            Some(Confidence::Probable) => Severity::Medium,
            Some(Confidence::Possible) | None => Severity::Low,
        }
    }
}

/// A smell without its input.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NotEvaluated {
    /// Smell id.
    pub smell: String,
    /// What is missing.
    pub missing: String,
}
