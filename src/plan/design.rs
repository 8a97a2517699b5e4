//! A step of the plan -> its design: what is published under which names, who consumes it, what is missing.
//!
//! Takes the analysis and the freed call sites; gives a `Design`. Writes no file and invents nothing: a column or type
//! that no input says is a TODO, and the step is not ready.

use std::collections::{BTreeMap, BTreeSet};

use crate::analyze::Analysis;
use crate::analyze::knowledge::{Lexicon, words};
use crate::model::design::{
    Capacity, ConsumerDesign, Design, EntityDesign, EventDesign, FieldDesign, FieldType, Renamed, StoreDesign,
    ViewDesign,
};
use crate::model::facts::StoreEffect;
use crate::model::{Consistency, Dependency, Endpoint, Mode, SchemaFact, Service, Site, is_secret_key};

use super::names::{Names, Space, entity_name, pascal, past, singular};
use super::options::Options;
use super::types;

/// Partitions without a measured peak: a common default that divides well among 2, 3 and 6 consumers (ours).
const PARTITIONS: u32 = 6;
/// Events that one consumer is sure to keep up with, in events a second (ours, deliberately low).
const CONSUMER_RATE: f64 = 200.0;
/// Reserve above a measured peak (ours).
const RESERVE: f64 = 2.0;
/// Replicas of a topic, so that one broker may be down while writes need two (Kafka's usual advice).
const REPLICAS: u32 = 3;
/// How long business events are kept: 7 days, Kafka's own default of `log.retention.hours`.
const RETENTION_MS: u64 = 7 * 24 * 3_600_000;

/// What a step is about.
pub struct Asked<'a> {
    /// Number of the step, from 1.
    pub number: usize,
    /// The owner, or the caller that emits.
    pub owner: &'a str,
    /// The call sites that go, with their edges.
    pub sites: &'a [(&'a Dependency, &'a Site)],
    /// Is data published, or only an event emitted?
    pub publishes: bool,
    /// Computed views.
    pub views: &'a [String],
}

/// The design of a step.
#[must_use]
pub fn design(analysis: &Analysis, options: &Options, asked: &Asked<'_>) -> Design {
    let mut names = Names::default();
    let mut todo = Vec::new();
    let domain = names.legal(Space::Kafka, asked.owner);
    let folder = format!("{:02}-{}", asked.number, names.legal(Space::Folder, asked.owner));
    let database = database(analysis, asked.owner);
    if database.is_none() && asked.publishes {
        todo.push(format!("no database of {} is known: say which one is captured, and how", asked.owner));
    }
    let mut entities = Vec::new();
    if asked.publishes {
        for table in tables(analysis, asked) {
            entities.push(entity(analysis, asked, &table, &domain, database.as_ref(), &mut names, &mut todo));
        }
        if entities.is_empty() {
            todo.push(format!(
                "no table or class with fields of {} was read: nothing says what its data is",
                asked.owner
            ));
        }
    }
    let main = entities.first().map_or_else(|| entity_name(asked.owner), |e| e.name.clone());
    let views = views(asked, &domain, &mut names, &mut todo);
    let events = events(analysis, asked, &domain, &main);
    let consumers = consumers(analysis, asked, &entities, &mut names);
    let capacity = capacity(options, consumers.len());
    let teams = analysis.graph.service(asked.owner).map(|s| s.owners.clone()).unwrap_or_default();
    Design {
        folder,
        owner: asked.owner.to_owned(),
        teams,
        event_topic: names.legal(Space::Kafka, &format!("{domain}.{main}.events.v1")),
        domain,
        ready: todo.is_empty(),
        todo,
        database,
        entities,
        events,
        consumers,
        views,
        capacity,
        renamed: names.renamed,
        published: published(analysis, asked.owner),
    }
}

