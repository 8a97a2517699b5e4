//! Ratios in one run: the wire walk with its fold against the official decoder alone, the sample from end to end,
//! reading code beside ripgrep and ast-grep on the same files, and linking many services.
//!
//! Run with `cargo bench --bench speed`; quote ratios, never one absolute figure. `UNBRAID_BENCH_ROOT` names a folder
//! of code to read instead of copies of the sample; ripgrep and ast-grep take part where they are installed.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use divan::counter::ItemsCount;

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value::Value};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use prost::Message;

fn main() {
    divan::main();
}

fn text(key: &str, value: String) -> KeyValue {
    let value = Some(AnyValue { value: Some(Value::StringValue(value)) });
    KeyValue { key: key.to_owned(), value, ..KeyValue::default() }
}

/// Pairs of client and server spans with the attributes that instrumentations write.
fn request(pairs: u64) -> Vec<u8> {
    let span = |n: u64, server: bool| Span {
        trace_id: (u128::from(n / 10) + 1).to_be_bytes().to_vec(),
        span_id: (2 * n + 1 + u64::from(server)).to_be_bytes().to_vec(),
        parent_span_id: if server { (2 * n + 1).to_be_bytes().to_vec() } else { Vec::new() },
        name: format!("GET /orders/{}", n % 7),
        kind: if server { 2 } else { 3 },
        start_time_unix_nano: 1_700_000_000_000_000_000 + n,
        end_time_unix_nano: 1_700_000_000_000_900_000 + n,
        attributes: (0..12)
            .map(|i| text(&format!("app.attribute.{i}"), format!("value {n}")))
            .chain([
                text("server.address", "orders.shop.svc".to_owned()),
                text("http.request.method", "GET".to_owned()),
            ])
            .collect(),
        ..Span::default()
    };
    let of = |service: &str, server: bool| ResourceSpans {
        resource: Some(Resource { attributes: vec![text("service.name", service.to_owned())], ..Resource::default() }),
        scope_spans: vec![ScopeSpans { spans: (0..pairs).map(|n| span(n, server)).collect(), ..ScopeSpans::default() }],
        ..ResourceSpans::default()
    };
    ExportTraceServiceRequest { resource_spans: vec![of("web", false), of("orders", true)] }.encode_to_vec()
}

#[divan::bench(sample_count = 10)]
fn walk_and_fold_20_000_spans(bencher: divan::Bencher<'_, '_>) {
    let bytes = request(10_000);
    let source = unbraid::files::Source::in_memory("t", bytes);
    bencher.bench(|| unbraid::ingest::traces::read(&[&source], unbraid::ingest::traces::Options::default()));
}

#[divan::bench(sample_count = 10)]
fn official_decode_of_20_000_spans(bencher: divan::Bencher<'_, '_>) {
    let bytes = request(10_000);
    bencher.bench(|| ExportTraceServiceRequest::decode(&bytes[..]).expect("a request"));
}

#[divan::bench(sample_count = 10)]
fn sample_from_end_to_end(bencher: divan::Bencher<'_, '_>) {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("samples/shop");
    let request = unbraid::Request { inputs: vec![folder], ..unbraid::Request::default() };
    bencher.bench(|| unbraid::report::render(&unbraid::analyze(&unbraid::read(&request).expect("readable"))));
}

/// Lines of code that the reading benches read at least.
const LINES: usize = 200_000;

/// Extensions of code, as all three programs see it.
const CODE: [&str; 12] = ["java", "kt", "go", "py", "js", "jsx", "ts", "tsx", "cs", "rs", "php", "rb"];

/// A folder of mixed code with its lines: the one that was named, or copies of the sample.
struct Tree {
    folder: PathBuf,
    lines: usize,
    _kept: Option<tempfile::TempDir>,
}

impl Tree {
    fn new() -> Self {
        if let Some(folder) = std::env::var_os("UNBRAID_BENCH_ROOT").map(PathBuf::from) {
            let lines = code(&folder).iter().map(|(_, text)| text.lines().count()).sum();
            return Self { folder, lines, _kept: None };
        }
        let kept = tempfile::tempdir().expect("a folder for copies");
        let files = code(&Path::new(env!("CARGO_MANIFEST_DIR")).join("samples/shop"));
        let once: usize = files.iter().map(|(_, text)| text.lines().count()).sum();
        let copies = LINES.div_ceil(once);
        for copy in 0..copies {
            for (path, text) in &files {
                let path = kept.path().join(format!("shop{copy}")).join(path);
                std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
                std::fs::write(path, text).expect("a copy");
            }
        }
        Self { folder: kept.path().to_path_buf(), lines: once * copies, _kept: Some(kept) }
    }
}

