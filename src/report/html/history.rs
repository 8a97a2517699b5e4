//! What git says: services that change together, and whether they also wait for each other.

use askama::Template;

use crate::report::clean;
use crate::report::system::System;

/// The section.
#[derive(Template)]
#[template(path = "history.html", escape = "html", config = "src/report/html/askama.toml")]
pub struct History {
    coupling: Option<String>,
    findings: Vec<String>,
}

/// What changes together.
#[must_use]
pub fn section(system: &System<'_>) -> History {
    let sub = system.result.score.as_ref().and_then(|s| s.sub_scores.change_coupling);
    let about = system.result.findings.iter().filter(|f| f.smell.contains("change") || f.smell.contains("lockstep"));
    History { coupling: sub.map(|s| format!("{s:.1}")), findings: about.map(|f| clean(&f.because)).collect() }
}
