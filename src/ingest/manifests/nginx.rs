//! nginx (also as a template): locations and what they pass to; Apache's `ProxyPass`; HAProxy's backends.

use std::collections::BTreeMap;

use crate::files::Source;
use crate::model::{Expr, Facts, Place, Route};

use super::{Manifest, Neighbours};

/// nginx, Apache and HAProxy.
pub const MANIFEST: Manifest = Manifest { id: "proxies", claims, read };

fn claims(source: &Source, text: &str) -> bool {
    let name = source.file_name().to_lowercase();
    let conf = name.ends_with(".conf")
        || name.contains(".conf.")
        || name.ends_with(".template")
        || name.ends_with(".cfg")
        || name.contains("nginx")
        || name.ends_with(".vhost");
    conf && (text.contains("proxy_pass")
        || text.contains("grpc_pass")
        || text.contains("fastcgi_pass")
        || text.contains("ProxyPass")
        || text.contains("use_backend")
        || text.contains("default_backend")
        || text.lines().any(|l| l.starts_with("listen "))
            && text.lines().any(|l| l.trim_start().starts_with("server ")))
}

fn read(source: &Source, text: &str, _: &Neighbours<'_>) -> Facts {
    let mut reader = Reader { upstreams: upstreams(text), ..Reader::new(source) };
    let mut depth = 0usize;
    for (at, line) in text.lines().enumerate() {
        let line = line.split('#').next().unwrap_or_default().trim();
        let all: Vec<&str> = line.split_whitespace().collect();
        reader.line = at as u32 + 1;
        if all.first() == Some(&"use_backend") {
            reader.use_backend(&all[1..]);
            continue;
        }
        // `location /x { proxy_pass y; }` on one line is two statements.
        let (first, words) = match all.iter().position(|w| *w == "{").filter(|p| all.len() > p + 1) {
            Some(open) => (&all[..open], &all[open + 1..]),
            None => (&all[..0], all.as_slice()),
        };
        if let ["location", rest @ ..] = first {
            reader.locations.push((depth, rest.last().copied().unwrap_or_default().to_owned()));
        }
        reader.statement(words, depth);
        depth = (depth + line.matches('{').count()).saturating_sub(line.matches('}').count());
        if line.contains('}') {
            reader.locations.retain(|(at, _)| *at < depth);
        }
    }
    Facts { routes: reader.routes, ..Facts::default() }
}

struct Reader<'r> {
    source: &'r Source,
    line: u32,
    upstreams: BTreeMap<String, Vec<String>>,
    /// `set $name value`
    variables: BTreeMap<String, String>,
    /// `acl name … /path`
    conditions: BTreeMap<String, String>,
    /// Open locations with the depth of their block.
    locations: Vec<(usize, String)>,
    /// HAProxy's servers stand for the section itself.
    listens: bool,
    routes: Vec<Route>,
}

impl<'r> Reader<'r> {
    fn new(source: &'r Source) -> Self {
        Self {
            source,
            line: 0,
            upstreams: BTreeMap::new(),
            variables: BTreeMap::new(),
            conditions: BTreeMap::new(),
            locations: Vec::new(),
            listens: false,
            routes: Vec::new(),
        }
    }

    fn add(&mut self, pattern: &str, target: &str) {
        for target in resolve(target, &self.upstreams, &self.variables) {
            self.routes.push(Route {
                place: Place::new(&self.source.root, &self.source.path, self.line),
                proxy: "nginx".to_owned(),
                gateway: None,
                pattern: pattern.to_owned(),
                target: with_variables(&target),
            });
        }
    }

    fn located(&self) -> String {
        self.locations.last().map(|(_, p)| p.clone()).unwrap_or_default()
    }

    fn statement(&mut self, words: &[&str], depth: usize) {
        match words {
            ["location", rest @ ..] => {
                let pattern = rest.iter().rfind(|w| **w != "{").copied().unwrap_or_default();
                self.locations.push((depth, pattern.trim_end_matches('{').to_owned()));
            }
            ["<Location" | "<LocationMatch", pattern, ..] => {
                self.locations.push((depth, pattern.trim_matches(['"', '>', '^']).to_owned()));
            }
            ["</Location>" | "</LocationMatch>"] => {
                self.locations.pop();
            }
            ["set", name, value, ..] => {
                self.variables.insert((*name).to_owned(), value.trim_matches([';', '"', '\'']).to_owned());
            }
            ["proxy_pass" | "grpc_pass" | "fastcgi_pass" | "uwsgi_pass", target, ..] => {
                self.add(&self.located(), target.trim_end_matches(';'));
            }
            ["ProxyPass", target] => self.add(&self.located(), target.trim_matches('"')),
            ["ProxyPass" | "ProxyPassMatch", target, ..] if target.contains("://") => {
                self.add(&self.located(), target.trim_matches('"'));
            }
            ["ProxyPass" | "ProxyPassMatch", pattern, target, ..] => {
                self.add(pattern.trim_start_matches('^'), target.trim_matches('"'));
            }
            // The flag P passes the request on.
            ["RewriteRule", pattern, target, flags] if flags.trim_matches(['[', ']']).split(',').any(|f| f == "P") => {
                let end = pattern.find(['(', '$', '.', '*']).unwrap_or(pattern.len());
                self.add(pattern[..end].trim_start_matches('^'), target);
            }
            ["acl", name, rest @ ..] => {
                self.conditions.insert((*name).to_owned(), rest.last().copied().unwrap_or_default().to_owned());
            }
            ["default_backend", name] => self.add("", name),
            ["listen", name, ..] if name.starts_with(char::is_alphabetic) => self.listens = true,
            ["frontend" | "backend" | "defaults" | "global", ..] => self.listens = false,
            ["server", _, address, ..] if self.listens && address.contains(':') => self.add("", address),
            _ => {}
        }
    }

