//! Spans of any format -> one fold -> [`PartialGraph`] -> merged -> `Traffic`.
//!
//! Readers give [`SpanView`]s to a [`Sink`]; the sink interns their shapes and files them by trace in the [`Store`];
//! [`fold`] takes the partitions one by one. The result does not depend on the order of files and spans, on how spans
//! are split among files, or on the number of threads. Knows no format.

mod acts;
mod brief;
mod counted;
mod deliveries;
mod graph;
mod ids;
mod keys;
mod names;
mod order;
mod partial;
mod recent;
mod role;
mod shape;
mod span;
mod store;
mod sums;
mod text;
mod trace;
mod tree;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};

use hashbrown::HashTable;
use rayon::prelude::*;

pub use counted::Counted;
pub use graph::PartialGraph;
pub use ids::{id_of, of_bytes};
pub use keys::{Meaning, keys, meaning};
pub use recent::Draft;
pub use shape::{Interner, Shapes};
pub use span::{Kind, Slot, SpanView, Value, unescape};
pub use store::{Store, Writer};
pub use text::KIND as PARTIAL_KIND;

use order::Order;
use recent::Recent;
use shape::{Known, ROLES, Role, Text};
use store::{Link, Span};
use trace::TraceFold;

/// Where a reader puts its spans. One for each thread.
#[derive(Debug)]
pub struct Sink<'s> {
    interner: Interner<'s>,
    writer: Writer<'s>,
    /// The file that is being read.
    pub file: u32,
    /// Spans taken.
    pub taken: u64,
    /// Spans that cannot be used, by reason.
    pub rejected: BTreeMap<&'static str, u64>,
    /// Spans whose end lies before their start.
    pub negative: u64,
}

impl<'s> Sink<'s> {
    /// A sink for one thread.
    #[must_use]
    pub fn new(shapes: &'s Shapes, store: &'s Store) -> Self {
        let (interner, writer) = (Interner::new(shapes), store.writer());
        Self { interner, writer, file: 0, taken: 0, rejected: BTreeMap::new(), negative: 0 }
    }

    /// The number of a service's name; a resource without one is what the specification calls it.
    pub fn service(&mut self, name: Value<'_>) -> u32 {
        match name {
            empty if empty.is_empty() => self.interner.service(b"unknown_service"),
            Value::Text(text) => self.interner.service(text),
            other => other.text(|text| self.interner.service(text)),
        }
    }

    /// A span that cannot be used.
    pub fn reject(&mut self, reason: &'static str) {
        *self.rejected.entry(reason).or_default() += 1;
    }

    /// Attributes of spans of which nothing was met yet.
    #[must_use]
    pub fn draft<'a>(&self) -> Draft<'a> {
        self.interner.draft()
    }

    /// Takes a span of a service.
    pub fn push(&mut self, view: &SpanView<'_>, service: Text) {
        if let Some(shape) = self.shape(view, service) {
            self.file(view, shape);
        }
    }

    /// Takes a span of a service whose attributes were drafted. They are only read into the view, by `fill`, if there
    /// was no such span before.
    #[inline]
    pub fn push_drafted<'a>(
        &mut self,
        view: &mut SpanView<'a>,
        draft: &Draft<'a>,
        service: Text,
        fill: impl FnOnce(&mut SpanView<'a>),
    ) {
        let print = Recent::of_draft(draft, view, service);
        let met = print.and_then(|print| self.interner.met(print)).filter(|_| view.trace != 0 && view.id != 0);
        if let Some(shape) = met
            && !cfg!(debug_assertions)
        {
            return self.file(view, shape);
        }
        fill(view);
        let Some(shape) = self.shape(view, service) else { return };
        // Whatever the shape is made of, the print is made of, too.
        debug_assert!(met.is_none_or(|met| met == shape), "a print that leaves something out");
        if let (Some(print), None) = (print, met) {
            self.interner.meet(print, shape);
        }
        self.file(view, shape);
    }

    /// The number of a span's shape, if it can be used.
    fn shape(&mut self, view: &SpanView<'_>, service: Text) -> Option<u32> {
        if view.trace == 0 || view.id == 0 {
            self.reject("rejected_no_id");
            return None;
        }
        let shape = self.interner.shape(view, service);
        if shape.is_none() {
            self.reject("rejected_too_many_names");
        }
        shape
    }

