//! Traces: the wire walk against the official types, every format of the same spans alike, any order and split alike,
//! broken input never a panic, and the generated sets with known truth where they are at hand.

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value::Value};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status, span::Link};
use proptest::prelude::*;
use prost::Message;

use unbraid::files::Source;
use unbraid::ingest::traces;
use unbraid::model::{Relation, Traffic};

fn text(key: &str, value: &str) -> KeyValue {
    let value = Some(AnyValue { value: Some(Value::StringValue(value.to_owned())) });
    KeyValue { key: key.to_owned(), value, ..KeyValue::default() }
}

/// One span: service, id, parent, kind, attributes.
#[derive(Debug, Clone)]
struct Made {
    service: &'static str,
    trace: u8,
    id: u8,
    parent: u8,
    kind: i32,
    attributes: Vec<(&'static str, &'static str)>,
    link: Option<(u8, u8)>,
    failed: bool,
}

fn trace_id(n: u8) -> Vec<u8> {
    [vec![0xab; 15], vec![n]].concat()
}

fn span_id(n: u8) -> Vec<u8> {
    [vec![0xcd; 7], vec![n]].concat()
}

fn request(spans: &[Made]) -> ExportTraceServiceRequest {
    let resource_spans = spans
        .iter()
        .map(|made| ResourceSpans {
            resource: Some(Resource { attributes: vec![text("service.name", made.service)], ..Resource::default() }),
            scope_spans: vec![ScopeSpans { spans: vec![span(made)], ..ScopeSpans::default() }],
            ..ResourceSpans::default()
        })
        .collect();
    ExportTraceServiceRequest { resource_spans }
}

fn span(made: &Made) -> Span {
    Span {
        trace_id: trace_id(made.trace),
        span_id: span_id(made.id),
        parent_span_id: if made.parent == 0 { Vec::new() } else { span_id(made.parent) },
        name: format!("op{}", made.id),
        kind: made.kind,
        start_time_unix_nano: 1_000,
        end_time_unix_nano: 1_000 + 5_000 * u64::from(made.id),
        attributes: made.attributes.iter().map(|(k, v)| text(k, v)).collect(),
        links: made
            .link
            .iter()
            .map(|(t, s)| Link { trace_id: trace_id(*t), span_id: span_id(*s), ..Link::default() })
            .collect(),
        status: Some(Status { code: if made.failed { 2 } else { 0 }, ..Status::default() }),
        ..Span::default()
    }
}

fn story() -> Vec<Made> {
    let plain = |service, trace, id, parent, kind| Made {
        service,
        trace,
        id,
        parent,
        kind,
        attributes: Vec::new(),
        link: None,
        failed: false,
    };
    let kafka = vec![("messaging.system", "kafka"), ("messaging.destination.name", "orders")];
    vec![
        plain("web", 1, 1, 0, 2),
        plain("web", 1, 2, 1, 1),
        Made { attributes: vec![("server.address", "orders")], ..plain("web", 1, 3, 2, 3) },
        plain("web", 1, 9, 3, 1),
        Made { failed: true, ..plain("orders", 1, 4, 9, 2) },
        Made {
            attributes: vec![("db.system", "postgresql"), ("db.name", "shop"), ("net.peer.name", "db")],
            ..plain("orders", 1, 5, 4, 3)
        },
        Made { attributes: kafka.clone(), ..plain("orders", 1, 6, 4, 4) },
        Made { attributes: kafka, link: Some((1, 6)), ..plain("mail", 2, 7, 0, 5) },
        Made { attributes: vec![("server.address", "api.pay.com")], ..plain("orders", 1, 8, 4, 3) },
    ]
}

fn read(files: Vec<(&str, Vec<u8>)>) -> Traffic {
    let sources: Vec<Source> = files.into_iter().map(|(name, bytes)| Source::in_memory(name, bytes)).collect();
    let claimed: Vec<&Source> = sources.iter().filter(|s| traces::claims(s)).collect();
    assert_eq!(claimed.len(), sources.len(), "a file is not recognised");
    let mut traffic = traces::read(&claimed).traffic.expect("spans");
    for row in &mut traffic.rows {
        row.file.clear();
    }
    traffic
}

#[test]
fn a_story_becomes_its_rows() {
    let traffic = read(vec![("a", request(&story()).encode_to_vec())]);
    let rows: Vec<(Relation, &str, &str, &str)> = traffic.rows.iter().map(|r| r.key()).collect();
    assert_eq!(
        rows,
        [
            (Relation::Sync, "web", "orders", "http"),
            (Relation::Db, "orders", "postgresql:shop@db", "postgresql"),
            (Relation::External, "orders", "api.pay.com", "http"),
            (Relation::Publish, "orders", "orders", "kafka"),
            (Relation::Consume, "orders", "mail", "kafka"),
            (Relation::AsyncLink, "orders", "mail", "kafka"),
        ]
    );
    let ledger: u64 = traffic.ledger.iter().filter(|(k, _)| *k != "spans").map(|(_, n)| n).sum();
    assert_eq!(ledger, traffic.ledger["spans"]);
}

