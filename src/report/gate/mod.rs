//! The outcome of a check -> bytes, in every format that pipelines read, each a pure function in a file of its own.

mod badge;
mod github;
mod gitlab;
mod json;
mod junit;
mod markdown;
pub(super) mod sarif;
mod text;

use std::collections::BTreeMap;

use crate::gate::{Item, Level, Outcome, State};
use crate::model::{Evidence, Place};
use crate::result::Result;

use super::clean;

pub use text::render_styled;

/// The outcome with what is needed to name places.
#[derive(Debug, Clone, Copy)]
pub struct Page<'p> {
    /// The result that was judged.
    pub result: &'p Result,
    /// The outcome.
    pub outcome: &'p Outcome,
    /// For each root, the path that leads to it from the repository's top.
    pub prefixes: &'p BTreeMap<String, String>,
    /// The file to point at where a violation has no place of its own: `unbraid.yaml`, from the repository's top.
    pub anchor: Option<&'p str>,
}

/// A format of the gate.
pub struct GateFormat {
    /// Id: `sarif`, `junit`, …
    pub id: &'static str,
    /// The file name that stands for it.
    pub file: &'static str,
    /// Renders it.
    pub render: fn(&Page<'_>) -> String,
}

/// All formats of the gate.
#[rustfmt::skip]
pub const GATE_FORMATS: &[GateFormat] = &[
    GateFormat { id: "text", file: "check.txt", render: text::render },
    GateFormat { id: "json", file: "check.json", render: json::render },
    GateFormat { id: "markdown", file: "check.md", render: markdown::render },
    GateFormat { id: "sarif", file: "check.sarif", render: sarif::render },
    GateFormat { id: "junit", file: "junit.xml", render: junit::render },
    GateFormat { id: "gitlab", file: "gl-code-quality-report.json", render: gitlab::render },
    GateFormat { id: "github", file: "annotations.txt", render: github::render },
    GateFormat { id: "badge", file: "badge.svg", render: badge::render },
];

/// A rule or smell as reports name it.
struct About {
    id: String,
    title: String,
    text: String,
    level: Level,
}

/// Everything that can be violated: smells, rules of the gate, rules of the architecture that were broken.
fn about(outcome: &Outcome) -> Vec<About> {
    let smells = crate::analyze::smells::SMELLS.iter().map(|s| (s.id, s.text, Level::Warning));
    let rules = crate::gate::rules::RULES.iter().map(|r| (r.id, r.text, r.level));
    let mut all: Vec<About> = smells
        .chain(rules)
        .map(|(id, text, level)| About {
            id: id.to_owned(),
            title: crate::gate::rules::title(text).to_owned(),
            text: text.to_owned(),
            level,
        })
        .collect();
    for item in &outcome.items {
        if item.rule.starts_with("architecture/") && all.iter().all(|a| a.id != item.rule) {
            let general = all.iter().find(|a| a.id == "architecture").map(|a| (a.title.clone(), a.text.clone()));
            let (title, text) = general.unwrap_or_default();
            let name = clean(item.rule.trim_start_matches("architecture/"));
            all.push(About { id: clean(&item.rule), title: format!("{title}: {name}"), text, level: Level::Error });
        }
    }
    all.sort_by(|a, b| a.id.cmp(&b.id));
    all
}

impl Page<'_> {
    /// A place's path from the repository's top; `None` for what lies in other repositories.
    fn path(&self, place: &Place) -> Option<String> {
        self.prefixes.get(&place.root).map(|prefix| format!("{prefix}{}", place.path))
    }

    /// Evidence of an item that stands in a file of this repository.
    fn places<'i>(&'i self, item: &'i Item) -> impl Iterator<Item = (String, u32, &'i Evidence)> {
        item.evidence.iter().filter_map(|e| Some((self.path(&e.place)?, e.place.line, e)))
    }

    /// The first of them, else the anchor.
    fn place(&self, item: &Item) -> Option<(String, u32)> {
        let first = self.places(item).find(|(_, line, _)| *line > 0).or_else(|| self.places(item).next());
        first.map(|(path, line, _)| (path, line)).or_else(|| self.anchor.map(|a| (a.to_owned(), 0)))
    }
}

/// What an item is, in a few words: `error, new`.
fn standing(item: &Item) -> String {
    match item.state {
        State::Limit => item.level.as_str().to_owned(),
        state => format!("{}, {}", item.level.as_str(), state.as_str()),
    }
}

/// An item in one sentence, with the end of its acceptance where it has one.
fn sentence(item: &Item) -> String {
    let mut text = clean(&item.because);
    if let (State::Expired, Some(accepted)) = (item.state, &item.accepted) {
        let date = accepted.expires.as_deref().unwrap_or_default();
        text.push_str(&format!("; accepted until {date}, which is over ({})", clean(&accepted.reason)));
    }
    text
}

/// The verdict in one sentence.
fn verdict(outcome: &Outcome) -> String {
    let word = outcome.verdict.as_str();
    match (outcome.verdict, outcome.failing().count()) {
        (crate::gate::Verdict::Fail, 1) => format!("{word}: {}", clean(&outcome.reasons.join("; "))),
        (crate::gate::Verdict::Fail, n) => format!("{word}: {}", crate::model::counted(n, "violation")),
        _ => format!("{word}: {}", clean(&outcome.reasons.join("; "))),
    }
}

/// The score beside that of the other side.
fn score(outcome: &Outcome) -> String {
    let Some(score) = outcome.score else { return "not measured".to_owned() };
    let mut text = format!("{score:.1}");
    if let Some([low, high]) = outcome.interval {
        text.push_str(&format!(", between {low:.1} and {high:.1}"));
    }
    if let Some(compared) = &outcome.compared
        && let Some(then) = compared.score
    {
        let place = match &compared.commit {
            Some(commit) => {
                format!("{}, the merge base with {}", commit.get(..7).unwrap_or(commit), clean(&compared.with))
            }
            None => clean(&compared.with),
        };
        // What rounds to nothing is said to be nothing.
        let change = score - then;
        if change.abs() < 0.05 {
            text.push_str(&format!("; as in {place}"));
        } else {
            text.push_str(&format!("; {change:+.1} from {then:.1} in {place}"));
        }
    }
    text
}

/// The baseline in one sentence.
fn baseline(outcome: &Outcome) -> Option<String> {
    let state = outcome.baseline.as_ref()?;
    let mut text = format!("{} accepted", state.accepted);
    match state.growth {
        Some(0) => text.push_str(", as many as at the base"),
        Some(more) if more > 0 => text.push_str(&format!(", {more} more than at the base")),
        Some(less) => text.push_str(&format!(", {} fewer than at the base", -less)),
        None => {}
    }
    text.push_str(&format!("; {} in use, {} stale, {} expired", state.used, state.stale.len(), state.expired.len()));
    Some(text)
}
