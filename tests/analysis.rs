//! Properties of the analysis on graphs of every shape: bounds, order, names, and inputs that have little to say.

use proptest::prelude::*;
use unbraid::analyze::analyze;
use unbraid::config::Config;
use unbraid::graph::{Parts, ServiceGraph};
use unbraid::model::{Candidate, Dependency, Service, Site};
use unbraid::plan::{self, options::Options};
use unbraid::result::Result as Found;

fn service(name: &str) -> Service {
    serde_json::from_str(&format!(r#"{{"name": "{name}", "kind": "service"}}"#)).expect("a service")
}

fn site(operation: &str) -> Site {
    let text = format!(
        r#"{{"path": "main.go", "line": 3, "operation": "{operation}", "caller": "main", "result_used": true,
        "blocking": true, "rule": "go/net-http/get", "confidence": "confirmed"}}"#
    );
    serde_json::from_str(&text).expect("a site")
}

fn dependency(from: &str, to: &str, sure: bool, blocking: bool) -> Dependency {
    let confidence = if sure { "confirmed" } else { "probable" };
    let text = format!(
        r#"{{"source": "{from}", "target": "{to}", "mode": "sync", "protocol": "http", "blocking": {blocking},
        "channel": null, "confidence": "{confidence}", "seen_in": ["code"]}}"#
    );
    let mut made: Dependency = serde_json::from_str(&text).expect("a dependency");
    made.sites.push(Site { blocking, ..site("GET /things/{}") });
    made
}

fn candidate(from: &str, targets: &[&str]) -> Candidate {
    Candidate {
        source: from.to_owned(),
        targets: targets.iter().map(|t| (*t).to_owned()).collect(),
        mode: unbraid::model::Mode::Sync,
        site: site("GET /maybe"),
        reason: "two may serve it".to_owned(),
    }
}

fn of(services: Vec<Service>, dependencies: Vec<Dependency>, candidates: Vec<Candidate>) -> Found {
    let graph = ServiceGraph::new(Parts { services, dependencies, candidates, ..Parts::default() });
    let analysis = analyze(graph, &Config::default());
    let plan = plan::plan(&analysis, &Options::default());
    Found::of("test", analysis, plan)
}

/// Every number of a result is one: NaN and infinity would be written as null where a number must stand.
fn read_back(found: &Found) {
    let text = serde_json::to_string(found).expect("JSON");
    let again: Found = serde_json::from_str(&text).expect("what was written can be read");
    assert!(again == *found, "a number did not survive");
}

#[test]
fn little_to_say_is_said() {
    let nothing = of(Vec::new(), Vec::new(), Vec::new());
    assert!(nothing.score.is_none() && nothing.plan.is_none() && nothing.metrics.is_none());
    read_back(&nothing);
    let one = of(vec![service("a")], Vec::new(), Vec::new());
    let score = one.score.as_ref().expect("a score");
    assert_eq!((score.value, score.interval, score.coverage.code), (0.0, [0.0, 0.0], None));
    assert_eq!(score.sub_scores.runtime_exposure, None);
    assert_eq!(one.plan.as_ref().expect("a plan").verdict, unbraid::model::Verdict::DoNotMigrate);
    read_back(&one);
    // An edge to a service that nobody declared, and one to oneself.
    let strange = of(
        vec![service("a")],
        vec![dependency("a", "ghost", true, true), dependency("a", "a", true, true)],
        Vec::new(),
    );
    assert_eq!(strange.score.as_ref().expect("a score").value, 0.0);
    read_back(&strange);
}

#[test]
fn a_giant_cycle_is_scored_and_named() {
    let names: Vec<String> = (0..300).map(|i| format!("s{i:03}")).collect();
    let ring = (0..300).map(|i| dependency(&names[i], &names[(i + 1) % 300], true, true)).collect();
    let found = of(names.iter().map(|n| service(n)).collect(), ring, Vec::new());
    let score = found.score.as_ref().expect("a score");
    assert!(score.value > 99.9 && score.value <= 100.0);
    assert_eq!(score.figures.cycles, [names]);
    let system = &found.metrics.as_ref().expect("metrics").system;
    assert_eq!((system.largest_cycle, system.depth, system.propagation_cost), (300, 0, Some(1.0)));
    read_back(&found);
}

