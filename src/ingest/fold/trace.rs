//! One trace -> what it adds: pairs, deliveries, databases, what is not used and why.
//!
//! Mode by attributes before kind (decided with the shape); a consumer by link or by parent, never both; INTERNAL
//! spans climbed; exact copies dropped. Order of input, clocks and the number of threads do not matter.

use crate::model::Relation;
use crate::model::traffic::MOST_CALLS;

use super::acts::{Acts, Step, Trace};
use super::brief::{Brief, ERROR, LINKED, PUTS, RESENT, SHARED, TAKES};
use super::partial::{NONE, Partial};
use super::shape::{Known, ROLES, Role, Shape, Text};
use super::store::{Link, Span};
use super::sums::Seen;
use super::tree::Tree;

/// Folds traces one after the other, keeping its buffers.
#[derive(Debug)]
pub struct TraceFold<'k> {
    known: &'k Known,
    canon: &'k [u32],
    /// What was added so far.
    pub partial: Partial,
    tree: Tree,
    paired: Vec<bool>,
    received: Vec<bool>,
    /// Calls to services and databases: (request, operation called, edge, is a service).
    calls: Vec<Call>,
    /// Calls to services.
    steps: Vec<Step>,
    acts: Acts,
    /// By span; only what was set for the requests of this trace means something.
    level: Vec<u32>,
    depth: Vec<u32>,
    order: Vec<u32>,
    path: Vec<u32>,
    targets: Vec<Text>,
    weight: u64,
}

#[derive(Debug, Clone, Copy)]
struct Call {
    owner: u32,
    /// The operation called, whatever became of the call.
    what: u64,
    edge: u32,
    /// The service called; 0 for a database.
    service: Text,
    resent: bool,
}

impl<'k> TraceFold<'k> {
    /// Nothing folded yet.
    #[must_use]
    pub fn new(known: &'k Known, canon: &'k [u32]) -> Self {
        Self {
            known,
            canon,
            partial: Partial::default(),
            tree: Tree::default(),
            paired: Vec::new(),
            received: Vec::new(),
            calls: Vec::new(),
            steps: Vec::new(),
            acts: Acts::default(),
            level: Vec::new(),
            depth: Vec::new(),
            order: Vec::new(),
            path: Vec::new(),
            targets: Vec::new(),
            weight: 0,
        }
    }

