//! What traces say: rows of relations with counts, and the ledger of spans.
//!
//! `Traffic` merges (associative, commutative), so that files, partitions and engines can be added up.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

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

/// Latency histogram: bucket `floor(20·ln µs)` → count (2.5 % relative error, mergeable).
pub type Histogram = BTreeMap<i32, u64>;

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
    /// Calls with an error on the side that the relation counts.
    pub errors: u64,
    /// Calls with a resend count above 0.
    pub retries: u64,
    /// Sum of durations seen by the source, in microseconds.
    pub duration_us: u64,
    /// Sum of durations seen by the server, in microseconds (`sync` only).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server_duration_us: Option<u64>,
    /// Operations with their call counts (span names or routes).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub operations: BTreeMap<String, u64>,
    /// Latency histogram of the duration.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub histogram: Histogram,
    /// Up to three example trace ids, smallest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exemplars: Vec<String>,
    /// A file that holds one of the exemplars, for evidence.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub file: String,
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
        let total: u64 = self.histogram.values().sum();
        if total == 0 {
            return None;
        }
        let rank = (q * (total - 1) as f64).round() as u64;
        let mut seen = 0;
        for (bucket, count) in &self.histogram {
            seen += count;
            if seen > rank {
                return Some(((f64::from(*bucket) + 0.5) / 20.0).exp().round() as u64);
            }
        }
        None
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
}

impl Traffic {
    /// Adds `other`: counts add up, exemplars stay the smallest three.
    pub fn merge(&mut self, other: Traffic) {
        for (key, n) in other.ledger {
            *self.ledger.entry(key).or_default() += n;
        }
        for row in other.rows {
            match self.rows.binary_search_by(|mine| mine.key().cmp(&row.key())) {
                Ok(at) => self.rows[at].merge(row),
                Err(at) => self.rows.insert(at, row),
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

impl TrafficRow {
    fn merge(&mut self, other: TrafficRow) {
        self.calls += other.calls;
        self.errors += other.errors;
        self.retries += other.retries;
        self.duration_us += other.duration_us;
        if let Some(theirs) = other.server_duration_us {
            *self.server_duration_us.get_or_insert(0) += theirs;
        }
        for (name, n) in other.operations {
            *self.operations.entry(name).or_default() += n;
        }
        for (bucket, n) in other.histogram {
            *self.histogram.entry(bucket).or_default() += n;
        }
        self.exemplars.extend(other.exemplars);
        self.exemplars.sort();
        self.exemplars.dedup();
        self.exemplars.truncate(3);
        if self.file.is_empty() || (!other.file.is_empty() && other.file < self.file) {
            self.file = other.file;
        }
    }
}
