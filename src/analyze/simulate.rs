//! What setting data free would buy (analysis §5.3): which edges survive which steps, and the score after.
//!
//! An edge survives as long as any call site on it survives. Publishing an owner frees the reads of its data and, with
//! its published views, the views; emitting an event frees a caller's notifications; commands and computations stay.

use std::collections::BTreeSet;

use crate::graph::ServiceGraph;
use crate::graph::digraph::Digraph;
use crate::model::{Consistency, Intent};

use super::score::{BASE, Coupling, independence, score, score_of};

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
    /// How much the caller depends on it: 1, less with a proven fallback.
    weight: f64,
}

/// The moves made so far.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Done {
    moves: BTreeSet<Move>,
    published: Vec<bool>,
    emitting: Vec<bool>,
}

impl Done {
    /// These moves and one more.
    #[must_use]
    pub fn with(&self, made: Move) -> Self {
        let mut all = self.clone();
        match made {
            Move::Publish(at) => all.published[at as usize] = true,
            Move::Emit(at) => all.emitting[at as usize] = true,
        }
        all.moves.insert(made);
        all
    }

    /// The moves.
    #[must_use]
    pub fn moves(&self) -> &BTreeSet<Move> {
        &self.moves
    }
}

/// The graph after some moves, with how much each node reaches.
#[derive(Debug, Clone)]
pub struct Reach {
    graph: Digraph,
    callers: Digraph,
    up: Vec<u32>,
    down: Vec<u32>,
}

/// One end of an edge.
type End = fn(&(u32, u32)) -> u32;

/// The blocking graph as the simulation sees it.
#[derive(Debug, Clone)]
pub struct Simulation {
    n: usize,
    edges: Vec<Kept>,
    /// Edges in the order of their targets.
    by_target: Vec<u32>,
    /// Does any edge weigh less than 1?
    weighted: bool,
}

impl Simulation {
    /// Prepares a graph; without `views` only plain reads are freed.
    #[must_use]
    pub fn of(graph: &ServiceGraph, coupling: &Coupling, views: bool) -> Self {
        let shared = coupling.shared(graph);
        let edges = coupling.edges.iter().map(|(&(from, to), index)| {
            let stays = index.is_none() || shared.contains(&(from, to));
            let weight = coupling.weight(from, to);
            let mut kept = Kept { from, to, stays, reads: false, notifies: false, weight };
            let sites = index.map(|i| graph.dependencies()[i].sites.as_slice()).unwrap_or_default();
            // An edge that only traces or declarations show says nothing about its purpose.
            kept.stays |= !sites.iter().any(|s| s.blocking);
            for site in sites.iter().filter(|s| s.blocking) {
                match (site.intent, site.consistency) {
                    // A read that guards a write is not freed by a copy.
                    (Some(Intent::Read | Intent::View), Some(Consistency::R3)) => kept.stays = true,
                    (Some(Intent::View), _) if !views => kept.stays = true,
                    (Some(Intent::Read | Intent::View), _) => kept.reads = true,
                    (Some(Intent::Notify), _) => kept.notifies = true,
                    (Some(Intent::Write | Intent::Compute) | None, _) => kept.stays = true,
                }
            }
            kept
        });
        Self::new(coupling.members.len(), edges.collect())
    }

