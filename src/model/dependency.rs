//! Edges of the service graph: dependencies with their call sites, candidates, unresolved sites.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::evidence::{Confidence, Evidence, Place, SourceKind};

/// How two services are coupled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Request and response.
    Sync,
    /// Through a topic, queue or channel.
    Async,
    /// Service to database or cache.
    Data,
    /// Configuration, registry, telemetry: never coupling.
    Infra,
}

impl Mode {
    /// The name used in JSON and text.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sync => "sync",
            Self::Async => "async",
            Self::Data => "data",
            Self::Infra => "infra",
        }
    }
}

/// What a call is for (analysis.md §5.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Intent {
    /// R: the handler reads its own store, makes no outbound call and does not aggregate.
    Read,
    /// V: the owner has a store, and the handler aggregates or calls others.
    View,
    /// K: computation by a service without a store.
    Compute,
    /// N: the result is not used.
    Notify,
    /// W: a command.
    Write,
}

impl Intent {
    /// The name used in JSON and text.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::View => "view",
            Self::Compute => "compute",
            Self::Notify => "notify",
            Self::Write => "write",
        }
    }
}

/// Which level of evidence decided an intent, strongest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum IntentLevel {
    /// What the handler does to its store.
    DatabaseEffect,
    /// Handler name, operationId or rpc name.
    HandlerName,
    /// Words of the path.
    PathWords,
    /// HTTP verb.
    Verb,
}

/// Read consistency needed by a call site.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub enum Consistency {
    /// Reference data.
    R0,
    /// Eventual is fine.
    R1,
    /// Read your writes.
    R2,
    /// Check then act.
    R3,
}

/// A call site inside a dependency.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Site {
    /// Input root when several were given, else empty.
    #[serde(default)]
    pub root: String,
    /// File, relative to the root.
    pub path: String,
    /// Line where the call expression starts; in an entry with `call_line` the line of its address.
    pub line: u32,
    /// Only in the second entry of a call, which stands where its address is written: the line of the call itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub call_line: Option<u32>,
    /// The line on which this file names the host that is called, where that is not the line of the call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address_line: Option<u32>,
    /// `GET /orders/{}`, `pkg.Service/Method`, or the topic.
    pub operation: String,
    /// Function that holds the call.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub caller: String,
    /// The handler at the target that the operation was matched to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub handler: Option<String>,
    /// Place of that handler, `path:line`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub handler_place: Option<String>,
    /// What the call is for; filled by the analysis, for sync sites.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub intent: Option<Intent>,
    /// What decided the intent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decided_by: Option<IntentLevel>,
    /// Read consistency, for reads.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consistency: Option<Consistency>,
    /// Stands in a loop.
    #[serde(default)]
    pub in_loop: bool,
    /// The caller uses the result.
    #[serde(default)]
    pub result_used: bool,
    /// The caller waits.
    #[serde(default)]
    pub blocking: bool,
    /// A fallback is proven: its annotation or client names a body that exists.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub fallback: bool,
    /// Nobody calls the function that holds it, as far as the code shows.
    #[serde(default)]
    pub dead: bool,
    /// The rule that recognised it.
    #[serde(default)]
    pub rule: String,
    /// Confidence of the resolved target.
    pub confidence: Confidence,
    /// The chain of evidence from the call to the address, one step an entry.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub chain: Vec<Evidence>,
}

impl Site {
    /// Where it stands.
    #[must_use]
    pub fn place(&self) -> Place {
        Place::new(&self.root, &self.path, self.line)
    }

    /// The site as evidence: what it calls, and where.
    #[must_use]
    pub fn as_evidence(&self) -> Evidence {
        Evidence::new(SourceKind::Code, self.place(), &self.operation, self.confidence)
    }
}

/// The channel of an asynchronous dependency.
pub type Channel = String;

