//! A request that waits through many services in a row.

use std::collections::BTreeMap;

use super::{Found, Scene, Smell, dependency_evidence};
use crate::model::{Finding, OperationServed, Severity};

/// The smell.
pub const SMELL: Smell = Smell { id: "deep-sync-chain", text: include_str!("deep_sync_chain.md"), find };

fn find(scene: &Scene<'_>) -> Result<Vec<Finding>, String> {
    let (names, digraph, edges) = scene.blocking();
    let (depth, chain) = digraph.longest_chain();
    let limits = scene.knowledge.thresholds.depth;
    let mut all = seen(scene);
    if depth <= limits.warn {
        return Ok(all);
    }
    let services: Vec<&str> = chain.iter().map(|at| names[*at as usize]).collect();
    let on_it = chain.windows(2).filter_map(|pair| edges.get(&(pair[0], pair[1])));
    let evidence = on_it.flat_map(|d| dependency_evidence(d).into_iter().take(1)).collect();
    let severity = if depth > limits.fail { Severity::High } else { Severity::Medium };
    let because =
        format!("{depth} hops, each waiting for the next: {}; more than {} is deep", services.join(" → "), limits.warn);
    let (services, refactorings) = (services.as_slice(), &["publish the data at the end of the chain"]);
    all.push(Found { smell: SMELL.id, severity, services, subject: None, because, evidence, refactorings }.make());
    Ok(all)
}

/// What traces show: of each service where requests enter, the operation with the longest chain of calls below it.
/// The chain of the graph is the longest possible one; this is one that happened.
fn seen(scene: &Scene<'_>) -> Vec<Finding> {
    let limits = scene.knowledge.thresholds.depth;
    let Ok(traffic) = scene.traffic() else { return Vec::new() };
    let mut worst: BTreeMap<&str, &OperationServed> = BTreeMap::new();
    for served in traffic.served.iter().filter(|s| s.entries > 0 && s.depth_most > u64::from(limits.warn)) {
        let Some(service) = scene.traced(&served.service) else { continue };
        let known = worst.entry(service).or_insert(served);
        if served.depth_most > known.depth_most {
            *known = served;
        }
    }
    let made = worst.into_iter().map(|(service, served)| {
        let because = format!(
            "{} hops, each waiting for the next, were seen below {} of {service} ({:.1} on average over {} requests)",
            served.depth_most,
            served.operation,
            served.depth_sum as f64 / served.requests.max(1) as f64,
            served.requests
        );
        let severity = if served.depth_most > u64::from(limits.fail) { Severity::High } else { Severity::Medium };
        let evidence = scene.spans(|d| d.source == service);
        let (services, refactorings) = (&[service], &["publish the data at the end of the chain"]);
        let subject = Some(served.operation.as_str());
        Found { smell: SMELL.id, severity, services, subject, because, evidence, refactorings }.make()
    });
    made.collect()
}
