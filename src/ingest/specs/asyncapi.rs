//! AsyncAPI 2 and 3: what a service sends and receives over which channels, with the fields of messages.
//!
//! In version 2 `subscribe` is what the service sends and `publish` what it receives: the words speak of its clients.

use crate::files::Source;
use crate::ingest::neighbours::Neighbours;
use crate::ingest::yaml::{self, Node};
use crate::model::facts::SchemaField;
use crate::model::{Facts, Operation, Place, SchemaFact};

use super::Spec;

/// AsyncAPI.
pub const SPEC: Spec = Spec { id: "asyncapi", claims, read };

fn claims(source: &Source, text: &str) -> bool {
    matches!(source.extension().as_str(), "yaml" | "yml" | "json")
        && text.contains("channels")
        && text.lines().take(60).any(|l| {
            let l = l.trim_start().trim_start_matches(['{', ' ', '"']);
            l.starts_with("asyncapi\"") || l.starts_with("asyncapi:")
        })
}

fn read(source: &Source, text: &str, _: &Neighbours<'_>) -> Facts {
    let mut facts = Facts::default();
    let documents = yaml::parse(text);
    facts.notes.extend(documents.notes(source));
    for document in &documents.nodes {
        let reader =
            Reader { source, document, title: document.at(&["info", "title"]).str(), servers: servers(document) };
        if document.get("operations").is_null() {
            reader.second(&mut facts);
        } else {
            reader.third(&mut facts);
        }
        reader.schemas(&mut facts);
    }
    facts
}

/// Protocols of the servers as `protocol://host`.
fn servers(document: &Node) -> Vec<String> {
    let of = |s: &Node| {
        let host = s.get("host").text().or_else(|| s.get("url").text()).unwrap_or_default();
        let host = host.rsplit("://").next().unwrap_or(host);
        format!("{}://{host}", s.get("protocol").str())
    };
    document.get("servers").entries().iter().map(|(_, s)| of(s)).collect()
}

struct Reader<'r> {
    source: &'r Source,
    document: &'r Node,
    title: &'r str,
    servers: Vec<String>,
}

impl Reader<'_> {
    fn operation(&self, line: u32, method: &str, channel: &str, id: &str, messages: Vec<String>) -> Operation {
        Operation {
            place: Place::new(&self.source.root, &self.source.path, line),
            format: "asyncapi".to_owned(),
            title: self.title.to_owned(),
            version: String::new(),
            servers: self.servers.clone(),
            method: method.to_owned(),
            path: channel.to_owned(),
            id: id.to_owned(),
            tags: Vec::new(),
            schemas: messages,
        }
    }

    fn second(&self, facts: &mut Facts) {
        for (address, channel) in self.document.get("channels").entries() {
            for (word, method) in [("subscribe", "SEND"), ("publish", "RECEIVE")] {
                let operation = channel.get(word);
                if operation.is_null() {
                    continue;
                }
                let message = operation.get("message");
                let listed = message.get("oneOf").list().iter().chain([message]).filter_map(name_of).collect();
                let id = operation.get("operationId").str();
                facts.operations.push(self.operation(operation.line, method, address, id, listed));
            }
        }
    }

    fn third(&self, facts: &mut Facts) {
        for (id, operation) in self.document.get("operations").entries() {
            let key = name_of(operation.get("channel")).unwrap_or_default();
            let channel = self.document.at(&["channels", key.as_str()]);
            // A channel without an address is called like its key.
            let address = channel.get("address").text().unwrap_or(&key);
            let method = if operation.get("action").str() == "send" { "SEND" } else { "RECEIVE" };
            let messages = match operation.get("messages").list() {
                [] => channel.get("messages").entries().iter().map(|(name, _)| name.clone()).collect(),
                all => all.iter().filter_map(name_of).collect(),
            };
            if !address.is_empty() {
                facts.operations.push(self.operation(operation.line, method, address, id, messages));
            }
        }
    }

    fn schemas(&self, facts: &mut Facts) {
        for (name, schema) in self.document.at(&["components", "schemas"]).entries() {
            let required: Vec<&str> = schema.get("required").list().iter().filter_map(Node::text).collect();
            let field = |(name, value): &(String, Node)| SchemaField {
                name: name.clone(),
                type_name: value.get("format").text().unwrap_or(value.get("type").str()).to_owned(),
                required: required.contains(&name.as_str()),
                key: name == "id",
                line: value.line,
            };
            let fields: Vec<SchemaField> = schema.get("properties").entries().iter().map(field).collect();
            if !fields.is_empty() {
                facts.schemas.push(SchemaFact {
                    place: Place::new(&self.source.root, &self.source.path, schema.line),
                    format: "asyncapi".to_owned(),
                    name: name.clone(),
                    table: None,
                    fields,
                    removes: Vec::new(),
                    answers: Vec::new(),
                    services: Vec::new(),
                });
            }
        }
    }
}

/// The last part of what a node refers to, else its name.
fn name_of(node: &Node) -> Option<String> {
    let reference = node.get("$ref").text().map(|r| r.rsplit('/').next().unwrap_or(r));
    reference.or_else(|| node.get("name").text()).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_versions_say_who_sends() {
        let second = "asyncapi: 2.6.0\ninfo: {title: Orders}\nchannels:\n  order-placed:\n    subscribe: {operationId: placed, message: {$ref: '#/components/messages/Order'}}\n  stock-low:\n    publish: {}\n";
        let third = "asyncapi: 3.0.0\ninfo: {title: Orders}\nchannels:\n  placed: {address: order-placed, messages: {Order: {}}}\n  stock-low: {}\noperations:\n  placed: {action: send, channel: {$ref: '#/channels/placed'}}\n  low: {action: receive, channel: {$ref: '#/channels/stock-low'}}\n";
        for text in [second, third] {
            let source = Source::in_memory("orders/asyncapi.yaml", text.as_bytes());
            assert!(claims(&source, text));
            let facts = read(&source, text, &Neighbours::new(&[], ""));
            let found: Vec<(&str, &str)> =
                facts.operations.iter().map(|o| (o.method.as_str(), o.path.as_str())).collect();
            assert_eq!(found, [("SEND", "order-placed"), ("RECEIVE", "stock-low")]);
            assert_eq!(facts.operations[0].schemas, ["Order"]);
        }
    }
}
