//! What traces say: rows of relations with counts, what was asked of each operation, and the ledger of spans.
//!
//! `Traffic` merges (associative, commutative), so that files, partitions and engines can be added up.

pub mod acts;
pub mod histogram;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use acts::{Act, RequestAct};
pub use histogram::Histogram;

/// What a row of traffic is (result.md).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Relation {
    /// CLIENT and SERVER pair.
    Sync,
    /// CLIENT without a SERVER whose peer names a service.
    UnpairedClient,
    /// SERVER whose parent is missing; source is empty.
    OrphanServer,
    /// Database call; target `system:namespace@host`.
    Db,
    /// CLIENT to a host outside.
    External,
    /// PRODUCER; target = destination.
    Publish,
    /// CONSUMER; source = destination.
    Consume,
    /// Consumer correlated to its producer by a link.
    AsyncLink,
    /// Consumer correlated to its producer by its parent.
    AsyncParent,
    /// CLIENT span that is a broker operation.
    MessagingClient,
    /// A span whose parent belongs to another service, where kinds are absent.
    Inferred,
}

impl Relation {
    const NAMES: [(Self, &str); 11] = [
        (Self::Sync, "sync"),
        (Self::UnpairedClient, "unpaired_client"),
        (Self::OrphanServer, "orphan_server"),
        (Self::Db, "db"),
        (Self::External, "external"),
        (Self::Publish, "publish"),
        (Self::Consume, "consume"),
        (Self::AsyncLink, "async_link"),
        (Self::AsyncParent, "async_parent"),
        (Self::MessagingClient, "messaging_client"),
        (Self::Inferred, "inferred"),
    ];

    /// Its name, as in JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        Self::NAMES.iter().find(|(r, _)| *r == self).map_or("", |(_, name)| name)
    }

    /// The relation of a name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::NAMES.iter().find(|(_, n)| *n == name).map(|(r, _)| *r)
    }
}

/// Most operations of a row that are listed apart; the others are summed up under [`OTHER_OPERATIONS`].
pub const MOST_OPERATIONS: usize = 100;

/// The name of the sum of all operations that are not listed.
pub const OTHER_OPERATIONS: &str = "(others)";

/// Example spans of a row.
pub const EXEMPLARS: usize = 3;

/// One row: a relation between two names over one protocol.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TrafficRow {
    /// Relation.
    pub relation: Relation,
    /// Source name, `""` if unknown.
    pub source: String,
    /// Target name.
    pub target: String,
    /// http, grpc, or the database or messaging system.
    pub protocol: String,
    /// Calls.
    pub calls: u64,
    /// Calls with an error on the side that the relation counts (the caller's for `sync`).
    pub errors: u64,
    /// Calls with an error on the server's side (`sync` only).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server_errors: Option<u64>,
    /// Calls with a resend count above 0.
    pub retries: u64,
    /// Sum of durations seen by the source, in microseconds.
    pub duration_us: u64,
    /// Sum of durations seen by the server, in microseconds (`sync` only).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server_duration_us: Option<u64>,
    /// Traces in which the row occurs; calls / requests = calls per request.
    #[serde(default)]
    pub requests: u64,
    /// Calls that these stand for where spans say how they were sampled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub estimated_calls: Option<u64>,
    /// Calls that ran at the same time as another call of the same request of the caller.
    #[serde(default)]
    pub concurrent: u64,
    /// Calls that ended after the request that made them: nobody waited.
    #[serde(default)]
    pub outlived: u64,
    /// Start of the first call, microseconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_us: Option<u64>,
    /// Start of the last call, microseconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_us: Option<u64>,
    /// Latency of half of the calls, of 95 and of 99 in 100, in microseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latency_us: Option<Latency>,
    /// Operations, sorted by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub operations: Vec<OperationTraffic>,
    /// Tables with their calls (`db` only).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tables: BTreeMap<String, u64>,
    /// Latency histogram of the duration.
    #[serde(default, skip_serializing_if = "Histogram::is_empty")]
    pub histogram: Histogram,
    /// Up to three examples `trace id/span id`, smallest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exemplars: Vec<String>,
    /// The file that holds the first of the exemplars, for evidence.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub file: String,
}

/// Quantiles of a latency histogram, in microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Latency {
    /// Median.
    pub p50: u64,
    /// 95 of 100 calls are not slower.
    pub p95: u64,
    /// 99 of 100 calls are not slower.
    pub p99: u64,
}

/// One operation of a row.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OperationTraffic {
    /// Name, identifiers in it as `{}`.
    pub name: String,
    /// Calls.
    pub calls: u64,
    /// Errors.
    pub errors: u64,
    /// Retries.
    pub retries: u64,
    /// Sum of durations in microseconds.
    pub duration_us: u64,
    /// Latency.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latency_us: Option<Latency>,
    /// Latency histogram.
    #[serde(default, skip_serializing_if = "Histogram::is_empty")]
    pub histogram: Histogram,
}

