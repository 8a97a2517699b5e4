//! The tree of one trace: parents found, handlers above each span, calls at the same time, the critical path.
//!
//! Input may be anything: parents that are missing, cycles, a span that is its own parent, a million children.
//! Every walk is bounded by the number of spans; buffers are kept from trace to trace.

use super::partial::NONE;
use super::shape::{Role, Shape};
use super::span::Kind;
use super::store::Span;

/// The tree of one trace, by positions in its spans.
#[derive(Debug, Default)]
pub struct Tree {
    /// The parent, or [`NONE`].
    pub up: Vec<u32>,
    /// The request during which a span happened: the handler above it, or the topmost span; [`NONE`] at the top.
    pub owner: Vec<u32>,
    /// A call around another call of the same service: not the one that goes out.
    pub outer: Vec<bool>,
    /// A call at the same time as another one of the same request.
    pub concurrent: Vec<bool>,
    ids: Vec<u64>,
    top: Vec<u32>,
    path: Vec<u32>,
    calls: Vec<(u32, u64, u32)>,
    from: Vec<u32>,
    children: Vec<u32>,
    stack: Vec<Visit>,
    placed: Vec<Placed>,
}

/// A span on the critical path, with the window of it that counts: nanoseconds since the root began.
#[derive(Debug, Clone, Copy)]
struct Visit {
    at: u32,
    low: i64,
    high: i64,
    shift: i64,
}

/// Time since a root began; what lies centuries away stands at the edge.
fn since(time: u64, root: u64) -> i64 {
    let by = i64::try_from(time.abs_diff(root)).unwrap_or(FARTHEST).min(FARTHEST);
    if time < root { -by } else { by }
}

/// Nanoseconds that clocks and times are apart at most: 36 years. No sum of a few of these overflows.
const FARTHEST: i64 = i64::MAX >> 3;

impl Tree {
    /// Finds parents and what follows from them. `spans` are sorted by id, without duplicates.
    pub fn build(&mut self, spans: &[Span], shapes: &[Shape]) {
        let n = spans.len();
        self.ids.clear();
        self.ids.extend(spans.iter().map(|s| s.id));
        self.up.clear();
        for at in 0..n {
            let up = self.parent(at, spans, shapes);
            self.up.push(up);
        }
        self.owners(spans, shapes);
        self.outers(spans, shapes);
        self.overlaps(spans, shapes);
    }

    /// The span with an id: of two halves of a shared id the server's, for children belong to it.
    #[must_use]
    pub fn find(&self, id: u64, spans: &[Span], shapes: &[Shape]) -> Option<usize> {
        let start = self.ids.partition_point(|known| *known < id);
        if self.ids.get(start) != Some(&id) {
            return None;
        }
        let mut at = start;
        while self.ids.get(at) == Some(&id) {
            if shape(shapes, &spans[at]).kind == Kind::Server {
                return Some(at);
            }
            at += 1;
        }
        Some(start)
    }

    /// The CLIENT half of a shared id.
    fn client_half(&self, at: usize, spans: &[Span], shapes: &[Shape]) -> Option<usize> {
        let id = spans[at].id;
        let start = self.ids.partition_point(|known| *known < id);
        (start..)
            .take_while(|i| self.ids.get(*i) == Some(&id))
            .find(|i| *i != at && shape(shapes, &spans[*i]).kind == Kind::Client)
    }

    fn parent(&self, at: usize, spans: &[Span], shapes: &[Shape]) -> u32 {
        let span = &spans[at];
        let here = shape(shapes, span);
        let twin = |i: usize| self.ids.get(i) == Some(&span.id);
        let halves = at > 0 && twin(at - 1) || twin(at + 1);
        // A server half belongs to the client of the same id; one that says that it is shared to nothing else.
        if here.kind == Kind::Server && (here.shared || halves) {
            let client = self.client_half(at, spans, shapes);
            if client.is_some() || here.shared {
                return client.map_or(NONE, |i| i as u32);
            }
        }
        if span.parent == 0 || span.parent == span.id {
            return NONE;
        }
        self.find(span.parent, spans, shapes).filter(|up| *up != at).map_or(NONE, |up| up as u32)
    }

    /// Does a span answer a request (as opposed to a step of one)?
    #[must_use]
    pub fn handles(&self, at: usize, spans: &[Span], shapes: &[Shape]) -> bool {
        let here = shape(shapes, &spans[at]);
        match here.role {
            Role::Server | Role::Consume => true,
            Role::Unknown => {
                let up = self.up[at];
                up == NONE || shape(shapes, &spans[up as usize]).service != here.service
            }
            _ => false,
        }
    }

