//! Source code -> units of bindings, calls and declarations, through one interface for all languages.
//!
//! A language knows no library: what a call means stands in `rules/`, applied by `recognise`.

mod csharp;
mod global_imports;
mod go;
mod java;
mod javascript;
mod kotlin;
mod php;
mod python;
mod ruby;
mod rust;
mod typescript;

use crate::model::Unit;

pub use global_imports::{GlobalImports, add_global_imports, global_imports};

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

/// All languages; each in a file of its own.
#[rustfmt::skip]
pub const LANGUAGES: &[Language] = &[
    csharp::LANGUAGE,
    go::LANGUAGE,
    java::LANGUAGE,
    javascript::LANGUAGE,
    kotlin::LANGUAGE,
    php::LANGUAGE,
    python::LANGUAGE,
    ruby::LANGUAGE,
    rust::LANGUAGE,
    typescript::LANGUAGE,
];
