//! Facts -> graph: reads every service's code against its own configuration, then joins the services.
//!
//! Takes facts, declarations and rules; gives the `ServiceGraph`. Each service is read in parallel; joining is
//! sequential and in order, so that the same facts give the same graph.

use rayon::prelude::*;

use crate::config::Config;
use crate::model::{
    Confidence, Endpoint, Evidence, Facts, Flow, Mode, Place, PracticeKind, SchemaFact, ServiceKind, Site, SiteKind,
    SourceKind, TableUse, WorkloadKind,
};
use crate::rules::Rules;

use super::address::Directory;
use super::discovery;
use super::flows::{Waits, flows};
use super::join::Joiner;
use super::roles::Roles;
use super::rpc::{Rpcs, flat, interface_types, service_stem};
use super::scope::{Scope, scopes};
use super::served::{Effects, endpoints};
use super::services::Nodes;
use super::settings::{Environment, environments};
use super::sites::{Outbound, SiteReader};
use super::stores;
use super::texts::Texts;
use super::topics::{self, ChannelUse};
use super::values::Values;
use super::{Parts, ServiceGraph};

/// What the code and configuration of one service say.
#[derive(Debug, Default)]
pub struct Reading {
    /// Calls, connections.
    pub outbound: Vec<Outbound>,
    /// Topics.
    pub uses: Vec<ChannelUse>,
    /// Operations served.
    pub endpoints: Vec<Endpoint>,
    /// Tables.
    pub tables: Vec<TableUse>,
    /// Schemas of types that are mapped to tables.
    pub schemas: Vec<SchemaFact>,
    /// What entries do.
    pub flows: Vec<Flow>,
    /// Its commands make load on others.
    pub makes_load: bool,
}

/// Links facts into a graph.
#[must_use]
pub fn link(facts: &Facts, config: &Config, rules: &Rules) -> ServiceGraph {
    let hosted = super::apphost::hosted(facts);
    let facts = hosted.as_ref().unwrap_or(facts);
    let roles = Roles::built_in();
    let nodes = Nodes::of(facts, config, &roles);
    let environments = environments(facts, &nodes, &config.profiles);
    let mut directory = Directory::of(facts, &nodes, &environments);
    let scopes = scopes(facts, &nodes);
    for (port, at) in super::ports::listens(&scopes, &environments, &nodes) {
        directory.listen(port, at);
    }
    let waits = facts.practices.iter().filter(|p| p.kind == PracticeKind::Wait);
    let waits = waits.map(|p| (p.place.root.clone(), p.place.path.clone(), p.place.line)).collect();
    let world = World {
        facts,
        nodes: &nodes,
        directory: &directory,
        environments: &environments,
        scopes: &scopes,
        rules,
        waits,
    };
    let mut rpcs = Rpcs::of(facts);
    world.implementers(&mut rpcs);
    let readings: Vec<Reading> = (0..nodes.all.len()).into_par_iter().map(|at| world.read(at, &rpcs)).collect();
    let routes = world.routes(facts);
    let mut named = nodes.clone();
    for (node, _) in named.all.iter_mut().zip(&readings).filter(|(_, r)| r.makes_load) {
        node.kind.get_or_insert(ServiceKind::Loadgen);
    }
    let mut joiner = Joiner::new(facts, config, &roles, named, readings);
    joiner.join(&routes);
    joiner.libraries(discovery::clients(facts, &nodes, &roles));
    joiner.libraries(discovery::automatic_routes(facts, &nodes, &scopes, &environments));
    let parts: Parts = joiner.finish();
    ServiceGraph::new(parts)
}

/// A route of a gateway, settled.
#[derive(Debug, Clone)]
pub struct SettledRoute {
    /// The gateway, if it is a node.
    pub gateway: Option<usize>,
    /// Path pattern.
    pub pattern: String,
    /// Whom it leads to, with the text of the target.
    pub outbound: Outbound,
    /// The route as evidence.
    pub evidence: Evidence,
}

