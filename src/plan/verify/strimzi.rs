//! Strimzi resources, by the schemas of its custom resource definitions; connectors inside by their own options.

use serde::Deserialize;
use serde_json::Value;

use super::Check;

/// Strimzi.
pub const CHECK: Check = Check {
    id: "strimzi",
    by: "Strimzi 1.2 CRD schemas by jsonschema 0.61",
    fits: |p| p.ends_with("topics.yaml") || p.contains("/connectors/") && p.ends_with(".yaml"),
    check,
};

/// From the custom resource definitions, closed where they keep nothing unknown (Apache License 2.0, Strimzi authors).
const SCHEMAS: [(&str, &str); 2] = [
    ("KafkaTopic", include_str!("../../../rules/plan/kafkatopic.schema.json")),
    ("KafkaConnector", include_str!("../../../rules/plan/kafkaconnector.schema.json")),
];

fn check(_: &str, text: &str) -> Vec<String> {
    let mut problems = Vec::new();
    let mut seen = 0;
    for document in serde_yaml::Deserializer::from_str(text) {
        let value = match Value::deserialize(document) {
            Ok(Value::Null) => continue,
            Ok(value) => value,
            Err(e) => return vec![e.to_string()],
        };
        seen += 1;
        let kind = value["kind"].as_str().unwrap_or_default();
        let Some((_, schema)) = SCHEMAS.iter().find(|(k, _)| *k == kind) else {
            problems.push(format!("`{kind}` is no kind of Strimzi that is used here"));
            continue;
        };
        let schema: Value = serde_json::from_str(schema).expect("the schema is JSON");
        let validator = jsonschema::draft7::new(&schema).expect("the schema is a schema");
        problems.extend(validator.iter_errors(&value).map(|e| format!("{}: {e}", e.instance_path())));
        let name = value["metadata"]["name"].as_str().unwrap_or_default();
        let legal = !name.is_empty()
            && name.len() <= 253
            && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '.'));
        if !legal {
            problems.push(format!("`{name}` is no name of a Kubernetes object"));
        }
        let config = value["spec"]["config"].as_object().cloned().unwrap_or_default();
        if kind == "KafkaConnector" {
            for key in ["name", "connector.class", "tasks.max", "connector.plugin.version"] {
                if config.contains_key(key) {
                    problems.push(format!("{key} is set by Strimzi, not in config"));
                }
            }
            let class = value["spec"]["class"].as_str().unwrap_or_default();
            problems.extend(crate::plan::known::connector(class, &config));
        } else {
            problems.extend(
                config
                    .keys()
                    .filter(|k| !crate::plan::known::options().topic.contains(k))
                    .map(|k| format!("{k} is no setting of a topic")),
            );
        }
    }
    if seen == 0 {
        problems.push("no resource in it".to_owned());
    }
    problems
}
