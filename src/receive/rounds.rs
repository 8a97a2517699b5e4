//! Closing traces: once in the quiet time a round takes the segments of the time before, folds the spans of traces of
//! which nothing arrived since into the running graph, and carries the others on. A restart begins where the last
//! round ended, with all segments after it.
//!
//! A round folds apart from what is received; if it fails (a full disk), everything stays as it was, and the next one
//! tries again. Messages and links between traces wait for each other within an eighth of the memory.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;

use crate::files::journal::Folder;
use crate::ingest::fold::PartialGraph;

use super::closed::{Closed, Filter};
use super::intake::Intake;
use super::state::{Checkpoint, segment_number};
use super::{Event, GRAPH, Options};

mod batch;

use batch::{Batch, Folded};

/// Bytes that a message or link takes while it waits: two ids, names, the node of a tree.
const WAITING: u64 = 200;

/// The state of closing.
pub struct Rounds {
    folder: Arc<Folder>,
    options: Options,
    checkpoint: Checkpoint,
    graph: PartialGraph,
    closed: Closed,
    /// Messages and links by round, oldest first.
    waiting: VecDeque<(String, PartialGraph)>,
    /// The first segment of the time that is going on.
    boundary: u64,
    disk: Arc<AtomicU64>,
    troubled: bool,
}

/// The thread of the rounds.
pub struct Closing {
    thread: JoinHandle<Rounds>,
    stop: Sender<()>,
}

impl Closing {
    /// Ends it after the round that is going on.
    pub fn stop(self) -> Rounds {
        drop(self.stop);
        self.thread.join().expect("the thread of the rounds does not panic")
    }
}

impl Rounds {
    /// Goes on with what the folder holds.
    ///
    /// # Errors
    /// It is of another version, or cannot be read.
    pub fn open(folder: &Arc<Folder>, options: &Options) -> Result<Self, String> {
        let checkpoint = Checkpoint::read(folder)?;
        checkpoint.clean(folder);
        let part = |name: &str| -> Result<PartialGraph, String> {
            let bytes = folder.source(name)?.bytes()?;
            let text = std::str::from_utf8(&bytes).map_err(|e| format!("{name}: {e}"))?;
            PartialGraph::from_text(text, 0).map_err(|reason| format!("{name}: {reason}"))
        };
        let graph = checkpoint.graph.as_deref().map_or_else(|| Ok(PartialGraph::default()), part)?;
        let mut closed = Closed::new(options.memory / 16);
        for name in &checkpoint.closed {
            let bytes = folder.source(name)?.bytes()?;
            let marks = bytes.chunks_exact(8).filter_map(|c| c.try_into().ok()).map(u64::from_le_bytes);
            closed.add(name.clone(), marks.collect());
        }
        let waiting: Result<VecDeque<_>, String> =
            checkpoint.waiting.iter().map(|name| Ok((name.clone(), part(name)?))).collect();
        let files = folder.files()?;
        let segments = files.iter().filter_map(|(name, size)| Some((segment_number(name)?, *size)));
        let boundary = segments.clone().map(|(n, _)| n + 1).max().unwrap_or(checkpoint.first);
        let carried = files.iter().filter(|(name, _)| checkpoint.carried.contains(name)).map(|(_, size)| size);
        let bytes: u64 = segments.map(|(_, size)| size).sum::<u64>() + carried.sum::<u64>();
        if bytes > 0 || checkpoint.round > 0 {
            let text = format!(
                "going on with what was received before: {} spans folded, {bytes} bytes to fold",
                graph.spans()
            );
            (options.tell)(Event::Note(text));
        }
        Ok(Self {
            folder: Arc::clone(folder),
            options: options.clone(),
            checkpoint,
            graph,
            closed,
            waiting: waiting?,
            boundary,
            disk: Arc::new(AtomicU64::new(bytes)),
            troubled: false,
        })
    }

    /// The number of the segment that is written next.
    pub fn next_segment(&self) -> u64 {
        self.boundary
    }

