//! Whose practice is it: how services are built and run, told service by service.
//!
//! Takes facts, nodes and the databases that linking found; gives practices with their service, and profiles.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{
    Confidence, Deployment, Evidence, Facts, Practice, PracticeKind, Profile, Service, SourceKind, WorkloadKind,
};

use super::services::Nodes;

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
                let folder = (practice.place.root.as_str(), practice.place.folder());
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
        let folder = (unit.place.root.as_str(), unit.place.folder());
        let (found, library) = owners.entry(folder).or_insert_with(|| nodes.owners(facts, &unit.place));
        for at in found.iter().filter(|_| !*library) {
            *lines.entry(*at).or_default() += unit.lines;
        }
    }
    let mut all = Vec::new();
    for service in services {
        let Some((at, node)) = nodes.all.iter().enumerate().find(|(_, n)| n.name == service.name) else { continue };
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
        let databases = databases.get(&at).into_iter().flatten().map(|(to, schema)| {
            let database = &nodes.all[*to].name;
            let says = if schema.is_empty() { database.clone() } else { format!("{schema} at {database}") };
            let place = service.evidence.first().map(|e| e.place.clone()).unwrap_or_default();
            let evidence = Evidence::new(SourceKind::Manifests, place, &says, Confidence::Confirmed);
            (database.clone(), schema.clone(), evidence)
        });
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
            databases: databases.collect(),
        });
    }
    all
}
