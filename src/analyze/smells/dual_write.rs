//! One handler writes its database and publishes to a broker: either can fail alone.

use std::collections::{BTreeMap, BTreeSet};

use super::scene::requests;
use super::{Found, Scene, Smell, merged};
use crate::model::{Act, Confidence, Evidence, Finding, Flow, Mode, PracticeKind, RequestAct, Severity, StepKind};

/// The smell.
pub const SMELL: Smell = Smell { id: "dual-write", text: include_str!("dual_write.md"), find };

/// Tables of an outbox: what is written there is published by a relay, in one transaction.
fn is_outbox(table: &str) -> bool {
    ["outbox", "event_publication", "integrationeventlog"].iter().any(|w| table.contains(w))
}

fn find(scene: &Scene<'_>) -> Result<Vec<Finding>, String> {
    scene.code_or_stores_seen()?;
    let mut channels: BTreeMap<(&str, &str, u32), &str> = BTreeMap::new();
    for dependency in scene.graph.dependencies().iter().filter(|d| d.mode == Mode::Async) {
        for site in &dependency.sites {
            channels.insert((&site.root, &site.path, site.line), dependency.channel.as_deref().unwrap_or_default());
        }
    }
    let mut found: BTreeMap<(&str, String), Vec<Evidence>> = BTreeMap::new();
    let mut handlers: BTreeSet<(&str, &str)> = BTreeSet::new();
    for flow in scene.flows().iter().filter(|f| !is_safe(scene, &f.service)) {
        for (at, step) in flow.steps.iter().enumerate().filter(|(_, s)| s.kind == StepKind::Publish) {
            let Some(write) = nearest_write(flow, at) else { continue };
            let key = (step.place.root.as_str(), step.place.path.as_str(), step.place.line);
            let channel = channels.get(&key).copied().unwrap_or_default().to_owned();
            let says = format!("{} publishes {channel}", step.function);
            let publish = super::at(&step.place, says.trim_end(), Confidence::Confirmed);
            found.entry((&flow.service, channel)).or_insert_with(|| vec![write, publish]);
            handlers.insert((&flow.service, &flow.handler));
        }
    }
    let made = found.into_iter().map(|((service, channel), evidence)| {
        let named: Vec<&str> = handlers.iter().filter(|(s, _)| *s == service).map(|(_, h)| *h).take(3).collect();
        let what = if channel.is_empty() { "an event" } else { channel.as_str() };
        let because =
            format!("{service} writes its database and publishes {what} without an outbox ({})", named.join(", "));
        finding(service, &channel, because, evidence)
    });
    Ok(merged(seen(scene), made))
}

fn finding(service: &str, channel: &str, because: String, evidence: Vec<Evidence>) -> Finding {
    let refactorings = &["write an outbox row in the same transaction", "publish by change data capture"];
    let (services, severity) = (&[service], Severity::High);
    let subject = Some(channel).filter(|c| !c.is_empty());
    Found { smell: SMELL.id, severity, services, subject, because, evidence, refactorings }.make()
}

/// What traces show: requests that wrote the store of their service and published.
fn seen(scene: &Scene<'_>) -> Vec<Finding> {
    let mut found: BTreeMap<(&str, &str), Vec<&RequestAct>> = BTreeMap::new();
    for (service, act) in scene.acts(&[Act::WroteAndPublished]).filter(|(service, _)| !is_safe(scene, service)) {
        found.entry((service, &act.other)).or_default().push(act);
    }
    let made = found.into_iter().map(|((service, channel), mut acts)| {
        acts.sort_by_key(|a| std::cmp::Reverse(a.requests));
        let says = |a: &&RequestAct| {
            let says = format!("{} of {} wrote and published {channel}", requests(a.requests), a.operation);
            super::scene::seen(a, &says)
        };
        let by: Vec<&str> = acts.iter().map(|a| a.operation.as_str()).take(3).collect();
        let all: u64 = acts.iter().map(|a| a.requests).sum();
        let because = format!(
            "{} of {service} ({}) wrote its database and published {channel}, without an outbox",
            requests(all),
            by.join(", ")
        );
        finding(service, channel, because, acts.iter().map(says).collect())
    });
    made.collect()
}

/// Has the service an outbox, or a publisher that commits with the store?
fn is_safe(scene: &Scene<'_>, service: &str) -> bool {
    scene.tables(service).iter().any(|t| is_outbox(&t.table))
        || scene.practices(service, PracticeKind::Outbox).next().is_some()
}

/// The write that belongs to a publication: in the same function, else the nearest one before it, else the next.
fn nearest_write(flow: &Flow, publish: usize) -> Option<Evidence> {
    let writes = || {
        flow.steps
            .iter()
            .enumerate()
            .filter(|(_, s)| s.kind == StepKind::StoreWrite && s.goes_with(&flow.steps[publish]))
    };
    let same = writes().rfind(|(_, s)| s.function == flow.steps[publish].function);
    let before = || writes().rfind(|(i, _)| *i < publish);
    let (_, step) = same.or_else(before).or_else(|| writes().next())?;
    Some(super::at(&step.place, &format!("{} writes its store", step.function), Confidence::Confirmed))
}
