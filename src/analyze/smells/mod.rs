//! Smells (analysis §4): each in a file of its own, one array, one text beside it.
//!
//! A smell takes the analysed graph and gives findings with evidence; one that lacks its input is "not evaluated".

mod chatty_calls;
mod deep_sync_chain;
mod dual_write;
mod entity_service;
mod hard_coded_endpoint;
mod missing_gateway;
mod n_plus_one;
mod shared_database;
mod sync_cycle;

use crate::graph::ServiceGraph;
use crate::model::{Entity, Evidence, Finding, NotEvaluated, Severity};

use super::knowledge::Knowledge;
use super::score::Coupling;

/// A smell.
pub struct Smell {
    /// Id: reads well after "no".
    pub id: &'static str,
    /// What it is, why it hurts, the way out, its limits: Markdown.
    pub text: &'static str,
    /// Finds it; `Err` names the missing input.
    pub find: fn(&Scene<'_>) -> Result<Vec<Finding>, &'static str>,
}

/// What smells look at.
pub struct Scene<'s> {
    /// The graph.
    pub graph: &'s ServiceGraph,
    /// The blocking graph.
    pub coupling: &'s Coupling,
    /// The entity tests.
    pub entities: &'s [Entity],
    /// Thresholds.
    pub knowledge: &'s Knowledge,
}

/// All smells.
#[rustfmt::skip]
pub const SMELLS: &[Smell] = &[
    chatty_calls::SMELL,
    deep_sync_chain::SMELL,
    dual_write::SMELL,
    entity_service::SMELL,
    hard_coded_endpoint::SMELL,
    missing_gateway::SMELL,
    n_plus_one::SMELL,
    shared_database::SMELL,
    sync_cycle::SMELL,
];

/// Evaluates all smells: findings most severe first, and what could not be evaluated.
#[must_use]
pub fn find(
    graph: &ServiceGraph,
    coupling: &Coupling,
    entities: &[Entity],
    knowledge: &Knowledge,
) -> (Vec<Finding>, Vec<NotEvaluated>) {
    let scene = Scene { graph, coupling, entities, knowledge };
    let (mut findings, mut missing) = (Vec::new(), Vec::new());
    for smell in SMELLS {
        match (smell.find)(&scene) {
            Ok(found) => findings.extend(found),
            Err(input) => missing.push(NotEvaluated { smell: smell.id.to_owned(), missing: input.to_owned() }),
        }
    }
    findings.sort_by(|a, b| {
        (b.severity, &a.smell, &a.services, &a.subject).cmp(&(a.severity, &b.smell, &b.services, &b.subject))
    });
    (findings, missing)
}

/// A finding with its fingerprint and the confidence of its evidence.
fn finding(
    smell: &str,
    severity: Severity,
    services: &[String],
    subject: Option<&str>,
    because: String,
    evidence: Vec<Evidence>,
    refactorings: &[&str],
) -> Finding {
    let mut services = services.to_vec();
    services.sort();
    services.dedup();
    Finding {
        smell: smell.to_owned(),
        severity,
        confidence: Finding::confidence_from(&evidence),
        fingerprint: Finding::fingerprint_of(smell, &services, subject),
        services,
        subject: subject.map(str::to_owned),
        because,
        evidence,
        refactorings: refactorings.iter().map(|r| (*r).to_owned()).collect(),
    }
}

/// A site as evidence.
fn site_evidence(site: &crate::model::Site) -> Evidence {
    let place = crate::model::Place::new(&site.root, &site.path, site.line);
    Evidence::new(crate::model::SourceKind::Code, place, &site.operation, site.confidence)
}

/// The evidence of a dependency: its sites, else what else shows it.
fn dependency_evidence(dependency: &crate::model::Dependency) -> Vec<Evidence> {
    let sites: Vec<Evidence> = dependency.sites.iter().take(3).map(site_evidence).collect();
    if sites.is_empty() { dependency.evidence.iter().take(3).cloned().collect() } else { sites }
}
