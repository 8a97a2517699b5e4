//! A synchronous read of data that is published already.

use std::collections::BTreeMap;

use super::scene::is_read;
use super::{Found, Scene, Smell};
use crate::analyze::knowledge::words;
use crate::model::{Dependency, EntityClass, Evidence, Finding, Mode, Severity};

/// The smell.
pub const SMELL: Smell =
    Smell { id: "liberated-entity-regression", text: include_str!("liberated_entity_regression.md"), find };

fn find(scene: &Scene<'_>) -> Result<Vec<Finding>, String> {
    let declared: Vec<&str> = scene
        .graph
        .services()
        .iter()
        .filter(|s| scene.liberated.iter().any(|l| *l == s.name || s.aliases.contains(l)))
        .map(|s| s.name.as_str())
        .collect();
    let published = published(scene);
    if declared.is_empty() && published.is_empty() {
        return Err(
            "no entity is liberated: none is listed in unbraid.yaml, and no owner publishes its entity".to_owned()
        );
    }
    let mut all = Vec::new();
    for dependency in scene.calls() {
        let target = dependency.target.as_str();
        let reads: Vec<Evidence> =
            dependency.sites.iter().filter(|s| s.blocking && is_read(s)).map(|s| s.as_evidence()).take(5).collect();
        let copy = published.get(target).and_then(|all| all.iter().find(|d| d.target == dependency.source));
        let (severity, why) = match copy {
            _ if reads.is_empty() => continue,
            Some(copy) => {
                (Severity::High, format!("it consumes {} already", copy.channel.as_deref().unwrap_or_default()))
            }
            None if declared.contains(&target) => (Severity::High, format!("{target} is declared to be liberated")),
            None => continue,
        };
        let because = format!("{} reads {target} and waits, though {why}", dependency.source);
        let channel = copy.iter().flat_map(|d| d.sites.iter().take(2)).map(|s| s.as_evidence());
        let evidence = reads.into_iter().chain(channel).collect();
        let refactorings = &["read the local copy", "add to the events what the copy lacks"];
        let services = &[dependency.source.as_str(), target];
        all.push(Found { smell: SMELL.id, severity, services, subject: None, because, evidence, refactorings }.make());
    }
    Ok(all)
}

/// Words of a channel that carries an entity beside the entity's own: an event about something that happened to it
/// (`order.shipped`, `OrderStatusChanged`) is no copy of it.
const CARRIES: [&str; 16] = [
    "changed", "created", "updated", "deleted", "upserted", "snapshot", "state", "entity", "entities", "topic",
    "event", "events", "changes", "data", "cdc", "public",
];

/// Does a channel carry an entity: named by it and nothing else?
fn is_of_entity(channel: &[String], nouns: &[String]) -> bool {
    let named = |w: &String| nouns.iter().any(|n| n == w.trim_end_matches('s'));
    let neutral = |w: &String| CARRIES.contains(&w.as_str()) || w.chars().skip(1).all(|c| c.is_ascii_digit());
    channel.iter().any(named) && channel.iter().all(|w| named(w) || neutral(w))
}

/// Owners of data that publish it: a channel that is called like their entity or one of its tables.
fn published<'s>(scene: &Scene<'s>) -> BTreeMap<&'s str, Vec<&'s Dependency>> {
    let mut found: BTreeMap<&str, Vec<&Dependency>> = BTreeMap::new();
    for entity in scene.entities {
        if !matches!(entity.class, EntityClass::Entity | EntityClass::AggregateOwner) {
            continue;
        }
        let mut nouns: Vec<String> = entity.tables.iter().flat_map(|t| words(t)).collect();
        nouns.extend(words(&entity.service));
        let singular = |w: &str| w.trim_end_matches('s').to_owned();
        let nouns: Vec<String> = nouns.iter().map(|n| singular(n)).filter(|n| n.len() > 3 && n != "service").collect();
        let events = scene.outgoing(&entity.service).iter().filter(|d| {
            d.mode == Mode::Async && is_of_entity(&words(d.channel.as_deref().unwrap_or_default()), &nouns)
        });
        let events: Vec<&Dependency> = events.copied().collect();
        if let Some(service) = scene.graph.service(&entity.service).filter(|_| !events.is_empty()) {
            found.insert(&service.name, events);
        }
    }
    found
}