/// Files of code below a folder with their paths relative to it.
fn code(folder: &Path) -> Vec<(PathBuf, String)> {
    let is_code = |p: &Path| p.extension().is_some_and(|e| CODE.iter().any(|c| e == *c));
    let found = ignore::WalkBuilder::new(folder).build().filter_map(Result::ok).map(ignore::DirEntry::into_path);
    let mut all: Vec<(PathBuf, String)> = found
        .filter(|p| p.is_file() && is_code(p))
        .filter_map(|p| Some((p.strip_prefix(folder).ok()?.to_path_buf(), std::fs::read_to_string(&p).ok()?)))
        .collect();
    all.sort();
    all
}

#[divan::bench(sample_count = 3)]
fn read_code(bencher: divan::Bencher<'_, '_>) {
    let tree = Tree::new();
    let request = unbraid::Request { inputs: vec![tree.folder.clone()], ..unbraid::Request::default() };
    bencher.counter(ItemsCount::new(tree.lines)).bench(|| unbraid::read(&request).expect("readable"));
}

/// Runs another program on the tree, where it is installed.
fn beside(bencher: divan::Bencher<'_, '_>, program: &str, arguments: &[&str]) {
    if Command::new(program).arg("--version").stdout(Stdio::null()).status().is_err() {
        return;
    }
    let tree = Tree::new();
    bencher.counter(ItemsCount::new(tree.lines)).bench(|| {
        let mut command = Command::new(program);
        command.args(arguments).arg(&tree.folder).stdout(Stdio::null()).stderr(Stdio::null());
        command.status().expect("the program runs")
    });
}

#[divan::bench(sample_count = 3)]
fn ripgrep_lists_the_same_files(bencher: divan::Bencher<'_, '_>) {
    beside(bencher, "rg", &["--files"]);
}

#[divan::bench(sample_count = 3)]
fn ast_grep_finds_calls_in_the_same_files(bencher: divan::Bencher<'_, '_>) {
    let mut rules = String::new();
    for (language, kind) in [
        ("java", "method_invocation"),
        ("kotlin", "call_expression"),
        ("go", "call_expression"),
        ("python", "call"),
        ("javascript", "call_expression"),
        ("typescript", "call_expression"),
        ("tsx", "call_expression"),
        ("csharp", "invocation_expression"),
        ("rust", "call_expression"),
        ("php", "member_call_expression"),
        ("ruby", "call"),
    ] {
        let _ = writeln!(rules, "id: {language}-call\nlanguage: {language}\nrule: {{kind: {kind}}}\n---");
    }
    beside(bencher, "ast-grep", &["scan", "--json=stream", "--inline-rules", rules.trim_end().trim_end_matches("---")]);
}

/// Services that call each other by literals and by their environment.
fn many_services(services: usize, calls: usize) -> unbraid::Reading {
    let mut compose = "services:\n".to_owned();
    let mut sources = Vec::new();
    for n in 0..services {
        let peer = (n * 13 + 5) % services;
        let _ = writeln!(
            compose,
            "  service{n}:\n    build: ./service{n}\n    environment: {{PEER: 'http://service{peer}'}}"
        );
        let mut text = "import os, requests\nfrom flask import Flask\napp = Flask(__name__)\n".to_owned();
        let _ = writeln!(text, "@app.get('/items{n}/<id>')\ndef items(id):\n    return read(id)\n\ndef read(id):");
        for call in 0..calls {
            let to = (n * 7 + call * 31 + 1) % services;
            let _ = match call % 2 {
                0 => writeln!(text, "    requests.get(f'http://service{to}/items{to}/{{id}}')"),
                _ => writeln!(text, "    requests.post(os.environ['PEER'] + '/items{peer}/' + id)"),
            };
        }
        sources.push(unbraid::files::Source::in_memory(&format!("service{n}/app.py"), text));
    }
    sources.push(unbraid::files::Source::in_memory("docker-compose.yml", compose));
    sources.sort_by(|a, b| a.path.cmp(&b.path));
    unbraid::Reading::in_memory(sources, unbraid::config::Config::default()).expect("readable")
}

/// Ten times the services and calls take ten times as long: the two beside each other show it.
#[divan::bench(args = [500, 5_000], sample_count = 3)]
fn link_ten_calls_of_each_service(bencher: divan::Bencher<'_, '_>, services: usize) {
    let reading = many_services(services, 10);
    bencher
        .counter(ItemsCount::new(services * 10))
        .bench(|| unbraid::graph::link::link(&reading.facts, &reading.config, &reading.rules));
}
