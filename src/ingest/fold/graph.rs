//! The partial graph: what a part of the traces adds, by names. It merges (associative, commutative), whatever the
//! parts were: threads, partitions, files, other engines. Only the whole is finished into `Traffic`: an unpaired
//! client is settled when all services are known, and sums are rounded once.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::traffic::{MOST_OPERATIONS, OTHER_OPERATIONS};
use crate::model::{
    Act, CallsOfRequest, CriticalTime, Ledger, OperationServed, OperationTraffic, Relation, RepeatedCalls, RequestAct,
    Traffic, TrafficRow,
};

use super::deliveries::{Deliveries, Delivery, SpanId};
use super::partial::{Edge, NONE, Partial, Repeated, Requests, Served};
use super::shape::{Known, Shape};
use super::store::Link;
use super::sums::{Exemplar, Sums, micros};

/// A client whose other side is not among the spans: what it says about it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Client {
    /// The service that calls.
    pub source: String,
    /// The peer by name.
    pub peer: String,
    /// That name is a service only if it occurs among the services.
    pub weak: bool,
    /// The peer's host.
    pub host: String,
    /// The RPC service called.
    pub rpc_service: String,
    /// Protocol.
    pub protocol: String,
}

/// What a row is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum About {
    /// Relation, source, target, protocol.
    Row(Relation, String, String, String),
    /// An unpaired client.
    Client(Client),
}

/// A row with its operations.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RowSums {
    /// Traces in which it occurs.
    pub requests: u64,
    /// Operations.
    pub operations: BTreeMap<String, Sums>,
    /// Tables with their calls.
    pub tables: BTreeMap<String, u64>,
}

impl RowSums {
    /// Adds another row's.
    pub fn merge(&mut self, other: Self) {
        self.requests += other.requests;
        for (name, sums) in other.operations {
            self.operations.entry(name).or_default().merge(&sums);
        }
        for (name, n) in other.tables {
            *self.tables.entry(name).or_default() += n;
        }
    }
}

/// What requests did: service, operation, act, the service or destination that it is about.
pub type ActKey = (String, String, Act, String);

/// What a part of the traces adds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PartialGraph {
    /// Rows.
    pub(super) rows: BTreeMap<About, RowSums>,
    /// By service and operation, with the number of requests that ended in an error.
    pub(super) served: BTreeMap<(String, String), (Served, u64)>,
    /// By service and operation of the entry and the service whose time it is, in nanoseconds.
    pub(super) critical: BTreeMap<(String, String, String), u128>,
    /// By service, its operation, what is called, the operation called.
    pub(super) repeated: BTreeMap<(String, String, About, String), Repeated>,
    /// By caller and service called: calls of one request → requests.
    pub(super) asked: BTreeMap<(String, String), BTreeMap<u32, u64>>,
    /// By service, operation, what its requests did, and what that is about.
    pub(super) acts: BTreeMap<ActKey, Requests>,
    /// All services.
    pub(super) services: BTreeSet<String>,
    /// Ledger.
    pub(super) ledger: BTreeMap<String, u64>,
    /// Links that lead to no producer.
    pub(super) lost_links: u64,
    /// Deliveries that are joined at the end.
    pub(super) deliveries: Deliveries,
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
            match row.operations.get_mut(operation) {
                Some(sums) => sums.merge(&edge.sums),
                None => drop(row.operations.insert(operation.clone(), edge.sums)),
            }
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
        for ((source, target, calls), requests) in partial.asked {
            let names = (known.text(source).to_owned(), known.text(target).to_owned());
            *graph.asked.entry(names).or_default().entry(calls).or_default() += requests;
        }
        for ((at, act, other), new) in partial.acts {
            let (service, operation) = named(&shape(at));
            let key = (service, operation, act, known.text(other).to_owned());
            graph.acts.entry(key).or_insert(Requests::NONE).merge(new);
        }
        graph.take_deliveries(partial.messages, partial.links, known);
        graph.services.extend(known.shapes.iter().map(|s| known.text(s.service).to_owned()));
        graph.services.remove("");
        graph.ledger.extend(partial.spans.ledger());
        graph
    }

    /// Adds another part.
    #[must_use]
    pub fn merge(mut self, other: Self) -> Self {
        if self == Self::default() {
            return other;
        }
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
        for (key, requests) in other.acts {
            self.acts.entry(key).or_insert(Requests::NONE).merge(requests);
        }
        self.services.extend(other.services);
        for (reason, n) in other.ledger {
            *self.ledger.entry(reason).or_default() += n;
        }
        self.lost_links += other.lost_links;
        self.deliveries.merge(other.deliveries);
        self
    }

    fn take_deliveries(&mut self, messages: Vec<(SpanId, u32)>, links: Vec<Link>, known: &Known) {
        let shape = |at: u32| known.shapes.get(at as usize).copied().unwrap_or_default();
        let named = |(id, at): (SpanId, u32)| (id, known.text(shape(at).service).to_owned());
        self.deliveries.messages.append(&mut messages.into_iter().map(named).collect());
        for Link { trace, id, consumer } in links {
            let s = shape(consumer.shape);
            let delivery = Delivery {
                duration: consumer.duration,
                start: consumer.start,
                error: s.error,
                weight: s.weight,
                service: known.text(s.service).to_owned(),
                operation: known.text(s.operation).to_owned(),
                system: known.text(s.system).to_owned(),
                file: consumer.file,
            };
            self.deliveries.link((trace, id), (consumer.trace, consumer.id), delivery);
        }
    }

    /// As lines of text, to be merged elsewhere.
    #[must_use]
    pub fn to_text(&self) -> String {
        super::text::write(self)
    }

    /// Reads lines of text, of one part or of several; `file` is the number of the file, for evidence.
    ///
    /// # Errors
    /// What is wrong, with its line.
    pub fn from_text(text: &str, file: u32) -> Result<Self, String> {
        super::text::read(text, file)
    }

    /// Spans counted so far.
    #[must_use]
    pub fn spans(&self) -> u64 {
        let clients = self.rows.iter().filter(|(about, _)| matches!(about, About::Client(_)));
        let calls = clients.flat_map(|(_, row)| row.operations.values()).map(|sums| sums.calls);
        self.ledger.values().sum::<u64>() + calls.sum::<u64>()
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
        let Self { mut rows, served, critical, repeated, asked, acts, services, mut ledger, lost_links, deliveries } =
            self;
        let lost = deliveries.join(|about, row| rows.entry(about).or_default().merge(row));
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
            acts: acts.into_iter().map(|entry| finish_act(entry, files)).collect(),
            links_without_producer: lost_links + lost,
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

/// Adds up calls of one request.
pub fn merge_counts(mine: &mut BTreeMap<u32, u64>, other: BTreeMap<u32, u64>) {
    for (calls, requests) in other {
        *mine.entry(calls).or_default() += requests;
    }
}

/// Adds up what was asked of an operation.
pub fn merge_served(mine: &mut (Served, u64), other: &Served, errors: u64) {
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

/// Adds up operations called again and again.
pub fn merge_repeated<K: Ord>(all: &mut BTreeMap<K, Repeated>, key: K, new: Repeated) {
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

fn finish_act(entry: (ActKey, Requests), files: &[String]) -> RequestAct {
    let ((service, operation, act, other), Requests { requests, exemplar }) = entry;
    let file = files.get(exemplar.file as usize).cloned().unwrap_or_default();
    RequestAct { service, operation, act, other, requests, exemplar: exemplar.text(), file }
}
