//! Traffic merged into the graph: names of spans found among the services, edges seen by traces.
//!
//! Takes rows of `Traffic` as traces gave them; adds nodes that only traces know, and evidence to edges.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{
    Confidence, Evidence, Mode, Place, Relation, ServiceKind, SourceKind, TableAccess, TableUse, Traffic, TrafficRow,
};

use super::edges::Edges;
use super::roles::Roles;
use super::services::{Node, Nodes};

/// Merges traffic.
pub fn merge(traffic: &Traffic, nodes: &mut Nodes, edges: &mut Edges, roles: &Roles) {
    let mut observed = Observed { nodes, edges, roles };
    for row in &traffic.rows {
        observed.row(row);
    }
    observed.channels(traffic);
}

/// Services by the names that traces give them.
#[must_use]
pub fn names(traffic: &Traffic, nodes: &Nodes) -> BTreeMap<String, String> {
    let of_rows = traffic.rows.iter().flat_map(|r| [&r.source, &r.target]);
    let all: BTreeSet<&String> = of_rows.chain(traffic.served.iter().map(|s| &s.service)).collect();
    let named = all.into_iter().filter_map(|name| Some((name.clone(), nodes.all[nodes.find(name)?].name.clone())));
    named.collect()
}

/// Tables that spans of databases name: written by those that change them, read by all others.
#[must_use]
pub fn tables(traffic: &Traffic, nodes: &Nodes, edges: &Edges) -> Vec<TableUse> {
    let rows = || traffic.rows.iter().filter(|r| r.relation == Relation::Db && !r.tables.is_empty());
    let mut schemas: BTreeMap<Option<usize>, BTreeSet<&str>> = BTreeMap::new();
    for row in rows() {
        schemas.entry(database_node(row, nodes, edges)).or_default().insert(database_parts(row).1);
    }
    let mut all = Vec::new();
    for row in rows() {
        let Some(source) = nodes.find(&row.source) else { continue };
        let database = database_node(row, nodes, edges);
        // Tables of one name in two schemas of a server are two tables.
        let several = schemas.get(&database).is_some_and(|s| s.len() > 1);
        let schema = if several { format!("{}.", database_parts(row).1) } else { String::new() };
        let database = database.map(|at| nodes.all[at].name.clone());
        for table in row.tables.keys() {
            let verbs = row.operations.iter().filter_map(|o| o.name.strip_suffix(table.as_str()).map(str::trim_end));
            let changes = |verb: &str| matches!(verb, "INSERT" | "UPDATE" | "DELETE" | "REPLACE" | "MERGE");
            let accesses: BTreeSet<TableAccess> =
                verbs.map(|v| if changes(v) { TableAccess::Writes } else { TableAccess::Reads }).collect();
            let accesses = if accesses.is_empty() { BTreeSet::from([TableAccess::Reads]) } else { accesses };
            all.extend(accesses.into_iter().map(|access| TableUse {
                service: nodes.all[source].name.clone(),
                table: format!("{schema}{}", table.to_lowercase()),
                database: database.clone(),
                access,
                evidence: evidence(row, Confidence::Confirmed),
            }));
        }
    }
    all
}

struct Observed<'m> {
    nodes: &'m mut Nodes,
    edges: &'m mut Edges,
    roles: &'m Roles,
}

