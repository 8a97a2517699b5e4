//! Two teams most of whose calls lead to each other.

use std::collections::BTreeMap;

use super::{Found, Scene, Smell, dependency_evidence};
use crate::model::{Dependency, Finding, Severity};

/// The smell.
pub const SMELL: Smell = Smell { id: "tightly-coupled-teams", text: include_str!("tightly_coupled_teams.md"), find };

fn find(scene: &Scene<'_>) -> Result<Vec<Finding>, String> {
    let team = |service: &str| scene.graph.service(service).and_then(|s| s.owners.first()).map(String::as_str);
    if scene.graph.services().iter().all(|s| s.owners.is_empty()) {
        return Err("no owner of a service is known (CODEOWNERS, or `owner` in unbraid.yaml)".to_owned());
    }
    let limits = scene.knowledge.thresholds.smells.teams;
    let mut between: BTreeMap<(&str, &str), Vec<&Dependency>> = BTreeMap::new();
    let mut leaving: BTreeMap<&str, usize> = BTreeMap::new();
    for dependency in scene.calls().filter(|d| d.blocking) {
        if let (Some(from), Some(to)) = (team(&dependency.source), team(&dependency.target)) {
            *leaving.entry(from).or_default() += 1;
            if from != to {
                between.entry((from, to)).or_default().push(dependency);
            }
        }
    }
    let share = |from: &str, to: &str| {
        let calls = between.get(&(from, to)).map_or(0, Vec::len);
        calls as f64 / leaving.get(from).copied().unwrap_or(0).max(1) as f64
    };
    let mut all = Vec::new();
    for ((a, b), there) in between.iter().filter(|((a, b), _)| a < b) {
        let Some(back) = between.get(&(*b, *a)) else { continue };
        let (to, from) = (share(a, b), share(b, a));
        if to < limits.edge_share || from < limits.edge_share {
            continue;
        }
        let edges: Vec<&&Dependency> = there.iter().chain(back).collect();
        let mut services: Vec<&str> = edges.iter().flat_map(|d| [d.source.as_str(), d.target.as_str()]).collect();
        services.sort_unstable();
        services.dedup();
        let because = format!(
            "{:.0} % of the blocking calls of {a} lead to {b}, and {:.0} % the other way",
            to * 100.0,
            from * 100.0
        );
        let evidence = edges.iter().flat_map(|d| dependency_evidence(d).into_iter().take(1)).take(8).collect();
        let refactorings = &["one team for both", "events between the teams instead of calls"];
        let subject = format!("{a} {b}");
        let (services, severity, subject) = (services.as_slice(), Severity::Medium, Some(subject.as_str()));
        all.push(Found { smell: SMELL.id, severity, services, subject, because, evidence, refactorings }.make());
    }
    Ok(all)
}
