//! Jaeger's JSON: the answer of its query service, one trace, an array of traces, or spans in lines.

use hashbrown::HashMap;

use crate::ingest::fold::{Kind, Sink, SpanView, Value, meaning};

use super::json::{Cursor, Parsed, documents, whole};
use super::{Form, Format, Head, Input};

/// Jaeger JSON.
pub const FORMAT: Format = Format { id: "jaeger", claims, read };

fn claims(head: &Head<'_>) -> Option<Form> {
    let spans = head.has("\"spans\"") || head.has("\"operationName\"") || head.has("\"processes\"");
    (head.is_json() && head.has("\"traceID\"") && spans).then(|| head.json_form())
}

fn read(input: Input<'_>, sink: &mut Sink<'_>) -> Result<(), String> {
    let mut reader = Reader { sink, view: SpanView::default(), bytes: input.bytes, ahead: None };
    documents(input, |cursor| reader.any(cursor, 0))
}

/// Names of services by process id.
type Processes<'a> = HashMap<&'a [u8], u32, foldhash::fast::FixedState>;

struct Reader<'a, 'r, 's> {
    sink: &'r mut Sink<'s>,
    view: SpanView<'a>,
    bytes: &'a [u8],
    /// Where the next `"processes":` stands, as far as it was looked for: (from, found).
    ahead: Option<(usize, Option<usize>)>,
}

impl<'a> Reader<'a, '_, '_> {
    fn any(&mut self, cursor: &mut Cursor<'a>, depth: usize) -> Parsed<()> {
        match cursor.peek() {
            Some(b'[') if depth < 4 => cursor.array(|c| self.any(c, depth + 1)),
            Some(b'{') if depth < 4 => self.object(cursor, depth),
            _ => cursor.skip(),
        }
    }

    /// The answer of the query service, a trace, or a span of its own.
    fn object(&mut self, cursor: &mut Cursor<'a>, depth: usize) -> Parsed<()> {
        let begin = *cursor;
        let mut processes: Option<Processes<'a>> = None;
        let mut alone = false;
        cursor.object(|c, key| match key {
            b"data" => self.any(c, depth + 1),
            b"processes" => {
                processes = Some(self.processes(c)?);
                Ok(())
            }
            b"spans" => {
                if processes.is_none() {
                    processes = self.processes_ahead(c.at);
                }
                let known = processes.take().unwrap_or_default();
                let done = c.array(|c| self.span(c, &known));
                processes = Some(known);
                done
            }
            b"operationName" => {
                alone = true;
                c.skip()
            }
            _ => c.skip(),
        })?;
        if alone {
            let mut again = begin;
            self.span(&mut again, &Processes::default())?;
        }
        Ok(())
    }

    fn processes(&mut self, cursor: &mut Cursor<'a>) -> Parsed<Processes<'a>> {
        let mut all = Processes::default();
        cursor.maybe_object(|c, id| {
            let name = c.scalar_of(b"serviceName")?;
            all.insert(id, self.sink.service(name));
            Ok(())
        })?;
        Ok(all)
    }

    /// Processes stand behind the spans mostly: they are looked for without reading what lies between.
    fn processes_ahead(&mut self, from: usize) -> Option<Processes<'a>> {
        const KEY: &[u8] = b"\"processes\":";
        let known = self.ahead.filter(|(looked, found)| *looked <= from && found.is_none_or(|at| at >= from));
        let found = match known {
            Some((_, found)) => found,
            None => {
                let rest = self.bytes.get(from..).unwrap_or_default();
                let found = memchr::memmem::find(rest, KEY).or_else(|| memchr::memmem::find(rest, b"\"processes\""));
                self.ahead = Some((from, found.map(|at| from + at)));
                found.map(|at| from + at)
            }
        }?;
        let mut cursor = Cursor::new(self.bytes);
        cursor.at = found + KEY.len() - 1;
        if cursor.peek() == Some(b':') {
            cursor.at += 1;
        }
        if cursor.peek() != Some(b'{') {
            return None;
        }
        self.processes(&mut cursor).ok()
    }

