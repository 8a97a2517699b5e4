//! What each call is for (analysis §5.1): read, view, compute, notify or write, with what decided it.
//!
//! Evidence in this order: what the handler does to its store and what it makes others do, the handler's name, words
//! of the path, the verb. Effects travel along calls: who calls a writing handler writes.

use std::collections::{BTreeMap, BTreeSet};

use crate::graph::Parts;
use crate::model::facts::StoreEffect;
use crate::model::{Consistency, Dependency, Endpoint, Intent, IntentLevel, Mode, ServiceKind, Site, VerbLie};

use super::knowledge::{Knowledge, Lexicon};
use super::wording::Said;

/// Rounds in which effects travel along calls; a chain of handlers that is longer is cut there.
const ROUNDS: usize = 64;

/// Fills in the intents of all sites of synchronous and asynchronous dependencies.
pub fn assign(parts: &mut Parts, knowledge: &Knowledge) {
    let decider = Decider::of(parts, knowledge);
    let settled = decider.settled(parts);
    let stores = owners_of_stores(parts);
    let decided: Vec<Vec<(Option<Intent>, Option<IntentLevel>)>> = parts
        .dependencies
        .iter()
        .map(|d| d.sites.iter().map(|s| decider.intent(d, s, &settled, &stores)).collect())
        .collect();
    let written: BTreeSet<String> = parts
        .dependencies
        .iter()
        .zip(&decided)
        .filter(|(d, all)| d.mode == Mode::Sync && all.iter().any(|(i, _)| *i == Some(Intent::Write)))
        .map(|(d, _)| d.target.clone())
        .collect();
    for (dependency, all) in parts.dependencies.iter_mut().zip(decided) {
        for (site, (intent, level)) in dependency.sites.iter_mut().zip(all) {
            site.intent = intent;
            site.decided_by = level;
        }
        if dependency.mode == Mode::Sync {
            consistency(&mut dependency.sites, written.contains(&dependency.target));
        }
        let intents: BTreeSet<Intent> = dependency.sites.iter().filter_map(|s| s.intent).collect();
        dependency.intents = intents.into_iter().collect();
    }
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

/// What is known of the effect of a handler, its own and that of the handlers it calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Effect {
    Writes,
    Clean,
    Unknown,
}

/// A call that a handler makes: the handler that it reaches, if known, and whether its words say that it writes.
struct Onward {
    handler: Option<usize>,
    by_words: bool,
}

struct Decider<'d> {
    /// Handlers by service and place.
    handlers: BTreeMap<(String, String), usize>,
    knowledge: &'d Knowledge,
}

impl<'d> Decider<'d> {
    fn of(parts: &Parts, knowledge: &'d Knowledge) -> Self {
        let keyed = |(at, e): (usize, &Endpoint)| ((e.service.clone(), e.place.to_string()), at);
        Self { handlers: parts.endpoints.iter().enumerate().map(keyed).collect(), knowledge }
    }

    fn handler(&self, target: &str, site: &Site) -> Option<usize> {
        let place = site.handler_place.clone()?;
        self.handlers.get(&(target.to_owned(), place)).copied()
    }

