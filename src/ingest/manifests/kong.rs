//! Kong's declarative configuration: routes to services, services to upstreams with their targets.

use std::collections::BTreeMap;

use crate::files::Source;
use crate::ingest::yaml::{self, Node};
use crate::model::Facts;

use super::{Manifest, Neighbours, route, with_environment};

/// Kong.
pub const MANIFEST: Manifest = Manifest { id: "kong", claims, read };

fn claims(source: &Source, text: &str) -> bool {
    matches!(source.extension().as_str(), "yaml" | "yml" | "json")
        && text.contains("_format_version")
        && text.contains("services")
}

fn read(source: &Source, text: &str, _: &Neighbours<'_>) -> Facts {
    let mut facts = Facts::default();
    let documents = yaml::parse(text);
    facts.notes.extend(documents.notes(source));
    for document in &documents.nodes {
        let upstreams: BTreeMap<&str, &Node> =
            document.get("upstreams").list().iter().map(|u| (u.get("name").str(), u)).collect();
        for service in document.get("services").list() {
            let name = service.get("name").str();
            let apart = document.get("routes").list().iter().filter(|r| {
                let of = r.get("service");
                !name.is_empty() && (of.str() == name || of.get("name").str() == name)
            });
            let patterns: Vec<String> = service.get("routes").list().iter().chain(apart).flat_map(paths).collect();
            let patterns = if patterns.is_empty() { vec![String::new()] } else { patterns };
            let line = service.get("url").line.max(service.get("host").line).max(service.line);
            for target in targets(service, &upstreams) {
                let target = with_environment(&target);
                let made = patterns.iter().map(|p| route(source, line, "kong", p, target.clone()));
                facts.routes.extend(made);
            }
        }
    }
    facts
}

fn paths(of: &Node) -> Vec<String> {
    of.get("paths").list().iter().filter_map(Node::text).map(|p| p.trim_start_matches('~').to_owned()).collect()
}

/// Where a service leads: its address, or the targets of the upstream that its host names.
fn targets(service: &Node, upstreams: &BTreeMap<&str, &Node>) -> Vec<String> {
    let url = service.get("url").str();
    let host = if url.is_empty() {
        service.get("host").str()
    } else {
        url.split("://").nth(1).unwrap_or(url).split(['/', ':']).next().unwrap_or_default()
    };
    if let Some(upstream) = upstreams.get(host) {
        return upstream
            .get("targets")
            .list()
            .iter()
            .filter_map(|t| t.get("target").text())
            .map(str::to_owned)
            .collect();
    }
    if !url.is_empty() {
        return vec![url.to_owned()];
    }
    let protocol = service.get("protocol").text().unwrap_or("http");
    let port = service.get("port").text().map(|p| format!(":{p}")).unwrap_or_default();
    if host.is_empty() { Vec::new() } else { vec![format!("{protocol}://{host}{port}")] }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Expr;

    #[test]
    fn reads_addresses_hosts_and_upstreams() {
        let text = "_format_version: '3.0'\nservices:\n  - name: orders\n    url: http://orders:8080/v1\n    routes: [{name: r, paths: [/orders]}]\n  - {name: stock, host: stock-pool, port: 80}\nroutes:\n  - {name: s, service: {name: stock}, paths: ['~/stock/(?<id>)']}\nupstreams:\n  - name: stock-pool\n    targets: [{target: 'stock:9000'}]\n";
        let source = Source::in_memory("kong.yml", text.as_bytes());
        assert!(claims(&source, text));
        let facts = read(&source, text, &Neighbours::new(&[], ""));
        let found: Vec<(&str, &Expr)> = facts.routes.iter().map(|r| (r.pattern.as_str(), &r.target)).collect();
        let (orders, stock) = (Expr::literal("http://orders:8080/v1"), Expr::literal("stock:9000"));
        assert_eq!(found, [("/orders", &orders), ("/stock/(?<id>)", &stock)]);
    }
}
