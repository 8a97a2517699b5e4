//! GitLab's code quality report: what does not count here is left out, since GitLab shows all as found.

use serde_json::{Value, json};

use crate::gate::{Item, Level, State};

use super::{Page, sentence};

/// The outcome as a code quality report.
#[must_use]
pub fn render(page: &Page<'_>) -> String {
    let shown = |i: &&Item| !matches!(i.state, State::Accepted | State::Elsewhere);
    let issues: Vec<Value> = page.outcome.items.iter().filter(shown).map(|i| issue(page, i)).collect();
    serde_json::to_string_pretty(&issues).expect("text keys") + "\n"
}

fn issue(page: &Page<'_>, item: &Item) -> Value {
    // Every issue needs a file: without evidence it is the configuration, which may not be there yet.
    let (path, line) = page.place(item).unwrap_or_else(|| ("unbraid.yaml".to_owned(), 0));
    let severity = match (item.fails, item.level) {
        (true, _) => "blocker",
        (false, Level::Error) => "major",
        (false, Level::Warning) => "minor",
        (false, Level::Note | Level::Off) => "info",
    };
    json!({
        "type": "issue",
        "check_name": super::clean(&item.rule),
        "description": format!("{}: {}", super::clean(&item.rule), sentence(item)),
        "categories": ["Complexity"],
        "severity": severity,
        "fingerprint": item.fingerprint,
        "location": {"path": path, "lines": {"begin": line.max(1)}},
    })
}
