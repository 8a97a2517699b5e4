//! Zipkin's JSON: version 2, and version 1 with its annotations.

use crate::ingest::fold::{Kind, Sink, SpanView, Value, meaning};

use super::json::{Cursor, Parsed, documents, whole};
use super::{Form, Format, Head, Input};

/// Zipkin JSON.
pub const FORMAT: Format = Format { id: "zipkin", claims, read };

fn claims(head: &Head<'_>) -> Option<Form> {
    let marks = ["localEndpoint", "remoteEndpoint", "\"annotations\"", "binaryAnnotations"];
    let span = head.has("\"traceId\"") && head.has("\"id\"") && marks.iter().any(|m| head.has(m));
    // The least that a span of version 2 has.
    let least = head.has("\"traceId\"") && head.has("\"id\"") && head.has("\"timestamp\"");
    (head.is_json() && (span || least)).then(|| head.json_form())
}

fn read(input: Input<'_>, sink: &mut Sink<'_>) -> Result<(), String> {
    let mut view = SpanView::default();
    documents(input, |cursor| any(cursor, &mut view, sink, 0))
}

fn any<'a>(cursor: &mut Cursor<'a>, view: &mut SpanView<'a>, sink: &mut Sink<'_>, depth: usize) -> Parsed<()> {
    match cursor.peek() {
        Some(b'[') if depth < 4 => cursor.array(|c| any(c, view, sink, depth + 1)),
        Some(b'{') => span(cursor, view, sink),
        _ => cursor.skip(),
    }
}

/// What is known of a span beside its view.
#[derive(Default)]
struct Beside<'a> {
    service: Value<'a>,
    duration: u64,
    timestamp: u64,
    kind: Option<Kind>,
    error: bool,
    /// Version 1: kind, service, first and last annotation.
    halves: Vec<(Kind, Value<'a>, u64, u64)>,
    /// Version 1: the address of the server, as the client knows it.
    server: Value<'a>,
    /// Version 1: the service that a local annotation names.
    local: Value<'a>,
}

fn span<'a>(cursor: &mut Cursor<'a>, view: &mut SpanView<'a>, sink: &mut Sink<'_>) -> Parsed<()> {
    view.clear();
    let mut beside = Beside::default();
    cursor.object(|c, key| {
        match key {
            b"traceId" => view.trace = c.id()?,
            b"id" => view.id = c.id()? as u64,
            b"parentId" => view.parent = c.id()? as u64,
            b"name" => view.name = c.scalar()?,
            b"kind" => beside.kind = c.scalar()?.text(|text| Some(Kind::from_text(text))),
            b"timestamp" => beside.timestamp = c.number()?,
            b"duration" => match c.scalar()? {
                Value::Text(text) if text.first() == Some(&b'-') => view.negative = true,
                value => beside.duration = whole(value).unwrap_or(0),
            },
            b"localEndpoint" => beside.service = c.scalar_of(b"serviceName")?,
            b"remoteEndpoint" => {
                let name = c.scalar_of(b"serviceName")?;
                view.weak_peer(name);
            }
            b"shared" => view.shared = c.scalar()?.truth(),
            b"tags" => c.maybe_object(|c, key| {
                let value = c.scalar()?;
                // The tag "error" marks an error whatever it says.
                beside.error |= key == b"error";
                if key != b"span.kind" {
                    view.attribute(key, || value);
                }
                Ok(())
            })?,
            b"annotations" => annotations(c, &mut beside)?,
            b"binaryAnnotations" => binary_annotations(c, view, &mut beside)?,
            _ => c.skip()?,
        }
        Ok(())
    })?;
    give(view, &beside, sink);
    Ok(())
}

/// One span, or the two halves of one of version 1.
fn give<'a>(view: &mut SpanView<'a>, beside: &Beside<'a>, sink: &mut Sink<'_>) {
    view.error |= beside.error;
    view.start = beside.timestamp.saturating_mul(1_000);
    view.duration = beside.duration.saturating_mul(1_000);
    if beside.halves.is_empty() || beside.kind.is_some() {
        view.kind = beside.kind.unwrap_or(Kind::Internal);
        let name = if beside.service.is_empty() { beside.local } else { beside.service };
        let service = sink.service(name);
        return sink.push(view, service);
    }
    let both = beside.halves.len() > 1;
    for (kind, name, first, last) in &beside.halves {
        view.kind = *kind;
        view.shared = both && *kind == Kind::Server;
        if last > first {
            view.duration = (last - first).saturating_mul(1_000);
        }
        if *first > 0 {
            view.start = first.saturating_mul(1_000);
        }
        if *kind == Kind::Client {
            view.weak_peer(beside.server);
        }
        let service = sink.service(*name);
        sink.push(view, service);
    }
}

/// `cs`/`cr` make a client, `sr`/`ss` a server; a span with all four is both halves.
fn annotations<'a>(cursor: &mut Cursor<'a>, beside: &mut Beside<'a>) -> Parsed<()> {
    cursor.array(|c| {
        let (mut what, mut at, mut service, mut endpoint) = (Value::None, 0, Value::None, false);
        c.maybe_object(|c, key| {
            match key {
                b"value" => what = c.scalar()?,
                b"timestamp" => at = c.number()?,
                b"endpoint" => {
                    endpoint = true;
                    service = c.scalar_of(b"serviceName")?;
                }
                _ => c.skip()?,
            }
            Ok(())
        })?;
        let kind = match what {
            Value::Text(b"cs" | b"cr") => Kind::Client,
            Value::Text(b"sr" | b"ss") => Kind::Server,
            Value::Text(b"ms") => Kind::Producer,
            Value::Text(b"mr") => Kind::Consumer,
            _ => {
                if beside.local.is_empty() {
                    beside.local = service;
                }
                return Ok(());
            }
        };
        if endpoint {
            match beside.halves.iter_mut().find(|(k, ..)| *k == kind) {
                Some((_, _, first, last)) => (*first, *last) = ((*first).min(at), (*last).max(at)),
                None => beside.halves.push((kind, service, at, at)),
            }
        }
        Ok(())
    })
}

fn binary_annotations<'a>(cursor: &mut Cursor<'a>, view: &mut SpanView<'a>, beside: &mut Beside<'a>) -> Parsed<()> {
    cursor.array(|c| {
        let (mut name, mut value, mut service) = (Value::None, Value::None, Value::None);
        c.maybe_object(|c, key| {
            match key {
                b"key" => name = c.scalar()?,
                b"value" => value = c.scalar()?,
                b"endpoint" => service = c.scalar_of(b"serviceName")?,
                _ => c.skip()?,
            }
            Ok(())
        })?;
        match name {
            Value::Text(b"sa") => beside.server = service,
            Value::Text(b"ca" | b"ma") => {}
            Value::Text(key) => {
                beside.error |= key == b"error";
                if let Some(what) = meaning(key).filter(|_| key != b"span.kind") {
                    view.take(what, value);
                }
                if beside.local.is_empty() {
                    beside.local = service;
                }
            }
            _ => {}
        }
        Ok(())
    })
}
