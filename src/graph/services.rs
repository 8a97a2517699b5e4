//! Which services there are: modules, workloads and applications merged by evidence into nodes.
//!
//! Takes facts; gives nodes with names, folders, workloads and roles, and answers "whose code is this file?".
//! Knows nothing of calls.

use std::collections::{BTreeMap, BTreeSet};

use crate::config::Config;
use crate::model::{
    Confidence, Evidence, Facts, ModuleKind, Owner, Place, Service, ServiceKind, SiteKind, SourceKind, Workload,
    WorkloadKind,
};

use super::roles::{Role, Roles, image_base};

/// A folder of a root.
pub type Folder = (String, String);

/// A node while it is being put together.
#[derive(Debug, Clone, Default)]
pub struct Node {
    /// Chosen name.
    pub name: String,
    /// All names with the rank of their source (lower is better).
    pub names: BTreeMap<String, u8>,
    /// Folders of its own code.
    pub folders: BTreeSet<Folder>,
    /// Modules (indices into the facts).
    pub modules: Vec<usize>,
    /// Workloads (indices into the facts).
    pub workloads: Vec<usize>,
    /// Role.
    pub kind: Option<ServiceKind>,
    /// Product.
    pub engine: Option<String>,
    /// Why it is believed to exist and to be what it is.
    pub evidence: Vec<Evidence>,
    /// Reached from outside.
    pub exposed: bool,
    /// Languages of its code.
    pub languages: BTreeSet<String>,
}

/// Ranks of names: what the system itself calls the service comes first.
mod rank {
    pub const DECLARED: u8 = 0;
    pub const COMPOSE: u8 = 1;
    pub const KUBERNETES: u8 = 2;
    pub const APPLICATION: u8 = 3;
    pub const FOLDER: u8 = 4;
    pub const MODULE: u8 = 5;
    pub const ALIAS: u8 = 6;
    pub const IMAGE: u8 = 7;
}

/// All nodes, with the ways to find them.
#[derive(Debug, Clone, Default)]
pub struct Nodes {
    /// Nodes in order of their names.
    pub all: Vec<Node>,
    by_name: BTreeMap<String, Vec<usize>>,
    folders: BTreeMap<Folder, Vec<usize>>,
    libraries: BTreeMap<Folder, Vec<usize>>,
}

/// Names are compared in lower case without `-`, `_`, `.` and spaces.
#[must_use]
pub fn normal(name: &str) -> String {
    name.chars().filter(|c| !matches!(c, '-' | '_' | ' ' | '.')).flat_map(char::to_lowercase).collect()
}

impl Nodes {
    /// Puts the nodes together.
    #[must_use]
    pub fn of(facts: &Facts, config: &Config, roles: &Roles) -> Self {
        let mut builder = Builder { facts, nodes: Vec::new(), by_name: BTreeMap::new(), by_folder: BTreeMap::new() };
        builder.modules();
        builder.dockerfiles();
        builder.workloads(roles);
        builder.late_dockerfiles();
        builder.kubernetes_services();
        builder.applications();
        builder.declared(config);
        let runs = builder.running_folders();
        let mut nodes: Vec<Node> = builder.finish(&runs, roles, config);
        nodes.sort_by(|a, b| a.name.cmp(&b.name));
        let mut all = Self { all: nodes, ..Self::default() };
        all.index(facts);
        all
    }

    fn index(&mut self, facts: &Facts) {
        for (at, node) in self.all.iter().enumerate() {
            for name in node.names.keys() {
                let found = self.by_name.entry(normal(name)).or_default();
                if !found.contains(&at) {
                    found.push(at);
                }
            }
            for folder in &node.folders {
                self.folders.entry(folder.clone()).or_default().push(at);
            }
        }
        // A name that is one node's own name and another's alias means the former.
        for (name, found) in &mut self.by_name {
            if found.len() > 1 {
                let own: Vec<usize> = found.iter().copied().filter(|at| normal(&self.all[*at].name) == *name).collect();
                if own.len() == 1 {
                    *found = own;
                }
            }
        }
        for (at, module) in facts.modules.iter().enumerate() {
            let folder = (module.place.root.clone(), module.folder.clone());
            if module.kind != ModuleKind::Aggregate && !self.folders.contains_key(&folder) {
                self.libraries.entry(folder).or_default().push(at);
            }
        }
    }

