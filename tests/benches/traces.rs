//! Traces against floors that are timed in the same run, as ratios of CPU seconds.
//!
//! `cargo bench --bench traces -- FOLDER` reads the files of FOLDER/otlp-delim, otlp-be32, otlp-json, jaeger, zipkin and
//! parquet, each format where it is there. Without a folder it makes 200,000 spans itself, as OTLP in both encodings.
//! Floors: a bare walk of the wire (ids, kind, times, service.name) and the official decoder for protobuf; typed
//! sonic-rs with attributes for JSON. `--ours` leaves the floors out, for a profiler. `--whole` times whole processes
//! instead: `unbraid check` beside a process that maps the same OTLP files and walks over them; a set of any size.
//! Absolute figures depend on the machine and its load: quote the ratios.

#![expect(clippy::print_stdout, reason = "the table of ratios is its output")]

use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value::Value};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use prost::Message;
use serde::Deserialize;

use unbraid::files::Source;
use unbraid::ingest::traces::{self, Options};

/// Runs of each side; the median counts.
const RUNS: usize = 5;

fn main() {
    let folder = std::env::args().skip(1).find(|a| !a.starts_with("--")).map(PathBuf::from);
    let is_on = |flag: &str| std::env::args().any(|a| a == flag);
    if let Some(folder) = folder.as_deref().filter(|_| is_on("--walk") || is_on("--whole")) {
        return if is_on("--walk") { walk_mapped(folder) } else { whole(folder) };
    }
    let sets: Vec<(&str, Vec<Vec<u8>>)> = match &folder {
        Some(folder) => ["otlp-delim", "otlp-be32", "otlp-json", "jaeger", "zipkin", "parquet"]
            .into_iter()
            .map(|format| (format, files(&folder.join(format))))
            .collect(),
        None => made(),
    };
    println!(
        "{:<12}{:>9}{:>10}{:>12}  floors (CPU s per million spans; ours / floor)",
        "format", "spans", "CPU s/M", "spans/s/CPU"
    );
    for (format, files) in sets.iter().filter(|(_, files)| !files.is_empty()) {
        compare(format, files);
    }
    println!("peak memory of this process, inputs included: {} MB", peak_megabytes());
}

fn files(folder: &Path) -> Vec<Vec<u8>> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut paths: Vec<PathBuf> = entries.filter_map(|e| Some(e.ok()?.path())).collect();
    paths.sort();
    paths.iter().filter_map(|p| std::fs::read(p).ok()).collect()
}

/// CPU seconds of this process, all threads (none of them ends): to the nanosecond, as the scheduler counts them.
fn cpu() -> f64 {
    let Ok(tasks) = std::fs::read_dir("/proc/self/task") else { return 0.0 };
    let of =
        |path: PathBuf| std::fs::read_to_string(path.join("schedstat")).ok()?.split(' ').next()?.parse::<f64>().ok();
    tasks.filter_map(|task| of(task.ok()?.path())).sum::<f64>() / 1e9
}

/// CPU seconds of the processes that this one waited for, in ticks of a hundredth of a second.
fn cpu_of_children() -> f64 {
    let text = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = text.rsplit(')').next().unwrap_or_default().split_whitespace();
    fields.skip(13).take(2).filter_map(|n| n.parse::<f64>().ok()).sum::<f64>() / 100.0
}

/// The floor as a process of its own: the files of a folder, mapped and walked over.
fn walk_mapped(folder: &Path) {
    let four = folder.ends_with("otlp-be32");
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for path in entries.filter_map(|e| Some(e.ok()?.path())) {
        let size = std::fs::metadata(&path).map_or(0, |m| m.len());
        let bytes = Source::on_disk("", "part", size, path).bytes().expect("a file");
        for_frames(&[&bytes[..]], four, walk);
    }
}

