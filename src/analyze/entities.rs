//! Which services own data that others read (analysis §5.2), and what setting each free would buy.
//!
//! The class labels and prices a step; the rank comes from the simulation alone. Unknown tests are shown as such.

use std::collections::{BTreeMap, BTreeSet};

use crate::graph::ServiceGraph;
use crate::model::facts::StoreEffect;
use crate::model::{Dependency, Endpoint, Entity, EntityClass, Intent, Mode, ServiceKind, TableAccess};

use super::knowledge::{Knowledge, Lexicon, words};
use super::score::Coupling;
use super::simulate::{Move, Simulation};

/// The entity test of every member, by name.
#[must_use]
pub fn entities(graph: &ServiceGraph, coupling: &Coupling, knowledge: &Knowledge) -> Vec<Entity> {
    let simulation = Simulation::of(graph, coupling, true);
    let start = simulation.score(&simulation.start());
    let mut all: Vec<Entity> = coupling
        .members
        .iter()
        .enumerate()
        .map(|(at, name)| {
            let mut entity = test(graph, name, knowledge);
            entity.gain = start - simulation.score(&simulation.start().with(Move::Publish(at as u32)));
            entity
        })
        .collect();
    ranks(&mut all, coupling);
    all
}

fn test(graph: &ServiceGraph, name: &str, knowledge: &Knowledge) -> Entity {
    let endpoints: Vec<&Endpoint> = graph.endpoints_of(name).collect();
    let incoming: Vec<&Dependency> = graph.incoming(name).filter(|d| d.mode == Mode::Sync).collect();
    let tables = own_tables(graph, name);
    let mut tests: BTreeMap<String, Option<bool>> = BTreeMap::new();
    let mut because: BTreeMap<String, String> = BTreeMap::new();
    let mut add = |id: &str, (passed, text): (Option<bool>, String)| {
        tests.insert(id.to_owned(), passed);
        because.insert(id.to_owned(), text);
    };
    add("E1", crud_shape(&endpoints, knowledge));
    add("E2", owns_store(graph, name, &tables, knowledge));
    add("E3", noun_name(name, &tables, &endpoints));
    add("E4", read_fan_in(&incoming, knowledge));
    add("E5", leaf_on_reads(&endpoints));
    add("E6", (None, "not measured: how many calls a handler makes to its repository".to_owned()));
    let readers = incoming.iter().filter(|d| d.intents.iter().any(|i| matches!(i, Intent::Read | Intent::View)));
    let writers = incoming.iter().filter(|d| d.intents.contains(&Intent::Write));
    Entity {
        service: name.to_owned(),
        class: class(&tests),
        because,
        operations: endpoints.iter().map(|e| format!("{} {}", e.method, e.path)).collect(),
        tables,
        readers: readers.map(|d| d.source.clone()).collect(),
        writers: writers.map(|d| d.source.clone()).collect(),
        gain: 0.0,
        rank: 0,
        rank_by_fan_in: 0,
        rank_by_page_rank: 0,
        tests,
    }
}

/// E1 ∧ E2 ∧ E4 ∧ E5 = entity; E1 ∧ E2 ∧ E4 = aggregate owner; two unknown tests among them = undetermined.
fn class(tests: &BTreeMap<String, Option<bool>>) -> EntityClass {
    let get = |id: &str| tests.get(id).copied().flatten();
    let ids = ["E1", "E2", "E4", "E5"];
    if ids.iter().any(|id| *id != "E5" && get(id) == Some(false)) {
        return EntityClass::None;
    }
    if ids.iter().filter(|id| get(id).is_none()).count() >= 2 {
        return EntityClass::Undetermined;
    }
    match (ids[..3].iter().all(|id| get(id) == Some(true)), get("E5")) {
        (true, Some(true)) => EntityClass::Entity,
        (true, _) => EntityClass::AggregateOwner,
        (false, _) => EntityClass::Undetermined,
    }
}

/// Tables that this service writes or defines and no other service writes.
fn own_tables(graph: &ServiceGraph, name: &str) -> Vec<String> {
    let others: BTreeSet<(&str, Option<&str>)> = graph
        .parts()
        .tables
        .iter()
        .filter(|t| t.service != name && t.access == TableAccess::Writes)
        .map(|t| (t.table.as_str(), t.database.as_deref()))
        .collect();
    let own: BTreeSet<String> = graph
        .tables_of(name)
        .filter(|t| t.database.is_none() || !others.contains(&(t.table.as_str(), t.database.as_deref())))
        .map(|t| t.table.clone())
        .collect();
    own.into_iter().collect()
}

fn crud_shape(endpoints: &[&Endpoint], knowledge: &Knowledge) -> (Option<bool>, String) {
    if endpoints.is_empty() {
        return (None, "no operation of it was found".to_owned());
    }
    let is_crud = |e: &&&Endpoint| {
        if e.handler.is_empty() {
            matches!(e.method.as_str(), "GET" | "PUT" | "POST" | "PATCH" | "DELETE")
        } else {
            Lexicon::starts(&knowledge.lexicon.crud, &e.handler)
        }
    };
    let crud = endpoints.iter().filter(is_crud).count();
    let passed = crud as f64 >= knowledge.thresholds.crud_share * endpoints.len() as f64;
    (Some(passed), format!("{crud} of {} operations create, read, update or delete", endpoints.len()))
}

