//! Two results -> what changed: score and terms, edges with evidence, findings, and what got better.
//!
//! Pure: takes two [`Result`]s, whatever they were made of (files, two revisions of one repository, two runs of one
//! service), and compares them by identity: an edge is (source, target, mode, channel), a finding its fingerprint,
//! a service its name or an alias. Absent input never counts as an improvement: what only an input that the newer
//! result lacks could show is listed under [`Diff::doubts`], not under [`Diff::better`].
//!
//! ```no_run
//! # fn main() -> std::result::Result<(), unbraid::error::Error> {
//! let old = unbraid::result::Result::read("old/graph.json", &std::fs::read("old/graph.json").unwrap_or_default())?;
//! let new = unbraid::result::Result::read("new/graph.json", &std::fs::read("new/graph.json").unwrap_or_default())?;
//! let diff = unbraid::diff::diff(&old, &new);
//! let (markdown, json) = (diff.to_string(), serde_json::to_vec(&diff));
//! # Ok(()) }
//! ```

mod text;

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::result::{
    Band, Confidence, Dependency, Evidence, Finding, Mode, Result, Service, Severity, Site, SourceKind,
};

/// The schema id of a comparison.
pub const SCHEMA: &str = "unbraid-diff/1";

/// Smaller changes of a score or a term than this are none: the noise of summing floats.
const NOISE: f64 = 1e-9;

/// Evidence that an edge shows at most.
const MOST_EVIDENCE: usize = 5;

/// What changed between two results. Everything is sorted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Diff {
    /// `unbraid-diff/1`.
    pub schema: String,
    /// The older side.
    pub old: Side,
    /// The newer side.
    pub new: Side,
    /// New score − old score; `None` where one of them has none.
    pub score: Option<f64>,
    /// Σ(1 − 0.9^k) over the services that both sides score, before and after: it cannot be lowered by adding
    /// services that call nobody. `None` where no service is in both.
    pub common_terms: Option<[f64; 2]>,
    /// Services whose term changed, the largest change first.
    pub services: Vec<ServiceChange>,
    /// Names that only the newer side has.
    pub new_services: Vec<String>,
    /// Names that only the older side has.
    pub gone_services: Vec<String>,
    /// Edges that only the newer side has.
    pub new_edges: Vec<EdgeChange>,
    /// Edges that only the older side has.
    pub gone_edges: Vec<EdgeChange>,
    /// Edges on both sides whose callers now wait, or no longer do.
    pub changed_edges: Vec<EdgeChange>,
    /// Findings that only the newer side has.
    pub new_findings: Vec<Finding>,
    /// Findings that only the older side has.
    pub gone_findings: Vec<Finding>,
    /// What improved, a sentence each.
    pub better: Vec<String>,
    /// What got worse, a sentence each.
    pub worse: Vec<String>,
    /// Why a difference may come from the inputs and not from the system, a sentence each.
    pub doubts: Vec<String>,
}

/// One side of a comparison.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Side {
    /// Name of the system.
    pub system: String,
    /// Score; `None` = not measured.
    pub score: Option<f64>,
    /// Its interval.
    pub interval: Option<[f64; 2]>,
    /// Its band.
    pub band: Option<Band>,
    /// Members of the score.
    pub members: usize,
    /// Dependencies whose caller waits.
    pub blocking_edges: usize,
    /// Findings.
    pub findings: usize,
    /// Inputs that were seen.
    pub seen_in: Vec<SourceKind>,
}

/// A service whose term of the score changed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ServiceChange {
    /// Name on the newer side, else on the older.
    pub service: String,
    /// `[services it needs, services that need it]` before; `None` = not a member.
    pub old: Option<[u32; 2]>,
    /// The same after.
    pub new: Option<[u32; 2]>,
    /// Term after − term before (0 where it is absent).
    pub change: f64,
}

