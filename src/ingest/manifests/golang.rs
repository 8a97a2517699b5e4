//! Go modules: the module path and what it requires or replaces.

use crate::files::Source;
use crate::ingest::paths::join;
use crate::model::{Facts, ModuleKind};

use super::{Manifest, Neighbours, module, one_module};

/// Go modules.
pub const MANIFEST: Manifest = Manifest { id: "go-module", claims, read };

fn claims(source: &Source, _: &str) -> bool {
    source.file_name() == "go.mod"
}

fn read(source: &Source, text: &str, _: &Neighbours<'_>) -> Facts {
    let mut built = module(source, 1, ModuleKind::Unknown, "go", "go");
    for line in text.lines().map(str::trim) {
        if let Some(path) = line.strip_prefix("module ") {
            built.names.push(path.trim().rsplit('/').next().unwrap_or_default().to_owned());
            built.names.push(path.trim().to_owned());
        } else if let Some((_, target)) = line.split_once("=>") {
            // `replace x => ../common` is another folder of the repository.
            let target = target.trim();
            if target.starts_with('.') {
                built.depends_on.extend(join(source.folder(), target).map(|f| format!("path:{f}")));
            }
        } else if let Some((path, _)) = line.trim_start_matches("require ").split_once(" v") {
            built.depends_on.push(path.trim().to_owned());
        }
    }
    one_module(built)
}
