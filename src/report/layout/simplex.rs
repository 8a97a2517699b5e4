//! Layers with the least sum of edge lengths: network simplex over a tree of tight edges (Gansner, Koutsofios, North,
//! Vo 1993).
//!
//! Takes layers in which every edge leads on; gives layers in which none of the trees it meets can shorten edges.

/// Exchanges of tree edges for each node: far more than are ever needed, so that the end is certain.
const EXCHANGES: usize = 40;

/// A rooted spanning forest of tight edges.
struct Forest {
    /// Tree edges of each node, by number.
    links: Vec<Vec<usize>>,
    /// The tree edge that leads to the parent.
    up: Vec<Option<usize>>,
    /// Nodes, parents before children.
    order: Vec<usize>,
    /// Where the subtree of a node ends in the order.
    end: Vec<usize>,
    /// Place of each node in the order.
    place: Vec<usize>,
}

/// Shortens edges; `layer` keeps every edge leading on, and each connected part begins at 0.
pub fn shorten(edges: &[(usize, usize)], layer: &mut [i64]) {
    let n = layer.len();
    let mut around = vec![Vec::new(); n];
    for (at, (a, b)) in edges.iter().enumerate() {
        around[*a].push(at);
        around[*b].push(at);
    }
    let balance: Vec<i64> =
        (0..n).map(|v| around[v].iter().map(|e| if edges[*e].0 == v { 1 } else { -1 }).sum()).collect();
    let mut forest = tight(edges, &around, layer);
    let mut from = 0;
    for _ in 0..EXCHANGES * n {
        let Some(child) = leaving(&forest, edges, &balance, from) else { break };
        from = (child + 1) % n;
        exchange(&mut forest, child, edges, &around, layer);
    }
    for part in parts(&forest) {
        let first = part.iter().map(|v| layer[*v]).min().unwrap_or(0);
        part.iter().for_each(|v| layer[*v] -= first);
    }
}

/// A forest whose edges are as short as they may be: a tree grows, and moves by the least slack where it cannot.
fn tight(edges: &[(usize, usize)], around: &[Vec<usize>], layer: &mut [i64]) -> Forest {
    let n = layer.len();
    let mut links = vec![Vec::new(); n];
    let mut seen = vec![false; n];
    for root in 0..n {
        if seen[root] {
            continue;
        }
        seen[root] = true;
        let mut tree = vec![root];
        let mut done = 0;
        loop {
            while let Some(node) = tree.get(done).copied() {
                done += 1;
                for e in &around[node] {
                    let (a, b) = edges[*e];
                    let other = if a == node { b } else { a };
                    if !seen[other] && layer[b] - layer[a] == 1 {
                        seen[other] = true;
                        links[node].push(*e);
                        links[other].push(*e);
                        tree.push(other);
                    }
                }
            }
            let border = tree.iter().flat_map(|v| &around[*v]).filter(|e| !(seen[edges[**e].0] && seen[edges[**e].1]));
            let slack = |e: usize| layer[edges[e].1] - layer[edges[e].0] - 1;
            let Some(e) = border.copied().min_by_key(|e| (slack(*e), *e)) else { break };
            let way = if seen[edges[e].0] { slack(e) } else { -slack(e) };
            tree.iter().for_each(|v| layer[*v] += way);
            done = 0;
        }
    }
    let mut forest = Forest { links, up: vec![None; n], order: Vec::new(), end: vec![0; n], place: vec![0; n] };
    forest.root(edges);
    forest
}

impl Forest {
    /// Parents, order and subtrees after the links have changed.
    fn root(&mut self, edges: &[(usize, usize)]) {
        let n = self.links.len();
        self.order.clear();
        self.up.fill(None);
        let mut seen = vec![false; n];
        for root in 0..n {
            let mut walk = if seen[root] { Vec::new() } else { vec![(root, None)] };
            while let Some((node, up)) = walk.pop() {
                seen[node] = true;
                self.up[node] = up;
                self.place[node] = self.order.len();
                self.order.push(node);
                for e in self.links[node].iter().rev().filter(|e| Some(**e) != up) {
                    walk.push((edges[*e].0 + edges[*e].1 - node, Some(*e)));
                }
            }
        }
        self.end.copy_from_slice(&self.place);
        for node in self.order.iter().rev() {
            if let Some(e) = self.up[*node] {
                let parent = edges[e].0 + edges[e].1 - node;
                self.end[parent] = self.end[parent].max(self.end[*node]);
            }
        }
    }

