//! A service that exports no metrics, traces or logs.

use super::{Found, Scene, Smell};
use crate::model::{Finding, Mode, PracticeKind, Relation, Service, ServiceKind, Severity, SourceKind};

/// The smell.
pub const SMELL: Smell = Smell { id: "missing-telemetry", text: include_str!("missing_telemetry.md"), find };

fn find(scene: &Scene<'_>) -> Result<Vec<Finding>, String> {
    if !scene.has_code() {
        return Err("no source code was read".to_owned());
    }
    let mut all = Vec::new();
    for service in scene.coded().filter(|s| s.kind == ServiceKind::Service) {
        let name = service.name.as_str();
        let exported = scene.practices(name, PracticeKind::Telemetry).next().is_some();
        let edges = || scene.outgoing(name).iter().chain(scene.incoming(name));
        let monitored = edges().any(|d| {
            let other = if d.source == name { &d.target } else { &d.source };
            d.mode == Mode::Infra && scene.graph.service(other).is_some_and(|s| s.kind == ServiceKind::Monitoring)
        });
        let runs = scene.profile(name).is_some_and(|p| !p.deployments.is_empty()) || !scene.endpoints(name).is_empty();
        if exported || monitored || sends_spans(scene, service) || !runs {
            continue;
        }
        let because = "no exporter of metrics, traces or logs among its libraries, code and configuration".to_owned();
        let module = scene.profile(name).and_then(|p| p.modules.first());
        let module = module.map(|(place, _)| {
            crate::model::Evidence::new(
                SourceKind::Manifests,
                place.clone(),
                "its dependencies",
                crate::model::Confidence::Confirmed,
            )
        });
        let evidence = module.into_iter().chain(service.evidence.first().cloned()).take(1).collect();
        let (services, severity, refactorings) =
            (&[name], Severity::Low, &["an OpenTelemetry SDK or agent with an exporter"]);
        all.push(
            Found { smell: SMELL.id, severity, services, subject: None, because, evidence, refactorings }
                .at_most(Severity::Medium),
        );
    }
    Ok(all)
}

/// Do traces hold spans of its own, as opposed to those of its callers?
fn sends_spans(scene: &Scene<'_>, service: &Service) -> bool {
    let is_it = |name: &String| *name == service.name || service.aliases.contains(name);
    let rows = scene.graph.parts().traffic.iter().flat_map(|t| &t.rows);
    rows.into_iter().any(|row| match row.relation {
        Relation::Sync => is_it(&row.source) || is_it(&row.target),
        Relation::OrphanServer | Relation::Consume => is_it(&row.target),
        _ => is_it(&row.source),
    })
}
