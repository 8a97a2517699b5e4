//! Spans as lines of separated values with a head that names the columns (`traces: columns:` of `unbraid.yaml` for
//! names of one's own).
//!
//! Such files often carry no kinds: an edge is then inferred where the parent belongs to another service.

use crate::ingest::fold::{Sink, SpanView, Value};

use super::columns::Columns;
use super::{Form, Format, Head, Input};

/// CSV.
pub const FORMAT: Format = Format { id: "csv", claims, read };

fn separator(line: &[u8]) -> u8 {
    let count = |b: u8| line.iter().filter(|x| **x == b).count();
    [b',', b'\t', b';'].into_iter().max_by_key(|b| (count(*b), *b == b',')).unwrap_or(b',')
}

fn first_line(bytes: &[u8]) -> &[u8] {
    let bytes = bytes.strip_prefix(&[0xEF, 0xBB, 0xBF]).unwrap_or(bytes);
    bytes.split(|b| *b == b'\n').next().unwrap_or_default()
}

fn claims(head: &Head<'_>) -> Option<Form> {
    let line = first_line(head.bytes);
    if line.len() > 4_096 || line.contains(&0) {
        return None;
    }
    let fields = fields(line, separator(line));
    let names: Vec<String> = fields.iter().map(|f| f.text(|t| String::from_utf8_lossy(t).trim().to_owned())).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    (names.len() >= 4 && Columns::find(&names, head.columns).is_ok()).then_some(Form::Whole)
}

fn read(input: Input<'_>, sink: &mut Sink<'_>) -> Result<(), String> {
    let bytes = input.bytes.strip_prefix(&[0xEF, 0xBB, 0xBF]).unwrap_or(input.bytes);
    let head = first_line(bytes);
    let separator = separator(head);
    let names: Vec<String> =
        fields(head, separator).iter().map(|f| f.text(|t| String::from_utf8_lossy(t).trim().to_owned())).collect();
    let columns = Columns::find(&names.iter().map(String::as_str).collect::<Vec<_>>(), input.columns)?;
    let mut view = SpanView::default();
    let (mut short, mut first_short) = (0u64, 0usize);
    let mut rest = bytes.get(head.len() + 1..).unwrap_or_default();
    let mut line = 1usize;
    while !rest.is_empty() {
        let end = record_end(rest);
        let record = &rest[..end];
        rest = rest.get(end + 1..).unwrap_or_default();
        line += 1;
        if record.trim_ascii().is_empty() {
            continue;
        }
        let row = fields(record, separator);
        if row.len() < names.len() {
            short += 1;
            first_short = if first_short == 0 { line } else { first_short };
            sink.reject("rejected_short_line");
            continue;
        }
        let service = columns.view(&mut view, |at| row.get(at).copied().unwrap_or_default());
        for (name, value) in names.iter().zip(&row) {
            super::columns::attribute(&mut view, name.as_bytes(), *value);
        }
        let service = sink.service(service);
        sink.push(&view, service);
    }
    match short {
        0 => Ok(()),
        n => Err(format!("{n} lines have too few fields, the first is record {first_short}; the others were read")),
    }
}

/// Where a record ends: at a line's end outside of quotes. A quote that never closes ends with its line.
fn record_end(bytes: &[u8]) -> usize {
    let plain = memchr::memchr(b'\n', bytes).unwrap_or(bytes.len());
    let line = &bytes[..plain];
    if memchr::memchr(b'"', line).is_none() {
        return plain;
    }
    let mut quoted = false;
    for (at, byte) in bytes.iter().enumerate().take(1 << 20) {
        match byte {
            b'"' => quoted = !quoted,
            b'\n' if !quoted => return at,
            _ => {}
        }
    }
    if quoted { plain } else { bytes.len().min(1 << 20) }
}

/// Fields of a record; quotes protect separators, a doubled quote inside of them stays doubled (ids and names have
/// none).
fn fields(line: &[u8], separator: u8) -> Vec<Value<'_>> {
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let mut all = Vec::new();
    let (mut from, mut quoted) = (0, false);
    for at in 0..=line.len() {
        match line.get(at) {
            Some(b'"') => quoted = !quoted,
            Some(b) if *b == separator && !quoted => {
                all.push(field(&line[from..at]));
                from = at + 1;
            }
            None => all.push(field(&line[from..])),
            _ => {}
        }
    }
    all
}

fn field(text: &[u8]) -> Value<'_> {
    let text = text.trim_ascii();
    let inner = text.strip_prefix(b"\"").and_then(|t| t.strip_suffix(b"\"")).unwrap_or(text);
    Value::Text(inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_protect_separators_and_line_ends() {
        assert_eq!(fields(b"a,\"b,c\",d\r", b','), [Value::Text(b"a"), Value::Text(b"b,c"), Value::Text(b"d")]);
        assert_eq!(record_end(b"a,\"b\nc\",d\ne"), 9);
        assert_eq!(record_end(b"a,\"b\nc"), 4);
        assert_eq!(separator(b"a;b;c"), b';');
    }
}
