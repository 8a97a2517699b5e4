//! Which column says what: names that exporters use, and those that a user's configuration adds.

use crate::config::TraceColumns;
use crate::ingest::fold::{Kind, Meaning, Slot, SpanView, Value, id_of, meaning, of_bytes};

use super::json::whole;

/// What a column says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Column {
    /// Trace id.
    Trace,
    /// Span id.
    Span,
    /// Parent span id.
    Parent,
    /// Service.
    Service,
    /// Pod of a Kubernetes deployment, the service without its hashes.
    Pod,
    /// Name.
    Name,
    /// Kind.
    Kind,
    /// Start.
    Start,
    /// End.
    End,
    /// Duration.
    Duration,
    /// Status.
    Status,
    /// Peer service.
    Peer,
}

/// Names by column; compared without case, `_` and `-`.
const NAMES: &[(Column, &[&str])] = &[
    (Column::Trace, &["traceid"]),
    (Column::Span, &["spanid"]),
    (Column::Parent, &["parentspanid", "parentid"]),
    (Column::Service, &["servicename", "service", "serviceid", "processservicename", "cmdbid"]),
    (Column::Pod, &["podname", "pod"]),
    (Column::Name, &["spanname", "operationname", "operation", "name"]),
    (Column::Kind, &["spankind", "kind"]),
    (Column::Start, &["starttimeunixnano", "starttime", "timestamp", "start"]),
    (Column::End, &["endtimeunixnano", "endtime", "end"]),
    (Column::Duration, &["duration", "durationnano", "durationns", "durationus", "durationms"]),
    (Column::Status, &["statuscode", "status"]),
    (Column::Peer, &["peerservice"]),
];

/// Columns of one file, by what they say.
#[derive(Debug, Clone)]
pub struct Columns {
    /// (what, position in the file).
    pub all: Vec<(Column, usize)>,
    /// Nanoseconds of one unit of a start or end.
    time_unit: u64,
    /// Nanoseconds of one unit of a duration.
    duration_unit: u64,
}

