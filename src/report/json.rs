//! `graph.json`: the result itself.

use crate::result::Result;

/// The result as indented JSON.
#[must_use]
pub fn render(result: &Result) -> String {
    let mut text = serde_json::to_string_pretty(result).expect("a result has only text keys");
    text.push('\n');
    text
}
