//! Connectors for Connect's REST interface: name, class, options and values, by the connectors' own definitions.

use serde_json::Value;

use super::Check;

/// Connectors.
pub const CHECK: Check = Check {
    id: "connectors",
    by: "options of Debezium 3.7 and 3.6, Kafka Connect 4.3.1 (rules/plan/options.yaml)",
    fits: |p| p.contains("/connectors/") && p.ends_with(".json"),
    check,
};

fn check(_: &str, text: &str) -> Vec<String> {
    let value: Value = match serde_json::from_str(text) {
        Ok(value) => value,
        Err(e) => return vec![e.to_string()],
    };
    let mut problems = Vec::new();
    if value["name"].as_str().is_none_or(str::is_empty) {
        problems.push("it has no name".to_owned());
    }
    let Some(config) = value["config"].as_object() else {
        problems.push("it has no config".to_owned());
        return problems;
    };
    let class = config.get("connector.class").and_then(Value::as_str).unwrap_or_default();
    problems.extend(crate::plan::known::connector(class, config));
    problems
}
