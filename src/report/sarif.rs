//! `findings.sarif`: the smells for code scanning (SARIF 2.1.0), by the same writer as those of the gate.

use std::collections::BTreeMap;

use crate::result::Result;

use super::gate::{Page, sarif};

/// Findings as SARIF; all rules are declared, so that fixed alerts can close.
#[must_use]
pub fn render(result: &Result) -> String {
    let outcome = crate::gate::look(result);
    let roots = result.findings.iter().flat_map(|f| &f.evidence).map(|e| e.place.root.clone());
    let prefixes: BTreeMap<String, String> =
        roots.map(|root| if root.is_empty() { (root, String::new()) } else { (root.clone(), root + "/") }).collect();
    sarif::render(&Page { result, outcome: &outcome, prefixes: &prefixes, anchor: None })
}
