//! A small directed graph over numbers: reachability, cycles, depth.
//!
//! Takes node count and edges; answers in the order of the numbers. Knows no services. Components are Tarjan's
//! ("Depth-first search and linear graph algorithms", 1972) without recursion; reachability is by bit sets over the
//! condensation, O(n·e/64), in blocks of columns so that memory stays small.

mod central;
mod weighted;

pub use weighted::strengths;

use rayon::prelude::*;

/// A directed graph without self edges and repeats.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Digraph {
    /// Where the targets of a node begin; one more than nodes.
    starts: Vec<u32>,
    targets: Vec<u32>,
}

/// Words of a block of columns: with this many a row of a block stays in the fast cache.
const BLOCK: usize = 64;
/// Starts of the search for a shortest cycle; the members of a huge component are much alike.
const CYCLE_STARTS: usize = 256;

impl Digraph {
    /// A graph of `n` nodes; self edges and repeats are dropped.
    #[must_use]
    pub fn new(n: usize, edges: impl IntoIterator<Item = (u32, u32)>) -> Self {
        let mut all: Vec<(u32, u32)> = edges.into_iter().filter(|(from, to)| from != to).collect();
        if !all.is_sorted() {
            all.sort_unstable();
        }
        all.dedup();
        let mut starts = vec![0u32; n + 1];
        for (from, _) in &all {
            starts[*from as usize + 1] += 1;
        }
        for at in 0..n {
            starts[at + 1] += starts[at];
        }
        Self { starts, targets: all.into_iter().map(|(_, to)| to).collect() }
    }

