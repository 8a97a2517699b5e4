//! Own layered layout: callers left of what they call, lanes for teams, bends for long edges, positions in pixels.
//!
//! Takes boxes and edges by number; gives positions and ways. Deterministic; knows neither services nor SVG.

mod lanes;
mod order;
mod place;
mod rank;
mod simplex;

use std::collections::{BTreeMap, BTreeSet};

use lanes::Lanes;
use order::Layered;
pub use rank::{adjacency, components};

/// A point in pixels.
pub type Point = (i32, i32);

/// Space between columns, between boxes of a column, and around the drawing.
const COLUMN_GAP: i32 = 66;
const ROW_GAP: f64 = 14.0;
/// Space that a bend of a long edge takes.
const BEND: f64 = 9.0;
const MARGIN: i32 = 12;
/// Space inside a lane's box: above for its title, and at the other sides.
const TITLE: i32 = 22;
const PADDING: i32 = 10;

/// A box to place.
#[derive(Debug, Clone, Copy)]
pub struct Node {
    /// Width in pixels.
    pub width: i32,
    /// Height in pixels.
    pub height: i32,
    /// Its lane, by number; boxes of a lane stand together.
    pub lane: Option<usize>,
}

/// Where a lane's box stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Area {
    /// Left.
    pub x: i32,
    /// Top.
    pub y: i32,
    /// Width.
    pub width: i32,
    /// Height.
    pub height: i32,
}

/// The drawing.
#[derive(Debug, Clone, Default)]
pub struct Drawing {
    /// Width and height.
    pub size: Point,
    /// Upper left corner of each box.
    pub nodes: Vec<Point>,
    /// The way of each edge from its source to its target: pairs of points, straight inside a column and curved
    /// between columns; empty for an edge from a box to itself.
    pub routes: Vec<Vec<Point>>,
    /// Each lane's box; `None` for a lane without boxes.
    pub lanes: Vec<Option<Area>>,
}

/// Places boxes and edges.
#[must_use]
pub fn layout(nodes: &[Node], edges: &[(usize, usize)]) -> Drawing {
    let n = nodes.len();
    let distinct: BTreeSet<(usize, usize)> = edges.iter().copied().filter(|(a, b)| a != b).collect();
    let turned = rank::backward(n, &distinct);
    let forward = |(a, b): (usize, usize)| if turned.contains(&(a, b)) { (b, a) } else { (a, b) };
    let acyclic: BTreeSet<(usize, usize)> = distinct.iter().map(|e| forward(*e)).collect();
    let layer = rank::layers(n, &acyclic);
    let (lanes, work) = lanes::fewest(lanes::assign(nodes, &acyclic), &|lanes, thorough| {
        let mut work = Work::new(nodes, &acyclic, &layer, lanes);
        work.graph.reduce(thorough);
        work
    });
    let (centres, spans) = work.place(nodes, &lanes);
    let columns = columns(nodes, &layer);
    let corner = |node: usize| {
        let (x, width) = columns[layer[node]];
        (x + (width - nodes[node].width) / 2, centres[node].round() as i32 - nodes[node].height / 2)
    };
    let corners: Vec<Point> = (0..n).map(corner).collect();
    let routes = Routes { nodes, corners: &corners, centres: &centres, columns: &columns, layer: &layer, work: &work };
    let routes = routes.all(edges, &forward);
    let areas = areas(nodes, &corners, &spans, &lanes);
    let right = columns.last().map_or(0, |(x, width)| x + width);
    let low = spans.iter().map(|s| s.1).chain(centres.iter().copied()).fold(0.0, f64::max).round() as i32;
    Drawing { size: (right + MARGIN + PADDING, low + MARGIN), nodes: corners, routes, lanes: areas }
}

/// Left border and width of each column.
fn columns(nodes: &[Node], layer: &[usize]) -> Vec<(i32, i32)> {
    let mut widths: Vec<i32> = vec![0; layer.iter().max().map_or(0, |m| m + 1)];
    for (node, at) in nodes.iter().zip(layer) {
        widths[*at] = widths[*at].max(node.width);
    }
    let mut x = MARGIN + PADDING;
    widths
        .into_iter()
        .map(|width| {
            let column = (x, width);
            x += width + COLUMN_GAP;
            column
        })
        .collect()
}

