//! Pictures of services and edges as inline SVG: boxes that are links, edges in groups that other pictures reuse.
//!
//! Presentation attributes alone draw it; the style sheet only adds colours for the dark. Takes boxes and edges that
//! are chosen already; knows nothing of scores or plans beyond their texts.

use askama::Template;

use crate::report::layout::{Area, Drawing, Node, Point, layout};

/// Height of a box, its least width (what it needs and who needs it, beside the mark of a cycle) and its greatest.
const HEIGHT: i32 = 42;
const WIDTHS: (i32, i32) = (150, 236);

/// How an edge is drawn: never by colour alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Line {
    /// The caller waits: solid.
    Sync,
    /// An event: dashed.
    Async,
    /// A store: dotted.
    Data,
}

impl Line {
    /// Class, colour, dashes and arrow tip.
    #[must_use]
    pub fn style(self) -> [&'static str; 4] {
        match self {
            Self::Sync => ["sync", "#2b3442", "none", "tip-sync"],
            Self::Async => ["async", "#0072b2", "7 4", "tip-async"],
            Self::Data => ["data", "#7a8494", "2 3", "tip-data"],
        }
    }
}

/// A box.
#[derive(Debug, Clone)]
pub struct Item {
    /// Number in the data, for the script: a service, or a group after all services.
    pub key: usize,
    /// Where a click leads.
    pub href: String,
    /// Name.
    pub name: String,
    /// Second line.
    pub below: String,
    /// Role: shapes the box.
    pub kind: &'static str,
    /// 0 to 4: how much it waits and is waited for; `None` = not in the score.
    pub heat: Option<u8>,
    /// Marks: in a cycle, has stores of its own.
    pub cyclic: bool,
    /// How many stores only it uses.
    pub stores: usize,
    /// Lane.
    pub lane: Option<usize>,
}

/// An edge between two boxes.
#[derive(Debug, Clone)]
pub struct Edge {
    /// Boxes by place in the list.
    pub ends: (usize, usize),
    /// How it is drawn.
    pub line: Line,
    /// Dependencies that it stands for.
    pub of: Vec<usize>,
    /// Text for people.
    pub title: String,
    /// Part of a cycle: drawn thick.
    pub cyclic: bool,
    /// Only probable: drawn pale.
    pub pale: bool,
    /// Does not count in the score: drawn thin.
    pub thin: bool,
    /// The step after which it is gone; 0 = never.
    pub gone: usize,
}

/// A picture, ready for its template.
#[derive(Template)]
#[template(path = "picture.svg", escape = "html", config = "src/report/html/askama.toml")]
pub struct Picture {
    /// Prefix of the ids, so that other pictures can use its parts; empty = without ids.
    id: &'static str,
    label: String,
    size: Point,
    lanes: Vec<(Area, String)>,
    boxes: Vec<Shown>,
    groups: Vec<Group>,
}

/// A box with its place.
struct Shown {
    item: Item,
    short: String,
    x: i32,
    y: i32,
    width: i32,
    /// Key, for an id in the main picture.
    id: Option<usize>,
}

impl Shown {
    fn middle(&self) -> i32 {
        self.x + self.width / 2
    }

    /// The first line: lower in a cylinder, and under the bar of a window.
    fn text_y(&self) -> i32 {
        self.y
            + match self.item.kind {
                "database" => 24,
                "ui" => 20,
                _ => 18,
            }
    }

    /// The second line.
    fn below_y(&self) -> i32 {
        self.text_y() + if self.item.kind == "database" { 12 } else { 15 }
    }

    fn label(&self) -> String {
        let mut text = format!("{}: {}", self.item.name, self.item.below);
        if self.item.cyclic {
            text.push_str(", in a cycle");
        }
        match self.item.stores {
            0 => {}
            1 => text.push_str(", one store of its own"),
            n => text.push_str(&format!(", {n} stores of its own")),
        }
        text
    }

    /// Colour of the strip at the left: four steps of one hue that stay apart in grey and for the colour-blind.
    fn strip(&self) -> Option<&'static str> {
        const STEPS: [&str; 5] = ["#d5dbe3", "#f6d9a8", "#eea54a", "#d55e00", "#7f2704"];
        self.item.heat.map(|h| STEPS[usize::from(h.min(4))])
    }
}

/// Edges drawn alike.
struct Group {
    id: Option<String>,
    line: Line,
    gone: usize,
    paths: Vec<Path>,
}

struct Path {
    d: String,
    title: String,
    of: String,
    from: usize,
    to: usize,
    cyclic: bool,
    pale: bool,
    thin: bool,
}

