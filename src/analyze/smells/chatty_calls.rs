//! One handler that asks the same service again and again.

use std::collections::{BTreeMap, BTreeSet};

use super::{Found, Scene, Smell};
use crate::model::{Evidence, Finding, Flow, FlowStep, Severity, Site, counted};

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
    if !scene.has_code() {
        return Err("no source code was read".to_owned());
    }
    let least = scene.knowledge.thresholds.chatty_sites;
    let mut worst: BTreeMap<(&str, &str), Worst<'_>> = BTreeMap::new();
    for flow in scene.flows() {
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
    Ok(made.collect())
}
