//! Manifests, configuration and build files -> modules, workloads, settings and routes.

mod apollo;
mod appsettings;
mod caddy;
mod cargo;
mod codeowners;
mod compose;
mod config_file;
pub mod connectors;
mod databases;
mod ddev;
mod dev_servers;
mod dockerfile;
mod dotenv;
mod dotnet;
mod envoy;
mod golang;
mod gradle;
mod kong;
mod krakend;
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
mod traefik;

use crate::files::Source;
use crate::ingest::yaml::{Node, Value};
use crate::model::{Expr, Facts, Module, ModuleKind, Place, Route, evidence::is_secret_key, mask_secrets};

pub use super::neighbours::Neighbours;

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
    caddy::MANIFEST,
    cargo::MANIFEST,
    codeowners::MANIFEST,
    compose::MANIFEST,
    config_file::MANIFEST,
    connectors::MANIFEST,
    databases::MANIFEST,
    ddev::MANIFEST,
    dev_servers::MANIFEST,
    dockerfile::MANIFEST,
    dotenv::MANIFEST,
    dotnet::MANIFEST,
    envoy::MANIFEST,
    golang::MANIFEST,
    gradle::MANIFEST,
    kong::MANIFEST,
    krakend::MANIFEST,
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
    traefik::MANIFEST,
];

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

/// A text of TOML as nodes; lines are not known.
fn toml_node(text: &str) -> Result<Node, String> {
    toml::from_str::<toml::Value>(text).map(|value| node(&value, 0)).map_err(|error| error.message().to_owned())
}

/// TOML as the tree that YAML is read to; its values have no lines.
fn node(value: &toml::Value, depth: usize) -> Node {
    let value = match value {
        _ if depth > 64 => Value::Null,
        toml::Value::Table(table) => Value::Map(table.iter().map(|(k, v)| (k.clone(), node(v, depth + 1))).collect()),
        toml::Value::Array(parts) => Value::List(parts.iter().map(|p| node(p, depth + 1)).collect()),
        toml::Value::String(text) => Value::Text(text.clone()),
        other => Value::Text(other.to_string()),
    };
    Node { line: 0, value }
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

/// A route of a proxy that the file does not name.
fn route(source: &Source, line: u32, proxy: &str, pattern: &str, target: Expr) -> Route {
    Route {
        place: Place::new(&source.root, &source.path, line),
        proxy: proxy.to_owned(),
        gateway: None,
        pattern: pattern.to_owned(),
        target,
    }
}

/// The first line that holds a text, from 1; 0 if none does.
fn line_of(text: &str, needle: &str) -> u32 {
    text.lines().position(|l| l.contains(needle)).map_or(0, |n| n as u32 + 1)
}

/// A text with placeholders of an environment (`${NAME}`, `${NAME:-default}`, `{$NAME:default}`) as a value.
fn with_environment(text: &str) -> Expr {
    let mut parts = Vec::new();
    let mut rest = text;
    let open = |t: &str| ["${", "{$", "{env."].iter().filter_map(|o| t.find(o).map(|at| (at, o.len()))).min();
    while let Some((at, length)) = open(rest) {
        let Some(end) = rest[at..].find('}') else { break };
        let inner = &rest[at + length..at + end];
        let (name, default) = inner.split_once(':').map_or((inner, None), |(n, d)| (n, Some(d)));
        if at > 0 {
            parts.push(Expr::literal(&rest[..at]));
        }
        let default = default.map(|d| Box::new(Expr::literal(d.trim_start_matches('-'))));
        parts.push(Expr::Env(name.to_owned(), default));
        rest = &rest[at + end + 1..];
    }
    if !rest.is_empty() {
        parts.push(Expr::literal(rest));
    }
    Expr::concat(parts)
}
