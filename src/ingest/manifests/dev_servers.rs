//! Proxies of development servers in JSON: `proxy.conf.json` of Angular, `proxy` of a package.json.

use crate::files::Source;
use crate::ingest::yaml;
use crate::model::{Expr, Facts};

use super::{Manifest, Neighbours, route};

/// Development servers.
pub const MANIFEST: Manifest = Manifest { id: "dev-servers", claims, read };

fn claims(source: &Source, text: &str) -> bool {
    let name = source.file_name();
    let angular = name.starts_with("proxy") && name.contains("conf") && name.ends_with(".json");
    (angular || name == "package.json") && (text.contains("\"target\"") || text.contains("\"proxy\""))
}

fn read(source: &Source, text: &str, _: &Neighbours<'_>) -> Facts {
    let mut facts = Facts::default();
    let package = source.file_name() == "package.json";
    for document in yaml::parse(text).nodes {
        let proxies = if package { document.get("proxy") } else { &document };
        let mut add = |line: u32, pattern: &str, target: &str| {
            if target.contains("://") {
                let pattern = pattern.trim_end_matches('*');
                facts.routes.push(route(source, line, "dev-server", pattern, Expr::literal(target)));
            }
        };
        if let Some(target) = proxies.text() {
            add(proxies.line, "", target);
        }
        for (pattern, value) in proxies.entries() {
            add(value.line, pattern, value.text().unwrap_or(value.get("target").str()));
        }
    }
    facts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_both_kinds() {
        for (name, text, pattern) in [
            ("web/proxy.conf.json", "{\"/api/*\": {\"target\": \"http://orders:80\", \"secure\": false}}", "/api/"),
            ("web/package.json", "{\"name\": \"web\",\n \"proxy\": \"http://orders:80\"}", ""),
        ] {
            let source = Source::in_memory(name, text.as_bytes());
            assert!(claims(&source, text));
            let facts = read(&source, text, &Neighbours::new(&[], ""));
            assert_eq!((facts.routes[0].pattern.as_str(), facts.routes.len()), (pattern, 1));
        }
    }
}