    /// The node of this name, if exactly one has it.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<usize> {
        match self.by_name.get(&normal(name))?.as_slice() {
            [one] => Some(*one),
            _ => None,
        }
    }

    /// Adds a node that only addresses or traces know.
    pub fn add(&mut self, node: Node) -> usize {
        let at = self.all.len();
        for name in node.names.keys().chain(std::iter::once(&node.name)) {
            self.by_name.entry(normal(name)).or_insert_with(|| vec![at]);
        }
        self.all.push(node);
        at
    }

    /// Whose code a file is: the owners of the nearest folder that is a service's, or for a library the
    /// services that use it; `library` is true in the latter case.
    #[must_use]
    pub fn owners(&self, facts: &Facts, place: &Place) -> (Vec<usize>, bool) {
        let mut folder = place.folder();
        loop {
            let key = (place.root.clone(), folder.to_owned());
            if let Some(nodes) = self.folders.get(&key) {
                return (nodes.clone(), false);
            }
            if let Some(modules) = self.libraries.get(&key) {
                let users = self.users(facts, modules);
                if !users.is_empty() {
                    return (users, true);
                }
            }
            if folder.is_empty() {
                return (Vec::new(), false);
            }
            folder = folder.rsplit_once('/').map_or("", |(head, _)| head);
        }
    }

    /// Services whose modules use one of these library modules, directly or through others.
    fn users(&self, facts: &Facts, libraries: &[usize]) -> Vec<usize> {
        let mut wanted: BTreeSet<usize> = libraries.iter().copied().collect();
        loop {
            let names: BTreeSet<&str> =
                wanted.iter().flat_map(|m| facts.modules[*m].names.iter().map(String::as_str)).collect();
            let folders: BTreeSet<String> =
                wanted.iter().map(|m| format!("path:{}", facts.modules[*m].folder)).collect();
            let before = wanted.len();
            for (at, module) in facts.modules.iter().enumerate() {
                let uses = module.depends_on.iter().any(|d| {
                    folders.contains(d)
                        || names.contains(d.as_str())
                        || names.contains(d.rsplit(':').next().unwrap_or(d))
                });
                if uses {
                    wanted.insert(at);
                }
            }
            if wanted.len() == before {
                break;
            }
        }
        self.all
            .iter()
            .enumerate()
            .filter(|(_, n)| n.modules.iter().any(|m| wanted.contains(m)))
            .map(|(at, _)| at)
            .collect()
    }

    /// The services as the model has them.
    #[must_use]
    pub fn services(&self, config: &Config, owners: &[Owner]) -> Vec<Service> {
        self.all.iter().map(|node| service(node, config, owners)).collect()
    }
}

fn service(node: &Node, config: &Config, owners: &[Owner]) -> Service {
    let mut aliases: Vec<String> = node.names.keys().filter(|n| **n != node.name).cloned().collect();
    aliases.sort();
    let declared = config.services.iter().find(|(name, _)| normal(name) == normal(&node.name)).map(|(_, c)| c);
    let mut teams: Vec<String> = declared.and_then(|c| c.owner.clone()).into_iter().collect();
    if teams.is_empty() {
        teams = owners_of(node, owners);
    }
    let mut evidence = node.evidence.clone();
    evidence.sort();
    evidence.dedup();
    Service {
        name: node.name.clone(),
        kind: node.kind.unwrap_or(ServiceKind::Service),
        aliases,
        owners: teams,
        languages: node.languages.iter().cloned().collect(),
        folders: node.folders.iter().map(|(_, f)| f.clone()).collect::<BTreeSet<_>>().into_iter().collect(),
        engine: node.engine.clone(),
        exposed: node.exposed,
        membership: None,
        evidence,
    }
}

