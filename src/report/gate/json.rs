//! `check.json`: the outcome itself; `unbraid schema check` prints its schema.

use super::Page;

/// The outcome as indented JSON.
#[must_use]
pub fn render(page: &Page<'_>) -> String {
    let mut text = serde_json::to_string_pretty(page.outcome).expect("an outcome has only text keys");
    text.push('\n');
    text
}