fn owns_store(graph: &ServiceGraph, name: &str, tables: &[String], knowledge: &Knowledge) -> (Option<bool>, String) {
    let databases: Vec<&str> = graph
        .outgoing(name)
        .filter(|d| d.mode == Mode::Data)
        .filter(|d| {
            graph.service(&d.target).is_some_and(|s| {
                s.kind == ServiceKind::Database
                    && !s.engine.as_ref().is_some_and(|e| knowledge.lexicon.caches.contains(e))
            })
        })
        .map(|d| d.target.as_str())
        .collect();
    let touches = graph.endpoints_of(name).any(|e| matches!(e.effect, Some(StoreEffect::Reads | StoreEffect::Writes)));
    if !tables.is_empty() {
        return (Some(true), format!("owns {}", tables.join(", ")));
    }
    if let Some(database) = databases.first() {
        return (Some(true), format!("keeps its data in {database}"));
    }
    if touches {
        return (Some(true), "its handlers read or write a store".to_owned());
    }
    let read = graph.service(name).is_some_and(|s| !s.folders.is_empty());
    if read {
        (Some(false), "no store was found in its code".to_owned())
    } else {
        (None, "its code was not read".to_owned())
    }
}

fn noun_name(name: &str, tables: &[String], endpoints: &[&Endpoint]) -> (Option<bool>, String) {
    let singular = |w: &str| {
        w.strip_suffix("ies").map(|s| format!("{s}y")).unwrap_or_else(|| w.strip_suffix('s').unwrap_or(w).to_owned())
    };
    let stem: Vec<String> = words(name)
        .iter()
        .filter(|w| !matches!(w.as_str(), "service" | "ts" | "api" | "svc" | "server" | "app"))
        .map(|w| singular(w))
        .collect();
    let nouns: BTreeSet<String> = tables
        .iter()
        .flat_map(|t| words(t))
        .chain(endpoints.iter().flat_map(|e| words(&e.path)))
        .map(|w| singular(&w))
        .collect();
    if nouns.is_empty() {
        return (None, "no table and no path to compare its name with".to_owned());
    }
    match stem.iter().find(|w| nouns.contains(*w)) {
        Some(word) => (Some(true), format!("{word} is its name and its data")),
        None => (Some(false), "its name is no table and no resource of it".to_owned()),
    }
}

fn read_fan_in(incoming: &[&Dependency], knowledge: &Knowledge) -> (Option<bool>, String) {
    let callers = incoming.len();
    let intents: Vec<Intent> = incoming.iter().flat_map(|d| &d.sites).filter_map(|s| s.intent).collect();
    if callers >= 2 && intents.is_empty() {
        return (None, format!("{callers} callers, but no call site says what for"));
    }
    let reads = intents.iter().filter(|i| !matches!(i, Intent::Write | Intent::Notify)).count();
    let passed = callers >= 2 && reads as f64 >= knowledge.thresholds.read_share * intents.len() as f64;
    (Some(passed), format!("{callers} callers; {reads} of {} call sites read", intents.len()))
}

fn leaf_on_reads(endpoints: &[&Endpoint]) -> (Option<bool>, String) {
    let reads: Vec<&&Endpoint> = endpoints.iter().filter(|e| matches!(e.effect, Some(StoreEffect::Reads))).collect();
    if reads.is_empty() {
        return (None, "no handler is known to read its store".to_owned());
    }
    let calling = reads.iter().filter(|e| e.calls_out.is_some_and(|n| n > 0)).count();
    let text = format!("{calling} of {} reading handlers call others", reads.len());
    // One report among many reads does not make the data less of an entity.
    (Some(calling * 4 <= reads.len()), text)
}

fn ranks(all: &mut [Entity], coupling: &Coupling) {
    let digraph = coupling.digraph();
    let page_rank = digraph.page_rank();
    let mut fan_in = vec![0u32; all.len()];
    for (_, to) in digraph.edges() {
        fan_in[to as usize] += 1;
    }
    let order = |better: &dyn Fn(usize, usize) -> std::cmp::Ordering| {
        let mut at: Vec<usize> = (0..all.len()).collect();
        at.sort_by(|a, b| better(*a, *b).then_with(|| all[*a].service.cmp(&all[*b].service)));
        at
    };
    let by_gain = order(&|a, b| all[b].gain.total_cmp(&all[a].gain));
    let by_fan_in = order(&|a, b| fan_in[b].cmp(&fan_in[a]));
    let by_page_rank = order(&|a, b| page_rank[b].total_cmp(&page_rank[a]));
    for (rank, at) in by_gain.into_iter().enumerate() {
        all[at].rank = if all[at].gain > 1e-9 { rank as u32 + 1 } else { 0 };
    }
    for (rank, at) in by_fan_in.into_iter().enumerate() {
        all[at].rank_by_fan_in = rank as u32 + 1;
    }
    for (rank, at) in by_page_rank.into_iter().enumerate() {
        all[at].rank_by_page_rank = rank as u32 + 1;
    }
}
