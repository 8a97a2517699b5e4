//! A request that waits through many services in a row.

use super::{Found, Scene, Smell, dependency_evidence};
use crate::model::{Finding, Severity};

/// The smell.
pub const SMELL: Smell = Smell { id: "deep-sync-chain", text: include_str!("deep_sync_chain.md"), find };

fn find(scene: &Scene<'_>) -> Result<Vec<Finding>, String> {
    let (names, digraph, edges) = scene.blocking();
    let (depth, chain) = digraph.longest_chain();
    let limits = scene.knowledge.thresholds.depth;
    if depth <= limits.warn {
        return Ok(Vec::new());
    }
    let services: Vec<&str> = chain.iter().map(|at| names[*at as usize]).collect();
    let on_it = chain.windows(2).filter_map(|pair| edges.get(&(pair[0], pair[1])));
    let evidence = on_it.flat_map(|d| dependency_evidence(d).into_iter().take(1)).collect();
    let severity = if depth > limits.fail { Severity::High } else { Severity::Medium };
    let because =
        format!("{depth} hops, each waiting for the next: {}; more than {} is deep", services.join(" → "), limits.warn);
    let (services, refactorings) = (services.as_slice(), &["publish the data at the end of the chain"]);
    Ok(vec![Found { smell: SMELL.id, severity, services, subject: None, because, evidence, refactorings }.make()])
}
