//! Edges while they are put together: one per (source, target, mode, channel), with everything that shows it.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{Confidence, Dependency, Evidence, Mode, Site, SourceKind, TrafficRow};

/// The identity of an edge between nodes.
pub type Key = (usize, usize, Mode, Option<String>);

/// All edges.
#[derive(Debug, Default)]
pub struct Edges {
    all: BTreeMap<Key, Dependency>,
}

impl Edges {
    /// The edge of this identity, made if it is new.
    pub fn at(&mut self, key: Key, protocol: &str) -> &mut Dependency {
        let (_, _, mode, channel) = key.clone();
        let edge = self.all.entry(key).or_insert_with(|| Dependency {
            source: String::new(),
            target: String::new(),
            mode,
            protocol: String::new(),
            blocking: false,
            channel,
            confidence: Confidence::Probable,
            seen_in: Vec::new(),
            intents: Vec::new(),
            sites: Vec::new(),
            tables: Vec::new(),
            calls: None,
            errors: None,
            p50_us: None,
            p95_us: None,
            evidence: Vec::new(),
        });
        if !protocol.is_empty() && !edge.protocol.split('+').any(|p| p == protocol) {
            let mut all: Vec<&str> = edge.protocol.split('+').filter(|p| !p.is_empty()).chain([protocol]).collect();
            all.sort_unstable();
            edge.protocol = all.join("+");
        }
        edge
    }

    /// Adds a call site.
    pub fn site(&mut self, key: Key, protocol: &str, site: Site, source: SourceKind) {
        let edge = self.at(key, protocol);
        edge.confidence = edge.confidence.max(site.confidence);
        edge.blocking |= site.blocking && edge.mode == Mode::Sync;
        see(edge, source);
        for step in &site.chain {
            see(edge, step.source);
        }
        edge.sites.push(site);
    }

    /// Adds evidence without a call site.
    pub fn evidence(&mut self, key: Key, protocol: &str, blocking: bool, evidence: Evidence) {
        let edge = self.at(key, protocol);
        edge.confidence = edge.confidence.max(evidence.confidence);
        edge.blocking |= blocking;
        see(edge, evidence.source);
        edge.evidence.push(evidence);
    }

    /// Adds what traces measured.
    pub fn traffic(&mut self, key: Key, row: &TrafficRow, blocking: bool, evidence: Evidence) {
        self.evidence(key.clone(), &row.protocol, false, evidence);
        let edge = self.at(key, "");
        // A call that code shows as spawned and never awaited stays non-blocking.
        if edge.sites.is_empty() {
            edge.blocking |= blocking;
        }
        *edge.calls.get_or_insert(0) += row.calls;
        *edge.errors.get_or_insert(0) += row.errors;
        let slower = |old: Option<u64>, new: Option<u64>| old.max(new);
        edge.p50_us = slower(edge.p50_us, row.quantile_us(0.5));
        edge.p95_us = slower(edge.p95_us, row.quantile_us(0.95));
    }

    /// Is there such an edge?
    #[must_use]
    pub fn has(&self, key: &Key) -> bool {
        self.all.contains_key(key)
    }

    /// Keys of all edges.
    pub fn keys(&self) -> impl Iterator<Item = &Key> {
        self.all.keys()
    }

    /// Adds the tables that each node uses to its data edges.
    pub fn tables(&mut self, used: &BTreeMap<usize, BTreeSet<String>>) {
        for ((from, _, mode, _), edge) in &mut self.all {
            if *mode != Mode::Data {
                continue;
            }
            if let Some(tables) = used.get(from) {
                edge.tables.extend(tables.iter().cloned());
                edge.tables.sort();
                edge.tables.dedup();
            }
        }
    }

    /// The dependencies with names, everything in its order. Self edges are no coupling.
    #[must_use]
    pub fn finish(self, name: impl Fn(usize) -> String) -> Vec<Dependency> {
        self.all
            .into_iter()
            .filter(|((source, target, ..), _)| source != target)
            .map(|((source, target, ..), mut edge)| {
                edge.source = name(source);
                edge.target = name(target);
                edge.sites.sort();
                edge.sites.dedup_by(|a, b| {
                    (&a.root, &a.path, a.line, &a.operation) == (&b.root, &b.path, b.line, &b.operation)
                });
                edge.evidence.sort();
                edge.evidence.dedup();
                edge.seen_in.sort();
                // Most edges have one site: room for more would be most of the memory of a huge graph.
                edge.sites.shrink_to_fit();
                edge.evidence.shrink_to_fit();
                edge
            })
            .collect()
    }
}

fn see(edge: &mut Dependency, source: SourceKind) {
    if !edge.seen_in.contains(&source) {
        edge.seen_in.push(source);
    }
}
