//! What a part of the traces adds, by numbers of shapes: cheap to add to, turned into names once.

use hashbrown::HashMap;

use crate::model::{Act, Relation};

use super::shape::{Known, Role, Shape, Text};
use super::store::{Link, Span};
use super::sums::{Exemplar, Seen, Sketch, Sums, bucket};

type Hashed<K, V> = HashMap<K, V, foldhash::fast::FixedState>;

/// No number.
pub const NONE: u32 = u32::MAX;

/// Sums of one pair of shapes, and the row that they are part of.
#[derive(Debug)]
pub struct Edge {
    /// Relation; of an unpaired client not settled before all services are known.
    pub relation: Relation,
    /// The shape of the side that the names of the source come from.
    pub from: u32,
    /// The shape of the other side, or [`NONE`].
    pub to: u32,
    /// Sums.
    pub sums: Sums,
    /// Its row.
    pub row: u32,
}

/// In how many traces a row occurs.
#[derive(Debug, Default)]
pub struct Row {
    /// Traces.
    pub requests: u64,
    last: u64,
}

/// What was asked of the operation of a shape.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Served {
    /// Requests.
    pub requests: u64,
    /// Requests without a parent.
    pub entries: u64,
    /// Nanoseconds.
    pub duration: u128,
    /// Latency.
    pub sketch: Sketch,
    /// Calls to services.
    pub calls: u64,
    /// Most calls of one request.
    pub fan_out: u64,
    /// Most services called by one request.
    pub targets: u64,
    /// Longest chain below.
    pub depth: u64,
    /// Sum of longest chains.
    pub depth_sum: u64,
}

/// The same operation again and again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Repeated {
    /// Requests during which it was called more than once.
    pub groups: u64,
    /// Calls.
    pub calls: u64,
    /// Most calls during one request.
    pub most: u64,
    /// An example of the caller.
    pub exemplar: Exemplar,
}

/// Requests that did something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Requests {
    /// How many.
    pub requests: u64,
    /// An example.
    pub exemplar: Exemplar,
}

impl Requests {
    /// None yet.
    pub const NONE: Self = Self { requests: 0, exemplar: Exemplar::NONE };

    /// Adds others.
    pub fn merge(&mut self, other: Self) {
        self.requests += other.requests;
        self.exemplar = self.exemplar.min(other.exemplar);
    }
}

/// Spans by what became of them.
#[derive(Debug, Default)]
pub struct Spans {
    /// In a row.
    pub used: u64,
    /// Inside a service.
    pub internal: u64,
    /// A request from outside.
    pub entry: u64,
    /// A request whose caller is not there.
    pub orphan: u64,
    /// A copy.
    pub duplicate: u64,
}

impl Spans {
    /// As entries of the ledger.
    pub fn ledger(&self) -> impl Iterator<Item = (String, u64)> {
        let all = [
            ("used", self.used),
            ("internal", self.internal),
            ("entry", self.entry),
            ("orphan", self.orphan),
            ("duplicate", self.duplicate),
        ];
        all.into_iter().filter(|(_, n)| *n > 0).map(|(reason, n)| (reason.to_owned(), n))
    }
}

/// What a part of the traces adds.
#[derive(Debug, Default)]
pub struct Partial {
    /// Number of the trace that is being folded, from 1.
    pub trace: u64,
    /// Edges.
    pub edges: Vec<Edge>,
    /// Rows.
    pub rows: Vec<Row>,
    single: Vec<u32>,
    pairs: Hashed<(Relation, u32, u32), u32>,
    row_at: Hashed<(Relation, Text, Text, Text, Text), u32>,
    /// By shape of the handler.
    pub served: Hashed<u32, Served>,
    /// By (shape of the entry, service), in nanoseconds.
    pub critical: Hashed<(u32, Text), u128>,
    /// By (shape of the caller, edge whose names stand for all of its operation).
    pub repeated: Hashed<(u32, u32), Repeated>,
    /// Requests by (caller, service called, calls of it during the request).
    pub asked: Hashed<(Text, Text, u32), u64>,
    /// By (shape of the handler, what its requests did, the service or destination that it is about).
    pub acts: Hashed<(u32, Act, Text), Requests>,
    /// Spans by what became of them.
    pub spans: Spans,
    /// Links that lead to no producer.
    pub lost_links: u64,
    /// Links are kept for the whole to join, with the messages that they may lead to: other parts may hold either.
    pub open: bool,
    /// Messages put in, with the shape of the span (only of an open part).
    pub messages: Vec<((u128, u64), u32)>,
    /// Links (only of an open part).
    pub links: Vec<Link>,
}

