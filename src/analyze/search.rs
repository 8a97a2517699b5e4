//! In which order to set data free (analysis §5.3): a beam search that minimises the sum of the scores after the steps.
//!
//! Value early, and views that only help in pairs are found. In huge systems the owners with the largest bound are
//! taken one by one. Takes a simulation and the points of each move; gives orders, no plan.

use std::collections::{BTreeMap, BTreeSet};

use rayon::prelude::*;

use super::simulate::{Done, Move, Reach, Simulation};

/// Width of the beam: at 8 it finds what a width of 400 finds on the reference system (analysis §5.4).
pub const BEAM: usize = 8;
/// With more members than this the search is greedy.
const GREEDY: usize = 2_000;
/// How many moves the greedy search tries.
const TRIED: usize = 64;
/// Of how many the bound is worked out to find these.
const BOUNDED: usize = 1_024;
/// Candidates that are scored at once: fixed, so that what is skipped does not depend on the number of threads.
pub const BATCH: usize = 64;
/// Gains below this are none.
pub const NOTHING: f64 = 1e-9;

/// An order of moves that a search found.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Found {
    /// The moves.
    pub moves: Vec<Move>,
    /// How the search was done, one sentence.
    pub how: String,
    /// Moves that were not tried.
    pub not_tried: usize,
}

/// A state of the search.
#[derive(Debug, Clone)]
struct State {
    moves: Vec<Move>,
    done: Done,
    score: f64,
    sum: f64,
    spent: f64,
    /// Sum of what is spent after each step: of equals the order that spends later wins.
    points: f64,
}

/// A way on from a state, not yet scored.
struct Step {
    from: usize,
    made: Move,
    /// No less than the sum of scores can be, roughly: without a search.
    least: f64,
    /// Edges that it frees and that nothing replaces: without one the score stays.
    broken: Vec<(u32, u32)>,
}

/// Value early: of some moves the order that minimises the sum of the scores after each of `steps` steps.
#[must_use]
pub fn by_value(
    simulation: &Simulation,
    moves: &[Move],
    steps: usize,
    points: &(impl Fn(Move) -> f64 + Sync),
) -> Found {
    if simulation.len() > GREEDY {
        return greedy(simulation, steps, moves, points);
    }
    let start = simulation.start();
    let score = simulation.score(&start);
    let mut beam = vec![State { moves: Vec::new(), done: start, score, sum: 0.0, spent: 0.0, points: 0.0 }];
    let costs: BTreeMap<Move, f64> = moves.iter().map(|m| (*m, points(*m))).collect();
    for _ in 0..steps.min(moves.len()) {
        beam = widen(simulation, &beam, moves, &costs);
    }
    let best = beam.into_iter().next().map(|s| s.moves).unwrap_or_default();
    Found {
        moves: worthwhile(simulation, best),
        how: format!("beam search of width {BEAM} over {} moves", moves.len()),
        not_tried: 0,
    }
}

/// Start small: at each step the move with the most gain a point.
#[must_use]
pub fn by_ratio(
    simulation: &Simulation,
    moves: &[Move],
    steps: usize,
    points: &(impl Fn(Move) -> f64 + Sync),
) -> Found {
    let mut moves = moves.to_vec();
    let how = format!("at each step the most gain a point, over {} moves", moves.len());
    if simulation.len() > GREEDY {
        let not_tried = moves.len();
        return Found { moves: Vec::new(), how: "not tried: the system is too large".to_owned(), not_tried };
    }
    let mut done = simulation.start();
    let mut order = Vec::new();
    while order.len() < steps && !moves.is_empty() {
        let Some((gain, best)) = best_ratio(simulation, &done, &moves, points) else { break };
        if gain <= NOTHING {
            break;
        }
        done = done.with(best);
        moves.retain(|m| *m != best);
        order.push(best);
    }
    Found { moves: order, how, not_tried: 0 }
}

