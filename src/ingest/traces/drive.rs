//! All files to all threads: parts of files are handed out one by one, each thread has its own sink.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rayon::prelude::*;

use crate::config::TraceColumns;
use crate::files::{Bytes, Source};
use crate::ingest::fold::{Extent, Shapes, Sink, Store, fold};
use crate::model::{Note, Traffic};

use super::cut::{self, PART, is_packed};
use super::{Form, Format, Input, format_of, partial};

/// Memory for spans if none is told: 2 GiB.
pub const MEMORY: u64 = 2 << 30;

/// Bytes of input for one span, as a guess for the number of partitions: packed formats need fewer.
const BYTES_A_SPAN: u64 = 300;

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
    packed: bool,
}

/// Hands out parts.
struct Queue<'s> {
    sources: &'s [&'s Source],
    next: usize,
    open: Option<Task>,
}

struct Reader<'s> {
    queue: Mutex<Queue<'s>>,
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
    /// The next part. Files are opened one after the other; a file that cannot be opened is reported.
    fn next(&self) -> Option<Task> {
        let mut queue = lock(&self.queue);
        loop {
            if let Some(open) = &mut queue.open {
                let rest = &open.bytes[open.range.clone()];
                let n = if open.packed { rest.len() } else { cut::part(rest, open.form, PART) };
                let from = open.range.start;
                open.range.start += n;
                let task = Task { bytes: Arc::clone(&open.bytes), range: from..from + n, ..*open };
                if open.range.is_empty() {
                    queue.open = None;
                }
                return Some(task);
            }
            let file = queue.next;
            let source = queue.sources.get(file)?;
            queue.next += 1;
            let Some((format, form)) = format_of(source, self.columns) else { continue };
            self.report(file, |r| r.format = Some(format.id));
            match source.bytes() {
                Ok(bytes) if bytes.is_empty() => {}
                Ok(bytes) => {
                    let (range, packed) = (0..bytes.len(), is_packed(&bytes));
                    queue.open = Some(Task { file, format, form, bytes: Arc::new(bytes), range, packed });
                }
                Err(reason) => self.report(file, |r| r.reasons.push((0, reason))),
            }
        }
    }

    fn report(&self, file: usize, change: impl FnOnce(&mut FileReport)) {
        change(&mut lock(&self.reports)[file]);
    }

    /// Reads parts until there are none.
    fn work(&self, mut sink: Sink<'_>) -> BTreeMap<&'static str, u64> {
        while let Some(task) = self.next() {
            let bytes = &task.bytes[task.range.clone()];
            let (spans, negative) = (sink.taken, sink.negative);
            sink.file = u32::try_from(task.file).unwrap_or(u32::MAX);
            let mut reasons = Vec::new();
            let owner = (!task.packed).then_some(&task.bytes);
            let mut read = |bytes: &[u8], offset: u64| {
                let input = Input { bytes, form: task.form, offset, columns: self.columns, owner };
                if let Err(reason) = (task.format.read)(input, &mut sink) {
                    reasons.push((offset, reason));
                }
            };
            if task.packed {
                let unpacked = cut::unpack(bytes, task.form, &mut read);
                reasons.extend(unpacked.into_iter().map(|r| (u64::MAX, r)));
            } else {
                read(bytes, task.range.start as u64);
            }
            self.report(task.file, |r| {
                r.reasons.extend(reasons);
                r.spans += sink.taken - spans;
                r.negative += sink.negative - negative;
            });
            let bytes = self.bytes.fetch_add(bytes.len() as u64, Ordering::Relaxed) + bytes.len() as u64;
            let spans = self.spans.fetch_add(sink.taken - spans, Ordering::Relaxed) + sink.taken - spans;
            if let Some(progress) = self.progress {
                progress(Progress { bytes, of: self.of, spans });
            }
        }
        std::mem::take(&mut sink.rejected)
    }
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
    let reader = Reader {
        queue: Mutex::new(Queue { sources, next: 0, open: None }),
        reports: Mutex::new(vec![FileReport::default(); sources.len()]),
        columns: options.columns.unwrap_or(&none),
        progress: options.progress,
        bytes: AtomicU64::new(0),
        spans: AtomicU64::new(0),
        of,
    };
    // An eighth for names, three quarters for spans; the rest for the partition that is being folded.
    let shapes = Shapes::new(usize::try_from(memory / 8).unwrap_or(usize::MAX));
    let store = Store::new(of / BYTES_A_SPAN, memory / 4 * 3);
    let threads = rayon::current_num_threads();
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
