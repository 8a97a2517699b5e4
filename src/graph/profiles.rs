//! Whose practice is it: how services are built and run, told service by service.
//!
//! Takes facts, nodes and the databases that linking found; gives practices with their service, and profiles.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{
    Deployment, Facts, ModuleKind, Place, Practice, PracticeKind, Profile, Service, SharedLibrary, TypeDecl, Unit,
    WorkloadKind,
};

use super::services::Nodes;

/// Fields that make a type of a model more than a wrapper.
const MODEL_FIELDS: usize = 2;

/// Practices with the service that they belong to: one entry per service that a shared library serves, and one with
/// an empty service where nobody owns the place (pipelines, the mesh).
#[must_use]
pub fn practices(facts: &Facts, nodes: &Nodes) -> Vec<Practice> {
    let mut owners: BTreeMap<(&str, &str), Vec<usize>> = BTreeMap::new();
    let mut all = Vec::new();
    for practice in &facts.practices {
        let named = nodes.find(&practice.service).filter(|_| !practice.service.is_empty());
        let found = match named {
            Some(at) => vec![at],
            None if practice.kind == PracticeKind::Release => Vec::new(),
            None => {
                let folder = nodes.home(&practice.place);
                owners.entry(folder).or_insert_with(|| nodes.owners(facts, &practice.place).0).clone()
            }
        };
        if found.is_empty() {
            all.push(Practice { service: String::new(), ..practice.clone() });
        }
        let of = |at: usize| Practice { service: nodes.all[at].name.clone(), ..practice.clone() };
        all.extend(found.into_iter().map(of));
    }
    all.sort();
    all.dedup();
    all
}

/// Profiles of the services, in their order.
#[must_use]
pub fn profiles(
    facts: &Facts,
    nodes: &Nodes,
    services: &[Service],
    databases: &BTreeMap<usize, BTreeSet<(usize, String)>>,
) -> Vec<Profile> {
    let mut lines: BTreeMap<usize, u32> = BTreeMap::new();
    let mut owners: BTreeMap<(&str, &str), (Vec<usize>, bool)> = BTreeMap::new();
    for unit in &facts.units {
        let folder = nodes.home(&unit.place);
        let (found, library) = owners.entry(folder).or_insert_with(|| nodes.owners(facts, &unit.place));
        for at in found.iter().filter(|_| !*library) {
            *lines.entry(*at).or_default() += unit.lines;
        }
    }
    let specifications = specifications(facts, nodes);
    let mut by_name: BTreeMap<&str, usize> = BTreeMap::new();
    for (at, node) in nodes.all.iter().enumerate() {
        by_name.entry(&node.name).or_insert(at);
    }
    let mut all = Vec::new();
    for service in services {
        let Some(at) = by_name.get(service.name.as_str()).copied() else { continue };
        let node = &nodes.all[at];
        let modules = node.modules.iter().map(|m| &facts.modules[*m]);
        let deployments = node
            .workloads
            .iter()
            .map(|w| &facts.workloads[*w])
            .filter(|w| !matches!(w.kind, WorkloadKind::Dockerfile | WorkloadKind::KubernetesService));
        let health_in_image = node
            .workloads
            .iter()
            .map(|w| &facts.workloads[*w])
            .any(|w| w.kind == WorkloadKind::Dockerfile && w.has_health_check);
        let databases = databases.get(&at).into_iter().flatten();
        let environment = node.workloads.iter().flat_map(|w| &facts.workloads[*w].environment);
        let mut environment: Vec<String> = environment.map(|s| s.key.clone()).collect();
        environment.sort();
        environment.dedup();
        all.push(Profile {
            service: service.name.clone(),
            lines: lines.get(&at).copied(),
            modules: modules.map(|m| (m.place.clone(), m.depends_on.clone())).collect(),
            deployments: deployments
                .map(|w| Deployment {
                    place: w.place.clone(),
                    profile: w.profile.clone(),
                    image: w.image.clone(),
                    has_health_check: w.has_health_check || health_in_image,
                })
                .collect(),
            databases: databases.map(|(to, schema)| (nodes.all[*to].name.clone(), schema.clone())).collect(),
            environment,
            specification: specifications.get(&at).cloned(),
        });
    }
    all
}

