//! Addresses: taking a URL, host or connection string apart, and finding the service behind it.
//!
//! Takes texts with holes (`{}`); gives a target. Knows names and published ports, no code.

use std::collections::BTreeMap;

use crate::model::{Facts, WorkloadKind};

use super::services::Nodes;
use super::settings::Environment;

/// The parts of an address as text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Address {
    /// Scheme, in lower case, empty if not written.
    pub scheme: String,
    /// Host; empty for a relative address.
    pub host: String,
    /// Port.
    pub port: Option<u16>,
    /// Path with its leading slash, without query; empty if none.
    pub path: String,
    /// Query or connection parameters as written.
    pub query: String,
}

/// The mark of a part that is not known.
pub const HOLE: &str = "{}";

impl Address {
    /// Takes a text apart: URL, `host:port`, `lb://NAME`, `jdbc:postgresql://h:1/db`, `Server=h;Database=d`, `/path`.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let text = text.trim().trim_matches(['"', '\'']);
        if text.contains(';') && text.contains('=') && !text.contains("://") {
            return Self::key_values(text, ';');
        }
        if text.contains("host=") && !text.contains("://") {
            return Self::key_values(text, ' ');
        }
        let text = text.strip_prefix("jdbc:").or_else(|| text.strip_prefix("r2dbc:")).unwrap_or(text);
        let (scheme, rest) = match text.split_once("://") {
            Some((scheme, rest)) if scheme.len() < 24 && !scheme.contains(['/', '{']) => (scheme.to_lowercase(), rest),
            _ => (String::new(), text),
        };
        // `dns:///host:port`, `discovery:///name`: the authority is empty, the path is the target.
        let rest = if scheme.is_empty()
            || !matches!(scheme.as_str(), "dns" | "discovery" | "consul" | "passthrough" | "static")
        {
            rest
        } else {
            // `consul://agent:8500/orders`: behind the registry stands the name.
            let rest = rest.trim_start_matches('/');
            match rest.rsplit_once('/').filter(|_| scheme == "consul") {
                Some((_, name)) if !name.is_empty() => name.split(['.', '?']).next().unwrap_or(name),
                _ => rest,
            }
        };
        if scheme.is_empty() && (rest.starts_with('/') || rest.is_empty()) {
            let (path, query) = split_query(rest);
            return Self { path: path.to_owned(), query: query.to_owned(), ..Self::default() };
        }
        let end = rest.find(['/', '?', '#', '|']).unwrap_or(rest.len());
        // `http://gateway:8080{}`: after a port a hole can only be the path.
        let hole = rest
            .find(HOLE)
            .filter(|at| *at < end && rest[..*at].ends_with(|c: char| c.is_ascii_digit()) && rest[..*at].contains(':'));
        let (authority, tail) = rest.split_at(hole.unwrap_or(end));
        let authority = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
        // Several hosts (`a:1,b:2`): the first one stands for all.
        let authority = authority.split(',').next().unwrap_or_default();
        // MySQL drivers of Go write `user@tcp(host:3306)/db`.
        let authority = authority.strip_prefix("tcp(").map_or(authority, |a| a.trim_end_matches(')'));
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if port.chars().all(|c| c.is_ascii_digit()) && !port.is_empty() => {
                (host, port.parse().ok())
            }
            Some((host, HOLE)) => (host, None),
            Some((host, "")) => (host, None),
            _ => (authority, None),
        };
        let (path, query) = split_query(tail);
        Self {
            scheme,
            host: host.trim_matches(['[', ']']).to_owned(),
            port,
            path: path.to_owned(),
            query: query.to_owned(),
        }
    }

    /// `Server=host,port;Database=x` and `host=h port=1 dbname=x`.
    fn key_values(text: &str, separator: char) -> Self {
        let mut out = Self { query: text.to_owned(), ..Self::default() };
        for pair in text.split(separator) {
            let Some((key, value)) = pair.split_once('=') else { continue };
            let (key, value) = (key.trim().to_lowercase(), value.trim());
            match key.as_str() {
                "server" | "host" | "data source" | "datasource" | "address" | "endpoint" | "hostname" => {
                    let value = value.strip_prefix("tcp:").unwrap_or(value);
                    let inner = Self::parse(&value.replace(',', ":"));
                    out.host = inner.host;
                    out.port = out.port.or(inner.port);
                }
                "port" => out.port = value.parse().ok(),
                "database" | "initial catalog" | "dbname" => out.path = format!("/{value}"),
                _ => {}
            }
        }
        out
    }

    /// Is nothing known of the host?
    #[must_use]
    pub fn is_relative(&self) -> bool {
        self.host.is_empty()
    }

    /// Does the host contain a hole?
    #[must_use]
    pub fn has_open_host(&self) -> bool {
        self.host.contains('{')
    }

    /// Is it this machine?
    #[must_use]
    pub fn is_local(&self) -> bool {
        matches!(
            self.host.to_lowercase().as_str(),
            "localhost" | "127.0.0.1" | "0.0.0.0" | "::1" | "::" | "host.docker.internal" | "10.0.2.2"
        )
    }

    /// Database or schema: the first part of the path.
    #[must_use]
    pub fn database(&self) -> Option<&str> {
        let first = self.path.trim_start_matches('/').split('/').next().unwrap_or_default();
        (!first.is_empty() && !first.contains('{')).then_some(first)
    }
}