/// The boxes around lanes.
fn areas(nodes: &[Node], corners: &[Point], spans: &[(f64, f64)], lanes: &Lanes) -> Vec<Option<Area>> {
    let mut areas = vec![None; lanes.given];
    for (lane, given) in lanes.names.iter().enumerate() {
        let Some(given) = given else { continue };
        let inside: Vec<usize> = (0..nodes.len()).filter(|i| lanes.of[*i] == lane).collect();
        let left = inside.iter().map(|i| corners[*i].0).min();
        let right = inside.iter().map(|i| corners[*i].0 + nodes[*i].width).max();
        if let (Some(left), Some(right)) = (left, right) {
            let (top, low) = (spans[lane].0.round() as i32, spans[lane].1.round() as i32);
            areas[*given] = Some(Area {
                x: left - PADDING,
                y: top,
                width: right - left + 2 * PADDING,
                height: low - top - PADDING / 2,
            });
        }
    }
    areas
}

/// The graph with the bends of long edges.
struct Work {
    graph: Layered,
    bend: Vec<bool>,
    /// Bends of each edge, in order.
    bends: BTreeMap<(usize, usize), Vec<usize>>,
}

impl Work {
    fn new(nodes: &[Node], edges: &BTreeSet<(usize, usize)>, layer: &[usize], lanes: &Lanes) -> Self {
        let n = nodes.len();
        let depth = layer.iter().max().map_or(0, |m| m + 1);
        let mut rows = vec![Vec::new(); depth];
        for (node, at) in layer.iter().enumerate() {
            rows[*at].push(node);
        }
        let (mut before, mut after) = (vec![Vec::new(); n], vec![Vec::new(); n]);
        let (mut bend, mut lane) = (vec![false; n], lanes.of.clone());
        let mut bends = BTreeMap::new();
        for (a, b) in edges {
            let mut made = Vec::new();
            let mut last = *a;
            let span = layer[*b] - layer[*a];
            for step in 1..span {
                let node = bend.len();
                bend.push(true);
                // Between two lanes a long edge changes half way.
                lane.push(if 2 * step <= span { lanes.of[*a] } else { lanes.of[*b] });
                before.push(vec![last]);
                after.push(Vec::new());
                after[last].push(node);
                rows[layer[*a] + step].push(node);
                made.push(node);
                last = node;
            }
            after[last].push(*b);
            before[*b].push(last);
            bends.insert((*a, *b), made);
        }
        // Connected parts stand apart with all their bends; an edge may pass through the box of a group.
        let boxes = if lanes.given > 0 { n } else { lane.len() };
        Self { graph: Layered { rows, before, after, lane, boxes }, bend, bends }
    }

    /// Centres across the layers, lane below lane, and where each lane begins and ends.
    fn place(&self, nodes: &[Node], lanes: &Lanes) -> (Vec<f64>, Vec<(f64, f64)>) {
        let extent: Vec<f64> =
            (0..self.bend.len()).map(|i| nodes.get(i).map_or(BEND, |n| f64::from(n.height) + ROW_GAP)).collect();
        let mut centres = vec![0.0; extent.len()];
        let mut spans = Vec::new();
        let mut lows = vec![f64::from(MARGIN); self.graph.rows.len()];
        for (lane, name) in lanes.names.iter().enumerate() {
            let within = |all: &[Vec<usize>]| -> Vec<Vec<usize>> {
                let keep = |row: &Vec<usize>| row.iter().copied().filter(|v| self.graph.lane[*v] == lane).collect();
                all.iter().map(keep).collect()
            };
            let part = Layered {
                rows: within(&self.graph.rows),
                before: self.only(&self.graph.before, lane),
                after: self.only(&self.graph.after, lane),
                ..Layered::default()
            };
            let part = Layered { lane: vec![0; extent.len()], ..part };
            let own = place::place(&part, &extent, &self.bend);
            let frame = if name.is_some() { (f64::from(TITLE), f64::from(PADDING)) } else { (0.0, 0.0) };
            let (shift, span) = under(&part.rows, &own, &extent, nodes.len(), frame, &mut lows);
            part.rows.iter().flatten().for_each(|v| centres[*v] = own[*v] + shift);
            spans.push(span);
        }
        (centres, spans)
    }

