//! A caller that gives up before what it called can be done.

use std::collections::BTreeMap;

use super::{Found, Scene, Smell};
use crate::model::{Dependency, Evidence, Finding, Practice, PracticeKind, Severity, Site};

/// The smell.
pub const SMELL: Smell = Smell { id: "timeout-inversion", text: include_str!("timeout_inversion.md"), find };

/// A time limit with what shows it.
#[derive(Clone, Copy)]
struct Limit<'s> {
    millis: u64,
    practice: &'s Practice,
}

fn find(scene: &Scene<'_>) -> Result<Vec<Finding>, String> {
    let practices = &scene.graph.parts().practices;
    if !practices.iter().any(|p| p.kind == PracticeKind::Timeout && p.value.is_some()) {
        return Err("no time limit with a value was read".to_owned());
    }
    let mut all = Vec::new();
    for dependency in scene.calls().filter(|d| d.blocking) {
        let Some(outer) = limit(scene, dependency) else { continue };
        let Some((inner, evidence, words)) = slowest(scene, dependency) else { continue };
        if outer.millis == 0 || inner <= outer.millis {
            continue;
        }
        let because = format!(
            "{} waits {} ms for {}, which may take {inner} ms: {words}",
            dependency.source, outer.millis, dependency.target
        );
        let evidence: Vec<Evidence> = std::iter::once(outer.practice.as_evidence()).chain(evidence).collect();
        let refactorings =
            &["shorter limits further down", "pass the deadline on with the call", "do the slow part asynchronously"];
        let services = &[dependency.source.as_str(), dependency.target.as_str()];
        let severity = Severity::Medium;
        let found = Found { smell: SMELL.id, severity, services, subject: None, because, evidence, refactorings };
        all.push(found.at_most(Severity::Medium));
    }
    all.extend(hystrix(scene));
    Ok(all)
}

/// The limit of the calls of a dependency: the mesh's for the callee, one that names the callee, one in the file of
/// the call or on its chain, else the one of all calls of the service.
fn limit<'s>(scene: &Scene<'s>, dependency: &Dependency) -> Option<Limit<'s>> {
    let of = |p: &&'s Practice| p.value.map(|millis| Limit { millis, practice: p });
    let own: Vec<&Practice> = scene.practices(&dependency.source, PracticeKind::Timeout).collect();
    let names: Vec<String> = scene
        .graph
        .service(&dependency.target)
        .map(|s| s.aliases.iter().chain(std::iter::once(&s.name)).map(|n| n.to_lowercase()).collect())
        .unwrap_or_default();
    let names_it = |p: &&&Practice| {
        p.targets.iter().any(|t| t.to_lowercase().split(['.', '/']).any(|part| names.iter().any(|n| n == part)))
    };
    let mesh: Vec<&Practice> = scene.practices("", PracticeKind::Timeout).collect();
    let named = own.iter().chain(&mesh).filter(names_it).find_map(of);
    let beside = |p: &&&Practice| {
        dependency.sites.iter().any(|s: &Site| {
            let here = (&p.place.root, &p.place.path) == (&s.root, &s.path);
            let on_chain = s.chain.iter().any(|e| (&e.place.root, &e.place.path) == (&p.place.root, &p.place.path));
            !p.function.is_empty() && (here || on_chain)
        })
    };
    // Connect limits are no limits of the whole call.
    let whole = |p: &&&Practice| !p.says.to_lowercase().contains("connect");
    let near = own.iter().filter(beside).filter(whole).filter_map(of).max_by_key(|l| l.millis);
    let calling = |p: &&&Practice| {
        let sites = scene.outgoing(&dependency.source).iter().flat_map(|d| &d.sites);
        !sites.into_iter().any(|s| (&s.root, &s.path) == (&p.place.root, &p.place.path))
    };
    let general = own.iter().filter(whole).filter(calling).filter(|p| !is_specific(p));
    named.or(near).or_else(|| general.filter_map(of).max_by_key(|l| l.millis))
}

