//! Listens, accepts within the limits, and ends in good order: a signal or the time that was given closes the doors,
//! what is on its way is still taken.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use crate::error::Error;

use super::intake::Intake;
use super::serve;
use super::tally::one;
use super::{Event, Options, fail};

/// How long what is on its way is waited for at the end.
const LAST: Duration = Duration::from_secs(10);

/// Requests of a connection at once.
const STREAMS: u32 = 64;

/// Doors that are open.
pub struct Listeners {
    grpc: Option<TcpListener>,
    http: Option<TcpListener>,
    end: std::pin::Pin<Box<dyn Future<Output = ()> + Send>>,
}

/// Opens the doors, and hears signals from now on.
///
/// # Errors
/// An address that cannot be listened on.
pub async fn bind(options: &Options) -> Result<Listeners, Error> {
    let open = async |address: Option<SocketAddr>, flag: &str| match address {
        None => Ok(None),
        Some(address) => TcpListener::bind(address)
            .await
            .map(Some)
            .map_err(|e| fail(&format!("--{flag} {address}"), format!("{e}; choose another address, or `off`"))),
    };
    let (grpc, http) = (open(options.grpc, "grpc").await?, open(options.http, "http").await?);
    if grpc.is_none() && http.is_none() {
        return Err(fail("--grpc off --http off", "then there is nothing to listen on"));
    }
    let addresses = [&grpc, &http].map(|l| l.as_ref().and_then(|l| l.local_addr().ok()));
    let end = end(options.time)?;
    let outside = addresses.iter().flatten().any(|a| !a.ip().is_loopback());
    if outside && options.token.is_none() {
        let text = "other machines can send to it, and no token is asked of them";
        (options.tell)(Event::Trouble(text.to_owned()));
    }
    (options.tell)(Event::Listening(addresses[0], addresses[1]));
    Ok(Listeners { grpc, http, end })
}

/// What ends when the receiver is to end.
fn end(time: Option<Duration>) -> Result<std::pin::Pin<Box<dyn Future<Output = ()> + Send>>, Error> {
    #[cfg(unix)]
    let (mut interrupt, mut terminate) = {
        use tokio::signal::unix::{SignalKind, signal};
        let hear = |kind| signal(kind).map_err(|e| fail("signals", e));
        (hear(SignalKind::interrupt())?, hear(SignalKind::terminate())?)
    };
    #[cfg(unix)]
    let asked = async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    };
    #[cfg(not(unix))]
    let asked = async move {
        // Where signals cannot be heard only the time ends it.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    Ok(Box::pin(async move {
        match time {
            Some(time) => drop(tokio::time::timeout(time, asked).await),
            None => asked.await,
        }
    }))
}

/// Serves until the end.
pub async fn serve(listeners: Listeners, secure: Option<TlsAcceptor>, intake: Arc<Intake>, options: &Options) {
    let (close, closing) = watch::channel(false);
    let most = Arc::new(Semaphore::new(options.connections));
    let door = Door { secure, intake, most, closing, window: window(options), patience: options.patience };
    let mut doors = JoinSet::new();
    for listener in [listeners.grpc, listeners.http].into_iter().flatten() {
        doors.spawn(door.clone().open(listener));
    }
    drop(door);
    listeners.end.await;
    // Doors that closed already need not be told.
    let _ = close.send(true);
    while doors.join_next().await.is_some() {}
}

/// Bytes that a connection may send before they are looked at: a sixteenth of the memory over all of them.
fn window(options: &Options) -> u32 {
    let each = options.memory / 16 / options.connections.max(1) as u64;
    u32::try_from(each.clamp(64 << 10, 4 << 20)).unwrap_or(64 << 10)
}

#[derive(Clone)]
struct Door {
    secure: Option<TlsAcceptor>,
    intake: Arc<Intake>,
    most: Arc<Semaphore>,
    closing: watch::Receiver<bool>,
    window: u32,
    patience: Duration,
}

impl Door {
    async fn open(mut self, listener: TcpListener) {
        let mut connections = JoinSet::new();
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                _ = self.closing.changed() => break,
            };
            while connections.try_join_next().is_some() {}
            let Ok((stream, _)) = accepted else {
                // Out of file descriptors, mostly: others have to end first.
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            };
            let Ok(permit) = Arc::clone(&self.most).try_acquire_owned() else {
                one(&self.intake.tally.refused_connections);
                continue;
            };
            let door = self.clone();
            connections.spawn(async move {
                door.connection(stream).await;
                drop(permit);
            });
        }
        drop(listener);
        drop(tokio::time::timeout(LAST, async { while connections.join_next().await.is_some() {} }).await);
    }

    async fn connection(self, stream: TcpStream) {
        // Answers are small; without it they may wait for 40 ms. It is no harm if it cannot be set.
        drop(stream.set_nodelay(true));
        match &self.secure {
            None => self.talk(stream).await,
            Some(secure) => {
                if let Ok(Ok(stream)) = tokio::time::timeout(self.patience, secure.accept(stream)).await {
                    self.talk(stream).await;
                }
            }
        }
    }

    async fn talk(mut self, stream: impl AsyncRead + AsyncWrite + Unpin + 'static) {
        let mut builder = Builder::new(TokioExecutor::new());
        builder.http1().timer(TokioTimer::new()).header_read_timeout(self.patience);
        let mut http2 = builder.http2();
        http2.timer(TokioTimer::new()).max_concurrent_streams(STREAMS).max_header_list_size(16 << 10);
        http2.initial_stream_window_size(self.window).initial_connection_window_size(self.window);
        // Larger frames cost less; a peer that is gone is noticed.
        http2.max_frame_size(256 << 10).keep_alive_interval(Duration::from_secs(20)).keep_alive_timeout(self.patience);
        let spoken = Arc::new(AtomicBool::new(false));
        let (heard, intake) = (Arc::clone(&spoken), Arc::clone(&self.intake));
        let service = service_fn(move |request| {
            heard.store(true, Ordering::Relaxed);
            serve::answer(request, Arc::clone(&intake))
        });
        let talk = builder.serve_connection(TokioIo::new(stream), service);
        tokio::pin!(talk);
        let mut silence = Box::pin(tokio::time::sleep(self.patience));
        let (mut asked, mut waited) = (false, false);
        loop {
            tokio::select! {
                // A connection that breaks has nobody left to tell.
                _ = talk.as_mut() => return,
                () = silence.as_mut(), if !waited => {
                    if !spoken.load(Ordering::Relaxed) {
                        one(&self.intake.tally.refused_slow);
                        return;
                    }
                    waited = true;
                }
                _ = self.closing.changed(), if !asked => {
                    asked = true;
                    talk.as_mut().graceful_shutdown();
                }
            }
        }
    }
}
