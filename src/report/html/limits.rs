//! What the report rests on and what it does not know: findings with evidence, what was read, skipped, not resolved
//! and not measured.

use std::collections::BTreeMap;

use askama::Template;

use crate::analyze::smells::SMELLS;
use crate::model::Severity;
use crate::report::clean;
use crate::report::system::System;

/// Rows of one table; the rest is in `graph.json`.
const ROWS: usize = 500;
/// Places listed with a finding.
const PLACES: usize = 12;

/// The findings.
#[derive(Template)]
#[template(path = "findings.html", escape = "html", config = "src/report/html/askama.toml")]
pub struct Findings {
    total: usize,
    smells: Vec<SmellView>,
    missing: Vec<[String; 2]>,
    lies: Vec<[String; 4]>,
}

struct SmellView {
    id: String,
    title: String,
    why: String,
    /// The way out, where it is the same for all.
    way_out: String,
    worst: &'static str,
    all: Vec<FindingView>,
    more: usize,
}

struct FindingView {
    severity: &'static str,
    confidence: &'static str,
    because: String,
    places: Vec<String>,
    more: usize,
    way_out: String,
}

fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::High => "high",
        Severity::Medium => "medium",
        Severity::Low => "low",
    }
}

/// Findings by smell, the most severe first.
#[must_use]
pub fn findings(system: &System<'_>) -> Findings {
    let result = system.result;
    let mut by_smell: BTreeMap<&str, Vec<&crate::model::Finding>> = BTreeMap::new();
    for f in &result.findings {
        by_smell.entry(&f.smell).or_default().push(f);
    }
    let mut all: Vec<(&str, Vec<&crate::model::Finding>)> = by_smell.into_iter().collect();
    let worst = |findings: &[&crate::model::Finding]| findings.iter().map(|f| f.severity).max();
    all.sort_by_key(|(id, findings)| (std::cmp::Reverse(worst(findings)), *id));
    let smells = all.into_iter().map(|(id, findings)| {
        let first = findings.first().map(|f| f.refactorings.as_slice()).unwrap_or_default();
        let same = findings.iter().all(|f| f.refactorings == first);
        SmellView {
            id: clean(id),
            title: text(id, 0),
            why: text(id, 1),
            way_out: if same { clean(&first.join("; ")) } else { String::new() },
            worst: severity(worst(&findings).unwrap_or(Severity::Low)),
            more: findings.len().saturating_sub(ROWS / 4),
            all: findings.into_iter().take(ROWS / 4).map(|f| finding(f, same)).collect(),
        }
    });
    Findings {
        total: result.findings.len(),
        smells: smells.collect(),
        lies: result
            .verb_lies
            .iter()
            .take(ROWS)
            .map(|l| {
                let what =
                    if l.writes { "its verb reads, and it writes" } else { "its verb writes, and it only reads" };
                [
                    clean(&format!("{} {}", l.service, l.operation)),
                    what.to_owned(),
                    clean(&l.place.to_string()),
                    clean(&l.callers.join(", ")),
                ]
            })
            .collect(),
        missing: result.not_evaluated.iter().map(|n| [clean(&n.smell), clean(&n.missing)]).collect(),
    }
}

/// The title of a smell's text, or its first paragraph.
fn text(id: &str, paragraph: usize) -> String {
    let Some(smell) = SMELLS.iter().find(|s| s.id == id) else { return String::new() };
    let mut parts = smell.text.split("\n\n").map(|p| p.replace('\n', " "));
    if paragraph == 0 {
        return parts.next().unwrap_or_default().trim_start_matches("# ").trim().to_owned();
    }
    parts.skip(1).find(|p| !p.starts_with('#')).unwrap_or_default().replace(['`', '*'], "").trim().to_owned()
}

fn finding(f: &crate::model::Finding, same: bool) -> FindingView {
    FindingView {
        severity: severity(f.severity),
        confidence: severity(f.confidence),
        because: clean(&f.because),
        places: f.evidence.iter().take(PLACES).map(|e| clean(&format!("{} {}", e.place, e.says))).collect(),
        more: f.evidence.len().saturating_sub(PLACES),
        way_out: if same { String::new() } else { clean(&f.refactorings.join("; ")) },
    }
}

/// What was read, and what is not known.
#[derive(Template)]
#[template(path = "limits.html", escape = "html", config = "src/report/html/askama.toml")]
pub struct Limits {
    measured: Vec<[String; 3]>,
    unresolved: Vec<[String; 4]>,
    more_unresolved: usize,
    candidates: Vec<[String; 4]>,
    more_candidates: usize,
    read: Vec<(String, u64)>,
    skipped: Vec<(String, u64)>,
    ledger: Vec<(String, u64)>,
    notes: Vec<[String; 2]>,
    more_notes: usize,
}

/// What the result rests on.
#[must_use]
pub fn limits(system: &System<'_>) -> Limits {
    let result = system.result;
    let place = |s: &crate::model::Site| clean(&format!("{}:{}", s.path, s.line));
    let unresolved = result.unresolved.iter().take(ROWS);
    let candidates = result.candidates.iter().take(ROWS);
    Limits {
        measured: measured(system),
        unresolved: unresolved
            .map(|u| [clean(&u.source), place(&u.site), clean(&u.last_value), clean(&u.reason)])
            .collect(),
        more_unresolved: result.unresolved.len().saturating_sub(ROWS),
        candidates: candidates
            .map(|c| [clean(&c.source), clean(&c.targets.join(", ")), place(&c.site), clean(&c.reason)])
            .collect(),
        more_candidates: result.candidates.len().saturating_sub(ROWS),
        read: result.read.files.iter().map(|(k, n)| (clean(k), *n)).collect(),
        skipped: result.read.skipped.iter().map(|(k, n)| (clean(k), *n)).collect(),
        ledger: result.traffic.iter().flat_map(|t| &t.ledger).map(|(k, n)| (clean(k), *n)).collect(),
        notes: result.notes.iter().take(ROWS).map(|n| [clean(&n.place), clean(&n.text)]).collect(),
        more_notes: result.notes.len().saturating_sub(ROWS),
    }
}

/// What was measured and what not, with what would measure it.
fn measured(system: &System<'_>) -> Vec<[String; 3]> {
    let result = system.result;
    let row = |what: &str, yes: bool, how: &str| {
        let said = if yes { "measured" } else { "not measured" };
        [what.to_owned(), said.to_owned(), if yes { String::new() } else { how.to_owned() }]
    };
    let sub = result.score.as_ref().map(|s| s.sub_scores).unwrap_or_default();
    vec![
        row(
            "calls that code makes",
            result.score.as_ref().is_some_and(|s| s.coverage.code.is_some()),
            "no outbound call site was found; give folders with source code",
        ),
        row(
            "calls that happen, errors, latency",
            result.traffic.is_some(),
            "give recorded traces (OTLP, Jaeger, Zipkin or CSV) beside the code",
        ),
        row(
            "who writes which table",
            sub.data_ownership.is_some(),
            "no table with a known database was found; give migrations, ORM classes or SQL",
        ),
        row(
            "what changes together",
            sub.change_coupling.is_some(),
            "give a git repository with its full history (git fetch --unshallow)",
        ),
        row(
            "teams",
            system.teams.iter().any(Option::is_some),
            "no CODEOWNERS or catalogue names an owner; add one, or owner: in unbraid.yaml",
        ),
        row("operations served", !result.endpoints.is_empty(), "no handler and no OpenAPI or protobuf file was found"),
    ]
}
