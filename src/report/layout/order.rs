//! The order inside each layer: barycentre sweeps with exchanges of neighbours, the order with the fewest crossings
//! kept (Sugiyama, Tagawa, Toda 1981; Gansner, Koutsofios, North, Vo 1993).
//!
//! Takes a layered graph whose edges join neighbouring layers; gives the order. Knows no coordinates.

/// Sweeps over all layers, and how many of them without an improvement end the search.
const SWEEPS: usize = 32;
const PATIENCE: usize = 8;
/// With more nodes and bends than this, sweeps and exchanges are fewer: the time stays bounded.
const LARGE: usize = 6_000;
const SWEEPS_LARGE: usize = 10;

/// A layered graph: nodes and bends of long edges by number.
#[derive(Debug, Clone, Default)]
pub struct Layered {
    /// Layers, each in order.
    pub rows: Vec<Vec<usize>>,
    /// Neighbours in the layer before, by node.
    pub before: Vec<Vec<usize>>,
    /// Neighbours in the layer after, by node.
    pub after: Vec<Vec<usize>>,
    /// Lane of each node: nodes of one lane stand together, lanes in the same order in every layer.
    pub lane: Vec<usize>,
}

impl Layered {
    /// Place of each node in its layer.
    #[must_use]
    pub fn places(&self) -> Vec<usize> {
        let mut place = vec![0; self.lane.len()];
        for row in &self.rows {
            for (at, node) in row.iter().enumerate() {
                place[*node] = at;
            }
        }
        place
    }

    /// Crossings of all edges, counted by inversions (Barth, Jünger, Mutzel 2002).
    #[must_use]
    pub fn crossings(&self) -> u64 {
        let place = self.places();
        let widest = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let mut tree = vec![0u64; widest + 1];
        let mut total = 0;
        for row in &self.rows {
            tree.fill(0);
            let mut seen = 0;
            for node in row {
                let mut ends: Vec<usize> = self.after[*node].iter().map(|o| place[*o]).collect();
                ends.sort_unstable();
                for end in &ends {
                    total += seen - sum(&tree, *end);
                }
                for end in ends {
                    add(&mut tree, end);
                    seen += 1;
                }
            }
        }
        total
    }

    /// Orders all layers.
    pub fn reduce(&mut self) {
        let large = self.lane.len() > LARGE;
        let sweeps = if large { SWEEPS_LARGE } else { SWEEPS };
        let mut best = (u64::MAX, self.rows.clone());
        for from_left in [true, false] {
            self.start(from_left);
            let mut idle = 0;
            for sweep in 0..sweeps {
                self.sweep((sweep % 2 == 0) == from_left, sweep % 4 < 2);
                self.exchange(if large { 1 } else { 6 });
                let crossings = self.crossings();
                idle += 1;
                if crossings < best.0 {
                    best = (crossings, self.rows.clone());
                    idle = 0;
                }
                if crossings == 0 || idle >= PATIENCE {
                    break;
                }
            }
        }
        self.rows = best.1;
    }

    /// The order in which a depth-first walk meets the nodes; lanes stay together.
    fn start(&mut self, from_left: bool) {
        let mut seen = vec![false; self.lane.len()];
        let mut met: Vec<usize> = Vec::with_capacity(self.lane.len());
        let rows: Vec<usize> = self.rows.iter().flatten().copied().collect();
        let ways = if from_left { [&self.after, &self.before] } else { [&self.before, &self.after] };
        let mut starts = rows;
        if !from_left {
            starts.reverse();
        }
        for start in starts {
            let mut stack = vec![start];
            while let Some(node) = stack.pop() {
                if std::mem::replace(&mut seen[node], true) {
                    continue;
                }
                met.push(node);
                stack.extend(ways.iter().flat_map(|w| w[node].iter().rev()).filter(|o| !seen[**o]));
            }
        }
        let mut rank = vec![0; self.lane.len()];
        for (at, node) in met.into_iter().enumerate() {
            rank[node] = at;
        }
        for row in &mut self.rows {
            row.sort_by_key(|node| (self.lane[*node], rank[*node]));
        }
    }

