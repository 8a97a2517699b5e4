//! Smells (analysis §4): each in a file of its own, one array, one text beside it.
//!
//! A smell takes the analysed graph and gives findings with evidence; one that lacks its input is "not evaluated".

mod ambiguous_service;
mod bottleneck_service;
mod central_hub;
mod chatty_calls;
mod check_then_act;
mod contested_service;
mod crowded_container;
mod dead_route;
mod deep_sync_chain;
mod dual_write;
mod entity_service;
mod foreign_data_access;
mod god_service;
mod hard_coded_endpoint;
mod knot;
mod liberated_entity_regression;
mod local_logging;
mod lockstep_change;
mod lockstep_deploy;
mod lying_verb;
mod manual_configuration;
mod missing_gateway;
mod missing_health_check;
mod missing_telemetry;
mod n_plus_one;
mod nano_service;
mod scene;
mod shared_database;
mod shared_domain_library;
mod single_layer_team;
mod sync_cycle;
mod sync_over_async;
mod sync_write_chain;
mod tightly_coupled_teams;
mod timeout_inversion;
mod unguarded_call;
mod unversioned_api;
mod wrong_cut;

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use rayon::prelude::*;

use crate::model::{Confidence, Dependency, Evidence, Finding, NotEvaluated, Severity, Site};

pub use scene::Scene;
pub use unversioned_api::broken;

/// A smell.
pub struct Smell {
    /// Id: reads well after "no".
    pub id: &'static str,
    /// What it is, why it hurts, the way out, its limits: Markdown.
    pub text: &'static str,
    /// Finds it; `Err` names the missing input.
    pub find: fn(&Scene<'_>) -> Result<Vec<Finding>, String>,
}

/// All smells.
#[rustfmt::skip]
pub const SMELLS: &[Smell] = &[
    ambiguous_service::SMELL,
    bottleneck_service::SMELL,
    central_hub::SMELL,
    chatty_calls::SMELL,
    check_then_act::SMELL,
    contested_service::SMELL,
    crowded_container::SMELL,
    dead_route::SMELL,
    deep_sync_chain::SMELL,
    dual_write::SMELL,
    entity_service::SMELL,
    foreign_data_access::SMELL,
    god_service::SMELL,
    hard_coded_endpoint::SMELL,
    knot::SMELL,
    liberated_entity_regression::SMELL,
    local_logging::SMELL,
    lockstep_change::SMELL,
    lockstep_deploy::SMELL,
    lying_verb::SMELL,
    manual_configuration::SMELL,
    missing_gateway::SMELL,
    missing_health_check::SMELL,
    missing_telemetry::SMELL,
    n_plus_one::SMELL,
    nano_service::SMELL,
    shared_database::SMELL,
    shared_domain_library::SMELL,
    single_layer_team::SMELL,
    sync_cycle::SMELL,
    sync_over_async::SMELL,
    sync_write_chain::SMELL,
    tightly_coupled_teams::SMELL,
    timeout_inversion::SMELL,
    unguarded_call::SMELL,
    unversioned_api::SMELL,
    wrong_cut::SMELL,
];

/// Adds findings that a comparison with a base brings, in the order of the others.
pub fn add(findings: &mut Vec<Finding>, more: Vec<Finding>) {
    findings.extend(more);
    findings.sort_by(order);
}

/// Evaluates all smells: findings most severe first, and what could not be evaluated.
#[must_use]
pub fn find(scene: &Scene<'_>) -> (Vec<Finding>, Vec<NotEvaluated>) {
    let (mut findings, mut missing) = (Vec::new(), Vec::new());
    // Each list is cut before the next smell begins: in a huge system there are millions.
    let all: Vec<Result<(Vec<Finding>, usize), String>> = SMELLS.par_iter().map(|s| (s.find)(scene).map(cut)).collect();
    for (smell, found) in SMELLS.iter().zip(all) {
        let mut tell = |missing_part: String| {
            missing.push(NotEvaluated { smell: smell.id.to_owned(), missing: missing_part });
        };
        match found {
            Ok((found, more)) => {
                if more > 0 {
                    tell(format!("{more} further findings are left out: {MOST_FINDINGS} are listed at most"));
                }
                findings.extend(found);
            }
            Err(input) => tell(input),
        }
    }
    findings.sort_by(order);
    findings.dedup_by(|a, b| a.fingerprint == b.fingerprint);
    (findings, missing)
}

/// The most severe findings of a smell, and how many others there are.
fn cut(mut found: Vec<Finding>) -> (Vec<Finding>, usize) {
    let more = found.len().saturating_sub(MOST_FINDINGS);
    if more > 0 {
        found.select_nth_unstable_by(MOST_FINDINGS, order);
        found.truncate(MOST_FINDINGS);
        found.shrink_to_fit();
    }
    found.sort_by(order);
    (found, more)
}

fn order(a: &Finding, b: &Finding) -> std::cmp::Ordering {
    (b.severity, &a.smell, &a.services, &a.subject).cmp(&(a.severity, &b.smell, &b.services, &b.subject))
}

/// Findings of one smell that are listed, most severe first: nobody reads more, and a huge system has a million calls
/// without a time limit (ours).
const MOST_FINDINGS: usize = 10_000;

/// Evidence of one finding that is kept: whoever doubts it looks at a few places, not at thousands (ours).
const MOST_EVIDENCE: usize = 50;

/// What a smell says of one finding; the rest follows.
struct Found<'f> {
    smell: &'f str,
    severity: Severity,
    services: &'f [&'f str],
    subject: Option<&'f str>,
    because: String,
    evidence: Vec<Evidence>,
    refactorings: &'f [&'f str],
}

