//! A team that owns one technical layer instead of a capability.

use std::collections::BTreeMap;

use super::{Found, Scene, Smell};
use crate::model::{Finding, Service, ServiceKind, Severity};

/// The smell.
pub const SMELL: Smell = Smell { id: "single-layer-team", text: include_str!("single_layer_team.md"), find };

/// Words in names of services that keep data for others.
const DATA: [&str; 5] = ["-dao", "-persistence", "-repository", "-data-access", "-db-service"];

fn find(scene: &Scene<'_>) -> Result<Vec<Finding>, String> {
    let mut teams: BTreeMap<&str, Vec<&Service>> = BTreeMap::new();
    for service in scene.graph.services().iter().filter(|s| layer(s).is_some()) {
        for owner in &service.owners {
            teams.entry(owner).or_default().push(service);
        }
    }
    if teams.is_empty() {
        return Err("no owner of a service is known (CODEOWNERS, or `owner` in unbraid.yaml)".to_owned());
    }
    let least = scene.knowledge.thresholds.smells.teams.services;
    let mut all = Vec::new();
    for (team, services) in &teams {
        let layers: Vec<&str> = services.iter().filter_map(|s| layer(s)).collect();
        let same = layers.iter().all(|l| *l == layers[0] && *l != "business");
        if services.len() < least || !same || teams.len() < 2 {
            continue;
        }
        let names: Vec<&str> = services.iter().map(|s| s.name.as_str()).collect();
        let because = format!("{team} owns {} and nothing else: only the {} layer", names.join(", "), layers[0]);
        let evidence = services.iter().flat_map(|s| s.evidence.iter().take(1).cloned()).collect();
        let refactorings = &["teams that own a capability from the page to the data"];
        let (services, severity, subject) = (names.as_slice(), Severity::Low, Some(*team));
        all.push(Found { smell: SMELL.id, severity, services, subject, because, evidence, refactorings }.make());
    }
    Ok(all)
}

/// The layer of a service; `None` for what is bought or only runs others.
fn layer(service: &Service) -> Option<&'static str> {
    let lower = service.name.to_lowercase();
    match service.kind {
        ServiceKind::Ui | ServiceKind::Gateway => Some("user interface"),
        ServiceKind::Service | ServiceKind::Auth if DATA.iter().any(|d| lower.ends_with(d)) => Some("data"),
        ServiceKind::Service | ServiceKind::Auth => Some("business"),
        _ => None,
    }
}
