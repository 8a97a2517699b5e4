//! The built-in rules: the list is the folder, every rule loads, and each does what its examples say.

use std::collections::BTreeSet;
use std::path::Path;

use unbraid::ingest::examples;
use unbraid::rules::{BUILT_IN, Rules};

fn files(folder: &Path, found: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(folder).expect("the folder of rules") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            files(&path, found);
        } else {
            let root = Path::new(env!("CARGO_MANIFEST_DIR"));
            let relative = path.strip_prefix(root).expect("a path below the root");
            found.insert(relative.to_string_lossy().replace('\\', "/"));
        }
    }
}

#[test]
fn the_list_of_rule_files_is_the_folder() {
    let mut found = BTreeSet::new();
    files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("rules/clients"), &mut found);
    let listed: Vec<&str> = BUILT_IN.iter().map(|(path, _)| *path).collect();
    let mut sorted = listed.clone();
    sorted.sort_unstable();
    assert_eq!(listed, sorted, "BUILT_IN is sorted");
    assert_eq!(listed, found.iter().map(String::as_str).collect::<Vec<_>>());
}

#[test]
fn every_built_in_rule_loads() {
    let rules = Rules::built_in().expect("built-in rules are sound");
    assert!(!rules.all.is_empty());
}

#[test]
fn every_rule_does_what_its_examples_say() {
    let rules = Rules::built_in().expect("built-in rules are sound");
    let bare: Vec<&str> = rules.all.iter().filter(|r| r.matches.is_empty()).map(|r| r.full_id.as_str()).collect();
    assert!(bare.is_empty(), "no example: {bare:?}");
    let wrong = examples::failures(&rules);
    assert!(wrong.is_empty(), "{} examples fail:\n{}", wrong.len(), wrong.join("\n"));
}
