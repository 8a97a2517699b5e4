//! The analysis of large systems: 67,760 services with a million edges (as many services as are published for
//! Alibaba's graph, arXiv 2504.13141), heavy-tailed as such graphs are (Luo et al., SoCC 2021), and 500 services.
//!
//! Run with `cargo bench --bench scale`; give `500` or `67760` to run one size.

use std::collections::{BTreeMap, BTreeSet};
use std::hint::black_box;
use std::sync::OnceLock;

use unbraid::analyze::knowledge::Knowledge;
use unbraid::analyze::score::{self, Coupling};
use unbraid::analyze::smells::{self, Scene};
use unbraid::analyze::{self, Analysis, metrics};
use unbraid::config::Config;
use unbraid::graph::{Parts, ServiceGraph};
use unbraid::model::facts::StoreEffect;
use unbraid::model::{
    Confidence, Dependency, Endpoint, Evidence, Flow, FlowStep, Place, Service, ServiceKind, Site, SourceKind,
    StepKind, TableAccess, TableUse,
};
use unbraid::plan::{self, options::Options};

const SMALL: (u32, usize) = (500, 2_500);
const LARGE: (u32, usize) = (67_760, 1_000_000);

fn main() {
    divan::main();
}

/// Numbers that look random and are the same every time (splitmix64, Steele et al. 2014).
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn share(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }
}

/// Callees are popular by a power law; one call in two hundred leads back up, which makes cycles.
fn edges((n, e): (u32, usize)) -> BTreeSet<(u32, u32)> {
    let mut numbers = Numbers(7);
    let mut all = BTreeSet::new();
    while all.len() < e {
        let a = (f64::from(n) * numbers.share()) as u32;
        let b = (f64::from(n) * numbers.share().powi(3)) as u32;
        let up = numbers.share() < 0.005;
        if a != b {
            all.insert(if up { (a.min(b), a.max(b)) } else { (a.max(b), a.min(b)) });
        }
    }
    all
}

fn name(at: u32) -> String {
    format!("service-{at:05}")
}

fn place(at: u32) -> Place {
    Place::new("", &format!("{}/main.go", name(at)), 1)
}

fn site(from: u32, to: u32, operation: &str) -> Site {
    let text = format!(
        r#"{{"path": "{}/main.go", "line": {}, "operation": "{operation}", "caller": "main", "result_used": true,
        "blocking": true, "rule": "go/net-http/get", "confidence": "confirmed"}}"#,
        name(from),
        to + 1
    );
    serde_json::from_str(&text).expect("a site")
}

/// What each service serves: one operation that reads, and calls all that it calls, and one that writes.
fn endpoints(from: u32, calls: &[Place]) -> [Endpoint; 2] {
    let made = |method: &str, handler: &str, line: u32, effect: StoreEffect, calls: &[Place]| Endpoint {
        service: name(from),
        method: method.to_owned(),
        path: "/things/{}".to_owned(),
        handler: handler.to_owned(),
        place: Place::new("", &format!("{}/handlers.go", name(from)), line),
        seen_in: SourceKind::Code,
        effect: Some(effect),
        calls_out: Some(calls.len() as u32),
        call_sites: calls.to_vec(),
        store_calls: Some(1),
        aggregates: false,
        emits: false,
    };
    [made("GET", "getThing", 1, StoreEffect::Reads, calls), made("POST", "putThing", 2, StoreEffect::Writes, &[])]
}

fn flow(from: u32, calls: &[Place]) -> Flow {
    let step = |place: &Place| FlowStep {
        kind: StepKind::Call,
        place: place.clone(),
        function: "getThing".to_owned(),
        in_loop: false,
        says: String::new(),
        after_check_of: Vec::new(),
        ways: 0,
        branches: Vec::new(),
    };
    Flow {
        service: name(from),
        place: Place::new("", &format!("{}/handlers.go", name(from)), 1),
        handler: "getThing".to_owned(),
        entry: true,
        switches_on: None,
        steps: calls.iter().map(step).collect(),
        cut: false,
    }
}

