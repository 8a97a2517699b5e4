//! OTLP in JSON: an object, lines or an array of them; also Tempo's `batches` and Jaeger v3's `result`.

use serde_json::Value;

use super::json::{self, get};
use super::span::{Batch, Kind, Span};
use super::{Format, Head};

/// OTLP JSON.
pub const FORMAT: Format = Format { id: "otlp-json", claims, read };

fn claims(head: &Head<'_>) -> bool {
    head.is_json()
        && [
            "resourceSpans",
            "resource_spans",
            "\"batches\"",
            "scopeSpans",
            "scope_spans",
            "instrumentationLibrarySpans",
        ]
        .iter()
        .any(|k| head.has(k))
}

fn read(bytes: &[u8], batch: &mut Batch) -> Result<(), String> {
    json::documents(bytes, |document| any(document, batch, 0))
}

/// Looks for resource spans wherever they stand.
fn any(value: &Value, batch: &mut Batch, depth: usize) {
    if depth > 4 {
        return;
    }
    match value {
        Value::Array(parts) => parts.iter().for_each(|p| any(p, batch, depth + 1)),
        Value::Object(_) => {
            let mut found = false;
            for key in ["resourceSpans", "batches"] {
                for resource in get(value, key).as_array().into_iter().flatten() {
                    resource_spans(resource, batch);
                    found = true;
                }
            }
            if !get(value, "scopeSpans").is_null() || !get(value, "instrumentationLibrarySpans").is_null() {
                resource_spans(value, batch);
                found = true;
            }
            if !found {
                for key in ["result", "data", "trace"] {
                    any(get(value, key), batch, depth + 1);
                }
            }
        }
        _ => {}
    }
}

fn resource_spans(resource: &Value, batch: &mut Batch) {
    let mut service = 0;
    for attribute in get(get(resource, "resource"), "attributes").as_array().into_iter().flatten() {
        if attribute["key"] == "service.name" {
            service = batch.strings.intern(&any_text(get(attribute, "value")));
        }
    }
    for key in ["scopeSpans", "instrumentationLibrarySpans", "librarySpans"] {
        for scope in get(resource, key).as_array().into_iter().flatten() {
            for span in get(scope, "spans").as_array().into_iter().flatten() {
                read_span(span, service, batch);
            }
        }
    }
}

/// `{"stringValue": "x"}`, or the plain value.
fn any_text(value: &Value) -> String {
    for key in ["stringValue", "intValue", "boolValue", "doubleValue"] {
        let found = get(value, key);
        if !found.is_null() {
            return json::text(found);
        }
    }
    // Some exporters write the oneof by its Go name.
    let inner =
        value.get("Value").map_or(value, |v| v.get("StringValue").or_else(|| v.get("string_value")).unwrap_or(v));
    json::text(inner)
}

fn read_span(value: &Value, service: u32, batch: &mut Batch) {
    let kind = get(value, "kind");
    let mut span = Span {
        trace: json::id(get(value, "traceId")),
        id: json::id(get(value, "spanId")) as u64,
        parent: json::id(get(value, "parentSpanId")) as u64,
        kind: kind.as_str().map_or_else(|| Kind::from_number(json::number(kind).unwrap_or(0)), kind_of),
        service,
        ..Span::default()
    };
    span.name = batch.strings.intern(get(value, "name").as_str().unwrap_or_default());
    let time = |key: &str| json::number(get(value, key)).unwrap_or(0);
    span.duration = time("endTimeUnixNano").saturating_sub(time("startTimeUnixNano"));
    let code = get(get(value, "status"), "code");
    span.error = json::number(code) == Some(2) || code.as_str().is_some_and(|c| c.ends_with("ERROR"));
    for attribute in get(value, "attributes").as_array().into_iter().flatten() {
        let Some(key) = attribute["key"].as_str().filter(|k| Batch::wants(k.as_bytes())) else { continue };
        batch.attribute(&mut span, key, &any_text(get(attribute, "value")));
    }
    for link in get(value, "links").as_array().into_iter().flatten() {
        span.links.push((json::id(get(link, "traceId")), json::id(get(link, "spanId")) as u64));
    }
    batch.push(span);
}

fn kind_of(text: &str) -> Kind {
    text.parse().map_or_else(|_| Kind::from_name(text), Kind::from_number)
}
