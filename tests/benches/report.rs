//! The report at 50, 500 and 3,000 services: size, time of the layout and of the whole, and edge crossings beside those
//! of Graphviz `dot` on the same graphs (skipped where `dot` is not installed).
//!
//! `cargo bench --bench report` prints the figures and leaves the reports in `target/report-bench` for
//! `tests/browser/speed.mjs`; `cargo bench --bench report -- FOLDER...` compares the maps of further systems with `dot`.
//! Quote ratios; times are those of one machine.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use serde_json::{Value, json};
use unbraid::model::{Facts, Intent, Site, SourceKind, Traffic};
use unbraid::report::layout::{Node, layout};

fn main() {
    say("report: services, edges, KB, render ms");
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/report-bench");
    std::fs::create_dir_all(&folder).expect("a folder");
    for n in [50, 500, 3_000] {
        let edges = edges(n);
        let result = result(n, &edges);
        let start = Instant::now();
        let html = unbraid::report::FORMATS.iter().find(|f| f.id == "html").map(|f| (f.render)(&result));
        let html = html.expect("the HTML format");
        say(&format!("  {n}, {}, {}, {}", edges.len(), html.len() / 1000, start.elapsed().as_millis()));
        std::fs::write(folder.join(format!("{n}.html")), html).expect("written");
    }
    say("map as it is drawn: system, boxes, edges, crossings, of dot, ratio");
    let folders = std::env::args().skip(1).filter(|a| !a.starts_with('-'));
    for folder in std::iter::once(concat!(env!("CARGO_MANIFEST_DIR"), "/samples/shop").to_owned()).chain(folders) {
        let map = drawn(&folder);
        let own = crossings(&map.lines);
        let edges: Vec<(usize, usize)> = map.lines.iter().map(|l| l.0).collect();
        let theirs = dot(map.boxes, map.width, &edges).map(|lines| crossings(&lines));
        say(&format!("  {folder}, {}, {}, {own}, {}", map.boxes, edges.len(), beside(own, theirs)));
    }
    say("layout: services, edges, ms, crossings, of dot, ratio");
    // Above, `dot` itself takes minutes.
    for n in [25, 50, 100, 150, 500, 3_000] {
        let edges = edges(n);
        let nodes: Vec<Node> = (0..n).map(|_| Node { width: 150, height: 42, lane: None }).collect();
        let start = Instant::now();
        let drawing = layout(&nodes, &edges);
        let took = start.elapsed().as_millis();
        let lines: Vec<Line> = edges.iter().zip(&drawing.routes).map(|(e, way)| (*e, curve(way))).collect();
        let own = crossings(&lines);
        let theirs = if n <= 150 { dot(n, 150, &edges).map(|lines| crossings(&lines)) } else { None };
        say(&format!("  {n}, {}, {took}, {own}, {}", edges.len(), beside(own, theirs)));
    }
}

/// The crossings of `dot`, and how many times as many are ours.
fn beside(own: usize, theirs: Option<usize>) -> String {
    theirs.map_or_else(|| "not run".to_owned(), |n| format!("{n}, {:.2}", own as f64 / n.max(1) as f64))
}

/// The map of a report.
struct Map {
    boxes: usize,
    width: usize,
    lines: Vec<Line>,
}

/// The map in the report of a folder, read back from its SVG.
fn drawn(folder: &str) -> Map {
    let request = unbraid::Request { inputs: vec![folder.into()], ..unbraid::Request::default() };
    let reading = unbraid::read(&request).expect("a folder that can be read");
    let html =
        unbraid::report::FORMATS.iter().find(|f| f.id == "html").map(|f| (f.render)(&unbraid::analyze(&reading)));
    let html = html.expect("the HTML format");
    let svg = html.split("<svg class=\"picture\"").nth(1).and_then(|s| s.split("</svg>").next());
    let svg = svg.expect("a map");
    let value = |text: &str, name: &str| {
        let from = text.split(&format!(" {name}=\"")).nth(1)?;
        Some(from.split('"').next()?.to_owned())
    };
    let number = |text: &str, name: &str| value(text, name).and_then(|v| v.parse::<usize>().ok());
    let boxes: Vec<&str> = svg.split("<a class=\"box").skip(1).collect();
    let at: BTreeMap<usize, usize> = boxes.iter().filter_map(|b| number(b, "data-i")).zip(0..).collect();
    let lines = svg.split("<path d=").skip(1).filter_map(|path| {
        let ends = (*at.get(&number(path, "data-a")?)?, *at.get(&number(path, "data-b")?)?);
        Some((ends, followed(path.split('"').nth(1)?)))
    });
    // The widths of all boxes are one.
    let wide = boxes.iter().filter_map(|b| number(b.split("class=\"shape\"").nth(1)?, "width")).max();
    Map { boxes: boxes.len(), width: wide.unwrap_or(150), lines: lines.collect() }
}

