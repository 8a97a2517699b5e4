//! Data blocks for the script: names and edges as small JSON, and the whole result compressed.
//!
//! Nothing in them can end the block or start another: `<`, `>`, `&` and the two line separators are escaped.

use serde_json::json;

use crate::model::{Confidence, Mode, SourceKind};
use crate::report::system::System;

use super::map::Grouping;

/// Services, edges and groups.
#[must_use]
pub fn graph(system: &System<'_>, grouping: &Grouping) -> String {
    let nodes: Vec<_> = (0..system.names.len())
        .map(|i| {
            let reach = system.terms[i].map(|t| [t.up, t.down]);
            json!([
                system.names[i],
                system.service(i).kind.as_str(),
                system.teams[i],
                reach,
                grouping.of.get(&i),
                system.owner_of[i]
            ])
        })
        .collect();
    let edges: Vec<_> = system
        .ends
        .iter()
        .enumerate()
        .filter_map(|(index, ends)| {
            let (a, b) = (*ends)?;
            let d = system.dependency(index);
            let seen: u32 = d.seen_in.iter().map(|s| 1u32 << bit(*s)).sum();
            let gone = if d.mode == Mode::Sync { system.gone.get(&(a, b)).copied().unwrap_or(0) } else { 0 };
            let sure = u8::from(d.confidence == Confidence::Confirmed);
            let over = crate::report::clean(d.channel.as_deref().unwrap_or(&d.protocol));
            Some(json!([index, a, b, d.mode.as_str(), u8::from(d.blocking), sure, seen, over, d.sites.len(), gone]))
        })
        .collect();
    let steps: Vec<_> = system
        .result
        .plan
        .iter()
        .flat_map(|p| &p.steps)
        .map(|s| json!([crate::report::action(s), s.score_after, s.action.as_str()]))
        .collect();
    let score = system.result.score.as_ref().map(|s| s.value);
    let data = json!({
        "system": crate::report::clean(&system.result.system), "nodes": nodes, "edges": edges, "steps": steps,
        "groups": grouping.names, "score": score
    });
    escaped(&data.to_string())
}

/// The place of an input in the set of those that show an edge.
fn bit(kind: SourceKind) -> u32 {
    match kind {
        SourceKind::Code => 0,
        SourceKind::Specs => 1,
        SourceKind::Manifests => 2,
        SourceKind::Traces => 3,
        SourceKind::Declared => 4,
        SourceKind::History => 5,
    }
}

/// JSON that can stand in a script element.
fn escaped(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        match c {
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => out.push_str(&format!("\\u{:04x}", c as u32)),
            _ => out.push(c),
        }
    }
    out
}

/// The result as zlib in base64 (RFC 1950, 4648): the report carries its own data.
#[must_use]
pub fn whole(system: &System<'_>) -> String {
    let json = serde_json::to_vec(system.result).expect("a result has only text keys");
    super::base64(&miniz_oxide::deflate::compress_to_vec_zlib(&json, 7))
}

#[cfg(test)]
mod tests {
    #[test]
    fn nothing_ends_the_block() {
        let hostile = serde_json::json!("</script><!--\u{2028}&").to_string();
        let safe = super::escaped(&hostile);
        assert!(!safe.contains(['<', '>', '&', '\u{2028}']), "{safe}");
        assert_eq!(serde_json::from_str::<String>(&safe).expect("JSON"), "</script><!--\u{2028}&");
    }
}
