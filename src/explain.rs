//! One service or one edge of a result in words, with its evidence: for the command line and for agents.

use crate::result::{Dependency, Mode, Result, Service, Site};

/// Places that one edge shows at most.
const PLACES: usize = 12;

/// The service of this name or alias.
#[must_use]
pub fn find<'r>(result: &'r Result, name: &str) -> Option<&'r Service> {
    let by_name = result.services.iter().find(|s| s.name == name);
    by_name.or_else(|| result.services.iter().find(|s| s.aliases.iter().any(|a| a == name)))
}

/// `a->b`, `a → b` or `a..b` as two names.
#[must_use]
pub fn as_edge(text: &str) -> Option<(&str, &str)> {
    let (from, to) = ["->", "→", ".."].iter().find_map(|arrow| text.split_once(arrow))?;
    let (from, to) = (from.trim(), to.trim());
    (!from.is_empty() && !to.is_empty()).then_some((from, to))
}

/// Everything about a service.
#[must_use]
pub fn service(result: &Result, service: &Service) -> String {
    let name = service.name.as_str();
    let mut out = format!("{name}: {}\n", service.kind.as_str());
    let mut row = |head: &str, text: String| {
        if !text.is_empty() {
            out.push_str(&format!("  {head:<12} {text}\n"));
        }
    };
    row("also called", service.aliases.join(", "));
    row("owned by", service.owners.join(", "));
    row("written in", service.languages.join(", "));
    row("folders", service.folders.join(", "));
    row("engine", service.engine.clone().unwrap_or_default());
    if let Some(membership) = &service.membership {
        let counts = if membership.member { "counts in the score" } else { "does not count in the score" };
        row("membership", format!("{counts}: {}", membership.because));
    }
    if let Some(term) = result.score.iter().flat_map(|s| &s.terms).find(|t| t.service == name) {
        row("coupling", format!("needs {}, needed by {}; term {:.3}", term.up, term.down, term.value));
    }
    if let Some(entity) = result.entities.iter().find(|e| e.service == name) {
        let class = serde_json::to_value(entity.class).ok().and_then(|v| v.as_str().map(str::to_owned));
        let owns =
            if entity.tables.is_empty() { String::new() } else { format!("; owns {}", entity.tables.join(", ")) };
        let gain = entity.gain.map_or_else(|| "was not tried".to_owned(), |g| format!("gains {g:.2}"));
        row("as owner", format!("{}{owns}; setting it free {gain}", class.unwrap_or_default()));
    }
    for (title, edges) in [
        ("calls and reaches", result.dependencies.iter().filter(|d| d.source == name).collect::<Vec<_>>()),
        ("is called by", result.dependencies.iter().filter(|d| d.target == name && d.source != name).collect()),
    ] {
        if edges.is_empty() {
            continue;
        }
        out.push_str(&format!("\n{title}\n"));
        for d in edges {
            let other = if d.source == name { &d.target } else { &d.source };
            out.push_str(&format!("  {other} ({})\n", kind(d)));
        }
    }
    answers(result, name, &mut out);
    judged(result, name, &mut out);
    out.push_str("\nwe know it from\n");
    for evidence in service.evidence.iter().take(PLACES) {
        out.push_str(&format!("  {}  {}\n", evidence.place, evidence.says));
    }
    out
}

/// What it serves.
fn answers(result: &Result, name: &str, out: &mut String) {
    let serves: Vec<_> = result.endpoints.iter().filter(|e| e.service == name).collect();
    if !serves.is_empty() {
        out.push_str("\nserves\n");
        for endpoint in serves {
            out.push_str(&format!("  {} {}  {}\n", endpoint.method, endpoint.path, endpoint.place));
        }
    }
}

