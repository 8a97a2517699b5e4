//! The partial graph: what a part of the traces adds, by names. It merges (associative, commutative), whatever the
//! parts were: threads, partitions, files, other engines. Only the whole is finished into `Traffic`: an unpaired
//! client is settled when all services are known, and sums are rounded once.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::traffic::{MOST_OPERATIONS, OTHER_OPERATIONS};
use crate::model::{
    CallsOfRequest, CriticalTime, Ledger, OperationServed, OperationTraffic, Relation, RepeatedCalls, Traffic,
    TrafficRow,
};

use super::partial::{Edge, NONE, Partial, Repeated, Served};
use super::shape::{Known, Shape};
use super::sums::{Exemplar, Sums, micros};

/// A client whose other side is not among the spans: what it says about it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Client {
    source: String,
    peer: String,
    weak: bool,
    host: String,
    rpc_service: String,
    protocol: String,
}

/// What a row is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum About {
    Row(Relation, String, String, String),
    Client(Client),
}

/// A row with its operations.
#[derive(Debug, Clone, Default)]
struct RowSums {
    requests: u64,
    operations: BTreeMap<String, Sums>,
    tables: BTreeMap<String, u64>,
}

impl RowSums {
    fn merge(&mut self, other: Self) {
        self.requests += other.requests;
        for (name, sums) in other.operations {
            self.operations.entry(name).or_default().merge(&sums);
        }
        for (name, n) in other.tables {
            *self.tables.entry(name).or_default() += n;
        }
    }
}

/// What a part of the traces adds.
#[derive(Debug, Clone, Default)]
pub struct PartialGraph {
    rows: BTreeMap<About, RowSums>,
    served: BTreeMap<(String, String), (Served, u64)>,
    critical: BTreeMap<(String, String, String), u128>,
    repeated: BTreeMap<(String, String, About, String), Repeated>,
    asked: BTreeMap<(String, String), BTreeMap<u32, u64>>,
    services: BTreeSet<String>,
    ledger: BTreeMap<String, u64>,
    lost_links: u64,
}

impl PartialGraph {
    /// Names for numbers.
    #[must_use]
    pub fn of(partial: Partial, known: &Known) -> Self {
        let mut graph = Self { lost_links: partial.lost_links, ..Self::default() };
        let abouts: Vec<(About, String)> = partial.edges.iter().map(|edge| about(edge, known)).collect();
        let mut counted = vec![false; partial.rows.len()];
        for ((about, operation), edge) in abouts.iter().zip(partial.edges) {
            let row = graph.rows.entry(about.clone()).or_default();
            if !std::mem::replace(&mut counted[edge.row as usize], true) {
                row.requests += partial.rows[edge.row as usize].requests;
            }
            let table = known.shapes.get(edge.from as usize).map_or(0, |s| s.table);
            if table != 0 {
                *row.tables.entry(known.text(table).to_owned()).or_default() += edge.sums.calls;
            }
            row.operations.entry(operation.clone()).or_default().merge(&edge.sums);
        }
        let shape = |at: u32| known.shapes.get(at as usize).copied().unwrap_or_default();
        let named = |s: &Shape| (known.text(s.service).to_owned(), known.text(s.operation).to_owned());
        let mut served: Vec<(u32, Served)> = partial.served.into_iter().collect();
        served.sort_unstable_by_key(|(at, _)| *at);
        for (at, new) in served {
            let s = shape(at);
            let errors = if s.error { new.requests } else { 0 };
            merge_served(graph.served.entry(named(&s)).or_default(), &new, errors);
        }
        let mut critical: Vec<_> = partial.critical.into_iter().collect();
        critical.sort_unstable();
        for ((entry, service), nanos) in critical {
            let (owner, operation) = named(&shape(entry));
            *graph.critical.entry((owner, operation, known.text(service).to_owned())).or_default() += nanos;
        }
        let mut repeated: Vec<_> = partial.repeated.into_iter().collect();
        repeated.sort_unstable_by_key(|(key, _)| *key);
        for ((caller, edge), new) in repeated {
            let (source, operation) = named(&shape(caller));
            let Some((about, call)) = abouts.get(edge as usize) else { continue };
            merge_repeated(&mut graph.repeated, (source, operation, about.clone(), call.clone()), new);
        }
        let mut asked: Vec<_> = partial.asked.into_iter().collect();
        asked.sort_unstable();
        for ((source, target), counts) in asked {
            let names = (known.text(source).to_owned(), known.text(target).to_owned());
            merge_counts(graph.asked.entry(names).or_default(), counts);
        }
        graph.services.extend(known.shapes.iter().map(|s| known.text(s.service).to_owned()));
        graph.services.remove("");
        graph.ledger.extend(partial.ledger.into_iter().map(|(reason, n)| (reason.to_owned(), n)));
        graph
    }