    /// A graph of `n` members with the classes of the call sites on each edge, by the letters of the classes: `RW`.
    #[must_use]
    pub fn from_classes<'a>(n: usize, edges: impl IntoIterator<Item = (u32, u32, &'a str)>, views: bool) -> Self {
        let all = edges.into_iter().map(|(from, to, classes)| {
            let has = |letters: &[char]| classes.contains(letters);
            Kept {
                from,
                to,
                stays: has(&['W', 'K']) || !views && has(&['V']),
                reads: has(&['R']) || views && has(&['V']),
                notifies: has(&['N']),
                weight: 1.0,
            }
        });
        Self::new(n, all.collect())
    }

    fn new(n: usize, mut edges: Vec<Kept>) -> Self {
        edges.sort_by_key(|e| (e.from, e.to));
        let mut by_target: Vec<u32> = (0..edges.len() as u32).collect();
        by_target.sort_by_key(|at| (edges[*at as usize].to, *at));
        let weighted = edges.iter().any(|e| e.weight < 1.0);
        Self { n, edges, by_target, weighted }
    }

    /// Number of members.
    #[must_use]
    pub fn len(&self) -> usize {
        self.n
    }

    /// No members?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.n == 0
    }

    /// Nothing done yet.
    #[must_use]
    pub fn start(&self) -> Done {
        Done { moves: BTreeSet::new(), published: vec![false; self.n], emitting: vec![false; self.n] }
    }

    /// Everything done that could free anything.
    #[must_use]
    pub fn end(&self) -> Done {
        self.moves().into_iter().fold(self.start(), |done, made| done.with(made))
    }

    /// Moves that could free anything.
    #[must_use]
    pub fn moves(&self) -> Vec<Move> {
        let publish = self.edges.iter().filter(|e| e.reads && !e.stays).map(|e| Move::Publish(e.to));
        let emit = self.edges.iter().filter(|e| e.notifies && !e.stays).map(|e| Move::Emit(e.from));
        let all: BTreeSet<Move> = publish.chain(emit).collect();
        all.into_iter().collect()
    }

    fn survives(edge: &Kept, done: &Done) -> bool {
        edge.stays
            || (edge.reads && !done.published[edge.to as usize])
            || (edge.notifies && !done.emitting[edge.from as usize])
    }

    /// Edges left after some moves.
    pub fn left<'s>(&'s self, done: &'s Done) -> impl Iterator<Item = (u32, u32)> + 's {
        self.kept(done).map(|e| (e.from, e.to))
    }

    fn kept<'s>(&'s self, done: &'s Done) -> impl Iterator<Item = &'s Kept> + 's {
        self.edges.iter().filter(|e| Self::survives(e, done))
    }

    /// Edges that a move frees when it is made after others.
    #[must_use]
    pub fn freed(&self, done: &Done, by: Move) -> Vec<(u32, u32)> {
        let touched: Vec<&Kept> = match by {
            Move::Publish(at) => {
                let from = self.by_target.partition_point(|e| self.edges[*e as usize].to < at);
                self.by_target[from..].iter().map(|e| &self.edges[*e as usize]).take_while(|e| e.to == at).collect()
            }
            Move::Emit(at) => {
                let from = self.edges.partition_point(|e| e.from < at);
                self.edges[from..].iter().take_while(|e| e.from == at).collect()
            }
        };
        let stays_after = |e: &Kept| match by {
            Move::Publish(_) => e.stays || e.notifies && !done.emitting[e.from as usize],
            Move::Emit(_) => e.stays || e.reads && !done.published[e.to as usize],
        };
        let gone = touched.into_iter().filter(|e| Self::survives(e, done) && !stays_after(e));
        gone.map(|e| (e.from, e.to)).collect()
    }

    /// The score after some moves.
    #[must_use]
    pub fn score(&self, done: &Done) -> f64 {
        if self.weighted {
            return score_of(self.n, self.kept(done).map(|e| (e.from, e.to, e.weight)));
        }
        score(&Digraph::new(self.n, self.left(done)))
    }

    /// The score with every read, view and notification freed.
    #[must_use]
    pub fn floor(&self) -> f64 {
        self.score(&self.end())
    }

    /// The score after some moves with further edges gone and others put in their place.
    #[must_use]
    pub fn score_with(&self, done: &Done, gone: &[(u32, u32)], more: &[(u32, u32)]) -> f64 {
        let kept = self.kept(done).filter(|e| !gone.contains(&(e.from, e.to))).map(|e| (e.from, e.to, e.weight));
        score_of(self.n, kept.chain(more.iter().map(|(a, b)| (*a, *b, 1.0))))
    }

    /// The score after some moves with two services made one.
    #[must_use]
    pub fn score_merged(&self, done: &Done, keep: u32, gone: u32) -> f64 {
        let place = |n: u32| match n {
            n if n == gone => keep - u32::from(keep > gone),
            n if n > gone => n - 1,
            n => n,
        };
        let edges = self.kept(done).map(|e| (place(e.from), place(e.to), e.weight));
        score_of(self.n.saturating_sub(1), edges)
    }

    /// No less than what making two services one gains, given how many each node reaches and is reached by at first:
    /// whoever reaches both reaches one less, whoever both reach is reached by one less, and nobody loses more. With
    /// weights these numbers say too little: then it is the whole score.
    pub fn merge_bound(&self, start: f64, up: &[u32], down: &[u32]) -> impl Fn(u32, u32) -> f64 {
        let kept = |k: u32| if self.weighted { 0.0 } else { 1.0 - independence(k.saturating_sub(2)) };
        let least: Vec<f64> = up.iter().zip(down).map(|(u, d)| kept(u + d)).collect();
        let (all, n) = (least.iter().sum::<f64>(), self.n);
        move |a, b| {
            let (a, b) = (least[a as usize], least[b as usize]);
            start - 100.0 * (all - a - b + a.max(b)) / n.saturating_sub(1).max(1) as f64
        }
    }

    /// The score after some moves with a read service that holds a copy of an owner's data: whoever read the owner
    /// reads the copy. The calls are moved, not removed, and V grows by one.
    #[must_use]
    pub fn score_with_read_service(&self, done: &Done, owner: u32) -> f64 {
        let moved = self.freed(done, Move::Publish(owner));
        let copy = self.n as u32;
        let kept = self.kept(done).filter(|e| !moved.contains(&(e.from, e.to))).map(|e| (e.from, e.to, e.weight));
        score_of(self.n + 1, kept.chain(moved.iter().map(|(from, _)| (*from, copy, 1.0))))
    }

    /// The graph after some moves, for [`Simulation::bound`].
    #[must_use]
    pub fn reach(&self, done: &Done) -> Reach {
        let graph = Digraph::new(self.n, self.left(done));
        let (up, down) = graph.reach();
        Reach { callers: graph.reversed(), graph, up, down }
    }

    /// Of the edges that a move frees those whose caller no longer reaches the callee at all. Whoever used another of
    /// them still has a way round, so nothing else changes what anybody reaches. Where edges have weights a way round
    /// may be a weaker one, so that all count.
    #[must_use]
    pub fn broken(&self, reach: &Reach, mut freed: Vec<(u32, u32)>) -> Vec<(u32, u32)> {
        let Some(first) = freed.first().copied().filter(|_| !self.weighted) else { return freed };
        // A move frees edges that share their target or their source: one search from there tells of all.
        let (graph, hub, far): (&Digraph, u32, End) = if freed.iter().all(|e| e.1 == first.1) {
            (&reach.callers, first.1, |e| e.0)
        } else if freed.iter().all(|e| e.0 == first.0) {
            (&reach.graph, first.0, |e| e.1)
        } else {
            return freed;
        };
        let mut gone: Vec<u32> = freed.iter().map(far).collect();
        gone.sort_unstable();
        let seen = graph.reached_without(hub, &gone);
        freed.retain(|e| !seen[far(e) as usize]);
        freed
    }

    /// More than a move can gain after others: nobody above the freed edges can lose more than what lies below
    /// them, and the other way round.
    #[must_use]
    pub fn bound(&self, reach: &Reach, freed: &[(u32, u32)]) -> f64 {
        if freed.is_empty() {
            return 0.0;
        }
        let (sources, targets): (Vec<u32>, Vec<u32>) = freed.iter().copied().unzip();
        let above = reach.callers.reached_from(&sources);
        let below = reach.graph.reached_from(&targets);
        let mut less = vec![0u32; self.n];
        for at in &above {
            less[*at as usize] += (below.len() as u32).min(reach.up[*at as usize]);
        }
        for at in &below {
            less[*at as usize] += (above.len() as u32).min(reach.down[*at as usize]);
        }
        let gain = |at: &u32| {
            let less = less[*at as usize];
            // With weights a node depends on less than it reaches, and the less it depends the more it can gain.
            let k = if self.weighted { less } else { reach.up[*at as usize] + reach.down[*at as usize] };
            independence(k - less.min(k)) - independence(k)
        };
        let mut touched: Vec<u32> = above.into_iter().chain(below).collect();
        touched.sort_unstable();
        touched.dedup();
        100.0 * touched.iter().map(gain).sum::<f64>() / self.n as f64
    }
}

