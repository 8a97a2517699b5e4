//! What is asked of an engine: the texts of SQL that read spans, count them, and join them where programs are
//! forbidden. Pure: configuration in, text out.
//!
//! Slices are classes of the trace id's hash, never of time alone: a trace that is cut in two gives false roots. A
//! time window takes the traces whose first span starts in it, whole: it looks one margin around itself, so windows
//! that follow each other add up as long as no trace lasts longer than the margin.

use crate::config::{EngineConfig, TimeUnit};
use crate::ingest::fold::keys;

/// Which SQL an engine speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// ClickHouse.
    ClickHouse,
    /// Spark.
    Spark,
    /// What nearly all databases understand.
    Standard,
}

/// A time window: the traces that begin in it, in nanoseconds since 1970.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Window {
    /// From then on.
    pub from: Option<i64>,
    /// Before then.
    pub until: Option<i64>,
}

/// One of several classes of trace ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slice {
    /// Which one, from 0.
    pub at: u32,
    /// Of how many.
    pub of: u32,
}

/// A table of spans.
#[derive(Debug, Clone, Copy)]
pub struct Table<'c> {
    config: &'c EngineConfig,
    dialect: Dialect,
    window: Window,
}

/// Attributes that tell what a pair of spans is; those of leaves (addresses, statements) would make too many groups.
const OF_PAIRS: &[&str] = &[
    "db.system.name",
    "db.system",
    "messaging.system",
    "rpc.system.name",
    "rpc.system",
    "http.request.resend_count",
    "http.resend_count",
];

/// The table of the ClickHouse exporter of the OpenTelemetry Collector.
const TABLE: &str = "otel_traces";

/// Most slices where classes are told by the last two digits of the trace id.
const SUFFIXES: u32 = 256;

impl<'c> Table<'c> {
    /// The table that a configuration names, in a window.
    ///
    /// # Errors
    /// A configuration that this dialect cannot follow, with what to do.
    pub fn new(config: &'c EngineConfig, dialect: Dialect, window: Window) -> Result<Self, String> {
        let table = Self { config, dialect, window };
        if dialect == Dialect::Standard {
            if config.time_unit.is_none() {
                let reason = "`engine.time_unit` in unbraid.yaml is needed (s, ms, us or ns): databases do not agree on \
                    functions of time, so start has to be a whole number; a view may give it";
                return Err(reason.to_owned());
            }
            if table.attributes().is_some() && !config.json_attributes {
                let reason = "`engine.json_attributes: true` in unbraid.yaml is needed: databases do not agree on maps; \
                    a view may give JSON, `engine.columns.attributes: ''` says that there is none";
                return Err(reason.to_owned());
            }
            if table.links().is_some_and(|(_, spans)| spans.is_some()) {
                let reason = "links have to be one text `trace/span,trace/span`: name it as `engine.columns.link_traces` \
                    in unbraid.yaml and `link_spans: ''`, or both '' for none";
                return Err(reason.to_owned());
            }
        }
        if let Some(key) = config.keys.keys().find(|key| !keys().any(|known| known == key.as_str())) {
            return Err(format!("`engine.keys` in unbraid.yaml: `{key}` is no attribute that matters"));
        }
        if window.from.zip(window.until).is_some_and(|(from, until)| from >= until) {
            return Err("--from has to lie before --until".to_owned());
        }
        Ok(table)
    }

