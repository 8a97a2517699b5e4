//! One request of OTLP in protobuf, as a receiver takes it: checked on the wire before it is acknowledged, divided by
//! trace when traces are closed, and read as a file's is. Knows no transport.

use crate::config::TraceColumns;
use crate::ingest::fold::{Sink, of_bytes};

use super::wire::{Field, Wire, walk};
use super::{Form, Input, otlp};

/// What a request holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Checked {
    /// Spans.
    pub spans: u64,
    /// Those of them that lack the id of their trace or their own: they are counted, and part of no edge.
    pub without_ids: u64,
}

/// Checks that a request can be read to its end, and counts its spans; `None` if it is broken.
#[must_use]
pub fn check(request: &[u8]) -> Option<Checked> {
    let mut checked = Checked::default();
    each_span(request, |span| {
        checked.spans += 1;
        checked.without_ids += u64::from(!has_ids(span)?);
        Some(())
    })?;
    Some(checked)
}

/// Does a span have both ids? `None` if it is broken, or says the id of its trace twice.
fn has_ids(span: &[u8]) -> Option<bool> {
    let mut wire = Wire::new(span);
    let (mut trace, mut id) = (None, false);
    while let Some(tag) = wire.byte() {
        match tag {
            0x0a if trace.is_some() => return None,
            0x0a => trace = Some(of_bytes(wire.bytes()?) != 0),
            0x12 => {
                let bytes = wire.bytes()?;
                id = bytes.len() <= 8 && of_bytes(bytes) != 0;
            }
            // The bulk of a span: attributes, events, name.
            0x4a | 0x5a | 0x2a => {
                wire.bytes()?;
            }
            _ => {
                wire.back();
                wire.next()?;
            }
        }
    }
    Some(id && trace == Some(true))
}

/// Calls `see` with every span; `None` where the request or `see` breaks.
fn each_span<'r>(request: &'r [u8], mut see: impl FnMut(&'r [u8]) -> Option<()>) -> Option<()> {
    walk(request, |number, field| match (number, field) {
        (1, Field::Bytes(resource)) => walk(resource, |number, field| match (number, field) {
            // 1000 is the old instrumentation_library_spans.
            (2 | 1000, Field::Bytes(scope)) => walk(scope, |number, field| match (number, field) {
                (2, Field::Bytes(span)) => see(span),
                _ => Some(()),
            }),
            _ => Some(()),
        }),
        _ => Some(()),
    })
}

/// The trace of a span, 0 if it does not say.
#[inline]
fn trace_of(span: &[u8]) -> u128 {
    if let [0x0a, 16, rest @ ..] = span
        && let Some(id) = rest.get(..16)
    {
        return of_bytes(id);
    }
    let mut trace = 0;
    walk(span, |number, field| {
        if let (1, Field::Bytes(id)) = (number, field) {
            trace = of_bytes(id);
        }
        Some(())
    });
    trace
}

/// Calls `see` with the trace of every span.
pub fn each_trace(request: &[u8], mut see: impl FnMut(u128)) {
    // A request that was taken was checked.
    let _ = each_span(request, |span| {
        see(trace_of(span));
        Some(())
    });
}

/// The request with the spans of some traces only, their resources and scopes as they are; empty if there are none.
#[must_use]
pub fn of_traces(request: &[u8], mut keep: impl FnMut(u128) -> bool) -> Vec<u8> {
    let mut out = Vec::new();
    let scopes = |number| matches!(number, 2 | 1000);
    let any = inside(
        request,
        &mut out,
        |n| n == 1,
        |resource, out| {
            inside(resource, out, scopes, |scope, out| {
                inside(
                    scope,
                    out,
                    |n| n == 2,
                    |span, out| {
                        let kept = keep(trace_of(span));
                        if kept {
                            out.extend_from_slice(span);
                        }
                        kept
                    },
                )
            })
        },
    );
    if any { out } else { Vec::new() }
}

/// Copies a message; the content of the fields that `holds` names is made by `make`, which says whether there was
/// anything to keep. Gives whether there was in any of them.
fn inside(
    message: &[u8],
    out: &mut Vec<u8>,
    holds: impl Fn(u64) -> bool,
    mut make: impl FnMut(&[u8], &mut Vec<u8>) -> bool,
) -> bool {
    let mut wire = Wire::new(message);
    let (mut any, mut made) = (false, Vec::new());
    loop {
        let from = wire.at();
        let Some(Some((number, field))) = wire.next() else { return any };
        match field {
            Field::Bytes(content) if holds(number) => {
                made.clear();
                if make(content, &mut made) {
                    any = true;
                    put_bytes(out, number, &made);
                }
            }
            _ => out.extend_from_slice(&message[from..wire.at()]),
        }
    }
}

