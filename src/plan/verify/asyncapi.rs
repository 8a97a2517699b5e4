//! AsyncAPI 3.0, by its published JSON Schema with the bindings; then that every reference leads somewhere.

use std::sync::OnceLock;

use serde_json::Value;

use super::Check;

/// AsyncAPI.
pub const CHECK: Check = Check {
    id: "asyncapi",
    by: "AsyncAPI 3.0.0 schema (spec-json-schemas 6.11.1) by jsonschema 0.61",
    fits: |p| p.ends_with("asyncapi.yaml"),
    check,
};

/// The published schema without its descriptions (Apache License 2.0, AsyncAPI Initiative).
const SCHEMA: &str = include_str!("../../../rules/plan/asyncapi-3.0.0.schema.json");

fn check(_: &str, text: &str) -> Vec<String> {
    let value: Value = match serde_yaml::from_str(text) {
        Ok(value) => value,
        Err(e) => return vec![e.to_string()],
    };
    static VALIDATOR: OnceLock<jsonschema::Validator> = OnceLock::new();
    let validator = VALIDATOR.get_or_init(|| {
        let schema: Value = serde_json::from_str(SCHEMA).expect("the published schema is JSON");
        jsonschema::draft7::new(&schema).expect("the published schema is a schema")
    });
    let mut problems: Vec<String> =
        validator.iter_errors(&value).take(20).map(|e| shortened(&format!("{}: {e}", e.instance_path()))).collect();
    references(&value, &value, &mut problems);
    problems
}

fn shortened(text: &str) -> String {
    text.chars().take(400).collect()
}

fn references(value: &Value, root: &Value, problems: &mut Vec<String>) {
    match value {
        Value::Object(entries) => {
            if let Some(Value::String(reference)) = entries.get("$ref")
                && let Some(pointer) = reference.strip_prefix('#')
                && root.pointer(pointer).is_none()
            {
                problems.push(format!("{reference} leads nowhere"));
            }
            entries.values().for_each(|v| references(v, root, problems));
        }
        Value::Array(items) => items.iter().for_each(|v| references(v, root, problems)),
        _ => {}
    }
}
