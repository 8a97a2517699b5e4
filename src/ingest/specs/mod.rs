//! Specifications -> operations and schemas.

mod openapi;
mod proto;

use crate::files::Source;
use crate::model::Facts;

/// A reader of specifications.
pub struct Spec {
    /// Id: `openapi`, `asyncapi`, `proto`.
    pub id: &'static str,
    /// Does it read this file? Decided by name first, and by the text where the name does not tell.
    pub claims: fn(&Source, &str) -> bool,
    /// Reads it. What cannot be read becomes a note.
    pub read: fn(&Source, &str) -> Facts,
}

/// All readers; each in a file of its own.
#[rustfmt::skip]
pub const SPECS: &[Spec] = &[
    openapi::SPEC,
    proto::SPEC,
];