/// The move with the most gain a point after others, and its gain; of equals the cheaper one, then the first.
fn best_ratio(
    simulation: &Simulation,
    done: &Done,
    moves: &[Move],
    points: &(impl Fn(Move) -> f64 + Sync),
) -> Option<(f64, Move)> {
    struct Scored {
        gain: f64,
        points: f64,
        made: Move,
    }
    let before = simulation.score(done);
    let reach = simulation.reach(done);
    let bounded = |made: &Move| {
        let gain = simulation.bound(&reach, &simulation.broken(&reach, simulation.freed(done, *made)));
        Scored { gain, points: points(*made), made: *made }
    };
    let mut open: Vec<Scored> = moves.par_iter().map(bounded).collect();
    let ratio = |s: &Scored| s.gain / s.points;
    open.sort_by(|a, b| ratio(b).total_cmp(&ratio(a)).then_with(|| a.made.cmp(&b.made)));
    let better = |a: &Scored, b: &Scored| {
        near(ratio(a), ratio(b)).then_with(|| near(b.points, a.points)).then_with(|| b.made.cmp(&a.made))
    };
    let mut best: Option<Scored> = None;
    for batch in open.chunks(BATCH) {
        // Whoever cannot be the best any more need not be scored; the margin is for what rounding makes equal.
        if best.as_ref().is_some_and(|best| ratio(&batch[0]) < ratio(best) - 2.0 * NOTHING) {
            break;
        }
        let gain = |s: &Scored| Scored { gain: before - simulation.score(&done.with(s.made)), ..*s };
        let scored: Vec<Scored> = batch.par_iter().map(gain).collect();
        best = best.into_iter().chain(scored).max_by(better);
    }
    best.map(|s| (s.gain, s.made))
}

/// What each move gains by itself; in huge systems only of the moves with the largest bound.
#[must_use]
pub fn first_gains(simulation: &Simulation) -> BTreeMap<Move, f64> {
    let start = simulation.start();
    let score = simulation.score(&start);
    let mut moves = simulation.moves();
    if simulation.len() > GREEDY {
        moves = promising(simulation, &moves).into_iter().map(|(_, m)| m).collect();
    }
    moves.par_iter().map(|m| (*m, score - simulation.score(&start.with(*m)))).collect()
}

/// The moves with the largest bound at the start, with these bounds. A rough bound, which needs no search, picks those
/// whose bound is worth working out.
fn promising(simulation: &Simulation, moves: &[Move]) -> Vec<(f64, Move)> {
    let start = simulation.start();
    let reach = simulation.reach(&start);
    let mut rough: Vec<(f64, Move)> =
        moves.par_iter().map(|m| (simulation.rough_bound(&reach, &simulation.freed(&start, *m)), *m)).collect();
    rough.sort_by(|a, b| near(b.0, a.0).then_with(|| a.1.cmp(&b.1)));
    rough.truncate(BOUNDED);
    let bounded = |m: Move| (simulation.bound(&reach, &simulation.freed(&start, m)), m);
    let mut open: Vec<(f64, Move)> = rough.into_par_iter().map(|(_, m)| bounded(m)).collect();
    open.sort_by(|a, b| near(b.0, a.0).then_with(|| a.1.cmp(&b.1)));
    open.truncate(TRIED);
    open
}