    /// The ends that lie in a lane, for the nodes of that lane.
    fn only(&self, ends: &[Vec<usize>], lane: usize) -> Vec<Vec<usize>> {
        let keep = |v: usize| self.graph.lane[v] == lane;
        ends.iter()
            .enumerate()
            .map(|(v, all)| if keep(v) { all.iter().copied().filter(|o| keep(*o)).collect() } else { Vec::new() })
            .collect()
    }
}

/// Moves a lane up until it touches what stands above it: its frame (space over and under its boxes) over all layers
/// of its boxes, its bends in the others. Gives the way it moves, and where the frame begins and ends.
fn under(
    rows: &[Vec<usize>],
    own: &[f64],
    extent: &[f64],
    boxes: usize,
    (head, foot): (f64, f64),
    lows: &mut [f64],
) -> (f64, (f64, f64)) {
    let held = |row: &Vec<usize>| row.iter().any(|v| *v < boxes);
    let first = rows.iter().position(held).unwrap_or(0);
    let last = rows.iter().rposition(held).unwrap_or(0);
    let inside = |layer: usize| (first..=last).contains(&layer);
    let all = || rows.iter().enumerate().flat_map(|(layer, row)| row.iter().map(move |v| (layer, *v)));
    let framed = || all().filter(|(layer, _)| inside(*layer));
    let least = framed().map(|(_, v)| own[v] - extent[v] / 2.0).fold(f64::INFINITY, f64::min);
    let most = framed().map(|(_, v)| own[v] + extent[v] / 2.0).fold(f64::NEG_INFINITY, f64::max);
    let above = lows[first..=last].iter().copied().fold(0.0, f64::max);
    let passing = all().filter(|(layer, _)| !inside(*layer)).map(|(l, v)| lows[l] + extent[v] / 2.0 - own[v]);
    let shift = passing.fold(above + head - least, f64::max);
    let span = (least + shift - head, most + shift + foot / 2.0);
    for (layer, v) in all() {
        lows[layer] = lows[layer].max(own[v] + shift + extent[v] / 2.0);
    }
    lows[first..=last].iter_mut().for_each(|low| *low = low.max(span.1 + foot / 2.0));
    (shift, span)
}

/// What the ways of the edges are made from.
struct Routes<'l> {
    nodes: &'l [Node],
    corners: &'l [Point],
    centres: &'l [f64],
    columns: &'l [(i32, i32)],
    layer: &'l [usize],
    work: &'l Work,
}