    /// Files a span, and its links with the traces that they lead to.
    #[inline]
    fn file(&mut self, view: &SpanView<'_>, shape: u32) {
        self.taken += 1;
        self.negative += u64::from(view.negative);
        let span = Span {
            trace: view.trace,
            id: view.id,
            parent: view.parent,
            start: view.start,
            duration: view.duration,
            shape,
            file: self.file,
        };
        self.writer.push(&span);
        if view.kind == Kind::Consumer {
            // A producer is linked once, however often it is said.
            for (at, (trace, id)) in view.links.iter().enumerate() {
                if !view.links[..at.min(64)].contains(&(*trace, *id)) {
                    self.writer.link(*trace, *id, &span);
                }
            }
        }
    }
}

/// Are there other parts?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// None: a link to a span that is not here leads nowhere.
    Whole,
    /// There may be: links are joined when all parts are merged.
    Part,
}

/// Folds everything that was stored.
#[must_use]
pub fn fold(store: &Store, shapes: Shapes, extent: Extent, rejected: &BTreeMap<&'static str, u64>) -> PartialGraph {
    let known = shapes.finish();
    let canon = known.canon();
    let next = AtomicU32::new(0);
    let threads = rayon::current_num_threads().min(store.partitions() as usize).max(1);
    let work = || {
        let mut part = PartitionFold::new(&known, &canon);
        part.traces.partial.open = extent == Extent::Part;
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            if at >= store.partitions() {
                break;
            }
            part.fold(store, at);
        }
        PartialGraph::of(part.traces.partial, &known)
    };
    let parts: Vec<PartialGraph> = (0..threads).into_par_iter().map(|_| work()).collect();
    let mut whole = parts.into_iter().fold(PartialGraph::default(), PartialGraph::merge);
    for (reason, n) in rejected {
        whole.count(reason, *n);
    }
    whole
}

/// A trace of no more spans is folded in any order: no more than so many services are told apart by what they wrote.
const FEW: usize = acts::MOST_WRITERS;

/// Folds partitions one after the other, keeping its buffers.
struct PartitionFold<'k> {
    traces: TraceFold<'k>,
    spans: Vec<Span>,
    links: Vec<Link>,
    table: HashTable<u32>,
    /// By trace: its id, number of spans, number of links.
    groups: Vec<(u128, u32, u32)>,
    group_of: Vec<u32>,
    /// Positions of spans, those of a trace next to each other.
    members: Vec<u32>,
    order: Order,
    /// The spans of a trace.
    one: Vec<Span>,
    /// The same by role.
    by_role: Vec<Span>,
}

impl<'k> PartitionFold<'k> {
    fn new(known: &'k Known, canon: &'k [u32]) -> Self {
        Self {
            traces: TraceFold::new(known, canon),
            spans: Vec::new(),
            links: Vec::new(),
            table: HashTable::new(),
            groups: Vec::new(),
            group_of: Vec::new(),
            members: Vec::new(),
            order: Order::default(),
            one: Vec::new(),
            by_role: Vec::new(),
        }
    }

    fn fold(&mut self, store: &Store, at: u32) {
        self.spans.clear();
        self.links.clear();
        store.take(at, &mut self.spans, &mut self.links);
        self.group();
        self.links.sort_unstable_by_key(|l| l.trace);
        let mut links = std::mem::take(&mut self.links);
        let mut from = 0;
        for at in 0..self.groups.len() {
            let (trace, n, _) = self.groups[at];
            let range = from..from + n as usize;
            from = range.end;
            let start = links.partition_point(|l| l.trace < trace);
            let end = start + links[start..].partition_point(|l| l.trace == trace);
            self.one_trace(range, &mut links[start..end]);
        }
        self.lost_links(&mut links);
        self.links = links;
        // One huge partition must not hold its memory for all the others.
        if self.spans.capacity() > 1 << 20 {
            self.spans = Vec::new();
            self.members = Vec::new();
        }
    }

