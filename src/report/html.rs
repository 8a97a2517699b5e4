//! `report.html`: one self-contained file that reads without script, style or network, and explores with them.
//!
//! Each section is a view with a template of its own; askama escapes every name. A content policy with the hashes of
//! the one style and the one script allows nothing else.

mod compare;
mod data;
mod design;
mod drivers;
mod history;
mod limits;
mod map;
mod matrix;
mod picture;
mod plan;
mod services;
mod traffic;

use askama::Template;
use sha2::{Digest, Sha256};

use crate::diff::Diff;
use crate::model::Verdict;
use crate::result::Result;

use super::system::System;
use super::{clean, confidence, verdict};

const STYLE: &str = include_str!("html/style.css");
const SCRIPT: &str = include_str!("html/script.js");

/// Ids and titles of the sections, in an architect's order.
const SECTIONS: [(&str, &str); 15] = [
    ("score", "Score"),
    ("drivers", "Drivers"),
    ("map", "Map"),
    ("matrix", "Matrix"),
    ("owners", "Owners"),
    ("plan", "Plan"),
    ("findings", "Findings"),
    ("services", "Services"),
    ("dependencies", "Dependencies"),
    ("traffic", "Traces"),
    ("drift", "Drift"),
    ("history", "History"),
    ("compare", "Baseline"),
    ("limits", "Not known"),
    ("words", "Words"),
];

/// Arrow tips by how an edge is drawn.
const TIPS: [(&str, &str); 4] =
    [("tip-sync", "#2b3442"), ("tip-async", "#0072b2"), ("tip-data", "#7a8494"), ("tip-event", "#007a5a")];

#[derive(Template)]
#[template(path = "report.html", escape = "html", config = "src/report/html/askama.toml")]
struct Page {
    policy: String,
    style: &'static str,
    script: &'static str,
    name: String,
    verdict: String,
    lead: Option<String>,
    sections: &'static [(&'static str, &'static str)],
    tips: &'static [(&'static str, &'static str)],
    score: drivers::ScoreSection,
    drivers: drivers::Drivers,
    map: map::MapSection,
    matrix: matrix::Matrix,
    entities: drivers::Entities,
    plan: Option<plan::PlanSection>,
    findings: limits::Findings,
    services: services::Services,
    dependencies: services::Dependencies,
    traffic: traffic::TrafficSection,
    drift: drivers::Drift,
    history: history::History,
    compare: compare::Comparison,
    limits: limits::Limits,
    many: bool,
    graph: String,
    whole: String,
}

/// The report as HTML.
#[must_use]
pub fn render(result: &Result) -> String {
    compared(result, None)
}

/// The report with what changed since a baseline.
#[must_use]
pub fn compared(result: &Result, diff: Option<&Diff>) -> String {
    let system = System::of(result);
    let grouping = map::Grouping::of(&system);
    let map = map::section(&system, &grouping);
    let page = Page {
        policy: policy(),
        style: STYLE,
        script: SCRIPT,
        name: clean(&result.system),
        verdict: verdict(result),
        lead: lead(result),
        sections: &SECTIONS,
        tips: &TIPS,
        score: drivers::score(&system),
        drivers: drivers::drivers(&system),
        matrix: matrix::section(&system),
        entities: drivers::entities(&system),
        plan: plan::section(&system, map.shared()),
        map,
        findings: limits::findings(&system),
        services: services::section(&system),
        dependencies: services::dependencies(&system),
        traffic: traffic::section(&system),
        drift: drivers::drift(&system),
        history: history::section(&system),
        compare: compare::section(diff),
        limits: limits::limits(&system),
        many: result.services.len() > 300,
        graph: data::graph(&system, &grouping),
        whole: data::whole(&system),
    };
    page.render().expect("the template is checked when it is compiled")
}

/// What to do first, in one sentence under the verdict.
fn lead(result: &Result) -> Option<String> {
    let plan = result.plan.as_ref()?;
    let score = result.score.as_ref()?;
    let Some(first) = plan.steps.first() else { return Some(format!("{}.", clean(&plan.because))) };
    let last = plan.steps.last()?;
    let steps = plan.steps.len();
    let rest = if steps == 1 { "".to_owned() } else { format!(", all {steps} steps to {:.1}", last.score_after) };
    let events = format!(
        "{}: the score falls from {:.1} to {:.1}{rest}; what events cannot remove stays at {:.1}.",
        super::action(first),
        score.value,
        first.score_after,
        plan.floor
    );
    // Where events are not the first thing to do, the reason stands before what they would buy.
    Some(match plan.verdict {
        Verdict::Migrate => format!("First {events}"),
        Verdict::MergeFirst | Verdict::DoNotMigrate => {
            format!("{}. By events alone, first {events}", capitalised(&clean(&plan.because)))
        }
    })
}

fn capitalised(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
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
    format!("sha256-{}", base64(&Sha256::digest(text.as_bytes())))
}

/// Base64 with padding (RFC 4648).
fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::with_capacity(bytes.len() / 3 * 4 + 4);
    for chunk in bytes.chunks(3) {
        let n = chunk.iter().fold(0u32, |n, b| n << 8 | u32::from(*b)) << (8 * (3 - chunk.len()));
        for i in 0..4 {
            let letter = LETTERS[(n >> (18 - 6 * i) & 63) as usize] as char;
            out.push(if i <= chunk.len() { letter } else { '=' });
        }
    }
    out
}

/// The word that a value has in the result.
fn word(value: &impl serde::Serialize) -> String {
    serde_json::to_value(value).ok().and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_default()
}

/// Microseconds for people.
fn duration(us: u64) -> String {
    match us {
        0..1_000 => format!("{us} µs"),
        1_000..1_000_000 => format!("{:.1} ms", us as f64 / 1e3),
        _ => format!("{:.2} s", us as f64 / 1e6),
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