    /// Number of nodes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.starts.len().saturating_sub(1)
    }

    /// No nodes?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Number of edges.
    #[must_use]
    pub fn size(&self) -> usize {
        self.targets.len()
    }

    /// All edges in order.
    pub fn edges(&self) -> impl Iterator<Item = (u32, u32)> + '_ {
        (0..self.len() as u32).flat_map(|from| self.successors(from).iter().map(move |to| (from, *to)))
    }

    /// Successors of a node.
    #[must_use]
    pub fn successors(&self, node: u32) -> &[u32] {
        &self.targets[self.starts[node as usize] as usize..self.starts[node as usize + 1] as usize]
    }

    /// Is there this edge?
    #[must_use]
    pub fn has(&self, from: u32, to: u32) -> bool {
        self.successors(from).binary_search(&to).is_ok()
    }

    /// All edges turned round.
    #[must_use]
    pub fn reversed(&self) -> Self {
        Self::new(self.len(), self.edges().map(|(a, b)| (b, a)))
    }

    /// Strongly connected components, callees before callers, each sorted.
    #[must_use]
    pub fn components(&self) -> Vec<Vec<u32>> {
        const NEW: u32 = u32::MAX;
        let n = self.len();
        let (mut index, mut low) = (vec![NEW; n], vec![0u32; n]);
        let mut on_stack = vec![false; n];
        let (mut stack, mut work): (Vec<u32>, Vec<(u32, usize)>) = (Vec::new(), Vec::new());
        let mut next = 0;
        let mut all = Vec::new();
        for root in 0..n as u32 {
            if index[root as usize] != NEW {
                continue;
            }
            work.push((root, 0));
            while let Some((node, at)) = work.pop() {
                let v = node as usize;
                if at == 0 {
                    (index[v], low[v]) = (next, next);
                    next += 1;
                    stack.push(node);
                    on_stack[v] = true;
                } else {
                    // Back from the successor before.
                    low[v] = low[v].min(low[self.successors(node)[at - 1] as usize]);
                }
                let unseen = self.successors(node)[at..].iter().position(|to| {
                    let w = *to as usize;
                    if index[w] != NEW && on_stack[w] {
                        low[v] = low[v].min(index[w]);
                    }
                    index[w] == NEW
                });
                if let Some(step) = unseen {
                    work.push((node, at + step + 1));
                    work.push((self.successors(node)[at + step], 0));
                } else if low[v] == index[v] {
                    let from = stack.iter().rposition(|w| *w == node).unwrap_or(0);
                    let mut component = stack.split_off(from);
                    component.iter().for_each(|w| on_stack[*w as usize] = false);
                    component.sort_unstable();
                    all.push(component);
                }
            }
        }
        all
    }

    /// The condensation: components, the component of each node, and edges between components.
    fn condensed(&self) -> (Vec<Vec<u32>>, Vec<u32>, Digraph) {
        let components = self.components();
        let mut of = vec![0u32; self.len()];
        for (at, component) in components.iter().enumerate() {
            component.iter().for_each(|node| of[*node as usize] = at as u32);
        }
        let edges: Vec<(u32, u32)> = self.edges().map(|(a, b)| (of[a as usize], of[b as usize])).collect();
        let between = Digraph::new(components.len(), edges);
        (components, of, between)
    }

    /// For each node: how many others it reaches, and how many others reach it.
    #[must_use]
    pub fn reach(&self) -> (Vec<u32>, Vec<u32>) {
        let (components, of, callees) = self.condensed();
        let callers = callees.reversed();
        // Members of a component stand side by side, so that its bits are a range.
        let mut starts = vec![0usize; components.len() + 1];
        for (at, component) in components.iter().enumerate() {
            starts[at + 1] = starts[at] + component.len();
        }
        let words = self.len().div_ceil(64);
        let count = |block: usize| {
            let columns = block * BLOCK..((block + 1) * BLOCK).min(words);
            (counts(&callees, &starts, &columns, false), counts(&callers, &starts, &columns, true))
        };
        let blocks = words.div_ceil(BLOCK);
        let empty = || (vec![0u32; components.len()], vec![0u32; components.len()]);
        let (up, down) = match blocks {
            0 => empty(),
            1 => count(0),
            _ => (0..blocks).into_par_iter().map(count).reduce(empty, |mut a, b| {
                a.0.iter_mut().zip(b.0).for_each(|(x, y)| *x += y);
                a.1.iter_mut().zip(b.1).for_each(|(x, y)| *x += y);
                a
            }),
        };
        // Every node counted itself once.
        let of_nodes = |counts: &[u32]| of.iter().map(|c| counts[*c as usize] - 1).collect();
        (of_nodes(&up), of_nodes(&down))
    }

    /// The nodes that some nodes reach, these included where a path leads back to them or they are starts.
    #[must_use]
    pub fn reached_from(&self, starts: &[u32]) -> Vec<u32> {
        let mut seen = vec![false; self.len()];
        let mut queue: Vec<u32> = starts.to_vec();
        starts.iter().for_each(|s| seen[*s as usize] = true);
        while let Some(at) = queue.pop() {
            for to in self.successors(at) {
                if !std::mem::replace(&mut seen[*to as usize], true) {
                    queue.push(*to);
                }
            }
        }
        (0..self.len() as u32).filter(|n| seen[*n as usize]).collect()
    }

    /// For each node the longest path of the condensation that begins at it, in hops.
    #[must_use]
    pub fn depths(&self) -> Vec<u32> {
        let (components, of, between) = self.condensed();
        let mut depth = vec![0u32; components.len()];
        for at in 0..components.len() {
            let below = between.successors(at as u32).iter().map(|c| depth[*c as usize] + 1);
            depth[at] = below.max().unwrap_or(0);
        }
        of.iter().map(|c| depth[*c as usize]).collect()
    }

    /// One longest path of the condensation: its length in hops, and the nodes on it.
    #[must_use]
    pub fn longest_chain(&self) -> (u32, Vec<u32>) {
        let (components, of, _) = self.condensed();
        // Callees come first, so every successor is already settled.
        let mut best: Vec<(u32, Option<(u32, u32)>)> = Vec::with_capacity(components.len());
        for (at, component) in components.iter().enumerate() {
            let mut mine = (0, None);
            for node in component {
                for next in self.successors(*node) {
                    let other = of[*next as usize] as usize;
                    if other != at && best[other].0 + 1 > mine.0 {
                        mine = (best[other].0 + 1, Some((*node, *next)));
                    }
                }
            }
            best.push(mine);
        }
        let first = |at: usize| components[at].first().copied();
        let Some(start) = (0..best.len()).max_by_key(|at| (best[*at].0, std::cmp::Reverse(first(*at)))) else {
            return (0, Vec::new());
        };
        let mut chain: Vec<u32> = Vec::new();
        let mut at = start;
        while let Some((from, to)) = best[at].1 {
            if chain.last() != Some(&from) {
                chain.push(from);
            }
            chain.push(to);
            at = of[to as usize] as usize;
        }
        chain.dedup();
        (best[start].0, chain)
    }

    /// A shortest cycle of a component (in a huge one, of those through its first members), as nodes in order.
    #[must_use]
    pub fn shortest_cycle(&self, component: &[u32]) -> Vec<u32> {
        for a in component {
            if let Some(b) = self.successors(*a).iter().find(|b| self.has(**b, *a)) {
                return vec![*a, *b];
            }
        }
        let mut best: Vec<u32> = Vec::new();
        for start in component.iter().take(CYCLE_STARTS) {
            let found = self.cycle_through(*start, component);
            if !found.is_empty() && (best.is_empty() || found.len() < best.len()) {
                best = found;
            }
        }
        best
    }

    fn cycle_through(&self, start: u32, component: &[u32]) -> Vec<u32> {
        let mut before: std::collections::BTreeMap<u32, u32> = std::collections::BTreeMap::new();
        let mut queue = std::collections::VecDeque::from([start]);
        while let Some(at) = queue.pop_front() {
            for next in self.successors(at).iter().filter(|n| component.binary_search(n).is_ok()) {
                if *next == start {
                    let mut path = vec![at];
                    let mut back = at;
                    while let Some(previous) = before.get(&back) {
                        path.push(*previous);
                        back = *previous;
                    }
                    path.reverse();
                    return path;
                }
                if !before.contains_key(next) {
                    before.insert(*next, at);
                    queue.push_back(*next);
                }
            }
        }
        Vec::new()
    }
}

