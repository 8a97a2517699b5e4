//! The baseline: findings that a team has accepted, by identity, with reason, owner and expiry; and the figures of
//! the time, for the ratchet. Read and written as JSON with one entry on a line, sorted, so that changes merge.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::result::Result;

use super::outcome::Item;

/// The schema id of a baseline.
pub const SCHEMA: &str = "unbraid-baseline/1";

/// The name of the baseline's file, beside `unbraid.yaml`.
pub const FILE_NAME: &str = "unbraid-baseline.json";

/// A finding that was accepted.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Accepted {
    /// Rule or smell.
    pub rule: String,
    /// Services that it is about.
    pub services: Vec<String>,
    /// Operation, table or key that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// Why it was accepted.
    pub reason: String,
    /// Who answers for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// The last day that it is accepted, `YYYY-MM-DD`; without it, always.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<String>,
    /// How large it was: what grows beyond it is not accepted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub measure: Option<u32>,
    /// Identity.
    pub fingerprint: String,
}

impl Accepted {
    /// Is its time over?
    #[must_use]
    pub fn is_expired(&self, today: &str) -> bool {
        self.expires.as_deref().is_some_and(|last| today > last)
    }
}

/// A call that waits, as the baseline knows it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct KnownEdge {
    /// Caller.
    pub source: String,
    /// Callee.
    pub target: String,
}

/// The baseline.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Baseline {
    /// `unbraid-baseline/1`.
    pub schema: String,
    /// The score when it was written; `None` = there was no service.
    #[serde(default)]
    pub score: Option<f64>,
    /// Accepted findings, sorted by rule, services and subject.
    pub accepted: Vec<Accepted>,
    /// Members of the score with their terms.
    #[serde(default)]
    pub terms: BTreeMap<String, f64>,
    /// Calls that wait.
    #[serde(default)]
    pub edges: BTreeSet<KnownEdge>,
}

impl Baseline {
    /// Reads a baseline.
    ///
    /// # Errors
    /// No baseline, a broken one, or one of a later version.
    pub fn parse(path: &str, text: &str) -> std::result::Result<Self, Error> {
        let fail = |reason: String| Error::Saved { path: path.to_owned(), reason };
        let value: serde_json::Value = serde_json::from_str(text).map_err(|e| {
            fail(format!("no baseline: {e}; restore it, or write it again with `unbraid baseline write`"))
        })?;
        match value.get("schema").and_then(|s| s.as_str()) {
            Some(SCHEMA) => {}
            Some(other) if other.starts_with("unbraid-baseline/") => {
                return Err(fail(format!("its schema is {other}, this version knows {SCHEMA}; use a newer unbraid")));
            }
            _ => return Err(fail(format!("no baseline: its schema is not {SCHEMA}"))),
        }
        let mut baseline: Self = serde_json::from_value(value)
            .map_err(|e| fail(format!("a broken baseline: {}", crate::config::with_suggestion(&e.to_string()))))?;
        for entry in &baseline.accepted {
            if let Some(date) = entry.expires.as_deref().filter(|d| !super::date::is_date(d)) {
                return Err(fail(format!("`{date}` is no date; `expires` is written as YYYY-MM-DD")));
            }
        }
        baseline.accepted.sort();
        Ok(baseline)
    }

    /// The text of the file: one entry on a line, sorted.
    #[must_use]
    pub fn text(&self) -> String {
        let mut accepted = self.accepted.clone();
        accepted.sort();
        accepted.dedup_by(|a, b| a.fingerprint == b.fingerprint);
        let json = |value: &dyn Fn() -> serde_json::Result<String>| value().expect("text keys");
        let lines = |rows: Vec<String>| {
            if rows.is_empty() { String::new() } else { format!("\n{}\n", rows.join(",\n")) }
        };
        let entries = accepted.iter().map(|a| json(&|| serde_json::to_string(a))).collect();
        let terms = self.terms.iter().map(|(s, t)| {
            format!("{}: {}", json(&|| serde_json::to_string(s)), json(&|| serde_json::to_string(&rounded(*t))))
        });
        let edges = self.edges.iter().map(|e| json(&|| serde_json::to_string(e))).collect();
        let score = json(&|| serde_json::to_string(&self.score.map(rounded)));
        format!(
            "{{\n\"schema\": \"{SCHEMA}\",\n\"score\": {score},\n\"accepted\": [{}],\n\"terms\": {{{}}},\n\"edges\": [{}]\n}}\n",
            lines(entries),
            lines(terms.collect()),
            lines(edges)
        )
    }

