//! A decision on what another service said, and a write that relies on it: what was read may have changed.

use std::collections::BTreeMap;

use super::scene::{is_read, is_write};
use super::{Found, Scene, Smell};
use crate::model::{Confidence, Evidence, Finding, Severity, StepKind};

/// The smell.
pub const SMELL: Smell = Smell { id: "check-then-act", text: include_str!("check_then_act.md"), find };

/// A read, the write that it guards, and by which handler.
struct Pair {
    evidence: Vec<Evidence>,
    because: String,
    remote: bool,
}

fn find(scene: &Scene<'_>) -> Result<Vec<Finding>, String> {
    if !scene.has_code() {
        return Err("no source code was read".to_owned());
    }
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
        let (services, severity) = (&[source, target], if pair.remote { Severity::High } else { Severity::Medium });
        let refactorings = &[
            "one command that checks and acts at the owner (a reservation)",
            "act on a version, and refuse a stale one",
        ];
        let (because, evidence) = (pair.because, pair.evidence);
        Found { smell: SMELL.id, severity, services, subject: None, because, evidence, refactorings }
            .at_most(Severity::Medium)
    });
    Ok(made.collect())
}