    /// Spans of a trace next to each other.
    fn group(&mut self) {
        self.table.clear();
        self.groups.clear();
        self.group_of.clear();
        let hash = |trace: u128| ((trace as u64) ^ ((trace >> 64) as u64)).wrapping_mul(0xD6E8_FEB8_6659_FD93);
        let mut last = (0u128, u32::MAX);
        for span in &self.spans {
            if span.trace != last.0 || last.1 == u32::MAX {
                let groups = &mut self.groups;
                let entry = self.table.entry(
                    hash(span.trace),
                    |at| groups[*at as usize].0 == span.trace,
                    |at| hash(groups[*at as usize].0),
                );
                let at = *entry
                    .or_insert_with(|| {
                        groups.push((span.trace, 0, 0));
                        groups.len() as u32 - 1
                    })
                    .get();
                last = (span.trace, at);
            }
            self.groups[last.1 as usize].1 += 1;
            self.group_of.push(last.1);
        }
        let mut from = 0;
        for group in &mut self.groups {
            group.2 = from;
            from += group.1;
        }
        self.members.clear();
        self.members.resize(self.spans.len(), 0);
        for (at, group) in self.group_of.iter().enumerate() {
            let slot = &mut self.groups[*group as usize].2;
            self.members[*slot as usize] = at as u32;
            *slot += 1;
        }
    }

    /// Puts the spans of one trace side by side, drops exact copies, folds it.
    fn one_trace(&mut self, range: std::ops::Range<usize>, links: &mut [Link]) {
        let (spans, members) = (&self.spans, &self.members[range]);
        self.one.clear();
        if members.len() <= FEW {
            self.one.extend(members.iter().map(|at| spans[*at as usize]));
        } else {
            // The bits for services that write may run out: who gets one must not depend on the order of input.
            self.order.sort(members.len(), |at| spans[members[at] as usize].id);
            self.one.extend(self.order.positions().map(|at| spans[members[at] as usize]));
        }
        self.sort_by_role();
        if self.traces.place(&self.by_role) {
            self.drop_copies();
            self.sort_by_role();
            self.traces.place(&self.by_role);
        }
        self.traces.fold(&self.by_role, links);
    }

    /// Those of a role next to each other: what is asked of each role is asked of a range.
    fn sort_by_role(&mut self) {
        let briefs = &self.traces.known().briefs;
        let role = |span: &Span| briefs[span.shape as usize].role as usize;
        let mut next = [0u32; ROLES.len()];
        for span in &self.one {
            next[role(span)] += 1;
        }
        let mut from = 0;
        for n in &mut next {
            from += std::mem::replace(n, from);
        }
        self.by_role.clear();
        self.by_role.resize(self.one.len(), Span::default());
        for span in &self.one {
            let at = &mut next[role(span)];
            self.by_role[*at as usize] = *span;
            *at += 1;
        }
        // Which of them a client is paired with goes by their order.
        let unknown = self.one.len() - (next[Role::Unknown as usize] - next[Role::Internal as usize]) as usize;
        self.by_role[unknown..].sort_unstable_by_key(|span| span.id);
    }

    /// Of copies that differ the longest stands, then what sorts first by content: never by order of input.
    fn drop_copies(&mut self) {
        let known = self.traces.known();
        let kind = |s: &Span| known.briefs[s.shape as usize].kind;
        self.one.sort_unstable_by(|a, b| {
            let key = |s: &Span| (s.id, kind(s), std::cmp::Reverse(s.duration), s.start, s.parent, s.file);
            key(a).cmp(&key(b)).then_with(|| known.content(a.shape).cmp(&known.content(b.shape)))
        });
        let before = self.one.len();
        self.one.dedup_by(|a, b| a.id == b.id && kind(a) == kind(b));
        self.traces.partial.spans.duplicate += (before - self.one.len()) as u64;
    }

    /// Links into traces that are not among the spans.
    fn lost_links(&mut self, links: &mut [Link]) {
        if self.traces.partial.open {
            return self.traces.partial.links.extend_from_slice(links);
        }
        links.sort_unstable_by_key(|l| (l.trace, l.id, l.consumer.trace, l.consumer.id));
        let hash = |trace: u128| ((trace as u64) ^ ((trace >> 64) as u64)).wrapping_mul(0xD6E8_FEB8_6659_FD93);
        let mut last = None;
        for link in links.iter() {
            let key = (link.trace, link.id, link.consumer.trace, link.consumer.id);
            let known = self.table.find(hash(link.trace), |at| self.groups[*at as usize].0 == link.trace).is_some();
            if last != Some(key) && !known {
                self.traces.partial.lost_links += 1;
            }
            last = Some(key);
        }
    }
}
