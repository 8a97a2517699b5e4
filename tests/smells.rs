//! Every smell fires where it must, is silent where it nearly must, and says when its input is missing.
//!
//! `tests/smells/<id>.txt` holds two small systems: `== fires: SERVICES`, then files as `-- PATH --`, then `== silent`;
//! `<id>-seen.txt` two that traces alone show. A file of spans has one on each line, times in microseconds:
//! `TRACE SPAN PARENT SERVICE KIND START DURATION NAME | KEY=VALUE ...`, with `~` for a space in a value.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde_json::json;
use unbraid::analyze::smells::SMELLS;
use unbraid::result::Result as Found;

/// Smells that need traces alone, or a git history: the first stand in [`SEEN`], the others in `tests/history.rs`.
const ELSEWHERE: [&str; 3] = ["bottleneck-service", "contested-service", "lockstep-change"];

/// Smells that traces alone can show.
const SEEN: [&str; 12] = [
    "bottleneck-service",
    "chatty-calls",
    "check-then-act",
    "deep-sync-chain",
    "dual-write",
    "foreign-data-access",
    "lying-verb",
    "n-plus-one",
    "shared-database",
    "sync-over-async",
    "sync-write-chain",
    "wrong-cut",
];

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
        match path.extension().is_some_and(|e| e == "spans") {
            true => std::fs::write(path.with_extension("json"), spans(content)).expect("written"),
            false => std::fs::write(path, content).expect("written"),
        }
    }
    let request = unbraid::Request { inputs: vec![folder.path().to_path_buf()], ..unbraid::Request::default() };
    unbraid::analyze(&unbraid::read(&request).expect("readable"))
}

/// Spans by line as OTLP in JSON.
fn spans(lines: &str) -> String {
    let text = |value: &str| json!({"stringValue": value});
    let span = |line: &str| {
        let (head, attributes) = line.split_once(" | ").unwrap_or((line, ""));
        let words: Vec<&str> = head.splitn(8, ' ').collect();
        let [trace, id, parent, service, kind, start, duration, name] = words[..] else { panic!("no span: {line}") };
        let kind = ["", "internal", "server", "client", "producer", "consumer"].iter().position(|k| *k == kind);
        let (start, duration): (u64, u64) = (start.parse().expect("a start"), duration.parse().expect("a duration"));
        let nanos = |at: u64| (1_760_000_000_000_000_000 + at * 1_000).to_string();
        let attributes = attributes.split_whitespace().filter_map(|pair| pair.split_once('='));
        let attributes: Vec<_> =
            attributes.map(|(key, value)| json!({"key": key, "value": text(&value.replace('~', " "))})).collect();
        json!({
            "resource": {"attributes": [{"key": "service.name", "value": text(service)}]},
            "scopeSpans": [{"spans": [{
                "traceId": format!("{trace:0>32}"), "spanId": format!("{id:0>16}"),
                "parentSpanId": if parent == "0" { String::new() } else { format!("{parent:0>16}") },
                "name": name, "kind": kind.expect("a kind"), "attributes": attributes,
                "startTimeUnixNano": nanos(start), "endTimeUnixNano": nanos(start + duration),
            }]}],
        })
    };
    json!({"resourceSpans": lines.lines().map(span).collect::<Vec<_>>()}).to_string()
}

/// What traces alone show, and what they nearly show.
#[test]
fn traces_alone_show_it() {
    for id in SEEN {
        let (fires, silent) = read(&fixtures().join(format!("{id}-seen.txt")));
        let found = analyze(&fires);
        let of: Vec<_> = found.findings.iter().filter(|f| f.smell == id).collect();
        let named: BTreeSet<String> = of.iter().flat_map(|f| f.services.iter().cloned()).collect();
        assert_eq!(named, fires.services, "{id}; {:?}", found.not_evaluated);
        let spans =
            of.iter().flat_map(|f| &f.evidence).all(|e| e.place.span.is_some() && e.place.path == "traces.json");
        assert!(spans && of.iter().all(|f| !f.evidence.is_empty()), "{id} names no span");
        let near = analyze(&silent);
        let of: Vec<_> = near.findings.iter().filter(|f| f.smell == id).map(|f| &f.because).collect();
        assert!(of.is_empty(), "{id} must be silent: {of:?}");
        assert!(near.not_evaluated.iter().all(|n| n.smell != id), "{id} was not evaluated");
    }
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

/// A call whose address is written on another line has an entry there too, in JSON alone; verbs may be constants.
#[test]
fn calls_stand_where_their_address_is_written_too() {
    let pom = |name: &str| {
        format!(
            "<project><artifactId>{name}</artifactId><build><plugins><plugin><artifactId>spring-boot-maven-plugin\
             </artifactId></plugin></plugins></build></project>"
        )
    };
    let client = r#"@RestController class Orders {
  private RestTemplate rest = new RestTemplate();
  private String items = "http://stock:8080/items";
  @GetMapping("/all") Object all() {
    Object found = rest.exchange(items, HttpMethod.GET, null, Object.class);
    return found;
  }

  @PostMapping("/taken") Object take(Item item) {
    Object made = rest.exchange(items, HttpMethod.POST, item, Object.class);
    return made;
  }
}
"#;
    let server = r#"@RestController
@RequestMapping("/items")
class Items {
  @RequestMapping(produces = "application/json", method = RequestMethod.GET)
  public Object getItems() { return null; }
  @RequestMapping(consumes = "application/json", method = RequestMethod.POST)
  public Object addItem(Item item) { return null; }
}
"#;
    let files = [
        ("orders/pom.xml", pom("orders")),
        ("orders/src/main/java/Orders.java", client.to_owned()),
        ("stock/pom.xml", pom("stock")),
        ("stock/src/main/java/Items.java", server.to_owned()),
    ];
    let files = files.into_iter().map(|(path, text)| (path.to_owned(), text)).collect();
    let found = analyze(&System { services: BTreeSet::new(), files });
    let edge = found.dependencies.iter().find(|d| d.source == "orders" && d.target == "stock").expect("an edge");
    let calls: Vec<_> = edge.sites.iter().map(|s| (s.line, s.handler.as_deref().unwrap_or_default())).collect();
    assert_eq!(calls, [(5, "getItems"), (10, "addItem")]);
    let json = serde_json::to_value(edge).expect("JSON");
    let lines: Vec<_> = json["sites"]
        .as_array()
        .expect("sites")
        .iter()
        .map(|s| (s["line"].as_u64(), s["call_line"].as_u64(), s["operation"].as_str()))
        .collect();
    let (get, post) = (Some("GET /items"), Some("POST /items"));
    assert_eq!(lines[..2], [(Some(5), None, get), (Some(10), None, post)]);
    assert_eq!(lines[2..], [(Some(3), Some(5), get), (Some(3), Some(10), post)]);
    let again: unbraid::result::Dependency = serde_json::from_value(json).expect("read back");
    assert_eq!(again, *edge);
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
