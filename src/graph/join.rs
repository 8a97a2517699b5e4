//! Joins what was read service by service: edges, candidates, unresolved sites, endpoints, tables.
//!
//! Takes the readings in the order of the nodes; gives the parts of the graph. Follows no value.

mod declared;
mod origin;
mod parts;
mod products;

use std::collections::{BTreeMap, BTreeSet};

use crate::config::Config;
use crate::model::{
    Candidate, Confidence, Endpoint, Evidence, Facts, Mode, Note, Place, ServiceKind, Site, SiteCounts, SiteState,
    SourceKind, UnresolvedSite,
};

use super::address::path_fits;
use super::discovery::ByLibrary;
use super::edges::Edges;
use super::link::{Reading, SettledRoute};
use super::observed;
use super::roles::Roles;
use super::services::{Node, Nodes};
use super::sites::{Outbound, Settled, plain_path};
use super::topics;
use super::variants::{self, Possible};

use origin::{guessed_segments, literal_length};

/// A path with fewer letters than this outside holes says nothing about who serves it.
const TELLING_PATH: usize = 4;

/// Puts the parts together.
pub struct Joiner<'j> {
    facts: &'j Facts,
    config: &'j Config,
    roles: &'j Roles,
    nodes: Nodes,
    readings: Vec<Reading>,
    edges: Edges,
    endpoints: Vec<Vec<Endpoint>>,
    candidates: Vec<Candidate>,
    unresolved: Vec<UnresolvedSite>,
    /// Declarations that match nothing.
    unmatched: Vec<Note>,
    states: BTreeMap<(usize, String, u32, Mode), SiteState>,
    /// Databases by service: node and schema.
    databases: BTreeMap<usize, BTreeSet<(usize, String)>>,
}

impl<'j> Joiner<'j> {
    /// A joiner of readings, one per node.
    #[must_use]
    pub fn new(facts: &'j Facts, config: &'j Config, roles: &'j Roles, nodes: Nodes, readings: Vec<Reading>) -> Self {
        let endpoints = Vec::new();
        Self {
            facts,
            config,
            roles,
            nodes,
            readings,
            edges: Edges::default(),
            endpoints,
            candidates: Vec::new(),
            unresolved: Vec::new(),
            unmatched: Vec::new(),
            states: BTreeMap::new(),
            databases: BTreeMap::new(),
        }
    }

    /// Edges by library; those that the code or its configuration addresses need none.
    pub fn libraries(&mut self, all: Vec<ByLibrary>) {
        for (from, to, mode, evidence) in all {
            let kind = self.nodes.all[to].kind;
            let addressed = mode == Mode::Infra
                && self.edges.keys().any(|(a, b, m, _)| *a == from && *m == mode && self.nodes.all[*b].kind == kind);
            if !addressed {
                self.edges.evidence((from, to, mode, None), "", mode == Mode::Sync, evidence);
            }
        }
    }

    /// Joins everything.
    pub fn join(&mut self, routes: &[SettledRoute]) {
        self.endpoints = self.readings.iter_mut().map(|r| std::mem::take(&mut r.endpoints)).collect();
        self.declared_operations();
        self.routes(routes);
        for at in 0..self.readings.len() {
            let (standing, possible) = variants::decide(std::mem::take(&mut self.readings[at].outbound));
            for out in standing {
                self.outbound(at, out, routes);
            }
            for possible in possible {
                self.possible(at, possible);
            }
        }
        self.deliveries();
        self.products();
        if let Some(traffic) = &self.facts.traffic {
            observed::merge(traffic, &mut self.nodes, &mut self.edges, self.roles);
        }
        self.declared_edges();
    }

    // ---- endpoints ----

