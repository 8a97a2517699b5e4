//! Subjects of the Schema Registry: one request body per subject, and the commands that check and register them.

use serde_json::json;

use crate::model::Step;
use crate::model::design::Design;
use crate::plan::options::SchemaKind;
use crate::plan::{agreed, schema, write};

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

/// Kind and schema of the values of a heartbeat topic; JSON without schemas needs none.
fn heartbeat(kind: SchemaKind, mark: &str) -> Option<(&'static str, String)> {
    match kind {
        SchemaKind::Json => None,
        SchemaKind::Avro => Some((
            "AVRO",
            json!({"doc": mark, "type": "record", "name": "Heartbeat", "namespace": "io.debezium.connector.common", "fields": [{"name": "ts_ms", "type": "long"}]}).to_string(),
        )),
        SchemaKind::Protobuf => Some((
            "PROTOBUF",
            format!(
                "// {mark}\nsyntax = \"proto3\";\n\npackage io.debezium.connector.common;\n\nmessage Heartbeat {{\n  int64 ts_ms = 1;\n}}\n"
            ),
        )),
    }
}

fn render(context: &Context<'_>, step: &Step, design: &Design) -> Vec<File> {
    if design.entities.is_empty() {
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
    let views = design.views.iter().filter_map(|v| v.shape.as_ref()).filter(|s| !s.key().is_empty());
    for entity in design.entities.iter().chain(views) {
        let (kind, body) = match context.options.schema {
            SchemaKind::Json => ("JSON", schema::json(step, design, entity).to_string()),
            SchemaKind::Avro => ("AVRO", schema::avro(context.system, step, design, entity).to_string()),
            SchemaKind::Protobuf => ("PROTOBUF", schema::protobuf(context.system, step, design, entity)),
        };
        let subject = format!("{}-value", entity.topic);
        let body = json!({"schemaType": kind, "schema": body});
        files.push(File::of(design, &format!("subjects/{subject}.json"), write::json(&body)));
        text.push_str(&format!("register {0} subjects/{0}.json {ENTITY_LEVEL}\n", write::shell(&subject)));
    }
    if let Some((kind, schema)) =
        heartbeat(context.options.schema, &write::mark("heartbeats of the connector", step, design))
        && !agreed::engine(design).is_empty()
    {
        let subject = format!("{}-value", agreed::heartbeats(&format!("cdc.{}", design.domain)));
        let body = json!({"schemaType": kind, "schema": schema});
        files.push(File::of(design, &format!("subjects/{subject}.json"), write::json(&body)));
        text.push_str(
            "# The connector's heartbeats go through its converter too, which registers nothing of its own.\n",
        );
        text.push_str(&format!("register {0} subjects/{0}.json {ENTITY_LEVEL}\n", write::shell(&subject)));
    }
    text.push_str(&format!(
        "# The events of {} stay JSON; their schema is schemas/events.schema.json ({EVENT_LEVEL}).\n",
        design.event_topic
    ));
    files.push(File::of(design, "register.sh", text));
    files
}
