//! OTLP in protobuf, walked on the wire without building a tree: bare requests, varint-delimited ones, and the
//! four-byte length frames of the collector's file exporter.
//!
//! Field numbers are those of opentelemetry/proto/trace/v1/trace.proto; the library opentelemetry-proto is the
//! oracle in tests. A truncated tail is read up to the break.

use crate::files::soon;
use crate::ingest::fold::{Draft, Kind, Sink, SpanView, Value, meaning, of_bytes};

use super::wire::{Field, Wire, walk};
use super::{Form, Format, Head, Input};

/// Bytes by which the memory is asked for spans before they are read (measured: 2 to 8 KiB do alike).
const AHEAD: usize = 4 << 10;

/// OTLP protobuf.
pub const FORMAT: Format = Format { id: "otlp", claims, read };

fn claims(head: &Head<'_>) -> Option<Form> {
    if let [a, b, c, d, rest @ ..] = head.bytes {
        let n = u64::from(u32::from_be_bytes([*a, *b, *c, *d]));
        // Of a packed file the size is not known; a request of 256 MiB has not been seen.
        let fits = n > 0 && n.saturating_add(4) <= head.size && n < 1 << 28;
        if fits && (looks_like_request(rest, n) || super::is_packed(rest)) {
            return Some(Form::LengthFrames);
        }
    }
    if looks_like_request(head.bytes, head.size) {
        return Some(Form::Fields);
    }
    let mut wire = Wire::new(head.bytes);
    let n = wire.varint()?;
    (n > 0 && n <= head.size && looks_like_request(wire.rest(), n)).then_some(Form::VarintFrames)
}

/// A request starts with a ResourceSpans, which starts with a Resource, a ScopeSpans or a schema URL.
fn looks_like_request(bytes: &[u8], size: u64) -> bool {
    let mut wire = Wire::new(bytes);
    let mut inside = |tags: &[u8], size: u64| -> Option<u64> {
        let tag = wire.byte()?;
        let n = wire.varint()?;
        (tags.contains(&tag) && n.saturating_add(2) <= size).then_some(n)
    };
    let Some(n) = inside(&[0x0a], size).filter(|n| *n > 0) else { return false };
    let Some(inner) = inside(&[0x0a, 0x12, 0x1a], n) else { return false };
    // A Resource holds attributes (0x0a) or a count (0x10); a ScopeSpans a scope (0x0a) or spans (0x12).
    inner == 0 || wire.rest().first().is_none_or(|next| matches!(next, 0x0a | 0x10 | 0x12 | 0x1a | b'h'))
}

fn read(input: Input<'_>, sink: &mut Sink<'_>) -> Result<(), String> {
    super::frames(input, |frame| {
        let (mut view, mut draft) = (SpanView::default(), sink.draft());
        walk(frame, |number, field| match (number, field) {
            (1, Field::Bytes(resource) | Field::Cut(resource)) => resource_spans(resource, &mut view, &mut draft, sink),
            _ => Some(()),
        })
    })
}

fn resource_spans<'a>(
    bytes: &'a [u8],
    view: &mut SpanView<'a>,
    draft: &mut Draft<'a>,
    sink: &mut Sink<'_>,
) -> Option<()> {
    let mut name = Value::None;
    // The resource may stand behind the spans: it is looked for first.
    walk(bytes, |number, field| {
        if let (1, Field::Bytes(resource)) = (number, field) {
            name = service_name(resource).unwrap_or(name);
        }
        Some(())
    });
    let service = sink.service(name);
    walk(bytes, |number, field| match (number, field) {
        // 1000 is the old instrumentation_library_spans.
        (2 | 1000, Field::Bytes(scope) | Field::Cut(scope)) => scope_spans(scope, service, view, draft, sink),
        _ => Some(()),
    })
}

/// What a resource says that its service is called.
fn service_name(resource: &[u8]) -> Option<Value<'_>> {
    let mut name = None;
    let mut see = |key: &[u8], pair| {
        if key == b"service.name" {
            name = Some(value_of(pair));
        }
    };
    let left = short_attributes::<0x0a>(resource, &mut see);
    walk(left, |number, field| {
        if let (1, Field::Bytes(pair)) = (number, field)
            && let Some((key, _)) = key_value(pair)
        {
            see(key, pair);
        }
        Some(())
    });
    name
}

