//! `graph.dot`: the dependencies for Graphviz.

use crate::model::Mode;
use crate::result::Result;

/// Dependencies in the DOT language.
#[must_use]
pub fn render(result: &Result) -> String {
    let mut out = "digraph services {\n  rankdir=LR;\n  node [shape=box];\n".to_owned();
    for service in &result.services {
        out.push_str(&format!(
            "  {} [label={}];\n",
            quoted(&service.name),
            quoted(&format!("{} ({})", service.name, service.kind.as_str()))
        ));
    }
    for d in &result.dependencies {
        let style = match d.mode {
            Mode::Sync => "solid",
            Mode::Async => "dashed",
            Mode::Data => "dotted",
            Mode::Infra => continue,
        };
        let label = d.channel.as_deref().unwrap_or(&d.protocol);
        out.push_str(&format!(
            "  {} -> {} [style={style}, label={}];\n",
            quoted(&d.source),
            quoted(&d.target),
            quoted(label)
        ));
    }
    out.push_str("}\n");
    out
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", super::clean(text).replace('\\', "\\\\").replace('"', "\\\""))
}
