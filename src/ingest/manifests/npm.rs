//! npm: package names, start scripts, workspaces, dependencies.

use serde_json::Value;

use crate::files::Source;
use crate::model::{Facts, ModuleKind, Note, Place};

use super::{Manifest, Neighbours, module, one_module};

/// npm.
pub const MANIFEST: Manifest = Manifest { id: "npm", claims, read };

fn claims(source: &Source, _: &str) -> bool {
    source.file_name() == "package.json"
}

fn read(source: &Source, text: &str, _: &Neighbours<'_>) -> Facts {
    let json: Value = match serde_json::from_str(text) {
        Ok(json) => json,
        Err(error) => {
            let place = Place::new(&source.root, &source.path, error.line() as u32);
            return Facts { notes: vec![Note::new(place, format!("not read: {error}"))], ..Facts::default() };
        }
    };
    let mut built = module(source, 1, ModuleKind::Unknown, "npm", "javascript");
    if let Some(name) = json["name"].as_str() {
        built.names.push(name.rsplit('/').next().unwrap_or(name).to_owned());
    }
    let starts = ["start", "serve", "dev", "start:prod"].iter().any(|s| json["scripts"][*s].is_string());
    // A program of the command line is started by people.
    let command = !json["bin"].is_null()
        || ["commander", "yargs", "@oclif/core"].iter().any(|l| json["dependencies"][*l].is_string());
    if !json["workspaces"].is_null() {
        built.kind = ModuleKind::Aggregate;
    } else if starts || command {
        built.kind = ModuleKind::Application;
    } else if json["main"].is_string() || json["exports"].is_object() {
        built.kind = ModuleKind::Library;
    }
    for section in ["dependencies", "devDependencies"] {
        built.depends_on.extend(json[section].as_object().into_iter().flatten().map(|(name, _)| name.clone()));
    }
    one_module(built)
}
