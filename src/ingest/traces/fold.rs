//! Spans -> rows and ledger: one fold for all formats, independent of order, split and number of threads.
//!
//! Mode by attributes before kind; a consumer by link or by parent, never both; INTERNAL spans climbed; exact copies
//! dropped; what was not used is counted with its reason. Rules: the meaning of each relation is in `model::traffic`.

use std::collections::{BTreeMap, BTreeSet};

use hashbrown::HashSet;
use rayon::prelude::*;

use crate::model::{Ledger, Relation, Traffic, TrafficRow};

use super::span::{Kind, Span, Strings, Text};

/// Spans above one that are looked at before a chain of INTERNAL spans is given up.
const CLIMB: usize = 64;

/// Folds the spans of all files.
#[must_use]
pub fn fold(
    mut spans: Vec<Span>,
    strings: &Strings,
    rejected: u64,
    file_of: &(dyn Fn(u128) -> String + Sync),
) -> Traffic {
    let read = spans.len() as u64 + rejected;
    spans.par_sort_unstable_by(|a, b| {
        (a.trace, a.id, a.kind, a.service, a.duration).cmp(&(b.trace, b.id, b.kind, b.service, b.duration))
    });
    let before = spans.len();
    spans.dedup_by(|a, b| (a.trace, a.id, a.kind) == (b.trace, b.id, b.kind));
    let duplicate = (before - spans.len()) as u64;
    let services: HashSet<Text, foldhash::fast::FixedState> = spans.iter().map(|s| s.service).collect();
    let fold = Fold { spans: &spans, strings, services: &services };
    // Traces are cut where the trace id changes, so that each is folded by one thread.
    let mut bounds: Vec<usize> = vec![0];
    for at in 1..spans.len() {
        if spans[at].trace != spans[at - 1].trace {
            bounds.push(at);
        }
    }
    bounds.push(spans.len());
    let partial = bounds
        .par_windows(2)
        .fold(Partial::default, |mut partial, window| {
            fold.trace(window[0], window[1], &mut partial);
            partial
        })
        .reduce(Partial::default, Partial::merge);
    partial.finish(read, duplicate, rejected, strings, file_of)
}

/// What a part of the spans adds: rows by key, ledger by reason. Merging is associative and commutative.
#[derive(Debug, Default)]
struct Partial {
    rows: BTreeMap<(Relation, Text, Text, Text), Sums>,
    names: BTreeMap<(Relation, Text, String, Text), Sums>,
    ledger: BTreeMap<&'static str, u64>,
}

/// Sums of one row; durations in nanoseconds, rounded once at the end.
#[derive(Debug, Clone, Default)]
struct Sums {
    calls: u64,
    errors: u64,
    retries: u64,
    duration: u128,
    server: Option<u128>,
    operations: BTreeMap<Text, u64>,
    histogram: BTreeMap<i32, u64>,
    exemplars: BTreeSet<(u128, u64)>,
}

impl Sums {
    fn add(&mut self, span: &Span, server: Option<&Span>, operation: Text) {
        self.calls += 1;
        self.errors += u64::from(span.error);
        self.retries += u64::from(span.resent);
        self.duration += u128::from(span.duration);
        if let Some(server) = server {
            *self.server.get_or_insert(0) += u128::from(server.duration);
        }
        *self.operations.entry(operation).or_default() += 1;
        let micros = (span.duration / 1_000).max(1);
        *self.histogram.entry((20.0 * (micros as f64).ln()).floor() as i32).or_default() += 1;
        self.exemplars.insert((span.trace, span.id));
        while self.exemplars.len() > 3 {
            self.exemplars.pop_last();
        }
    }

    fn merge(&mut self, other: Self) {
        self.calls += other.calls;
        self.errors += other.errors;
        self.retries += other.retries;
        self.duration += other.duration;
        if let Some(server) = other.server {
            *self.server.get_or_insert(0) += server;
        }
        for (name, n) in other.operations {
            *self.operations.entry(name).or_default() += n;
        }
        for (bucket, n) in other.histogram {
            *self.histogram.entry(bucket).or_default() += n;
        }
        self.exemplars.extend(other.exemplars);
        while self.exemplars.len() > 3 {
            self.exemplars.pop_last();
        }
    }
}

impl Partial {
    fn merge(mut self, other: Self) -> Self {
        for (key, sums) in other.rows {
            self.rows.entry(key).or_default().merge(sums);
        }
        for (key, sums) in other.names {
            self.names.entry(key).or_default().merge(sums);
        }
        for (reason, n) in other.ledger {
            *self.ledger.entry(reason).or_default() += n;
        }
        self
    }