impl Routes<'_> {
    fn all(&self, edges: &[(usize, usize)], forward: &dyn Fn((usize, usize)) -> (usize, usize)) -> Vec<Vec<Point>> {
        let mut copies: BTreeMap<(usize, usize), i32> = BTreeMap::new();
        let mut ways: Vec<Vec<Point>> = edges
            .iter()
            .map(|edge| {
                if edge.0 == edge.1 {
                    return Vec::new();
                }
                let pair = forward(*edge);
                let copy = copies.entry(pair).or_default();
                // Edges between the same two boxes run side by side.
                let aside = (*copy + 1) / 2 * if *copy % 2 == 0 { 5 } else { -5 };
                *copy += 1;
                self.way(pair, aside)
            })
            .collect();
        self.ports(edges, forward, &mut ways, true);
        self.ports(edges, forward, &mut ways, false);
        for (edge, way) in edges.iter().zip(&mut ways) {
            if edge.0 != edge.1 && forward(*edge) != *edge {
                way.reverse();
            }
        }
        ways
    }

    /// From the right side of the left box, straight through each column between, to the left side of the right box.
    fn way(&self, (a, b): (usize, usize), aside: i32) -> Vec<Point> {
        let middle = |v: usize| self.corners[v].1 + self.nodes[v].height / 2;
        let mut points = vec![(self.corners[a].0 + self.nodes[a].width, middle(a))];
        for (step, bend) in self.work.bends.get(&(a, b)).into_iter().flatten().enumerate() {
            let (x, width) = self.columns[self.layer[a] + 1 + step];
            let y = self.centres[*bend].round() as i32 + aside;
            points.extend([(x, y), (x + width, y)]);
        }
        points.push((self.corners[b].0, middle(b)));
        points
    }

    /// The ends at one side of a box are spread over it in the order in which they come.
    fn ports(
        &self,
        edges: &[(usize, usize)],
        forward: &dyn Fn((usize, usize)) -> (usize, usize),
        ways: &mut [Vec<Point>],
        leaving: bool,
    ) {
        let mut at: Vec<Vec<(i32, usize)>> = vec![Vec::new(); self.nodes.len()];
        for (index, edge) in edges.iter().enumerate().filter(|(_, e)| e.0 != e.1) {
            let (a, b) = forward(*edge);
            let way = &ways[index];
            let other = if leaving { way[1].1 } else { way[way.len() - 2].1 };
            at[if leaving { a } else { b }].push((other, index));
        }
        for (node, mut ends) in at.into_iter().enumerate() {
            ends.sort_unstable();
            let room = self.nodes[node].height - 12;
            let step = (room / ends.len().max(1) as i32).min(7) as f64;
            let step = if step < 1.0 { f64::from(room) / ends.len().max(1) as f64 } else { step };
            let first = -step * (ends.len() as f64 - 1.0) / 2.0;
            for (place, (_, index)) in ends.into_iter().enumerate() {
                let way = &mut ways[index];
                let last = way.len() - 1;
                let end = if leaving { &mut way[0] } else { &mut way[last] };
                end.1 += (first + step * place as f64).round() as i32;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn boxes(lanes: &[Option<usize>]) -> Vec<Node> {
        lanes.iter().map(|lane| Node { width: 150, height: 34, lane: *lane }).collect()
    }

    #[test]
    fn callers_stand_left_and_circles_end() {
        let drawing = layout(&boxes(&[None; 4]), &[(0, 1), (1, 2), (2, 1), (0, 3), (3, 3)]);
        assert!(drawing.nodes[0].0 < drawing.nodes[1].0 && drawing.nodes[1].0 < drawing.nodes[2].0);
        assert!(drawing.routes[4].is_empty());
        // The edge that closes the circle starts at its caller too.
        assert!(drawing.routes[2][0].0 > drawing.routes[2][1].0);
        assert!(layout(&[], &[]).nodes.is_empty());
    }

    #[test]
    fn lanes_do_not_overlap() {
        let lanes: Vec<Option<usize>> = (0..12).map(|i| Some(i % 3)).collect();
        let edges: Vec<(usize, usize)> = (0..11).map(|i| (i, i + 1)).chain([(0, 9), (2, 11), (11, 3)]).collect();
        let drawing = layout(&boxes(&lanes), &edges);
        let areas: Vec<Area> = drawing.lanes.iter().flatten().copied().collect();
        assert_eq!(areas.len(), 3);
        for (i, a) in areas.iter().enumerate() {
            for b in &areas[..i] {
                assert!(a.y + a.height <= b.y || b.y + b.height <= a.y, "{a:?} {b:?}");
            }
        }
        for (node, (x, y)) in drawing.nodes.iter().enumerate() {
            let area = areas[node % 3];
            assert!(*x >= area.x && *y >= area.y && y + 34 <= area.y + area.height, "{node} leaves {area:?}");
        }
    }

    #[test]
    fn long_edges_pass_no_box() {
        let drawing = layout(&boxes(&[None; 4]), &[(0, 1), (1, 2), (2, 3), (0, 3)]);
        let way = &drawing.routes[3];
        assert_eq!(way.len(), 6);
        for node in [1, 2] {
            let (x, y) = drawing.nodes[node];
            let through = way.windows(2).any(|w| w[0].0 == x && w[1].0 == x + 150 && w[0].1 > y && w[0].1 < y + 34);
            assert!(!through);
        }
    }
}
