//! An operation whose verb says something else than its handler does.

use super::scene::is_technical;
use super::{Found, Scene, Smell};
use crate::model::{Act, Confidence, Evidence, Finding, Severity};

/// The smell.
pub const SMELL: Smell = Smell { id: "lying-verb", text: include_str!("lying_verb.md"), find };

fn find(scene: &Scene<'_>) -> Result<Vec<Finding>, String> {
    if scene.graph.parts().endpoints.iter().all(|e| e.effect.is_none()) {
        let missing = "no handler was followed: no source code of operations was read";
        scene.code_or_stores_seen().and_then(|()| scene.traffic()).map_err(|_| missing.to_owned())?;
    }
    // A check of health that asks the database changes nothing that anybody sees.
    let lies = scene.verb_lies.iter().filter(|lie| !is_technical(path(&lie.operation)));
    let made = lies.map(|lie| {
        let evidence = vec![super::at(&lie.place, &lie.operation, Confidence::Confirmed)];
        let operation = format!("{} ({})", lie.operation, lie.handler);
        finding((&lie.service, &lie.operation), lie.writes, &operation, evidence)
    });
    let mut all: Vec<Finding> = made.collect();
    for seen in seen(scene) {
        let same = |f: &&mut Finding| f.services == seen.services && template(f) == template(&seen);
        match all.iter_mut().find(same) {
            Some(known) => known.evidence.extend(seen.evidence),
            None => all.push(seen),
        }
    }
    Ok(all)
}

fn finding((service, subject): (&str, &str), writes: bool, operation: &str, evidence: Vec<Evidence>) -> Finding {
    let (severity, what) = match writes {
        true => (Severity::High, "its verb promises to change nothing, but its handler writes"),
        false => (Severity::Low, "its verb announces a change, but its handler only reads"),
    };
    let because = format!("{operation}: {what}");
    let refactorings = &["POST, PUT or DELETE for what changes data", "GET, or a query resource, for what reads"];
    let (services, subject) = (&[service], Some(subject));
    Found { smell: SMELL.id, severity, services, subject, because, evidence, refactorings }.make()
}

/// What traces show: most requests of a safe verb wrote, or all of many with another one only read.
fn seen(scene: &Scene<'_>) -> Vec<Finding> {
    let least = scene.knowledge.thresholds.smells.seen_requests;
    let mut all = Vec::new();
    for (service, act) in scene.acts(&[Act::Wrote, Act::OnlyRead]) {
        let Some((verb, path)) = act.operation.split_once(' ') else { continue };
        let (verb, requests) = (verb.to_uppercase(), scene.requests(act));
        if !path.starts_with('/') || is_technical(path) {
            continue;
        }
        let writes = act.act == Act::Wrote;
        let lies = match verb.as_str() {
            "GET" | "HEAD" => writes && act.requests * 2 >= requests,
            "POST" | "PUT" | "PATCH" | "DELETE" => !writes && requests >= least && act.requests == requests,
            _ => false,
        };
        if lies {
            let did = if writes { "wrote the store" } else { "only read" };
            let says = format!("{} of {requests} requests {did}", act.requests);
            let evidence = vec![super::scene::seen(act, &says)];
            all.push(finding((service, &act.operation), writes, &format!("{} ({says})", act.operation), evidence));
        }
    }
    all
}

/// The path of `VERB /path`.
fn path(operation: &str) -> &str {
    operation.split_once(' ').map_or(operation, |(_, path)| path)
}

/// The operation that a finding is about, without the names of its parameters.
fn template(finding: &Finding) -> String {
    let operation = finding.subject.as_deref().unwrap_or_default().to_lowercase();
    let part = |part: &str| if part.starts_with(['{', ':', '<']) { "{}".to_owned() } else { part.to_owned() };
    operation.split('/').map(part).collect::<Vec<_>>().join("/")
}
