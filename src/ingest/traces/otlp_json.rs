//! OTLP in JSON: an object, lines or an array of them; also Tempo's `batches`, Jaeger's `result`, and flat spans.
//!
//! Keys in camel or snake case, kinds and status as number or name, ids as hex, base64 or bytes, numbers as text.

use crate::ingest::fold::{Kind, Sink, SpanView, Value, meaning};

use super::json::{Cursor, Parsed, documents};
use super::{Form, Format, Head, Input};

/// OTLP JSON.
pub const FORMAT: Format = Format { id: "otlp-json", claims, read };

fn claims(head: &Head<'_>) -> Option<Form> {
    let containers = [
        "\"resourceSpans\"",
        "\"resource_spans\"",
        "\"batches\"",
        "\"scopeSpans\"",
        "\"scope_spans\"",
        "\"instrumentationLibrarySpans\"",
        "\"instrumentation_library_spans\"",
    ];
    let flat = head.has("\"trace_id\"") && head.has("\"span_id\"") && head.has("\"start_time_unix_nano\"");
    (head.is_json() && (containers.iter().any(|k| head.has(k)) || flat)).then(|| head.json_form())
}

fn read(input: Input<'_>, sink: &mut Sink<'_>) -> Result<(), String> {
    let mut view = SpanView::default();
    documents(input, |cursor| any(cursor, &mut view, sink, 0))
}

/// Nesting in which resource spans are looked for (`{"result": {"batches": …}}` in an array is three).
const DEEPEST: usize = 5;

/// Looks for resource spans wherever they stand.
fn any<'a>(cursor: &mut Cursor<'a>, view: &mut SpanView<'a>, sink: &mut Sink<'_>, depth: usize) -> Parsed<()> {
    match cursor.peek() {
        _ if depth > DEEPEST => cursor.skip(),
        Some(b'[') => cursor.array(|c| any(c, view, sink, depth + 1)),
        Some(b'{') => object(cursor, view, sink, depth),
        _ => cursor.skip(),
    }
}

/// An object that holds resource spans, is one, or is a span.
fn object<'a>(cursor: &mut Cursor<'a>, view: &mut SpanView<'a>, sink: &mut Sink<'_>, depth: usize) -> Parsed<()> {
    let begin = *cursor;
    let mut service = None;
    let mut later: Vec<Cursor<'a>> = Vec::new();
    let mut flat = false;
    let done = cursor.object(|c, key| match key {
        b"resource" => {
            service = Some(resource(c, sink)?);
            Ok(())
        }
        b"scopeSpans"
        | b"scope_spans"
        | b"instrumentationLibrarySpans"
        | b"instrumentation_library_spans"
        | b"librarySpans" => match service {
            Some(service) => scopes(c, view, sink, service),
            None => {
                // The resource stands behind its spans.
                later.push(*c);
                c.skip()
            }
        },
        b"resourceSpans" | b"resource_spans" | b"batches" | b"result" | b"data" | b"trace" => {
            any(c, view, sink, depth + 1)
        }
        b"trace_id" | b"traceId" => {
            flat = true;
            c.skip()
        }
        _ => c.skip(),
    });
    if !later.is_empty() {
        let service = service.unwrap_or_else(|| sink.service(Value::None));
        for mut cursor in later {
            scopes(&mut cursor, view, sink, service)?;
        }
    }
    done?;
    if flat {
        let mut again = begin;
        let owner = read_span(&mut again, view)?;
        let service = sink.service(owner);
        sink.push(view, service);
    }
    Ok(())
}

fn resource(cursor: &mut Cursor<'_>, sink: &mut Sink<'_>) -> Parsed<u32> {
    let mut name = Value::None;
    cursor.maybe_object(|c, key| match key {
        b"attributes" => attributes(c, |key, c| {
            if key == b"service.name" {
                name = any_value(c)?;
                Ok(())
            } else {
                c.skip()
            }
        }),
        _ => c.skip(),
    })?;
    Ok(sink.service(name))
}

fn scopes<'a>(cursor: &mut Cursor<'a>, view: &mut SpanView<'a>, sink: &mut Sink<'_>, service: u32) -> Parsed<()> {
    cursor.array(|c| {
        c.maybe_object(|c, key| match key {
            b"spans" => c.array(|c| {
                if c.peek() != Some(b'{') {
                    return c.skip();
                }
                read_span(c, view)?;
                sink.push(view, service);
                Ok(())
            }),
            _ => c.skip(),
        })
    })
}