impl Partial {
    /// Adds a call that one span shows; gives its edge.
    #[inline]
    pub fn add(&mut self, known: &Known, relation: Relation, span: &Span, seen: Seen) -> u32 {
        let shape = span.shape as usize;
        if self.single.len() <= shape {
            self.single.resize(known.shapes.len().max(shape + 1), NONE);
        }
        let found = self.single[shape];
        // A shape has one relation nearly always: by its role. Where it has another one, it is a pair with nothing.
        if found != NONE && self.edges[found as usize].relation == relation {
            return self.put(found, span, seen, None);
        }
        if found != NONE {
            return self.add_pair(known, (relation, span.shape, NONE), span, seen, None);
        }
        let at = self.edge(known, relation, span.shape, NONE);
        self.single[shape] = at;
        self.put(at, span, seen, None)
    }

    /// Adds a call that two spans show; gives its edge.
    #[inline]
    pub fn add_pair(
        &mut self,
        known: &Known,
        key: (Relation, u32, u32),
        span: &Span,
        seen: Seen,
        server: Option<(&Span, bool)>,
    ) -> u32 {
        let at = match self.pairs.get(&key) {
            Some(at) => *at,
            None => {
                let at = self.edge(known, key.0, key.1, key.2);
                self.pairs.insert(key, at);
                at
            }
        };
        self.put(at, span, seen, server)
    }

    #[inline]
    fn put(&mut self, at: u32, span: &Span, seen: Seen, server: Option<(&Span, bool)>) -> u32 {
        let edge = &mut self.edges[at as usize];
        edge.sums.add(span, seen, server);
        let row = &mut self.rows[edge.row as usize];
        row.requests += u64::from(row.last != self.trace);
        row.last = self.trace;
        at
    }

    fn edge(&mut self, known: &Known, relation: Relation, from: u32, to: u32) -> u32 {
        let shape = |at: u32| known.shapes.get(at as usize).copied().unwrap_or_default();
        let (a, b) = (shape(from), shape(to));
        let key = row_key(relation, &a, &b, to != NONE);
        let rows = &mut self.rows;
        let row = *self.row_at.entry(key).or_insert_with(|| {
            rows.push(Row::default());
            rows.len() as u32 - 1
        });
        self.edges.push(Edge { relation, from, to, sums: Sums::default(), row });
        self.edges.len() as u32 - 1
    }

    /// Counts a request handled.
    #[inline]
    pub fn serve(&mut self, span: &Span, entry: bool) -> &mut Served {
        let served = self.served.entry(span.shape).or_default();
        served.requests += 1;
        served.entries += u64::from(entry);
        served.duration += u128::from(span.duration);
        served.sketch.add(bucket(span.duration), 1);
        served
    }

    /// Counts a request that did something.
    #[inline]
    pub fn act(&mut self, request: &Span, act: Act, other: Text) {
        let one = Requests { requests: 1, exemplar: Exemplar::of(request) };
        self.acts.entry((request.shape, act, other)).or_insert(Requests::NONE).merge(one);
    }

    /// Counts an operation that was called `n` times by one request.
    pub fn repeat(&mut self, caller: &Span, edge: u32, n: u64) {
        let exemplar = Exemplar::of(caller);
        let new = Repeated { groups: 0, calls: 0, most: 0, exemplar };
        let repeated = self.repeated.entry((caller.shape, edge)).or_insert(new);
        repeated.groups += 1;
        repeated.calls += n;
        repeated.most = repeated.most.max(n);
        repeated.exemplar = repeated.exemplar.min(exemplar);
    }
}

/// What makes two edges parts of one row.
fn row_key(relation: Relation, a: &Shape, b: &Shape, pair: bool) -> (Relation, Text, Text, Text, Text) {
    let (to, system) = if pair {
        (b.service, if a.system != 0 && a.role == Role::Client { a.system } else { b.system })
    } else {
        (a.target, a.system)
    };
    (relation, a.service, to, system, if pair { 0 } else { a.host })
}
