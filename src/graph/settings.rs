//! What configuration says to one service: its environment and its properties, with places.
//!
//! Takes facts and nodes; answers "which values may this name have for this service?". Follows no code.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::facts::SettingsScope;
use crate::model::{Confidence, Evidence, Facts, Place, ServiceKind, Setting, Settings, SourceKind, WorkloadKind};

use super::services::Nodes;

/// A configured value and where it stands.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Configured {
    /// The value as written, placeholders included.
    pub value: String,
    /// Where.
    pub place: Place,
    /// The key as written.
    pub key: String,
    /// Profile or variant, empty for the base.
    pub profile: String,
}

impl Configured {
    /// As evidence.
    #[must_use]
    pub fn evidence(&self) -> Evidence {
        let value = if crate::model::evidence::is_secret_key(&self.key) { "***" } else { &self.value };
        let says = format!("{} = {value}", self.key);
        Evidence::new(SourceKind::Manifests, self.place.clone(), &says, Confidence::Confirmed)
    }
}

/// Environment and properties of one service.
#[derive(Debug, Clone, Default)]
pub struct Environment {
    variables: BTreeMap<String, Vec<Configured>>,
    properties: BTreeMap<String, Vec<Configured>>,
    relaxed: BTreeMap<String, Vec<Configured>>,
    /// Profiles that were asked for.
    profiles: Vec<String>,
}

/// Keys are compared without punctuation and case: `SPRING_DATA_MONGODB_URI` is `spring.data.mongodb.uri`
/// (Spring's relaxed binding), `ConnectionStrings__Db` is `ConnectionStrings:Db` (.NET).
#[must_use]
pub fn flat(key: &str) -> String {
    key.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

impl Environment {
    /// Values of an environment variable.
    #[must_use]
    pub fn variable(&self, name: &str) -> &[Configured] {
        self.variables.get(name).map_or(&[], Vec::as_slice)
    }

    /// Values of a property: from the environment by relaxed binding, which wins, else from configuration files.
    #[must_use]
    pub fn property(&self, key: &str) -> Vec<Configured> {
        let flat = flat(key);
        let mut found: Vec<Configured> = self.relaxed.get(&flat).cloned().unwrap_or_default();
        // Where a profile was chosen there is one answer: the environment's.
        if !self.profiles.is_empty() && !found.is_empty() {
            return found;
        }
        found.extend(self.properties.get(&flat).into_iter().flatten().cloned());
        found
    }

    /// All properties and variables, for rules on keys: (key as written, values).
    pub fn all(&self) -> impl Iterator<Item = &Configured> {
        self.properties.values().chain(self.variables.values()).flatten()
    }

    /// Is there any property whose key starts with this prefix (dotted, any case)?
    #[must_use]
    pub fn has_prefix(&self, prefix: &str) -> bool {
        let flat = flat(prefix);
        self.properties.range(flat.clone()..).next().is_some_and(|(k, _)| k.starts_with(&flat))
    }

    /// Of several values of one name those that count: of the chosen profiles, else of the base, else all. Where no
    /// profile was chosen all count, the base first.
    #[must_use]
    pub fn counting<'v>(&self, values: &'v [Configured]) -> Vec<&'v Configured> {
        let chosen: Vec<&Configured> = values.iter().filter(|c| self.profiles.contains(&c.profile)).collect();
        let (base, variants): (Vec<&Configured>, Vec<&Configured>) = values.iter().partition(|c| c.profile.is_empty());
        match (chosen.is_empty(), self.is_chosen()) {
            (false, _) => chosen,
            (true, true) if !base.is_empty() => base,
            _ => base.into_iter().chain(variants).collect(),
        }
    }

    /// Was a profile chosen?
    #[must_use]
    pub fn is_chosen(&self) -> bool {
        !self.profiles.is_empty()
    }

    /// Is a variant read: the base, one that was chosen, or any where none was?
    fn reads(&self, profile: &str) -> bool {
        profile.is_empty() || self.profiles.is_empty() || self.profiles.iter().any(|p| p == profile)
    }

    fn add_variable(&mut self, setting: &Setting, profile: &str) {
        if !self.reads(profile) {
            return;
        }
        let configured = configured(setting, profile);
        push(self.relaxed.entry(flat(&setting.key)).or_default(), configured.clone());
        push(self.variables.entry(setting.key.clone()).or_default(), configured);
    }

    fn add_property(&mut self, setting: &Setting, profile: &str) {
        if !self.reads(profile) {
            return;
        }
        push(self.properties.entry(flat(&setting.key)).or_default(), configured(setting, profile));
    }
}

fn push(list: &mut Vec<Configured>, value: Configured) {
    if !list.iter().any(|c| c.value == value.value && c.place == value.place) {
        list.push(value);
    }
}

