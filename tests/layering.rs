//! The house keeps its promises: who may import whom, which libraries stay inside, how modules begin and how
//! long they are.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// What a top-level module may import from the crate.
const MAY_IMPORT: &[(&str, &[&str])] = &[
    ("model", &["model"]),
    ("error", &["model"]),
    ("files", &["model", "error"]),
    ("config", &["model", "error"]),
    ("rules", &["model", "error", "config"]),
    ("ingest", &["model", "error", "files", "config", "rules"]),
    ("graph", &["model", "config", "rules", "result"]),
    ("analyze", &["model", "graph", "config", "rules"]),
    ("plan", &["model", "graph", "analyze", "config", "rules"]),
    ("gate", &["model", "graph", "analyze", "plan", "config", "result", "error"]),
    ("result", &["model", "error", "graph", "analyze", "plan", "gate"]),
    ("diff", &["result"]),
    ("engines", &["model", "ingest", "config", "error"]),
    // It keeps its state through `files`, and folds as the readers of files do.
    ("receive", &["model", "error", "files", "ingest", "config"]),
    ("report", &["result", "model", "analyze", "plan", "diff", "gate"]),
];

/// Libraries that only one room may use.
const ALONE: &[(&str, &[&str])] = &[
    ("tree_sitter", &["ingest"]),
    ("syn::", &["ingest"]),
    ("saphyr", &["ingest"]),
    ("quick_xml", &["ingest"]),
    ("flate2", &["ingest", "files", "receive"]),
    ("parquet", &["ingest"]),
    ("zstd", &["ingest", "files"]),
    ("petgraph", &["graph"]),
    ("askama", &["report"]),
    ("std::fs", &["files", "cli", "main"]),
    ("memmap2", &["files"]),
    ("spark_connect", &["engines"]),
    ("clickhouse::", &["engines"]),
    ("adbc_core", &["engines"]),
    ("adbc_driver_manager", &["engines"]),
    ("arrow_array", &["engines"]),
    ("tokio::runtime::", &["engines", "receive"]),
    ("tokio_rustls", &["receive"]),
    ("hyper", &["receive"]),
    ("hyper_util", &["receive"]),
    ("http_body_util", &["receive"]),
    ("clap", &["cli", "main"]),
    ("anyhow", &["cli", "main"]),
];

/// Folders whose files are plug-ins: they do not import each other, only their `mod.rs` does.
const PLUG_INS: &[&str] = &[
    "src/ingest/traces",
    "src/ingest/specs",
    "src/ingest/source",
    "src/ingest/manifests",
    "src/analyze/smells",
    "src/plan/artefacts",
    "src/plan/verify",
];

/// Longest file; a longer one stands in [`LONG`] with its reason.
const LINES: usize = 500;

/// Files above the limit, each with the reason.
const LONG: &[(&str, &str)] = &[];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn sources(folder: &Path, into: &mut Vec<PathBuf>) {
    let mut entries: Vec<PathBuf> =
        std::fs::read_dir(folder).expect("a folder of the package").map(|e| e.expect("an entry").path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            sources(&path, into);
        } else if path.extension().is_some_and(|e| e == "rs") {
            into.push(path);
        }
    }
}

/// (path relative to the package, text) of every source file.
fn all() -> Vec<(String, String)> {
    let mut paths = Vec::new();
    sources(&root().join("src"), &mut paths);
    paths
        .into_iter()
        .map(|p| {
            let text = std::fs::read_to_string(&p).expect("UTF-8 source");
            let relative = p.strip_prefix(root()).expect("inside").to_string_lossy().replace('\\', "/");
            (relative, text)
        })
        .collect()
}

/// The top-level module of a file: `src/graph/link.rs` is `graph`.
fn module(path: &str) -> &str {
    let rest = path.trim_start_matches("src/");
    rest.split('/').next().unwrap_or(rest).trim_end_matches(".rs")
}

