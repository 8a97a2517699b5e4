//! One row a span.

use parquet::errors::Result;

use crate::config::TraceColumns;
use crate::ingest::fold::{Sink, SpanView, Value};

use super::leaf::{Group, Leaf, Place};
use crate::ingest::traces::columns::{Column, Columns, Row, attribute, id};
use crate::ingest::traces::json::Cursor;

/// Rows of a batch: what is decoded of so many fits into a second-level cache.
const BATCH: usize = 512;

/// Leaves of a row beside the plain columns.
#[derive(Default)]
struct Leaves {
    plain: Vec<(Column, Leaf)>,
    attributes: Option<(Leaf, Leaf)>,
    attributes_text: Option<Leaf>,
    resource: Option<(Leaf, Leaf)>,
    links: Option<(Leaf, Leaf)>,
    trace_state: Option<Leaf>,
}

/// Reads a row group.
pub fn read(group: Group<'_>, columns: &Columns, declared: &TraceColumns, sink: &mut Sink<'_>) -> Result<()> {
    let mut leaves = open(group, columns, declared)?;
    loop {
        let mut rows = 0;
        for (_, leaf) in &mut leaves.plain {
            rows = leaf.fill(BATCH)?;
        }
        let pairs = [&mut leaves.attributes, &mut leaves.resource, &mut leaves.links];
        for (key, value) in pairs.into_iter().flatten() {
            key.fill(BATCH)?;
            value.fill(BATCH)?;
        }
        for leaf in [&mut leaves.attributes_text, &mut leaves.trace_state].into_iter().flatten() {
            leaf.fill(BATCH)?;
        }
        if rows == 0 {
            return Ok(());
        }
        if let Some((keys, _)) = &mut leaves.attributes {
            keys.learn();
        }
        batch(&leaves, rows, columns, sink);
    }
}

fn open(group: Group<'_>, columns: &Columns, declared: &TraceColumns) -> Result<Leaves> {
    let schema = group.metadata.schema_descr_ptr();
    let attributes = declared.attributes.as_deref().unwrap_or("SpanAttributes");
    let has_service = columns.has_service();
    let mut leaves = Leaves::default();
    let (mut keys, mut values) = ([None, None, None], [None, None, None]);
    for at in 0..schema.num_columns() {
        let column = schema.column(at);
        let parts = column.path().parts();
        let (root, last) = (parts[0].as_str(), parts[parts.len() - 1].as_str());
        let root_at = schema.get_column_root_idx(at);
        let told = columns.all.iter().filter(|(_, column)| parts.len() == 1 && *column == root_at);
        if told.clone().next().is_some() {
            for (column, _) in told {
                leaves.plain.extend(Leaf::open(group, at)?.map(|leaf| (*column, leaf)));
            }
            continue;
        }
        let plain: String = root.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect();
        match (plain.as_str(), last) {
            _ if parts.len() == 1 && root == attributes => leaves.attributes_text = Leaf::open(group, at)?,
            ("tracestate", _) if parts.len() == 1 => leaves.trace_state = Leaf::open(group, at)?,
            (_, "key") if root == attributes || plain == "attributes" => keys[0] = Leaf::open(group, at)?,
            (_, "value") if root == attributes || plain == "attributes" => values[0] = Leaf::open(group, at)?,
            ("resourceattributes", "key") if !has_service => keys[1] = Leaf::open(group, at)?,
            ("resourceattributes", "value") if !has_service => values[1] = Leaf::open(group, at)?,
            ("linkstraceid", _) | ("links", "TraceId" | "trace_id" | "traceId") => keys[2] = Leaf::open(group, at)?,
            ("linksspanid", _) | ("links", "SpanId" | "span_id" | "spanId") => values[2] = Leaf::open(group, at)?,
            _ => {}
        }
    }
    let [a, r, l] = keys;
    let [av, rv, lv] = values;
    (leaves.attributes, leaves.resource, leaves.links) = (a.zip(av), r.zip(rv), l.zip(lv));
    Ok(leaves)
}

/// Where reading the leaves of a batch is.
#[derive(Default)]
struct Places {
    attributes: (Place, Place),
    attributes_text: Place,
    resource: (Place, Place),
    links: (Place, Place),
    trace_state: Place,
}

fn batch(leaves: &Leaves, rows: usize, columns: &Columns, sink: &mut Sink<'_>) {
    let mut places = Places::default();
    let mut view = SpanView::default();
    let mut rows = vec![Row::default(); rows];
    for (column, leaf) in &leaves.plain {
        let mut row = rows.iter_mut();
        leaf.each(|value| {
            if let Some(row) = row.next() {
                row.put(*column, value);
            }
        });
    }
    for row in &rows {
        let mut service = columns.fill(&mut view, row);
        if let Some(leaf) = &leaves.trace_state {
            let state = places.trace_state.next(leaf).unwrap_or_default();
            state.text(|t| view.trace_state(t));
        }
        if let Some(pair) = &leaves.attributes {
            let (place, other) = (&mut places.attributes.0, &mut places.attributes.1);
            place.attributes(pair, other, |what, value| view.take(what, value));
        }
        if let Some(leaf) = &leaves.attributes_text
            && let Some(Value::Text(text) | Value::Bytes(text)) = places.attributes_text.next(leaf)
        {
            // A text that is no JSON says nothing.
            Cursor::new(text)
                .maybe_object(|c, key| {
                    let value = c.scalar()?;
                    attribute(&mut view, key, value);
                    Ok(())
                })
                .ok();
        }
        if let Some(pair) = &leaves.resource {
            pairs(pair, &mut places.resource, |key, value| {
                if key == Value::Text(b"service.name") {
                    service = value;
                }
            });
        }
        if let Some(pair) = &leaves.links {
            pairs(pair, &mut places.links, |trace, span| {
                if !trace.is_empty() {
                    view.links.push((id(trace), id(span) as u64));
                }
            });
        }
        let service = sink.service(service);
        sink.push(&view, service);
    }
}

/// The pairs of a map or of two lists in one row.
fn pairs<'l>(leaves: &'l (Leaf, Leaf), places: &mut (Place, Place), mut see: impl FnMut(Value<'l>, Value<'l>)) {
    let (place, other) = (&mut places.0, &mut places.1);
    place.each(&leaves.0, 0, |key| {
        let value = other.next(&leaves.1).unwrap_or_default();
        see(key, value);
    });
}
