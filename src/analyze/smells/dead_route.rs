//! A call that nothing at its target answers.

use super::{Found, Scene, Smell};
use crate::model::{Confidence, Endpoint, Finding, Severity, Site, SourceKind};

/// The smell.
pub const SMELL: Smell = Smell { id: "dead-route", text: include_str!("dead_route.md"), find };

fn find(scene: &Scene<'_>) -> Result<Vec<Finding>, String> {
    if scene.graph.parts().endpoints.iter().all(|e| e.seen_in != SourceKind::Code) {
        return Err("no operation is known from code".to_owned());
    }
    let mut all = Vec::new();
    for dependency in scene.calls().filter(|d| d.protocol == "http") {
        let served = scene.endpoints(&dependency.target);
        // What is routed onwards, or served by a framework's own means, cannot be judged.
        let known = served.iter().filter(|e| e.seen_in == SourceKind::Code).count();
        let open = served.iter().any(|e| e.path.contains('*') || e.method == "ANY" && e.path.len() < 2);
        let forwards =
            scene.graph.service(&dependency.target).is_none_or(|s| s.kind != crate::model::ServiceKind::Service);
        if known == 0 || open || forwards {
            continue;
        }
        for site in dependency.sites.iter().filter(|s| s.handler_place.is_none()) {
            // A helper that is handed verbs and paths makes calls that code alone cannot pair.
            if scene.calls_at(&dependency.source, &site.place()).len() != 1 {
                continue;
            }
            let Some((verb, path)) = judged(site) else { continue };
            let same_path: Vec<&&Endpoint> = served.iter().filter(|e| fits(path, &e.path)).collect();
            if same_path.iter().any(|e| e.method == verb || e.method == "ANY" || verb == "*") {
                continue;
            }
            let methods: Vec<&str> = same_path.iter().map(|e| e.method.as_str()).collect();
            let because = match methods.as_slice() {
                [] => format!(
                    "{} calls {} of {}, which serves no such path",
                    dependency.source, site.operation, dependency.target
                ),
                _ => format!(
                    "{} calls {} of {}, which serves it as {} only",
                    dependency.source,
                    site.operation,
                    dependency.target,
                    methods.join(", ")
                ),
            };
            let served = same_path
                .iter()
                .take(1)
                .map(|e| super::at(&e.place, &format!("{} {}", e.method, e.path), Confidence::Confirmed));
            let evidence = std::iter::once(site.as_evidence()).chain(served).collect();
            let most = if methods.is_empty() { Severity::Medium } else { Severity::High };
            let refactorings = &["call what is served", "delete the call if nobody misses it"];
            let services = &[dependency.source.as_str(), dependency.target.as_str()];
            let (severity, subject) = (Severity::Medium, Some(site.operation.as_str()));
            let found = Found { smell: SMELL.id, severity, services, subject, because, evidence, refactorings };
            all.push(found.at_most(most));
        }
    }
    Ok(all)
}

/// Verb and path of a call that is known well enough: every part is written, or is a hole of its own.
fn judged(site: &Site) -> Option<(&str, &str)> {
    let (verb, path) = site.operation.split_once(' ')?;
    let parts: Vec<&str> = path.split('/').filter(|p| !p.is_empty()).collect();
    let first = parts.first()?;
    let whole = parts.iter().all(|p| *p == "{}" || !p.contains('{'));
    let certain = site.confidence == Confidence::Confirmed && !site.caller.is_empty();
    (whole && !first.contains('{') && certain && !super::scene::is_technical(path)).then_some((verb, path))
}

/// Could a call of `path` reach what is served as `template`? A hole stands for any part, on either side.
fn fits(path: &str, template: &str) -> bool {
    let split = |p: &str| -> Vec<String> { p.split('/').filter(|s| !s.is_empty()).map(str::to_lowercase).collect() };
    let (path, template) = (split(path), split(template));
    path.len() == template.len()
        && path.iter().zip(&template).all(|(a, b)| a == b || a.contains('{') || b.contains('{') || b.starts_with(':'))
}