    /// Bytes of segments and of what is carried.
    pub fn disk(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.disk)
    }

    /// Starts the thread.
    pub fn start(mut self, intake: Arc<Intake>, options: &Options) -> Closing {
        let (stop, stopped) = channel();
        let every = options.close_after;
        let work = move || {
            while stopped.recv_timeout(every) == Err(RecvTimeoutError::Timeout) {
                let Some(next) = intake.cut() else { break };
                let done = self.round(next);
                if let Err(reason) = &done
                    && !self.troubled
                {
                    let text = format!("traces are not closed, and tried again: {reason}");
                    (self.options.tell)(Event::Trouble(text));
                }
                self.troubled = done.is_err();
            }
            self
        };
        Closing { thread: std::thread::spawn(work), stop }
    }

    /// Names of the segments in a range that are there.
    fn segments(&self, range: std::ops::Range<u64>) -> Result<Vec<String>, String> {
        let files = self.folder.files()?;
        let inside = |name: &String| segment_number(name).is_some_and(|n| range.contains(&n));
        Ok(files.into_iter().map(|(name, _)| name).filter(inside).collect())
    }

    /// A round; `next` is the first segment of the time that begins now.
    fn round(&mut self, next: u64) -> Result<(), String> {
        let (older, younger) =
            (self.segments(self.checkpoint.first..self.boundary)?, self.segments(self.boundary..next)?);
        if older.is_empty() && self.checkpoint.carried.is_empty() {
            self.boundary = next;
            return Ok(());
        }
        let carried: u64 = self.checkpoint.carried.iter().map(|name| self.size(name)).sum();
        // Without an end some traces would take all the room in the end.
        let forced = carried > self.options.disk / 4;
        if forced {
            let text = "traces that go on take a quarter of --disk: they are closed, and what follows counts as late";
            (self.options.tell)(Event::Trouble(text.to_owned()));
        }
        let open = if younger.is_empty() || forced { None } else { Some(self.filter(&younger)?) };
        let files: Vec<String> = self.checkpoint.carried.iter().chain(&older).cloned().collect();
        let Folded { graph, closed, carried, late } = self.batch(&files, open.as_ref()).fold()?;
        self.commit(next, &files, (graph, closed, carried, late))
    }

    fn size(&self, name: &str) -> u64 {
        self.folder.source(name).map_or(0, |source| source.size)
    }

    /// The traces of segments.
    fn filter(&self, names: &[String]) -> Result<Filter, String> {
        let bytes: u64 = names.iter().map(|name| self.size(name)).sum();
        let filter = Filter::new(bytes / batch::BYTES_A_SPAN, self.options.memory / 32);
        batch::each_trace(&self.folder, names, |mark| filter.insert(mark))?;
        Ok(filter)
    }

    fn batch<'b>(&'b self, files: &'b [String], open: Option<&'b Filter>) -> Batch<'b> {
        let (folder, closed, memory) = (&*self.folder, &self.closed, self.options.memory);
        Batch { folder, files, open, closed, memory, round: self.checkpoint.round + 1 }
    }

    /// Makes a round count: new files first, then the checkpoint that names them, then the old ones go.
    fn commit(
        &mut self,
        next: u64,
        done: &[String],
        (mut new, closed, carried, late): (PartialGraph, Vec<u64>, Vec<String>, u64),
    ) -> Result<(), String> {
        let round = self.checkpoint.round + 1;
        new.count("rejected_late", late);
        let waits = new.split_deliveries();
        let mut graph = self.graph.clone().merge(new);
        let mut waiting = self.waiting.clone();
        if waits.waiting() > 0 {
            let name = format!("waiting-{round:08}.tsv");
            self.folder.write(&name, waits.to_text().as_bytes())?;
            waiting.push_back((name, waits));
        }
        let most = usize::try_from(self.options.memory / 8 / WAITING).unwrap_or(usize::MAX);
        while waiting.len() > 1 && waiting.iter().map(|(_, part)| part.waiting()).sum::<usize>() > most {
            let Some((_, oldest)) = waiting.pop_front() else { break };
            graph.retire(oldest, waiting.iter_mut().map(|(_, part)| part));
            for (at, (name, part)) in waiting.iter_mut().enumerate() {
                // Under a new name: the old one counts until the checkpoint is there.
                *name = format!("waiting-{round:08}-{at}.tsv");
                self.folder.write(name, part.to_text().as_bytes())?;
            }
        }
        let (graph_name, closed_name) = (format!("graph-{round:08}.tsv"), format!("closed-{round:08}.ids"));
        self.folder.write(&graph_name, graph.to_text().as_bytes())?;
        let marks: Vec<u8> = closed.iter().flat_map(|mark| mark.to_le_bytes()).collect();
        self.folder.write(&closed_name, &marks)?;
        let checkpoint = Checkpoint {
            round,
            first: self.boundary,
            graph: Some(graph_name),
            carried,
            waiting: waiting.iter().map(|(name, _)| name.clone()).collect(),
            closed: self.closed.names().cloned().chain([closed_name.clone()]).collect(),
        };
        checkpoint.write(&self.folder)?;
        let (gone, come): (u64, u64) = (
            done.iter().map(|name| self.size(name)).sum(),
            checkpoint.carried.iter().map(|name| self.size(name)).sum(),
        );
        self.disk.fetch_add(come, Ordering::Relaxed);
        self.disk.fetch_sub(gone, Ordering::Relaxed);
        (self.checkpoint, self.graph, self.waiting, self.boundary) = (checkpoint, graph, waiting, next);
        // Files of what is forgotten now are named, and so kept, until the next round.
        self.closed.add(closed_name, closed);
        self.checkpoint.clean(&self.folder);
        Ok(())
    }

    /// Everything that was received, in one partial graph; the state stays as it is.
    ///
    /// # Errors
    /// What cannot be read or written.
    pub fn finish(&mut self) -> Result<(), String> {
        let segments = self.segments(self.checkpoint.first..u64::MAX)?;
        let files: Vec<String> = self.checkpoint.carried.iter().cloned().chain(segments).collect();
        let Folded { mut graph, late, .. } = self.batch(&files, None).fold()?;
        graph.count("rejected_late", late);
        let whole = std::mem::take(&mut self.graph).merge(graph);
        let whole = self.waiting.drain(..).fold(whole, |whole, (_, part)| whole.merge(part));
        self.folder.write(GRAPH, whole.to_text().as_bytes())
    }
}
