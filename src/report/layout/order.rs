//! The order inside each layer: barycentre sweeps with exchanges of neighbours, then nodes sifted to their best places
//! (Sugiyama, Tagawa, Toda 1981; Gansner, Koutsofios, North, Vo 1993; Matuszewski, Schönfeld, Molitor 1999).
//!
//! Takes a layered graph whose edges join neighbouring layers; gives the order. Knows no coordinates.

/// Sweeps over all layers, and how many of them without an improvement end the search.
const SWEEPS: usize = 32;
const PATIENCE: usize = 8;
/// With more nodes and bends than this, sweeps and exchanges are fewer: the time stays bounded.
const LARGE: usize = 12_000;
const SWEEPS_LARGE: usize = 10;
/// Up to this many nodes and bends single nodes are moved after each sweep, and chance is tried.
const SMALL: usize = 1_500;
/// Passes in which nodes move.
const SIFTS: usize = 20;
/// Nodes and bends times tries of chance, and the most tries: the time stays bounded.
const SHAKES: usize = 120_000;
const SHAKES_MOST: usize = 600;

/// A layered graph: nodes and bends of long edges by number.
#[derive(Debug, Clone, Default)]
pub struct Layered {
    /// Layers, each in order.
    pub rows: Vec<Vec<usize>>,
    /// Neighbours in the layer before, by node.
    pub before: Vec<Vec<usize>>,
    /// Neighbours in the layer after, by node.
    pub after: Vec<Vec<usize>>,
    /// Lane of each node: boxes of one lane stand together, lanes in the same order in every layer. Bends pass where
    /// they cross least.
    pub lane: Vec<usize>,
    /// Nodes below this number are boxes, the others are bends.
    pub boxes: usize,
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

    /// Orders all layers; `thorough` moves single nodes too, and tries what chance suggests.
    pub fn reduce(&mut self, thorough: bool) {
        let n = self.lane.len();
        let large = n > LARGE;
        let sweeps = if large { SWEEPS_LARGE } else { SWEEPS };
        let mut best = (u64::MAX, self.rows.clone());
        for from_left in [true, false] {
            self.start(from_left);
            let mut idle = 0;
            for sweep in 0..sweeps {
                self.sweep((sweep % 2 == 0) == from_left, sweep % 4 < 2);
                self.exchange(if large { 1 } else { 6 });
                if thorough && n <= SMALL {
                    self.sift(vec![true; self.rows.len()], 2);
                }
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
        if thorough && best.0 > 0 && !large {
            self.sift(vec![true; self.rows.len()], SIFTS);
            self.shake(if n > SMALL { 0 } else { (SHAKES / n).min(SHAKES_MOST) });
        }
    }

    /// Moves a few nodes of a layer by chance, lets all around find their places again, and keeps what is no worse.
    fn shake(&mut self, times: usize) {
        let mut best = (self.crossings(), self.rows.clone());
        let mut chance = Chance(1);
        for _ in 0..times {
            if best.0 == 0 {
                break;
            }
            let row = chance.below(self.rows.len());
            for _ in 0..3 {
                let length = self.rows[row].len();
                let (from, to) = (chance.below(length), chance.below(length));
                let node = self.rows[row][from];
                let passed = if from < to { from..to + 1 } else { to..from + 1 };
                if passed.into_iter().all(|at| !self.apart(node, self.rows[row][at])) {
                    self.rows[row].remove(from);
                    self.rows[row].insert(to, node);
                }
            }
            let mut open = vec![false; self.rows.len()];
            around(row, open.len()).for_each(|at| open[at] = true);
            self.sift(open, SIFTS);
            let crossings = self.crossings();
            if crossings <= best.0 {
                best = (crossings, self.rows.clone());
            } else {
                self.rows.clone_from(&best.1);
            }
        }
        self.rows = best.1;
    }

    /// Moves each node of the open layers to the place where its edges cross least; layers beside a changed one open.
    fn sift(&mut self, mut open: Vec<bool>, passes: usize) {
        let mut place = self.places();
        for _ in 0..passes {
            for row in 0..open.len() {
                if !std::mem::take(&mut open[row]) {
                    continue;
                }
                for node in self.rows[row].clone() {
                    let to = self.best_place(row, node, &place);
                    if to != place[node] {
                        self.rows[row].remove(place[node]);
                        self.rows[row].insert(to, node);
                        self.rows[row].iter().enumerate().for_each(|(at, node)| place[*node] = at);
                        around(row, open.len()).for_each(|at| open[at] = true);
                    }
                }
            }
            if !open.contains(&true) {
                break;
            }
        }
    }

    /// Where in its layer the edges of a node cross least.
    fn best_place(&self, row: usize, node: usize, place: &[usize]) -> usize {
        let at = place[node];
        let crossed = |a: usize, b: usize| {
            let count =
                inversions(&self.before[a], &self.before[b], place) + inversions(&self.after[a], &self.after[b], place);
            i64::try_from(count).unwrap_or(i64::MAX)
        };
        let mut best = (0, at);
        let mut sum = 0;
        for (to, other) in self.rows[row].iter().enumerate().take(at).rev() {
            if self.apart(node, *other) {
                break;
            }
            sum += crossed(node, *other) - crossed(*other, node);
            best = if sum < best.0 { (sum, to) } else { best };
        }
        sum = 0;
        for (to, other) in self.rows[row].iter().enumerate().skip(at + 1) {
            if self.apart(node, *other) {
                break;
            }
            sum += crossed(*other, node) - crossed(node, *other);
            best = if sum < best.0 { (sum, to) } else { best };
        }
        best.1
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
        for at in 0..self.rows.len() {
            let keyed = self.rows[at].iter().map(|node| (rank[*node], 0, *node)).collect();
            self.rows[at] = self.arranged(keyed);
        }
    }

    /// Sorts each layer by the mean place of its neighbours in the layer that was sorted before it.
    fn sweep(&mut self, forward: bool, ties_stay: bool) {
        let mut place = self.places();
        let layers = self.rows.len();
        for step in 0..layers {
            let at = if forward { step } else { layers - 1 - step };
            let ends = if forward { &self.before } else { &self.after };
            let keyed: Vec<Keyed> = self.rows[at]
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
                    (mean, if ties_stay { now } else { usize::MAX - now }, *node)
                })
                .collect();
            self.rows[at] = self.arranged(keyed);
            for (now, node) in self.rows[at].iter().enumerate() {
                place[*node] = now;
            }
        }
    }

