//! A deployed service of which nobody can ask whether it is well.

use super::{Found, Scene, Smell};
use crate::model::{Confidence, Finding, PracticeKind, Severity, SourceKind};

/// The smell.
pub const SMELL: Smell = Smell { id: "missing-health-check", text: include_str!("missing_health_check.md"), find };

fn find(scene: &Scene<'_>) -> Result<Vec<Finding>, String> {
    if scene.graph.parts().profiles.iter().all(|p| p.deployments.is_empty()) {
        return Err("no deployment was read (Compose, Kubernetes)".to_owned());
    }
    let mut all = Vec::new();
    for service in scene.coded() {
        let Some(profile) = scene.profile(&service.name).filter(|p| !p.deployments.is_empty()) else { continue };
        let route = scene.endpoints(&service.name).iter().any(|e| {
            e.path
                .to_lowercase()
                .split('/')
                .any(|p| super::scene::is_health(p) || p == "actuator" || p == "ping" || p == "hc")
        });
        let known = scene.practices(&service.name, PracticeKind::HealthCheck).next().is_some();
        if route || known || profile.deployments.iter().any(|d| d.has_health_check) {
            continue;
        }
        let says = "deployed without a probe or health check";
        let places = profile.deployments.iter().take(3);
        let evidence = places
            .map(|d| crate::model::Evidence::new(SourceKind::Manifests, d.place.clone(), says, Confidence::Confirmed))
            .collect();
        let because = "no probe or health check in its deployment, no health route in its code".to_owned();
        let (services, severity, refactorings) =
            (&[service.name.as_str()], Severity::Low, &["a health route, and a probe that asks it"]);
        all.push(Found { smell: SMELL.id, severity, services, subject: None, because, evidence, refactorings }.make());
    }
    Ok(all)
}
