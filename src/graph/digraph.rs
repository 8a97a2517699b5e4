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
/// Edges that room is made for before they are counted.
const MOST_AHEAD: usize = 1 << 16;
/// Starts of the search for a shortest cycle; the members of a huge component are much alike.
const CYCLE_STARTS: usize = 256;

impl Digraph {
    /// A graph of `n` nodes; self edges and repeats are dropped. Edges in order cost no sort.
    #[must_use]
    pub fn new(n: usize, edges: impl IntoIterator<Item = (u32, u32)>) -> Self {
        let mut edges = edges.into_iter().filter(|(from, to)| from != to);
        let mut starts = vec![0u32; n + 1];
        let mut targets = Vec::with_capacity(edges.size_hint().1.unwrap_or_default().min(MOST_AHEAD));
        let mut last = None;
        for (from, to) in edges.by_ref() {
            if last >= Some((from, to)) {
                let done = Self { starts: summed(starts), targets };
                let mut all: Vec<(u32, u32)> = done.edges().chain([(from, to)]).chain(edges).collect();
                all.sort_unstable();
                all.dedup();
                return Self::new(n, all);
            }
            last = Some((from, to));
            starts[from as usize + 1] += 1;
            targets.push(to);
        }
        Self { starts: summed(starts), targets }
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
        self.numbered().members()
    }

