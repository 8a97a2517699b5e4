//! Edges that a library makes without an address in the code: clients of a registry, a tracer or a bus, and
//! gateways that route to whatever is registered.
//!
//! Takes modules, annotations and configuration; gives pairs of nodes with evidence. The table of libraries is
//! `clients` in `rules/images.yaml`. Such an edge counts only where the system has exactly one that it can mean.

use crate::model::{Confidence, Evidence, Facts, Mode, Place, ServiceKind, SourceKind};

use super::roles::Roles;
use super::scope::Scope;
use super::services::{Node, Nodes};
use super::settings::Environment;

/// An edge by library: source, target, mode, evidence.
pub type ByLibrary = (usize, usize, Mode, Evidence);

/// Clients of infrastructure, by the libraries that a module uses.
#[must_use]
pub fn clients(facts: &Facts, nodes: &Nodes, roles: &Roles) -> Vec<ByLibrary> {
    let mut all = Vec::new();
    for (from, node) in nodes.all.iter().enumerate() {
        for module in node.modules.iter().map(|m| &facts.modules[*m]) {
            for library in &module.depends_on {
                for target in roles.targets_of(library) {
                    let fits = |n: &&Node| n.kind == Some(target.kind) && target.fits(n.engine.as_deref(), &n.name);
                    let mut found = nodes.all.iter().enumerate().filter(|(at, n)| *at != from && fits(n));
                    if let (Some((to, _)), None) = (found.next(), found.next()) {
                        let says = format!("uses {library}");
                        all.push((from, to, Mode::Infra, by_library(module.place.clone(), &says)));
                    }
                }
            }
        }
    }
    all
}

/// Gateways that route by name to every registered service: Zuul without routes, a discovery locator.
#[must_use]
pub fn automatic_routes(
    facts: &Facts,
    nodes: &Nodes,
    scopes: &[Scope<'_>],
    environments: &[Environment],
) -> Vec<ByLibrary> {
    let mut all = Vec::new();
    for (from, scope) in scopes.iter().enumerate() {
        let Some(place) = automatic(scope, &environments[from]) else { continue };
        for (to, node) in nodes.all.iter().enumerate() {
            let application = matches!(node.kind, None | Some(ServiceKind::Service | ServiceKind::Auth));
            if to != from && application && registers(facts, node) {
                let says = "routes by name to every registered service";
                all.push((from, to, Mode::Sync, by_library(place.clone(), says)));
            }
        }
    }
    all
}

fn by_library(place: Place, says: &str) -> Evidence {
    Evidence::new(SourceKind::Code, place, says, Confidence::Probable)
}

/// Where a gateway is told to route to whatever is registered; configured routes or an ignore list say otherwise.
fn automatic(scope: &Scope<'_>, environment: &Environment) -> Option<Place> {
    let zuul = scope.units.iter().take(scope.own).find_map(|u| {
        let proxied = u.types.iter().find(|t| t.annotations.iter().any(|a| a.name == "EnableZuulProxy"))?;
        Some(Place::new(&u.place.root, &u.place.path, proxied.line))
    });
    // Its routes may stand with a configuration server whose files are not here.
    let elsewhere = environment.has_prefix("spring.cloud.config")
        && environment.property("spring.cloud.config.enabled").iter().all(|c| c.value != "false")
        && !environment.has_prefix("zuul");
    let ignored = ["zuul.ignored-services", "zuul.ignoredServices"].iter().any(|k| !environment.property(k).is_empty());
    if let Some(place) = zuul.filter(|_| !ignored && !elsewhere && !environment.has_prefix("zuul.routes")) {
        return Some(place);
    }
    let keys = [
        "spring.cloud.gateway.discovery.locator.enabled",
        "spring.cloud.gateway.server.webflux.discovery.locator.enabled",
    ];
    let locator = keys.iter().flat_map(|k| environment.property(k)).find(|c| c.value == "true");
    let routed = environment.has_prefix("spring.cloud.gateway.routes")
        || environment.has_prefix("spring.cloud.gateway.server.webflux.routes");
    locator.filter(|_| !routed).map(|c| c.place)
}

/// Does a node register itself with a discovery service?
fn registers(facts: &Facts, node: &Node) -> bool {
    let known = |library: &String| {
        ["eureka", "consul-discovery", "zookeeper-discovery", "nacos-discovery"].iter().any(|w| library.contains(w))
    };
    node.modules.iter().any(|m| facts.modules[*m].depends_on.iter().any(known))
}
