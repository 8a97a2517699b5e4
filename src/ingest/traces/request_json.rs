//! A request of OTLP in JSON -> the same request in protobuf, so that a receiver keeps and divides one form only.
//!
//! As tolerant as the reader of files: keys in camel or snake case, kinds and status as number or name, ids as hex or
//! base64, numbers as text. What no reader looks at (events, scopes, values that are lists) is left out.

use crate::ingest::fold::{Kind, Value};

use super::json::{Broken, Cursor, Parsed};
use super::request::{put_bytes, put_number, put_varint};

/// Writes a request in JSON as protobuf.
///
/// # Errors
/// What was expected, and where.
pub fn to_protobuf(json: &[u8]) -> Result<Vec<u8>, String> {
    let mut out = Vec::with_capacity(json.len() / 2);
    let mut cursor = Cursor::new(json);
    let done = cursor.object(|c, key| match key {
        b"resourceSpans" | b"resource_spans" => each(c, &mut out, 1, resource_spans),
        _ => c.skip(),
    });
    let ended = done.and_then(|()| match cursor.peek() {
        None => Ok(()),
        Some(_) => Err(Broken { at: cursor.at, expected: "the end" }),
    });
    ended.map_err(|Broken { at, expected }| format!("byte {at}: {expected} was expected"))?;
    Ok(out)
}

/// Writes every element of an array as a field; what is no object is left out.
fn each<'a>(
    cursor: &mut Cursor<'a>,
    out: &mut Vec<u8>,
    number: u64,
    mut write: impl FnMut(&mut Cursor<'a>, &mut Vec<u8>) -> Parsed<()>,
) -> Parsed<()> {
    let mut made = Vec::new();
    cursor.array(|c| {
        if c.peek() != Some(b'{') {
            return c.skip();
        }
        made.clear();
        write(c, &mut made)?;
        put_bytes(out, number, &made);
        Ok(())
    })
}

fn resource_spans(cursor: &mut Cursor<'_>, out: &mut Vec<u8>) -> Parsed<()> {
    cursor.object(|c, key| match key {
        b"resource" => {
            let mut resource = Vec::new();
            c.maybe_object(|c, key| match key {
                b"attributes" => each(c, &mut resource, 1, attribute),
                _ => c.skip(),
            })?;
            put_bytes(out, 1, &resource);
            Ok(())
        }
        b"scopeSpans" | b"scope_spans" | b"instrumentationLibrarySpans" | b"instrumentation_library_spans" => {
            each(c, out, 2, |c, out| {
                c.object(|c, key| match key {
                    b"spans" => each(c, out, 2, span),
                    _ => c.skip(),
                })
            })
        }
        _ => c.skip(),
    })
}

fn span(cursor: &mut Cursor<'_>, out: &mut Vec<u8>) -> Parsed<()> {
    cursor.object(|c, key| {
        match key {
            b"traceId" | b"trace_id" => trace(c, out, 1)?,
            b"spanId" | b"span_id" => id(c, out, 2)?,
            b"traceState" | b"trace_state" => c.scalar()?.text(|text| put_bytes(out, 3, text)),
            b"parentSpanId" | b"parent_span_id" => id(c, out, 4)?,
            b"name" => c.scalar()?.text(|text| put_bytes(out, 5, text)),
            b"kind" => {
                let kind = c.scalar()?.text(Kind::from_text);
                put_number(out, 6, kind as u64);
            }
            b"startTimeUnixNano" | b"start_time_unix_nano" => fixed(out, 7, c.number()?),
            b"endTimeUnixNano" | b"end_time_unix_nano" => fixed(out, 8, c.number()?),
            b"attributes" => each(c, out, 9, attribute)?,
            b"links" => each(c, out, 13, |c, out| {
                c.object(|c, key| match key {
                    b"traceId" | b"trace_id" => trace(c, out, 1),
                    b"spanId" | b"span_id" => id(c, out, 2),
                    _ => c.skip(),
                })
            })?,
            b"status" => c.maybe_object(|c, key| {
                if key != b"code" {
                    return c.skip();
                }
                if c.scalar()?.text(|code| code == b"2" || code.ends_with(b"ERROR")) {
                    put_bytes(out, 15, &[0x18, 2]);
                }
                Ok(())
            })?,
            _ => c.skip()?,
        }
        Ok(())
    })
}

