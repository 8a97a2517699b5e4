//! A graph of one call that an engine counted -> the graph of all calls that it stands for. Engines that may not run
//! the fold group pairs of spans themselves; the names of a group come from the fold of one of its pairs, so that they
//! are the same.

use crate::model::Relation;

use super::graph::{About, PartialGraph};
use super::sums::{Exemplar, Sketch, Sums};

/// What a group of equal calls adds up to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counted {
    /// Calls.
    pub calls: u64,
    /// Their durations in nanoseconds.
    pub duration: u128,
    /// Durations of their servers in nanoseconds.
    pub server_duration: u128,
    /// Latest start in nanoseconds since 1970.
    pub last: u64,
}

impl PartialGraph {
    /// Of a graph of one pair of client and server the pair's row alone, as often as it was counted. `None` if the
    /// two spans are no such pair.
    ///
    /// What a group cannot tell is left out: requests, examples, what ran at the same time, depth, who waits for whom.
    #[must_use]
    pub fn counted(mut self, counted: Counted) -> Option<Self> {
        let is_pair = |about: &About| matches!(about, About::Row(Relation::Sync, ..));
        let about = self.rows.keys().find(|about| is_pair(about)).cloned()?;
        let mut row = self.rows.remove(&about)?;
        row.requests = 0;
        for sums in row.operations.values_mut() {
            *sums = times(sums, counted);
        }
        let mut graph = Self { services: self.services, ..Self::default() };
        graph.rows.insert(about, row);
        graph.ledger.insert("used".to_owned(), 2 * counted.calls);
        Some(graph)
    }
}

fn times(one: &Sums, counted: Counted) -> Sums {
    let mut sketch = Sketch::default();
    for (bucket, n) in one.sketch.histogram().0 {
        sketch.add(bucket, n * counted.calls);
    }
    Sums {
        calls: counted.calls,
        errors: one.errors * counted.calls,
        server_errors: one.server_errors * counted.calls,
        retries: one.retries * counted.calls,
        duration: counted.duration,
        server_duration: counted.server_duration,
        concurrent: 0,
        outlived: 0,
        weighted: (0, 0),
        first: one.first,
        last: counted.last,
        sketch,
        exemplars: [Exemplar::NONE; crate::model::traffic::EXEMPLARS],
    }
}