struct World<'w, 'a> {
    facts: &'a Facts,
    nodes: &'w Nodes,
    directory: &'w Directory,
    environments: &'w [Environment],
    scopes: &'w [Scope<'a>],
    rules: &'w Rules,
    waits: Waits,
}

impl<'w, 'a> World<'w, 'a> {
    fn with_reader<T>(&self, at: usize, ask: impl FnOnce(&SiteReader<'_, 'a>) -> T) -> T {
        let scope = &self.scopes[at];
        let texts = Texts::new(Values::new(scope), &self.environments[at]);
        ask(&SiteReader { at, scope, texts: &texts, nodes: self.nodes, directory: self.directory })
    }

    /// Which services implement which RPC services, from registrations in their own code.
    fn implementers(&self, rpcs: &mut Rpcs) {
        for at in 0..self.nodes.all.len() {
            let names: Vec<String> = self.with_reader(at, |reader| {
                let own =
                    (0..reader.scope.own as u32).flat_map(|u| reader.scope.unit(u).sites.iter().map(move |s| (u, s)));
                own.filter(|(_, s)| s.kind == SiteKind::ServeRpc)
                    .flat_map(|(u, s)| reader.part(s.name.as_ref(), &reader.frame(u, s)))
                    .map(|t| t.text)
                    .collect()
            });
            for name in names {
                rpcs.implementers.entry(flat(&service_stem(&name))).or_default().insert(at);
            }
        }
    }

    fn read(&self, at: usize, rpcs: &Rpcs) -> Reading {
        self.with_reader(at, |reader| {
            let mut reading = Reading::default();
            let clients = interface_types(reader);
            for (unit, site) in reader.live() {
                if site.owner.as_deref().is_some_and(|o| clients.contains(o)) && site.kind == SiteKind::Http {
                    continue;
                }
                read_site(reader, unit, site, &mut reading);
            }
            reading.outbound.extend(reader.rpcs(rpcs));
            reading.outbound.extend(reader.interfaces());
            reading.outbound.extend(reader.clients());
            let (commands, makes_load) = super::commands::calls(reader, self.facts);
            reading.outbound.extend(commands);
            reading.makes_load = makes_load;
            self.configured(reader, &mut reading);
            let effects = Effects::of(reader, &reading.outbound);
            reading.endpoints = endpoints(reader, &effects);
            reading.endpoints.retain(|e| e.method != "RPC" || rpcs.may_serve(&e.path));
            for endpoint in reading.endpoints.iter_mut().filter(|e| e.method == "RPC") {
                let (service, method) = endpoint.path.trim_start_matches('/').split_once('/').unwrap_or_default();
                endpoint.path = format!("/{}", rpcs.operation(service, method));
            }
            self.context_path(at, &mut reading.endpoints);
            reading.tables = stores::tables(reader);
            reading.schemas = super::schemas::schemas(reader);
            reading.flows = flows(reader, &reading.outbound, &self.waits);
            reading
        })
    }

    /// A context path of the server stands before every path that it serves.
    fn context_path(&self, at: usize, endpoints: &mut [Endpoint]) {
        let keys = [
            "server.servlet.context-path",
            "server.context-path",
            "spring.webflux.base-path",
            "quarkus.http.root-path",
        ];
        let found = keys.iter().find_map(|k| self.environments[at].property(k).into_iter().next());
        let Some(prefix) = found.map(|c| c.value).filter(|p| p.len() > 1 && p.starts_with('/')) else { return };
        for endpoint in endpoints.iter_mut().filter(|e| e.method != "RPC") {
            endpoint.path = super::texts::join_paths(&prefix, &endpoint.path);
        }
    }