/// Reads a request as the readers of files do.
///
/// # Errors
/// It is broken, which a request that was checked is not.
pub fn read(request: &[u8], sink: &mut Sink<'_>) -> Result<(), String> {
    let columns = TraceColumns::default();
    let input = Input { bytes: request, form: Form::Fields, offset: 0, columns: &columns, last: true, owner: None };
    (otlp::FORMAT.read)(input, sink)
}

/// Writes a number as protobuf does.
pub fn put_varint(out: &mut Vec<u8>, mut n: u64) {
    while n >= 0x80 {
        out.push(n as u8 | 0x80);
        n >>= 7;
    }
    out.push(n as u8);
}

/// Writes a field of bytes, text or a message.
pub fn put_bytes(out: &mut Vec<u8>, number: u64, content: &[u8]) {
    put_varint(out, number << 3 | 2);
    put_varint(out, content.len() as u64);
    out.extend_from_slice(content);
}

/// Writes a field that is a number.
pub fn put_number(out: &mut Vec<u8>, number: u64, n: u64) {
    put_varint(out, number << 3);
    put_varint(out, n);
}

#[cfg(test)]
mod tests {
    use crate::ingest::fold::{Shapes, Store};

    use super::*;

    fn message(fields: &[(u64, &[u8])]) -> Vec<u8> {
        let mut out = Vec::new();
        for (number, content) in fields {
            put_bytes(&mut out, *number, content);
        }
        out
    }

    fn span(trace: u8, id: u8) -> Vec<u8> {
        message(&[(1, &[trace; 16]), (2, &[id; 8]), (5, b"op")])
    }

    fn request(spans: &[Vec<u8>]) -> Vec<u8> {
        let spans: Vec<(u64, &[u8])> = spans.iter().map(|s| (2, s.as_slice())).collect();
        let scope = message(&spans);
        let resource = message(&[(1, b""), (2, &scope), (3, b"schema")]);
        message(&[(1, &resource)])
    }

    #[test]
    fn spans_are_counted_and_breaks_found() {
        let whole = request(&[span(1, 1), span(0, 2), span(2, 0), message(&[(1, &[1; 16]), (2, &[1; 9])])]);
        assert_eq!(check(&whole), Some(Checked { spans: 4, without_ids: 3 }));
        assert_eq!(check(&whole[..whole.len() - 1]), None);
        assert_eq!(check(&request(&[message(&[(1, &[1; 16]), (1, &[2; 16]), (2, &[1; 8])])])), None);
        assert_eq!(check(b""), Some(Checked::default()));
        assert_eq!(check(b"POST / HTTP/1.1"), None);
    }

    /// What is acknowledged has to be read later: whatever one byte is changed to.
    #[test]
    fn what_was_checked_is_read_to_its_end() {
        let status = message(&[(2, b"no"), (3, b"x")]);
        let attribute = message(&[(1, b"server.address"), (2, &message(&[(1, b"orders")]))]);
        let link = message(&[(1, &[3; 16]), (2, &[4; 8])]);
        let mut one = span(1, 1);
        one.extend(message(&[(9, &attribute), (11, b"event"), (13, &link), (15, &status)]));
        put_number(&mut one, 6, 5);
        one.extend_from_slice(&[0x39, 1, 0, 0, 0, 0, 0, 0, 0, 0x41, 2, 0, 0, 0, 0, 0, 0, 0, 0x85, 0x01, 1, 0, 0, 0]);
        let whole = request(&[one, span(2, 2)]);
        let mut taken = 0;
        for at in 0..whole.len() {
            for byte in 0..=u8::MAX {
                let mut changed = whole.clone();
                changed[at] = byte;
                let Some(checked) = check(&changed) else { continue };
                let (shapes, store) = (Shapes::new(1 << 20), Store::new(1, 1 << 20));
                let mut sink = Sink::new(&shapes, &store);
                assert_eq!(read(&changed, &mut sink), Ok(()), "{byte} at {at}");
                let without = sink.rejected.get("rejected_no_id").copied().unwrap_or(0);
                assert_eq!((sink.taken + without, without), (checked.spans, checked.without_ids), "{byte} at {at}");
                taken += 1;
            }
        }
        assert!(taken > 1_000, "{taken}");
    }

    #[test]
    fn a_request_is_divided_by_trace() {
        let both = request(&[span(1, 1), span(2, 2), span(1, 3)]);
        let one = u128::from_be_bytes([1; 16]);
        assert_eq!(of_traces(&both, |t| t == one), request(&[span(1, 1), span(1, 3)]));
        assert_eq!(of_traces(&both, |_| true), both);
        assert!(of_traces(&both, |_| false).is_empty());
        let mut seen = Vec::new();
        each_trace(&both, |t| seen.push(t as u8));
        assert_eq!(seen, [1, 2, 1]);
    }
}