/// What was found of it, and what the plan does with it.
fn judged(result: &Result, name: &str, out: &mut String) {
    let findings: Vec<_> = result.findings.iter().filter(|f| f.services.iter().any(|s| s == name)).collect();
    if !findings.is_empty() {
        out.push_str("\nfindings\n");
        for finding in findings {
            out.push_str(&format!("  {}: {}\n", finding.smell, finding.because));
        }
    }
    let steps: Vec<_> = result
        .plan
        .iter()
        .flat_map(|p| p.steps.iter().enumerate())
        .filter(|(_, s)| s.entity.as_deref() == Some(name) || s.services.iter().any(|s| s == name))
        .collect();
    if !steps.is_empty() {
        out.push_str("\nin the plan\n");
        for (at, step) in steps {
            let owner = step.entity.clone().unwrap_or_else(|| step.services.join(", "));
            out.push_str(&format!(
                "  step {}: {} {owner}, score {:.2} to {:.2}\n",
                at + 1,
                step.action.as_str(),
                step.score_before,
                step.score_after
            ));
        }
    }
}

/// Everything about the edges from one service to another; `None` if there is none.
#[must_use]
pub fn edge(result: &Result, from: &str, to: &str) -> Option<String> {
    let edges: Vec<&Dependency> = result.dependencies.iter().filter(|d| d.source == from && d.target == to).collect();
    let mut out = String::new();
    for d in &edges {
        out.push_str(&format!("{from} → {to}: {}\n", kind(d)));
        let mut row = |head: &str, text: String| out.push_str(&format!("  {head:<12} {text}\n"));
        let seen: Vec<String> = d.seen_in.iter().map(|s| format!("{s:?}").to_lowercase()).collect();
        row("seen in", format!("{}; {}", seen.join(", "), format!("{:?}", d.confidence).to_lowercase()));
        if !d.intents.is_empty() {
            row("for", d.intents.iter().map(|i| i.as_str()).collect::<Vec<_>>().join(", "));
        }
        if let Some(calls) = d.calls {
            let errors = d.errors.map_or_else(String::new, |e| format!(", {e} errors"));
            row("in traces", format!("{}{errors}", crate::model::counted(calls, "call")));
        }
        let marginals = result.score.iter().flat_map(|s| &s.marginals);
        if let Some(m) = marginals.filter(|_| d.mode == Mode::Sync).find(|m| m.source == from && m.target == to) {
            row("in the score", format!("{:.2} points would go with it", m.value));
        }
        for site in d.sites.iter().take(PLACES) {
            out.push_str(&site_lines(site));
        }
        for evidence in d.evidence.iter().take(PLACES) {
            out.push_str(&format!("  {}  {}\n", evidence.place, evidence.says));
        }
        let more = d.sites.len().saturating_sub(PLACES) + d.evidence.len().saturating_sub(PLACES);
        if more > 0 {
            out.push_str(&format!("  and {more} more places\n"));
        }
    }
    for candidate in result.candidates.iter().filter(|c| c.source == from && c.targets.iter().any(|t| t == to)) {
        let others = candidate.targets.join(", ");
        out.push_str(&format!("{from} → {to}: possible, one of {others}: {}\n", candidate.reason));
        out.push_str(&site_lines(&candidate.site));
    }
    (!out.is_empty()).then_some(out)
}

fn kind(d: &Dependency) -> String {
    let over = d.channel.as_ref().map_or_else(|| d.protocol.clone(), |c| format!("{} {c}", d.protocol));
    let waits = if d.mode == Mode::Sync && !d.blocking { ", does not wait" } else { "" };
    format!("{} over {over}{waits}", d.mode.as_str())
}

/// A call site with the chain of evidence that led from it to its target.
fn site_lines(site: &Site) -> String {
    let root = if site.root.is_empty() { String::new() } else { format!("{}:", site.root) };
    let intent = site.intent.map_or_else(String::new, |i| format!(" ({})", i.as_str()));
    let mut out = format!("  {root}{}:{}  {}{intent}\n", site.path, site.line, site.operation);
    for step in &site.chain {
        out.push_str(&format!("    {}  {}\n", step.place, step.says));
    }
    if let Some(place) = &site.handler_place {
        out.push_str(&format!("    {place}  answered by {}\n", site.handler.as_deref().unwrap_or("the handler")));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edges_are_named_by_an_arrow() {
        assert_eq!(as_edge("a->b"), Some(("a", "b")));
        assert_eq!(as_edge("a → b"), Some(("a", "b")));
        assert_eq!(as_edge("a..b"), Some(("a", "b")));
        assert_eq!(as_edge("orders-api"), None);
        assert_eq!(as_edge("->b"), None);
    }
}
