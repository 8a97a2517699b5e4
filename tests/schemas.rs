//! The published schemas are those of the types, and what the program writes keeps to them.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

const SCHEMAS: [&str; 7] = ["baseline", "check", "config", "diff", "facts", "result", "rule"];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn unbraid(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_unbraid"))
        .args(arguments)
        .current_dir(root())
        .env_remove("GITHUB_STEP_SUMMARY")
        .output()
        .expect("the program starts");
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

fn schema(name: &str) -> Value {
    let text = std::fs::read_to_string(root().join(format!("rules/schema/{name}.json"))).expect("a schema");
    serde_json::from_str(&text).expect("JSON")
}

#[test]
fn the_files_are_what_the_types_say() {
    let mut stale = Vec::new();
    for name in SCHEMAS {
        let printed: Value = serde_json::from_str(&unbraid(&["schema", name])).expect("JSON");
        if printed != schema(name) {
            stale.push(format!("unbraid schema {name} > rules/schema/{name}.json"));
        }
    }
    assert!(stale.is_empty(), "schemas are stale; write them again:\n{}", stale.join("\n"));
    let files = std::fs::read_dir(root().join("rules/schema")).expect("the folder").count();
    assert_eq!(files, SCHEMAS.len(), "a schema without a test, or a test without a schema");
}

fn valid(name: &str, document: &Value) {
    let validator = jsonschema::validator_for(&schema(name)).expect("a schema");
    let errors: Vec<String> =
        validator.iter_errors(document).map(|e| format!("{}: {e}", e.instance_path())).take(10).collect();
    assert!(errors.is_empty(), "{name}: {}", errors.join("\n"));
}

#[test]
fn what_is_written_keeps_to_its_schema() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name).display().to_string();
    let read = |name: &str| -> Value {
        let text = std::fs::read_to_string(folder.path().join(name)).expect("written");
        serde_json::from_str(&text).expect("JSON")
    };
    unbraid(&["analyze", "samples/shop", "-o", &at("graph.json"), "--facts-out", &at("facts.json")]);
    unbraid(&["check", "samples/shop", "-o", &at("check.json"), "--base", &at("graph.json")]);
    let baseline = at("baseline.json");
    unbraid(&["baseline", "write", "samples/shop", "--baseline", &baseline, "--reason", "known"]);
    unbraid(&["init", "samples/shop", "-o", &at("unbraid.yaml")]);
    for (name, file) in
        [("result", "graph.json"), ("facts", "facts.json"), ("check", "check.json"), ("baseline", "baseline.json")]
    {
        valid(name, &read(file));
    }
    let diff: Value =
        serde_json::from_str(&unbraid(&["diff", &at("graph.json"), &at("graph.json"), "--json"])).expect("JSON");
    valid("diff", &diff);
    let text = std::fs::read_to_string(Path::new(&at("unbraid.yaml"))).expect("written");
    valid("config", &serde_yaml::from_str(&text).expect("YAML"));
    for (path, text) in unbraid::rules::BUILT_IN {
        let rules: Value = serde_yaml::from_str(text).unwrap_or_else(|e| panic!("{path}: {e}"));
        valid("rule", &rules);
    }
    // The schema of what people write refuses what the reader refuses.
    let validator = jsonschema::validator_for(&schema("config")).expect("a schema");
    assert!(!validator.is_valid(&serde_json::json!({"gate": {"max_scor": 3}})));
    assert!(!validator.is_valid(&serde_json::json!({"gate": {"levels": {"sync-cycle": "loud"}}})));
}
