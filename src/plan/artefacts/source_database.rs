//! What the captured database needs: role, publication, full row images, heartbeat table.

use crate::model::Step;
use crate::model::design::{Design, StoreDesign};
use crate::plan::agreed;
use crate::plan::write::{self, name};

use super::{Artefact, Context, File, Render};

/// The captured database.
pub const ARTEFACT: Artefact = Artefact {
    id: "source_database",
    about: "role, publication, row images and heartbeat of the captured database",
    render: Render::Step(render),
};

fn render(_: &Context<'_>, step: &Step, design: &Design) -> Vec<File> {
    let Some(database) = design.database.as_ref().filter(|_| !design.entities.is_empty() || !design.events.is_empty())
    else {
        return Vec::new();
    };
    // An earlier step prepared the database for both connectors; without tables nothing is left to do.
    if design.prepared_by.is_some() && (design.entities.is_empty() || agreed::engine(design) == "mongodb") {
        return Vec::new();
    }
    match agreed::engine(design) {
        "postgresql" => vec![File::of(design, "source.postgresql.sql", postgresql(step, design, database))],
        "mysql" | "mariadb" => vec![File::of(design, "source.mysql.sql", mysql(step, design, database))],
        "sqlserver" => vec![File::of(design, "source.sqlserver.sql", sql_server(step, design))],
        "mongodb" => vec![File::of(design, "source.mongodb.js", mongodb(step, design, database))],
        _ => Vec::new(),
    }
}

const PASSWORD: &str = "-- Its password is set by whoever keeps secrets; it is in no file.\n";

fn postgresql(step: &Step, design: &Design, database: &StoreDesign) -> String {
    let q = |n: &str| name(n, '"');
    let (schema, role) = (q(&database.schema), q(&agreed::role(design)));
    let table = |t: &str| format!("{schema}.{}", q(t));
    let beat = table(agreed::HEARTBEAT);
    let ask = "run once by an administrator of the captured database (wal_level = logical)";
    let mut text = write::head("--", ask, step, design);
    if design.prepared_by.is_none() {
        text.push_str(PASSWORD);
        text.push_str(&format!("CREATE ROLE {role} LOGIN REPLICATION;\nGRANT USAGE ON SCHEMA {schema} TO {role};\n"));
        text.push_str(&format!(
            "CREATE TABLE {beat} (\n    id text PRIMARY KEY,\n    beat_at timestamp with time zone NOT NULL\n);\n"
        ));
        text.push_str(&format!("GRANT SELECT, INSERT, UPDATE ON {beat} TO {role};\n"));
    }
    text.push_str(
        "-- Whole old rows: a deletion names every required field, and long values never arrive as placeholders.\n",
    );
    for entity in &design.entities {
        let table = table(&entity.table);
        text.push_str(&format!("GRANT SELECT ON {table} TO {role};\nALTER TABLE {table} REPLICA IDENTITY FULL;\n"));
    }
    let mut tables: Vec<String> = design.entities.iter().map(|e| table(&e.table)).collect();
    if tables.is_empty() {
        return text;
    }
    tables.push(beat);
    text.push_str(&format!("CREATE PUBLICATION {} FOR TABLE {};\n", q(&agreed::slot(design)), tables.join(", ")));
    text
}

fn mysql(step: &Step, design: &Design, database: &StoreDesign) -> String {
    let q = |n: &str| name(n, '`');
    let (schema, user) = (q(&database.name), format!("{}@'%'", q(&agreed::role(design))));
    let beat = format!("{schema}.{}", q(agreed::HEARTBEAT));
    let ask = "run once by an administrator (log_bin, binlog_format = ROW, binlog_row_image = FULL, binlog_row_metadata = FULL)";
    let mut text = write::head("--", ask, step, design);
    if design.prepared_by.is_none() {
        text.push_str(PASSWORD);
        text.push_str(&format!(
            "-- Until then it is locked: ALTER USER {user} IDENTIFIED BY <password> ACCOUNT UNLOCK\nCREATE USER {user} ACCOUNT LOCK;\n"
        ));
        text.push_str(&format!(
            "CREATE TABLE {beat} (\n    id varchar(255) PRIMARY KEY,\n    beat_at datetime(6) NOT NULL\n);\n"
        ));
        text.push_str(&format!("GRANT SELECT, INSERT, UPDATE ON {beat} TO {user};\n"));
        text.push_str(&format!("GRANT LOCK TABLES ON {schema}.* TO {user};\n"));
        // The right to ask for the position of the log has a name of its own in MariaDB.
        let monitor =
            if agreed::engine(design) == "mariadb" { "BINLOG MONITOR, SLAVE MONITOR" } else { "REPLICATION CLIENT" };
        text.push_str(&format!("GRANT RELOAD, SHOW DATABASES, REPLICATION SLAVE, {monitor} ON *.* TO {user};\n"));
    }
    for entity in &design.entities {
        text.push_str(&format!("GRANT SELECT ON {schema}.{} TO {user};\n", q(&entity.table)));
    }
    text
}

fn sql_server(step: &Step, design: &Design) -> String {
    let q = |n: &str| name(n, '"');
    let role = q(&agreed::role(design));
    let ask = "run once by an administrator of the captured database (SQL Server Agent must run)";
    let mut text = write::head("--", ask, step, design);
    if design.prepared_by.is_none() {
        text.push_str("-- Its login, with its password, is made by whoever keeps secrets; it is in no file.\n");
        text.push_str(&format!("CREATE USER {role} FOR LOGIN {role};\nEXEC sys.sp_cdc_enable_db;\n"));
    }
    for entity in &design.entities {
        let table = write::text(&entity.table);
        text.push_str(&format!(
            "EXEC sys.sp_cdc_enable_table @source_schema = N'dbo', @source_name = N{table}, @role_name = NULL;\nGRANT SELECT ON \"dbo\".{} TO {role};\n",
            q(&entity.table)
        ));
    }
    text.push_str(&format!("GRANT SELECT ON SCHEMA::\"cdc\" TO {role};\n"));
    text
}

fn mongodb(step: &Step, design: &Design, database: &StoreDesign) -> String {
    let ask = "run once by an administrator with mongosh (a replica set: change streams need its log)";
    let mut text = write::head("//", ask, step, design);
    text.push_str("// Its password is asked for; it is in no file.\n");
    text.push_str(&format!(
        "db.getSiblingDB('admin').createUser({{\n  user: {},\n  pwd: passwordPrompt(),\n  roles: [{{ role: 'read', db: {} }}],\n}});\n",
        write::script(&agreed::role(design)),
        write::script(&database.name)
    ));
    text
}
