//! What is left when all edges stand: tables, shared writes, endpoints, everything in its order.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{
    Confidence, Evidence, Note, SchemaFact, SharedWrite, SourceKind, TableAccess, TableUse, UnresolvedSite,
};

use crate::graph::{Parts, history, observed, profiles};

use super::*;

impl Joiner<'_> {
    /// The parts of the graph.
    #[must_use]
    pub fn finish(mut self) -> Parts {
        let mut tables = self.tables();
        if let Some(traffic) = &self.facts.traffic {
            tables.extend(observed::tables(traffic, &self.nodes, &self.edges));
        }
        let shared_writes = self.shared_writes(&tables);
        let schemas = self.schemas();
        let mut notes = self.facts.notes.clone();
        notes.append(&mut self.unmatched);
        notes.extend(self.only_declared());
        self.jobs();
        let idle = self.idle();
        let mut services = self.nodes.services(self.config, &self.facts.owners);
        services.retain(|s| !idle.contains(&s.name));
        for name in &idle {
            let text = "its code or its deployment is not here and nothing calls it: left out".to_owned();
            notes.push(Note::new(name, text));
        }
        let mut by_service: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
        for use_ in &tables {
            by_service.entry(&use_.service).or_default().insert(use_.table.clone());
        }
        let nodes = self.nodes.all.iter().enumerate();
        let used = nodes.filter_map(|(at, n)| Some((at, by_service.remove(n.name.as_str())?))).collect();
        self.edges.tables(&used);
        let unresolved = self.not_settled();
        let nodes = &self.nodes;
        let dependencies = std::mem::take(&mut self.edges).finish(|at| nodes.all[at].name.clone());
        let history = history::history(self.facts, &self.nodes);
        let profiles = profiles::profiles(self.facts, &self.nodes, &services, &self.databases);
        self.candidates.sort();
        self.candidates.dedup();
        Parts {
            services,
            dependencies,
            candidates: self.candidates,
            unresolved,
            site_counts: counts(&self.states),
            shared_writes,
            tables,
            endpoints: unique(self.endpoints.into_iter().flatten().collect()),
            schemas,
            owners: self.facts.owners.clone(),
            flows: self.readings.into_iter().flat_map(|r| r.flows).collect(),
            practices: profiles::practices(self.facts, &self.nodes),
            profiles,
            history: history.as_ref().ok().cloned(),
            history_missing: history.err().unwrap_or_default(),
            libraries: profiles::libraries(self.facts, &self.nodes),
            findings: Vec::new(),
            traced: self.facts.traffic.as_ref().map(|t| observed::names(t, nodes)).unwrap_or_default(),
            traffic: self.facts.traffic.clone(),
            read: self.facts.counts.clone(),
            notes,
        }
    }

    /// Sites that no alternative of theirs settled.
    fn not_settled(&mut self) -> Vec<UnresolvedSite> {
        let settled: BTreeSet<(&str, &str, u32)> = self
            .states
            .iter()
            .filter(|(_, state)| **state != SiteState::Unresolved)
            .map(|((at, path, line, _), _)| (self.nodes.all[*at].name.as_str(), path.as_str(), *line))
            .collect();
        let mut unresolved = std::mem::take(&mut self.unresolved);
        unresolved.retain(|u| !settled.contains(&(u.source.as_str(), u.site.path.as_str(), u.site.line)));
        unresolved.sort();
        unresolved.dedup();
        unresolved
    }

    /// What only sets up a broker (topics, schemas, connectors), serves nothing and is called by nobody runs and ends.
    fn jobs(&mut self) {
        let mut reaches: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        let mut reached: BTreeSet<usize> = BTreeSet::new();
        for (from, to, mode, _) in self.edges.keys() {
            reaches.entry(*from).or_default().push(*to);
            if matches!(mode, Mode::Sync | Mode::Async) {
                reached.insert(*to);
            }
        }
        let all = &self.nodes.all;
        let sets_up = |at: &usize| {
            all[*at].kind == Some(ServiceKind::Broker)
                || matches!(all[*at].engine.as_deref(), Some("kafka-connect" | "schema-registry"))
        };
        let job = |at: &usize| {
            all[*at].kind.is_none_or(|k| k == ServiceKind::Service)
                && !reached.contains(at)
                && self.endpoints.get(*at).is_none_or(Vec::is_empty)
                && reaches.get(at).is_some_and(|to| to.iter().all(sets_up))
        };
        let jobs: Vec<usize> = (0..all.len()).filter(job).collect();
        for at in jobs {
            self.nodes.all[at].kind = Some(ServiceKind::Other);
        }
    }

    /// Declared services of which nothing else was read.
    fn only_declared(&self) -> Vec<Note> {
        let mut notes = Vec::new();
        for (name, declared) in &self.config.services {
            let known = self.nodes.all.iter().any(|n| {
                n.evidence.iter().any(|e| e.source != SourceKind::Declared)
                    && n.names.keys().any(|k| std::iter::once(name).chain(&declared.aliases).any(|d| d == k))
            });
            let ignored = declared.ignore.is_some();
            if !known
                && !ignored
                && (!declared.aliases.is_empty() || declared.role.is_some() || declared.owner.is_some())
            {
                let text =
                    format!("nothing that was read is called {name}: it is in the graph only because it is declared");
                notes.push(Note::new(Place::new("", crate::config::FILE_NAME, 0), text));
            }
        }
        notes
    }

    /// What would only dilute the score: deployed services without code that no edge touches, in a system whose
    /// other services have theirs (leftovers of manifests), and images that nothing deploys and that serve nothing,
    /// in a system whose other services are deployed (tools of the repository).
    fn idle(&self) -> BTreeSet<String> {
        let services =
            || self.nodes.all.iter().enumerate().filter(|(_, n)| n.kind.is_none_or(|k| k == ServiceKind::Service));
        let coded = |n: &Node| !n.languages.is_empty();
        let deployed = |n: &Node| {
            n.workloads.iter().any(|w| self.facts.workloads[*w].kind != crate::model::WorkloadKind::Dockerfile)
        };
        let all = services().count();
        let most_coded = services().filter(|(_, n)| coded(n)).count() * 2 >= all;
        let most_deployed = services().filter(|(_, n)| deployed(n)).count() * 2 >= all;
        let touched: BTreeSet<usize> = self.edges.keys().flat_map(|(a, b, ..)| [*a, *b]).collect();
        let seen = |n: &Node| n.evidence.iter().any(|e| e.source != SourceKind::Manifests);
        let leftover = |at: usize, n: &Node| {
            let serves = self.endpoints.get(at).is_some_and(|e| !e.is_empty());
            let tool = most_deployed && !deployed(n) && !serves;
            most_coded && !coded(n) || tool
        };
        // The image of a product that other workloads run under their own names.
        let image = |n: &Node| {
            matches!(n.kind, Some(ServiceKind::Database | ServiceKind::Broker))
                && !n.workloads.is_empty()
                && !deployed(n)
                && most_deployed
        };
        let leftovers = services().filter(|(at, n)| leftover(*at, n));
        let all = || self.nodes.all.iter().enumerate();
        let images = all().filter(|(_, n)| image(n));
        // The store that a second way of deployment (a chart beside compose files) starts under another name.
        let in_cluster = |n: &Node| {
            let kinds = || n.workloads.iter().map(|w| self.facts.workloads[*w].kind);
            kinds().next().is_some() && kinds().all(|k| k != crate::model::WorkloadKind::Compose)
        };
        let same = |a: &Node, b: &Node| a.kind == b.kind && a.engine.is_some() && a.engine == b.engine;
        let elsewhere = |n: &Node| all().any(|(at, o)| touched.contains(&at) && same(n, o) && !in_cluster(o));
        let again = all().filter(|(_, n)| {
            matches!(n.kind, Some(ServiceKind::Database | ServiceKind::Broker)) && in_cluster(n) && elsewhere(n)
        });
        leftovers
            .chain(images)
            .chain(again)
            .filter(|(at, n)| !touched.contains(at) && !seen(n))
            .map(|(_, n)| n.name.clone())
            .collect()
    }

    /// Schemas with the services that they belong to: of code by its reading, of files by their folder.
    fn schemas(&mut self) -> Vec<SchemaFact> {
        let mut all = self.facts.schemas.clone();
        for schema in &mut all {
            let (owners, library) = self.nodes.owners(self.facts, &schema.place);
            if !library {
                schema.services = owners.iter().map(|at| self.nodes.all[*at].name.clone()).collect();
            }
        }
        all.extend(self.readings.iter_mut().flat_map(|r| std::mem::take(&mut r.schemas)));
        all.sort_by(|a, b| (&a.place, &a.name, &a.services).cmp(&(&b.place, &b.name, &b.services)));
        all
    }

    /// Uses of tables by code and migrations, with the database where it is certain.
    pub(super) fn tables(&mut self) -> Vec<TableUse> {
        let mut all: Vec<TableUse> = self.readings.iter_mut().flat_map(|r| std::mem::take(&mut r.tables)).collect();
        for schema in self.facts.schemas.iter().filter(|s| s.format == "migration") {
            let (owners, library) = self.nodes.owners(self.facts, &schema.place);
            let ([at], false) = (owners.as_slice(), library) else { continue };
            let table = schema.table.clone().unwrap_or_else(|| schema.name.clone()).to_lowercase();
            all.push(TableUse {
                service: self.nodes.all[*at].name.clone(),
                table,
                database: None,
                access: TableAccess::Defines,
                evidence: Evidence::new(
                    SourceKind::Code,
                    schema.place.clone(),
                    "a migration defines the table",
                    Confidence::Confirmed,
                ),
            });
        }
        for use_ in &mut all {
            let at = self.nodes.find(&use_.service);
            let databases = at.and_then(|at| self.databases.get(&at));
            let stores: BTreeSet<usize> = databases.into_iter().flatten().map(|(to, _)| *to).collect();
            if let (1, Some(one)) = (stores.len(), stores.first()) {
                use_.database = Some(self.nodes.all[*one].name.clone());
            }
        }
        all.sort();
        all.dedup();
        all
    }

    /// Tables of one schema of one server that several services write.
    pub(super) fn shared_writes(&self, tables: &[TableUse]) -> Vec<SharedWrite> {
        let mut writers: BTreeMap<(&str, String, &str), Vec<&TableUse>> = BTreeMap::new();
        for use_ in tables.iter().filter(|t| t.access == TableAccess::Writes) {
            let (Some(database), Some(at)) = (use_.database.as_deref(), self.nodes.find(&use_.service)) else {
                continue;
            };
            // Where spans alone show the database, they have told its schemas apart already.
            if use_.evidence.source == SourceKind::Traces && !self.databases.contains_key(&at) {
                writers.entry((database, String::new(), &use_.table)).or_default().push(use_);
            }
            let schemas = self.databases.get(&at).into_iter().flatten();
            for (to, schema) in schemas {
                if self.nodes.all[*to].name == database {
                    writers.entry((database, schema.clone(), &use_.table)).or_default().push(use_);
                }
            }
        }
        let mut all = Vec::new();
        for ((database, _, table), uses) in writers {
            let services: BTreeSet<String> = uses.iter().map(|u| u.service.clone()).collect();
            if services.len() > 1 {
                all.push(SharedWrite {
                    services: services.into_iter().collect(),
                    table: table.to_owned(),
                    database: Some(database.to_owned()),
                    evidence: uses.iter().map(|u| u.evidence.clone()).collect(),
                });
            }
        }
        all
    }
}