/// An edge that came, went or changed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct EdgeChange {
    /// Caller or publisher.
    pub source: String,
    /// Callee or consumer.
    pub target: String,
    /// Mode.
    pub mode: Mode,
    /// Topic, for asynchronous edges.
    pub channel: Option<String>,
    /// Does the caller wait (now, or where the edge is gone, before)?
    pub blocking: bool,
    /// Confidence.
    pub confidence: Confidence,
    /// Which inputs show it.
    pub seen_in: Vec<SourceKind>,
    /// Points of the score that this edge alone stands for, on its side; `None` = not in the blocking graph.
    pub marginal: Option<f64>,
    /// Where it stands: at most five places.
    pub evidence: Vec<Evidence>,
}

/// Compares two results.
#[must_use]
pub fn diff(old: &Result, new: &Result) -> Diff {
    let names = Names::of(old, new);
    let (before, after) = (edges(old, &names.renamed), edges(new, &BTreeMap::new()));
    let only = |mine: &Edges<'_>, other: &Edges<'_>, side: &Result| -> Vec<EdgeChange> {
        mine.iter().filter(|(key, _)| !other.contains_key(*key)).map(|(_, d)| edge_change(d, side)).collect()
    };
    let new_edges = only(&after, &before, new);
    let gone_edges = only(&before, &after, old);
    let waits = |key: &Key, d: &Dependency| before.get(key).is_some_and(|b| b.blocking != d.blocking);
    let changed_edges = after.iter().filter(|(key, d)| waits(key, d)).map(|(_, d)| edge_change(d, new)).collect();
    let (old_prints, new_prints) = (prints(old, &names.renamed), prints(new, &BTreeMap::new()));
    let gone = |f: &&Finding| !new_prints.contains(&print(f, &names.renamed));
    let gone_findings = old.findings.iter().filter(gone).cloned().collect();
    let services = service_changes(old, new, &names);
    let mut made = Diff {
        schema: SCHEMA.to_owned(),
        old: side(old),
        new: side(new),
        score: old.score.as_ref().zip(new.score.as_ref()).map(|(o, n)| n.value - o.value),
        common_terms: common_terms(old, new, &names),
        services,
        new_services: names.only_new.into_iter().collect(),
        gone_services: names.only_old.into_iter().collect(),
        new_edges,
        gone_edges,
        changed_edges,
        new_findings: new.findings.iter().filter(|f| !old_prints.contains(&f.fingerprint)).cloned().collect(),
        gone_findings,
        better: Vec::new(),
        worse: Vec::new(),
        doubts: Vec::new(),
    };
    made.judge(old, new);
    made
}

impl Diff {
    /// Is there no difference at all?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.score.is_none_or(|s| s.abs() < NOISE)
            && self.services.is_empty()
            && self.new_services.is_empty()
            && self.gone_services.is_empty()
            && self.new_edges.is_empty()
            && self.gone_edges.is_empty()
            && self.changed_edges.is_empty()
            && self.new_findings.is_empty()
            && self.gone_findings.is_empty()
    }

    /// Says what is better, what is worse, and what the inputs cannot tell.
    fn judge(&mut self, old: &Result, new: &Result) {
        let (mut better, mut worse, mut doubts) = (Vec::new(), Vec::new(), Vec::new());
        if let (Some(change), Some(o), Some(n)) = (self.score, self.old.score, self.new.score)
            && change.abs() >= NOISE
        {
            let list = if change < 0.0 { &mut better } else { &mut worse };
            list.push(format!("the score went from {o:.1} to {n:.1} ({change:+.1})"));
        }
        let lost: Vec<SourceKind> =
            self.old.seen_in.iter().copied().filter(|s| !self.new.seen_in.contains(s)).collect();
        let gained: Vec<SourceKind> =
            self.new.seen_in.iter().copied().filter(|s| !self.old.seen_in.contains(s)).collect();
        for (edge, is_new) in self.new_edges.iter().map(|e| (e, true)).chain(self.gone_edges.iter().map(|e| (e, false)))
        {
            if edge.mode != Mode::Sync || !edge.blocking {
                continue;
            }
            let name = format!("{} → {}", edge.source, edge.target);
            let changed = if is_new { &gained } else { &lost };
            let only_there = !edge.seen_in.is_empty() && edge.seen_in.iter().all(|s| changed.contains(s));
            match (is_new, only_there) {
                (true, true) => doubts.push(format!("{name} is shown by an input that only the newer side has")),
                (false, true) => doubts.push(format!("{name} was shown by an input that the newer side lacks")),
                (true, false) => worse.push(format!("{name} is a new blocking call")),
                (false, false) => better.push(format!("{name} no longer calls and waits")),
            }
        }
        for edge in self.changed_edges.iter().filter(|e| e.mode == Mode::Sync) {
            let name = format!("{} → {}", edge.source, edge.target);
            if edge.blocking {
                worse.push(format!("{name} waits now"));
            } else {
                better.push(format!("{name} no longer waits"));
            }
        }
        findings(&self.new_findings, old, &mut worse, &mut doubts, "is new", "the older side");
        findings(&self.gone_findings, new, &mut better, &mut doubts, "is gone", "the newer side");
        for (what, side) in [("older", &self.old), ("newer", &self.new)] {
            if side.score.is_none() {
                doubts.push(format!("the {what} side has no score: no service was found there"));
            }
        }
        (self.better, self.worse, self.doubts) = (better, worse, doubts);
    }
}

