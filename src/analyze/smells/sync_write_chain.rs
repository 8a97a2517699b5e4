//! One request that writes the stores of several services, waiting for each.

use std::collections::{BTreeMap, BTreeSet};

use super::{Found, Scene, Smell, merged};
use crate::analyze::knowledge::words;
use crate::model::{Act, Confidence, Evidence, Finding, FlowStep, Intent, RequestAct, Severity, StepKind};

/// The smell.
pub const SMELL: Smell = Smell { id: "sync-write-chain", text: include_str!("sync_write_chain.md"), find };

fn find(scene: &Scene<'_>) -> Result<Vec<Finding>, String> {
    scene.code_or_stores_seen()?;
    let mut known: BTreeSet<Vec<&str>> = BTreeSet::new();
    let mut all = Vec::new();
    for flow in scene.flows() {
        let acts = |step: &&FlowStep| {
            step.kind == StepKind::StoreWrite
                || scene.called(flow, step).iter().any(|(_, s)| s.intent == Some(Intent::Write))
        };
        let acting: Vec<&FlowStep> = flow.steps.iter().filter(acts).collect();
        let mut writes: BTreeMap<&str, Evidence> = BTreeMap::new();
        for step in FlowStep::together(&acting) {
            if step.kind == StepKind::StoreWrite && !scene.tables(&flow.service).is_empty() {
                let says = format!("{} writes the store of {}", step.function, flow.service);
                writes.entry(&flow.service).or_insert_with(|| super::at(&step.place, &says, Confidence::Confirmed));
            }
            let commands = scene
                .called(flow, step)
                .into_iter()
                .filter(|(d, s)| s.blocking && s.intent == Some(Intent::Write) && scene.has_store(&d.target));
            let targets: BTreeMap<&str, Evidence> =
                commands.map(|(d, s)| (d.target.as_str(), s.as_evidence())).collect();
            // An address with alternatives leads to one of them each time that it is called.
            let (known, new): (Vec<_>, Vec<_>) = targets.into_iter().partition(|(t, _)| writes.contains_key(t));
            let times = (step.ways as usize).max(1);
            writes.extend(new.into_iter().take(times.saturating_sub(known.len())));
        }
        if writes.len() < 2 || writes.keys().all(|s| *s == flow.service) {
            continue;
        }
        let owners: Vec<&str> = writes.keys().copied().collect();
        let mut services = owners.clone();
        services.push(&flow.service);
        services.sort_unstable();
        services.dedup();
        if !known.insert(services.clone()) {
            continue;
        }
        let evidence = writes.into_values().collect();
        all.push(chain(scene, (&services, &owners), &flow.handler, evidence));
    }
    Ok(merged(seen(scene), all))
}

/// What traces show: requests that wrote the stores of several services.
fn seen(scene: &Scene<'_>) -> Vec<Finding> {
    let mut requests: BTreeMap<(&str, &str), Vec<(&str, &RequestAct)>> = BTreeMap::new();
    for (service, act) in scene.acts(&[Act::WroteTogether]) {
        if let Some(owner) = scene.traced(&act.other) {
            requests.entry((service, &act.operation)).or_default().push((owner, act));
        }
    }
    let mut known: BTreeSet<Vec<&str>> = BTreeSet::new();
    let mut all = Vec::new();
    for ((service, operation), acts) in requests {
        let owners: Vec<&str> = acts.iter().map(|(owner, _)| *owner).collect();
        let mut services: Vec<&str> = owners.iter().copied().chain([service]).collect();
        services.sort_unstable();
        services.dedup();
        // Two names of one service in traces are one here.
        if owners.iter().all(|o| *o == owners[0]) || !known.insert(services.clone()) {
            continue;
        }
        let says = |(owner, act): &(&str, &RequestAct)| {
            let did = format!("{} of {operation} wrote the store of {owner}", super::scene::requests(act.requests));
            super::scene::seen(act, &did)
        };
        let evidence = acts.iter().map(says).collect();
        all.push(chain(scene, (&services, &owners), operation, evidence));
    }
    all
}

fn chain(scene: &Scene<'_>, (services, owners): (&[&str], &[&str]), by: &str, evidence: Vec<Evidence>) -> Finding {
    let undo = compensations(scene, owners);
    let undo = if undo.is_empty() {
        "no operation that could undo a write was found".to_owned()
    } else {
        format!("could undo: {}", undo.join(", "))
    };
    let because = format!("{by} writes {} in blocking calls; {undo}", owners.join(", "));
    let severity = Severity::High;
    let refactorings =
        &["a saga: each write is a step with a compensation", "one service owns what must change together"];
    Found { smell: SMELL.id, severity, services, subject: None, because, evidence, refactorings }.make()
}

/// Operations of these services that take something back.
fn compensations(scene: &Scene<'_>, services: &[&str]) -> Vec<String> {
    let undoes =
        ["cancel", "delete", "remove", "refund", "release", "revert", "undo", "void", "drawback", "compensate"];
    let mut all = Vec::new();
    for service in services {
        let found = scene.endpoints(service).iter().find(|e| {
            e.method == "DELETE"
                || words(&e.handler).iter().chain(&words(&e.path)).any(|w| undoes.contains(&w.as_str()))
        });
        all.extend(found.map(|e| format!("{} {} of {service}", e.method, e.path)));
    }
    all
}
