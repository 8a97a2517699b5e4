//! Services that wait for each other in a circle.

use super::{Found, Scene, Smell, dependency_evidence};
use crate::model::{Finding, Severity};

/// The smell.
pub const SMELL: Smell = Smell { id: "sync-cycle", text: include_str!("sync_cycle.md"), find };

fn find(scene: &Scene<'_>) -> Result<Vec<Finding>, String> {
    let (names, digraph, edges) = scene.blocking();
    let mut all = Vec::new();
    for component in digraph.components().into_iter().filter(|c| c.len() > 1) {
        let cycle = digraph.shortest_cycle(&component);
        let services: Vec<&str> = component.iter().map(|at| names[*at as usize]).collect();
        let steps = cycle.iter().enumerate().map(|(i, from)| (*from, cycle[(i + 1) % cycle.len()]));
        let on_it = steps.filter_map(|step| edges.get(&step));
        let evidence = on_it.flat_map(|d| dependency_evidence(d).into_iter().take(1)).collect();
        let path: Vec<&str> = cycle.iter().chain(cycle.first()).map(|at| names[*at as usize]).collect();
        let because =
            format!("{} services wait for each other; the shortest circle is {}", services.len(), path.join(" → "));
        let refactorings = &["publish the data that the cheapest edge reads", "merge the services"];
        let (severity, services) = (Severity::High, services.as_slice());
        all.push(Found { smell: SMELL.id, severity, services, subject: None, because, evidence, refactorings }.make());
    }
    Ok(all)
}
