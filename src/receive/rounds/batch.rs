//! One fold of a round: files of framed requests -> a partial graph, the traces that it closed, and a file of the spans
//! of traces that are open.

use std::collections::BTreeMap;
use std::io::IoSlice;
use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::prelude::*;

use crate::files::journal::{Appender, Folder};
use crate::ingest::fold::{Extent, PartialGraph, Shapes, Sink, Store, fold};
use crate::ingest::traces::request;

use crate::receive::closed::{Closed, Filter, Marks, mark};

/// Bytes of a request for one span, as a guess (the set of the trials has 634).
pub const BYTES_A_SPAN: u64 = 300;

/// What is folded.
pub struct Batch<'b> {
    /// Where the files lie.
    pub folder: &'b Folder,
    /// Their names.
    pub files: &'b [String],
    /// Traces that are open; `None` closes all.
    pub open: Option<&'b Filter>,
    /// Traces that were closed before: their spans are late.
    pub closed: &'b Closed,
    /// Memory of the whole receiver.
    pub memory: u64,
    /// Number of the round, for names.
    pub round: u64,
}

/// What became of it.
#[derive(Default)]
pub struct Folded {
    /// What the closed traces add.
    pub graph: PartialGraph,
    /// The traces that were closed, sorted.
    pub closed: Vec<u64>,
    /// Files of spans of open traces.
    pub carried: Vec<String>,
    /// Spans that came after their trace was closed.
    pub late: u64,
}

/// What becomes of a span.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    Fold,
    Carry,
    Late,
}

/// What one thread gathers.
#[derive(Default)]
struct Gathered {
    rejected: BTreeMap<&'static str, u64>,
    closed: Marks,
    carried: Option<(String, Appender)>,
    late: u64,
}

/// The whole frames of a file: what was cut off by a kill was never acknowledged.
pub fn frames(mut bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let (length, rest) = bytes.split_first_chunk::<4>()?;
        let (frame, rest) = rest.split_at_checked(u32::from_be_bytes(*length) as usize)?;
        bytes = rest;
        Some(frame)
    })
}

/// Calls `see` with the traces of all spans.
///
/// # Errors
/// A file that cannot be read.
pub fn each_trace(folder: &Folder, files: &[String], see: impl Fn(u64) + Sync) -> Result<(), String> {
    files.par_iter().try_for_each(|name| {
        let bytes = folder.source(name)?.bytes()?;
        frames(&bytes).for_each(|frame| request::each_trace(frame, |trace| see(mark(trace))));
        Ok(())
    })
}

impl Batch<'_> {
    /// Folds all files.
    ///
    /// # Errors
    /// A file that cannot be read or written: nothing counts then.
    pub fn fold(&self) -> Result<Folded, String> {
        let bytes: Result<Vec<u64>, String> =
            self.files.iter().map(|name| Ok(self.folder.source(name)?.size)).collect();
        // Of the memory an eighth for names, a quarter for spans; a mapped segment for each thread lies beside them.
        let shapes = Shapes::new(usize::try_from(self.memory / 8).unwrap_or(usize::MAX));
        let store = Store::new(bytes?.iter().sum::<u64>() / BYTES_A_SPAN, self.memory / 4);
        let next = AtomicUsize::new(0);
        let threads = rayon::current_num_threads().min(self.files.len()).max(1);
        let each: Result<Vec<Gathered>, String> = (0..threads)
            .into_par_iter()
            .map(|thread| {
                let mut sink = Sink::new(&shapes, &store);
                let mut gathered = Gathered::default();
                while let Some(name) = self.files.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let bytes = self.folder.source(name)?.bytes()?;
                    for frame in frames(&bytes) {
                        self.frame(frame, thread, &mut sink, &mut gathered)?;
                    }
                }
                gathered.rejected = std::mem::take(&mut sink.rejected);
                Ok(gathered)
            })
            .collect();
        let (mut folded, mut rejected, mut closed) = (Folded::default(), BTreeMap::new(), Marks::default());
        for gathered in each? {
            for (reason, n) in gathered.rejected {
                *rejected.entry(reason).or_default() += n;
            }
            closed.append(gathered.closed);
            folded.late += gathered.late;
            if let Some((name, file)) = gathered.carried {
                file.sync()?;
                folded.carried.push(name);
            }
        }
        folded.graph = fold(&store, shapes, Extent::Part, &rejected);
        folded.closed = closed.sorted();
        match store.failure() {
            Some((reason, _)) => Err(reason),
            None => Ok(folded),
        }
    }

    fn fate(&self, trace: u128) -> Fate {
        let mark = mark(trace);
        // What has no id is counted when it is folded, and belongs to no trace.
        if trace == 0 {
            Fate::Fold
        } else if self.closed.contains(mark) {
            Fate::Late
        } else if self.open.is_some_and(|open| open.contains(mark)) {
            Fate::Carry
        } else {
            Fate::Fold
        }
    }

    fn frame(&self, frame: &[u8], thread: usize, sink: &mut Sink<'_>, gathered: &mut Gathered) -> Result<(), String> {
        let (mut last, mut fate, mut spans) = (0, Fate::Fold, [0u64; 3]);
        request::each_trace(frame, |trace| {
            if trace != last || spans == [0; 3] {
                (last, fate) = (trace, self.fate(trace));
                if fate == Fate::Fold && trace != 0 {
                    gathered.closed.push(mark(trace));
                }
            }
            spans[fate as usize] += 1;
        });
        let [folds, carries, late] = spans;
        gathered.late += late;
        if carries == 0 && late == 0 {
            return request::read(frame, sink);
        }
        if folds > 0 {
            request::read(&request::of_traces(frame, |trace| self.fate(trace) == Fate::Fold), sink)?;
        }
        if carries > 0 {
            let rest = request::of_traces(frame, |trace| self.fate(trace) == Fate::Carry);
            self.carry(&rest, thread, gathered)?;
        }
        Ok(())
    }

    fn carry(&self, request: &[u8], thread: usize, gathered: &mut Gathered) -> Result<(), String> {
        let (_, file) = match &mut gathered.carried {
            Some(carried) => carried,
            none => {
                let name = format!("carried-{:08}-{thread}.otlp", self.round);
                let file = self.folder.create(&name)?;
                none.insert((name, file))
            }
        };
        let length = (request.len() as u32).to_be_bytes();
        file.append(&mut [IoSlice::new(&length), IoSlice::new(request)]).map_err(|(reason, _)| reason)
    }
}
