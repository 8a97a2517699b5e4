//! SARIF against the schema that OASIS publishes. It comes with the package `serde-sarif`, whose types are asked too.

use std::process::Command;
use std::sync::LazyLock;

use serde_json::Value;

static VALIDATOR: LazyLock<jsonschema::Validator> = LazyLock::new(|| {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--offline", "--locked"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo starts");
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("JSON of cargo metadata");
    let packages = metadata["packages"].as_array().expect("packages");
    let package = packages.iter().find(|p| p["name"] == "serde-sarif").expect("the package with the schema");
    let manifest = std::path::PathBuf::from(package["manifest_path"].as_str().expect("a path"));
    let text = std::fs::read_to_string(manifest.with_file_name("src").join("schema.json")).expect("the schema");
    // Its pattern of language tags has a bracket too many, which is no regular expression by the letter.
    let text = text.replace("-[a-zA-Z]{2}]?$", "-[a-zA-Z]{2}?$");
    let schema: Value = serde_json::from_str(&text).expect("JSON");
    assert!(schema["$id"].as_str().is_some_and(|id| id.contains("sarif-schema-2.1.0")), "another schema");
    jsonschema::validator_for(&schema).expect("a schema")
});

/// Panics with everything that is wrong.
pub fn validate(text: &str) {
    let document: Value = serde_json::from_str(text).expect("JSON");
    let errors: Vec<String> = VALIDATOR.iter_errors(&document).map(|e| format!("{}: {e}", e.instance_path())).collect();
    assert!(errors.is_empty(), "{}", errors.join("\n"));
    let typed: serde_sarif::sarif::Sarif = serde_json::from_str(text).expect("SARIF by its types");
    for run in typed.runs {
        let rules = run.tool.driver.rules.expect("rules");
        for result in run.results.expect("results") {
            let index = usize::try_from(result.rule_index.expect("an index")).expect("a place in the list");
            assert_eq!(Some(&rules[index].id), result.rule_id.as_ref(), "the index is of another rule");
            for location in result.locations.into_iter().flatten() {
                let uri = location.physical_location.and_then(|p| p.artifact_location).and_then(|a| a.uri);
                let uri = uri.expect("a path");
                assert!(!uri.starts_with('/') && !uri.contains(".."), "{uri} does not start at the repository's top");
            }
        }
    }
}

#[test]
fn the_validator_refuses_what_is_no_sarif() {
    let wrong =
        serde_json::json!({"version": "2.1.0", "runs": [{"tool": {"driver": {}}, "results": [{"level": "loud"}]}]});
    assert!(VALIDATOR.iter_errors(&wrong).count() >= 2);
}
