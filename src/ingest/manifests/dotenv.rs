//! Environment files: `.env`, `.env.*`, `*.env`.

use crate::files::Source;
use crate::model::facts::SettingsScope;
use crate::model::{Facts, Place, Setting, Settings};

use super::{Manifest, Neighbours, dotenv_values, masked};

/// Environment files.
pub const MANIFEST: Manifest = Manifest { id: "dotenv", claims, read };

fn claims(source: &Source, _: &str) -> bool {
    let name = source.file_name();
    name == ".env" || name.starts_with(".env.") || name.ends_with(".env")
}

fn read(source: &Source, text: &str, _: &Neighbours<'_>) -> Facts {
    let values = dotenv_values(text)
        .into_iter()
        .map(|(key, value, line)| {
            let value = masked(&key, &value);
            Setting { key, value, place: Place::new(&source.root, &source.path, line) }
        })
        .collect();
    // `.env.example` shows what the real file may say; `.env.production` is a variant.
    let profile = source.file_name().trim_start_matches(".env").trim_start_matches('.').to_owned();
    let profile = if profile.ends_with(".env") || profile == "env" { String::new() } else { profile };
    let settings = Settings {
        place: Place::new(&source.root, &source.path, 0),
        scope: SettingsScope::EnvFile(source.path.clone()),
        format: "dotenv".to_owned(),
        profile,
        values,
    };
    Facts { settings: vec![settings], ..Facts::default() }
}
