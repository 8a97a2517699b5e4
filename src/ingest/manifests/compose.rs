//! Docker Compose: services with images, builds, environment, ports and names.
//!
//! `depends_on` and `links` are names only, never an edge.

use std::collections::BTreeMap;

use crate::files::Source;
use crate::ingest::paths::join;
use crate::ingest::yaml::{self, Node};
use crate::model::{Expr, Facts, Place, Route, Setting, Workload, WorkloadKind};

use super::{Manifest, Neighbours, dotenv_values, masked, spring_value};

/// Docker Compose.
pub const MANIFEST: Manifest = Manifest { id: "compose", claims, read };

fn claims(source: &Source, text: &str) -> bool {
    let name = source.file_name().to_lowercase();
    let yaml = name.ends_with(".yml") || name.ends_with(".yaml");
    let named = name.contains("compose") || name.starts_with("docker-stack");
    yaml && text.lines().any(|l| l.trim_end() == "services:" || l.starts_with("services: ")) && (named || runs(text))
}

/// Whatever the file is called: services of which one has an image or a build. Pipelines have services of jobs, and
/// frameworks call their objects so, with classes.
fn runs(text: &str) -> bool {
    let mut inside = false;
    for line in text.lines() {
        let content = line.trim_start();
        let depth = line.len() - content.len();
        if depth == 0 && !content.is_empty() && !content.starts_with('#') {
            inside = content.starts_with("services:");
        }
        let key = content.split(':').next().unwrap_or_default();
        if inside && (2..=8).contains(&depth) && matches!(key, "image" | "build") {
            return true;
        }
    }
    false
}

fn read(source: &Source, text: &str, neighbours: &Neighbours<'_>) -> Facts {
    let mut facts = Facts::default();
    let documents = yaml::parse(text);
    facts.notes.extend(documents.notes(source));
    let values = interpolation(source, neighbours);
    let profile = profile(source.file_name());
    for document in &documents.nodes {
        for (name, service) in document.get("services").entries() {
            let reader = Reader { source, values: &values, profile: &profile };
            facts.workloads.push(reader.service(name, service));
        }
        let runs = |w: &&Workload| w.image.as_deref().is_some_and(|i| i.rsplit('/').next().is_some_and(is_traefik));
        let gateway = facts.workloads.iter().find(runs).map_or("traefik", |w| &w.name).to_owned();
        let routes: Vec<Route> = facts.workloads.iter().flat_map(|w| traefik(w, &gateway)).collect();
        facts.routes.extend(routes);
    }
    facts
}

/// `docker-compose.dev.yml` is the variant `dev`; `docker-compose.override.yml` and the plain file are the base.
fn profile(name: &str) -> String {
    let stem = name.trim_end_matches(".yaml").trim_end_matches(".yml");
    let rest = stem.rsplit_once("compose").map_or("", |(_, rest)| rest).trim_matches(['.', '-', '_']);
    if rest == "override" { String::new() } else { rest.to_owned() }
}

fn interpolation(source: &Source, neighbours: &Neighbours<'_>) -> BTreeMap<String, String> {
    let path = join(source.folder(), ".env").unwrap_or_default();
    let text = neighbours.text(&path).unwrap_or_default();
    // A value may refer to those above it.
    let mut values = BTreeMap::new();
    for (key, value, _) in dotenv_values(&text) {
        let value = interpolate(&value, &values, 0);
        values.insert(key, value);
    }
    values
}

struct Reader<'r> {
    source: &'r Source,
    values: &'r BTreeMap<String, String>,
    profile: &'r str,
}