    /// Does `node` stand in the subtree of `root`?
    fn below(&self, root: usize, node: usize) -> bool {
        (self.place[root]..=self.end[root]).contains(&self.place[node])
    }
}

/// The first node, from `from` on and round, whose subtree would shorten edges by moving away from its parent.
fn leaving(forest: &Forest, edges: &[(usize, usize)], balance: &[i64], from: usize) -> Option<usize> {
    let n = balance.len();
    let mut sum = balance.to_vec();
    for node in forest.order.iter().rev() {
        if let Some(e) = forest.up[*node] {
            sum[edges[e].0 + edges[e].1 - node] += sum[*node];
        }
    }
    // More edges leave a subtree than enter it: moving right shortens them, and the other way round.
    let gains = |v: &usize| match forest.up[*v] {
        Some(e) if edges[e].0 == *v => sum[*v] < 0,
        Some(_) => sum[*v] > 0,
        None => false,
    };
    (from..n).chain(0..from).find(gains)
}

/// The subtree of `child` moves away from its parent until another edge is tight; that one joins them from then on.
fn exchange(forest: &mut Forest, child: usize, edges: &[(usize, usize)], around: &[Vec<usize>], layer: &mut [i64]) {
    let Some(gone) = forest.up[child] else { return };
    let left = edges[gone].0 == child;
    let own = &forest.order[forest.place[child]..=forest.end[child]];
    let ends = |e: usize| if left { edges[e].1 } else { edges[e].0 };
    let outer = |e: usize| if left { edges[e].0 } else { edges[e].1 };
    let crossing = own.iter().flat_map(|v| around[*v].iter().filter(move |e| ends(**e) == *v));
    let crossing = crossing.copied().filter(|e| !forest.below(child, outer(*e)));
    let slack = |e: usize| layer[edges[e].1] - layer[edges[e].0] - 1;
    let Some(new) = crossing.min_by_key(|e| (slack(*e), *e)) else { return };
    let way = if left { -slack(new) } else { slack(new) };
    own.iter().for_each(|v| layer[*v] += way);
    for (e, add) in [(gone, false), (new, true)] {
        for end in [edges[e].0, edges[e].1] {
            if add {
                forest.links[end].push(e);
            } else {
                forest.links[end].retain(|other| *other != e);
            }
        }
    }
    forest.root(edges);
}

/// The nodes of each tree.
fn parts(forest: &Forest) -> Vec<Vec<usize>> {
    let mut parts: Vec<Vec<usize>> = Vec::new();
    for node in &forest.order {
        if forest.up[*node].is_none() {
            parts.push(Vec::new());
        }
        if let Some(part) = parts.last_mut() {
            part.push(*node);
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_chain_is_drawn_to_where_it_leads() {
        // 0 → 1 → 2 → 3 is the longest way; 4 → 5 → 3 begins late, 6 hangs between two.
        let edges = [(0, 1), (1, 2), (2, 3), (4, 5), (5, 3), (0, 6), (6, 3), (6, 2)];
        let mut layer = [0, 1, 2, 3, 0, 1, 1];
        shorten(&edges, &mut layer);
        assert_eq!(layer, [0, 1, 2, 3, 1, 2, 1]);
    }

    proptest! {
        #[test]
        fn edges_lead_on_and_become_no_longer(
            edges in proptest::collection::btree_set((0usize..16, 0usize..16), 0..50),
        ) {
            let edges: Vec<(usize, usize)> = edges.into_iter().filter(|(a, b)| a < b).collect();
            let mut layer = [0i64; 16];
            for at in 0..16 {
                edges.iter().filter(|e| e.0 == at).for_each(|(a, b)| layer[*b] = layer[*b].max(layer[*a] + 1));
            }
            let length = |layer: &[i64]| edges.iter().map(|(a, b)| layer[*b] - layer[*a]).sum::<i64>();
            let before = length(&layer);
            shorten(&edges, &mut layer);
            prop_assert!(length(&layer) <= before);
            prop_assert!(edges.iter().all(|(a, b)| layer[*a] < layer[*b]));
            // No single node could shorten its edges by moving one layer.
            for v in 0..16usize {
                for way in [-1, 1] {
                    let mut moved = layer;
                    moved[v] += way;
                    let stands = edges.iter().all(|(a, b)| moved[*a] < moved[*b]);
                    prop_assert!(!stands || length(&moved) >= length(&layer));
                }
            }
        }
    }
}