/// The points of an SVG path of straight lines and curves.
fn followed(d: &str) -> Vec<(f64, f64)> {
    let mut line: Vec<(f64, f64)> = Vec::new();
    let mut rest = d;
    while let Some(command) = rest.chars().next() {
        let end = rest[1..].find(['M', 'L', 'C']).map_or(rest.len(), |at| at + 1);
        let values: Vec<f64> = rest[1..end].split([',', ' ']).filter_map(|v| v.parse().ok()).collect();
        let points: Vec<(f64, f64)> = values.chunks_exact(2).map(|c| (c[0], c[1])).collect();
        match (command, line.last().copied(), points.as_slice()) {
            ('C', Some(from), [b, c, to]) => line.extend(bezier([from, *b, *c, *to])),
            (_, _, points) => line.extend_from_slice(points),
        }
        rest = &rest[end..];
    }
    line
}

fn say(line: &str) {
    writeln!(std::io::stdout(), "{line}").expect("standard output");
}

/// A small generator (Knuth's constants): the same graph everywhere.
struct Chance(u64);

impl Chance {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as usize) % n.max(1)
    }
}

/// Domains of about a dozen services that call on within the domain, some hubs that many call, a few calls back.
fn edges(n: usize) -> Vec<(usize, usize)> {
    let mut chance = Chance(n as u64);
    let hubs = (n / 25).max(2);
    let mut all = BTreeSet::new();
    while all.len() < n * 5 / 2 {
        let from = chance.below(n);
        let domain = from / 12 * 12;
        let to = match chance.below(100) {
            0..65 => domain + chance.below(12),
            65..90 => chance.below(hubs) * 25,
            _ => chance.below(n),
        };
        let to = to.min(n - 1);
        let (from, to) = if from > to && chance.below(20) > 0 { (to, from) } else { (from, to) };
        if from != to {
            all.insert((from, to));
        }
    }
    all.into_iter().collect()
}

/// A whole result: what traces would say, and two call sites for each edge.
fn result(n: usize, edges: &[(usize, usize)]) -> unbraid::result::Result {
    let name = |i: usize| format!("{}-service-{i}", ["order", "cart", "stock", "price", "route"][i % 5]);
    assert!(edges.iter().all(|(a, b)| *a < n && *b < n));
    let rows: Vec<Value> = edges
        .iter()
        .map(|(a, b)| {
            json!({"relation": "sync", "source": name(*a), "target": name(*b), "protocol": "http", "calls": 100,
                   "errors": 1, "retries": 0, "duration_us": 1_000_000, "histogram": "180:50 200:50",
                   "exemplars": ["5b8efff798038103d269b633813fc60c"], "file": "traces.pb"})
        })
        .collect();
    let mut traffic: Traffic = serde_json::from_value(json!({"ledger": {}, "rows": rows})).expect("traffic");
    traffic.rows.sort_by(|a, b| a.key().cmp(&b.key()));
    let facts = Facts { traffic: Some(traffic), ..Facts::default() };
    let rules = unbraid::rules::Rules::built_in().expect("built in");
    let reading = unbraid::Reading { system: "bench".to_owned(), config: Default::default(), rules, facts };
    let mut result = unbraid::analyze(&reading);
    for (index, d) in result.dependencies.iter_mut().enumerate() {
        d.sites = (0..2).map(|k| site(index, k)).collect();
        d.intents = vec![Intent::Read];
        d.seen_in = vec![SourceKind::Code, SourceKind::Traces];
    }
    result
}

fn site(edge: usize, k: usize) -> Site {
    let path = format!("services/domain-{}/src/main/java/com/example/client/Client{edge}.java", edge % 40);
    let says = "the value of orders.url in application.yml is http://order-service:8080";
    let step = json!({"source": "manifests", "place": {"path": "deploy/application.yml", "line": 12}, "says": says,
                      "confidence": "confirmed"});
    serde_json::from_value(json!({"path": path, "line": 40 + k, "operation": format!("GET /api/v1/items/{{}}/{k}"),
        "intent": "read", "blocking": true, "rule": "java/resttemplate", "confidence": "confirmed",
        "chain": [step.clone(), step.clone(), step]}))
    .expect("a site")
}

type Line = ((usize, usize), Vec<(f64, f64)>);

/// The way of an edge as it is drawn: straight inside a column, curved between columns.
fn curve(way: &[(i32, i32)]) -> Vec<(f64, f64)> {
    let point = |p: (i32, i32)| (f64::from(p.0), f64::from(p.1));
    let mut line: Vec<(f64, f64)> = way.first().map(|p| point(*p)).into_iter().collect();
    for (step, pair) in way.windows(2).enumerate() {
        let (a, b) = (point(pair[0]), point(pair[1]));
        if step % 2 == 1 {
            line.push(b);
        } else {
            let bend = (a.0 + b.0) / 2.0;
            line.extend(bezier([a, (bend, a.1), (bend, b.1), b]));
        }
    }
    line
}