/// The store of record of a service: a database that is no cache.
fn database(analysis: &Analysis, owner: &str) -> Option<StoreDesign> {
    let caches = &analysis.knowledge.lexicon.caches;
    let edge = analysis
        .graph
        .outgoing(owner)
        .filter(|d| d.mode == Mode::Data)
        .find(|d| !caches.iter().any(|c| d.protocol.contains(c.as_str())))?;
    let node = analysis.graph.service(&edge.target);
    let engine = node.and_then(|s| s.engine.clone()).unwrap_or_else(|| edge.protocol.clone());
    let named = edge.sites.iter().map(|s| s.operation.as_str()).find(|n| !n.is_empty() && !n.contains([' ', '{', '/']));
    let name = named.unwrap_or(owner).to_owned();
    let variables: String = words(&edge.target).join("_").to_uppercase();
    let schema = if engine.contains("postgres") { "public".to_owned() } else { name.clone() };
    Some(StoreDesign { engine, node: edge.target.clone(), name, schema, variables })
}

/// Tables of the owner that the freed reads are about, the main one first.
fn tables(analysis: &Analysis, asked: &Asked<'_>) -> Vec<String> {
    let owned =
        analysis.entities.iter().find(|e| e.service == asked.owner).map(|e| e.tables.clone()).unwrap_or_default();
    let mut known: BTreeSet<String> = owned.into_iter().filter(|t| !is_machinery(t)).collect();
    if known.is_empty() {
        let mapped = schemas(analysis, asked.owner).filter_map(|s| s.table.clone()).map(|t| t.to_lowercase());
        known = mapped.filter(|t| !is_machinery(t)).collect();
    }
    // Words of the paths that are read, by how often: `/customers/{}/addresses` is about both.
    let mut read: BTreeMap<String, usize> = BTreeMap::new();
    for (_, site) in asked.sites {
        for segment in site.operation.split(['/', ' ', '.']).filter(|s| !s.contains('{')) {
            *read.entry(entity_name(segment)).or_default() += 1;
        }
    }
    let stem: Vec<String> = words(asked.owner).iter().map(|w| singular(w)).collect();
    let fields = |t: &str| schemas(analysis, asked.owner).filter(|s| is_of(s, t)).map(|s| s.fields.len()).max();
    let mut ranked: Vec<(bool, usize, usize, String)> = known
        .into_iter()
        .map(|t| {
            let noun = entity_name(&t);
            let is_stem = stem.contains(&noun) || stem.join("_") == noun;
            (is_stem, read.get(&noun).copied().unwrap_or(0), fields(&t).unwrap_or(0), t)
        })
        .collect();
    ranked.sort_by(|a, b| (b.0, b.1, b.2).cmp(&(a.0, a.1, a.2)).then_with(|| a.3.cmp(&b.3)));
    let about: Vec<String> = ranked.iter().filter(|r| r.0 || r.1 > 0).map(|r| r.3.clone()).collect();
    if about.is_empty() { ranked.into_iter().take(1).map(|r| r.3).collect() } else { about }
}

/// Tables that a library or the migration itself needs.
fn is_machinery(table: &str) -> bool {
    ["outbox", "flyway", "liquibase", "migration", "heartbeat", "databasechangelog", "qrtz_", "shedlock"]
        .iter()
        .any(|w| table.to_lowercase().contains(w))
}

fn schemas<'a>(analysis: &'a Analysis, owner: &'a str) -> impl Iterator<Item = &'a SchemaFact> + 'a {
    analysis.graph.parts().schemas.iter().filter(move |s| s.services.iter().any(|n| n == owner))
}

fn is_of(schema: &SchemaFact, table: &str) -> bool {
    schema.table.as_deref().is_some_and(|t| t.eq_ignore_ascii_case(table))
}

/// A column as the inputs have it.
struct Column {
    field: crate::model::SchemaField,
    place: crate::model::Place,
}

