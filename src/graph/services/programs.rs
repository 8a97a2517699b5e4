//! Several programs in one Go module: each is a service of its own, the packages are what they share; and the .NET
//! project that a command starts.

use std::collections::BTreeSet;

use crate::graph::services::normal;
use crate::model::{Module, Unit, Workload, WorkloadKind};

use super::builder::Builder;

impl Builder<'_> {
    /// Folders of the programs of one Go module (`cmd/orders`, `cmd/mail`): its other packages are what they share.
    pub(super) fn programs(&self, module: &Module) -> BTreeSet<String> {
        if module.build != "go" {
            return BTreeSet::new();
        }
        let prefix = if module.folder.is_empty() { String::new() } else { format!("{}/", module.folder) };
        let nested = |folder: &str| {
            self.facts.modules.iter().any(|m| {
                m.place.root == module.place.root
                    && m.folder.len() > module.folder.len()
                    && folder.starts_with(&m.folder)
            })
        };
        let tools = ["tools", "tool", "scripts", "script", "hack", "examples", "example"];
        let jobs = ["migration", "migrations", "migrate", "migrator", "seed", "seeder", "cli"];
        let tool = |folder: &str| {
            let last = folder.rsplit('/').next().unwrap_or_default();
            folder.split('/').any(|f| tools.contains(&f)) || jobs.contains(&last)
        };
        let main = |u: &&Unit| {
            u.language == "go"
                && u.package == "main"
                && u.functions.iter().any(|f| f.name == "main" && f.owner.is_none())
        };
        let inside =
            self.facts.units.iter().filter(|u| u.place.root == module.place.root && u.place.path.starts_with(&prefix));
        let folders: BTreeSet<String> = inside.filter(main).map(|u| u.place.folder().to_owned()).collect();
        // A program at the module's own folder is the service; what lies beside it are its tools.
        if folders.contains(&module.folder) {
            return BTreeSet::new();
        }
        let programs: BTreeSet<String> = folders.into_iter().filter(|f| !nested(f) && !tool(f)).collect();
        // `orders/cmd/main.go` is the program of `orders`, where no other one is.
        let whole = |folder: &String| -> String {
            let Some((head, last)) = folder.rsplit_once('/') else { return folder.clone() };
            let plain = matches!(last, "cmd" | "main" | "server" | "app" | "bin");
            let own = head.len() > module.folder.len()
                && !matches!(head.rsplit('/').next(), Some("cmd" | "src" | "pkg" | "internal"))
                && programs.iter().filter(|p| p.starts_with(&format!("{head}/"))).count() == 1;
            if plain && own { head.to_owned() } else { folder.clone() }
        };
        programs.iter().map(whole).collect()
    }

    /// The project whose assembly a command starts: `dotnet Orders.Api.dll` is the project `Orders.Api`, wherever the
    /// Dockerfile stands.
    pub(super) fn started(&self, workload: &Workload) -> Option<usize> {
        let words = workload.command.iter().flat_map(|c| c.split_whitespace());
        let mut assemblies = words.filter_map(|w| w.rsplit('/').next()?.strip_suffix(".dll"));
        let assembly = normal(assemblies.next()?);
        let mut projects = self.facts.modules.iter().filter(|m| {
            m.build == "dotnet"
                && m.place.root == workload.place.root
                && m.names.iter().any(|name| normal(name) == assembly)
        });
        let (project, None) = (projects.next()?, projects.next()) else { return None };
        self.by_folder.get(&(project.place.root.clone(), project.folder.clone())).copied()
    }

    /// The project that a Dockerfile of a folder starts. Of several (`dev.Dockerfile`) not each names it: then what
    /// another one starts counts.
    pub(super) fn started_in(&self, root: &str, folder: &str, dockerfile: &str) -> Option<usize> {
        let here =
            |d: &&Workload| d.kind == WorkloadKind::Dockerfile && d.place.root == root && d.place.folder() == folder;
        let images: Vec<&Workload> = self.facts.workloads.iter().filter(here).collect();
        let named = images.iter().filter(|d| d.place.path == dockerfile);
        named.chain(&images).find_map(|d| self.started(d))
    }

    /// The folder of what a program does under this command: `shop orders` runs `internal/services/orders` where the
    /// compose service is called so too.
    pub(super) fn named_part(&mut self, root: &str, build: &str, w: &Workload) -> Option<usize> {
        const PARENTS: [&str; 5] = ["services", "service", "apps", "internal", "cmd"];
        let mut words = w.command.iter().flat_map(|c| c.split_whitespace());
        let word = words.find(|word| normal(word) == normal(&w.name))?;
        let inside = if build.is_empty() { String::new() } else { format!("{build}/") };
        let fits = |folder: &str| {
            let mut parts = folder.rsplit('/');
            folder.starts_with(&inside)
                && parts.next() == Some(word)
                && parts.next().is_some_and(|parent| PARENTS.contains(&parent))
        };
        let mut found = self.coded.iter().filter(|(r, folder)| *r == root && fits(folder));
        let (Some((_, folder)), None) = (found.next(), found.next()) else { return None };
        let folder = (*folder).to_owned();
        let whole = self.by_folder.get(&(root.to_owned(), build.to_owned())).copied();
        self.split.extend(whole);
        Some(self.node_at(root, &folder))
    }

    /// One of several programs of a module.
    pub(super) fn is_program(&self, at: usize) -> bool {
        let folders = &self.nodes[at].folders;
        self.nodes[at].modules.iter().any(|m| {
            let module = &self.facts.modules[*m];
            module.build == "go" && !folders.contains(&(module.place.root.clone(), module.folder.clone()))
        })
    }
}
