//! Code from elsewhere: files that images copy in, and those that code includes by a relative path.
//!
//! Takes the build of a node; gives units that run in it. Follows no value.

use std::collections::BTreeSet;

use hashbrown::HashMap;

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
                for unit in at_or_below(facts, root, &path) {
                    if nodes.owners(facts, &unit.place).0.is_empty() && !own.iter().any(|o| o.place == unit.place) {
                        own.push(unit);
                    }
                }
            }
        }
    }
}

/// Units of a file or folder, in their order: units are sorted by their place.
fn at_or_below<'a>(facts: &'a Facts, root: &str, path: &str) -> impl Iterator<Item = &'a Unit> {
    let below = format!("{path}/");
    let from =
        |key: &str| facts.units.partition_point(|u| (u.place.root.as_str(), u.place.path.as_str()) < (root, key));
    let run = |start: usize, holds: &dyn Fn(&Unit) -> bool| {
        let length = facts.units[start..].iter().take_while(|u| u.place.root == root && holds(u)).count();
        facts.units[start..start + length].iter()
    };
    let exact = run(from(path), &|u| u.place.path == path);
    exact.chain(run(from(&below), &|u| u.place.path.starts_with(&below)))
}

/// Units by the paths that a relative import may write: the file, without its extension, or the folder of an index.
pub(super) struct ByPath<'a> {
    all: HashMap<(&'a str, &'a str), Vec<usize>>,
}

impl<'a> ByPath<'a> {
    /// The index of all units.
    pub(super) fn of(facts: &'a Facts) -> Self {
        let mut all: HashMap<(&str, &str), Vec<usize>> = HashMap::new();
        for (at, unit) in facts.units.iter().enumerate() {
            let path = unit.place.path.as_str();
            let stem = path.rsplit_once('.').map_or(path, |(stem, _)| stem);
            for way in BTreeSet::from([path, stem, stem.trim_end_matches("/index")]) {
                all.entry((unit.place.root.as_str(), way)).or_default().push(at);
            }
        }
        Self { all }
    }
}

/// Files of other services that this one's code includes by a relative path (a client that lives beside its
/// target): they run here as well.
pub(super) fn borrowed<'a>(facts: &'a Facts, paths: &ByPath<'a>, own: &[&'a Unit], libraries: &mut Vec<&'a Unit>) {
    let key = |u: &'a Unit| (u.place.root.as_str(), u.place.path.as_str());
    let mut here: BTreeSet<(&str, &str)> = own.iter().chain(libraries.iter()).map(|u| key(u)).collect();
    let mut queue: Vec<&Unit> = own.to_vec();
    while let Some(unit) = queue.pop() {
        let relative = unit.imports.iter().filter(|i| i.path.starts_with("../") || i.path.starts_with("./"));
        let wanted: BTreeSet<String> = relative.filter_map(|i| resolved(unit.place.folder(), &i.path)).collect();
        let found = wanted.iter().filter_map(|w| paths.all.get(&(unit.place.root.as_str(), w.as_str())));
        for at in found.flatten().copied().collect::<BTreeSet<usize>>() {
            let other = &facts.units[at];
            if here.insert(key(other)) {
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
