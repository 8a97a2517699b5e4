//! All files to all threads: parts of files are handed out one by one, each thread has its own sink.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use rayon::prelude::*;

use crate::config::TraceColumns;
use crate::files::{Bytes, Source};
use crate::ingest::fold::{Extent, Shapes, Sink, Store, fold};
use crate::model::{Note, Traffic};

use super::cut::{self, PART, is_packed};
use super::{Form, Format, Input, format_of, parquet, partial};

/// Memory for spans if none is told: 2 GiB.
pub const MEMORY: u64 = 2 << 30;

/// Bytes of input for one span, as a guess for the number of partitions, and those of packed input: gzip, zstd, Parquet.
const BYTES_A_SPAN: u64 = 300;
const PACKED_BYTES_A_SPAN: u64 = 60;

/// About how many spans a file has.
fn expected(source: &Source) -> u64 {
    let packed = source.head(4).is_ok_and(|head| is_packed(&head) || head.starts_with(parquet::MAGIC));
    source.size / if packed { PACKED_BYTES_A_SPAN } else { BYTES_A_SPAN }
}

/// How to read traces.
#[derive(Clone, Copy, Default)]
pub struct Options<'o> {
    /// Bytes that spans may take in memory; beyond them they go to disk.
    pub memory: Option<u64>,
    /// Columns that the user named.
    pub columns: Option<&'o TraceColumns>,
    /// Is told now and then how far reading is.
    pub progress: Option<&'o (dyn Fn(Progress) + Sync)>,
}

/// How far reading is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Bytes read.
    pub bytes: u64,
    /// Bytes of all files.
    pub of: u64,
    /// Spans taken.
    pub spans: u64,
}

/// What reading gives.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Traffic, if there were spans.
    pub traffic: Option<Traffic>,
    /// What could not be read.
    pub notes: Vec<Note>,
    /// Files by format.
    pub files_read: BTreeMap<&'static str, u64>,
}

/// What became of one file.
#[derive(Debug, Default, Clone)]
struct FileReport {
    format: Option<&'static str>,
    reasons: Vec<(u64, String)>,
    spans: u64,
    negative: u64,
}

/// A part of a file, to be read by one thread.
struct Task {
    file: usize,
    format: &'static Format,
    form: Form,
    bytes: Arc<Bytes>,
    range: std::ops::Range<usize>,
    /// Where the bytes begin in the file.
    offset: u64,
    /// Bytes of the file that it stands for, if these are not its own.
    stands_for: Option<u64>,
    packed: bool,
    last: bool,
}

/// Hands out parts.
struct Queue<'s> {
    sources: &'s [&'s Source],
    next: usize,
    /// What is cut further.
    open: Vec<Task>,
    /// Pieces that were unpacked.
    ready: VecDeque<Task>,
    /// Threads that unpack: more pieces may come.
    unpacking: usize,
}

