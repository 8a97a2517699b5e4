//! A message is sent, and then its sender waits for the answer.

use std::collections::BTreeMap;

use super::{Found, Scene, Smell, merged};
use crate::model::{Act, Confidence, Evidence, Finding, Mode, PracticeKind, Relation, Severity, StepKind};

/// The smell.
pub const SMELL: Smell = Smell { id: "sync-over-async", text: include_str!("sync_over_async.md"), find };

/// Waiting for a while is no waiting for an answer.
fn is_pause(says: &str) -> bool {
    says.to_lowercase().contains("sleep")
}

fn find(scene: &Scene<'_>) -> Result<Vec<Finding>, String> {
    if !scene.has_code() && !publishes(scene)? {
        return Err("no source code was read, and no span of the traces publishes".to_owned());
    }
    let mut found: BTreeMap<&str, Vec<Evidence>> = BTreeMap::new();
    for service in scene.coded() {
        let replies = scene.practices(&service.name, PracticeKind::Reply);
        let evidence: Vec<Evidence> =
            replies.filter(|p| !p.function.is_empty()).map(|p| p.as_evidence()).take(5).collect();
        if !evidence.is_empty() {
            found.insert(&service.name, evidence);
        }
    }
    for flow in scene.flows() {
        // Who takes part in no delivery as a consumer has nothing to wait for but the broker's receipt.
        let consumes = scene.incoming(&flow.service).iter().any(|d| d.mode == Mode::Async);
        let Some(publish) = flow.steps.iter().position(|s| s.kind == StepKind::Publish).filter(|_| consumes) else {
            continue;
        };
        let sent = &flow.steps[publish];
        let wait = flow.steps[publish + 1..].iter().find(|s| {
            s.kind == StepKind::Wait
                && !is_pause(&s.says)
                && s.function == sent.function
                && s.place.line > sent.place.line + 1
        });
        if let Some(wait) = wait {
            let sends = super::at(&sent.place, &format!("{} publishes", sent.function), Confidence::Probable);
            let waits = super::at(&wait.place, &format!("and waits ({})", wait.says), Confidence::Probable);
            found.entry(&flow.service).or_default().extend([sends, waits]);
        }
    }
    let made = found.into_iter().map(|(service, mut evidence)| {
        evidence.sort();
        evidence.dedup();
        finding(service, evidence)
    });
    Ok(merged(seen(scene), made))
}

fn finding(service: &str, evidence: Vec<Evidence>) -> Finding {
    let because = format!("{service} sends a message and waits for the answer: it is coupled as by a call, and slower");
    let refactorings = &["answer at once, and tell the result by an event", "call, if the answer is needed at once"];
    let (services, severity) = (&[service], Severity::Medium);
    Found { smell: SMELL.id, severity, services, subject: None, because, evidence, refactorings }.make()
}

/// Do traces show messages at all?
fn publishes(scene: &Scene<'_>) -> Result<bool, String> {
    let traffic = scene.traffic().map_err(|_| "no source code and no traces were read".to_owned())?;
    Ok(traffic.rows.iter().any(|r| r.relation == Relation::Publish))
}

/// What traces show: requests that end after the message came back that answers theirs.
fn seen(scene: &Scene<'_>) -> Vec<Finding> {
    let limits = &scene.knowledge.thresholds.smells;
    let answered: BTreeMap<(&str, &str), u64> =
        scene.acts(&[Act::Answered]).map(|(service, a)| ((service, a.operation.as_str()), a.requests)).collect();
    let mut found: BTreeMap<&str, Vec<Evidence>> = BTreeMap::new();
    for (service, act) in scene.acts(&[Act::Awaited]) {
        let all = answered.get(&(service, act.operation.as_str())).copied().unwrap_or_default();
        if all < limits.seen_requests || (act.requests as f64) < all as f64 * limits.awaited_share {
            continue;
        }
        let says =
            format!("{} of {all} requests of {} ended after the answer to their message", act.requests, act.operation);
        found.entry(service).or_default().push(super::scene::seen(act, &says));
    }
    found.into_iter().map(|(service, evidence)| finding(service, evidence)).collect()
}
