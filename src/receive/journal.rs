//! The journal: one thread appends requests to segments, many at once if many wait, and says to each that it is there.
//!
//! A segment is framed as the collector's file exporter frames requests (four bytes of length before each), so it is
//! itself an input of every reader of OTLP. What a plain write took outlives a killed process; with `--sync` the disk
//! has it, too. A frame that was cut off by a kill was never acknowledged.

use std::io::IoSlice;
use std::sync::Arc;
use std::thread::JoinHandle;

use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot};

use crate::files::journal::{Appender, Folder};

use super::state::segment;
use super::{Event, Options};

/// Bytes of a segment: what a thread maps at once when it is read (32 MiB).
const SEGMENT: u64 = 32 << 20;

/// Requests that are written at once: what one call of `writev` takes is at least 1,024 parts, each needs two.
const AT_ONCE: usize = 256;

/// What the thread is asked.
#[derive(Debug)]
pub enum Job {
    /// Append a request, give its room in memory back, and say whether it is there.
    Append(Bytes, OwnedSemaphorePermit, oneshot::Sender<bool>),
    /// Begin the next segment, and say its number: all before it are closed.
    Cut(oneshot::Sender<u64>),
}

/// The thread that writes.
pub struct Writer(JoinHandle<()>);

impl Writer {
    /// Waits until all that was asked is done; everybody who can ask has to be gone.
    pub fn end(self) {
        self.0.join().expect("the journal's thread does not panic");
    }
}

/// A request that waits to be written.
type Waiting = (Bytes, OwnedSemaphorePermit, oneshot::Sender<bool>);

struct Journal {
    folder: Arc<Folder>,
    tell: Arc<dyn Fn(Event) + Send + Sync>,
    sync: bool,
    number: u64,
    /// None after an error that left the segment unsure: the next one is begun.
    open: Option<Appender>,
    troubled: bool,
}

/// Starts the thread; the first segment has this number.
///
/// # Errors
/// What the system says.
pub fn start(folder: &Arc<Folder>, number: u64, options: &Options) -> Result<(mpsc::Sender<Job>, Writer), String> {
    let open = Some(folder.create(&segment(number))?);
    let (sender, receiver) = mpsc::channel(AT_ONCE);
    let (tell, sync) = (Arc::clone(&options.tell), options.sync);
    let journal = Journal { folder: Arc::clone(folder), tell, sync, number, open, troubled: false };
    let thread = std::thread::Builder::new().name("journal".to_owned()).spawn(move || journal.run(receiver));
    Ok((sender, Writer(thread.map_err(|e| e.to_string())?)))
}

impl Journal {
    fn run(mut self, mut jobs: mpsc::Receiver<Job>) {
        let mut batch: Vec<Waiting> = Vec::new();
        while let Some(job) = jobs.blocking_recv() {
            let mut next = Some(job);
            while let Some(job) = next.take() {
                match job {
                    Job::Append(request, room, done) => {
                        batch.push((request, room, done));
                        if batch.len() < AT_ONCE {
                            next = jobs.try_recv().ok();
                        }
                    }
                    Job::Cut(told) => {
                        self.append(&mut batch);
                        self.cut();
                        // Who asked may be gone.
                        let _ = told.send(self.number);
                    }
                }
            }
            self.append(&mut batch);
        }
    }

    fn append(&mut self, batch: &mut Vec<Waiting>) {
        if batch.is_empty() {
            return;
        }
        let done = self.write(batch);
        if let Err(reason) = &done
            && !self.troubled
        {
            let text = format!("the journal cannot be written, so requests are refused: {reason}");
            (self.tell)(Event::Trouble(text));
        }
        if done.is_ok() && self.troubled {
            (self.tell)(Event::Note("the journal can be written again".to_owned()));
        }
        self.troubled = done.is_err();
        for (_, _, told) in batch.drain(..) {
            // A client that went away asks again, and its copies are dropped.
            let _ = told.send(done.is_ok());
        }
        if self.open.as_ref().is_some_and(|open| open.length() >= SEGMENT) {
            self.cut();
        }
    }

    fn write(&mut self, batch: &[Waiting]) -> Result<(), String> {
        let open = match &mut self.open {
            Some(open) => open,
            none => none.insert(self.folder.create(&segment(self.number))?),
        };
        let lengths: Vec<[u8; 4]> = batch.iter().map(|(request, ..)| (request.len() as u32).to_be_bytes()).collect();
        let mut parts: Vec<IoSlice<'_>> = Vec::with_capacity(2 * batch.len());
        for (length, (request, ..)) in lengths.iter().zip(batch) {
            parts.extend([IoSlice::new(length), IoSlice::new(request)]);
        }
        if let Err((reason, unsure)) = open.append(&mut parts) {
            if unsure.is_some() {
                self.number += 1;
                self.open = None;
            }
            return Err(reason);
        }
        if self.sync
            && let Err(reason) = open.sync()
        {
            // What the disk has of it is not known, and a second try would say that all is well.
            self.number += 1;
            self.open = None;
            return Err(reason);
        }
        Ok(())
    }

    /// Begins the next segment; if it cannot be made, the next request tries again.
    fn cut(&mut self) {
        if self.open.as_ref().is_some_and(|open| open.length() == 0) {
            return;
        }
        self.number += 1;
        self.open = self.folder.create(&segment(self.number)).ok();
    }
}
