//! The summary on the terminal: verdict, score, worst services, first step, where the report lies.

use crate::model::{Mode, counted};
use crate::result::Result;

use super::{action, clean, percent, verdict};

/// How to write it.
#[derive(Debug, Clone, Copy)]
pub struct Style {
    /// Columns.
    pub width: usize,
    /// With colours.
    pub color: bool,
}

/// The summary; `written` names the report.
#[must_use]
pub fn summary(result: &Result, style: Style, written: Option<&str>) -> String {
    let mut out = Lines::new(style);
    out.strong(&verdict(result));
    out.line("");
    if let Some(score) = &result.score {
        let [low, high] = score.interval;
        out.line(&format!(
            "score      {:.1} ({}), between {low:.1} and {high:.1}; higher than {} of {} public sample systems",
            score.value,
            score.band.as_str(),
            score.compared[0],
            score.compared[1]
        ));
        out.line(&format!(
            "graph      {} in the score, {}, {}, longest chain {}",
            counted(score.figures.services, "service"),
            counted(score.figures.edges, "waiting edge"),
            counted(score.figures.cycles.len(), "cycle"),
            counted(score.figures.depth, "hop")
        ));
        out.line(&format!(
            "coverage   code {}, traces {}",
            percent(score.coverage.code),
            percent(score.coverage.traces)
        ));
        for (i, term) in score.terms.iter().filter(|t| t.value > 0.0).take(3).enumerate() {
            let head = if i == 0 { "worst     " } else { "          " };
            out.line(&format!("{head} {}: needs {}, needed by {}", clean(&term.service), term.up, term.down));
        }
    }
    if let Some(plan) = &result.plan {
        match plan.steps.first() {
            Some(step) => out.line(&format!(
                "first step {}: {:.1} → {:.1}, {}; the floor is {:.1}",
                action(step),
                step.score_before,
                step.score_after,
                counted(step.effort, "point"),
                plan.floor
            )),
            None => out.line(&format!("plan       {}", plan.because)),
        }
    }
    let unresolved = result.unresolved.len();
    if unresolved + result.notes.len() + result.findings.len() > 0 {
        out.line(&format!(
            "also       {}, {} not resolved, {}",
            counted(result.findings.len(), "finding"),
            counted(unresolved, "call"),
            counted(result.notes.len(), "note")
        ));
    }
    read(result, &mut out);
    if let Some(place) = written {
        out.line(&format!("report     {place}"));
    }
    out.finish()
}

/// How code and traces agree, and what was left out.
fn read(result: &Result, out: &mut Lines) {
    if result.traffic.is_some() {
        let (mut both, mut code, mut traces) = (0u32, 0u32, 0u32);
        for d in result.dependencies.iter().filter(|d| d.mode != Mode::Infra) {
            *match super::system::agreement(d) {
                (true, true) => &mut both,
                (true, false) => &mut traces,
                _ => &mut code,
            } += 1;
        }
        out.line(&format!("drift      {both} edges in code and traces, {code} only in code, {traces} only in traces"));
    }
    let left_out: Vec<String> = result.read.skipped.iter().map(|(why, n)| format!("{n} {}", clean(why))).collect();
    if !left_out.is_empty() {
        out.line(&format!("left out   {}; --all-code reads such code too", left_out.join(", ")));
    }
}

/// Lines that are wrapped under their text; on a narrow terminal the indent gives way.
pub(super) struct Lines {
    out: String,
    width: usize,
    color: bool,
}

impl Lines {
    pub(super) fn new(style: Style) -> Self {
        Self { out: String::new(), width: style.width.clamp(20, 100), color: style.color }
    }

    /// A line that stands out where there are colours.
    pub(super) fn strong(&mut self, text: &str) {
        if self.color {
            self.out.push_str("\u{1b}[1m");
        }
        self.line(text);
        if self.color {
            self.out.truncate(self.out.trim_end_matches('\n').len());
            self.out.push_str("\u{1b}[0m\n");
        }
    }

    /// A line, wrapped under its text.
    pub(super) fn line(&mut self, text: &str) {
        let indent = " ".repeat(11.min(self.width / 5));
        let mut column = 0;
        for (i, word) in text.split(' ').enumerate() {
            let length = word.chars().count();
            if i > 0 && column + 1 + length > self.width && column > indent.len() {
                self.out.push('\n');
                self.out.push_str(&indent);
                column = indent.len();
            } else if i > 0 {
                self.out.push(' ');
                column += 1;
            }
            self.out.push_str(word);
            column += length;
        }
        self.out.push('\n');
    }

    pub(super) fn finish(self) -> String {
        self.out
    }
}
