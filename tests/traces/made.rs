//! Spans made by hand, and written in every format.

use std::io::Write;

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value::Value};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status, span::Link};
use prost::Message;
use serde_json::json;

use unbraid::config::TraceColumns;
use unbraid::files::Source;
use unbraid::ingest::traces::{self, Options, Outcome};
use unbraid::model::{Relation, Traffic};

/// Kinds as OTLP numbers them.
pub const INTERNAL: i32 = 1;
pub const SERVER: i32 = 2;
pub const CLIENT: i32 = 3;
pub const PRODUCER: i32 = 4;
pub const CONSUMER: i32 = 5;

/// One span.
#[derive(Debug, Clone, PartialEq)]
pub struct Made {
    pub service: String,
    pub trace: u128,
    pub id: u64,
    pub parent: u64,
    pub kind: i32,
    pub name: String,
    /// Microseconds.
    pub start: u64,
    pub duration: u64,
    pub attributes: Vec<(String, String)>,
    pub links: Vec<(u128, u64)>,
    pub failed: bool,
}

impl Made {
    pub fn new(service: &str, trace: u128, id: u64, parent: u64, kind: i32) -> Self {
        Self {
            service: service.to_owned(),
            trace,
            id,
            parent,
            kind,
            name: "op".to_owned(),
            start: 1_760_000_000_000_000 + 10 * id,
            duration: 1_000,
            attributes: Vec::new(),
            links: Vec::new(),
            failed: false,
        }
    }

    pub fn with(mut self, key: &str, value: &str) -> Self {
        self.attributes.push((key.to_owned(), value.to_owned()));
        self
    }

    pub fn named(mut self, name: &str) -> Self {
        self.name = name.to_owned();
        self
    }

    pub fn at(mut self, start: u64, duration: u64) -> Self {
        (self.start, self.duration) = (1_760_000_000_000_000 + start, duration);
        self
    }

    pub fn linked(mut self, trace: u128, id: u64) -> Self {
        self.links.push((trace, id));
        self
    }

    pub fn failed(mut self) -> Self {
        self.failed = true;
        self
    }

    pub fn topic(self, system: &str, topic: &str) -> Self {
        self.with("messaging.system", system).with("messaging.destination.name", topic)
    }
}

fn text(key: &str, value: &str) -> KeyValue {
    let value = Some(AnyValue { value: Some(Value::StringValue(value.to_owned())) });
    KeyValue { key: key.to_owned(), value, ..KeyValue::default() }
}

fn otlp_span(made: &Made) -> Span {
    Span {
        trace_id: made.trace.to_be_bytes().to_vec(),
        span_id: made.id.to_be_bytes().to_vec(),
        parent_span_id: if made.parent == 0 { Vec::new() } else { made.parent.to_be_bytes().to_vec() },
        name: made.name.clone(),
        kind: made.kind,
        start_time_unix_nano: made.start * 1_000,
        end_time_unix_nano: (made.start + made.duration) * 1_000,
        attributes: made.attributes.iter().map(|(k, v)| text(k, v)).collect(),
        links: made
            .links
            .iter()
            .map(|(t, s)| Link {
                trace_id: t.to_be_bytes().to_vec(),
                span_id: s.to_be_bytes().to_vec(),
                ..Link::default()
            })
            .collect(),
        status: Some(Status { code: if made.failed { 2 } else { 0 }, ..Status::default() }),
        ..Span::default()
    }
}

/// A request of the official types.
pub fn request(spans: &[Made]) -> ExportTraceServiceRequest {
    let resource_spans = spans
        .iter()
        .map(|made| ResourceSpans {
            resource: Some(Resource { attributes: vec![text("service.name", &made.service)], ..Resource::default() }),
            scope_spans: vec![ScopeSpans { spans: vec![otlp_span(made)], ..ScopeSpans::default() }],
            ..ResourceSpans::default()
        })
        .collect();
    ExportTraceServiceRequest { resource_spans }
}

pub fn otlp(spans: &[Made]) -> Vec<u8> {
    request(spans).encode_to_vec()
}

pub fn otlp_json(spans: &[Made]) -> Vec<u8> {
    serde_json::to_vec(&request(spans)).expect("JSON")
}

const KINDS: [&str; 6] = ["", "internal", "server", "client", "producer", "consumer"];

