//! Facts -> `ServiceGraph`: services, dependencies with all their evidence, and sorted queries.
//!
//! From here on nothing touches the disk. The library for graph algorithms stays inside this folder.

pub mod address;
pub mod apphost;
pub mod commands;
pub mod copies;
pub mod digraph;
pub mod discovery;
pub mod edges;
pub mod fallbacks;
pub mod flows;
pub mod history;
pub mod join;
pub mod link;
pub mod observed;
pub mod ports;
pub mod profiles;
pub mod roles;
pub mod rpc;
pub mod schemas;
pub mod scope;
pub mod served;
pub mod services;
pub mod settings;
pub mod sites;
pub mod stores;
pub mod texts;
pub mod topics;
pub mod values;
pub mod variants;

use std::collections::BTreeMap;

use crate::model::{
    Candidate, Dependency, Endpoint, Finding, Flow, History, Note, Owner, Practice, Profile, ReadCounts, SchemaFact,
    Service, SharedLibrary, SharedWrite, SiteCounts, TableUse, Traffic, UnresolvedSite,
};

/// The parts of a graph, each sorted by its identity.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Parts {
    /// Services by name.
    pub services: Vec<Service>,
    /// Dependencies by (source, target, mode, channel).
    pub dependencies: Vec<Dependency>,
    /// Ambiguous call sites.
    pub candidates: Vec<Candidate>,
    /// Unresolved call sites.
    pub unresolved: Vec<UnresolvedSite>,
    /// How call sites were settled.
    pub site_counts: SiteCounts,
    /// Tables that several services write.
    pub shared_writes: Vec<SharedWrite>,
    /// Who reads and writes which table.
    pub tables: Vec<TableUse>,
    /// Operations served, by service.
    pub endpoints: Vec<Endpoint>,
    /// Schemas.
    pub schemas: Vec<SchemaFact>,
    /// Owners.
    pub owners: Vec<Owner>,
    /// What entries do, step by step, by service.
    pub flows: Vec<Flow>,
    /// How services are run; without a service where nobody owns the place.
    pub practices: Vec<Practice>,
    /// How services are built and deployed.
    pub profiles: Vec<Profile>,
    /// What the history says; `None` = not measured.
    pub history: Option<History>,
    /// Why it was not measured, with the command that helps.
    pub history_missing: String,
    /// Libraries with types of the domain that several services use.
    pub libraries: Vec<SharedLibrary>,
    /// Findings that only linking can see (hard-coded addresses, dual writes).
    pub findings: Vec<Finding>,
    /// What traces say.
    pub traffic: Option<Traffic>,
    /// Services by the names that traces give them.
    pub traced: BTreeMap<String, String>,
    /// What was read.
    pub read: ReadCounts,
    /// What could not be read or resolved.
    pub notes: Vec<Note>,
}

/// The service call graph. Read-only once it is made.
#[derive(Debug, Clone, Default)]
pub struct ServiceGraph {
    parts: Parts,
    by_name: BTreeMap<String, usize>,
    /// Dependencies in the order of their targets.
    by_target: Vec<usize>,
}

impl ServiceGraph {
    /// Makes a graph of its parts, bringing every list into its order.
    #[must_use]
    pub fn new(mut parts: Parts) -> Self {
        parts.services.sort_by(|a, b| a.name.cmp(&b.name));
        parts.dependencies.sort_by(|a, b| a.key().cmp(&b.key()));
        parts.candidates.sort();
        parts.unresolved.sort();
        parts.shared_writes.sort();
        parts.tables.sort();
        parts.endpoints.sort_by(|a, b| {
            (&a.service, &a.path, &a.method, &a.place).cmp(&(&b.service, &b.path, &b.method, &b.place))
        });
        let by_name = parts.services.iter().enumerate().map(|(i, s)| (s.name.clone(), i)).collect();
        let mut by_target: Vec<usize> = (0..parts.dependencies.len()).collect();
        by_target.sort_by(|a, b| parts.dependencies[*a].target.cmp(&parts.dependencies[*b].target).then(a.cmp(b)));
        Self { parts, by_name, by_target }
    }

    /// All parts.
    #[must_use]
    pub fn parts(&self) -> &Parts {
        &self.parts
    }

    /// Services by name.
    #[must_use]
    pub fn services(&self) -> &[Service] {
        &self.parts.services
    }

    /// Dependencies by identity.
    #[must_use]
    pub fn dependencies(&self) -> &[Dependency] {
        &self.parts.dependencies
    }

    /// The service of this name.
    #[must_use]
    pub fn service(&self, name: &str) -> Option<&Service> {
        self.by_name.get(name).map(|at| &self.parts.services[*at])
    }

    /// Dependencies that leave a service.
    pub fn outgoing<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Dependency> + 'a {
        range(&self.parts.dependencies, name, |d| &d.source).iter()
    }

    /// Dependencies that reach a service.
    pub fn incoming<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Dependency> + 'a {
        let all = &self.parts.dependencies;
        let from = self.by_target.partition_point(|at| all[*at].target.as_str() < name);
        self.by_target[from..].iter().map(move |at| &all[*at]).take_while(move |d| d.target == name)
    }

    /// Operations that a service serves.
    pub fn endpoints_of<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Endpoint> + 'a {
        range(&self.parts.endpoints, name, |e| &e.service).iter()
    }

    /// Tables that a service uses.
    pub fn tables_of<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a TableUse> + 'a {
        range(&self.parts.tables, name, |t| &t.service).iter()
    }

    /// The parts, to make a changed graph.
    #[must_use]
    pub fn into_parts(self) -> Parts {
        self.parts
    }
}

/// The part of a sorted list that belongs to a name.
fn range<'a, T>(all: &'a [T], name: &str, of: impl Fn(&T) -> &str) -> &'a [T] {
    let from = all.partition_point(|t| of(t) < name);
    let length = all[from..].partition_point(|t| of(t) == name);
    &all[from..from + length]
}