    fn count(&mut self, reason: &'static str) {
        *self.ledger.entry(reason).or_default() += 1;
    }

    fn finish(
        self,
        read: u64,
        duplicate: u64,
        rejected: u64,
        strings: &Strings,
        file_of: &(dyn Fn(u128) -> String + Sync),
    ) -> Traffic {
        let mut all: BTreeMap<(Relation, String, String, String), Sums> = BTreeMap::new();
        for ((relation, source, target, protocol), sums) in self.rows {
            let key = (
                relation,
                strings.text(source).to_owned(),
                strings.text(target).to_owned(),
                strings.text(protocol).to_owned(),
            );
            all.entry(key).or_default().merge(sums);
        }
        for ((relation, source, target, protocol), sums) in self.names {
            let key = (relation, strings.text(source).to_owned(), target, strings.text(protocol).to_owned());
            all.entry(key).or_default().merge(sums);
        }
        let rows = all.into_iter().map(|((relation, source, target, protocol), sums)| {
            let micros = |ns: u128| ((ns + 500) / 1_000) as u64;
            TrafficRow {
                relation,
                source,
                target,
                protocol: if protocol.is_empty() && !matches!(relation, Relation::Inferred) {
                    "http".to_owned()
                } else {
                    protocol
                },
                calls: sums.calls,
                errors: sums.errors,
                retries: sums.retries,
                duration_us: micros(sums.duration),
                server_duration_us: sums.server.map(micros),
                operations: top_operations(&sums.operations, strings),
                histogram: sums.histogram,
                file: sums.exemplars.first().map(|(trace, _)| file_of(*trace)).unwrap_or_default(),
                exemplars: sums.exemplars.iter().map(|(trace, id)| format!("{trace:032x}/{id:016x}")).collect(),
            }
        });
        let mut rows: Vec<TrafficRow> = rows.collect();
        rows.sort_by(|a, b| a.key().cmp(&b.key()));
        let mut ledger: Ledger = self.ledger.into_iter().map(|(k, n)| (k.to_owned(), n)).collect();
        ledger.insert("spans".to_owned(), read);
        for (key, n) in [("duplicate", duplicate), ("rejected_no_id", rejected)] {
            if n > 0 {
                ledger.insert(key.to_owned(), n);
            }
        }
        Traffic { ledger, rows }
    }
}

/// The most frequent operations of a row: names may hold identifiers, and then there is no end of them.
fn top_operations(all: &BTreeMap<Text, u64>, strings: &Strings) -> BTreeMap<String, u64> {
    let mut sorted: Vec<(u64, &str)> = all.iter().map(|(name, n)| (*n, strings.text(*name))).collect();
    sorted.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.cmp(b.1)));
    sorted.into_iter().take(20).map(|(n, name)| (name.to_owned(), n)).collect()
}

struct Fold<'f> {
    spans: &'f [Span],
    strings: &'f Strings,
    services: &'f HashSet<Text, foldhash::fast::FixedState>,
}

/// What a span is, decided by its attributes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Server,
    Client,
    Database,
    Publish,
    Consume,
    BrokerCall,
    Internal,
    Unknown,
}

fn role(span: &Span) -> Role {
    if span.messaging != 0 {
        match span.kind {
            Kind::Producer => return Role::Publish,
            Kind::Consumer => return Role::Consume,
            Kind::Client => return Role::BrokerCall,
            _ => {}
        }
    }
    if span.database != 0 && matches!(span.kind, Kind::Client | Kind::Unspecified) {
        return Role::Database;
    }
    match span.kind {
        Kind::Server => Role::Server,
        Kind::Client => Role::Client,
        Kind::Producer => Role::Publish,
        Kind::Consumer => Role::Consume,
        Kind::Internal => Role::Internal,
        Kind::Unspecified => Role::Unknown,
    }
}