    /// `use_backend NAME if CONDITION`, or with the condition written out: `if { path_beg /x }`.
    fn use_backend(&mut self, words: &[&str]) {
        let [name, rest @ ..] = words else { return };
        let written = rest.iter().find(|w| w.starts_with('/')).map(|w| (*w).to_owned());
        let named = || rest.iter().find_map(|w| self.conditions.get(*w).filter(|p| p.starts_with('/')).cloned());
        let pattern = written.or_else(named).unwrap_or_default();
        self.add(&pattern, name);
    }
}

/// `upstream NAME { server a:1; }` and HAProxy's `backend NAME` with its servers.
fn upstreams(text: &str) -> BTreeMap<String, Vec<String>> {
    let mut all: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut current: Option<String> = None;
    let plain: String = text.lines().map(|l| l.split('#').next().unwrap_or_default()).collect::<Vec<_>>().join("\n");
    // A bracket is a statement of its own, so that blocks on one line and on many read alike.
    let plain = plain.replace('{', "\n{\n").replace('}', "\n}\n").replace(';', "\n");
    for statement in plain.lines() {
        let words: Vec<&str> = statement.split_whitespace().collect();
        match words.as_slice() {
            ["upstream", name] | ["backend", name] => current = Some((*name).to_owned()),
            ["server", first, rest @ ..] => {
                if let Some(name) = &current {
                    // HAProxy writes a label before the address.
                    let labelled = !first.contains([':', '.']) && rest.first().is_some_and(|a| a.contains(':'));
                    let address = if labelled { rest.first().unwrap_or(first) } else { first };
                    all.entry(name.clone()).or_default().push((*address).to_owned());
                }
            }
            // Apache: `<Proxy "balancer://orders">` with its members.
            ["<Proxy", name] => {
                let name = name.trim_matches(['"', '>']).strip_prefix("balancer://");
                current = name.map(|n| n.trim_end_matches('/').to_owned());
            }
            ["BalancerMember", address, ..] => {
                if let Some(name) = &current {
                    all.entry(name.clone()).or_default().push(address.trim_matches('"').to_owned());
                }
            }
            ["</Proxy>"] => current = None,
            ["}"] | ["frontend" | "listen" | "defaults" | "global", ..] => current = None,
            _ => {}
        }
    }
    all
}

fn resolve(
    target: &str,
    upstreams: &BTreeMap<String, Vec<String>>,
    variables: &BTreeMap<String, String>,
) -> Vec<String> {
    let mut target = target.to_owned();
    for (name, value) in variables {
        target = target.replace(name.as_str(), value);
    }
    let host = target.split("://").nth(1).unwrap_or(&target).split(['/', ':']).next().unwrap_or_default();
    match upstreams.get(host) {
        Some(servers) => servers.clone(),
        None => vec![target],
    }
}

/// `${VAR}` of a template is an environment variable; `$var` of nginx is not known.
fn with_variables(text: &str) -> Expr {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        let Some(end) = rest[at..].find('}') else { break };
        parts.push(Expr::literal(&rest[..at]));
        parts.push(Expr::Env(rest[at + 2..at + end].to_owned(), None));
        rest = &rest[at + end + 1..];
    }
    parts.push(Expr::literal(rest));
    parts.retain(|p| *p != Expr::literal(""));
    Expr::concat(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_locations_upstreams_and_templates() {
        let text = "upstream api { server orders:8080; }\nserver {\n  location /api/ {\n    proxy_pass http://api;\n  }\n  location = /img { proxy_pass http://${IMG_HOST}:80; }\n}\n";
        let source = Source::in_memory("web/nginx.conf.template", text.as_bytes());
        assert!(claims(&source, text));
        let facts = read(&source, text, &Neighbours::new(&[], ""));
        assert_eq!(
            (facts.routes[0].pattern.as_str(), &facts.routes[0].target),
            ("/api/", &Expr::literal("orders:8080"))
        );
        assert_eq!(facts.routes[0].place.line, 4);
        assert_eq!(facts.routes[1].pattern, "/img");
        assert!(
            matches!(&facts.routes[1].target, Expr::Concat(parts) if parts[1] == Expr::Env("IMG_HOST".into(), None))
        );
    }

    #[test]
    fn reads_haproxy_and_apache() {
        let text = "frontend f\n  acl a path_beg /orders\n  use_backend orders if a\nbackend orders\n  server s1 orders:8080 check\n";
        let source = Source::in_memory("haproxy.cfg", text.as_bytes());
        let facts = read(&source, text, &Neighbours::new(&[], ""));
        assert_eq!(
            (facts.routes[0].pattern.as_str(), &facts.routes[0].target),
            ("/orders", &Expr::literal("orders:8080"))
        );
        let source = Source::in_memory("000-default.conf", "x".as_bytes());
        let facts = read(&source, "ProxyPass /order http://order:8080/\n", &Neighbours::new(&[], ""));
        assert_eq!(facts.routes.len(), 1);
    }
}
