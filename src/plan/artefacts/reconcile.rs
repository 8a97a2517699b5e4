//! Reconciliation: the same question to the source and to each copy, by ranges of keys; the answers must be equal.
//!
//! Values become the same text in every database: what cannot (times, floating point across databases) is not compared.

use std::collections::BTreeSet;

use serde_json::json;

use crate::model::Step;
use crate::model::design::{Design, EntityDesign, FieldDesign, FieldType};
use crate::plan::agreed;
use crate::plan::write::{self, name};

use super::{Artefact, Context, File, Render};

/// Reconciliation.
pub const ARTEFACT: Artefact = Artefact {
    id: "reconcile",
    about: "count and checksum of source and copies by key range",
    render: Render::Step(render),
};

/// Whose SQL is written; MongoDB is asked by a script of its shell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Dialect {
    PostgreSql,
    MySql,
    SqlServer,
    MongoDb,
}

const ASK: &str =
    "run on both sides when the consumer's lag is nothing; rows that differ name the range of keys to look into";

fn render(_: &Context<'_>, step: &Step, design: &Design) -> Vec<File> {
    let source = match agreed::engine(design) {
        "postgresql" => Dialect::PostgreSql,
        "mysql" | "mariadb" => Dialect::MySql,
        "sqlserver" => Dialect::SqlServer,
        "mongodb" => Dialect::MongoDb,
        _ => return Vec::new(),
    };
    let entities: Vec<&EntityDesign> = design.entities.iter().filter(|e| !e.key().is_empty()).collect();
    let Some(database) = design.database.as_ref().filter(|_| !entities.is_empty()) else { return Vec::new() };
    let is_mysql = |engine: &str| matches!(agreed::family(engine), "mysql" | "mariadb");
    let copies: BTreeSet<Dialect> = design
        .consumers
        .iter()
        .map(|c| if is_mysql(&c.engine) { Dialect::MySql } else { Dialect::PostgreSql })
        .collect();
    let all: BTreeSet<Dialect> = copies.iter().copied().chain([source]).collect();
    let mut files = Vec::new();
    if source == Dialect::MongoDb {
        files.push(File::of(
            design,
            "reconcile/source.mongodb.js",
            script(step, design, &database.name, &entities, &all),
        ));
    } else {
        let mut text = begin(source, step, design);
        for entity in &entities {
            let quote = quote(source);
            let schema = if source == Dialect::SqlServer { "dbo" } else { &database.schema };
            let table = format!("{}.{}", name(schema, quote), name(&entity.table, quote));
            text.push_str(&query(source, entity, &table, true, &all));
        }
        files.push(File::of(design, &format!("reconcile/source.{}.sql", end(source)), text));
    }
    for copy in copies {
        let mut text = begin(copy, step, design);
        for entity in &entities {
            let table = name(&agreed::projection(design, entity), quote(copy));
            text.push_str(&query(copy, entity, &table, false, &all));
        }
        files.push(File::of(design, &format!("reconcile/copy.{}.sql", end(copy)), text));
    }
    files
}

fn end(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::PostgreSql => "postgresql",
        Dialect::MySql => "mysql",
        Dialect::SqlServer => "sqlserver",
        Dialect::MongoDb => "mongodb",
    }
}

fn quote(dialect: Dialect) -> char {
    if dialect == Dialect::MySql { '`' } else { '"' }
}

fn begin(dialect: Dialect, step: &Step, design: &Design) -> String {
    let mut text = write::head("--", ASK, step, design);
    text.push_str(match dialect {
        Dialect::PostgreSql => "SET TIME ZONE 'UTC';\n",
        // The checksum of a range is made of all of its rows as one text.
        Dialect::MySql => "SET NAMES utf8mb4;\nSET SESSION group_concat_max_len = 1073741824;\n",
        Dialect::SqlServer | Dialect::MongoDb => "",
    });
    text
}

/// Is a value the same text in all of these databases? Masked columns differ on purpose.
fn is_comparable(field: &FieldDesign, all: &BTreeSet<Dialect>) -> bool {
    let only_postgresql = all.iter().all(|d| *d == Dialect::PostgreSql);
    !field.personal
        && match field.kind {
            FieldType::Text | FieldType::Uuid | FieldType::Int | FieldType::Long | FieldType::Boolean => true,
            FieldType::Decimal | FieldType::Date => !all.contains(&Dialect::MongoDb),
            FieldType::Double | FieldType::Timestamp => only_postgresql,
            FieldType::LocalTimestamp | FieldType::Time | FieldType::Json | FieldType::Bytes | FieldType::Unknown => {
                false
            }
        }
}

