//! Which services own data that others read (analysis §5.2), and what setting each free would buy.
//!
//! The class labels and prices a step; the rank comes from the simulation alone. Unknown tests are shown as such.

mod ranks;

use std::collections::{BTreeMap, BTreeSet};

use crate::graph::ServiceGraph;
use crate::model::facts::StoreEffect;
use crate::model::{
    Dependency, Endpoint, Entity, EntityClass, EntityField, Intent, Mode, SchemaFact, ServiceKind, TableAccess,
};

use super::knowledge::{Knowledge, Lexicon, words};
use super::score::Coupling;

/// Share of the handlers that are one call to the store (E6; analysis §5.2).
const ANAEMIC: f64 = 0.7;
/// Nouns that the operations of an entity may be about (E1; Nygard, "The Entity Service Antipattern", 2017).
const NOUNS: usize = 2;

/// The entity test of every member, by name.
#[must_use]
pub fn entities(graph: &ServiceGraph, coupling: &Coupling, knowledge: &Knowledge) -> Vec<Entity> {
    let schemas = schemas_by_service(graph);
    let owners = owners_of_tables(graph);
    let test = |name: &String| Tester { graph, knowledge, owners: &owners, name }.test(schemas.get(name.as_str()));
    let mut all: Vec<Entity> = coupling.members.iter().map(test).collect();
    ranks::rank(&mut all, graph, coupling);
    all
}

type Table<'g> = (&'g str, Option<&'g str>);

/// Who writes each table.
fn owners_of_tables(graph: &ServiceGraph) -> BTreeMap<Table<'_>, BTreeSet<&str>> {
    let mut all: BTreeMap<Table<'_>, BTreeSet<&str>> = BTreeMap::new();
    for use_ in graph.parts().tables.iter().filter(|t| t.access == TableAccess::Writes) {
        all.entry((&use_.table, use_.database.as_deref())).or_default().insert(&use_.service);
    }
    all
}

fn schemas_by_service(graph: &ServiceGraph) -> BTreeMap<&str, Vec<&SchemaFact>> {
    let mut all: BTreeMap<&str, Vec<&SchemaFact>> = BTreeMap::new();
    for schema in &graph.parts().schemas {
        for service in &schema.services {
            all.entry(service).or_default().push(schema);
        }
    }
    all
}

struct Tester<'t> {
    graph: &'t ServiceGraph,
    knowledge: &'t Knowledge,
    owners: &'t BTreeMap<Table<'t>, BTreeSet<&'t str>>,
    name: &'t str,
}

