//! Kubernetes: workloads, Services, ConfigMaps, Secrets and objects that route.
//!
//! Templates of a Helm chart are rendered where its values are plain; what cannot be is named in a note.

mod chart;
mod kustomize;
mod routes;

use std::collections::BTreeMap;

use crate::files::Source;
use crate::ingest::duration::written;
use crate::ingest::yaml::{self, Node};
use crate::model::facts::SettingsScope;
use crate::model::{Facts, Place, Practice, PracticeKind, Setting, Settings, Workload, WorkloadKind};

use super::{Manifest, Neighbours, dotenv_values, masked};

/// Kubernetes.
pub const MANIFEST: Manifest = Manifest { id: "kubernetes", claims, read };

fn claims(source: &Source, text: &str) -> bool {
    if kustomize::is_kustomization(source) {
        return true;
    }
    matches!(source.extension().as_str(), "yaml" | "yml" | "json")
        && text.contains("apiVersion")
        && text.contains("kind")
        && text
            .lines()
            .any(|l| l.trim_start().trim_start_matches("- ").trim_start_matches('"').starts_with("apiVersion"))
}

fn read(source: &Source, text: &str, neighbours: &Neighbours<'_>) -> Facts {
    let mut facts = Facts::default();
    if text.contains("{{") && (source.path.contains("/templates/") || text.contains(".Values.")) {
        chart::read(source, text, neighbours, &mut facts);
        return facts;
    }
    let documents = yaml::parse(text);
    facts.notes.extend(documents.notes(source));
    for document in &documents.nodes {
        if kustomize::is_kustomization(source) {
            kustomize::read(source, document, neighbours, &mut facts);
        } else {
            object(source, document, &mut facts, 0);
        }
    }
    facts
}

fn object(source: &Source, node: &Node, facts: &mut Facts, depth: usize) {
    let place = |line: u32| Place::new(&source.root, &source.path, line);
    match node.get("kind").str() {
        "List" if depth < 3 => {
            for item in node.get("items").list() {
                object(source, item, facts, depth + 1);
            }
        }
        "Deployment"
        | "StatefulSet"
        | "DaemonSet"
        | "Job"
        | "ReplicaSet"
        | "Rollout"
        | "ReplicationController"
        | "DeploymentConfig" => {
            facts.workloads.push(workload(source, node, node.at(&["spec", "template"])));
        }
        "CronJob" => {
            facts.workloads.push(workload(source, node, node.at(&["spec", "jobTemplate", "spec", "template"])))
        }
        "Pod" => facts.workloads.push(workload(source, node, node)),
        "Service" if node.get("apiVersion").str().starts_with("serving.knative") => {
            facts.workloads.push(workload(source, node, node.at(&["spec", "template"])));
        }
        "Service" => facts.workloads.push(service(source, node)),
        "ConfigMap" | "Secret" => facts.settings.push(settings(source, node)),
        "Component" if node.get("apiVersion").str().starts_with("dapr.io") => {
            facts.settings.extend(dapr_store(source, node));
        }
        "VirtualService" => {
            facts.practices.extend(mesh_limits(source, node));
            facts.routes.extend(routes::of(node, place));
        }
        "DestinationRule" => facts.practices.extend(mesh_breaker(source, node)),
        _ => facts.routes.extend(routes::of(node, place)),
    }
}

fn name(node: &Node) -> &Node {
    node.at(&["metadata", "name"])
}

fn texts(node: &Node) -> BTreeMap<String, String> {
    node.entries().iter().filter_map(|(k, v)| Some((k.clone(), v.text()?.to_owned()))).collect()
}