    /// Adds another part.
    #[must_use]
    pub fn merge(mut self, other: Self) -> Self {
        for (key, row) in other.rows {
            self.rows.entry(key).or_default().merge(row);
        }
        for (key, (served, errors)) in other.served {
            merge_served(self.served.entry(key).or_default(), &served, errors);
        }
        for (key, nanos) in other.critical {
            *self.critical.entry(key).or_default() += nanos;
        }
        for (key, repeated) in other.repeated {
            merge_repeated(&mut self.repeated, key, repeated);
        }
        for (key, counts) in other.asked {
            merge_counts(self.asked.entry(key).or_default(), counts);
        }
        self.services.extend(other.services);
        for (reason, n) in other.ledger {
            *self.ledger.entry(reason).or_default() += n;
        }
        self.lost_links += other.lost_links;
        self
    }

    /// Counts spans in the ledger.
    pub fn count(&mut self, reason: &str, n: u64) {
        if n > 0 {
            *self.ledger.entry(reason.to_owned()).or_default() += n;
        }
    }

    /// The whole: settles unpaired clients, rounds, sorts. `files` are the names of the files by number.
    #[must_use]
    pub fn finish(self, files: &[String]) -> Traffic {
        let Self { rows, served, critical, repeated, asked, services, mut ledger, lost_links } = self;
        let mut settled: BTreeMap<(Relation, String, String, String), RowSums> = BTreeMap::new();
        for (about, row) in rows {
            let calls: u64 = row.operations.values().map(|s| s.calls).sum();
            let (key, reason) = settle(about, &services);
            if let Some(reason) = reason {
                *ledger.entry(reason.to_owned()).or_default() += calls;
            }
            if let Some(key) = key {
                settled.entry(key).or_default().merge(row);
            }
        }
        let mut rows: Vec<TrafficRow> = settled.into_iter().map(|(key, row)| finish_row(key, row, files)).collect();
        rows.sort_by(|a, b| a.key().cmp(&b.key()));
        let mut again: BTreeMap<(String, String, String, String, String), Repeated> = BTreeMap::new();
        for ((source, operation, about, call), new) in repeated {
            if let (Some((_, _, target, protocol)), _) = settle(about, &services) {
                merge_repeated(&mut again, (source, operation, target, call, protocol), new);
            }
        }
        let total = ledger.values().sum();
        ledger.insert("spans".to_owned(), total);
        Traffic {
            ledger: ledger as Ledger,
            rows,
            served: served.into_iter().map(finish_served).collect(),
            critical: critical
                .into_iter()
                .map(|((entry, operation, service), nanos)| CriticalTime {
                    entry,
                    operation,
                    service,
                    duration_us: micros(nanos),
                })
                .collect(),
            repeated: again.into_iter().map(finish_repeated).collect(),
            asked: asked
                .into_iter()
                .map(|((source, target), counts)| CallsOfRequest { source, target, counts })
                .collect(),
            links_without_producer: lost_links,
        }
    }
}

