//! Which of the nodes that were put together are services: what runs, what is deployed, what is declared.
//!
//! Takes a complete builder; gives nodes with their names and roles. Adds no evidence.

use std::collections::BTreeSet;

use crate::config::Config;
use crate::model::{ModuleKind, SiteKind, SourceKind, Unit, WorkloadKind};

use crate::graph::roles::Roles;

use super::builder::Builder;
use super::*;

impl Builder<'_> {
    /// Folders whose code runs: it has a main function, serves, or consumes.
    pub(super) fn running_folders(&self) -> BTreeSet<usize> {
        self.folders_with(|u| {
            let serves =
                u.sites.iter().any(|s| matches!(s.kind, SiteKind::Serve | SiteKind::ServeRpc | SiteKind::Consume));
            serves || u.functions.iter().any(|f| matches!(f.name.as_str(), "main" | "Main"))
        })
    }

    /// Nodes with a unit of which something holds.
    fn folders_with(&self, holds: impl Fn(&Unit) -> bool) -> BTreeSet<usize> {
        let mut runs = BTreeSet::new();
        for unit in self.facts.units.iter().filter(|u| holds(u)) {
            runs.extend(self.nearest(unit));
        }
        runs
    }

    pub(super) fn finish(mut self, runs: &BTreeSet<usize>, roles: &Roles, config: &Config) -> Vec<Node> {
        self.languages();
        let facts = self.facts;
        let serving = self.folders_with(|u| {
            u.sites
                .iter()
                .any(|s| matches!(s.kind, SiteKind::Serve | SiteKind::ServeRpc | SiteKind::Consume | SiteKind::Http))
        });
        let programs = self.folders_with(|u| u.language == "go" && u.package == "main");
        // A library is used by another module; what only runs, and nobody uses, is no library whatever its build says.
        let used: BTreeSet<&str> = facts
            .modules
            .iter()
            .flat_map(|m| &m.depends_on)
            .map(|d| if d.starts_with("path:") { d.as_str() } else { d.rsplit(':').next().unwrap_or(d) })
            .collect();
        let mains = self.folders_with(|u| u.functions.iter().any(|f| matches!(f.name.as_str(), "main" | "Main")));
        let with_main = mains.iter().flat_map(|at| &self.nodes[*at].modules).map(|m| &facts.modules[*m]);
        let java = with_main.filter(|m| matches!(m.build.as_str(), "gradle" | "maven"));
        let in_programs: BTreeSet<&str> =
            java.flat_map(|m| &m.depends_on).map(|d| d.rsplit(':').next().unwrap_or(d)).collect();
        let mut kept: Vec<Node> = Vec::new();
        for (at, mut node) in std::mem::take(&mut self.nodes).into_iter().enumerate() {
            let whole = !self.split.contains(&at);
            // The image of a program whose parts are the services is none of them.
            let is_image = |w: &usize| facts.workloads[*w].kind == WorkloadKind::Dockerfile;
            let deployed = node.workloads.iter().any(|w| whole || !is_image(w));
            let application = node.modules.iter().any(|m| facts.modules[*m].kind == ModuleKind::Application);
            let library = node.modules.iter().map(|m| &facts.modules[*m]).any(|m| {
                let path = format!("path:{}", m.folder);
                m.kind == ModuleKind::Library
                    && (m.build != "maven"
                        || used.contains(path.as_str())
                        || m.names.iter().any(|n| used.contains(n.as_str())))
            });
            // So is what a program is built with and that has no main function, whatever its plug-ins say.
            let part = |m: &usize| facts.modules[*m].names.iter().any(|n| in_programs.contains(n.as_str()));
            let built_in = !mains.contains(&at) && node.modules.iter().any(part);
            let library = library || built_in;
            // A Go module without a program is a library, whatever it registers for those that use it.
            let go = node.modules.iter().any(|m| facts.modules[*m].build == "go");
            let library = library || go && !programs.contains(&at);
            let declared = node.evidence.iter().any(|e| e.source == SourceKind::Declared);
            let lives = deployed
                || declared
                || self.configured.contains(&at)
                || whole && (application && !built_in || runs.contains(&at) && !library);
            let ignored = config
                .services
                .iter()
                .any(|(name, c)| c.ignore.is_some() && node.names.keys().any(|n| normal(n) == normal(name)));
            if !lives || ignored || node.names.is_empty() || is_test_node(&node, deployed) {
                continue;
            }
            choose_name(&mut node);
            assign_role(&mut node, serving.contains(&at), facts, roles, config);
            kept.push(node);
        }
        unique_names(&mut kept);
        kept
    }

    pub(super) fn languages(&mut self) {
        for unit in &self.facts.units {
            if let Some(at) = self.nearest(unit) {
                self.nodes[at].languages.insert(unit.language.clone());
            }
        }
    }
}
