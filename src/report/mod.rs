//! One result -> bytes, in every format, each a pure function in a file of its own.
//!
//! Names come from inputs and are hostile until escaped; each format escapes by its own rules.

mod backstage;
mod badge;
mod csv;
mod dot;
pub mod gate;
mod graphml;
mod groups;
mod html;
mod json;
pub mod layout;
mod markdown;
mod mermaid;
mod plantuml;
mod sarif;
mod structurizr;
mod system;
pub mod text;

use crate::diff::Diff;
use crate::result::Result;

/// A report format.
pub struct Format {
    /// Id: `html`, `json`, …
    pub id: &'static str,
    /// Name of its file in the output folder.
    pub file: &'static str,
    /// Renders it.
    pub render: fn(&Result) -> String,
    /// Part of the output folder; the others are written when they are asked for by name.
    pub always: bool,
}

/// All formats.
#[rustfmt::skip]
pub const FORMATS: &[Format] = &[
    Format { id: "html", file: "report.html", render: html::render, always: true },
    Format { id: "markdown", file: "report.md", render: markdown::render, always: true },
    Format { id: "json", file: "graph.json", render: json::render, always: true },
    Format { id: "mermaid", file: "graph.mmd", render: mermaid::render, always: true },
    Format { id: "dot", file: "graph.dot", render: dot::render, always: true },
    Format { id: "csv", file: "edges.csv", render: csv::render, always: true },
    Format { id: "sarif", file: "findings.sarif", render: sarif::render, always: true },
    Format { id: "graphml", file: "graph.graphml", render: graphml::render, always: false },
    Format { id: "structurizr", file: "workspace.dsl", render: structurizr::render, always: false },
    Format { id: "plantuml", file: "graph.puml", render: plantuml::render, always: false },
    Format { id: "backstage", file: "catalog-info.yaml", render: backstage::render, always: false },
    Format { id: "badge", file: "badge.svg", render: badge::render, always: false },
];

/// Renders what an output folder holds: (file name, bytes).
#[must_use]
pub fn render(result: &Result) -> Vec<(String, Vec<u8>)> {
    folder(result, None)
}

/// The same; the HTML report also says what changed since a baseline.
#[must_use]
pub fn folder(result: &Result, diff: Option<&Diff>) -> Vec<(String, Vec<u8>)> {
    let all = FORMATS.iter().filter(|f| f.always);
    all.map(|f| (f.file.to_owned(), render_compared(f, result, diff).into_bytes())).collect()
}

/// Renders one format; the HTML report also says what changed since a baseline.
#[must_use]
pub fn render_compared(format: &Format, result: &Result, diff: Option<&Diff>) -> String {
    if format.id == "html" { html::compared(result, diff) } else { (format.render)(result) }
}

/// The word of a confidence.
fn confidence(confidence: crate::model::Confidence) -> &'static str {
    match confidence {
        crate::model::Confidence::Confirmed => "confirmed",
        crate::model::Confidence::Probable => "probable",
        crate::model::Confidence::Possible => "possible",
    }
}

/// A share as whole per cent; "not measured" without one.
fn percent(share: Option<f64>) -> String {
    share.map_or_else(|| "not measured".to_owned(), |s| format!("{:.0} %", s * 100.0))
}

/// The verdict in one sentence.
fn verdict(result: &Result) -> String {
    let Some(score) = &result.score else { return "No service was found.".to_owned() };
    let what = match score.band {
        crate::model::Band::Loose => "is loosely coupled",
        crate::model::Band::Moderate => "is moderately coupled",
        crate::model::Band::High => "is highly coupled",
        crate::model::Band::DistributedMonolith => "is a distributed monolith",
    };
    let advice = match result.plan.as_ref().map(|p| p.verdict) {
        Some(crate::model::Verdict::Migrate) => "events help",
        Some(crate::model::Verdict::MergeFirst) => "merge first",
        Some(crate::model::Verdict::DoNotMigrate) | None => "events would not help much",
    };
    format!("{} {what}: {:.1} of 100; {advice}.", clean(&result.system), score.value)
}

/// Control characters and direction marks of a name are shown, not obeyed.
fn clean(text: &str) -> String {
    text.chars()
        .map(|c| {
            let direction =
                matches!(c, '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{FEFF}');
            if c.is_control() || direction { '\u{FFFD}' } else { c }
        })
        .collect()
}

/// What a step does, in words.
fn action(step: &crate::model::Step) -> String {
    use crate::model::Action;
    let name = step.entity.clone().unwrap_or_else(|| step.services.join(" and "));
    let name = clean(&name);
    match step.action {
        Action::PublishEntity => format!("publish the data of {name}"),
        Action::EmitEvent => format!("let {name} emit events instead of notifying"),
        Action::Saga => format!("make the command between {name} a saga step"),
        Action::Merge => format!("merge {name}"),
        Action::Library => format!("turn the computation between {name} into a library"),
        Action::ReadService => format!("put a read service before {name}"),
    }
}
