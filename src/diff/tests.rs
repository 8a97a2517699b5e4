//! Comparisons of small results: what came, what went, and what the inputs cannot tell.

use super::*;

/// A result as `graph.json` would give it.
fn result(edges: &[(&str, &str, &str, bool)], findings: &[&str], not_evaluated: &[&str]) -> Result {
    let names: BTreeSet<&str> = edges.iter().flat_map(|(a, b, ..)| [*a, *b]).collect();
    let services: Vec<_> = names.iter().map(|n| serde_json::json!({"name": n, "kind": "service"})).collect();
    let dependencies: Vec<_> = edges
        .iter()
        .map(|(a, b, seen, blocking)| {
            serde_json::json!({"source": a, "target": b, "mode": "sync", "protocol": "http", "blocking": blocking,
                "channel": null, "confidence": "confirmed", "seen_in": [seen], "evidence": [{"source": seen,
                "place": {"path": "a.go", "line": 3}, "says": "GET /x", "confidence": "confirmed"}]})
        })
        .collect();
    let findings: Vec<_> = findings
        .iter()
        .map(|id| {
            serde_json::json!({"smell": id, "severity": "medium", "confidence": "high", "services": ["a"],
                "because": "it is so", "evidence": [], "fingerprint": id})
        })
        .collect();
    let missing: Vec<_> =
        not_evaluated.iter().map(|id| serde_json::json!({"smell": id, "missing": "no input"})).collect();
    let whole = serde_json::json!({"schema": "unbraid-result/1", "system": "shop", "score": null, "services": services,
        "dependencies": dependencies, "candidates": [], "unresolved": [], "site_counts": {"resolved": 0, "external": 0,
        "ambiguous": 0, "unresolved": 0}, "shared_writes": [], "tables": [], "endpoints": [], "schemas": [],
        "traffic": null, "entities": [], "findings": findings, "not_evaluated": missing, "plan": null, "read": {},
        "notes": []});
    Result::read("graph.json", whole.to_string().as_bytes()).expect("a result")
}

#[test]
fn the_same_result_differs_in_nothing() {
    let one = result(&[("a", "b", "code", true)], &["sync-cycle"], &[]);
    let diff = diff(&one, &one);
    assert!(diff.is_empty() && diff.better.is_empty() && diff.worse.is_empty());
    assert!(diff.to_string().contains("Nothing changed"));
}

#[test]
fn edges_and_findings_come_and_go_with_their_evidence() {
    let old = result(&[("a", "b", "code", true), ("b", "c", "code", true)], &["sync-cycle"], &[]);
    let new = result(&[("a", "b", "code", false), ("a", "c", "code", true)], &["n-plus-one"], &[]);
    let diff = diff(&old, &new);
    assert_eq!((diff.new_edges.len(), diff.gone_edges.len(), diff.changed_edges.len()), (1, 1, 1));
    assert_eq!(diff.new_edges[0].evidence[0].place.to_string(), "a.go:3");
    assert_eq!(
        diff.better,
        ["b → c no longer calls and waits", "a → b no longer waits", "sync-cycle (a) is gone: it is so"]
    );
    assert_eq!(diff.worse, ["a → c is a new blocking call", "n-plus-one (a) is new: it is so"]);
    assert!(diff.doubts.iter().all(|d| d.contains("no score")), "{:?}", diff.doubts);
}

/// An input that the newer side lacks never makes anything better.
#[test]
fn a_missing_input_is_a_doubt_and_no_improvement() {
    let old = result(&[("a", "b", "code", true), ("b", "c", "traces", true)], &["n-plus-one"], &[]);
    let new = result(&[("a", "b", "code", true)], &[], &["n-plus-one"]);
    let diff = diff(&old, &new);
    assert_eq!(diff.gone_edges.len(), 1);
    assert!(diff.better.is_empty(), "{:?}", diff.better);
    assert!(diff.doubts.iter().any(|d| d.contains("b → c was shown by an input")), "{:?}", diff.doubts);
    assert!(diff.doubts.iter().any(|d| d.contains("did not evaluate it: no input")), "{:?}", diff.doubts);
}

/// A service that got another name is the same service.
#[test]
fn a_renamed_service_is_found_by_its_alias() {
    let old = result(&[("a", "b-service", "code", true)], &[], &[]);
    let mut new = result(&[("a", "b", "code", true)], &[], &[]);
    new.services[1].aliases.push("b-service".to_owned());
    let diff = diff(&old, &new);
    assert!(diff.is_empty(), "{diff}");
}
