//! `findings.sarif`: the smells for code scanning (SARIF 2.1.0).

use serde_json::{Value, json};

use crate::analyze::smells::SMELLS;
use crate::model::Severity;
use crate::result::Result;

/// Findings as SARIF; all rules are declared, so that fixed alerts can close.
#[must_use]
pub fn render(result: &Result) -> String {
    let rules: Vec<Value> = SMELLS
        .iter()
        .map(|s| {
            let title = s.text.lines().next().unwrap_or_default().trim_start_matches("# ");
            json!({"id": s.id, "name": title, "shortDescription": {"text": title}, "help": {"text": s.text, "markdown": s.text}})
        })
        .collect();
    let results: Vec<Value> = result
        .findings
        .iter()
        .map(|f| {
            let locations: Vec<Value> = f
                .evidence
                .iter()
                .filter(|e| e.place.line > 0)
                .take(10)
                .map(|e| {
                    json!({"physicalLocation": {
                        "artifactLocation": {"uri": uri(&e.place.path), "uriBaseId": "SRCROOT"},
                        "region": {"startLine": e.place.line}}})
                })
                .collect();
            let level = match f.severity {
                Severity::High => "error",
                Severity::Medium => "warning",
                Severity::Low => "note",
            };
            json!({"ruleId": f.smell, "level": level, "message": {"text": super::clean(&f.because)}, "locations": locations,
                   "partialFingerprints": {"unbraid/v1": f.fingerprint}})
        })
        .collect();
    let document = json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{"tool": {"driver": {"name": "unbraid", "version": env!("CARGO_PKG_VERSION"), "rules": rules}}, "results": results}]
    });
    serde_json::to_string_pretty(&document).expect("text keys") + "\n"
}

/// A relative path as a URI reference (RFC 3986).
fn uri(path: &str) -> String {
    path.bytes()
        .map(|b| match b {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => (b as char).to_string(),
            other => format!("%{other:02X}"),
        })
        .collect()
}
