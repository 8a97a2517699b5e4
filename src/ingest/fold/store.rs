//! Spans between reading and folding: packed records, partitioned by trace id, in memory up to a budget and on disk
//! beyond it.
//!
//! A partition holds whole traces, so each is folded alone. A link is filed with the trace it points to.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::files::Spill;

/// A span, compact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Span {
    /// Trace id.
    pub trace: u128,
    /// Span id.
    pub id: u64,
    /// Parent span id, 0 for none.
    pub parent: u64,
    /// Start in nanoseconds since 1970, 0 if not told.
    pub start: u64,
    /// Duration in nanoseconds.
    pub duration: u64,
    /// Its shape.
    pub shape: u32,
    /// The file it was read from.
    pub file: u32,
}

/// A consumer's link, filed with the producer's trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Link {
    /// The producer's trace.
    pub trace: u128,
    /// The producer's span.
    pub id: u64,
    /// The consumer.
    pub consumer: Span,
}

/// Bytes of a chunk: a partition's records are collected in these (8 KiB: a few hundred spans, two pages).
const CHUNK: usize = 8 << 10;

/// Spans of a partition, about: a thread writes to all partitions at once, so fewer are better as long as the spans of
/// one are near when they are folded (measured at a million and at ten million spans: an eighth of it is slower by a
/// tenth).
const SPANS: u64 = 128_000;

/// Bytes of a span while its partition is folded: packed, and unpacked.
const BYTES_WHILE_FOLDED: u64 = (tail_of(false) + TAIL) as u64 + size_of::<Span>() as u64;

/// The largest record.
const LARGEST: usize = 96;

const PARENT: u8 = 1;
const SAME_TRACE: u8 = 2;
const SHORT_TRACE: u8 = 4;
const SAME_FILE: u8 = 8;
const LONG_DURATION: u8 = 16;
const LINK: u8 = 32;
const SHORT_FIELDS: u8 = 64;

/// Packed records, in memory or on disk.
#[derive(Debug)]
enum Chunk {
    Memory(Box<[u8]>),
    Disk { offset: u64, length: u32 },
}

/// Where all threads put their spans.
#[derive(Debug)]
pub struct Store {
    partitions: u32,
    budget: u64,
    held: AtomicU64,
    spill: Mutex<Option<Spill>>,
    chunks: Mutex<Vec<Vec<Chunk>>>,
    failed: Mutex<Option<String>>,
    /// Spans that were lost because the disk would not take them.
    lost: AtomicU64,
}

impl Store {
    /// A store that expects about so many spans and may hold so many bytes.
    #[must_use]
    pub fn new(expected: u64, budget: u64) -> Self {
        let threads = rayon::current_num_threads() as u64;
        // What all threads unpack at once may take an eighth of the budget, or two megabytes each.
        let spans = (budget / threads / (8 * BYTES_WHILE_FOLDED)).clamp(16_000, SPANS);
        // Threads take partitions in turn.
        let partitions = (expected / spans).max(4 * threads).clamp(1, 4_096).next_power_of_two() as u32;
        let chunks = (0..partitions).map(|_| Vec::new()).collect();
        Self {
            partitions,
            budget,
            held: AtomicU64::new(0),
            spill: Mutex::new(None),
            chunks: Mutex::new(chunks),
            failed: Mutex::new(None),
            lost: AtomicU64::new(0),
        }
    }

    /// Number of partitions.
    #[must_use]
    pub fn partitions(&self) -> u32 {
        self.partitions
    }

