//! A partition of the store -> its traces one by one, spans of a trace and in it of a role next to each other.

use std::cmp::Reverse;
use std::ops::Range;

use hashbrown::HashTable;

use super::shape::{Known, ROLES, Role};
use super::store::{Link, Span, Store, unpack};
use super::trace::TraceFold;

/// Folds partitions one after the other, keeping its buffers.
pub struct PartitionFold<'k> {
    /// What was added so far.
    pub traces: TraceFold<'k>,
    known: &'k Known,
    links: Vec<Link>,
    /// Traces by their id.
    table: HashTable<u32>,
    ids: Vec<u128>,
    /// By span the number of its trace and role: [`ROLES`] for each trace.
    keys: Vec<u32>,
    /// By trace and role, where its spans end in `sorted`.
    ends: Vec<u32>,
    sorted: Vec<Span>,
    /// The spans of a trace with copies in it.
    one: Vec<Span>,
}

/// Fibonacci hashing: trace ids may be counters.
fn hash(trace: u128) -> u64 {
    ((trace as u64) ^ ((trace >> 64) as u64)).wrapping_mul(0xD6E8_FEB8_6659_FD93)
}

impl<'k> PartitionFold<'k> {
    /// Nothing folded yet.
    #[must_use]
    pub fn new(known: &'k Known, canon: &'k [u32]) -> Self {
        Self {
            traces: TraceFold::new(known, canon),
            known,
            links: Vec::new(),
            table: HashTable::new(),
            ids: Vec::new(),
            keys: Vec::new(),
            ends: Vec::new(),
            sorted: Vec::new(),
            one: Vec::new(),
        }
    }

    /// Folds the traces of a partition.
    pub fn fold(&mut self, store: &Store, at: u32) {
        let chunks = store.take(at);
        self.group(&chunks);
        self.sort(&chunks);
        drop(chunks);
        let mut links = std::mem::take(&mut self.links);
        if self.traces.partial.open {
            self.traces.partial.links.append(&mut links);
        }
        // In the order in which their traces are folded; those of none of them last.
        links.sort_by_cached_key(|l| self.number(l.trace).unwrap_or(u32::MAX));
        let (mut from, mut left) = (0, &mut links[..]);
        for at in 0..self.ids.len() {
            let trace = self.ids[at];
            let ends = at * ROLES.len()..(at + 1) * ROLES.len();
            let range = from..self.ends[ends.end - 1] as usize;
            from = range.end;
            let n = left.iter().take_while(|l| l.trace == trace).count();
            self.one_trace(range, ends, left.split_off_mut(..n).unwrap_or_default());
        }
        self.lost_links(left);
        self.links = links;
        // One huge partition must not hold its memory for all the others.
        if self.sorted.capacity() > 1 << 20 {
            (self.sorted, self.keys) = (Vec::new(), Vec::new());
        }
    }

    /// Finds the trace and the role of each span, and counts those of each.
    fn group(&mut self, chunks: &[Box<[u8]>]) {
        self.table.clear();
        self.ids.clear();
        self.keys.clear();
        self.ends.clear();
        self.links.clear();
        let Self { table, ids, keys, ends, links, known, .. } = self;
        let mut last = (0u128, u32::MAX);
        let mut see = |span: Span| {
            if span.trace != last.0 || last.1 == u32::MAX {
                let entry =
                    table.entry(hash(span.trace), |at| ids[*at as usize] == span.trace, |at| hash(ids[*at as usize]));
                let at = *entry
                    .or_insert_with(|| {
                        ids.push(span.trace);
                        ends.extend_from_slice(&[0; ROLES.len()]);
                        ids.len() as u32 - 1
                    })
                    .get();
                last = (span.trace, at);
            }
            let role = known.briefs[span.shape as usize].role;
            let key = last.1 * ROLES.len() as u32 + role as u32;
            ends[key as usize] += 1;
            keys.push(key);
        };
        chunks.iter().for_each(|chunk| unpack(chunk, &mut see, |link| links.push(link)));
    }

    /// Puts the spans of a trace next to each other, and those of a role: what is asked of a role is asked of a range.
    fn sort(&mut self, chunks: &[Box<[u8]>]) {
        let mut from = 0;
        for end in &mut self.ends {
            from += std::mem::replace(end, from);
        }
        if self.sorted.len() < self.keys.len() {
            self.sorted.resize(self.keys.len(), Span::default());
        }
        let Self { keys, ends, sorted, .. } = self;
        let mut keys = keys.iter();
        let mut see = |span: Span| {
            let Some(key) = keys.next() else { return };
            let next = &mut ends[*key as usize];
            sorted[*next as usize] = span;
            *next += 1;
        };
        chunks.iter().for_each(|chunk| unpack(chunk, &mut see, |_| ()));
    }

    /// Folds the spans of one trace, without exact copies.
    fn one_trace(&mut self, range: Range<usize>, ends: Range<usize>, links: &mut [Link]) {
        let spans = &mut self.sorted[range.clone()];
        let mut from_role = [0u32; ROLES.len() + 1];
        for (from, end) in from_role[1..].iter_mut().zip(&self.ends[ends]) {
            *from = end - range.start as u32;
        }
        // Which of them a client is paired with goes by their order.
        spans[from_role[Role::Unknown as usize] as usize..].sort_unstable_by_key(|span| span.id);
        if !self.traces.place(spans, from_role) {
            return self.traces.fold(spans, links);
        }
        self.one.clear();
        self.one.extend_from_slice(spans);
        let from_role = self.drop_copies();
        self.traces.place(&self.one, from_role);
        self.traces.fold(&self.one, links);
    }

    /// Of copies that differ the longest stands, then what sorts first by content: never by order of input. Says
    /// where the spans of each role begin.
    fn drop_copies(&mut self) -> [u32; ROLES.len() + 1] {
        let known = self.known;
        let kind = |s: &Span| known.briefs[s.shape as usize].kind;
        let role = |s: &Span| known.briefs[s.shape as usize].role;
        self.one.sort_unstable_by(|a, b| {
            let key = |s: &Span| (s.id, kind(s), Reverse(s.duration), s.start, s.parent, s.file);
            key(a).cmp(&key(b)).then_with(|| known.content(a.shape).cmp(&known.content(b.shape)))
        });
        let before = self.one.len();
        self.one.dedup_by(|a, b| a.id == b.id && kind(a) == kind(b));
        self.traces.partial.spans.duplicate += (before - self.one.len()) as u64;
        self.one.sort_by_key(role);
        let mut from_role = [0u32; ROLES.len() + 1];
        for span in &self.one {
            from_role[role(span) as usize + 1] += 1;
        }
        for at in 0..ROLES.len() {
            from_role[at + 1] += from_role[at];
        }
        from_role
    }

    /// The number of a trace.
    fn number(&self, trace: u128) -> Option<u32> {
        self.table.find(hash(trace), |at| self.ids[*at as usize] == trace).copied()
    }

    /// Links into traces that are not among the spans.
    fn lost_links(&mut self, links: &mut [Link]) {
        links.sort_unstable_by_key(|l| (l.trace, l.id, l.consumer.trace, l.consumer.id));
        let mut last = None;
        for link in links.iter() {
            let key = (link.trace, link.id, link.consumer.trace, link.consumer.id);
            self.traces.partial.lost_links += u64::from(last != Some(key));
            last = Some(key);
        }
    }
}
