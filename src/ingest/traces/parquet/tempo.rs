//! One row a trace: Tempo's blocks. A trace holds resources (`rs`), these scopes (`ss`), these spans, these
//! attributes; the depth at which an entry goes on says which of them begins with it.

use parquet::errors::Result;

use crate::ingest::fold::{Kind, Sink, SpanView, Value};
use crate::ingest::traces::columns::{attribute, id};

use super::leaf::{Group, Leaf, Place};

/// Traces of a batch.
const BATCH: usize = 256;

/// Depth at which another resource of the trace begins.
const RESOURCE: i16 = 1;
/// Depth at which another span of the scope begins.
const SPAN: i16 = 3;
/// Depth at which another attribute of the span begins.
const ATTRIBUTE: i16 = 4;

/// What of a span is read, by the end of its path below `Spans.list.element`.
const SPAN_LEAVES: [&str; 9] = [
    "SpanID",
    "ParentSpanID",
    "Name",
    "Kind",
    "TraceState",
    "StartTimeUnixNano",
    "DurationNano",
    "StatusCode",
    "HttpUrl",
];

struct Leaves {
    trace: Leaf,
    service: Leaf,
    /// As [`SPAN_LEAVES`].
    span: Vec<Option<Leaf>>,
    key: Option<Leaf>,
    /// Values of attributes, by type.
    values: Vec<Leaf>,
    link_trace: Option<Leaf>,
    link_span: Option<Leaf>,
}

/// Reads a row group.
pub fn read(group: Group<'_>, sink: &mut Sink<'_>) -> Result<()> {
    let mut leaves = open(group)?;
    loop {
        let rows = leaves.trace.fill(BATCH)?;
        leaves.service.fill(BATCH)?;
        for leaf in leaves.span.iter_mut().flatten().chain(&mut leaves.values) {
            leaf.fill(BATCH)?;
        }
        for leaf in [&mut leaves.key, &mut leaves.link_trace, &mut leaves.link_span].into_iter().flatten() {
            leaf.fill(BATCH)?;
        }
        if rows == 0 {
            return Ok(());
        }
        batch(&leaves, rows, sink);
    }
}

fn open(group: Group<'_>) -> Result<Leaves> {
    let schema = group.metadata.schema_descr_ptr();
    let find = |end: &str| -> Result<Option<Leaf>> {
        let at = (0..schema.num_columns()).find(|at| {
            let column = schema.column(*at);
            let parts = column.path().parts().iter().map(String::as_str);
            let path: Vec<&str> = parts.filter(|p| !matches!(*p, "list" | "element")).collect();
            path.join(".") == end
        });
        at.map_or(Ok(None), |at| Leaf::open(group, at))
    };
    let need = |end: &str| find(end)?.ok_or_else(|| parquet::errors::ParquetError::General(format!("no column {end}")));
    let mut values = Vec::new();
    for kind in ["Value", "ValueInt", "ValueBool", "ValueDouble"] {
        values.extend(find(&format!("rs.ss.Spans.Attrs.{kind}"))?);
    }
    Ok(Leaves {
        trace: need("TraceID")?,
        service: need("rs.Resource.ServiceName")?,
        span: SPAN_LEAVES.iter().map(|name| find(&format!("rs.ss.Spans.{name}"))).collect::<Result<_>>()?,
        key: find("rs.ss.Spans.Attrs.Key")?,
        values,
        link_trace: find("rs.ss.Spans.Links.TraceID")?,
        link_span: find("rs.ss.Spans.Links.SpanID")?,
    })
}

#[derive(Default)]
struct Places {
    trace: Place,
    service: Place,
    span: Vec<Place>,
    key: Place,
    values: Vec<Place>,
    link_trace: Place,
    link_span: Place,
}

fn batch(leaves: &Leaves, rows: usize, sink: &mut Sink<'_>) {
    let mut places = Places {
        span: vec![Place::default(); SPAN_LEAVES.len()],
        values: vec![Place::default(); leaves.values.len()],
        ..Places::default()
    };
    let mut view = SpanView::default();
    for _ in 0..rows {
        let trace = places.trace.next(&leaves.trace).map_or(0, id);
        let mut services = Vec::new();
        places.service.each(&leaves.service, 0, |name| services.push(sink.service(name)));
        let Some(ids) = &leaves.span[0] else { return };
        let (mut resource, mut first) = (0usize, true);
        while first || places.span[0].repeats(ids).is_some_and(|r| r > 0) {
            if !first && places.span[0].repeats(ids) == Some(RESOURCE) {
                resource += 1;
            }
            first = false;
            if !span(leaves, &mut places, &mut view) {
                return;
            }
            if view.id != 0 {
                view.trace = trace;
                sink.push(&view, services.get(resource).copied().unwrap_or_default());
            }
        }
    }
}

/// One span, or the empty place of one; `false` at the end.
fn span<'l>(leaves: &'l Leaves, places: &mut Places, view: &mut SpanView<'l>) -> bool {
    view.clear();
    let mut values = [Value::None; SPAN_LEAVES.len()];
    for ((leaf, place), value) in leaves.span.iter().zip(&mut places.span).zip(&mut values) {
        let Some(leaf) = leaf else { continue };
        let Some(next) = place.next(leaf) else { return false };
        *value = next;
    }
    let [span, parent, name, kind, state, start, duration, status, url] = values;
    let number = |value: Value<'_>| if let Value::Int(n) = value { n as u64 } else { 0 };
    (view.id, view.parent, view.name) = (id(span) as u64, id(parent) as u64, name);
    view.kind = Kind::from_number(number(kind));
    state.text(|t| view.trace_state(t));
    (view.start, view.duration) = (number(start), number(duration));
    view.error = number(status) == 2;
    attribute(view, b"http.url", url);
    attributes(leaves, places, view);
    links(leaves, places, view);
    true
}

fn attributes<'l>(leaves: &'l Leaves, places: &mut Places, view: &mut SpanView<'l>) {
    let Some(keys) = &leaves.key else { return };
    let values = &mut places.values;
    places.key.each(keys, SPAN, |key| {
        // Each type has its own leaf; the one that holds something is the value.
        let mut value = Value::None;
        for (leaf, place) in leaves.values.iter().zip(values.iter_mut()) {
            place.each(leaf, ATTRIBUTE, |v| {
                if value == Value::None {
                    value = v;
                }
            });
        }
        key.text(|k| attribute(view, k, value));
    });
}

fn links<'l>(leaves: &'l Leaves, places: &mut Places, view: &mut SpanView<'l>) {
    let (Some(traces), Some(spans)) = (&leaves.link_trace, &leaves.link_span) else { return };
    let other = &mut places.link_span;
    places.link_trace.each(traces, SPAN, |trace| {
        let span = other.next(spans).unwrap_or_default();
        if !trace.is_empty() {
            view.links.push((id(trace), id(span) as u64));
        }
    });
}
