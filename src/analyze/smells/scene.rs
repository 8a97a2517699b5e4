//! What smells look at: the analysed graph, with everything found by service or by place.

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::analyze::knowledge::Knowledge;
use crate::analyze::score::Coupling;
use crate::graph::ServiceGraph;
use crate::graph::digraph::Digraph;
use crate::model::{
    Act, Confidence, Dependency, Endpoint, Entity, Evidence, Flow, FlowStep, Intent, Mode, Place, Practice,
    PracticeKind, Profile, Relation, RequestAct, Service, ServiceKind, Site, SourceKind, TableUse, Traffic, VerbLie,
};

/// A place in code: root, path, line.
type At<'s> = (&'s str, &'s str, u32);

/// A call site with its dependency.
pub type Call<'s> = (&'s Dependency, &'s Site);

/// What smells look at.
pub struct Scene<'s> {
    /// The graph.
    pub graph: &'s ServiceGraph,
    /// The blocking graph.
    pub coupling: &'s Coupling,
    /// The entity tests.
    pub entities: &'s [Entity],
    /// Operations whose verb hides what they do.
    pub verb_lies: &'s [VerbLie],
    /// Owners of data that are declared to be liberated: consumers are to keep their own copies.
    pub liberated: &'s [String],
    /// Thresholds and words.
    pub knowledge: &'s Knowledge,
    outgoing: BTreeMap<&'s str, Vec<&'s Dependency>>,
    incoming: BTreeMap<&'s str, Vec<&'s Dependency>>,
    endpoints: BTreeMap<&'s str, Vec<&'s Endpoint>>,
    tables: BTreeMap<&'s str, Vec<&'s TableUse>>,
    practices: BTreeMap<&'s str, Vec<&'s Practice>>,
    flows: BTreeMap<&'s str, Vec<&'s Flow>>,
    profiles: BTreeMap<&'s str, &'s Profile>,
    /// Parts of the system that answer calls. This and the next are asked for every call of every smell.
    inside: HashSet<&'s str>,
    sites: HashMap<At<'s>, Vec<Call<'s>>>,
}

impl<'s> Scene<'s> {
    /// Indexes what the analysis found.
    #[must_use]
    pub fn new(
        graph: &'s ServiceGraph,
        coupling: &'s Coupling,
        entities: &'s [Entity],
        verb_lies: &'s [VerbLie],
        liberated: &'s [String],
        knowledge: &'s Knowledge,
    ) -> Self {
        let parts = graph.parts();
        let mut scene = Self {
            graph,
            coupling,
            entities,
            verb_lies,
            liberated,
            knowledge,
            outgoing: BTreeMap::new(),
            incoming: BTreeMap::new(),
            endpoints: BTreeMap::new(),
            tables: BTreeMap::new(),
            practices: BTreeMap::new(),
            flows: BTreeMap::new(),
            profiles: parts.profiles.iter().map(|p| (p.service.as_str(), p)).collect(),
            inside: graph.services().iter().filter(|s| answers(s.kind)).map(|s| s.name.as_str()).collect(),
            sites: HashMap::new(),
        };
        for dependency in graph.dependencies() {
            scene.outgoing.entry(&dependency.source).or_default().push(dependency);
            scene.incoming.entry(&dependency.target).or_default().push(dependency);
            for site in &dependency.sites {
                let key = (site.root.as_str(), site.path.as_str(), site.line);
                scene.sites.entry(key).or_default().push((dependency, site));
            }
        }
        for endpoint in &parts.endpoints {
            scene.endpoints.entry(&endpoint.service).or_default().push(endpoint);
        }
        for table in &parts.tables {
            scene.tables.entry(&table.service).or_default().push(table);
        }
        for flow in &parts.flows {
            scene.flows.entry(&flow.service).or_default().push(flow);
        }
        for practice in &parts.practices {
            scene.practices.entry(&practice.service).or_default().push(practice);
        }
        scene
    }

    /// Services that the system itself runs and that hold business code: no databases, brokers, gateways and the like.
    pub fn own(&self) -> impl Iterator<Item = &'s Service> + '_ {
        self.graph.services().iter().filter(|s| matches!(s.kind, ServiceKind::Service | ServiceKind::Auth))
    }

    /// Own services whose code was read.
    pub fn coded(&self) -> impl Iterator<Item = &'s Service> + '_ {
        self.own().filter(|s| !s.languages.is_empty())
    }

    /// Everything whose code was read, user interfaces and gateways too.
    pub fn built(&self) -> impl Iterator<Item = &'s Service> + '_ {
        self.graph.services().iter().filter(|s| !s.languages.is_empty())
    }