/// Findings of one side, in words; where the other side did not evaluate the smell, its silence says nothing.
fn findings(
    these: &[Finding],
    other: &Result,
    said: &mut Vec<String>,
    doubts: &mut Vec<String>,
    verb: &str,
    side: &str,
) {
    for finding in these {
        let name = format!("{} ({})", finding.smell, finding.services.join(", "));
        match other.not_evaluated.iter().find(|n| n.smell == finding.smell) {
            Some(missing) => doubts.push(format!("{name}: {side} did not evaluate it: {}", missing.missing)),
            None if finding.severity >= Severity::Medium => said.push(format!("{name} {verb}: {}", finding.because)),
            None => {}
        }
    }
}

type Key = (String, String, Mode, Option<String>);
type Edges<'r> = BTreeMap<Key, &'r Dependency>;

/// Edges by identity, with the names that both sides share.
fn edges<'r>(result: &'r Result, names: &BTreeMap<String, String>) -> Edges<'r> {
    let name = |n: &String| names.get(n).unwrap_or(n).clone();
    result.dependencies.iter().map(|d| ((name(&d.source), name(&d.target), d.mode, d.channel.clone()), d)).collect()
}

fn edge_change(dependency: &Dependency, side: &Result) -> EdgeChange {
    let marginal = side.score.as_ref().and_then(|s| {
        s.marginals.iter().find(|m| m.source == dependency.source && m.target == dependency.target).map(|m| m.value)
    });
    let sites = dependency.sites.iter().map(Site::as_evidence);
    let evidence = sites.chain(dependency.evidence.iter().cloned()).take(MOST_EVIDENCE).collect();
    EdgeChange {
        source: dependency.source.clone(),
        target: dependency.target.clone(),
        mode: dependency.mode,
        channel: dependency.channel.clone(),
        blocking: dependency.blocking,
        confidence: dependency.confidence,
        seen_in: dependency.seen_in.clone(),
        marginal: marginal.filter(|_| dependency.mode == Mode::Sync),
        evidence,
    }
}

fn prints(result: &Result, renamed: &BTreeMap<String, String>) -> BTreeSet<String> {
    result.findings.iter().map(|f| print(f, renamed)).collect()
}

/// The fingerprint that a finding has under the newer names.
fn print(finding: &Finding, renamed: &BTreeMap<String, String>) -> String {
    if !finding.services.iter().any(|s| renamed.contains_key(s)) {
        return finding.fingerprint.clone();
    }
    let services: Vec<String> = finding.services.iter().map(|s| renamed.get(s).unwrap_or(s).clone()).collect();
    Finding::fingerprint_of(&finding.smell, &services, finding.subject.as_deref())
}

