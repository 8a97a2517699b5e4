//! Code from elsewhere: files that images copy in, and those that code includes by a relative path.
//!
//! Takes the build of a node; gives units that run in it. Follows no value.

use std::collections::BTreeSet;

use crate::model::{Facts, Unit, WorkloadKind};

use super::services::Nodes;

/// Files that no service holds and an image copies in (`COPY src/shared/tools.py`): they run there.
pub(super) fn copied<'a>(facts: &'a Facts, nodes: &Nodes, at: usize, own: &mut Vec<&'a Unit>) {
    let workloads = || nodes.all[at].workloads.iter().map(|w| &facts.workloads[*w]);
    for dockerfile in workloads().filter(|w| w.kind == WorkloadKind::Dockerfile) {
        let root = &dockerfile.place.root;
        let inside = format!("{}/", dockerfile.place.folder());
        let contexts = workloads().filter(|w| w.kind != WorkloadKind::Dockerfile && w.place.root == *root);
        let contexts: Vec<&str> = contexts.filter_map(|w| w.build.as_deref()).chain([""]).collect();
        for copy in &dockerfile.copies {
            // Paths are relative to the folder that is built, which need not be that of the Dockerfile.
            let written = copy.strip_prefix(&inside).unwrap_or(copy);
            let paths = contexts.iter().filter_map(|c| resolved(c, written)).chain([copy.clone()]);
            for path in paths.collect::<BTreeSet<_>>().into_iter().filter(|p| !p.is_empty()) {
                let below = format!("{path}/");
                for unit in facts.units.iter().filter(|u| u.place.root == *root) {
                    let here = unit.place.path == path || unit.place.path.starts_with(&below);
                    if here
                        && nodes.owners(facts, &unit.place).0.is_empty()
                        && !own.iter().any(|o| o.place == unit.place)
                    {
                        own.push(unit);
                    }
                }
            }
        }
    }
}

/// Files of other services that this one's code includes by a relative path (a client that lives beside its
/// target): they run here as well.
pub(super) fn borrowed<'a>(facts: &'a Facts, own: &[&'a Unit], libraries: &mut Vec<&'a Unit>) {
    let stem = |path: &str| path.rsplit_once('.').map_or(path, |(stem, _)| stem).to_owned();
    let mut here: BTreeSet<(String, String)> =
        own.iter().chain(libraries.iter()).map(|u| (u.place.root.clone(), u.place.path.clone())).collect();
    let mut queue: Vec<&Unit> = own.to_vec();
    while let Some(unit) = queue.pop() {
        let relative = unit.imports.iter().filter(|i| i.path.starts_with("../") || i.path.starts_with("./"));
        let wanted: BTreeSet<String> = relative.filter_map(|i| resolved(unit.place.folder(), &i.path)).collect();
        if wanted.is_empty() {
            continue;
        }
        for other in facts.units.iter().filter(|u| u.place.root == unit.place.root) {
            let path = &other.place.path;
            let hit = wanted.contains(path)
                || wanted.contains(&stem(path))
                || wanted.contains(stem(path).trim_end_matches("/index"));
            if hit && here.insert((other.place.root.clone(), path.clone())) {
                libraries.push(other);
                queue.push(other);
            }
        }
    }
}

/// A relative path from a folder; `None` if it leaves the root.
pub(super) fn resolved(folder: &str, path: &str) -> Option<String> {
    let mut parts: Vec<&str> = folder.split('/').filter(|p| !p.is_empty()).collect();
    for part in path.split('/') {
        match part {
            "." | "" => {}
            ".." => {
                parts.pop()?;
            }
            other => parts.push(other),
        }
    }
    Some(parts.join("/"))
}
