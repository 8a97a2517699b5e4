//! A service in the tables of another.

use std::collections::{BTreeMap, BTreeSet};

use super::{Found, Scene, Smell};
use crate::model::{Evidence, Finding, Severity, TableAccess, TableUse};

/// The smell.
pub const SMELL: Smell = Smell { id: "foreign-data-access", text: include_str!("foreign_data_access.md"), find };

fn find(scene: &Scene<'_>) -> Result<Vec<Finding>, String> {
    let tables = &scene.graph.parts().tables;
    if tables.is_empty() {
        return Err("no table is known: no SQL, mapping or migration was read".to_owned());
    }
    let mut uses: BTreeMap<(&str, &str), Vec<&TableUse>> = BTreeMap::new();
    for use_ in tables {
        if let Some(database) = &use_.database {
            uses.entry((database, &use_.table)).or_default().push(use_);
        }
    }
    let mut all = Vec::new();
    for ((database, table), uses) in uses {
        let Some(owner) = owner(&uses) else { continue };
        let others: BTreeSet<&str> = uses.iter().map(|u| u.service.as_str()).filter(|s| *s != owner).collect();
        for other in others.into_iter().filter(|o| same_schema(scene, database, owner, o)) {
            let of = |access: TableAccess, service: &str| -> Vec<Evidence> {
                let uses = uses.iter().filter(|u| u.service == service && u.access == access);
                uses.map(|u| u.evidence.clone()).take(3).collect()
            };
            let (writes, reads) = (of(TableAccess::Writes, other), of(TableAccess::Reads, other));
            // A mapping alone touches nothing.
            if writes.is_empty() && reads.is_empty() {
                continue;
            }
            let (severity, verb) =
                if writes.is_empty() { (Severity::Medium, "reads") } else { (Severity::High, "writes") };
            let because = format!("{other} {verb} {table}, which {owner} owns");
            let owned = uses.iter().filter(|u| u.service == owner && u.access != TableAccess::Reads).take(1);
            let evidence = writes.into_iter().chain(reads).chain(owned.map(|u| u.evidence.clone())).collect();
            let refactorings = &["ask the owner", "keep a copy of the data, fed by events of the owner"];
            let (services, subject) = (&[other, owner], Some(table));
            all.push(Found { smell: SMELL.id, severity, services, subject, because, evidence, refactorings }.make());
        }
    }
    Ok(all)
}

/// The owner: who defines the table most often (migrations, DDL, mappings), else who writes it at the most places;
/// nobody where that does not tell.
fn owner<'u>(uses: &[&'u TableUse]) -> Option<&'u str> {
    for access in [TableAccess::Defines, TableAccess::Writes] {
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for use_ in uses.iter().filter(|u| u.access == access) {
            *counts.entry(&use_.service).or_default() += 1;
        }
        let Some(most) = counts.values().max().copied() else { continue };
        let mut first = counts.iter().filter(|(_, n)| **n == most);
        match (first.next(), first.next()) {
            (Some((service, _)), None) => return Some(service),
            _ => continue,
        }
    }
    None
}

fn same_schema(scene: &Scene<'_>, database: &str, a: &str, b: &str) -> bool {
    let schemas = |service: &str| -> Vec<&str> {
        let all = scene.profile(service).map_or(&[][..], |p| &p.databases);
        all.iter().filter(|(d, _)| d == database).map(|(_, schema)| schema.as_str()).collect()
    };
    let (a, b) = (schemas(a), schemas(b));
    // Where only spans show the database, no configuration names a schema.
    if a.is_empty() && b.is_empty() {
        return true;
    }
    a.iter().any(|s| b.contains(s))
}
