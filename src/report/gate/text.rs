//! The outcome on the terminal: verdict, score, what fails and where, what else is new, what the baseline holds.

use crate::gate::{Item, State};
use crate::model::counted;
use crate::report::text::{Lines, Style};

use super::{Page, baseline, score, sentence, standing, verdict};

/// Violations that are shown at most, of those that fail and of the others.
const MOST: [usize; 2] = [20, 10];

/// The outcome for a file.
#[must_use]
pub fn render(page: &Page<'_>) -> String {
    render_styled(page, Style { width: 100, color: false })
}

/// The outcome for a terminal.
#[must_use]
pub fn render_styled(page: &Page<'_>, style: Style) -> String {
    let outcome = page.outcome;
    let mut out = Lines::new(style);
    out.strong(&verdict(outcome));
    out.line("");
    out.line(&format!("score      {}", score(outcome)));
    if let Some(coverage) = &outcome.coverage {
        let (code, traces) = (super::super::percent(coverage.code), super::super::percent(coverage.traces));
        out.line(&format!("coverage   code {code}, traces {traces}"));
    }
    let failing: Vec<&Item> = outcome.failing().collect();
    let fresh: Vec<&Item> = outcome.fresh().collect();
    for (head, items, most) in [("fails", failing, MOST[0]), ("shown", fresh, MOST[1])] {
        for item in items.iter().take(most) {
            out.line(&format!("{head:<10} {} ({}): {}", item.rule, standing(item), sentence(item)));
            for (path, line, _) in page.places(item).filter(|p| p.1 > 0).take(3) {
                out.line(&format!("           {}:{line}", super::clean(&path)));
            }
            if let Some(way) = item.refactorings.first() {
                out.line(&format!("           way out: {}", super::clean(way)));
            }
        }
        if items.len() > most {
            out.line(&format!("           and {} more, see -o json=FILE", items.len() - most));
        }
    }
    if let Some(text) = baseline(outcome) {
        out.line(&format!("baseline   {text}"));
    }
    for better in outcome.better.iter().take(MOST[1]) {
        out.line(&format!("better     {}", super::clean(better)));
    }
    let (old, elsewhere) = (outcome.count(State::Existing), outcome.count(State::Elsewhere));
    if old + elsewhere > 0 {
        let elsewhere = if elsewhere > 0 { format!(", {elsewhere} in other repositories") } else { String::new() };
        out.line(&format!("also       {} there before{elsewhere}", counted(old, "finding")));
    }
    for note in &outcome.notes {
        out.line(&format!("note       {}", super::clean(note)));
    }
    out.finish()
}