/// Per component, how many nodes of a block of columns it reaches, itself included. Components are settled in the
/// order of `graph`'s numbers, or against it; each only needs those settled before.
fn counts(graph: &Digraph, starts: &[usize], columns: &std::ops::Range<usize>, downwards: bool) -> Vec<u32> {
    let (n, width) = (graph.len(), columns.len());
    let mut rows = vec![0u64; n * width];
    let mut counts = vec![0u32; n];
    let bits = columns.start * 64..columns.end * 64;
    // Callees have smaller numbers: what lies before the block's first component reaches nothing in it.
    let first = starts.partition_point(|s| *s <= bits.start).saturating_sub(1);
    let last = starts.partition_point(|s| *s < bits.end).min(n);
    let order: Box<dyn Iterator<Item = usize>> = if downwards { Box::new((0..last).rev()) } else { Box::new(first..n) };
    for at in order {
        let (before, rest) = rows.split_at_mut(at * width);
        let (row, after) = rest.split_at_mut(width);
        for bit in starts[at].max(bits.start)..starts[at + 1].min(bits.end) {
            row[bit / 64 - columns.start] |= 1 << (bit % 64);
        }
        for next in graph.successors(at as u32) {
            let next = *next as usize;
            let other =
                if downwards { &after[(next - at - 1) * width..][..width] } else { &before[next * width..][..width] };
            row.iter_mut().zip(other).for_each(|(word, more)| *word |= more);
        }
        counts[at] = row.iter().map(|w| w.count_ones()).sum();
    }
    counts
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
        #[test]
        fn reach_equals_search(n in 1usize..160, edges in proptest::collection::vec((0u32..160, 0u32..160), 0..260)) {
            let edges: Vec<(u32, u32)> = edges.into_iter().filter(|(a, b)| (*a as usize) < n && (*b as usize) < n).collect();
            check(&Digraph::new(n, edges));
        }
    }

    #[test]
    fn reach_of_many_blocks_of_columns() {
        let n = 4_500u32;
        let edges = (0..n).flat_map(|i| [(i, i / 2), (i, (i / 3 + 1) % n)]).chain([(0, 40), (3_000, 4_400)]);
        check(&Digraph::new(n as usize, edges));
    }

    /// The oracle: plain search from every node.
    fn check(graph: &Digraph) {
        let n = graph.len();
        let (up, down) = graph.reach();
        let mut expected_down = vec![0; n];
        for start in 0..n as u32 {
            let reached = graph.reached_from(&[start]);
            assert_eq!(up[start as usize] as usize, reached.len() - 1);
            reached.iter().filter(|r| **r != start).for_each(|r| expected_down[*r as usize] += 1);
        }
        assert_eq!(down, expected_down);
    }
}
