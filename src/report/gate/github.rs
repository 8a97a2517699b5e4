//! Annotations for GitHub: workflow commands on standard output. Ten of a kind are shown in one step, so nine at most
//! are written, what fails first, and a pointer to the rest.

use crate::gate::{Item, Level};

use super::{Page, sentence, standing, verdict};

/// Annotations at most, besides the pointer.
const MOST: usize = 9;

/// The outcome as workflow commands.
#[must_use]
pub fn render(page: &Page<'_>) -> String {
    let items: Vec<&Item> = page.outcome.failing().chain(page.outcome.fresh()).collect();
    let mut out = String::new();
    for item in items.iter().take(MOST) {
        let command = match (item.fails, item.level) {
            (true, _) | (false, Level::Error) => "error",
            (false, Level::Warning) => "warning",
            (false, Level::Note | Level::Off) => "notice",
        };
        let place = match page.place(item) {
            Some((path, 0)) => format!("file={},", property(&path)),
            Some((path, line)) => format!("file={},line={line},", property(&path)),
            None => String::new(),
        };
        let title = property(&format!("{} ({})", super::clean(&item.rule), standing(item)));
        out.push_str(&format!("::{command} {place}title={title}::{}\n", data(&sentence(item))));
    }
    if items.len() > MOST {
        let rest = format!("{} more; the summary and the SARIF file have them all", items.len() - MOST);
        out.push_str(&format!("::notice title=unbraid::{}\n", data(&rest)));
    }
    if page.outcome.verdict == crate::gate::Verdict::NotEnough {
        out.push_str(&format!("::error title=unbraid::{}\n", data(&verdict(page.outcome))));
    }
    out
}

/// The text of a command.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// A property of a command.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
