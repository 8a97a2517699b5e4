//! Configuration files that a service reads by itself: `config.yaml`, `config/default.json`, `settings.toml`.
//!
//! Viper, koanf, node-config, Dynaconf, config-rs and the like look for such names; which one reads it does not matter,
//! for code asks by key.

use crate::files::Source;
use crate::ingest::yaml::{self, Node};
use crate::model::facts::SettingsScope;
use crate::model::{Facts, Note, Place, Setting, Settings};

use super::{Manifest, Neighbours, masked, toml_node};

/// Configuration files.
pub const MANIFEST: Manifest = Manifest { id: "config", claims, read };

/// Folders that hold configuration.
const FOLDERS: [&str; 5] = ["config", "configs", "conf", "configuration", "cfg"];

/// Names of the base, in such a folder or beside the code.
const BASES: [&str; 6] = ["config", "settings", "conf", "default", "base", "configuration"];

/// Names of variants in such a folder, after the base or alone.
const VARIANTS: [&str; 10] =
    ["development", "dev", "production", "prod", "docker", "local", "staging", "test", "kubernetes", "k8s"];

/// What other readers know files by.
const OTHERS: [&str; 8] =
    ["apiVersion:", "services:", "spring:", "receivers:", "scrape_configs:", "openapi", "swagger", "$schema"];

fn claims(source: &Source, text: &str) -> bool {
    matches!(source.extension().as_str(), "yaml" | "yml" | "json" | "toml")
        && variant(source).is_some()
        && !text.lines().any(|l| OTHERS.iter().any(|o| l.trim_start_matches(['"', ' ', '{']).starts_with(o)))
}

/// The variant that a file is for, empty for the base; none for another file.
fn variant(source: &Source) -> Option<String> {
    let name = source.file_name().to_lowercase();
    let stem = name.rsplit_once('.').map_or(name.as_str(), |(stem, _)| stem);
    let folder = source.folder().rsplit('/').next().unwrap_or_default().to_lowercase();
    let (base, rest) = stem.split_once(['.', '-', '_']).unwrap_or((stem, ""));
    let configures = FOLDERS.contains(&folder.as_str());
    match (BASES.contains(&base), rest) {
        (true, "") if configures || !matches!(base, "default" | "base") => Some(String::new()),
        (true, rest) if VARIANTS.contains(&rest) => Some(rest.to_owned()),
        (false, "") if configures && VARIANTS.contains(&base) => Some(base.to_owned()),
        _ => None,
    }
}

fn read(source: &Source, text: &str, _: &Neighbours<'_>) -> Facts {
    let mut facts = Facts::default();
    let documents: Vec<Node> = if source.extension() == "toml" {
        match toml_node(text) {
            Ok(node) => vec![node],
            Err(reason) => {
                let place = Place::new(&source.root, &source.path, 0);
                facts.notes.push(Note::new(place, format!("not read: {reason}")));
                Vec::new()
            }
        }
    } else {
        let parsed = yaml::parse(text);
        facts.notes.extend(parsed.notes(source));
        parsed.nodes
    };
    let folder = source.folder();
    let last = folder.rsplit('/').next().unwrap_or_default().to_lowercase();
    // The folder of the configuration stands in that of the service.
    let above = folder.rsplit_once('/').map_or("", |(head, _)| head);
    let owner = if FOLDERS.contains(&last.as_str()) { above } else { folder };
    for document in &documents {
        let values = document.flatten().into_iter().map(|(key, value, line)| Setting {
            value: masked(&key, &value),
            key,
            place: Place::new(&source.root, &source.path, line),
        });
        facts.settings.push(Settings {
            place: Place::new(&source.root, &source.path, 0),
            scope: SettingsScope::Folder(owner.to_owned()),
            format: "config".to_owned(),
            profile: variant(source).unwrap_or_default(),
            values: values.collect(),
        });
    }
    facts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(path: &str, text: &str) -> Vec<String> {
        let source = Source::in_memory(path, text.as_bytes());
        if !claims(&source, text) {
            return Vec::new();
        }
        let facts = read(&source, text, &Neighbours::new(&[], ""));
        let of = |s: &Settings| match &s.scope {
            SettingsScope::Folder(folder) => format!("{folder}[{}]", s.profile),
            _ => String::new(),
        };
        facts
            .settings
            .iter()
            .flat_map(|s| s.values.iter().map(move |v| format!("{} {}={}", of(s), v.key, v.value)))
            .collect()
    }

    #[test]
    fn names_say_whose_configuration_it_is() {
        assert_eq!(settings("orders/config/config.yaml", "kafka:\n  topic: placed\n"), ["orders[] kafka.topic=placed"]);
        assert_eq!(settings("orders/config/production.json", "{\"url\": \"x\"}"), ["orders[production] url=x"]);
        assert_eq!(
            settings("orders/settings.toml", "[stock]\nurl = \"http://stock\"\n"),
            ["orders[] stock.url=http://stock"]
        );
        assert_eq!(settings("orders/config.dev.yml", "a: 1\n"), ["orders[dev] a=1"]);
        for other in ["orders/default.json", "orders/package.json", "orders/config/routes.json"] {
            assert!(settings(other, "{\"a\": 1}").is_empty(), "{other}");
        }
        assert!(settings("k8s/config.yaml", "apiVersion: v1\nkind: ConfigMap\n").is_empty());
    }
}