fn graph(size: (u32, usize)) -> ServiceGraph {
    let mut numbers = Numbers(11);
    let says = |at: u32| Evidence::new(SourceKind::Code, place(at), "made up", Confidence::Confirmed);
    let services = (0..size.0).map(|at| Service {
        name: name(at),
        kind: ServiceKind::Service,
        aliases: Vec::new(),
        owners: Vec::new(),
        languages: vec!["go".to_owned()],
        folders: vec![name(at)],
        engine: None,
        exposed: false,
        membership: None,
        evidence: vec![says(at)],
    });
    let tables = (0..size.0).map(|at| TableUse {
        service: name(at),
        table: "things".to_owned(),
        database: None,
        access: TableAccess::Writes,
        evidence: says(at),
    });
    let dependencies = edges(size).into_iter().map(|(from, to)| {
        let operation = if numbers.share() < 0.7 { "GET /things/{}" } else { "POST /things" };
        let text = format!(
            r#"{{"source": "{}", "target": "{}", "mode": "sync", "protocol": "http", "blocking": true, "channel": null,
            "confidence": "confirmed", "seen_in": ["code"]}}"#,
            name(from),
            name(to)
        );
        let mut made: Dependency = serde_json::from_str(&text).expect("a dependency");
        made.sites = vec![site(from, to, operation)];
        made
    });
    let dependencies: Vec<Dependency> = dependencies.collect();
    let mut calls: BTreeMap<&str, Vec<Place>> = BTreeMap::new();
    for dependency in &dependencies {
        calls.entry(&dependency.source).or_default().extend(dependency.sites.iter().map(Site::place));
    }
    let of = |at: u32| calls.get(name(at).as_str()).map_or(&[][..], Vec::as_slice);
    ServiceGraph::new(Parts {
        services: services.collect(),
        tables: tables.collect(),
        endpoints: (0..size.0).flat_map(|at| endpoints(at, of(at))).collect(),
        flows: (0..size.0).map(|at| flow(at, of(at))).collect(),
        dependencies,
        ..Parts::default()
    })
}

/// The large system, analysed once.
fn large() -> &'static Analysis {
    static ANALYSIS: OnceLock<Analysis> = OnceLock::new();
    ANALYSIS.get_or_init(|| analyze::analyze(graph(LARGE), &Config::default()))
}

#[divan::bench(sample_count = 3, sample_size = 1)]
fn score_67760(bencher: divan::Bencher<'_, '_>) {
    let (analysis, knowledge) = (large(), Knowledge::built_in());
    bencher.bench_local(|| {
        let coupling = Coupling::of(&analysis.graph, false);
        black_box(score::report(&analysis.graph, &coupling, &knowledge))
    });
}

#[divan::bench(sample_count = 3, sample_size = 1)]
fn smells_67760(bencher: divan::Bencher<'_, '_>) {
    let analysis = large();
    bencher.bench_local(|| {
        let (graph, coupling, knowledge) = (&analysis.graph, &analysis.coupling, &analysis.knowledge);
        let scene = Scene::new(graph, coupling, &analysis.entities, &analysis.verb_lies, &[], knowledge);
        black_box(smells::find(&scene))
    });
}

#[divan::bench(sample_count = 1, sample_size = 1)]
#[expect(clippy::print_stdout, reason = "a bench tells how sure its estimate is")]
fn metrics_67760(bencher: divan::Bencher<'_, '_>) {
    let analysis = large();
    let mut system = None;
    bencher.bench_local(|| system = Some(metrics::metrics(&analysis.graph, &analysis.coupling)));
    if let Some(metrics) = system {
        let largest = metrics.services.iter().map(|s| s.betweenness).fold(0.0, f64::max);
        println!(
            "betweenness from {:?} of {} sources: largest {largest:.3e}, largest standard error {:.1e}",
            metrics.system.betweenness_sampled,
            metrics.services.len(),
            metrics.system.betweenness_error
        );
    }
}

#[divan::bench(sample_count = 1, sample_size = 1)]
fn plan_of_ten_steps_67760(bencher: divan::Bencher<'_, '_>) {
    let analysis = large();
    bencher.bench_local(|| black_box(plan::plan(analysis, &Options::default())));
}

#[divan::bench(sample_count = 5, sample_size = 1)]
fn analysis_500(bencher: divan::Bencher<'_, '_>) {
    bencher.with_inputs(|| graph(SMALL)).bench_local_values(|graph| analyze::analyze(graph, &Config::default()));
}

#[divan::bench(sample_count = 5, sample_size = 1)]
fn plan_500(bencher: divan::Bencher<'_, '_>) {
    let analysis = analyze::analyze(graph(SMALL), &Config::default());
    bencher.bench_local(|| black_box(plan::plan(&analysis, &Options::default())));
}