impl Found<'_> {
    /// The finding, with its fingerprint and the confidence of its weakest evidence.
    fn make(mut self) -> Finding {
        self.evidence.truncate(MOST_EVIDENCE);
        // There may be a million findings before they are cut.
        self.evidence.shrink_to_fit();
        let mut services: Vec<String> = self.services.iter().map(|s| (*s).to_owned()).collect();
        services.sort();
        services.dedup();
        Finding {
            smell: self.smell.to_owned(),
            severity: self.severity,
            confidence: Finding::confidence_from(&self.evidence),
            fingerprint: Finding::fingerprint_of(self.smell, &services, self.subject),
            services,
            subject: self.subject.map(str::to_owned),
            because: self.because,
            evidence: self.evidence,
            refactorings: self.refactorings.iter().map(|r| (*r).to_owned()).collect(),
        }
    }

    /// The finding with at most this confidence: what it says rests on words or proportions.
    fn at_most(self, confidence: Severity) -> Finding {
        let finding = self.make();
        Finding { confidence: finding.confidence.min(confidence), ..finding }
    }
}

/// One finding for the same services and subject: what traces show, with what the code shows.
fn merged(seen: Vec<Finding>, coded: impl IntoIterator<Item = Finding>) -> Vec<Finding> {
    if seen.is_empty() {
        return coded.into_iter().collect();
    }
    let mut all: BTreeMap<(Vec<String>, Option<String>), Finding> = BTreeMap::new();
    for finding in seen.into_iter().chain(coded) {
        match all.entry((finding.services.clone(), finding.subject.clone())) {
            Entry::Vacant(free) => drop(free.insert(finding)),
            Entry::Occupied(mut known) => {
                let known = known.get_mut();
                if known.because != finding.because {
                    known.because = format!("{}; {}", known.because, finding.because);
                }
                known.severity = known.severity.max(finding.severity);
                known.confidence = known.confidence.max(finding.confidence);
                known.evidence.extend(finding.evidence);
                known.evidence.truncate(MOST_EVIDENCE);
            }
        }
    }
    all.into_values().collect()
}

/// The evidence of a dependency: its sites, else what else shows it.
fn dependency_evidence(dependency: &Dependency) -> Vec<Evidence> {
    let sites: Vec<Evidence> = dependency.sites.iter().take(3).map(Site::as_evidence).collect();
    if sites.is_empty() { dependency.evidence.iter().take(3).cloned().collect() } else { sites }
}

/// Evidence from code at a place.
fn at(place: &crate::model::Place, says: &str, confidence: Confidence) -> Evidence {
    Evidence::new(crate::model::SourceKind::Code, place.clone(), says, confidence)
}
