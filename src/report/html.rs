//! `report.html`: one self-contained file that reads without script, style or network.
//!
//! askama escapes every name; a content policy with the hashes of the one style and the one script allows nothing
//! else.

use askama::Template;
use sha2::{Digest, Sha256};

use crate::model::{Mode, Severity};
use crate::result::Result;

use super::{action, clean, map, percent, verdict};

const STYLE: &str = include_str!("html/style.css");
const SCRIPT: &str = include_str!("html/script.js");

/// Nodes of the map, and rows of one table; the rest is in `graph.json`.
const MAP_NODES: usize = 60;
const ROWS: usize = 600;
/// Members of the matrix.
const MATRIX: usize = 60;

#[derive(Template)]
#[template(path = "report.html", escape = "html", config = "src/report/html/askama.toml")]
struct Page {
    policy: String,
    style: &'static str,
    script: &'static str,
    system: String,
    verdict: String,
    score: Option<ScoreView>,
    map: MapView,
    matrix: Vec<MatrixRow>,
    matrix_names: Vec<String>,
    plan: Option<PlanView>,
    entities: Vec<Vec<String>>,
    services: Vec<ServiceView>,
    findings: Vec<FindingView>,
    not_evaluated: Vec<(String, String)>,
    edges: Vec<EdgeView>,
    more_edges: usize,
    unresolved: Vec<Vec<String>>,
    candidates: Vec<Vec<String>>,
    read: Vec<(String, u64)>,
    skipped: Vec<(String, u64)>,
    notes: Vec<(String, String)>,
}

struct ScoreView {
    value: String,
    low: String,
    high: String,
    band: &'static str,
    /// Position on a scale of 300.
    at: i32,
    from: i32,
    wide: i32,
    code: String,
    traces: String,
    lower: u32,
    corpus: u32,
    services: u32,
    edges: u32,
    cycles: String,
    chain: String,
    depth: u32,
    propagation: String,
    terms: Vec<(String, u32, u32, String, i32)>,
}

#[derive(Default)]
struct MapView {
    width: i32,
    height: i32,
    nodes: Vec<MapNode>,
    edges: Vec<MapEdge>,
    left: usize,
}

struct MapNode {
    x: i32,
    y: i32,
    text_y: i32,
    text_x: i32,
    name: String,
    short: String,
    kind: &'static str,
}

struct MapEdge {
    path: String,
    mode: &'static str,
    title: String,
}

