//! Layers: cycles collapsed first, then the longest way, then the least sum of lengths.
//!
//! Takes edges by number; gives the layer of each node and which edges point backwards. Knows no coordinates.

use std::collections::BTreeSet;

use super::simplex;

/// Adjacency by number: the ends of each node's edges, sorted and distinct.
#[must_use]
pub fn adjacency(n: usize, edges: impl Iterator<Item = (usize, usize)>) -> Vec<Vec<usize>> {
    let mut next = vec![Vec::new(); n];
    for (a, b) in edges {
        next[a].push(b);
    }
    for all in &mut next {
        all.sort_unstable();
        all.dedup();
    }
    next
}

/// The strongly connected component of each node, numbered in reverse topological order (Tarjan 1972), without
/// recursion.
#[must_use]
pub fn components(next: &[Vec<usize>]) -> Vec<usize> {
    const UNSEEN: usize = usize::MAX;
    let n = next.len();
    let (mut index, mut low, mut component) = (vec![UNSEEN; n], vec![0; n], vec![UNSEEN; n]);
    let (mut open, mut clock, mut count) = (Vec::new(), 0, 0);
    for start in 0..n {
        if index[start] != UNSEEN {
            continue;
        }
        let mut walk = vec![(start, 0)];
        while let Some((node, at)) = walk.pop() {
            if at == 0 {
                index[node] = clock;
                low[node] = clock;
                clock += 1;
                open.push(node);
            }
            if let Some(&to) = next[node].get(at) {
                walk.push((node, at + 1));
                if index[to] == UNSEEN {
                    walk.push((to, 0));
                } else if component[to] == UNSEEN {
                    low[node] = low[node].min(index[to]);
                }
                continue;
            }
            if low[node] == index[node] {
                while let Some(member) = open.pop() {
                    component[member] = count;
                    if member == node {
                        break;
                    }
                }
                count += 1;
            }
            if let Some((caller, _)) = walk.last() {
                low[*caller] = low[*caller].min(low[node]);
            }
        }
    }
    component
}

/// Edges inside a cycle that point against the order of Eades, Lin and Smyth (1993): few are turned.
#[must_use]
pub fn backward(n: usize, edges: &BTreeSet<(usize, usize)>) -> BTreeSet<(usize, usize)> {
    let component = components(&adjacency(n, edges.iter().copied()));
    let inside: Vec<(usize, usize)> =
        edges.iter().copied().filter(|(a, b)| a != b && component[*a] == component[*b]).collect();
    let members: BTreeSet<usize> = inside.iter().flat_map(|(a, b)| [*a, *b]).collect();
    let next = adjacency(n, inside.iter().copied());
    let back = adjacency(n, inside.iter().map(|(a, b)| (*b, *a)));
    let mut left: BTreeSet<usize> = members;
    let mut out: Vec<usize> = next.iter().map(Vec::len).collect();
    let mut into: Vec<usize> = back.iter().map(Vec::len).collect();
    let (mut head, mut tail) = (Vec::new(), Vec::new());
    // A sink goes last, a source first, else the one that calls most and is called least.
    let balance = |out: usize, into: usize| match (out, into) {
        (0, _) => (0, 0),
        (_, 0) => (1, 0),
        _ => (2, into as i64 - out as i64),
    };
    while let Some(chosen) = left.iter().copied().min_by_key(|node| (balance(out[*node], into[*node]), *node)) {
        if out[chosen] == 0 {
            tail.push(chosen);
        } else {
            head.push(chosen);
        }
        left.remove(&chosen);
        back[chosen].iter().for_each(|o| out[*o] -= 1);
        next[chosen].iter().for_each(|o| into[*o] -= 1);
    }
    let mut place = vec![0; n];
    for (at, node) in head.iter().chain(tail.iter().rev()).enumerate() {
        place[*node] = at;
    }
    inside.into_iter().filter(|(a, b)| place[*a] > place[*b]).collect()
}

/// The layer of each node; every edge leads to a later layer. The edges have no cycle.
#[must_use]
pub fn layers(n: usize, edges: &BTreeSet<(usize, usize)>) -> Vec<usize> {
    let next = adjacency(n, edges.iter().copied());
    let component = components(&next);
    // Without a cycle each node is its own component, numbered callee first.
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by_key(|node| std::cmp::Reverse(component[*node]));
    let mut layer = vec![0i64; n];
    for node in &order {
        for to in &next[*node] {
            layer[*to] = layer[*to].max(layer[*node] + 1);
        }
    }
    let edges: Vec<(usize, usize)> = edges.iter().copied().collect();
    simplex::shorten(&edges, &mut layer);
    layer.into_iter().map(|l| l.unsigned_abs() as usize).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_ring_turns_one_edge() {
        let ring: BTreeSet<(usize, usize)> = (0..6).map(|i| (i, (i + 1) % 6)).collect();
        assert_eq!(backward(6, &ring).len(), 1);
        assert!(backward(3, &BTreeSet::from([(0, 1), (1, 2), (0, 2)])).is_empty());
    }

    #[test]
    fn a_lonely_caller_stands_beside_its_callee() {
        let layer = layers(5, &BTreeSet::from([(0, 1), (1, 2), (2, 3), (4, 3)]));
        assert_eq!(layer, [0, 1, 2, 3, 2]);
    }

    proptest! {
        #[test]
        fn every_edge_leads_on(edges in proptest::collection::btree_set((0usize..20, 0usize..20), 0..70)) {
            let edges: BTreeSet<(usize, usize)> = edges.into_iter().filter(|(a, b)| a != b).collect();
            let turned = backward(20, &edges);
            let acyclic: BTreeSet<(usize, usize)> =
                edges.iter().map(|(a, b)| if turned.contains(&(*a, *b)) { (*b, *a) } else { (*a, *b) }).collect();
            let layer = layers(20, &acyclic);
            for (a, b) in &acyclic {
                prop_assert!(layer[*a] < layer[*b]);
            }
        }
    }
}