impl Reader<'_> {
    fn place(&self, line: u32) -> Place {
        Place::new(&self.source.root, &self.source.path, line)
    }

    fn text(&self, node: &Node) -> String {
        interpolate(node.str(), self.values, 0)
    }

    fn service(&self, name: &str, node: &Node) -> Workload {
        let build = node.get("build");
        let context = if build.text().is_some() { build } else { build.get("context") };
        let folder = self.source.folder();
        let context = context
            .text()
            .map(|c| interpolate(c, self.values, 0))
            .or_else(|| (!build.is_null()).then(|| ".".to_owned()));
        // Compose on Windows takes `..\\src` as well.
        let context = context.and_then(|c| join(folder, &c.replace('\\', "/")));
        let dockerfile = build.get("dockerfile").text().map(|d| interpolate(d, self.values, 0));
        let dockerfile = dockerfile.and_then(|d| join(context.as_deref().unwrap_or(folder), &d.replace('\\', "/")));
        let mut aliases: Vec<String> = Vec::new();
        for key in ["container_name", "hostname"] {
            aliases.extend(node.get(key).text().map(|t| interpolate(t, self.values, 0)));
        }
        for (_, network) in node.get("networks").entries() {
            aliases.extend(network.get("aliases").list().iter().filter_map(Node::text).map(str::to_owned));
        }
        aliases.sort();
        aliases.dedup();
        Workload {
            place: self.place(node.line),
            kind: WorkloadKind::Compose,
            name: name.to_owned(),
            aliases,
            namespace: String::new(),
            image: node.get("image").text().map(|i| interpolate(i, self.values, 0)),
            build: context,
            dockerfile,
            copies: self.mounts(node),
            command: [words(node.get("entrypoint"), self), words(node.get("command"), self)].concat(),
            environment: self.environment(node.get("environment")),
            environment_from: self.environment_files(node.get("env_file")),
            ports: node.get("ports").list().iter().filter_map(|p| self.port(p)).chain(self.exposed(node)).collect(),
            depends_on: names(node.get("depends_on")).into_iter().chain(names(node.get("links"))).collect(),
            labels: self.labels(node.get("labels")),
            selector: BTreeMap::new(),
            profile: self.profile.to_owned(),
            has_health_check: !node.get("healthcheck").is_null(),
        }
    }

    /// Files and folders of the repository that are mounted, relative to the root.
    fn mounts(&self, node: &Node) -> Vec<String> {
        let mut all = Vec::new();
        let works_in = self.text(node.get("working_dir"));
        for volume in node.get("volumes").list() {
            let written = volume.text().or_else(|| volume.get("source").text()).unwrap_or_default();
            let written = interpolate(written, self.values, 0);
            let Some(path) = mounted(&written).and_then(|path| join(self.source.folder(), path)) else { continue };
            let inside = volume.get("target").text().map(|t| interpolate(t, self.values, 0));
            let inside = inside.or_else(|| written.split(':').nth(1).map(str::to_owned)).unwrap_or_default();
            // A folder of what is mounted, where the service works in it.
            let below = works_in.strip_prefix(inside.trim_end_matches('/')).filter(|_| inside.len() > 1);
            if let Some(rest) = below.filter(|rest| rest.starts_with('/')) {
                all.insert(0, join(&path, rest.trim_start_matches('/')).unwrap_or_default());
            } else if !path.is_empty() {
                all.push(path);
            }
        }
        all.retain(|path| !path.is_empty());
        all
    }

    fn environment(&self, node: &Node) -> Vec<Setting> {
        let mut all = Vec::new();
        for (key, value) in node.entries() {
            all.push(Setting {
                key: key.clone(),
                value: masked(key, &self.text(value)),
                place: self.place(value.line),
            });
        }
        for item in node.list() {
            let text = self.text(item);
            // A name without a value takes the value of the environment file.
            let (key, value) = match text.split_once('=') {
                Some((key, value)) => (key.to_owned(), value.to_owned()),
                None => match self.values.get(&text) {
                    Some(value) => (text, value.clone()),
                    None => continue,
                },
            };
            let value = masked(&key, &value);
            all.push(Setting { key, value, place: self.place(item.line) });
        }
        all
    }

    fn environment_files(&self, node: &Node) -> Vec<String> {
        let folder = self.source.folder();
        let one = node.text().into_iter();
        let many = node.list().iter().filter_map(|n| n.text().or_else(|| n.get("path").text()));
        one.chain(many).filter_map(|path| join(folder, path)).map(|path| format!("file:{path}")).collect()
    }

    fn port(&self, node: &Node) -> Option<(u16, u16)> {
        if let Some(target) = node.get("target").text() {
            let published = self.text(node.get("published")).parse().unwrap_or(0);
            return Some((published, target.parse().ok()?));
        }
        let text = self.text(node);
        let text = text.split('/').next().unwrap_or_default();
        let parts: Vec<&str> = text.rsplit(':').collect();
        let number = |t: &str| t.split('-').next().and_then(|n| n.trim().parse::<u16>().ok());
        match parts.as_slice() {
            [container] => Some((0, number(container)?)),
            [container, published, ..] => Some((number(published)?, number(container)?)),
            [] => None,
        }
    }

    fn exposed<'n>(&'n self, node: &'n Node) -> impl Iterator<Item = (u16, u16)> + 'n {
        node.get("expose").list().iter().filter_map(|p| Some((0, self.text(p).parse().ok()?)))
    }

    fn labels(&self, node: &Node) -> BTreeMap<String, String> {
        let pairs = node.entries().iter().map(|(k, v)| (k.clone(), self.text(v)));
        let listed = node.list().iter().filter_map(|n| {
            let text = self.text(n);
            text.split_once('=').map(|(k, v)| (k.to_owned(), v.to_owned()))
        });
        pairs.chain(listed).collect()
    }
}