    /// Dependencies that leave a service.
    pub fn outgoing(&self, service: &str) -> &[&'s Dependency] {
        self.outgoing.get(service).map_or(&[], Vec::as_slice)
    }

    /// Dependencies that reach a service.
    pub fn incoming(&self, service: &str) -> &[&'s Dependency] {
        self.incoming.get(service).map_or(&[], Vec::as_slice)
    }

    /// Synchronous dependencies between services of the system: from a UI, a gateway or a service to a service.
    pub fn calls(&self) -> impl Iterator<Item = &'s Dependency> + '_ {
        self.graph.dependencies().iter().filter(|d| d.mode == Mode::Sync && self.is_inside(&d.target))
    }

    /// The graph of blocking calls between all parts of the system, user interfaces and gateways too: names, graph,
    /// and the dependency of each edge. Unlike the graph of the score it knows no common tables.
    pub fn blocking(&self) -> (Vec<&'s str>, Digraph, BTreeMap<(u32, u32), &'s Dependency>) {
        let names: Vec<&str> =
            self.graph.services().iter().filter(|s| self.is_inside(&s.name)).map(|s| s.name.as_str()).collect();
        let at: BTreeMap<&str, u32> = names.iter().enumerate().map(|(i, n)| (*n, i as u32)).collect();
        let edges: BTreeMap<(u32, u32), &Dependency> = self
            .calls()
            .filter(|d| d.blocking)
            .filter_map(|d| Some(((*at.get(d.source.as_str())?, *at.get(d.target.as_str())?), d)))
            .collect();
        let digraph = Digraph::new(names.len(), edges.keys().copied());
        (names, digraph, edges)
    }

    /// Is it a part of the system that answers calls?
    pub fn is_inside(&self, service: &str) -> bool {
        self.inside.contains(service)
    }

    /// Operations that a service serves.
    pub fn endpoints(&self, service: &str) -> &[&'s Endpoint] {
        self.endpoints.get(service).map_or(&[], Vec::as_slice)
    }

    /// Tables that a service uses.
    pub fn tables(&self, service: &str) -> &[&'s TableUse] {
        self.tables.get(service).map_or(&[], Vec::as_slice)
    }

    /// Practices of a service; those of nobody (pipelines, the mesh) under the empty name.
    pub fn practices(&self, service: &str, kind: PracticeKind) -> impl Iterator<Item = &'s Practice> + '_ {
        self.practices.get(service).into_iter().flatten().copied().filter(move |p| p.kind == kind)
    }