struct MatrixRow {
    name: String,
    cells: Vec<(&'static str, String)>,
}

struct PlanView {
    verdict: &'static str,
    because: String,
    floor: String,
    search: String,
    steps: Vec<StepView>,
    residue: Vec<Vec<String>>,
}

struct StepView {
    number: usize,
    what: String,
    before: String,
    after: String,
    bar: i32,
    effort: String,
    because: String,
    terms: Vec<(String, String)>,
    edges: Vec<String>,
    sites: Vec<String>,
}

struct ServiceView {
    name: String,
    kind: &'static str,
    owner: String,
    code: String,
    member: String,
    because: String,
    known_as: String,
}

struct FindingView {
    smell: String,
    severity: &'static str,
    because: String,
    evidence: Vec<String>,
    way_out: String,
}

struct EdgeView {
    source: String,
    target: String,
    mode: &'static str,
    over: String,
    confidence: String,
    seen: String,
    intents: String,
    calls: String,
    sites: Vec<SiteView>,
    evidence: Vec<String>,
}

struct SiteView {
    place: String,
    operation: String,
    intent: String,
    chain: Vec<String>,
}

/// The report as HTML.
#[must_use]
pub fn render(result: &Result) -> String {
    let page = Page {
        policy: policy(),
        style: STYLE,
        script: SCRIPT,
        system: clean(&result.system),
        verdict: verdict(result),
        score: score(result),
        map: draw(result),
        matrix: matrix(result),
        matrix_names: members(result),
        plan: plan(result),
        entities: entities(result),
        services: result.services.iter().map(service).collect(),
        findings: result.findings.iter().take(ROWS).map(finding).collect(),
        not_evaluated: result.not_evaluated.iter().map(|n| (n.smell.clone(), n.missing.clone())).collect(),
        edges: result.dependencies.iter().take(ROWS).map(edge).collect(),
        more_edges: result.dependencies.len().saturating_sub(ROWS),
        unresolved: result
            .unresolved
            .iter()
            .take(ROWS)
            .map(|u| {
                vec![
                    clean(&u.source),
                    format!("{}:{}", clean(&u.site.path), u.site.line),
                    clean(&u.last_value),
                    clean(&u.reason),
                ]
            })
            .collect(),
        candidates: result
            .candidates
            .iter()
            .take(ROWS)
            .map(|c| {
                vec![
                    clean(&c.source),
                    clean(&c.targets.join(", ")),
                    format!("{}:{}", clean(&c.site.path), c.site.line),
                    clean(&c.reason),
                ]
            })
            .collect(),
        read: result.read.files.iter().map(|(k, n)| (k.clone(), *n)).collect(),
        skipped: result.read.skipped.iter().map(|(k, n)| (k.clone(), *n)).collect(),
        notes: result.notes.iter().take(ROWS).map(|n| (clean(&n.place), clean(&n.text))).collect(),
    };
    page.render().expect("the template is checked when it is compiled")
}

/// Only the one style and the one script may run, and nothing is fetched.
fn policy() -> String {
    format!(
        "default-src 'none'; style-src '{}'; script-src '{}'; base-uri 'none'; form-action 'none'",
        hash(STYLE),
        hash(SCRIPT)
    )
}

fn hash(text: &str) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let digest = Sha256::digest(text.as_bytes());
    let mut out = "sha256-".to_owned();
    for chunk in digest.chunks(3) {
        let n = chunk.iter().fold(0u32, |n, b| n << 8 | u32::from(*b)) << (8 * (3 - chunk.len()));
        for i in 0..4 {
            let letter = LETTERS[(n >> (18 - 6 * i) & 63) as usize] as char;
            out.push(if i <= chunk.len() { letter } else { '=' });
        }
    }
    out
}

fn score(result: &Result) -> Option<ScoreView> {
    let score = result.score.as_ref()?;
    let [low, high] = score.interval;
    let figures = &score.figures;
    let pixel = |v: f64| (v * 3.0).round() as i32;
    Some(ScoreView {
        value: format!("{:.1}", score.value),
        low: format!("{low:.1}"),
        high: format!("{high:.1}"),
        band: score.band.as_str(),
        at: pixel(score.value),
        from: pixel(low),
        wide: (pixel(high) - pixel(low)).max(2),
        code: percent(score.coverage.code),
        traces: percent(score.coverage.traces),
        lower: score.compared[0],
        corpus: score.compared[1],
        services: figures.services,
        edges: figures.edges,
        cycles: if figures.cycles.is_empty() {
            "none".to_owned()
        } else {
            figures.cycles.iter().map(|c| clean(&c.join(", "))).collect::<Vec<_>>().join("; ")
        },
        chain: clean(&figures.longest_chain.join(" → ")),
        depth: figures.depth,
        propagation: figures.propagation_cost.map_or_else(|| "not measured".to_owned(), |p| format!("{p:.3}")),
        terms: score
            .terms
            .iter()
            .map(|t| (clean(&t.service), t.up, t.down, format!("{:.3}", t.value), (t.value * 120.0).round() as i32))
            .collect(),
    })
}