    fn span(&mut self, cursor: &mut Cursor<'a>, processes: &Processes<'a>) -> Parsed<()> {
        if cursor.peek() != Some(b'{') {
            return cursor.skip();
        }
        let view = &mut self.view;
        view.clear();
        let (mut start, mut duration) = (0u64, 0u64);
        let mut process: Option<&'a [u8]> = None;
        let mut own = Value::None;
        cursor.object(|c, key| {
            match key {
                b"traceID" => view.trace = c.id()?,
                b"spanID" => view.id = c.id()? as u64,
                b"parentSpanID" => view.parent = c.id()? as u64,
                b"operationName" => view.name = c.scalar()?,
                b"references" => references(c, view)?,
                b"startTime" => start = c.number()?,
                b"duration" => match c.scalar()? {
                    Value::Text(text) if text.first() == Some(&b'-') => view.negative = true,
                    value => duration = whole(value).unwrap_or(0),
                },
                b"tags" => tags(c, view)?,
                b"processID" => {
                    if let Value::Text(id) = c.scalar()? {
                        process = Some(id);
                    }
                }
                b"process" => own = c.scalar_of(b"serviceName")?,
                _ => c.skip()?,
            }
            Ok(())
        })?;
        view.start = start.saturating_mul(1_000);
        view.duration = duration.saturating_mul(1_000);
        settle_references(view);
        let known = process.and_then(|id| processes.get(id)).copied();
        let service = known.unwrap_or_else(|| self.sink.service(own));
        self.sink.push(&self.view, service);
        Ok(())
    }
}

/// The first CHILD_OF is the parent, if it lies in this trace; all others are links. Which trace this is may be said
/// later, so they are all kept as links until the span has been read; the parent first, marked by its place.
fn references(cursor: &mut Cursor<'_>, view: &mut SpanView<'_>) -> Parsed<()> {
    cursor.array(|c| {
        let (mut trace, mut id, mut follows) = (0u128, 0u64, false);
        c.maybe_object(|c, key| {
            match key {
                b"refType" => c.scalar()?.text(|text| follows = text.eq_ignore_ascii_case(b"FOLLOWS_FROM")),
                b"traceID" => trace = c.id()?,
                b"spanID" => id = c.id()? as u64,
                _ => c.skip()?,
            }
            Ok(())
        })?;
        if !follows && view.parent == 0 && (view.trace == 0 || trace == view.trace || trace == 0) {
            view.parent = id;
        } else {
            view.links.push((trace, id));
        }
        Ok(())
    })
}

/// A span that only follows another one of its trace is its child, unless it takes a message out.
fn settle_references(view: &mut SpanView<'_>) {
    if view.parent == 0
        && view.kind != Kind::Consumer
        && let Some((_, id)) = view.links.iter().find(|(trace, _)| *trace == view.trace)
    {
        view.parent = *id;
    }
}

fn tags<'a>(cursor: &mut Cursor<'a>, view: &mut SpanView<'a>) -> Parsed<()> {
    if cursor.peek() == Some(b'{') {
        // Elasticsearch may keep tags as an object.
        return cursor.object(|c, key| {
            let value = c.scalar()?;
            view.attribute(key, || value);
            Ok(())
        });
    }
    cursor.array(|c| {
        let (mut what, mut waiting) = (None, None);
        let mut named = false;
        c.maybe_object(|c, key| {
            match key {
                b"key" => {
                    named = true;
                    if let Value::Text(text) = c.scalar()? {
                        what = meaning(text);
                    }
                }
                b"value" if what.is_some() || !named => waiting = Some(c.scalar()?),
                _ => c.skip()?,
            }
            Ok(())
        })?;
        if let (Some(what), Some(value)) = (what, waiting) {
            view.take(what, value);
        }
        Ok(())
    })
}
