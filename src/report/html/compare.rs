//! What changed since a baseline: new, gone, worse, better.

use askama::Template;

use crate::diff::{Diff, EdgeChange};
use crate::report::clean;

/// Rows of one list.
const ROWS: usize = 200;

/// The section.
#[derive(Template)]
#[template(path = "compare.html", escape = "html", config = "src/report/html/askama.toml")]
pub struct Comparison {
    diff: Option<View>,
}

struct View {
    old: String,
    new: String,
    change: String,
    worse: Vec<String>,
    better: Vec<String>,
    doubts: Vec<String>,
    edges: Vec<[String; 4]>,
    findings: Vec<[String; 3]>,
    services: Vec<[String; 4]>,
}

/// A comparison, or how to get one.
#[must_use]
pub fn section(diff: Option<&Diff>) -> Comparison {
    Comparison { diff: diff.map(view) }
}

fn view(diff: &Diff) -> View {
    let score = |v: Option<f64>| v.map_or_else(|| "not measured".to_owned(), |v| format!("{v:.2}"));
    let all = |texts: &[String]| texts.iter().take(ROWS).map(|t| clean(t)).collect();
    let edges = [("new", &diff.new_edges), ("gone", &diff.gone_edges), ("changed", &diff.changed_edges)];
    let edges = edges.iter().flat_map(|(what, list)| list.iter().map(move |e| edge(what, e)));
    let findings = [("new", &diff.new_findings), ("gone", &diff.gone_findings)];
    let findings = findings
        .iter()
        .flat_map(|(what, list)| list.iter().map(move |f| [(*what).to_owned(), clean(&f.smell), clean(&f.because)]));
    let reach = |r: Option<[u32; 2]>| r.map_or_else(|| "–".to_owned(), |[up, down]| format!("{up} / {down}"));
    let services =
        diff.services.iter().map(|s| [clean(&s.service), reach(s.old), reach(s.new), format!("{:+.3}", s.change)]);
    View {
        old: score(diff.old.score),
        new: score(diff.new.score),
        change: diff.score.map_or_else(|| "not measured".to_owned(), |c| format!("{c:+.2}")),
        worse: all(&diff.worse),
        better: all(&diff.better),
        doubts: all(&diff.doubts),
        edges: edges.take(ROWS).collect(),
        findings: findings.take(ROWS).collect(),
        services: services.take(ROWS).collect(),
    }
}

fn edge(what: &str, e: &EdgeChange) -> [String; 4] {
    let place = e.evidence.first().map(|v| v.place.to_string()).unwrap_or_default();
    let over = e.channel.as_deref().unwrap_or(if e.blocking { "waits" } else { "does not wait" });
    [what.to_owned(), clean(&format!("{} → {}", e.source, e.target)), clean(over), clean(&place)]
}
