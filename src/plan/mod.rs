//! Analysis -> ordered steps with the score after each, what stays, and a verdict (analysis §5.3).
//!
//! The order comes from `analyze::search`; here it becomes steps with their sites, consumers and reasons. Proposals
//! for the residue never enter the search.

pub mod agreed;
pub mod artefacts;
mod capacity;
pub mod design;
pub mod document;
pub mod known;
pub mod names;
pub mod options;
mod residue;
pub mod schema;
pub mod types;
pub mod verify;
mod views;
pub mod write;

use std::collections::{BTreeMap, BTreeSet};

use crate::analyze::Analysis;
use crate::analyze::cycles::{self, Break};
use crate::analyze::effort::Costs;
use crate::analyze::runtime::Savings;
use crate::analyze::search::{self, Found, NOTHING};
use crate::analyze::simulate::{Done, Move, Simulation};
use crate::model::{Action, CycleBreak, Dependency, Intent, Plan, Service, Site, Step, Verdict, counted, fitting};

use options::{Options, Order};

/// Steps of a plan.
pub const STEPS: usize = 10;
/// Adjacent pairs that are tried as one service for the verdict, those that depend on most first.
const PAIRS: usize = 2_500;
/// More members than this get no proposals: each costs one evaluation of the whole score.
const PROPOSALS: usize = 2_000;

/// The plan; `None` without a member.
#[must_use]
pub fn plan(analysis: &Analysis, options: &Options) -> Option<Plan> {
    if analysis.coupling.members.is_empty() {
        return None;
    }
    let simulation = Simulation::of(&analysis.graph, &analysis.coupling, options.views);
    let costs = Costs::of(&analysis.graph, &analysis.coupling, &analysis.knowledge);
    let savings = Savings::of(&analysis.graph, &analysis.coupling);
    Some(Planner { analysis, options, simulation, costs, savings }.plan())
}

/// The files of a plan, but for `plan.json` and `plan.md`, and what was checked by what.
#[must_use]
pub fn files(
    system: &str,
    plan: &Plan,
    services: &[Service],
    options: &Options,
) -> (Vec<artefacts::File>, Vec<verify::Checked>) {
    let context = artefacts::Context { system, plan, options, broker: design::broker(services) };
    let files = artefacts::render(&context);
    let checked = verify::verify(&files);
    (files, checked)
}

struct Planner<'p> {
    analysis: &'p Analysis,
    options: &'p Options,
    simulation: Simulation,
    costs: Costs<'p>,
    savings: Option<Savings<'p>>,
}