fn words(node: &Node, reader: &Reader<'_>) -> Vec<String> {
    match node.text() {
        Some(_) => vec![reader.text(node)],
        None => node.list().iter().map(|n| reader.text(n)).collect(),
    }
}

fn names(node: &Node) -> Vec<String> {
    let keys = node.entries().iter().map(|(k, _)| k.clone());
    let items = node.list().iter().filter_map(Node::text).map(|t| t.split(':').next().unwrap_or(t).to_owned());
    keys.chain(items).collect()
}

/// `${A}`, `${A:-b}`, `${A-b}`, `${A:?error}`, `$A`; `$$` is a dollar. What is not set stays as written.
/// `./proxy.conf:/etc/nginx/nginx.conf:ro` mounts `./proxy.conf`; a name without a path is a volume.
fn mounted(volume: &str) -> Option<&str> {
    let source = volume.split(':').next().filter(|s| s.starts_with('.') || s.contains('/'))?;
    (!source.starts_with('/') && !source.starts_with('~') && !source.starts_with('$')).then_some(source)
}

fn interpolate(text: &str, values: &BTreeMap<String, String>, depth: usize) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        out.push_str(&rest[..at]);
        let after = &rest[at + 1..];
        if let Some(tail) = after.strip_prefix('$') {
            out.push('$');
            rest = tail;
        } else if let Some(inner) = after.strip_prefix('{') {
            let Some(end) = closing(inner) else {
                out.push_str(&rest[at..]);
                return out;
            };
            out.push_str(&substitute(&inner[..end], values, depth));
            rest = &inner[end + 1..];
        } else {
            let end = after.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(after.len());
            match values.get(&after[..end]) {
                Some(value) if end > 0 => out.push_str(value),
                _ => out.push_str(&rest[at..at + 1 + end]),
            }
            rest = &after[end..];
        }
    }
    out.push_str(rest);
    out
}

fn closing(text: &str) -> Option<usize> {
    let mut open = 1;
    for (at, c) in text.char_indices() {
        match c {
            '{' => open += 1,
            '}' => {
                open -= 1;
                if open == 0 {
                    return Some(at);
                }
            }
            _ => {}
        }
    }
    None
}

fn substitute(inner: &str, values: &BTreeMap<String, String>, depth: usize) -> String {
    let end = inner.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(inner.len());
    let (key, operator) = inner.split_at(end);
    let default = operator.trim_start_matches(':');
    match values.get(key).filter(|v| !v.is_empty()) {
        Some(value) => value.clone(),
        None if default.starts_with('-') && depth < 6 => interpolate(&default[1..], values, depth + 1),
        None => format!("${{{inner}}}"),
    }
}

fn is_traefik(image: &str) -> bool {
    image.starts_with("traefik")
}

/// Traefik routes stand in labels: the rule's path leads to the labelled service itself.
fn traefik(workload: &Workload, gateway: &str) -> Vec<Route> {
    let rules = workload.labels.iter().filter(|(k, _)| k.starts_with("traefik.http.routers.") && k.ends_with(".rule"));
    rules
        .map(|(_, rule)| {
            let path = rule.split(['`', '"', '\'']).find(|t| t.starts_with('/')).unwrap_or_default();
            Route {
                place: workload.place.clone(),
                proxy: "traefik".to_owned(),
                gateway: Some(gateway.to_owned()),
                pattern: path.to_owned(),
                target: spring_value(&workload.name),
            }
        })
        .filter(|r| r.target != Expr::literal(""))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_services_with_interpolation_and_lines() {
        let text = "services:\n  orders:\n    build: {context: ./orders, dockerfile: Dockerfile}\n    container_name: shop-orders\n    environment:\n      CATALOG_URL: http://${HOST:-catalog}:8000\n      DB_PASSWORD: hunter2\n    env_file: [.env.orders]\n    ports: [\"8080:80\", \"9000\"]\n    depends_on: [db]\n  db:\n    image: postgres:${PG}\n";
        let compose = Source::in_memory("deploy/docker-compose.yml", text.as_bytes());
        let sources = vec![Source::in_memory("deploy/.env", "PG=16\n".as_bytes()), compose.clone()];
        let facts = read(&compose, text, &Neighbours::new(&sources, ""));
        let orders = &facts.workloads[0];
        assert_eq!((orders.place.line, orders.build.as_deref()), (2, Some("deploy/orders")));
        assert_eq!(orders.environment[0].value, "http://catalog:8000");
        assert_eq!((orders.environment[0].place.line, orders.environment[1].value.as_str()), (6, "***"));
        assert_eq!(orders.ports, [(8080, 80), (0, 9000)]);
        assert_eq!(orders.environment_from, ["file:deploy/.env.orders"]);
        assert_eq!(facts.workloads[1].image.as_deref(), Some("postgres:16"));
    }
}
