//! Thresholds -> verdict, decided before anything is rendered, the same for every output format.
//!
//! Exit codes: 0 pass · 1 the gate failed · 2 could not run · 3 not enough evidence (nothing found, or coverage
//! below the floor). Never a count, never 0 when something went wrong.

use crate::config::GateConfig;
use crate::result::Result;

/// What the gate says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Everything holds.
    Pass,
    /// A threshold is broken.
    Fail,
    /// Nothing to judge by.
    NotEnough,
}

impl Verdict {
    /// The exit code.
    #[must_use]
    pub fn code(&self) -> u8 {
        match self {
            Self::Pass => 0,
            Self::Fail => 1,
            Self::NotEnough => 3,
        }
    }
}

/// The verdict with its reasons, one sentence each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// Verdict.
    pub verdict: Verdict,
    /// Why.
    pub reasons: Vec<String>,
}

/// Judges a result. Evidence comes first: a low score of what was not seen is worth nothing.
#[must_use]
pub fn judge(result: &Result, gate: &GateConfig) -> Outcome {
    let Some(score) = &result.score else {
        let reason = "no service was found; give a folder with code, manifests or traces".to_owned();
        return Outcome { verdict: Verdict::NotEnough, reasons: vec![reason] };
    };
    if let Some(floor) = gate.min_coverage {
        let known = score.coverage.code.or(score.coverage.traces);
        if known.is_none_or(|c| c < floor) {
            let seen = known.map_or_else(|| "not measured".to_owned(), |c| format!("{:.0} %", c * 100.0));
            let reason = format!("coverage is {seen}, below the floor of {:.0} %", floor * 100.0);
            return Outcome { verdict: Verdict::NotEnough, reasons: vec![reason] };
        }
    }
    let [low, high] = score.interval;
    if let Some(most) = gate.max_score
        && score.value > most
    {
        let terms: Vec<String> = score.terms.iter().take(3).map(|t| t.service.clone()).collect();
        let reason = format!(
            "the score is {:.1} (between {low:.1} and {high:.1}), above {most}; most entangled: {}",
            score.value,
            terms.join(", ")
        );
        return Outcome { verdict: Verdict::Fail, reasons: vec![reason] };
    }
    let limit = gate.max_score.map_or_else(String::new, |m| format!(", at most {m} allowed"));
    Outcome { verdict: Verdict::Pass, reasons: vec![format!("the score is {:.1}{limit}", score.value)] }
}