    /// A door for one thread.
    #[must_use]
    pub fn writer(&self) -> Writer<'_> {
        let open = (0..self.partitions).map(|_| Open::default()).collect();
        Writer { store: self, open, full: Vec::new() }
    }

    /// Why records could not be kept, and how many spans that cost.
    #[must_use]
    pub fn failure(&self) -> Option<(String, u64)> {
        let reason = self.failed.lock().unwrap_or_else(PoisonError::into_inner).clone()?;
        Some((reason, self.lost.load(Ordering::Relaxed)))
    }

    fn put(&self, bytes: &[u8]) -> Chunk {
        let length = bytes.len() as u64;
        if self.held.fetch_add(length, Ordering::Relaxed) + length <= self.budget {
            return Chunk::Memory(bytes.into());
        }
        self.held.fetch_sub(length, Ordering::Relaxed);
        let mut spill = self.spill.lock().unwrap_or_else(PoisonError::into_inner);
        let written = match spill.as_mut() {
            Some(spill) => spill.append(bytes),
            None => Spill::new().and_then(|new| spill.insert(new).append(bytes)),
        };
        match written {
            Ok(offset) => Chunk::Disk { offset, length: bytes.len() as u32 },
            Err(reason) => {
                self.failed.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(reason);
                self.lost.fetch_add(count(bytes), Ordering::Relaxed);
                Chunk::Memory(Box::default())
            }
        }
    }

    /// Takes a partition's records out, packed as they are.
    pub fn take(&self, partition: u32) -> Vec<Box<[u8]>> {
        let chunks = {
            let mut all = self.chunks.lock().unwrap_or_else(PoisonError::into_inner);
            all.get_mut(partition as usize).map(std::mem::take).unwrap_or_default()
        };
        let read = |offset: u64, length: u32| -> Box<[u8]> {
            let mut bytes = vec![0; length as usize];
            let spill = self.spill.lock().unwrap_or_else(PoisonError::into_inner);
            if let Err(reason) = spill.as_ref().map_or(Ok(()), |s| s.read(offset, &mut bytes)) {
                self.failed.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(reason);
                bytes.clear();
            }
            bytes.into()
        };
        let taken = chunks.into_iter().map(|chunk| match chunk {
            Chunk::Memory(bytes) => {
                self.held.fetch_sub(bytes.len() as u64, Ordering::Relaxed);
                bytes
            }
            Chunk::Disk { offset, length } => read(offset, length),
        });
        taken.collect()
    }
}

fn count(bytes: &[u8]) -> u64 {
    let mut spans = 0;
    unpack(bytes, |_| spans += 1, |_| ());
    spans
}

/// The chunk of a partition that a thread is filling.
#[derive(Debug, Default)]
struct Open {
    /// Of the length of a chunk, once there is something in it.
    bytes: Box<[u8]>,
    filled: usize,
    /// Of the last span.
    trace: u128,
    file: u32,
    start: u64,
}

/// One thread's door to the store.
#[derive(Debug)]
pub struct Writer<'s> {
    store: &'s Store,
    open: Vec<Open>,
    full: Vec<(u32, Chunk)>,
}

impl Writer<'_> {
    #[inline]
    fn partition(&self, trace: u128) -> usize {
        // Fibonacci hashing: trace ids may be counters.
        let mixed = ((trace as u64) ^ ((trace >> 64) as u64)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        (mixed >> 32) as usize & (self.open.len() - 1)
    }

    /// Files a span.
    #[inline]
    pub fn push(&mut self, span: &Span) {
        let open = self.open(span.trace, LARGEST);
        if !open.pack_usual(span) {
            open.pack(span, 0);
        }
    }

    /// The chunk of a trace's partition, with so much room.
    #[inline]
    fn open(&mut self, trace: u128, room: usize) -> &mut Open {
        let at = self.partition(trace);
        let open = &mut self.open[at];
        if open.filled + room > CHUNK {
            self.full.push((at as u32, self.store.put(open.packed())));
            open.filled = 0;
        }
        open
    }

    /// Files a link with the trace it points to.
    pub fn link(&mut self, trace: u128, id: u64, consumer: &Span) {
        let open = self.open(trace, 2 * LARGEST);
        open.pack(consumer, LINK);
        open.put(&trace.to_le_bytes());
        open.put(&id.to_le_bytes());
    }
}

impl Drop for Writer<'_> {
    /// Hands over what is still open.
    fn drop(&mut self) {
        for (at, open) in self.open.iter_mut().enumerate().filter(|(_, open)| open.filled > 0) {
            self.full.push((at as u32, self.store.put(open.packed())));
            *open = Open::default();
        }
        let mut all = self.store.chunks.lock().unwrap_or_else(PoisonError::into_inner);
        for (at, chunk) in self.full.drain(..) {
            if let Some(chunks) = all.get_mut(at as usize) {
                chunks.push(chunk);
            }
        }
    }
}

impl Open {
    fn packed(&self) -> &[u8] {
        &self.bytes[..self.filled]
    }

    fn put(&mut self, bytes: &[u8]) {
        self.bytes[self.filled..self.filled + bytes.len()].copy_from_slice(bytes);
        self.filled += bytes.len();
    }

