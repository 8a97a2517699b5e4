//! Rows of spans, clustered by trace, from a stream -> one partial graph: the door through which engines that hold
//! the spans (Spark, ClickHouse, anything that prints rows) use the same fold as files do.
//!
//! The contract: tab-separated lines, the first names the columns ([`COLUMNS`], beside keys of attributes that
//! matter); tab, line end and backslash inside a field are escaped by a backslash, `\N` is nothing, as ClickHouse
//! writes `TabSeparatedWithNames`. All rows of a trace follow each other. Memory: one batch of whole traces.

mod fields;

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::io::Read;
use std::ops::Range;

use hashbrown::HashSet;

use crate::error::Error;
use crate::ingest::fold::{
    Extent, Kind, Meaning, PartialGraph, Print, Shapes, Sink, SpanView, Store, Value, fold as fold_store, id_of,
    meaning,
};

use super::traces::{attributes, is_error};

use fields::{Fields, number, unescape};

/// A column, what it holds, and whether rows cannot do without it.
pub const COLUMNS: &[(&str, &str, bool)] = &[
    ("trace_id", "hex or base64; all rows of a trace follow each other", true),
    ("span_id", "hex or base64", true),
    ("parent_span_id", "empty for none", true),
    ("service", "service.name of the resource", true),
    ("name", "name of the span", true),
    ("kind", "name or number of OTLP", true),
    ("start_ns", "nanoseconds since 1970", true),
    ("duration_ns", "nanoseconds; or end_ns", false),
    ("end_ns", "nanoseconds since 1970; or duration_ns", false),
    ("status", "name or number of OTLP (2 = error)", true),
    ("tracestate", "for sampling (ot=th:...)", false),
    ("links", "trace/span,trace/span", false),
    ("attributes", "one JSON object; only the keys that matter are read", false),
    ("shared", "1 for Zipkin's shared server half", false),
];

/// Spans of one batch: enough to keep the cores busy, some 60 MB.
const BATCH: u64 = 1 << 20;

/// Bytes that are asked for at once.
const BLOCK: usize = 1 << 20;

/// A longer row is no row of a span that anybody reads (16 MiB).
const LONGEST: usize = 16 << 20;

/// A trace with more spans is a job or a leak, not a request; what is beyond is counted as rejected.
pub const MOST_SPANS: u64 = 1_000_000;

/// How to fold rows.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// Bytes that it may take: half for spans, an eighth for names, a quarter for the ids of traces that ended.
    pub memory: u64,
    /// Most spans of one trace.
    pub most_spans: u64,
}

/// What a column says.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Column {
    Trace,
    Span,
    Parent,
    Service,
    Name,
    Kind,
    Start,
    End,
    Duration,
    Status,
    State,
    Links,
    Attributes,
    Shared,
    Attribute(Meaning),
}

impl Column {
    /// Does it tell what no two spans share, or what is told of each?
    fn is_own(self) -> bool {
        use Column::{Duration, End, Links, Parent, Span, Start, Trace};
        matches!(self, Trace | Span | Parent | Start | End | Duration | Links)
    }
}

fn column(name: &str) -> Option<Column> {
    Some(match name {
        "trace_id" => Column::Trace,
        "span_id" => Column::Span,
        "parent_span_id" => Column::Parent,
        "service" => Column::Service,
        "name" => Column::Name,
        "kind" => Column::Kind,
        "start_ns" => Column::Start,
        "end_ns" => Column::End,
        "duration_ns" => Column::Duration,
        "status" => Column::Status,
        "tracestate" => Column::State,
        "links" => Column::Links,
        "attributes" => Column::Attributes,
        "shared" => Column::Shared,
        other => Column::Attribute(meaning(other.as_bytes())?),
    })
}

fn wrong(line: u64, reason: &str) -> Error {
    Error::Saved { path: "standard input".to_owned(), reason: format!("row {line}: {reason}") }
}

/// The columns that the first line names.
fn columns(line: &[u8]) -> Result<Vec<Column>, Error> {
    let line = String::from_utf8_lossy(line);
    let names: Vec<&str> = line.split('\t').map(str::trim).collect();
    let known = || COLUMNS.iter().map(|(name, ..)| *name).collect::<Vec<_>>().join(", ");
    let mut found = Vec::new();
    for name in &names {
        let Some(column) = column(name) else {
            let reason = format!("no column is called `{name}`; there are {} and keys of attributes", known());
            return Err(wrong(1, &reason));
        };
        if found.contains(&column) && !matches!(column, Column::Attribute(_)) {
            return Err(wrong(1, &format!("two columns are called `{name}`")));
        }
        found.push(column);
    }
    let missing: Vec<&str> = COLUMNS.iter().filter(|(n, _, must)| *must && !names.contains(n)).map(|c| c.0).collect();
    if !missing.is_empty() {
        return Err(wrong(1, &format!("the columns {} are missing; the first row names them", missing.join(", "))));
    }
    if !names.contains(&"duration_ns") && !names.contains(&"end_ns") {
        return Err(wrong(1, "neither duration_ns nor end_ns is among the columns"));
    }
    Ok(found)
}

