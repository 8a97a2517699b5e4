//! JUnit XML: one test case for each rule and each violation of it, so that a pipeline lists what failed.

use crate::gate::{Item, State};

use super::{Page, about, sentence, standing, verdict};

/// The outcome as JUnit XML.
#[must_use]
pub fn render(page: &Page<'_>) -> String {
    let outcome = page.outcome;
    let rules = about(outcome);
    let clean_rules: Vec<&super::About> =
        rules.iter().filter(|r| outcome.items.iter().all(|i| super::clean(&i.rule) != r.id)).collect();
    let failures = outcome.failing().count();
    let skipped = outcome.items.iter().filter(|i| !i.fails).count();
    // Too little evidence is no failed rule but a check that could not be made.
    let errors = usize::from(outcome.verdict == crate::gate::Verdict::NotEnough);
    let tests = outcome.items.len() + clean_rules.len() + errors;
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let counts = format!("tests=\"{tests}\" failures=\"{failures}\" errors=\"{errors}\"");
    out.push_str(&format!("<testsuites name=\"unbraid\" {counts}>\n"));
    out.push_str(&format!(
        "  <testsuite name=\"unbraid: {}\" {counts} skipped=\"{skipped}\">\n",
        escape(&outcome.system)
    ));
    if errors > 0 {
        out.push_str(&format!(
            "    <testcase classname=\"unbraid\" name=\"enough evidence\"><error message=\"{}\"/></testcase>\n",
            escape(&verdict(outcome))
        ));
    }
    for rule in clean_rules {
        out.push_str(&format!("    <testcase classname=\"unbraid.{}\" name=\"none\"/>\n", escape(&rule.id)));
    }
    for item in &outcome.items {
        out.push_str(&case(page, item));
    }
    out.push_str("  </testsuite>\n</testsuites>\n");
    out
}

fn case(page: &Page<'_>, item: &Item) -> String {
    let name = item.subject.clone().unwrap_or_else(|| item.services.join(", "));
    let place = page.place(item).filter(|(_, line)| *line > 0);
    let file =
        place.as_ref().map_or_else(String::new, |(path, line)| format!(" file=\"{}\" line=\"{line}\"", escape(path)));
    let head = format!("    <testcase classname=\"unbraid.{}\" name=\"{}\"{file}>", escape(&item.rule), escape(&name));
    let message = escape(&format!("{} ({})", sentence(item), standing(item)));
    if !item.fails {
        let why = if item.state == State::Accepted { "accepted: " } else { "" };
        return format!("{head}<skipped message=\"{why}{message}\"/></testcase>\n");
    }
    let places: Vec<String> = page.places(item).map(|(path, line, _)| escape(&format!("{path}:{line}"))).collect();
    format!(
        "{head}<failure type=\"{}\" message=\"{message}\">{}</failure></testcase>\n",
        escape(&item.rule),
        places.join("\n")
    )
}

/// Text as XML 1.0 allows it.
fn escape(text: &str) -> String {
    super::clean(text)
        .chars()
        .map(|c| match c {
            '<' => "&lt;".to_owned(),
            '>' => "&gt;".to_owned(),
            '&' => "&amp;".to_owned(),
            '"' => "&quot;".to_owned(),
            '\'' => "&apos;".to_owned(),
            '\u{FFFE}' | '\u{FFFF}' => "\u{FFFD}".to_owned(),
            other => other.to_string(),
        })
        .collect()
}
