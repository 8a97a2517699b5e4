//! Undoing a step: reads go back to the owner, the connectors go with their offsets, slot and publication. Topics stay.

use crate::model::Step;
use crate::model::design::{Design, StoreDesign};
use crate::plan::agreed;
use crate::plan::write::{self, name};

use super::{Artefact, Context, File, Render};

/// Rollback.
pub const ARTEFACT: Artefact = Artefact {
    id: "rollback",
    about: "script that leaves no connector, offset, slot or publication",
    render: Render::Step(render),
};

fn render(_: &Context<'_>, step: &Step, design: &Design) -> Vec<File> {
    if agreed::engine(design).is_empty() {
        return Vec::new();
    }
    let mut text = String::from("#!/bin/sh\n");
    text.push_str(&write::head(
        "#",
        "undoes the step; first undo later steps of this owner and switch every consumer's flag back",
        step,
        design,
    ));
    text.push_str("# Deleting a connector keeps its offsets: with a new slot the same name would fail. So: stop, forget, delete, drop.\n");
    text.push_str("set -eu\nconnect=${CONNECT_URL:-http://localhost:8083}\n");
    text.push_str("remove() { # connector\n  curl -fsS -X PUT \"$connect/connectors/$1/stop\"\n  n=0\n  until curl -fsS \"$connect/connectors/$1/status\" | grep -q '\"state\":\"STOPPED\"'; do\n    n=$((n + 1)); [ \"$n\" -lt 60 ] || { echo \"$1 does not stop\" >&2; exit 1; }\n    sleep 1\n  done\n  curl -fsS -X DELETE \"$connect/connectors/$1/offsets\"\n  curl -fsS -X DELETE \"$connect/connectors/$1\"\n}\n");
    let mut slots = Vec::new();
    if agreed::makes_outbox(design) {
        text.push_str(&format!("remove {}\n", write::shell(&agreed::outbox_connector(design))));
        slots.push(agreed::outbox_slot(design));
    }
    if !design.entities.is_empty() {
        text.push_str(&format!("remove {}\n", write::shell(&agreed::connector(design))));
        slots.push(agreed::slot(design));
    }
    let Some(database) = &design.database else { return vec![File::of(design, "rollback.sh", text)] };
    let (end, client, sql) = match agreed::engine(design) {
        "postgresql" => (
            "postgresql.sql",
            "# PGHOST, PGPORT, PGUSER and PGDATABASE say which.\npsql -v ON_ERROR_STOP=1 -q -f",
            postgresql(step, design, database, &slots),
        ),
        "mysql" | "mariadb" => (
            "mysql.sql",
            "# MYSQL_CLIENT says which: MYSQL_CLIENT='mysql -h … -u …'.\n${MYSQL_CLIENT:-mysql} <",
            mysql(step, design, database),
        ),
        "sqlserver" => (
            "sqlserver.sql",
            "# SQLCMDSERVER, SQLCMDUSER, SQLCMDPASSWORD and SQLCMDDBNAME say which.\nsqlcmd -b -i",
            sql_server(step, design),
        ),
        _ => (
            "mongodb.js",
            "# MONGODB_URI says which.\nmongosh \"${MONGODB_URI:?}\" --file",
            mongodb(step, design, database),
        ),
    };
    text.push_str("# In the captured database, with the rights of its administrator.\n");
    let (comment, command) = client.split_once('\n').unwrap_or(("", client));
    text.push_str(&format!("{comment}\nn=0\nuntil {command} \"$(dirname \"$0\")/rollback.{end}\"; do\n  n=$((n + 1)); [ \"$n\" -lt 30 ] || exit 1\n  sleep 1\ndone\n"));
    vec![File::of(design, "rollback.sh", text), File::of(design, &format!("rollback.{end}"), sql)]
}

fn postgresql(step: &Step, design: &Design, database: &StoreDesign, slots: &[String]) -> String {
    let mut sql = write::head("--", "a slot that is still in use is an error: wait and run it again", step, design);
    for slot in slots {
        let slot = write::text(slot);
        sql.push_str(&format!(
            "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = {slot};\n"
        ));
    }
    for slot in slots {
        sql.push_str(&format!("DROP PUBLICATION IF EXISTS {};\n", name(slot, '"')));
    }
    for entity in &design.entities {
        sql.push_str(&format!(
            "ALTER TABLE {}.{} REPLICA IDENTITY DEFAULT;\n",
            name(&database.schema, '"'),
            name(&entity.table, '"')
        ));
    }
    for table in made(design) {
        sql.push_str(&format!("DROP TABLE IF EXISTS {}.{};\n", name(&database.schema, '"'), name(table, '"')));
    }
    if design.prepared_by.is_some() {
        return sql;
    }
    let role = name(&agreed::role(design), '"');
    sql.push_str(&format!("DROP OWNED BY {role};\nDROP ROLE IF EXISTS {role};\n"));
    sql
}

fn mysql(step: &Step, design: &Design, database: &StoreDesign) -> String {
    let mut sql = write::head("--", "the log itself goes on as before", step, design);
    for table in made(design) {
        sql.push_str(&format!("DROP TABLE IF EXISTS {}.{};\n", name(&database.name, '`'), name(table, '`')));
    }
    if design.prepared_by.is_some() {
        return sql;
    }
    sql.push_str(&format!("DROP USER IF EXISTS {}@'%';\n", name(&agreed::role(design), '`')));
    sql
}

fn sql_server(step: &Step, design: &Design) -> String {
    let mut sql = write::head("--", "capture of other tables goes on as before", step, design);
    let outbox = agreed::makes_outbox(design).then_some(agreed::OUTBOX);
    for table in design.entities.iter().map(|e| e.table.as_str()).chain(outbox) {
        sql.push_str(&format!(
            "EXEC sys.sp_cdc_disable_table @source_schema = N'dbo', @source_name = N{}, @capture_instance = N'all';\n",
            write::text(table)
        ));
    }
    if outbox.is_some() {
        sql.push_str(&format!("DROP TABLE IF EXISTS \"dbo\".{};\n", name(agreed::OUTBOX, '"')));
    }
    if design.prepared_by.is_none() {
        sql.push_str(&format!("DROP USER IF EXISTS {};\n", name(&agreed::role(design), '"')));
    }
    sql
}

fn mongodb(step: &Step, design: &Design, database: &StoreDesign) -> String {
    let mut text = write::head("//", "data stays as it is", step, design);
    if agreed::makes_outbox(design) {
        text.push_str(&format!(
            "db.getSiblingDB({}).getCollection({}).drop();\n",
            write::script(&database.name),
            write::script(agreed::OUTBOX)
        ));
    }
    if design.prepared_by.is_none() {
        text.push_str(&format!("db.getSiblingDB('admin').dropUser({});\n", write::script(&agreed::role(design))));
    }
    text
}

/// Tables that this step made.
fn made(design: &Design) -> Vec<&'static str> {
    let outbox = agreed::makes_outbox(design).then_some(agreed::OUTBOX);
    outbox.into_iter().chain(design.prepared_by.is_none().then_some(agreed::HEARTBEAT)).collect()
}
