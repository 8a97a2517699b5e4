//! Debezium source connectors: the topics to which they publish the changes of a database's tables, or of its outbox.
//!
//! Names of topics and settings: debezium.io/documentation/reference (connectors, Outbox Event Router). Connectors as
//! the REST interface of Kafka Connect takes them (JSON, with or without `config`) and as Strimzi declares them.

use crate::files::Source;
use crate::ingest::yaml::{self, Node};
use crate::model::{Facts, Operation, Place};

use super::{Manifest, Neighbours};

/// Debezium connectors.
pub const MANIFEST: Manifest = Manifest { id: "debezium", claims, read };

/// The format of the operations that a connector stands for.
pub const FORMAT: &str = "debezium";

/// What stands in a connector's class.
const CLASS: &str = "io.debezium.connector";

fn claims(source: &Source, text: &str) -> bool {
    matches!(source.extension().as_str(), "json" | "yaml" | "yml") && text.contains(CLASS)
}

fn read(source: &Source, text: &str, _: &Neighbours<'_>) -> Facts {
    let mut facts = Facts::default();
    let documents = yaml::parse(text);
    facts.notes.extend(documents.notes(source));
    for document in &documents.nodes {
        find(document, 0, &mut |class, config| {
            facts.operations.extend(operations(source, class, config));
        });
    }
    facts
}

/// Connectors nested deeper than this in a document are none.
const DEPTH: usize = 8;

/// Finds (class, settings) of connectors.
fn find<'n>(node: &'n Node, depth: usize, see: &mut impl FnMut(&'n Node, &'n Node)) {
    if depth > DEPTH {
        return;
    }
    let (class, apart) = (node.get("connector.class"), node.get("class"));
    if class.str().starts_with(CLASS) {
        return see(class, node);
    }
    if apart.str().starts_with(CLASS) {
        return see(apart, node.get("config"));
    }
    node.entries().iter().map(|(_, inner)| inner).chain(node.list()).for_each(|n| find(n, depth + 1, see));
}

fn operations(source: &Source, class: &Node, config: &Node) -> Vec<Operation> {
    let first = |keys: &[&str]| keys.iter().map(|k| config.get(k).str()).find(|v| !v.is_empty()).unwrap_or("");
    let prefix = first(&["topic.prefix", "database.server.name", "mongodb.name"]);
    let database = first(&["database.dbname", "database.names", "database.include.list"]);
    let database = database.split(',').next().unwrap_or_default().trim();
    let host = first(&["database.hostname", "mongodb.connection.string", "mongodb.hosts"]);
    let listed = first(&["table.include.list", "table.whitelist", "collection.include.list"]);
    let tables: Vec<String> = listed.split(',').map(|t| t.trim().replace('\\', "")).filter(|t| !t.is_empty()).collect();
    let made = |topic: String, table: &str| Operation {
        place: Place::new("", &source.path, class.line),
        format: FORMAT.to_owned(),
        title: database.to_owned(),
        version: String::new(),
        servers: vec![host.to_owned()],
        method: "SEND".to_owned(),
        path: topic,
        id: table.to_owned(),
        tags: Vec::new(),
        schemas: Vec::new(),
    };
    if let Some(topic) = outbox_topic(config) {
        return vec![made(topic, tables.first().map_or("outbox", String::as_str))];
    }
    if prefix.is_empty() {
        return Vec::new();
    }
    // A table is named with its schema, or in MySQL and MongoDB with its database: so is the topic.
    tables.iter().map(|table| made(format!("{prefix}.{table}"), table)).collect()
}

/// The topic of an outbox, with `{}` for what the rows decide.
fn outbox_topic(config: &Node) -> Option<String> {
    let (key, _) = config.entries().iter().find(|(key, value)| {
        key.starts_with("transforms.") && key.ends_with(".type") && value.str().ends_with("outbox.EventRouter")
    })?;
    let stem = key.strip_suffix("type")?;
    let routed = config.get(&format!("{stem}route.topic.replacement")).str();
    let routed = if routed.is_empty() { "outbox.event.${routedByValue}" } else { routed };
    Some(routed.replace("${routedByValue}", "{}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn topics(name: &str, text: &str) -> Vec<String> {
        let source = Source::in_memory(name, text.as_bytes());
        assert!(claims(&source, text));
        let facts = read(&source, text, &Neighbours::new(&[], ""));
        facts.operations.iter().map(|o| format!("{}:{} {} {}", o.place.line, o.title, o.id, o.path)).collect()
    }

    #[test]
    fn topics_are_named_after_tables() {
        let json = "{\n  \"name\": \"c\",\n  \"config\": {\n    \"connector.class\": \"io.debezium.connector.postgresql.PostgresConnector\",\n    \"topic.prefix\": \"stock\", \"database.dbname\": \"stockdb\", \"table.include.list\": \"public.items,public\\\\.shelves\"\n  }\n}";
        assert_eq!(
            topics("c.json", json),
            ["4:stockdb public.items stock.public.items", "4:stockdb public.shelves stock.public.shelves"]
        );
        let strimzi = "kind: KafkaConnector\nspec:\n  class: io.debezium.connector.mysql.MySqlConnector\n  config:\n    topic.prefix: shop\n    database.include.list: orders\n    table.include.list: orders.orders\n";
        assert_eq!(topics("c.yaml", strimzi), ["3:orders orders.orders shop.orders.orders"]);
    }

    #[test]
    fn an_outbox_is_routed_by_its_rows() {
        let json = "{\"connector.class\": \"io.debezium.connector.postgresql.PostgresConnector\", \"database.dbname\": \"orders\", \"topic.prefix\": \"x\", \"table.include.list\": \"public.outbox\",\n \"transforms\": \"o\", \"transforms.o.type\": \"io.debezium.transforms.outbox.EventRouter\", \"transforms.o.route.topic.replacement\": \"${routedByValue}.events\"}";
        assert_eq!(topics("c.json", json), ["1:orders public.outbox {}.events"]);
    }
}
