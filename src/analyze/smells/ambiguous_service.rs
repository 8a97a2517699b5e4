//! Operations whose name and path say nothing of what they do.

use std::collections::BTreeMap;

use super::{Found, Scene, Smell};
use crate::analyze::knowledge::words;
use crate::model::{Confidence, Endpoint, Evidence, Finding, Severity};

/// The smell.
pub const SMELL: Smell = Smell { id: "ambiguous-service", text: include_str!("ambiguous_service.md"), find };

fn find(scene: &Scene<'_>) -> Result<Vec<Finding>, String> {
    let endpoints = &scene.graph.parts().endpoints;
    if endpoints.is_empty() {
        return Err("no operation is known: no code or specification shows what services serve".to_owned());
    }
    let vague = |e: &&Endpoint| says_nothing(&scene.knowledge.lexicon.vague, e);
    let mut found: BTreeMap<&str, Vec<Evidence>> = BTreeMap::new();
    for endpoint in endpoints.iter().filter(vague) {
        let says = format!("{} {} ({})", endpoint.method, endpoint.path, endpoint.handler);
        found.entry(&endpoint.service).or_default().push(super::at(&endpoint.place, &says, Confidence::Probable));
    }
    // One operation for everything: it is told by a value what to do.
    for service in scene.coded() {
        let operations: Vec<_> =
            scene.endpoints(&service.name).iter().filter(|e| !super::scene::is_technical(&e.path)).collect();
        let [only] = operations.as_slice() else { continue };
        let flow = scene.flows_of(&service.name).iter().find(|f| f.place == only.place);
        if let Some((name, place)) = flow.and_then(|f| f.switches_on.as_ref()) {
            let says = format!("its only operation, {} {}, chooses by `{name}`", only.method, only.path);
            found.entry(&service.name).or_default().push(super::at(place, &says, Confidence::Probable));
        }
    }
    let made = found.into_iter().map(|(service, evidence)| {
        let because = format!(
            "{} whose name tells nothing: {}",
            crate::model::counted(evidence.len(), "operation"),
            evidence[0].says
        );
        let refactorings = &["name operations by what they do to what", "one operation for each kind of work"];
        let (services, severity) = (&[service], Severity::Low);
        Found { smell: SMELL.id, severity, services, subject: None, because, evidence, refactorings }
            .at_most(Severity::Medium)
    });
    Ok(made.collect())
}

/// Neither the handler's name nor the path has a word that tells anything.
fn says_nothing(vague: &[String], endpoint: &Endpoint) -> bool {
    let empty = |name: &str| {
        let all = words(name);
        !all.is_empty() && all.iter().all(|w| vague.contains(w))
    };
    let own = words(&endpoint.service);
    let path = words(endpoint.path.split_once('.').map_or(endpoint.path.as_str(), |(head, _)| head));
    let telling = path.iter().any(|w| {
        let version = w.starts_with('v') && w[1..].chars().all(|c| c.is_ascii_digit());
        !version && w != "api" && !vague.contains(w) && !own.contains(w)
    });
    empty(&endpoint.handler) && !telling && path.iter().any(|w| vague.contains(w))
}
