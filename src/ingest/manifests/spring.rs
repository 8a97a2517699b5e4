//! Spring configuration: application and bootstrap files, profiles, config-server folders, gateway routes.

use crate::files::Source;
use crate::ingest::yaml::{self, Node};
use crate::model::facts::SettingsScope;
use crate::model::{Expr, Facts, Place, Route, Setting, Settings};

use super::{Manifest, Neighbours, masked};

/// Spring configuration.
pub const MANIFEST: Manifest = Manifest { id: "spring", claims, read };

fn stem(source: &Source) -> &str {
    let name = source.file_name();
    name.rsplit_once('.').map_or(name, |(stem, _)| stem)
}

fn is_config(source: &Source) -> bool {
    matches!(source.extension().as_str(), "yml" | "yaml" | "properties")
}

fn is_application(source: &Source) -> bool {
    let stem = stem(source);
    stem == "application" || stem == "bootstrap" || stem.starts_with("application-") || stem.starts_with("bootstrap-")
}

/// Files of a config server's native folder are named like applications.
fn is_shared(source: &Source, text: &str) -> bool {
    let folder = source.folder().to_lowercase();
    let last = folder.rsplit('/').next().unwrap_or_default();
    let named =
        ["config", "shared", "config-repo", "configs", "configuration", "config-files", "properties", "config-data"]
            .contains(&last)
            || last.contains("config");
    // A folder of its own among the resources of a server (`resources/offline-repository`).
    let served = folder.contains("resources/") || last.contains("repo");
    (named || served)
        && ["spring:", "server:", "spring.", "server.", "eureka", "zuul"]
            .iter()
            .any(|k| text.lines().any(|l| l.starts_with(k)))
}

fn claims(source: &Source, text: &str) -> bool {
    is_config(source) && (is_application(source) || is_shared(source, text)) && !text.contains("apiVersion:")
}

fn read(source: &Source, text: &str, _: &Neighbours<'_>) -> Facts {
    let mut facts = Facts::default();
    let place = |line: u32| Place::new(&source.root, &source.path, line);
    let mut documents: Vec<Vec<(String, String, u32)>> = Vec::new();
    if source.extension() == "properties" {
        documents.extend(properties(text));
    } else {
        let parsed = yaml::parse(text);
        facts.notes.extend(parsed.notes(source));
        documents.extend(parsed.nodes.iter().map(Node::flatten));
    }
    let (scope, by_name) = scope(source);
    for values in documents {
        let on_profile = values.iter().find(|(k, _, _)| {
            k == "spring.config.activate.on-profile"
                || k == "spring.profiles"
                || k == "spring.config.activate.on-profile[0]"
        });
        let profile = on_profile.map(|(_, v, _)| v.clone()).unwrap_or_else(|| by_name.clone());
        facts.routes.extend(routes(&values, source, &scope));
        let values = values
            .into_iter()
            .map(|(key, value, line)| Setting { value: masked(&key, &value), key, place: place(line) })
            .collect();
        facts.settings.push(Settings {
            place: place(0),
            scope: scope.clone(),
            format: "spring".to_owned(),
            profile,
            values,
        });
    }
    facts
}

/// Whom a file configures, and the profile in its name.
fn scope(source: &Source) -> (SettingsScope, String) {
    let stem = stem(source);
    let profile = |rest: &str| rest.trim_start_matches('-').to_owned();
    for base in ["application", "bootstrap"] {
        if let Some(rest) = stem.strip_prefix(base)
            && is_application(source)
        {
            let shared = base == "application"
                && !source.path.contains("src/main/resources")
                && source.folder().to_lowercase().contains("config");
            // A service reads its resources and their folder `config`; any other folder there is served to others.
            let inside = source.folder().split("src/main/resources").nth(1).map(|rest| rest.trim_matches('/'));
            let served =
                base == "application" && inside.is_some_and(|rest| !rest.is_empty() && !rest.starts_with("config"));
            let local = inside.is_none() && source.folder().ends_with("resources")
                || source.folder().ends_with("config") && source.path.contains("resources");
            if served || shared && !local {
                return (SettingsScope::Application("application".to_owned()), profile(rest));
            }
            return (SettingsScope::Folder(module_folder(source.folder())), profile(rest));
        }
    }
    // `orders-docker.yml` configures orders under the profile docker, if the end is a usual profile.
    let usual = ["-docker", "-dev", "-prod", "-test", "-local", "-k8s", "-kubernetes", "-cloud", "-default", "-native"];
    match usual.iter().find_map(|p| stem.strip_suffix(p).map(|s| (s, p.trim_start_matches('-')))) {
        Some((name, profile)) => (SettingsScope::Application(name.to_owned()), profile.to_owned()),
        None => (SettingsScope::Application(stem.to_owned()), String::new()),
    }
}

/// `orders/src/main/resources` belongs to `orders`.
fn module_folder(folder: &str) -> String {
    folder.split("src/main/resources").next().unwrap_or(folder).trim_end_matches('/').to_owned()
}