impl Picture {
    /// Lays out and prepares a picture. `lanes` are the titles of the lanes.
    #[must_use]
    pub fn new(id: &'static str, label: &str, items: Vec<Item>, lanes: &[String], edges: &[Edge]) -> Self {
        let longest = items.iter().map(|i| i.name.chars().count()).max().unwrap_or(0) as i32;
        let width = (longest * 7 + 44).clamp(WIDTHS.0, WIDTHS.1);
        let nodes: Vec<Node> = items.iter().map(|i| Node { width, height: HEIGHT, lane: i.lane }).collect();
        let pairs: Vec<(usize, usize)> = edges.iter().map(|e| e.ends).collect();
        let drawing = layout(&nodes, &pairs);
        let room = ((width - 40) * 5 / 34).max(4) as usize;
        let groups = groups(id, &items, edges, &drawing);
        let boxes = items
            .into_iter()
            .zip(&drawing.nodes)
            .map(|(item, (x, y))| Shown {
                short: short(&item.name, room),
                id: (!id.is_empty()).then_some(item.key),
                item,
                x: *x,
                y: *y,
                width,
            })
            .collect();
        let lanes =
            drawing.lanes.iter().zip(lanes).filter_map(|(area, title)| Some(((*area)?, title.clone()))).collect();
        Self { id, label: label.to_owned(), size: drawing.size, lanes, boxes, groups }
    }

    /// Width and height.
    #[must_use]
    pub fn size(&self) -> Point {
        self.size
    }

    /// The groups of edges that other pictures can reuse: how they are drawn, after which step they are gone, id.
    #[must_use]
    pub fn parts(&self) -> Vec<(Line, usize, String)> {
        self.groups.iter().filter_map(|g| Some((g.line, g.gone, g.id.clone()?))).collect()
    }
}

/// Edges by how they are drawn and when they go, in this order.
fn groups(id: &str, items: &[Item], edges: &[Edge], drawing: &Drawing) -> Vec<Group> {
    let mut kinds: Vec<(Line, usize)> = edges.iter().map(|e| (e.line, e.gone)).collect();
    kinds.sort_unstable();
    kinds.dedup();
    kinds.reverse();
    kinds
        .into_iter()
        .map(|(line, gone)| {
            let own = edges
                .iter()
                .zip(&drawing.routes)
                .filter(|(e, way)| (e.line, e.gone) == (line, gone) && !way.is_empty());
            let paths = own
                .map(|(e, way)| Path {
                    d: curve(way),
                    title: e.title.clone(),
                    of: e.of.first().map(ToString::to_string).unwrap_or_default(),
                    from: items[e.ends.0].key,
                    to: items[e.ends.1].key,
                    cyclic: e.cyclic,
                    pale: e.pale,
                    thin: e.thin,
                })
                .collect();
            let id = (!id.is_empty()).then(|| format!("{id}-{}-{gone}", line.style()[0]));
            Group { id, line, gone, paths }
        })
        .collect()
}

/// A way as a path: straight inside a column, curved between columns.
fn curve(way: &[Point]) -> String {
    let mut d = format!("M{},{}", way[0].0, way[0].1);
    for (step, pair) in way.windows(2).enumerate() {
        let ((x1, y1), (x2, y2)) = (pair[0], pair[1]);
        if step % 2 == 1 || y1 == y2 {
            d.push_str(&format!("L{x2},{y2}"));
        } else {
            let bend = x1 + (x2 - x1) / 2;
            d.push_str(&format!("C{bend},{y1} {bend},{y2} {x2},{y2}"));
        }
    }
    d
}

/// A name that fits.
fn short(name: &str, room: usize) -> String {
    if name.chars().count() <= room { name.to_owned() } else { name.chars().take(room - 1).chain(['…']).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_names_are_text() {
        let name = "</script><img src=x onerror=alert(1)>";
        let item = |key| Item {
            key,
            href: format!("#s{key}"),
            name: name.to_owned(),
            below: "service".to_owned(),
            kind: "service",
            heat: Some(4),
            cyclic: false,
            stores: 1,
            lane: Some(0),
        };
        let edge = Edge {
            ends: (0, 1),
            line: Line::Sync,
            of: vec![0],
            title: name.to_owned(),
            cyclic: true,
            pale: false,
            thin: false,
            gone: 1,
        };
        let picture = Picture::new("map", name, vec![item(0), item(1)], &[name.to_owned()], &[edge]);
        let svg = picture.render().expect("rendered");
        assert!(!svg.contains("<img") && !svg.contains("</script"), "{svg}");
        assert!(svg.contains("map-sync-1") && svg.contains("marker-end"));
    }
}