fn configured(setting: &Setting, profile: &str) -> Configured {
    Configured {
        value: setting.value.clone(),
        place: setting.place.clone(),
        key: setting.key.clone(),
        profile: profile.to_owned(),
    }
}

/// Environments of all nodes, in their order.
#[must_use]
pub fn environments(facts: &Facts, nodes: &Nodes, profiles: &[String]) -> Vec<Environment> {
    let maps = config_maps(facts);
    let files = env_files(facts);
    let empty = Environment { profiles: profiles.to_vec(), ..Environment::default() };
    let mut all: Vec<Environment> = nodes.all.iter().map(|_| empty.clone()).collect();
    let weights = folder_weights(facts, nodes);
    for (at, node) in nodes.all.iter().enumerate() {
        let main = main_variant(facts, node, &weights);
        let deployed = node.workloads.iter().any(|w| facts.workloads[*w].kind != WorkloadKind::Dockerfile);
        let is_variant = |w: usize| {
            let workload = &facts.workloads[w];
            workload.kind == WorkloadKind::Kubernetes && main.is_some_and(|m| m != workload.place.folder())
        };
        // What only a variant sets (an overlay, a component) is kept too; where both do, the main one counts.
        let ordered = node.workloads.iter().filter(|w| !is_variant(**w));
        let mut main_keys: Option<BTreeSet<String>> = None;
        for index in ordered.chain(node.workloads.iter().filter(|w| is_variant(**w))) {
            let workload = &facts.workloads[*index];
            let variant = is_variant(*index);
            if variant && main_keys.is_none() {
                main_keys = Some(all[at].variables.keys().cloned().collect());
            }
            let known = |key: &str| variant && main_keys.as_ref().is_some_and(|keys| keys.contains(key));
            for setting in &workload.environment {
                // A Dockerfile's ENV is a default: the deployment's own value wins.
                let default = workload.kind == WorkloadKind::Dockerfile && deployed;
                if default && overridden(facts, node, &setting.key) || known(&setting.key) {
                    continue;
                }
                let setting = dereference(setting, &maps, &workload.place);
                all[at].add_variable(&setting, &workload.profile);
            }
            for flag in flags(&workload.command, &workload.place) {
                all[at].add_variable(&flag, &workload.profile);
            }
            for from in &workload.environment_from {
                let found: Option<&Settings> = match from.strip_prefix("file:") {
                    Some(path) => files.get(&(workload.place.root.clone(), path.to_owned())).copied(),
                    None => nearest(&maps, from.strip_prefix("secret:").unwrap_or(from), &workload.place),
                };
                for setting in found.into_iter().flat_map(|s| &s.values).filter(|s| !known(&s.key)) {
                    all[at].add_variable(setting, &workload.profile);
                }
            }
        }
    }
    files_of(facts, nodes, &mut all);
    all
}

/// Flags of a command as settings: `-port=80`, `--orders http://orders` set `--port`, `--orders`.
fn flags(command: &[String], place: &Place) -> Vec<Setting> {
    let words: Vec<&str> = command.iter().flat_map(|c| c.split_whitespace()).collect();
    let mut all = Vec::new();
    for (at, word) in words.iter().enumerate() {
        let name = word.trim_start_matches('-');
        if name.len() == word.len() || name.is_empty() {
            continue;
        }
        let (name, value) = match name.split_once('=') {
            Some(pair) => pair,
            None => match words.get(at + 1) {
                Some(next) if !next.starts_with('-') => (name, *next),
                _ => continue,
            },
        };
        all.push(Setting { key: format!("--{name}"), value: crate::model::mask_secrets(value), place: place.clone() });
    }
    all
}

/// How many services each folder of Kubernetes manifests deploys.
fn folder_weights<'a>(facts: &'a Facts, nodes: &Nodes) -> BTreeMap<&'a str, usize> {
    let mut weights: BTreeMap<&str, BTreeSet<usize>> = BTreeMap::new();
    for (at, node) in nodes.all.iter().enumerate() {
        for workload in node.workloads.iter().map(|w| &facts.workloads[*w]) {
            if workload.kind == WorkloadKind::Kubernetes {
                weights.entry(workload.place.folder()).or_default().insert(at);
            }
        }
    }
    weights.into_iter().map(|(folder, nodes)| (folder, nodes.len())).collect()
}

