//! Schemas of entities in Avro, JSON Schema or Protobuf; of business events in JSON Schema, since the outbox holds JSON.

use serde_json::{Value, json};

use crate::model::Step;
use crate::model::design::{Design, EntityDesign, FieldDesign, FieldType};
use crate::plan::options::SchemaKind;
use crate::plan::{agreed, schema, types, write};

use super::{Artefact, Context, File, Render};

/// Schemas.
pub const ARTEFACT: Artefact =
    Artefact { id: "schemas", about: "schemas of entities and events", render: Render::Step(render) };

fn render(context: &Context<'_>, step: &Step, design: &Design) -> Vec<File> {
    let mut files = Vec::new();
    for entity in &design.entities {
        let (end, text) = match context.options.schema {
            SchemaKind::Avro => ("avsc", write::json(&schema::avro(context.system, step, design, entity))),
            SchemaKind::Json => ("schema.json", write::json(&schema::json(step, design, entity))),
            SchemaKind::Protobuf => ("proto", protobuf(context.system, step, design, entity)),
        };
        files.push(File::of(design, &format!("schemas/{}.{end}", entity.name), text));
    }
    if !design.events.is_empty() {
        files.push(File::of(design, "schemas/events.schema.json", write::json(&events(step, design))));
    }
    files
}

/// One schema for all events of the topic: what every fact carries, by its type.
fn events(step: &Step, design: &Design) -> Value {
    let mut value = design.entities.first().map_or_else(
        || json!({"type": "object", "properties": {}, "additionalProperties": true}),
        |entity| schema::json(step, design, entity),
    );
    let title = design.entities.first().map_or_else(|| design.domain.clone(), |e| e.name.clone());
    let key: Vec<Value> =
        design.entities.first().map(|e| e.key().iter().map(|f| json!(f.name)).collect()).unwrap_or_default();
    if let Some(object) = value.as_object_mut() {
        object.insert("title".into(), json!(format!("{title} events")));
        object.insert("description".into(), json!(format!(
            "Payload of the business events {}; the type stands in the header ce_type. Every event carries the key; what else it carries is the owner's decision.",
            design.events.iter().map(|e| e.name.as_str()).collect::<Vec<_>>().join(", ")
        )));
        object.insert("required".into(), Value::Array(key));
        if let Some(properties) = object.get_mut("properties").and_then(Value::as_object_mut) {
            properties.remove(agreed::VERSION);
            properties.remove(agreed::DELETED);
            // The outbox is written by the owner: nothing masks there, so personal fields are left to a decision.
            let personal: Vec<String> = design
                .entities
                .first()
                .map(|e| e.fields.iter().filter(|f| f.personal).map(|f| f.name.clone()).collect())
                .unwrap_or_default();
            for name in personal {
                properties.remove(&name);
            }
        }
    }
    value
}

fn protobuf(system: &str, step: &Step, design: &Design, entity: &EntityDesign) -> String {
    let mut text = write::head("//", &format!("value of {}", entity.topic), step, design);
    text.push_str("syntax = \"proto3\";\n\n");
    text.push_str(&format!("package {};\n\n", schema::namespace(system, design)));
    text.push_str(&format!("message {} {{\n", schema::record(entity)));
    for (at, field) in entity.fields.iter().enumerate() {
        // Numbers follow the order of the table: a new column comes last and takes the next one.
        let optional = if field.required { "" } else { "optional " };
        let name = proto_name(field);
        text.push_str(&format!("  {optional}{} {name} = {};{}\n", types::protobuf(field.kind), at + 1, note(field)));
    }
    // Numbers of what the connector adds stay clear of the table's.
    text.push_str(&format!("  int64 {} = 1001;\n", agreed::VERSION));
    text.push_str(&format!("  string {} = 1002;\n}}\n", agreed::DELETED));
    text
}

fn proto_name(field: &FieldDesign) -> &str {
    &field.name
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
