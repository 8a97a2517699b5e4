//! A call to another service without a time limit, a breaker or bounded retries.

use std::collections::BTreeSet;

use super::scene::is_coded;
use super::{Found, Scene, Smell};
use crate::model::{Dependency, Finding, Practice, PracticeKind, Severity, Site};

/// The smell.
pub const SMELL: Smell = Smell { id: "unguarded-call", text: include_str!("unguarded_call.md"), find };

fn find(scene: &Scene<'_>) -> Result<Vec<Finding>, String> {
    if !scene.has_code() {
        return Err("no source code was read".to_owned());
    }
    let mut all = Vec::new();
    for service in scene
        .graph
        .services()
        .iter()
        .filter(|s| !s.languages.is_empty() && s.kind != crate::model::ServiceKind::Loadgen)
    {
        let guards = Guards::of(scene, &service.name);
        for dependency in
            scene.outgoing(&service.name).iter().filter(|d| is_coded(d) && d.blocking && scene.is_inside(&d.target))
        {
            let open: Vec<&Site> = dependency
                .sites
                .iter()
                .filter(|s| s.blocking && !s.rule.is_empty() && !guards.cover(scene, dependency, s))
                .collect();
            if open.is_empty() {
                continue;
            }
            let because = format!(
                "{} of {} to {} without a time limit or breaker: it waits as long as {} does",
                crate::model::counted(open.len(), "call site"),
                dependency.source,
                dependency.target,
                dependency.target
            );
            let evidence = open.iter().take(5).map(|s| s.as_evidence()).collect();
            let refactorings =
                &["set connect and read timeouts", "a circuit breaker with a fallback", "a bounded retry budget"];
            let services = &[dependency.source.as_str(), dependency.target.as_str()];
            let severity = Severity::Medium;
            let found = Found { smell: SMELL.id, severity, services, subject: None, because, evidence, refactorings };
            all.push(found.at_most(Severity::Medium));
        }
    }
    Ok(all)
}

/// What guards the calls of one service.
struct Guards<'s> {
    /// Everything: configuration, libraries, files that configure clients and call nobody.
    everywhere: bool,
    /// Files with a guard beside their own calls.
    files: BTreeSet<(&'s str, &'s str)>,
    /// Guards of one callee, as written.
    named: Vec<&'s str>,
}

impl<'s> Guards<'s> {
    fn of(scene: &Scene<'s>, service: &str) -> Self {
        let calling: BTreeSet<(&str, &str)> =
            scene.outgoing(service).iter().flat_map(|d| &d.sites).map(|s| (s.root.as_str(), s.path.as_str())).collect();
        let mut guards = Self { everywhere: false, files: BTreeSet::new(), named: Vec::new() };
        let kinds = [PracticeKind::Timeout, PracticeKind::Breaker];
        let own = kinds.iter().flat_map(|k| scene.practices(service, *k));
        for practice in own {
            let file = (practice.place.root.as_str(), practice.place.path.as_str());
            if is_named(practice) {
                guards.named.extend(practice.targets.iter().map(String::as_str));
            } else if !practice.function.is_empty() && calling.contains(&file) {
                guards.files.insert(file);
            } else {
                guards.everywhere = true;
            }
        }
        let mesh = kinds.iter().flat_map(|k| scene.practices("", *k));
        guards.named.extend(mesh.flat_map(|p| &p.targets).map(String::as_str));
        guards
    }

    fn cover(&self, scene: &Scene<'_>, dependency: &Dependency, site: &Site) -> bool {
        let limited = &scene.knowledge.thresholds.smells.limited_clients;
        let file = (site.root.as_str(), site.path.as_str());
        let chain = site.chain.iter().any(|e| self.files.contains(&(e.place.root.as_str(), e.place.path.as_str())));
        let target = scene.graph.service(&dependency.target);
        let names = target.iter().flat_map(|s| s.aliases.iter().chain(std::iter::once(&s.name)));
        self.everywhere
            || chain
            || self.files.contains(&file)
            || limited.iter().any(|l| site.rule.starts_with(l.as_str()))
            || names.into_iter().any(|n| self.named.iter().any(|key| key.to_lowercase().contains(&n.to_lowercase())))
    }
}

/// A setting that names one callee (`feign.client.config.orders.readTimeout`), not all (`default`).
fn is_named(practice: &Practice) -> bool {
    practice.targets.iter().any(|key| {
        let lower = key.to_lowercase();
        lower.contains("client.config.") && !lower.contains(".default.")
            || lower.ends_with(".ribbon.readtimeout")
            || lower.ends_with(".ribbon.connecttimeout")
            || lower.contains("hystrix.command.") && !lower.contains(".default.")
    })
}
