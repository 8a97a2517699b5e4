//! The dependency matrix: rows call columns, callers first, cycles outlined, the number of call sites in the cell.

use std::collections::{BTreeMap, BTreeSet};

use askama::Template;

use crate::model::Mode;
use crate::report::system::System;

/// With more rows the cells have no numbers and the rows no names: the picture shows the shape.
const NUMBERED: usize = 150;
/// Pixels of a large matrix; cells are at least one pixel wide.
const LARGE: usize = 1_500;

/// The section.
#[derive(Template)]
#[template(path = "matrix.html", escape = "html", config = "src/report/html/askama.toml")]
pub struct Matrix {
    rows: Vec<Row>,
    cells: Vec<Cell>,
    cycles: Vec<[usize; 2]>,
    /// Of a large matrix: all waiting cells, and all events, as one path each.
    paths: [String; 2],
    cell: usize,
    left: usize,
    top: usize,
    sync: usize,
    back: usize,
}

struct Row {
    name: String,
    key: usize,
    at: usize,
}

/// A filled cell.
struct Cell {
    row: usize,
    column: usize,
    text: String,
    title: String,
    edge: usize,
    /// 0 an event, 1 to 3 more and more call sites.
    weight: usize,
    back: bool,
}

impl Cell {
    fn fill(&self) -> &'static str {
        ["#ffffff", "#d6e6f4", "#7fb0d9", "#1f5f9e"][self.weight]
    }

    fn ink(&self) -> &'static str {
        if self.weight == 3 { "#ffffff" } else { "#1c2430" }
    }
}

impl Matrix {
    fn size(&self) -> (usize, usize) {
        let side = self.rows.len() * self.cell;
        (self.left + side + 6, self.top + side + 6)
    }

    fn x(&self, at: &usize) -> usize {
        self.left + at * self.cell
    }

    fn y(&self, at: &usize) -> usize {
        self.top + at * self.cell
    }

    fn named(&self) -> bool {
        self.rows.len() <= NUMBERED
    }

    fn font(&self) -> usize {
        if self.cell >= 20 { 11 } else { 8 }
    }
}

/// The matrix of all services that call or tell each other.
#[must_use]
pub fn section(system: &System<'_>) -> Matrix {
    let mut pairs: BTreeMap<(usize, usize), Vec<usize>> = BTreeMap::new();
    for (index, ends) in system.ends.iter().enumerate() {
        if let (Some((a, b)), Mode::Sync | Mode::Async) = (ends, system.dependency(index).mode)
            && a != b
        {
            pairs.entry((*a, *b)).or_default().push(index);
        }
    }
    let members: BTreeSet<usize> = pairs.keys().flat_map(|(a, b)| [*a, *b]).collect();
    let order = system.levelised(&members.into_iter().collect::<Vec<_>>());
    let place: BTreeMap<usize, usize> = order.iter().enumerate().map(|(at, s)| (*s, at)).collect();
    let n = order.len();
    let named = n <= NUMBERED;
    let cell = if n <= 60 {
        21
    } else if named {
        13
    } else {
        (LARGE / n.max(1)).clamp(1, 6)
    };
    let cells: Vec<Cell> =
        pairs.iter().map(|((a, b), of)| filled(system, (place[a], place[b]), (*a, *b), of)).collect();
    let sync = cells.iter().filter(|c| c.weight > 0).count();
    let back = cells.iter().filter(|c| c.back).count();
    let paths = if named { Default::default() } else { [true, false].map(|waits| path(&cells, waits, cell)) };
    let longest = order.iter().map(|s| system.names[*s].chars().count()).max().unwrap_or(0);
    Matrix {
        rows: order.iter().enumerate().map(|(at, s)| Row { name: system.names[*s].clone(), key: *s, at }).collect(),
        cells: if named { cells } else { Vec::new() },
        cycles: blocks(system, &order),
        paths,
        cell,
        left: if named { longest * 7 + 46 } else { 2 },
        top: if named { 22 } else { 2 },
        sync,
        back,
    }
}

fn filled(system: &System<'_>, (row, column): (usize, usize), (a, b): (usize, usize), of: &[usize]) -> Cell {
    let sync: Vec<usize> = of.iter().copied().filter(|d| system.dependency(*d).mode == Mode::Sync).collect();
    let sites: usize = sync.iter().map(|d| system.dependency(*d).sites.len()).sum();
    let (a, b) = (&system.names[a], &system.names[b]);
    let (text, title, weight) = if sync.is_empty() {
        let n = of.len();
        let what = if n == 1 { "an event".to_owned() } else { format!("{n} kinds of events") };
        ("e".to_owned(), format!("{a} tells {b} by {what}"), 0)
    } else if sites == 0 {
        ("·".to_owned(), format!("{a} calls {b}; no call site in code"), 1)
    } else {
        let weight = [1, 5].iter().filter(|limit| sites > **limit).count() + 1;
        (sites.to_string(), format!("{a} calls {b} at {}", crate::model::counted(sites, "call site")), weight)
    };
    let edge = sync.first().or(of.first()).copied().unwrap_or_default();
    Cell { row, column, text, title, edge, weight, back: !sync.is_empty() && column < row }
}

/// First and last row of each cycle: its members stand together.
fn blocks(system: &System<'_>, order: &[usize]) -> Vec<[usize; 2]> {
    let mut found: BTreeMap<usize, [usize; 2]> = BTreeMap::new();
    for (at, service) in order.iter().enumerate() {
        if let Some(cycle) = system.cycles[*service] {
            found.entry(cycle).or_insert([at, at])[1] = at;
        }
    }
    found.into_values().collect()
}

fn path(cells: &[Cell], waits: bool, size: usize) -> String {
    let own = cells.iter().filter(|c| (c.weight > 0) == waits);
    own.map(|c| format!("M{},{}h{size}v{size}h-{size}z", 2 + c.column * size, 2 + c.row * size)).collect()
}