/// Edges between drawn nodes: infrastructure is left to the table.
fn draw(result: &Result) -> MapView {
    let edges: Vec<_> = result.dependencies.iter().filter(|d| d.mode != Mode::Infra).collect();
    let mut weight: std::collections::BTreeMap<&str, usize> = std::collections::BTreeMap::new();
    for d in &edges {
        for name in [&d.source, &d.target] {
            *weight.entry(name).or_default() += 1;
        }
    }
    let mut names: Vec<&str> = weight.keys().copied().collect();
    let left = names.len().saturating_sub(MAP_NODES);
    names.sort_by_key(|n| (std::cmp::Reverse(weight[n]), *n));
    names.truncate(MAP_NODES);
    names.sort_unstable();
    let at = |name: &str| names.binary_search(&name).ok();
    let pairs: Vec<(usize, usize)> = edges.iter().filter_map(|d| Some((at(&d.source)?, at(&d.target)?))).collect();
    let (points, (width, height)) = map::layout(names.len(), &pairs);
    let kind = |name: &str| result.services.iter().find(|s| s.name == name).map_or("service", |s| s.kind.as_str());
    let nodes = names
        .iter()
        .zip(&points)
        .map(|(name, (x, y))| {
            let name = clean(name);
            let short: String =
                if name.chars().count() > 19 { name.chars().take(18).chain(['…']).collect() } else { name.clone() };
            MapNode { x: *x, y: *y, text_x: x + map::BOX.0 / 2, text_y: y + 22, kind: kind(&name), short, name }
        })
        .collect();
    let drawn = edges
        .iter()
        .filter_map(|d| {
            let (a, b) = (points[at(&d.source)?], points[at(&d.target)?]);
            let over = d.channel.as_deref().unwrap_or(&d.protocol);
            Some(MapEdge {
                path: curve(a, b),
                mode: d.mode.as_str(),
                title: format!("{} → {}, {} over {}", clean(&d.source), clean(&d.target), d.mode.as_str(), clean(over)),
            })
        })
        .collect();
    MapView { width, height, nodes, edges: drawn, left }
}

/// From the right side of one box to the left side of another; backward edges go around below.
fn curve(a: map::Point, b: map::Point) -> String {
    let (w, h) = map::BOX;
    let (x1, y1, x2, y2) = (a.0 + w, a.1 + h / 2, b.0, b.1 + h / 2);
    if x2 > x1 {
        let bend = (x2 - x1) / 2;
        return format!("M{x1},{y1} C{},{y1} {},{y2} {x2},{y2}", x1 + bend, x2 - bend);
    }
    let (x1, y1, x2, y2) = (a.0 + w / 2, a.1 + h, b.0 + w / 2, b.1 + h);
    let low = y1.max(y2) + 26;
    format!("M{x1},{y1} C{x1},{low} {x2},{low} {x2},{y2}")
}

/// Members in the order of their terms, most entangled first.
fn members(result: &Result) -> Vec<String> {
    let terms = result.score.as_ref().map(|s| s.terms.as_slice()).unwrap_or_default();
    terms.iter().filter(|t| t.value > 0.0).take(MATRIX).map(|t| t.service.clone()).collect()
}

fn matrix(result: &Result) -> Vec<MatrixRow> {
    let names = members(result);
    names
        .iter()
        .map(|row| MatrixRow {
            name: clean(row),
            cells: names
                .iter()
                .map(|column| {
                    if row == column {
                        return ("self", String::new());
                    }
                    let found = result
                        .dependencies
                        .iter()
                        .find(|d| d.source == *row && d.target == *column && d.mode == Mode::Sync);
                    match found {
                        Some(d) => ("sync", d.sites.len().max(1).to_string()),
                        None if result
                            .dependencies
                            .iter()
                            .any(|d| d.source == *row && d.target == *column && d.mode == Mode::Async) =>
                        {
                            ("async", "e".to_owned())
                        }
                        None => ("none", String::new()),
                    }
                })
                .collect(),
        })
        .collect()
}

fn plan(result: &Result) -> Option<PlanView> {
    let plan = result.plan.as_ref()?;
    let steps = plan.steps.iter().enumerate().map(|(i, s)| StepView {
        number: i + 1,
        what: action(s),
        before: format!("{:.2}", s.score_before),
        after: format!("{:.2}", s.score_after),
        bar: (s.score_after * 2.0).round() as i32,
        effort: s.effort.to_string(),
        because: clean(&s.because),
        terms: s.effort_terms.iter().map(|t| (t.what.clone(), t.points.to_string())).collect(),
        edges: s.frees_edges.iter().map(|[a, b]| format!("{} → {}", clean(a), clean(b))).collect(),
        sites: s.frees_sites.iter().take(60).map(|t| clean(t)).collect(),
    });
    let residue = plan.residue.iter().map(|r| {
        let intents: Vec<&str> = r.intents.iter().map(|i| i.as_str()).collect();
        vec![
            format!("{} → {}", clean(&r.source), clean(&r.target)),
            intents.join(", "),
            r.proposal.clone(),
            r.score_after.map_or_else(String::new, |s| format!("{s:.2}")),
        ]
    });
    Some(PlanView {
        verdict: plan.verdict.as_str(),
        because: clean(&plan.because),
        floor: format!("{:.2}", plan.floor),
        search: plan.search.clone(),
        steps: steps.collect(),
        residue: residue.take(ROWS).collect(),
    })
}