/// What an edge is about, and the operation.
fn about(edge: &Edge, known: &Known) -> (About, String) {
    let shape = |at: u32| known.shapes.get(at as usize).copied().unwrap_or_default();
    let text = |at: u32| known.text(at).to_owned();
    let (from, to) = (shape(edge.from), shape(edge.to));
    let other = if edge.to == NONE { from } else { to };
    let http = |system: u32| if system == 0 { "http".to_owned() } else { text(system) };
    let operation = text(other.operation);
    let row =
        |source: u32, target: u32, protocol: String| About::Row(edge.relation, text(source), text(target), protocol);
    let about = match edge.relation {
        Relation::Sync => row(from.service, to.service, http(if from.system == 0 { to.system } else { from.system })),
        Relation::UnpairedClient | Relation::External => About::Client(Client {
            source: text(from.service),
            peer: text(from.target),
            weak: from.weak_peer,
            host: text(from.host),
            rpc_service: text(from.rpc_service),
            protocol: http(from.system),
        }),
        Relation::OrphanServer => row(0, from.service, http(from.system)),
        Relation::Db => row(from.service, from.target, text(from.system)),
        Relation::Publish | Relation::MessagingClient => row(from.service, from.target, text(from.system)),
        Relation::Consume => row(from.target, from.service, text(from.system)),
        Relation::AsyncLink | Relation::AsyncParent => row(from.service, to.service, text(to.system)),
        Relation::Inferred => row(from.service, to.service, text(to.system)),
    };
    (about, operation)
}

