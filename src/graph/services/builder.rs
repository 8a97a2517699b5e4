//! Puts nodes together from modules, Dockerfiles, workloads, names of applications and declarations, in this order.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{Confidence, Evidence, Facts, ModuleKind, Place, SourceKind, Workload, WorkloadKind};

use crate::graph::roles::{Roles, image_base};

use super::projects::repeated_names;
use super::*;

pub(super) struct Builder<'a> {
    pub(super) facts: &'a Facts,
    pub(super) nodes: Vec<Node>,
    pub(super) by_name: BTreeMap<String, usize>,
    pub(super) by_folder: BTreeMap<Folder, usize>,
    /// Nodes that only their configuration shows.
    pub(super) configured: BTreeSet<usize>,
    /// Nodes whose programs are services of their own.
    pub(super) split: BTreeSet<usize>,
    /// Folders that hold code, themselves or below them.
    pub(super) coded: BTreeSet<(&'a str, &'a str)>,
    /// Names of compose services that say nothing, because several projects use them.
    pub(super) repeated: BTreeSet<String>,
    /// Names of workloads of a cluster by what their containers and labels call them.
    pub(super) aliased: BTreeMap<String, BTreeSet<&'a str>>,
    /// How many compose services of one file run an image.
    pub(super) images: BTreeMap<(&'a str, &'a str, String), usize>,
}

impl<'a> Builder<'a> {
    /// A builder without nodes.
    pub(super) fn new(facts: &'a Facts) -> Self {
        let mut coded = BTreeSet::new();
        for unit in &facts.units {
            let folders = std::iter::successors(Some(unit.place.folder()), |f| {
                (!f.is_empty()).then(|| f.rsplit_once('/').map_or("", |(head, _)| head))
            });
            for folder in folders {
                if !coded.insert((unit.place.root.as_str(), folder)) {
                    break;
                }
            }
        }
        let mut images: BTreeMap<(&str, &str, String), usize> = BTreeMap::new();
        for w in facts.workloads.iter().filter(|w| w.kind == WorkloadKind::Compose) {
            let base = w.image.as_deref().map(image_base).unwrap_or_default();
            *images.entry((&w.place.root, &w.place.path, base)).or_default() += 1;
        }
        let mut aliased: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
        for w in facts.workloads.iter().filter(|w| w.kind == WorkloadKind::Kubernetes) {
            for alias in &w.aliases {
                aliased.entry(normal(alias)).or_default().insert(&w.name);
            }
        }
        Self {
            facts,
            nodes: Vec::new(),
            by_name: BTreeMap::new(),
            by_folder: BTreeMap::new(),
            configured: BTreeSet::new(),
            split: BTreeSet::new(),
            coded,
            repeated: repeated_names(facts),
            aliased,
            images,
        }
    }