    fn owners(&mut self, spans: &[Span], shapes: &[Shape]) {
        const VISITING: u32 = NONE - 1;
        let n = spans.len();
        self.top.clear();
        self.top.resize(n, NONE);
        for at in 0..n {
            let mut here = at as u32;
            self.path.clear();
            // Up until something is known; in a cycle until it closes.
            let top = loop {
                match self.top[here as usize] {
                    NONE => {}
                    VISITING => break here,
                    known => break known,
                }
                self.top[here as usize] = VISITING;
                self.path.push(here);
                let up = self.up[here as usize];
                if up == NONE || self.handles(here as usize, spans, shapes) {
                    break here;
                }
                here = up;
            };
            for passed in &self.path {
                self.top[*passed as usize] = top;
            }
        }
        self.owner.clear();
        self.owner.extend(self.up.iter().map(|up| if *up == NONE { NONE } else { self.top[*up as usize] }));
    }

    /// The nearest span above that is not a step inside.
    #[must_use]
    pub fn climb(&self, at: usize, spans: &[Span], shapes: &[Shape], pass: impl Fn(&Shape) -> bool) -> Option<usize> {
        let mut up = self.up[at];
        if up == NONE {
            return None;
        }
        let service = shape(shapes, &spans[up as usize]).service;
        // A chain of steps may be long, but a trace that is one chain of a million must not cost a square.
        for _ in 0..CLIMB {
            let here = shape(shapes, &spans[up as usize]);
            let next = self.up[up as usize];
            if up as usize == at || !pass(here) || next == NONE {
                break;
            }
            // Through the steps of one service only.
            if shape(shapes, &spans[next as usize]).service != service {
                break;
            }
            up = next;
        }
        Some(up as usize)
    }

    fn outers(&mut self, spans: &[Span], shapes: &[Shape]) {
        self.outer.clear();
        self.outer.resize(spans.len(), false);
        for at in 0..spans.len() {
            let here = shape(shapes, &spans[at]);
            if !matches!(here.role, Role::Client | Role::Database) {
                continue;
            }
            let above = self.climb(at, spans, shapes, |s| s.role == Role::Internal);
            if let Some(up) = above.filter(|up| *up != at) {
                let other = shape(shapes, &spans[up]);
                if other.role == here.role && other.service == here.service {
                    self.outer[up] = true;
                }
            }
        }
    }

    fn overlaps(&mut self, spans: &[Span], shapes: &[Shape]) {
        self.concurrent.clear();
        self.concurrent.resize(spans.len(), false);
        self.calls.clear();
        for (at, span) in spans.iter().enumerate() {
            let call = matches!(shape(shapes, span).role, Role::Client | Role::Database);
            if call && self.owner[at] != NONE && !self.outer[at] && span.start != 0 {
                self.calls.push((self.owner[at], span.start, at as u32));
            }
        }
        if self.calls.len() < 2 {
            return;
        }
        self.calls.sort_unstable();
        let (mut owner, mut end, mut last) = (NONE, 0u64, 0u32);
        for (of, start, at) in &self.calls {
            let ends = start.saturating_add(spans[*at as usize].duration);
            if *of != owner {
                (owner, end, last) = (*of, ends, *at);
                continue;
            }
            if *start < end {
                self.concurrent[*at as usize] = true;
                self.concurrent[last as usize] = true;
            }
            if ends > end {
                (end, last) = (ends, *at);
            }
        }
    }

    /// Did a call end after the request that made it?
    #[must_use]
    pub fn outlived(&self, at: usize, spans: &[Span]) -> bool {
        let owner = self.owner[at];
        if owner == NONE || spans[at].start == 0 {
            return false;
        }
        let above = &spans[owner as usize];
        above.start != 0 && end(&spans[at]) > end(above)
    }

    fn list_children(&mut self, spans: &[Span]) {
        let n = spans.len();
        self.from.clear();
        self.from.resize(n + 1, 0);
        for up in self.up.iter().filter(|up| **up != NONE) {
            self.from[*up as usize + 1] += 1;
        }
        for at in 0..n {
            self.from[at + 1] += self.from[at];
        }
        self.children.clear();
        self.children.resize(self.from[n] as usize, 0);
        self.path.clear();
        self.path.extend_from_slice(&self.from[..n]);
        for (at, up) in self.up.iter().enumerate().filter(|(_, up)| **up != NONE) {
            let slot = &mut self.path[*up as usize];
            self.children[*slot as usize] = at as u32;
            *slot += 1;
        }
    }