/// A value as the text that all databases agree on.
fn as_text(dialect: Dialect, kind: FieldType, column: &str) -> String {
    match (dialect, kind) {
        (Dialect::PostgreSql, FieldType::Decimal) => format!("CAST(CAST({column} AS numeric(38, 9)) AS text)"),
        (Dialect::PostgreSql, _) => format!("CAST({column} AS text)"),
        (Dialect::MySql, FieldType::Decimal) => format!("CAST(CAST({column} AS decimal(38, 9)) AS char)"),
        (Dialect::MySql, FieldType::Boolean) => {
            format!("CASE {column} WHEN 1 THEN 'true' WHEN 0 THEN 'false' END")
        }
        (Dialect::MySql, FieldType::Uuid) => format!("LOWER(CONVERT({column} USING utf8mb4))"),
        (Dialect::MySql, FieldType::Text) => format!("CONVERT({column} USING utf8mb4)"),
        (Dialect::MySql, _) => format!("CAST({column} AS char)"),
        (_, FieldType::Decimal) => format!("CAST(CAST({column} AS decimal(38, 9)) AS varchar(60))"),
        (_, FieldType::Boolean) => format!("CASE {column} WHEN 1 THEN 'true' WHEN 0 THEN 'false' END"),
        (_, FieldType::Uuid) => format!("LOWER(CAST({column} AS char(36)))"),
        (_, FieldType::Date) => format!("CONVERT(char(10), {column}, 23)"),
        (_, FieldType::Int | FieldType::Long) => format!("CAST({column} AS varchar(20))"),
        _ => format!("CAST({column} COLLATE Latin1_General_100_BIN2_UTF8 AS varchar(max))"),
    }
}

fn query(dialect: Dialect, entity: &EntityDesign, table: &str, source: bool, all: &BTreeSet<Dialect>) -> String {
    let quoted = |f: &FieldDesign| name(if source { &f.column } else { &f.name }, quote(dialect));
    let key: Vec<String> = entity.key().iter().map(|f| as_text(dialect, f.kind, &quoted(f))).collect();
    let key = format!("CONCAT_WS('|', {})", one_more(dialect, key));
    let values: Vec<String> = entity
        .fields
        .iter()
        .filter(|f| is_comparable(f, all))
        .map(|f| format!("COALESCE({}, '')", as_text(dialect, f.kind, &quoted(f))))
        .collect();
    let row = format!("CONCAT_WS('|', {})", one_more(dialect, values));
    let (range, sum) = match dialect {
        Dialect::PostgreSql => {
            (format!("substr(md5({key}), 1, 2)"), format!("md5(string_agg({row}, ',' ORDER BY {key} COLLATE \"C\"))"))
        }
        Dialect::MySql => (
            format!("SUBSTR(MD5({key}), 1, 2)"),
            format!("MD5(GROUP_CONCAT({row} ORDER BY CAST({key} AS binary) SEPARATOR ','))"),
        ),
        Dialect::SqlServer | Dialect::MongoDb => {
            let md5 = |text: &str| format!("LOWER(CONVERT(char(32), HASHBYTES('MD5', {text}), 2))");
            let text = format!("CAST({row} AS varchar(max))");
            (
                format!("LEFT({}, 2)", md5(&key)),
                md5(&format!(
                    "STRING_AGG({text}, ',') WITHIN GROUP (ORDER BY {key} COLLATE Latin1_General_100_BIN2_UTF8)"
                )),
            )
        }
    };
    let gone = match (source, dialect) {
        (true, _) => String::new(),
        _ => format!("WHERE NOT {}\n", name(agreed::DELETED, quote(dialect))),
    };
    // SQL Server groups by expressions only.
    let group = if dialect == Dialect::SqlServer { range.clone() } else { "1, 2".to_owned() };
    format!(
        "SELECT {} AS entity, {range} AS key_range, COUNT(*) AS number_of_rows,\n    {sum} AS checksum\nFROM {table}\n{gone}GROUP BY {group}\nORDER BY 1, 2;\n",
        write::text(&entity.name),
    )
}

/// The arguments of a concatenation: SQL Server wants two values at least, and nothing is left out by it.
fn one_more(dialect: Dialect, values: Vec<String>) -> String {
    let mut values = values;
    if dialect == Dialect::SqlServer && values.len() < 2 {
        values.push("NULL".to_owned());
    }
    values.join(", ")
}

/// The same question to MongoDB, in the script of its shell.
fn script(step: &Step, design: &Design, database: &str, entities: &[&EntityDesign], all: &BTreeSet<Dialect>) -> String {
    let mut text = write::head("//", ASK, step, design);
    text.push_str(&format!("const source = db.getSiblingDB({});\n", write::script(database)));
    text.push_str(SCRIPT);
    for entity in entities {
        let columns = |all: Vec<&FieldDesign>| json!(all.iter().map(|f| f.column.as_str()).collect::<Vec<_>>());
        let compared = entity.fields.iter().filter(|f| is_comparable(f, all)).collect();
        text.push_str(&format!(
            "compare({}, {}, {}, {});\n",
            write::script(&entity.name),
            write::script(&entity.table),
            write::line(&columns(entity.key()).to_string()),
            write::line(&columns(compared).to_string())
        ));
    }
    text
}

const SCRIPT: &str = "const md5 = (text) => require('crypto').createHash('md5').update(text, 'utf8').digest('hex');
const text = (value) => (value === null || value === undefined ? '' : value.toString());
const compare = (entity, collection, key, columns) => {
  const ranges = {};
  source.getCollection(collection).find({}).forEach((row) => {
    const id = key.map((column) => text(row[column])).join('|');
    const range = md5(id).slice(0, 2);
    (ranges[range] = ranges[range] || []).push([id, columns.map((column) => text(row[column])).join('|')]);
  });
  const order = (a, b) => Buffer.compare(Buffer.from(a[0]), Buffer.from(b[0]));
  for (const range of Object.keys(ranges).sort()) {
    const rows = ranges[range].sort(order).map((row) => row[1]);
    print([entity, range, rows.length, md5(rows.join(','))].join('|'));
  }
};
";