    /// Nodes of folders below a folder, itself included where it is not the root.
    pub(super) fn below<'f>(&'f self, root: &'f str, prefix: &'f str) -> impl Iterator<Item = (&'f Folder, usize)> {
        let start = (root.to_owned(), prefix.to_owned());
        let all = self.by_folder.range(start..).map(|(key, at)| (key, *at));
        all.take_while(move |((r, f), _)| r == root && f.starts_with(prefix))
    }

    pub(super) fn name(&mut self, at: usize, name: &str, rank: u8) {
        // Placeholders of templates and shell variables are no names.
        if name.is_empty() || name.contains(['$', '{', ' ', '/']) {
            return;
        }
        let slot = self.nodes[at].names.entry(name.to_owned()).or_insert(rank);
        *slot = (*slot).min(rank);
        self.by_name.entry(normal(name)).or_insert(at);
    }

    pub(super) fn node_at(&mut self, root: &str, folder: &str) -> usize {
        let key = (root.to_owned(), folder.to_owned());
        if let Some(at) = self.by_folder.get(&key) {
            return *at;
        }
        let at = self.nodes.len();
        self.nodes.push(Node { folders: BTreeSet::from([key.clone()]), ..Node::default() });
        self.by_folder.insert(key, at);
        at
    }

    pub(super) fn new_node(&mut self) -> usize {
        self.nodes.push(Node::default());
        self.nodes.len() - 1
    }

    pub(super) fn evidence(&mut self, at: usize, place: &Place, says: &str) {
        let source = SourceKind::Manifests;
        self.nodes[at].evidence.push(Evidence::new(source, place.clone(), says, Confidence::Confirmed));
    }

    /// One node per folder with a build file that builds something.
    pub(super) fn modules(&mut self) {
        for (index, module) in self.facts.modules.iter().enumerate() {
            if module.kind == ModuleKind::Aggregate {
                continue;
            }
            let programs = self.programs(module);
            if programs.len() > 1 {
                for folder in programs {
                    let at = self.node_at(&module.place.root, &folder);
                    self.nodes[at].modules.push(index);
                    let name = folder.rsplit('/').next().unwrap_or_default().to_owned();
                    self.name(at, &name, rank::FOLDER);
                    self.evidence(at, &module.place, &format!("{} program {folder}", module.build));
                }
                continue;
            }
            // The page of a backend, built with it from its own sources.
            let inside = module.folder.split_once("/src/main/").filter(|_| module.build == "npm");
            let host = inside.map(|(head, _)| (module.place.root.clone(), head.to_owned()));
            if host
                .is_some_and(|host| self.facts.modules.iter().any(|m| (&m.place.root, &m.folder) == (&host.0, &host.1)))
            {
                continue;
            }
            let at = self.node_at(&module.place.root, &module.folder);
            self.nodes[at].modules.push(index);
            let folder_name = module.folder.rsplit('/').next().unwrap_or_default().to_owned();
            // `src`, `app` and the like name no service: the module's own name does.
            let plain = matches!(folder_name.as_str(), "src" | "app" | "main" | "server" | "code" | "source" | "");
            for name in &module.names {
                self.name(at, name, if plain { rank::FOLDER } else { rank::MODULE });
            }
            if plain {
                let parent = module.folder.rsplit('/').nth(1).unwrap_or_default().to_owned();
                self.name(at, &parent, rank::FOLDER);
            } else {
                self.name(at, &folder_name, rank::FOLDER);
            }
            self.evidence(at, &module.place, &format!("{} module", module.build));
        }
    }

    pub(super) fn dockerfiles(&mut self) {
        for (index, workload) in self.facts.workloads.iter().enumerate() {
            if workload.kind != WorkloadKind::Dockerfile {
                continue;
            }
            let folder = workload.place.folder().to_owned();
            let key = (workload.place.root.clone(), folder.clone());
            let at = match self.started_in(&key.0, &key.1, &workload.place.path).or_else(|| self.module_for(&key)) {
                Some(at) => at,
                None if self.has_code(&key) => self.node_at(&key.0, &folder),
                None => continue,
            };
            self.dockerfile(index, at);
        }
    }

    pub(super) fn dockerfile(&mut self, index: usize, at: usize) {
        let workload = &self.facts.workloads[index];
        self.nodes[at].workloads.push(index);
        let name = workload.place.folder().rsplit('/').next().unwrap_or_default().to_owned();
        if !matches!(name.as_str(), "src" | "app" | "docker" | "") {
            self.name(at, &name, rank::FOLDER);
        }
        self.evidence(at, &workload.place, "Dockerfile");
    }

    /// Dockerfiles in folders without code, once the deployment has said whose folders they are: by the build, or by
    /// the folder's name.
    pub(super) fn late_dockerfiles(&mut self) {
        for (index, workload) in self.facts.workloads.iter().enumerate() {
            if workload.kind != WorkloadKind::Dockerfile {
                continue;
            }
            let key = (workload.place.root.clone(), workload.place.folder().to_owned());
            let last = normal(key.1.rsplit('/').next().unwrap_or_default());
            let named = || self.by_name.get(&last).copied().filter(|at| self.nodes[*at].folders.is_empty());
            let at = self.by_folder.get(&key).copied().or_else(named);
            if let Some(at) = at.filter(|at| !self.nodes[*at].workloads.contains(&index)) {
                self.dockerfile(index, at);
            }
        }
    }

    /// The node of a folder: itself, or the only module below it (`orders/Dockerfile` beside `orders/src/orders.csproj`).
    pub(super) fn module_for(&self, key: &Folder) -> Option<usize> {
        if let Some(at) = self.by_folder.get(key) {
            return Some(*at);
        }
        let prefix = if key.1.is_empty() { String::new() } else { format!("{}/", key.1) };
        if prefix.is_empty() {
            return None;
        }
        let mut below = self.below(&key.0, &prefix).filter(|(_, at)| !self.is_test_module(*at)).map(|(_, at)| at);
        let first = below.next()?;
        below.next().is_none().then_some(first)
    }

    pub(super) fn is_test_module(&self, at: usize) -> bool {
        let names = self.nodes[at].names.keys();
        let mut all = names.map(|n| n.to_lowercase());
        all.any(|n| n.ends_with("test") || n.ends_with("tests"))
    }

    pub(super) fn has_code(&self, key: &Folder) -> bool {
        self.coded.contains(&(key.0.as_str(), key.1.as_str()))
    }

    /// Compose services and Kubernetes workloads join the folder they build, a known name, or stand alone.
    pub(super) fn workloads(&mut self, roles: &Roles) {
        let facts = self.facts;
        let shared = self.shared_builds();
        for pass in [
            WorkloadKind::Compose,
            WorkloadKind::Aspire,
            WorkloadKind::Kubernetes,
            WorkloadKind::Procfile,
            WorkloadKind::Other,
        ] {
            // What is built here comes before what only runs an image under the same name.
            let all = || facts.workloads.iter().enumerate().filter(|(_, w)| w.kind == pass);
            let built = all().filter(|(_, w)| w.build.is_some());
            for (index, workload) in built.chain(all().filter(|(_, w)| w.build.is_none())) {
                self.workload(index, workload, &shared, roles);
            }
        }
    }

    pub(super) fn workload(
        &mut self,
        index: usize,
        w: &Workload,
        shared: &BTreeSet<(Folder, Option<String>)>,
        roles: &Roles,
    ) {
        let rank = match w.kind {
            WorkloadKind::Compose if w.build.is_some() && self.repeated.contains(&normal(&w.name)) => rank::ALIAS,
            WorkloadKind::Compose => rank::COMPOSE,
            _ => rank::KUBERNETES,
        };
        let local = self.local_name(w, roles);
        let at = match &local {
            Some(name) => self.by_name.get(&normal(name)).copied().unwrap_or_else(|| self.new_node()),
            None => self.place_workload(w, shared, roles),
        };
        self.nodes[at].workloads.push(index);
        match &local {
            Some(name) => {
                self.name(at, name, rank);
                self.name(at, &w.name, rank::ALIAS);
            }
            None => self.name(at, &w.name, rank),
        }
        // What a project builds under a name is meant by it, not a library that is called like it.
        if w.build.is_some()
            && let Some(holder) = self.by_name.get_mut(&normal(&w.name))
            && self.nodes[*holder].workloads.is_empty()
        {
            *holder = at;
        }
        for alias in &w.aliases {
            self.name(at, alias, rank::ALIAS);
        }
        if let Some(image) = &w.image {
            let base = image_base(image);
            // A load generator's image is its own name; a product's image is no service's.
            let own = roles.of_image(image).is_none_or(|r| r.kind == ServiceKind::Loadgen);
            if own && !self.is_shared_image(w) {
                self.name(at, &base, rank::IMAGE);
            }
        }
        if w.ports.iter().any(|(published, _)| *published > 0) && w.kind == WorkloadKind::Compose {
            self.nodes[at].exposed = true;
        }
        let kind = if w.kind == WorkloadKind::Compose { "compose service" } else { "workload" };
        self.evidence(at, &w.place, &format!("{kind} {}", w.name));
    }

    /// Several services of one file run one image: its name is none of theirs.
    fn is_shared_image(&self, w: &Workload) -> bool {
        let base = w.image.as_deref().map(image_base).unwrap_or_default();
        let key = (w.place.root.as_str(), w.place.path.as_str(), base);
        w.kind == WorkloadKind::Compose && self.images.get(&key).is_some_and(|n| *n > 1)
    }

    pub(super) fn place_workload(
        &mut self,
        w: &Workload,
        shared: &BTreeSet<(Folder, Option<String>)>,
        roles: &Roles,
    ) -> usize {
        if let Some(at) = self.mounted_code(w, roles) {
            return at;
        }
        if let Some(at) = self.built_folder(w, shared) {
            return at;
        }
        // Without a build the command may name the code that runs, beside the manifest.
        let folder = w.place.folder().to_owned();
        if w.build.is_none()
            && let Some(at) = self.folder_of_command(&w.place.root, &folder, w)
        {
            return at;
        }
        // A product is not the code of a library that happens to be called like it.
        let product =
            w.build.is_none() && w.image.as_deref().and_then(|i| roles.of_image(i)).is_some_and(|r| r.engine.is_some());
        if let Some(at) = self.by_name.get(&normal(&w.name)).copied()
            && (!product || self.nodes[at].modules.is_empty())
        {
            return at;
        }
        if let Some(image) = &w.image
            && roles.of_image(image).is_none()
            && !self.is_shared_image(w)
        {
            let base = image_base(image);
            if let Some(at) = self.by_name.get(&normal(&base)).copied() {
                return at;
            }
            // `acme/shop-orders` is the image of the folder `orders` of the system `shop`.
            let whole = normal(&base);
            let ends = whole.char_indices().map(|(at, _)| &whole[at..]).take_while(|end| end.len() > 3);
            let known = ends.filter_map(|end| self.by_name.get(end).copied());
            if let Some(at) = known.into_iter().find(|at| !self.nodes[*at].folders.is_empty()) {
                return at;
            }
        }
        if let Some(at) = self.by_own_alias(w).filter(|_| !product) {
            return at;
        }
        self.new_node()
    }

    /// The folder of code that a compose service mounts into an image that brings none: `./orders:/app` for development.
    fn mounted_code(&mut self, w: &Workload, roles: &Roles) -> Option<usize> {
        let root = w.place.root.clone();
        let brings = |build: &String| self.has_code(&(root.clone(), build.clone()));
        let product = w.image.as_deref().and_then(|i| roles.of_image(i)).is_some();
        if w.kind != WorkloadKind::Compose || product || w.build.as_ref().is_some_and(brings) {
            return None;
        }
        let path = w.copies.iter().find(|path| self.has_code(&(root.clone(), (*path).clone())))?;
        let key = (root.clone(), path.clone());
        self.module_for(&key)
    }

    /// The code that is called like the container or the label of a workload of a cluster, if no other workload is.
    fn by_own_alias(&self, w: &Workload) -> Option<usize> {
        if w.kind != WorkloadKind::Kubernetes {
            return None;
        }
        let own = w.aliases.iter().filter(|a| self.aliased.get(&normal(a)).is_some_and(|names| names.len() == 1));
        let mut found = own.filter_map(|a| self.by_name.get(&normal(a)).copied());
        found.find(|at| !self.nodes[*at].folders.is_empty())
    }

    pub(super) fn built_folder(&mut self, w: &Workload, shared: &BTreeSet<(Folder, Option<String>)>) -> Option<usize> {
        let build = w.build.as_ref()?;
        let root = w.place.root.clone();
        if shared.contains(&((root.clone(), build.clone()), w.dockerfile.clone())) {
            // One image, several services: the folder goes to the one that its command or name points to.
            let part = self.folder_of_command(&root, build, w).or_else(|| self.named_part(&root, build, w));
            if part.is_some() {
                return part;
            }
            let last = build.rsplit('/').next().unwrap_or_default();
            if normal(last) != normal(&w.name) {
                return None;
            }
        }
        // A Dockerfile kept apart from the code brings in its context: the code is there.
        if let Some(at) = self.copied_context(w, build) {
            return Some(at);
        }
        let image = w.dockerfile.as_deref().unwrap_or_default();
        let beside = image.rsplit_once('/').map_or(build.as_str(), |(folder, _)| folder);
        if let Some(at) = self.started(w).or_else(|| self.started_in(&root, beside, image)) {
            return Some(at);
        }
        // A Dockerfile in a folder of its own says whose image it is, wherever the context starts.
        let own = w.dockerfile.as_deref().and_then(|d| d.rsplit_once('/')).map(|(f, _)| f.to_owned());
        if let Some(folder) = own.filter(|f| f != build) {
            let key = (root.clone(), folder.clone());
            if let Some(at) = self.module_for(&key) {
                return Some(at);
            }
            let last = folder.rsplit('/').next().unwrap_or_default();
            // The folder of a proxy's configuration, of which nothing else is known.
            let routes = || self.facts.routes.iter().any(|r| r.place.root == root && r.place.folder() == folder);
            let proxy = || !self.by_name.contains_key(&normal(&w.name)) && routes();
            if self.has_code(&key) || normal(last) == normal(&w.name) || proxy() {
                return Some(self.folder_of(w, key));
            }
        }
        let key = (root.clone(), build.clone());
        if let Some(at) = self.module_for(&key).filter(|_| !build.is_empty() || w.dockerfile.is_none()) {
            return Some(at);
        }
        // Without code it is still the service's folder: its proxy's configuration may stand there.
        let known = self.by_name.get(&normal(&w.name)).copied();
        if let Some(at) = known.filter(|_| !self.has_code(&key)) {
            if !build.is_empty() && !self.by_folder.contains_key(&key) {
                self.nodes[at].folders.insert(key.clone());
                self.by_folder.insert(key, at);
            }
            return Some(at);
        }
        (!build.is_empty()).then(|| self.folder_of(w, key))
    }

    /// The context of a build, where the Dockerfile stands in a folder without code below it and brings it in whole
    /// (or is not here to say otherwise).
    fn copied_context(&mut self, w: &Workload, build: &str) -> Option<usize> {
        let path = w.dockerfile.as_deref()?;
        let folder = path.rsplit_once('/')?.0.to_owned();
        let root = w.place.root.clone();
        if folder == build || build.is_empty() || !folder.starts_with(&format!("{build}/")) {
            return None;
        }
        let own = (root.clone(), folder.clone());
        let context = (root, build.to_owned());
        let here = |d: &&Workload| d.kind == WorkloadKind::Dockerfile && d.place.root == own.0 && d.place.path == path;
        let whole = self.facts.workloads.iter().find(here).is_none_or(|d| d.copies.contains(&folder));
        if !whole || self.has_code(&own) || !self.has_code(&context) || self.by_folder.contains_key(&own) {
            return None;
        }
        Some(self.module_for(&context).unwrap_or_else(|| self.folder_of(w, context)))
    }

    /// The node of a folder that a workload builds: one that is already known by the workload's name gets the folder.
    pub(super) fn folder_of(&mut self, w: &Workload, key: Folder) -> usize {
        let known = self.by_name.get(&normal(&w.name)).copied().filter(|at| self.nodes[*at].folders.is_empty());
        match known {
            Some(at) if !self.by_folder.contains_key(&key) => {
                self.nodes[at].folders.insert(key.clone());
                self.by_folder.insert(key, at);
                at
            }
            _ => self.node_at(&key.0, &key.1),
        }
    }

    /// A command that names a script in a folder (`ruby services/frontend/server.rb`) runs that folder's code.
    pub(super) fn folder_of_command(&mut self, root: &str, build: &str, w: &Workload) -> Option<usize> {
        let words = w.command.iter().flat_map(|c| c.split_whitespace());
        for word in words {
            let path = word.trim_start_matches("./");
            let full = if build.is_empty() { path.to_owned() } else { format!("{build}/{path}") };
            let key = (root, full.as_str());
            let units = &self.facts.units;
            let known = units.binary_search_by(|u| (u.place.root.as_str(), u.place.path.as_str()).cmp(&key)).is_ok();
            if known && let Some((folder, _)) = full.rsplit_once('/') {
                return Some(self.node_at(root, folder));
            }
            // A compiled program is called like its folder: `/go/bin/frontend` is `cmd/frontend`.
            let program = word.rsplit('/').next().unwrap_or(word);
            let mut named = self
                .by_folder
                .iter()
                .filter(|((r, f), at)| r == root && f.rsplit('/').next() == Some(program) && self.is_program(**at));
            if let (Some((_, at)), None) = (named.next(), named.next()) {
                return Some(*at);
            }
        }
        None
    }
}
