//! What git says: services that change together, and whether one also waits for the other.

use askama::Template;

use crate::model::CoChange;
use crate::report::clean;
use crate::report::system::System;

/// Rows of the table; the rest is in `graph.json`.
const ROWS: usize = 40;

/// The section.
#[derive(Template)]
#[template(path = "history.html", escape = "html", config = "src/report/html/askama.toml")]
pub struct History {
    coupling: Option<String>,
    changes: Option<u32>,
    skipped: Vec<(String, u32)>,
    pairs: Vec<PairView>,
    more: usize,
    findings: Vec<String>,
}

struct PairView {
    names: [(Option<usize>, String); 2],
    shared: u32,
    degree: String,
    waits: &'static str,
    how: &'static str,
    examples: String,
}

/// What changes together.
#[must_use]
pub fn section(system: &System<'_>) -> History {
    let result = system.result;
    let sub = result.score.as_ref().and_then(|s| s.sub_scores.change_coupling);
    let about = result.findings.iter().filter(|f| f.smell.contains("change") || f.smell.contains("teams"));
    let history = result.history.as_ref();
    let mut pairs: Vec<&CoChange> = history.iter().flat_map(|h| &h.pairs).collect();
    pairs.sort_by(|x, y| y.degree.total_cmp(&x.degree).then_with(|| (&x.a, &x.b).cmp(&(&y.a, &y.b))));
    History {
        coupling: sub.map(|s| format!("{s:.1}")),
        changes: history.map(|h| h.changes),
        skipped: history.iter().flat_map(|h| &h.skipped).map(|(why, n)| (clean(why), *n)).collect(),
        more: pairs.len().saturating_sub(ROWS),
        pairs: pairs.into_iter().take(ROWS).map(|p| pair(system, p)).collect(),
        findings: about.map(|f| clean(&f.because)).collect(),
    }
}

fn pair(system: &System<'_>, p: &CoChange) -> PairView {
    let (a, b) = (system.find(&p.a), system.find(&p.b));
    let waits = a.zip(b).is_some_and(|(a, b)| {
        let mut all = system.out[a].iter().chain(&system.out[b]).filter_map(|d| system.waits(*d));
        all.any(|ends| ends == (a, b) || ends == (b, a))
    });
    PairView {
        names: [(a, clean(&p.a)), (b, clean(&p.b))],
        shared: p.shared,
        degree: format!("{:.0} %", p.degree * 100.0),
        waits: if waits { "yes" } else { "no" },
        how: if p.across { "by ticket or time" } else { "in one commit" },
        examples: p.evidence.iter().map(|e| clean(&format!("{}: {}", e.place, e.says))).collect::<Vec<_>>().join("; "),
    }
}
