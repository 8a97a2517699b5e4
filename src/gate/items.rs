//! What violates a rule on one side, before anything is compared: smells, architecture, budgets, depth.

use std::collections::{BTreeMap, BTreeSet};

use crate::config::{ArchitectureRule, Budget, Config, Level};
use crate::model::{Finding, Intent};
use crate::result::{Dependency, Evidence, Mode, Result, Severity, Site};

use super::before::{Before, waiting};
use super::outcome::{Item, State};
use super::rules::{level_of, level_of_smell};
use super::select::Selection;

/// Evidence that an item shows at most.
const MOST_EVIDENCE: usize = 10;

/// A violation whose state is not known yet.
pub fn item(rule: &str, level: Level, services: &[&str], subject: Option<&str>, because: String) -> Item {
    let services: Vec<String> = services.iter().map(|s| (*s).to_owned()).collect();
    Item {
        rule: rule.to_owned(),
        level,
        state: State::Existing,
        fails: false,
        subject: subject.map(str::to_owned),
        because,
        evidence: Vec::new(),
        refactorings: Vec::new(),
        measure: None,
        fingerprint: Finding::fingerprint_of(rule, &services, subject),
        accepted: None,
        services,
    }
}

/// All violations of rules that need nothing to compare with, without those that are off.
#[must_use]
pub fn of_one_side(result: &Result, config: &Config) -> Vec<Item> {
    let selection = Selection::of(result, config);
    let mut all: Vec<Item> = result.findings.iter().map(|f| of_finding(f, config)).collect();
    for rule in &config.architecture {
        all.extend(architecture(result, rule, &selection));
    }
    all.extend(budgets(result, config));
    all.extend(depth(result, config));
    all.retain(|i| i.level != Level::Off);
    all
}

/// Calls that wait and were not there before: all, or those between the groups that are watched; and reads of data
/// that is published already.
#[must_use]
pub fn new_edges(result: &Result, config: &Config, before: &Before) -> Vec<Item> {
    let selection = Selection::of(result, config);
    let watched = &config.gate.new_sync_edges;
    let (edge_level, liberated_level) = (level_of(config, "new-sync-edge"), level_of(config, "liberated-entity"));
    let known: BTreeSet<(&str, &str)> = before.edges.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
    let mut all = Vec::new();
    for (source, target) in waiting(result).filter(|e| !known.contains(e)) {
        let Some(dependency) = edge(result, source, target) else { continue };
        let watched = watched.is_empty()
            || watched.iter().any(|b| selection.has(&b.from, source) && selection.has(&b.to, target));
        let arrow = format!("{source} → {target}");
        if liberated(result, config, target) && reads(dependency) && liberated_level != Level::Off {
            let because = format!("{source} reads {target} and waits, though the data of {target} is published");
            let mut made = item("liberated-entity", liberated_level, &[source, target], Some(&arrow), because);
            made.evidence = evidence_of(dependency);
            made.refactorings = vec![format!("let {source} keep its own copy of what {target} publishes")];
            all.push(made);
        }
        if watched && edge_level != Level::Off {
            let gain = result.score.iter().flat_map(|s| &s.marginals);
            let gain = gain.filter(|m| m.source == source && m.target == target).map(|m| m.value).next();
            let worth = gain.map_or_else(String::new, |g| format!("; without it the score would be {g:.1} lower"));
            let because = format!("{source} now calls {target} and waits{worth}");
            let mut made = item("new-sync-edge", edge_level, &[source, target], Some(&arrow), because);
            made.evidence = evidence_of(dependency);
            made.refactorings = vec![format!("subscribe to events of {target}, or keep a copy of its data")];
            all.push(made);
        }
    }
    all
}

fn of_finding(finding: &Finding, config: &Config) -> Item {
    Item {
        rule: finding.smell.clone(),
        level: level_of_smell(config, &finding.smell, finding.severity),
        state: State::Existing,
        fails: false,
        services: finding.services.clone(),
        subject: finding.subject.clone(),
        because: finding.because.clone(),
        evidence: finding.evidence.iter().take(MOST_EVIDENCE).cloned().collect(),
        refactorings: finding.refactorings.clone(),
        measure: None,
        fingerprint: finding.fingerprint.clone(),
        accepted: None,
    }
}

