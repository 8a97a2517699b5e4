//! Graph -> score, intents, entities, smells and what each step would buy.
//!
//! Pure: takes the linked graph and declarations, gives the analysis. Touches no disk and renders nothing.

pub mod cycles;
pub mod effort;
pub mod entities;
pub mod intent;
pub mod knowledge;
pub mod metrics;
pub mod runtime;
pub mod score;
pub mod search;
pub mod simulate;
pub mod smells;
pub mod wording;

use crate::config::Config;
use crate::graph::{Parts, ServiceGraph};
use crate::model::{Entity, Finding, Metrics, NotEvaluated, ScoreReport, VerbLie};

use knowledge::Knowledge;
use score::Coupling;

/// Everything that the analysis says.
#[derive(Debug)]
pub struct Analysis {
    /// The graph, with intents and membership filled in.
    pub graph: ServiceGraph,
    /// The blocking graph over the members.
    pub coupling: Coupling,
    /// The score; `None` when there is no service.
    pub score: Option<ScoreReport>,
    /// Published metrics; `None` when there is no service.
    pub metrics: Option<Metrics>,
    /// Owners of data, by name.
    pub entities: Vec<Entity>,
    /// Operations whose verb hides what they do.
    pub verb_lies: Vec<VerbLie>,
    /// Smells, most severe first.
    pub findings: Vec<Finding>,
    /// Smells without their input.
    pub not_evaluated: Vec<NotEvaluated>,
    /// Words and thresholds that were used.
    pub knowledge: Knowledge,
}

/// Analyses a graph.
#[must_use]
pub fn analyze(graph: ServiceGraph, config: &Config) -> Analysis {
    let knowledge = Knowledge::built_in();
    let mut parts: Parts = graph.into_parts();
    intent::assign(&mut parts, &knowledge);
    let verb_lies = intent::verb_lies(&parts, &knowledge);
    score::memberships(&mut parts, config, &knowledge);
    let graph = ServiceGraph::new(parts);
    let coupling = Coupling::of(&graph, config.analysis.criticality);
    let mut score = score::report(&graph, &coupling, &knowledge);
    let metrics = (!coupling.members.is_empty()).then(|| metrics::metrics(&graph, &coupling));
    if let Some(score) = &mut score {
        score.sub_scores.runtime = runtime::runtime(&graph, &coupling);
    }
    let entities = entities::entities(&graph, &coupling, &knowledge);
    let scene = smells::Scene::new(&graph, &coupling, &entities, &verb_lies, &config.liberated, &knowledge);
    let (findings, not_evaluated) = smells::find(&scene);
    Analysis { graph, coupling, score, metrics, entities, verb_lies, findings, not_evaluated, knowledge }
}
