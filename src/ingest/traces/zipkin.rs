//! Zipkin's JSON: version 2, and version 1 with its annotations.

use serde_json::Value;

use super::json;
use super::span::{Batch, Kind, Span};
use super::{Format, Head};

/// Zipkin JSON.
pub const FORMAT: Format = Format { id: "zipkin", claims, read };

fn claims(head: &Head<'_>) -> bool {
    let span = head.has("\"traceId\"") && head.has("\"id\"");
    head.is_json()
        && span
        && (head.has("localEndpoint")
            || head.has("\"annotations\"")
            || head.has("binaryAnnotations")
            || head.has("remoteEndpoint"))
}

fn read(bytes: &[u8], batch: &mut Batch) -> Result<(), String> {
    json::documents(bytes, |document| any(document, batch, 0))
}

fn any(value: &Value, batch: &mut Batch, depth: usize) {
    match value {
        _ if depth > 3 => {}
        Value::Array(parts) => parts.iter().for_each(|p| any(p, batch, depth + 1)),
        Value::Object(_) if value["binaryAnnotations"].is_array() || is_version_1(value) => version_1(value, batch),
        Value::Object(_) if value["id"].is_string() => version_2(value, batch),
        _ => {}
    }
}

fn is_version_1(value: &Value) -> bool {
    value["annotations"].as_array().is_some_and(|a| a.iter().any(|a| a["endpoint"].is_object()))
}

fn base(value: &Value, batch: &mut Batch) -> Span {
    let trace = value["traceId"].as_str().unwrap_or_default();
    Span {
        trace: super::span::id_of(trace).unwrap_or(0),
        id: json::id(&value["id"]) as u64,
        parent: json::id(&value["parentId"]) as u64,
        kind: Kind::Internal,
        name: batch.strings.intern(value["name"].as_str().unwrap_or_default()),
        duration: json::number(&value["duration"]).unwrap_or(0).saturating_mul(1_000),
        ..Span::default()
    }
}

fn version_2(value: &Value, batch: &mut Batch) {
    let mut span = base(value, batch);
    if let Some(kind) = value["kind"].as_str() {
        span.kind = Kind::from_name(kind);
    }
    span.shared = value["shared"] == true;
    span.service = batch.strings.intern(value["localEndpoint"]["serviceName"].as_str().unwrap_or_default());
    if let Some(tags) = value["tags"].as_object() {
        for (key, tag) in tags.iter().filter(|(k, _)| Batch::wants(k.as_bytes()) && *k != "span.kind") {
            batch.attribute(&mut span, key, &json::text(tag));
        }
        // The tag "error" marks an error whatever it says.
        span.error |= tags.contains_key("error");
    }
    remote(&mut span, &value["remoteEndpoint"], batch);
    batch.push(span);
}

/// The other side names a peer only if it occurs in the input.
fn remote(span: &mut Span, endpoint: &Value, batch: &mut Batch) {
    if let Some(name) = endpoint["serviceName"].as_str().filter(|n| !n.is_empty())
        && span.peer == 0
    {
        span.peer = batch.strings.intern(name);
        span.weak_peer = true;
        if span.messaging == 0 && matches!(span.kind, Kind::Producer | Kind::Consumer) {
            span.messaging = span.peer;
        }
    }
}

/// `cs`/`cr` make a client, `sr`/`ss` a server; a span with all four is both halves.
fn version_1(value: &Value, batch: &mut Batch) {
    let mut halves: Vec<(Kind, String, u64, u64)> = Vec::new();
    for annotation in value["annotations"].as_array().into_iter().flatten() {
        let kind = match annotation["value"].as_str() {
            Some("cs" | "cr") => Kind::Client,
            Some("sr" | "ss") => Kind::Server,
            Some("ms") => Kind::Producer,
            Some("mr") => Kind::Consumer,
            _ => continue,
        };
        let service = annotation["endpoint"]["serviceName"].as_str().unwrap_or_default();
        let at = json::number(&annotation["timestamp"]).unwrap_or(0);
        match halves.iter_mut().find(|(k, ..)| *k == kind) {
            Some((_, _, first, last)) => (*first, *last) = ((*first).min(at), (*last).max(at)),
            None => halves.push((kind, service.to_owned(), at, at)),
        }
    }
    let both = halves.len() > 1;
    let local =
        value["binaryAnnotations"].as_array().into_iter().flatten().find_map(|b| b["endpoint"]["serviceName"].as_str());
    if halves.is_empty() {
        halves.push((Kind::Internal, local.unwrap_or_default().to_owned(), 0, 0));
    }
    for (kind, service, first, last) in halves {
        let mut span = base(value, batch);
        span.kind = kind;
        span.shared = both && kind == Kind::Server;
        span.service = batch.strings.intern(&service);
        if last > first {
            span.duration = (last - first).saturating_mul(1_000);
        }
        for binary in value["binaryAnnotations"].as_array().into_iter().flatten() {
            let Some(key) = binary["key"].as_str() else { continue };
            if matches!((key, kind), ("sa", Kind::Client)) {
                remote(&mut span, &binary["endpoint"], batch);
            } else if Batch::wants(key.as_bytes()) {
                batch.attribute(&mut span, key, &json::text(&binary["value"]));
            }
        }
        batch.push(span);
    }
}
