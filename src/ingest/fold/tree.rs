//! The tree of one trace: parents found, handlers above each span, calls at the same time, the critical path.
//!
//! Input may be anything: parents that are missing, cycles, a span that is its own parent, a million children.
//! Every walk is bounded by the number of spans; buffers are kept from trace to trace.

use std::ops::Range;

use super::brief::{Brief, SHARED};
use super::order::Order;
use super::partial::NONE;
use super::shape::{Known, ROLES, Role};
use super::span::Kind;
use super::store::Span;

/// The tree of one trace, by positions in its spans.
#[derive(Debug, Default)]
pub struct Tree {
    /// What each span is.
    pub briefs: Vec<Brief>,
    /// Where the spans of each role begin, and the end.
    from_role: [u32; ROLES.len() + 1],
    /// The parent, or [`NONE`].
    pub up: Vec<u32>,
    /// The request during which a span happened: the handler above it, or the topmost span; [`NONE`] at the top.
    pub owner: Vec<u32>,
    marks: Vec<u8>,
    /// Does an id occur twice?
    halves: bool,
    ids: Vec<u64>,
    /// Positions by the hash of their id, four times as many places as spans at least: few meet.
    places: Vec<u32>,
    top: Vec<u32>,
    path: Vec<u32>,
    calls: Vec<u32>,
    order: Order,
    /// By request: when the last of its calls so far ended, and which.
    busy: Vec<(u64, u32)>,
    /// The first child of each span, and the next one of its parent, or [`NONE`].
    first: Vec<u32>,
    next: Vec<u32>,
    /// Spans that answer a request or begin a trace, in order.
    pub requests: Vec<u32>,
    /// Does any say how many calls it stands for?
    pub weighted: bool,
    stack: Vec<Visit>,
    placed: Vec<Placed>,
}

