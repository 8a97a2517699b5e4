//! A service too small to be worth a call over the network.

use super::{Found, Scene, Smell, dependency_evidence};
use crate::model::{Finding, Mode, ServiceKind, Severity};

/// The smell.
pub const SMELL: Smell = Smell { id: "nano-service", text: include_str!("nano_service.md"), find };

fn find(scene: &Scene<'_>) -> Result<Vec<Finding>, String> {
    if scene.graph.parts().endpoints.is_empty() {
        return Err("no operation is known: no code or specification shows what services serve".to_owned());
    }
    let limits = scene.knowledge.thresholds.smells.nano;
    let mut all = Vec::new();
    for service in scene.coded().filter(|s| s.kind == ServiceKind::Service) {
        let name = service.name.as_str();
        let operations = scene.endpoints(name).iter().filter(|e| !super::scene::is_technical(&e.path)).count();
        let callers: Vec<_> =
            scene.incoming(name).iter().filter(|d| d.mode == Mode::Sync && d.blocking).copied().collect();
        // What takes part in messaging, or calls others, has work of its own.
        let works = scene.incoming(name).iter().any(|d| d.mode == Mode::Async)
            || scene.outgoing(name).iter().any(|d| matches!(d.mode, Mode::Sync | Mode::Async | Mode::Data));
        let small = (1..=limits.operations).contains(&operations) && callers.len() <= limits.callers;
        if !small || works || callers.is_empty() || scene.has_store(name) {
            continue;
        }
        let because = format!(
            "{}, called by {} only, no data of its own",
            crate::model::counted(operations, "operation"),
            callers.iter().map(|d| d.source.as_str()).collect::<Vec<_>>().join(", ")
        );
        let evidence = callers.iter().flat_map(|d| dependency_evidence(d)).take(3).collect();
        let (services, refactorings) = (&[name], &["make it a library of its caller", "merge it with its caller"]);
        let severity = Severity::Low;
        all.push(Found { smell: SMELL.id, severity, services, subject: None, because, evidence, refactorings }.make());
    }
    Ok(all)
}
