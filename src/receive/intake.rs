//! The way of a request from its bytes to its acknowledgement: room in memory, the check, the journal.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};

use crate::ingest::traces::request::{Checked, check};

use super::journal::Job;
use super::tally::{Tally, one};
use super::{Options, Token};

/// Why a request is not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// It cannot be read.
    Broken(String),
    /// Above the limit of a message, in bytes.
    TooLarge(u64),
    /// Without the token.
    Token,
    /// No room in memory: the sender is to wait.
    Busy,
    /// No room on the disk: the sender is to wait.
    Disk,
    /// Not there in time.
    Slow,
}

/// Takes requests.
pub struct Intake {
    jobs: mpsc::Sender<Job>,
    room: Arc<Semaphore>,
    /// Counters.
    pub tally: Tally,
    disk: Arc<AtomicU64>,
    most_disk: u64,
    /// Bytes of the largest message.
    pub message: u64,
    /// How long a request is waited for.
    pub patience: Duration,
    /// What a request has to show.
    pub token: Option<Token>,
}

/// Room is handed out in kibibytes.
const UNIT: u64 = 1 << 10;

impl Intake {
    /// An intake that writes to a journal.
    pub fn new(jobs: mpsc::Sender<Job>, disk: Arc<AtomicU64>, options: &Options) -> Self {
        let room = (options.memory / 8).max(2 * options.message) / UNIT + 2;
        Self {
            jobs,
            room: Arc::new(Semaphore::new(usize::try_from(room).unwrap_or(usize::MAX >> 3))),
            tally: Tally::default(),
            disk,
            most_disk: options.disk,
            message: options.message,
            patience: options.patience,
            token: options.token.clone(),
        }
    }

    /// Finds room for so many bytes, or says after a while that there is none. While a request waits its connection is
    /// not read, so its sender waits, too.
    pub async fn room(&self, bytes: u64) -> Result<OwnedSemaphorePermit, Refusal> {
        let units = u32::try_from(bytes / UNIT + 1).map_err(|_| Refusal::TooLarge(self.message))?;
        let wait = Arc::clone(&self.room).acquire_many_owned(units);
        match tokio::time::timeout(self.patience / 4, wait).await {
            Ok(Ok(permit)) => Ok(permit),
            _ => Err(Refusal::Busy),
        }
    }

    /// Is the journal's share of the disk used up?
    pub fn is_full(&self) -> bool {
        self.disk.load(Ordering::Relaxed) >= self.most_disk
    }

    /// Takes a request in protobuf: when this returns, it is in the journal.
    pub async fn take(&self, request: Bytes, room: OwnedSemaphorePermit) -> Result<Checked, Refusal> {
        let checked = check(&request).ok_or_else(|| Refusal::Broken("not a request of OTLP traces".to_owned()))?;
        let bytes = request.len() as u64;
        if checked.spans > 0 {
            if self.is_full() {
                return Err(Refusal::Disk);
            }
            let (done, told) = oneshot::channel();
            // The room is given back when the request is written, even if its sender goes away before.
            let job = Job::Append(request, room, done);
            if self.jobs.send(job).await.is_err() || told.await != Ok(true) {
                return Err(Refusal::Disk);
            }
            self.disk.fetch_add(bytes + 4, Ordering::Relaxed);
        }
        one(&self.tally.requests);
        self.tally.spans.fetch_add(checked.spans, Ordering::Relaxed);
        self.tally.without_ids.fetch_add(checked.without_ids, Ordering::Relaxed);
        self.tally.bytes.fetch_add(bytes, Ordering::Relaxed);
        Ok(checked)
    }

    /// Begins the next segment of the journal and gives its number; not to be called where nobody may wait.
    pub fn cut(&self) -> Option<u64> {
        let (told, number) = oneshot::channel();
        self.jobs.blocking_send(Job::Cut(told)).ok()?;
        number.blocking_recv().ok()
    }

    /// Counts a refusal.
    pub fn refused(&self, refusal: &Refusal) {
        one(match refusal {
            Refusal::Broken(_) => &self.tally.refused_broken,
            Refusal::TooLarge(_) => &self.tally.refused_too_large,
            Refusal::Token => &self.tally.refused_token,
            Refusal::Busy => &self.tally.refused_busy,
            Refusal::Disk => &self.tally.refused_disk,
            Refusal::Slow => &self.tally.refused_slow,
        });
    }
}