/// Whole processes, one after the other: the program, and the floor.
fn whole(folder: &Path) {
    println!("{:<12}{:>16}{:>12}{:>8}", "format", "unbraid CPU s", "walk CPU s", "ratio");
    for format in ["otlp-delim", "otlp-be32"] {
        let folder = folder.join(format);
        if !folder.is_dir() {
            continue;
        }
        let run = |command: &mut Command| {
            let begin = cpu_of_children();
            let done = command.arg(&folder).stdout(Stdio::null()).stderr(Stdio::null()).status().expect("a process");
            assert!(done.success(), "{command:?}: {done}");
            cpu_of_children() - begin
        };
        let this = std::env::current_exe().expect("this program");
        let mut times = [Vec::new(), Vec::new()];
        for _ in 0..RUNS {
            times[0].push(run(Command::new(env!("CARGO_BIN_EXE_unbraid")).args(["check", "-q"])));
            times[1].push(run(Command::new(&this).arg("--walk")));
        }
        let [ours, floor] = times.map(median);
        println!("{format:<12}{ours:>16.2}{floor:>12.2}{:>8.2}", ours / floor.max(0.001));
    }
}

fn peak_megabytes() -> u64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = text.lines().find(|l| l.starts_with("VmHWM")).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|n| n.parse::<u64>().ok()).unwrap_or(0) / 1024
}

/// What is timed, by its name.
type Side<'a> = (&'static str, Box<dyn FnMut() + 'a>);

/// Median CPU seconds; all sides take turns, so that the load of the machine meets them alike.
fn medians(sides: &mut [Side<'_>]) -> Vec<f64> {
    let mut times = vec![Vec::new(); sides.len()];
    for _ in 0..RUNS {
        for ((_, run), times) in sides.iter_mut().zip(&mut times) {
            let begin = cpu();
            run();
            times.push(cpu() - begin);
        }
    }
    times.into_iter().map(median).collect()
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

fn compare(format: &str, files: &[Vec<u8>]) {
    let sources: Vec<Source> = files.iter().map(|f| Source::in_memory("part", f.clone())).collect();
    let sources: Vec<&Source> = sources.iter().collect();
    let spans = traces::read(&sources, Options::default()).traffic.map_or(0, |t| t.ledger["spans"]);
    let ours: Box<dyn FnMut() + '_> = Box::new(|| {
        black_box(traces::read(&sources, Options::default()));
    });
    let mut sides: Vec<Side<'_>> = vec![("ours", ours)];
    match format {
        "otlp-delim" | "otlp-be32" => {
            let four = format == "otlp-be32";
            sides.push(("wire walk", Box::new(move || for_frames(files, four, walk))));
            sides.push((
                "prost decode",
                Box::new(move || {
                    for_frames(files, four, |f| {
                        ExportTraceServiceRequest::decode(f).map_or(0, |r| r.resource_spans.len() as u64)
                    });
                }),
            ));
        }
        "otlp-json" => sides.push(("typed sonic-rs", Box::new(|| typed_lines(files)))),
        "jaeger" => sides.push(("typed sonic-rs", Box::new(|| typed::<Jaeger>(files)))),
        "zipkin" => sides.push(("typed sonic-rs", Box::new(|| typed::<Vec<ZipkinSpan>>(files)))),
        _ => {}
    }
    if std::env::args().any(|a| a == "--ours") {
        sides.truncate(1);
    }
    let times = medians(&mut sides);
    let millions = spans as f64 / 1e6;
    let floors: Vec<String> = sides
        .iter()
        .zip(&times)
        .skip(1)
        .map(|((name, _), time)| format!("{name} {:.3} ({:.2})", time / millions, times[0] / time.max(0.001)))
        .collect();
    println!(
        "{format:<12}{spans:>9}{:>10.3}{:>12.0}  {}",
        times[0] / millions,
        spans as f64 / times[0].max(0.001),
        floors.join(", ")
    );
}

fn for_frames<B: AsRef<[u8]>>(files: &[B], four: bool, mut see: impl FnMut(&[u8]) -> u64) {
    let mut sum = 0;
    for file in files {
        let mut rest = file.as_ref();
        while !rest.is_empty() {
            let n = if four {
                let (head, tail) = rest.split_at(4);
                rest = tail;
                u32::from_be_bytes(head.try_into().expect("four bytes")) as usize
            } else {
                varint(&mut rest) as usize
            };
            let (frame, tail) = rest.split_at(n);
            rest = tail;
            sum += see(frame);
        }
    }
    black_box(sum);
}

