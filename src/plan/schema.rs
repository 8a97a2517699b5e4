//! The schema of an entity as a value: needed by the schema files, the registry's subjects, Flink and AsyncAPI.

use serde_json::{Map, Value, json};

use crate::model::Step;
use crate::model::design::{Design, EntityDesign, FieldDesign, FieldType};

use super::names::pascal;
use super::{agreed, types, write};

/// Namespace of records: identifiers joined by dots.
#[must_use]
pub fn namespace(system: &str, design: &Design) -> String {
    format!("{}.{}", identifier(system), identifier(&design.domain))
}

fn identifier(text: &str) -> String {
    let mut made: String =
        text.to_lowercase().chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    if !made.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') {
        made.insert(0, '_');
    }
    made
}

/// Name of the record of an entity.
#[must_use]
pub fn record(entity: &EntityDesign) -> String {
    let made = pascal(&entity.name);
    if made.starts_with(|c: char| c.is_ascii_alphabetic()) && made.is_ascii() {
        made
    } else {
        format!("Entity{:08x}", super::names::hash(&entity.name))
    }
}

fn doc(field: &FieldDesign) -> String {
    let mut text = format!("{} of {}", write::line(&field.written), field.place);
    match field.kind {
        FieldType::Unknown => text = format!("TODO: its type is not known; {text}"),
        FieldType::Date | FieldType::Time | FieldType::Timestamp | FieldType::LocalTimestamp => {
            text.push_str("; ISO 8601")
        }
        FieldType::Decimal => text.push_str("; decimal as text"),
        FieldType::Bytes => text.push_str("; base64"),
        _ => {}
    }
    if field.personal {
        text.push_str("; personal, masked");
    }
    write::line(&text)
}

/// What the version of a change is.
fn version(design: &Design) -> &'static str {
    if agreed::engine(design) == "postgresql" {
        "position of the change in the log: a smaller one never overwrites a larger one"
    } else {
        "when the connector read the change, in milliseconds: a smaller one never overwrites a larger one"
    }
}

/// The Avro record of an entity.
#[must_use]
pub fn avro(system: &str, step: &Step, design: &Design, entity: &EntityDesign) -> Value {
    let mut fields: Vec<Value> = entity
        .fields
        .iter()
        .map(|field| {
            let kind = types::avro(field.kind);
            if field.required {
                json!({"name": field.name, "type": kind, "doc": doc(field)})
            } else {
                json!({"name": field.name, "type": ["null", kind], "default": null, "doc": doc(field)})
            }
        })
        .collect();
    // In the order in which the connector adds them: Avro is written by position.
    fields.push(
        json!({"name": agreed::DELETED, "type": "string", "doc": "true once the row is gone; a tombstone follows"}),
    );
    fields.push(json!({"name": agreed::VERSION, "type": "long", "doc": version(design)}));
    json!({
        "doc": write::mark(&format!("value of {}", entity.topic), step, design),
        "type": "record",
        "name": record(entity),
        "namespace": namespace(system, design),
        "fields": fields,
    })
}

/// The JSON Schema of an entity.
#[must_use]
pub fn json(step: &Step, design: &Design, entity: &EntityDesign) -> Value {
    let mut properties = Map::new();
    let mut required: Vec<Value> = Vec::new();
    for field in &entity.fields {
        let (kind, format) = types::json(field.kind);
        let mut property = Map::new();
        property.insert("description".into(), json!(doc(field)));
        let kinds = if field.required { json!(kind) } else { json!([kind, "null"]) };
        property.insert("type".into(), kinds);
        if let Some(format) = format {
            property.insert("format".into(), json!(format));
        }
        properties.insert(field.name.clone(), Value::Object(property));
        if field.required {
            required.push(json!(field.name));
        }
    }
    properties.insert(agreed::VERSION.into(), json!({"type": "integer", "description": version(design)}));
    properties.insert(
        agreed::DELETED.into(),
        json!({"type": "string", "enum": ["true", "false"], "description": "true once the row is gone"}),
    );
    required.push(json!(agreed::VERSION));
    json!({
        "$comment": write::mark(&format!("value of {}", entity.topic), step, design),
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": record(entity),
        "type": "object",
        "properties": properties,
        "required": required,
    })
}

/// The Protobuf message of an entity, as a file.
#[must_use]
pub fn protobuf(system: &str, step: &Step, design: &Design, entity: &EntityDesign) -> String {
    let mut text = write::head("//", &format!("value of {}", entity.topic), step, design);
    text.push_str("syntax = \"proto3\";\n\n");
    text.push_str(&format!("package {};\n\n", namespace(system, design)));
    text.push_str(&format!("message {} {{\n", record(entity)));
    for (at, field) in entity.fields.iter().enumerate() {
        // Numbers follow the order of the table: a new column comes last and takes the next one.
        let optional = if field.required { "" } else { "optional " };
        text.push_str(&format!(
            "  {optional}{} {} = {};{}\n",
            types::protobuf(field.kind),
            field.name,
            at + 1,
            note(field)
        ));
    }
    // Numbers of what the connector adds stay clear of the table's.
    text.push_str(&format!("  string {} = 1001;\n", agreed::DELETED));
    text.push_str(&format!("  int64 {} = 1002;\n}}\n", agreed::VERSION));
    text
}

fn note(field: &FieldDesign) -> String {
    let mut notes = Vec::new();
    if field.kind == FieldType::Unknown {
        notes.push("TODO type".to_owned());
    }
    if field.personal {
        notes.push("personal, masked".to_owned());
    }
    if notes.is_empty() { String::new() } else { format!(" // {}", notes.join(", ")) }
}
