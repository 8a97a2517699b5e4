//! JSON Schemas, against the schema of schemas.

use super::Check;

/// JSON Schema.
pub const CHECK: Check =
    Check { id: "json_schema", by: "jsonschema 0.61, draft 7", fits: |p| p.ends_with(".schema.json"), check };

fn check(_: &str, text: &str) -> Vec<String> {
    let value = match serde_json::from_str(text) {
        Ok(value) => value,
        Err(e) => return vec![e.to_string()],
    };
    match jsonschema::draft7::meta::validate(&value) {
        Ok(()) => Vec::new(),
        Err(e) => vec![format!("{}: {e}", e.instance_path())],
    }
}
