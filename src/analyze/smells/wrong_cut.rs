//! A service that cannot do its work without one other's data, or that is only a layer of another.

use std::collections::{BTreeMap, BTreeSet};

use super::scene::is_read;
use super::{Found, Scene, Smell, dependency_evidence, merged};
use crate::model::{Act, Evidence, Finding, Flow, Mode, Severity};

/// The smell.
pub const SMELL: Smell = Smell { id: "wrong-cut", text: include_str!("wrong_cut.md"), find };

/// Endings of names that say "layer", not "capability".
const LAYERS: [&str; 8] =
    ["-dao", "-persistence", "-repository", "-data-access", "-ui-api", "-db-service", "-dal", "-data-layer"];

fn find(scene: &Scene<'_>) -> Result<Vec<Finding>, String> {
    scene.code_or_stores_seen()?;
    let mut all = layers(scene);
    let limits = scene.knowledge.thresholds.smells.wrong_cut;
    let mut flows: BTreeMap<&str, Vec<&Flow>> = BTreeMap::new();
    for flow in scene.flows().iter().filter(|f| f.entry) {
        flows.entry(&flow.service).or_default().push(flow);
    }
    for service in scene.coded() {
        let handlers = handlers(scene, &service.name, flows.get(service.name.as_str()).map_or(&[], Vec::as_slice));
        let mut needed: BTreeMap<&str, Vec<Evidence>> = BTreeMap::new();
        for flow in flows.get(service.name.as_str()).into_iter().flatten() {
            let mut targets: BTreeMap<&str, Evidence> = BTreeMap::new();
            for step in &flow.steps {
                for (dependency, site) in scene.called(flow, step).into_iter().filter(|(_, s)| is_read(s)) {
                    targets.entry(&dependency.target).or_insert_with(|| site.as_evidence());
                }
            }
            for (target, evidence) in targets {
                needed.entry(target).or_default().push(evidence);
            }
        }
        for (target, evidence) in needed {
            let share = evidence.len() as f64 / handlers.max(1) as f64;
            if handlers < limits.handlers || share < limits.share {
                continue;
            }
            let because = format!(
                "{} of {handlers} handlers of {} ({:.0} %) read {target} and wait",
                evidence.len(),
                service.name,
                share * 100.0
            );
            all.push(reading(&service.name, target, because, evidence));
        }
    }
    Ok(merged(seen(scene), all))
}

/// What traces show: of the operations of a service, those that mostly read one other service.
fn seen(scene: &Scene<'_>) -> Vec<Finding> {
    let Ok(traffic) = scene.traffic() else { return Vec::new() };
    // Gateways and user interfaces are there to read others.
    let own: BTreeSet<&str> = scene.own().map(|s| s.name.as_str()).collect();
    let limits = scene.knowledge.thresholds.smells.wrong_cut;
    let least = scene.knowledge.thresholds.smells.seen_requests;
    let mut operations: BTreeMap<&str, usize> = BTreeMap::new();
    let often = traffic.served.iter().filter(|s| s.requests >= least && !is_technical_operation(&s.operation));
    for service in often.filter_map(|served| scene.traced(&served.service)) {
        *operations.entry(service).or_default() += 1;
    }
    let mut reads: BTreeMap<(&str, &str), Vec<Evidence>> = BTreeMap::new();
    for (service, act) in scene.acts(&[Act::Read]).filter(|(service, _)| own.contains(service)) {
        let all = scene.requests(act);
        let Some(target) = scene.traced(&act.other).filter(|t| *t != service) else { continue };
        if all >= least && act.requests * 2 >= all && !is_technical_operation(&act.operation) {
            let says = format!("{} of {all} requests of {} read {target}", act.requests, act.operation);
            reads.entry((service, target)).or_default().push(super::scene::seen(act, &says));
        }
    }
    let mut all = Vec::new();
    for ((service, target), evidence) in reads {
        let operations = operations.get(service).copied().unwrap_or_default();
        let share = evidence.len() as f64 / operations.max(1) as f64;
        if operations < limits.handlers || share < limits.share {
            continue;
        }
        let because = format!(
            "{} of {operations} operations of {service} that were seen ({:.0} %) read {target} and wait",
            evidence.len(),
            share * 100.0
        );
        all.push(reading(service, target, because, evidence));
    }
    all
}

/// Is the name of an operation that of one for machines?
fn is_technical_operation(name: &str) -> bool {
    super::scene::is_technical(name.split_once(' ').map_or(name, |(_, path)| path))
}

fn reading(service: &str, target: &str, because: String, evidence: Vec<Evidence>) -> Finding {
    let refactorings = &["keep a copy of the data, fed by events", "move the behaviour to the data", "merge the two"];
    let (services, severity) = (&[service, target], Severity::Medium);
    let found = Found { smell: SMELL.id, severity, services, subject: None, because, evidence, refactorings };
    found.at_most(Severity::Medium)
}

/// Handlers of operations and messages, those that reach nothing included.
fn handlers(scene: &Scene<'_>, service: &str, flows: &[&Flow]) -> usize {
    let mut places: Vec<String> = flows.iter().map(|f| f.place.to_string()).collect();
    let operations = scene.endpoints(service).iter().filter(|e| !super::scene::is_technical(&e.path));
    places.extend(operations.map(|e| e.place.to_string()));
    places.sort();
    places.dedup();
    places.len()
}

/// Services that are called like a technical layer and have one caller.
fn layers(scene: &Scene<'_>) -> Vec<Finding> {
    let mut all = Vec::new();
    for service in scene.own() {
        let Some(layer) = LAYERS.iter().find(|l| service.name.to_lowercase().ends_with(**l)) else { continue };
        let callers: Vec<_> = scene.incoming(&service.name).iter().filter(|d| d.mode == Mode::Sync).collect();
        let [only] = callers.as_slice() else { continue };
        let because = format!("named as a layer (`{layer}`), and {} is its only caller", only.source);
        let evidence = dependency_evidence(only);
        let services = &[service.name.as_str(), only.source.as_str()];
        let (severity, refactorings) = (Severity::Medium, &["merge the layer into its caller"]);
        let found = Found { smell: SMELL.id, severity, services, subject: None, because, evidence, refactorings };
        all.push(found.at_most(Severity::Medium));
    }
    all
}