fn workload(source: &Source, node: &Node, template: &Node) -> Workload {
    let place = |line: u32| Place::new(&source.root, &source.path, line);
    let pod = template.get("spec");
    let containers = pod.get("containers").list();
    // The main container is the one that is called like the workload, else the first.
    let own = name(node).str();
    let main = containers.iter().find(|c| c.get("name").str() == own).or_else(|| containers.first());
    let mut environment = Vec::new();
    let mut environment_from = Vec::new();
    let mut ports = Vec::new();
    let mut aliases: Vec<String> = Vec::new();
    let mut command: Vec<String> = Vec::new();
    let labels = texts(template.at(&["metadata", "labels"]));
    aliases.extend(["app", "app.kubernetes.io/name", "k8s-app"].iter().filter_map(|k| labels.get(*k).cloned()));
    if let Some(container) = main {
        aliases.push(container.get("name").str().to_owned());
        environment.extend(container.get("env").list().iter().filter_map(|e| variable(e, place)));
        for from in container.get("envFrom").list() {
            environment_from.extend(from.at(&["configMapRef", "name"]).text().map(str::to_owned));
            environment_from.extend(from.at(&["secretRef", "name"]).text().map(|s| format!("secret:{s}")));
        }
        ports.extend(
            container.get("ports").list().iter().filter_map(|p| Some((0, p.get("containerPort").str().parse().ok()?))),
        );
        command.extend(
            ["command", "args"].iter().flat_map(|k| container.get(k).list()).filter_map(Node::text).map(str::to_owned),
        );
    }
    aliases.retain(|a| !a.is_empty() && a != own && !matches!(a.as_str(), "server" | "main" | "app"));
    aliases.sort();
    aliases.dedup();
    Workload {
        aliases,
        namespace: node.at(&["metadata", "namespace"]).str().to_owned(),
        image: main.and_then(|c| c.get("image").text()).map(str::to_owned),
        command,
        environment,
        environment_from,
        ports,
        labels,
        has_health_check: main.is_some_and(|c| !c.get("livenessProbe").is_null() || !c.get("readinessProbe").is_null()),
        ..Workload::new(own, place(name(node).line), WorkloadKind::Kubernetes)
    }
}

fn variable(node: &Node, place: impl Fn(u32) -> Place) -> Option<Setting> {
    let key = node.get("name").text()?.to_owned();
    let from = node.get("valueFrom");
    let reference = |kind: &str, prefix: &str| {
        let reference = from.get(kind);
        let (name, key) = (reference.get("name").text()?, reference.get("key").text()?);
        Some(format!("{prefix}:{name}/{key}"))
    };
    let value = match node.get("value").text() {
        Some(value) => masked(&key, value),
        None => reference("configMapKeyRef", "configmap").or_else(|| reference("secretKeyRef", "secret"))?,
    };
    Some(Setting { key, value, place: place(node.get("name").line) })
}

fn service(source: &Source, node: &Node) -> Workload {
    let spec = node.get("spec");
    let ports = spec.get("ports").list().iter().filter_map(|p| {
        let port: u16 = p.get("port").str().parse().ok()?;
        Some((port, p.get("targetPort").str().parse().unwrap_or(port)))
    });
    let mut labels = texts(node.at(&["metadata", "labels"]));
    if let Some(kind) = spec.get("type").text() {
        labels.insert("service-type".to_owned(), kind.to_owned());
    }
    let place = Place::new(&source.root, &source.path, name(node).line);
    Workload {
        aliases: spec.get("externalName").text().map(str::to_owned).into_iter().collect(),
        namespace: node.at(&["metadata", "namespace"]).str().to_owned(),
        ports: ports.collect(),
        labels,
        selector: texts(spec.get("selector")),
        ..Workload::new(name(node).str(), place, WorkloadKind::KubernetesService)
    }
}

fn settings(source: &Source, node: &Node) -> Settings {
    let secret = node.get("kind").str() == "Secret";
    let mut values = Vec::new();
    for section in ["data", "stringData"] {
        for (key, value) in node.get(section).entries() {
            // A Secret's value is never kept, unless it is plainly an address.
            let text = value.str();
            let address = text.contains("://") || text.contains(';') && text.contains('=');
            let text = match (secret, address) {
                (true, true) => crate::model::mask_secrets(text),
                (true, false) => "***".to_owned(),
                _ => masked(key, text),
            };
            values.push(Setting {
                key: key.clone(),
                value: text,
                place: Place::new(&source.root, &source.path, value.line),
            });
        }
    }
    Settings {
        place: Place::new(&source.root, &source.path, name(node).line),
        scope: SettingsScope::ConfigMap(name(node).str().to_owned()),
        format: if secret { "secret" } else { "configmap" }.to_owned(),
        profile: String::new(),
        values,
    }
}