struct Reader<'s> {
    queue: Mutex<Queue<'s>>,
    changed: Condvar,
    /// Unpacked pieces that may wait to be read.
    ahead: usize,
    reports: Mutex<Vec<FileReport>>,
    columns: &'s TraceColumns,
    progress: Option<&'s (dyn Fn(Progress) + Sync)>,
    bytes: AtomicU64,
    spans: AtomicU64,
    of: u64,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Reader<'_> {
    /// The next part: a piece that was unpacked, else the next one of an open file, else of the next file.
    fn next(&self) -> Option<Task> {
        let mut queue = lock(&self.queue);
        loop {
            if let Some(task) = queue.ready.pop_front() {
                return Some(task);
            }
            if let Some(open) = queue.open.last_mut() {
                let task = cut_off(open);
                if open.range.is_empty() {
                    queue.open.pop();
                }
                queue.unpacking += usize::from(task.packed);
                return Some(task);
            }
            if queue.next < queue.sources.len() {
                let file = queue.next;
                queue.next += 1;
                let opened = self.open(file, queue.sources[file]);
                queue.open.extend(opened);
            } else if queue.unpacking > 0 {
                // Another thread unpacks, so it will say when there is a piece, or no more.
                queue = self.changed.wait(queue).unwrap_or_else(PoisonError::into_inner);
            } else {
                return None;
            }
        }
    }

    /// Opens a file; one that cannot be opened is reported.
    fn open(&self, file: usize, source: &Source) -> Option<Task> {
        let (format, form) = format_of(source, self.columns)?;
        self.report(file, |r| r.format = Some(format.id));
        let bytes = match source.bytes() {
            Ok(bytes) if bytes.is_empty() => return None,
            Ok(bytes) => bytes,
            Err(reason) => {
                self.report(file, |r| r.reasons.push((0, reason)));
                return None;
            }
        };
        let (range, packed) = (0..bytes.len(), is_packed(&bytes));
        let form = if packed { form } else { cut::settle(&bytes, form) };
        Some(Task {
            file,
            format,
            form,
            bytes: Arc::new(bytes),
            range,
            offset: 0,
            stands_for: None,
            packed,
            last: true,
        })
    }

    fn report(&self, file: usize, change: impl FnOnce(&mut FileReport)) {
        change(&mut lock(&self.reports)[file]);
    }

    /// Reads parts until there are none.
    fn work(&self, mut sink: Sink<'_>) -> BTreeMap<&'static str, u64> {
        while let Some(task) = self.next() {
            if task.packed {
                self.unpack(&task, &mut sink);
            } else {
                self.read(&task, &mut sink);
            }
        }
        std::mem::take(&mut sink.rejected)
    }

    fn read(&self, task: &Task, sink: &mut Sink<'_>) {
        let (spans, negative) = (sink.taken, sink.negative);
        sink.file = u32::try_from(task.file).unwrap_or(u32::MAX);
        let input = Input {
            bytes: &task.bytes[task.range.clone()],
            form: task.form,
            offset: task.offset + task.range.start as u64,
            last: task.last,
            columns: self.columns,
            owner: Some(&task.bytes),
        };
        let done = (task.format.read)(input, sink);
        self.report(task.file, |r| {
            r.reasons.extend(done.err().map(|reason| (input.offset, reason)));
            r.spans += sink.taken - spans;
            r.negative += sink.negative - negative;
        });
        self.tell(task.stands_for.unwrap_or(input.bytes.len() as u64), sink.taken - spans);
    }

    /// Tells how far reading is.
    fn tell(&self, bytes: u64, spans: u64) {
        let bytes = self.bytes.fetch_add(bytes, Ordering::Relaxed) + bytes;
        let spans = self.spans.fetch_add(spans, Ordering::Relaxed) + spans;
        if let Some(progress) = self.progress {
            progress(Progress { bytes, of: self.of, spans });
        }
    }

    /// Unpacks a file: its pieces are read by the other threads as far as these come along, else by this one.
    fn unpack(&self, task: &Task, sink: &mut Sink<'_>) {
        let _unpacking = Unpacking(self);
        let mut left = task.bytes.len() as u64;
        let reasons = cut::unpack(&task.bytes, task.form, |piece| {
            let cut::Piece { bytes, offset, form, used, last } = piece;
            left = left.saturating_sub(used);
            let range = 0..bytes.len();
            let large = range.len() > 4 * PART;
            let stands_for = Some(if large { 0 } else { used });
            let piece = Task { form, bytes: Arc::new(bytes), range, offset, stands_for, packed: false, last, ..*task };
            let mut queue = lock(&self.queue);
            if large {
                queue.open.push(piece);
                self.changed.notify_all();
                drop(queue);
                self.tell(used, 0);
            } else if queue.ready.len() < self.ahead {
                queue.ready.push_back(piece);
                self.changed.notify_one();
            } else {
                drop(queue);
                self.read(&piece, sink);
            }
        });
        self.report(task.file, |r| r.reasons.extend(reasons.into_iter().map(|reason| (u64::MAX, reason))));
        self.tell(left, 0);
    }
}

/// A thread that unpacks; it wakes those that wait for it when it is done, whatever happens.
struct Unpacking<'r, 's>(&'r Reader<'s>);

impl Drop for Unpacking<'_, '_> {
    fn drop(&mut self) {
        lock(&self.0.queue).unpacking -= 1;
        self.0.changed.notify_all();
    }
}