impl Simulation {
    /// No less than [`Simulation::bound`], without a search: whoever stands above a freed edge reaches all below it.
    #[must_use]
    pub fn rough_bound(&self, reach: &Reach, freed: &[(u32, u32)]) -> f64 {
        let most = |all: &mut dyn Iterator<Item = u32>| all.map(|n| n as usize + 1).sum::<usize>().min(self.n) as f64;
        let above = most(&mut freed.iter().map(|(from, _)| reach.down[*from as usize]));
        let mut targets: Vec<u32> = freed.iter().map(|(_, to)| *to).collect();
        targets.sort_unstable();
        targets.dedup();
        let below = most(&mut targets.iter().map(|to| reach.up[*to as usize]));
        let lost = above * (1.0 - BASE.powf(below)) + below * (1.0 - BASE.powf(above));
        100.0 * lost.min(self.n as f64) / self.n as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_edge_goes_when_its_last_site_goes() {
        let simulation = Simulation::from_classes(3, [(0, 1, "RN"), (1, 2, "RW"), (0, 2, "V")], true);
        let start = simulation.start();
        assert_eq!(simulation.moves(), [Move::Publish(1), Move::Publish(2), Move::Emit(0)]);
        assert!(simulation.freed(&start, Move::Publish(1)).is_empty(), "the notification is left");
        let published = start.with(Move::Publish(1));
        assert_eq!(simulation.freed(&published, Move::Emit(0)), [(0, 1)]);
        assert_eq!(simulation.left(&simulation.end()).collect::<Vec<_>>(), [(1, 2)]);
        let plain = Simulation::from_classes(3, [(0, 1, "RN"), (1, 2, "RW"), (0, 2, "V")], false);
        assert!(plain.left(&plain.end()).any(|e| e == (0, 2)), "a view needs its own topic");
    }

    proptest! {
        /// A step never looks harmful, its gain never exceeds its bound, and what it frees is what is gone.
        #[test]
        fn steps_only_help_and_bounds_hold(
            edges in proptest::collection::vec((0u32..14, 0u32..14, 0usize..6), 1..50),
            order in proptest::collection::vec(0usize..28, 0..12),
        ) {
            let classes = ["R", "V", "RW", "N", "RN", "K"];
            let mut seen = BTreeSet::new();
            let all = edges.into_iter().filter(|(a, b, _)| a != b && seen.insert((*a, *b)));
            let simulation = Simulation::from_classes(14, all.map(|(a, b, c)| (a, b, classes[c])), true);
            let moves = simulation.moves();
            let mut done = simulation.start();
            for at in order {
                let Some(made) = moves.get(at).copied().filter(|m| !done.moves().contains(m)) else { continue };
                let (before, freed) = (simulation.score(&done), simulation.freed(&done, made));
                let reach = simulation.reach(&done);
                let (bound, rough) = (simulation.bound(&reach, &freed), simulation.rough_bound(&reach, &freed));
                let after = done.with(made);
                let gain = before - simulation.score(&after);
                prop_assert!(gain >= -1e-9 && gain <= bound + 1e-9, "gain {gain}, bound {bound}");
                prop_assert!(gain <= rough + 1e-9, "gain {gain}, rough bound {rough}");
                let broken = simulation.broken(&reach, freed.clone());
                let (sharp, any) = (simulation.bound(&reach, &broken), !broken.is_empty());
                prop_assert!(gain <= sharp + 1e-9 && sharp <= bound + 1e-9, "gain {gain}, {sharp} of {bound}");
                prop_assert_eq!(any, gain > 1e-12, "{:?} are broken, gain {}", broken, gain);
                prop_assert_eq!(simulation.left(&done).count() - simulation.left(&after).count(), freed.len());
                done = after;
            }
            let start = simulation.start();
            let score = simulation.score(&start);
            let (up, down) = Digraph::new(14, simulation.left(&start)).reach();
            let bound = simulation.merge_bound(score, &up, &down);
            for (a, b) in simulation.left(&start) {
                let gain = score - simulation.score_merged(&start, a.min(b), a.max(b));
                prop_assert!(gain <= bound(a, b) + 1e-9, "merging gains {gain}, bound {}", bound(a, b));
            }
            prop_assert!(simulation.floor() <= simulation.score(&done) + 1e-9);
        }

        /// The bounds hold where proven fallbacks make edges weigh less, too.
        #[test]
        fn bounds_hold_with_weights(
            edges in proptest::collection::vec((0u32..10, 0u32..10, 0usize..4, proptest::bool::ANY), 1..40),
            first in 0usize..20,
        ) {
            let mut seen = BTreeSet::new();
            let all = edges.into_iter().filter(|(a, b, ..)| a != b && seen.insert((*a, *b)));
            let kept = all.map(|(from, to, class, halved)| Kept {
                from,
                to,
                stays: class == 0,
                reads: class != 2,
                notifies: class > 1,
                weight: if halved { 0.5 } else { 1.0 },
            });
            let simulation = Simulation::new(10, kept.collect());
            let start = simulation.start();
            let score = simulation.score(&start);
            let reach = simulation.reach(&start);
            let done = simulation.moves().get(first).map(|m| start.with(*m)).unwrap_or_else(|| start.clone());
            let later = simulation.reach(&done);
            for made in simulation.moves().into_iter().filter(|m| !done.moves().contains(m)) {
                let gain = simulation.score(&done) - simulation.score(&done.with(made));
                let broken = simulation.broken(&later, simulation.freed(&done, made));
                let (bound, rough) = (simulation.bound(&later, &broken), simulation.rough_bound(&later, &broken));
                prop_assert!(gain <= bound + 1e-9 && gain <= rough + 1e-9, "gain {gain}, bounds {bound} and {rough}");
            }
            let bound = simulation.merge_bound(score, &reach.up, &reach.down);
            for (a, b) in simulation.left(&start) {
                let gain = score - simulation.score_merged(&start, a.min(b), a.max(b));
                prop_assert!(gain <= bound(a, b) + 1e-9, "merging gains {gain}, bound {}", bound(a, b));
            }
        }
    }
}
