//! The generated sets and real recordings that lie beside the repository, where they are at hand.

use std::path::{Path, PathBuf};

use unbraid::files::Source;
use unbraid::ingest::traces::{self, Options};
use unbraid::model::Traffic;

use super::made::{claims, read};

fn shared(name: &str) -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/traces").join(name);
    root.is_dir().then_some(root)
}

fn files(folder: &Path, begins: &str) -> Vec<(String, Vec<u8>)> {
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .expect("the set")
        .map(|e| e.expect("an entry").path())
        .filter(|p| p.is_file() && p.file_name().is_some_and(|n| n.to_string_lossy().starts_with(begins)))
        .collect();
    files.sort();
    files.iter().map(|p| (p.display().to_string(), std::fs::read(p).expect("read"))).collect()
}

/// Every row equal to the truth, in every format that can carry it.
#[test]
fn generated_sets_equal_their_truth() {
    let Some(root) = shared("gen") else {
        eprintln!("skipped: no generated traces beside the repository");
        return;
    };
    for set in ["small-seed1", "hard-seed2"] {
        let folder = root.join(set);
        let truth: serde_json::Value =
            serde_json::from_slice(&std::fs::read(folder.join("truth.json")).expect("truth")).expect("JSON");
        for format in ["otlp-be32", "otlp-delim", "otlp-json", "jaeger", "zipkin", "parquet"] {
            let parts = files(&folder, &format!("{format}-part"));
            let parts = parts.iter().map(|(name, bytes)| (name.as_str(), bytes.clone())).collect();
            compare(&truth, &read(parts), &format!("{set} {format}"), format == "zipkin");
        }
    }
}

fn compare(truth: &serde_json::Value, traffic: &Traffic, what: &str, no_links: bool) {
    let fields = |row: &serde_json::Value| {
        let of = |key: &str| row.get(key).map_or_else(String::new, std::string::ToString::to_string);
        let keys = ["source", "target", "protocol", "calls", "errors", "duration_us"];
        keys.map(of).join(" ")
    };
    let mut wanted: Vec<String> = Vec::new();
    for (relation, rows) in truth["edges"].as_object().expect("edges") {
        let rows = rows.as_array().expect("rows").iter().filter(|_| !(no_links && relation == "async_link"));
        wanted.extend(rows.map(|row| format!("{relation} {}", fields(row))));
    }
    let mut have: Vec<String> = traffic
        .rows
        .iter()
        .map(|row| {
            let value = serde_json::to_value(row).expect("JSON");
            format!("{} {}", value["relation"].as_str().expect("a relation"), fields(&value))
        })
        .collect();
    wanted.sort();
    have.sort();
    assert_eq!(have, wanted, "{what}");
    let parts: u64 = traffic.ledger.iter().filter(|(k, _)| *k != "spans").map(|(_, n)| n).sum();
    assert_eq!(parts, traffic.ledger["spans"], "{what}");
}

/// Real recordings are read without loss: no note, and as many spans as they have.
#[test]
fn real_recordings_are_read_without_loss() {
    for (folder, begins, spans) in [
        ("zipkin", "smartthings", 1_041),
        ("zipkin", "netflix", 9),
        ("jaeger/crisp", "1", 0),
        ("csv", "nezha-trainticket-0129-0913", 2_865),
        ("csv", "nezha-trainticket-0129-0932", 5_662),
        ("csv", "nezha-onlineboutique", 23_397),
        ("tempo", "vparquet4-data", 0),
        ("tempo", "kiali", 0),
        ("otlp", "", 0),
    ] {
        let Some(root) = shared(folder) else {
            eprintln!("skipped: no recordings beside the repository");
            return;
        };
        for (name, bytes) in files(&root, begins) {
            let source = Source::in_memory(&name, bytes);
            assert!(claims(&source), "{name} is not recognised");
            let outcome = traces::read(&[&source], Options::default());
            assert!(outcome.notes.is_empty(), "{name}: {:?}", outcome.notes);
            let ledger = outcome.traffic.expect("spans").ledger;
            assert!(!ledger.keys().any(|k| k.starts_with("rejected")), "{name}: {ledger:?}");
            if spans > 0 && !name.contains("netflix") {
                assert_eq!(ledger["spans"], spans, "{name}");
            }
        }
    }
}
