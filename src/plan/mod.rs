//! Analysis -> ordered steps with the score after each, what stays, and a verdict (analysis §5.3).
//!
//! A beam search over "publish this owner" and "emit these events" that minimises the sum of the scores after each
//! step: value early, and complementary views found. Proposals for the residue never enter the search.

mod effort;

use std::collections::{BTreeMap, BTreeSet};

use rayon::prelude::*;

use crate::analyze::Analysis;
use crate::analyze::simulate::{Move, Simulation};
use crate::model::{Action, Dependency, Intent, Plan, Residue, Step, Verdict};

/// Width of the beam: at 8 it finds what a width of 400 finds on the reference system (analysis §5.4).
const BEAM: usize = 8;
/// Steps of a plan.
pub const STEPS: usize = 10;
/// With more members than this only the owners with the largest first gain are tried.
const WIDE: usize = 256;
/// How many of these.
const TRIED: usize = 64;
/// Gains below this are none.
const NOTHING: f64 = 1e-9;

/// The plan; `None` without a member.
#[must_use]
pub fn plan(analysis: &Analysis) -> Option<Plan> {
    if analysis.coupling.members.is_empty() {
        return None;
    }
    let simulation = Simulation::of(&analysis.graph, &analysis.coupling);
    let planner = Planner { analysis, simulation };
    Some(planner.plan())
}

struct Planner<'p> {
    analysis: &'p Analysis,
    simulation: Simulation,
}

/// A state of the search.
#[derive(Debug, Clone)]
struct State {
    moves: Vec<Move>,
    done: BTreeSet<Move>,
    sum: f64,
    points: f64,
}