impl Fold<'_> {
    /// Folds the spans `from..to` of one trace.
    fn trace(&self, from: usize, to: usize, partial: &mut Partial) {
        let mut paired: BTreeSet<usize> = BTreeSet::new();
        let mut outer: BTreeSet<usize> = BTreeSet::new();
        for at in from..to {
            match role(&self.spans[at]) {
                Role::Server => self.server(at, from, to, &mut paired, partial),
                Role::Unknown => self.unknown(at, from, to, &mut paired, partial),
                Role::Consume => self.consume(at, from, to, partial),
                Role::Client => {
                    // A client span around another one of the same service is not the one that goes out.
                    if let Some(up) = self.climb(at, from, to, |r| r == Role::Internal)
                        && role(&self.spans[up]) == Role::Client
                        && self.spans[up].service == self.spans[at].service
                    {
                        outer.insert(up);
                    }
                }
                Role::Publish => {
                    let span = &self.spans[at];
                    self.add(
                        partial,
                        (Relation::Publish, span.service, span.destination, self.system(span)),
                        span,
                        None,
                    );
                    partial.count("used");
                }
                Role::BrokerCall => {
                    let span = &self.spans[at];
                    self.add(
                        partial,
                        (Relation::MessagingClient, span.service, span.destination, span.messaging),
                        span,
                        None,
                    );
                    partial.count("used");
                }
                Role::Database => self.database(&self.spans[at], partial),
                Role::Internal => partial.count("internal"),
            }
        }
        for at in (from..to).filter(|at| role(&self.spans[*at]) == Role::Client) {
            if paired.contains(&at) {
                partial.count("used");
            } else if outer.contains(&at) {
                partial.count("internal");
            } else {
                self.unpaired(&self.spans[at], partial);
            }
        }
    }

    fn add(&self, partial: &mut Partial, key: (Relation, Text, Text, Text), span: &Span, server: Option<&Span>) {
        partial.rows.entry(key).or_default().add(span, server, server.unwrap_or(span).name);
    }

    /// The span with an id: of two halves of a shared id the server's, for children belong to it.
    fn find(&self, id: u64, from: usize, to: usize) -> Option<usize> {
        let part = &self.spans[from..to];
        let start = part.partition_point(|s| s.id < id);
        let halves = part[start..].iter().take_while(|s| s.id == id).count();
        let all = start..start + halves;
        all.clone().find(|at| part[*at].kind == Kind::Server).or_else(|| all.clone().next()).map(|at| from + at)
    }

    /// The nearest span above that is not passed over, staying in one service while climbing.
    fn climb(&self, at: usize, from: usize, to: usize, pass: impl Fn(Role) -> bool) -> Option<usize> {
        let mut up = self.find(self.spans[at].parent, from, to).filter(|_| self.spans[at].parent != 0)?;
        let service = self.spans[up].service;
        for _ in 0..CLIMB {
            let span = &self.spans[up];
            if up == at || !pass(role(span)) || span.parent == 0 {
                return Some(up);
            }
            match self.find(span.parent, from, to).filter(|next| self.spans[*next].service == service) {
                Some(next) if next != up => up = next,
                _ => return Some(up),
            }
        }
        Some(up)
    }

    fn server(&self, at: usize, from: usize, to: usize, paired: &mut BTreeSet<usize>, partial: &mut Partial) {
        let span = &self.spans[at];
        // Zipkin's shared half pairs only with the client of the same id.
        let shared_client = (from..to)
            .find(|i| self.spans[*i].id == span.id && role(&self.spans[*i]) == Role::Client)
            .filter(|_| span.shared);
        let client = if span.shared {
            shared_client
        } else {
            self.climb(at, from, to, |r| r == Role::Internal).filter(|up| *up != at)
        };
        match client {
            Some(up) if matches!(role(&self.spans[up]), Role::Client) => self.pair(up, at, paired, partial),
            Some(up) if self.spans[up].service != span.service => {
                // The caller is not instrumented as a client.
                let key = (Relation::Inferred, self.spans[up].service, span.service, self.protocol(span, span));
                self.add(partial, key, span, None);
                partial.count("used");
            }
            Some(_) => partial.count("internal"),
            None if span.parent == 0 && !span.shared => partial.count("entry"),
            None => {
                self.add(partial, (Relation::OrphanServer, 0, span.service, self.protocol(span, span)), span, None);
                partial.count("orphan");
            }
        }
    }

    fn pair(&self, client: usize, server: usize, paired: &mut BTreeSet<usize>, partial: &mut Partial) {
        let (c, s) = (&self.spans[client], &self.spans[server]);
        self.add(partial, (Relation::Sync, c.service, s.service, self.protocol(c, s)), c, Some(s));
        paired.insert(client);
        partial.count("used");
    }

    /// A span without a kind: the server of a client above it, a call from another service, or a step inside.
    fn unknown(&self, at: usize, from: usize, to: usize, paired: &mut BTreeSet<usize>, partial: &mut Partial) {
        let span = &self.spans[at];
        if span.parent == 0 {
            return partial.count("entry");
        }
        let Some(up) = self.find(span.parent, from, to) else {
            self.add(partial, (Relation::OrphanServer, 0, span.service, self.protocol(span, span)), span, None);
            return partial.count("orphan");
        };
        let parent = &self.spans[up];
        if parent.service == span.service {
            return partial.count("internal");
        }
        if role(parent) == Role::Client && !paired.contains(&up) {
            return self.pair(up, at, paired, partial);
        }
        self.add(partial, (Relation::Inferred, parent.service, span.service, span.rpc), span, None);
        partial.count("used");
    }

    fn database(&self, span: &Span, partial: &mut Partial) {
        // `system:namespace@host`; parts that are absent are left out with their separator.
        let mut target = self.strings.text(span.database).to_owned();
        if span.namespace != 0 {
            target.push(':');
            target.push_str(self.strings.text(span.namespace));
        }
        if span.host != 0 {
            target.push('@');
            target.push_str(self.strings.text(span.host));
        }
        let key = (Relation::Db, span.service, target, span.database);
        partial.names.entry(key).or_default().add(span, None, span.name);
        partial.count("used");
    }

    fn consume(&self, at: usize, from: usize, to: usize, partial: &mut Partial) {
        let span = &self.spans[at];
        let system = self.system(span);
        self.add(partial, (Relation::Consume, span.destination, span.service, system), span, None);
        partial.count("used");
        if !span.links.is_empty() {
            for (trace, id) in &span.links {
                if let Some(producer) = self.anywhere(*trace, *id).filter(|p| role(p) == Role::Publish) {
                    self.add(partial, (Relation::AsyncLink, producer.service, span.service, system), span, None);
                }
            }
            return;
        }
        // Through INTERNAL spans and the consumer's own receiving to the producer.
        let up = self.climb(at, from, to, |r| matches!(r, Role::Internal | Role::BrokerCall | Role::Consume));
        let up = up.and_then(|up| match role(&self.spans[up]) {
            Role::BrokerCall | Role::Consume | Role::Internal => {
                self.find(self.spans[up].parent, from, to).filter(|_| self.spans[up].parent != 0)
            }
            _ => Some(up),
        });
        if let Some(producer) = up.map(|up| &self.spans[up]).filter(|p| role(p) == Role::Publish) {
            self.add(partial, (Relation::AsyncParent, producer.service, span.service, system), span, None);
        }
    }

    /// A span of any trace.
    fn anywhere(&self, trace: u128, id: u64) -> Option<&Span> {
        let start = self.spans.partition_point(|s| (s.trace, s.id) < (trace, id));
        let found = self.spans[start..].iter().take_while(|s| (s.trace, s.id) == (trace, id));
        found.max_by_key(|s| role(s) == Role::Publish)
    }

    /// A client without its server: a service by name or address, else outside, else not known.
    fn unpaired(&self, span: &Span, partial: &mut Partial) {
        let protocol = self.protocol(span, span);
        if span.peer != 0 && (!span.weak_peer || self.services.contains(&span.peer)) {
            self.add(partial, (Relation::UnpairedClient, span.service, span.peer, protocol), span, None);
            return partial.count("unpaired_client");
        }
        let host = self.strings.text(span.host);
        let known = |name: &str| self.strings.find(name).is_some_and(|n| self.services.contains(&n));
        // `name.namespace.svc[.cluster.local]` is a service, seen or not.
        let plain = host.strip_suffix(".cluster.local").unwrap_or(host);
        let name = match plain.strip_suffix(".svc") {
            Some(rest) => rest.split('.').next(),
            None if known(host) => Some(host),
            None => None,
        };
        if let Some(name) = name {
            let key = (Relation::UnpairedClient, span.service, name.to_owned(), protocol);
            partial.names.entry(key).or_default().add(span, None, span.name);
            return partial.count("unpaired_client");
        }
        let outside = if span.weak_peer && span.peer != 0 { span.peer } else { span.host };
        if outside != 0 {
            self.add(partial, (Relation::External, span.service, outside, protocol), span, None);
            return partial.count("used");
        }
        if span.rpc_service != 0 {
            self.add(partial, (Relation::UnpairedClient, span.service, span.rpc_service, protocol), span, None);
            return partial.count("unpaired_client");
        }
        partial.count("unpaired_no_peer");
    }

    /// The messaging system, else what the other side is called.
    fn system(&self, span: &Span) -> Text {
        if span.messaging != 0 { span.messaging } else { span.peer }
    }

    /// `grpc` and the like from `rpc.system`, else nothing, which is written as http.
    fn protocol(&self, client: &Span, server: &Span) -> Text {
        if client.rpc != 0 { client.rpc } else { server.rpc }
    }
}
