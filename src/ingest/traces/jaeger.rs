//! Jaeger's JSON: the answer of its query service, one trace, or an array of traces.

use std::collections::BTreeMap;

use serde_json::Value;

use super::json;
use super::span::{Batch, Span};
use super::{Format, Head};

/// Jaeger JSON.
pub const FORMAT: Format = Format { id: "jaeger", claims, read };

fn claims(head: &Head<'_>) -> bool {
    head.is_json()
        && head.has("\"traceID\"")
        && (head.has("\"spans\"") || head.has("\"operationName\"") || head.has("\"processes\""))
}

fn read(bytes: &[u8], batch: &mut Batch) -> Result<(), String> {
    json::documents(bytes, |document| any(document, batch, 0))
}

fn any(value: &Value, batch: &mut Batch, depth: usize) {
    match value {
        _ if depth > 3 => {}
        Value::Array(parts) => parts.iter().for_each(|p| any(p, batch, depth + 1)),
        Value::Object(_) if value["spans"].is_array() => trace(value, batch),
        Value::Object(_) if value["operationName"].is_string() => span(value, &BTreeMap::new(), batch),
        Value::Object(_) => any(&value["data"], batch, depth + 1),
        _ => {}
    }
}

fn trace(value: &Value, batch: &mut Batch) {
    let processes: BTreeMap<&str, &str> = value["processes"]
        .as_object()
        .into_iter()
        .flatten()
        .filter_map(|(id, p)| Some((id.as_str(), p["serviceName"].as_str()?)))
        .collect();
    for one in value["spans"].as_array().into_iter().flatten() {
        span(one, &processes, batch);
    }
}

fn span(value: &Value, processes: &BTreeMap<&str, &str>, batch: &mut Batch) {
    let process = value["processID"].as_str().and_then(|id| processes.get(id).copied());
    let service = process.or_else(|| value["process"]["serviceName"].as_str()).unwrap_or_default();
    let trace = json::id(&value["traceID"]);
    let mut span = Span {
        trace,
        id: json::id(&value["spanID"]) as u64,
        parent: json::id(&value["parentSpanID"]) as u64,
        service: batch.strings.intern(service),
        name: batch.strings.intern(value["operationName"].as_str().unwrap_or_default()),
        duration: json::number(&value["duration"]).unwrap_or(0).saturating_mul(1_000),
        ..Span::default()
    };
    for reference in value["references"].as_array().into_iter().flatten() {
        let to = (json::id(&reference["traceID"]), json::id(&reference["spanID"]) as u64);
        if reference["refType"] == "FOLLOWS_FROM" || to.0 != trace {
            span.links.push(to);
        } else {
            span.parent = to.1;
        }
    }
    for tag in value["tags"].as_array().into_iter().flatten() {
        let Some(key) = tag["key"].as_str().filter(|k| Batch::wants(k.as_bytes())) else { continue };
        batch.attribute(&mut span, key, &json::text(&tag["value"]));
    }
    // A span with a kind beside it in the trace and none itself is internal; without any it stays unspecified.
    batch.push(span);
}
