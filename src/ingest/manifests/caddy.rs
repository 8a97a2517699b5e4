//! Caddy: what a Caddyfile passes on, by path.

use std::collections::BTreeMap;

use crate::files::Source;
use crate::model::{Facts, Route};

use super::{Manifest, Neighbours, route, with_environment};

/// Caddy.
pub const MANIFEST: Manifest = Manifest { id: "caddy", claims, read };

fn claims(source: &Source, text: &str) -> bool {
    let name = source.file_name().to_lowercase();
    let named = name == "caddyfile" || name.starts_with("caddyfile.") || name.ends_with(".caddyfile");
    named && (text.contains("reverse_proxy") || text.contains("php_fastcgi"))
}

fn read(source: &Source, text: &str, _: &Neighbours<'_>) -> Facts {
    let matchers = matchers(text);
    let mut routes: Vec<Route> = Vec::new();
    // The path that each open block restricts; a proxy's own block may name its upstreams.
    let mut blocks: Vec<Block> = Vec::new();
    for (at, line) in text.lines().enumerate() {
        let line = line.split(" #").next().unwrap_or_default().trim();
        let mut words: Vec<&str> = line.split_whitespace().collect();
        if line.starts_with('#') || words.is_empty() {
            continue;
        }
        if words[0] == "}" {
            blocks.pop();
            continue;
        }
        let opens = words.last() == Some(&"{");
        if opens {
            words.pop();
        }
        let mut block = Block::default();
        let outer = blocks.iter().rev().find_map(|b| b.pattern.clone()).unwrap_or_default();
        let mut add = |pattern: &str, upstreams: &[&str]| {
            for upstream in upstreams {
                routes.push(route(source, at as u32 + 1, "caddy", pattern, with_environment(upstream)));
            }
        };
        match words.as_slice() {
            ["handle" | "handle_path" | "route", matcher, ..] => block.pattern = Some(pattern_of(matcher, &matchers)),
            ["reverse_proxy" | "php_fastcgi", rest @ ..] => {
                let matched = rest.first().filter(|w| w.starts_with(['/', '@', '*']));
                let pattern = matched.map_or(outer, |m| pattern_of(m, &matchers));
                add(&pattern, &rest[usize::from(matched.is_some())..]);
                block.proxied = Some(pattern);
            }
            ["to", upstreams @ ..] => {
                if let Some(pattern) = blocks.last().and_then(|b| b.proxied.clone()) {
                    add(&pattern, upstreams);
                }
            }
            _ => {}
        }
        if opens {
            blocks.push(block);
        }
    }
    Facts { routes, ..Facts::default() }
}

#[derive(Default)]
struct Block {
    /// The path that what stands inside is restricted to.
    pattern: Option<String>,
    /// The path of the proxy whose options stand inside.
    proxied: Option<String>,
}

/// Named matchers with their first path: `@api path /api/*`, or a block.
fn matchers(text: &str) -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    let mut open: Option<String> = None;
    for line in text.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words.as_slice() {
            [name, "{"] if name.starts_with('@') => open = Some((*name).to_owned()),
            [name, "path", path, ..] if name.starts_with('@') => {
                all.insert((*name).to_owned(), (*path).to_owned());
            }
            ["path", path, ..] => {
                if let Some(name) = &open {
                    all.insert(name.clone(), (*path).to_owned());
                }
            }
            ["}"] => open = None,
            _ => {}
        }
    }
    all
}

fn pattern_of(matcher: &str, matchers: &BTreeMap<String, String>) -> String {
    let path = if matcher.starts_with('@') { matchers.get(matcher).map_or("", String::as_str) } else { matcher };
    path.trim_end_matches('*').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Expr;

    #[test]
    fn reads_matchers_blocks_and_environment() {
        let text = ":80 {\n  @stock path /stock/*\n  reverse_proxy @stock stock:9000\n  handle_path /orders/* {\n    reverse_proxy {$ORDERS_HOST:orders}:8080\n  }\n  reverse_proxy {\n    to web:3000 # the rest\n  }\n}\n";
        let source = Source::in_memory("edge/Caddyfile", text.as_bytes());
        assert!(claims(&source, text));
        let facts = read(&source, text, &Neighbours::new(&[], ""));
        let found: Vec<(&str, u32)> = facts.routes.iter().map(|r| (r.pattern.as_str(), r.place.line)).collect();
        assert_eq!(found, [("/stock/", 3), ("/orders/", 5), ("", 8)]);
        let orders = Expr::Env("ORDERS_HOST".into(), Some(Box::new(Expr::literal("orders"))));
        assert_eq!(facts.routes[1].target, Expr::Concat(vec![orders, Expr::literal(":8080")]));
    }
}
