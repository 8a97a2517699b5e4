//! `graph.mmd`: the dependencies as a Mermaid flow chart.

use std::collections::BTreeMap;

use crate::model::Mode;
use crate::result::Result;

/// Dependencies in Mermaid's language; nodes are numbered, so that no name can break it.
#[must_use]
pub fn render(result: &Result) -> String {
    let mut out = "flowchart LR\n".to_owned();
    let ids: BTreeMap<&str, usize> = result.services.iter().enumerate().map(|(i, s)| (s.name.as_str(), i)).collect();
    let linked = |name: &str| {
        result.dependencies.iter().any(|d| d.mode != Mode::Infra && (d.source == name || d.target == name))
    };
    for service in result.services.iter().filter(|s| linked(&s.name)) {
        out.push_str(&format!("  n{}[\"{}\"]\n", ids[service.name.as_str()], label(&service.name)));
    }
    for d in &result.dependencies {
        let (Some(from), Some(to)) = (ids.get(d.source.as_str()), ids.get(d.target.as_str())) else { continue };
        let arrow = match d.mode {
            Mode::Sync => "-->".to_owned(),
            Mode::Async => format!("-. \"{}\" .->", label(d.channel.as_deref().unwrap_or("event"))),
            Mode::Data => "-.-".to_owned(),
            Mode::Infra => continue,
        };
        out.push_str(&format!("  n{from} {arrow} n{to}\n"));
    }
    out
}

/// Mermaid reads entity codes in quoted labels.
fn label(text: &str) -> String {
    super::clean(text)
        .chars()
        .map(|c| {
            if c.is_alphanumeric() || matches!(c, ' ' | '-' | '_' | '.' | ':' | '/') {
                c.to_string()
            } else {
                format!("#{};", c as u32)
            }
        })
        .collect()
}
