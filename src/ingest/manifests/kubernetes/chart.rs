//! Helm charts: templates rendered with the values that the chart, its parents and its variants give.
//!
//! A release is taken to be called like its chart. What needs a cluster, files or functions that plain charts do
//! without becomes a note, and the template is left out.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use crate::files::Source;
use crate::ingest::gotemplate::{Rendered, Templates, overlay};
use crate::ingest::paths::join;
use crate::ingest::yaml::{self, Node, Value as Tree};
use crate::model::{Facts, Note, Place};

use super::{Neighbours, object};

/// One way in which a chart is installed.
struct Instance {
    /// Name of the release.
    release: String,
    /// Name of the chart, or its alias.
    chart: String,
    /// Its values.
    values: Value,
    /// The variant, empty for the base.
    profile: String,
}

/// Reads a template of a chart.
pub(super) fn read(source: &Source, text: &str, neighbours: &Neighbours<'_>, facts: &mut Facts) {
    let folder = chart_folder(source, neighbours);
    let mut reason = "no Chart.yaml stands above it".to_owned();
    let mut base: BTreeSet<String> = BTreeSet::new();
    for instance in folder.iter().flat_map(|f| instances(f, neighbours)) {
        match render(text, folder.as_deref().unwrap_or_default(), &instance, neighbours) {
            Ok(rendered) => {
                let mut found = Facts::default();
                for mut document in yaml::parse(&rendered.text).nodes {
                    relined(&mut document, &rendered.lines);
                    object(source, &document, &mut found, 0);
                }
                reason.clear();
                add(found, &instance.profile, &mut base, facts);
            }
            Err(why) if reason.is_empty() || instance.profile.is_empty() => reason = why,
            Err(_) => {}
        }
    }
    if !reason.is_empty() && facts.workloads.is_empty() && facts.routes.is_empty() && facts.settings.is_empty() {
        let text = format!("a Helm template that was not rendered ({reason}): give the output of `helm template`");
        facts.notes.push(Note::new(Place::new(&source.root, &source.path, 0), text));
    }
}

/// What a variant says of workloads of the base is a variant; what it names anew is an installation of its own.
fn add(mut found: Facts, profile: &str, base: &mut BTreeSet<String>, facts: &mut Facts) {
    if profile.is_empty() {
        base.extend(found.workloads.iter().map(|w| w.name.clone()));
    }
    for workload in found.workloads.iter_mut().filter(|w| base.contains(&w.name)) {
        profile.clone_into(&mut workload.profile);
    }
    found.workloads.retain(|w| !facts.workloads.contains(w));
    found.routes.retain(|r| !facts.routes.contains(r));
    for settings in &mut found.settings {
        profile.clone_into(&mut settings.profile);
    }
    facts.append(found);
}

fn chart_folder(source: &Source, neighbours: &Neighbours<'_>) -> Option<String> {
    let (before, _) = source
        .path
        .rsplit_once("/templates/")
        .or_else(|| source.path.strip_prefix("templates/").map(|rest| ("", rest)))?;
    join(before, "Chart.yaml").filter(|p| neighbours.find(p).is_some()).map(|_| before.to_owned())
}

/// The base with the chart's own values, and one for each values file beside them and each chart that uses it.
fn instances(folder: &str, neighbours: &Neighbours<'_>) -> Vec<Instance> {
    let name = chart_name(folder, neighbours);
    let own = values(folder, "values.yaml", neighbours);
    let mut all = Vec::new();
    let parent = folder.rsplit_once("/charts/").map(|(p, _)| p.to_owned());
    if let Some(parent) = parent {
        all.extend(inside(&parent, &name, &name, &own, neighbours));
    }
    // A chart of a folder beside it may use it under several names.
    let around = folder.rsplit_once('/').map_or("", |(p, _)| p);
    let beside = neighbours.below(around).filter(|s| s.file_name() == "Chart.yaml" && s.folder() != folder);
    let beside: Vec<String> = beside.map(|s| s.folder().to_owned()).take(200).collect();
    for user in beside {
        let text = join(&user, "Chart.yaml").and_then(|p| neighbours.text(&p)).unwrap_or_default();
        for document in yaml::parse(&text).nodes {
            for used in document.get("dependencies").list() {
                let path = used.get("repository").str().strip_prefix("file://").and_then(|p| join(&user, p));
                if path.as_deref() == Some(folder) {
                    let alias = used.get("alias").text().unwrap_or(&name);
                    all.extend(inside(&user, alias, alias, &own, neighbours));
                }
            }
        }
    }
    if all.is_empty() {
        all.push(Instance { release: name.clone(), chart: name.clone(), values: own.clone(), profile: String::new() });
    }
    for source in neighbours.below(folder).filter(|s| s.folder() == folder) {
        let stem = source.file_name().trim_end_matches(".yaml").trim_end_matches(".yml");
        let Some(profile) = stem.strip_prefix("values-").or_else(|| stem.strip_prefix("values.")) else { continue };
        let mut merged = own.clone();
        overlay(&mut merged, &values(folder, source.file_name(), neighbours), 0);
        all.push(Instance { release: name.clone(), chart: name.clone(), values: merged, profile: profile.to_owned() });
    }
    all
}

