//! JSON configuration: .NET's `appsettings.json` with its variants, `config.json` and `config/*.json` of Node.

use crate::files::Source;
use crate::ingest::yaml;
use crate::model::facts::SettingsScope;
use crate::model::{Facts, Place, Setting, Settings};

use super::{Manifest, Neighbours, masked};

/// JSON configuration.
pub const MANIFEST: Manifest = Manifest { id: "appsettings", claims, read };

fn claims(source: &Source, _: &str) -> bool {
    let name = source.file_name().to_lowercase();
    name.ends_with(".json") && (name.starts_with("appsettings") || is_node_config(source))
}

/// `config.json` beside the code, or `default.json` and the like in a folder `config`.
fn is_node_config(source: &Source) -> bool {
    let variant = ["default.json", "production.json", "development.json", "local.json", "config.json"];
    source.file_name() == "config.json"
        || source.folder().rsplit('/').next() == Some("config") && variant.contains(&source.file_name())
}

fn read(source: &Source, text: &str, _: &Neighbours<'_>) -> Facts {
    let mut facts = Facts::default();
    // JSON with comments: YAML's flow style reads it once they are gone.
    let plain: String =
        text.lines().map(|l| if l.trim_start().starts_with("//") { "" } else { l }).collect::<Vec<_>>().join("\n");
    let documents = yaml::parse(&plain.replace('\t', " "));
    facts.notes.extend(documents.notes(source));
    let stem = source.file_name().trim_end_matches(".json");
    let profile = match stem {
        "production" | "development" | "local" => stem.to_owned(),
        _ => stem.split_once('.').map_or("", |(_, p)| p).to_owned(),
    };
    let scope = source.folder().strip_suffix("config").unwrap_or(source.folder()).trim_end_matches('/').to_owned();
    for document in &documents.nodes {
        let values = document
            .flatten()
            .into_iter()
            .map(|(key, value, line)| Setting {
                value: masked(&key, &value),
                key,
                place: Place::new(&source.root, &source.path, line),
            })
            .collect();
        facts.settings.push(Settings {
            place: Place::new(&source.root, &source.path, 0),
            scope: SettingsScope::Folder(scope.clone()),
            format: "appsettings".to_owned(),
            profile: profile.clone(),
            values,
        });
    }
    facts
}
