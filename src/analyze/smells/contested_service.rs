//! A service that several teams change.

use std::collections::BTreeMap;

use super::{Found, Scene, Smell};
use crate::model::{Finding, Severity};

/// The smell.
pub const SMELL: Smell = Smell { id: "contested-service", text: include_str!("contested_service.md"), find };

fn find(scene: &Scene<'_>) -> Result<Vec<Finding>, String> {
    let parts = scene.graph.parts();
    let Some(history) = &parts.history else { return Err(parts.history_missing.clone()) };
    let limits = scene.knowledge.thresholds.smells.teams;
    // Where an author is at home: the team of the services that they change most, else the service itself.
    let mut changes: BTreeMap<&str, BTreeMap<String, u32>> = BTreeMap::new();
    for share in &history.authors {
        let owners = scene.graph.service(&share.service).map(|s| s.owners.join(" ")).unwrap_or_default();
        let group = if owners.is_empty() { share.service.clone() } else { owners };
        *changes.entry(&share.author).or_default().entry(group).or_default() += share.revisions;
    }
    let home = |author: &str| -> Option<&String> {
        let mut groups: Vec<_> = changes.get(author)?.iter().collect();
        groups.sort_by(|a, b| b.1.cmp(a.1).then_with(|| a.0.cmp(b.0)));
        groups.first().map(|(group, _)| *group)
    };
    let mut by_service: BTreeMap<&str, BTreeMap<&String, u32>> = BTreeMap::new();
    for share in &history.authors {
        if let Some(group) = home(&share.author) {
            *by_service.entry(&share.service).or_default().entry(group).or_default() += share.revisions;
        }
    }
    let mut all = Vec::new();
    for (service, groups) in by_service {
        let total: u32 = groups.values().sum();
        let strong: Vec<(&&String, &u32)> =
            groups.iter().filter(|(_, n)| f64::from(**n) >= limits.contested_share * f64::from(total)).collect();
        if strong.len() < limits.contested || total < limits.contested_changes {
            continue;
        }
        let words: Vec<String> =
            strong.iter().map(|(g, n)| format!("{g} {:.0} %", 100.0 * f64::from(**n) / f64::from(total))).collect();
        let because = format!("{total} changes by authors who are at home with {}", words.join(", "));
        let evidence =
            scene.graph.service(service).map(|s| s.evidence.iter().take(1).cloned().collect()).unwrap_or_default();
        let refactorings = &["one owner, and contributions by review", "split it along those who change it"];
        let (services, severity) = (&[service], Severity::Medium);
        all.push(
            Found { smell: SMELL.id, severity, services, subject: None, because, evidence, refactorings }
                .at_most(Severity::Medium),
        );
    }
    Ok(all)
}