fn side(result: &Result) -> Side {
    let score = result.score.as_ref();
    let mut seen_in: BTreeSet<SourceKind> =
        result.dependencies.iter().flat_map(|d| d.seen_in.iter().copied()).collect();
    if result.traffic.is_some() {
        seen_in.insert(SourceKind::Traces);
    }
    Side {
        system: result.system.clone(),
        score: score.map(|s| s.value),
        interval: score.map(|s| s.interval),
        band: score.map(|s| s.band),
        members: score.map_or(0, |s| s.terms.len()),
        blocking_edges: result.dependencies.iter().filter(|d| d.mode == Mode::Sync && d.blocking).count(),
        findings: result.findings.len(),
        seen_in: seen_in.into_iter().collect(),
    }
}

/// How names of the two sides map to one: the newer side's, matched by name first, then by alias.
struct Names {
    /// Older name → newer name, for services that were renamed.
    renamed: BTreeMap<String, String>,
    only_old: BTreeSet<String>,
    only_new: BTreeSet<String>,
}

impl Names {
    fn of(old: &Result, new: &Result) -> Self {
        let here: BTreeSet<&str> = new.services.iter().map(|s| s.name.as_str()).collect();
        let before: BTreeSet<&str> = old.services.iter().map(|s| s.name.as_str()).collect();
        let mut renamed = BTreeMap::new();
        let mut taken: BTreeSet<&str> = BTreeSet::new();
        for service in old.services.iter().filter(|s| !here.contains(s.name.as_str())) {
            let is_it = |n: &&Service| {
                !before.contains(n.name.as_str())
                    && (n.aliases.contains(&service.name) || service.aliases.contains(&n.name))
            };
            let mut found = new.services.iter().filter(is_it);
            if let (Some(one), None) = (found.next(), found.next())
                && taken.insert(&one.name)
            {
                renamed.insert(service.name.clone(), one.name.clone());
            }
        }
        let only_old = before.iter().filter(|n| !here.contains(*n) && !renamed.contains_key(**n));
        let only_new = here.iter().filter(|n| !before.contains(*n) && !taken.contains(*n));
        Self {
            only_old: only_old.map(|n| (*n).to_owned()).collect(),
            only_new: only_new.map(|n| (*n).to_owned()).collect(),
            renamed,
        }
    }
}

/// Terms by the shared name: `[up, down]` and value.
fn terms(result: &Result, names: &BTreeMap<String, String>) -> BTreeMap<String, ([u32; 2], f64)> {
    let all = result.score.iter().flat_map(|s| &s.terms);
    all.map(|t| (names.get(&t.service).unwrap_or(&t.service).clone(), ([t.up, t.down], t.value))).collect()
}

fn service_changes(old: &Result, new: &Result, names: &Names) -> Vec<ServiceChange> {
    let (before, after) = (terms(old, &names.renamed), terms(new, &BTreeMap::new()));
    let all: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let mut changes: Vec<ServiceChange> = all
        .into_iter()
        .filter_map(|service| {
            let (o, n) = (before.get(service), after.get(service));
            let change = n.map_or(0.0, |t| t.1) - o.map_or(0.0, |t| t.1);
            let moved = change.abs() >= NOISE || o.map(|t| t.0) != n.map(|t| t.0);
            moved.then(|| ServiceChange { service: service.clone(), old: o.map(|t| t.0), new: n.map(|t| t.0), change })
        })
        .collect();
    changes.sort_by(|a, b| b.change.abs().total_cmp(&a.change.abs()).then_with(|| a.service.cmp(&b.service)));
    changes
}

fn common_terms(old: &Result, new: &Result, names: &Names) -> Option<[f64; 2]> {
    let (before, after) = (terms(old, &names.renamed), terms(new, &BTreeMap::new()));
    let common: Vec<&String> = before.keys().filter(|s| after.contains_key(*s)).collect();
    let sum = |of: &BTreeMap<String, ([u32; 2], f64)>| common.iter().filter_map(|s| of.get(*s)).map(|t| t.1).sum();
    (!common.is_empty()).then(|| [sum(&before), sum(&after)])
}

#[cfg(test)]
mod tests;
