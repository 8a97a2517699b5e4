//! What happened, counted.

use std::sync::atomic::{AtomicU64, Ordering};

/// Counters of one run.
#[derive(Debug, Default)]
pub struct Tally {
    /// Requests that were acknowledged.
    pub requests: AtomicU64,
    /// Spans in them.
    pub spans: AtomicU64,
    /// Spans of them without the id of their trace or their own.
    pub without_ids: AtomicU64,
    /// Bytes of them, unpacked.
    pub bytes: AtomicU64,
    /// Requests that cannot be read.
    pub refused_broken: AtomicU64,
    /// Requests above the limit of a message.
    pub refused_too_large: AtomicU64,
    /// Requests without the token.
    pub refused_token: AtomicU64,
    /// Requests for which there was no room in memory.
    pub refused_busy: AtomicU64,
    /// Requests that the disk, or its limit, had no room for.
    pub refused_disk: AtomicU64,
    /// Requests that were not there in time.
    pub refused_slow: AtomicU64,
    /// Requests of another kind: path, method, content type.
    pub refused_other: AtomicU64,
    /// Connections above the limit.
    pub refused_connections: AtomicU64,
}

impl Tally {
    /// All of them by name.
    pub fn counts(&self) -> Vec<(&'static str, u64)> {
        let all = [
            ("requests", &self.requests),
            ("spans", &self.spans),
            ("without_ids", &self.without_ids),
            ("bytes", &self.bytes),
            ("refused_broken", &self.refused_broken),
            ("refused_too_large", &self.refused_too_large),
            ("refused_token", &self.refused_token),
            ("refused_busy", &self.refused_busy),
            ("refused_disk", &self.refused_disk),
            ("refused_slow", &self.refused_slow),
            ("refused_other", &self.refused_other),
            ("refused_connections", &self.refused_connections),
        ];
        all.iter().map(|(name, n)| (*name, n.load(Ordering::Relaxed))).collect()
    }
}

/// Counts one more.
pub fn one(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}
