//! One line on the terminal that says how far reading traces is, how fast it goes, and when it will be done.

use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use unbraid::OnProgress;
use unbraid::ingest::traces::Progress;

/// The line appears after so long: short runs show nothing.
const PATIENCE: Duration = Duration::from_millis(700);

/// The line is written anew after so long.
const PAUSE: Duration = Duration::from_millis(200);

/// The line of progress. It is wiped when it is dropped.
#[derive(Debug, Clone)]
pub struct ProgressLine {
    state: Arc<Mutex<State>>,
}

#[derive(Debug)]
struct State {
    begin: Instant,
    written: Option<Instant>,
    width: usize,
}

impl ProgressLine {
    /// A line of at most so many columns.
    pub fn new(width: usize) -> Self {
        let state = State { begin: Instant::now(), written: None, width: width.max(20) };
        Self { state: Arc::new(Mutex::new(state)) }
    }

    /// What the library is given.
    pub fn hook(&self) -> OnProgress {
        let state = Arc::clone(&self.state);
        OnProgress(Arc::new(move |progress| {
            let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
            let now = Instant::now();
            let since = now - state.begin;
            if since < PATIENCE || state.written.is_some_and(|at| now - at < PAUSE) {
                return;
            }
            state.written = Some(now);
            let text: String = line(progress, since).chars().take(state.width - 1).collect();
            drop(write!(std::io::stderr(), "\r{text}\x1b[K"));
        }))
    }
}

impl Drop for ProgressLine {
    fn drop(&mut self) {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.written.is_some() {
            drop(write!(std::io::stderr(), "\r\x1b[K"));
        }
    }
}

fn line(progress: Progress, since: Duration) -> String {
    let seconds = since.as_secs_f64().max(0.001);
    let share = progress.bytes as f64 / progress.of.max(1) as f64;
    let left = if share > 0.0 { seconds * (1.0 - share).max(0.0) / share } else { 0.0 };
    format!(
        "traces {:.0} %, {:.1}M spans, {:.2}M spans/s, {:.0} s left",
        share * 100.0,
        progress.spans as f64 / 1e6,
        progress.spans as f64 / 1e6 / seconds,
        left.ceil()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_says_how_far_how_fast_and_how_long() {
        let progress = Progress { bytes: 25, of: 100, spans: 3_000_000 };
        assert_eq!(line(progress, Duration::from_secs(2)), "traces 25 %, 3.0M spans, 1.50M spans/s, 6 s left");
    }
}
