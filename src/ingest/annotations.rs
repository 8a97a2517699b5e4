//! What a comment beside a call says of it, where no rule can know: `unbraid: calls orders POST /orders` and
//! `unbraid: ignore REASON`.
//!
//! Takes the text of a source file; adds call sites to its unit and takes ignored ones out. The comment stands on
//! the line of the call or on the line before it.

use crate::model::code::CallSite;
use crate::model::{Expr, Note, Place, SiteKind, Unit};

/// What introduces an annotation.
const MARK: &str = "unbraid:";

/// Applies the annotations of a file; those that say nothing that is understood become notes.
pub fn apply(unit: &mut Unit, text: &str) -> Vec<Note> {
    let mut notes = Vec::new();
    if !text.contains(MARK) {
        return notes;
    }
    let lines: Vec<&str> = text.lines().collect();
    for (at, line) in lines.iter().enumerate() {
        let Some(said) = annotation(line) else { continue };
        let alone = line.trim_start().starts_with(['/', '#', '*', '-', ';']);
        // A comment of its own speaks of the next line.
        let target = at as u32 + if alone { 2 } else { 1 };
        let mut words = said.split_whitespace();
        match (words.next(), words.next()) {
            (Some("calls"), Some(service)) => {
                unit.sites.retain(|s| s.line != target || s.kind != SiteKind::Http);
                unit.sites.push(call(unit, service, words.next(), words.next(), target));
            }
            (Some("ignore"), Some(_)) => unit.sites.retain(|s| s.line != target),
            _ => {
                let place = Place::new(&unit.place.root, &unit.place.path, at as u32 + 1);
                let text = "an annotation of unbraid is `calls SERVICE [METHOD PATH]` or `ignore REASON`".to_owned();
                notes.push(Note::new(place, text));
            }
        }
    }
    unit.sites.sort_by(|a, b| (a.line, &a.rule).cmp(&(b.line, &b.rule)));
    notes
}

/// What stands behind the mark in a comment.
fn annotation(line: &str) -> Option<&str> {
    let at = line.find(MARK)?;
    let before = line[..at].trim_end();
    let comment = ["//", "#", "/*", "*", "--", ";"].iter().any(|c| before.ends_with(c));
    comment.then(|| line[at + MARK.len()..].trim().trim_end_matches("*/").trim_end())
}

fn call(unit: &Unit, service: &str, method: Option<&str>, path: Option<&str>, line: u32) -> CallSite {
    let mut site = CallSite::new("annotation", SiteKind::Http, line);
    site.protocol = "http".to_owned();
    site.address = Some(Expr::literal(&format!("http://{service}{}", path.unwrap_or_default())));
    site.method = method.map(Expr::literal);
    // The innermost function around the line.
    let around = |f: &&(usize, &crate::model::Function)| f.1.line <= line && line <= f.1.end_line;
    let innermost = unit.functions.iter().enumerate().filter(|f| around(&f)).min_by_key(|(_, f)| f.end_line - f.line);
    site.function = innermost.map(|(at, _)| at as u32);
    site.owner = innermost.and_then(|(_, f)| f.owner.clone());
    site
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_name_what_no_rule_can_know() {
        let mut unit = Unit::default();
        let text = "a = 1\n# unbraid: calls orders POST /orders\nsend(x)\nb() // unbraid: ignore only a health check\n# unbraid: what\n";
        unit.sites.push(CallSite::new("r", SiteKind::Http, 4));
        let notes = apply(&mut unit, text);
        assert_eq!(unit.sites.len(), 1);
        assert_eq!(unit.sites[0].line, 3);
        assert_eq!(unit.sites[0].address, Some(Expr::literal("http://orders/orders")));
        assert_eq!(notes.len(), 1);
    }
}