/// An edge: identified by (source, target, mode, channel).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Dependency {
    /// Caller or publisher.
    pub source: String,
    /// Callee or consumer.
    pub target: String,
    /// Mode.
    pub mode: Mode,
    /// Protocols and systems, joined with `+` where there are several (`http`, `grpc`, `kafka`, `postgresql`).
    pub protocol: String,
    /// Does the caller wait?
    pub blocking: bool,
    /// Topic, queue or channel, for `async`.
    pub channel: Option<Channel>,
    /// Confidence: confirmed or probable.
    pub confidence: Confidence,
    /// Which inputs show it.
    pub seen_in: Vec<SourceKind>,
    /// The intents of its call sites.
    #[serde(default)]
    pub intents: Vec<Intent>,
    /// Call sites in code. Written to JSON, a call whose address stands on another line has an entry there too, with
    /// `call_line`: whoever looks at that line sees who is called, and what for.
    #[serde(default, with = "places")]
    #[schemars(with = "Vec<Site>")]
    pub sites: Vec<Site>,
    /// Tables, for `data`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tables: Vec<String>,
    /// Calls seen in traces; `None` = not measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calls: Option<u64>,
    /// Errors seen in traces.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub errors: Option<u64>,
    /// Median duration seen by the caller, in microseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p50_us: Option<u64>,
    /// 95th percentile of the duration seen by the caller, in microseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p95_us: Option<u64>,
    /// All other evidence: routes, configuration, spans.
    #[serde(default)]
    pub evidence: Vec<Evidence>,
}

/// Sites as JSON: calls, and the places of their addresses; read back as calls alone.
mod places {
    use serde::{Deserialize as _, Deserializer, Serializer};

    use super::Site;

    pub fn serialize<S: Serializer>(sites: &[Site], to: S) -> Result<S::Ok, S::Error> {
        let address = |call: &Site| {
            let line = call.address_line?;
            Some(Site { line, call_line: Some(call.line), address_line: None, ..call.clone() })
        };
        let mut addresses: Vec<Site> = sites.iter().filter_map(address).collect();
        addresses.sort();
        to.collect_seq(sites.iter().chain(&addresses))
    }

    pub fn deserialize<'d, D: Deserializer<'d>>(from: D) -> Result<Vec<Site>, D::Error> {
        let mut sites = Vec::<Site>::deserialize(from)?;
        sites.retain(|site| site.call_line.is_none());
        Ok(sites)
    }
}

impl Dependency {
    /// The identity: (source, target, mode, channel).
    #[must_use]
    pub fn key(&self) -> (&str, &str, Mode, Option<&str>) {
        (&self.source, &self.target, self.mode, self.channel.as_deref())
    }
}

/// A call site that may lead to one of several targets.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Candidate {
    /// Caller.
    pub source: String,
    /// Possible targets.
    pub targets: Vec<String>,
    /// Mode that it would have.
    pub mode: Mode,
    /// The call site.
    pub site: Site,
    /// Why it is not certain.
    pub reason: String,
}

/// How a site was settled, for coverage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum SiteState {
    /// Target known inside the system.
    Resolved,
    /// Target is outside.
    External,
    /// Several possible targets.
    Ambiguous,
    /// Not resolved.
    Unresolved,
}

/// An outbound call site whose target is not known.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct UnresolvedSite {
    /// Caller.
    pub source: String,
    /// The call site.
    pub site: Site,
    /// Why.
    pub reason: String,
    /// The last value known (`http://{host}/orders`).
    pub last_value: String,
}

/// A table that several services write.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct SharedWrite {
    /// The writers.
    pub services: Vec<String>,
    /// The table.
    pub table: String,
    /// The database that holds it, if known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub database: Option<String>,
    /// Evidence.
    pub evidence: Vec<Evidence>,
}

/// How a service uses a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum TableAccess {
    /// Creates or alters it (migration, DDL, ORM mapping).
    Defines,
    /// Reads it.
    Reads,
    /// Writes it.
    Writes,
}

/// One use of a table or collection by a service.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct TableUse {
    /// The service.
    pub service: String,
    /// Table or collection, in lower case.
    pub table: String,
    /// Name of the database node, if known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub database: Option<String>,
    /// Access.
    pub access: TableAccess,
    /// Evidence.
    pub evidence: Evidence,
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