/// Folds all rows.
///
/// # Errors
/// No columns, wrong columns, a trace whose rows do not follow each other, a stream that breaks.
pub fn fold(input: impl Read, options: Options) -> Result<PartialGraph, Error> {
    let mut rows = Rows::new(input, options);
    let Some(head) = rows.line()? else {
        return Err(wrong(1, "there is nothing; the first row names the columns"));
    };
    rows.columns = Columns::named(&rows.buffer[head])?;
    let mut whole = PartialGraph::default();
    loop {
        let shapes = Shapes::new(usize::try_from(options.memory / 8).unwrap_or(usize::MAX));
        let store = Store::new(BATCH, options.memory / 2);
        let mut sink = Sink::new(&shapes, &store);
        let more = rows.fill(&mut sink)?;
        let mut rejected: BTreeMap<&'static str, u64> = std::mem::take(&mut sink.rejected);
        drop(sink);
        if let Some((_, lost)) = store.failure() {
            *rejected.entry("rejected_not_kept").or_default() += lost;
        }
        whole = whole.merge(fold_store(&store, shapes, Extent::Part, &rejected));
        if !more {
            return Ok(whole);
        }
    }
}

/// Rows of a stream.
struct Rows<R> {
    input: R,
    buffer: Vec<u8>,
    /// What of the buffer is not taken yet.
    rest: Range<usize>,
    ended: bool,
    options: Options,
    columns: Columns,
    /// The fields of the row.
    fields: Fields,
    /// The trace id that was read last, as text and as number: the next row has it too, nearly always.
    known: (Vec<u8>, u128),
    /// Number of the row that was taken last.
    row: u64,
    /// The trace that is being read, and its spans.
    trace: (u128, u64),
    /// Traces that ended.
    ended_traces: HashSet<u128, foldhash::fast::FixedState>,
}

impl<R: Read> Rows<R> {
    fn new(input: R, options: Options) -> Self {
        Self {
            input,
            buffer: Vec::new(),
            rest: 0..0,
            ended: false,
            options,
            columns: Columns::default(),
            fields: Fields::default(),
            known: (Vec::new(), 0),
            row: 0,
            trace: (0, 0),
            ended_traces: HashSet::default(),
        }
    }

    /// The place of the next line in the buffer, without its end; it stays untaken until [`Self::rest`] moves on.
    fn line(&mut self) -> Result<Option<Range<usize>>, Error> {
        let mut searched = 0;
        loop {
            let open = &self.buffer[self.rest.clone()];
            if let Some(at) = memchr::memchr(b'\n', &open[searched..]) {
                let from = self.rest.start;
                self.rest.start += searched + at + 1;
                self.row += 1;
                return Ok(Some(from..from + searched + at));
            }
            searched = open.len();
            if self.ended {
                let last = self.rest.clone();
                self.rest.start = self.rest.end;
                self.row += u64::from(!last.is_empty());
                return Ok((!last.is_empty()).then_some(last));
            }
            if searched > LONGEST {
                return Err(wrong(self.row + 1, "longer than 16 MiB, or no line end in it"));
            }
            self.read_on()?;
        }
    }

    /// Moves what is left to the front and reads a block behind it.
    fn read_on(&mut self) -> Result<(), Error> {
        let left = self.rest.len();
        self.buffer.copy_within(self.rest.clone(), 0);
        if self.buffer.len() < left + BLOCK {
            self.buffer.resize(left + BLOCK, 0);
        }
        let n = loop {
            match self.input.read(&mut self.buffer[left..]) {
                Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
                other => break other.map_err(|e| wrong(self.row + 1, &format!("the stream broke: {e}")))?,
            }
        };
        self.ended = n == 0;
        self.rest = 0..left + n;
        Ok(())
    }

    /// Takes whole traces until the batch is full; says whether there are more.
    fn fill(&mut self, sink: &mut Sink<'_>) -> Result<bool, Error> {
        loop {
            let Some(line) = self.line()? else { return Ok(false) };
            let line = line.start..line.end - usize::from(self.buffer[line.clone()].ends_with(b"\r"));
            if line.is_empty() {
                continue;
            }
            let text = &self.buffer[line.clone()];
            self.fields.cut(text, self.columns.all.len() - 1);
            let mut view = SpanView::default();
            if let Err(reason) = self.columns.ids(&self.fields, text, &mut self.known, &mut view) {
                sink.reject(reason);
                continue;
            }
            if view.trace != self.trace.0 {
                if sink.taken >= BATCH {
                    // The trace before is whole: this row begins the next batch.
                    self.rest.start = line.start;
                    self.row -= 1;
                    return Ok(true);
                }
                begin(&mut self.trace, &mut self.ended_traces, view.trace, self.row, self.options)?;
            }
            self.trace.1 += 1;
            if self.trace.1 > self.options.most_spans {
                sink.reject("rejected_trace_too_large");
                continue;
            }
            let print = self.columns.print(&self.fields, text, &view, sink);
            if !sink.push_met(&view, print) {
                self.fields.unescape(text);
                let service = self.columns.read(&self.fields, text, &mut view);
                let service = sink.service(service);
                sink.push_new(&view, service, print);
            }
        }
    }
}

