//! Positions across the layers: four aligned placements and the mean of their middle two (Brandes, Köpf 2001, with
//! the compaction by longest ways through the blocks).
//!
//! Takes an ordered layered graph with the extent of each node; gives centres. The order is kept, nothing overlaps.

use std::collections::BTreeSet;

use super::order::Layered;

/// A layered graph with extents, seen in one of the four directions.
struct View<'g> {
    rows: Vec<Vec<usize>>,
    ends: &'g [Vec<usize>],
    place: Vec<usize>,
}

/// The centre of each node across the layers; an extent includes the space around it; nodes that stand in no layer stay at 0.
#[must_use]
pub fn place(graph: &Layered, extent: &[f64], bend: &[bool]) -> Vec<f64> {
    let conflicts = conflicts(graph, bend);
    let mut all = Vec::new();
    for forward in [true, false] {
        for mirrored in [false, true] {
            let mut rows = graph.rows.clone();
            if !forward {
                rows.reverse();
            }
            if mirrored {
                rows.iter_mut().for_each(|r| r.reverse());
            }
            let mut place = vec![0; extent.len()];
            for row in &rows {
                for (at, node) in row.iter().enumerate() {
                    place[*node] = at;
                }
            }
            let view = View { rows, ends: if forward { &graph.before } else { &graph.after }, place };
            let root = align(&view, &conflicts);
            let mut centres = compact(&view, &root, extent);
            if mirrored {
                centres.iter_mut().for_each(|c| *c = -*c);
            }
            all.push((mirrored, centres));
        }
    }
    let nodes: Vec<usize> = graph.rows.iter().flatten().copied().collect();
    settle(&mut all, &nodes, extent);
    let mut centres = vec![0.0; extent.len()];
    for node in nodes {
        let mut four: Vec<f64> = all.iter().map(|(_, c)| c[node]).collect();
        four.sort_by(f64::total_cmp);
        centres[node] = (four[1] + four[2]) / 2.0;
    }
    centres
}

/// The four placements side by side: each is moved to the narrowest one, by its left or right border.
fn settle(all: &mut [(bool, Vec<f64>)], nodes: &[usize], extent: &[f64]) {
    let bounds = |centres: &[f64]| {
        let low = nodes.iter().map(|n| centres[*n] - extent[*n] / 2.0).fold(f64::INFINITY, f64::min);
        let high = nodes.iter().map(|n| centres[*n] + extent[*n] / 2.0).fold(f64::NEG_INFINITY, f64::max);
        if nodes.is_empty() { (0.0, 0.0) } else { (low, high) }
    };
    let widths: Vec<(f64, f64)> = all.iter().map(|(_, c)| bounds(c)).collect();
    let (low, high) = widths.iter().copied().min_by(|a, b| (a.1 - a.0).total_cmp(&(b.1 - b.0))).unwrap_or((0.0, 0.0));
    for ((mirrored, centres), (own_low, own_high)) in all.iter_mut().zip(widths) {
        let shift = if *mirrored { high - own_high } else { low - own_low } - low;
        centres.iter_mut().for_each(|c| *c += shift);
    }
}

/// Edges that cross a straight part of a long edge: the long edge stays straight (type 1 conflicts).
fn conflicts(graph: &Layered, bend: &[bool]) -> BTreeSet<(usize, usize)> {
    let place = graph.places();
    let mut found = BTreeSet::new();
    for row in graph.rows.iter().skip(1) {
        let inner = |node: usize| {
            let from = *graph.before[node].first()?;
            (bend[node] && bend[from]).then_some(place[from])
        };
        let (mut low, mut done) = (0, 0);
        for (at, node) in row.iter().enumerate() {
            let last = at + 1 == row.len();
            let high = inner(*node);
            if high.is_none() && !last {
                continue;
            }
            let high = high.unwrap_or(usize::MAX);
            for other in &row[done..=at] {
                for from in &graph.before[*other] {
                    let straight = bend[*other] && bend[*from];
                    if !straight && (place[*from] < low || place[*from] > high) {
                        found.insert((*from, *other));
                    }
                }
            }
            done = at + 1;
            low = high;
        }
    }
    found
}

