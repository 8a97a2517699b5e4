//! Compose projects: several in one repository may each run a `db` of their own.

use std::collections::{BTreeMap, BTreeSet};

use crate::graph::roles::Roles;
use crate::model::{Facts, ServiceKind, Workload, WorkloadKind};

use super::builder::Builder;
use super::{Folder, Node, normal};

impl Builder<'_> {
    /// A product that each of several projects runs for itself under one name (`db` beside every service) is named
    /// after its project.
    pub(super) fn local_name(&self, w: &Workload, roles: &Roles) -> Option<String> {
        let product = |w: &Workload| {
            w.kind == WorkloadKind::Compose
                && w.build.is_none()
                && w.image.as_deref().and_then(|i| roles.of_image(i)).is_some_and(|r| r.kind == ServiceKind::Database)
        };
        let project = project_of(w);
        if !product(w) || !self.is_of_one_service(&project) {
            return None;
        }
        let again = self.facts.workloads.iter().any(|o| {
            let other = project_of(o);
            product(o) && normal(&o.name) == normal(&w.name) && other != project && self.is_of_one_service(&other)
        });
        let last = project.1.rsplit('/').next().filter(|_| again)?;
        Some(if normal(&w.name).contains(&normal(last)) { w.name.clone() } else { format!("{last}-{}", w.name) })
    }

    /// Does a folder hold the code of one service, and lie below the root?
    fn is_of_one_service(&self, (root, folder): &Folder) -> bool {
        let prefix = format!("{folder}/");
        let own = self.by_folder.get(&(root.clone(), folder.clone())).copied();
        let inside = own.into_iter().chain(self.below(root, &prefix).map(|(_, at)| at));
        !folder.is_empty() && inside.filter(|at| !self.is_test_module(*at)).take(2).count() == 1
    }
}

/// A project, the folder that it builds, and the Dockerfile.
type Built<'f> = (Folder, Folder, Option<&'f str>);

/// Names under which several projects build services of their own (`app` beside every Dockerfile): they name none.
pub(super) fn repeated_names(facts: &Facts) -> BTreeSet<String> {
    let mut seen: BTreeMap<String, BTreeSet<Built<'_>>> = BTreeMap::new();
    for w in facts.workloads.iter().filter(|w| w.kind == WorkloadKind::Compose) {
        if let Some(build) = &w.build {
            let built = (w.place.root.clone(), build.clone());
            seen.entry(normal(&w.name)).or_default().insert((project_of(w), built, w.dockerfile.as_deref()));
        }
    }
    let apart = |uses: &BTreeSet<Built<'_>>| {
        let projects: BTreeSet<&Folder> = uses.iter().map(|(project, ..)| project).collect();
        let builds: BTreeSet<&Folder> = uses.iter().map(|(_, build, _)| build).collect();
        projects.len() > 1 && builds.len() > 1
    };
    seen.into_iter().filter(|(_, uses)| apart(uses)).map(|(name, _)| name).collect()
}

/// The projects that run a node.
pub(super) fn projects_of(node: &Node, facts: &Facts) -> BTreeSet<Folder> {
    let workloads = node.workloads.iter().map(|w| &facts.workloads[*w]);
    workloads.filter(|w| w.kind == WorkloadKind::Compose).map(project_of).collect()
}

/// The folder of a compose project: where its file lies.
pub(super) fn project_of(w: &Workload) -> Folder {
    let folder = w.place.folder();
    let folder = folder.strip_suffix(".ddev").map_or(folder, |f| f.trim_end_matches('/'));
    (w.place.root.clone(), folder.to_owned())
}

impl Builder<'_> {
    /// `orders` and `orders-2` that run the same command are one service that runs twice.
    fn are_copies(&self, names: &BTreeSet<&str>) -> bool {
        let Some(base) = names.iter().min_by_key(|n| n.len()) else { return false };
        let numbered = |name: &&str| {
            let rest = name.strip_prefix(base).map(|rest| rest.trim_start_matches(['-', '_', 'p', 'v']));
            rest.is_some_and(|rest| rest.chars().all(|c| c.is_ascii_digit()))
        };
        let running =
            self.facts.workloads.iter().filter(|w| w.kind == WorkloadKind::Compose && names.contains(w.name.as_str()));
        let commands: BTreeSet<&Vec<String>> = running.map(|w| &w.command).collect();
        names.iter().all(numbered) && commands.len() == 1
    }

    /// Folders that several compose services of one file build, each with another name.
    pub(super) fn shared_builds(&self) -> BTreeSet<(Folder, Option<String>)> {
        type Build<'b> = (&'b str, &'b str, &'b str, Option<&'b str>);
        let mut seen: BTreeMap<Build<'_>, BTreeSet<&str>> = BTreeMap::new();
        for w in self.facts.workloads.iter().filter(|w| w.kind == WorkloadKind::Compose) {
            if let Some(build) = &w.build {
                let key = (w.place.root.as_str(), w.place.path.as_str(), build.as_str(), w.dockerfile.as_deref());
                seen.entry(key).or_default().insert(&w.name);
            }
        }
        // In several files the one that is called like the folder is its service; where none is, all are one.
        let own = |build: &str, name: &str| normal(build.rsplit('/').next().unwrap_or_default()) == normal(name);
        let named: BTreeSet<(&str, &str)> = seen
            .iter()
            .filter(|((_, _, build, _), names)| names.iter().any(|n| own(build, n)))
            .map(|((root, _, build, _), _)| (*root, *build))
            .collect();
        let shared = seen.into_iter().filter(|((root, _, build, _), names)| {
            names.len() > 1 && !self.are_copies(names)
                || named.contains(&(root, build)) && !names.iter().any(|n| own(build, n))
        });
        shared
            .map(|((root, _, build, file), _)| ((root.to_owned(), build.to_owned()), file.map(str::to_owned)))
            .collect()
    }
}
