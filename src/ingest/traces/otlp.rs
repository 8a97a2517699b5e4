//! OTLP in protobuf, walked on the wire without building a tree: bare requests, varint-delimited ones, and the
//! four-byte length frames of the collector's file exporter.
//!
//! Field numbers are those of opentelemetry/proto/trace/v1/trace.proto; the library opentelemetry-proto is the
//! oracle in tests. A truncated tail is read up to the break.

use super::span::{Batch, Kind, Span};
use super::{Format, Head};

/// OTLP protobuf.
pub const FORMAT: Format = Format { id: "otlp", claims, read };

/// How requests follow each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Framing {
    Bare,
    Varint,
    FourBytes,
}

fn claims(head: &Head<'_>) -> bool {
    framing(head.bytes, head.size).is_some()
}

fn framing(bytes: &[u8], size: u64) -> Option<Framing> {
    if let [a, b, c, d, rest @ ..] = bytes {
        let n = u64::from(u32::from_be_bytes([*a, *b, *c, *d]));
        if n > 0 && n + 4 <= size && (looks_like_request(rest, n) || rest.starts_with(&super::ZSTD)) {
            return Some(Framing::FourBytes);
        }
    }
    if looks_like_request(bytes, size) {
        return Some(Framing::Bare);
    }
    let mut wire = Wire { bytes, at: 0 };
    let n = wire.varint()?;
    (n > 0 && n < size.saturating_add(1) && looks_like_request(&bytes[wire.at..], n)).then_some(Framing::Varint)
}

/// A request starts with a ResourceSpans, which starts with a Resource, a ScopeSpans or a schema URL.
fn looks_like_request(bytes: &[u8], size: u64) -> bool {
    let mut wire = Wire { bytes, at: 0 };
    if bytes.first() != Some(&0x0a) {
        return false;
    }
    wire.at = 1;
    let Some(n) = wire.varint() else { return false };
    if n == 0 || n + wire.at as u64 > size {
        return false;
    }
    let Some(tag) = wire.bytes.get(wire.at).copied() else { return false };
    if !matches!(tag, 0x0a | 0x12 | 0x1a) {
        return false;
    }
    wire.at += 1;
    let Some(inner) = wire.varint() else { return false };
    if inner > n {
        return false;
    }
    // A Resource holds attributes (0x0a) or a count (0x10); a ScopeSpans a scope (0x0a) or spans (0x12).
    match wire.bytes.get(wire.at) {
        Some(next) if inner > 0 => matches!(next, 0x0a | 0x10 | 0x12 | 0x1a | b'h'),
        _ => true,
    }
}

fn read(bytes: &[u8], batch: &mut Batch) -> Result<(), String> {
    let framing = framing(bytes, bytes.len() as u64).ok_or("not OTLP after all")?;
    let mut wire = Wire { bytes, at: 0 };
    while wire.at < bytes.len() {
        let start = wire.at;
        let frame = match framing {
            Framing::Bare => wire.rest(),
            Framing::Varint => wire.varint().and_then(|n| wire.take(n)),
            Framing::FourBytes => wire.take(4).and_then(|b| {
                let n = u32::from_be_bytes([b[0], b[1], b[2], b[3]]);
                wire.take(u64::from(n))
            }),
        };
        let (frame, whole) = match frame {
            Some(frame) => (frame, true),
            // The last frame is cut: what is there is read.
            None => (&bytes[(start + if framing == Framing::FourBytes { 4 } else { 1 }).min(bytes.len())..], false),
        };
        let unpacked = if frame.starts_with(&super::ZSTD) { Some(super::unzstd(frame)?) } else { None };
        let done = request(unpacked.as_deref().unwrap_or(frame), batch);
        if !whole || done.is_none() {
            return Err(format!("broken at byte {start} or after it; what stands before was read"));
        }
    }
    Ok(())
}

/// A cursor over wire bytes.
struct Wire<'b> {
    bytes: &'b [u8],
    at: usize,
}

/// A field: number and value.
enum Field<'b> {
    Varint(u64),
    Fixed64(u64),
    Bytes(&'b [u8]),
    Other,
}

impl<'b> Wire<'b> {
    fn varint(&mut self) -> Option<u64> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = *self.bytes.get(self.at)?;
            self.at += 1;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }

    fn take(&mut self, n: u64) -> Option<&'b [u8]> {
        let end = self.at.checked_add(usize::try_from(n).ok()?)?;
        let part = self.bytes.get(self.at..end)?;
        self.at = end;
        Some(part)
    }

    fn rest(&mut self) -> Option<&'b [u8]> {
        let part = self.bytes.get(self.at..)?;
        self.at = self.bytes.len();
        Some(part)
    }

    /// The next field; `Some(None)` at the end, `None` at a break.
    fn next(&mut self) -> Option<Option<(u64, Field<'b>)>> {
        if self.at >= self.bytes.len() {
            return Some(None);
        }
        let tag = self.varint()?;
        let value = match tag & 7 {
            0 => Field::Varint(self.varint()?),
            1 => Field::Fixed64(u64::from_le_bytes(self.take(8)?.try_into().ok()?)),
            2 => {
                let n = self.varint()?;
                Field::Bytes(self.take(n)?)
            }
            5 => {
                self.take(4)?;
                Field::Other
            }
            _ => return None,
        };
        Some(Some((tag >> 3, value)))
    }
}