/// Documents of a properties file, separated by `#---` or `!---`.
fn properties(text: &str) -> Vec<Vec<(String, String, u32)>> {
    let mut documents = vec![Vec::new()];
    let mut pending: Option<(String, u32)> = None;
    for (at, line) in text.lines().enumerate() {
        if line.starts_with("#---") || line.starts_with("!---") {
            documents.push(Vec::new());
            continue;
        }
        let (joined, first) = match pending.take() {
            Some((before, first)) => (format!("{before}{}", line.trim_start()), first),
            None => (line.trim_start().to_owned(), at as u32 + 1),
        };
        if joined.starts_with(['#', '!']) || joined.trim().is_empty() {
            continue;
        }
        if let Some(open) = joined.strip_suffix('\\') {
            pending = Some((open.to_owned(), first));
            continue;
        }
        let end = joined.find(['=', ':']).unwrap_or(joined.len());
        let (key, value) = joined.split_at(end);
        let value = value.trim_start_matches(['=', ':']).trim();
        if let Some(last) = documents.last_mut() {
            last.push((key.trim().to_owned(), value.to_owned(), first));
        }
    }
    documents
}

/// Keys under which Spring Cloud Gateway's routes stand, old and new.
const GATEWAY_KEYS: [&str; 4] = [
    "spring.cloud.gateway.routes",
    "spring.cloud.gateway.server.webflux.routes",
    "spring.cloud.gateway.mvc.routes",
    "spring.cloud.gateway.server.webmvc.routes",
];

/// Fields of a Zuul route.
const ZUUL_FIELDS: [&str; 10] = [
    "path",
    "serviceId",
    "service-id",
    "url",
    "stripPrefix",
    "strip-prefix",
    "sensitiveHeaders",
    "sensitive-headers",
    "customSensitiveHeaders",
    "retryable",
];

/// A key, its value and its line.
type Line = (String, String, u32);

fn routes(values: &[Line], source: &Source, scope: &SettingsScope) -> Vec<Route> {
    let gateway = match scope {
        SettingsScope::Application(name) => Some(name.clone()),
        _ => None,
    };
    let found = cloud_gateway(values).into_iter().chain(zuul(values));
    found
        .map(|(proxy, pattern, target, line)| Route {
            place: Place::new(&source.root, &source.path, line),
            proxy: proxy.to_owned(),
            gateway: gateway.clone(),
            pattern,
            target: Expr::Literal(target),
        })
        .collect()
}

/// (proxy, pattern, target, line)
type Found = (&'static str, String, String, u32);

fn cloud_gateway(values: &[Line]) -> Vec<Found> {
    let mut all = Vec::new();
    for prefix in GATEWAY_KEYS {
        for (key, value, line) in values {
            let Some(index) = key.strip_prefix(prefix).and_then(|k| k.strip_suffix(".uri")) else { continue };
            let base = format!("{prefix}{index}.predicates");
            let path = values.iter().filter(|(k, _, _)| k.starts_with(&base)).find_map(|(k, v, _)| {
                let args = k.contains(".args.") && v.starts_with('/');
                v.strip_prefix("Path=").map(str::to_owned).or_else(|| args.then(|| v.clone()))
            });
            let path = path.unwrap_or_default().split(',').next().unwrap_or_default().to_owned();
            all.push(("spring-cloud-gateway", path, value.clone(), *line));
        }
    }
    all
}

/// `zuul.routes.NAME.{path,serviceId,url}` or `zuul.routes.NAME: /path/**`.
fn zuul(values: &[Line]) -> Vec<Found> {
    let mut names: Vec<(String, u32)> = Vec::new();
    for (key, _, line) in values {
        let Some(rest) = key.strip_prefix("zuul.routes.") else { continue };
        let name = rest.rsplit_once('.').filter(|(_, last)| ZUUL_FIELDS.contains(last)).map_or(rest, |(n, _)| n);
        if !names.iter().any(|(n, _)| n == name) && !name.contains('[') {
            names.push((name.to_owned(), *line));
        }
    }
    let get = |key: String| values.iter().find(|(k, _, _)| *k == key).map(|(_, v, _)| v.clone());
    let mut all = Vec::new();
    for (name, line) in names {
        let field = |field: &str| get(format!("zuul.routes.{name}.{field}"));
        let target = field("url").or_else(|| field("serviceId")).or_else(|| field("service-id"));
        let target = target.unwrap_or_else(|| name.clone());
        let path = field("path").or_else(|| get(format!("zuul.routes.{name}"))).unwrap_or_default();
        if !target.starts_with("forward:") {
            all.push(("zuul", path, target, line));
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_profiles_scopes_and_routes() {
        let text = "spring:\n  application: {name: gateway}\n  datasource: {password: x1}\nzuul:\n  routes:\n    orders: {path: /orders/**, serviceId: orders-service}\n---\nspring: {config: {activate: {on-profile: docker}}}\n";
        let source = Source::in_memory("gateway/src/main/resources/application.yml", text.as_bytes());
        let facts = read(&source, text, &Neighbours::new(&[], ""));
        assert_eq!(facts.settings[0].scope, SettingsScope::Folder("gateway".into()));
        assert_eq!(facts.settings[1].profile, "docker");
        assert!(facts.settings[0].values.iter().any(|s| s.key == "spring.datasource.password" && s.value == "***"));
        assert_eq!(
            (facts.routes[0].pattern.as_str(), &facts.routes[0].target),
            ("/orders/**", &Expr::literal("orders-service"))
        );
        let shared =
            Source::in_memory("config/src/main/resources/shared/orders.yml", b"server: {port: 1}\n".as_slice());
        assert_eq!(scope(&shared).0, SettingsScope::Application("orders".into()));
    }
}