    /// Configured values that rules on keys recognise.
    fn configured(&self, reader: &SiteReader<'_, 'a>, reading: &mut Reading) {
        for found in stores::configured(reader, &self.environments[reader.at], self.rules) {
            let node = &self.nodes.all[reader.at];
            let mode = match found.site.kind {
                // A product reads settings of its own, not those of a client.
                SiteKind::Database | SiteKind::Cache
                    if node.languages.is_empty() && node.kind.is_some_and(|k| k != ServiceKind::Service) =>
                {
                    continue;
                }
                SiteKind::Database | SiteKind::Cache => Mode::Data,
                _ if !self.concerns(reader, &found) => continue,
                SiteKind::Infra if !self.reports(reader, &found.site.rule) => continue,
                SiteKind::Infra => Mode::Infra,
                SiteKind::Http | SiteKind::Graphql | SiteKind::Mail => Mode::Sync,
                SiteKind::Publish | SiteKind::Consume => {
                    for text in &found.texts {
                        let site = configured_site(reader, &found, text);
                        let side = if found.site.kind == SiteKind::Publish {
                            topics::Side::Publish
                        } else {
                            topics::Side::Consume
                        };
                        reading.uses.push(ChannelUse {
                            at: reader.at,
                            side,
                            topic: text.text.clone(),
                            queue: String::new(),
                            key: String::new(),
                            protocol: found.site.protocol.clone(),
                            site: Site { operation: text.text.clone(), blocking: false, ..site },
                            reason: text.is_hole().then(|| "the topic is not known".to_owned()),
                            of_outbox: false,
                        });
                    }
                    continue;
                }
                _ => continue,
            };
            for text in &found.texts {
                let settled = stores::settle(reader, &found.site, mode, text, configured_site(reader, &found, text));
                reading.outbound.extend(settled);
            }
        }
    }

    /// What a configuration server hands to everybody concerns those whose build has the library that reads it.
    fn concerns(&self, reader: &SiteReader<'_, 'a>, found: &stores::ConfiguredSite) -> bool {
        let node = &self.nodes.all[reader.at];
        let own = node.folders.iter().any(|(root, f)| {
            *root == found.place.root && (f.is_empty() || found.place.path.starts_with(&format!("{f}/")))
        });
        let file = found.place.path.rsplit('/').next().unwrap_or_default();
        let words: &[&str] = match found.site.rule.as_str() {
            r if r.contains("/registry") => &["eureka", "consul", "nacos", "zookeeper", "discovery"],
            r if r.contains("oauth2") => &["oauth2", "security"],
            _ => return true,
        };
        let libraries = || node.modules.iter().flat_map(|m| &self.facts.modules[*m].depends_on);
        own || !file.starts_with("application")
            || libraries().next().is_none()
            || libraries().any(|l| words.iter().any(|w| l.contains(w)))
    }

    /// Telemetry that is configured is sent only where a library or an agent sends it: an environment that is
    /// handed to everybody says nothing.
    fn reports(&self, reader: &SiteReader<'_, 'a>, rule: &str) -> bool {
        if !rule.contains("telemetry") && !rule.contains("otel") {
            return true;
        }
        let node = &self.nodes.all[reader.at];
        let speaks = |text: &str| {
            let lower = text.to_lowercase();
            ["opentelemetry", "otel", "zipkin", "sleuth", "jaeger", "opentracing", "tracing"]
                .iter()
                .any(|w| lower.contains(w))
        };
        let code = || reader.scope.units.iter().any(|u| u.imports.iter().any(|i| speaks(&i.path)));
        let module = || node.modules.iter().any(|m| self.facts.modules[*m].depends_on.iter().any(|d| speaks(d)));
        let started = || {
            node.workloads.iter().map(|w| &self.facts.workloads[*w]).any(|w| {
                w.command.iter().any(|c| speaks(c))
                    || w.environment.iter().any(|s| !s.key.starts_with("OTEL_") && speaks(&s.value))
            })
        };
        node.languages.is_empty() || code() || module() || started()
    }

    /// The only node without code whose deployment mounts a file: the configuration of a proxy is read by who mounts it.
    fn mounts(&self, place: &Place) -> Option<usize> {
        let covers = |path: &String| place.path == *path || place.path.starts_with(&format!("{path}/"));
        let mut all = (0..self.nodes.all.len()).filter(|at| {
            let node = &self.nodes.all[*at];
            let workloads = node.workloads.iter().map(|w| &self.facts.workloads[*w]);
            let mut mounting = workloads.filter(|w| w.kind == WorkloadKind::Compose && w.place.root == place.root);
            node.languages.is_empty() && mounting.any(|w| w.copies.iter().any(covers))
        });
        let first = all.next()?;
        all.next().is_none().then_some(first)
    }

