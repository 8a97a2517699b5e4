//! One handler that asks the same service again and again.

use std::collections::{BTreeMap, BTreeSet};

use super::{Found, Scene, Smell, merged};
use crate::model::{Evidence, Finding, Flow, FlowStep, ServiceKind, Severity, Site, counted};

/// The smell.
pub const SMELL: Smell = Smell { id: "chatty-calls", text: include_str!("chatty_calls.md"), find };

/// A pair of services with the handler that has the most call sites.
struct Worst<'s> {
    flow: &'s Flow,
    sites: Vec<&'s Site>,
    calls: usize,
    handlers: usize,
}

fn find(scene: &Scene<'_>) -> Result<Vec<Finding>, String> {
    if !scene.has_code() && scene.traffic().is_err() {
        return Err("no source code and no traces were read".to_owned());
    }
    let measured = seen(scene);
    let least = scene.knowledge.thresholds.chatty_sites;
    let mut worst: BTreeMap<(&str, &str), Worst<'_>> = BTreeMap::new();
    let from_tests = |source: &str| scene.graph.service(source).is_some_and(|s| s.kind == ServiceKind::Loadgen);
    for flow in scene.flows().iter().filter(|f| !from_tests(&f.service)) {
        let mut by_target: BTreeMap<&str, Vec<&FlowStep>> = BTreeMap::new();
        for step in &flow.steps {
            let called = scene.called(flow, step).into_iter().filter(|(_, s)| s.blocking);
            let targets: BTreeSet<&str> = called.map(|(d, _)| d.target.as_str()).collect();
            targets.into_iter().for_each(|t| by_target.entry(t).or_default().push(step));
        }
        for (target, steps) in by_target {
            let (mut calls, mut sites) = (0, Vec::new());
            for step in FlowStep::together(&steps) {
                let called = scene.called(flow, step);
                let mine: Vec<&Site> = called.iter().filter(|(d, _)| d.target == target).map(|(_, s)| *s).collect();
                // A helper that makes the calls counts once for each place that calls it, of those to this service.
                let ways = (step.ways as usize).max(1);
                calls += if mine.len() < called.len() { ways.min(mine.len()) } else { ways };
                sites.extend(mine);
            }
            if calls < least {
                continue;
            }
            let entry = worst.entry((&flow.service, target)).or_insert(Worst {
                flow,
                sites: Vec::new(),
                calls: 0,
                handlers: 0,
            });
            entry.handlers += 1;
            if calls > entry.calls {
                (entry.flow, entry.sites, entry.calls) = (flow, sites, calls);
            }
        }
    }
    let made = worst.into_iter().map(|((source, target), worst)| {
        let operations: BTreeSet<&str> = worst.sites.iter().map(|s| s.operation.as_str()).collect();
        let others = if worst.handlers > 1 {
            format!(" (and {})", counted(worst.handlers - 1, "further handler"))
        } else {
            String::new()
        };
        let because = format!(
            "{} makes {} of {target}, {}{others}",
            worst.flow.handler,
            counted(worst.calls, "call"),
            counted(operations.len(), "operation"),
        );
        let evidence: Vec<Evidence> = worst.sites.iter().map(|s| s.as_evidence()).collect();
        let refactorings = &["one coarser operation", "publish the data that is read"];
        let services = &[source, target];
        Found { smell: SMELL.id, severity: Severity::Medium, services, subject: None, because, evidence, refactorings }
            .make()
    });
    Ok(merged(measured, made))
}

/// What traces show: pairs whose requests call the other side more than so often, in the middle.
fn seen(scene: &Scene<'_>) -> Vec<Finding> {
    let Ok(traffic) = scene.traffic() else { return Vec::new() };
    let most = scene.knowledge.thresholds.smells.calls_per_request;
    let made = traffic.asked.iter().filter_map(|asked| {
        let (source, target) = (scene.traced(&asked.source)?, scene.traced(&asked.target)?);
        let from_tests = scene.graph.service(source).is_some_and(|s| s.kind == ServiceKind::Loadgen);
        if source == target || from_tests || asked.median() <= most {
            return None;
        }
        let because = format!(
            "a request of {source} that needs {target} calls it {} times in the middle ({} requests seen)",
            asked.median(),
            asked.requests()
        );
        let evidence = scene.spans(|d| d.source == source && d.target == target);
        let refactorings = &["one coarser operation", "publish the data that is read"];
        let (severity, services) = (Severity::Medium, &[source, target]);
        Some(Found { smell: SMELL.id, severity, services, subject: None, because, evidence, refactorings }.make())
    });
    made.collect()
}