impl Tester<'_> {
    fn test(&self, schemas: Option<&Vec<&SchemaFact>>) -> Entity {
        let all: Vec<&Endpoint> = self.graph.endpoints_of(self.name).collect();
        let endpoints = telling(&all, self.knowledge);
        let incoming: Vec<&Dependency> = self.graph.incoming(self.name).filter(|d| d.mode == Mode::Sync).collect();
        let tables = self.own_tables();
        let mut tests: BTreeMap<String, Option<bool>> = BTreeMap::new();
        let mut because: BTreeMap<String, String> = BTreeMap::new();
        let mut add = |id: &str, (passed, text): (Option<bool>, String)| {
            tests.insert(id.to_owned(), passed);
            because.insert(id.to_owned(), text);
        };
        add("E1", crud_shape(&endpoints, self.knowledge));
        add("E2", self.owns_store(&tables));
        add("E3", noun_name(self.name, &tables, &endpoints));
        add("E4", read_fan_in(&incoming, self.knowledge));
        add("E5", leaf_on_reads(&endpoints));
        add("E6", anaemic(&endpoints));
        let names = |fits: &dyn Fn(&Intent) -> bool| -> Vec<String> {
            incoming.iter().filter(|d| d.intents.iter().any(fits)).map(|d| d.source.clone()).collect()
        };
        let named = |effect: Option<StoreEffect>| -> Vec<String> {
            let fits = all.iter().filter(|e| effect.is_none() || e.effect == effect);
            fits.map(|e| format!("{} {}", e.method, e.path)).collect()
        };
        Entity {
            service: self.name.to_owned(),
            class: class(&tests),
            because,
            operations: named(None),
            reading: named(Some(StoreEffect::Reads)),
            writing: named(Some(StoreEffect::Writes)),
            fields: fields(self.name, &tables, schemas.map_or(&[][..], Vec::as_slice)),
            tables,
            readers: names(&|i| matches!(i, Intent::Read | Intent::View)),
            writers: names(&|i| *i == Intent::Write),
            gain: None,
            rank: 0,
            rank_by_fan_in: 0,
            rank_by_page_rank: 0,
            rank_because: String::new(),
            tests,
        }
    }

    /// Tables that this service uses and no other service writes.
    fn own_tables(&self) -> Vec<String> {
        let foreign = |table: &str, database: Option<&str>| {
            let writers = self.owners.get(&(table, database));
            database.is_some() && writers.is_some_and(|w| w.iter().any(|s| *s != self.name))
        };
        let uses = self.graph.tables_of(self.name).filter(|t| !foreign(&t.table, t.database.as_deref()));
        let own: BTreeSet<String> = uses.map(|t| t.table.clone()).collect();
        own.into_iter().collect()
    }

    fn owns_store(&self, tables: &[String]) -> (Option<bool>, String) {
        let cache =
            |engine: &Option<String>| engine.as_ref().is_some_and(|e| self.knowledge.lexicon.caches.contains(e));
        let is_store =
            |name: &str| self.graph.service(name).is_some_and(|s| s.kind == ServiceKind::Database && !cache(&s.engine));
        let mut databases = self.graph.outgoing(self.name).filter(|d| d.mode == Mode::Data && is_store(&d.target));
        if !tables.is_empty() {
            return (Some(true), format!("owns {}", tables.join(", ")));
        }
        if let Some(database) = databases.next() {
            return (Some(true), format!("keeps its data in {}", database.target));
        }
        let touches = |e: &Endpoint| matches!(e.effect, Some(StoreEffect::Reads | StoreEffect::Writes));
        if self.graph.endpoints_of(self.name).any(touches) {
            return (Some(true), "its handlers read or write a store".to_owned());
        }
        if self.graph.service(self.name).is_some_and(|s| !s.folders.is_empty()) {
            (Some(false), "no store was found in its code".to_owned())
        } else {
            (None, "its code was not read".to_owned())
        }
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

/// Operations that do something: health checks and greetings say nothing about an entity. All, where nothing is known.
fn telling<'e>(all: &[&'e Endpoint], knowledge: &Knowledge) -> Vec<&'e Endpoint> {
    let idle = |e: &Endpoint| {
        e.effect == Some(StoreEffect::Nothing)
            && e.calls_out == Some(0)
            && !Lexicon::starts(&knowledge.lexicon.crud, &e.handler)
    };
    if !all.iter().any(|e| matches!(e.effect, Some(StoreEffect::Reads | StoreEffect::Writes))) {
        return all.to_vec();
    }
    all.iter().copied().filter(|e| !idle(e)).collect()
}

fn crud_shape(endpoints: &[&Endpoint], knowledge: &Knowledge) -> (Option<bool>, String) {
    if endpoints.is_empty() {
        return (None, "no operation of it was found".to_owned());
    }
    let is_crud = |e: &Endpoint| {
        let by_name = Lexicon::starts(&knowledge.lexicon.crud, &e.handler);
        by_name || e.handler.is_empty() && matches!(e.method.as_str(), "GET" | "PUT" | "POST" | "PATCH" | "DELETE")
    };
    let mut by_noun: BTreeMap<String, usize> = BTreeMap::new();
    for endpoint in endpoints.iter().filter(|e| is_crud(e)) {
        *by_noun.entry(resource(endpoint)).or_default() += 1;
    }
    let mut counts: Vec<(usize, &String)> = by_noun.iter().map(|(noun, n)| (*n, noun)).collect();
    counts.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.cmp(b.1)));
    counts.truncate(NOUNS);
    let crud: usize = counts.iter().map(|(n, _)| n).sum();
    let passed = crud as f64 >= knowledge.thresholds.crud_share * endpoints.len() as f64;
    let nouns: Vec<&str> = counts.iter().map(|(_, noun)| noun.as_str()).filter(|n| !n.is_empty()).collect();
    let text = format!(
        "{crud} of {} operations create, read, update or delete{}",
        endpoints.len(),
        if nouns.is_empty() { String::new() } else { format!(" ({})", nouns.join(", ")) }
    );
    (Some(passed), text)
}

/// The noun that an operation is about: the first telling segment of its path, the words behind the verb of an rpc.
fn resource(endpoint: &Endpoint) -> String {
    if endpoint.method == "RPC" {
        let said = words(&endpoint.handler);
        return said.get(1).map(|w| singular(w)).unwrap_or_default();
    }
    let prefix = |s: &str| {
        s == "api"
            || s == "rest"
            || s.contains('{')
            || s.ends_with("service")
            || s.strip_prefix('v').is_some_and(|n| !n.is_empty() && n.chars().all(|c| c.is_ascii_digit() || c == '.'))
    };
    let segment = endpoint.path.split('/').find(|s| !s.is_empty() && !prefix(&s.to_lowercase()));
    segment.map(|s| singular(&s.to_lowercase())).unwrap_or_default()
}