fn bezier(p: [(f64, f64); 4]) -> impl Iterator<Item = (f64, f64)> {
    (1..=10).map(move |i| {
        let t = f64::from(i) / 10.0;
        let u = 1.0 - t;
        let of = |v: [f64; 4]| u * u * u * v[0] + 3.0 * u * u * t * v[1] + 3.0 * u * t * t * v[2] + t * t * t * v[3];
        (of(p.map(|q| q.0)), of(p.map(|q| q.1)))
    })
}

/// How often two edges without a common end cross, by a grid of cells.
fn crossings(lines: &[Line]) -> usize {
    const CELL: f64 = 40.0;
    type Segment = (usize, (f64, f64), (f64, f64));
    let mut grid: BTreeMap<(i64, i64), Vec<Segment>> = BTreeMap::new();
    for (index, (_, line)) in lines.iter().enumerate() {
        for pair in line.windows(2) {
            let cell = |v: f64| (v / CELL).floor() as i64;
            let (a, b) = (pair[0], pair[1]);
            for x in cell(a.0.min(b.0))..=cell(a.0.max(b.0)) {
                for y in cell(a.1.min(b.1))..=cell(a.1.max(b.1)) {
                    grid.entry((x, y)).or_default().push((index, a, b));
                }
            }
        }
    }
    let mut count = 0;
    for (cell, segments) in grid {
        for (i, (first, a, b)) in segments.iter().enumerate() {
            for (second, c, d) in &segments[..i] {
                let (e, f) = (lines[*first].0, lines[*second].0);
                if first == second || e.0 == f.0 || e.0 == f.1 || e.1 == f.0 || e.1 == f.1 {
                    continue;
                }
                let Some((x, y)) = meet(*a, *b, *c, *d) else { continue };
                count += usize::from(((x / CELL).floor() as i64, (y / CELL).floor() as i64) == cell);
            }
        }
    }
    count
}

/// Where two segments cross.
fn meet(a: (f64, f64), b: (f64, f64), c: (f64, f64), d: (f64, f64)) -> Option<(f64, f64)> {
    let (r, s) = ((b.0 - a.0, b.1 - a.1), (d.0 - c.0, d.1 - c.1));
    let cross = r.0 * s.1 - r.1 * s.0;
    if cross == 0.0 {
        return None;
    }
    let q = (c.0 - a.0, c.1 - a.1);
    let (t, u) = ((q.0 * s.1 - q.1 * s.0) / cross, (q.0 * r.1 - q.1 * r.0) / cross);
    ((0.0..1.0).contains(&t) && (0.0..1.0).contains(&u)).then_some((a.0 + t * r.0, a.1 + t * r.1))
}

/// The edges as `dot` draws them with boxes of the same size; `None` where it is not installed.
fn dot(n: usize, width: usize, edges: &[(usize, usize)]) -> Option<Vec<Line>> {
    let inches = width as f64 / 72.0;
    let size = format!("width={inches:.3}, height=0.583");
    let mut text = format!("digraph g {{ rankdir=LR; node [shape=box, fixedsize=true, {size}, label=\"\"];\n");
    (0..n).for_each(|i| text.push_str(&format!("n{i};\n")));
    edges.iter().for_each(|(a, b)| text.push_str(&format!("n{a} -> n{b};\n")));
    text.push('}');
    let mut child = Command::new("dot").arg("-Tplain").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().ok()?;
    let mut input = child.stdin.take()?;
    let writer = std::thread::spawn(move || input.write_all(text.as_bytes()));
    let output = child.wait_with_output().ok()?;
    writer.join().ok()?.ok()?;
    let shown = String::from_utf8(output.stdout).ok()?;
    let lines = shown.lines().filter_map(|line| {
        let words: Vec<&str> = line.split(' ').collect();
        if words.first() != Some(&"edge") {
            return None;
        }
        let number = |word: &str| word.trim_start_matches('n').parse::<usize>().ok();
        let count: usize = words[3].parse().ok()?;
        let values: Vec<f64> = words[4..4 + 2 * count].iter().filter_map(|w| w.parse().ok()).collect();
        let points: Vec<(f64, f64)> = values.chunks(2).map(|c| (c[0] * 72.0, c[1] * 72.0)).collect();
        let mut drawn = vec![points[0]];
        for part in points.windows(4).step_by(3) {
            drawn.extend(bezier([part[0], part[1], part[2], part[3]]));
        }
        Some(((number(words[1])?, number(words[2])?), drawn))
    });
    Some(lines.collect())
}