fn scope_spans<'a>(
    bytes: &'a [u8],
    service: u32,
    view: &mut SpanView<'a>,
    draft: &mut Draft<'a>,
    sink: &mut Sink<'_>,
) -> Option<()> {
    let mut wire = Wire::new(bytes);
    while let Some(tag) = wire.byte() {
        if tag == 0x12 {
            let span = wire.bytes()?;
            soon(span, AHEAD);
            draft.clear();
            let in_order = read_span(span, view, |kind, key, pair, _| draft.attribute(kind, key, pair, value_of))?;
            if !in_order {
                // What was of no matter to one kind may be to the other.
                draft.give_up();
            }
            let print = draft.print(view, service);
            if !sink.push_met(view, print) {
                // It was walked before: there is no break.
                let _ = read_span(span, view, attribute);
                sink.push_new(view, service, print);
            }
        } else {
            wire.back();
            wire.next()?;
        }
    }
    Some(())
}

/// Walks over a span; its attributes are left to `attribute`, each by its key and the whole pair. Says whether its kind
/// stands before them, as encoders write it.
#[inline]
fn read_span<'a>(
    bytes: &'a [u8],
    view: &mut SpanView<'a>,
    mut attribute: impl FnMut(Kind, &'a [u8], &'a [u8], &mut SpanView<'a>),
) -> Option<bool> {
    view.clear();
    let (mut attributes, mut in_order) = (false, true);
    let mut wire = Wire::new(bytes);
    ids(&mut wire, view);
    let (mut start, mut end) = name_to_end(&mut wire, view).unwrap_or_default();
    while let Some(tag) = wire.byte() {
        match tag {
            0x0a => view.trace = of_bytes(wire.bytes()?),
            0x12 => view.id = id(wire.bytes()?),
            0x1a => view.trace_state(wire.bytes()?),
            0x22 => view.parent = id(wire.bytes()?),
            0x2a => view.name = Value::Text(wire.bytes()?),
            0x30 => {
                view.kind = Kind::from_number(wire.varint()?);
                in_order &= !attributes;
            }
            0x39 => start = wire.fixed64()?,
            0x41 => end = wire.fixed64()?,
            0x4a => {
                attributes = true;
                let kind = view.kind;
                // A step inside a service is a step whatever its attributes say.
                let matters = kind != Kind::Internal || view.parent == 0;
                wire.back();
                let rest = wire.rest();
                let left = match matters {
                    true => short_attributes::<0x4a>(rest, |key, pair| attribute(kind, key, pair, view)),
                    false => short_attributes::<0x4a>(rest, |_, _| ()),
                };
                wire.skip(rest.len() - left.len());
                if left.first() == Some(&0x4a) {
                    wire.byte()?;
                    let pair = wire.bytes()?;
                    if matters {
                        attribute(kind, key_value(pair).map_or(b"", |(key, _)| key), pair, view);
                    }
                }
            }
            // Events.
            0x5a => {
                wire.bytes()?;
            }
            0x6a => link(wire.bytes()?, view),
            0x7a => status(wire.bytes()?, view),
            // Flags, the one field that nearly every span has beyond these.
            0x85 if wire.rest().first() == Some(&0x01) => {
                wire.take(5)?;
            }
            _ => {
                wire.back();
                wire.next()?;
            }
        }
    }
    view.times(start, end);
    Some(in_order)
}

/// The ids as every encoder writes them: first, in order, of their full length. Whatever else is left where it is.
#[inline]
fn ids(wire: &mut Wire<'_>, view: &mut SpanView<'_>) {
    let long = |bytes: &[u8]| bytes.first_chunk::<8>().map_or(0, |b| u64::from_be_bytes(*b));
    let rest = wire.rest();
    let Some(head) = rest.first_chunk::<28>() else { return };
    if head[..2] != [0x0a, 16] || head[18..20] != [0x12, 8] {
        return;
    }
    view.trace = u128::from(long(&head[2..])) << 64 | u128::from(long(&head[10..]));
    view.id = long(&head[20..]);
    wire.skip(28);
    if let Some(parent) = rest[28..].first_chunk::<10>()
        && parent[..2] == [0x22, 8]
    {
        view.parent = long(&parent[2..]);
        wire.skip(10);
    }
}

