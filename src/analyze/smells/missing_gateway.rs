//! Several services reachable from outside, and no gateway before them.

use super::{Found, Scene, Smell};
use crate::model::{Dependency, Finding, Mode, Service, ServiceKind, Severity};

/// The smell.
pub const SMELL: Smell = Smell { id: "missing-gateway", text: include_str!("missing_gateway.md"), find };

fn find(scene: &Scene<'_>) -> Result<Vec<Finding>, String> {
    let services = scene.graph.services();
    if services.iter().all(|s| !s.exposed) {
        return Err("no published port, load balancer or ingress was read".to_owned());
    }
    let open: Vec<_> = services.iter().filter(|s| s.exposed && s.kind == ServiceKind::Service).collect();
    let gateway = services.iter().any(|s| s.kind == ServiceKind::Gateway || routes(scene, s));
    if open.len() < 2 || gateway {
        return Ok(Vec::new());
    }
    let names: Vec<&str> = open.iter().map(|s| s.name.as_str()).collect();
    let evidence = open.iter().flat_map(|s| s.evidence.iter().take(1).cloned()).collect();
    let because = format!("{} services are reachable from outside and no gateway stands before them", names.len());
    let (services, severity, refactorings) = (names.as_slice(), Severity::Low, &["one gateway for all entries"]);
    Ok(vec![Found { smell: SMELL.id, severity, services, subject: None, because, evidence, refactorings }.make()])
}

/// Has a user interface a proxy of its own that leads to several services?
fn routes(scene: &Scene<'_>, service: &Service) -> bool {
    let proxied = |d: &&&Dependency| {
        d.mode == Mode::Sync
            && scene.is_inside(&d.target)
            && d.sites.iter().any(|s| s.caller.is_empty() && s.rule.is_empty())
    };
    service.kind == ServiceKind::Ui && scene.outgoing(&service.name).iter().filter(proxied).count() > 1
}
