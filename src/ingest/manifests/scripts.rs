//! Composer and Bundler projects: names and requirements.

use crate::files::Source;
use crate::model::{Facts, ModuleKind};

use super::{Manifest, Neighbours, module, one_module};

/// Composer and Bundler.
pub const MANIFEST: Manifest = Manifest { id: "composer-bundler", claims, read };

fn claims(source: &Source, _: &str) -> bool {
    matches!(source.file_name(), "composer.json" | "Gemfile")
}

fn read(source: &Source, text: &str, _: &Neighbours<'_>) -> Facts {
    if source.file_name() == "Gemfile" {
        let mut built = module(source, 1, ModuleKind::Unknown, "bundler", "ruby");
        let gems =
            text.lines().filter_map(|l| l.trim().strip_prefix("gem ")).filter_map(|l| l.split(['"', '\'']).nth(1));
        built.depends_on.extend(gems.map(str::to_owned));
        return one_module(built);
    }
    let mut built = module(source, 1, ModuleKind::Unknown, "composer", "php");
    if let Ok(json) = serde_json::from_str::<serde_json::Value>(text) {
        built.names.extend(json["name"].as_str().map(|n| n.rsplit('/').next().unwrap_or(n).to_owned()));
        built.depends_on.extend(json["require"].as_object().into_iter().flatten().map(|(name, _)| name.clone()));
    }
    one_module(built)
}