/// OpenAPI specifications by node: the file, and whether a path or a server of it carries a version.
fn specifications(facts: &Facts, nodes: &Nodes) -> BTreeMap<usize, (Place, bool)> {
    let mut all: BTreeMap<usize, (Place, bool)> = BTreeMap::new();
    for operation in facts.operations.iter().filter(|o| o.format == "openapi") {
        let (owners, library) = nodes.owners(facts, &operation.place);
        let at = match owners.as_slice() {
            [one] if !library => Some(*one),
            _ => nodes.find(operation.title.trim_end_matches(" API")),
        };
        let Some(at) = at else { continue };
        let file = Place::new(&operation.place.root, &operation.place.path, 0);
        let versioned = has_version(&operation.path) || operation.servers.iter().any(|s| has_version(s));
        all.entry(at).or_insert((file, false)).1 |= versioned;
    }
    all
}

/// Does a path have a part like `v1` or `v2beta`?
#[must_use]
pub fn has_version(path: &str) -> bool {
    path.split(['/', '?', '=', ':']).any(|part| {
        let mut chars = part.chars();
        matches!(chars.next(), Some('v' | 'V')) && chars.next().is_some_and(|c| c.is_ascii_digit())
    })
}

/// Libraries of the system that two or more services use and that hold types of the domain.
#[must_use]
pub fn libraries(facts: &Facts, nodes: &Nodes) -> Vec<SharedLibrary> {
    let mut found: BTreeMap<usize, SharedLibrary> = BTreeMap::new();
    let mut owners: BTreeMap<(&str, &str), (Vec<usize>, bool)> = BTreeMap::new();
    for unit in &facts.units {
        let types = domain_types(unit);
        if types.is_empty() {
            continue;
        }
        let folder = nodes.home(&unit.place);
        let (users, library) = owners.entry(folder).or_insert_with(|| nodes.owners(facts, &unit.place));
        if !*library || users.len() < 2 {
            continue;
        }
        let inside = |folder: &str| folder.is_empty() || unit.place.path.starts_with(&format!("{folder}/"));
        let module = facts
            .modules
            .iter()
            .enumerate()
            .filter(|(_, m)| m.place.root == unit.place.root && m.kind != ModuleKind::Aggregate && inside(&m.folder))
            .max_by_key(|(_, m)| m.folder.len());
        let Some((at, module)) = module else { continue };
        let entry = found.entry(at).or_insert_with(|| SharedLibrary {
            name: module.names.first().cloned().unwrap_or_else(|| module.folder.clone()),
            place: module.place.clone(),
            users: users.iter().map(|u| nodes.all[*u].name.clone()).collect(),
            types: Vec::new(),
        });
        entry
            .types
            .extend(types.iter().map(|t| (t.name.clone(), Place::new(&unit.place.root, &unit.place.path, t.line))));
    }
    found.into_values().collect()
}

/// Types of a unit that model the domain: mapped to a store, or with fields in a package of entities or models.
fn domain_types(unit: &Unit) -> Vec<&TypeDecl> {
    let mapped = |t: &TypeDecl| {
        t.annotations.iter().any(|a| {
            let last = a.name.rsplit('.').next().unwrap_or(&a.name);
            matches!(
                last,
                "Entity" | "Document" | "Table" | "Embeddable" | "MappedSuperclass" | "Node" | "DynamoDBTable"
            )
        })
    };
    let folder = unit.place.folder().to_lowercase();
    let models =
        folder.split('/').any(|f| matches!(f, "entity" | "entities" | "domain" | "model" | "models" | "aggregates"));
    unit.types.iter().filter(|t| !t.is_interface && (mapped(t) || models && t.fields.len() >= MODEL_FIELDS)).collect()
}
