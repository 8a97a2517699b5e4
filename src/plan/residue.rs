//! What events cannot remove, and what could be done about it: saga, merge, library, read service.

use std::collections::BTreeMap;

use crate::analyze::search::{Found, NOTHING, near};
use crate::analyze::simulate::{Done, Move};
use crate::model::plan::EffortTerm;
use crate::model::{Action, Intent, Residue, Step};

use super::{PROPOSALS, Planner};

/// Edges that the residue lists, at most.
const LISTED: usize = 10_000;

impl Planner<'_> {
    /// Edges that are left at the end, and proposals for them, the best first.
    pub(super) fn residue(&self, end: &Done, floor: f64) -> (Vec<Residue>, Vec<Step>) {
        let few = self.simulation.len() <= PROPOSALS;
        let reach = self.simulation.reach(end);
        let mut residue = Vec::new();
        let mut proposals: BTreeMap<(Action, Vec<String>), Step> = BTreeMap::new();
        for (a, b) in self.simulation.left(end).take(LISTED) {
            let index = self.analysis.coupling.edges.get(&(a, b)).copied().flatten();
            let intents: Vec<Intent> =
                index.map(|i| self.analysis.graph.dependencies()[i].intents.clone()).unwrap_or_default();
            let commands = intents.contains(&Intent::Write) || intents.is_empty();
            let action = if commands { Action::Saga } else { Action::Library };
            let (source, target) = (self.name(a), self.name(b));
            let mut after = None;
            if few {
                let then = match action {
                    Action::Library => self.simulation.score_with(end, &[(a, b)], &self.inlined(end, a, b)),
                    // Where the callee is still reached, nothing changes.
                    _ if self.simulation.broken(&reach, vec![(a, b)]).is_empty() => floor,
                    _ => self.simulation.score_with(end, &[(a, b)], &[]),
                };
                after = Some(then);
                let merged = self.simulation.score_merged(end, a, b);
                for (action, score) in [(action, then), (Action::Merge, merged)] {
                    let services = vec![source.clone(), target.clone()];
                    let terms = self.terms(action, a, b);
                    proposals.insert((action, services.clone()), proposal(action, services, floor, score, terms));
                }
            }
            let proposal = action.as_str().to_owned();
            residue.push(Residue { source, target, intents, proposal, score_after: after });
        }
        let mut proposals: Vec<Step> =
            proposals.into_values().filter(|s| s.score_before - s.score_after > NOTHING).collect();
        proposals.sort_by(|a, b| near(a.score_after, b.score_after).then_with(|| a.services.cmp(&b.services)));
        (residue, proposals)
    }

    /// Calls that a caller makes itself when it takes in a computation as a library.
    fn inlined(&self, done: &Done, caller: u32, computation: u32) -> Vec<(u32, u32)> {
        let own = self.simulation.left(done).filter(|(from, _)| *from == computation);
        own.filter(|(_, to)| *to != caller).map(|(_, to)| (caller, to)).collect()
    }

    /// Points of a proposal; ours, in the units of the steps.
    fn terms(&self, action: Action, a: u32, b: u32) -> Vec<EffortTerm> {
        let term = |what: &str, points: f64| EffortTerm { what: what.to_owned(), points };
        match action {
            Action::Saga => self.costs.saga(a, b),
            Action::Library => vec![term("a library with its release", 1.0), term("its caller", 0.5)],
            _ => {
                let served = self.analysis.graph.endpoints_of(&self.analysis.coupling.members[b as usize]).count();
                vec![
                    term("two code bases, pipelines and stores made one", 3.0),
                    term("operations moved", 0.25 * served as f64),
                ]
            }
        }
    }

    /// For each owner that the plan publishes: a read service with the copy instead of one copy a reader. Its calls
    /// are moved, not removed.
    pub(super) fn read_services(&self, order: &Found) -> Vec<Step> {
        let mut done = self.simulation.start();
        let mut all = Vec::new();
        for made in &order.moves {
            if let Move::Publish(owner) = made {
                let readers = self.simulation.freed(&done, *made);
                let before = self.simulation.score(&done);
                let after = self.simulation.score_with_read_service(&done, *owner);
                if readers.len() > 1 && before - after > NOTHING {
                    let name = self.name(*owner);
                    let terms = vec![
                        EffortTerm { what: "a topic, its schema and its operation".to_owned(), points: 1.0 },
                        EffortTerm { what: "a read service with its store".to_owned(), points: 2.0 },
                        EffortTerm {
                            what: format!("{} readers moved", readers.len()),
                            points: 0.25 * readers.len() as f64,
                        },
                    ];
                    let services: Vec<String> =
                        std::iter::once(name.clone()).chain(readers.iter().map(|(from, _)| self.name(*from))).collect();
                    let mut step = proposal(Action::ReadService, services, before, after, terms);
                    step.entity = Some(name);
                    all.push(step);
                }
            }
            done = done.with(*made);
        }
        all
    }
}

fn proposal(action: Action, services: Vec<String>, before: f64, after: f64, terms: Vec<EffortTerm>) -> Step {
    let because = match action {
        Action::Saga => "a command: the caller needs its answer, or a saga with compensations",
        Action::Library => "a computation without data of its own: its code may run in the caller",
        Action::ReadService => "one copy for all readers: they still call, but no longer the owner",
        _ => "two services that wait for each other's answers may be one",
    };
    Step {
        action,
        entity: None,
        services,
        score_before: before,
        score_after: after,
        effort: terms.iter().map(|t| t.points).sum(),
        effort_terms: terms,
        because: because.to_owned(),
        frees_edges: Vec::new(),
        critical_path_saved_us: None,
        availability_gained: None,
        frees_sites: Vec::new(),
        views: Vec::new(),
        consumers: Vec::new(),
        design: None,
    }
}
