//! Flink SQL: the twin of the ksqlDB statements, for the engine that goes on being developed.

use crate::model::Step;
use crate::model::design::{Design, EntityDesign};
use crate::plan::options::SchemaKind;
use crate::plan::write::{self, name};
use crate::plan::{agreed, schema, types};

use super::{Artefact, Context, File, Render};

/// Flink SQL.
pub const ARTEFACT: Artefact =
    Artefact { id: "flink", about: "Flink SQL twins of the ksqlDB statements", render: Render::Step(render) };

fn q(text: &str) -> String {
    name(text, '`')
}

fn with(options: &[(&str, String)]) -> String {
    let lines: Vec<String> = options.iter().map(|(k, v)| format!("  '{k}' = {}", write::text(v))).collect();
    format!("WITH (\n{}\n)", lines.join(",\n"))
}

/// Options of the value's format; the designed schema counts, else Flink would register one of its own.
fn value_format(context: &Context<'_>, avro: String, message: &str) -> Vec<(&'static str, String)> {
    match context.options.schema {
        SchemaKind::Avro => vec![
            ("value.format", "avro-confluent".to_owned()),
            ("value.avro-confluent.url", "http://schema-registry:8081".to_owned()),
            ("value.avro-confluent.schema", avro),
        ],
        SchemaKind::Json => vec![("value.format", "json".to_owned())],
        SchemaKind::Protobuf => {
            vec![("value.format", "protobuf".to_owned()), ("value.protobuf.message-class-name", message.to_owned())]
        }
    }
}

const PROTOBUF: &str =
    "-- Protobuf: Flink reads it by classes compiled from schemas/*.proto, which must be on its class path, and its own
-- format does not skip the header that a Schema Registry's converter puts before each value: use a format that does.
";

fn render(context: &Context<'_>, step: &Step, design: &Design) -> Vec<File> {
    let Some(entity) = design.entities.first().filter(|e| !e.key().is_empty()) else { return Vec::new() };
    let mut text = write::head("--", "Flink SQL; ksqldb.ksql is its twin for ksqlDB", step, design);
    if context.options.schema == SchemaKind::Protobuf {
        text.push_str(PROTOBUF);
    }
    text.push_str(&table(context, step, design, entity));
    if let (false, [one]) = (design.events.is_empty(), entity.key().as_slice()) {
        text.push_str(&enriched(context, design, entity, one));
    }
    if let (Some(field), Some(topic)) = (agreed::category(entity), agreed::use_case_topic(design, entity)) {
        let view = format!("{}_by_{}", entity.name, field.name);
        let avro = serde_json::json!({"type": "record", "name": "Count", "namespace": schema::namespace(context.system, design), "fields": [
            {"name": field.name, "type": types::avro(field.kind)}, {"name": "number", "type": "long"}]});
        let mut options = vec![
            ("connector", "upsert-kafka".to_owned()),
            ("topic", topic),
            ("properties.bootstrap.servers", context.broker.clone()),
            ("key.format", "json".to_owned()),
        ];
        // Counted results have no schema file of their own: as JSON they need no class either.
        options.extend(match context.options.schema {
            SchemaKind::Protobuf => vec![("value.format", "json".to_owned())],
            _ => value_format(context, avro.to_string(), ""),
        });
        let kind = types::stream_sql(field.kind);
        text.push_str(&format!(
            "-- Use case: how many of each {} there are now.\nCREATE TABLE {} (\n  {2} {kind} NOT NULL,\n  `number` BIGINT NOT NULL,\n  PRIMARY KEY ({2}) NOT ENFORCED\n) {3};\n\n",
            write::line(&field.name),
            q(&view),
            q(&field.name),
            with(&options)
        ));
        text.push_str(&format!(
            "INSERT INTO {}\nSELECT {1}, COUNT(*) AS `number`\nFROM {2}\nWHERE {3} = 'false' AND {1} IS NOT NULL\nGROUP BY {1};\n",
            q(&view),
            q(&field.name),
            q(&entity.name),
            q(agreed::DELETED)
        ));
    }
    vec![File::of(design, "flink.sql", text)]
}

fn table(context: &Context<'_>, step: &Step, design: &Design, entity: &EntityDesign) -> String {
    let mut columns: Vec<String> = entity
        .fields
        .iter()
        .map(|f| format!("  {} {}{}", q(&f.name), types::stream_sql(f.kind), if f.required { " NOT NULL" } else { "" }))
        .collect();
    columns.push(format!("  {} STRING NOT NULL", q(agreed::DELETED)));
    columns.push(format!("  {} BIGINT NOT NULL", q(agreed::VERSION)));
    let key: Vec<String> = entity.key().iter().map(|f| q(&f.name)).collect();
    columns.push(format!("  PRIMARY KEY ({}) NOT ENFORCED", key.join(", ")));
    let mut options = vec![
        ("connector", "upsert-kafka".to_owned()),
        ("topic", entity.topic.clone()),
        ("properties.bootstrap.servers", context.broker.clone()),
        ("key.format", "json".to_owned()),
    ];
    let avro = schema::avro(context.system, step, design, entity);
    let message = format!("{}.{}", schema::namespace(context.system, design), schema::record(entity));
    options.extend(value_format(context, avro.to_string(), &message));
    format!("CREATE TABLE {} (\n{}\n) {};\n\n", q(&entity.name), columns.join(",\n"), with(&options))
}

fn enriched(
    context: &Context<'_>,
    design: &Design,
    entity: &EntityDesign,
    key: &crate::model::design::FieldDesign,
) -> String {
    let events = format!("{}_events", entity.name);
    let shown: Vec<&crate::model::design::FieldDesign> = entity.fields.iter().filter(|f| !f.personal).collect();
    let mut columns = vec!["  `event_key` STRING".to_owned()];
    columns.extend(shown.iter().map(|f| format!("  {} {}", q(&f.name), types::stream_sql(f.kind))));
    let options = [
        ("connector", "kafka".to_owned()),
        ("topic", design.event_topic.clone()),
        ("properties.bootstrap.servers", context.broker.clone()),
        ("scan.startup.mode", "earliest-offset".to_owned()),
        ("key.format", "raw".to_owned()),
        ("key.fields", "event_key".to_owned()),
        ("value.format", "json".to_owned()),
        ("value.fields-include", "EXCEPT_KEY".to_owned()),
    ];
    let taken: Vec<String> = shown
        .iter()
        .filter(|f| !f.key)
        .map(|f| format!("  c.{} AS {}", q(&f.name), q(&format!("current_{}", f.name))))
        .collect();
    let mut select = vec!["  e.`event_key`".to_owned()];
    select.extend(taken);
    format!(
        "CREATE TABLE {} (\n{}\n) {};\n\n-- Enriched: every event with the current state of its {}.\nCREATE VIEW {} AS\nSELECT\n{}\nFROM {} AS e\nJOIN {} AS c ON e.`event_key` = CAST(c.{} AS STRING);\n\n",
        q(&events),
        columns.join(",\n"),
        with(&options),
        write::line(&entity.name),
        q(&format!("{events}_enriched")),
        select.join(",\n"),
        q(&events),
        q(&entity.name),
        q(&key.name)
    )
}