fn singular(word: &str) -> String {
    word.strip_suffix("ies")
        .map(|s| format!("{s}y"))
        .unwrap_or_else(|| word.strip_suffix('s').filter(|w| !w.ends_with('s')).unwrap_or(word).to_owned())
}

fn noun_name(name: &str, tables: &[String], endpoints: &[&Endpoint]) -> (Option<bool>, String) {
    let stem: Vec<String> = words(name)
        .iter()
        .filter(|w| !matches!(w.as_str(), "service" | "ts" | "api" | "svc" | "server" | "app" | "backend" | "ms"))
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

/// Two callers or more, and half of what they come for is reading: a caller counts once for all that it reads and
/// once for all that it changes, so that one screen of administration does not outweigh its readers.
fn read_fan_in(incoming: &[&Dependency], knowledge: &Knowledge) -> (Option<bool>, String) {
    let callers = incoming.len();
    let changes = |i: &Intent| matches!(i, Intent::Write | Intent::Notify);
    let known: Vec<&&Dependency> = incoming.iter().filter(|d| !d.intents.is_empty()).collect();
    if callers >= 2 && known.is_empty() {
        return (None, format!("{callers} callers, but no call site says what for"));
    }
    let reads = known.iter().filter(|d| d.intents.iter().any(|i| !changes(i))).count();
    let writes = known.iter().filter(|d| d.intents.iter().any(changes)).count();
    let passed = callers >= 2 && reads as f64 >= knowledge.thresholds.read_share * (reads + writes) as f64;
    (Some(passed), format!("{callers} callers; {reads} read and {writes} change"))
}

fn leaf_on_reads(endpoints: &[&Endpoint]) -> (Option<bool>, String) {
    let reads: Vec<&&Endpoint> = endpoints.iter().filter(|e| matches!(e.effect, Some(StoreEffect::Reads))).collect();
    if reads.is_empty() {
        return (None, "no handler is known to read its store".to_owned());
    }
    let calling = reads.iter().filter(|e| e.calls_out.is_some_and(|n| n > 0)).count();
    (Some(calling == 0), format!("{calling} of {} reading handlers call others", reads.len()))
}

fn anaemic(endpoints: &[&Endpoint]) -> (Option<bool>, String) {
    let known: Vec<(u32, u32)> = endpoints.iter().filter_map(|e| Some((e.store_calls?, e.calls_out?))).collect();
    if known.iter().all(|(calls, _)| *calls == 0) {
        return (None, "no handler is known to call a store".to_owned());
    }
    let single = known.iter().filter(|(store, out)| *store == 1 && *out == 0).count();
    let passed = single as f64 >= ANAEMIC * known.len() as f64;
    (Some(passed), format!("{single} of {} handlers are one call to the store", known.len()))
}

/// Stored fields: mapped types first, then migrations; without both, the schemas of its own specification that are
/// named like the service.
fn fields(name: &str, tables: &[String], schemas: &[&SchemaFact]) -> Vec<EntityField> {
    let stored = |format: &'static str| {
        schemas.iter().copied().filter(move |s: &&SchemaFact| s.format == format && s.table.is_some())
    };
    let of_table =
        |s: &&SchemaFact| s.table.as_ref().is_some_and(|t| tables.is_empty() || tables.contains(&t.to_lowercase()));
    let mut chosen: Vec<&SchemaFact> = stored("orm").filter(of_table).collect();
    let mapped: BTreeSet<String> = chosen.iter().filter_map(|s| s.table.as_ref()).map(|t| t.to_lowercase()).collect();
    let unmapped = |s: &&SchemaFact| s.table.as_ref().is_some_and(|t| !mapped.contains(&t.to_lowercase()));
    chosen.extend(stored("migration").filter(of_table).filter(unmapped));
    if chosen.is_empty() {
        let stem: BTreeSet<String> = words(name).iter().map(|w| singular(w)).collect();
        let named = |s: &&&SchemaFact| words(&s.name).first().is_some_and(|w| stem.contains(&singular(w)));
        chosen.extend(schemas.iter().filter(|s| matches!(s.format.as_str(), "openapi" | "proto")).filter(named));
    }
    let mut all: BTreeMap<(String, String), EntityField> = BTreeMap::new();
    for schema in chosen {
        let table = schema.table.clone().unwrap_or_else(|| schema.name.clone());
        for gone in &schema.removes {
            all.remove(&(table.clone(), gone.clone()));
        }
        for field in &schema.fields {
            let mut place = schema.place.clone();
            place.line = if field.line > 0 { field.line } else { place.line };
            let made = EntityField {
                table: table.clone(),
                name: field.name.clone(),
                type_name: field.type_name.clone(),
                required: field.required,
                key: field.key,
                format: schema.format.clone(),
                place,
            };
            all.entry((table.clone(), field.name.clone())).or_insert(made);
        }
    }
    all.into_values().collect()
}