/// What was asked of one operation of a service, and what that led to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OperationServed {
    /// Service.
    pub service: String,
    /// Operation.
    pub operation: String,
    /// Requests and messages handled.
    pub requests: u64,
    /// Requests that entered the system here (no parent).
    pub entries: u64,
    /// Requests that ended in an error; availability seen = 1 - errors / requests.
    pub errors: u64,
    /// Sum of durations in microseconds.
    pub duration_us: u64,
    /// Latency.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latency_us: Option<Latency>,
    /// Latency histogram.
    #[serde(default, skip_serializing_if = "Histogram::is_empty")]
    pub histogram: Histogram,
    /// Calls to services that the requests made, not counting what those made in turn.
    pub calls: u64,
    /// Most calls of one request.
    pub fan_out_most: u64,
    /// Most different services called by one request.
    pub targets_most: u64,
    /// Longest chain of calls to services below one request.
    pub depth_most: u64,
    /// Sum of the longest chains of all requests; divided by requests, the average depth.
    pub depth_sum: u64,
}

/// Time of one service on the critical path of the requests that enter by one operation.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CriticalTime {
    /// Service where the requests enter.
    pub entry: String,
    /// Operation where they enter.
    pub operation: String,
    /// The service whose time it is.
    pub service: String,
    /// Time on the critical path, in microseconds, without the calls on the path below.
    pub duration_us: u64,
}

/// The same operation called again and again by one request.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RepeatedCalls {
    /// The service that calls.
    pub source: String,
    /// Its operation during which it calls.
    pub operation: String,
    /// What is called.
    pub target: String,
    /// The operation called.
    pub call: String,
    /// Protocol.
    pub protocol: String,
    /// Requests during which the operation was called more than once (retries aside).
    pub groups: u64,
    /// Calls in them.
    pub calls: u64,
    /// Most calls during one request.
    pub most: u64,
    /// An example `trace id/span id` of the caller.
    pub exemplar: String,
}

/// How often the requests of one service call another one.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CallsOfRequest {
    /// The service that calls.
    pub source: String,
    /// The service called.
    pub target: String,
    /// Calls during one request → requests that made so many; [`MOST_CALLS`] stands for more, too.
    pub counts: BTreeMap<u32, u64>,
}

/// Calls of one request that are told apart.
pub const MOST_CALLS: u32 = 100;

impl CallsOfRequest {
    /// Requests that called at all.
    #[must_use]
    pub fn requests(&self) -> u64 {
        self.counts.values().sum()
    }

    /// The median of the calls of a request that calls at all (the lower of two middle ones); 0 without any.
    #[must_use]
    pub fn median(&self) -> u32 {
        let mut left = self.requests().div_ceil(2);
        for (calls, requests) in &self.counts {
            left = left.saturating_sub(*requests);
            if left == 0 {
                return *calls;
            }
        }
        0
    }
}

impl TrafficRow {
    /// The identity of a row.
    #[must_use]
    pub fn key(&self) -> (Relation, &str, &str, &str) {
        (self.relation, &self.source, &self.target, &self.protocol)
    }

    /// The duration below which a share `q` (0..1) of the calls lies, in microseconds; the middle of its bucket.
    #[must_use]
    pub fn quantile_us(&self, q: f64) -> Option<u64> {
        self.histogram.quantile_us(q)
    }

    /// Share of calls without an error; `None` without calls.
    #[must_use]
    pub fn availability(&self) -> Option<f64> {
        (self.calls > 0).then(|| 1.0 - self.errors as f64 / self.calls as f64)
    }

    fn merge(&mut self, other: Self) {
        self.calls += other.calls;
        self.errors += other.errors;
        self.retries += other.retries;
        self.duration_us += other.duration_us;
        self.requests += other.requests;
        self.concurrent += other.concurrent;
        self.outlived += other.outlived;
        self.server_errors = sum(self.server_errors, other.server_errors);
        self.server_duration_us = sum(self.server_duration_us, other.server_duration_us);
        self.estimated_calls = sum(self.estimated_calls, other.estimated_calls);
        self.first_us = [self.first_us, other.first_us].into_iter().flatten().min();
        self.last_us = self.last_us.max(other.last_us);
        for operation in other.operations {
            match self.operations.binary_search_by(|mine| mine.name.cmp(&operation.name)) {
                Ok(at) => self.operations[at].merge(&operation),
                Err(at) => self.operations.insert(at, operation),
            }
        }
        for (name, n) in other.tables {
            *self.tables.entry(name).or_default() += n;
        }
        self.histogram.merge(&other.histogram);
        self.latency_us = self.histogram.latency_us();
        if other.exemplars.first() < self.exemplars.first() && !other.exemplars.is_empty() || self.exemplars.is_empty()
        {
            self.file = other.file;
        }
        self.exemplars.extend(other.exemplars);
        self.exemplars.sort();
        self.exemplars.dedup();
        self.exemplars.truncate(EXEMPLARS);
    }
}

fn sum(a: Option<u64>, b: Option<u64>) -> Option<u64> {
    match (a, b) {
        (None, None) => None,
        (a, b) => Some(a.unwrap_or(0) + b.unwrap_or(0)),
    }
}

