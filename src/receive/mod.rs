//! The live receiver: OTLP over gRPC and HTTP -> a journal -> the one fold -> a partial graph that is read as an input.
//!
//! A request is acknowledged when it is in the journal, not before, so nothing that was acknowledged is lost when the
//! process is killed. Traces of which nothing arrived for a while are closed: folded into a running partial graph; the
//! spans of the others are carried on. The same fold as for files makes the same result.
//!
//! The only code that listens on the network, and only in builds with the feature `receive`. hyper speaks both
//! protocols (gRPC is a request of HTTP/2 with five bytes before the message), so that a message is measured, and room
//! for it is found, before it is read: servers of gRPC that decode messages themselves read them first. Knows neither
//! graph nor report; files are touched through `files` alone.

mod answer;
mod body;
mod closed;
mod intake;
mod journal;
mod listen;
mod rounds;
mod serve;
mod state;
mod tally;
mod tls;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::error::Error;
use crate::files::journal::Folder;

use intake::Intake;
use rounds::Rounds;

/// How to receive.
#[derive(Clone)]
pub struct Options {
    /// Where gRPC is listened for.
    pub grpc: Option<SocketAddr>,
    /// Where HTTP is listened for.
    pub http: Option<SocketAddr>,
    /// The folder of the state.
    pub state: PathBuf,
    /// Ends after so long; without it when the process is asked to end.
    pub time: Option<Duration>,
    /// A trace of which nothing arrived for so long is closed.
    pub close_after: Duration,
    /// Bytes that everything together may take in memory, about.
    pub memory: u64,
    /// Bytes that the journal may take on disk.
    pub disk: u64,
    /// Bytes of the largest message, unpacked.
    pub message: u64,
    /// Most connections at once.
    pub connections: usize,
    /// A request has to be there whole within this time.
    pub patience: Duration,
    /// Waits for the disk before it acknowledges.
    pub sync: bool,
    /// What `Authorization: Bearer …` has to say.
    pub token: Option<Token>,
    /// Certificates and key in PEM.
    pub tls: Option<(String, String)>,
    /// Is told what happens.
    pub tell: Arc<dyn Fn(Event) + Send + Sync>,
}

/// What happens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// It listens: for gRPC, for HTTP.
    Listening(Option<SocketAddr>, Option<SocketAddr>),
    /// Something that is as it should be.
    Note(String),
    /// Something is wrong, and it goes on.
    Trouble(String),
}

/// A secret that is never shown.
#[derive(Clone)]
pub struct Token(String);

impl Token {
    /// A token; spaces around it do not count.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let text = text.trim();
        (!text.is_empty()).then(|| Self(text.to_owned()))
    }

    /// Is it what was given? Takes the same time whatever was given.
    #[must_use]
    pub fn is(&self, given: &[u8]) -> bool {
        use sha2::{Digest, Sha256};
        let (mine, other) = (Sha256::digest(self.0.as_bytes()), Sha256::digest(given));
        mine.iter().zip(other).fold(0, |different, (a, b)| different | (a ^ b)) == 0
    }
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("***")
    }
}

/// The name of the file in the folder of the state that holds what all traces say; evidence names it.
pub const GRAPH: &str = "otlp-receiver";

/// What was received: a partial graph in a file of the folder, which is locked as long as this lives.
#[derive(Debug)]
pub struct Received {
    folder: Folder,
    /// What happened in this run, by name.
    pub counts: Vec<(&'static str, u64)>,
}

impl Received {
    /// The file that holds the partial graph.
    #[must_use]
    pub fn graph(&self) -> PathBuf {
        self.folder.place(GRAPH)
    }

    /// Removes the state: what was received is in a report.
    pub fn remove(self) {
        self.folder.remove_all(state::is_ours);
    }
}

fn fail(what: &str, reason: impl std::fmt::Display) -> Error {
    Error::Receive { what: what.to_owned(), reason: reason.to_string() }
}

/// Receives until it is asked to end, then folds everything.
///
/// # Errors
/// A user's mistake: an address, a folder, a certificate that cannot be used; or a disk that is full at the end, when
/// the state stays as it is, to be gone on with.
pub fn run(options: &Options) -> Result<Received, Error> {
    if options.message.saturating_mul(4) > options.memory {
        let reason =
            "four messages of the largest size do not fit into --memory; give more, or a lower --message-limit";
        return Err(fail("--memory", reason));
    }
    let secure = options.tls.as_ref().map(|(certificates, key)| tls::acceptor(certificates, key)).transpose()?;
    let folder = Arc::new(Folder::open(&options.state)?);
    let wrong = |reason: String| Error::State { path: options.state.display().to_string(), reason };
    let rounds = Rounds::open(&folder, options).map_err(wrong)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(rayon::current_num_threads().min(16))
        .enable_all()
        .build()
        .map_err(|e| fail("threads", e))?;
    let (journal, writer) = journal::start(&folder, rounds.next_segment(), options).map_err(wrong)?;
    let intake = Arc::new(Intake::new(journal, rounds.disk(), options));
    let (counts, closing) = runtime.block_on(async {
        let listeners = listen::bind(options).await?;
        let closing = rounds.start(Arc::clone(&intake), options);
        listen::serve(listeners, secure, Arc::clone(&intake), options).await;
        Ok::<_, Error>((intake.tally.counts(), closing))
    })?;
    runtime.shutdown_timeout(Duration::from_secs(1));
    let mut rounds = closing.stop();
    // The last sender goes, so the writer ends.
    drop(intake);
    writer.end();
    (options.tell)(Event::Note("no longer listening; folding what is not folded yet".to_owned()));
    rounds.finish().map_err(|reason| {
        let text = format!("{reason}; what was received is kept there: make room, and run the same command again");
        Error::State { path: options.state.display().to_string(), reason: text }
    })?;
    drop(rounds);
    let folder = Arc::into_inner(folder).expect("all that used the folder has ended");
    Ok(Received { folder, counts })
}
