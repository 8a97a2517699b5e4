//! Manifests, configuration and build files -> modules, workloads, settings and routes.

mod apollo;
mod appsettings;
mod cargo;
mod codeowners;
mod compose;
mod databases;
mod ddev;
mod dockerfile;
mod dotenv;
mod dotnet;
mod envoy;
mod golang;
mod gradle;
mod kubernetes;
mod logging;
mod maven;
mod migrations;
mod nginx;
mod npm;
mod ocelot;
mod pipelines;
mod processes;
mod prometheus;
mod python;
mod scripts;
mod shell;
mod spring;

use crate::files::Source;
use crate::model::{Expr, Facts, Module, ModuleKind, Place, evidence::is_secret_key, mask_secrets};

/// A reader of manifests.
pub struct Manifest {
    /// Id: `compose`, `kubernetes`, `spring`, …
    pub id: &'static str,
    /// Does it read this file? Decided by name first, and by the text where the name does not tell.
    pub claims: fn(&Source, &str) -> bool,
    /// Reads it. What cannot be read becomes a note.
    pub read: fn(&Source, &str, &Neighbours<'_>) -> Facts,
}

/// All readers; each in a file of its own.
#[rustfmt::skip]
pub const MANIFESTS: &[Manifest] = &[
    apollo::MANIFEST,
    appsettings::MANIFEST,
    cargo::MANIFEST,
    codeowners::MANIFEST,
    compose::MANIFEST,
    databases::MANIFEST,
    ddev::MANIFEST,
    dockerfile::MANIFEST,
    dotenv::MANIFEST,
    dotnet::MANIFEST,
    envoy::MANIFEST,
    golang::MANIFEST,
    gradle::MANIFEST,
    kubernetes::MANIFEST,
    logging::MANIFEST,
    maven::MANIFEST,
    migrations::MANIFEST,
    nginx::MANIFEST,
    npm::MANIFEST,
    ocelot::MANIFEST,
    pipelines::MANIFEST,
    processes::MANIFEST,
    prometheus::MANIFEST,
    python::MANIFEST,
    scripts::MANIFEST,
    shell::MANIFEST,
    spring::MANIFEST,
];

/// Other files of the same root, for manifests that refer to them (`env_file`, `.env`, generators).
pub struct Neighbours<'a> {
    sources: &'a [Source],
    root: &'a str,
}

impl<'a> Neighbours<'a> {
    /// The files of one root; `sources` is sorted by (root, path).
    #[must_use]
    pub fn new(sources: &'a [Source], root: &'a str) -> Self {
        Self { sources, root }
    }

    /// The file at a path relative to the root.
    #[must_use]
    pub fn find(&self, path: &str) -> Option<&'a Source> {
        let at = self.sources.binary_search_by(|s| (s.root.as_str(), s.path.as_str()).cmp(&(self.root, path)));
        at.ok().map(|at| &self.sources[at])
    }

    /// Its text, if there is such a file and it is text.
    #[must_use]
    pub fn text(&self, path: &str) -> Option<String> {
        self.find(path)?.text().ok()
    }

    /// Files below a folder (relative to the root, no trailing slash).
    pub fn below(&self, folder: &str) -> impl Iterator<Item = &'a Source> + '_ {
        let prefix = if folder.is_empty() { String::new() } else { format!("{folder}/") };
        let start = self.sources.partition_point(|s| (s.root.as_str(), s.path.as_str()) < (self.root, prefix.as_str()));
        self.sources[start..].iter().take_while(move |s| s.root == self.root && s.path.starts_with(&prefix))
    }
}

/// A value that may be shown: `***` for secrets, user info masked in addresses.
fn masked(key: &str, value: &str) -> String {
    let reference = value.starts_with('$') || value.starts_with("configmap:") || value.starts_with("secret:");
    if is_secret_key(key) && !value.is_empty() && !reference { "***".to_owned() } else { mask_secrets(value) }
}

/// A text with placeholders as a value: the linker fills them in.
fn spring_value(text: &str) -> Expr {
    Expr::literal(text)
}

/// Lines `KEY=value` of an environment file: (key, value, line); quotes and `export` are taken off.
fn dotenv_values(text: &str) -> Vec<(String, String, u32)> {
    let mut all = Vec::new();
    for (at, line) in text.lines().enumerate() {
        let line = line.trim().trim_start_matches("export ");
        let Some((key, value)) = line.split_once('=').filter(|_| !line.starts_with('#')) else { continue };
        let key = key.trim();
        if key.is_empty() || !key.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '.' | '-')) {
            continue;
        }
        let value = value.trim();
        let quoted = value.len() >= 2
            && (value.starts_with('"') && value.ends_with('"') || value.starts_with('\'') && value.ends_with('\''));
        let value = if quoted { &value[1..value.len() - 1] } else { value.split(" #").next().unwrap_or(value).trim() };
        all.push((key.to_owned(), value.to_owned(), at as u32 + 1));
    }
    all
}

/// A module without names and dependencies yet.
fn module(source: &Source, line: u32, kind: ModuleKind, build: &str, language: &str) -> Module {
    Module {
        place: Place::new(&source.root, &source.path, line),
        folder: source.folder().to_owned(),
        names: Vec::new(),
        kind,
        build: build.to_owned(),
        language: language.to_owned(),
        depends_on: Vec::new(),
    }
}

/// Facts of one module.
fn one_module(module: Module) -> Facts {
    Facts { modules: vec![module], ..Facts::default() }
}
