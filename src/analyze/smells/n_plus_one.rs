//! A call to another service once per element.

use std::collections::{BTreeMap, BTreeSet};

use super::scene::is_coded;
use super::{Found, Scene, Smell};
use crate::model::{Evidence, Finding, Mode, RepeatedCalls, ServiceKind, Severity, Site};

/// The smell.
pub const SMELL: Smell = Smell { id: "n-plus-one", text: include_str!("n_plus_one.md"), find };

/// Loops that wait or try again are no loops over elements.
fn tries_again(function: &str) -> bool {
    let lower = function.to_lowercase();
    ["retry", "poll", "wait", "warm", "backoff", "healthcheck"].iter().any(|w| lower.contains(w))
}

fn find(scene: &Scene<'_>) -> Result<Vec<Finding>, String> {
    if !scene.has_code() && scene.traffic().is_err() {
        return Err("no source code and no traces were read".to_owned());
    }
    let mut all = seen(scene);
    let mut found: BTreeMap<(&str, &str, &str), Vec<Evidence>> = BTreeMap::new();
    let mut add = |source, target, site: &'_ Site, operation, through: Option<Evidence>| {
        let entry: &mut Vec<Evidence> = found.entry((source, target, operation)).or_default();
        for evidence in std::iter::once(site.as_evidence()).chain(through) {
            if !entry.contains(&evidence) {
                entry.push(evidence);
            }
        }
    };
    let from_tests = |source: &str| scene.graph.service(source).is_some_and(|s| s.kind == ServiceKind::Loadgen);
    for dependency in scene.calls().filter(|d| is_coded(d) && d.mode == Mode::Sync && !from_tests(&d.source)) {
        for site in dependency.sites.iter().filter(|s| s.in_loop && s.blocking && !tries_again(&s.caller)) {
            add(dependency.source.as_str(), dependency.target.as_str(), site, site.operation.as_str(), None);
        }
    }
    for flow in scene.flows().iter().filter(|f| !from_tests(&f.service)) {
        for step in flow.steps.iter().filter(|s| s.in_loop && !tries_again(&s.function)) {
            for (dependency, site) in scene.called(flow, step).into_iter().filter(|(_, s)| s.blocking && !s.in_loop) {
                let says = format!("{} reaches it in a loop", flow.handler);
                let through = super::at(&flow.place, &says, site.confidence);
                add(&dependency.source, &dependency.target, site, &site.operation, Some(through));
            }
        }
    }
    let known: BTreeSet<(String, String)> =
        all.iter().filter_map(|f| Some((f.services.join(" "), f.subject.clone()?))).collect();
    let made = found.into_iter().map(|((source, target, operation), evidence)| {
        let because = format!("{source} calls {operation} of {target} once per element of a loop");
        let refactorings = &["an operation that takes many", "a local copy of the data, fed by events"];
        let (services, subject) = (&[source, target], Some(operation));
        Found { smell: SMELL.id, severity: Severity::Medium, services, subject, because, evidence, refactorings }.make()
    });
    let new = |f: &Finding| !known.contains(&(f.services.join(" "), f.subject.clone().unwrap_or_default()));
    all.extend(made.filter(new));
    Ok(all)
}

/// What traces show: requests during which one operation of another service was called again and again. Attempts that
/// were repeated because they failed do not count.
fn seen(scene: &Scene<'_>) -> Vec<Finding> {
    let Ok(traffic) = scene.traffic() else { return Vec::new() };
    let least = scene.knowledge.thresholds.smells.repeated_calls;
    let mut worst: BTreeMap<(&str, &str, &str), &RepeatedCalls> = BTreeMap::new();
    for repeated in traffic.repeated.iter().filter(|r| r.most >= least) {
        let (Some(source), Some(target)) = (scene.traced(&repeated.source), scene.traced(&repeated.target)) else {
            continue;
        };
        if source == target || scene.graph.service(source).is_some_and(|s| s.kind == ServiceKind::Loadgen) {
            continue;
        }
        let known = worst.entry((source, target, &repeated.call)).or_insert(repeated);
        if repeated.most > known.most {
            *known = repeated;
        }
    }
    let made = worst.into_iter().map(|((source, target, call), repeated)| {
        let because = format!(
            "one request of {} in {source} called {call} of {target} {} times; {} requests called it more than once, {:.1} times on average",
            repeated.operation,
            repeated.most,
            repeated.groups,
            repeated.calls as f64 / repeated.groups.max(1) as f64
        );
        let mut evidence = scene.spans(|d| d.source == source && d.target == target);
        if let Some(first) = evidence.first_mut() {
            first.place.span = Some(repeated.exemplar.clone());
            first.says = format!("this request called {call} again and again");
        }
        let refactorings = &["an operation that takes many", "a local copy of the data, fed by events"];
        let (services, subject) = (&[source, target], Some(call));
        Found { smell: SMELL.id, severity: Severity::High, services, subject, because, evidence, refactorings }.make()
    });
    made.collect()
}