    /// The component of each node, callees before callers.
    fn numbered(&self) -> Numbered {
        const NEW: u32 = u32::MAX;
        let n = self.len();
        let (mut index, mut low, mut of) = (vec![NEW; n], vec![0u32; n], vec![NEW; n]);
        let (mut stack, mut work): (Vec<u32>, Vec<(u32, usize)>) = (Vec::new(), Vec::new());
        let mut next = 0;
        let mut starts = vec![0];
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
                } else {
                    // Back from the successor before.
                    low[v] = low[v].min(low[self.successors(node)[at - 1] as usize]);
                }
                let unseen = self.successors(node)[at..].iter().position(|to| {
                    let w = *to as usize;
                    // Seen and of no component yet: on the stack.
                    if index[w] != NEW && of[w] == NEW {
                        low[v] = low[v].min(index[w]);
                    }
                    index[w] == NEW
                });
                if let Some(step) = unseen {
                    work.push((node, at + step + 1));
                    work.push((self.successors(node)[at + step], 0));
                } else if low[v] == index[v] {
                    let from = stack.iter().rposition(|w| *w == node).unwrap_or(0);
                    let component = starts.len() as u32 - 1;
                    starts.push(starts[component as usize] + (stack.len() - from) as u32);
                    stack.drain(from..).for_each(|w| of[w as usize] = component);
                }
            }
        }
        Numbered { of, starts }
    }

    /// The condensation: components, the component of each node, and edges between components.
    fn condensed(&self) -> (Vec<Vec<u32>>, Vec<u32>, Digraph) {
        let numbered = self.numbered();
        let (components, of) = (numbered.members(), numbered.of);
        let edges: Vec<(u32, u32)> = self.edges().map(|(a, b)| (of[a as usize], of[b as usize])).collect();
        let between = Digraph::new(components.len(), edges);
        (components, of, between)
    }

    /// For each node: how many others it reaches, and how many others reach it.
    #[must_use]
    pub fn reach(&self) -> (Vec<u32>, Vec<u32>) {
        let numbered = self.numbered();
        let (starts, callees) = (&numbered.starts, self.between(&numbered));
        let components = callees.len();
        let words = self.len().div_ceil(64);
        let count = |block: usize| {
            let columns = block * BLOCK..((block + 1) * BLOCK).min(words);
            (reached(&callees, starts, &columns), reaching(&callees, starts, &columns))
        };
        let blocks = words.div_ceil(BLOCK);
        let empty = || (vec![0u32; components], vec![0u32; components]);
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
        let of_nodes = |counts: &[u32]| numbered.of.iter().map(|c| counts[*c as usize] - 1).collect();
        (of_nodes(&up), of_nodes(&down))
    }

    /// The edges between components, each once, in no order: cheaper than [`Digraph::condensed`].
    fn between(&self, Numbered { of, starts }: &Numbered) -> Digraph {
        let mut next: Vec<u32> = starts.clone();
        let mut nodes = vec![0u32; self.len()];
        for (node, component) in (0..).zip(of) {
            let place = &mut next[*component as usize];
            nodes[*place as usize] = node;
            *place += 1;
        }
        let components = starts.len() - 1;
        let mut last = vec![u32::MAX; components];
        let (mut firsts, mut targets) = (Vec::with_capacity(components + 1), Vec::with_capacity(self.size()));
        firsts.push(0);
        for (at, members) in (0..).zip(starts.windows(2)) {
            last[at as usize] = at;
            for node in &nodes[members[0] as usize..members[1] as usize] {
                let others = self.successors(*node).iter().map(|to| of[*to as usize]);
                targets.extend(others.filter(|to| std::mem::replace(&mut last[*to as usize], at) != at));
            }
            firsts.push(targets.len() as u32);
        }
        Self { starts: firsts, targets }
    }

    /// The nodes that some nodes reach, these included where a path leads back to them or they are starts.
    #[must_use]
    pub fn reached_from(&self, starts: &[u32]) -> Vec<u32> {
        let mut seen = vec![false; self.len()];
        starts.iter().for_each(|s| seen[*s as usize] = true);
        self.spread(starts.to_vec(), &mut seen);
        (0..self.len() as u32).filter(|n| seen[*n as usize]).collect()
    }

    /// Which nodes a start reaches when some of its own edges (sorted targets) are gone.
    #[must_use]
    pub fn reached_without(&self, start: u32, gone: &[u32]) -> Vec<bool> {
        let mut seen = vec![false; self.len()];
        let mut queue: Vec<u32> = Vec::new();
        for to in self.successors(start).iter().filter(|to| gone.binary_search(to).is_err()) {
            seen[*to as usize] = true;
            queue.push(*to);
        }
        // A way back to the start leads nowhere new.
        seen[start as usize] = true;
        self.spread(queue, &mut seen);
        seen
    }

    /// Goes on from some nodes that were seen to all that they reach.
    fn spread(&self, mut queue: Vec<u32>, seen: &mut [bool]) {
        while let Some(at) = queue.pop() {
            for to in self.successors(at) {
                if !std::mem::replace(&mut seen[*to as usize], true) {
                    queue.push(*to);
                }
            }
        }
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

/// Strongly connected components.
struct Numbered {
    /// The component of each node; callees have smaller numbers than callers.
    of: Vec<u32>,
    /// Where each component's members begin when all nodes stand by component: its bits are a range.
    starts: Vec<u32>,
}

impl Numbered {
    /// The members of each component, sorted.
    fn members(&self) -> Vec<Vec<u32>> {
        let sizes = self.starts.windows(2).map(|w| (w[1] - w[0]) as usize);
        let mut all: Vec<Vec<u32>> = sizes.map(Vec::with_capacity).collect();
        (0..).zip(&self.of).for_each(|(node, component)| all[*component as usize].push(node));
        all
    }
}

/// Counts become places.
fn summed(mut counts: Vec<u32>) -> Vec<u32> {
    let mut sum = 0;
    for count in &mut counts {
        sum += *count;
        *count = sum;
    }
    counts
}

/// Sets the bits of a component's own members in its row of a block of columns.
fn own_bits(row: &mut [u64], starts: &[u32], at: usize, columns: &std::ops::Range<usize>) {
    for bit in (starts[at] as usize).max(columns.start * 64)..(starts[at + 1] as usize).min(columns.end * 64) {
        row[bit / 64 - columns.start] |= 1 << (bit % 64);
    }
}

fn ones(row: &[u64]) -> u32 {
    row.iter().map(|w| w.count_ones()).sum()
}

/// Per component, how many nodes of a block of columns it reaches, itself included.
fn reached(callees: &Digraph, starts: &[u32], columns: &std::ops::Range<usize>) -> Vec<u32> {
    let (n, width) = (callees.len(), columns.len());
    let mut rows = vec![0u64; n * width];
    let mut counts = vec![0u32; n];
    // Callees have smaller numbers: what lies before the block's first component reaches nothing in it.
    let first = starts.partition_point(|s| *s as usize <= columns.start * 64).saturating_sub(1);
    for (at, count) in counts.iter_mut().enumerate().skip(first) {
        let (before, rest) = rows.split_at_mut(at * width);
        let row = &mut rest[..width];
        own_bits(row, starts, at, columns);
        for next in callees.successors(at as u32) {
            let other = &before[*next as usize * width..][..width];
            row.iter_mut().zip(other).for_each(|(word, more)| *word |= more);
        }
        *count = ones(row);
    }
    counts
}

/// Per component, how many nodes of a block of columns reach it, itself included.
fn reaching(callees: &Digraph, starts: &[u32], columns: &std::ops::Range<usize>) -> Vec<u32> {
    let (n, width) = (callees.len(), columns.len());
    let mut rows = vec![0u64; n * width];
    let mut counts = vec![0u32; n];
    // No caller of what lies behind the block's last component is in the block.
    let last = starts.partition_point(|s| (*s as usize) < columns.end * 64).min(n);
    for at in (0..last).rev() {
        let (below, rest) = rows.split_at_mut(at * width);
        let row = &mut rest[..width];
        own_bits(row, starts, at, columns);
        counts[at] = ones(row);
        for next in callees.successors(at as u32) {
            let other = &mut below[*next as usize * width..][..width];
            other.iter_mut().zip(&*row).for_each(|(word, more)| *word |= more);
        }
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