fn split_query(text: &str) -> (&str, &str) {
    match text.find(['?', '#']) {
        Some(at) => (&text[..at], &text[at + 1..]),
        None => (text, ""),
    }
}

/// What an address leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// A node, with the reason.
    Node(usize, &'static str),
    /// A host outside the system.
    External(String),
    /// Not known, with the reason.
    Unknown(String),
}

/// Names and ports of the system.
#[derive(Debug, Default)]
pub struct Directory {
    ports: BTreeMap<u16, Vec<usize>>,
    /// Ports that services listen on by their own configuration, used only where one service has it.
    own_ports: BTreeMap<u16, Vec<usize>>,
    namespaces: Vec<String>,
}

impl Directory {
    /// Collects published ports and namespaces.
    #[must_use]
    pub fn of(facts: &Facts, nodes: &Nodes, environments: &[Environment]) -> Self {
        let mut directory = Self::default();
        for (at, node) in nodes.all.iter().enumerate() {
            for index in &node.workloads {
                let workload = &facts.workloads[*index];
                if !workload.namespace.is_empty() && !directory.namespaces.contains(&workload.namespace) {
                    directory.namespaces.push(workload.namespace.clone());
                }
                for (published, container) in &workload.ports {
                    if *published > 0 && workload.kind == WorkloadKind::Compose {
                        add(&mut directory.ports, *published, at);
                    }
                    add(&mut directory.own_ports, *container, at);
                }
            }
            for key in ["server.port", "PORT", "SERVER_PORT", "ASPNETCORE_HTTP_PORTS", "quarkus.http.port"] {
                for configured in environments[at].property(key).iter().chain(environments[at].variable(key)) {
                    let text = configured.value.rsplit([':', '}']).find(|t| !t.is_empty()).unwrap_or_default();
                    if let Ok(port) = text.trim_end_matches('}').parse::<u16>() {
                        add(&mut directory.own_ports, port, at);
                    }
                }
            }
        }
        directory
    }

    /// Adds a port on which a service's own code listens.
    pub fn listen(&mut self, port: u16, at: usize) {
        add(&mut self.own_ports, port, at);
    }

    /// Finds the service behind an address.
    #[must_use]
    pub fn find(&self, nodes: &Nodes, address: &Address, from: usize) -> Target {
        if address.is_relative() {
            return Target::Unknown("no host".to_owned());
        }
        // `http://orders{}`: a path or a domain that is not known behind a whole name.
        if let Some(name) = address.host.strip_suffix(HOLE)
            && name.ends_with(|c: char| c.is_alphanumeric())
            && let Some(at) = nodes.find(name)
        {
            return Target::Node(at, "name before a part that is not known");
        }
        if address.has_open_host() {
            return Target::Unknown(format!("the host is not known: {}", address.host));
        }
        // A sidecar passes on what names its service in the path.
        let invoked = address.path.strip_prefix("/v1.0/invoke/").and_then(|rest| rest.split('/').next());
        if let Some(at) = invoked.and_then(|name| nodes.find(name)) {
            return Target::Node(at, "invoked through a sidecar");
        }
        if address.is_local() {
            return self.by_port(address, from);
        }
        let host = address.host.as_str();
        if let Some(at) = nodes.find_from(host, from) {
            return Target::Node(at, "name");
        }
        if let Some(at) = self.by_cluster_name(nodes, host) {
            return Target::Node(at, "cluster name");
        }
        if let Some(at) = by_stem(nodes, host) {
            return Target::Node(at, "name without what says that it is a service");
        }
        // A machine by number: what one service publishes at that port.
        let numeric = host.split('.').count() == 4 && host.split('.').all(|p| p.parse::<u8>().is_ok());
        if numeric && let Target::Node(at, _) = self.by_port(address, from) {
            return Target::Node(at, "published port of a machine");
        }
        if is_public(host) {
            return Target::External(host.to_lowercase());
        }
        Target::Unknown(format!("no service is called {host}"))
    }

    fn by_port(&self, address: &Address, from: usize) -> Target {
        let Some(port) = address.port else { return Target::Unknown("localhost without a port".to_owned()) };
        // The asking service listens there itself.
        if self.own_ports.get(&port).is_some_and(|all| all.contains(&from)) && !self.ports.contains_key(&port) {
            return Target::Node(from, "its own port");
        }
        for table in [&self.ports, &self.own_ports] {
            if let Some([one]) = table.get(&port).map(Vec::as_slice) {
                return Target::Node(*one, "published port");
            }
        }
        Target::Unknown(format!("no service publishes port {port}"))
    }