/// The best states that lie one move on.
fn widen(simulation: &Simulation, beam: &[State], moves: &[Move], costs: &BTreeMap<Move, f64>) -> Vec<State> {
    let reaches: Vec<Reach> = beam.par_iter().map(|state| simulation.reach(&state.done)).collect();
    let mut steps: Vec<Step> = beam
        .par_iter()
        .enumerate()
        .flat_map_iter(|(from, state)| {
            let reach = &reaches[from];
            let open: Vec<Move> = moves.iter().copied().filter(|m| !state.done.moves().contains(m)).collect();
            open.into_iter().map(move |made| {
                let broken = simulation.broken(reach, simulation.freed(&state.done, made));
                let least = state.sum + state.score - simulation.rough_bound(reach, &broken);
                Step { from, made, least, broken }
            })
        })
        .collect();
    steps.sort_by(|a, b| a.least.total_cmp(&b.least).then_with(|| (a.from, a.made).cmp(&(b.from, b.made))));
    let mut known: BTreeMap<BTreeSet<Move>, f64> = BTreeMap::new();
    let mut best: Vec<State> = Vec::new();
    for batch in steps.chunks(BATCH) {
        // Whoever cannot come in among the best any more need not be scored.
        if best.len() == BEAM && batch[0].least > best[BEAM - 1].sum + NOTHING {
            break;
        }
        let worst = (best.len() == BEAM).then(|| best[BEAM - 1].sum + NOTHING);
        let made: Vec<State> = batch
            .par_iter()
            .filter_map(|step| {
                let state = &beam[step.from];
                let least = || state.sum + state.score - simulation.bound(&reaches[step.from], &step.broken);
                if worst.is_some_and(|worst| least() > worst) {
                    return None;
                }
                let done = state.done.with(step.made);
                let score = match known.get(done.moves()) {
                    Some(score) => *score,
                    None if step.broken.is_empty() => state.score,
                    None => simulation.score(&done),
                };
                let mut moves = state.moves.clone();
                moves.push(step.made);
                let spent = state.spent + costs[&step.made];
                Some(State { moves, done, score, sum: state.sum + score, spent, points: state.points + spent })
            })
            .collect();
        for state in made {
            known.insert(state.done.moves().clone(), state.score);
            best.push(state);
        }
        // Of two ways to the same state the cheaper one stays; ties by points, then by name.
        best.sort_by(|a, b| {
            near(a.sum, b.sum).then_with(|| near(a.points, b.points)).then_with(|| a.moves.cmp(&b.moves))
        });
        let mut seen: BTreeSet<BTreeSet<Move>> = BTreeSet::new();
        best.retain(|s| seen.insert(s.done.moves().clone()));
        best.truncate(BEAM);
    }
    best
}

/// One move after the other, among those with the largest bound; a gain seen once stands as the bound of later steps.
fn greedy(simulation: &Simulation, steps: usize, moves: &[Move], points: &impl Fn(Move) -> f64) -> Found {
    let mut done = simulation.start();
    let mut score = simulation.score(&done);
    let mut open = promising(simulation, moves);
    let not_tried = moves.len() - open.len();
    let costs: BTreeMap<Move, f64> = open.iter().map(|(_, m)| (*m, points(*m))).collect();
    let order = |a: &(f64, Move), b: &(f64, Move)| {
        near(b.0, a.0).then_with(|| near(costs[&a.1], costs[&b.1])).then_with(|| a.1.cmp(&b.1))
    };
    let mut made = Vec::new();
    while made.len() < steps && !open.is_empty() {
        let mut fresh: BTreeSet<Move> = BTreeSet::new();
        let best = loop {
            open.sort_by(order);
            let Some((gain, first)) = open.first().copied() else { break None };
            if fresh.contains(&first) {
                break Some((gain, first));
            }
            open[0].0 = score - simulation.score(&done.with(first));
            fresh.insert(first);
        };
        let Some((gain, first)) = best.filter(|b| b.0 > NOTHING) else { break };
        done = done.with(first);
        score -= gain;
        made.push(first);
        open.retain(|(_, m)| *m != first);
    }
    let how = format!(
        "greedy search over the {} moves with the largest bound of {}; {not_tried} were not tried",
        moves.len() - not_tried,
        moves.len()
    );
    Found { moves: made, how, not_tried }
}

/// The moves up to the last one that gains.
fn worthwhile(simulation: &Simulation, mut moves: Vec<Move>) -> Vec<Move> {
    let mut done = simulation.start();
    let mut score = simulation.score(&done);
    let mut keep = 0;
    for (at, made) in moves.iter().enumerate() {
        done = done.with(*made);
        let after = simulation.score(&done);
        if score - after > NOTHING {
            keep = at + 1;
        }
        score = after;
    }
    moves.truncate(keep);
    moves
}

/// Compares in steps of [`NOTHING`]: what differs by a rounding error is equal, and the order stays total.
#[must_use]
pub fn near(a: f64, b: f64) -> std::cmp::Ordering {
    (a / NOTHING).round().total_cmp(&(b / NOTHING).round())
}