/// A state store of Dapr: whoever uses it by its name reaches the server that the component names.
fn dapr_store(source: &Source, node: &Node) -> Option<Settings> {
    let engine = node.at(&["spec", "type"]).str().strip_prefix("state.")?;
    let keys = ["redisHost", "host", "server", "connectionString", "url", "hosts", "endpoint", "address"];
    let entries = || node.at(&["spec", "metadata"]).list().iter();
    let entry = keys.iter().find_map(|k| entries().find(|e| e.get("name").str() == *k))?;
    let written = entry.get("value").text()?;
    let address = if written.contains("://") || written.contains('=') {
        written.to_owned()
    } else {
        format!("{engine}://{written}")
    };
    let place = |line: u32| Place::new(&source.root, &source.path, line);
    let value = Setting {
        key: format!("ConnectionStrings.{}", name(node).str()),
        value: crate::model::mask_secrets(&address),
        place: place(entry.line),
    };
    Some(Settings {
        place: place(name(node).line),
        scope: SettingsScope::Application("application".to_owned()),
        format: "dapr".to_owned(),
        profile: String::new(),
        values: vec![value],
    })
}

/// Time limits and retries that the mesh puts on calls to a host.
fn mesh_limits(source: &Source, node: &Node) -> Vec<Practice> {
    let mut all = Vec::new();
    for http in node.at(&["spec", "http"]).list() {
        let hosts: Vec<String> = http
            .get("route")
            .list()
            .iter()
            .filter_map(|r| r.at(&["destination", "host"]).text())
            .map(str::to_owned)
            .collect();
        let mut add = |kind: PracticeKind, at: &Node, value: Option<u64>| {
            let place = Place::new(&source.root, &source.path, at.line);
            let says = format!("the mesh limits calls to {}: {}", hosts.join(", "), at.str());
            all.push(Practice { value, targets: hosts.clone(), ..Practice::new(kind, place, &says) });
        };
        let timeout = http.get("timeout");
        if let Some(text) = timeout.text() {
            add(PracticeKind::Timeout, timeout, written(text, "s"));
        }
        let attempts = http.at(&["retries", "attempts"]);
        if let Some(text) = attempts.text() {
            add(PracticeKind::Retry, attempts, text.parse().ok());
        }
    }
    all
}

/// Outlier detection that the mesh does for calls to a host.
fn mesh_breaker(source: &Source, node: &Node) -> Option<Practice> {
    let detection = node.at(&["spec", "trafficPolicy", "outlierDetection"]);
    let host = node.at(&["spec", "host"]).text().filter(|_| !detection.is_null())?;
    let place = Place::new(&source.root, &source.path, detection.line);
    let practice = Practice::new(PracticeKind::Breaker, place, &format!("the mesh ejects failing instances of {host}"));
    Some(Practice { targets: vec![host.to_owned()], ..practice })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_workloads_services_and_references() {
        let text = r#"apiVersion: apps/v1
kind: Deployment
metadata: {name: orders}
spec:
  template:
    metadata: {labels: {app: orders-app}}
    spec:
      containers:
        - name: server
          image: shop/orders:1
          env:
            - name: CATALOG_URL
              valueFrom: {configMapKeyRef: {name: urls, key: catalog}}
            - name: DB_PASSWORD
              value: hunter2
          envFrom: [{configMapRef: {name: common}}]
---
apiVersion: v1
kind: Service
metadata: {name: orders}
spec: {type: LoadBalancer, selector: {app: orders-app}, ports: [{port: 80, targetPort: 8080}]}
---
apiVersion: v1
kind: Secret
metadata: {name: s}
stringData: {token: abc}
"#;
        let source = Source::in_memory("k8s/a.yaml", text.as_bytes());
        assert!(claims(&source, text));
        let facts = read(&source, text, &Neighbours::new(&[], ""));
        assert_eq!(facts.workloads.len(), 2);
        assert_eq!(facts.workloads[0].environment[0].value, "configmap:urls/catalog");
        assert_eq!(facts.workloads[0].environment[1].value, "***");
        assert_eq!(facts.workloads[1].ports, [(80, 8080)]);
        assert_eq!(facts.settings[0].values[0].value, "***");
    }
}
