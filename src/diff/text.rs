//! A comparison as Markdown: short enough for a pull request, plain enough for a terminal.

use std::fmt::{Display, Formatter, Result};

use super::{Diff, EdgeChange, NOISE, Side};
use crate::result::{Evidence, Finding, Mode};

/// Lines that one list shows at most; how many more there are is said.
const MOST_LINES: usize = 20;

impl Display for Diff {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        writeln!(f, "# {}: what changed\n", self.new.system)?;
        headline(self, f)?;
        if self.is_empty() {
            writeln!(f, "\nNothing changed: the same edges, terms and findings.")?;
        }
        list(f, "Better", &self.better, |line, f| writeln!(f, "- {line}"))?;
        list(f, "Worse", &self.worse, |line, f| writeln!(f, "- {line}"))?;
        list(f, "Cannot be told", &self.doubts, |line, f| writeln!(f, "- {line}"))?;
        if !self.services.is_empty() {
            writeln!(f, "\n## Services\n\n| service | needs | needed by | term |\n|---|---|---|---|")?;
            for change in self.services.iter().take(MOST_LINES) {
                let pair = |at: usize| {
                    let side = |k: Option<[u32; 2]>| k.map_or_else(|| "–".to_owned(), |k| k[at].to_string());
                    format!("{} → {}", side(change.old), side(change.new))
                };
                writeln!(f, "| {} | {} | {} | {:+.3} |", change.service, pair(0), pair(1), change.change)?;
            }
            more(f, self.services.len())?;
        }
        list(f, "New services", &self.new_services, |name, f| writeln!(f, "- {name}"))?;
        list(f, "Services that are gone", &self.gone_services, |name, f| writeln!(f, "- {name}"))?;
        list(f, "New edges", &self.new_edges, edge)?;
        list(f, "Edges that are gone", &self.gone_edges, edge)?;
        list(f, "Edges that changed", &self.changed_edges, edge)?;
        list(f, "New findings", &self.new_findings, finding)?;
        list(f, "Findings that are gone", &self.gone_findings, finding)
    }
}

fn headline(diff: &Diff, f: &mut Formatter<'_>) -> Result {
    writeln!(f, "| | before | after |\n|---|---|---|")?;
    let score = |s: &Side| match (s.score, s.interval, s.band) {
        (Some(v), Some([low, high]), Some(band)) => format!("{v:.1} ({low:.1} to {high:.1}), {}", band.as_str()),
        _ => "not measured".to_owned(),
    };
    writeln!(f, "| score | {} | {} |", score(&diff.old), score(&diff.new))?;
    writeln!(f, "| services | {} | {} |", diff.old.members, diff.new.members)?;
    writeln!(f, "| blocking edges | {} | {} |", diff.old.blocking_edges, diff.new.blocking_edges)?;
    writeln!(f, "| findings | {} | {} |", diff.old.findings, diff.new.findings)?;
    match diff.common_terms {
        Some([before, after]) if (after - before).abs() >= NOISE => {
            writeln!(f, "\nTerms of the services in both: {before:.3} → {after:.3}.")
        }
        _ => Ok(()),
    }
}

fn list<T>(
    f: &mut Formatter<'_>,
    title: &str,
    items: &[T],
    mut line: impl FnMut(&T, &mut Formatter<'_>) -> Result,
) -> Result {
    if items.is_empty() {
        return Ok(());
    }
    writeln!(f, "\n## {title}\n")?;
    for item in items.iter().take(MOST_LINES) {
        line(item, f)?;
    }
    more(f, items.len())
}

fn more(f: &mut Formatter<'_>, all: usize) -> Result {
    if all > MOST_LINES { writeln!(f, "\n… and {} more", all - MOST_LINES) } else { Ok(()) }
}

fn edge(edge: &EdgeChange, f: &mut Formatter<'_>) -> Result {
    write!(f, "- {} → {}", edge.source, edge.target)?;
    match (&edge.channel, edge.mode) {
        (Some(channel), _) => write!(f, " by {channel}")?,
        (None, Mode::Sync) => write!(f, ", {}", if edge.blocking { "blocking" } else { "not awaited" })?,
        (None, mode) => write!(f, ", {}", mode.as_str())?,
    }
    if let Some(marginal) = edge.marginal {
        write!(f, ", {marginal:.2} points")?;
    }
    place(&edge.evidence, f)
}

fn finding(finding: &Finding, f: &mut Formatter<'_>) -> Result {
    write!(f, "- {} ({}): {}", finding.smell, finding.services.join(", "), finding.because)?;
    place(&finding.evidence, f)
}

fn place(evidence: &[Evidence], f: &mut Formatter<'_>) -> Result {
    match evidence.first() {
        Some(first) => writeln!(f, " ({})", first.place),
        None => writeln!(f),
    }
}
