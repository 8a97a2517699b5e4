//! Source code -> units of bindings, calls and declarations, through one interface for all languages.
//!
//! A language knows no library: what a call means stands in `rules/`, applied here.

use crate::model::Unit;

/// A programming language.
pub struct Language {
    /// Id: `java`, `go`, …
    pub id: &'static str,
    /// File extensions, lower case, without the dot.
    pub extensions: &'static [&'static str],
    /// Extracts what a text says. `place`, `sites` and receiver types are filled in by the caller.
    /// Broken syntax still yields the intact parts.
    pub extract: fn(&str) -> Unit,
}
