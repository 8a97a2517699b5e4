//! Spans of any format -> one fold -> `Traffic`.

use std::collections::BTreeMap;

use crate::files::Source;
use crate::model::{Note, Traffic};

/// A trace format.
pub struct Format {
    /// Id.
    pub id: &'static str,
}

/// All formats.
pub const FORMATS: &[Format] = &[];

/// What reading gives.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Traffic, if there were spans.
    pub traffic: Option<Traffic>,
    /// What could not be read.
    pub notes: Vec<Note>,
    /// Files by format.
    pub files_read: BTreeMap<&'static str, u64>,
}

/// Is it a trace file?
#[must_use]
pub fn claims(_: &Source) -> bool {
    false
}

/// Reads.
#[must_use]
pub fn read(_: &[&Source]) -> Outcome {
    Outcome::default()
}