impl Planner<'_> {
    fn name(&self, at: u32) -> String {
        self.analysis.coupling.members[at as usize].clone()
    }

    fn plan(&self) -> Plan {
        let start = self.simulation.score(&BTreeSet::new());
        let floor = self.simulation.floor();
        let (candidates, search) = self.candidates(start);
        let order = self.search(&candidates);
        let mut done = BTreeSet::new();
        let mut steps = Vec::new();
        for step in order {
            let made = self.step(step, &done);
            if made.score_before - made.score_after <= NOTHING {
                break;
            }
            done.insert(step);
            steps.push(made);
        }
        let all: BTreeSet<Move> = self.simulation.moves().into_iter().collect();
        let (residue, proposals) = self.residue(&all, floor);
        let (verdict, because) = self.verdict(start, floor, &steps, &proposals);
        Plan { verdict, because, steps, floor, residue, proposals, search }
    }

    /// Moves worth trying, and a sentence on how the search was done.
    fn candidates(&self, start: f64) -> (Vec<Move>, String) {
        let moves = self.simulation.moves();
        let beam = format!("beam search of width {BEAM} over {} moves", moves.len());
        if self.analysis.coupling.members.len() <= WIDE || moves.len() <= TRIED {
            return (moves, beam);
        }
        let mut gains: Vec<(f64, Move)> =
            moves.par_iter().map(|m| (start - self.simulation.score(&BTreeSet::from([*m])), *m)).collect();
        gains.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
        let left = gains.len().saturating_sub(TRIED);
        gains.truncate(TRIED);
        let search = format!("{beam}, of which the {TRIED} with the largest first gain were tried and {left} were not");
        (gains.into_iter().map(|(_, m)| m).collect(), search)
    }

    fn search(&self, candidates: &[Move]) -> Vec<Move> {
        let mut beam = vec![State { moves: Vec::new(), done: BTreeSet::new(), sum: 0.0, points: 0.0 }];
        for _ in 0..STEPS {
            let mut next: Vec<State> = beam
                .par_iter()
                .flat_map_iter(|state| candidates.iter().filter(|m| !state.done.contains(m)).map(move |m| (state, *m)))
                .map(|(state, made)| {
                    let mut done = state.done.clone();
                    done.insert(made);
                    let score = self.simulation.score(&done);
                    let mut moves = state.moves.clone();
                    moves.push(made);
                    let points = state.points + effort::points(self.analysis, made).0;
                    State { moves, done, sum: state.sum + score, points }
                })
                .collect();
            if next.is_empty() {
                break;
            }
            // Of two ways to the same state the cheaper one stays; ties by points, then by name.
            next.sort_by(|a, b| {
                near(a.sum, b.sum).then_with(|| near(a.points, b.points)).then_with(|| a.moves.cmp(&b.moves))
            });
            let mut seen: BTreeSet<Vec<Move>> = BTreeSet::new();
            next.retain(|s| seen.insert(s.done.iter().copied().collect()));
            next.truncate(BEAM);
            beam = next;
        }
        beam.into_iter().next().map(|s| s.moves).unwrap_or_default()
    }

    fn step(&self, made: Move, done: &BTreeSet<Move>) -> Step {
        let mut after = done.clone();
        after.insert(made);
        let freed = self.simulation.freed(done, made);
        let (points, terms) = effort::points(self.analysis, made);
        let (action, at) = match made {
            Move::Publish(at) => (Action::PublishEntity, at),
            Move::Emit(at) => (Action::EmitEvent, at),
        };
        let name = self.name(at);
        let (before, after) = (self.simulation.score(done), self.simulation.score(&after));
        let sites = self.freed_sites(made);
        let consumers: BTreeSet<String> = sites
            .iter()
            .map(|(d, _)| if made == Move::Publish(at) { d.source.clone() } else { d.target.clone() })
            .collect();
        let views: BTreeSet<String> =
            sites.iter().filter(|(_, s)| s.intent == Some(Intent::View)).map(|(_, s)| s.operation.clone()).collect();
        let verb = if action == Action::PublishEntity { "read it" } else { "are told by it" };
        Step {
            action,
            entity: Some(name.clone()),
            services: std::iter::once(name).chain(consumers.iter().cloned()).collect(),
            score_before: before,
            score_after: after,
            effort: points,
            effort_terms: terms,
            because: format!(
                "{} services {verb} at {} call sites; {} edges go",
                consumers.len(),
                sites.len(),
                freed.len()
            ),
            frees_edges: freed.iter().map(|(a, b)| [self.name(*a), self.name(*b)]).collect(),
            frees_sites: sites.iter().map(|(_, s)| format!("{}:{} {}", s.path, s.line, s.operation)).collect(),
            views: views.into_iter().collect(),
            consumers: consumers.into_iter().collect(),
        }
    }

    /// Call sites that a move makes needless.
    fn freed_sites(&self, made: Move) -> Vec<(&Dependency, &crate::model::Site)> {
        let graph = &self.analysis.graph;
        let edges = self.analysis.coupling.edges.iter().filter(|(edge, _)| match made {
            Move::Publish(at) => edge.1 == at,
            Move::Emit(at) => edge.0 == at,
        });
        edges
            .filter_map(|(_, index)| index.map(|i| &graph.dependencies()[i]))
            .flat_map(|d| d.sites.iter().map(move |s| (d, s)))
            .filter(|(_, s)| match made {
                Move::Publish(_) => {
                    matches!(s.intent, Some(Intent::Read | Intent::View))
                        && s.consistency != Some(crate::model::Consistency::R3)
                }
                Move::Emit(_) => s.intent == Some(Intent::Notify),
            })
            .collect()
    }

    /// Edges that events cannot remove, with what could be done about each and what that would give.
    fn residue(&self, all: &BTreeSet<Move>, floor: f64) -> (Vec<Residue>, Vec<Step>) {
        let mut residue = Vec::new();
        let mut proposals: BTreeMap<(Action, Vec<String>), Step> = BTreeMap::new();
        for (a, b) in self.simulation.left(all) {
            let index = self.analysis.coupling.edges.get(&(a, b)).copied().flatten();
            let intents: Vec<Intent> =
                index.map(|i| self.analysis.graph.dependencies()[i].intents.clone()).unwrap_or_default();
            let action =
                if intents.contains(&Intent::Write) || intents.is_empty() { Action::Saga } else { Action::Library };
            let after = self.simulation.score_without(all, &[(a, b)]);
            let (source, target) = (self.name(a), self.name(b));
            for (action, score) in [(action, after), (Action::Merge, self.simulation.score_merged(all, a, b))] {
                let services = vec![source.clone(), target.clone()];
                proposals.insert((action, services.clone()), proposal(action, services, floor, score));
            }
            residue.push(Residue {
                source,
                target,
                intents,
                proposal: action.as_str().to_owned(),
                score_after: Some(after),
            });
        }
        let mut proposals: Vec<Step> =
            proposals.into_values().filter(|s| s.score_before - s.score_after > NOTHING).collect();
        proposals.sort_by(|a, b| near(a.score_after, b.score_after).then_with(|| a.services.cmp(&b.services)));
        (residue, proposals)
    }

    fn verdict(&self, start: f64, floor: f64, steps: &[Step], proposals: &[Step]) -> (Verdict, String) {
        let share = self.analysis.knowledge.thresholds.floor_share;
        if start <= NOTHING {
            return (Verdict::DoNotMigrate, "no service waits for another".to_owned());
        }
        if start - floor <= share * start {
            let text = format!(
                "events would bring the score from {start:.1} to {floor:.1} at best: what couples the services are commands and computations"
            );
            return (Verdict::DoNotMigrate, text);
        }
        let none = BTreeSet::new();
        let best_step = steps.first().map_or(0.0, |s| s.score_before - s.score_after);
        let best_merge = proposals
            .iter()
            .filter(|s| s.action == Action::Merge)
            .filter_map(|s| {
                let at = |n: &str| self.analysis.coupling.index(n);
                let (a, b) = (at(s.services.first()?)?, at(s.services.get(1)?)?);
                Some((start - self.simulation.score_merged(&none, a, b), s))
            })
            .max_by(|a, b| a.0.total_cmp(&b.0).then_with(|| b.1.services.cmp(&a.1.services)));
        if let Some((gain, merge)) = best_merge
            && gain > best_step + NOTHING
        {
            let text = format!(
                "merging {} gains {gain:.1} points, the best publication {best_step:.1}",
                merge.services.join(" and ")
            );
            return (Verdict::MergeFirst, text);
        }
        let text = format!("setting data free by events brings the score from {start:.1} to {floor:.1}");
        (Verdict::Migrate, text)
    }
}

fn proposal(action: Action, services: Vec<String>, before: f64, after: f64) -> Step {
    let because = match action {
        Action::Saga => "a command: the caller needs its answer, or a saga with compensations".to_owned(),
        Action::Library => "a computation without data of its own: run it where it is needed".to_owned(),
        _ => "two services that wait for each other's answers may be one".to_owned(),
    };
    Step {
        action,
        entity: None,
        services,
        score_before: before,
        score_after: after,
        effort: 0.0,
        effort_terms: Vec::new(),
        because,
        frees_edges: Vec::new(),
        frees_sites: Vec::new(),
        views: Vec::new(),
        consumers: Vec::new(),
    }
}

/// Scores that differ by less than a rounding error are equal.
fn near(a: f64, b: f64) -> std::cmp::Ordering {
    if (a - b).abs() < NOTHING { std::cmp::Ordering::Equal } else { a.total_cmp(&b) }
}
