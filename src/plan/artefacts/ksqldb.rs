//! ksqlDB: the entity as a table, its events enriched with it, and one real-time use case. The Flink twin says the same.

use crate::model::Step;
use crate::model::design::{Design, EntityDesign};
use crate::plan::options::SchemaKind;
use crate::plan::write::{self, name};
use crate::plan::{agreed, types};

use super::{Artefact, Context, File, Render};

/// ksqlDB.
pub const ARTEFACT: Artefact = Artefact {
    id: "ksqldb",
    about: "ksqlDB statements: table, enriched stream, use case",
    render: Render::Step(render),
};

fn q(text: &str) -> String {
    name(text, '`')
}

fn render(context: &Context<'_>, step: &Step, design: &Design) -> Vec<File> {
    let Some(entity) = design.entities.first().filter(|e| !e.key().is_empty()) else { return Vec::new() };
    let format = match context.options.schema {
        SchemaKind::Avro => "AVRO",
        SchemaKind::Json => "JSON",
        SchemaKind::Protobuf => "PROTOBUF",
    };
    let mut text = write::head("--", "ksqlDB; flink.sql is its twin for Flink", step, design);
    let key: Vec<String> =
        entity.key().iter().map(|f| format!("{} {}", q(&f.name), types::stream_sql(f.kind))).collect();
    let mut columns = vec![format!("    entity_key STRUCT<{}> PRIMARY KEY", key.join(", "))];
    columns.extend(entity.fields.iter().map(|f| format!("    {} {}", q(&f.name), types::stream_sql(f.kind))));
    columns.push(format!("    {} STRING", q(agreed::DELETED)));
    columns.push(format!("    {} BIGINT", q(agreed::VERSION)));
    text.push_str(&format!(
        "CREATE SOURCE TABLE {} (\n{}\n) WITH (KAFKA_TOPIC = {}, KEY_FORMAT = 'JSON', VALUE_FORMAT = '{format}');\n\n",
        q(&entity.name),
        columns.join(",\n"),
        write::text(&entity.topic)
    ));
    if let (false, [one]) = (design.events.is_empty(), entity.key().as_slice()) {
        text.push_str(&enriched(design, entity, one));
    }
    if let (Some(field), Some(topic)) = (agreed::category(entity), agreed::use_case_topic(design, entity)) {
        text.push_str(&format!(
            "-- Use case: how many of each {0} there are now.\nCREATE TABLE {1} WITH (KAFKA_TOPIC = {2}, KEY_FORMAT = 'JSON', VALUE_FORMAT = '{format}') AS\n  SELECT {3}, COUNT(*) AS {4}\n  FROM {5}\n  WHERE {6} = 'false'\n  GROUP BY {3}\n  EMIT CHANGES;\n",
            write::line(&field.name),
            q(&format!("{}_by_{}", entity.name, field.name)),
            write::text(&topic),
            q(&field.name),
            q("number"),
            q(&entity.name),
            q(agreed::DELETED)
        ));
    }
    vec![File::of(design, "ksqldb.ksql", text)]
}

fn enriched(design: &Design, entity: &EntityDesign, key: &crate::model::design::FieldDesign) -> String {
    let events = format!("{}_events", entity.name);
    let shown: Vec<&crate::model::design::FieldDesign> = entity.fields.iter().filter(|f| !f.personal).collect();
    let fields: Vec<String> =
        shown.iter().map(|f| format!("    {} {}", q(&f.name), types::stream_sql(f.kind))).collect();
    let taken: Vec<String> = shown
        .iter()
        .filter(|f| !f.key)
        .map(|f| format!("    c.{0} AS {1}", q(&f.name), q(&format!("current_{}", f.name))))
        .collect();
    let cast = if types::is_text(key.kind) {
        "e.event_key".to_owned()
    } else {
        format!("CAST(e.event_key AS {})", types::stream_sql(key.kind))
    };
    let mut select = vec!["    e.event_key".to_owned()];
    select.extend(taken);
    format!(
        "CREATE STREAM {} (\n    event_key STRING KEY,\n{}\n) WITH (KAFKA_TOPIC = {}, KEY_FORMAT = 'KAFKA', VALUE_FORMAT = 'JSON');\n\n-- Enriched: every event with the current state of its {}.\nCREATE STREAM {} AS\n  SELECT\n{}\n  FROM {} e\n  JOIN {} c ON STRUCT({} := {cast}) = c.entity_key\n  EMIT CHANGES;\n\n",
        q(&events),
        fields.join(",\n"),
        write::text(&design.event_topic),
        write::line(&entity.name),
        q(&format!("{events}_enriched")),
        select.join(",\n"),
        q(&events),
        q(&entity.name),
        q(&key.name)
    )
}
