//! What there was before: the figures of the base, or of the baseline, that a result is compared with.

use std::collections::{BTreeMap, BTreeSet};

use crate::result::{Mode, Result};

use super::baseline::Baseline;
use super::outcome::Item;

/// The side to compare with.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Before {
    /// What it is, in words.
    pub what: String,
    /// Its score.
    pub score: Option<f64>,
    /// Terms by member.
    pub terms: BTreeMap<String, f64>,
    /// Calls that wait: (caller, callee).
    pub edges: BTreeSet<(String, String)>,
    /// Violations by fingerprint, with their size.
    pub items: BTreeMap<String, Option<f64>>,
    /// Services of violations by rule: a part of an old cycle is no new cycle.
    pub groups: Vec<(String, BTreeSet<String>)>,
}

impl Before {
    /// Of a result and its violations.
    #[must_use]
    pub fn of_result(what: &str, result: &Result, items: &[Item]) -> Self {
        Self {
            what: what.to_owned(),
            score: result.score.as_ref().map(|s| s.value),
            terms: result.score.iter().flat_map(|s| &s.terms).map(|t| (t.service.clone(), t.value)).collect(),
            edges: waiting(result).map(|(a, b)| (a.to_owned(), b.to_owned())).collect(),
            items: items.iter().map(|i| (i.fingerprint.clone(), i.measure)).collect(),
            groups: items.iter().map(|i| (i.rule.clone(), i.services.iter().cloned().collect())).collect(),
        }
    }

    /// Of a baseline: what it does not accept was not there.
    #[must_use]
    pub fn of_baseline(baseline: &Baseline) -> Self {
        Self {
            what: "the baseline".to_owned(),
            score: baseline.score,
            terms: baseline.terms.clone(),
            edges: baseline.edges.iter().map(|e| (e.source.clone(), e.target.clone())).collect(),
            items: BTreeMap::new(),
            groups: Vec::new(),
        }
    }

    /// Sum of the terms of services that both sides have: (before, now).
    #[must_use]
    pub fn common_terms(&self, result: &Result) -> (f64, f64) {
        let terms = result.score.iter().flat_map(|s| &s.terms);
        terms
            .filter_map(|t| Some((self.terms.get(&t.service)?, t.value)))
            .fold((0.0, 0.0), |(b, n), (old, new)| (b + old, n + new))
    }
}

/// Calls that wait, between services: (caller, callee).
pub fn waiting(result: &Result) -> impl Iterator<Item = (&str, &str)> {
    result
        .dependencies
        .iter()
        .filter(|d| d.mode == Mode::Sync && d.blocking && d.source != d.target)
        .map(|d| (d.source.as_str(), d.target.as_str()))
}