    /// `name.namespace`, `name.namespace.svc`, `name.namespace.svc.cluster.local`.
    fn by_cluster_name(&self, nodes: &Nodes, host: &str) -> Option<usize> {
        let mut parts = host.split('.');
        let first = parts.next()?;
        let namespace = parts.next()?;
        let rest: Vec<&str> = parts.collect();
        let cluster = rest.first() == Some(&"svc");
        let known = rest.is_empty()
            && (self.namespaces.iter().any(|n| n == namespace) || namespace == "default" || namespace.contains('{'));
        (cluster || known || matches!(namespace, "local" | "internal" | "lan")).then(|| nodes.find(first)).flatten()
    }
}

/// `srv-orders`, `orders-svc` and `order-service` are registered names of `orders` and `order`.
fn by_stem(nodes: &Nodes, host: &str) -> Option<usize> {
    const MARKS: [&str; 4] = ["service", "svc", "srv", "server"];
    let lower = host.to_lowercase();
    let stripped = MARKS.iter().find_map(|mark| {
        let front = lower.strip_prefix(mark).and_then(|r| r.strip_prefix(['-', '_', '.']));
        front.or_else(|| lower.strip_suffix(mark).and_then(|r| r.strip_suffix(['-', '_', '.'])))
    });
    let stem = stripped.unwrap_or(&lower);
    let longer = || MARKS[..3].iter().filter_map(|mark| nodes.find(&format!("{stem}-{mark}"))).collect::<Vec<_>>();
    let found = if stripped.is_some() { nodes.find(stem).into_iter().collect() } else { longer() };
    let plain = stem.len() > 2 && stem.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_'));
    match found.as_slice() {
        [one] if plain => Some(*one),
        _ => None,
    }
}

fn add(table: &mut BTreeMap<u16, Vec<usize>>, port: u16, at: usize) {
    let list = table.entry(port).or_default();
    if !list.contains(&at) {
        list.push(at);
    }
}

/// A host with a dot whose last label is a word of two or more letters, and no reserved ending (RFC 2606, 6761).
#[must_use]
pub fn is_public(host: &str) -> bool {
    let lower = host.to_lowercase();
    let Some((_, last)) = lower.rsplit_once('.') else { return false };
    let reserved = ["local", "internal", "localhost", "test", "invalid", "lan", "svc", "cluster", "home", "docker"];
    last.len() >= 2 && last.chars().all(|c| c.is_ascii_alphabetic()) && !reserved.contains(&last)
}

/// Does the path of a call fit a path template? Holes on either side match one segment or more of text.
#[must_use]
pub fn path_fits(call: &str, template: &str) -> bool {
    let segments = |p: &str| p.split('/').filter(|s| !s.is_empty()).map(str::to_owned).collect::<Vec<_>>();
    let (call, template) = (segments(call), segments(template));
    let one = |a: &str, b: &str| a == b || a.contains('{') || b.contains(['{', '*']) || b.starts_with([':', '<']);
    call.len() == template.len() && call.iter().zip(&template).all(|(a, b)| one(a, b))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(text: &str) -> (String, Option<u16>, String) {
        let a = Address::parse(text);
        (a.host, a.port, a.path)
    }

    #[test]
    fn addresses_of_every_dialect_are_taken_apart() {
        let is = |text: &str, host: &str, port: Option<u16>, path: &str| {
            assert_eq!(parts(text), (host.to_owned(), port, path.to_owned()), "{text}");
        };
        is("http://orders:8080/orders/{}?x=1", "orders", Some(8080), "/orders/{}");
        is("orders:50051", "orders", Some(50051), "");
        is("lb://ORDERS", "ORDERS", None, "");
        is("jdbc:postgresql://db:5432/shop?user=x", "db", Some(5432), "/shop");
        is("mongodb://u:p@m1:27017,m2:27017/shop", "m1", Some(27017), "/shop");
        is("Server=tcp:sql,1433;Initial Catalog=shop;User Id=x", "sql", Some(1433), "/shop");
        is("host=db port=5432 dbname=shop", "db", Some(5432), "/shop");
        is("root:pw@tcp(mysql:3306)/shop", "mysql", Some(3306), "/shop");
        is("dns:///cart:7070", "cart", Some(7070), "");
        is("/api/orders", "", None, "/api/orders");
        is("http://{}/x", "{}", None, "/x");
        is("http://gateway:8080{}", "gateway", Some(8080), "{}");
        is("https+http://catalog-api", "catalog-api", None, "");
    }

    #[test]
    fn public_hosts_and_paths() {
        assert!(
            is_public("api.stripe.com") && !is_public("orders") && !is_public("orders.local") && !is_public("10.0.0.1")
        );
        assert!(path_fits("/orders/{}/items", "/orders/:id/items"));
        assert!(!path_fits("/orders", "/orders/{id}"));
    }
}
