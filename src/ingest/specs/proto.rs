//! Protocol Buffers: services with their methods, messages with their fields.

use crate::files::Source;
use crate::ingest::neighbours::Neighbours;
use crate::model::facts::SchemaField;
use crate::model::{Facts, Operation, Place, SchemaFact};

use super::Spec;

/// Protocol Buffers.
pub const SPEC: Spec = Spec { id: "proto", claims, read };

fn claims(source: &Source, _: &str) -> bool {
    source.extension() == "proto"
}

/// What the brackets that are open belong to.
enum Block {
    Service(String),
    Message(Box<SchemaFact>),
    Other,
}

#[expect(clippy::too_many_lines, reason = "one pass over the statements, one arm per statement")]
fn read(source: &Source, text: &str, _: &Neighbours<'_>) -> Facts {
    let mut facts = Facts::default();
    let mut package = String::new();
    let mut blocks: Vec<Block> = Vec::new();
    for (number, line) in statements(text) {
        let line = line.as_str();
        let words: Vec<&str> = line
            .split(|c: char| c.is_whitespace() || matches!(c, '(' | ')' | ';' | '{' | '}' | '='))
            .filter(|w| !w.is_empty())
            .collect();
        let mut opened = None;
        match words.as_slice() {
            ["package", name, ..] => package = (*name).to_owned(),
            ["service", name, ..] if line.contains('{') => {
                opened = Some(Block::Service(if package.is_empty() {
                    (*name).to_owned()
                } else {
                    format!("{package}.{name}")
                }));
            }
            ["message", name, ..] if line.contains('{') => {
                opened = Some(Block::Message(Box::new(SchemaFact {
                    place: Place::new(&source.root, &source.path, number),
                    format: "proto".to_owned(),
                    name: (*name).to_owned(),
                    table: None,
                    fields: Vec::new(),
                    removes: Vec::new(),
                    answers: Vec::new(),
                    services: Vec::new(),
                })));
            }
            ["rpc", name, rest @ ..] => {
                if let Some(Block::Service(service)) = blocks.last() {
                    let types = rest.iter().filter(|w| !matches!(**w, "stream" | "returns" | "option"));
                    facts.operations.push(Operation {
                        place: Place::new(&source.root, &source.path, number),
                        format: "proto".to_owned(),
                        title: service.clone(),
                        version: String::new(),
                        servers: Vec::new(),
                        method: "RPC".to_owned(),
                        path: format!("/{service}/{name}"),
                        id: (*name).to_owned(),
                        tags: Vec::new(),
                        schemas: types.take(2).map(|t| t.rsplit('.').next().unwrap_or(t).to_owned()).collect(),
                    });
                }
            }
            [kind @ .., name, tag] | [kind @ .., name, tag, _]
                if tag.parse::<u32>().is_ok()
                    && kind.first().is_some_and(|k| !matches!(*k, "option" | "reserved" | "extensions" | "enum")) =>
            {
                // The fields of a `oneof` belong to the message around it.
                let message = blocks.iter_mut().rev().find(|b| matches!(b, Block::Message(_)));
                if let Some(Block::Message(message)) = message {
                    message.fields.push(SchemaField {
                        name: (*name).to_owned(),
                        type_name: kind.join(" "),
                        required: false,
                        key: *name == "id",
                        line: number,
                    });
                }
            }
            _ => {}
        }
        for c in line.chars() {
            match c {
                '{' => blocks.push(opened.take().unwrap_or(Block::Other)),
                '}' => {
                    if let Some(Block::Message(message)) = blocks.pop() {
                        facts.schemas.push(*message);
                    }
                }
                _ => {}
            }
            if blocks.len() > 64 {
                return facts;
            }
        }
    }
    facts
}

/// Statements without comments, each with the bracket or semicolon that ends it and the line where it starts.
fn statements(text: &str) -> Vec<(u32, String)> {
    let mut all: Vec<(u32, String)> = Vec::new();
    let mut comment = false;
    let mut open: Option<(u32, String)> = None;
    for (at, line) in text.lines().enumerate() {
        for c in strip(line, &mut comment).trim().chars().chain([' ']) {
            if open.is_none() && c.is_whitespace() {
                continue;
            }
            let (_, statement) = open.get_or_insert_with(|| (at as u32 + 1, String::new()));
            statement.push(c);
            if matches!(c, ';' | '{' | '}') {
                all.extend(open.take());
            }
        }
    }
    all.extend(open);
    all
}

/// A line without comments.
fn strip(line: &str, open: &mut bool) -> String {
    let mut out = String::new();
    let mut rest = line;
    loop {
        if *open {
            let Some((_, after)) = rest.split_once("*/") else { return out };
            *open = false;
            rest = after;
        }
        match (rest.find("//"), rest.find("/*")) {
            (Some(slash), star) if star.is_none_or(|s| slash < s) => return out + &rest[..slash],
            (_, Some(star)) => {
                out.push_str(&rest[..star]);
                *open = true;
                rest = &rest[star + 2..];
            }
            _ => return out + rest,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_services_and_messages() {
        let text = "package shop.v1;\nservice Pricing {\n  rpc GetQuote (QuoteRequest) returns (stream Quote) {}\n}\nmessage Quote { // x\n  string id = 1;\n  repeated Item items = 2;\n}\n";
        let source = Source::in_memory("pricing.proto", text.as_bytes());
        let facts = read(&source, text, &Neighbours::new(&[], ""));
        assert_eq!(
            (facts.operations[0].path.as_str(), facts.operations[0].place.line),
            ("/shop.v1.Pricing/GetQuote", 3)
        );
        assert_eq!(facts.operations[0].schemas, ["QuoteRequest", "Quote"]);
        assert_eq!(facts.schemas[0].fields.len(), 2);
        let text = "service Pricing\n{\n  rpc GetQuote\n    (A) returns (B);\n}\nservice Stock { rpc Count (A) returns (B); }\n";
        let source = Source::in_memory("pricing.proto", text.as_bytes());
        let paths: Vec<String> =
            read(&source, text, &Neighbours::new(&[], "")).operations.into_iter().map(|o| o.path).collect();
        assert_eq!(paths, ["/Pricing/GetQuote", "/Stock/Count"]);
    }

    #[test]
    fn fields_of_a_choice_belong_to_the_message_around_it() {
        let text = "message Pay {\n  string id = 1;\n  oneof how {\n    Card card = 2;\n  }\n  enum Kind { A = 0; }\n  reserved 9;\n}\n";
        let facts = read(&Source::in_memory("p.proto", text.as_bytes()), text, &Neighbours::new(&[], ""));
        let names: Vec<&str> = facts.schemas[0].fields.iter().map(|f| f.name.as_str()).collect();
        assert_eq!(names, ["id", "card"]);
    }
}