    /// The columns of [`Self::rows`], as the fold knows them.
    #[must_use]
    pub fn header(&self) -> Vec<&'c str> {
        self.fields().into_iter().map(|(name, _)| name).collect()
    }

    /// Spans of a slice; their order is for the engine's module to add.
    #[must_use]
    pub fn rows(&self, slice: Slice) -> String {
        let fields: Vec<String> =
            self.fields().into_iter().map(|(name, e)| format!("{e} AS {}", self.quote(name))).collect();
        format!("SELECT {} FROM {}{}", fields.join(", "), self.name(), self.filter(slice))
    }

    /// How many spans a slice has.
    #[must_use]
    pub fn count(&self, slice: Slice) -> String {
        format!("SELECT count(*) AS n FROM {}{}", self.name(), self.filter(slice))
    }

    /// The column of the trace id.
    #[must_use]
    pub fn trace(&self) -> String {
        self.column(self.config.columns.trace_id.as_deref(), "TraceId").unwrap_or_else(|| "''".to_owned())
    }

    /// Pairs of client and server by what they are called, with count, durations of both, first and last start.
    ///
    /// Columns: service, name, kind, status, attributes of the client; the same of the server; class of the duration;
    /// then the five sums, in nanoseconds.
    #[must_use]
    pub fn pairs(&self, slice: Slice) -> String {
        let c = &self.config.columns;
        let optional =
            |given: &Option<String>, name| self.column(given.as_deref(), name).unwrap_or_else(|| "''".to_owned());
        let attributes = self.attributes().map_or_else(|| "''".to_owned(), |column| self.json(&column, OF_PAIRS));
        let fields = [
            (self.trace(), "trace_id"),
            (optional(&c.span_id, "SpanId"), "span_id"),
            (optional(&c.parent_id, "ParentSpanId"), "parent_span_id"),
            (optional(&c.service, "ServiceName"), "service"),
            (optional(&c.name, "SpanName"), "name"),
            (optional(&c.kind, "SpanKind"), "kind"),
            (optional(&c.status, "StatusCode"), "status"),
            (attributes, "attributes"),
            (self.start(), "start_ns"),
            (self.duration().unwrap_or_else(|| format!("({} - {})", self.end(), self.start())), "duration_ns"),
        ];
        let fields: Vec<String> = fields.into_iter().map(|(e, name)| format!("{e} AS {name}")).collect();
        let names =
            |side: &str| ["service", "name", "kind", "status", "attributes"].map(|n| format!("{side}.{n}")).join(", ");
        let kinds = |side: &str, word: &str, number: u8| {
            format!("lower({side}.kind) IN ('{word}', 'span_kind_{word}', '{number}')")
        };
        let (client, server) = (names("c"), names("s"));
        let bucket = "CAST(floor(ln(greatest(floor(c.duration_ns / 1000), 1)) * 20) AS INT)";
        format!(
            "WITH r AS (SELECT {} FROM {}{}) SELECT {client}, {server}, {bucket}, count(*), sum(c.duration_ns), \
             sum(s.duration_ns), min(c.start_ns), max(c.start_ns) FROM r c JOIN r s ON s.trace_id = c.trace_id AND \
             s.parent_span_id = c.span_id WHERE {} AND {} GROUP BY {client}, {server}, {bucket}",
            fields.join(", "),
            self.name(),
            self.filter(slice),
            kinds("c", "client", 3),
            kinds("s", "server", 2),
        )
    }

    /// The table's name.
    #[must_use]
    pub fn name(&self) -> String {
        let name = self.config.table.as_deref().unwrap_or(TABLE);
        // Spark's own form for files, `parquet.`path``, is quoted already.
        if name.contains('`') && self.dialect == Dialect::Spark {
            return name.to_owned();
        }
        name.split('.').map(|part| self.quote(part)).collect::<Vec<_>>().join(".")
    }

    /// (column of the fold, expression).
    fn fields(&self) -> Vec<(&'c str, String)> {
        let c = &self.config.columns;
        let mut fields: Vec<(&str, String)> = vec![("trace_id", self.trace())];
        let must = [
            ("span_id", &c.span_id, "SpanId"),
            ("parent_span_id", &c.parent_id, "ParentSpanId"),
            ("service", &c.service, "ServiceName"),
            ("name", &c.name, "SpanName"),
            ("kind", &c.kind, "SpanKind"),
            ("status", &c.status, "StatusCode"),
        ];
        for (name, given, default) in must {
            let column = self.column(given.as_deref(), default).unwrap_or_else(|| "''".to_owned());
            let plain = matches!(name, "span_id" | "parent_span_id" | "kind" | "status");
            fields.push((name, if plain { column } else { self.text(&column) }));
        }
        fields.push(("start_ns", self.start()));
        match self.duration() {
            Some(duration) => fields.push(("duration_ns", duration)),
            None => fields.push(("end_ns", self.end())),
        }
        if let Some(column) = self.column(c.trace_state.as_deref(), "TraceState") {
            fields.push(("tracestate", self.text(&column)));
        }
        if let Some((traces, spans)) = self.links() {
            fields.push(("links", spans.map_or(traces.clone(), |spans| self.linked(&traces, &spans))));
        }
        if let Some(column) = self.attributes() {
            let keys: Vec<&str> = keys().collect();
            fields.push(("attributes", self.text(&self.json(&column, &keys))));
        }
        for (key, column) in &self.config.keys {
            fields.push((key, self.text(&self.path(column))));
        }
        fields
    }

    /// A column by its given name, else by the exporter's; none if the given one is empty.
    fn column(&self, given: Option<&str>, default: &str) -> Option<String> {
        let name = given.unwrap_or(default);
        (!name.is_empty()).then(|| self.path(name))
    }

    /// ClickHouse calls a nested column by a name with a dot in it; others go down into a structure.
    fn path(&self, name: &str) -> String {
        if self.dialect == Dialect::ClickHouse {
            return self.quote(name);
        }
        name.split('.').map(|part| self.quote(part)).collect::<Vec<_>>().join(".")
    }

    fn quote(&self, name: &str) -> String {
        match self.dialect {
            Dialect::ClickHouse => format!("`{}`", name.replace('\\', "\\\\").replace('`', "\\`")),
            Dialect::Spark => format!("`{}`", name.replace('`', "``")),
            Dialect::Standard => format!("\"{}\"", name.replace('"', "\"\"")),
        }
    }

    /// A text with what separates rows and fields escaped, where the engine does not do so by itself.
    fn text(&self, expression: &str) -> String {
        if self.dialect != Dialect::Spark {
            return expression.to_owned();
        }
        format!(r"replace(replace(replace({expression}, '\\', '\\\\'), '\t', '\\t'), '\n', '\\n')")
    }

    fn start(&self) -> String {
        let column = self.column(self.config.columns.start.as_deref(), "Timestamp").unwrap_or_else(|| "0".to_owned());
        self.time(&column)
    }

    fn end(&self) -> String {
        self.column(self.config.columns.end.as_deref(), "").map_or_else(|| self.start(), |column| self.time(&column))
    }

    /// Nanoseconds since 1970.
    fn time(&self, column: &str) -> String {
        match (self.config.time_unit, self.dialect) {
            (Some(unit), _) => times(column, unit),
            (None, Dialect::ClickHouse) => format!("toUnixTimestamp64Nano(toDateTime64({column}, 9))"),
            (None, _) => format!("unix_micros({column}) * 1000"),
        }
    }

    fn duration(&self) -> Option<String> {
        let c = &self.config.columns;
        let default = if c.end.is_some() { "" } else { "Duration" };
        let column = self.column(c.duration.as_deref(), default)?;
        Some(times(&column, self.config.duration_unit.unwrap_or(TimeUnit::Ns)))
    }

    fn attributes(&self) -> Option<String> {
        self.column(self.config.columns.attributes.as_deref(), "SpanAttributes")
    }

    /// The columns of links: arrays of traces and of spans, or one text.
    fn links(&self) -> Option<(String, Option<String>)> {
        let c = &self.config.columns;
        let traces = self.column(c.link_traces.as_deref(), "Links.TraceId")?;
        Some((traces, self.column(c.link_spans.as_deref(), "Links.SpanId")))
    }

    fn linked(&self, traces: &str, spans: &str) -> String {
        match self.dialect {
            Dialect::ClickHouse => {
                format!("arrayStringConcat(arrayMap((t, s) -> concat(t, '/', s), {traces}, {spans}), ',')")
            }
            _ => format!("concat_ws(',', zip_with({traces}, {spans}, (t, s) -> concat(t, '/', s)))"),
        }
    }

    /// The attributes that matter as JSON: what does not matter is not sent.
    fn json(&self, column: &str, keys: &[&str]) -> String {
        let list = keys.iter().map(|k| format!("'{k}'")).collect::<Vec<_>>().join(", ");
        match self.dialect {
            Dialect::ClickHouse if self.config.json_attributes => format!("toString({column})"),
            Dialect::ClickHouse => format!("toJSONString(mapFilter((k, v) -> has([{list}], k), {column}))"),
            Dialect::Spark if !self.config.json_attributes => {
                format!("to_json(map_filter({column}, (k, v) -> k IN ({list})))")
            }
            _ => column.to_owned(),
        }
    }

    /// ` WHERE …`, or nothing.
    fn filter(&self, slice: Slice) -> String {
        let slices = self.class(slice);
        let near = self.near();
        let mut all: Vec<String> = near.iter().chain(&slices).cloned().collect();
        let first = |op: &str, at: i64| format!("min({}) {op} {}", self.raw_start(), self.moment(at));
        let begins: Vec<String> = [self.window.from.map(|t| first(">=", t)), self.window.until.map(|t| first("<", t))]
            .into_iter()
            .flatten()
            .collect();
        if !begins.is_empty() {
            let trace = self.trace();
            all.push(format!(
                "{trace} IN (SELECT {trace} FROM {} WHERE {} GROUP BY {trace} HAVING {})",
                self.name(),
                all.join(" AND "),
                begins.join(" AND ")
            ));
        }
        if all.is_empty() { String::new() } else { format!(" WHERE {}", all.join(" AND ")) }
    }

    /// In the window or a margin around it.
    fn near(&self) -> Vec<String> {
        let margin = i64::from(self.config.margin()) * 1_000_000_000;
        let column = self.raw_start();
        let from = self.window.from.map(|t| format!("{column} >= {}", self.moment(t.saturating_sub(margin))));
        let until = self.window.until.map(|t| format!("{column} < {}", self.moment(t.saturating_add(margin))));
        from.into_iter().chain(until).collect()
    }

    fn raw_start(&self) -> String {
        self.column(self.config.columns.start.as_deref(), "Timestamp").unwrap_or_else(|| "0".to_owned())
    }

    /// A moment as the column of the start has it, so that the engine may use its index.
    fn moment(&self, nanos: i64) -> String {
        match (self.config.time_unit, self.dialect) {
            (Some(unit), _) => (nanos / unit.nanos() as i64).to_string(),
            (None, Dialect::ClickHouse) => format!("fromUnixTimestamp64Nano(toInt64({nanos}))"),
            (None, _) => format!("timestamp_micros({})", nanos / 1_000),
        }
    }

    /// One class of trace ids.
    fn class(&self, Slice { at, of }: Slice) -> Option<String> {
        if of <= 1 {
            return None;
        }
        let trace = self.trace();
        Some(match self.dialect {
            Dialect::ClickHouse => format!("cityHash64({trace}) % {of} = {at}"),
            Dialect::Spark => format!("pmod(xxhash64({trace}), {of}) = {at}"),
            Dialect::Standard => {
                // The end of an id is random even where its start is the time (as of X-Ray).
                let of = of.min(SUFFIXES);
                let end = format!("lower(substr({trace}, length({trace}) - 1, 2))");
                let listed = |mine: &dyn Fn(u32) -> bool| {
                    let all = (0..SUFFIXES).filter(|n| mine(*n)).map(|n| format!("'{n:02x}'"));
                    all.collect::<Vec<_>>().join(", ")
                };
                let mine = format!("{end} IN ({})", listed(&|n| n % of == at));
                // Ids that are no hex are all in the first class: none may be in no class.
                if at == 0 { format!("({mine} OR {end} NOT IN ({}))", listed(&|_| true)) } else { mine }
            }
        })
    }
}

/// A number of some unit in nanoseconds.
fn times(column: &str, unit: TimeUnit) -> String {
    match unit.nanos() {
        1 => column.to_owned(),
        nanos => format!("CAST({column} * {nanos} AS BIGINT)"),
    }
}

#[cfg(test)]
#[path = "table/tests.rs"]
mod tests;