/// Name, kind, start and end as every encoder writes them behind the ids: in order, the name short. Gives start and
/// end; nothing, and whatever stands there is left, if they are not so.
#[inline]
fn name_to_end<'a>(wire: &mut Wire<'a>, view: &mut SpanView<'a>) -> Option<(u64, u64)> {
    let [0x2a, n @ 0..0x80, rest @ ..] = wire.rest() else { return None };
    let (name, rest) = rest.split_at_checked(usize::from(*n))?;
    let [0x30, kind @ 0..0x80, 0x39, times @ ..] = rest.first_chunk::<20>()? else { return None };
    let (start, [0x41, end @ ..]) = times.split_first_chunk::<8>()? else { return None };
    view.name = Value::Text(name);
    view.kind = Kind::from_number(u64::from(*kind));
    wire.skip(2 + name.len() + 20);
    Some((u64::from_le_bytes(*start), u64::from_le_bytes(*end.first_chunk()?)))
}

fn id(bytes: &[u8]) -> u64 {
    if bytes.len() > 8 { 0 } else { of_bytes(bytes) as u64 }
}

/// Attributes as every encoder writes them, in fields of a tag: a short key first, a short value. Gives what is left.
#[inline]
fn short_attributes<'a, const TAG: u32>(bytes: &'a [u8], mut see: impl FnMut(&'a [u8], &'a [u8])) -> &'a [u8] {
    let mut rest = bytes;
    // The field, its length, the key's field, its length.
    while let Some((head, tail)) = rest.split_first_chunk::<4>() {
        let [_, n, _, k] = *head;
        let usual = u32::from_le_bytes(*head) & 0x80ff_80ff == 0x000a_0000 | TAG;
        let Some((pair, next)) = rest[2..].split_at_checked(usize::from(n)).filter(|_| usual) else { break };
        let Some(key) = tail.get(..usize::from(k)).filter(|_| k + 2 <= n) else { break };
        see(key, pair);
        rest = next;
    }
    rest
}

fn value_of(pair: &[u8]) -> Value<'_> {
    key_value(pair).map_or(Value::None, |(_, value)| any_value(value))
}

fn attribute<'a>(_kind: Kind, key: &'a [u8], pair: &'a [u8], view: &mut SpanView<'a>) {
    if let Some(what) = meaning(key) {
        view.take(what, value_of(pair));
    }
}

fn link(bytes: &[u8], view: &mut SpanView<'_>) {
    let (mut trace, mut span) = (0, 0);
    walk(bytes, |number, field| {
        match (number, field) {
            (1, Field::Bytes(b)) => trace = of_bytes(b),
            (2, Field::Bytes(b)) => span = id(b),
            _ => {}
        }
        Some(())
    });
    view.links.push((trace, span));
}

fn status(bytes: &[u8], view: &mut SpanView<'_>) {
    // As encoders write it: nothing, or a code alone.
    match bytes {
        [] => return,
        [0x18, code] => return view.error |= *code == 2,
        _ => {}
    }
    walk(bytes, |number, field| {
        if let (3, Field::Varint(code)) = (number, field) {
            view.error |= code == 2;
        }
        Some(())
    });
}

/// Key and value of an attribute, the value unread.
#[inline]
fn key_value(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    // As every encoder writes it: key, then value, both short.
    if let [0x0a, n, rest @ ..] = bytes
        && *n < 0x80
        && let Some((key, [0x12, m, value @ ..])) = rest.split_at_checked(usize::from(*n))
        && *m < 0x80
        && value.len() == usize::from(*m)
    {
        return Some((key, value));
    }
    let (mut key, mut value): (&[u8], &[u8]) = (b"", b"");
    walk(bytes, |number, field| {
        match (number, field) {
            (1, Field::Bytes(k)) => key = k,
            (2, Field::Bytes(v)) => value = v,
            _ => {}
        }
        Some(())
    })?;
    Some((key, value))
}

fn any_value(bytes: &[u8]) -> Value<'_> {
    // A short text, as most are.
    if let [0x0a, n, text @ ..] = bytes
        && *n < 0x80
        && text.len() == usize::from(*n)
    {
        return Value::Text(text);
    }
    match Wire::new(bytes).next() {
        Some(Some((1, Field::Bytes(text)))) => Value::Text(text),
        Some(Some((2, Field::Varint(b)))) => Value::Bool(b != 0),
        Some(Some((3, Field::Varint(n)))) => Value::Int(n as i64),
        Some(Some((4, Field::Fixed64(bits)))) => Value::Double(f64::from_bits(bits)),
        _ => Value::None,
    }
}