/// Columns of a table: of its migrations in their order, else of the class that is mapped to it.
fn columns(analysis: &Analysis, owner: &str, table: &str) -> Vec<Column> {
    for format in ["migration", "orm"] {
        let mut all: Vec<Column> = Vec::new();
        for schema in schemas(analysis, owner).filter(|s| s.format == format && is_of(s, table)) {
            let gone = |c: &Column| schema.removes.iter().any(|r| r.eq_ignore_ascii_case(&c.field.name));
            let old_type = all.iter().find(|c| gone(c)).map(|c| c.field.type_name.clone());
            all.retain(|c| !gone(c));
            for field in &schema.fields {
                let mut field = field.clone();
                if field.type_name.is_empty() && schema.removes.len() == 1 {
                    field.type_name = old_type.clone().unwrap_or_default();
                }
                all.retain(|c| !c.field.name.eq_ignore_ascii_case(&field.name));
                let place = crate::model::Place { line: field.line, ..schema.place.clone() };
                all.push(Column { field, place });
            }
        }
        if !all.is_empty() {
            return all;
        }
    }
    Vec::new()
}

fn entity(
    analysis: &Analysis,
    asked: &Asked<'_>,
    table: &str,
    domain: &str,
    database: Option<&StoreDesign>,
    names: &mut Names,
    todo: &mut Vec<String>,
) -> EntityDesign {
    let name = names.legal(Space::Identifier, &entity_name(table));
    let columns = columns(analysis, asked.owner, table);
    if columns.is_empty() {
        todo.push(format!("the columns of {table} are in no input"));
    }
    let place = columns.first().map(|c| c.place.clone()).unwrap_or_default();
    let (mut fields, mut left_out): (Vec<FieldDesign>, Vec<Renamed>) = (Vec::new(), Vec::new());
    for Column { field, place } in columns {
        let kind = types::parse(&field.type_name);
        // A flag says nothing about who somebody is.
        let personal =
            !field.key && kind != FieldType::Boolean && is_personal(&analysis.knowledge.lexicon, &name, &field.name);
        let out = |why: &str| Renamed { from: field.name.clone(), to: why.to_owned() };
        if is_secret_key(&field.name) {
            left_out.push(out("a secret"));
            continue;
        }
        if field.name.contains([',', ':', '.']) {
            todo.push(format!("{table}.{}: connectors cannot list a column with such a name; rename it", field.name));
        }
        // A mask needs text; other personal values stay inside.
        if personal && kind != FieldType::Text && kind != FieldType::Unknown {
            left_out.push(out("personal, and no text that could be masked"));
            continue;
        }
        if kind == FieldType::Unknown {
            let said = if field.type_name.is_empty() {
                "no input says its type".to_owned()
            } else {
                format!("`{}` is no type that is known", field.type_name)
            };
            todo.push(format!("{table}.{} ({place}): {said}", field.name));
        }
        fields.push(FieldDesign {
            name: names.legal(Space::Identifier, &field.name),
            column: field.name,
            kind,
            written: field.type_name,
            required: field.required,
            key: field.key,
            personal,
            place,
        });
    }
    if !fields.is_empty() && !fields.iter().any(|f| f.key) {
        todo.push(format!("no input says the key of {table}"));
    }
    let schema = database.map_or("", |d| d.schema.as_str());
    let cdc = format!("cdc.{domain}.{schema}.{table}");
    EntityDesign {
        topic: names.legal(Space::Kafka, &format!("{domain}.{name}.v1")),
        cdc_topic: cdc,
        name,
        table: table.to_owned(),
        fields,
        left_out,
        place,
    }
}

/// Personal by name: words that always are, and words that are when the entity is a person or belongs to one.
fn is_personal(lexicon: &Lexicon, entity: &str, column: &str) -> bool {
    let of_person = words(entity).iter().chain(words(column).iter()).any(|w| lexicon.people.contains(&singular(w)));
    let has = |list: &[String]| Lexicon::has(list, column);
    has(&lexicon.personal) && (of_person || !has(&lexicon.of_people))
}

