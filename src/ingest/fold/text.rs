//! A partial graph as lines of text, and read back: how parts travel between processes, machines and engines.
//!
//! Every line stands alone (its kind, then fields behind tabs; backslash, tab and line ends in a field are escaped), so
//! lines may be shuffled and parts concatenated. Each part begins with `unbraid-partial 3` and ends with a `check`
//! line that says how many spans it counts: a part that was cut off is refused.

use std::collections::BTreeMap;
use std::fmt::{Display, Write};

use crate::model::traffic::EXEMPLARS;
use crate::model::{Act, Relation};

use super::deliveries::{Deliveries, Delivery, SpanId};
use super::graph::{About, Client, PartialGraph, RowSums};
use super::partial::{Repeated, Requests, Served};
use super::sums::{Exemplar, Sketch, Sums};

/// How each part begins; the number is the version of the form.
pub const HEAD: &str = "unbraid-partial\t3";

/// What a line of a part begins with, whatever the version.
pub const KIND: &str = "unbraid-partial";

/// Counts above this are no counts of spans (a million million).
const MOST: u64 = 1 << 40;

/// Messages or links of one line: engines hand lines on one by one, and a part may hold millions of these.
const MOST_OF_A_LINE: usize = 500;

/// The relation's place in a line about a client that is not settled.
const CLIENT: &str = "client";

/// A line that is being written.
struct Line<'o> {
    out: &'o mut String,
}

impl<'o> Line<'o> {
    fn new(out: &'o mut String, kind: &str) -> Self {
        out.push_str(kind);
        Self { out }
    }

    fn text(self, text: &str) -> Self {
        self.out.push('\t');
        for c in text.chars() {
            match c {
                '\\' => self.out.push_str("\\\\"),
                '\t' => self.out.push_str("\\t"),
                '\n' => self.out.push_str("\\n"),
                '\r' => self.out.push_str("\\r"),
                other => self.out.push(other),
            }
        }
        self
    }

    fn show(self, value: impl Display) -> Self {
        // Writing to a string cannot fail.
        let _ = write!(self.out, "\t{value}");
        self
    }

    fn numbers(mut self, numbers: &[u64]) -> Self {
        for n in numbers {
            self = self.show(n);
        }
        self
    }

    fn about(self, about: &About) -> Self {
        match about {
            About::Row(relation, source, target, protocol) => {
                let name = relation.as_str();
                self.text(name).text(source).text(target).text(protocol).text("").text("").show(0)
            }
            About::Client(c) => {
                let line = self.text(CLIENT).text(&c.source).text(&c.peer).text(&c.protocol);
                line.text(&c.host).text(&c.rpc_service).show(u8::from(c.weak))
            }
        }
    }

    /// The id of a trace and that of a span, in hex: a part may hold millions of them.
    fn id(self, (trace, span): SpanId) -> Self {
        self.out.push('\t');
        hex(trace, self.out);
        self.out.push('/');
        hex(u128::from(span), self.out);
        self
    }

    fn sketch(self, sketch: &Sketch) -> Self {
        self.out.push('\t');
        for (at, (bucket, n)) in sketch.histogram().0.iter().enumerate() {
            let _ = write!(self.out, "{}{bucket}:{n}", if at > 0 { " " } else { "" });
        }
        self
    }

    fn end(self) {
        self.out.push('\n');
    }
}

/// In lower case, without zeros in front.
fn hex(number: u128, out: &mut String) {
    let digits = (128 - (number | 1).leading_zeros()).div_ceil(4);
    out.extend((0..digits).rev().map(|at| char::from(b"0123456789abcdef"[(number >> (4 * at)) as usize & 15])));
}

fn exemplar(e: &Exemplar) -> String {
    format!("{:x}/{:x}", e.trace, e.id)
}

