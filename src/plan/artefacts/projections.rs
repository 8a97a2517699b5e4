//! The copy that a consumer keeps: its table, and an upsert that duplicates and late arrivals cannot harm.

use crate::model::Step;
use crate::model::design::{ConsumerDesign, Design, EntityDesign, FieldType};
use crate::plan::write::{self, name};
use crate::plan::{agreed, types};

use super::{Artefact, Context, File, Render};

/// Projections.
pub const ARTEFACT: Artefact = Artefact {
    id: "projections",
    about: "tables of the consumers' copies with an idempotent upsert",
    render: Render::Step(render),
};

fn render(_: &Context<'_>, step: &Step, design: &Design) -> Vec<File> {
    let mut files = Vec::new();
    for consumer in &design.consumers {
        let mysql = matches!(agreed::family(&consumer.engine), "mysql" | "mariadb");
        let dialect = if mysql { "mysql" } else { "postgresql" };
        let mut text = write::head(
            "--",
            &format!("the copy that {} keeps; bootstrap: read from the earliest offset", consumer.service),
            step,
            design,
        );
        if agreed::family(&consumer.engine).is_empty() {
            text.push_str("-- No SQL database of this consumer was found: PostgreSQL is assumed.\n");
        }
        for site in &consumer.reads_own_writes {
            text.push_str(&format!(
                "-- {} reads its own write: wait until the copy has the version of the write (R2).\n",
                write::line(site)
            ));
        }
        for entity in kept(design, consumer) {
            text.push_str(&table(design, entity, mysql));
        }
        let quote = if mysql { '`' } else { '"' };
        let id = if mysql { "char(36)" } else { "uuid" };
        text.push_str(&format!("-- Events already handled: insert the id of an event in the transaction that handles it.\nCREATE TABLE {} (\n    event_id {id} PRIMARY KEY,\n    handled_at timestamp NOT NULL\n);\n", name(&format!("{}_handled", agreed::slot(design).trim_start_matches("unbraid_")), quote)));
        let folder = file_name(&consumer.service);
        files.push(File::of(design, &format!("projections/{folder}.{dialect}.sql"), text));
        let mut text = write::head(
            "--",
            "one statement per change; parameters as the topic has them, in the order of the fields, then version, then deleted",
            step,
            design,
        );
        for entity in kept(design, consumer) {
            text.push_str(&upsert(design, entity, mysql));
        }
        files.push(File::of(design, &format!("projections/{folder}.upsert.{dialect}.sql"), text));
    }
    files
}

fn file_name(service: &str) -> String {
    agreed::kubernetes(service)
}

fn kept<'d>(design: &'d Design, consumer: &'d ConsumerDesign) -> impl Iterator<Item = &'d EntityDesign> {
    design.entities.iter().filter(|e| consumer.entities.contains(&e.name) && !e.key().is_empty())
}

fn table(design: &Design, entity: &EntityDesign, mysql: bool) -> String {
    let q = |n: &str| name(n, if mysql { '`' } else { '"' });
    let mut lines: Vec<String> = entity
        .fields
        .iter()
        .map(|f| {
            let kind = types::table_sql(f.kind, mysql, f.key);
            let null = if f.key { " NOT NULL" } else { "" };
            let todo = if f.kind == FieldType::Unknown { " /* TODO type */" } else { "" };
            format!("    {} {kind}{null}{todo}", q(&f.name))
        })
        .collect();
    lines.push(format!("    {} bigint NOT NULL", q(agreed::VERSION)));
    lines.push(format!("    {} boolean NOT NULL", q(agreed::DELETED)));
    let key: Vec<String> = entity.key().iter().map(|f| q(&f.name)).collect();
    lines.push(format!("    PRIMARY KEY ({})", key.join(", ")));
    format!(
        "-- from topic {}; a deleted row stays with its version, so that a late change cannot bring it back\nCREATE TABLE {} (\n{}\n);\n",
        write::line(&entity.topic),
        q(&agreed::projection(design, entity)),
        lines.join(",\n")
    )
}

fn upsert(design: &Design, entity: &EntityDesign, mysql: bool) -> String {
    let q = |n: &str| name(n, if mysql { '`' } else { '"' });
    let table = q(&agreed::projection(design, entity));
    let mut columns: Vec<&str> = entity.fields.iter().map(|f| f.name.as_str()).collect();
    columns.extend([agreed::VERSION, agreed::DELETED]);
    let named: Vec<String> = columns.iter().map(|c| q(c)).collect();
    let key: Vec<&str> = entity.key().iter().map(|f| f.name.as_str()).collect();
    let rest: Vec<&str> = columns.iter().copied().filter(|c| !key.contains(c)).collect();
    let version = q(agreed::VERSION);
    if mysql {
        let values: Vec<String> = kinds(entity).map(|kind| value(kind, "?", true)).collect();
        let values = values.join(", ");
        // MySQL assigns from left to right: the version last, so that all others compare with the old one.
        let mut rest: Vec<&str> = rest.into_iter().filter(|c| *c != agreed::VERSION).collect();
        rest.push(agreed::VERSION);
        let set: Vec<String> = rest
            .iter()
            .map(|c| format!("    {0} = IF(VALUES({version}) >= {version}, VALUES({0}), {0})", q(c)))
            .collect();
        return format!(
            "INSERT INTO {table} ({}) VALUES ({values})\nON DUPLICATE KEY UPDATE\n{};\n\n",
            named.join(", "),
            set.join(",\n")
        );
    }
    let values: Vec<String> =
        kinds(entity).enumerate().map(|(at, kind)| value(kind, &format!("${}", at + 1), false)).collect();
    let key: Vec<String> = key.iter().map(|k| q(k)).collect();
    let set: Vec<String> = rest.iter().map(|c| format!("    {0} = excluded.{0}", q(c))).collect();
    format!(
        "INSERT INTO {table} ({}) VALUES ({})\nON CONFLICT ({}) DO UPDATE SET\n{}\nWHERE excluded.{version} >= {table}.{version};\n\n",
        named.join(", "),
        values.join(", "),
        key.join(", "),
        set.join(",\n")
    )
}

/// What the parameters hold: the fields, the version, and whether the row is gone.
fn kinds(entity: &EntityDesign) -> impl Iterator<Item = Option<FieldType>> + '_ {
    entity.fields.iter().map(|f| Some(f.kind)).chain([Some(FieldType::Long), None])
}

/// A parameter as its column takes it: days come with their zone, and whether a row is gone comes as a text.
fn value(kind: Option<FieldType>, parameter: &str, mysql: bool) -> String {
    match kind {
        Some(FieldType::Date) if mysql => format!("LEFT({parameter}, 10)"),
        Some(FieldType::Date) => format!("CAST(LEFT(CAST({parameter} AS text), 10) AS date)"),
        None if mysql => format!("{parameter} = 'true'"),
        None => format!("CAST({parameter} AS text) = 'true'"),
        Some(_) => parameter.to_owned(),
    }
}