fn views(asked: &Asked<'_>, domain: &str, names: &mut Names, todo: &mut Vec<String>) -> Vec<ViewDesign> {
    asked
        .views
        .iter()
        .map(|operation| {
            let path: Vec<String> = words(operation).into_iter().skip(1).collect();
            let topic = names.legal(Space::Kafka, &format!("{domain}.{}.view.v1", path.join("-")));
            todo.push(format!("the view {operation} is computed by {}: its fields are in no input", asked.owner));
            ViewDesign { operation: operation.clone(), topic }
        })
        .collect()
}

/// One event per write operation of the owner; for a step that emits, one per operation that is told.
fn events(analysis: &Analysis, asked: &Asked<'_>, domain: &str, main: &str) -> Vec<EventDesign> {
    let lexicon = &analysis.knowledge.lexicon;
    let mut all: BTreeMap<String, EventDesign> = BTreeMap::new();
    let mut add = |subject: &str, verb: &str, operation: String, place: crate::model::Place| {
        let done = past(verb);
        let name = format!("{}{}", pascal(subject), pascal(&done));
        let kind = format!("{domain}.{subject}.{done}.v1");
        all.entry(name.clone()).or_insert(EventDesign { name, kind, operation, place });
    };
    if !asked.publishes {
        for (edge, site) in asked.sites {
            let verb = verb_of(lexicon, &site.caller, "", &site.operation).unwrap_or_else(|| "change".to_owned());
            let place = crate::model::Place::new(&site.root, &site.path, site.line);
            add(&entity_name(&singular(&edge.source)), &verb, site.operation.clone(), place);
        }
        return all.into_values().collect();
    }
    for endpoint in analysis.graph.endpoints_of(asked.owner) {
        if endpoint.effect.is_some_and(|e| e != StoreEffect::Writes) || is_technical(endpoint) {
            continue;
        }
        let method = if endpoint.effect == Some(StoreEffect::Writes) && endpoint.method == "GET" {
            ""
        } else {
            &endpoint.method
        };
        let Some(verb) = verb_of(lexicon, &endpoint.handler, method, &endpoint.path) else { continue };
        add(
            &subject(asked, endpoint, main),
            &verb,
            format!("{} {}", endpoint.method, endpoint.path),
            endpoint.place.clone(),
        );
    }
    all.into_values().collect()
}

fn is_technical(endpoint: &Endpoint) -> bool {
    ["health", "metrics", "actuator", "ready", "live", "swagger"].iter().any(|w| endpoint.path.contains(w))
        || endpoint.method == "ANY" && endpoint.effect.is_none()
}

/// The noun of an operation: the last resource of its path that is a table's, else the main entity.
fn subject(_: &Asked<'_>, endpoint: &Endpoint, main: &str) -> String {
    let nouns: Vec<String> =
        endpoint.path.split('/').filter(|s| !s.is_empty() && !s.contains('{')).map(entity_name).collect();
    if nouns.iter().any(|n| n == main) || nouns.is_empty() { main.to_owned() } else { nouns[nouns.len() - 1].clone() }
}

/// The verb of a write: of the handler's name, of the last word of the path, else of the method.
fn verb_of(lexicon: &Lexicon, handler: &str, method: &str, path: &str) -> Option<String> {
    let first = words(handler).into_iter().next().unwrap_or_default();
    if lexicon.query.contains(&first) && !method.is_empty() && !matches!(method, "PUT" | "DELETE" | "PATCH") {
        return None;
    }
    let last = path.rsplit('/').next().map(words).and_then(|w| w.into_iter().next()).unwrap_or_default();
    // Words that say how, not what.
    let vague = ["do", "process", "handle", "execute", "post", "put", "async", "init", "inside", "perform"];
    let is_verb = |w: &String| lexicon.command.contains(w) && !vague.contains(&w.as_str());
    if is_verb(&last) && !path.ends_with('}') {
        return Some(last);
    }
    if is_verb(&first) {
        return Some(first);
    }
    match method {
        "POST" => Some("create".to_owned()),
        "PUT" | "PATCH" => Some("update".to_owned()),
        "DELETE" => Some("delete".to_owned()),
        _ => None,
    }
}

