//! Kustomize: generated ConfigMaps and Secrets, and patches that are written inside a kustomization.

use crate::files::Source;
use crate::ingest::paths::join;
use crate::ingest::yaml::{self, Node};
use crate::model::facts::SettingsScope;
use crate::model::{Facts, Place, Setting, Settings, Workload, WorkloadKind};

use super::{Neighbours, dotenv_values, masked, object, variable};

/// Is it a kustomization?
pub(super) fn is_kustomization(source: &Source) -> bool {
    matches!(source.file_name(), "kustomization.yaml" | "kustomization.yml" | "Kustomization")
}

/// Reads one document of a kustomization.
pub(super) fn read(source: &Source, document: &Node, neighbours: &Neighbours<'_>, facts: &mut Facts) {
    for (key, secret) in [("configMapGenerator", false), ("secretGenerator", true)] {
        for generator in document.get(key).list() {
            facts.settings.push(generated(source, generator, neighbours, secret));
        }
    }
    for key in ["patches", "patchesStrategicMerge", "patchesJson6902"] {
        for patch in document.get(key).list() {
            let inline = patch.get("patch").text().or_else(|| patch.text()).filter(|t| t.contains('\n'));
            for inner in inline.map(yaml::parse).into_iter().flat_map(|d| d.nodes) {
                if inner.list().is_empty() {
                    if inner.get("$patch").str() != "delete" {
                        object(source, &inner, facts, 0);
                    }
                } else {
                    operations(source, patch, &inner, facts);
                }
            }
        }
    }
}

/// `op: add, path: /spec/template/spec/containers/0/env/-, value: {name, value}` on a target.
fn operations(source: &Source, patch: &Node, inner: &Node, facts: &mut Facts) {
    let target = patch.get("target");
    let Some(name) = target.get("name").text() else { return };
    let place = Place::new(&source.root, &source.path, patch.line);
    let mut workload = Workload::new(name, place.clone(), WorkloadKind::Kubernetes);
    let mut values = Vec::new();
    for operation in inner.list().iter().filter(|o| matches!(o.get("op").str(), "add" | "replace")) {
        let (path, value) = (operation.get("path").str(), operation.get("value"));
        if path.contains("/env") {
            let all = if value.list().is_empty() { std::slice::from_ref(value) } else { value.list() };
            workload.environment.extend(all.iter().filter_map(|v| variable(v, |_| place.clone())));
        } else if let (Some(key), Some(text)) = (path.strip_prefix("/data/"), value.text()) {
            let key = key.replace("~1", "/");
            values.push(Setting { value: masked(&key, text), key, place: place.clone() });
        }
    }
    if !workload.environment.is_empty() {
        facts.workloads.push(workload);
    }
    if !values.is_empty() {
        facts.settings.push(config_map(name, place, "configmap", values));
    }
}

fn generated(source: &Source, generator: &Node, neighbours: &Neighbours<'_>, secret: bool) -> Settings {
    let place = Place::new(&source.root, &source.path, generator.get("name").line.max(generator.line));
    let mut pairs: Vec<(String, String)> = Vec::new();
    for literal in generator.get("literals").list().iter().filter_map(Node::text) {
        pairs.extend(literal.split_once('=').map(|(k, v)| (k.to_owned(), v.trim_matches(['"', '\'']).to_owned())));
    }
    let single = generator.get("env").text().into_iter();
    for file in generator.get("envs").list().iter().filter_map(Node::text).chain(single) {
        let text = join(source.folder(), file).and_then(|path| neighbours.text(&path)).unwrap_or_default();
        pairs.extend(dotenv_values(&text).into_iter().map(|(key, value, _)| (key, value)));
    }
    let shown = |key: &str, value: &str| {
        let address = value.contains("://");
        if secret && !address { "***".to_owned() } else { masked(key, value) }
    };
    let values =
        pairs.into_iter().map(|(key, value)| Setting { value: shown(&key, &value), key, place: place.clone() });
    let values = values.collect();
    config_map(generator.get("name").str(), place, if secret { "secret" } else { "configmap" }, values)
}

fn config_map(name: &str, place: Place, format: &str, values: Vec<Setting>) -> Settings {
    let scope = SettingsScope::ConfigMap(name.to_owned());
    Settings { place, scope, format: format.to_owned(), profile: String::new(), values }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patches_and_generators_are_read() {
        let text = r#"resources: [../base]
configMapGenerator:
  - name: urls
    literals: [CATALOG=http://catalog, TOKEN=abc]
patches:
  - patch: |-
      apiVersion: apps/v1
      kind: Deployment
      metadata: {name: orders}
      spec: {template: {spec: {containers: [{name: a, env: [{name: STOCK, value: "stock:1"}]}]}}}
  - patch: |-
      kind: Deployment
      metadata: {name: gone}
      $patch: delete
  - target: {kind: Deployment, name: carts}
    patch: |-
      - op: add
        path: /spec/template/spec/containers/0/env/-
        value: {name: DB, value: "db:5432"}
"#;
        let source = Source::in_memory("overlays/dev/kustomization.yaml", text.as_bytes());
        let mut facts = Facts::default();
        read(&source, &yaml::parse(text).nodes[0], &Neighbours::new(&[], ""), &mut facts);
        let names: Vec<&str> = facts.workloads.iter().map(|w| w.name.as_str()).collect();
        assert_eq!(names, ["orders", "carts"]);
        assert_eq!(facts.workloads[1].environment[0].value, "db:5432");
        let values: Vec<&str> = facts.settings[0].values.iter().map(|v| v.value.as_str()).collect();
        assert_eq!(values, ["http://catalog", "***"]);
    }
}
