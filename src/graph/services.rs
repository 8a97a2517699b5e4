//! Which services there are: modules, workloads and applications merged by evidence into nodes.
//!
//! Takes facts; gives nodes with names, folders, workloads and roles, and answers "whose code is this file?".
//! Knows nothing of calls.

mod builder;
mod cluster;
mod finish;
mod named;
mod programs;
mod projects;
mod scripts;

use std::collections::{BTreeMap, BTreeSet};

use crate::config::Config;
use crate::model::{Evidence, Facts, ModuleKind, Owner, Place, Service, ServiceKind, WorkloadKind};

use super::roles::{Role, Roles};

use builder::Builder;
use projects::projects_of;

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
    /// Programs that are single files, by their folder: what else stands there they share.
    beside: BTreeMap<Folder, Vec<usize>>,
    /// Folders of the compose projects that run a node.
    projects: Vec<BTreeSet<Folder>>,
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
        let mut builder = Builder::new(facts);
        builder.modules();
        builder.dockerfiles();
        // What only runs an image is the code whose application is called like it.
        builder.applications();
        builder.workloads(roles);
        builder.late_dockerfiles();
        builder.kubernetes_services();
        builder.applications();
        builder.routers();
        builder.declared(config);
        builder.scripts();
        let runs = builder.running_folders();
        let mut nodes: Vec<Node> = builder.finish(&runs, roles, config);
        nodes.sort_by(|a, b| a.name.cmp(&b.name));
        let mut all = Self { all: nodes, ..Self::default() };
        all.index(facts);
        all
    }

    fn index(&mut self, facts: &Facts) {
        let files: BTreeSet<(&str, &str)> =
            facts.units.iter().map(|u| (u.place.root.as_str(), u.place.path.as_str())).collect();
        self.projects = self.all.iter().map(|node| projects_of(node, facts)).collect();
        for (at, node) in self.all.iter().enumerate() {
            for name in node.names.keys() {
                let found = self.by_name.entry(normal(name)).or_default();
                if !found.contains(&at) {
                    found.push(at);
                }
            }
            for folder in &node.folders {
                self.folders.entry(folder.clone()).or_default().push(at);
                if files.contains(&(folder.0.as_str(), folder.1.as_str())) {
                    let beside = folder.1.rsplit_once('/').map_or("", |(head, _)| head).to_owned();
                    self.beside.entry((folder.0.clone(), beside)).or_default().push(at);
                }
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

    /// The node of this name as seen by a node: of several, the one in a compose project of its own.
    #[must_use]
    pub fn find_from(&self, name: &str, from: usize) -> Option<usize> {
        let found = self.by_name.get(&normal(name))?.as_slice();
        let (Some(mine), Some(node)) = (self.projects.get(from), self.all.get(from)) else { return self.find(name) };
        if let [one] = found {
            return Some(*one);
        }
        let near = |(root, folder): &Folder| {
            mine.contains(&(root.clone(), folder.clone()))
                || node.folders.iter().any(|(r, f)| r == root && (f == folder || f.starts_with(&format!("{folder}/"))))
        };
        let mut own = found.iter().copied().filter(|at| self.projects.get(*at).is_some_and(|p| p.iter().any(near)));
        match (own.next(), own.next()) {
            (Some(one), None) => Some(one),
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

    /// What decides whose a file is: its folder, or the file itself where it is a program of its own.
    #[must_use]
    pub fn home<'p>(&self, place: &'p Place) -> (&'p str, &'p str) {
        let is_program =
            !self.beside.is_empty() && self.folders.contains_key(&(place.root.clone(), place.path.clone()));
        (&place.root, if is_program { &place.path } else { place.folder() })
    }

    /// Whose code a file is: the owners of the nearest folder that is a service's, or for a library the
    /// services that use it; `library` is true in the latter case.
    #[must_use]
    pub fn owners(&self, facts: &Facts, place: &Place) -> (Vec<usize>, bool) {
        if let Some(nodes) = self.folders.get(&(place.root.clone(), place.path.clone())) {
            return (nodes.clone(), false);
        }
        let mut folder = place.folder();
        loop {
            let key = (place.root.clone(), folder.to_owned());
            if let Some(programs) = self.beside.get(&key) {
                return (programs.clone(), true);
            }
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
        // What several services are labelled with is no name of one of them.
        let mut labels: BTreeMap<&str, usize> = BTreeMap::new();
        for (name, _) in self.all.iter().flat_map(|n| &n.names).filter(|(_, rank)| **rank == rank::ALIAS) {
            *labels.entry(name).or_default() += 1;
        }
        let common = |name: &str| labels.get(name).is_some_and(|n| *n >= COMMON);
        self.all.iter().map(|node| service(node, config, owners, common)).collect()
    }
}

/// So many services with one alias share a label of their system (ours).
const COMMON: usize = 3;

fn service(node: &Node, config: &Config, owners: &[Owner], common: impl Fn(&str) -> bool) -> Service {
    let mut aliases: Vec<String> = node.names.keys().filter(|n| **n != node.name && !common(n)).cloned().collect();
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

/// A folder of tests that nothing deploys.
fn is_test_node(node: &Node, deployed: bool) -> bool {
    !deployed
        && node.names.keys().any(|n| {
            let n = n.to_lowercase();
            n.ends_with("test") || n.ends_with("tests") || n.ends_with("-e2e") || n.starts_with("test-")
        })
}

fn choose_name(node: &mut Node) {
    // `trainer-http` and `trainer-grpc` run one folder `trainer`: that is what they are.
    let deployed: Vec<&String> =
        node.names.iter().filter(|(_, rank)| **rank == rank::COMPOSE).map(|(name, _)| name).collect();
    let common = node.names.iter().find(|(name, rank)| {
        **rank == rank::FOLDER && deployed.len() > 1 && deployed.iter().all(|d| d.starts_with(&format!("{name}-")))
    });
    if let Some((name, _)) = common {
        node.name.clone_from(name);
        return;
    }
    let best = node.names.iter().min_by_key(|(name, rank)| (**rank, name.len(), (*name).clone()));
    node.name = best.map(|(name, _)| name.clone()).unwrap_or_default();
}

/// Does a place lie in a folder of a node?
fn is_inside(node: &Node, place: &Place) -> bool {
    node.folders
        .iter()
        .any(|(root, f)| *root == place.root && (f.is_empty() || place.path.starts_with(&format!("{f}/"))))
}

/// Has a type in the code of a node an annotation that begins with one of these?
fn is_annotated(node: &Node, facts: &Facts, names: &[&str]) -> bool {
    let named = |a: &crate::model::Annotation| names.iter().any(|n| a.name.starts_with(n));
    let units = facts.units.iter().filter(|u| is_inside(node, &u.place));
    units.flat_map(|u| &u.types).any(|t| t.annotations.iter().any(named))
}

/// Does a node route: does configuration in its folders, or an annotation of its code, say so?
fn routes(node: &Node, facts: &Facts) -> bool {
    facts.routes.iter().any(|r| is_inside(node, &r.place)) || is_annotated(node, facts, &["EnableZuul"])
}

fn assign_role(node: &mut Node, serves: bool, facts: &Facts, roles: &Roles, config: &Config) {
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
    let watches_all = || is_annotated(node, facts, &["EnableTurbine", "EnableHystrixDashboard", "EnableAdminServer"]);
    let image =
        node.workloads.iter().filter_map(|w| facts.workloads[*w].image.as_deref()).find_map(|i| roles.of_image(i));
    // A backend may bundle a page: what its npm module uses says nothing of it.
    let scripts = node.languages.iter().all(|l| matches!(l.as_str(), "javascript" | "typescript"));
    let modules = node.modules.iter().map(|m| &facts.modules[*m]).filter(|m| scripts || m.build != "npm");
    let libraries: Vec<String> = modules.flat_map(|m| m.depends_on.iter().cloned()).collect();
    // An image built on a database's or broker's own is that product, whatever scripts fill it.
    let built_on = node.workloads.iter().map(|w| &facts.workloads[*w]).filter(|w| w.kind == WorkloadKind::Dockerfile);
    let product = built_on
        .filter_map(|w| roles.of_image(w.image.as_deref()?))
        .find(|r| matches!(r.kind, ServiceKind::Database | ServiceKind::Broker));
    if let Some(product) = product {
        node.kind = Some(product.kind);
        node.engine = product.engine;
        return;
    }
    let role: Option<Role> = if has_code {
        // The name decides between what a library only suggests (a backend that bundles a UI).
        let named = |n: &str| roles.of_name(n).filter(|r| !r.bundled || !serves);
        let by_name = node.names.keys().find_map(|n| named(n));
        let watches = by_name.as_ref().map(|r| r.kind == ServiceKind::Monitoring);
        let names_gateway = by_name.as_ref().is_some_and(|r| r.kind == ServiceKind::Gateway);
        let backend = watches == Some(false) || serves && watches.is_none();
        roles
            .of_libraries(&libraries)
            // A dashboard bundled with a service does not make it one, nor does a gateway's library without a route.
            .filter(|r| match r.kind {
                ServiceKind::Monitoring => !r.bundled || !backend && (watches == Some(true) || watches_all()),
                ServiceKind::Gateway => names_gateway || !serves || routes(node, facts),
                _ => true,
            })
            .or_else(|| named(&node.name))
            .or(by_name)
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