impl Observed<'_> {
    fn row(&mut self, row: &TrafficRow) {
        match row.relation {
            Relation::Sync | Relation::Inferred | Relation::UnpairedClient => {
                let (source, target) = (self.service(&row.source, row), self.service(&row.target, row));
                let sure = if row.relation == Relation::Sync { Confidence::Confirmed } else { Confidence::Probable };
                let key = (source, target, Mode::Sync, None);
                self.edges.traffic(key, row, true, evidence(row, sure));
            }
            Relation::Db => {
                let (source, target) = (self.service(&row.source, row), self.database(row));
                self.edges.traffic(
                    (source, target, Mode::Data, None),
                    row,
                    false,
                    evidence(row, Confidence::Confirmed),
                );
            }
            Relation::External => {
                let source = self.service(&row.source, row);
                let target = self.node(&row.target, ServiceKind::External, row);
                self.edges.traffic((source, target, Mode::Sync, None), row, true, evidence(row, Confidence::Confirmed));
            }
            Relation::OrphanServer => {
                self.service(&row.target, row);
            }
            Relation::Publish | Relation::MessagingClient => {
                self.service(&row.source, row);
            }
            Relation::Consume => {
                self.service(&row.target, row);
            }
            Relation::AsyncLink | Relation::AsyncParent => {}
        }
    }

    /// Publishers and consumers of one destination, and pairs that correlation shows without one.
    fn channels(&mut self, traffic: &Traffic) {
        let mut publishers: BTreeMap<&str, Vec<&TrafficRow>> = BTreeMap::new();
        let mut consumers: BTreeMap<&str, Vec<&TrafficRow>> = BTreeMap::new();
        for row in &traffic.rows {
            match row.relation {
                Relation::Publish => publishers.entry(&row.target).or_default().push(row),
                Relation::Consume => consumers.entry(&row.source).or_default().push(row),
                _ => {}
            }
        }
        let mut joined: BTreeSet<(usize, usize)> = BTreeSet::new();
        for (destination, from) in &publishers {
            for consumer in consumers.get(destination).into_iter().flatten() {
                for publisher in from {
                    let (source, target) =
                        (self.service(&publisher.source, publisher), self.service(&consumer.target, consumer));
                    joined.insert((source, target));
                    let key = (source, target, Mode::Async, Some(self.channel(source, target, destination)));
                    self.edges.traffic(key, consumer, false, evidence(consumer, Confidence::Confirmed));
                }
            }
        }
        for row in &traffic.rows {
            if !matches!(row.relation, Relation::AsyncLink | Relation::AsyncParent) {
                continue;
            }
            let (source, target) = (self.service(&row.source, row), self.service(&row.target, row));
            if joined.contains(&(source, target)) {
                continue;
            }
            let known = self.edges.keys().find(|(s, t, m, _)| (*s, *t, *m) == (source, target, Mode::Async)).cloned();
            let key = known.unwrap_or((source, target, Mode::Async, None));
            self.edges.traffic(key, row, false, evidence(row, Confidence::Confirmed));
        }
    }

    /// The spelling that code gives a channel, if it knows the channel.
    fn channel(&self, source: usize, target: usize, destination: &str) -> String {
        let known = self.edges.keys().find_map(|(s, t, m, channel)| {
            let channel = channel.as_deref()?;
            let same = channel.eq_ignore_ascii_case(destination);
            ((*s, *t, *m) == (source, target, Mode::Async) && same).then(|| channel.to_owned())
        });
        known.unwrap_or_else(|| destination.to_owned())
    }

    fn service(&mut self, name: &str, row: &TrafficRow) -> usize {
        self.node(name, ServiceKind::Service, row)
    }

    fn node(&mut self, name: &str, kind: ServiceKind, row: &TrafficRow) -> usize {
        if let Some(at) = self.nodes.find(name) {
            return at;
        }
        let role = self.roles.of_name(name);
        let kind = if kind == ServiceKind::Service { role.map_or(kind, |r| r.kind) } else { kind };
        self.nodes.add(Node {
            name: name.to_owned(),
            names: BTreeMap::from([(name.to_owned(), 0)]),
            kind: Some(kind),
            evidence: vec![evidence(row, Confidence::Confirmed)],
            ..Node::default()
        })
    }

    /// `system:namespace@host`: the node of the host, else the one of that product that the caller already uses.
    fn database(&mut self, row: &TrafficRow) -> usize {
        if let Some(known) = database_node(row, self.nodes, self.edges) {
            return known;
        }
        let (system, namespace, host) = database_parts(row);
        let local = host.is_empty() || matches!(host, "localhost" | "127.0.0.1" | "::1");
        let name = if !local {
            host.to_owned()
        } else if namespace.is_empty() {
            system.to_owned()
        } else {
            format!("{system}:{namespace}")
        };
        let at = self.node(&name, ServiceKind::Database, row);
        self.nodes.all[at].engine.get_or_insert_with(|| system.to_owned());
        at
    }
}

/// System, namespace and host of a database row.
fn database_parts(row: &TrafficRow) -> (&str, &str, &str) {
    let (head, host) = row.target.split_once('@').map_or((row.target.as_str(), ""), |(h, host)| (h, host));
    let (system, namespace) = head.split_once(':').unwrap_or((head, ""));
    let host = host.rsplit_once(':').filter(|(_, p)| p.chars().all(|c| c.is_ascii_digit())).map_or(host, |(h, _)| h);
    (system, namespace, host)
}

/// The node of a database: that of the host, else the one of the product that the caller uses, else that of the name.
fn database_node(row: &TrafficRow, nodes: &Nodes, edges: &Edges) -> Option<usize> {
    let (system, namespace, host) = database_parts(row);
    if let Some(at) = nodes.find(host).filter(|_| !host.is_empty()) {
        return Some(at);
    }
    let source = nodes.find(&row.source);
    let engine = |at: usize| nodes.all[at].engine.as_deref();
    let mut used: Vec<usize> =
        edges.keys().filter(|(s, _, m, _)| Some(*s) == source && *m == Mode::Data).map(|k| k.1).collect();
    used.retain(|at| engine(*at) == Some(system));
    match used.as_slice() {
        [one] => Some(*one),
        _ => nodes.find(&format!("{system}:{namespace}")).filter(|_| !namespace.is_empty()),
    }
}

fn evidence(row: &TrafficRow, sure: Confidence) -> Evidence {
    let mut place = Place::new("", &row.file, 0);
    place.span = row.exemplars.first().cloned();
    let noun = if row.calls == 1 { "call" } else { "calls" };
    let says = format!("{} {noun} {} → {}", row.calls, row.source, row.target);
    Evidence::new(SourceKind::Traces, place, &says, sure)
}