impl OperationTraffic {
    /// Adds another one's counts.
    pub fn merge(&mut self, other: &Self) {
        self.calls += other.calls;
        self.errors += other.errors;
        self.retries += other.retries;
        self.duration_us += other.duration_us;
        self.histogram.merge(&other.histogram);
        self.latency_us = self.histogram.latency_us();
    }
}

/// Where the spans went: flat counts; `spans` is the sum of all the others.
pub type Ledger = BTreeMap<String, u64>;

/// What traces say, before names are merged with code.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Traffic {
    /// Ledger.
    pub ledger: Ledger,
    /// Rows sorted by key.
    pub rows: Vec<TrafficRow>,
    /// What was asked of each operation, sorted by service and operation.
    #[serde(default)]
    pub served: Vec<OperationServed>,
    /// Time on critical paths, sorted by entry, operation and service.
    #[serde(default)]
    pub critical: Vec<CriticalTime>,
    /// Operations called again and again by one request, sorted by names.
    #[serde(default)]
    pub repeated: Vec<RepeatedCalls>,
    /// How often requests call other services, sorted by source and target.
    #[serde(default)]
    pub asked: Vec<CallsOfRequest>,
    /// What requests did together, sorted by key.
    #[serde(default)]
    pub acts: Vec<RequestAct>,
    /// Links of consumers to producers that are not among the spans.
    #[serde(default)]
    pub links_without_producer: u64,
}

impl Traffic {
    /// Adds `other`: counts add up, exemplars stay the smallest three.
    pub fn merge(&mut self, other: Self) {
        for (key, n) in other.ledger {
            *self.ledger.entry(key).or_default() += n;
        }
        for row in other.rows {
            match self.rows.binary_search_by(|mine| mine.key().cmp(&row.key())) {
                Ok(at) => self.rows[at].merge(row),
                Err(at) => self.rows.insert(at, row),
            }
        }
        self.links_without_producer += other.links_without_producer;
        self.merge_details(other.served, other.critical, other.repeated);
        for new in other.acts {
            match self.acts.binary_search_by(|mine| mine.key().cmp(&new.key())) {
                Ok(at) => self.acts[at].merge(new),
                Err(at) => self.acts.insert(at, new),
            }
        }
        for new in other.asked {
            match self.asked.binary_search_by(|m| (&m.source, &m.target).cmp(&(&new.source, &new.target))) {
                Ok(at) => new.counts.into_iter().for_each(|(n, k)| *self.asked[at].counts.entry(n).or_default() += k),
                Err(at) => self.asked.insert(at, new),
            }
        }
    }

    fn merge_details(
        &mut self,
        served: Vec<OperationServed>,
        critical: Vec<CriticalTime>,
        repeated: Vec<RepeatedCalls>,
    ) {
        for new in served {
            let key = (&new.service, &new.operation);
            match self.served.binary_search_by(|mine| (&mine.service, &mine.operation).cmp(&key)) {
                Ok(at) => self.served[at].merge(&new),
                Err(at) => self.served.insert(at, new),
            }
        }
        for new in critical {
            match self.critical.binary_search_by(|mine| mine.key().cmp(&new.key())) {
                Ok(at) => self.critical[at].duration_us += new.duration_us,
                Err(at) => self.critical.insert(at, new),
            }
        }
        for new in repeated {
            match self.repeated.binary_search_by(|mine| mine.key().cmp(&new.key())) {
                Ok(at) => self.repeated[at].merge(new),
                Err(at) => self.repeated.insert(at, new),
            }
        }
    }

    /// Share of spans that were used, entries or internal; `None` without spans.
    #[must_use]
    pub fn coverage(&self) -> Option<f64> {
        let get = |key: &str| self.ledger.get(key).copied().unwrap_or(0);
        let all = get("spans").checked_sub(get("duplicate"))?;
        (all > 0).then(|| (get("used") + get("entry") + get("internal")) as f64 / all as f64)
    }
}

impl OperationServed {
    fn merge(&mut self, other: &Self) {
        self.requests += other.requests;
        self.entries += other.entries;
        self.errors += other.errors;
        self.duration_us += other.duration_us;
        self.histogram.merge(&other.histogram);
        self.latency_us = self.histogram.latency_us();
        self.calls += other.calls;
        self.fan_out_most = self.fan_out_most.max(other.fan_out_most);
        self.targets_most = self.targets_most.max(other.targets_most);
        self.depth_most = self.depth_most.max(other.depth_most);
        self.depth_sum += other.depth_sum;
    }
}

impl CriticalTime {
    /// Its identity.
    #[must_use]
    pub fn key(&self) -> (&str, &str, &str) {
        (&self.entry, &self.operation, &self.service)
    }
}

impl RepeatedCalls {
    /// Its identity.
    #[must_use]
    pub fn key(&self) -> (&str, &str, &str, &str, &str) {
        (&self.source, &self.operation, &self.target, &self.call, &self.protocol)
    }

    fn merge(&mut self, other: Self) {
        self.groups += other.groups;
        self.calls += other.calls;
        self.most = self.most.max(other.most);
        if other.exemplar < self.exemplar {
            self.exemplar = other.exemplar;
        }
    }
}
