//! Cargo: packages, binaries, workspaces, path dependencies.

use crate::files::Source;
use crate::ingest::paths::join;
use crate::model::{Facts, ModuleKind, Note, Place};

use super::{Manifest, Neighbours, module, one_module};

/// Cargo.
pub const MANIFEST: Manifest = Manifest { id: "cargo", claims, read };

fn claims(source: &Source, _: &str) -> bool {
    source.file_name() == "Cargo.toml"
}

fn read(source: &Source, text: &str, neighbours: &Neighbours<'_>) -> Facts {
    let table: toml::Table = match text.parse() {
        Ok(table) => table,
        Err(error) => {
            let place = Place::new(&source.root, &source.path, 0);
            return Facts {
                notes: vec![Note::new(place, format!("not read: {}", error.message()))],
                ..Facts::default()
            };
        }
    };
    let mut built = module(source, 1, ModuleKind::Library, "cargo", "rust");
    let name = table.get("package").and_then(|p| p.get("name")).and_then(|n| n.as_str());
    built.names.extend(name.map(str::to_owned));
    let prefix = if source.folder().is_empty() { String::new() } else { format!("{}/", source.folder()) };
    let main = neighbours.find(&format!("{prefix}src/main.rs")).is_some();
    if name.is_none() {
        built.kind = ModuleKind::Aggregate;
    } else if main || table.contains_key("bin") {
        built.kind = ModuleKind::Application;
    }
    for section in ["dependencies", "dev-dependencies"] {
        for (name, value) in table.get(section).and_then(|d| d.as_table()).into_iter().flatten() {
            match value.get("path").and_then(|p| p.as_str()).and_then(|p| join(source.folder(), p)) {
                Some(folder) => built.depends_on.push(format!("path:{folder}")),
                None => built.depends_on.push(name.clone()),
            }
        }
    }
    one_module(built)
}