    /// Operations of a service that a call fits.
    fn fitting<'e>(&'e self, at: usize, method: &'e str, path: &'e str) -> impl Iterator<Item = &'e Endpoint> {
        let fits = move |e: &&Endpoint| {
            let verb = e.method == method || e.method == "ANY" || method == "*";
            verb && if e.method == "RPC" {
                super::rpc::flat(&e.path) == super::rpc::flat(path)
            } else {
                path_fits(path, &e.path)
            }
        };
        self.endpoints.get(at).into_iter().flatten().filter(fits)
    }

    /// The operation that a call reaches: the one that says most of those whose fixed segments the call names too,
    /// else the only one that fits.
    fn serving<'e>(&'e self, at: usize, method: &'e str, path: &'e str) -> Option<&'e Endpoint> {
        let fitting: Vec<&'e Endpoint> = self.fitting(at, method, path).collect();
        let sure = fitting.iter().filter(|e| guessed_segments(path, &e.path) == 0);
        let only = || if let [one] = fitting.as_slice() { Some(*one) } else { None };
        sure.max_by_key(|e| literal_length(&e.path)).copied().or_else(only)
    }

    /// Services other than `from` that serve a path.
    fn servers(&self, from: usize, out: &Outbound) -> Vec<usize> {
        if literal_length(&out.path) < TELLING_PATH {
            return Vec::new();
        }
        (0..self.endpoints.len())
            .filter(|at| *at != from && self.fitting(*at, &out.method, &out.path).next().is_some())
            .collect()
    }

    // ---- calls ----

    fn outbound(&mut self, from: usize, mut out: Outbound, routes: &[SettledRoute]) {
        match out.settled.clone() {
            Settled::Node(to) => self.reach_node(from, to, out),
            Settled::External(host) => self.reach_external(from, &host, out),
            Settled::Relative if out.mode == Mode::Sync => {
                if let Some(to) = self.behind_origin(from, &out, routes) {
                    out.site.confidence = Confidence::Probable;
                    self.reach_node(from, to, out);
                } else {
                    self.by_path(from, out, "the address has no host, and no base address reaches it", routes);
                }
            }
            Settled::Relative => self.unknown_store(from, out, "the address has no host"),
            Settled::Unknown(reason) if out.mode == Mode::Data => self.unknown_store(from, out, &reason),
            Settled::Unknown(reason) if out.mode == Mode::Sync => self.by_path(from, out, &reason, routes),
            Settled::Unknown(_) if out.mode == Mode::Infra => self.local_product(from, out),
            Settled::Unknown(_) => {}
        }
    }

    /// Infrastructure at its usual port of this machine, which no manifest starts.
    fn local_product(&mut self, from: usize, mut out: Outbound) {
        let address = super::address::Address::parse(&out.value);
        let product = address.port.filter(|_| address.is_local()).and_then(|p| self.roles.at_port(p));
        let Some(name) = product.map(str::to_owned) else { return };
        let kind = self.roles.of_image(&name).map_or(ServiceKind::Monitoring, |r| r.kind);
        out.site.confidence = Confidence::Probable;
        let to = self.named_node(&name, kind, &out);
        self.reach_node(from, to, out);
    }

    fn reach_node(&mut self, from: usize, to: usize, mut out: Outbound) {
        if out.site.dead {
            let reason = format!("nobody calls {} in this code", out.site.caller);
            self.candidate(from, &[to], out, reason);
            return;
        }
        self.state(from, &out, SiteState::Resolved);
        if from == to {
            return;
        }
        let kind = self.nodes.all[to].kind.unwrap_or(ServiceKind::Service);
        let watches = matches!(
            self.nodes.all[from].kind,
            Some(ServiceKind::Monitoring | ServiceKind::Config | ServiceKind::Registry)
        );
        let mode = match (out.mode, kind) {
            (Mode::Sync, ServiceKind::Broker) => return,
            (Mode::Sync, _) if watches => Mode::Infra,
            (Mode::Sync, ServiceKind::Database) => Mode::Data,
            (Mode::Sync, ServiceKind::Config | ServiceKind::Registry | ServiceKind::Monitoring) => Mode::Infra,
            (Mode::Data, ServiceKind::Broker) => return,
            (mode, _) => mode,
        };
        if mode == Mode::Data {
            self.use_database(from, to, &out);
        }
        if mode == Mode::Sync
            && let Some((handler, place)) =
                self.serving(to, &out.method, &out.path).map(|e| (e.handler.clone(), e.place.to_string()))
        {
            out.site.handler = Some(handler).filter(|h| !h.is_empty());
            out.site.handler_place = Some(place);
        }
        let source = if out.site.rule.is_empty() || out.site.caller.is_empty() && is_manifest(&out.site) {
            SourceKind::Manifests
        } else {
            SourceKind::Code
        };
        self.edges.site((from, to, mode, None), &out.protocol, out.site, source);
    }

    fn use_database(&mut self, from: usize, to: usize, out: &Outbound) {
        let node = &mut self.nodes.all[to];
        if node.folders.is_empty() && node.kind.is_none_or(|k| k == ServiceKind::Service || k == ServiceKind::External)
        {
            node.kind = Some(ServiceKind::Database);
        }
        if node.engine.is_none() && !out.protocol.is_empty() {
            node.engine = Some(out.protocol.clone());
        }
        let schema = out.database.clone().unwrap_or_default();
        self.databases.entry(from).or_default().insert((to, schema));
    }

    fn reach_external(&mut self, from: usize, host: &str, out: Outbound) {
        if out.site.dead {
            return;
        }
        let kind = if out.mode == Mode::Data { ServiceKind::Database } else { ServiceKind::External };
        self.state(from, &out, SiteState::External);
        if out.mode == Mode::Infra {
            return;
        }
        let to = self.named_node(host, kind, &out);
        if out.mode == Mode::Data {
            self.use_database(from, to, &out);
        }
        let source =
            if out.site.caller.is_empty() && is_manifest(&out.site) { SourceKind::Manifests } else { SourceKind::Code };
        self.edges.site((from, to, out.mode, None), &out.protocol, out.site, source);
    }

    fn named_node(&mut self, name: &str, kind: ServiceKind, out: &Outbound) -> usize {
        if let Some(at) = self.nodes.find(name) {
            return at;
        }
        let place = Place::new(&out.site.root, &out.site.path, out.site.line);
        let says = format!("an address names {name}");
        let engine = (kind == ServiceKind::Database && !out.protocol.is_empty()).then(|| out.protocol.clone());
        self.nodes.add(Node {
            name: name.to_owned(),
            names: BTreeMap::from([(name.to_owned(), 0)]),
            kind: Some(kind),
            engine,
            evidence: vec![Evidence::new(SourceKind::Code, place, &says, out.site.confidence)],
            ..Node::default()
        })
    }

    /// A connection whose address is not known: the only store of that product, or the one named like the service.
    fn unknown_store(&mut self, from: usize, mut out: Outbound, reason: &str) {
        if out.site.dead {
            return;
        }
        let host = super::address::Address::parse(&out.value).host;
        let plain = !host.is_empty()
            && !host.contains('{')
            && host.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | '.'));
        // A machine by number says as little as this machine does.
        let numeric = host.split('.').count() == 4 && host.split('.').all(|p| p.parse::<u8>().is_ok());
        let local = numeric || host == "localhost";
        if plain && !local && host.chars().any(char::is_alphabetic) && out.value.contains("://") {
            let to = self.named_node(&host, ServiceKind::Database, &out);
            return self.reach_node(from, to, out);
        }
        // `127.0.0.1:5432/ledger-db` through a proxy beside the service: the database's name may be its server's.
        if let Some(to) = out.database.as_deref().and_then(|d| self.nodes.find(d))
            && self.nodes.all[to].kind == Some(ServiceKind::Database)
        {
            out.site.confidence = Confidence::Probable;
            return self.reach_node(from, to, out);
        }
        let stores: Vec<usize> = (0..self.nodes.all.len())
            .filter(|at| {
                let node = &self.nodes.all[*at];
                node.kind == Some(ServiceKind::Database) && node.engine.as_deref() == Some(out.protocol.as_str())
            })
            .collect();
        let own = super::services::normal(&self.nodes.all[from].name);
        let named: Vec<usize> = stores
            .iter()
            .copied()
            .filter(|at| super::services::normal(&self.nodes.all[*at].name).starts_with(&own))
            .collect();
        match (named.as_slice(), stores.as_slice()) {
            ([one], _) | ([], [one]) => {
                out.site.confidence = Confidence::Probable;
                let to = *one;
                self.reach_node(from, to, out);
            }
            // A server of its product on this machine that no manifest starts.
            ([], []) if local && !out.protocol.is_empty() => {
                out.site.confidence = Confidence::Probable;
                let engine = out.protocol.clone();
                let to = self.named_node(&engine, ServiceKind::Database, &out);
                self.reach_node(from, to, out);
            }
            _ => self.not_resolved(from, out, reason),
        }
    }

    fn not_resolved(&mut self, from: usize, out: Outbound, reason: &str) {
        self.state(from, &out, SiteState::Unresolved);
        self.unresolved.push(UnresolvedSite {
            source: self.nodes.all[from].name.clone(),
            reason: reason.to_owned(),
            last_value: out.value,
            site: out.site,
        });
    }

    fn candidate(&mut self, from: usize, targets: &[usize], out: Outbound, reason: String) {
        self.candidates.push(Candidate {
            source: self.nodes.all[from].name.clone(),
            targets: targets.iter().map(|t| self.nodes.all[*t].name.clone()).collect(),
            mode: out.mode,
            site: Site { confidence: Confidence::Possible, ..out.site },
            reason,
        });
    }

    /// A call of which it depends on the variant whom it reaches.
    fn possible(&mut self, from: usize, possible: Possible) {
        let Possible { outbound: out, targets, reason, alone } = possible;
        if out.site.dead || targets.iter().all(|t| *t == Settled::Node(from)) {
            return;
        }
        if alone {
            self.state(from, &out, SiteState::Ambiguous);
        }
        let name = |target: &Settled| match target {
            Settled::Node(at) => Some(self.nodes.all[*at].name.clone()),
            Settled::External(host) => Some(host.clone()),
            _ => None,
        };
        self.candidates.push(Candidate {
            source: self.nodes.all[from].name.clone(),
            targets: targets.iter().filter_map(name).collect(),
            mode: out.mode,
            site: Site { confidence: Confidence::Possible, ..out.site },
            reason,
        });
    }

    /// The best state of a site counts.
    fn state(&mut self, from: usize, out: &Outbound, state: SiteState) {
        if !matches!(out.mode, Mode::Sync | Mode::Data) {
            return;
        }
        let key = (from, out.site.path.clone(), out.site.line, out.mode);
        let known = self.states.entry(key).or_insert(state);
        *known = (*known).min(state);
    }

    // ---- routes, topics, declarations ----

    fn routes(&mut self, routes: &[SettledRoute]) {
        for route in routes {
            let Settled::Node(to) = route.outbound.settled else { continue };
            let Some(gateway) = route.gateway else {
                self.nodes.all[to].exposed = true;
                continue;
            };
            let node = &mut self.nodes.all[gateway];
            if node.folders.is_empty() && node.kind.is_none_or(|k| k == ServiceKind::Service) {
                node.kind = Some(ServiceKind::Gateway);
            }
            if gateway == to {
                continue;
            }
            let kind = self.nodes.all[to].kind.unwrap_or(ServiceKind::Service);
            let watches = route.evidence.says.starts_with("prometheus ");
            let mode = match kind {
                _ if watches => Mode::Infra,
                ServiceKind::Config | ServiceKind::Registry | ServiceKind::Monitoring => Mode::Infra,
                ServiceKind::Database | ServiceKind::Broker => continue,
                _ => Mode::Sync,
            };
            let blocking = mode == Mode::Sync;
            let mut site = route.outbound.site.clone();
            site.operation = format!("* {}", if route.pattern.is_empty() { "/" } else { &route.pattern });
            let protocol = if route.outbound.value.starts_with("grpc") { "grpc" } else { "http" };
            let key = (gateway, to, mode, None);
            self.edges.evidence(key.clone(), protocol, blocking, route.evidence.clone());
            self.edges.site(key, protocol, site, SourceKind::Manifests);
        }
    }

    fn deliveries(&mut self) {
        let mut uses: Vec<topics::ChannelUse> =
            self.readings.iter_mut().flat_map(|r| std::mem::take(&mut r.uses)).collect();
        uses.extend(self.declared_channels());
        uses.extend(self.captured_channels());
        for delivery in topics::join(&uses) {
            if delivery.sites.iter().any(|s| s.dead) {
                continue;
            }
            let key = match delivery.answered {
                true => (delivery.source, delivery.target, Mode::Sync, None),
                false => (delivery.source, delivery.target, Mode::Async, Some(delivery.channel.clone())),
            };
            for site in delivery.sites.into_iter().take(if delivery.answered { 1 } else { 2 }) {
                let source = match site.rule.as_str() {
                    declared::RULE => SourceKind::Specs,
                    declared::CAPTURED => SourceKind::Manifests,
                    _ => SourceKind::Code,
                };
                let site = Site { confidence: delivery.confidence, ..site };
                self.edges.site(key.clone(), &delivery.protocol, site, source);
            }
        }
        for use_ in uses {
            if let Some(reason) = use_.reason {
                self.unresolved.push(UnresolvedSite {
                    source: self.nodes.all[use_.at].name.clone(),
                    reason,
                    last_value: use_.topic,
                    site: use_.site,
                });
            }
        }
    }
}