fn consumers(
    analysis: &Analysis,
    asked: &Asked<'_>,
    entities: &[EntityDesign],
    names: &mut Names,
) -> Vec<ConsumerDesign> {
    let mut all: BTreeMap<String, ConsumerDesign> = BTreeMap::new();
    for (edge, site) in asked.sites {
        let service = if asked.publishes { &edge.source } else { &edge.target };
        let made = all.entry(service.clone()).or_insert_with(|| ConsumerDesign {
            service: service.clone(),
            engine: database(analysis, service).map(|d| d.engine).unwrap_or_default(),
            ..ConsumerDesign::default()
        });
        let at = format!("{}:{} {}", site.path, site.line, site.operation);
        if site.consistency == Some(Consistency::R2) {
            made.reads_own_writes.push(at.clone());
        }
        made.sites.push(at);
        let nouns: Vec<String> = site.operation.split(['/', ' ']).map(entity_name).collect();
        let fits = entities.iter().filter(|e| nouns.contains(&e.name)).map(|e| e.name.clone());
        // The deepest resource of a path is what is read.
        let mut read: Vec<String> = fits.collect();
        if read.is_empty() {
            read.extend(entities.first().map(|e| e.name.clone()));
        }
        for name in read {
            if !made.entities.contains(&name) {
                made.entities.push(name);
            }
        }
    }
    let mut all: Vec<ConsumerDesign> = all.into_values().collect();
    for consumer in &mut all {
        consumer.group = names.legal(Space::Kafka, &format!("{}.{}", consumer.service, asked.owner));
        consumer.entities.sort_by_key(|n| entities.iter().position(|e| e.name == *n));
        consumer.sites.sort();
        consumer.sites.dedup();
    }
    all
}

fn capacity(options: &Options, consumers: usize) -> Capacity {
    let mut because = Vec::new();
    let partitions = match options.peak {
        Some(peak) => {
            let needed = (peak * RESERVE / CONSUMER_RATE).ceil().max(1.0) as u32;
            because.push(format!(
                "partitions = max({PARTITIONS}, peak {peak} changes/s × {RESERVE} / {CONSUMER_RATE} events/s of one consumer = {needed})"
            ));
            needed.max(PARTITIONS)
        }
        None => {
            because.push(format!(
                "partitions = {PARTITIONS}: no peak rate was given (--peak); with one it is max({PARTITIONS}, peak × {RESERVE} / {CONSUMER_RATE})"
            ));
            PARTITIONS
        }
    };
    because.push(format!("replicas = {REPLICAS} with min.insync.replicas = 2: one broker may be down"));
    because.push("entity topics are compacted: the last state of every key stays for ever".to_owned());
    because.push(format!(
        "event topics keep {} days: the longest time that a consumer may be down ({})",
        RETENTION_MS / 86_400_000,
        crate::model::counted(consumers, "consumer")
    ));
    Capacity { partitions, replicas: REPLICAS, retention_ms: RETENTION_MS, because }
}

/// Topics that the owner publishes today.
fn published(analysis: &Analysis, owner: &str) -> Vec<String> {
    let topics: BTreeSet<String> =
        analysis.graph.outgoing(owner).filter(|d| d.mode == Mode::Async).filter_map(|d| d.channel.clone()).collect();
    topics.into_iter().collect()
}

/// The one Kafka broker of a system, `name:9092`.
#[must_use]
pub fn broker(services: &[Service]) -> String {
    let mut kafka = services.iter().filter(|s| s.engine.as_deref() == Some("kafka")).map(|s| s.name.as_str());
    match (kafka.next(), kafka.next()) {
        (Some(one), None) => format!("{one}:9092"),
        _ => "localhost:9092".to_owned(),
    }
}
