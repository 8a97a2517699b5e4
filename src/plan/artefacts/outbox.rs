//! The outbox: its table, and how the owner writes a fact in the transaction that makes it.
//!
//! The version of CloudEvents is a column with a default: a literal that Connect inserts as a header becomes a number.

use crate::model::Step;
use crate::model::design::Design;
use crate::plan::agreed;
use crate::plan::write::{self, name};

use super::{Artefact, Context, File, Render};

/// The outbox.
pub const ARTEFACT: Artefact =
    Artefact { id: "outbox", about: "outbox table and the statement that writes a fact", render: Render::Step(render) };

fn render(_: &Context<'_>, step: &Step, design: &Design) -> Vec<File> {
    let Some(database) = design.database.as_ref().filter(|_| !design.events.is_empty()) else { return Vec::new() };
    let subject = design.entities.first().map_or(design.domain.as_str(), |e| e.name.as_str());
    match agreed::engine(design) {
        "postgresql" => {
            let q = |n: &str| name(n, '"');
            let table = format!("{}.{}", q(&database.schema), q(agreed::OUTBOX));
            let mut text = write::head(
                "--",
                "the outbox; the service writes its data and the fact in one transaction",
                step,
                design,
            );
            text.push_str(&format!(
                "CREATE TABLE {table} (\n    id uuid PRIMARY KEY,\n    aggregatetype varchar(255) NOT NULL,\n    aggregateid varchar(255) NOT NULL,\n    type varchar(255) NOT NULL,\n    payload jsonb NOT NULL,\n    occurred_at timestamp with time zone NOT NULL,\n    specversion varchar(8) NOT NULL DEFAULT '1.0'\n);\n"
            ));
            text.push_str(&format!("GRANT SELECT ON {table} TO {};\n", q(&agreed::role(design))));
            let beat = format!("{}.{}", q(&database.schema), q(agreed::HEARTBEAT));
            text.push_str(&format!(
                "CREATE PUBLICATION {} FOR TABLE {table}, {beat};\n",
                q(&agreed::outbox_slot(design))
            ));
            text.push_str("\n-- In the service, inside its own transaction; the router reads the insertion, so the row may go at once:\n");
            for event in &design.events {
                text.push_str(&format!(
                    "-- {}: INSERT INTO {table} (id, aggregatetype, aggregateid, type, payload, occurred_at) VALUES (gen_random_uuid(), {}, <key>, {}, <payload>, now());\n",
                    write::line(&event.name),
                    write::text(subject),
                    write::text(&event.kind)
                ));
            }
            vec![File::of(design, "outbox.postgresql.sql", text)]
        }
        "mysql" | "mariadb" => {
            let q = |n: &str| name(n, '`');
            let mut text = write::head(
                "--",
                "the outbox; the service writes its data and the fact in one transaction",
                step,
                design,
            );
            text.push_str(&format!(
                "CREATE TABLE {}.{} (\n    id char(36) PRIMARY KEY,\n    aggregatetype varchar(255) NOT NULL,\n    aggregateid varchar(255) NOT NULL,\n    type varchar(255) NOT NULL,\n    payload json NOT NULL,\n    occurred_at datetime(6) NOT NULL,\n    specversion varchar(8) NOT NULL DEFAULT '1.0'\n);\n",
                q(&database.name),
                q(agreed::OUTBOX)
            ));
            vec![File::of(design, "outbox.mysql.sql", text)]
        }
        _ => Vec::new(),
    }
}