/// A name without what spellings differ in.
fn plain(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

impl Columns {
    /// Finds the columns among the names of a file: the configured ones first, then the known ones.
    ///
    /// # Errors
    /// What is missing.
    pub fn find(names: &[&str], declared: &TraceColumns) -> Result<Self, String> {
        let plain_names: Vec<String> = names.iter().map(|n| plain(n)).collect();
        let mut all = Vec::new();
        for (column, known) in NAMES {
            let wanted = declared_name(*column, declared);
            let at = match wanted {
                Some(name) => names.iter().position(|n| *n == name),
                None => known.iter().find_map(|k| plain_names.iter().position(|n| n == k)),
            };
            if let (Some(name), None) = (wanted, at) {
                return Err(format!("no column `{name}`, which unbraid.yaml names; there are: {}", names.join(", ")));
            }
            all.extend(at.map(|at| (*column, at)));
        }
        let has = |column| all.iter().any(|(c, _)| *c == column);
        let missing: Vec<&str> =
            [(Column::Trace, "trace_id"), (Column::Span, "span_id"), (Column::Parent, "parent_id")]
                .into_iter()
                .filter(|(column, _)| !has(*column))
                .map(|(_, name)| name)
                .chain((!has(Column::Service) && !has(Column::Pod)).then_some("service"))
                .collect();
        if !missing.is_empty() {
            return Err(format!(
                "no column for {} among {}; name it under `traces: columns:` in unbraid.yaml",
                missing.join(", "),
                names.join(", ")
            ));
        }
        let unit_of = |column: Column| {
            let name = all.iter().find(|(c, _)| *c == column).map_or("", |(_, at)| plain_names[*at].as_str());
            let ends = [("ms", 1_000_000), ("us", 1_000), ("nano", 1), ("ns", 1)];
            ends.iter().find(|(end, _)| name.ends_with(end)).map(|(_, unit)| *unit)
        };
        Ok(Self {
            time_unit: declared.time_unit.map_or_else(|| unit_of(Column::Start).unwrap_or(0), |u| u.nanos()),
            duration_unit: declared.duration_unit.map_or_else(|| unit_of(Column::Duration).unwrap_or(0), |u| u.nanos()),
            all,
        })
    }

    /// Is there a column for the service?
    #[must_use]
    pub fn has_service(&self) -> bool {
        self.all.iter().any(|(column, _)| matches!(column, Column::Service | Column::Pod))
    }

    /// Nanoseconds of a time. Without a unit told, by its size: seconds, milli-, micro- or nanoseconds since 1970.
    fn nanos(&self, value: u64) -> u64 {
        let unit = match self.time_unit {
            0 if value < 100_000_000_000 => 1_000_000_000,
            0 if value < 100_000_000_000_000 => 1_000_000,
            0 if value < 100_000_000_000_000_000 => 1_000,
            0 => 1,
            told => told,
        };
        value.saturating_mul(unit)
    }

    /// Puts a row into a view; gives the service.
    pub fn view<'a>(&self, view: &mut SpanView<'a>, get: impl Fn(usize) -> Value<'a>) -> Value<'a> {
        let mut row = Row::default();
        for (column, at) in &self.all {
            row.put(*column, get(*at));
        }
        self.fill(view, &row)
    }

    /// Puts what the columns of a row say into a view; gives the service.
    #[inline]
    pub fn fill<'a>(&self, view: &mut SpanView<'a>, row: &Row<'a>) -> Value<'a> {
        view.clear();
        (view.trace, view.id, view.parent) = (row.trace, row.id, row.parent);
        (view.name, view.kind, view.error) = (row.name, row.kind, row.error);
        view.take(Meaning::Slot(Slot::Peer, 1), row.peer);
        match (row.start, row.end) {
            (Some(start), Some(end)) => view.times(self.nanos(start), self.nanos(end)),
            _ => {
                view.start = row.start.map_or(0, |s| self.nanos(s));
                let unit = if self.duration_unit == 0 { 1 } else { self.duration_unit };
                view.duration = row.duration.unwrap_or(0).saturating_mul(unit);
            }
        }
        if row.service.is_empty() { pod(row.pod) } else { row.service }
    }
}

/// What the columns of one row say.
#[derive(Debug, Clone, Copy, Default)]
pub struct Row<'a> {
    trace: u128,
    id: u64,
    parent: u64,
    start: Option<u64>,
    end: Option<u64>,
    duration: Option<u64>,
    service: Value<'a>,
    pod: Value<'a>,
    name: Value<'a>,
    peer: Value<'a>,
    kind: Kind,
    error: bool,
}

impl<'a> Row<'a> {
    /// Takes the value of a column.
    #[inline]
    pub fn put(&mut self, column: Column, value: Value<'a>) {
        match column {
            Column::Trace => self.trace = id(value),
            Column::Span => self.id = id(value) as u64,
            Column::Parent => self.parent = id(value) as u64,
            Column::Service => self.service = value,
            Column::Pod => self.pod = value,
            Column::Name => self.name = value,
            Column::Kind => self.kind = value.text(Kind::from_text),
            Column::Start => self.start = number(value),
            Column::End => self.end = number(value),
            Column::Duration => self.duration = number(value),
            Column::Status => self.error = value.text(is_error),
            Column::Peer => self.peer = value,
        }
    }
}

/// Takes an attribute of a row.
pub fn attribute<'a>(view: &mut SpanView<'a>, key: &[u8], value: Value<'a>) {
    if let Some(what) = meaning(key) {
        view.take(what, value);
    }
}

/// An id as text or as bytes.
#[must_use]
pub fn id(value: Value<'_>) -> u128 {
    match value {
        Value::Bytes(bytes) => of_bytes(bytes),
        value => value.text(|t| id_of(t).unwrap_or(0)),
    }
}