fn entities(result: &Result) -> Vec<Vec<String>> {
    let mut all: Vec<_> = result.entities.iter().collect();
    all.sort_by_key(|e| (if e.rank == 0 { u32::MAX } else { e.rank }, e.service.clone()));
    all.iter()
        .map(|e| {
            let tests: Vec<String> = e
                .tests
                .iter()
                .map(|(id, p)| format!("{id} {}", p.map_or("?", |p| if p { "yes" } else { "no" })))
                .collect();
            let class =
                serde_json::to_value(e.class).ok().and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_default();
            let why: Vec<String> = e.because.values().cloned().collect();
            vec![
                if e.rank == 0 { "–".to_owned() } else { e.rank.to_string() },
                clean(&e.service),
                class,
                format!("{:.2}", e.gain),
                e.rank_by_fan_in.to_string(),
                e.rank_by_page_rank.to_string(),
                tests.join(", "),
                clean(&why.join("; ")),
            ]
        })
        .collect()
}

fn service(s: &crate::model::Service) -> ServiceView {
    let membership = s.membership.as_ref();
    ServiceView {
        name: clean(&s.name),
        kind: s.kind.as_str(),
        owner: clean(&s.owners.join(", ")),
        code: clean(
            &[s.languages.join(", "), s.engine.clone().unwrap_or_default()]
                .into_iter()
                .filter(|t| !t.is_empty())
                .collect::<Vec<_>>()
                .join("; "),
        ),
        member: membership.map_or("–", |m| if m.member { "yes" } else { "no" }).to_owned(),
        because: clean(&membership.map(|m| m.because.clone()).unwrap_or_default()),
        known_as: clean(&s.aliases.join(", ")),
    }
}

fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::High => "high",
        Severity::Medium => "medium",
        Severity::Low => "low",
    }
}

fn finding(f: &crate::model::Finding) -> FindingView {
    FindingView {
        smell: f.smell.clone(),
        severity: severity(f.severity),
        because: clean(&f.because),
        evidence: f.evidence.iter().take(12).map(|e| clean(&format!("{} {}", e.place, e.says))).collect(),
        way_out: f.refactorings.join("; "),
    }
}

fn edge(d: &crate::model::Dependency) -> EdgeView {
    let seen: Vec<String> = d.seen_in.iter().map(|s| format!("{s:?}").to_lowercase()).collect();
    let intents: Vec<&str> = d.intents.iter().map(|i| i.as_str()).collect();
    EdgeView {
        source: clean(&d.source),
        target: clean(&d.target),
        mode: d.mode.as_str(),
        over: clean(d.channel.as_deref().unwrap_or(&d.protocol)),
        confidence: format!("{:?}", d.confidence).to_lowercase(),
        seen: seen.join(", "),
        intents: intents.join(", "),
        calls: d.calls.map_or_else(|| "not measured".to_owned(), |n| n.to_string()),
        sites: d
            .sites
            .iter()
            .take(40)
            .map(|s| SiteView {
                place: clean(&format!("{}:{}", s.path, s.line)),
                operation: clean(&s.operation),
                intent: s.intent.map_or("", |i| i.as_str()).to_owned(),
                chain: s.chain.iter().map(|e| clean(&format!("{}: {}", e.place, e.says))).collect(),
            })
            .collect(),
        evidence: d.evidence.iter().take(12).map(|e| clean(&format!("{}: {}", e.place, e.says))).collect(),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn hashes_are_those_of_the_policy() {
        // The digest of the empty text, base64 (FIPS 180-4).
        assert_eq!(super::hash(""), "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");
    }
}