/// A chart as a part of another one, whose values under its name win.
fn inside(parent: &str, key: &str, chart: &str, own: &Value, neighbours: &Neighbours<'_>) -> Option<Instance> {
    let outer = values(parent, "values.yaml", neighbours);
    if outer[key]["enabled"] == Value::Bool(false) {
        return None;
    }
    let mut merged = own.clone();
    overlay(&mut merged, &outer[key], 0);
    if !outer["global"].is_null() {
        overlay(&mut merged, &json!({"global": outer["global"]}), 0);
    }
    if merged.is_null() {
        merged = own.clone();
    }
    let release = chart_name(parent, neighbours);
    Some(Instance { release, chart: chart.to_owned(), values: merged, profile: String::new() })
}

fn chart_name(folder: &str, neighbours: &Neighbours<'_>) -> String {
    let text = join(folder, "Chart.yaml").and_then(|p| neighbours.text(&p)).unwrap_or_default();
    let named = yaml::parse(&text).nodes.first().and_then(|n| n.get("name").text().map(str::to_owned));
    named.unwrap_or_else(|| folder.rsplit('/').next().unwrap_or_default().to_owned())
}

fn values(folder: &str, file: &str, neighbours: &Neighbours<'_>) -> Value {
    let text = join(folder, file).and_then(|p| neighbours.text(&p)).unwrap_or_default();
    yaml::parse(&text).nodes.first().map_or_else(|| Value::Object(Map::new()), |n| plain(n, 0))
}

fn plain(node: &Node, depth: usize) -> Value {
    match &node.value {
        _ if depth > 64 => Value::Null,
        Tree::Null => Value::Null,
        Tree::Text(text) => match text.as_str() {
            "true" => Value::Bool(true),
            "false" => Value::Bool(false),
            other => other.parse::<i64>().map_or_else(|_| Value::from(other), Value::from),
        },
        Tree::List(parts) => Value::Array(parts.iter().map(|p| plain(p, depth + 1)).collect()),
        Tree::Map(entries) => Value::Object(entries.iter().map(|(k, v)| (k.clone(), plain(v, depth + 1))).collect()),
    }
}

fn render(text: &str, folder: &str, instance: &Instance, neighbours: &Neighbours<'_>) -> Result<Rendered, String> {
    let mut templates = Templates::default();
    // Names are defined by the chart, its parts, and the charts that it is a part of.
    let top = folder.split("/charts/").next().unwrap_or(folder);
    for helper in neighbours.below(top).filter(|s| s.path.contains("templates/") && s.extension() == "tpl") {
        if let Ok(text) = helper.text() {
            // A helper that cannot be read is missed only where it is used.
            drop(templates.define(&text));
        }
    }
    let data = json!({
        "Values": instance.values,
        "Chart": {"Name": instance.chart, "Version": "0.0.0", "AppVersion": ""},
        "Release": {"Name": instance.release, "Namespace": "default", "Service": "Helm", "IsInstall": true,
                    "IsUpgrade": false, "Revision": 1},
        "Capabilities": {"KubeVersion": {"Version": "v1.30.0", "GitVersion": "v1.30.0", "Major": "1", "Minor": "30"},
                         "APIVersions": {}},
        "Template": {"Name": "", "BasePath": format!("{}/templates", instance.chart)},
    });
    templates.render(text, &data)
}

/// Lines of the rendered text become those of the template.
fn relined(node: &mut Node, lines: &[u32]) {
    let at = usize::try_from(node.line).unwrap_or(0).saturating_sub(1);
    node.line = lines.get(at).copied().unwrap_or(node.line);
    match &mut node.value {
        Tree::List(parts) => parts.iter_mut().for_each(|p| relined(p, lines)),
        Tree::Map(entries) => entries.iter_mut().for_each(|(_, v)| relined(v, lines)),
        _ => {}
    }
}