    /// Packs a span if it is like nearly all: with a parent and a long trace id, after one of the same file and of
    /// about the same time, and nothing in it that takes all of its bits.
    #[inline]
    fn pack_usual(&mut self, span: &Span) -> bool {
        let usual = span.parent != 0
            && span.trace >> 64 != 0
            && span.duration <= u64::from(u32::MAX)
            && span.shape >> 24 == 0
            && span.start >> 48 == self.start >> 48
            && span.file == self.file
            && self.filled > 0;
        let Some(record) = self.bytes.get_mut(self.filled..).and_then(<[u8]>::first_chunk_mut).filter(|_| usual) else {
            return false;
        };
        self.filled += write_usual(span, span.trace == self.trace, record);
        self.trace = span.trace;
        true
    }

    fn pack(&mut self, span: &Span, mark: u8) {
        if self.bytes.is_empty() {
            self.bytes = vec![0; CHUNK].into_boxed_slice();
        }
        let first = self.filled == 0;
        let mut marks = mark;
        let short = span.trace >> 64 == 0;
        let long = span.duration > u64::from(u32::MAX);
        for (on, mark) in [
            (span.parent != 0, PARENT),
            (!first && span.trace == self.trace, SAME_TRACE),
            (short, SHORT_TRACE),
            (!first && span.file == self.file, SAME_FILE),
            (long, LONG_DURATION),
        ] {
            marks |= if on { mark } else { 0 };
        }
        (self.trace, self.file, self.start) = (span.trace, span.file, span.start);
        let mut record = [0u8; LARGEST];
        record[0] = marks;
        let mut at = 1;
        let mut put = |bytes: &[u8]| {
            record[at..at + bytes.len()].copy_from_slice(bytes);
            at += bytes.len();
        };
        if marks & SAME_TRACE == 0 {
            put(&(span.trace as u64).to_le_bytes());
            if !short {
                put(&((span.trace >> 64) as u64).to_le_bytes());
            }
        }
        put(&span.id.to_le_bytes());
        if span.parent != 0 {
            put(&span.parent.to_le_bytes());
        }
        put(&span.start.to_le_bytes());
        if long {
            put(&span.duration.to_le_bytes());
        } else {
            put(&(span.duration as u32).to_le_bytes());
        }
        put(&span.shape.to_le_bytes());
        if marks & SAME_FILE == 0 {
            put(&span.file.to_le_bytes());
        }
        self.put(&record[..at]);
    }
}

/// The marks of nearly all records, beside that of the same trace. Of the start the low 48 bits are kept, three days; the
/// others are those of the span before, as they are in all of a chunk but few. Of the shape the low 24 bits are.
const USUAL: u8 = PARENT | SAME_FILE | SHORT_FIELDS;

const LOW_48: u64 = (1 << 48) - 1;

/// Bytes of such a record behind its trace.
const TAIL: usize = 29;

/// Where that begins.
#[inline]
const fn tail_of(same_trace: bool) -> usize {
    if same_trace { 1 } else { 17 }
}

/// The record of a span with these marks; gives how long it is. What is longer than its place is written over by what
/// comes behind it.
#[inline]
fn write_usual(span: &Span, same_trace: bool, record: &mut [u8; tail_of(false) + TAIL + 1]) -> usize {
    record[0] = USUAL | if same_trace { SAME_TRACE } else { 0 };
    record[1..17].copy_from_slice(&span.trace.to_le_bytes());
    let from = tail_of(same_trace);
    let tail = &mut record[from..];
    tail[..8].copy_from_slice(&span.id.to_le_bytes());
    tail[8..16].copy_from_slice(&span.parent.to_le_bytes());
    tail[16..24].copy_from_slice(&span.start.to_le_bytes());
    tail[22..26].copy_from_slice(&(span.duration as u32).to_le_bytes());
    tail[26..30].copy_from_slice(&span.shape.to_le_bytes());
    from + TAIL
}

/// Such a record read again, and what is left.
#[inline]
fn read_usual<'b>(bytes: &'b [u8], last: &Span) -> Option<(Span, &'b [u8])> {
    let same_trace = bytes.first()? & SAME_TRACE != 0;
    let (tail, rest) = bytes.get(tail_of(same_trace)..)?.split_first_chunk::<TAIL>()?;
    let long = |at: usize| tail[at..at + 8].try_into().map_or(0, u64::from_le_bytes);
    let short = |at: usize| tail[at..at + 4].try_into().map_or(0, u32::from_le_bytes);
    let trace = if same_trace { last.trace } else { u128::from_le_bytes(*bytes[1..].first_chunk()?) };
    let span = Span {
        trace,
        id: long(0),
        parent: long(8),
        start: long(16) & LOW_48 | last.start & !LOW_48,
        duration: u64::from(short(22)),
        shape: short(25) >> 8,
        file: last.file,
    };
    Some((span, rest))
}