fn varint(rest: &mut &[u8]) -> u64 {
    let (mut value, mut shift) = (0, 0);
    loop {
        let (byte, tail) = rest.split_first().expect("a whole file");
        *rest = tail;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return value;
        }
        shift += 7;
    }
}

/// The floor: every field is stepped over but ids, kind, times and the name of the service.
fn walk(bytes: &[u8]) -> u64 {
    let mut sum = 0;
    fields(bytes, |tag, resource_spans| {
        if tag == 0x0a {
            fields(resource_spans, |tag, part| match tag {
                0x0a => fields(part, |tag, pair| {
                    if tag == 0x0a && pair.len() > 14 && &pair[2..14] == b"service.name" {
                        sum += pair.len() as u64;
                    }
                }),
                0x12 => fields(part, |tag, span| {
                    if tag == 0x12 {
                        fields(span, |tag, value| {
                            if matches!(tag, 0x0a | 0x12 | 0x22 | 0x30 | 0x39 | 0x41) {
                                sum = sum.wrapping_add(value.first().map_or(0, |b| u64::from(*b)));
                            }
                        });
                    }
                }),
                _ => {}
            });
        }
    });
    sum
}

#[inline]
fn fields<'a>(bytes: &'a [u8], mut see: impl FnMut(u64, &'a [u8])) {
    let mut rest = bytes;
    while !rest.is_empty() {
        let tag = varint(&mut rest);
        let n = match tag & 7 {
            0 => {
                let before = rest;
                varint(&mut rest);
                see(tag, &before[..before.len() - rest.len()]);
                continue;
            }
            1 => 8,
            5 => 4,
            _ => varint(&mut rest) as usize,
        };
        let (value, tail) = rest.split_at(n);
        rest = tail;
        see(tag, value);
    }
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "decoding is what is timed")]
struct Lines<'a> {
    #[serde(borrow, rename = "resourceSpans")]
    resource_spans: Vec<JsonResourceSpans<'a>>,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "decoding is what is timed")]
struct JsonResourceSpans<'a> {
    #[serde(borrow)]
    resource: JsonResource<'a>,
    #[serde(borrow, rename = "scopeSpans")]
    scope_spans: Vec<JsonScope<'a>>,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "decoding is what is timed")]
struct JsonResource<'a> {
    #[serde(borrow)]
    attributes: Vec<JsonAttribute<'a>>,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "decoding is what is timed")]
struct JsonScope<'a> {
    #[serde(borrow)]
    spans: Vec<JsonSpan<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(dead_code, reason = "decoding is what is timed")]
struct JsonSpan<'a> {
    trace_id: &'a str,
    span_id: &'a str,
    parent_span_id: Option<&'a str>,
    name: std::borrow::Cow<'a, str>,
    kind: u8,
    start_time_unix_nano: &'a str,
    end_time_unix_nano: &'a str,
    #[serde(borrow)]
    attributes: Vec<JsonAttribute<'a>>,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "decoding is what is timed")]
struct JsonAttribute<'a> {
    key: &'a str,
    #[serde(borrow)]
    value: JsonValue<'a>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(dead_code, reason = "decoding is what is timed")]
struct JsonValue<'a> {
    #[serde(borrow)]
    string_value: Option<std::borrow::Cow<'a, str>>,
    int_value: Option<&'a str>,
    bool_value: Option<bool>,
    double_value: Option<f64>,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "decoding is what is timed")]
struct Jaeger<'a> {
    #[serde(borrow)]
    data: Vec<JaegerTrace<'a>>,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "decoding is what is timed")]
struct JaegerTrace<'a> {
    #[serde(borrow)]
    spans: Vec<JaegerSpan<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(dead_code, reason = "decoding is what is timed")]
