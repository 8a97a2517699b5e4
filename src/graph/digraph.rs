//! A small directed graph over numbers: reachability, cycles, depth, PageRank.
//!
//! Takes node count and edges; answers in the order of the numbers. Knows no services. Components come from
//! petgraph (Kosaraju, which does not recurse); reachability is by bit sets over the condensation, O(n·e/64).

use petgraph::graph::DiGraph;

/// A directed graph.
#[derive(Debug, Clone)]
pub struct Digraph {
    outgoing: Vec<Vec<u32>>,
}

/// Bits of one row.
type Row = Vec<u64>;

impl Digraph {
    /// A graph of `n` nodes; self edges and repeats are dropped.
    #[must_use]
    pub fn new(n: usize, edges: impl IntoIterator<Item = (u32, u32)>) -> Self {
        let mut outgoing = vec![Vec::new(); n];
        for (from, to) in edges {
            if from != to {
                outgoing[from as usize].push(to);
            }
        }
        for list in &mut outgoing {
            list.sort_unstable();
            list.dedup();
        }
        Self { outgoing }
    }

    /// Number of nodes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.outgoing.len()
    }

    /// No nodes?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.outgoing.is_empty()
    }

    /// All edges in order.
    pub fn edges(&self) -> impl Iterator<Item = (u32, u32)> + '_ {
        self.outgoing.iter().enumerate().flat_map(|(from, list)| list.iter().map(move |to| (from as u32, *to)))
    }

    /// Successors of a node.
    #[must_use]
    pub fn successors(&self, node: u32) -> &[u32] {
        &self.outgoing[node as usize]
    }

    /// Strongly connected components, callees before callers, each sorted.
    #[must_use]
    pub fn components(&self) -> Vec<Vec<u32>> {
        let mut graph: DiGraph<(), (), u32> = DiGraph::with_capacity(self.len(), 0);
        for _ in 0..self.len() {
            graph.add_node(());
        }
        for (from, to) in self.edges() {
            graph.add_edge(from.into(), to.into(), ());
        }
        let mut all: Vec<Vec<u32>> = petgraph::algo::kosaraju_scc(&graph)
            .into_iter()
            .map(|c| c.into_iter().map(|n| n.index() as u32).collect::<Vec<u32>>())
            .collect();
        for component in &mut all {
            component.sort_unstable();
        }
        all
    }

    /// For each node: how many others it reaches, and how many others reach it.
    #[must_use]
    pub fn reach(&self) -> (Vec<u32>, Vec<u32>) {
        let words = self.len().div_ceil(64);
        let components = self.components();
        let mut component_of = vec![0usize; self.len()];
        for (at, component) in components.iter().enumerate() {
            for node in component {
                component_of[*node as usize] = at;
            }
        }
        let mut rows: Vec<Row> = Vec::with_capacity(components.len());
        let (mut up, mut down) = (vec![0u32; self.len()], vec![0u32; self.len()]);
        for component in &components {
            let mut row: Row = vec![0; words];
            for node in component {
                row[*node as usize / 64] |= 1 << (node % 64);
                for next in self.successors(*node) {
                    let other = component_of[*next as usize];
                    if other < rows.len() {
                        for (word, more) in row.iter_mut().zip(&rows[other]) {
                            *word |= more;
                        }
                    }
                }
            }
            let size = component.len() as u32;
            let reached: u32 = row.iter().map(|w| w.count_ones()).sum();
            for node in component {
                up[*node as usize] = reached - 1;
            }
            for (at, word) in row.iter().enumerate() {
                let mut rest = *word;
                while rest != 0 {
                    let bit = rest.trailing_zeros();
                    down[at * 64 + bit as usize] += size;
                    rest &= rest - 1;
                }
            }
            rows.push(row);
        }
        // Every node counted itself once.
        for count in &mut down {
            *count -= 1;
        }
        (up, down)
    }

    /// One longest path of the condensation: its length in hops, and a member of each component on it.
    #[must_use]
    pub fn longest_chain(&self) -> (u32, Vec<u32>) {
        let components = self.components();
        let mut component_of = vec![0usize; self.len()];
        for (at, component) in components.iter().enumerate() {
            for node in component {
                component_of[*node as usize] = at;
            }
        }
        // Callees come first, so every successor is already settled.
        let mut best: Vec<(u32, Option<(u32, u32)>)> = Vec::with_capacity(components.len());
        for (at, component) in components.iter().enumerate() {
            let mut mine = (0, None);
            for node in component {
                for next in self.successors(*node) {
                    let other = component_of[*next as usize];
                    if other != at && best[other].0 + 1 > mine.0 {
                        mine = (best[other].0 + 1, Some((*node, *next)));
                    }
                }
            }
            best.push(mine);
        }
        let Some(start) = (0..best.len()).max_by_key(|at| (best[*at].0, std::cmp::Reverse(components[*at].clone())))
        else {
            return (0, Vec::new());
        };
        let mut chain: Vec<u32> = Vec::new();
        let mut at = start;
        while let Some((from, to)) = best[at].1 {
            if chain.last() != Some(&from) {
                chain.push(from);
            }
            chain.push(to);
            at = component_of[to as usize];
        }
        chain.dedup();
        (best[start].0, chain)
    }

    /// PageRank with damping 0.85, until no value moves by more than 1e-10 (Page et al. 1999).
    #[must_use]
    pub fn page_rank(&self) -> Vec<f64> {
        let n = self.len();
        if n == 0 {
            return Vec::new();
        }
        let mut rank = vec![1.0 / n as f64; n];
        for _ in 0..200 {
            let dangling: f64 = (0..n).filter(|i| self.outgoing[*i].is_empty()).map(|i| rank[i]).sum();
            let base = (0.15 + 0.85 * dangling) / n as f64;
            let mut next = vec![base; n];
            for (from, list) in self.outgoing.iter().enumerate() {
                for to in list {
                    next[*to as usize] += 0.85 * rank[from] / list.len() as f64;
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

    /// A shortest cycle through an edge of a component, as nodes in order.
    #[must_use]
    pub fn shortest_cycle(&self, component: &[u32]) -> Vec<u32> {
        let inside = |n: u32| component.binary_search(&n).is_ok();
        let mut best: Vec<u32> = Vec::new();
        for start in component {
            let mut before: std::collections::BTreeMap<u32, u32> = std::collections::BTreeMap::new();
            let mut queue = std::collections::VecDeque::from([*start]);
            'search: while let Some(at) = queue.pop_front() {
                for next in self.successors(at).iter().copied().filter(|n| inside(*n)) {
                    if next == *start {
                        let mut path = vec![at];
                        let mut back = at;
                        while let Some(previous) = before.get(&back) {
                            path.push(*previous);
                            back = *previous;
                        }
                        path.reverse();
                        if best.is_empty() || path.len() < best.len() {
                            best = path;
                        }
                        break 'search;
                    }
                    if next != *start && !before.contains_key(&next) {
                        before.insert(next, at);
                        queue.push_back(next);
                    }
                }
            }
        }
        best
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn chains_rings_and_hubs() {
        let chain = Digraph::new(3, [(0, 1), (1, 2)]);
        assert_eq!(chain.reach(), (vec![2, 1, 0], vec![0, 1, 2]));
        assert_eq!(chain.longest_chain(), (2, vec![0, 1, 2]));
        let ring = Digraph::new(3, [(0, 1), (1, 2), (2, 0)]);
        assert_eq!(ring.reach(), (vec![2; 3], vec![2; 3]));
        assert_eq!(ring.shortest_cycle(&[0, 1, 2]).len(), 3);
        assert_eq!(Digraph::new(0, []).reach(), (vec![], vec![]));
    }

    #[test]
    fn a_very_long_chain_does_not_overflow() {
        let n = 20_000u32;
        let graph = Digraph::new(n as usize, (0..n - 1).map(|i| (i, i + 1)));
        assert_eq!(graph.components().len(), n as usize);
    }

    proptest! {
        /// The oracle: plain search from every node.
        #[test]
        fn reach_equals_search(n in 1usize..24, edges in proptest::collection::vec((0u32..24, 0u32..24), 0..80)) {
            let edges: Vec<(u32, u32)> = edges.into_iter().filter(|(a, b)| (*a as usize) < n && (*b as usize) < n).collect();
            let graph = Digraph::new(n, edges);
            let (up, down) = graph.reach();
            let mut expected_down = vec![0; n];
            for start in 0..n as u32 {
                let mut seen = vec![false; n];
                let mut queue = vec![start];
                while let Some(at) = queue.pop() {
                    for next in graph.successors(at) {
                        if !seen[*next as usize] {
                            seen[*next as usize] = true;
                            queue.push(*next);
                        }
                    }
                }
                seen[start as usize] = false;
                prop_assert_eq!(up[start as usize] as usize, seen.iter().filter(|s| **s).count());
                for (node, _) in seen.iter().enumerate().filter(|(_, s)| **s) {
                    expected_down[node] += 1;
                }
            }
            prop_assert_eq!(down, expected_down);
        }
    }
}
