//! Several services in one schema of one database.

use std::collections::{BTreeMap, BTreeSet};

use super::{Found, Scene, Smell, dependency_evidence};
use crate::model::{Confidence, Evidence, Finding, Mode, Severity, SourceKind};

/// The smell.
pub const SMELL: Smell = Smell { id: "shared-database", text: include_str!("shared_database.md"), find };

fn find(scene: &Scene<'_>) -> Result<Vec<Finding>, String> {
    let parts = scene.graph.parts();
    if parts.tables.is_empty() && !parts.dependencies.iter().any(|d| d.mode == Mode::Data) {
        return Err("no database and no table is known".to_owned());
    }
    let mut users: BTreeMap<(&str, &str), BTreeSet<&str>> = BTreeMap::new();
    for service in scene.own() {
        for (database, schema) in scene.profile(&service.name).map_or(&[][..], |p| &p.databases) {
            users.entry((database, schema)).or_default().insert(&service.name);
        }
    }
    // Where spans alone show the tables, no configuration names a schema.
    for use_ in parts.tables.iter().filter(|t| t.evidence.source == SourceKind::Traces) {
        if let Some(database) =
            use_.database.as_deref().filter(|_| scene.profile(&use_.service).is_none_or(|p| p.databases.is_empty()))
        {
            users.entry((database, "")).or_default().insert(&use_.service);
        }
    }
    let caches = &scene.knowledge.lexicon.caches;
    users.retain(|(database, _), _| {
        let engine = scene.graph.service(database).and_then(|s| s.engine.clone()).unwrap_or_default();
        !caches.iter().any(|c| engine.contains(c.as_str()))
    });
    let mut all = Vec::new();
    for ((database, schema), services) in users {
        let tables = common_tables(scene, database, &services);
        // A server without the name of a schema says nothing: each may have its own. Common tables do.
        if services.len() < 2 || schema.is_empty() && tables.is_empty() {
            continue;
        }
        let named: BTreeSet<&str> = tables.values().flat_map(|t| t.services.iter().copied()).collect();
        let services: Vec<&str> = if schema.is_empty() { named } else { services }.into_iter().collect();
        let written = tables.values().any(|t| t.written);
        let names: Vec<&str> = tables.keys().copied().collect();
        let what = if schema.is_empty() { database.to_owned() } else { format!("{schema} of {database}") };
        let because = match names.as_slice() {
            [] => format!("{} use {what}", services.join(", ")),
            _ => format!("{} use {what}, common tables: {}", services.join(", "), names.join(", ")),
        };
        let mut evidence: Vec<Evidence> = tables.into_values().flat_map(|t| t.evidence).take(12).collect();
        if evidence.is_empty() {
            let edges = services.iter().flat_map(|s| scene.outgoing(s)).filter(|d| d.target == database);
            evidence = edges.flat_map(|d| dependency_evidence(d).into_iter().take(1)).collect();
        }
        let severity = if written { Severity::High } else { Severity::Medium };
        let subject = Some(what.as_str());
        let (services, refactorings) =
            (services.as_slice(), &["one owner writes, others read its published copy", "one schema for each service"]);
        all.push(Found { smell: SMELL.id, severity, services, subject, because, evidence, refactorings }.make());
    }
    Ok(all)
}

struct Common<'s> {
    services: BTreeSet<&'s str>,
    written: bool,
    evidence: Vec<Evidence>,
}

/// Tables of a database that two or more of the services use; written, if more than one writes.
fn common_tables<'s>(scene: &Scene<'s>, database: &str, services: &BTreeSet<&'s str>) -> BTreeMap<&'s str, Common<'s>> {
    let mut found: BTreeMap<&str, Common<'_>> = BTreeMap::new();
    for service in services {
        for use_ in scene.tables(service).iter().filter(|t| t.database.as_deref() == Some(database)) {
            let entry = found.entry(&use_.table).or_insert_with(|| Common {
                services: BTreeSet::new(),
                written: false,
                evidence: Vec::new(),
            });
            entry.services.insert(service);
            if use_.evidence.confidence >= Confidence::Probable && entry.evidence.len() < 6 {
                entry.evidence.push(use_.evidence.clone());
            }
        }
    }
    found.retain(|_, c| c.services.len() > 1);
    for shared in &scene.graph.parts().shared_writes {
        if let Some(common) = found.get_mut(shared.table.as_str()) {
            common.written = true;
            common.evidence.clone_from(&shared.evidence);
        }
    }
    found
}