    /// The handlers with their effects, once these have travelled along all calls.
    fn settled<'p>(&self, parts: &'p Parts) -> Settled<'p> {
        let wanted: BTreeSet<(&str, &str, u32)> = parts
            .endpoints
            .iter()
            .flat_map(|e| &e.call_sites)
            .map(|p| (p.root.as_str(), p.path.as_str(), p.line))
            .collect();
        type AtPlace<'a> = BTreeMap<(&'a str, &'a str, u32), Vec<(&'a Dependency, &'a Site)>>;
        let mut at_place = AtPlace::new();
        for dependency in parts.dependencies.iter().filter(|d| d.mode == Mode::Sync) {
            for site in &dependency.sites {
                let place = (site.root.as_str(), site.path.as_str(), site.line);
                if wanted.contains(&place) {
                    at_place.entry(place).or_default().push((dependency, site));
                }
            }
        }
        // Of each handler the calls it makes; `None` stands for one that leads nowhere we know.
        let calls: Vec<Vec<Option<Onward>>> = parts
            .endpoints
            .iter()
            .map(|e| {
                let of = |place: &crate::model::Place| match at_place.get(&(
                    place.root.as_str(),
                    place.path.as_str(),
                    place.line,
                )) {
                    None => vec![None],
                    Some(sites) => sites
                        .iter()
                        .map(|(d, s)| {
                            Some(Onward { handler: self.handler(&d.target, s), by_words: self.by_words(s, None).0 })
                        })
                        .collect(),
                };
                e.call_sites.iter().flat_map(of).collect()
            })
            .collect();
        let mut settled = Settled { own: &parts.endpoints, effects: Vec::new() };
        settled.effects = settled.own.iter().map(|e| own_effect(e, &self.knowledge.lexicon)).collect();
        for _ in 0..ROUNDS {
            let before = settled.effects.clone();
            for (at, calls) in calls.iter().enumerate() {
                if settled.effects[at] != Effect::Writes {
                    settled.effects[at] = self.reached(&settled, at, calls);
                }
            }
            if before == settled.effects {
                break;
            }
        }
        settled
    }

    /// The effect of a handler that writes nothing by itself.
    fn reached(&self, settled: &Settled<'_>, at: usize, calls: &[Option<Onward>]) -> Effect {
        let (mut all_known, mut writes) = (true, false);
        for call in calls {
            let Some(onward) = call else {
                all_known = false;
                continue;
            };
            writes |= match onward.handler.map(|h| settled.effects[h]) {
                Some(Effect::Writes) => true,
                Some(Effect::Clean) => false,
                Some(Effect::Unknown) | None => onward.by_words,
            };
        }
        match settled.own[at].effect {
            _ if writes => Effect::Writes,
            Some(StoreEffect::Reads) => Effect::Clean,
            Some(StoreEffect::Nothing) if all_known && !calls.is_empty() => Effect::Clean,
            _ => Effect::Unknown,
        }
    }

    fn intent(
        &self,
        dependency: &Dependency,
        site: &Site,
        settled: &Settled<'_>,
        stores: &BTreeSet<String>,
    ) -> (Option<Intent>, Option<IntentLevel>) {
        match dependency.mode {
            Mode::Async => return self.message(dependency, site),
            Mode::Data | Mode::Infra => return (None, None),
            Mode::Sync => {}
        }
        let at = self.handler(&dependency.target, site);
        // A route passes on whatever comes; an address alone (of a token issuer, say) does not tell what it is for.
        let (verb, path) = site.operation.split_once(' ').unwrap_or(("", &site.operation));
        let address_only = Lexicon::has(&self.knowledge.lexicon.addresses_only, &site.rule);
        if verb == "*" && (site.caller.is_empty() || path == "/" && at.is_none()) || path == "/" && address_only {
            return (None, None);
        }
        let endpoint = at.map(|at| &settled.own[at]);
        let (writes, level) = match at.map(|at| settled.effects[at]) {
            Some(Effect::Writes) => (true, IntentLevel::DatabaseEffect),
            Some(Effect::Clean) => match self.hidden_write(site, endpoint) {
                true => (true, IntentLevel::HandlerName),
                false => (false, IntentLevel::DatabaseEffect),
            },
            Some(Effect::Unknown) | None => self.by_words(site, endpoint),
        };
        let intent = if writes {
            if !site.result_used || self.only_tells(site, endpoint) { Intent::Notify } else { Intent::Write }
        } else if !stores.contains(&dependency.target) {
            Intent::Compute
        } else if self.is_view(site, endpoint) {
            Intent::View
        } else {
            Intent::Read
        };
        (Some(intent), Some(level))
    }

    /// A store's own method may hide what it does: a command by name and verb is one all the same.
    fn hidden_write(&self, site: &Site, endpoint: Option<&Endpoint>) -> bool {
        let verb = site.operation.split_once(' ').map_or("", |(verb, _)| verb);
        let reads = endpoint.is_some_and(|e| e.effect == Some(StoreEffect::Reads));
        let named = site.handler.as_deref().and_then(|h| self.knowledge.lexicon.name(h)) == Some(Said::Writes);
        reads && named && !matches!(verb, "GET" | "HEAD" | "OPTIONS" | "query")
    }

    /// Handler or operation name, then words of the path, then the verb.
    fn by_words(&self, site: &Site, endpoint: Option<&Endpoint>) -> (bool, IntentLevel) {
        let lexicon = &self.knowledge.lexicon;
        let (verb, path) = site.operation.split_once(' ').unwrap_or(("", &site.operation));
        match verb {
            "mutation" => return (true, IntentLevel::HandlerName),
            "query" | "subscription" => return (false, IntentLevel::HandlerName),
            _ => {}
        }
        let http = verb.chars().all(|c| c.is_ascii_uppercase() || matches!(c, '*' | '{' | '}'));
        let rpc = (verb.is_empty() || !http).then(|| path.rsplit(['/', '.']).next().unwrap_or_default());
        let handler = site.handler.as_deref().or(endpoint.map(|e| e.handler.as_str()));
        let said = handler.and_then(|name| lexicon.name(name)).or_else(|| rpc.and_then(|name| lexicon.procedure(name)));
        if let Some(said) = said {
            return (said == Said::Writes, IntentLevel::HandlerName);
        }
        match verb {
            "PUT" | "PATCH" | "DELETE" => (true, IntentLevel::Verb),
            "GET" | "HEAD" | "OPTIONS" if lexicon.commands_by_path(path) => (true, IntentLevel::PathWords),
            "GET" | "HEAD" | "OPTIONS" => (false, IntentLevel::Verb),
            _ => match lexicon.path(path) {
                Some(said) => (said == Said::Writes, IntentLevel::PathWords),
                None if verb == "POST" => (true, IntentLevel::Verb),
                // Without a verb the function that calls may say it: `OrderClient.updateStock`.
                None => {
                    let caller = site.caller.rsplit('.').next().unwrap_or_default();
                    (lexicon.name(caller) == Some(Said::Writes), IntentLevel::Verb)
                }
            },
        }
    }

    /// The operation is named as one that tells somebody, and stores nothing.
    fn only_tells(&self, site: &Site, endpoint: Option<&Endpoint>) -> bool {
        let lexicon = &self.knowledge.lexicon;
        let stores = endpoint.is_some_and(|e| e.effect == Some(StoreEffect::Writes));
        let operation = site.operation.split_once(' ').map_or(site.operation.as_str(), |(_, path)| path);
        let method = operation.rsplit_once('/').map_or(operation, |(_, method)| method);
        let name = site.handler.as_deref().unwrap_or(method);
        !stores && (lexicon.tells(name) || lexicon.tells(operation))
    }

    /// A message: an event unless its channel names a command. Nobody waits for its answer.
    fn message(&self, dependency: &Dependency, site: &Site) -> (Option<Intent>, Option<IntentLevel>) {
        let channel = dependency.channel.as_deref().unwrap_or(&site.operation);
        let commands =
            super::knowledge::words(channel).iter().any(|w| matches!(w.as_str(), "command" | "commands" | "cmd"));
        if commands {
            return (Some(Intent::Write), Some(IntentLevel::PathWords));
        }
        (Some(Intent::Notify), Some(IntentLevel::Verb))
    }

    /// The handler calls others, or its result is computed over many stored things.
    fn is_view(&self, site: &Site, endpoint: Option<&Endpoint>) -> bool {
        if endpoint.is_some_and(|e| e.calls_out.is_some_and(|n| n > 0) || e.aggregates) {
            return true;
        }
        let aggregate = &self.knowledge.lexicon.aggregate;
        let name = site.handler.as_deref().unwrap_or_default();
        Lexicon::has(aggregate, name) || name.is_empty() && Lexicon::has(aggregate, &site.operation)
    }
}

