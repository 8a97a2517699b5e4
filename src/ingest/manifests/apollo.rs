//! Apollo Router and supergraph configuration: subgraphs and where they are served.

use crate::files::Source;
use crate::ingest::yaml;
use crate::model::{Expr, Facts, Place, Route};

use super::{Manifest, Neighbours};

/// Apollo Router.
pub const MANIFEST: Manifest = Manifest { id: "apollo-router", claims, read };

/// How the router is called where nothing deploys it under a name of its own.
pub const ROUTER: &str = "router";

fn claims(source: &Source, text: &str) -> bool {
    matches!(source.extension().as_str(), "yaml" | "yml")
        && (text.contains("override_subgraph_url:") || text.contains("subgraphs:") && text.contains("routing_url:"))
}

fn read(source: &Source, text: &str, _: &Neighbours<'_>) -> Facts {
    let mut facts = Facts::default();
    for document in &yaml::parse(text).nodes {
        let overrides = document.get("override_subgraph_url").entries().iter().map(|(_, url)| url);
        let graphs = document.get("subgraphs").entries().iter().map(|(_, graph)| graph.get("routing_url"));
        for url in overrides.chain(graphs).filter(|url| url.text().is_some()) {
            facts.routes.push(Route {
                place: Place::new(&source.root, &source.path, url.line),
                proxy: "apollo-router".to_owned(),
                gateway: Some(ROUTER.to_owned()),
                pattern: "/graphql".to_owned(),
                target: Expr::literal(url.str()),
            });
        }
    }
    facts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subgraphs_are_routes_of_the_router() {
        let text = "override_subgraph_url:\n  users: http://localhost:3000/graphql\n";
        let source = Source::in_memory("config.yml", text.as_bytes());
        let facts = read(&source, text, &Neighbours::new(&[], ""));
        assert_eq!(facts.routes.len(), 1);
        assert_eq!(facts.routes[0].target, Expr::literal("http://localhost:3000/graphql"));
        assert_eq!(facts.routes[0].place.line, 2);
    }
}
