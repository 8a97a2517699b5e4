//! A page for each service with a page for each of its calls, and the table of all dependencies.

use askama::Template;

use crate::model::{Dependency, Endpoint, Mode, SourceKind};
use crate::report::clean;
use crate::report::system::{System, source};

use super::confidence;
use super::traffic::Observed;

/// Call sites and other evidence of an edge, and operations of a service, by how many dependencies there are at most:
/// the report stays one that can be mailed.
const LISTED: [(usize, usize); 3] = [(120, 40), (1_200, 10), (usize::MAX, 1)];
/// Reasons why a service is one.
const REASONS: usize = 4;

/// The pages.
#[derive(Template)]
#[template(path = "services.html", escape = "html", config = "src/report/html/askama.toml")]
pub struct Services {
    pages: Vec<ServiceView>,
}

struct ServiceView {
    key: usize,
    name: String,
    kind: &'static str,
    facts: Vec<(&'static str, String)>,
    /// Who it waits for in all, and who waits for it.
    reach: Option<[String; 2]>,
    calls: Vec<EdgePage>,
    called_by: Vec<(usize, String)>,
    operations: Vec<String>,
    more_operations: usize,
    findings: Vec<String>,
    steps: Vec<(usize, String)>,
    unresolved: Vec<String>,
    places: Vec<String>,
}

/// An edge with all that is known of it.
struct EdgePage {
    key: usize,
    title: String,
    mode: &'static str,
    waits: bool,
    /// Facts and sources in one sentence, where a system is so large that a list for each edge is too much to open.
    brief: String,
    facts: Vec<(&'static str, String)>,
    /// What each input says: yes or nothing.
    sources: Vec<(&'static str, bool)>,
    sites: Vec<SiteView>,
    more_sites: usize,
    places: Vec<String>,
    more_places: usize,
}

struct SiteView {
    place: String,
    operation: String,
    intent: String,
    chain: Vec<String>,
}

/// All pages.
#[must_use]
pub fn section(system: &System<'_>) -> Services {
    let result = system.result;
    let fits = |(limit, _): &&(usize, usize)| result.dependencies.len() < *limit;
    let most = LISTED.iter().find(fits).map_or(1, |(_, most)| *most);
    let mut marginal = std::collections::BTreeMap::new();
    for m in result.score.iter().flat_map(|s| &s.marginals) {
        marginal.insert((m.source.as_str(), m.target.as_str()), m.value);
    }
    let mut operations: Vec<Vec<&Endpoint>> = vec![Vec::new(); system.names.len()];
    for endpoint in &result.endpoints {
        if let Some(at) = system.find(&endpoint.service) {
            operations[at].push(endpoint);
        }
    }
    let mut findings: Vec<Vec<(&str, String)>> = vec![Vec::new(); system.names.len()];
    for f in &result.findings {
        for at in f.services.iter().filter_map(|s| system.find(s)) {
            findings[at].push((f.smell.as_str(), clean(&f.because)));
        }
    }
    let mut unresolved: Vec<Vec<String>> = vec![Vec::new(); system.names.len()];
    for u in &result.unresolved {
        if let Some(at) = system.find(&u.source) {
            let text = format!("{}:{} {} ({})", u.site.path, u.site.line, u.last_value, u.reason);
            unresolved[at].push(clean(&text));
        }
    }
    let observed = Observed::of(system);
    let page = |at: usize| {
        let edges = system.out[at].iter().map(|e| edge(system, &observed, *e, &marginal, most)).collect();
        let own = few(std::mem::take(&mut findings[at]));
        let calls = std::mem::take(&mut unresolved[at]);
        let mut page = service(system, at, edges, &operations[at], own, calls, most);
        let traced = observed.service(at);
        page.facts.extend((!traced.is_empty()).then_some(("in traces", traced)));
        page
    };
    Services { pages: (0..system.names.len()).map(page).collect() }
}

/// One finding of each smell in words, the rest as a number.
fn few(findings: Vec<(&str, String)>) -> Vec<String> {
    let mut by_smell: std::collections::BTreeMap<&str, Vec<String>> = std::collections::BTreeMap::new();
    for (smell, because) in findings {
        by_smell.entry(smell).or_default().push(because);
    }
    let mut out = Vec::new();
    for (smell, all) in by_smell {
        let more = all.len().saturating_sub(1);
        out.extend(all.into_iter().take(1).map(|because| format!("{}: {because}", clean(smell))));
        if more > 0 {
            out.push(format!("{}: and {more} more, see Findings", clean(smell)));
        }
    }
    out
}

fn service(
    system: &System<'_>,
    at: usize,
    calls: Vec<EdgePage>,
    operations: &[&Endpoint],
    findings: Vec<String>,
    unresolved: Vec<String>,
    most: usize,
) -> ServiceView {
    let s = system.service(at);
    let mut facts = Vec::new();
    let mut add = |what: &'static str, text: String| {
        if !text.is_empty() {
            facts.push((what, clean(&text)));
        }
    };
    add("owner", s.owners.join(", "));
    add("made of", s.languages.join(", "));
    add("product", s.engine.clone().unwrap_or_default());
    add("folders", s.folders.iter().map(|f| if f.is_empty() { "." } else { f }).collect::<Vec<_>>().join(", "));
    add("also called", s.aliases.join(", "));
    add("reached from outside", if s.exposed { "yes".to_owned() } else { String::new() });
    add("own stores", system.stores(at).iter().map(|i| system.names[*i].clone()).collect::<Vec<_>>().join(", "));
    let counts = s.membership.as_ref().map(|m| format!("{}: {}", if m.member { "yes" } else { "no" }, m.because));
    add("counts in the score", counts.unwrap_or_default());
    if most > 1 {
        add("metrics", metrics(system, &s.name));
    }
    let steps = system.result.plan.iter().flat_map(|p| p.steps.iter().enumerate());
    let steps = steps
        .filter(|(_, step)| step.entity.as_deref() == Some(&s.name) || step.services.contains(&s.name))
        .map(|(i, step)| (i + 1, crate::report::action(step)))
        .collect();
    let called_by = system.into[at].iter().filter(|d| system.dependency(**d).mode != Mode::Infra);
    let called_by = called_by.filter_map(|d| Some((*d, system.names[system.ends[*d]?.0].clone()))).collect();
    let operation = |e: &&Endpoint| clean(&format!("{} {} ({}, {})", e.method, e.path, e.handler, e.place));
    ServiceView {
        key: at,
        name: system.names[at].clone(),
        kind: s.kind.as_str(),
        facts,
        reach: system.terms[at].map(|t| [t.up.to_string(), t.down.to_string()]),
        calls,
        called_by,
        operations: operations.iter().take(most).map(operation).collect(),
        more_operations: operations.len().saturating_sub(most),
        findings,
        steps,
        unresolved: unresolved.into_iter().take(most).collect(),
        places: s.evidence.iter().take(most.min(REASONS)).map(|e| clean(&format!("{}: {}", e.place, e.says))).collect(),
    }
}

/// The metrics of a service in one line.
fn metrics(system: &System<'_>, name: &str) -> String {
    let all = system.result.metrics.as_ref().map(|m| m.services.as_slice()).unwrap_or_default();
    let Ok(at) = all.binary_search_by(|m| m.service.as_str().cmp(name)) else { return String::new() };
    let m = &all[at];
    let mut text = format!("called by {} (AIS), calls {} (ADS)", m.ais, m.ads);
    if let Some(v) = m.instability {
        text.push_str(&format!(", instability {v:.2}"));
    }
    text.push_str(&format!(", betweenness {:.3}, PageRank {:.3}", m.betweenness, m.page_rank));
    if let Some(v) = m.blast_radius {
        text.push_str(&format!(", blast radius {:.0} %", v * 100.0));
    }
    if let Some(v) = m.availability_bound {
        text.push_str(&format!(", available at most {:.3} %", v * 100.0));
    }
    if let Some(v) = &m.dominator {
        text.push_str(&format!(", reached from outside only through {v}"));
    }
    text
}

type Marginals<'r> = std::collections::BTreeMap<(&'r str, &'r str), f64>;

fn edge(system: &System<'_>, observed: &Observed<'_>, index: usize, marginal: &Marginals<'_>, most: usize) -> EdgePage {
    let d = system.dependency(index);
    let mut facts = vec![("over", clean(&d.protocol)), ("confidence", confidence(d.confidence).to_owned())];
    if let Some(channel) = &d.channel {
        facts.push(("channel", clean(channel)));
    }
    let intents: Vec<&str> = d.intents.iter().map(|i| i.as_str()).collect();
    if !intents.is_empty() {
        facts.push(("for", intents.join(", ")));
    }
    facts.extend(observed.edge(system.ends[index], d));
    facts.retain(|(what, _)| most > 1 || *what != super::traffic::EXAMPLES);
    if !d.tables.is_empty() {
        facts.push(("tables", clean(&d.tables.join(", "))));
    }
    if system.waits(index).is_some() {
        if let Some(value) = marginal.get(&(d.source.as_str(), d.target.as_str())) {
            facts.push(("without it the score falls by", format!("{value:.2}")));
        }
        if let Some(step) = system.ends[index].and_then(|pair| system.gone.get(&pair)) {
            facts.push(("gone after step", step.to_string()));
        }
    }
    let all = [SourceKind::Code, SourceKind::Specs, SourceKind::Manifests, SourceKind::Traces, SourceKind::Declared];
    let mut told: Vec<String> = Vec::new();
    let sites = d.sites.iter().take(most).map(|s| {
        let chain: Vec<String> = s.chain.iter().map(|e| clean(&format!("{}: {}", e.place, e.says))).collect();
        // Call sites of an edge mostly find its address the same way: it is told once.
        let same = chain == told;
        told.clone_from(&chain);
        SiteView {
            place: clean(&format!("{}:{}", s.path, s.line)),
            operation: clean(&s.operation),
            intent: s.intent.map_or("", |i| i.as_str()).to_owned(),
            chain: if same || most == 1 { Vec::new() } else { chain.into_iter().take(most).collect() },
        }
    });
    let evidence = if most == 1 && !d.sites.is_empty() { 0 } else { most.min(12) };
    let sources: Vec<(&str, bool)> =
        all.iter().filter(|k| most > 1 || d.seen_in.contains(k)).map(|k| (source(*k), d.seen_in.contains(k))).collect();
    let brief = if most == 1 {
        let seen: Vec<&str> = sources.iter().map(|(what, _)| *what).collect();
        let facts = facts.iter().map(|(what, text)| format!("{what} {text}"));
        facts.chain([format!("seen in {}", seen.join(", "))]).collect::<Vec<_>>().join("; ")
    } else {
        String::new()
    };
    EdgePage {
        key: index,
        title: format!("{} → {}", clean(&d.source), clean(&d.target)),
        mode: d.mode.as_str(),
        waits: d.blocking && d.mode == Mode::Sync,
        brief,
        facts,
        sources,
        sites: sites.collect(),
        more_sites: d.sites.len().saturating_sub(most),
        places: d.evidence.iter().take(evidence).map(|e| clean(&format!("{}: {}", e.place, e.says))).collect(),
        more_places: d.evidence.len().saturating_sub(evidence),
    }
}

/// The table of all dependencies.
#[derive(Template)]
#[template(path = "dependencies.html", escape = "html", config = "src/report/html/askama.toml")]
pub struct Dependencies {
    rows: Vec<RowView>,
}

struct RowView {
    key: usize,
    linked: bool,
    source: String,
    target: String,
    mode: &'static str,
    over: String,
    intents: String,
    confidence: &'static str,
    seen: String,
    traced: String,
    first: String,
    sites: usize,
}

/// All dependencies.
#[must_use]
pub fn dependencies(system: &System<'_>) -> Dependencies {
    let row = |(key, d): (usize, &Dependency)| {
        let seen: Vec<&str> = d.seen_in.iter().map(|s| source(*s)).collect();
        let intents: Vec<&str> = d.intents.iter().map(|i| i.as_str()).collect();
        let site = d.sites.first().map(|s| format!("{}:{}", s.path, s.line));
        let first = site.or_else(|| d.evidence.first().map(|e| e.place.to_string())).unwrap_or_default();
        RowView {
            key,
            linked: system.ends[key].is_some(),
            source: clean(&d.source),
            target: clean(&d.target),
            mode: d.mode.as_str(),
            over: clean(d.channel.as_deref().unwrap_or(&d.protocol)),
            intents: intents.join(", "),
            confidence: confidence(d.confidence),
            seen: seen.join(", "),
            traced: d.calls.map_or_else(|| "not measured".to_owned(), |n| n.to_string()),
            first: clean(&first),
            sites: d.sites.len(),
        }
    };
    Dependencies { rows: system.result.dependencies.iter().enumerate().map(row).collect() }
}
