//! The outcome as a comment on a change and as the summary of a pipeline's step. The first line marks the comment,
//! so that the next run finds and replaces it.

use crate::gate::{Item, State};
use crate::report::markdown::cell;

use super::{Page, baseline, score, sentence, standing, verdict};

/// The marker line.
pub const MARKER: &str = "<!-- unbraid check -->";

/// Rows of one table.
const ROWS: usize = 50;

/// The outcome as Markdown.
#[must_use]
pub fn render(page: &Page<'_>) -> String {
    let outcome = page.outcome;
    let mut out = format!("{MARKER}\n## unbraid: {}\n\n{}\n\n", cell(&outcome.system), cell(&verdict(outcome)));
    out.push_str(&format!("**Score** {}\n", cell(&score(outcome))));
    let failing: Vec<&Item> = outcome.failing().collect();
    let fresh: Vec<&Item> = outcome.fresh().collect();
    table(page, "Fails", &failing, &mut out);
    table(page, "Also new", &fresh, &mut out);
    if !outcome.better.is_empty() {
        out.push_str("\n### Better\n\n");
        for better in outcome.better.iter().take(ROWS) {
            out.push_str(&format!("- {}\n", cell(better)));
        }
    }
    let counts_not = |i: &&Item| {
        !i.fails && matches!(i.state, State::Existing | State::Accepted | State::Elsewhere | State::Expired)
    };
    let old: Vec<&Item> = outcome.items.iter().filter(counts_not).collect();
    if !old.is_empty() {
        let count = |state: State, what: &str| {
            let n = old.iter().filter(|i| i.state == state).count();
            (n > 0).then(|| format!("{n} {what}"))
        };
        let parts: Vec<String> = [
            count(State::Existing, "there before"),
            count(State::Accepted, "accepted"),
            count(State::Expired, "accepted until now"),
            count(State::Elsewhere, "in other repositories"),
        ]
        .into_iter()
        .flatten()
        .collect();
        out.push_str(&format!("\n<details><summary>{}</summary>\n", parts.join(", ")));
        table(page, "", &old, &mut out);
        out.push_str("\n</details>\n");
    }
    if let Some(text) = baseline(outcome) {
        out.push_str(&format!("\nBaseline: {}.\n", cell(&text)));
    }
    for note in &outcome.notes {
        out.push_str(&format!("\nNote: {}.\n", cell(note)));
    }
    out.push('\n');
    out
}

fn table(page: &Page<'_>, title: &str, items: &[&Item], out: &mut String) {
    if items.is_empty() {
        return;
    }
    if !title.is_empty() {
        out.push_str(&format!("\n### {title}\n"));
    }
    out.push_str("\n| rule | what | where |\n| --- | --- | --- |\n");
    for item in items.iter().take(ROWS) {
        let place = page.places(item).find(|p| p.1 > 0).map(|(path, line, _)| format!("{path}:{line}"));
        out.push_str(&format!(
            "| {} ({}) | {} | {} |\n",
            cell(&item.rule),
            standing(item),
            cell(&sentence(item)),
            cell(&place.unwrap_or_default())
        ));
    }
    if items.len() > ROWS {
        out.push_str(&format!("\nand {} more\n", items.len() - ROWS));
    }
}