/// The owners of the last pattern that matches one of the folders, as CODEOWNERS says.
fn owners_of(node: &Node, owners: &[Owner]) -> Vec<String> {
    let mut found = Vec::new();
    for owner in owners {
        if let Some(component) = owner.pattern.strip_prefix("component:") {
            if node.names.keys().any(|n| normal(n) == normal(component)) {
                found.clone_from(&owner.owners);
            }
            continue;
        }
        let pattern = owner.pattern.trim_matches('/').trim_end_matches("/**").trim_end_matches("/*");
        let fits = |folder: &str| {
            pattern == "*" || pattern.is_empty() || folder == pattern || folder.starts_with(&format!("{pattern}/"))
        };
        if node.folders.iter().any(|(_, f)| fits(f)) {
            found.clone_from(&owner.owners);
        }
    }
    found
}

struct Builder<'a> {
    facts: &'a Facts,
    nodes: Vec<Node>,
    by_name: BTreeMap<String, usize>,
    by_folder: BTreeMap<Folder, usize>,
}

impl Builder<'_> {
    fn name(&mut self, at: usize, name: &str, rank: u8) {
        // Placeholders of templates and shell variables are no names.
        if name.is_empty() || name.contains(['$', '{', ' ', '/']) {
            return;
        }
        let slot = self.nodes[at].names.entry(name.to_owned()).or_insert(rank);
        *slot = (*slot).min(rank);
        self.by_name.entry(normal(name)).or_insert(at);
    }

    fn node_at(&mut self, root: &str, folder: &str) -> usize {
        let key = (root.to_owned(), folder.to_owned());
        if let Some(at) = self.by_folder.get(&key) {
            return *at;
        }
        let at = self.nodes.len();
        self.nodes.push(Node { folders: BTreeSet::from([key.clone()]), ..Node::default() });
        self.by_folder.insert(key, at);
        at
    }

    fn new_node(&mut self) -> usize {
        self.nodes.push(Node::default());
        self.nodes.len() - 1
    }

    fn evidence(&mut self, at: usize, place: &Place, says: &str) {
        let source = SourceKind::Manifests;
        self.nodes[at].evidence.push(Evidence::new(source, place.clone(), says, Confidence::Confirmed));
    }

    /// One node per folder with a build file that builds something.
    fn modules(&mut self) {
        for (index, module) in self.facts.modules.iter().enumerate() {
            if module.kind == ModuleKind::Aggregate {
                continue;
            }
            let at = self.node_at(&module.place.root, &module.folder);
            self.nodes[at].modules.push(index);
            let folder_name = module.folder.rsplit('/').next().unwrap_or_default().to_owned();
            // `src`, `app` and the like name no service: the module's own name does.
            let plain = matches!(folder_name.as_str(), "src" | "app" | "main" | "server" | "code" | "source" | "");
            for name in &module.names {
                self.name(at, name, if plain { rank::FOLDER } else { rank::MODULE });
            }
            if plain {
                let parent = module.folder.rsplit('/').nth(1).unwrap_or_default().to_owned();
                self.name(at, &parent, rank::FOLDER);
            } else {
                self.name(at, &folder_name, rank::FOLDER);
            }
            self.evidence(at, &module.place, &format!("{} module", module.build));
        }
    }

    fn dockerfiles(&mut self) {
        for (index, workload) in self.facts.workloads.iter().enumerate() {
            if workload.kind != WorkloadKind::Dockerfile {
                continue;
            }
            let folder = workload.place.folder().to_owned();
            let key = (workload.place.root.clone(), folder.clone());
            let at = match self.module_for(&key) {
                Some(at) => at,
                None if self.has_code(&key) => self.node_at(&key.0, &folder),
                None => continue,
            };
            self.dockerfile(index, at);
        }
    }

    fn dockerfile(&mut self, index: usize, at: usize) {
        let workload = &self.facts.workloads[index];
        self.nodes[at].workloads.push(index);
        let name = workload.place.folder().rsplit('/').next().unwrap_or_default().to_owned();
        if !matches!(name.as_str(), "src" | "app" | "docker" | "") {
            self.name(at, &name, rank::FOLDER);
        }
        self.evidence(at, &workload.place, "Dockerfile");
    }

    /// Dockerfiles in folders without code, once the deployment has said whose folders they are.
    fn late_dockerfiles(&mut self) {
        for (index, workload) in self.facts.workloads.iter().enumerate() {
            let key = (workload.place.root.clone(), workload.place.folder().to_owned());
            if workload.kind == WorkloadKind::Dockerfile
                && let Some(at) = self.by_folder.get(&key).copied()
                && !self.nodes[at].workloads.contains(&index)
            {
                self.dockerfile(index, at);
            }
        }
    }

    /// The node of a folder: itself, or the only module below it (`orders/Dockerfile` beside `orders/src/orders.csproj`).
    fn module_for(&self, key: &Folder) -> Option<usize> {
        if let Some(at) = self.by_folder.get(key) {
            return Some(*at);
        }
        let prefix = if key.1.is_empty() { String::new() } else { format!("{}/", key.1) };
        let mut below = self
            .by_folder
            .iter()
            .filter(|((root, folder), at)| {
                *root == key.0 && folder.starts_with(&prefix) && !self.is_test_module(**at) && !prefix.is_empty()
            })
            .map(|(_, at)| *at);
        let first = below.next()?;
        below.next().is_none().then_some(first)
    }

    fn is_test_module(&self, at: usize) -> bool {
        let names = self.nodes[at].names.keys();
        let mut all = names.map(|n| n.to_lowercase());
        all.any(|n| n.ends_with("test") || n.ends_with("tests"))
    }

    fn has_code(&self, key: &Folder) -> bool {
        let prefix = if key.1.is_empty() { String::new() } else { format!("{}/", key.1) };
        self.facts.units.iter().any(|u| u.place.root == key.0 && u.place.path.starts_with(&prefix))
    }

    /// Compose services and Kubernetes workloads join the folder they build, a known name, or stand alone.
    fn workloads(&mut self, roles: &Roles) {
        let facts = self.facts;
        let shared = self.shared_builds();
        for pass in [
            WorkloadKind::Compose,
            WorkloadKind::Aspire,
            WorkloadKind::Kubernetes,
            WorkloadKind::Procfile,
            WorkloadKind::Other,
        ] {
            for (index, workload) in facts.workloads.iter().enumerate() {
                if workload.kind == pass {
                    self.workload(index, workload, &shared, roles);
                }
            }
        }
    }

    /// Folders that several compose services of one file build, each with another name.
    fn shared_builds(&self) -> BTreeSet<(Folder, Option<String>)> {
        let mut seen: BTreeMap<(Folder, Option<String>), BTreeSet<&str>> = BTreeMap::new();
        for w in self.facts.workloads.iter().filter(|w| w.kind == WorkloadKind::Compose) {
            if let Some(build) = &w.build {
                let key = ((w.place.root.clone(), build.clone()), w.dockerfile.clone());
                seen.entry(key).or_default().insert(&w.name);
            }
        }
        seen.into_iter().filter(|(_, names)| names.len() > 1).map(|(key, _)| key).collect()
    }

    fn workload(&mut self, index: usize, w: &Workload, shared: &BTreeSet<(Folder, Option<String>)>, roles: &Roles) {
        let rank = if w.kind == WorkloadKind::Compose { rank::COMPOSE } else { rank::KUBERNETES };
        let at = self.place_workload(w, shared, roles);
        self.nodes[at].workloads.push(index);
        self.name(at, &w.name, rank);
        for alias in &w.aliases {
            self.name(at, alias, rank::ALIAS);
        }
        if let Some(image) = &w.image {
            let base = image_base(image);
            if roles.of_image(image).is_none() {
                self.name(at, &base, rank::IMAGE);
            }
        }
        if w.ports.iter().any(|(published, _)| *published > 0) && w.kind == WorkloadKind::Compose {
            self.nodes[at].exposed = true;
        }
        let kind = if w.kind == WorkloadKind::Compose { "compose service" } else { "workload" };
        self.evidence(at, &w.place, &format!("{kind} {}", w.name));
    }

    fn place_workload(&mut self, w: &Workload, shared: &BTreeSet<(Folder, Option<String>)>, roles: &Roles) -> usize {
        if let Some(at) = self.built_folder(w, shared) {
            return at;
        }
        if let Some(at) = self.by_name.get(&normal(&w.name)).copied() {
            return at;
        }
        if let Some(image) = &w.image
            && roles.of_image(image).is_none()
        {
            let base = image_base(image);
            if let Some(at) = self.by_name.get(&normal(&base)).copied() {
                return at;
            }
            // `acme/shop-orders` is the image of the folder `orders` of the system `shop`.
            let longest = self
                .by_name
                .iter()
                .filter(|(name, at)| {
                    name.len() > 3 && !self.nodes[**at].folders.is_empty() && normal(&base).ends_with(name.as_str())
                })
                .max_by_key(|(name, _)| name.len())
                .map(|(_, at)| *at);
            if let Some(at) = longest {
                return at;
            }
        }
        self.new_node()
    }

    fn built_folder(&mut self, w: &Workload, shared: &BTreeSet<(Folder, Option<String>)>) -> Option<usize> {
        let build = w.build.as_ref()?;
        let root = w.place.root.clone();
        if shared.contains(&((root.clone(), build.clone()), w.dockerfile.clone())) {
            // One image, several services: the folder goes to the one that its command or name points to.
            if let Some(at) = self.folder_of_command(&root, build, w) {
                return Some(at);
            }
            let last = build.rsplit('/').next().unwrap_or_default();
            if normal(last) != normal(&w.name) {
                return None;
            }
        }
        // A Dockerfile in a folder of its own says whose image it is, wherever the context starts.
        let own = w.dockerfile.as_deref().and_then(|d| d.rsplit_once('/')).map(|(f, _)| f.to_owned());
        if let Some(folder) = own.filter(|f| f != build) {
            let key = (root.clone(), folder.clone());
            if let Some(at) = self.module_for(&key) {
                return Some(at);
            }
            let last = folder.rsplit('/').next().unwrap_or_default();
            if self.has_code(&key) || normal(last) == normal(&w.name) {
                return Some(self.folder_of(w, key));
            }
        }
        let key = (root.clone(), build.clone());
        if let Some(at) = self.module_for(&key).filter(|_| !build.is_empty() || w.dockerfile.is_none()) {
            return Some(at);
        }
        (self.has_code(&key) && !build.is_empty()).then(|| self.folder_of(w, key))
    }

    /// The node of a folder that a workload builds: one that is already known by the workload's name gets the folder.
    fn folder_of(&mut self, w: &Workload, key: Folder) -> usize {
        let known = self.by_name.get(&normal(&w.name)).copied().filter(|at| self.nodes[*at].folders.is_empty());
        match known {
            Some(at) if !self.by_folder.contains_key(&key) => {
                self.nodes[at].folders.insert(key.clone());
                self.by_folder.insert(key, at);
                at
            }
            _ => self.node_at(&key.0, &key.1),
        }
    }

    /// A command that names a script in a folder (`ruby services/frontend/server.rb`) runs that folder's code.
    fn folder_of_command(&mut self, root: &str, build: &str, w: &Workload) -> Option<usize> {
        let words = w.command.iter().flat_map(|c| c.split_whitespace());
        for word in words {
            let path = word.trim_start_matches("./");
            let full = if build.is_empty() { path.to_owned() } else { format!("{build}/{path}") };
            let known = self.facts.units.iter().any(|u| u.place.root == root && u.place.path == full);
            if known && let Some((folder, _)) = full.rsplit_once('/') {
                return Some(self.node_at(root, folder));
            }
        }
        None
    }

    /// A Kubernetes Service is a name of the pods that its selector picks.
    fn kubernetes_services(&mut self) {
        let facts = self.facts;
        for w in facts.workloads.iter().filter(|w| w.kind == WorkloadKind::KubernetesService) {
            let picked: BTreeSet<usize> = (0..self.nodes.len())
                .filter(|at| {
                    !w.selector.is_empty()
                        && self.nodes[*at].workloads.iter().any(|i| {
                            let pods = &facts.workloads[*i];
                            pods.kind == WorkloadKind::Kubernetes
                                && pods.place.root == w.place.root
                                && w.selector.iter().all(|(k, v)| pods.labels.get(k) == Some(v))
                        })
                })
                .collect();
            let at = match (picked.len(), self.by_name.get(&normal(&w.name)).copied()) {
                (_, Some(known)) => Some(known),
                (1, None) => picked.first().copied(),
                _ => None,
            };
            if let Some(at) = at {
                self.name(at, &w.name, rank::KUBERNETES);
                if w.labels.get("service-type").is_some_and(|t| t == "LoadBalancer" || t == "NodePort") {
                    self.nodes[at].exposed = true;
                }
            }
        }
    }

    /// `spring.application.name` and the like name the folder's service.
    fn applications(&mut self) {
        let facts = self.facts;
        for settings in &facts.settings {
            let crate::model::facts::SettingsScope::Folder(folder) = &settings.scope else { continue };
            for setting in &settings.values {
                let key = setting.key.to_lowercase();
                if !matches!(
                    key.as_str(),
                    "spring.application.name" | "quarkus.application.name" | "micronaut.application.name"
                ) {
                    continue;
                }
                let mut at_folder = folder.as_str();
                let at = loop {
                    if let Some(at) = self.by_folder.get(&(settings.place.root.clone(), at_folder.to_owned())) {
                        break Some(*at);
                    }
                    match at_folder.rsplit_once('/') {
                        Some((head, _)) => at_folder = head,
                        None if at_folder.is_empty() => break None,
                        None => at_folder = "",
                    }
                };
                if let Some(at) = at {
                    self.name(at, &setting.value, rank::APPLICATION);
                    self.evidence(at, &setting.place, &format!("application name {}", setting.value));
                }
            }
        }
    }

    fn declared(&mut self, config: &Config) {
        for (name, declared) in &config.services {
            let known =
                std::iter::once(name).chain(&declared.aliases).find_map(|n| self.by_name.get(&normal(n)).copied());
            let at = known.unwrap_or_else(|| self.new_node());
            self.name(at, name, rank::DECLARED);
            for alias in &declared.aliases {
                self.name(at, alias, rank::ALIAS);
            }
            let place = Place::new("", crate::config::FILE_NAME, 0);
            self.nodes[at].evidence.push(Evidence::new(SourceKind::Declared, place, "declared", Confidence::Confirmed));
        }
    }

    /// Folders whose code runs: it has a main function, serves, or consumes.
    fn running_folders(&self) -> BTreeSet<usize> {
        let mut runs = BTreeSet::new();
        for unit in &self.facts.units {
            let serves =
                unit.sites.iter().any(|s| matches!(s.kind, SiteKind::Serve | SiteKind::ServeRpc | SiteKind::Consume));
            let main = unit.functions.iter().any(|f| matches!(f.name.as_str(), "main" | "Main"));
            if !serves && !main {
                continue;
            }
            let mut folder = unit.place.folder();
            loop {
                if let Some(at) = self.by_folder.get(&(unit.place.root.clone(), folder.to_owned())) {
                    runs.insert(*at);
                    break;
                }
                match folder.rsplit_once('/') {
                    Some((head, _)) => folder = head,
                    None if folder.is_empty() => break,
                    None => folder = "",
                }
            }
        }
        runs
    }

    fn finish(mut self, runs: &BTreeSet<usize>, roles: &Roles, config: &Config) -> Vec<Node> {
        self.languages();
        let facts = self.facts;
        let mut kept: Vec<Node> = Vec::new();
        for (at, mut node) in std::mem::take(&mut self.nodes).into_iter().enumerate() {
            let deployed = !node.workloads.is_empty();
            let application = node.modules.iter().any(|m| facts.modules[*m].kind == ModuleKind::Application);
            let library = node.modules.iter().any(|m| facts.modules[*m].kind == ModuleKind::Library);
            let declared = node.evidence.iter().any(|e| e.source == SourceKind::Declared);
            let lives = deployed || declared || application || (runs.contains(&at) && !library);
            let ignored = config
                .services
                .iter()
                .any(|(name, c)| c.ignore.is_some() && node.names.keys().any(|n| normal(n) == normal(name)));
            if !lives || ignored || node.names.is_empty() || is_test_node(&node, deployed) {
                continue;
            }
            choose_name(&mut node);
            assign_role(&mut node, facts, roles, config);
            kept.push(node);
        }
        unique_names(&mut kept);
        kept
    }

    fn languages(&mut self) {
        for unit in &self.facts.units {
            let mut folder = unit.place.folder();
            loop {
                if let Some(at) = self.by_folder.get(&(unit.place.root.clone(), folder.to_owned())) {
                    self.nodes[*at].languages.insert(unit.language.clone());
                    break;
                }
                match folder.rsplit_once('/') {
                    Some((head, _)) => folder = head,
                    None if folder.is_empty() => break,
                    None => folder = "",
                }
            }
        }
    }
}