pub fn jaeger(spans: &[Made]) -> Vec<u8> {
    let mut processes = serde_json::Map::new();
    let spans: Vec<serde_json::Value> = spans
        .iter()
        .map(|made| {
            processes.insert(format!("p-{}", made.service), json!({"serviceName": made.service, "tags": []}));
            let trace = format!("{:032x}", made.trace);
            let mut references = Vec::new();
            if made.parent != 0 {
                let parent = format!("{:016x}", made.parent);
                references.push(json!({"refType": "CHILD_OF", "traceID": trace, "spanID": parent}));
            }
            for (to, id) in &made.links {
                references.push(json!({"refType": "FOLLOWS_FROM", "traceID": format!("{to:032x}"),
                    "spanID": format!("{id:016x}")}));
            }
            let mut tags: Vec<serde_json::Value> =
                made.attributes.iter().map(|(k, v)| json!({"key": k, "type": "string", "value": v})).collect();
            if made.kind != 0 {
                tags.push(json!({"key": "span.kind", "type": "string", "value": KINDS[made.kind as usize]}));
            }
            if made.failed {
                tags.push(json!({"key": "error", "type": "bool", "value": true}));
            }
            json!({"traceID": trace, "spanID": format!("{:016x}", made.id), "operationName": made.name,
                "references": references, "startTime": made.start, "duration": made.duration, "tags": tags,
                "processID": format!("p-{}", made.service)})
        })
        .collect();
    serde_json::to_vec(&json!({"data": [{"traceID": "1", "spans": spans, "processes": processes}]})).expect("JSON")
}

/// Zipkin has no links.
pub fn zipkin(spans: &[Made]) -> Vec<u8> {
    let spans: Vec<serde_json::Value> = spans
        .iter()
        .map(|made| {
            let mut tags: serde_json::Map<String, serde_json::Value> =
                made.attributes.iter().map(|(k, v)| (k.clone(), json!(v))).collect();
            if made.failed {
                tags.insert("error".to_owned(), json!(""));
            }
            let mut span = json!({"traceId": format!("{:032x}", made.trace), "id": format!("{:016x}", made.id),
                "name": made.name, "timestamp": made.start, "duration": made.duration,
                "localEndpoint": {"serviceName": made.service}, "tags": tags});
            if made.parent != 0 {
                span["parentId"] = json!(format!("{:016x}", made.parent));
            }
            if made.kind > INTERNAL {
                span["kind"] = json!(KINDS[made.kind as usize].to_uppercase());
            }
            span
        })
        .collect();
    serde_json::to_vec(&spans).expect("JSON")
}

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(bytes).expect("packed");
    packed.finish().expect("packed")
}

pub fn claims(source: &Source) -> bool {
    traces::claims(source, &TraceColumns::default())
}

pub fn outcome(bytes: Vec<u8>) -> Outcome {
    traces::read(&[&Source::in_memory("input", bytes)], Options::default())
}

/// Reads files, with nothing to complain about.
pub fn read(files: Vec<(&str, Vec<u8>)>) -> Traffic {
    read_with(files, Options::default())
}

pub fn read_with(files: Vec<(&str, Vec<u8>)>, options: Options<'_>) -> Traffic {
    let sources: Vec<Source> = files.into_iter().map(|(name, bytes)| Source::in_memory(name, bytes)).collect();
    let claimed: Vec<&Source> = sources.iter().filter(|s| claims(s)).collect();
    assert_eq!(claimed.len(), sources.len(), "a file is not recognised");
    let outcome = traces::read(&claimed, options);
    assert!(outcome.notes.is_empty(), "{:?}", outcome.notes);
    without_files(outcome.traffic.expect("spans"))
}

/// Which file stands for a row depends on the files.
pub fn without_files(mut traffic: Traffic) -> Traffic {
    for row in &mut traffic.rows {
        row.file.clear();
    }
    for act in &mut traffic.acts {
        act.file.clear();
    }
    traffic
}

pub fn of(spans: &[Made]) -> Traffic {
    read(vec![("spans", otlp(spans))])
}

/// `relation source -> target protocol xcalls`, one for each row.
pub fn rows(traffic: &Traffic) -> Vec<String> {
    let name = |relation: &Relation| serde_json::to_value(relation).expect("JSON").as_str().expect("text").to_owned();
    traffic
        .rows
        .iter()
        .map(|r| format!("{} {} -> {} {} x{}", name(&r.relation), r.source, r.target, r.protocol, r.calls))
        .collect()
}

/// The sum of all parts of the ledger is the number of spans.
pub fn assert_ledger(traffic: &Traffic, spans: u64) {
    let parts: u64 = traffic.ledger.iter().filter(|(k, _)| *k != "spans").map(|(_, n)| n).sum();
    assert_eq!((traffic.ledger["spans"], parts), (spans, spans), "{:?}", traffic.ledger);
}
