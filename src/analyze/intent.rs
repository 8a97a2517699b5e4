//! What each call is for (analysis §5.1): read, view, compute, notify or write, with what decided it.
//!
//! Evidence in this order: what the handler does to its store, the handler's name, words of the path, the verb.

use std::collections::{BTreeMap, BTreeSet};

use crate::graph::Parts;
use crate::model::facts::StoreEffect;
use crate::model::{Consistency, Endpoint, Intent, IntentLevel, Mode, ServiceKind, Site};

use super::knowledge::{Knowledge, Lexicon, words};

/// Fills in the intents of all sites of synchronous dependencies.
pub fn assign(parts: &mut Parts, knowledge: &Knowledge) {
    let stores = owners_of_stores(parts);
    let mut handlers: BTreeMap<(&str, String), &Endpoint> = BTreeMap::new();
    for endpoint in &parts.endpoints {
        handlers.insert((&endpoint.service, endpoint.place.to_string()), endpoint);
    }
    let decider = Decider { handlers: &handlers, stores: &stores, knowledge };
    let mut dependencies = std::mem::take(&mut parts.dependencies);
    for dependency in dependencies.iter_mut().filter(|d| d.mode == Mode::Sync) {
        for site in &mut dependency.sites {
            let (intent, level) = decider.decide(&dependency.target, site);
            site.intent = Some(intent);
            site.decided_by = Some(level);
        }
        consistency(&mut dependency.sites);
        let intents: BTreeSet<Intent> = dependency.sites.iter().filter_map(|s| s.intent).collect();
        dependency.intents = intents.into_iter().collect();
    }
    parts.dependencies = dependencies;
}

/// Services with data of their own: a database, tables, or handlers that touch a store.
fn owners_of_stores(parts: &Parts) -> BTreeSet<String> {
    let databases: BTreeSet<&str> =
        parts.services.iter().filter(|s| s.kind == ServiceKind::Database).map(|s| s.name.as_str()).collect();
    let by_edge = parts.dependencies.iter().filter(|d| d.mode == Mode::Data && databases.contains(d.target.as_str()));
    let by_effect =
        parts.endpoints.iter().filter(|e| matches!(e.effect, Some(StoreEffect::Reads | StoreEffect::Writes)));
    by_edge
        .map(|d| d.source.clone())
        .chain(parts.tables.iter().map(|t| t.service.clone()))
        .chain(by_effect.map(|e| e.service.clone()))
        .collect()
}

struct Decider<'d> {
    handlers: &'d BTreeMap<(&'d str, String), &'d Endpoint>,
    stores: &'d BTreeSet<String>,
    knowledge: &'d Knowledge,
}

impl Decider<'_> {
    fn decide(&self, target: &str, site: &Site) -> (Intent, IntentLevel) {
        let place = site.handler_place.clone().unwrap_or_default();
        let endpoint = self.handlers.get(&(target, place)).copied();
        let (writes, level) = self.writes(site, endpoint);
        let intent = if writes {
            if site.result_used { Intent::Write } else { Intent::Notify }
        } else if !self.stores.contains(target) {
            Intent::Compute
        } else if self.is_view(site, endpoint) {
            Intent::View
        } else {
            Intent::Read
        };
        (intent, level)
    }

    fn writes(&self, site: &Site, endpoint: Option<&Endpoint>) -> (bool, IntentLevel) {
        let effect = endpoint.and_then(|e| e.effect);
        match effect {
            Some(StoreEffect::Writes) => return (true, IntentLevel::DatabaseEffect),
            // A store's own method may hide what it does; a command by name and verb is one all the same.
            Some(StoreEffect::Reads) => {
                let named =
                    site.handler.as_deref().is_some_and(|h| Lexicon::starts(&self.knowledge.lexicon.command, h));
                let verb = site.operation.split(' ').next().unwrap_or_default();
                if named && matches!(verb, "DELETE" | "PUT" | "PATCH") {
                    return (true, IntentLevel::HandlerName);
                }
                return (false, IntentLevel::DatabaseEffect);
            }
            Some(StoreEffect::Nothing) | None => {}
        }
        let lexicon = &self.knowledge.lexicon;
        let rpc = (!site.operation.starts_with(char::is_uppercase) || !site.operation.contains(' '))
            .then(|| site.operation.rsplit('/').next().unwrap_or_default());
        for name in site.handler.as_deref().into_iter().chain(rpc) {
            if Lexicon::starts(&lexicon.command, name) {
                return (true, IntentLevel::HandlerName);
            }
            if Lexicon::starts(&lexicon.query, name) {
                return (false, IntentLevel::HandlerName);
            }
        }
        let (verb, path) = site.operation.split_once(' ').unwrap_or(("", &site.operation));
        let said = words(path);
        if verb != "GET" {
            // The last telling word of a path names the action: `/orders/{}/pay`.
            for word in said.iter().rev().take(3) {
                if lexicon.command.contains(word) {
                    return (true, IntentLevel::PathWords);
                }
                if lexicon.query.contains(word) {
                    return (false, IntentLevel::PathWords);
                }
            }
        }
        (!matches!(verb, "GET" | "HEAD" | "OPTIONS" | "*" | ""), IntentLevel::Verb)
    }

    /// The handler calls others, or its result is computed over many stored things.
    fn is_view(&self, site: &Site, endpoint: Option<&Endpoint>) -> bool {
        if endpoint.and_then(|e| e.calls_out).is_some_and(|n| n > 0) {
            return true;
        }
        let aggregate = &self.knowledge.lexicon.aggregate;
        let name = site.handler.as_deref().unwrap_or_default();
        Lexicon::has(aggregate, name) || name.is_empty() && Lexicon::has(aggregate, &site.operation)
    }
}

/// Read consistency of the reads of one dependency: a read that guards a later write to the same owner in the same
/// function is check-then-act, a read after a write reads its own write; all others may be eventual.
fn consistency(sites: &mut [Site]) {
    let writes: Vec<(String, String, u32)> = sites
        .iter()
        .filter(|s| matches!(s.intent, Some(Intent::Write)))
        .map(|s| (s.path.clone(), s.caller.clone(), s.line))
        .collect();
    for site in sites.iter_mut().filter(|s| matches!(s.intent, Some(Intent::Read | Intent::View))) {
        let mut same = writes
            .iter()
            .filter(|(path, caller, _)| *path == site.path && *caller == site.caller && !caller.is_empty());
        site.consistency = Some(match same.clone().any(|(_, _, line)| *line > site.line) {
            true => Consistency::R3,
            false if same.next().is_some() => Consistency::R2,
            false => Consistency::R1,
        });
    }
}