    /// Walks the critical path below each root and tells every span on it with the nanoseconds that are its own.
    ///
    /// As CRISP defines it: from the end of a span back, the child that returned last is on the path; then the one
    /// that returned last before that one began; what no child covers is the span's own. Children are cut to the
    /// time of their parent; a slight overlap is none (see [`ALLOWED`]). The clock of another host is set right first: a server that fits into its client's
    /// time but stands outside of it is put into the middle. Messages taken out are no part of the request.
    pub fn critical(&mut self, spans: &[Span], shapes: &[Shape], mut see: impl FnMut(usize, usize, u64)) {
        self.list_children(spans);
        for root in 0..spans.len() {
            if self.up[root] != NONE || spans[root].parent != 0 || spans[root].start == 0 {
                continue;
            }
            let begin = spans[root].start;
            self.stack.clear();
            self.stack.push(Visit { at: root as u32, low: 0, high: since(end(&spans[root]), begin), shift: 0 });
            while let Some(visit) = self.stack.pop() {
                let own = self.visit(visit, begin, spans, shapes);
                see(root, visit.at as usize, own);
            }
        }
    }

    /// One span of the path: puts its children on the path on the stack, gives its own time.
    fn visit(&mut self, visit: Visit, begin: u64, spans: &[Span], shapes: &[Shape]) -> u64 {
        if self.from[visit.at as usize] == self.from[visit.at as usize + 1] {
            return u64::try_from(visit.high - visit.low).unwrap_or(0);
        }
        self.place_children(visit, begin, spans, shapes);
        let allowed = i64::try_from(spans[visit.at as usize].duration / ALLOWED).unwrap_or(i64::MAX);
        let (mut cursor, mut own, mut checks) = (visit.high, 0i64, CHECKS);
        for child in &self.placed {
            let low = child.low.max(visit.low);
            let mut high = child.high.min(visit.high);
            let overlap = high - cursor;
            if overlap > 0 && low < cursor && overlap < allowed && checks > 0 {
                checks -= 1;
                let inside = |time: i64| u32::from(time >= cursor && time <= high);
                let events: u32 = self.placed.iter().map(|c| inside(c.low) + inside(c.high)).sum();
                high = if events == 2 { cursor } else { high };
            }
            if high <= low || high > cursor {
                continue;
            }
            own += cursor - high;
            cursor = low;
            self.stack.push(Visit { at: child.at, low, high, shift: child.shift });
        }
        own += cursor - visit.low;
        u64::try_from(own).unwrap_or(0)
    }

    /// The children of a span by their end, the last one first, on the clock of the span.
    fn place_children(&mut self, visit: Visit, begin: u64, spans: &[Span], shapes: &[Shape]) {
        let at = visit.at as usize;
        let parent = &spans[at];
        let (start, stop) = (since(parent.start, begin) + visit.shift, since(end(parent), begin) + visit.shift);
        self.placed.clear();
        for child in &self.children[self.from[at] as usize..self.from[at + 1] as usize] {
            let span = &spans[*child as usize];
            let shape_of = shape(shapes, span);
            if span.start == 0 || shape_of.role == Role::Consume {
                continue;
            }
            let (mut low, mut high) = (since(span.start, begin) + visit.shift, since(end(span), begin) + visit.shift);
            let mut shift = visit.shift;
            let outside = low < start || high > stop;
            if outside && span.duration <= parent.duration && shape_of.service != shape(shapes, parent).service {
                let by = start + since((parent.duration - span.duration) / 2, 0) - low;
                shift = shift.saturating_add(by).clamp(-FARTHEST, FARTHEST);
                (low, high) = (since(span.start, begin) + shift, since(end(span), begin) + shift);
            }
            self.placed.push(Placed { high, low, id: span.id, at: *child, shift });
        }
        self.placed.sort_unstable_by(|a, b| b.cmp(a));
    }
}

/// A child on the clock of its parent; ordered by its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Placed {
    high: i64,
    low: i64,
    id: u64,
    at: u32,
    shift: i64,
}

/// A sibling may reach into the one that is waited for by less than this part of their parent's time, a hundredth:
/// clocks of hosts differ (CRISP's overlap allowance). A third event within says that they do run at once.
const ALLOWED: u64 = 100;

/// Siblings of one span that are looked at so closely: a trace of a million siblings must not cost a square.
const CHECKS: u32 = 64;

/// Spans above one that are looked at before a chain of INTERNAL spans is given up (deeper nesting of steps between
/// a call and its handler has not been seen; the deepest in the recordings looked at is 9).
const CLIMB: usize = 64;

fn end(span: &Span) -> u64 {
    span.start.saturating_add(span.duration)
}

/// The shape of a span.
#[must_use]
pub fn shape<'s>(shapes: &'s [Shape], span: &Span) -> &'s Shape {
    &shapes[span.shape as usize]
}
