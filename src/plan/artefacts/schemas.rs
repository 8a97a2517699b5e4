//! Schemas of entities in Avro, JSON Schema or Protobuf; of business events in JSON Schema, since the outbox holds JSON.

use serde_json::{Value, json};

use crate::model::Step;
use crate::model::design::Design;
use crate::plan::options::SchemaKind;
use crate::plan::{agreed, schema, write};

use super::{Artefact, Context, File, Render};

/// Schemas.
pub const ARTEFACT: Artefact =
    Artefact { id: "schemas", about: "schemas of entities and events", render: Render::Step(render) };

fn render(context: &Context<'_>, step: &Step, design: &Design) -> Vec<File> {
    let mut files = Vec::new();
    let views = design.views.iter().filter_map(|v| v.shape.as_ref());
    for entity in design.entities.iter().chain(views) {
        let (end, text) = match context.options.schema {
            SchemaKind::Avro => ("avsc", write::json(&schema::avro(context.system, step, design, entity))),
            SchemaKind::Json => ("schema.json", write::json(&schema::json(step, design, entity))),
            SchemaKind::Protobuf => ("proto", schema::protobuf(context.system, step, design, entity)),
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