    /// How a service is built and deployed.
    pub fn profile(&self, service: &str) -> Option<&'s Profile> {
        self.profiles.get(service).copied()
    }

    /// What entries do.
    pub fn flows(&self) -> &'s [Flow] {
        &self.graph.parts().flows
    }

    /// What entries of a service do.
    pub fn flows_of(&self, service: &str) -> &[&'s Flow] {
        self.flows.get(service).map_or(&[], Vec::as_slice)
    }

    /// The synchronous calls at a place that leave this service.
    pub fn calls_at(&self, service: &str, place: &Place) -> Vec<Call<'s>> {
        let key = (place.root.as_str(), place.path.as_str(), place.line);
        let all = self.sites.get(&key).into_iter().flatten();
        all.filter(|(d, _)| d.mode == Mode::Sync && d.source == service).copied().collect()
    }

    /// The calls that a step makes, to services of the system.
    pub fn called(&self, flow: &Flow, step: &FlowStep) -> Vec<Call<'s>> {
        let mut all = self.calls_at(&flow.service, &step.place);
        all.retain(|(d, _)| self.is_inside(&d.target));
        all
    }

    /// Does a service keep data of record: a database, tables, or an unknown store that its handlers use?
    pub fn has_store(&self, service: &str) -> bool {
        let caches = &self.knowledge.lexicon.caches;
        let holds = |d: &&&Dependency| d.mode == Mode::Data && !caches.iter().any(|c| d.protocol.contains(c.as_str()));
        self.outgoing(service).iter().any(|d| holds(&d))
            || !self.tables(service).is_empty()
            || self.endpoints(service).iter().any(|e| {
                matches!(
                    e.effect,
                    Some(crate::model::facts::StoreEffect::Reads | crate::model::facts::StoreEffect::Writes)
                )
            })
    }

    /// What traces say; an error if none were read.
    pub fn traffic(&self) -> Result<&'s Traffic, String> {
        self.graph.parts().traffic.as_ref().ok_or_else(|| "no traces were read".to_owned())
    }

    /// A part of the system by the name that traces give it.
    pub fn traced(&self, name: &str) -> Option<&'s str> {
        let service = self.graph.parts().traced.get(name)?;
        self.is_inside(service).then_some(service.as_str())
    }

    /// Example spans of the calls that fit: at most three.
    pub fn spans(&self, fits: impl Fn(&Dependency) -> bool) -> Vec<Evidence> {
        let seen = self.calls().filter(|d| fits(d)).flat_map(|d| &d.evidence);
        seen.filter(|e| e.source == SourceKind::Traces).take(3).cloned().collect()
    }

    /// What requests of the system's services did, of these kinds, with the service; tests that send load aside.
    pub fn acts(&self, kinds: &'static [Act]) -> impl Iterator<Item = (&'s str, &'s RequestAct)> + '_ {
        let acts = self.graph.parts().traffic.iter().flat_map(|t| &t.acts).filter(|a| kinds.contains(&a.act));
        acts.filter_map(|a| Some((self.traced(&a.service)?, a)))
            .filter(|(service, _)| self.graph.service(service).is_none_or(|s| s.kind != ServiceKind::Loadgen))
    }

    /// Requests of an operation that were seen.
    pub fn requests(&self, act: &RequestAct) -> u64 {
        let served = self.graph.parts().traffic.as_ref().map_or(&[][..], |t| &t.served);
        let at = served.binary_search_by(|s| (&s.service, &s.operation).cmp(&(&act.service, &act.operation)));
        at.map_or(0, |at| served[at].requests)
    }

    /// Fails where neither code nor spans of databases were read: what is missing.
    pub fn code_or_stores_seen(&self) -> Result<(), String> {
        let stores = |t: &&Traffic| t.rows.iter().any(|r| r.relation == Relation::Db);
        match &self.graph.parts().traffic {
            _ if self.has_code() => Ok(()),
            None => Err("no source code and no traces were read".to_owned()),
            Some(traffic) if stores(&traffic) => Ok(()),
            Some(_) => Err("no source code was read, and no span of the traces asks a database".to_owned()),
        }
    }

    /// Was any code read that could show calls?
    pub fn has_code(&self) -> bool {
        self.graph.services().iter().any(|s| !s.languages.is_empty())
    }
}

/// So many requests, in words.
pub fn requests(n: u64) -> String {
    crate::model::counted(usize::try_from(n).unwrap_or(usize::MAX), "request")
}

/// The evidence of what requests did: an example.
pub fn seen(act: &RequestAct, says: &str) -> Evidence {
    let place = Place { path: act.file.clone(), span: Some(act.exemplar.clone()), ..Place::default() };
    Evidence::new(SourceKind::Traces, place, says, Confidence::Confirmed)
}

fn answers(kind: ServiceKind) -> bool {
    matches!(kind, ServiceKind::Service | ServiceKind::Auth | ServiceKind::Gateway | ServiceKind::Ui)
}

/// Does a call want something done?
pub fn is_write(site: &Site) -> bool {
    matches!(site.intent, Some(Intent::Write | Intent::Notify))
}

/// Does a call read what the other side stores?
pub fn is_read(site: &Site) -> bool {
    matches!(site.intent, Some(Intent::Read | Intent::View))
}

/// Is a dependency shown by code?
pub fn is_coded(dependency: &Dependency) -> bool {
    dependency.seen_in.contains(&SourceKind::Code) && !dependency.sites.is_empty()
}

/// Is a path for machines that watch the service, not for those that use it?
pub fn is_technical(path: &str) -> bool {
    let lower = path.to_lowercase();
    let parts: Vec<&str> = lower.split('/').filter(|p| !p.is_empty()).collect();
    let alone =
        ["ping", "status", "version", "alive", "docs", "favicon.ico", "robots.txt", "info", "hc", "live", "ready"];
    match parts.as_slice() {
        [one] if alone.contains(one) => true,
        _ => {
            parts.first().is_some_and(|p| {
                matches!(*p, "actuator" | "metrics" | "swagger" | "swagger-ui" | "grpc.health.v1.health")
            }) || parts.last().is_some_and(|p| {
                is_health(p) || matches!(*p, "metrics" | "prometheus" | "openapi.json" | "swagger.json")
            })
        }
    }
}

/// Is a part of a path a check of health?
pub fn is_health(part: &str) -> bool {
    let plain = part.trim_start_matches('_').replace('-', "");
    matches!(
        plain.as_str(),
        "health" | "healthz" | "healthcheck" | "readyz" | "readiness" | "ready" | "livez" | "liveness" | "heartbeat"
    )
}
