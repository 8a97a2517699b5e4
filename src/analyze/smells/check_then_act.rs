//! A decision on what another service said, and a write that relies on it: what was read may have changed.

use std::collections::BTreeMap;

use super::scene::{is_read, is_write};
use super::{Found, Scene, Smell, merged};
use crate::model::{Act, Confidence, Evidence, Finding, RequestAct, Severity, StepKind};

/// The smell.
pub const SMELL: Smell = Smell { id: "check-then-act", text: include_str!("check_then_act.md"), find };

/// A read, the write that it guards, and by which handler.
struct Pair {
    evidence: Vec<Evidence>,
    because: String,
    remote: bool,
}

fn find(scene: &Scene<'_>) -> Result<Vec<Finding>, String> {
    scene.code_or_stores_seen()?;
    let mut found: BTreeMap<(&str, &str), Pair> = BTreeMap::new();
    for flow in scene.flows() {
        for step in &flow.steps {
            for place in &step.after_check_of {
                let checked = scene.calls_at(&flow.service, place);
                let reads = checked.iter().filter(|(d, s)| scene.is_inside(&d.target) && s.blocking && is_read(s));
                for (dependency, read) in reads {
                    let target = dependency.target.as_str();
                    let written = scene.called(flow, step).into_iter().find(|(d, s)| d.target == target && is_write(s));
                    let (act, says, remote) = match (step.kind, written) {
                        (_, Some((_, site))) => (site.as_evidence(), format!("{} of {target}", site.operation), true),
                        (StepKind::StoreWrite, None) if scene.has_store(&flow.service) => {
                            let says = format!("{} writes the own store", step.function);
                            (
                                super::at(&step.place, &says, Confidence::Confirmed),
                                "a write of its own store".to_owned(),
                                false,
                            )
                        }
                        _ => continue,
                    };
                    let pair = Pair {
                        because: format!(
                            "{}: {} of {target} is checked, then comes {says}",
                            flow.handler, read.operation
                        ),
                        evidence: vec![read.as_evidence(), act],
                        remote,
                    };
                    let entry = found.entry((&flow.service, target));
                    // The clearest case stands for the pair: a write to the service that was asked.
                    let better = |known: &Pair| remote && !known.remote;
                    match entry {
                        std::collections::btree_map::Entry::Vacant(free) => {
                            free.insert(pair);
                        }
                        std::collections::btree_map::Entry::Occupied(mut known) if better(known.get()) => {
                            known.insert(pair);
                        }
                        std::collections::btree_map::Entry::Occupied(_) => {}
                    }
                }
            }
        }
    }
    let made = found.into_iter().map(|((source, target), pair)| {
        finding(&[source, target], pair.remote, pair.because, pair.evidence).at_most(Severity::Medium)
    });
    Ok(merged(seen(scene), made))
}

fn finding<'f>(services: &'f [&'f str; 2], remote: bool, because: String, evidence: Vec<Evidence>) -> Found<'f> {
    let severity = if remote { Severity::High } else { Severity::Medium };
    let refactorings =
        &["one command that checks and acts at the owner (a reservation)", "act on a version, and refuse a stale one"];
    Found { smell: SMELL.id, severity, services, subject: None, because, evidence, refactorings }
}

/// What traces show: operations that read another service and then write only sometimes: what was read decides.
fn seen(scene: &Scene<'_>) -> Vec<Finding> {
    let least = scene.knowledge.thresholds.smells.seen_requests;
    let mut reads: BTreeMap<(&str, &str, &str), u64> = BTreeMap::new();
    for (service, act) in scene.acts(&[Act::Read]) {
        reads.insert((service, &act.operation, &act.other), act.requests);
    }
    let mut found: BTreeMap<(&str, &str), (bool, &RequestAct, u64)> = BTreeMap::new();
    for (service, act) in scene.acts(&[Act::ReadThenCommanded, Act::ReadThenWrote]) {
        let all = reads.get(&(service, act.operation.as_str(), act.other.as_str())).copied().unwrap_or_default();
        let Some(target) = scene.traced(&act.other).filter(|t| *t != service) else { continue };
        if all < least || act.requests >= all {
            continue;
        }
        let remote = act.act == Act::ReadThenCommanded;
        let entry = found.entry((service, target)).or_insert((remote, act, all));
        if (remote, act.requests) > (entry.0, entry.1.requests) {
            *entry = (remote, act, all);
        }
    }
    let made = found.into_iter().map(|((service, target), (remote, act, all))| {
        let wrote = if remote { format!("had {target} write") } else { "wrote the own store".to_owned() };
        let because = format!(
            "of {all} requests of {} that read {target}, {} then {wrote} and the others did not: what was read decides",
            act.operation, act.requests
        );
        let evidence = vec![super::scene::seen(act, &format!("this request read {target}, then {wrote}"))];
        // That one depends on the other is concluded, not seen.
        let sure = if remote { Severity::Medium } else { Severity::Low };
        finding(&[service, target], remote, because, evidence).at_most(sure)
    });
    made.collect()
}
