//! Who is central: PageRank, betweenness, dominators.
//!
//! Standard algorithms on the graph of numbers; above a size betweenness is sampled and says how sure it is.

use petgraph::algo::dominators::simple_fast;
use petgraph::graph::{DiGraph, NodeIndex};
use rayon::prelude::*;

use super::Digraph;

/// Sources that one task takes: fixed, so that sums do not depend on the number of threads.
const CHUNK: usize = 64;

/// Betweenness of all nodes, 0 to 1.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Betweenness {
    /// Share of the shortest paths between other nodes that pass a node.
    pub values: Vec<f64>,
    /// Sources sampled; `None` = all.
    pub sampled: Option<u32>,
    /// Largest standard error of a value; 0 if all sources were taken.
    pub error: f64,
}

impl Digraph {
    /// PageRank with damping 0.85, until no value moves by more than 1e-10 (Page et al. 1999).
    #[must_use]
    pub fn page_rank(&self) -> Vec<f64> {
        let n = self.len();
        if n == 0 {
            return Vec::new();
        }
        let mut rank = vec![1.0 / n as f64; n];
        for _ in 0..200 {
            let dangling: f64 =
                (0..n as u32).filter(|i| self.successors(*i).is_empty()).map(|i| rank[i as usize]).sum();
            let base = (0.15 + 0.85 * dangling) / n as f64;
            let mut next = vec![base; n];
            for from in 0..n as u32 {
                let list = self.successors(from);
                for to in list {
                    next[*to as usize] += 0.85 * rank[from as usize] / list.len() as f64;
                }
            }
            let moved = rank.iter().zip(&next).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
            rank = next;
            if moved < 1e-10 {
                break;
            }
        }
        rank
    }

    /// Betweenness (Brandes, "A faster algorithm for betweenness centrality", 2001), normalised by `(n−1)(n−2)`.
    /// With more than `most` nodes it is estimated from `most.min(PIVOTS)` random sources (Brandes and Pich 2007).
    #[must_use]
    pub fn betweenness(&self, most: usize, pivots: usize) -> Betweenness {
        let n = self.len();
        if n < 3 {
            return Betweenness { values: vec![0.0; n], ..Betweenness::default() };
        }
        let sources: Vec<u32> = if n <= most { (0..n as u32).collect() } else { sample(n, pivots.min(n)) };
        let sums: Vec<(Vec<f64>, Vec<f64>)> = sources.par_chunks(CHUNK).map(|chunk| self.dependencies(chunk)).collect();
        let (mut sum, mut squares) = (vec![0.0; n], vec![0.0; n]);
        for (s, q) in sums {
            sum.iter_mut().zip(s).for_each(|(a, b)| *a += b);
            squares.iter_mut().zip(q).for_each(|(a, b)| *a += b);
        }
        let (k, pairs) = (sources.len() as f64, ((n - 1) * (n - 2)) as f64);
        let scale = n as f64 / k / pairs;
        let error = if sources.len() == n {
            0.0
        } else {
            let variance = |s: &f64, q: &f64| (q / k - (s / k).powi(2)).max(0.0);
            let widest = sum.iter().zip(&squares).map(|(s, q)| variance(s, q)).fold(0.0, f64::max);
            n as f64 / pairs * (widest / k).sqrt()
        };
        let sampled = (sources.len() < n).then_some(sources.len() as u32);
        Betweenness { values: sum.into_iter().map(|s| s * scale).collect(), sampled, error }
    }

    /// Sums, and sums of squares, of the dependencies of some sources on every node.
    fn dependencies(&self, sources: &[u32]) -> (Vec<f64>, Vec<f64>) {
        let n = self.len();
        let (mut sum, mut squares) = (vec![0.0; n], vec![0.0; n]);
        let (mut distance, mut paths, mut share) = (vec![u32::MAX; n], vec![0.0f64; n], vec![0.0f64; n]);
        for source in sources {
            let mut order: Vec<u32> = vec![*source];
            (distance[*source as usize], paths[*source as usize]) = (0, 1.0);
            let mut at = 0;
            while let Some(v) = order.get(at).copied() {
                at += 1;
                for w in self.successors(v) {
                    let w = *w as usize;
                    if distance[w] == u32::MAX {
                        distance[w] = distance[v as usize] + 1;
                        order.push(w as u32);
                    }
                    if distance[w] == distance[v as usize] + 1 {
                        paths[w] += paths[v as usize];
                    }
                }
            }
            for v in order.iter().rev() {
                let here = *v as usize;
                let next =
                    self.successors(*v).iter().map(|w| *w as usize).filter(|w| distance[*w] == distance[here] + 1);
                share[here] = next.map(|w| paths[here] / paths[w] * (1.0 + share[w])).sum();
                if v != source {
                    sum[here] += share[here];
                    squares[here] += share[here] * share[here];
                }
            }
            for v in order {
                let v = v as usize;
                (distance[v], paths[v], share[v]) = (u32::MAX, 0.0, 0.0);
            }
        }
        (sum, squares)
    }

