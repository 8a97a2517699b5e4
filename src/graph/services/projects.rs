//! Compose projects: several in one repository may each run a `db` of their own.

use std::collections::BTreeSet;

use crate::graph::roles::Roles;
use crate::model::{Facts, Workload, WorkloadKind};

use super::builder::Builder;
use super::{Folder, Node, normal};

impl Builder<'_> {
    /// A product that each of several projects runs for itself under one name (`db` beside every service) is named
    /// after its project.
    pub(super) fn local_name(&self, w: &Workload, roles: &Roles) -> Option<String> {
        let product = |w: &Workload| {
            w.kind == WorkloadKind::Compose
                && w.build.is_none()
                && w.image.as_deref().and_then(|i| roles.of_image(i)).is_some_and(|r| r.engine.is_some())
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
        let inside = self
            .by_folder
            .iter()
            .filter(|((r, f), at)| r == root && (f == folder || f.starts_with(&prefix)) && !self.is_test_module(**at));
        !folder.is_empty() && inside.count() == 1
    }
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
