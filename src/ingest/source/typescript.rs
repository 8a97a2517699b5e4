//! TypeScript: the shared walk over its own grammar, with or without JSX.

use crate::ingest::ecmascript;
use crate::model::Unit;

use super::Language;

/// TypeScript.
pub const LANGUAGE: Language = Language { id: "typescript", extensions: &["ts", "tsx", "mts", "cts"], extract };

fn extract(source: &str) -> Unit {
    // The two grammars differ in `<T>x` against `<Tag/>`; markup decides.
    let markup = source.contains("</") || source.contains("/>");
    let grammar =
        if markup { tree_sitter_typescript::LANGUAGE_TSX } else { tree_sitter_typescript::LANGUAGE_TYPESCRIPT };
    ecmascript::extract(source, "typescript", &grammar.into())
}
