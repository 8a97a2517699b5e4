//! Reconciliation: the same question to the source and to each copy, by ranges of keys; the answers must be equal.

use crate::model::Step;
use crate::model::design::{Design, EntityDesign, FieldType};
use crate::plan::agreed;
use crate::plan::write::{self, name};

use super::{Artefact, Context, File, Render};

/// Reconciliation.
pub const ARTEFACT: Artefact = Artefact {
    id: "reconcile",
    about: "count and checksum of source and copies by key range",
    render: Render::Step(render),
};

fn render(_: &Context<'_>, step: &Step, design: &Design) -> Vec<File> {
    let Some(database) = design.database.as_ref().filter(|_| agreed::engine(design) == "postgresql") else {
        return Vec::new();
    };
    let mut files = Vec::new();
    let ask =
        "run on both sides when the consumer's lag is nothing; rows that differ name the range of keys to look into";
    let mut source = write::head("--", ask, step, design);
    let mut copy = write::head("--", ask, step, design);
    source.push_str("SET TIME ZONE 'UTC';\n");
    copy.push_str("SET TIME ZONE 'UTC';\n");
    let mut any = false;
    for entity in design.entities.iter().filter(|e| !e.key().is_empty()) {
        any = true;
        let table = format!("{}.{}", name(&database.schema, '"'), name(&entity.table, '"'));
        source.push_str(&query(entity, &table, true));
        copy.push_str(&query(entity, &name(&agreed::projection(design, entity), '"'), false));
    }
    if any {
        files.push(File::of(design, "reconcile/source.postgresql.sql", source));
        files.push(File::of(design, "reconcile/copy.postgresql.sql", copy));
    }
    files
}

fn query(entity: &EntityDesign, table: &str, source: bool) -> String {
    let column = |f: &crate::model::design::FieldDesign| name(if source { &f.column } else { &f.name }, '"');
    let key: Vec<String> = entity.key().iter().map(|f| format!("CAST({} AS text)", column(f))).collect();
    let key = format!("concat_ws('|', {})", key.join(", "));
    // Masked columns differ on purpose; texts of times and documents may be written differently and be equal.
    let comparable = |kind| {
        !matches!(
            kind,
            FieldType::LocalTimestamp | FieldType::Time | FieldType::Json | FieldType::Bytes | FieldType::Unknown
        )
    };
    let values: Vec<String> = entity
        .fields
        .iter()
        .filter(|f| !f.personal && comparable(f.kind))
        .map(|f| format!("COALESCE(CAST({} AS text), '')", column(f)))
        .collect();
    let gone = if source { String::new() } else { format!("WHERE NOT {}\n", name(agreed::DELETED, '"')) };
    format!(
        "SELECT {} AS entity, substr(md5({key}), 1, 2) AS key_range, count(*) AS number_of_rows,\n    md5(string_agg(concat_ws('|', {}), ',' ORDER BY {key} COLLATE \"C\")) AS checksum\nFROM {table}\n{gone}GROUP BY 1, 2\nORDER BY 1, 2;\n",
        write::text(&entity.name),
        values.join(", ")
    )
}
