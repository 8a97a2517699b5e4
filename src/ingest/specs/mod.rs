//! Specifications -> operations and schemas.

mod asyncapi;
mod openapi;
mod proto;

use crate::files::Source;
use crate::ingest::neighbours::Neighbours;
use crate::model::Facts;

/// A reader of specifications.
pub struct Spec {
    /// Id: `openapi`, `asyncapi`, `proto`.
    pub id: &'static str,
    /// Does it read this file? Decided by name first, and by the text where the name does not tell.
    pub claims: fn(&Source, &str) -> bool,
    /// Reads it. What cannot be read becomes a note.
    pub read: fn(&Source, &str, &Neighbours<'_>) -> Facts,
}

/// All readers; each in a file of its own.
#[rustfmt::skip]
pub const SPECS: &[Spec] = &[
    asyncapi::SPEC,
    openapi::SPEC,
    proto::SPEC,
];
