//! Services that wait for each other in a circle.

use super::{Scene, Smell, dependency_evidence, finding};
use crate::model::{Finding, Severity};

/// The smell.
pub const SMELL: Smell = Smell { id: "sync-cycle", text: include_str!("sync_cycle.md"), find };

fn find(scene: &Scene<'_>) -> Result<Vec<Finding>, &'static str> {
    let digraph = scene.coupling.digraph();
    let mut all = Vec::new();
    for component in digraph.components().into_iter().filter(|c| c.len() > 1) {
        let cycle = digraph.shortest_cycle(&component);
        let name = |at: &u32| scene.coupling.members[*at as usize].clone();
        let services: Vec<String> = component.iter().map(name).collect();
        let mut evidence = Vec::new();
        for (i, from) in cycle.iter().enumerate() {
            let to = cycle[(i + 1) % cycle.len()];
            let index = scene.coupling.edges.get(&(*from, to)).copied().flatten();
            evidence.extend(
                index.into_iter().flat_map(|i| dependency_evidence(&scene.graph.dependencies()[i]).into_iter().take(1)),
            );
        }
        let mut path: Vec<String> = cycle.iter().map(name).collect();
        path.extend(cycle.first().map(name));
        let because =
            format!("{} services wait for each other; the shortest circle is {}", services.len(), path.join(" → "));
        all.push(finding(
            "sync-cycle",
            Severity::High,
            &services,
            None,
            because,
            evidence,
            &["publish the data that the cheapest edge reads", "merge the services"],
        ));
    }
    Ok(all)
}
