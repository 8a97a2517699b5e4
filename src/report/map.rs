//! The service map: layers by who waits for whom, fewer crossings by sweeps, positions in pixels.
//!
//! Takes nodes and edges by number; gives coordinates. Deterministic; knows no HTML.

use std::collections::BTreeSet;

/// Width and height of a box, and the space around it.
pub const BOX: (i32, i32) = (150, 34);
const GAP: (i32, i32) = (70, 18);
/// Sweeps that order the layers (Sugiyama, Tagawa, Toda 1981: the barycentre method).
const SWEEPS: usize = 12;

/// Where a node is drawn: the upper left corner.
pub type Point = (i32, i32);

/// Positions of `n` nodes, and the size of the drawing.
#[must_use]
pub fn layout(n: usize, edges: &[(usize, usize)]) -> (Vec<Point>, Point) {
    let layer = layers(n, edges);
    let depth = layer.iter().copied().max().map_or(0, |d| d + 1);
    let mut rows: Vec<Vec<usize>> = vec![Vec::new(); depth];
    for (node, at) in layer.iter().enumerate() {
        rows[*at].push(node);
    }
    order(&mut rows, edges, n);
    let tallest = rows.iter().map(Vec::len).max().unwrap_or(0) as i32;
    let mut points = vec![(0, 0); n];
    for (column, row) in rows.iter().enumerate() {
        // A short column stands in the middle.
        let free = (tallest - row.len() as i32) * (BOX.1 + GAP.1) / 2;
        for (at, node) in row.iter().enumerate() {
            points[*node] = (10 + column as i32 * (BOX.0 + GAP.0), 10 + free + at as i32 * (BOX.1 + GAP.1));
        }
    }
    let size = (20 + depth as i32 * (BOX.0 + GAP.0) - GAP.0, 20 + tallest * (BOX.1 + GAP.1));
    (points, size)
}

/// The layer of each node: the longest way from a node that nobody calls. Edges that would close a circle are left out.
fn layers(n: usize, edges: &[(usize, usize)]) -> Vec<usize> {
    let mut next: Vec<Vec<usize>> = vec![Vec::new(); n];
    for (a, b) in edges.iter().collect::<BTreeSet<_>>() {
        next[*a].push(*b);
    }
    // Depth-first, callers before callees, without recursion: an edge to a node that is open closes a circle.
    let mut state = vec![0u8; n];
    let mut finished: Vec<usize> = Vec::new();
    let mut forward: BTreeSet<(usize, usize)> = BTreeSet::new();
    let called: BTreeSet<usize> = edges.iter().map(|(_, b)| *b).collect();
    let starts = (0..n).filter(|i| !called.contains(i)).chain(0..n);
    for start in starts {
        if state[start] != 0 {
            continue;
        }
        state[start] = 1;
        let mut stack = vec![(start, 0usize)];
        while let Some((node, at)) = stack.pop() {
            match next[node].get(at) {
                Some(&to) => {
                    stack.push((node, at + 1));
                    if state[to] != 1 {
                        forward.insert((node, to));
                    }
                    if state[to] == 0 {
                        state[to] = 1;
                        stack.push((to, 0));
                    }
                }
                None => {
                    state[node] = 2;
                    finished.push(node);
                }
            }
        }
    }
    let mut layer = vec![0usize; n];
    for node in finished.into_iter().rev() {
        for to in &next[node] {
            if forward.contains(&(node, *to)) {
                layer[*to] = layer[*to].max(layer[node] + 1);
            }
        }
    }
    layer
}

fn order(rows: &mut [Vec<usize>], edges: &[(usize, usize)], n: usize) {
    let mut before: Vec<Vec<usize>> = vec![Vec::new(); n];
    let mut after: Vec<Vec<usize>> = vec![Vec::new(); n];
    for (a, b) in edges {
        after[*a].push(*b);
        before[*b].push(*a);
    }
    let mut place = vec![0usize; n];
    let number = |rows: &[Vec<usize>], place: &mut Vec<usize>| {
        for row in rows {
            for (at, node) in row.iter().enumerate() {
                place[*node] = at;
            }
        }
    };
    number(rows, &mut place);
    for sweep in 0..SWEEPS {
        let neighbours = if sweep % 2 == 0 { &before } else { &after };
        for row in rows.iter_mut() {
            // Integer arithmetic, so that every machine sorts alike.
            let weight = |node: usize| {
                let all = &neighbours[node];
                if all.is_empty() {
                    place[node] * 1_000
                } else {
                    all.iter().map(|o| place[*o]).sum::<usize>() * 1_000 / all.len()
                }
            };
            row.sort_by_key(|node| (weight(*node), *node));
        }
        number(rows, &mut place);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn callers_stand_left_and_circles_end() {
        let (points, size) = layout(4, &[(0, 1), (1, 2), (2, 1), (0, 3)]);
        assert!(points[0].0 < points[1].0 && points[1].0 < points[2].0);
        assert!(size.0 > 0 && size.1 > 0);
        assert_eq!(layout(0, &[]).0.len(), 0);
    }
}
