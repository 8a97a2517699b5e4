//! Programs of a script language that stand side by side: each file that listens is a service of its own.
//!
//! `services/movies.py` and `services/users.py`, each with `app.run(port=…)`, are two services, although nothing builds
//! or deploys them apart.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{Call, Expr, SiteKind, Unit};

use super::builder::Builder;
use super::{Folder, rank};

/// Languages in which a file is run as it is.
const SCRIPTS: [&str; 5] = ["python", "javascript", "typescript", "ruby", "php"];

/// Parts of paths of programs that help to develop.
const HELPERS: [&str; 12] =
    ["test", "tests", "mock", "mocks", "fake", "stub", "example", "examples", "scripts", "tools", "dev", "seed"];

impl Builder<'_> {
    /// Gives every program of a group of two or more a node; what else stands in their folders is shared.
    pub(super) fn scripts(&mut self) {
        let facts = self.facts;
        let mut groups: BTreeMap<(Option<usize>, Folder), Vec<&Unit>> = BTreeMap::new();
        for unit in facts.units.iter().filter(|u| is_program(u)) {
            let nearest = self.nearest(unit);
            // What is deployed as a whole is one service, however many ports it opens.
            if nearest.is_some_and(|at| !self.nodes[at].workloads.is_empty()) {
                continue;
            }
            let top = match nearest {
                Some(_) => String::new(),
                None => unit.place.folder().split('/').next().unwrap_or_default().to_owned(),
            };
            groups.entry((nearest, (unit.place.root.clone(), top))).or_default().push(unit);
        }
        for ((nearest, _), programs) in groups {
            let starts: Vec<&Unit> = programs.iter().copied().filter(|u| !is_imported(u, &programs)).collect();
            let names: BTreeSet<String> = starts.iter().map(|u| name_of(u)).collect();
            if starts.len() < 2 && nearest.is_some() || starts.is_empty() || names.len() != starts.len() {
                continue;
            }
            self.split.extend(nearest);
            for unit in starts {
                let folder = unit.place.folder();
                let alone = programs.iter().filter(|u| u.place.folder() == folder).count() == 1;
                let own = alone
                    && !folder.is_empty()
                    && self.nearest(unit) == nearest
                    && nearest.is_none_or(|at| {
                        !self.nodes[at].folders.contains(&(unit.place.root.clone(), folder.to_owned()))
                    });
                let at = self.node_at(&unit.place.root, if own { folder } else { &unit.place.path });
                self.name(at, &name_of(unit), rank::FOLDER);
                self.evidence(at, &unit.place, "a program that opens a port");
                self.configured.insert(at);
            }
        }
    }

    /// The node of the nearest folder above a unit, or of the unit itself.
    pub(super) fn nearest(&self, unit: &Unit) -> Option<usize> {
        let root = &unit.place.root;
        if let Some(at) = self.by_folder.get(&(root.clone(), unit.place.path.clone())) {
            return Some(*at);
        }
        let mut folder = unit.place.folder();
        loop {
            if let Some(at) = self.by_folder.get(&(root.clone(), folder.to_owned())) {
                return Some(*at);
            }
            match folder.rsplit_once('/') {
                Some((head, _)) => folder = head,
                None if folder.is_empty() => return None,
                None => folder = "",
            }
        }
    }
}

/// Does a file serve and open a port itself, and not for tests only?
fn is_program(unit: &Unit) -> bool {
    let has = |kind: SiteKind| unit.sites.iter().any(|s| s.kind == kind);
    let lower = unit.place.path.to_lowercase();
    let helps = lower.split(['/', '.', '-', '_']).any(|part| HELPERS.contains(&part));
    SCRIPTS.contains(&unit.language.as_str()) && has(SiteKind::Listen) && has(SiteKind::Serve) && !helps
}

/// Does another one of them import it?
fn is_imported(unit: &Unit, others: &[&Unit]) -> bool {
    let stem = stem(unit);
    let names = |path: &str| path.rsplit(['/', '.']).find(|p| !matches!(*p, "js" | "ts" | "mjs" | "py")) == Some(stem);
    let required = |call: &Call| match call.arguments.first().map(|a| &a.value) {
        Some(Expr::Literal(path)) => call.name == "require" && names(path),
        _ => false,
    };
    let takes = |other: &Unit| other.imports.iter().any(|i| names(&i.path)) || other.calls.iter().any(required);
    others.iter().any(|o| o.place != unit.place && takes(o))
}

fn stem(unit: &Unit) -> &str {
    let file = unit.place.path.rsplit('/').next().unwrap_or_default();
    file.split('.').next().unwrap_or(file)
}

/// The file's name, or its folder's where the file is called like all programs.
fn name_of(unit: &Unit) -> String {
    let stem = stem(unit);
    let plain = ["app", "server", "index", "main", "run", "start", "wsgi", "service"].contains(&stem);
    let folder = unit.place.folder().rsplit('/').next().unwrap_or_default();
    if plain && !folder.is_empty() { folder.to_owned() } else { stem.to_owned() }
}
