//! KrakenD: endpoints and the hosts of their backends.

use crate::files::Source;
use crate::ingest::yaml::{self, Node};
use crate::model::Facts;

use super::{Manifest, Neighbours, route, with_environment};

/// KrakenD.
pub const MANIFEST: Manifest = Manifest { id: "krakend", claims, read };

fn claims(source: &Source, text: &str) -> bool {
    matches!(source.extension().as_str(), "json" | "yaml" | "yml")
        && text.contains("endpoints")
        && text.contains("backend")
        && (text.contains("url_pattern") || text.contains("krakend"))
}

fn read(source: &Source, text: &str, _: &Neighbours<'_>) -> Facts {
    let mut facts = Facts::default();
    let documents = yaml::parse(text);
    facts.notes.extend(documents.notes(source));
    for document in &documents.nodes {
        let everywhere = document.get("host").list();
        for endpoint in document.get("endpoints").list() {
            let pattern = endpoint.get("endpoint");
            for backend in endpoint.get("backend").list() {
                let own = backend.get("host").list();
                let hosts = if own.is_empty() { everywhere } else { own };
                let made = hosts
                    .iter()
                    .filter_map(Node::text)
                    .map(|host| route(source, pattern.line, "krakend", pattern.str(), with_environment(host)));
                facts.routes.extend(made);
            }
        }
    }
    facts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Expr;

    #[test]
    fn reads_endpoints_with_hosts_of_their_own_or_of_all() {
        let text = "{\"version\": 3, \"host\": [\"http://orders:8080\"], \"endpoints\": [\n  {\"endpoint\": \"/orders\", \"backend\": [{\"url_pattern\": \"/\"}]},\n  {\"endpoint\": \"/stock\", \"backend\": [{\"url_pattern\": \"/\", \"host\": [\"http://stock\"]}]}]}";
        let source = Source::in_memory("krakend.json", text.as_bytes());
        assert!(claims(&source, text));
        let facts = read(&source, text, &Neighbours::new(&[], ""));
        let found: Vec<(&str, &Expr, u32)> =
            facts.routes.iter().map(|r| (r.pattern.as_str(), &r.target, r.place.line)).collect();
        let (orders, stock) = (Expr::literal("http://orders:8080"), Expr::literal("http://stock"));
        assert_eq!(found, [("/orders", &orders, 2), ("/stock", &stock, 3)]);
    }
}