/// Reads a span; gives the name of its service where it carries one itself.
fn read_span<'a>(cursor: &mut Cursor<'a>, view: &mut SpanView<'a>) -> Parsed<Value<'a>> {
    view.clear();
    let (mut start, mut end) = (0u64, 0u64);
    let mut owner = Value::None;
    cursor.object(|c, key| {
        match key {
            b"traceId" | b"trace_id" => view.trace = c.id()?,
            b"spanId" | b"span_id" => view.id = short(c.id()?),
            b"parentSpanId" | b"parent_span_id" => view.parent = short(c.id()?),
            b"name" => view.name = c.scalar()?,
            b"kind" => c.scalar()?.text(|text| view.kind = Kind::from_text(text)),
            b"startTimeUnixNano" | b"start_time_unix_nano" => start = c.number()?,
            b"endTimeUnixNano" | b"end_time_unix_nano" => end = c.number()?,
            b"traceState" | b"trace_state" => c.scalar()?.text(|text| view.trace_state(text)),
            b"serviceName" | b"service_name" => owner = c.scalar()?,
            b"attributes" => attributes(c, |key, c| match meaning(key) {
                Some(what) => {
                    view.take(what, any_value(c)?);
                    Ok(())
                }
                None if key == b"service.name" => {
                    owner = any_value(c)?;
                    Ok(())
                }
                None => c.skip(),
            })?,
            b"links" => c.array(|c| link(c, view))?,
            b"status" => status(c, view)?,
            _ => c.skip()?,
        }
        Ok(())
    })?;
    view.times(start, end);
    Ok(owner)
}

fn short(id: u128) -> u64 {
    u64::try_from(id).unwrap_or(0)
}

fn link(cursor: &mut Cursor<'_>, view: &mut SpanView<'_>) -> Parsed<()> {
    let (mut trace, mut span) = (0, 0);
    cursor.maybe_object(|c, key| {
        match key {
            b"traceId" | b"trace_id" => trace = c.id()?,
            b"spanId" | b"span_id" => span = short(c.id()?),
            _ => c.skip()?,
        }
        Ok(())
    })?;
    view.links.push((trace, span));
    Ok(())
}

fn status(cursor: &mut Cursor<'_>, view: &mut SpanView<'_>) -> Parsed<()> {
    cursor.maybe_object(|c, key| {
        if key != b"code" {
            return c.skip();
        }
        c.scalar()?.text(|code| view.error |= code == b"2" || code.ends_with(b"ERROR"));
        Ok(())
    })
}

/// Attributes: a list of keys and values, or one object. `see` must read the value or step over it.
fn attributes<'a>(cursor: &mut Cursor<'a>, mut see: impl FnMut(&'a [u8], &mut Cursor<'a>) -> Parsed<()>) -> Parsed<()> {
    if cursor.peek() == Some(b'{') {
        return cursor.object(|c, key| see(key, c));
    }
    cursor.array(|c| {
        let mut name: Option<&'a [u8]> = None;
        let mut waiting = None;
        c.maybe_object(|c, key| match key {
            b"key" => {
                if let Value::Text(text) = c.scalar()? {
                    name = Some(text);
                }
                Ok(())
            }
            b"value" => match name {
                Some(name) => see(name, c),
                None => {
                    waiting = Some(*c);
                    c.skip()
                }
            },
            _ => c.skip(),
        })?;
        match (name, waiting) {
            (Some(name), Some(mut value)) => see(name, &mut value),
            _ => Ok(()),
        }
    })
}

/// `{"stringValue": "x"}`, Go's `{"Value": {"StringValue": "x"}}`, or the plain value.
fn any_value<'a>(cursor: &mut Cursor<'a>) -> Parsed<Value<'a>> {
    if cursor.peek() != Some(b'{') {
        return cursor.scalar();
    }
    let mut value = Value::None;
    cursor.object(|c, key| match key {
        b"stringValue" | b"intValue" | b"boolValue" | b"doubleValue" | b"string_value" | b"int_value"
        | b"bool_value" | b"double_value" => {
            value = c.scalar()?;
            Ok(())
        }
        b"Value" | b"value" => c.maybe_object(|c, _| {
            value = c.scalar()?;
            Ok(())
        }),
        _ => c.skip(),
    })?;
    Ok(value)
}