fn number(value: Value<'_>) -> Option<u64> {
    match value {
        Value::Int(n) => Some(u64::try_from(n).unwrap_or(0)),
        Value::Double(n) => Some(n as u64),
        value => whole(value),
    }
}

/// Does a status say error (name or number of OTLP)?
#[must_use]
pub fn is_error(text: &[u8]) -> bool {
    let name = text.rsplit(|b| *b == b'_').next().unwrap_or(text);
    name.eq_ignore_ascii_case(b"error") || text == b"2"
}

fn declared_name(column: Column, declared: &TraceColumns) -> Option<&str> {
    match column {
        Column::Trace => declared.trace_id.as_deref(),
        Column::Span => declared.span_id.as_deref(),
        Column::Parent => declared.parent_id.as_deref(),
        Column::Service => declared.service.as_deref(),
        Column::Pod => None,
        Column::Name => declared.name.as_deref(),
        Column::Kind => declared.kind.as_deref(),
        Column::Start => declared.start.as_deref(),
        Column::End => declared.end.as_deref(),
        Column::Duration => declared.duration.as_deref(),
        Column::Status => declared.status.as_deref(),
        Column::Peer => declared.peer.as_deref(),
    }
}

/// `ts-station-service-5c8d6f7b9-x2k4j` is a pod of `ts-station-service` (Kubernetes names of Deployments).
fn pod(value: Value<'_>) -> Value<'_> {
    let Value::Text(text) = value else { return value };
    let dash = |text: &[u8]| memchr::memrchr(b'-', text);
    let Some(at) = dash(text).filter(|at| is_hash(&text[at + 1..], 5..=5)) else { return value };
    let head = &text[..at];
    match dash(head).filter(|at| is_hash(&head[at + 1..], 6..=10)) {
        Some(at) => Value::Text(&head[..at]),
        None => Value::Text(head),
    }
}

/// Kubernetes makes its suffixes of digits and consonants.
fn is_hash(text: &[u8], length: std::ops::RangeInclusive<usize>) -> bool {
    let digit = text.iter().any(u8::is_ascii_digit);
    let vowel = text.iter().any(|b| b"aeiou".contains(b));
    length.contains(&text.len())
        && text.iter().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
        && (digit || !vowel)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pods_lose_their_hashes() {
        for (name, service) in [
            ("ts-station-service-5c8d6f7b9-x2k4j", "ts-station-service"),
            ("frontend-579b9bff58-t2dbm", "frontend"),
            ("orders", "orders"),
        ] {
            assert_eq!(pod(Value::Text(name.as_bytes())), Value::Text(service.as_bytes()));
        }
    }

    #[test]
    fn columns_are_found_by_many_names_and_by_configuration() {
        let none = TraceColumns::default();
        let names = ["TraceId", "span_id", "ParentSpanId", "ServiceName", "Duration"];
        assert_eq!(Columns::find(&names, &none).expect("found").all.len(), 5);
        let other = ["t", "span_id", "parent_id", "app"];
        assert!(Columns::find(&other, &none).expect_err("missing").contains("trace_id, service"));
        let declared =
            TraceColumns { trace_id: Some("t".into()), service: Some("app".into()), ..TraceColumns::default() };
        assert!(Columns::find(&other, &declared).is_ok());
        let wrong = TraceColumns { service: Some("x".into()), ..declared };
        assert!(Columns::find(&other, &wrong).expect_err("missing").contains("no column `x`"));
    }

    #[test]
    fn times_tell_their_unit_by_their_size() {
        let columns = Columns { all: Vec::new(), time_unit: 0, duration_unit: 0 };
        for value in [1_760_000_000, 1_760_000_000_000, 1_760_000_000_000_000, 1_760_000_000_000_000_000] {
            assert_eq!(columns.nanos(value), 1_760_000_000_000_000_000);
        }
    }
}
