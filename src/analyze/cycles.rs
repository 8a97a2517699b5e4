//! How to break a cycle (analysis §5.3): the cheapest set of its edges that events can free.
//!
//! A weighted feedback arc set in which commands and computations weigh infinitely much: the smallest set is not what
//! helps if it cannot turn asynchronous. Small cycles are solved exactly, larger ones by the local ratio (Demetrescu
//! and Finocchi, "Combinatorial algorithms for feedback problems in directed graphs", 2003).

use crate::graph::digraph::Digraph;

/// Edges that can be freed up to which all subsets are tried.
const EXACT: usize = 12;
/// Members above which a cycle is not tried.
pub const MOST: usize = 500;

/// An edge of a cycle with the points of freeing it; `None` = it cannot be freed.
pub type Priced = ((u32, u32), Option<f64>);

/// What breaking a cycle takes.
#[derive(Debug, Clone, PartialEq)]
pub enum Break {
    /// Freeing these edges, in order.
    Edges(Vec<(u32, u32)>),
    /// Commands and computations alone make a cycle; one such, in order.
    Held(Vec<u32>),
    /// The component is too large to be tried.
    TooLarge,
}

/// The cheapest set of edges without which a component has no cycle.
#[must_use]
pub fn cheapest(members: &[u32], edges: &[Priced]) -> Break {
    if members.len() > MOST {
        return Break::TooLarge;
    }
    let local = |node: u32| members.binary_search(&node).unwrap_or(0) as u32;
    let inside = |(a, b): (u32, u32)| (local(a), local(b));
    let held: Vec<(u32, u32)> = edges.iter().filter(|(_, p)| p.is_none()).map(|(e, _)| inside(*e)).collect();
    let free: Vec<((u32, u32), f64)> = edges.iter().filter_map(|(e, p)| p.map(|p| (inside(*e), p))).collect();
    let n = members.len();
    if let Some(cycle) = cycle(n, held.iter().copied()) {
        return Break::Held(cycle.into_iter().map(|at| members[at as usize]).collect());
    }
    let mut chosen = if free.len() <= EXACT { exact(n, &held, &free) } else { local_ratio(n, &held, &free) };
    chosen.sort_unstable();
    Break::Edges(chosen.into_iter().map(|(a, b)| (members[a as usize], members[b as usize])).collect())
}

/// All subsets, the cheapest first; of equals the one with fewer edges, then the first.
fn exact(n: usize, held: &[(u32, u32)], free: &[((u32, u32), f64)]) -> Vec<(u32, u32)> {
    let price = |mask: u32| -> f64 { (0..free.len()).filter(|i| mask >> i & 1 == 1).map(|i| free[i].1).sum() };
    let mut masks: Vec<u32> = (0..1u32 << free.len()).collect();
    masks.sort_by(|a, b| price(*a).total_cmp(&price(*b)).then_with(|| (a.count_ones(), a).cmp(&(b.count_ones(), b))));
    let chosen = |mask: u32, taken: bool| {
        (0..free.len()).filter(move |i| (mask >> i & 1 == 1) == taken).map(|i| free[i].0).collect::<Vec<_>>()
    };
    let breaks = |mask: &&u32| cycle(n, held.iter().copied().chain(chosen(**mask, false))).is_none();
    masks.iter().find(breaks).map(|mask| chosen(*mask, true)).unwrap_or_default()
}

/// Each cycle pays with its cheapest edge; what paid fully goes, and what is not needed after all comes back.
fn local_ratio(n: usize, held: &[(u32, u32)], free: &[((u32, u32), f64)]) -> Vec<(u32, u32)> {
    let mut left: Vec<((u32, u32), f64)> = free.to_vec();
    let mut gone: Vec<((u32, u32), f64)> = Vec::new();
    while let Some(cycle) = cycle(n, held.iter().copied().chain(left.iter().map(|(e, _)| *e))) {
        let on: Vec<(u32, u32)> = cycle.iter().copied().zip(cycle.iter().copied().cycle().skip(1)).collect();
        let least = left.iter().filter(|(e, _)| on.contains(e)).map(|(_, w)| *w).fold(f64::INFINITY, f64::min);
        for (edge, weight) in &mut left {
            if on.contains(edge) {
                *weight -= least;
            }
        }
        let (paid, rest): (Vec<_>, Vec<_>) = left.into_iter().partition(|(_, w)| *w <= 0.0);
        gone.extend(paid.into_iter().filter_map(|(e, _)| free.iter().find(|(f, _)| *f == e)).copied());
        left = rest;
    }
    gone.sort_by(|a, b| b.1.total_cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    let mut chosen: Vec<(u32, u32)> = gone.iter().map(|(e, _)| *e).collect();
    for (edge, _) in &gone {
        let others = chosen.iter().filter(|c| *c != edge);
        let stays: Vec<(u32, u32)> = free
            .iter()
            .map(|(e, _)| *e)
            .filter(|e| !others.clone().any(|o| o == e))
            .chain(held.iter().copied())
            .collect();
        if cycle(n, stays.into_iter()).is_none() {
            chosen.retain(|c| c != edge);
        }
    }
    chosen
}

/// A cycle, if there is one.
fn cycle(n: usize, edges: impl Iterator<Item = (u32, u32)>) -> Option<Vec<u32>> {
    let graph = Digraph::new(n, edges);
    let component = graph.components().into_iter().find(|c| c.len() > 1)?;
    Some(graph.shortest_cycle(&component))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_cannot_be_freed_is_not_chosen() {
        // The command is one edge, the reads are two: the smallest set is not the one that can be freed.
        let edges = [((0, 1), None), ((1, 0), Some(1.0)), ((0, 2), None), ((2, 0), Some(2.0))];
        assert_eq!(cheapest(&[0, 1, 2], &edges), Break::Edges(vec![(1, 0), (2, 0)]));
        let held = [((3, 5), None), ((5, 3), None), ((3, 4), Some(1.0)), ((4, 3), Some(1.0))];
        assert_eq!(cheapest(&[3, 4, 5], &held), Break::Held(vec![3, 5]));
    }

    #[test]
    fn the_cheaper_way_round_is_taken() {
        let ring = [((0, 1), Some(3.0)), ((1, 2), Some(1.0)), ((2, 0), Some(2.0))];
        assert_eq!(cheapest(&[0, 1, 2], &ring), Break::Edges(vec![(1, 2)]));
    }

    proptest! {
        /// Both ways leave no cycle, and the quick one frees nothing in vain.
        #[test]
        fn no_cycle_is_left(edges in proptest::collection::vec((0u32..6, 0u32..6, 1u32..9), 2..12)) {
            let mut seen = std::collections::BTreeSet::new();
            let free: Vec<((u32, u32), f64)> = edges
                .into_iter()
                .filter(|(a, b, _)| a != b && seen.insert((*a, *b)))
                .map(|(a, b, w)| ((a, b), f64::from(w)))
                .collect();
            let price = |chosen: &[(u32, u32)]| -> f64 { free.iter().filter(|(e, _)| chosen.contains(e)).map(|(_, w)| w).sum() };
            let (best, quick) = (exact(6, &[], &free), local_ratio(6, &[], &free));
            for chosen in [&best, &quick] {
                let left = free.iter().map(|(e, _)| *e).filter(|e| !chosen.contains(e));
                prop_assert!(cycle(6, left).is_none());
            }
            prop_assert!(price(&best) <= price(&quick) + 1e-9);
        }
    }
}