fn architecture(result: &Result, rule: &ArchitectureRule, selection: &Selection<'_>) -> Vec<Item> {
    let in_mode = |d: &&Dependency| match rule.mode {
        Some(mode) => d.mode == mode,
        None => d.mode != Mode::Infra,
    };
    let broken = |d: &&Dependency| {
        let allowed = rule.allow.as_ref().is_none_or(|s| selection.has(s, &d.target));
        let denied = rule.deny.as_ref().is_some_and(|s| selection.has(s, &d.target));
        d.source != d.target && selection.has(&rule.from, &d.source) && (denied || !allowed)
    };
    let edges = result.dependencies.iter().filter(in_mode).filter(broken);
    edges
        .map(|d| {
            let over = d.channel.as_ref().map_or_else(String::new, |c| format!(" over {c}"));
            let verb = if d.mode == Mode::Async { "reaches" } else { "calls" };
            let because = format!("{} {verb} {}{over}: {}", d.source, d.target, rule.reason);
            let subject = format!("{} → {} {}{over}", d.source, d.target, d.mode.as_str());
            let id = format!("architecture/{}", rule.id);
            let mut made = item(&id, rule.level, &[&d.source, &d.target], Some(&subject), because);
            made.evidence = evidence_of(d);
            made
        })
        .collect()
}

fn budgets(result: &Result, config: &Config) -> Vec<Item> {
    let level = level_of(config, "service-budget");
    let Some(score) = &result.score else { return Vec::new() };
    let mut calls: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (source, target) in waiting(result) {
        calls.entry(source).or_default().insert(target);
    }
    let mut all = Vec::new();
    for term in &score.terms {
        let own = result.services.iter().find(|s| s.name == term.service);
        let named = |name: &String| *name == term.service || own.is_some_and(|s| s.aliases.contains(name));
        let budget = config.gate.budgets.iter().find(|(name, _)| named(name)).map(|(_, b)| *b);
        let Some(budget) = budget.or_else(|| config.gate.budgets.get("*").copied()) else { continue };
        let Budget { needs, needed_by, calls: most_calls } = budget;
        let called = calls.get(term.service.as_str()).map_or(0, |c| c.len() as u32);
        let limits = [
            ("needs", "needs", term.up, needs),
            ("needed-by", "is needed by", term.down, needed_by),
            ("calls", "calls", called, most_calls),
        ];
        for (key, verb, is, most) in limits {
            let Some(most) = most.filter(|most| is > *most) else { continue };
            let because =
                format!("{} {verb} {}; its budget is {most}", term.service, crate::model::counted(is, "service"));
            let mut made = item("service-budget", level, &[&term.service], Some(key), because);
            made.measure = Some(f64::from(is));
            made.evidence = outgoing_evidence(result, &term.service, key == "needed-by");
            all.push(made);
        }
    }
    all
}

/// First evidence of each call that waits, from or to a service.
fn outgoing_evidence(result: &Result, service: &str, incoming: bool) -> Vec<Evidence> {
    let edges = result.dependencies.iter().filter(|d| d.mode == Mode::Sync && d.blocking);
    let mine = edges.filter(|d| if incoming { d.target == service } else { d.source == service });
    mine.flat_map(|d| evidence_of(d).into_iter().take(1)).take(MOST_EVIDENCE).collect()
}

fn depth(result: &Result, config: &Config) -> Option<Item> {
    let most = config.gate.max_depth?;
    let figures = &result.score.as_ref()?.figures;
    if figures.depth <= most {
        return None;
    }
    let chain = figures.longest_chain.join(" → ");
    let because = format!(
        "the longest synchronous chain has {}, {most} are allowed: {chain}",
        crate::model::counted(figures.depth, "hop")
    );
    let mut made = item("max-depth", level_of(config, "max-depth"), &[], None, because);
    made.services = figures.longest_chain.clone();
    made.services.sort();
    made.services.dedup();
    made.measure = Some(f64::from(figures.depth));
    let links = figures.longest_chain.windows(2).filter_map(|w| edge(result, &w[0], &w[1]));
    made.evidence = links.flat_map(|d| evidence_of(d).into_iter().take(1)).take(MOST_EVIDENCE).collect();
    Some(made)
}

fn edge<'r>(result: &'r Result, source: &str, target: &str) -> Option<&'r Dependency> {
    result.dependencies.iter().find(|d| d.mode == Mode::Sync && d.blocking && d.source == source && d.target == target)
}

fn evidence_of(dependency: &Dependency) -> Vec<Evidence> {
    let sites = dependency.sites.iter().map(Site::as_evidence);
    sites.chain(dependency.evidence.iter().cloned()).take(MOST_EVIDENCE).collect()
}

fn liberated(result: &Result, config: &Config, target: &str) -> bool {
    let service = result.services.iter().find(|s| s.name == target);
    config.liberated.iter().any(|name| name == target || service.is_some_and(|s| s.aliases.contains(name)))
}

/// A read, or an edge of which nobody knows what it is for.
fn reads(dependency: &Dependency) -> bool {
    dependency.intents.is_empty() || dependency.intents.iter().any(|i| matches!(i, Intent::Read | Intent::View))
}

/// How severe a level is, in the words of a finding.
#[must_use]
pub fn severity(level: Level) -> Severity {
    match level {
        Level::Error => Severity::High,
        Level::Warning => Severity::Medium,
        Level::Note | Level::Off => Severity::Low,
    }
}
