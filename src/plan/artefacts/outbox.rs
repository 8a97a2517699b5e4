//! The outbox: its table, and how the owner writes a fact in the transaction that makes it.
//!
//! The version of CloudEvents is a column with a default: a literal that Connect inserts as a header becomes a number.

use crate::model::Step;
use crate::model::design::{Design, StoreDesign};
use crate::plan::agreed;
use crate::plan::write::{self, name};

use super::{Artefact, Context, File, Render};

/// The outbox.
pub const ARTEFACT: Artefact =
    Artefact { id: "outbox", about: "outbox table and the statement that writes a fact", render: Render::Step(render) };

const WHAT: &str = "the outbox; the service writes its data and the fact in one transaction";
const HOW: &str =
    "In the service, inside its own transaction; the connector reads the insertion, so the row may go at once:";

fn render(_: &Context<'_>, step: &Step, design: &Design) -> Vec<File> {
    let Some(database) = design.database.as_ref().filter(|_| !design.events.is_empty()) else { return Vec::new() };
    match agreed::engine(design) {
        "postgresql" => vec![File::of(design, "outbox.postgresql.sql", postgresql(step, design, database))],
        "mysql" | "mariadb" => vec![File::of(design, "outbox.mysql.sql", mysql(step, design, database))],
        "sqlserver" => vec![File::of(design, "outbox.sqlserver.sql", sql_server(step, design))],
        "mongodb" => vec![File::of(design, "outbox.mongodb.js", mongodb(step, design, database))],
        _ => Vec::new(),
    }
}

/// The statement that writes each fact.
fn facts(design: &Design, table: &str, id: &str, now: &str, text: &mut String) {
    let subject = subject(design);
    text.push_str(&format!("\n-- {HOW}\n"));
    for event in &design.events {
        text.push_str(&format!(
            "-- {}: INSERT INTO {table} (id, aggregatetype, aggregateid, type, payload, occurred_at) VALUES ({id}, {}, <key>, {}, <payload>, {now});\n",
            write::line(&event.name),
            write::text(subject),
            write::text(&event.kind)
        ));
    }
}

/// The head; where an earlier step made the table, only how it is written to.
fn begin(comment: &str, step: &Step, design: &Design) -> (String, bool) {
    let mut text = write::head(comment, WHAT, step, design);
    if let Some(folder) = &design.outbox_of {
        text.push_str(&format!("{comment} Its table and its connector are those of {folder}.\n"));
    }
    (text, design.outbox_of.is_none())
}

fn subject(design: &Design) -> &str {
    design.entities.first().map_or(design.domain.as_str(), |e| e.name.as_str())
}

fn postgresql(step: &Step, design: &Design, database: &StoreDesign) -> String {
    let q = |n: &str| name(n, '"');
    let table = format!("{}.{}", q(&database.schema), q(agreed::OUTBOX));
    let (mut text, new) = begin("--", step, design);
    if new {
        text.push_str(&format!(
            "CREATE TABLE {table} (\n    id uuid PRIMARY KEY,\n    aggregatetype varchar(255) NOT NULL,\n    aggregateid varchar(255) NOT NULL,\n    type varchar(255) NOT NULL,\n    payload jsonb NOT NULL,\n    occurred_at timestamp with time zone NOT NULL,\n    specversion varchar(8) NOT NULL DEFAULT '1.0'\n);\n"
        ));
        text.push_str(&format!("GRANT SELECT ON {table} TO {};\n", q(&agreed::role(design))));
        let beat = format!("{}.{}", q(&database.schema), q(agreed::HEARTBEAT));
        text.push_str(&format!("CREATE PUBLICATION {} FOR TABLE {table}, {beat};\n", q(&agreed::outbox_slot(design))));
    }
    facts(design, &table, "gen_random_uuid()", "now()", &mut text);
    text
}

fn mysql(step: &Step, design: &Design, database: &StoreDesign) -> String {
    let q = |n: &str| name(n, '`');
    let table = format!("{}.{}", q(&database.name), q(agreed::OUTBOX));
    let (mut text, new) = begin("--", step, design);
    if new {
        text.push_str(&format!(
            "CREATE TABLE {table} (\n    id char(36) PRIMARY KEY,\n    aggregatetype varchar(255) NOT NULL,\n    aggregateid varchar(255) NOT NULL,\n    type varchar(255) NOT NULL,\n    payload json NOT NULL,\n    occurred_at timestamp(6) NOT NULL,\n    specversion varchar(8) NOT NULL DEFAULT '1.0'\n);\n"
        ));
        text.push_str(&format!("GRANT SELECT ON {table} TO {}@'%';\n", q(&agreed::role(design))));
    }
    facts(design, &table, "uuid()", "now(6)", &mut text);
    text
}

fn sql_server(step: &Step, design: &Design) -> String {
    let q = |n: &str| name(n, '"');
    let table = format!("\"dbo\".{}", q(agreed::OUTBOX));
    let (mut text, new) = begin("--", step, design);
    if new {
        text.push_str(&format!(
            "CREATE TABLE {table} (\n    id uniqueidentifier PRIMARY KEY,\n    aggregatetype varchar(255) NOT NULL,\n    aggregateid varchar(255) NOT NULL,\n    type varchar(255) NOT NULL,\n    payload nvarchar(max) NOT NULL,\n    occurred_at datetimeoffset NOT NULL,\n    specversion varchar(8) NOT NULL DEFAULT '1.0'\n);\n"
        ));
        text.push_str(&format!(
            "EXEC sys.sp_cdc_enable_table @source_schema = N'dbo', @source_name = N{}, @role_name = NULL;\nGRANT SELECT ON {table} TO {};\n",
            write::text(agreed::OUTBOX),
            q(&agreed::role(design))
        ));
    }
    facts(design, &table, "NEWID()", "SYSDATETIMEOFFSET()", &mut text);
    text
}

fn mongodb(step: &Step, design: &Design, database: &StoreDesign) -> String {
    let (mut text, new) = begin("//", step, design);
    if new {
        text.push_str(&format!(
            "db.getSiblingDB({}).createCollection({});\n",
            write::script(&database.name),
            write::script(agreed::OUTBOX)
        ));
    }
    text.push_str(&format!("\n// {HOW}\n"));
    for event in &design.events {
        text.push_str(&format!(
            "// {}: {}.insertOne({{ _id: new ObjectId(), aggregatetype: {}, aggregateid: <key>, type: {}, payload: <payload>, occurred_at: new Date().toISOString(), specversion: '1.0' }}, {{ session }});\n",
            write::line(&event.name),
            agreed::OUTBOX,
            write::script(subject(design)),
            write::script(&event.kind)
        ));
    }
    text
}
