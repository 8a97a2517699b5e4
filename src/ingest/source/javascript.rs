//! JavaScript: the shared walk over its own grammar; single-file components by their script.

use crate::ingest::ecmascript;
use crate::model::Unit;

use super::Language;

/// JavaScript.
pub const LANGUAGE: Language =
    Language { id: "javascript", extensions: &["js", "jsx", "mjs", "cjs", "vue", "svelte"], extract };

fn extract(source: &str) -> Unit {
    let grammar = tree_sitter_javascript::LANGUAGE.into();
    // A component starts with markup; a script never starts with `<`.
    if source.trim_start().starts_with('<') {
        let script = ecmascript::script_of(source);
        return ecmascript::extract(&script, "javascript", &tree_sitter_typescript::LANGUAGE_TYPESCRIPT.into());
    }
    // Types written into a script (Flow) are read as TypeScript's, which they resemble.
    let typed = source.contains("@flow") || source.contains("import type ");
    let grammar = if typed { tree_sitter_typescript::LANGUAGE_TSX.into() } else { grammar };
    ecmascript::extract(source, "javascript", &grammar)
}
