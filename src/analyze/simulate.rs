//! What setting data free would buy (analysis §5.3): which edges survive which steps, and the score after.
//!
//! An edge survives as long as any call site on it survives. Publishing an owner frees the reads and views of its
//! data; emitting an event frees a caller's notifications; commands and computations stay.

use std::collections::BTreeSet;

use crate::graph::ServiceGraph;
use crate::graph::digraph::Digraph;
use crate::model::{Consistency, Intent};

use super::score::{Coupling, score};

/// A move of the search.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Move {
    /// The owner publishes its entity and its views.
    Publish(u32),
    /// The caller emits events instead of notifying.
    Emit(u32),
}

/// An edge with what keeps it.
#[derive(Debug, Clone)]
struct Kept {
    from: u32,
    to: u32,
    /// A command, a computation, or a site whose purpose is not known.
    stays: bool,
    reads: bool,
    notifies: bool,
}

/// The blocking graph as the simulation sees it.
#[derive(Debug, Clone)]
pub struct Simulation {
    n: usize,
    edges: Vec<Kept>,
}

impl Simulation {
    /// Prepares a graph.
    #[must_use]
    pub fn of(graph: &ServiceGraph, coupling: &Coupling) -> Self {
        let shared = coupling.shared(graph);
        let edges = coupling.edges.iter().map(|(&(from, to), index)| {
            let mut kept = Kept {
                from,
                to,
                stays: index.is_none() || shared.contains(&(from, to)),
                reads: false,
                notifies: false,
            };
            let sites = index.map(|i| graph.dependencies()[i].sites.as_slice()).unwrap_or_default();
            // An edge that only traces or declarations show says nothing about its purpose.
            kept.stays |= sites.is_empty();
            for site in sites {
                match (site.intent, site.consistency) {
                    // A read that guards a write is not freed by a copy.
                    (Some(Intent::Read | Intent::View), Some(Consistency::R3)) => kept.stays = true,
                    (Some(Intent::Read | Intent::View), _) => kept.reads = true,
                    (Some(Intent::Notify), _) => kept.notifies = true,
                    (Some(Intent::Write | Intent::Compute) | None, _) => kept.stays = true,
                }
            }
            kept
        });
        Self { n: coupling.members.len(), edges: edges.collect() }
    }

    /// Moves that could free anything.
    #[must_use]
    pub fn moves(&self) -> Vec<Move> {
        let publish = self.edges.iter().filter(|e| e.reads).map(|e| Move::Publish(e.to));
        let emit = self.edges.iter().filter(|e| e.notifies).map(|e| Move::Emit(e.from));
        let all: BTreeSet<Move> = publish.chain(emit).collect();
        all.into_iter().collect()
    }

    fn survives(edge: &Kept, done: &BTreeSet<Move>) -> bool {
        edge.stays
            || (edge.reads && !done.contains(&Move::Publish(edge.to)))
            || (edge.notifies && !done.contains(&Move::Emit(edge.from)))
    }

    /// Edges left after some moves.
    pub fn left<'s>(&'s self, done: &'s BTreeSet<Move>) -> impl Iterator<Item = (u32, u32)> + 's {
        self.edges.iter().filter(|e| Self::survives(e, done)).map(|e| (e.from, e.to))
    }

    /// Edges that a move frees when it is made after others.
    #[must_use]
    pub fn freed(&self, done: &BTreeSet<Move>, by: Move) -> Vec<(u32, u32)> {
        let mut after = done.clone();
        after.insert(by);
        let gone = self.edges.iter().filter(|e| Self::survives(e, done) && !Self::survives(e, &after));
        gone.map(|e| (e.from, e.to)).collect()
    }

    /// The score after some moves.
    #[must_use]
    pub fn score(&self, done: &BTreeSet<Move>) -> f64 {
        score(&Digraph::new(self.n, self.left(done)))
    }

    /// The score with every read, view and notification freed.
    #[must_use]
    pub fn floor(&self) -> f64 {
        self.score(&self.moves().into_iter().collect())
    }

    /// The score after some moves with further edges gone.
    #[must_use]
    pub fn score_without(&self, done: &BTreeSet<Move>, gone: &[(u32, u32)]) -> f64 {
        score(&Digraph::new(self.n, self.left(done).filter(|e| !gone.contains(e))))
    }

    /// The score after some moves with two services made one.
    #[must_use]
    pub fn score_merged(&self, done: &BTreeSet<Move>, keep: u32, gone: u32) -> f64 {
        let place = |n: u32| match n {
            n if n == gone => keep - u32::from(keep > gone),
            n if n > gone => n - 1,
            n => n,
        };
        score(&Digraph::new(self.n.saturating_sub(1), self.left(done).map(|(a, b)| (place(a), place(b)))))
    }
}
