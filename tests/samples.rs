//! The samples against their hand-written truth: services, kinds and edges, missing and spurious.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_yaml::Value;
use unbraid::result::Result as Found;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn analyze(path: &Path) -> Found {
    let request = unbraid::Request { inputs: vec![path.to_path_buf()], ..unbraid::Request::default() };
    unbraid::analyze(&unbraid::read(&request).expect("the sample is readable"))
}

fn text(value: &Value, key: &str) -> String {
    value.get(key).and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn list<'v>(value: &'v Value, key: &str) -> &'v [Value] {
    value.get(key).and_then(Value::as_sequence).map_or(&[], Vec::as_slice)
}

#[test]
fn shop_is_found_as_its_truth_says() {
    let folder = root().join("samples/shop");
    let truth: Value =
        serde_yaml::from_str(&std::fs::read_to_string(folder.join("truth.yaml")).expect("truth")).expect("YAML");
    let found = analyze(&folder);
    let wanted: BTreeSet<(String, String)> =
        list(&truth, "services").iter().map(|s| (text(s, "name"), text(s, "kind"))).collect();
    let have: BTreeSet<(String, String)> =
        found.services.iter().map(|s| (s.name.clone(), s.kind.as_str().to_owned())).collect();
    assert_eq!(have, wanted, "services");

    let edges: BTreeSet<(String, String, String)> =
        list(&truth, "edges").iter().map(|e| (text(e, "from"), text(e, "to"), text(e, "mode"))).collect();
    let drawn: BTreeSet<(String, String, String)> =
        found.dependencies.iter().map(|d| (d.source.clone(), d.target.clone(), d.mode.as_str().to_owned())).collect();
    let missing: Vec<_> = edges.difference(&drawn).collect();
    let spurious: Vec<_> = drawn.difference(&edges).collect();
    assert!(missing.is_empty() && spurious.is_empty(), "missing {missing:?}\nspurious {spurious:?}");

    for edge in list(&truth, "not_edges") {
        let key = (text(edge, "from"), text(edge, "to"), text(edge, "mode"));
        assert!(!drawn.contains(&key), "{key:?} is no edge: {}", text(edge, "why"));
    }
    let tables: BTreeSet<String> = list(&truth, "shared_writes").iter().map(|s| text(s, "table")).collect();
    let shared: BTreeSet<String> = found.shared_writes.iter().map(|s| s.table.clone()).collect();
    assert_eq!(shared, tables, "shared writes");
}

#[test]
fn every_edge_of_the_sample_has_evidence() {
    let found = analyze(&root().join("samples/shop"));
    for d in &found.dependencies {
        assert!(!d.sites.is_empty() || !d.evidence.is_empty(), "{} → {} has none", d.source, d.target);
        for site in &d.sites {
            assert!(root().join("samples/shop").join(&site.path).is_file(), "{} is no file", site.path);
        }
    }
    assert!(found.score.expect("a score").coverage.traces.is_some_and(|c| c > 0.9));
}

/// The same bytes at any number of threads.
#[test]
fn the_result_does_not_depend_on_threads() {
    let folder = root().join("samples/shop");
    let with = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool");
        pool.install(|| unbraid::report::render(&analyze(&folder)))
    };
    assert!(with(1) == with(4), "reports differ between one thread and four");
}

/// The report that the README's command writes is the one that is committed.
#[test]
fn the_committed_report_is_true() {
    let result = analyze(&root().join("samples/shop"));
    for (name, bytes) in unbraid::report::render(&result) {
        let committed = std::fs::read(root().join("reports/shop").join(&name)).unwrap_or_default();
        assert!(committed == bytes, "reports/shop/{name} differs: run `cargo run --release -- analyze samples/shop`");
    }
}

/// Facts written and read again give the same result.
#[test]
fn facts_survive_being_written() {
    let request = unbraid::Request { inputs: vec![root().join("samples/shop")], ..unbraid::Request::default() };
    let reading = unbraid::read(&request).expect("readable");
    let folder = tempfile::tempdir().expect("temp dir");
    let path = folder.path().join("shop.json");
    std::fs::write(&path, serde_json::to_vec(&reading.facts).expect("JSON")).expect("written");
    let again = unbraid::Request { inputs: vec![path], ..unbraid::Request::default() };
    let mut read = unbraid::read(&again).expect("a facts file is an input");
    read.system.clone_from(&reading.system);
    assert!(unbraid::analyze(&read) == unbraid::analyze(&reading));
}

/// The smells of the sample: all that the truth names, and nothing that it does not.
#[test]
fn smells_of_the_sample_are_those_of_its_truth() {
    let folder = root().join("samples/shop");
    let truth: Value =
        serde_yaml::from_str(&std::fs::read_to_string(folder.join("truth.yaml")).expect("truth")).expect("YAML");
    let doubtful = |entry: &Value| entry.get("doubtful").is_some();
    let key = |entry: &Value| {
        let services: BTreeSet<String> =
            list(entry, "services").iter().filter_map(|s| s.as_str().map(str::to_owned)).collect();
        (text(entry, "smell"), services)
    };
    let smells = list(&truth, "smells");
    let entities = list(&truth, "entities").iter().filter(|e| doubtful(e));
    let mut allowed: BTreeSet<(String, BTreeSet<String>)> = smells.iter().map(key).collect();
    allowed.extend(entities.map(|e| ("entity-service".to_owned(), BTreeSet::from([text(e, "service")]))));
    let found = analyze(&folder);
    let have: BTreeSet<(String, BTreeSet<String>)> =
        found.findings.iter().map(|f| (f.smell.clone(), f.services.iter().cloned().collect())).collect();
    // A smell of each service by itself stands in one line of the truth.
    let inside = |(smell, services): &(String, BTreeSet<String>)| {
        allowed.iter().any(|(s, all)| s == smell && (all == services || services.len() == 1 && services.is_subset(all)))
    };
    let spurious: Vec<_> = have.iter().filter(|f| !inside(f)).collect();
    let named = |smell: &str, services: &BTreeSet<String>| {
        have.iter().any(|(s, all)| s == smell && all == services)
            || services.iter().all(|one| have.contains(&(smell.to_owned(), BTreeSet::from([one.clone()]))))
    };
    let wanted = smells.iter().filter(|e| !doubtful(e)).map(key);
    let missing: Vec<_> = wanted.filter(|(smell, services)| !named(smell, services)).collect();
    assert!(missing.is_empty() && spurious.is_empty(), "missing {missing:?}\nspurious {spurious:?}");
}