struct JaegerSpan<'a> {
    #[serde(rename = "traceID")]
    trace_id: &'a str,
    #[serde(rename = "spanID")]
    span_id: &'a str,
    operation_name: std::borrow::Cow<'a, str>,
    start_time: u64,
    duration: u64,
    #[serde(rename = "processID")]
    process_id: &'a str,
    #[serde(borrow)]
    tags: Vec<JaegerTag<'a>>,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "decoding is what is timed")]
struct JaegerTag<'a> {
    key: &'a str,
    #[serde(borrow)]
    value: JaegerValue<'a>,
}

#[derive(Deserialize)]
#[serde(untagged)]
#[expect(dead_code, reason = "decoding is what is timed")]
enum JaegerValue<'a> {
    #[serde(borrow)]
    Text(std::borrow::Cow<'a, str>),
    Bool(bool),
    Number(f64),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(dead_code, reason = "decoding is what is timed")]
struct ZipkinSpan<'a> {
    trace_id: &'a str,
    id: &'a str,
    parent_id: Option<&'a str>,
    name: std::borrow::Cow<'a, str>,
    kind: Option<&'a str>,
    timestamp: u64,
    duration: u64,
    #[serde(borrow)]
    tags: std::collections::HashMap<&'a str, std::borrow::Cow<'a, str>>,
}

fn typed_lines(files: &[Vec<u8>]) {
    for line in files.iter().flat_map(|f| f.split(|b| *b == b'\n')).filter(|l| !l.is_empty()) {
        let lines: Lines<'_> = sonic_rs::from_slice(line).expect("OTLP JSON");
        black_box(&lines);
    }
}

fn typed<'a, T: Deserialize<'a>>(files: &'a [Vec<u8>]) {
    for file in files {
        let all: T = sonic_rs::from_slice(file).expect("JSON of the format");
        black_box(&all);
    }
}

fn text(key: &str, value: String) -> KeyValue {
    let value = Some(AnyValue { value: Some(Value::StringValue(value)) });
    KeyValue { key: key.to_owned(), value, ..KeyValue::default() }
}

/// Pairs of client and server spans with the attributes that instrumentations write.
fn made() -> Vec<(&'static str, Vec<Vec<u8>>)> {
    let span = |n: u64, server: bool| Span {
        trace_id: (u128::from(n / 10) + 1).to_be_bytes().to_vec(),
        span_id: (2 * n + 1 + u64::from(server)).to_be_bytes().to_vec(),
        parent_span_id: if server { (2 * n + 1).to_be_bytes().to_vec() } else { Vec::new() },
        name: format!("GET /orders/of/{}", ["a", "b", "c"][n as usize % 3]),
        kind: if server { 2 } else { 3 },
        start_time_unix_nano: 1_700_000_000_000_000_000 + n,
        end_time_unix_nano: 1_700_000_000_000_900_000 + n,
        attributes: (0..12)
            .map(|i| text(&format!("app.attribute.{i}"), format!("value {n}")))
            .chain([text("server.address", "orders.shop.svc".to_owned())])
            .collect(),
        ..Span::default()
    };
    let request = |from: u64, service: &str, server: bool| ExportTraceServiceRequest {
        resource_spans: vec![ResourceSpans {
            resource: Some(Resource {
                attributes: vec![text("service.name", service.to_owned())],
                ..Resource::default()
            }),
            scope_spans: vec![ScopeSpans {
                spans: (from..from + 500).map(|n| span(n, server)).collect(),
                ..ScopeSpans::default()
            }],
            ..ResourceSpans::default()
        }],
    };
    let (mut wire, mut json) = (Vec::new(), Vec::new());
    for n in 0..200 {
        for (service, server) in [("web", false), ("orders", true)] {
            let request = request(n * 500, service, server);
            wire.extend(request.encode_length_delimited_to_vec());
            json.extend(serde_json::to_vec(&request).expect("JSON"));
            json.push(b'\n');
        }
    }
    vec![("otlp-delim", vec![wire]), ("otlp-json", vec![json])]
}