fn trace(cursor: &mut Cursor<'_>, out: &mut Vec<u8>, number: u64) -> Parsed<()> {
    let id = cursor.id()?;
    if id != 0 {
        put_bytes(out, number, &id.to_be_bytes());
    }
    Ok(())
}

fn id(cursor: &mut Cursor<'_>, out: &mut Vec<u8>, number: u64) -> Parsed<()> {
    let id = u64::try_from(cursor.id()?).unwrap_or(0);
    if id != 0 {
        put_bytes(out, number, &id.to_be_bytes());
    }
    Ok(())
}

fn fixed(out: &mut Vec<u8>, number: u64, n: u64) {
    put_varint(out, number << 3 | 1);
    out.extend_from_slice(&n.to_le_bytes());
}

/// Key and value, in any order.
fn attribute(cursor: &mut Cursor<'_>, out: &mut Vec<u8>) -> Parsed<()> {
    let mut made = Vec::new();
    cursor.object(|c, key| match key {
        b"key" => {
            c.scalar()?.text(|text| put_bytes(out, 1, text));
            Ok(())
        }
        b"value" => {
            made.clear();
            value(c, &mut made)
        }
        _ => c.skip(),
    })?;
    put_bytes(out, 2, &made);
    Ok(())
}

/// `{"stringValue": "x"}`; a plain value counts as what it looks like.
fn value(cursor: &mut Cursor<'_>, out: &mut Vec<u8>) -> Parsed<()> {
    if cursor.peek() != Some(b'{') {
        scalar(cursor.scalar()?, "", out);
        return Ok(());
    }
    cursor.object(|c, key| {
        let kind = match key {
            b"stringValue" | b"string_value" => "text",
            b"intValue" | b"int_value" => "int",
            b"doubleValue" | b"double_value" => "double",
            b"boolValue" | b"bool_value" => "bool",
            _ => return c.skip(),
        };
        scalar(c.scalar()?, kind, out);
        Ok(())
    })
}

/// What is not of its kind is written as the text that it is: the reader of files takes it so, too.
fn scalar(value: Value<'_>, kind: &str, out: &mut Vec<u8>) {
    let text = match value {
        Value::None => return,
        Value::Bool(on) => return put_number(out, 2, u64::from(on)),
        other => other.text(|text| String::from_utf8_lossy(text).into_owned()),
    };
    if kind == "int"
        && let Ok(n) = text.parse::<i64>()
    {
        put_number(out, 3, n as u64);
    } else if kind == "double"
        && let Ok(n) = text.parse::<f64>()
    {
        fixed(out, 4, n.to_bits());
    } else {
        put_bytes(out, 1, text.as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ingest::traces::request::{Checked, check};

    #[test]
    fn json_becomes_protobuf() {
        let json = br#"{"resourceSpans": [{"resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "a"}}]},
            "scopeSpans": [{"spans": [{"traceId": "0102030405060708090a0b0c0d0e0f10", "spanId": "0102030405060708", "kind": 2,
            "attributes": [{"value": {"intValue": "-5"}, "key": "n"}]}, {"name": "no id"}, null]}]}], "more": [1]}"#;
        let request = to_protobuf(json).expect("JSON");
        assert_eq!(check(&request), Some(Checked { spans: 2, without_ids: 1 }));
        assert_eq!(to_protobuf(b"{}").as_deref(), Ok(&b""[..]));
        for broken in [&b"{\"resourceSpans\": [{]"[..], b"", b"[]", b"{} x", b"{\"a\": "] {
            assert!(to_protobuf(broken).is_err(), "{}", String::from_utf8_lossy(broken));
        }
    }
}
