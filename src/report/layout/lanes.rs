//! Lanes: the given groups, and for boxes without one their connected part; ordered so that edges between lanes are
//! short.

use std::collections::{BTreeMap, BTreeSet};

use super::{Node, Work};

/// More lanes than this are not reordered.
const ORDERED: usize = 80;

/// Boxes and bends times orders that are tried: the time stays bounded.
const TRIES: usize = 60_000;

/// The lanes, top to bottom.
#[derive(Debug, Clone)]
pub struct Lanes {
    /// How many groups were given.
    pub given: usize,
    /// Of each lane its given group; `None` = boxes without a group.
    pub names: Vec<Option<usize>>,
    /// The lane of each box.
    pub of: Vec<usize>,
}

impl Lanes {
    /// The same lanes, one of them at another place.
    fn moved(&self, from: usize, to: usize) -> Self {
        let mut order: Vec<usize> = (0..self.names.len()).collect();
        let lane = order.remove(from);
        order.insert(to, lane);
        let mut place = vec![0; order.len()];
        for (at, lane) in order.iter().enumerate() {
            place[*lane] = at;
        }
        let names = order.iter().map(|lane| self.names[*lane]).collect();
        Self { given: self.given, names, of: self.of.iter().map(|lane| place[*lane]).collect() }
    }
}

/// The order of the lanes with the fewest crossings: each lane is tried at each place until nothing is better.
pub fn fewest(lanes: Lanes, work: &dyn Fn(&Lanes, bool) -> Work) -> (Lanes, Work) {
    let n = lanes.names.len();
    let mut best = (0, lanes);
    let mut tries = 0;
    if best.1.given > 0 {
        let made = work(&best.1, false);
        best.0 = made.graph.crossings();
        tries = TRIES / made.bend.len().max(1);
    }
    loop {
        let before = best.0;
        for (from, to) in (0..n).flat_map(|from| (0..n).map(move |to| (from, to))).filter(|(from, to)| from != to) {
            if best.0 == 0 || tries == 0 {
                break;
            }
            tries -= 1;
            let lanes = best.1.moved(from, to);
            let crossings = work(&lanes, false).graph.crossings();
            if crossings < best.0 {
                best = (crossings, lanes);
            }
        }
        if best.0 == before {
            break;
        }
    }
    let mut made = work(&best.1, true);
    made.graph.settle();
    (best.1, made)
}

/// Lanes of boxes.
#[must_use]
pub fn assign(nodes: &[Node], edges: &BTreeSet<(usize, usize)>) -> Lanes {
    let given = nodes.iter().filter_map(|n| n.lane).max().map_or(0, |m| m + 1);
    let part = parts(nodes.len(), edges);
    // A lane is a group, or the rest of a connected part.
    let key = |node: usize| nodes[node].lane.ok_or(if given > 0 { nodes.len() + node } else { part[node] });
    let mut size: BTreeMap<Result<usize, usize>, usize> = BTreeMap::new();
    for node in 0..nodes.len() {
        *size.entry(key(node)).or_default() += 1;
    }
    let mut lanes: Vec<Result<usize, usize>> = size.keys().copied().collect();
    lanes.sort_by_key(|lane| (std::cmp::Reverse(size[lane]), *lane));
    let number: BTreeMap<Result<usize, usize>, usize> = lanes.iter().enumerate().map(|(i, l)| (*l, i)).collect();
    let mut weight: BTreeMap<(usize, usize), i64> = BTreeMap::new();
    for (a, b) in edges {
        let (a, b) = (number[&key(*a)], number[&key(*b)]);
        if a != b {
            *weight.entry((a.min(b), a.max(b))).or_default() += 1;
        }
    }
    let order = ordered(lanes.len(), &weight);
    let mut place = vec![0; lanes.len()];
    for (at, lane) in order.iter().enumerate() {
        place[*lane] = at;
    }
    let names = order.iter().map(|lane| lanes[*lane].ok()).collect();
    Lanes { given, names, of: (0..nodes.len()).map(|node| place[number[&key(node)]]).collect() }
}

/// The connected part of each node, named by its smallest member.
fn parts(n: usize, edges: &BTreeSet<(usize, usize)>) -> Vec<usize> {
    let mut leader: Vec<usize> = (0..n).collect();
    fn find(leader: &mut [usize], mut node: usize) -> usize {
        while leader[node] != node {
            leader[node] = leader[leader[node]];
            node = leader[node];
        }
        node
    }
    for (a, b) in edges {
        let (a, b) = (find(&mut leader, *a), find(&mut leader, *b));
        leader[a.max(b)] = a.min(b);
    }
    (0..n).map(|node| find(&mut leader, node)).collect()
}

/// An order with short edges: each lane moves to its best place until nothing changes.
fn ordered(n: usize, weight: &BTreeMap<(usize, usize), i64>) -> Vec<usize> {
    let mut order: Vec<usize> = (0..n).collect();
    if n > ORDERED || weight.is_empty() {
        return order;
    }
    let cost = |order: &[usize]| -> i64 {
        let mut place = vec![0i64; n];
        for (at, lane) in order.iter().enumerate() {
            place[*lane] = at as i64;
        }
        weight.iter().map(|((a, b), w)| w * (place[*a] - place[*b]).abs()).sum()
    };
    let mut best = cost(&order);
    for _ in 0..n {
        let before = best;
        for from in 0..n {
            for to in 0..n {
                let mut other = order.clone();
                let lane = other.remove(from);
                other.insert(to, lane);
                let now = cost(&other);
                if now < best {
                    (best, order) = (now, other);
                }
            }
        }
        if best == before {
            break;
        }
    }
    order
}