struct Packed<'b> {
    bytes: &'b [u8],
}

impl Packed<'_> {
    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.bytes.split_first()?;
        self.bytes = rest;
        Some(*first)
    }

    fn long(&mut self) -> Option<u64> {
        let (part, rest) = self.bytes.split_first_chunk::<8>()?;
        self.bytes = rest;
        Some(u64::from_le_bytes(*part))
    }

    fn short(&mut self) -> Option<u32> {
        let (part, rest) = self.bytes.split_first_chunk::<4>()?;
        self.bytes = rest;
        Some(u32::from_le_bytes(*part))
    }

    #[inline]
    fn next(&mut self, last: &Span) -> Option<(u8, Span)> {
        if self.bytes.first().is_some_and(|marks| marks & !SAME_TRACE == USUAL) {
            let (span, rest) = read_usual(self.bytes, last)?;
            self.bytes = rest;
            return Some((USUAL, span));
        }
        let marks = self.byte()?;
        let mut span = *last;
        if marks & SAME_TRACE == 0 {
            span.trace = u128::from(self.long()?);
            if marks & SHORT_TRACE == 0 {
                span.trace |= u128::from(self.long()?) << 64;
            }
        }
        span.id = self.long()?;
        span.parent = if marks & PARENT == 0 { 0 } else { self.long()? };
        span.start = self.long()?;
        span.duration = if marks & LONG_DURATION == 0 { u64::from(self.short()?) } else { self.long()? };
        span.shape = self.short()?;
        if marks & SAME_FILE == 0 {
            span.file = self.short()?;
        }
        Some((marks, span))
    }
}

/// Tells the spans and links of a chunk in their order.
#[inline]
pub fn unpack(bytes: &[u8], mut see: impl FnMut(Span), mut link: impl FnMut(Link)) {
    let mut packed = Packed { bytes };
    let mut last = Span::default();
    while let Some((marks, span)) = packed.next(&last) {
        last = span;
        if marks & LINK == 0 {
            see(span);
        } else if let (Some(low), Some(high), Some(id)) = (packed.long(), packed.long(), packed.long()) {
            link(Link { trace: u128::from(low) | u128::from(high) << 64, id, consumer: span });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(n: u64) -> Span {
        Span {
            trace: if n.is_multiple_of(3) { u128::from(n / 7 + 1) } else { u128::from(n / 5 + 1) << 64 | 5 },
            id: n + 1,
            parent: n % 4,
            start: if n.is_multiple_of(13) { n << 47 } else { n * 1_000 },
            duration: if n.is_multiple_of(11) { u64::MAX - n } else { n },
            shape: if n.is_multiple_of(17) { (n as u32) << 16 } else { n as u32 },
            file: (n / 50) as u32,
        }
    }

    fn everything(store: &Store) -> (Vec<Span>, Vec<Link>) {
        let (mut spans, mut links) = (Vec::new(), Vec::new());
        for at in 0..store.partitions() {
            for chunk in store.take(at) {
                unpack(&chunk, |span| spans.push(span), |link| links.push(link));
            }
        }
        spans.sort_by_key(|s| s.id);
        links.sort_by_key(|l| l.id);
        (spans, links)
    }

    #[test]
    fn what_is_put_in_comes_out_in_memory_and_from_disk() {
        for budget in [u64::MAX, 20_000, 0] {
            let store = Store::new(100_000, budget);
            let mut writer = store.writer();
            for n in 0..3_000 {
                writer.push(&span(n));
                if n.is_multiple_of(10) {
                    writer.link(u128::from(n) << 70 | 1, n, &span(n));
                }
            }
            drop(writer);
            let (spans, links) = everything(&store);
            assert_eq!(spans, (0..3_000).map(span).collect::<Vec<_>>());
            assert_eq!(links.len(), 300);
            assert!(links.iter().all(|l| l.trace == u128::from(l.id) << 70 | 1 && l.consumer == span(l.id)));
            assert_eq!(store.failure(), None);
        }
    }
}