/// Of several deployments of one service (overlays, examples, providers) the one beside most of the others counts.
fn main_variant<'a>(
    facts: &'a Facts,
    node: &super::services::Node,
    weights: &BTreeMap<&'a str, usize>,
) -> Option<&'a str> {
    let folders = node.workloads.iter().map(|w| &facts.workloads[*w]).filter(|w| w.kind == WorkloadKind::Kubernetes);
    folders
        .filter(|w| !w.environment.is_empty() || !w.environment_from.is_empty())
        .map(|w| w.place.folder())
        .max_by_key(|f| (weights.get(f).copied().unwrap_or(0), std::cmp::Reverse(f.len()), std::cmp::Reverse(*f)))
}

fn overridden(facts: &Facts, node: &super::services::Node, key: &str) -> bool {
    node.workloads.iter().any(|w| {
        let other = &facts.workloads[*w];
        other.kind != WorkloadKind::Dockerfile && other.environment.iter().any(|s| s.key == key)
    })
}

/// ConfigMaps and Secrets by name; variants of one system may define a name several times.
type Maps<'a> = BTreeMap<&'a str, Vec<&'a Settings>>;

fn config_maps(facts: &Facts) -> Maps<'_> {
    let mut maps = Maps::new();
    for settings in &facts.settings {
        if let SettingsScope::ConfigMap(name) = &settings.scope {
            maps.entry(name.as_str()).or_default().push(settings);
        }
    }
    maps
}

/// The object of this name that stands nearest to who refers to it.
fn nearest<'a>(maps: &Maps<'a>, name: &str, from: &Place) -> Option<&'a Settings> {
    let shared = |other: &Place| {
        let (a, b) = (from.folder().split('/'), other.folder().split('/'));
        (
            from.root == other.root,
            a.zip(b).take_while(|(a, b)| a == b).count(),
            std::cmp::Reverse(other.folder().matches('/').count()),
        )
    };
    maps.get(name)?.iter().copied().max_by_key(|s| (shared(&s.place), std::cmp::Reverse(s.place.clone())))
}

fn env_files(facts: &Facts) -> BTreeMap<(String, String), &Settings> {
    let mut files = BTreeMap::new();
    for settings in &facts.settings {
        if let SettingsScope::EnvFile(path) = &settings.scope {
            files.insert((settings.place.root.clone(), path.clone()), settings);
        }
    }
    files
}

/// `configmap:NAME/KEY` and `secret:NAME/KEY` become the value that the object gives.
fn dereference(setting: &Setting, maps: &Maps<'_>, from: &Place) -> Setting {
    let reference = setting.value.strip_prefix("configmap:").or_else(|| setting.value.strip_prefix("secret:"));
    let found = reference
        .and_then(|r| r.split_once('/'))
        .and_then(|(name, key)| nearest(maps, name, from).and_then(|s| s.values.iter().find(|v| v.key == key)));
    match found {
        Some(value) => Setting { key: setting.key.clone(), value: value.value.clone(), place: value.place.clone() },
        None => setting.clone(),
    }
}

/// Configuration files: by the folder that holds them, or by application name.
fn files_of(facts: &Facts, nodes: &Nodes, all: &mut [Environment]) {
    let applications: BTreeSet<usize> = clients_of_config_servers(nodes);
    for settings in facts.settings.iter().filter(|s| s.format != "shell") {
        let owners: Vec<usize> = match &settings.scope {
            SettingsScope::Folder(folder) => {
                let place = Place::new(&settings.place.root, &format!("{folder}/x"), 0);
                let place = if folder.is_empty() { Place::new(&settings.place.root, "x", 0) } else { place };
                nodes.owners(facts, &place).0
            }
            SettingsScope::Application(name) if name == "application" => applications.iter().copied().collect(),
            SettingsScope::Application(name) => nodes.find(name).into_iter().collect(),
            SettingsScope::EnvFile(_) => {
                // A `.env` beside a service's code is read by the service itself.
                let (owners, library) = nodes.owners(facts, &settings.place);
                if library { Vec::new() } else { owners }
            }
            SettingsScope::ConfigMap(_) => Vec::new(),
        };
        let variables = matches!(settings.scope, SettingsScope::EnvFile(_));
        for at in owners {
            for setting in &settings.values {
                if variables {
                    if all[at].variable(&setting.key).is_empty() {
                        all[at].add_variable(setting, &settings.profile);
                    }
                } else {
                    all[at].add_property(setting, &settings.profile);
                }
            }
        }
    }
}

/// Services that a shared `application.yml` of a configuration server reaches: all with code but the server itself.
fn clients_of_config_servers(nodes: &Nodes) -> BTreeSet<usize> {
    let client = |n: &super::services::Node| {
        !n.folders.is_empty()
            && !matches!(n.kind, Some(ServiceKind::Config | ServiceKind::Database | ServiceKind::Broker))
    };
    nodes.all.iter().enumerate().filter(|(_, n)| client(n)).map(|(at, _)| at).collect()
}
