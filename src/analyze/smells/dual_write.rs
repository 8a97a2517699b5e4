//! One function writes its database and publishes to a broker: either can fail alone.

use std::collections::BTreeMap;

use super::{Scene, Smell, finding, site_evidence};
use crate::model::{Evidence, Finding, Mode, Severity, TableAccess};

/// The smell.
pub const SMELL: Smell = Smell { id: "dual-write", text: include_str!("dual_write.md"), find };

/// Tables of an outbox: what is written there is published by a relay, in one transaction.
fn is_outbox(table: &str) -> bool {
    table.contains("outbox") || table.contains("event_publication")
}

fn find(scene: &Scene<'_>) -> Result<Vec<Finding>, &'static str> {
    let parts = scene.graph.parts();
    if parts.tables.is_empty() {
        return Err("no table is known: no SQL, mapping or migration was read");
    }
    let mut writes: BTreeMap<(&str, &str), Vec<&Evidence>> = BTreeMap::new();
    for use_ in parts.tables.iter().filter(|t| t.access == TableAccess::Writes && !is_outbox(&t.table)) {
        writes.entry((&use_.service, &use_.evidence.place.path)).or_default().push(&use_.evidence);
    }
    let mut all: Vec<Finding> = Vec::new();
    for dependency in scene.graph.dependencies().iter().filter(|d| d.mode == Mode::Async) {
        let outbox = scene.graph.tables_of(&dependency.source).any(|t| is_outbox(&t.table));
        if outbox {
            continue;
        }
        for site in &dependency.sites {
            // The write stands in the same file, near the publication: within one function's reach.
            let Some(near) = writes.get(&(dependency.source.as_str(), site.path.as_str())) else { continue };
            let Some(write) = near
                .iter()
                .min_by_key(|e| e.place.line.abs_diff(site.line))
                .filter(|e| e.place.line.abs_diff(site.line) <= 40)
            else {
                continue;
            };
            let channel = dependency.channel.clone().unwrap_or_default();
            let because =
                format!("{} writes its database and publishes {channel} without an outbox", dependency.source);
            let evidence = vec![site_evidence(site), (*write).clone()];
            let services = std::slice::from_ref(&dependency.source);
            all.push(finding(
                "dual-write",
                Severity::High,
                services,
                Some(&channel),
                because,
                evidence,
                &["write an outbox row in the same transaction", "publish by change data capture"],
            ));
        }
    }
    all.dedup_by(|a, b| a.fingerprint == b.fingerprint);
    Ok(all)
}
