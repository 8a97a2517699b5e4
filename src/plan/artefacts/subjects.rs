//! Subjects of the Schema Registry: one request body per subject, and the commands that check and register them.

use serde_json::json;

use crate::model::Step;
use crate::model::design::Design;
use crate::plan::options::SchemaKind;
use crate::plan::{schema, write};

use super::{Artefact, Context, File, Render};

/// Subjects.
pub const ARTEFACT: Artefact = Artefact {
    id: "subjects",
    about: "Schema Registry subjects with their compatibility",
    render: Render::Step(render),
};

/// Compacted topics are read from their beginning for ever: every version must read every other.
const ENTITY_LEVEL: &str = "FULL_TRANSITIVE";
/// Events are replayed by newer readers only.
const EVENT_LEVEL: &str = "BACKWARD_TRANSITIVE";

fn render(context: &Context<'_>, step: &Step, design: &Design) -> Vec<File> {
    if context.options.schema == SchemaKind::Protobuf || design.entities.is_empty() {
        return Vec::new();
    }
    let mut files = Vec::new();
    let mut text = String::from("#!/bin/sh\n");
    text.push_str(&write::head(
        "#",
        "registers the subjects (TopicNameStrategy) with their compatibility",
        step,
        design,
    ));
    text.push_str("set -eu\ncd \"$(dirname \"$0\")\"\nregistry=${SCHEMA_REGISTRY_URL:?}\n");
    text.push_str("register() { # subject file level\n");
    text.push_str("  curl -fsS -X POST -H 'Content-Type: application/vnd.schemaregistry.v1+json' --data-binary @\"$2\" \"$registry/subjects/$1/versions\"\n");
    text.push_str("  curl -fsS -X PUT -H 'Content-Type: application/vnd.schemaregistry.v1+json' --data-binary \"{\\\"compatibility\\\": \\\"$3\\\"}\" \"$registry/config/$1\"\n  echo\n}\n");
    for entity in &design.entities {
        let (kind, body) = match context.options.schema {
            SchemaKind::Json => ("JSON", schema::json(step, design, entity)),
            _ => ("AVRO", schema::avro(context.system, step, design, entity)),
        };
        let subject = format!("{}-value", entity.topic);
        let body = json!({"schemaType": kind, "schema": body.to_string()});
        files.push(File::of(design, &format!("subjects/{subject}.json"), write::json(&body)));
        text.push_str(&format!("register {0} subjects/{0}.json {ENTITY_LEVEL}\n", write::shell(&subject)));
    }
    text.push_str(&format!(
        "# The events of {} stay JSON; their schema is schemas/events.schema.json ({EVENT_LEVEL}).\n",
        design.event_topic
    ));
    files.push(File::of(design, "register.sh", text));
    files
}