/// Half a dependency for a call with a proven fallback, only on request.
#[test]
fn criticality_is_an_option() {
    let mut guarded = dependency("a", "b", true, true);
    guarded.sites[0].fallback = true;
    let graph = || {
        let services = vec![service("a"), service("b")];
        ServiceGraph::new(Parts { services, dependencies: vec![guarded.clone()], ..Parts::default() })
    };
    let value = |criticality: bool| {
        let mut config = Config::default();
        config.analysis.criticality = criticality;
        analyze(graph(), &config).score.expect("a score").value
    };
    assert!((value(false) - 10.0).abs() < 1e-9);
    assert!((value(true) - 100.0 * (1.0 - 0.9f64.powf(0.5))).abs() < 1e-9);
}

type Drawn = (u32, u32, bool, bool);

fn system(n: u32, edges: &[Drawn], maybe: &[(u32, u32)], rename: impl Fn(u32) -> String) -> Found {
    let services = (0..n).map(|i| service(&rename(i))).collect();
    let mut seen = std::collections::BTreeSet::new();
    let kept = edges.iter().filter(|(a, b, ..)| a != b && seen.insert((*a, *b)));
    let dependencies = kept.map(|(a, b, sure, blocks)| dependency(&rename(*a), &rename(*b), *sure, *blocks));
    let candidates = maybe.iter().map(|(a, b)| candidate(&rename(*a), &[&rename(*b), &rename((b + 1) % n)]));
    of(services, dependencies.collect(), candidates.collect())
}

fn value(found: &Found) -> f64 {
    found.score.as_ref().expect("a score").value
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn bounds_names_and_order(
        edges in proptest::collection::vec((0u32..9, 0u32..9, any::<bool>(), any::<bool>()), 0..24),
        maybe in proptest::collection::vec((0u32..9, 0u32..9), 0..4),
    ) {
        let plain = system(9, &edges, &maybe, |i| format!("s{i}"));
        let score = plain.score.as_ref().expect("a score");
        prop_assert!(score.interval[0] <= score.value && score.value <= score.interval[1]);
        prop_assert!((0.0..=100.0).contains(&score.interval[0]) && (0.0..=100.0).contains(&score.interval[1]));
        // Additive: the mean of the terms.
        let mean = 100.0 * score.terms.iter().map(|t| t.value).sum::<f64>() / 9.0;
        prop_assert!((mean - score.value).abs() < 1e-9);
        read_back(&plain);
        // Neither names nor the order of the input matter.
        let renamed = system(9, &edges, &maybe, |i| format!("x{}", (i * 5 + 3) % 9));
        prop_assert!((value(&renamed) - score.value).abs() < 1e-9);
        let floor = |f: &Found| f.plan.as_ref().expect("a plan").floor;
        prop_assert!((floor(&renamed) - floor(&plain)).abs() < 1e-9);
        let mut first = std::collections::BTreeSet::new();
        let mut turned: Vec<Drawn> = edges.iter().filter(|(a, b, ..)| first.insert((*a, *b))).copied().collect();
        turned.reverse();
        let again = system(9, &turned, &maybe, |i| format!("s{i}"));
        prop_assert!(again == plain, "the order of the input showed");
    }

    #[test]
    fn more_waiting_never_scores_lower(
        edges in proptest::collection::vec((0u32..9, 0u32..9), 0..20),
        added in (0u32..9, 0u32..9),
    ) {
        let drawn = |blocks: bool| -> Vec<Drawn> {
            let old = edges.iter().filter(|e| **e != added).map(|(a, b)| (*a, *b, true, true));
            old.chain([(added.0, added.1, true, blocks)]).collect()
        };
        let name = |i: u32| format!("s{i}");
        let without: Vec<Drawn> = drawn(true).into_iter().filter(|e| (e.0, e.1) != added).collect();
        let (old, new) = (system(9, &without, &[], name), system(9, &drawn(true), &[], name));
        prop_assert!(value(&new) >= value(&old) - 1e-9, "a waiting edge lowered the score");
        let asynchronous = system(9, &drawn(false), &[], name);
        prop_assert!((value(&asynchronous) - value(&old)).abs() < 1e-9, "an edge that nobody waits for counted");
    }
}

