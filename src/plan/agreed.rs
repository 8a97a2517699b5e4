//! Names that several artefacts of a step must agree on.
//!
//! Takes a design; gives names that are legal where they are used.

use crate::model::design::{Design, EntityDesign};

use super::names::{entity_name, hash};

/// The outbox table; a name of its own, since owners may have an `outbox` already.
pub const OUTBOX: &str = "event_outbox";
/// The heartbeat table.
pub const HEARTBEAT: &str = "cdc_heartbeat";
/// Fields that the connector adds: order of changes of a key, and whether the row is gone.
pub const VERSION: &str = "entity_version";
/// See [`VERSION`].
pub const DELETED: &str = "entity_deleted";

/// Replication slot and publication of the entity connector: lower case, at most 63.
#[must_use]
pub fn slot(design: &Design) -> String {
    identifier(&format!("unbraid_{}", design.domain))
}

/// Replication slot and publication of the outbox connector.
#[must_use]
pub fn outbox_slot(design: &Design) -> String {
    identifier(&format!("unbraid_{}_outbox", design.domain))
}

/// The role of both connectors.
#[must_use]
pub fn role(design: &Design) -> String {
    identifier(&format!("unbraid_{}_cdc", design.domain))
}

fn identifier(name: &str) -> String {
    let mut made: String =
        name.to_lowercase().chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    if made.len() > 63 {
        let end = format!("_{:08x}", hash(name));
        made.truncate(63 - end.len());
        made.push_str(&end);
    }
    made
}

/// The table in which a consumer keeps its copy.
#[must_use]
pub fn projection(design: &Design, entity: &EntityDesign) -> String {
    identifier(&format!("{}_{}_copy", entity_name(&design.domain), entity.name).replacen(
        &format!("{0}_{0}_", entity.name),
        &format!("{}_", entity.name),
        1,
    ))
}

/// The name of the entity connector.
#[must_use]
pub fn connector(design: &Design) -> String {
    format!("{}-entity-source", design.domain)
}

/// The name of the outbox connector.
#[must_use]
pub fn outbox_connector(design: &Design) -> String {
    format!("{}-outbox-source", design.domain)
}

/// The dead-letter topic of a consumer group.
#[must_use]
pub fn dead_letters(group: &str) -> String {
    format!("{}.dlq.v1", group.chars().take(240).collect::<String>())
}

/// The column by which the real-time use case counts: a state or kind that is shown, not masked.
#[must_use]
pub fn category(entity: &EntityDesign) -> Option<&crate::model::design::FieldDesign> {
    let words = ["status", "state", "tier", "kind", "type", "category", "country", "currency", "language"];
    words.iter().find_map(|w| {
        entity.fields.iter().find(|f| !f.personal && !f.key && f.name.to_lowercase().split('_').any(|p| p == *w))
    })
}

/// The topic of the real-time use case.
#[must_use]
pub fn use_case_topic(design: &Design, entity: &EntityDesign) -> Option<String> {
    category(entity).map(|f| format!("{}.{}-by-{}.view.v1", design.domain, entity.name, f.name))
}

/// Engines whose change log can be captured, by family.
#[must_use]
pub fn engine(design: &Design) -> &'static str {
    let engine = design.database.as_ref().map(|d| d.engine.to_lowercase()).unwrap_or_default();
    family(&engine)
}

/// The family of an engine; empty where there is no connector for it.
#[must_use]
pub fn family(engine: &str) -> &'static str {
    let families = [
        ("postgres", "postgresql"),
        ("mariadb", "mariadb"),
        ("mysql", "mysql"),
        ("mssql", "sqlserver"),
        ("sqlserver", "sqlserver"),
        ("mongo", "mongodb"),
    ];
    families.iter().find(|(word, _)| engine.to_lowercase().contains(word)).map_or("", |(_, f)| f)
}

/// The topic of a connector's heartbeats.
#[must_use]
pub fn heartbeats(prefix: &str) -> String {
    format!("__debezium-heartbeat.{prefix}")
}

/// Does this step make the outbox, with its connector?
#[must_use]
pub fn makes_outbox(design: &Design) -> bool {
    !design.events.is_empty() && design.outbox_of.is_none() && !engine(design).is_empty()
}

/// Topic prefixes of the connectors of a step: of its entities, of its outbox.
#[must_use]
pub fn prefixes(design: &Design) -> Vec<String> {
    let mut all = Vec::new();
    if engine(design).is_empty() {
        return all;
    }
    if !design.entities.is_empty() {
        all.push(format!("cdc.{}", design.domain));
    }
    if makes_outbox(design) {
        all.push(format!("outbox.{}", design.domain));
    }
    all
}

/// The topic in which a connector remembers the tables' shapes.
#[must_use]
pub fn history(prefix: &str) -> String {
    format!("{prefix}.schema-history")
}

/// A name of a Kubernetes object: lower-case letters, digits, `-` and `.`.
#[must_use]
pub fn kubernetes(name: &str) -> String {
    let made: String = name
        .to_lowercase()
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || matches!(c, '-' | '.') { c } else { '-' })
        .collect();
    let made = made.trim_matches(['-', '.']).to_owned();
    let changed = made != name;
    if changed { format!("{}-{:08x}", made.chars().take(200).collect::<String>(), hash(name)) } else { made }
}