/// A trace ends, another one begins.
fn begin(
    trace: &mut (u128, u64),
    ended: &mut HashSet<u128, foldhash::fast::FixedState>,
    next: u128,
    row: u64,
    options: Options,
) -> Result<(), Error> {
    if ended.contains(&next) {
        let reason = format!(
            "the trace {next:032x} was met before and ended: rows of a trace have to follow each other (ORDER BY \
             trace_id, or DISTRIBUTE BY and SORT BY)"
        );
        return Err(wrong(row, &reason));
    }
    // A set takes about 20 bytes an id; what does not fit into its quarter of the memory is not watched any more.
    if (ended.len() as u64) < options.memory / 4 / 20 {
        ended.insert(trace.0);
    }
    *trace = (next, 0);
    Ok(())
}

/// The columns of all rows.
#[derive(Debug, Default)]
struct Columns {
    all: Vec<Column>,
    /// Columns of ids, times and links.
    own: Vec<(usize, Column)>,
    /// Columns next to each other that tell neither ids nor times: what a span is like.
    like: Vec<Range<usize>>,
}

impl Columns {
    /// The columns that the first line names.
    fn named(line: &[u8]) -> Result<Self, Error> {
        let all = columns(line)?;
        let mut like: Vec<Range<usize>> = Vec::new();
        for at in (0..all.len()).filter(|at| !all[*at].is_own()) {
            match like.last_mut() {
                Some(last) if last.end == at => last.end += 1,
                _ => like.push(at..at + 1),
            }
        }
        let own = all.iter().copied().enumerate().filter(|(_, column)| column.is_own()).collect();
        Ok(Self { all, own, like })
    }

    /// Reads ids, times and links.
    fn ids(
        &self,
        fields: &Fields,
        line: &[u8],
        known: &mut (Vec<u8>, u128),
        view: &mut SpanView<'_>,
    ) -> Result<(), &'static str> {
        match fields.len().cmp(&self.all.len()) {
            Ordering::Less => return Err("rejected_row_too_short"),
            Ordering::Greater => return Err("rejected_row_too_wide"),
            Ordering::Equal => {}
        }
        let (mut start, mut end, mut duration) = (0, None, None);
        let mut plain = Vec::new();
        for (at, column) in &self.own {
            let mut field = fields.raw(line, *at..at + 1);
            if fields.escaped() {
                plain.clear();
                unescape(field, &mut plain);
                field = &plain;
            }
            if field.is_empty() {
                continue;
            }
            match column {
                Column::Trace => {
                    if known.0 != field {
                        known.0.clear();
                        known.0.extend_from_slice(field);
                        known.1 = id_of(field).unwrap_or(0);
                    }
                    view.trace = known.1;
                }
                Column::Span => view.id = id_of(field).unwrap_or(0) as u64,
                Column::Parent => view.parent = id_of(field).unwrap_or(0) as u64,
                Column::Start => start = number(field).ok_or("rejected_no_number")?,
                Column::End => end = Some(number(field).ok_or("rejected_no_number")?),
                Column::Duration => duration = Some(number(field).ok_or("rejected_no_number")?),
                _ => links(field, view),
            }
        }
        match (end, duration) {
            (Some(end), _) => view.times(start, end),
            (None, duration) => (view.start, view.duration) = (start, duration.unwrap_or(0)),
        }
        Ok(())
    }

    /// The print of what a span is like, unread. None of one with links: its kind has to be known.
    fn print(&self, fields: &Fields, line: &[u8], view: &SpanView<'_>, sink: &Sink<'_>) -> Option<Print> {
        let parts = self.like.iter().map(|part| fields.raw(line, part.clone()));
        view.links.is_empty().then(|| sink.print(parts, view))
    }

    /// Reads what a span is like; gives its service.
    fn read<'a>(&self, fields: &'a Fields, line: &'a [u8], view: &mut SpanView<'a>) -> Value<'a> {
        let mut service = Value::None;
        for (at, column) in self.all.iter().enumerate() {
            let field = fields.plain(line, at);
            match column {
                _ if field.is_empty() => {}
                Column::Service => service = Value::Text(field),
                Column::Name => view.name = Value::Text(field),
                Column::Kind => view.kind = Kind::from_text(field),
                Column::Status => view.error |= is_error(field),
                Column::State => view.trace_state(field),
                Column::Attributes => attributes(field, view),
                Column::Shared => view.shared = matches!(field, b"1" | b"true"),
                Column::Attribute(what) => view.take(*what, Value::Text(field)),
                _ => {}
            }
        }
        service
    }
}

fn links(field: &[u8], view: &mut SpanView<'_>) {
    for link in field.split(|b| matches!(b, b',' | b' ')).filter(|l| !l.is_empty()) {
        let Some(at) = memchr::memchr(b'/', link) else { continue };
        if let (Some(trace), Some(span)) = (id_of(&link[..at]), id_of(&link[at + 1..])) {
            view.links.push((trace, span as u64));
        }
    }
}
