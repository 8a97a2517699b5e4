//! Envoy: routes to clusters, clusters to endpoints.

use std::collections::BTreeMap;

use crate::files::Source;
use crate::ingest::yaml::{self, Node};
use crate::model::{Expr, Facts, Place, Route};

use super::{Manifest, Neighbours};

/// Envoy.
pub const MANIFEST: Manifest = Manifest { id: "envoy", claims, read };

fn claims(source: &Source, text: &str) -> bool {
    let yaml = matches!(source.extension().as_str(), "yaml" | "yml" | "tmpl" | "template" | "json");
    yaml && text.contains("static_resources") && text.contains("clusters")
}

fn read(source: &Source, text: &str, _: &Neighbours<'_>) -> Facts {
    let mut facts = Facts::default();
    let documents = yaml::parse(text);
    facts.notes.extend(documents.notes(source));
    for document in &documents.nodes {
        let mut clusters: BTreeMap<String, Vec<Expr>> = BTreeMap::new();
        for cluster in document.at(&["static_resources", "clusters"]).list() {
            let mut found = Vec::new();
            addresses(cluster, &mut found, 0);
            clusters.insert(cluster.get("name").str().to_owned(), found);
        }
        let mut matches = Vec::new();
        routes(document.at(&["static_resources", "listeners"]), &mut matches, 0);
        for (pattern, cluster, rewrite, line) in matches {
            // A sidecar of Dapr calls whom the path names.
            let invoked = rewrite.starts_with("/v1.0/invoke/");
            let named = invoked.then(|| vec![Expr::literal(&format!("http://localhost:3500{rewrite}"))]);
            for target in named.as_ref().or(clusters.get(&cluster)).into_iter().flatten() {
                facts.routes.push(Route {
                    place: Place::new(&source.root, &source.path, line),
                    proxy: "envoy".to_owned(),
                    gateway: None,
                    pattern: pattern.clone(),
                    target: target.clone(),
                });
            }
        }
    }
    facts
}

/// Socket addresses anywhere below a cluster.
fn addresses(node: &Node, into: &mut Vec<Expr>, depth: usize) {
    if depth > 24 {
        return;
    }
    let socket = node.get("socket_address");
    if let Some(host) = socket.get("address").text() {
        into.push(templated(&format!("{host}:{}", socket.get("port_value").str())));
    }
    for (_, value) in node.entries() {
        addresses(value, into, depth + 1);
    }
    for value in node.list() {
        addresses(value, into, depth + 1);
    }
}

/// (path, cluster, rewritten path, line) of every route below a listener.
fn routes(node: &Node, into: &mut Vec<(String, String, String, u32)>, depth: usize) {
    if depth > 24 {
        return;
    }
    if let Some(cluster) = node.at(&["route", "cluster"]).text() {
        let matched = node.get("match");
        let path =
            ["prefix", "path", "path_separated_prefix"].iter().find_map(|k| matched.get(k).text()).unwrap_or_default();
        let rewrite = node.at(&["route", "prefix_rewrite"]).str();
        into.push((path.to_owned(), cluster.to_owned(), rewrite.to_owned(), node.line));
    }
    for (_, value) in node.entries() {
        routes(value, into, depth + 1);
    }
    for value in node.list() {
        routes(value, into, depth + 1);
    }
}

/// `${VAR}` of a template is an environment variable.
fn templated(text: &str) -> Expr {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some((head, tail)) = rest.split_once("${") {
        let Some((name, after)) = tail.split_once('}') else { break };
        if !head.is_empty() {
            parts.push(Expr::literal(head));
        }
        parts.push(Expr::Env(name.to_owned(), None));
        rest = after;
    }
    if !rest.is_empty() {
        parts.push(Expr::literal(rest));
    }
    Expr::concat(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_routes_to_endpoints() {
        let text = "static_resources:\n  listeners:\n  - filter_chains:\n    - filters:\n      - routes:\n        - match: {prefix: \"/images/\"}\n          route: {cluster: img}\n  clusters:\n  - name: img\n    load_assignment:\n      endpoints: [{lb_endpoints: [{endpoint: {address: {socket_address: {address: \"${IMG_HOST}\", port_value: 80}}}}]}]\n";
        let source = Source::in_memory("envoy.tmpl.yaml", text.as_bytes());
        let facts = read(&source, text, &Neighbours::new(&[], ""));
        assert_eq!(facts.routes[0].pattern, "/images/");
        assert_eq!(
            facts.routes[0].target,
            Expr::Concat(vec![Expr::Env("IMG_HOST".into(), None), Expr::literal(":80")])
        );
    }
}