/// Writes a part.
#[must_use]
pub fn write(graph: &PartialGraph) -> String {
    let mut out = format!("{HEAD}\n");
    for service in &graph.services {
        Line::new(&mut out, "service").text(service).end();
    }
    for (about, row) in &graph.rows {
        Line::new(&mut out, "row").about(about).show(row.requests).end();
        for (name, sums) in &row.operations {
            write_operation(&mut out, about, name, sums);
        }
        for (name, n) in &row.tables {
            Line::new(&mut out, "table").about(about).text(name).show(n).end();
        }
    }
    for ((service, operation), (s, errors)) in &graph.served {
        let line =
            Line::new(&mut out, "served").text(service).text(operation).numbers(&[s.requests, s.entries, *errors]);
        let line = line.show(s.duration).numbers(&[s.calls, s.fan_out, s.targets, s.depth, s.depth_sum]);
        line.sketch(&s.sketch).end();
    }
    for ((entry, operation, service), nanos) in &graph.critical {
        Line::new(&mut out, "critical").text(entry).text(operation).text(service).show(nanos).end();
    }
    for ((service, operation, about, call), r) in &graph.repeated {
        let line = Line::new(&mut out, "repeated").text(service).text(operation).about(about).text(call);
        line.numbers(&[r.groups, r.calls, r.most]).show(exemplar(&r.exemplar)).end();
    }
    for ((source, target), counts) in &graph.asked {
        let pairs: Vec<String> = counts.iter().map(|(calls, requests)| format!("{calls}:{requests}")).collect();
        Line::new(&mut out, "asked").text(source).text(target).show(pairs.join(" ")).end();
    }
    for ((service, operation, act, other), r) in &graph.acts {
        let line = Line::new(&mut out, "act").text(service).text(operation).text(act.as_str()).text(other);
        line.show(r.requests).show(exemplar(&r.exemplar)).end();
    }
    write_deliveries(&mut out, &graph.deliveries);
    for (reason, n) in &graph.ledger {
        Line::new(&mut out, "ledger").text(reason).show(n).end();
    }
    if graph.lost_links > 0 {
        Line::new(&mut out, "lost").show(graph.lost_links).end();
    }
    Line::new(&mut out, "check").show(graph.spans()).end();
    out
}

/// Those of one service in a line, so that names are not said again and again.
fn write_deliveries(out: &mut String, deliveries: &Deliveries) {
    let mut messages: BTreeMap<&str, Vec<SpanId>> = BTreeMap::new();
    for (id, service) in &deliveries.messages {
        messages.entry(service).or_default().push(*id);
    }
    for (service, ids) in messages {
        for ids in ids.chunks(MOST_OF_A_LINE) {
            let line = Line::new(out, "messages").text(service);
            ids.iter().fold(line, |line, id| line.id(*id)).end();
        }
    }
    let mut links: BTreeMap<[&str; 3], Vec<(SpanId, SpanId, &Delivery)>> = BTreeMap::new();
    for ((producer, consumer), d) in &deliveries.links {
        links.entry([&d.service, &d.operation, &d.system]).or_default().push((*producer, *consumer, d));
    }
    for ([service, operation, system], all) in links {
        for some in all.chunks(MOST_OF_A_LINE) {
            let mut line = Line::new(out, "links").text(service).text(operation).text(system);
            for (producer, consumer, d) in some {
                line = line.id(*producer).id(*consumer);
                line = line.numbers(&[d.duration, d.start, u64::from(d.error), d.weight]);
            }
            line.end();
        }
    }
}

fn write_operation(out: &mut String, about: &About, name: &str, s: &Sums) {
    let line = Line::new(out, "operation").about(about).text(name);
    let line = line.numbers(&[s.calls, s.errors, s.server_errors, s.retries]).show(s.duration).show(s.server_duration);
    let line = line.numbers(&[s.concurrent, s.outlived, s.weighted.0]).show(s.weighted.1).numbers(&[s.first, s.last]);
    let known = s.exemplars.iter().filter(|e| **e != Exemplar::NONE).map(exemplar);
    line.sketch(&s.sketch).show(known.collect::<Vec<_>>().join(" ")).end();
}

/// Fields of a line that is being read.
struct Fields<'t> {
    rest: std::iter::Peekable<std::str::Split<'t, char>>,
}

type Read<T> = Result<T, &'static str>;

impl<'t> Fields<'t> {
    /// Are there further fields?
    fn more(&mut self) -> bool {
        self.rest.peek().is_some()
    }

