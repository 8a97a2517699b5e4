//! Proxies of development servers that stand in the configuration of a bundler: vite, webpack, Vue, Nuxt, Rsbuild.
//!
//! Takes a unit; adds a call site for each path that the development server passes on. The object is the same in
//! all of them: `proxy: { "/api": "http://orders:8080" }`, or a list of objects with `context` and `target`.

use crate::model::{CallSite, Confidence, Expr, SiteKind, Unit};

/// What stands for a rule at such a site.
const RULE: &str = "javascript/dev-proxies/proxy";
/// The key of a table of proxies, which nothing else has.
const TABLE: &str = "proxyTable";
/// Objects inside objects.
const DEPTH: usize = 12;

/// Adds the sites of a bundler's configuration; other units stay as they are.
pub fn add(unit: &mut Unit) {
    let name = unit.place.path.rsplit('/').next().unwrap_or_default();
    let stem = name.split(".config").next().unwrap_or(name);
    let configures = name.contains(".config")
        && ["vite", "webpack", "vue", "nuxt", "rsbuild", "rspack", "craco", "quasar", "umi"]
            .iter()
            .any(|b| stem.starts_with(b));
    // The template of Vue before its own command line: `config/index.js` has a table of proxies.
    let table = || unit.bindings.iter().any(|b| names_table(&b.value, 0));
    if !configures && !table() {
        return;
    }
    let mut found: Vec<(u32, &Expr, Expr)> = Vec::new();
    for binding in &unit.bindings {
        proxies(&binding.value, binding.line, &mut found, 0);
    }
    for call in &unit.calls {
        call.arguments.iter().for_each(|a| proxies(&a.value, call.line, &mut found, 0));
    }
    for function in &unit.functions {
        function.returns.iter().for_each(|r| proxies(r, function.line, &mut found, 0));
    }
    let mut sites: Vec<CallSite> = Vec::new();
    for (line, target, path) in found {
        let site = CallSite {
            protocol: "http".to_owned(),
            address: Some(target.clone()),
            path: Some(path),
            method: Some(Expr::literal("*")),
            result_used: true,
            confidence: Confidence::Probable,
            ..CallSite::new(RULE, SiteKind::Http, line)
        };
        if !sites.iter().any(|s| s.address == site.address && s.path == site.path) {
            sites.push(site);
        }
    }
    unit.sites.append(&mut sites);
    unit.sites.sort_by(|a, b| (a.line, &a.rule).cmp(&(b.line, &b.rule)));
}

/// Is there a table of proxies in an object?
fn names_table(value: &Expr, depth: usize) -> bool {
    match value {
        Expr::Map(entries) if depth < DEPTH => {
            entries.iter().any(|(key, inner)| key == TABLE || names_table(inner, depth + 1))
        }
        _ => false,
    }
}

fn proxies<'e>(expr: &'e Expr, line: u32, into: &mut Vec<(u32, &'e Expr, Expr)>, depth: usize) {
    if depth > DEPTH {
        return;
    }
    let mut go = |inner: &'e Expr| proxies(inner, line, into, depth + 1);
    match expr {
        Expr::Map(entries) => {
            for (key, value) in entries {
                if key == "proxy" || key == TABLE {
                    entries_of(value, line, into);
                } else {
                    proxies(value, line, into, depth + 1);
                }
            }
        }
        Expr::Call(_, _, arguments) => arguments.iter().for_each(|a| go(&a.value)),
        Expr::List(parts) | Expr::Choice(parts) | Expr::Lambda(parts) => parts.iter().for_each(go),
        _ => {}
    }
}

fn entries_of<'e>(proxy: &'e Expr, line: u32, into: &mut Vec<(u32, &'e Expr, Expr)>) {
    let at = |map: &'e [(String, Expr)], key: &str| map.iter().find(|(k, _)| k == key).map(|(_, v)| v);
    match proxy {
        Expr::Map(entries) => {
            for (path, value) in entries {
                let target = match value {
                    Expr::Map(options) => at(options, "target"),
                    other => Some(other),
                };
                into.extend(target.map(|t| (line, t, Expr::literal(plain(path)))));
            }
        }
        Expr::List(parts) => {
            for part in parts {
                let Expr::Map(options) = part else { continue };
                let context = match at(options, "context").or_else(|| at(options, "path")) {
                    Some(Expr::List(all)) => all.first().cloned(),
                    other => other.cloned(),
                };
                into.extend(at(options, "target").map(|t| (line, t, context.unwrap_or_else(|| Expr::literal("/")))));
            }
        }
        _ => {}
    }
}

/// A path without the signs of a pattern: `^/api/.*` is `/api/`.
fn plain(path: &str) -> &str {
    path.trim_start_matches('^').split(['*', '(', '[']).next().unwrap_or(path).trim_end_matches('.')
}
