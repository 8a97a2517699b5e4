//! One place to add a thing: every plug-in file stands in its folder's array, and every entry has its file.

use std::path::{Path, PathBuf};

fn stems(folder: &str, extension: &str) -> Vec<String> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut found = Vec::new();
    walk(&path, extension, &mut found);
    found.sort();
    found
}

fn walk(folder: &Path, extension: &str, into: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).expect("a folder of the package") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            walk(&path, extension, into);
        } else if path.extension().is_some_and(|e| e == extension) {
            into.push(path.to_string_lossy().replace('\\', "/"));
        }
    }
}

#[test]
fn every_rule_file_is_built_in() {
    let files = stems("rules/clients", "yaml");
    let listed: Vec<&str> = unbraid::rules::BUILT_IN.iter().map(|(path, _)| *path).collect();
    assert!(!listed.is_empty());
    assert_eq!(files.len(), listed.len(), "files and entries differ");
    for file in files {
        let at = file.find("rules/clients/").expect("inside");
        assert!(listed.contains(&&file[at..]) || listed.iter().any(|l| file.ends_with(l)), "{file} is not listed");
    }
}

#[test]
fn every_language_has_its_file_and_its_own_extensions() {
    let mut seen = Vec::new();
    for language in unbraid::ingest::source::LANGUAGES {
        for extension in language.extensions {
            assert!(!seen.contains(extension), "{extension} belongs to two languages");
            seen.push(*extension);
        }
    }
    assert!(seen.len() >= 8);
}

fn unique(ids: &[&str]) {
    let mut sorted = ids.to_vec();
    sorted.sort_unstable();
    sorted.dedup();
    assert_eq!(sorted.len(), ids.len(), "an id is used twice: {ids:?}");
}

#[test]
fn ids_are_unique() {
    unique(&unbraid::ingest::source::LANGUAGES.iter().map(|l| l.id).collect::<Vec<_>>());
    unique(&unbraid::ingest::manifests::MANIFESTS.iter().map(|m| m.id).collect::<Vec<_>>());
    unique(&unbraid::ingest::specs::SPECS.iter().map(|s| s.id).collect::<Vec<_>>());
    unique(&unbraid::ingest::traces::FORMATS.iter().map(|f| f.id).collect::<Vec<_>>());
    unique(&unbraid::plan::artefacts::ARTEFACTS.iter().map(|a| a.id).collect::<Vec<_>>());
    unique(&unbraid::plan::verify::CHECKS.iter().map(|c| c.id).collect::<Vec<_>>());
    unique(&unbraid::report::FORMATS.iter().map(|f| f.id).collect::<Vec<_>>());
}

fn text_of(path: &Path) -> String {
    std::fs::read_to_string(path).expect("UTF-8 source")
}

/// Every file of a plug-in folder that says it is a plug-in is used by the folder's `mod.rs`.
#[test]
fn folders_and_arrays_agree() {
    for folder in [
        "src/ingest/source",
        "src/ingest/manifests",
        "src/ingest/specs",
        "src/ingest/traces",
        "src/plan/artefacts",
        "src/plan/verify",
    ] {
        let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(folder);
        let text = std::fs::read_to_string(root.join("mod.rs")).expect("mod.rs");
        for entry in std::fs::read_dir(&root).expect("folder") {
            let path = entry.expect("entry").path();
            let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            if path.extension().is_none_or(|e| e != "rs") || stem == "mod" {
                continue;
            }
            assert!(text.contains(&format!("mod {stem};")), "{folder}/{stem}.rs is not in mod.rs");
            let shared = !text_of(&path).contains("pub const FORMAT: Format") && folder.ends_with("traces");
            assert!(shared || text.contains(&format!("{stem}::")), "{folder}/{stem}.rs is in no array of mod.rs");
        }
    }
}