#[test]
fn every_framing_and_json_say_the_same() {
    let request = request(&story());
    let bare = request.encode_to_vec();
    let framed = [&(bare.len() as u32).to_be_bytes()[..], &bare].concat();
    let delimited = request.encode_length_delimited_to_vec();
    let json = serde_json::to_vec(&request).expect("JSON");
    let expected = read(vec![("a", bare.clone())]);
    for (name, bytes) in [("framed", framed), ("delimited", delimited), ("json", json)] {
        assert_eq!(read(vec![(name, bytes)]), expected, "{name}");
    }
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut packed, &bare).expect("packed");
    assert_eq!(read(vec![("gzip", packed.finish().expect("packed"))]), expected);
    assert_eq!(read(vec![("zstd", zstd::encode_all(&bare[..], 1).expect("packed"))]), expected);
}

#[test]
fn a_cut_tail_is_read_up_to_the_break_and_told() {
    let bytes = request(&story()).encode_to_vec();
    let source = Source::in_memory("cut", bytes[..bytes.len() - 40].to_vec());
    assert!(traces::claims(&source) || bytes.len() < 60);
    let outcome = traces::read(&[&source]);
    if let Some(traffic) = outcome.traffic {
        assert!(traffic.ledger["spans"] >= 5);
    }
    let framed = [request(&story()).encode_length_delimited_to_vec(), vec![0x7f, 0x0a, 0x10, 0x0a]].concat();
    let source = Source::in_memory("tail", framed);
    let outcome = traces::read(&[&source]);
    assert_eq!((outcome.notes.len(), outcome.traffic.expect("spans").ledger["spans"]), (1, 9));
}

proptest! {
    /// Any order, and any split among files, gives the same rows and the same ledger.
    #[test]
    fn order_and_split_do_not_matter(mut order in Just((0..9usize).collect::<Vec<_>>()).prop_shuffle(), cut in 1usize..8) {
        let spans = story();
        let expected = read(vec![("a", request(&spans).encode_to_vec())]);
        let shuffled: Vec<Made> = order.drain(..).map(|i| spans[i].clone()).collect();
        let (left, right) = shuffled.split_at(cut);
        let split = read(vec![("a", request(left).encode_to_vec()), ("b", request(right).encode_to_vec())]);
        prop_assert_eq!(split, expected);
    }

    /// Random bytes, also behind a good start, never panic.
    #[test]
    fn random_bytes_are_data(tail in proptest::collection::vec(any::<u8>(), 0..400), keep in 0usize..600) {
        let mut bytes = request(&story()).encode_to_vec();
        bytes.truncate(keep);
        bytes.extend(tail);
        let source = Source::in_memory("x", bytes);
        drop(traces::read(&[&source]));
    }
}

/// The generated sets: every row equal to the truth, in every format that can carry it.
#[test]
fn generated_sets_equal_their_truth() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/traces/gen");
    if !root.is_dir() {
        eprintln!("skipped: no generated traces beside the repository");
        return;
    }
    for set in ["small-seed1", "hard-seed2"] {
        let folder = root.join(set);
        let truth: serde_json::Value =
            serde_json::from_slice(&std::fs::read(folder.join("truth.json")).expect("truth")).expect("JSON");
        for format in ["otlp-be32", "otlp-delim", "otlp-json", "jaeger", "zipkin"] {
            let mut files: Vec<_> = std::fs::read_dir(&folder)
                .expect("the set")
                .map(|e| e.expect("an entry").path())
                .filter(|p| p.file_name().is_some_and(|n| n.to_string_lossy().starts_with(&format!("{format}-part"))))
                .collect();
            files.sort();
            let files = files.iter().map(|p| ("part", std::fs::read(p).expect("read"))).collect();
            compare(&truth, &read(files), &format!("{set} {format}"), format == "zipkin");
        }
    }
}

fn compare(truth: &serde_json::Value, traffic: &Traffic, what: &str, no_links: bool) {
    let mut wanted: Vec<String> = Vec::new();
    for (relation, rows) in truth["edges"].as_object().expect("edges") {
        for row in rows.as_array().expect("rows").iter().filter(|_| !(no_links && relation == "async_link")) {
            wanted.push(format!(
                "{relation} {} {} {} {} {} {}",
                row["source"], row["target"], row["protocol"], row["calls"], row["errors"], row["duration_us"]
            ));
        }
    }
    let mut have: Vec<String> = Vec::new();
    for row in &traffic.rows {
        let value = serde_json::to_value(row).expect("JSON");
        let relation = value["relation"].as_str().expect("a relation").replace('-', "_");
        have.push(format!(
            "{relation} {} {} {} {} {} {}",
            value["source"], value["target"], value["protocol"], value["calls"], value["errors"], value["duration_us"]
        ));
    }
    wanted.sort();
    have.sort();
    assert_eq!(have, wanted, "{what}");
}