    fn routes(&self, facts: &Facts) -> Vec<SettledRoute> {
        let mut all = Vec::new();
        for route in &facts.routes {
            let named = route.gateway.as_deref().and_then(|g| self.nodes.find(g));
            let owners = || {
                let (owners, library) = self.nodes.owners(facts, &route.place);
                if library || owners.len() != 1 { None } else { owners.first().copied() }
            };
            let gateway = named.or_else(|| self.mounts(&route.place)).or_else(owners);
            // Without a gateway of its own a route is read with no configuration.
            let empty = (Scope::default(), Environment::default());
            let (scope, environment) = match gateway {
                Some(at) => (&self.scopes[at], &self.environments[at]),
                None => (&empty.0, &empty.1),
            };
            let at = gateway.unwrap_or(usize::MAX);
            let texts = Texts::new(Values::new(scope), environment);
            let reader = SiteReader { at, scope, texts: &texts, nodes: self.nodes, directory: self.directory };
            let site = crate::model::CallSite::new("", SiteKind::Http, route.place.line);
            let frame = super::values::Frame::new(0, None, None);
            for text in texts.of(&route.target, &frame) {
                let base = configured_at(&route.place, &site, text.sure);
                let base = Site { chain: reader.chain(&text), ..base };
                let says = format!("{} route {} → {}", route.proxy, route.pattern, text.text);
                let evidence = Evidence::new(SourceKind::Manifests, route.place.clone(), &says, text.sure);
                let outbound = stores::settled(&reader, &site, Mode::Sync, &text, base);
                all.push(SettledRoute { gateway, pattern: route.pattern.clone(), outbound, evidence });
            }
        }
        all
    }
}

fn read_site<'a>(reader: &SiteReader<'_, 'a>, unit: u32, site: &'a crate::model::CallSite, reading: &mut Reading) {
    let mode = match site.kind {
        SiteKind::Http | SiteKind::Graphql => {
            reading.outbound.extend(reader.http(unit, site));
            return;
        }
        SiteKind::Publish | SiteKind::Request | SiteKind::Consume | SiteKind::Bind => {
            reading.uses.extend(topics::uses(reader, unit, site));
            return;
        }
        SiteKind::Database | SiteKind::Cache => Mode::Data,
        SiteKind::Infra => Mode::Infra,
        SiteKind::Mail => Mode::Sync,
        _ => return,
    };
    let frame = reader.frame(unit, site);
    let mut texts = reader.addresses(site.address.as_ref(), &frame);
    if texts.is_empty() {
        // A name is that of a connection string, else of the resource itself.
        for name in reader.part(site.name.as_ref(), &frame) {
            let configured = reader.texts.property_of(&format!("ConnectionStrings.{}", name.text));
            texts.extend(configured.filter(|_| mode == Mode::Data).unwrap_or_else(|| vec![name]));
        }
    }
    if texts.is_empty() && mode == Mode::Data {
        texts.push(super::texts::Text::unknown("the connection has no address in this code"));
    }
    reading.outbound.extend(stores::connection(reader, unit, site, mode, &texts));
}

fn configured_site(reader: &SiteReader<'_, '_>, found: &stores::ConfiguredSite, text: &super::texts::Text) -> Site {
    let site = configured_at(&found.place, &found.site, found.site.confidence.min(text.sure));
    Site { chain: reader.chain(text), ..site }
}

/// A site that stands in configuration, not in code.
pub(super) fn configured_at(place: &Place, site: &crate::model::CallSite, confidence: Confidence) -> Site {
    Site {
        root: place.root.clone(),
        path: place.path.clone(),
        line: place.line,
        call_line: None,
        address_line: None,
        operation: String::new(),
        caller: String::new(),
        handler: None,
        handler_place: None,
        intent: None,
        decided_by: None,
        consistency: None,
        in_loop: false,
        result_used: true,
        blocking: true,
        fallback: false,
        dead: false,
        rule: site.rule.clone(),
        confidence,
        chain: Vec::new(),
    }
}
