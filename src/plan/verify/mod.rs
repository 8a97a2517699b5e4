//! The files of a plan -> what was checked by what, and what is wrong. Needs no network and no server.
//!
//! One check per file here. A file that no check knows is listed as such, never as passed.

mod asyncapi;
mod avro;
mod connectors;
mod json_schema;
mod shapes;
mod sql;
mod stream_sql;
mod strimzi;
mod topics;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::artefacts::File;

/// A check of one kind of file.
pub struct Check {
    /// Id: the file stem here.
    pub id: &'static str,
    /// By what, with its version.
    pub by: &'static str,
    /// Is it for this path?
    pub fits: fn(&str) -> bool,
    /// Path and text -> what is wrong; nothing if all is well.
    pub check: fn(&str, &str) -> Vec<String>,
}

/// All checks.
pub const CHECKS: &[Check] = &[
    asyncapi::CHECK,
    avro::CHECK,
    connectors::CHECK,
    json_schema::CHECK,
    shapes::CHECK,
    sql::CHECK,
    stream_sql::CHECK,
    strimzi::CHECK,
    topics::CHECK,
];

/// What was checked by what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Checked {
    /// The file.
    pub path: String,
    /// By what; empty if by nothing here.
    pub by: Vec<String>,
    /// What is wrong.
    pub problems: Vec<String>,
}

/// Checks every file.
#[must_use]
pub fn verify(files: &[File]) -> Vec<Checked> {
    let checked = files.iter().map(|file| {
        let fitting = || CHECKS.iter().filter(|c| (c.fits)(&file.path));
        Checked {
            path: file.path.clone(),
            by: fitting().map(|c| c.by.to_owned()).collect(),
            problems: fitting().flat_map(|c| (c.check)(&file.path, &file.text)).collect(),
        }
    });
    checked.collect()
}
