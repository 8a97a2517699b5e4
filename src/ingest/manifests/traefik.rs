//! Traefik's dynamic configuration in files (YAML, TOML): routers to services, services to servers.
//!
//! Labels of compose services are read with compose, objects of Kubernetes with Kubernetes.

use crate::files::Source;
use crate::ingest::yaml::{self, Node};
use crate::model::{Expr, Facts, Note, Place, Route};

use super::{Manifest, Neighbours, line_of, route, toml_node};

/// Traefik.
pub const MANIFEST: Manifest = Manifest { id: "traefik", claims, read };

fn claims(source: &Source, text: &str) -> bool {
    matches!(source.extension().as_str(), "yaml" | "yml" | "toml")
        && text.contains("http")
        && text.contains("routers")
        && text.contains("loadBalancer")
}

fn read(source: &Source, text: &str, _: &Neighbours<'_>) -> Facts {
    let mut facts = Facts::default();
    let mut note = |line: u32, reason: String| {
        facts.notes.push(Note::new(Place::new(&source.root, &source.path, line), format!("not read: {reason}")));
    };
    let documents = if source.extension() == "toml" {
        match toml_node(text) {
            Ok(node) => vec![node],
            Err(reason) => {
                note(0, reason);
                Vec::new()
            }
        }
    } else {
        let parsed = yaml::parse(text);
        parsed.broken.into_iter().for_each(|(line, reason)| note(line, reason));
        parsed.nodes
    };
    for document in &documents {
        let services = document.at(&["http", "services"]);
        for (_, router) in document.at(&["http", "routers"]).entries() {
            let pattern = path_of(router.get("rule").str());
            let name = router.get("service").str();
            let mut servers = Vec::new();
            collect(services, name.split('@').next().unwrap_or(name), &mut servers, 0);
            for url in servers {
                let made = route(source, line_of(text, &url), "traefik", &pattern, Expr::literal(&url));
                facts.routes.push(Route { gateway: Some("traefik".to_owned()), ..made });
            }
        }
    }
    facts
}

/// Servers of a service, through weighted, mirrored and failover ones.
fn collect(services: &Node, name: &str, into: &mut Vec<String>, depth: usize) {
    let service = services.get(name);
    if depth > 4 || name.is_empty() || service.is_null() {
        return;
    }
    let servers = service.at(&["loadBalancer", "servers"]).list();
    into.extend(servers.iter().filter_map(|s| s.get("url").text()).map(str::to_owned));
    for part in service.at(&["weighted", "services"]).list() {
        collect(services, part.get("name").str(), into, depth + 1);
    }
    for (kind, key) in [("mirroring", "service"), ("failover", "service"), ("failover", "fallback")] {
        collect(services, service.at(&[kind, key]).str(), into, depth + 1);
    }
}

/// The first path of a rule: ``Host(`x`) && PathPrefix(`/api`)`` routes `/api`.
fn path_of(rule: &str) -> String {
    rule.split(['`', '"', '\'']).find(|t| t.starts_with('/')).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn routers_lead_to_the_servers_of_their_services() {
        let yaml = "http:\n  routers:\n    orders: {rule: 'PathPrefix(`/orders`)', service: orders}\n  services:\n    orders: {loadBalancer: {servers: [{url: 'http://orders:8080'}]}}\n";
        let toml = "[http.routers.orders]\nrule = \"Host(`a.b`) && PathPrefix(`/orders`)\"\nservice = \"both@file\"\n[http.services.both.weighted]\n[[http.services.both.weighted.services]]\nname = \"orders\"\n[http.services.orders.loadBalancer]\n[[http.services.orders.loadBalancer.servers]]\nurl = \"http://orders:8080\"\n";
        for (name, text) in [("dynamic.yml", yaml), ("dynamic.toml", toml)] {
            let source = Source::in_memory(name, text.as_bytes());
            assert!(claims(&source, text), "{name}");
            let facts = read(&source, text, &Neighbours::new(&[], ""));
            let found: Vec<(&str, &Expr)> = facts.routes.iter().map(|r| (r.pattern.as_str(), &r.target)).collect();
            assert_eq!(found, [("/orders", &Expr::literal("http://orders:8080"))], "{name}");
            assert!(facts.routes[0].place.line > 0);
        }
    }
}
