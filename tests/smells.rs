//! Every smell fires where it must, is silent where it nearly must, and says when its input is missing.
//!
//! `tests/smells/<id>.txt` holds two small systems: `== fires: SERVICES`, then files as `-- PATH --`, then `== silent`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use unbraid::analyze::smells::SMELLS;
use unbraid::result::Result as Found;

/// Smells that need traces or a git history: tested beside those readers.
const ELSEWHERE: [&str; 3] = ["bottleneck-service", "contested-service", "lockstep-change"];

fn fixtures() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/smells")
}

/// A small system: its files, and the services that the smell must name.
struct System {
    services: BTreeSet<String>,
    files: BTreeMap<String, String>,
}

fn read(path: &Path) -> (System, System) {
    let text = std::fs::read_to_string(path).expect("a fixture");
    let mut systems: Vec<System> = Vec::new();
    let mut file = String::new();
    for line in text.lines() {
        if let Some(head) = line.strip_prefix("== ") {
            let services = head.strip_prefix("fires:").unwrap_or_default();
            let services = services.split_whitespace().map(str::to_owned).collect();
            systems.push(System { services, files: BTreeMap::new() });
        } else if let Some(name) = line.strip_prefix("-- ").and_then(|l| l.strip_suffix(" --")) {
            file = name.to_owned();
        } else {
            let system = systems.last_mut().expect("a system before its files");
            let content = system.files.entry(file.clone()).or_default();
            content.push_str(line);
            content.push('\n');
        }
    }
    let silent = systems.pop().expect("a silent system");
    let fires = systems.pop().expect("a system that fires");
    assert!(!fires.services.is_empty() && silent.services.is_empty(), "{}", path.display());
    (fires, silent)
}

fn analyze(system: &System) -> Found {
    let folder = tempfile::tempdir().expect("temp dir");
    for (name, content) in &system.files {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("folders");
        std::fs::write(path, content).expect("written");
    }
    let request = unbraid::Request { inputs: vec![folder.path().to_path_buf()], ..unbraid::Request::default() };
    unbraid::analyze(&unbraid::read(&request).expect("readable"))
}

fn ids() -> Vec<&'static str> {
    SMELLS.iter().map(|s| s.id).filter(|id| !ELSEWHERE.contains(id)).collect()
}

#[test]
fn every_smell_fires_where_it_must_and_not_at_the_near_miss() {
    let mut wrong = Vec::new();
    for id in ids() {
        let (fires, silent) = read(&fixtures().join(format!("{id}.txt")));
        let found = analyze(&fires);
        let of: Vec<_> = found.findings.iter().filter(|f| f.smell == id).collect();
        let named: BTreeSet<String> = of.iter().flat_map(|f| f.services.iter().cloned()).collect();
        if named != fires.services {
            wrong.push(format!("{id} names {named:?}, not {:?}; {:?}", fires.services, found.not_evaluated));
        }
        for finding in of {
            assert!(!finding.evidence.is_empty(), "{id} has no evidence");
            assert!(!finding.refactorings.is_empty(), "{id} names no way out");
            for evidence in &finding.evidence {
                assert!(fires.files.contains_key(&evidence.place.path), "{id}: {} is no file", evidence.place);
            }
        }
        let near = analyze(&silent);
        let of: Vec<_> = near.findings.iter().filter(|f| f.smell == id).map(|f| f.because.clone()).collect();
        if !of.is_empty() {
            wrong.push(format!("{id} must be silent: {of:?}"));
        }
        if let Some(missing) = near.not_evaluated.iter().find(|n| n.smell == id)
            && id != "liberated-entity-regression"
        {
            wrong.push(format!("{id} is silent only because {}", missing.missing));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Each smell over all small systems: what fires where is read by a person and kept.
#[test]
fn all_smells_over_all_systems() {
    let mut lines = String::new();
    for id in ids() {
        let (fires, silent) = read(&fixtures().join(format!("{id}.txt")));
        for (name, system) in [("fires", &fires), ("silent", &silent)] {
            let found: BTreeSet<String> = analyze(system).findings.into_iter().map(|f| f.smell).collect();
            let all: Vec<String> = found.into_iter().collect();
            lines.push_str(&format!("{id} {name}: {}\n", all.join(" ")));
        }
    }
    insta::assert_snapshot!(lines);
}

/// With nothing to look at, a smell says so instead of being silent.
#[test]
fn a_missing_input_is_not_evaluated() {
    let folder = tempfile::tempdir().expect("temp dir");
    std::fs::write(folder.path().join("docker-compose.yml"), "services:\n  a:\n    image: x/a\n").expect("written");
    let request = unbraid::Request { inputs: vec![folder.path().to_path_buf()], ..unbraid::Request::default() };
    let found = unbraid::analyze(&unbraid::read(&request).expect("readable"));
    let missing: BTreeSet<&str> = found.not_evaluated.iter().map(|n| n.smell.as_str()).collect();
    // These need only the graph, which a deployment alone gives.
    let graph = ["sync-cycle", "deep-sync-chain", "knot", "lockstep-deploy", "missing-health-check"];
    for smell in SMELLS.iter().filter(|s| !graph.contains(&s.id)) {
        assert!(missing.contains(smell.id), "{} says nothing of its missing input", smell.id);
    }
    assert!(found.not_evaluated.iter().all(|n| n.missing.len() > 10));
}

/// Every text says what it is, the way out, its limits and its source.
#[test]
fn every_text_is_complete() {
    for smell in SMELLS {
        for part in ["# ", "**Example.**", "**Way out.**", "**Limits.**", "**Source.**"] {
            assert!(smell.text.contains(part), "{} lacks {part}", smell.id);
        }
    }
}