    fn raw(&mut self) -> Read<&'t str> {
        self.rest.next().ok_or("too few fields")
    }

    fn text(&mut self) -> Read<String> {
        let raw = self.raw()?;
        if !raw.contains('\\') {
            return Ok(raw.to_owned());
        }
        let mut text = String::with_capacity(raw.len());
        let mut chars = raw.chars();
        while let Some(c) = chars.next() {
            text.push(match c {
                '\\' => match chars.next() {
                    Some('t') => '\t',
                    Some('n') => '\n',
                    Some('r') => '\r',
                    Some('\\') => '\\',
                    _ => return Err("a backslash that escapes nothing"),
                },
                other => other,
            });
        }
        Ok(text)
    }

    fn number<N: std::str::FromStr>(&mut self) -> Read<N> {
        self.raw()?.parse().map_err(|_| "a field that is no number")
    }

    /// A count; sums of them must not run over.
    fn count(&mut self) -> Read<u64> {
        self.number().and_then(|n: u64| if n < MOST { Ok(n) } else { Err("a count beyond all spans there are") })
    }

    /// A sum of durations in nanoseconds.
    fn nanos(&mut self) -> Read<u128> {
        let most = u128::from(u64::MAX) * u128::from(MOST);
        self.number().and_then(|n: u128| if n <= most { Ok(n) } else { Err("a duration beyond all spans there are") })
    }

    fn id(&mut self) -> Read<(u128, u64)> {
        span_id(self.raw()?)
    }

    fn about(&mut self) -> Read<About> {
        let relation = self.raw()?;
        let (source, target, protocol) = (self.text()?, self.text()?, self.text()?);
        let (host, rpc_service, weak) = (self.text()?, self.text()?, self.raw()? == "1");
        if relation == CLIENT {
            return Ok(About::Client(Client { source, peer: target, weak, host, rpc_service, protocol }));
        }
        let known = Relation::named(relation);
        known.map(|r| About::Row(r, source, target, protocol)).ok_or("an unknown relation")
    }

    /// Calls of one request with the number of requests.
    fn counts(&mut self) -> Read<BTreeMap<u32, u64>> {
        let pair = |text: &str| {
            let (calls, requests) = text.split_once(':')?;
            Some((calls.parse().ok()?, requests.parse().ok().filter(|n| *n < MOST)?))
        };
        let pairs = self.raw()?.split(' ').filter(|p| !p.is_empty()).map(pair);
        pairs.collect::<Option<_>>().ok_or("counts that are no pairs of numbers")
    }

    fn sketch(&mut self) -> Read<Sketch> {
        let mut sketch = Sketch::default();
        for pair in self.raw()?.split(' ').filter(|p| !p.is_empty()) {
            let (bucket, n) = pair.split_once(':').ok_or("a sketch without counts")?;
            let bucket: u16 = bucket.parse().map_err(|_| "a bucket that is no number")?;
            // The bucket of the longest duration that a number can hold.
            if bucket > 900 {
                return Err("a bucket beyond all durations");
            }
            let n = n.parse().ok().filter(|n| *n < MOST).ok_or("a count that is no number of spans")?;
            sketch.add(bucket, n);
        }
        Ok(sketch)
    }
}

fn span_id(text: &str) -> Read<(u128, u64)> {
    let wrong = "a span that is not trace/span in hex";
    let (trace, span) = text.split_once('/').ok_or(wrong)?;
    Ok((u128::from_str_radix(trace, 16).map_err(|_| wrong)?, u64::from_str_radix(span, 16).map_err(|_| wrong)?))
}

/// Reads parts, one after the other or with their lines shuffled. `file` is the number of the file, for evidence.
///
/// # Errors
/// What is wrong, with its line.
pub fn read(text: &str, file: u32) -> Result<PartialGraph, String> {
    let mut graph = PartialGraph::default();
    let (mut heads, mut checks, mut promised) = (0u64, 0u64, 0u64);
    for (at, line) in text.lines().enumerate().filter(|(_, line)| !line.is_empty()) {
        let mut fields = Fields { rest: line.split('\t').peekable() };
        let done = match fields.raw() {
            Ok(KIND) if line == HEAD => {
                heads += 1;
                Ok(())
            }
            Ok(KIND) => return Err(format!("line {}: written in another version; fold again with this one", at + 1)),
            Ok("check") => fields.count().map(|n| {
                checks += 1;
                promised += n;
            }),
            Ok(kind) => read_line(&mut graph, kind, &mut fields, file),
            Err(reason) => Err(reason),
        };
        done.map_err(|reason| format!("line {}: {reason}", at + 1))?;
    }
    if heads == 0 || heads != checks {
        return Err(format!("{heads} parts begin and {checks} end: something was cut off; fold it again"));
    }
    if promised != graph.spans() {
        return Err(format!(
            "its check lines promise {promised} spans, its other lines count {}: lines are missing or doubled",
            graph.spans()
        ));
    }
    Ok(graph)
}