    #[inline]
    fn shape(&self, span: &Span) -> &'k Shape {
        &self.known.shapes[span.shape as usize]
    }

    #[inline]
    fn brief(&self, at: usize) -> Brief {
        self.tree.briefs[at]
    }

    /// Takes the spans of a trace, sorted by role, and where those of each begin; says whether an id occurs twice.
    pub fn place(&mut self, spans: &[Span], from_role: [u32; ROLES.len() + 1]) -> bool {
        self.tree.place(spans, from_role, self.known)
    }

    /// Adds one trace, whose spans were placed and have no copies, and the links that point into it.
    pub fn fold(&mut self, spans: &[Span], links: &mut [Link]) {
        self.partial.trace += 1;
        self.tree.build(spans);
        self.paired.clear();
        self.paired.resize(spans.len(), false);
        self.calls.clear();
        self.steps.clear();
        let weights = spans.iter().map(|span| self.shape(span).weight);
        self.weight = if self.tree.weighted { weights.max().unwrap_or(0) } else { 0 };
        self.find_receives(spans.len());
        self.tree.of(Role::Server).for_each(|at| self.server(at, spans));
        for at in self.tree.of(Role::Database) {
            let edge = self.one(Relation::Db, at, spans);
            self.partial.spans.used += 1;
            self.call(at, at, edge, 0, spans);
        }
        self.tree.of(Role::Publish).for_each(|at| self.use_one(Relation::Publish, at, spans));
        self.tree.of(Role::Consume).for_each(|at| self.consume(at, spans));
        self.tree.of(Role::BrokerCall).for_each(|at| self.use_one(Relation::MessagingClient, at, spans));
        self.tree.of(Role::Unknown).for_each(|at| self.unknown(at, spans));
        self.partial.spans.internal += self.tree.of(Role::Internal).len() as u64;
        // Those that no server was found for are left.
        self.tree.of(Role::Client).for_each(|at| self.client(at, spans));
        self.links(spans, links);
        self.requests(spans);
        let trace = Trace { spans, tree: &self.tree, paired: &self.paired, known: self.known };
        self.acts.fold(&trace, &self.steps, &mut self.partial);
        self.critical(spans);
    }

    #[inline]
    fn seen(&self, at: usize, spans: &[Span]) -> Seen {
        let brief = self.brief(at);
        Seen {
            error: brief.is(ERROR),
            resent: brief.is(RESENT),
            concurrent: self.tree.concurrent(at),
            outlived: self.tree.outlived(at, spans),
            weight: if brief.weighted { self.shape(&spans[at]).weight } else { self.weight },
        }
    }

    /// A row that one span shows.
    #[inline]
    fn one(&mut self, relation: Relation, at: usize, spans: &[Span]) -> u32 {
        let seen = self.seen(at, spans);
        self.partial.add(self.known, relation, &spans[at], seen)
    }

    fn use_one(&mut self, relation: Relation, at: usize, spans: &[Span]) {
        self.one(relation, at, spans);
        self.partial.spans.used += 1;
    }

    /// Notes a call for what is counted by request.
    #[inline]
    fn call(&mut self, client: usize, server: usize, edge: u32, service: Text, spans: &[Span]) {
        let owner = self.tree.owner[client];
        if owner == NONE {
            return;
        }
        let canon = |at: usize| u64::from(self.canon[spans[at].shape as usize]);
        let what = canon(client) << 32 | canon(server);
        let resent = self.brief(client).is(RESENT);
        self.calls.push(Call { owner, what, edge, service, resent });
    }

    fn server(&mut self, at: usize, spans: &[Span]) {
        let (span, here) = (&spans[at], self.brief(at));
        let above = self.tree.climb(at, |s| s.role == Role::Internal);
        match above.filter(|up| *up != at) {
            Some(up) if self.brief(up).role == Role::Client => self.pair(up, at, spans),
            Some(up) if self.brief(up).service != here.service => {
                // The caller is not instrumented as a client.
                self.infer(up, at, spans);
            }
            Some(_) => self.partial.spans.internal += 1,
            None if span.parent == 0 && !here.is(SHARED) => self.partial.spans.entry += 1,
            None => {
                self.one(Relation::OrphanServer, at, spans);
                self.partial.spans.orphan += 1;
            }
        }
    }

    fn pair(&mut self, client: usize, server: usize, spans: &[Span]) {
        let seen = self.seen(client, spans);
        let (c, s) = (&spans[client], &spans[server]);
        let key = (Relation::Sync, c.shape, s.shape);
        let edge = self.partial.add_pair(self.known, key, c, seen, Some((s, self.brief(server).is(ERROR))));
        self.paired[client] = true;
        self.partial.spans.used += 1;
        self.call(client, server, edge, self.brief(server).service, spans);
        self.steps.push(Step { server: server as u32, owner: self.tree.owner[client], client: client as u32 });
    }

    fn infer(&mut self, caller: usize, at: usize, spans: &[Span]) {
        let seen = self.seen(at, spans);
        let key = (Relation::Inferred, spans[caller].shape, spans[at].shape);
        let edge = self.partial.add_pair(self.known, key, &spans[at], seen, None);
        self.partial.spans.used += 1;
        self.call(at, at, edge, self.brief(at).service, spans);
        self.steps.push(Step { server: at as u32, owner: self.tree.owner[at], client: at as u32 });
    }

    /// A span without a kind: the server of a client above it, a call from another service, or a step inside.
    fn unknown(&mut self, at: usize, spans: &[Span]) {
        let (span, here) = (&spans[at], self.brief(at));
        let up = self.tree.up[at];
        if up == NONE && span.parent == 0 {
            self.partial.spans.entry += 1;
            return;
        }
        if up == NONE {
            self.one(Relation::OrphanServer, at, spans);
            self.partial.spans.orphan += 1;
            return;
        }
        let parent = self.brief(up as usize);
        if parent.service == here.service {
            self.partial.spans.internal += 1;
            return;
        }
        if parent.role == Role::Client && !self.paired[up as usize] {
            return self.pair(up as usize, at, spans);
        }
        self.infer(up as usize, at, spans);
    }

    /// Older conventions give a CONSUMER span to receiving and one below it to processing: one delivery.
    fn find_receives(&mut self, n: usize) {
        self.received.clear();
        self.received.resize(n, false);
        for at in self.tree.of(Role::Consume) {
            let here = self.brief(at);
            if here.is(TAKES) {
                continue;
            }
            let above = self.tree.climb(at, |s| s.role == Role::Internal);
            if let Some(up) = above.filter(|up| *up != at) {
                let other = self.brief(up);
                self.received[up] |= other.role == Role::Consume && other.is(TAKES) && other.service == here.service;
            }
        }
    }

    fn consume(&mut self, at: usize, spans: &[Span]) {
        if self.received[at] {
            return self.use_one(Relation::MessagingClient, at, spans);
        }
        self.use_one(Relation::Consume, at, spans);
        if self.brief(at).is(LINKED) {
            // Settled where the producer's trace is folded.
            return;
        }
        // Through steps and the consumer's own receiving to the producer.
        let inside = |s: Brief| matches!(s.role, Role::Internal | Role::BrokerCall | Role::Consume) && !s.is(PUTS);
        let Some(mut up) = self.tree.climb(at, inside).filter(|up| *up != at) else {
            return;
        };
        if inside(self.brief(up)) && self.tree.up[up] != NONE {
            up = self.tree.up[up] as usize;
        }
        if self.brief(up).produces() {
            let seen = self.seen(at, spans);
            let key = (Relation::AsyncParent, spans[up].shape, spans[at].shape);
            self.partial.add_pair(self.known, key, &spans[at], seen, None);
        }
    }

    fn client(&mut self, at: usize, spans: &[Span]) {
        if self.paired[at] {
            self.partial.spans.used += 1;
            return;
        }
        if self.tree.outer(at) {
            self.partial.spans.internal += 1;
            return;
        }
        // Service, host outside or nothing: settled when all services are known, and counted then.
        let edge = self.one(Relation::UnpairedClient, at, spans);
        let shape = self.shape(&spans[at]);
        self.call(at, at, edge, if shape.target == 0 { shape.host } else { shape.target }, spans);
    }

    /// Links that point into this trace.
    fn links(&mut self, spans: &[Span], links: &mut [Link]) {
        if self.partial.open {
            let told = spans.iter().zip(&self.tree.briefs).filter(|(_, brief)| brief.produces());
            return self.partial.messages.extend(told.map(|(s, _)| ((s.trace, s.id), s.shape)));
        }
        links.sort_unstable_by_key(|l| (l.id, l.consumer.trace, l.consumer.id, l.consumer.duration, l.consumer.file));
        let mut last = None;
        for link in links.iter() {
            let key = (link.id, link.consumer.trace, link.consumer.id);
            if last == Some(key) {
                continue;
            }
            last = Some(key);
            let found = self.tree.find(link.id);
            let Some(producer) = found.filter(|at| self.brief(*at).produces()) else {
                self.partial.lost_links += 1;
                continue;
            };
            let shape = self.shape(&link.consumer);
            let seen = Seen { error: shape.error, weight: shape.weight, ..Seen::default() };
            let key = (Relation::AsyncLink, spans[producer].shape, link.consumer.shape);
            self.partial.add_pair(self.known, key, &link.consumer, seen, None);
        }
    }

    /// What is counted by request: fan-out, repeated operations, chains of calls.
    fn requests(&mut self, spans: &[Span]) {
        self.find_depths(spans.len());
        if self.calls.len() > 1 {
            self.calls.sort_unstable_by_key(|call| u128::from(call.owner) << 64 | u128::from(call.what));
        }
        let mut next = 0;
        // Requests and calls both go by position, so one walk meets the calls of each.
        for at in self.tree.requests.iter().map(|at| *at as usize) {
            let root = self.tree.begins(at);
            let begins = root && self.tree.briefs[at].role == Role::Internal;
            if !begins && !self.tree.handles(at) {
                continue;
            }
            while self.calls.get(next).is_some_and(|c| (c.owner as usize) < at) {
                next += 1;
            }
            let from = next;
            while self.calls.get(next).is_some_and(|c| c.owner as usize == at) {
                next += 1;
            }
            let depth = u64::from(self.depth[at]);
            let calls = &self.calls[from..next];
            self.targets.clear();
            self.targets.extend(calls.iter().map(|c| c.service).filter(|s| *s != 0));
            let to_services = self.targets.len() as u64;
            self.targets.sort_unstable();
            let caller = self.tree.briefs[at].service;
            for same in self.targets.chunk_by(|a, b| a == b) {
                let n = u32::try_from(same.len()).unwrap_or(MOST_CALLS).min(MOST_CALLS);
                *self.partial.asked.entry((caller, same[0], n)).or_default() += 1;
            }
            self.targets.dedup();
            let served = self.partial.serve(&spans[at], root);
            served.calls += to_services;
            served.fan_out = served.fan_out.max(to_services);
            served.targets = served.targets.max(self.targets.len() as u64);
            served.depth = served.depth.max(depth);
            served.depth_sum += depth;
            for group in calls.chunk_by(|a, b| a.what == b.what).filter(|g| g.len() > 1) {
                let n = group.iter().filter(|c| !c.resent).count() as u64;
                if n > 1 {
                    let edge = group.iter().map(|c| c.edge).min().unwrap_or(NONE);
                    self.partial.repeat(&spans[at], edge, n);
                }
            }
        }
    }

    /// The longest chain of calls below each handler.
    fn find_depths(&mut self, n: usize) {
        const UNSET: u32 = NONE;
        for by_span in [&mut self.depth, &mut self.level, &mut self.order] {
            by_span.resize(n.max(by_span.len()), 0);
        }
        for at in &self.tree.requests {
            self.depth[*at as usize] = 0;
        }
        if self.steps.is_empty() {
            return;
        }
        for at in self.steps.iter().flat_map(|step| [step.server, step.owner]).filter(|at| *at != NONE) {
            let at = at as usize;
            (self.depth[at], self.level[at], self.order[at]) = (0, UNSET, NONE);
        }
        // The handler above, by handler; a second client of one server changes nothing.
        for step in &self.steps {
            self.order[step.server as usize] = step.owner;
        }
        let path = &mut self.path;
        for step in &self.steps {
            let mut here = step.server;
            path.clear();
            while here != NONE && self.level[here as usize] == UNSET && path.len() <= n {
                self.level[here as usize] = 0;
                path.push(here);
                here = self.order[here as usize];
            }
            let base = if here == NONE { 0 } else { self.level[here as usize] + 1 };
            for (passed, level) in path.iter().rev().zip(base..) {
                self.level[*passed as usize] = level;
            }
        }
        let level = &self.level;
        self.steps.sort_unstable_by_key(|step| (std::cmp::Reverse(level[step.server as usize]), *step));
        for Step { server, owner, .. } in &self.steps {
            if *owner != NONE && owner != server {
                let below = self.depth[*server as usize] + 1;
                let depth = &mut self.depth[*owner as usize];
                *depth = below.max(*depth);
            }
        }
    }

    fn critical(&mut self, spans: &[Span]) {
        let (briefs, critical) = (&self.known.briefs, &mut self.partial.critical);
        let mut last = (NONE, 0, 0u128);
        self.tree.critical(spans, |root, at, own| {
            let key = (spans[root].shape, briefs[spans[at].shape as usize].service);
            if (last.0, last.1) == key {
                last.2 += u128::from(own);
                return;
            }
            if last.0 != NONE {
                *critical.entry((last.0, last.1)).or_default() += last.2;
            }
            last = (key.0, key.1, u128::from(own));
        });
        if last.0 != NONE {
            *critical.entry((last.0, last.1)).or_default() += last.2;
        }
    }
}
