//! The part of `unbraid.yaml` that says where an engine finds spans, and what their columns are called there.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::traces::TimeUnit;

/// Where an engine finds spans. What is not given is as the ClickHouse exporter of the OpenTelemetry Collector writes
/// it (`otel_traces`).
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct EngineConfig {
    /// Table or view, with its database or schema before a dot; `otel_traces` if not given.
    pub table: Option<String>,
    /// Names of columns.
    pub columns: EngineColumns,
    /// Columns that hold one attribute each, by the attribute's key (`server.address: peer_host`).
    pub keys: BTreeMap<String, String>,
    /// Start and end are whole numbers of this unit; if not given, they are timestamps of the engine.
    pub time_unit: Option<TimeUnit>,
    /// Unit of durations; nanoseconds if not given.
    pub duration_unit: Option<TimeUnit>,
    /// Attributes are a text of JSON, not a map.
    pub json_attributes: bool,
    /// Seconds that a trace may last: `--from` and `--until` look that far around the window; 300 if not given.
    pub margin: Option<u32>,
}

/// What the columns are called. An empty text says that there is none.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct EngineColumns {
    /// Trace id, in hex.
    pub trace_id: Option<String>,
    /// Span id, in hex.
    pub span_id: Option<String>,
    /// Id of the parent span, empty for none.
    pub parent_id: Option<String>,
    /// Service.
    pub service: Option<String>,
    /// Name of the span.
    pub name: Option<String>,
    /// Kind: name or number.
    pub kind: Option<String>,
    /// Start.
    pub start: Option<String>,
    /// Duration; without one there has to be an end.
    pub duration: Option<String>,
    /// End, instead of a duration.
    pub end: Option<String>,
    /// Status: `Error`, `STATUS_CODE_ERROR` or 2 is one.
    pub status: Option<String>,
    /// W3C trace state, for sampling.
    pub trace_state: Option<String>,
    /// Attributes of the span: a map, or a text of JSON.
    pub attributes: Option<String>,
    /// Ids of the traces of the links: an array.
    pub link_traces: Option<String>,
    /// Ids of the spans of the links: an array.
    pub link_spans: Option<String>,
}

impl EngineConfig {
    /// Seconds that a trace may last. Five minutes: longer than the timeouts of gateways (ours).
    #[must_use]
    pub fn margin(&self) -> u32 {
        self.margin.unwrap_or(300)
    }
}