/// A site in a configuration file.
fn is_manifest(site: &Site) -> bool {
    let name = site.path.rsplit('/').next().unwrap_or_default();
    let extension = name.rsplit('.').next().unwrap_or_default();
    matches!(
        extension,
        "yml" | "yaml" | "properties" | "json" | "env" | "toml" | "conf" | "cfg" | "template" | "ini" | "xml"
    ) || name.starts_with(".env")
        || name.starts_with("Dockerfile")
}

fn counts(states: &BTreeMap<(usize, String, u32, Mode), SiteState>) -> SiteCounts {
    let mut counts = SiteCounts::default();
    for state in states.values() {
        match state {
            SiteState::Resolved => counts.resolved += 1,
            SiteState::External => counts.external += 1,
            SiteState::Ambiguous => counts.ambiguous += 1,
            SiteState::Unresolved => counts.unresolved += 1,
        }
    }
    counts
}

fn unique(mut endpoints: Vec<Endpoint>) -> Vec<Endpoint> {
    endpoints
        .sort_by(|a, b| (&a.service, &a.path, &a.method, &a.place).cmp(&(&b.service, &b.path, &b.method, &b.place)));
    endpoints.dedup_by(|a, b| (&a.service, &a.path, &a.method, &a.place) == (&b.service, &b.path, &b.method, &b.place));
    endpoints
}