/// A setting about one callee says nothing about others; one about a command of Hystrix is looked at by itself.
fn is_specific(practice: &Practice) -> bool {
    practice.targets.iter().any(|t| {
        let lower = t.to_lowercase();
        lower.contains("client.config.") && !lower.contains(".default.")
            || lower.contains(".ribbon.")
            || lower.contains("hystrix")
    })
}

/// The longest that one handler of a service may wait for others, all its calls one after the other.
fn slowest(scene: &Scene<'_>, called: &Dependency) -> Option<(u64, Vec<Evidence>, String)> {
    let service = called.target.as_str();
    let handlers: Vec<&str> = called.sites.iter().filter_map(|s| s.handler_place.as_deref()).collect();
    let mut slowest: Option<(u64, Vec<Evidence>, String)> = None;
    for flow in scene.flows_of(service).iter().filter(|f| handlers.contains(&f.place.to_string().as_str())) {
        let mut waits: BTreeMap<&str, (u64, usize)> = BTreeMap::new();
        let mut evidence: Vec<Evidence> = Vec::new();
        let mut calls = Vec::new();
        for step in &flow.steps {
            for (dependency, site) in scene.called(flow, step).into_iter().filter(|(_, s)| s.blocking) {
                let Some(limit) = limit(scene, dependency) else { continue };
                let entry =
                    waits.entry(&dependency.target).or_insert((limit.millis * (1 + retries(scene, service)), 0));
                entry.1 += 1;
                calls.push(site.as_evidence());
                if !evidence.contains(&limit.practice.as_evidence()) {
                    evidence.push(limit.practice.as_evidence());
                }
            }
        }
        let total: u64 = waits.values().map(|(millis, n)| millis.saturating_mul(*n as u64)).sum();
        if total > slowest.as_ref().map_or(0, |s| s.0) {
            let words: Vec<String> =
                waits.iter().map(|(target, (millis, n))| format!("{n} × {millis} ms for {target}")).collect();
            evidence.extend(calls.into_iter().take(4));
            slowest = Some((total, evidence, words.join(", ")));
        }
    }
    slowest
}

fn retries(scene: &Scene<'_>, service: &str) -> u64 {
    // More than ten is no count of retries.
    scene.practices(service, PracticeKind::Retry).filter_map(|p| p.value).filter(|n| *n <= 10).max().unwrap_or(0)
}

/// Inside one service: the breaker gives up before the client that it wraps, its retries counted.
fn hystrix(scene: &Scene<'_>) -> Vec<Finding> {
    let mut all = Vec::new();
    for service in scene.own() {
        let limits: Vec<&Practice> = scene.practices(&service.name, PracticeKind::Timeout).collect();
        let key = |p: &&&Practice, word: &str| p.targets.iter().any(|t| t.to_lowercase().contains(word));
        let outer = limits.iter().filter(|p| key(p, "hystrix.command.default")).find_map(|p| Some((p.value?, *p)));
        let inner = limits
            .iter()
            .filter(|p| key(p, "ribbon.readtimeout") || key(p, "client.config.default.readtimeout"))
            .filter_map(|p| Some((p.value?, *p)))
            .max_by_key(|(value, _)| *value);
        let (Some((outer, breaker)), Some((inner, client))) = (outer, inner) else { continue };
        let whole = inner * (1 + retries(scene, &service.name));
        if outer >= whole {
            continue;
        }
        let because =
            format!("the breaker of {} gives up after {outer} ms, its client may take {whole} ms", service.name);
        let evidence = vec![breaker.as_evidence(), client.as_evidence()];
        let (services, severity, refactorings) = (
            &[service.name.as_str()],
            Severity::Medium,
            &["a limit of the breaker above retries times the limit of the client"],
        );
        let subject = Some("breaker");
        all.push(Found { smell: SMELL.id, severity, services, subject, because, evidence, refactorings }.make());
    }
    all
}