fn read_line(graph: &mut PartialGraph, kind: &str, f: &mut Fields<'_>, file: u32) -> Read<()> {
    match kind {
        "service" => {
            graph.services.insert(f.text()?);
        }
        "row" => {
            let (about, requests) = (f.about()?, f.count()?);
            graph.rows.entry(about).or_default().requests += requests;
        }
        "operation" => read_operation(&mut graph.rows, f, file)?,
        "table" => {
            let (about, name, calls) = (f.about()?, f.text()?, f.count()?);
            *graph.rows.entry(about).or_default().tables.entry(name).or_default() += calls;
        }
        "served" => read_served(graph, f)?,
        "critical" => {
            let (key, nanos) = ((f.text()?, f.text()?, f.text()?), f.nanos()?);
            *graph.critical.entry(key).or_default() += nanos;
        }
        "repeated" => {
            let key = (f.text()?, f.text()?, f.about()?, f.text()?);
            let (groups, calls, most) = (f.count()?, f.count()?, f.count()?);
            let (trace, id) = f.id()?;
            super::graph::merge_repeated(
                &mut graph.repeated,
                key,
                Repeated { groups, calls, most, exemplar: Exemplar { trace, id, file } },
            );
        }
        "asked" => {
            let (names, counts) = ((f.text()?, f.text()?), f.counts()?);
            super::graph::merge_counts(graph.asked.entry(names).or_default(), counts);
        }
        "act" => {
            let (service, operation) = (f.text()?, f.text()?);
            let act = Act::named(f.raw()?).ok_or("an unknown act")?;
            let (key, requests, (trace, id)) = ((service, operation, act, f.text()?), f.count()?, f.id()?);
            let new = Requests { requests, exemplar: Exemplar { trace, id, file } };
            graph.acts.entry(key).or_insert(Requests::NONE).merge(new);
        }
        "messages" => {
            let service = f.text()?;
            while f.more() {
                graph.deliveries.messages.insert(f.id()?, service.clone());
            }
        }
        "links" => read_links(&mut graph.deliveries, f, file)?,
        "ledger" => {
            let (reason, n) = (f.text()?, f.count()?);
            *graph.ledger.entry(reason).or_default() += n;
        }
        "lost" => graph.lost_links += f.count()?,
        _ => return Err("an unknown kind of line"),
    }
    Ok(())
}

fn read_operation(rows: &mut BTreeMap<About, RowSums>, f: &mut Fields<'_>, file: u32) -> Read<()> {
    let (about, name) = (f.about()?, f.text()?);
    let mut sums = Sums {
        calls: f.count()?,
        errors: f.count()?,
        server_errors: f.count()?,
        retries: f.count()?,
        duration: f.nanos()?,
        server_duration: f.nanos()?,
        concurrent: f.count()?,
        outlived: f.count()?,
        weighted: (f.count()?, f.nanos()?),
        first: f.number()?,
        last: f.number()?,
        sketch: f.sketch()?,
        ..Sums::default()
    };
    let examples = f.raw()?.split(' ').filter(|e| !e.is_empty());
    for (slot, example) in sums.exemplars.iter_mut().zip(examples.take(EXEMPLARS)) {
        let (trace, id) = span_id(example)?;
        *slot = Exemplar { trace, id, file };
    }
    sums.exemplars.sort_unstable();
    rows.entry(about).or_default().operations.entry(name).or_default().merge(&sums);
    Ok(())
}

fn read_links(deliveries: &mut Deliveries, f: &mut Fields<'_>, file: u32) -> Read<()> {
    let (service, operation, system) = (f.text()?, f.text()?, f.text()?);
    while f.more() {
        let (producer, consumer) = (f.id()?, f.id()?);
        let (duration, start, error, weight) = (f.number()?, f.number()?, f.raw()? == "1", f.number()?);
        let (service, operation, system) = (service.clone(), operation.clone(), system.clone());
        let new = Delivery { duration, start, error, weight, service, operation, system, file };
        deliveries.link(producer, consumer, new);
    }
    Ok(())
}

fn read_served(graph: &mut PartialGraph, f: &mut Fields<'_>) -> Read<()> {
    let key = (f.text()?, f.text()?);
    let (requests, entries, errors) = (f.count()?, f.count()?, f.count()?);
    let served = Served {
        requests,
        entries,
        duration: f.nanos()?,
        calls: f.count()?,
        fan_out: f.count()?,
        targets: f.count()?,
        depth: f.count()?,
        depth_sum: f.count()?,
        sketch: f.sketch()?,
    };
    super::graph::merge_served(graph.served.entry(key).or_default(), &served, errors);
    Ok(())
}