impl Planner<'_> {
    fn name(&self, at: u32) -> String {
        self.analysis.coupling.members[at as usize].clone()
    }

    fn plan(&self) -> Plan {
        let start = self.simulation.score(&self.simulation.start());
        let floor = self.simulation.floor();
        let points = |made: Move| self.costs.points(made).0;
        let most = self.options.steps;
        let mut moves = self.simulation.moves();
        if let Some(only) = &self.options.only {
            moves.retain(|m| {
                let (Move::Publish(at) | Move::Emit(at)) = m;
                self.name(*at) == *only
            });
        }
        let value = search::by_value(&self.simulation, &moves, most, &points);
        let ratio = search::by_ratio(&self.simulation, &moves, most, &points);
        let (taken, other) = match self.options.order {
            Order::Value => (value, ratio),
            Order::Ratio => (ratio, value),
        };
        let mut steps = self.steps(&taken);
        self.designs(&mut steps, &taken.moves);
        let end = self.simulation.end();
        let (residue, mut proposals) = self.residue(&end, floor);
        let left = self.simulation.left(&end).count();
        let cut = (left > residue.len())
            .then(|| format!("; the residue lists {} of {}", residue.len(), counted(left, "edge")));
        proposals.extend(self.read_services(&taken));
        // The verdict is about the whole system, also where only one owner's steps are asked for.
        let whole = match &self.options.only {
            Some(_) => self.steps(&search::by_value(&self.simulation, &self.simulation.moves(), most, &points)),
            None => Vec::new(),
        };
        let judged = if self.options.only.is_some() { &whole } else { &steps };
        let (verdict, because) = self.verdict(start, floor, judged);
        Plan {
            verdict,
            because,
            other_order: self.steps(&other),
            steps,
            floor,
            residue,
            proposals,
            search: taken.how.clone() + cut.as_deref().unwrap_or_default(),
            order: match self.options.order {
                Order::Value => "value".to_owned(),
                Order::Ratio => "ratio".to_owned(),
            },
            not_tried: taken.not_tried as u32,
            cycles: self.cycles(),
        }
    }

    /// Designs of the steps. What an owner's first step makes in its database, its later steps use.
    fn designs(&self, steps: &mut [Step], moves: &[Move]) {
        let (mut prepared, mut outboxes) = (BTreeMap::new(), BTreeMap::new());
        for (at, (step, made)) in steps.iter_mut().zip(moves).enumerate() {
            let mut design = self.design(*made, at + 1, step);
            design.prepared_by = prepared.get(&design.owner).cloned();
            design.outbox_of = outboxes.get(&design.owner).cloned();
            if !agreed::engine(&design).is_empty() {
                prepared.entry(design.owner.clone()).or_insert_with(|| design.folder.clone());
                if !design.events.is_empty() {
                    outboxes.entry(design.owner.clone()).or_insert_with(|| design.folder.clone());
                }
            }
            step.design = Some(design);
        }
    }

    fn design(&self, made: Move, number: usize, step: &Step) -> crate::model::design::Design {
        let sites = self.freed_sites(made);
        let owner = step.entity.as_deref().unwrap_or_default();
        let publishes = step.action == Action::PublishEntity;
        let asked = design::Asked { number, owner, sites: &sites, publishes, views: &step.views };
        design::design(self.analysis, self.options, &asked)
    }

    fn steps(&self, order: &Found) -> Vec<Step> {
        let mut done = self.simulation.start();
        let mut steps = Vec::new();
        for made in &order.moves {
            let after = done.with(*made);
            steps.push(self.step(*made, &done, &after));
            done = after;
        }
        steps
    }

    fn step(&self, made: Move, done: &Done, after: &Done) -> Step {
        let freed = self.simulation.freed(done, made);
        let (points, terms) = self.costs.points(made);
        let (action, at) = match made {
            Move::Publish(at) => (Action::PublishEntity, at),
            Move::Emit(at) => (Action::EmitEvent, at),
        };
        let name = self.name(at);
        let sites = self.freed_sites(made);
        let consumers: BTreeSet<String> = sites
            .iter()
            .map(|(d, _)| if made == Move::Publish(at) { d.source.clone() } else { d.target.clone() })
            .collect();
        let views: BTreeSet<String> =
            sites.iter().filter(|(_, s)| s.intent == Some(Intent::View)).map(|(_, s)| s.operation.clone()).collect();
        let verb = match (action, consumers.len()) {
            (Action::PublishEntity, n) => fitting(n, "reads it", "read it"),
            (_, n) => fitting(n, "is told by it", "are told by it"),
        };
        Step {
            action,
            entity: Some(name.clone()),
            services: std::iter::once(name).chain(consumers.iter().cloned()).collect(),
            score_before: self.simulation.score(done),
            score_after: self.simulation.score(after),
            effort: points,
            effort_terms: terms,
            because: format!(
                "{} {verb} at {}; {} {}",
                counted(consumers.len(), "service"),
                counted(sites.len(), "call site"),
                counted(freed.len(), "edge"),
                fitting(freed.len(), "goes", "go")
            ),
            frees_edges: freed.iter().map(|(a, b)| [self.name(*a), self.name(*b)]).collect(),
            frees_sites: sites.iter().map(|(_, s)| format!("{}:{} {}", s.path, s.line, s.operation)).collect(),
            views: views.into_iter().collect(),
            consumers: consumers.into_iter().collect(),
            critical_path_saved_us: self.savings.as_ref().and_then(|s| s.critical_time(&freed)),
            availability_gained: self.savings.as_ref().and_then(|s| {
                let bound = |done: &Done| s.availability(self.simulation.left(done));
                Some(bound(after)? - bound(done)?)
            }),
            design: None,
        }
    }

    /// Call sites that a move makes needless.
    fn freed_sites(&self, made: Move) -> Vec<(&Dependency, &Site)> {
        let graph = &self.analysis.graph;
        let edges = self.analysis.coupling.edges.iter().filter(|(edge, _)| match made {
            Move::Publish(at) => edge.1 == at,
            Move::Emit(at) => edge.0 == at,
        });
        let views = self.options.views;
        edges
            .filter_map(|(_, index)| index.map(|i| &graph.dependencies()[i]))
            .flat_map(|d| d.sites.iter().map(move |s| (d, s)))
            .filter(|(_, s)| match made {
                Move::Publish(_) => {
                    (s.intent == Some(Intent::Read) || views && s.intent == Some(Intent::View))
                        && s.consistency != Some(crate::model::Consistency::R3)
                }
                Move::Emit(_) => s.intent == Some(Intent::Notify),
            })
            .collect()
    }

    /// The cheapest way to break each cycle.
    fn cycles(&self) -> Vec<CycleBreak> {
        let graph = self.analysis.coupling.digraph();
        let (start, end) = (self.simulation.start(), self.simulation.end());
        let stays: BTreeSet<(u32, u32)> = self.simulation.left(&end).collect();
        let mut all: Vec<CycleBreak> = Vec::new();
        for members in graph.components().into_iter().filter(|c| c.len() > 1) {
            let services: Vec<String> = members.iter().map(|m| self.name(*m)).collect();
            if members.len() > cycles::MOST {
                all.push(self.broken(services, &[], Break::TooLarge, &start));
                continue;
            }
            let inside = |n: &u32| members.binary_search(n).is_ok();
            let edges: Vec<cycles::Priced> = members
                .iter()
                .flat_map(|a| graph.successors(*a).iter().filter(|b| inside(b)).map(move |b| (*a, *b)))
                .map(|(a, b)| ((a, b), (!stays.contains(&(a, b))).then(|| self.costs.edge(a, b))))
                .collect();
            let found = cycles::cheapest(&members, &edges);
            all.push(self.broken(services, &edges, found, &start));
        }
        all.sort_by(|a, b| a.services.cmp(&b.services));
        all
    }

    fn broken(&self, services: Vec<String>, edges: &[cycles::Priced], found: Break, start: &Done) -> CycleBreak {
        let named = |(a, b): &(u32, u32)| [self.name(*a), self.name(*b)];
        let open = CycleBreak {
            services,
            breakable: false,
            edges: Vec::new(),
            steps: Vec::new(),
            effort: None,
            score_after: None,
            because: String::new(),
        };
        match found {
            Break::TooLarge => CycleBreak { because: "too large to be tried".to_owned(), ..open },
            Break::Held(cycle) => {
                let round = cycle.iter().copied().zip(cycle.iter().copied().cycle().skip(1));
                CycleBreak {
                    edges: round.map(|e| named(&e)).collect(),
                    because: "commands and computations alone go round: a saga or a merge is needed".to_owned(),
                    ..open
                }
            }
            Break::Edges(chosen) => {
                // Who must move for an edge to go: the owner, the caller, or both.
                let wanted: BTreeSet<(u32, u32)> = chosen.iter().copied().collect();
                let moves: Vec<Move> = self
                    .simulation
                    .moves()
                    .into_iter()
                    .filter(|m| match m {
                        Move::Publish(at) => wanted.iter().any(|(_, to)| to == at),
                        Move::Emit(at) => wanted.iter().any(|(from, _)| from == at),
                    })
                    .collect();
                let done = moves.iter().fold(start.clone(), |done, m| done.with(*m));
                let price = edges.iter().filter(|(e, _)| wanted.contains(e)).filter_map(|(_, p)| *p).sum();
                let step = |m: &Move| match m {
                    Move::Publish(at) => format!("publish {}", self.name(*at)),
                    Move::Emit(at) => format!("events of {}", self.name(*at)),
                };
                CycleBreak {
                    breakable: true,
                    because: format!(
                        "{} of {} inside {}",
                        chosen.len(),
                        counted(edges.len(), "edge"),
                        fitting(chosen.len(), "goes", "go")
                    ),
                    edges: chosen.iter().map(named).collect(),
                    steps: moves.iter().map(step).collect(),
                    effort: Some(price),
                    score_after: Some(self.simulation.score(&done)),
                    ..open
                }
            }
        }
    }

    fn verdict(&self, start: f64, floor: f64, steps: &[Step]) -> (Verdict, String) {
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
        let best_step = steps
            .iter()
            .filter(|s| s.action == Action::PublishEntity)
            .map(|s| s.score_before - s.score_after)
            .fold(0.0, f64::max);
        if let Some((gain, a, b)) = self.best_merge(start, best_step) {
            let text = format!(
                "merging {} and {} gains {gain:.1} points, the best publication {best_step:.1}",
                self.name(a),
                self.name(b)
            );
            return (Verdict::MergeFirst, text);
        }
        let text = format!("setting data free by events brings the score from {start:.1} to {floor:.1}");
        (Verdict::Migrate, text)
    }

    /// The pair of neighbours whose merge gains most, if any gains more than `least`.
    fn best_merge(&self, start: f64, least: f64) -> Option<(f64, u32, u32)> {
        use rayon::prelude::*;
        if self.simulation.len() > PROPOSALS {
            return None;
        }
        let none = self.simulation.start();
        let mut pairs: Vec<(u32, u32)> = self.simulation.left(&none).map(|(a, b)| (a.min(b), a.max(b))).collect();
        pairs.sort_unstable();
        pairs.dedup();
        let (up, down) = self.analysis.coupling.digraph().reach();
        let k = |n: u32| up[n as usize] + down[n as usize];
        pairs.sort_by_key(|pair| (std::cmp::Reverse(k(pair.0) + k(pair.1)), *pair));
        pairs.truncate(PAIRS);
        let bound = self.simulation.merge_bound(start, &up, &down);
        let mut open: Vec<(f64, u32, u32)> = pairs.into_iter().map(|(a, b)| (bound(a, b), a, b)).collect();
        open.sort_by(|x, y| y.0.total_cmp(&x.0).then_with(|| (x.1, x.2).cmp(&(y.1, y.2))));
        let better =
            |x: &(f64, u32, u32), y: &(f64, u32, u32)| search::near(x.0, y.0).then_with(|| (y.1, y.2).cmp(&(x.1, x.2)));
        let mut best: Option<(f64, u32, u32)> = None;
        for batch in open.chunks(search::BATCH) {
            if batch[0].0 < best.map_or(least, |b| b.0) - 2.0 * NOTHING {
                break;
            }
            let gains: Vec<(f64, u32, u32)> = batch
                .par_iter()
                .map(|(_, a, b)| (start - self.simulation.score_merged(&none, *a, *b), *a, *b))
                .collect();
            best = best.into_iter().chain(gains).max_by(better);
        }
        best.filter(|b| b.0 > least + NOTHING)
    }
}
