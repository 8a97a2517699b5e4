//! Several services reachable from outside, and no gateway before them.

use super::{Scene, Smell, finding};
use crate::model::{Finding, ServiceKind, Severity};

/// The smell.
pub const SMELL: Smell = Smell { id: "missing-gateway", text: include_str!("missing_gateway.md"), find };

fn find(scene: &Scene<'_>) -> Result<Vec<Finding>, &'static str> {
    let services = scene.graph.services();
    if services.iter().all(|s| !s.exposed) {
        return Err("no published port, load balancer or ingress was read");
    }
    let open: Vec<_> = services.iter().filter(|s| s.exposed && s.kind == ServiceKind::Service).collect();
    let gateway = services.iter().any(|s| s.kind == ServiceKind::Gateway);
    if open.len() < 2 || gateway {
        return Ok(Vec::new());
    }
    let names: Vec<String> = open.iter().map(|s| s.name.clone()).collect();
    let evidence = open.iter().flat_map(|s| s.evidence.iter().take(1).cloned()).collect();
    let because = format!("{} services are reachable from outside and no gateway stands before them", names.len());
    Ok(vec![finding(
        "missing-gateway",
        Severity::Low,
        &names,
        None,
        because,
        evidence,
        &["one gateway for all entries"],
    )])
}