    /// Nodes of a layer by their keys: boxes lane by lane, each bend where it passes the fewest keys of boxes.
    fn arranged(&self, mut keyed: Vec<Keyed>) -> Vec<usize> {
        keyed.sort_unstable();
        if keyed.iter().filter(|k| k.2 < self.boxes).map(|k| self.lane[k.2]).is_sorted() {
            return keyed.into_iter().map(|k| k.2).collect();
        }
        let (mut boxes, bends): (Vec<Keyed>, Vec<Keyed>) = keyed.into_iter().partition(|k| k.2 < self.boxes);
        boxes.sort_by_key(|k| self.lane[k.2]);
        let mut bends: Vec<(usize, usize)> = bends.iter().map(|bend| (passing(bend, &boxes), bend.2)).collect();
        bends.sort_by_key(|(at, _)| *at);
        let mut bends = bends.into_iter().peekable();
        let mut row = Vec::new();
        for at in 0..=boxes.len() {
            while let Some((_, bend)) = bends.next_if(|(place, _)| *place == at) {
                row.push(bend);
            }
            row.extend(boxes.get(at).map(|k| k.2));
        }
        row
    }

    /// Gives each bend the lane that it passes through: the one it wants, if the boxes around allow it.
    pub fn settle(&mut self) {
        let last = self.lane.iter().copied().max().unwrap_or(0);
        for row in &self.rows {
            let mut least = 0;
            for at in 0..row.len() {
                if row[at] >= self.boxes {
                    let after = row[at..].iter().find(|node| **node < self.boxes);
                    let most = after.map_or(last, |node| self.lane[*node]);
                    self.lane[row[at]] = self.lane[row[at]].clamp(least, most);
                }
                least = self.lane[row[at]];
            }
        }
    }

    /// May neither of the two pass the other?
    fn apart(&self, u: usize, v: usize) -> bool {
        self.lane[u] != self.lane[v] && u.max(v) < self.boxes
    }

    /// Exchanges neighbours of a lane while that removes crossings.
    fn exchange(&mut self, passes: usize) {
        let mut place = self.places();
        for _ in 0..passes {
            let mut better = false;
            for row in 0..self.rows.len() {
                for at in 1..self.rows[row].len() {
                    let (u, v) = (self.rows[row][at - 1], self.rows[row][at]);
                    if self.apart(u, v) {
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

/// Sort key, tie and number of a node.
type Keyed = (usize, usize, usize);

/// Before which box a bend stands, so that few boxes have a greater key before it or a lesser one after it.
fn passing(bend: &Keyed, boxes: &[Keyed]) -> usize {
    let mut wrong = boxes.iter().filter(|k| *k < bend).count();
    let mut best = (wrong, 0);
    for (at, node) in boxes.iter().enumerate() {
        wrong = if node < bend { wrong - 1 } else { wrong + 1 };
        best = best.min((wrong, at + 1));
    }
    best.1
}

/// The layers beside one, and itself.
fn around(row: usize, rows: usize) -> std::ops::Range<usize> {
    row.saturating_sub(1)..(row + 2).min(rows)
}

/// A small generator (Knuth's constants), begun alike each time: the same graph is drawn alike everywhere.
struct Chance(u64);

impl Chance {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as usize) % n.max(1)
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
        Layered { rows, before, after, lane: vec![0; n], boxes: n }
    }

    #[test]
    fn crossings_are_counted_and_removed() {
        let mut graph = layered(vec![vec![0, 1, 2], vec![3, 4, 5]], &[(0, 5), (1, 4), (2, 3)]);
        assert_eq!(graph.crossings(), 3);
        graph.reduce(true);
        assert_eq!(graph.crossings(), 0);
        // A complete bipartite graph of three and three crosses nine times in any order.
        let all: Vec<(usize, usize)> = (0..3).flat_map(|a| (3..6).map(move |b| (a, b))).collect();
        let mut graph = layered(vec![vec![0, 1, 2], vec![3, 4, 5]], &all);
        graph.reduce(true);
        assert_eq!(graph.crossings(), 9);
    }

    #[test]
    fn lanes_stay_together() {
        let mut graph = layered(vec![vec![0, 1, 2], vec![3, 4, 5]], &[(0, 3), (1, 5), (2, 4)]);
        graph.lane = vec![0, 1, 0, 1, 0, 1];
        graph.reduce(true);
        for row in &graph.rows {
            assert!(row.windows(2).all(|w| graph.lane[w[0]] <= graph.lane[w[1]]), "{row:?}");
        }
    }
}