/// The block of each node: nodes aligned with their median neighbours share a root.
fn align(view: &View<'_>, conflicts: &BTreeSet<(usize, usize)>) -> Vec<usize> {
    let n = view.place.len();
    let mut root: Vec<usize> = (0..n).collect();
    let mut aligned = vec![false; n];
    let mut taken = vec![false; n];
    for row in view.rows.iter().skip(1) {
        let mut reached: Option<usize> = None;
        for node in row {
            let mut ends: Vec<usize> = view.ends[*node].clone();
            ends.sort_by_key(|o| view.place[*o]);
            if ends.is_empty() {
                continue;
            }
            for median in [(ends.len() - 1) / 2, ends.len() / 2] {
                let to = ends[median];
                let conflict = conflicts.contains(&(to, *node)) || conflicts.contains(&(*node, to));
                if aligned[*node] || taken[to] || conflict || reached.is_some_and(|r| r >= view.place[to]) {
                    continue;
                }
                root[*node] = root[to];
                aligned[*node] = true;
                taken[to] = true;
                reached = Some(view.place[to]);
            }
        }
    }
    root
}

/// The least positions of the blocks that keep all distances, then blocks drawn to what follows them.
fn compact(view: &View<'_>, root: &[usize], extent: &[f64]) -> Vec<f64> {
    let n = root.len();
    let mut next: Vec<Vec<(usize, f64)>> = vec![Vec::new(); n];
    let mut waits = vec![0usize; n];
    for row in &view.rows {
        for pair in row.windows(2) {
            let distance = (extent[pair[0]] + extent[pair[1]]) / 2.0;
            next[root[pair[0]]].push((root[pair[1]], distance));
            waits[root[pair[1]]] += 1;
        }
    }
    let mut ready: Vec<usize> =
        view.rows.iter().flatten().copied().filter(|v| root[*v] == *v && waits[*v] == 0).collect();
    ready.sort_unstable();
    let mut order = Vec::new();
    let mut position = vec![0.0f64; n];
    while let Some(block) = ready.pop() {
        order.push(block);
        for (to, distance) in &next[block] {
            position[*to] = position[*to].max(position[block] + distance);
            waits[*to] -= 1;
            if waits[*to] == 0 {
                ready.push(*to);
            }
        }
    }
    for block in order.iter().rev() {
        let room = next[*block].iter().map(|(to, d)| position[*to] - d).fold(f64::INFINITY, f64::min);
        if room.is_finite() {
            position[*block] = position[*block].max(room);
        }
    }
    (0..n).map(|v| position[root[v]]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_order_is_kept_and_nothing_overlaps(
            edges in proptest::collection::btree_set((0usize..8, 0usize..8, 0usize..2), 0..40),
            bends in proptest::collection::vec(proptest::bool::ANY, 24),
        ) {
            let rows: Vec<Vec<usize>> = (0..3).map(|r| (r * 8..r * 8 + 8).collect()).collect();
            let (mut before, mut after) = (vec![Vec::new(); 24], vec![Vec::new(); 24]);
            for (a, b, row) in edges {
                after[row * 8 + a].push(row * 8 + 8 + b);
                before[row * 8 + 8 + b].push(row * 8 + a);
            }
            let graph = Layered { rows: rows.clone(), before, after, lane: vec![0; 24], boxes: 24 };
            let extent: Vec<f64> = (0..24).map(|i| if bends[i] { 6.0 } else { 34.0 }).collect();
            let centres = place(&graph, &extent, &bends);
            for row in rows {
                for pair in row.windows(2) {
                    let room = centres[pair[1]] - centres[pair[0]] - (extent[pair[0]] + extent[pair[1]]) / 2.0;
                    prop_assert!(room >= -0.001, "{room}");
                }
            }
        }
    }
}
