//! Ratios in one run: the wire walk with its fold against the official decoder alone, and the sample from end to end.
//!
//! Run with `cargo bench`; quote ratios, never one absolute figure.

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