    /// For each node its immediate dominator: the last node that every path from an entry to it passes. `None` for
    /// entries, and for nodes that several entries reach on separate ways.
    #[must_use]
    pub fn dominators(&self, entries: &[u32]) -> Vec<Option<u32>> {
        let n = self.len();
        let mut graph: DiGraph<(), (), u32> = DiGraph::with_capacity(n + 1, self.size() + entries.len());
        for _ in 0..=n {
            graph.add_node(());
        }
        let root = NodeIndex::new(n);
        for entry in entries {
            graph.add_edge(root, (*entry).into(), ());
        }
        for (from, to) in self.edges() {
            graph.add_edge(from.into(), to.into(), ());
        }
        let found = simple_fast(&graph, root);
        let of = |node: u32| found.immediate_dominator(node.into()).filter(|d| *d != root).map(|d| d.index() as u32);
        (0..n as u32).map(of).collect()
    }

    /// Where requests come in: nodes that nobody calls, and the members of cycles that nobody outside calls.
    #[must_use]
    pub fn entries(&self) -> Vec<u32> {
        let (components, of, between) = self.condensed();
        let mut called = vec![false; components.len()];
        between.edges().for_each(|(_, to)| called[to as usize] = true);
        (0..self.len() as u32).filter(|node| !called[of[*node as usize] as usize]).collect()
    }
}

/// `k` different numbers below `n`, the same ones every time (Fisher and Yates with splitmix64, Steele et al. 2014).
fn sample(n: usize, k: usize) -> Vec<u32> {
    let mut state = 0x9e37_79b9_7f4a_7c15u64;
    let mut next = || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    };
    let mut all: Vec<u32> = (0..n as u32).collect();
    for at in 0..k {
        let other = at + (next() % (n - at) as u64) as usize;
        all.swap(at, other);
    }
    all.truncate(k);
    all.sort_unstable();
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn betweenness_of_known_graphs() {
        // A path of 4: the inner nodes lie on 2 of 6 ordered pairs' ways each.
        let path = Digraph::new(4, [(0, 1), (1, 2), (2, 3)]);
        let expected = [0.0, 2.0 / 6.0, 2.0 / 6.0, 0.0];
        assert!(path.betweenness(10, 10).values.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-12));
        // A diamond: two shortest paths share the way.
        let diamond = Digraph::new(4, [(0, 1), (0, 2), (1, 3), (2, 3)]);
        let expected = [0.0, 0.5 / 6.0, 0.5 / 6.0, 0.0];
        assert!(diamond.betweenness(10, 10).values.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-12));
        assert_eq!(Digraph::new(2, [(0, 1)]).betweenness(10, 10).values, [0.0, 0.0]);
    }

    /// The oracle: what another implementation says of the same graph; the file tells how it was made.
    #[test]
    fn as_another_implementation_says() {
        let text = include_str!("../../../tests/golden/centrality.txt");
        let rows: Vec<Vec<&str>> =
            text.lines().filter(|l| !l.starts_with('#')).map(|l| l.split(' ').collect()).collect();
        let number = |text: &str| text.parse::<f64>().expect("a number");
        let edges = rows.iter().flat_map(|r| {
            let from: u32 = r[0].parse().expect("a node");
            r[3].split(',').map(move |to| (from, to.parse().expect("a node")))
        });
        let graph = Digraph::new(rows.len(), edges);
        let (between, rank) = (graph.betweenness(1_000, 10), graph.page_rank());
        assert_eq!((rows.len(), between.sampled), (60, None));
        for (at, row) in rows.iter().enumerate() {
            assert!((between.values[at] - number(row[1])).abs() < 1e-12, "betweenness of {at}");
            assert!((rank[at] - number(row[2])).abs() < 1e-9, "PageRank of {at}");
        }
    }

    #[test]
    fn a_sample_is_near_and_says_how_near() {
        let n = 400u32;
        let edges = (0..n).flat_map(|i| [(i, (i * 7 + 1) % n), (i, (i * 3 + 2) % n), (i, i / 2)]);
        let graph = Digraph::new(n as usize, edges);
        let (exact, near) = (graph.betweenness(1_000, 100), graph.betweenness(100, 200));
        assert_eq!((exact.sampled, near.sampled), (None, Some(200)));
        assert!(near.error > 0.0);
        let worst = exact.values.iter().zip(&near.values).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        assert!(worst < 5.0 * near.error, "{worst} is more than five standard errors of {}", near.error);
    }

    #[test]
    fn dominators_and_entries() {
        let graph = Digraph::new(6, [(0, 1), (1, 2), (1, 3), (2, 4), (3, 4), (5, 4)]);
        assert_eq!(graph.entries(), [0, 5]);
        let found = graph.dominators(&graph.entries());
        assert_eq!(found, [None, Some(0), Some(1), Some(1), None, None]);
        let ring = Digraph::new(3, [(0, 1), (1, 2), (2, 0)]);
        assert_eq!(ring.entries(), [0, 1, 2]);
    }
}
