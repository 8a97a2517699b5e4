//! SARIF 2.1.0 for code scanning: every rule with its help, so that fixed alerts close; paths from the repository's
//! top; fingerprints by identity; acceptances as suppressions.

use serde_json::{Value, json};

use crate::gate::{Item, Level, State};

use super::{About, Page, about, sentence};

/// The base of all paths.
const ROOT: &str = "%SRCROOT%";

/// The outcome as SARIF.
#[must_use]
pub fn render(page: &Page<'_>) -> String {
    let rules = about(page.outcome);
    let results: Vec<Value> = page.outcome.items.iter().map(|item| result(page, item, &rules)).collect();
    let notifications: Vec<Value> =
        page.outcome.notes.iter().map(|n| json!({"level": "note", "message": {"text": super::clean(n)}})).collect();
    let document = json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "unbraid",
                "version": env!("CARGO_PKG_VERSION"),
                "rules": rules.iter().map(rule).collect::<Vec<_>>(),
            }},
            "automationDetails": {"id": "unbraid/check"},
            "invocations": [{
                "executionSuccessful": true,
                "exitCode": page.outcome.exit_code,
                "exitCodeDescription": page.outcome.verdict.as_str(),
                "toolExecutionNotifications": notifications,
            }],
            "originalUriBaseIds": {ROOT: {"description": {"text": "the top of the repository"}}},
            "results": results,
        }]
    });
    serde_json::to_string_pretty(&document).expect("text keys") + "\n"
}

fn rule(about: &About) -> Value {
    json!({
        "id": about.id,
        "name": about.title,
        "shortDescription": {"text": about.title},
        "fullDescription": {"text": about.title},
        "help": {"text": about.text, "markdown": about.text},
        "defaultConfiguration": {"level": level(about.level)},
        "properties": {"tags": ["architecture", "coupling"]},
    })
}

fn level(level: Level) -> &'static str {
    match level {
        Level::Error => "error",
        Level::Warning => "warning",
        Level::Note => "note",
        Level::Off => "none",
    }
}

fn result(page: &Page<'_>, item: &Item, rules: &[About]) -> Value {
    let mut places: Vec<Value> =
        page.places(item).map(|(path, line, evidence)| location(&path, line, Some(&evidence.says))).collect();
    if places.is_empty() {
        places.extend(page.anchor.map(|anchor| location(anchor, 0, None)));
    }
    let related: Vec<Value> = places.iter().skip(1).cloned().collect();
    places.truncate(1);
    let mut result = json!({
        "ruleId": super::clean(&item.rule),
        "level": level(item.level),
        "message": {"text": sentence(item)},
        "locations": places,
        "partialFingerprints": {"unbraid/v1": item.fingerprint},
        "properties": {"state": item.state.as_str(), "fails": item.fails, "services": item.services},
    });
    if let Some(index) = rules.iter().position(|r| r.id == super::clean(&item.rule)) {
        result["ruleIndex"] = json!(index);
    }
    if !related.is_empty() {
        result["relatedLocations"] = json!(related);
    }
    if page.outcome.compared.is_some() {
        result["baselineState"] = json!(match item.state {
            State::New | State::Limit | State::Expired => "new",
            State::Worse => "updated",
            State::Existing | State::Elsewhere | State::Accepted => "unchanged",
        });
    }
    if let (State::Accepted, Some(accepted)) = (item.state, &item.accepted) {
        let reason = super::clean(&accepted.reason);
        result["suppressions"] = json!([{"kind": "external", "status": "accepted", "justification": reason}]);
    }
    result
}

fn location(path: &str, line: u32, says: Option<&str>) -> Value {
    let mut physical = json!({"artifactLocation": {"uri": uri(path), "uriBaseId": ROOT}});
    if line > 0 {
        physical["region"] = json!({"startLine": line});
    }
    let mut location = json!({"physicalLocation": physical});
    if let Some(says) = says.filter(|s| !s.is_empty()) {
        location["message"] = json!({"text": super::clean(says)});
    }
    location
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