type Settled = (Option<(Relation, String, String, String)>, Option<&'static str>);

/// The row of something, and the entry of the ledger that its spans belong to if they are not counted yet.
fn settle(about: About, services: &BTreeSet<String>) -> Settled {
    let client = match about {
        About::Row(relation, source, target, protocol) => return (Some((relation, source, target, protocol)), None),
        About::Client(client) => client,
    };
    let Client { source, peer, weak, host, rpc_service, protocol } = client;
    let service = |name: String| {
        (Some((Relation::UnpairedClient, source.clone(), name, protocol.clone())), Some("unpaired_client"))
    };
    if !peer.is_empty() && (!weak || services.contains(&peer)) {
        return service(peer);
    }
    // `name.namespace.svc[.cluster.local]` is a service, seen or not.
    let plain = host.strip_suffix('.').unwrap_or(&host);
    let plain = plain.strip_suffix(".cluster.local").unwrap_or(plain);
    if let Some((name, _)) = plain.strip_suffix(".svc").and_then(|rest| rest.split_once('.')) {
        return service(name.to_owned());
    }
    if services.contains(&host) {
        return service(host);
    }
    let outside = if peer.is_empty() { host } else { peer };
    if !outside.is_empty() {
        return (Some((Relation::External, source, outside, protocol)), Some("used"));
    }
    if !rpc_service.is_empty() {
        return service(rpc_service);
    }
    (None, Some("unpaired_no_peer"))
}

fn finish_row(key: (Relation, String, String, String), row: RowSums, files: &[String]) -> TrafficRow {
    let (relation, source, target, protocol) = key;
    let mut all = Sums::default();
    for sums in row.operations.values() {
        all.merge(sums);
    }
    let pair = relation == Relation::Sync;
    let histogram = all.sketch.histogram();
    let first = all.exemplars[0];
    let known = all.exemplars.iter().filter(|e| **e != Exemplar::NONE);
    // Calls that say nothing of sampling count once beside those that do.
    let estimated = || micros_of(all.weighted.1) + (all.calls - all.weighted.0);
    TrafficRow {
        relation,
        source,
        target,
        protocol,
        calls: all.calls,
        errors: all.errors,
        server_errors: pair.then_some(all.server_errors),
        retries: all.retries,
        duration_us: micros(all.duration),
        server_duration_us: pair.then(|| micros(all.server_duration)),
        requests: row.requests,
        estimated_calls: (all.weighted.0 > 0).then(estimated),
        concurrent: all.concurrent,
        outlived: all.outlived,
        first_us: (all.first != u64::MAX).then_some(all.first / 1_000),
        last_us: (all.first != u64::MAX).then_some(all.last / 1_000),
        latency_us: histogram.latency_us(),
        operations: finish_operations(row.operations),
        tables: row.tables,
        histogram,
        exemplars: known.map(Exemplar::text).collect(),
        file: files.get(first.file as usize).cloned().unwrap_or_default(),
    }
}

/// Millionths as a whole number.
fn micros_of(millionths: u128) -> u64 {
    u64::try_from((millionths + 500_000) / 1_000_000).unwrap_or(u64::MAX)
}

/// The most frequent operations apart, the others together: there may be no end of names.
fn finish_operations(all: BTreeMap<String, Sums>) -> Vec<OperationTraffic> {
    let mut by_calls: Vec<(String, Sums)> = all.into_iter().collect();
    by_calls.sort_by(|a, b| b.1.calls.cmp(&a.1.calls).then_with(|| a.0.cmp(&b.0)));
    let mut others = Sums::default();
    for (_, sums) in by_calls.drain(by_calls.len().min(MOST_OPERATIONS)..) {
        others.merge(&sums);
    }
    if others.calls > 0 {
        by_calls.push((OTHER_OPERATIONS.to_owned(), others));
    }
    let mut operations: Vec<OperationTraffic> = by_calls
        .into_iter()
        .map(|(name, sums)| {
            let histogram = sums.sketch.histogram();
            OperationTraffic {
                name,
                calls: sums.calls,
                errors: sums.errors,
                retries: sums.retries,
                duration_us: micros(sums.duration),
                latency_us: histogram.latency_us(),
                histogram,
            }
        })
        .collect();
    operations.sort_by(|a, b| a.name.cmp(&b.name));
    operations
}

fn merge_counts(mine: &mut BTreeMap<u32, u64>, other: BTreeMap<u32, u64>) {
    for (calls, requests) in other {
        *mine.entry(calls).or_default() += requests;
    }
}

fn merge_served(mine: &mut (Served, u64), other: &Served, errors: u64) {
    mine.1 += errors;
    let mine = &mut mine.0;
    mine.requests += other.requests;
    mine.entries += other.entries;
    mine.duration += other.duration;
    mine.sketch.merge(&other.sketch);
    mine.calls += other.calls;
    mine.fan_out = mine.fan_out.max(other.fan_out);
    mine.targets = mine.targets.max(other.targets);
    mine.depth = mine.depth.max(other.depth);
    mine.depth_sum += other.depth_sum;
}

fn merge_repeated<K: Ord>(all: &mut BTreeMap<K, Repeated>, key: K, new: Repeated) {
    all.entry(key)
        .and_modify(|mine| {
            mine.groups += new.groups;
            mine.calls += new.calls;
            mine.most = mine.most.max(new.most);
            mine.exemplar = mine.exemplar.min(new.exemplar);
        })
        .or_insert(new);
}

fn finish_served(((service, operation), (served, errors)): ((String, String), (Served, u64))) -> OperationServed {
    let histogram = served.sketch.histogram();
    OperationServed {
        service,
        operation,
        requests: served.requests,
        entries: served.entries,
        errors,
        duration_us: micros(served.duration),
        latency_us: histogram.latency_us(),
        histogram,
        calls: served.calls,
        fan_out_most: served.fan_out,
        targets_most: served.targets,
        depth_most: served.depth,
        depth_sum: served.depth_sum,
    }
}

fn finish_repeated(entry: ((String, String, String, String, String), Repeated)) -> RepeatedCalls {
    let ((source, operation, target, call, protocol), repeated) = entry;
    RepeatedCalls {
        source,
        operation,
        target,
        call,
        protocol,
        groups: repeated.groups,
        calls: repeated.calls,
        most: repeated.most,
        exemplar: repeated.exemplar.text(),
    }
}