/// Handlers and their effects.
struct Settled<'p> {
    own: &'p [Endpoint],
    effects: Vec<Effect>,
}

/// What a handler does by itself.
fn own_effect(endpoint: &Endpoint, lexicon: &Lexicon) -> Effect {
    match endpoint.effect {
        Some(StoreEffect::Writes) => Effect::Writes,
        _ if endpoint.emits && lexicon.name(&endpoint.handler) != Some(Said::Reads) => Effect::Writes,
        Some(StoreEffect::Reads) => Effect::Clean,
        Some(StoreEffect::Nothing) | None => Effect::Unknown,
    }
}

/// Read consistency of the reads of one dependency: a read that guards a later write to the same owner in the same
/// function is check-then-act (R3), a read after a write reads its own write (R2); data that no call changes is
/// reference data (R0); all others may be eventual (R1).
fn consistency(sites: &mut [Site], written: bool) {
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
            false if !written => Consistency::R0,
            false => Consistency::R1,
        });
    }
}

/// Operations whose verb says something else than their handler does: a GET that writes, a POST that only reads.
#[must_use]
pub fn verb_lies(parts: &Parts, knowledge: &Knowledge) -> Vec<VerbLie> {
    let decider = Decider::of(parts, knowledge);
    let settled = decider.settled(parts);
    let mut callers: BTreeMap<usize, BTreeSet<&str>> = BTreeMap::new();
    for dependency in parts.dependencies.iter().filter(|d| d.mode == Mode::Sync) {
        for at in dependency.sites.iter().filter_map(|s| decider.handler(&dependency.target, s)) {
            callers.entry(at).or_default().insert(&dependency.source);
        }
    }
    let mut all = Vec::new();
    for (at, endpoint) in settled.own.iter().enumerate() {
        let writes = match (endpoint.method.as_str(), settled.effects[at]) {
            ("GET" | "HEAD", Effect::Writes) => true,
            // A command whose write is hidden would look like a lie: its name must say that it reads.
            ("POST" | "PUT" | "PATCH" | "DELETE", Effect::Clean)
                if knowledge.lexicon.name(&endpoint.handler) == Some(Said::Reads) =>
            {
                false
            }
            _ => continue,
        };
        let callers = callers.get(&at).into_iter().flatten().map(|c| (*c).to_owned()).collect();
        all.push(VerbLie {
            service: endpoint.service.clone(),
            operation: format!("{} {}", endpoint.method, endpoint.path),
            handler: endpoint.handler.clone(),
            place: endpoint.place.clone(),
            writes,
            callers,
        });
    }
    all
}