    /// Sorts each layer by the mean place of its neighbours in the layer that was sorted before it.
    fn sweep(&mut self, forward: bool, ties_stay: bool) {
        let mut place = self.places();
        let layers = self.rows.len();
        for step in 0..layers {
            let at = if forward { step } else { layers - 1 - step };
            let ends = if forward { &self.before } else { &self.after };
            let mut keyed: Vec<(usize, usize, usize, usize)> = self.rows[at]
                .iter()
                .enumerate()
                .map(|(now, node)| {
                    let all = &ends[*node];
                    // Integers, so that every machine sorts alike; without neighbours a node keeps its place.
                    let mean = if all.is_empty() {
                        now * 4_096
                    } else {
                        all.iter().map(|o| place[*o]).sum::<usize>() * 4_096 / all.len()
                    };
                    (self.lane[*node], mean, if ties_stay { now } else { usize::MAX - now }, *node)
                })
                .collect();
            keyed.sort_unstable();
            for (now, (_, _, _, node)) in keyed.into_iter().enumerate() {
                self.rows[at][now] = node;
                place[node] = now;
            }
        }
    }

    /// Exchanges neighbours of a lane while that removes crossings.
    fn exchange(&mut self, passes: usize) {
        let mut place = self.places();
        for _ in 0..passes {
            let mut better = false;
            for row in 0..self.rows.len() {
                for at in 1..self.rows[row].len() {
                    let (u, v) = (self.rows[row][at - 1], self.rows[row][at]);
                    if self.lane[u] != self.lane[v] {
                        continue;
                    }
                    let cost = |a: usize, b: usize| {
                        inversions(&self.before[a], &self.before[b], &place)
                            + inversions(&self.after[a], &self.after[b], &place)
                    };
                    if cost(v, u) < cost(u, v) {
                        self.rows[row].swap(at - 1, at);
                        (place[u], place[v]) = (at, at - 1);
                        better = true;
                    }
                }
            }
            if !better {
                break;
            }
        }
    }
}

/// Crossings between the edges of two nodes when the first stands before the second.
fn inversions(first: &[usize], second: &[usize], place: &[usize]) -> u64 {
    if first.len() * second.len() <= 64 {
        let over = |a: &usize| second.iter().filter(|b| place[**b] < place[*a]).count() as u64;
        return first.iter().map(over).sum();
    }
    let sorted = |all: &[usize]| {
        let mut places: Vec<usize> = all.iter().map(|o| place[*o]).collect();
        places.sort_unstable();
        places
    };
    let (first, second) = (sorted(first), sorted(second));
    first.iter().map(|a| second.partition_point(|b| b < a) as u64).sum()
}

/// How many ends up to and with `at` (a Fenwick tree).
fn sum(tree: &[u64], at: usize) -> u64 {
    let (mut at, mut total) = (at + 1, 0);
    while at > 0 {
        total += tree[at];
        at &= at - 1;
    }
    total
}

fn add(tree: &mut [u64], at: usize) {
    let mut at = at + 1;
    while at < tree.len() {
        tree[at] += 1;
        at += at & at.wrapping_neg();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layered(rows: Vec<Vec<usize>>, edges: &[(usize, usize)]) -> Layered {
        let n = rows.iter().flatten().max().map_or(0, |m| m + 1);
        let (mut before, mut after) = (vec![Vec::new(); n], vec![Vec::new(); n]);
        for (a, b) in edges {
            after[*a].push(*b);
            before[*b].push(*a);
        }
        Layered { rows, before, after, lane: vec![0; n] }
    }

    #[test]
    fn crossings_are_counted_and_removed() {
        let mut graph = layered(vec![vec![0, 1, 2], vec![3, 4, 5]], &[(0, 5), (1, 4), (2, 3)]);
        assert_eq!(graph.crossings(), 3);
        graph.reduce();
        assert_eq!(graph.crossings(), 0);
        // A complete bipartite graph of three and three crosses nine times in any order.
        let all: Vec<(usize, usize)> = (0..3).flat_map(|a| (3..6).map(move |b| (a, b))).collect();
        let mut graph = layered(vec![vec![0, 1, 2], vec![3, 4, 5]], &all);
        graph.reduce();
        assert_eq!(graph.crossings(), 9);
    }

    #[test]
    fn lanes_stay_together() {
        let mut graph = layered(vec![vec![0, 1, 2], vec![3, 4, 5]], &[(0, 3), (1, 5), (2, 4)]);
        graph.lane = vec![0, 1, 0, 1, 0, 1];
        graph.reduce();
        for row in &graph.rows {
            assert!(row.windows(2).all(|w| graph.lane[w[0]] <= graph.lane[w[1]]), "{row:?}");
        }
    }
}
