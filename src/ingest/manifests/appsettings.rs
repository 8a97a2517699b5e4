//! .NET configuration: `appsettings.json` and its variants.

use crate::files::Source;
use crate::ingest::yaml;
use crate::model::facts::SettingsScope;
use crate::model::{Facts, Note, Place, Setting, Settings};

use super::{Manifest, Neighbours, masked};

/// .NET configuration.
pub const MANIFEST: Manifest = Manifest { id: "appsettings", claims, read };

fn claims(source: &Source, _: &str) -> bool {
    let name = source.file_name().to_lowercase();
    name.starts_with("appsettings") && name.ends_with(".json")
}

fn read(source: &Source, text: &str, _: &Neighbours<'_>) -> Facts {
    let mut facts = Facts::default();
    // JSON with comments: YAML's flow style reads it once they are gone.
    let plain: String =
        text.lines().map(|l| if l.trim_start().starts_with("//") { "" } else { l }).collect::<Vec<_>>().join("\n");
    let documents = yaml::parse(&plain.replace('\t', " "));
    for (line, reason) in documents.broken {
        facts.notes.push(Note::new(Place::new(&source.root, &source.path, line), format!("not read: {reason}")));
    }
    let stem = source.file_name().trim_end_matches(".json");
    let profile = stem.split_once('.').map_or("", |(_, p)| p).to_owned();
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
            scope: SettingsScope::Folder(source.folder().to_owned()),
            format: "appsettings".to_owned(),
            profile: profile.clone(),
            values,
        });
    }
    facts
}