/// The next part of what is open; the rest stays.
fn cut_off(open: &mut Task) -> Task {
    let rest = &open.bytes[open.range.clone()];
    let n = if open.packed { rest.len() } else { cut::part(rest, open.form, PART) };
    let from = open.range.start;
    open.range.start += n;
    let last = open.last && open.range.is_empty();
    Task { bytes: Arc::clone(&open.bytes), range: from..from + n, last, ..*open }
}

/// Reads trace files and folds their spans.
#[must_use]
pub fn read(sources: &[&Source], options: Options<'_>) -> Outcome {
    if sources.is_empty() {
        return Outcome::default();
    }
    let (parts, sources): (Vec<&Source>, Vec<&Source>) = sources.iter().partition(|s| partial::claims(s));
    let sources = sources.as_slice();
    let none = TraceColumns::default();
    let of: u64 = sources.iter().map(|s| s.size).sum();
    let memory = options.memory.unwrap_or(MEMORY);
    let threads = rayon::current_num_threads();
    let reader = Reader {
        queue: Mutex::new(Queue { sources, next: 0, open: Vec::new(), ready: VecDeque::new(), unpacking: 0 }),
        changed: Condvar::new(),
        ahead: 2 * (threads - 1),
        reports: Mutex::new(vec![FileReport::default(); sources.len()]),
        columns: options.columns.unwrap_or(&none),
        progress: options.progress,
        bytes: AtomicU64::new(0),
        spans: AtomicU64::new(0),
        of,
    };
    // An eighth for names, three quarters for spans; the rest for the partition that is being folded.
    let shapes = Shapes::new(usize::try_from(memory / 8).unwrap_or(usize::MAX));
    let store = Store::new(sources.iter().map(|s| expected(s)).sum(), memory / 4 * 3);
    let each: Vec<_> = (0..threads).into_par_iter().map(|_| reader.work(Sink::new(&shapes, &store))).collect();
    let mut rejected = BTreeMap::new();
    for (reason, n) in each.into_iter().flatten() {
        *rejected.entry(reason).or_default() += n;
    }
    let reports = reader.reports.into_inner().unwrap_or_else(PoisonError::into_inner);
    let mut outcome = Outcome::default();
    let names: Vec<String> = sources.iter().chain(&parts).map(|s| s.path.clone()).collect();
    let spans: u64 = reports.iter().map(|r| r.spans).sum();
    for (source, report) in sources.iter().zip(reports) {
        tell(source, report, &mut outcome);
    }
    let mut whole = partial::read(&parts, sources.len(), &mut outcome);
    if spans > 0 || !rejected.is_empty() {
        if let Some((_, lost)) = store.failure() {
            *rejected.entry("rejected_not_kept").or_default() += lost;
        }
        let extent = if parts.is_empty() { Extent::Whole } else { Extent::Part };
        let folded = fold(&store, shapes, extent, &rejected);
        whole = Some(whole.unwrap_or_default().merge(folded));
    }
    outcome.traffic = whole.map(|whole| whole.finish(&names));
    if let Some((reason, lost)) = store.failure() {
        outcome.notes.push(Note::new("traces", format!("{reason}; {lost} spans are missing in the result")));
    }
    if rejected.contains_key("rejected_too_many_names") {
        let text = "more different names than the memory for them holds; give more with --memory".to_owned();
        outcome.notes.push(Note::new("traces", text));
    }
    outcome
}

/// Notes on one file.
fn tell(source: &Source, mut report: FileReport, outcome: &mut Outcome) {
    let Some(format) = report.format else { return };
    *outcome.files_read.entry(format).or_default() += 1;
    report.reasons.sort();
    let more = report.reasons.len().saturating_sub(1);
    if let Some((_, first)) = report.reasons.first() {
        let more = if more > 0 { format!("; {more} further parts of the file have breaks") } else { String::new() };
        outcome.notes.push(Note::new(&source.path, format!("{format}: {first}{more}")));
    } else if report.spans == 0 {
        outcome.notes.push(Note::new(&source.path, format!("{format}: no span in it")));
    }
    if report.negative > 0 {
        let text = format!("{format}: {} spans end before they start; their duration counts as 0", report.negative);
        outcome.notes.push(Note::new(&source.path, text));
    }
}