/// A folder of tests that nothing deploys.
fn is_test_node(node: &Node, deployed: bool) -> bool {
    !deployed
        && node.names.keys().any(|n| {
            let n = n.to_lowercase();
            n.ends_with("test") || n.ends_with("tests") || n.ends_with("-e2e") || n.starts_with("test-")
        })
}

fn choose_name(node: &mut Node) {
    let best = node.names.iter().min_by_key(|(name, rank)| (**rank, name.len(), (*name).clone()));
    node.name = best.map(|(name, _)| name.clone()).unwrap_or_default();
}

fn assign_role(node: &mut Node, facts: &Facts, roles: &Roles, config: &Config) {
    let declared = config
        .services
        .iter()
        .find(|(name, _)| node.names.keys().any(|n| normal(n) == normal(name)))
        .and_then(|(_, c)| c.role);
    if let Some(kind) = declared {
        node.kind = Some(kind);
        return;
    }
    let has_code = !node.languages.is_empty();
    let image =
        node.workloads.iter().filter_map(|w| facts.workloads[*w].image.as_deref()).find_map(|i| roles.of_image(i));
    let libraries: Vec<String> =
        node.modules.iter().flat_map(|m| facts.modules[*m].depends_on.iter().cloned()).collect();
    let role: Option<Role> = if has_code {
        // The name decides between what a library only suggests (a backend that bundles a UI).
        roles
            .of_libraries(&libraries)
            .filter(|r| {
                r.kind != ServiceKind::Ui
                    || !node.languages.iter().any(|l| !matches!(l.as_str(), "javascript" | "typescript"))
            })
            .or_else(|| roles.of_name(&node.name))
    } else {
        image.clone().or_else(|| roles.of_image(&node.name)).or_else(|| roles.of_name(&node.name))
    };
    if let Some(role) = role {
        node.kind = Some(role.kind);
        node.engine = role.engine;
    } else if !has_code && node.workloads.iter().any(|w| facts.workloads[*w].image.is_some()) {
        // An image without its code here: a service whose code lives elsewhere, unless it is a known product.
        node.kind = Some(ServiceKind::Service);
    }
}

/// Two nodes never share a name: the later one is called by its folder.
fn unique_names(nodes: &mut [Node]) {
    let mut seen: BTreeSet<String> = BTreeSet::new();
    for node in nodes.iter_mut() {
        if seen.insert(node.name.clone()) {
            continue;
        }
        let folder = node.folders.iter().next().map(|(root, f)| if f.is_empty() { root.clone() } else { f.clone() });
        let base = folder.filter(|f| !f.is_empty()).unwrap_or_else(|| node.name.clone());
        let mut name = base.clone();
        let mut n = 2;
        while !seen.insert(name.clone()) {
            name = format!("{base}-{n}");
            n += 1;
        }
        node.names.insert(name.clone(), rank::FOLDER);
        node.name = name;
    }
}
