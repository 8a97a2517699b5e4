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
    let Some(database) = design.database.as_ref().filter(|_| !design.entities.is_empty()) else { return Vec::new() };
    match agreed::engine(design) {
        "postgresql" => vec![File::of(design, "source.postgresql.sql", postgresql(step, design, database))],
        "mysql" | "mariadb" => vec![File::of(design, "source.mysql.sql", mysql(step, design, database))],
        "sqlserver" => vec![File::of(design, "source.sqlserver.sql", sql_server(step, design))],
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
    text.push_str(PASSWORD);
    text.push_str(&format!("CREATE ROLE {role} LOGIN REPLICATION;\nGRANT USAGE ON SCHEMA {schema} TO {role};\n"));
    text.push_str(&format!(
        "CREATE TABLE {beat} (\n    id text PRIMARY KEY,\n    beat_at timestamp with time zone NOT NULL\n);\n"
    ));
    text.push_str(&format!("GRANT SELECT, INSERT, UPDATE ON {beat} TO {role};\n"));
    text.push_str(
        "-- Whole old rows: a deletion names every required field, and long values never arrive as placeholders.\n",
    );
    for entity in &design.entities {
        let table = table(&entity.table);
        text.push_str(&format!("GRANT SELECT ON {table} TO {role};\nALTER TABLE {table} REPLICA IDENTITY FULL;\n"));
    }
    let mut tables: Vec<String> = design.entities.iter().map(|e| table(&e.table)).collect();
    tables.push(beat);
    text.push_str(&format!("CREATE PUBLICATION {} FOR TABLE {};\n", q(&agreed::slot(design)), tables.join(", ")));
    text
}

fn mysql(step: &Step, design: &Design, database: &StoreDesign) -> String {
    let q = |n: &str| name(n, '`');
    let (schema, role) = (q(&database.name), q(&agreed::role(design)));
    let beat = format!("{schema}.{}", q(agreed::HEARTBEAT));
    let ask = "run once by an administrator (binlog_format = ROW, binlog_row_image = FULL)";
    let mut text = write::head("--", ask, step, design);
    text.push_str(PASSWORD);
    text.push_str(&format!(
        "CREATE TABLE {beat} (\n    id varchar(255) PRIMARY KEY,\n    beat_at timestamp NOT NULL\n);\n"
    ));
    for entity in &design.entities {
        text.push_str(&format!("GRANT SELECT ON {schema}.{} TO {role};\n", q(&entity.table)));
    }
    text.push_str(&format!("GRANT SELECT, INSERT, UPDATE ON {beat} TO {role};\n"));
    text.push_str(&format!("GRANT RELOAD, REPLICATION SLAVE, REPLICATION CLIENT ON *.* TO {role};\n"));
    text
}

fn sql_server(step: &Step, design: &Design) -> String {
    let mut text = write::head("--", "run once by an administrator of the captured database", step, design);
    text.push_str("EXEC sys.sp_cdc_enable_db;\n");
    for entity in &design.entities {
        let table = write::text(&entity.table);
        text.push_str(&format!(
            "EXEC sys.sp_cdc_enable_table @source_schema = N'dbo', @source_name = N{table}, @role_name = NULL;\n"
        ));
    }
    text
}