/// Reads a message field by field; a part that is cut off at the end is still given, and the break reported.
fn walk<'b>(bytes: &'b [u8], mut see: impl FnMut(u64, Field<'b>) -> Option<()>) -> Option<()> {
    let mut wire = Wire { bytes, at: 0 };
    loop {
        let start = wire.at;
        match wire.next() {
            Some(Some((number, field))) => see(number, field)?,
            Some(None) => return Some(()),
            None => {
                // A length that reaches beyond the end: its content, as far as it is there.
                let mut cut = Wire { bytes, at: start };
                if let Some(tag) = cut.varint()
                    && tag & 7 == 2
                    && cut.varint().is_some()
                {
                    see(tag >> 3, Field::Bytes(&bytes[cut.at..]));
                }
                return None;
            }
        }
    }
}

fn request(bytes: &[u8], batch: &mut Batch) -> Option<()> {
    walk(bytes, |number, field| match (number, field) {
        (1, Field::Bytes(resource)) => resource_spans(resource, batch),
        _ => Some(()),
    })
}

fn resource_spans(bytes: &[u8], batch: &mut Batch) -> Option<()> {
    let mut service = 0;
    // The resource may stand behind the spans: it is looked for first.
    walk(bytes, |number, field| {
        if let (1, Field::Bytes(resource)) = (number, field) {
            walk(resource, |number, field| {
                if let (1, Field::Bytes(pair)) = (number, field)
                    && let Some((key, value)) = key_value(pair)
                    && key == b"service.name"
                {
                    service = batch.strings.intern(&value.text());
                }
                Some(())
            });
        }
        Some(())
    });
    walk(bytes, |number, field| match (number, field) {
        // 1000 is the old instrumentation_library_spans.
        (2 | 1000, Field::Bytes(scope)) => walk(scope, |number, field| match (number, field) {
            (2, Field::Bytes(span)) => read_span(span, service, batch),
            _ => Some(()),
        }),
        _ => Some(()),
    })
}

fn read_span(bytes: &[u8], service: u32, batch: &mut Batch) -> Option<()> {
    let mut span = Span { service, ..Span::default() };
    let (mut start, mut end) = (0u64, 0u64);
    let whole = walk(bytes, |number, field| {
        match (number, field) {
            (1, Field::Bytes(id)) => span.trace = number_of(id),
            (2, Field::Bytes(id)) => span.id = number_of(id) as u64,
            (4, Field::Bytes(id)) => span.parent = number_of(id) as u64,
            (5, Field::Bytes(name)) => span.name = batch.strings.intern(&String::from_utf8_lossy(name)),
            (6, Field::Varint(kind)) => span.kind = Kind::from_number(kind),
            (7, Field::Fixed64(t)) => start = t,
            (8, Field::Fixed64(t)) => end = t,
            (9, Field::Bytes(pair)) => {
                if let Some((key, value)) = key_value(pair)
                    && Batch::wants(key)
                    && let Ok(key) = std::str::from_utf8(key)
                {
                    batch.attribute(&mut span, key, &value.text());
                }
            }
            (13, Field::Bytes(link)) => {
                let (mut trace, mut id) = (0, 0);
                walk(link, |number, field| {
                    match (number, field) {
                        (1, Field::Bytes(b)) => trace = number_of(b),
                        (2, Field::Bytes(b)) => id = number_of(b) as u64,
                        _ => {}
                    }
                    Some(())
                });
                span.links.push((trace, id));
            }
            (15, Field::Bytes(status)) => {
                walk(status, |number, field| {
                    if let (3, Field::Varint(code)) = (number, field) {
                        span.error |= code == 2;
                    }
                    Some(())
                });
            }
            _ => {}
        }
        Some(())
    });
    whole?;
    span.duration = end.saturating_sub(start);
    batch.push(span);
    Some(())
}

fn number_of(bytes: &[u8]) -> u128 {
    if bytes.len() > 16 { 0 } else { bytes.iter().fold(0, |n, b| n << 8 | u128::from(*b)) }
}

/// An attribute value, as text when it is wanted.
enum AnyValue<'b> {
    Text(&'b [u8]),
    Int(u64),
    Bool(bool),
    Other,
}

impl<'b> AnyValue<'b> {
    fn text(&self) -> std::borrow::Cow<'b, str> {
        match self {
            Self::Text(bytes) => String::from_utf8_lossy(bytes),
            Self::Int(n) => (*n as i64).to_string().into(),
            Self::Bool(value) => value.to_string().into(),
            Self::Other => "".into(),
        }
    }
}

fn key_value(bytes: &[u8]) -> Option<(&[u8], AnyValue<'_>)> {
    let (mut key, mut value): (&[u8], AnyValue<'_>) = (b"", AnyValue::Other);
    walk(bytes, |number, field| {
        match (number, field) {
            (1, Field::Bytes(k)) => key = k,
            (2, Field::Bytes(any)) => {
                let mut inner = Wire { bytes: any, at: 0 };
                value = match inner.next() {
                    Some(Some((1, Field::Bytes(text)))) => AnyValue::Text(text),
                    Some(Some((2, Field::Varint(b)))) => AnyValue::Bool(b != 0),
                    Some(Some((3, Field::Varint(n)))) => AnyValue::Int(n),
                    _ => AnyValue::Other,
                };
            }
            _ => {}
        }
        Some(())
    })?;
    Some((key, value))
}