/// Code without its comments and its tests.
fn code(text: &str) -> String {
    let text = text.split("#[cfg(test)]").next().unwrap_or(text);
    text.lines().filter(|l| !l.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

#[test]
fn modules_import_only_what_their_stage_may_know() {
    let allowed: BTreeMap<&str, &[&str]> = MAY_IMPORT.iter().copied().collect();
    let mut wrong = Vec::new();
    for (path, text) in all() {
        // Tests look at a stage through the ones before it.
        let Some(allowed) = allowed.get(module(&path)).filter(|_| !path.ends_with("/tests.rs")) else { continue };
        let code = code(&text);
        for (at, _) in code.match_indices("crate::") {
            let name: String = code[at + 7..].chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            let own = name == module(&path) || name.is_empty();
            if !own && !allowed.contains(&name.as_str()) {
                wrong.push(format!("{path} imports {name}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn libraries_stay_in_their_rooms() {
    let mut wrong = Vec::new();
    for (path, text) in all() {
        let code = code(&text);
        for (library, rooms) in ALONE {
            let used = code.match_indices(library).any(|(at, _)| {
                !code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_')
                    && (library.ends_with(':') || code[at + library.len()..].starts_with("::"))
            });
            if used && !rooms.contains(&module(&path)) {
                wrong.push(format!("{path} uses {library}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn plug_ins_do_not_know_each_other() {
    let mut wrong = Vec::new();
    for (path, text) in all() {
        let Some(folder) = PLUG_INS.iter().find(|f| path.starts_with(**f)) else { continue };
        let rest = &path[folder.len() + 1..];
        if rest == "mod.rs" {
            continue;
        }
        let own = rest.split('/').next().unwrap_or(rest).trim_end_matches(".rs");
        let code = code(&text);
        let inside = folder.trim_start_matches("src/").replace('/', "::");
        for (at, _) in code.match_indices("super::super") {
            wrong.push(format!("{path}: super::super at byte {at}"));
        }
        let siblings: Vec<String> = siblings(folder).into_iter().filter(|s| s != own).collect();
        for sibling in siblings {
            if rest.contains('/') {
                continue;
            }
            if code.contains(&format!("crate::{inside}::{sibling}::"))
                || code.contains(&format!("use super::{sibling}::"))
            {
                wrong.push(format!("{path} imports its neighbour {sibling}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Plug-ins of a folder; a file that several of them share (`fold`, `view`) is no plug-in.
fn siblings(folder: &str) -> Vec<String> {
    let shared = [
        "columns",
        "cut",
        "drive",
        "elements",
        "wire",
        "json",
        "value",
        "ecmascript",
        "chains",
        "proxies",
        "flatten",
        "open",
        "request",
        "request_json",
        "scene",
    ];
    let mut names: Vec<String> = std::fs::read_dir(root().join(folder))
        .map(|entries| {
            entries
                .filter_map(|e| e.ok()?.file_name().into_string().ok())
                .map(|n| n.trim_end_matches(".rs").to_owned())
                .filter(|n| n != "mod" && !shared.contains(&n.as_str()))
                .collect()
        })
        .unwrap_or_default();
    names.sort();
    names
}

#[test]
fn every_module_opens_with_what_it_is() {
    let wrong: Vec<String> = all().into_iter().filter(|(_, t)| !t.starts_with("//!")).map(|(p, _)| p).collect();
    assert!(wrong.is_empty(), "no //! on line one: {}", wrong.join(", "));
}

#[test]
fn files_stay_short() {
    let mut wrong = Vec::new();
    let mut seen = Vec::new();
    for (path, text) in all() {
        let lines = text.lines().count();
        let excused = LONG.iter().any(|(p, _)| *p == path);
        if excused {
            seen.push(path.clone());
        }
        if lines > LINES && !excused {
            wrong.push(format!("{path}: {lines} lines"));
        }
        if lines <= LINES && excused {
            wrong.push(format!("{path} is short again: take it off the list"));
        }
    }
    assert_eq!(seen.len(), LONG.len(), "a file of the list is gone: {seen:?}");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_program_is_thin() {
    let text = std::fs::read_to_string(root().join("src/main.rs")).expect("main.rs");
    assert!(text.lines().count() < 40);
}
