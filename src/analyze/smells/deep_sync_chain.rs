//! A request that waits through many services in a row.

use super::{Scene, Smell, dependency_evidence, finding};
use crate::model::{Finding, Severity};

/// The smell.
pub const SMELL: Smell = Smell { id: "deep-sync-chain", text: include_str!("deep_sync_chain.md"), find };

fn find(scene: &Scene<'_>) -> Result<Vec<Finding>, &'static str> {
    let (depth, chain) = scene.coupling.digraph().longest_chain();
    let limits = scene.knowledge.thresholds.depth;
    if depth <= limits.warn {
        return Ok(Vec::new());
    }
    let services: Vec<String> = chain.iter().map(|at| scene.coupling.members[*at as usize].clone()).collect();
    let mut evidence = Vec::new();
    for pair in chain.windows(2) {
        let index = scene.coupling.edges.get(&(pair[0], pair[1])).copied().flatten();
        evidence.extend(
            index.into_iter().flat_map(|i| dependency_evidence(&scene.graph.dependencies()[i]).into_iter().take(1)),
        );
    }
    let severity = if depth > limits.fail { Severity::High } else { Severity::Medium };
    let because =
        format!("{depth} hops, each waiting for the next: {}; more than {} is deep", services.join(" → "), limits.warn);
    Ok(vec![finding(
        "deep-sync-chain",
        severity,
        &services,
        None,
        because,
        evidence,
        &["publish the data at the end of the chain"],
    )])
}
