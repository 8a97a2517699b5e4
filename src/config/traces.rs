//! The part of `unbraid.yaml` that says how traces are read.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How traces are read.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TraceConfig {
    /// Names of columns in Parquet and CSV files where they are not the usual ones.
    pub columns: TraceColumns,
}

/// Which column says what; what is not given is found by the names that exporters use.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TraceColumns {
    /// Trace id: hex, base64 or bytes.
    pub trace_id: Option<String>,
    /// Span id.
    pub span_id: Option<String>,
    /// Id of the parent span.
    pub parent_id: Option<String>,
    /// Service.
    pub service: Option<String>,
    /// Name of the span.
    pub name: Option<String>,
    /// Kind: name or number.
    pub kind: Option<String>,
    /// Start.
    pub start: Option<String>,
    /// End.
    pub end: Option<String>,
    /// Duration, where there is no end.
    pub duration: Option<String>,
    /// Status: `Error`, `STATUS_CODE_ERROR` or 2 is one.
    pub status: Option<String>,
    /// Service on the other side.
    pub peer: Option<String>,
    /// Attributes of the span: a map, or a text of JSON.
    pub attributes: Option<String>,
    /// Unit of start and end; if not given, told by their size.
    pub time_unit: Option<TimeUnit>,
    /// Unit of durations; if not given, by the name of the column, else nanoseconds.
    pub duration_unit: Option<TimeUnit>,
}

/// A unit of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum TimeUnit {
    /// Seconds.
    S,
    /// Milliseconds.
    Ms,
    /// Microseconds.
    Us,
    /// Nanoseconds.
    Ns,
}

impl TimeUnit {
    /// Nanoseconds of one.
    #[must_use]
    pub fn nanos(self) -> u64 {
        match self {
            Self::S => 1_000_000_000,
            Self::Ms => 1_000_000,
            Self::Us => 1_000,
            Self::Ns => 1,
        }
    }
}
