//! Options that connectors, transforms and topics really have (`rules/plan/options.yaml`), and a check against them.
//!
//! Kafka Connect runs a connector with a misspelt option and says nothing: this is where it is found.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use serde::Deserialize;
use serde_json::{Map, Value};

/// `rules/plan/options.yaml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Known {
    /// Connectors by class.
    pub connectors: BTreeMap<String, Connector>,
    /// Options of transforms by class.
    pub transforms: BTreeMap<String, Vec<String>>,
    /// Options of predicates by class.
    pub predicates: BTreeMap<String, Vec<String>>,
    /// Options of every source connector.
    pub source: Vec<String>,
    /// Options of every sink connector.
    pub sink: Vec<String>,
    /// Settings of a topic.
    pub topic: Vec<String>,
    /// Settings of a consumer.
    pub consumer: Vec<String>,
    /// Keys of a WITH clause of ksqlDB.
    pub ksqldb: Vec<String>,
    /// Formats of ksqlDB.
    pub ksqldb_formats: Vec<String>,
    /// Types of ksqlDB.
    pub ksqldb_types: Vec<String>,
    /// Keys of a WITH clause of Flink.
    pub flink: Vec<String>,
}

/// The options of a connector.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Connector {
    /// Without a default.
    pub required: Vec<String>,
    /// Values of enumerations.
    pub allowed: BTreeMap<String, Vec<String>>,
    /// All.
    pub options: Vec<String>,
}

/// What is built in.
#[must_use]
pub fn options() -> &'static Known {
    static KNOWN: OnceLock<Known> = OnceLock::new();
    KNOWN.get_or_init(|| {
        serde_yaml::from_str(include_str!("../../rules/plan/options.yaml"))
            .expect("rules/plan/options.yaml is checked by a test")
    })
}

/// What is wrong with a source connector's configuration.
#[must_use]
pub fn connector(class: &str, config: &Map<String, Value>) -> Vec<String> {
    let known = options();
    let Some(connector) = known.connectors.get(class) else {
        return vec![format!("`{class}` is no connector that is known")];
    };
    let mut problems = Vec::new();
    for required in connector.required.iter().filter(|r| !config.contains_key(*r)) {
        problems.push(format!("{required} is missing"));
    }
    for (key, value) in config {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        if let Some(allowed) = connector.allowed.get(key)
            && !allowed.contains(&text)
        {
            problems.push(format!("{key} = `{text}`: one of {} is allowed", allowed.join(", ")));
        }
        if ["password", "user", "connection.string"].iter().any(|w| key.ends_with(w)) && !text.starts_with("${") {
            problems.push(format!("{key} must be a reference to a config provider, not a value"));
        }
        if !is_known(known, connector, key, config) {
            problems.push(format!("{key} is no option of {class}, of a source connector or of its transforms"));
        }
    }
    listed(config, "transforms", &mut problems);
    listed(config, "predicates", &mut problems);
    problems
}

fn is_known(known: &Known, connector: &Connector, key: &str, config: &Map<String, Value>) -> bool {
    if connector.options.iter().chain(&known.source).any(|o| o == key) || key == "_generated" {
        return true;
    }
    let number = |prefix: &str| {
        let rest = key.strip_prefix(prefix).and_then(|r| r.strip_suffix(".chars"));
        rest.is_some_and(|n| !n.is_empty() && n.chars().all(|c| c.is_ascii_digit()))
    };
    if number("column.mask.with.") || number("column.truncate.to.") {
        return true;
    }
    if ["key.converter.", "value.converter.", "header.converter.", "schema.history.internal.", "topic.creation."]
        .iter()
        .any(|p| key.starts_with(p))
    {
        return true;
    }
    // Converters of columns: `converters` names them, each is set up under its own name.
    let named = config.get("converters").and_then(Value::as_str).unwrap_or_default().split(',');
    if named.filter(|n| !n.is_empty()).any(|n| {
        key.strip_prefix(n).and_then(|r| r.strip_prefix('.')).is_some_and(|o| matches!(o, "type" | "selector"))
    }) {
        return true;
    }
    for (kind, classes, own) in [
        ("transforms", &known.transforms, ["type", "predicate", "negate"]),
        ("predicates", &known.predicates, ["type", "", ""]),
    ] {
        if let Some((alias, option)) =
            key.strip_prefix(kind).and_then(|r| r.strip_prefix('.')).and_then(|r| r.split_once('.'))
        {
            let class = config.get(&format!("{kind}.{alias}.type")).and_then(Value::as_str).unwrap_or_default();
            return classes.get(class).is_some_and(|o| own.contains(&option) || o.iter().any(|x| x == option))
                && (!option.ends_with("additional.placement") || placement(config.get(key)));
        }
    }
    false
}

/// `field:header:name`, `field:envelope`, `field:partition`; the router itself takes anything.
fn placement(value: Option<&Value>) -> bool {
    let items = value.and_then(Value::as_str).unwrap_or_default().split(',').map(|i| i.split(':').collect::<Vec<_>>());
    items.into_iter().all(|parts| {
        matches!(parts.as_slice(), [field, "header" | "envelope"] | [field, "header" | "envelope", _] | [field, "partition"] if !field.is_empty())
    })
}

/// Every alias of a list has its type, and every type its alias.
fn listed(config: &Map<String, Value>, kind: &str, problems: &mut Vec<String>) {
    let list = config.get(kind).and_then(Value::as_str).unwrap_or_default();
    let aliases: Vec<&str> = list.split(',').filter(|a| !a.is_empty()).collect();
    for alias in &aliases {
        if !config.contains_key(&format!("{kind}.{alias}.type")) {
            problems.push(format!("{kind}.{alias}.type is missing"));
        }
    }
    for key in config.keys().filter_map(|k| k.strip_prefix(&format!("{kind}."))) {
        let alias = key.split('.').next().unwrap_or(key);
        if !aliases.contains(&alias) {
            problems.push(format!("{kind}.{alias} is set up, but not in `{kind}`"));
        }
        if kind == "transforms"
            && key == format!("{alias}.predicate")
            && let Some(named) = config.get(&format!("transforms.{key}")).and_then(Value::as_str)
            && !config.contains_key(&format!("predicates.{named}.type"))
        {
            problems.push(format!("the predicate {named} of {alias} does not exist"));
        }
    }
    problems.dedup();
}