    /// The figures of a result, with acceptances.
    #[must_use]
    pub fn of(result: &Result, accepted: Vec<Accepted>) -> Self {
        let before = super::before::Before::of_result("", result, &[]);
        Self {
            schema: SCHEMA.to_owned(),
            score: before.score,
            accepted,
            terms: before.terms,
            edges: before.edges.into_iter().map(|(source, target)| KnownEdge { source, target }).collect(),
        }
    }
}

/// Six digits after the point: enough to compare, and the same on every machine.
fn rounded(value: f64) -> f64 {
    (value * 1e6).round() / 1e6
}

/// What stands in the baseline for a violation.
#[must_use]
pub fn accept(item: &Item, reason: &str, owner: Option<&str>, expires: Option<&str>) -> Accepted {
    Accepted {
        rule: item.rule.clone(),
        services: item.services.clone(),
        subject: item.subject.clone(),
        reason: reason.to_owned(),
        owner: owner.map(str::to_owned),
        expires: expires.map(str::to_owned),
        measure: item.measure.map(|m| m as u32),
        fingerprint: item.fingerprint.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(rule: &str, services: &[&str]) -> Accepted {
        let services: Vec<String> = services.iter().map(|s| (*s).to_owned()).collect();
        Accepted {
            rule: rule.to_owned(),
            fingerprint: crate::model::Finding::fingerprint_of(rule, &services, None),
            services,
            subject: None,
            reason: "known".to_owned(),
            owner: None,
            expires: Some("2026-03-31".to_owned()),
            measure: None,
        }
    }

    #[test]
    fn one_entry_on_a_line_and_read_back() {
        let baseline = Baseline {
            schema: SCHEMA.to_owned(),
            score: Some(1.0 / 3.0),
            accepted: vec![entry("sync-cycle", &["b", "c"]), entry("sync-cycle", &["a", "b"])],
            terms: [("a".to_owned(), 0.19)].into(),
            edges: [KnownEdge { source: "a".to_owned(), target: "b".to_owned() }].into(),
        };
        let text = baseline.text();
        assert_eq!(text.lines().filter(|l| l.contains("sync-cycle")).count(), 2, "{text}");
        let read = Baseline::parse("x", &text).expect("its own text");
        assert_eq!(read.text(), text);
        assert_eq!(read.accepted[0].services, ["a", "b"]);
        let empty = Baseline { schema: SCHEMA.to_owned(), ..Baseline::default() };
        assert_eq!(Baseline::parse("x", &empty.text()).expect("empty"), empty);
    }

    #[test]
    fn the_last_day_still_counts() {
        let entry = entry("x", &[]);
        assert!(!entry.is_expired("2026-03-31") && entry.is_expired("2026-04-01"));
    }

    #[test]
    fn broken_and_future_files_are_one_clear_error() {
        let error = |text: &str| Baseline::parse("b.json", text).expect_err("must fail").to_string();
        assert!(error("{").contains("no baseline"));
        assert!(error("{\"schema\": \"unbraid-baseline/9\"}").contains("newer unbraid"));
        assert!(error("{\"schema\": \"unbraid-baseline/1\", \"acepted\": []}").contains("did you mean `accepted`"));
        let dated = "{\"schema\": \"unbraid-baseline/1\", \"accepted\": [{\"rule\": \"r\", \"services\": [], \
                     \"reason\": \"\", \"expires\": \"soon\", \"fingerprint\": \"0\"}]}";
        assert!(error(dated).contains("YYYY-MM-DD"));
    }
}