/// Ten requests enter at `orders`, which waits 800 of 1,000 µs for `stock`; one of the ten fails there.
#[test]
fn traces_say_what_requests_are_exposed_to_and_what_a_step_saves() {
    let span = |trace: usize, id: &str, service: &str, kind: &str, parent: &str, times: (u64, u64), failed: bool| {
        let parent = if parent.is_empty() { String::new() } else { format!(r#""parentId": "{parent}","#) };
        let tags = if failed { r#"{"error": "true", "http.response.status_code": "500"}"# } else { "{}" };
        format!(
            r#"{{"traceId": "{:032x}", "id": "{id}", {parent} "kind": "{kind}", "name": "GET /items",
            "localEndpoint": {{"serviceName": "{service}"}}, "timestamp": {}, "duration": {}, "tags": {tags}}}"#,
            trace + 1,
            1_700_000_000_000_000 + times.0,
            times.1
        )
    };
    let spans = (0..10).flat_map(|t| {
        [
            span(t, "0000000000000001", "orders", "SERVER", "", (0, 1_000), false),
            span(t, "0000000000000002", "orders", "CLIENT", "0000000000000001", (100, 800), t == 4),
            span(t, "0000000000000003", "stock", "SERVER", "0000000000000002", (100, 800), t == 4),
        ]
    });
    let spans = format!("[{}]", spans.collect::<Vec<_>>().join(",\n"));
    let code = "package main\n\nimport (\n\t\"database/sql\"\n\t\"encoding/json\"\n\t\"net/http\"\n)\n\nfunc main() {\n\thttp.HandleFunc(\"/items\", items)\n}\n";
    let orders = format!(
        "{code}\nfunc items(w http.ResponseWriter, r *http.Request) {{\n\tresp, _ := http.Get(\"http://stock:8080/items\")\n\tvar found []Item\n\tjson.NewDecoder(resp.Body).Decode(&found)\n\tjson.NewEncoder(w).Encode(found)\n}}\n"
    );
    let stock = format!(
        "{code}\nfunc items(w http.ResponseWriter, r *http.Request) {{\n\tdb, _ := sql.Open(\"postgres\", \"postgres://stock-db/stock\")\n\trows, _ := db.Query(\"SELECT id, name FROM items\")\n\tjson.NewEncoder(w).Encode(scan(rows))\n}}\n"
    );
    let compose = "services:\n  orders:\n    build: orders\n  stock:\n    build: stock\n";
    let files = [
        ("orders/main.go", orders.as_str()),
        ("stock/main.go", &stock),
        ("compose.yml", compose),
        ("spans.json", &spans),
    ];
    let sources = files.iter().map(|(path, text)| unbraid::files::Source::in_memory(path, text.as_bytes())).collect();
    let found = unbraid::analyze(&unbraid::Reading::in_memory(sources, Config::default()).expect("a reading"));
    let near = |is: Option<f64>, expected: f64| {
        assert!(is.is_some_and(|v| (v - expected).abs() < 1e-9), "{is:?} is not {expected}");
    };
    let runtime = found.score.as_ref().and_then(|s| s.sub_scores.runtime).expect("measured");
    near(runtime.calls_per_request, 1.0);
    near(runtime.availability_bound, 0.9);
    near(runtime.critical_path_share, 0.8);
    let plan = found.plan.as_ref().expect("a plan");
    let step = plan.steps.first().unwrap_or_else(|| panic!("a step: {plan:?}"));
    assert_eq!(step.entity.as_deref(), Some("stock"));
    near(step.critical_path_saved_us, 800.0);
    near(step.availability_gained, 0.1);
    read_back(&found);
}