/// It answers a request (as opposed to a step of one).
const HANDLES: u8 = 1;
/// It begins a trace.
const BEGINS: u8 = 2;
/// A call around another call of the same service: not the one that goes out.
const OUTER: u8 = 4;
/// A call at the same time as another one of the same request.
const CONCURRENT: u8 = 8;

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
    /// Finds parents and what follows from them. Of one id there is at most one span of each kind.
    pub fn build(&mut self, spans: &[Span]) {
        self.up.clear();
        self.marks.clear();
        self.top.clear();
        self.next.clear();
        self.requests.clear();
        self.first.clear();
        self.first.resize(spans.len(), NONE);
        for (at, span) in spans.iter().enumerate() {
            let (here, up) = (self.briefs[at], self.parent(at, span));
            let handles = match here.role {
                Role::Server | Role::Consume => true,
                Role::Unknown => up == NONE || self.briefs[up as usize].service != here.service,
                _ => false,
            };
            let begins = up == NONE && span.parent == 0;
            if handles || begins {
                self.requests.push(at as u32);
            }
            let sibling = self.first.get_mut(up as usize).map_or(NONE, |first| std::mem::replace(first, at as u32));
            self.next.push(sibling);
            self.up.push(up);
            self.top.push(if handles || up == NONE { at as u32 } else { NONE });
            self.marks.push(if handles { HANDLES } else { 0 } | if begins { BEGINS } else { 0 });
        }
        self.find_owners();
        self.find_outers();
        self.find_overlaps(spans);
    }

    /// The spans of a role.
    #[must_use]
    #[inline]
    pub fn of(&self, role: Role) -> Range<usize> {
        self.from_role[role as usize] as usize..self.from_role[role as usize + 1] as usize
    }

    /// The calls to services and databases.
    #[inline]
    fn calls(&self) -> Range<usize> {
        // Their roles follow each other.
        self.of(Role::Client).start..self.of(Role::Database).end
    }

    /// Does a span answer a request (as opposed to a step of one)?
    #[must_use]
    #[inline]
    pub fn handles(&self, at: usize) -> bool {
        self.marks[at] & HANDLES != 0
    }

    /// Does a trace begin with it?
    #[must_use]
    #[inline]
    pub fn begins(&self, at: usize) -> bool {
        self.marks[at] & BEGINS != 0
    }

    /// Is it a call around another call of the same service: not the one that goes out?
    #[must_use]
    #[inline]
    pub fn outer(&self, at: usize) -> bool {
        self.marks[at] & OUTER != 0
    }

    /// Is it a call at the same time as another one of the same request?
    #[must_use]
    #[inline]
    pub fn concurrent(&self, at: usize) -> bool {
        self.marks[at] & CONCURRENT != 0
    }

    /// Where the search for an id begins.
    #[inline]
    fn place_of(&self, id: u64) -> usize {
        // Fibonacci hashing: ids may be counters.
        (id.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32) as usize & (self.places.len() - 1)
    }

    /// Takes the spans of a trace, sorted by role, and where those of each begin; says whether an id occurs twice.
    pub fn place(&mut self, spans: &[Span], from_role: [u32; ROLES.len() + 1], known: &Known) -> bool {
        self.briefs.clear();
        self.briefs.extend(spans.iter().map(|span| known.briefs[span.shape as usize]));
        self.weighted = self.briefs.iter().any(|brief| brief.weighted);
        self.ids.clear();
        self.ids.extend(spans.iter().map(|span| span.id));
        self.halves = false;
        self.from_role = from_role;
        self.places.clear();
        self.places.resize((4 * spans.len()).next_power_of_two().max(2), NONE);
        for (at, span) in spans.iter().enumerate() {
            let mut place = self.place_of(span.id);
            while self.places[place] != NONE {
                self.halves |= self.ids[self.places[place] as usize] == span.id;
                place = (place + 1) & (self.places.len() - 1);
            }
            self.places[place] = at as u32;
        }
        self.halves
    }

    /// The spans with an id.
    #[inline]
    fn with_id(&self, id: u64) -> impl Iterator<Item = usize> + '_ {
        let mut place = self.place_of(id);
        std::iter::from_fn(move || {
            loop {
                let at = *self.places.get(place).filter(|at| **at != NONE)? as usize;
                place = (place + 1) & (self.places.len() - 1);
                if self.ids[at] == id {
                    return Some(at);
                }
            }
        })
    }

    /// The span with an id: of two halves of a shared id the server's, for children belong to it.
    #[must_use]
    #[inline]
    pub fn find(&self, id: u64) -> Option<usize> {
        if !self.halves {
            return self.with_id(id).next();
        }
        self.with_id(id).min_by_key(|at| (self.briefs[*at].kind != Kind::Server, self.briefs[*at].kind))
    }

    /// The CLIENT half of a shared id.
    fn client_half(&self, at: usize) -> Option<usize> {
        self.with_id(self.ids[at]).find(|i| *i != at && self.briefs[*i].kind == Kind::Client)
    }

    #[inline]
    fn parent(&self, at: usize, span: &Span) -> u32 {
        let here = self.briefs[at];
        if here.kind == Kind::Server && (here.is(SHARED) || self.halves) {
            // A server half belongs to the client of the same id; one that says that it is shared to nothing else.
            let client = self.client_half(at);
            if client.is_some() || here.is(SHARED) {
                return client.map_or(NONE, |i| i as u32);
            }
        }
        if span.parent == 0 || span.parent == span.id {
            return NONE;
        }
        self.find(span.parent).filter(|up| *up != at).map_or(NONE, |up| up as u32)
    }

    fn find_owners(&mut self) {
        const VISITING: u32 = NONE - 1;
        let n = self.up.len();
        for at in 0..n {
            let mut here = at as u32;
            // Of what has nothing below it nobody asks.
            if self.top[at] != NONE || self.first[at] == NONE {
                continue;
            }
            let above = self.top[self.up[at] as usize];
            if above != NONE {
                self.top[at] = above;
                continue;
            }
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
                here = self.up[here as usize];
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
    #[inline]
    pub fn climb(&self, at: usize, pass: impl Fn(Brief) -> bool) -> Option<usize> {
        let mut up = self.up[at];
        if up == NONE {
            return None;
        }
        let service = self.briefs[up as usize].service;
        // A chain of steps may be long, but a trace that is one chain of a million must not cost a square.
        for _ in 0..CLIMB {
            let next = self.up[up as usize];
            if !pass(self.briefs[up as usize]) || next == NONE || up as usize == at {
                break;
            }
            // Through the steps of one service only.
            if self.briefs[next as usize].service != service {
                break;
            }
            up = next;
        }
        Some(up as usize)
    }

    fn find_outers(&mut self) {
        for at in self.calls() {
            let here = self.briefs[at];
            let up = self.up[at];
            if up == NONE || !matches!(self.briefs[up as usize].role, Role::Internal | Role::Client | Role::Database) {
                continue;
            }
            let above = self.climb(at, |s| s.role == Role::Internal);
            if let Some(up) = above.filter(|up| *up != at) {
                let other = self.briefs[up];
                if other.role == here.role && other.service == here.service {
                    self.marks[up] |= OUTER;
                }
            }
        }
    }

    fn find_overlaps(&mut self, spans: &[Span]) {
        self.calls.clear();
        self.busy.resize(spans.len().max(self.busy.len()), (0, NONE));
        for at in self.calls() {
            let owner = self.owner[at];
            if owner != NONE && !self.outer(at) && spans[at].start != 0 {
                self.calls.push(at as u32);
                self.busy[owner as usize] = (0, NONE);
            }
        }
        if self.calls.len() < 2 {
            return;
        }
        let calls = &self.calls;
        self.order.sort(calls.len(), |i| spans[calls[i] as usize].start);
        let mut last = 0;
        let mut starts = self.order.positions().map(|i| spans[calls[i] as usize].start);
        let tie = starts.any(|start| std::mem::replace(&mut last, start) == start);
        drop(starts);
        if tie {
            // Of those that begin at once the order of input must not tell.
            self.calls.sort_unstable_by_key(|at| spans[*at as usize].id);
            let calls = &self.calls;
            self.order.sort(calls.len(), |i| spans[calls[i] as usize].start);
        }
        for at in self.order.positions().map(|i| self.calls[i] as usize) {
            let end = end(&spans[at]);
            let (until, last) = &mut self.busy[self.owner[at] as usize];
            if *last != NONE && spans[at].start < *until {
                self.marks[at] |= CONCURRENT;
                self.marks[*last as usize] |= CONCURRENT;
            }
            if *last == NONE || end > *until {
                (*until, *last) = (end, at as u32);
            }
        }
    }

    /// Did a call end after the request that made it?
    #[must_use]
    #[inline]
    pub fn outlived(&self, at: usize, spans: &[Span]) -> bool {
        let owner = self.owner[at];
        if owner == NONE || spans[at].start == 0 {
            return false;
        }
        let above = &spans[owner as usize];
        above.start != 0 && end(&spans[at]) > end(above)
    }

    /// Walks the critical path below each root and tells every span on it with the nanoseconds that are its own.
    ///
    /// As CRISP defines it: from the end of a span back, the child that returned last is on the path; then the one
    /// that returned last before that one began; what no child covers is the span's own. Children are cut to the
    /// time of their parent; a slight overlap is none (see [`ALLOWED`]). The clock of another host is set right first: a server that fits into its client's
    /// time but stands outside of it is put into the middle. Messages taken out are no part of the request.
    pub fn critical(&mut self, spans: &[Span], mut see: impl FnMut(usize, usize, u64)) {
        for at in 0..self.requests.len() {
            let root = self.requests[at] as usize;
            if !self.begins(root) || spans[root].start == 0 {
                continue;
            }
            let begin = spans[root].start;
            self.stack.clear();
            self.stack.push(Visit { at: root as u32, low: 0, high: since(end(&spans[root]), begin), shift: 0 });
            while let Some(visit) = self.stack.pop() {
                let own = self.visit(visit, begin, spans);
                see(root, visit.at as usize, own);
            }
        }
    }

    /// One span of the path: puts its children on the path on the stack, gives its own time.
    fn visit(&mut self, visit: Visit, begin: u64, spans: &[Span]) -> u64 {
        if self.first[visit.at as usize] == NONE {
            return u64::try_from(visit.high - visit.low).unwrap_or(0);
        }
        self.place_children(visit, begin, spans);
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
    fn place_children(&mut self, visit: Visit, begin: u64, spans: &[Span]) {
        let at = visit.at as usize;
        let parent = &spans[at];
        let (start, stop) = (since(parent.start, begin) + visit.shift, since(end(parent), begin) + visit.shift);
        self.placed.clear();
        let listed = |at: &u32| Some(self.next[*at as usize]).filter(|next| *next != NONE);
        for child in std::iter::successors(Some(self.first[at]), listed) {
            let span = &spans[child as usize];
            let here = self.briefs[child as usize];
            if span.start == 0 || here.role == Role::Consume {
                continue;
            }
            let (mut low, mut high) = (since(span.start, begin) + visit.shift, since(end(span), begin) + visit.shift);
            let mut shift = visit.shift;
            let outside = low < start || high > stop;
            if outside && span.duration <= parent.duration && here.service != self.briefs[at].service {
                let by = start + since((parent.duration - span.duration) / 2, 0) - low;
                shift = shift.saturating_add(by).clamp(-FARTHEST, FARTHEST);
                (low, high) = (since(span.start, begin) + shift, since(end(span), begin) + shift);
            }
            self.placed.push(Placed { high, low, id: span.id, at: child, shift });
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
