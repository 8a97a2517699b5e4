//! Our rank beside those by fan-in and PageRank, and why they differ.

use crate::graph::ServiceGraph;
use crate::graph::digraph::Digraph;
use crate::model::{Entity, Intent};

use crate::analyze::score::Coupling;
use crate::analyze::search::{self, NOTHING};
use crate::analyze::simulate::{Move, Simulation};

/// Ranks in which a place more or less says nothing.
const CLOSE: u32 = 2;

/// Fills in gains and ranks.
pub(super) fn rank(all: &mut [Entity], graph: &ServiceGraph, coupling: &Coupling) {
    let simulation = Simulation::of(graph, coupling, true);
    let gains = search::first_gains(&simulation);
    let moves = simulation.moves();
    for (at, entity) in all.iter_mut().enumerate() {
        let made = Move::Publish(at as u32);
        // What frees nothing gains nothing; what was left out of a huge search is not known.
        entity.gain = gains.get(&made).copied().or_else(|| moves.binary_search(&made).is_err().then_some(0.0));
    }
    let digraph = coupling.digraph();
    let page_rank = digraph.page_rank();
    let mut fan_in = vec![0u32; all.len()];
    for (_, to) in digraph.edges() {
        fan_in[to as usize] += 1;
    }
    let order = |better: &dyn Fn(usize, usize) -> std::cmp::Ordering| {
        let mut at: Vec<usize> = (0..all.len()).collect();
        at.sort_by(|a, b| better(*a, *b).then_with(|| all[*a].service.cmp(&all[*b].service)));
        at
    };
    let gain = |at: usize| all[at].gain.unwrap_or(-1.0);
    let by_gain = order(&|a, b| search::near(gain(b), gain(a)));
    let by_fan_in = order(&|a, b| fan_in[b].cmp(&fan_in[a]));
    let by_page_rank = order(&|a, b| page_rank[b].total_cmp(&page_rank[a]));
    for (rank, at) in by_gain.into_iter().enumerate() {
        all[at].rank = if all[at].gain.is_some_and(|g| g > NOTHING) { rank as u32 + 1 } else { 0 };
    }
    for (rank, at) in by_fan_in.into_iter().enumerate() {
        all[at].rank_by_fan_in = rank as u32 + 1;
    }
    for (rank, at) in by_page_rank.into_iter().enumerate() {
        all[at].rank_by_page_rank = rank as u32 + 1;
    }
    reasons(all, graph, coupling, &digraph, &simulation);
}

/// One sentence for each owner whose rank by gain is not near its rank by fan-in.
fn reasons(all: &mut [Entity], graph: &ServiceGraph, coupling: &Coupling, digraph: &Digraph, simulation: &Simulation) {
    let start = simulation.start();
    let (up, down) = digraph.reach();
    let mut incoming: Vec<Vec<usize>> = vec![Vec::new(); all.len()];
    for ((_, to), index) in &coupling.edges {
        incoming[*to as usize].extend(*index);
    }
    for at in 0..all.len() {
        let entity = &all[at];
        let near = entity.rank > 0 && entity.rank.abs_diff(entity.rank_by_fan_in) <= CLOSE;
        if near || incoming[at].is_empty() || entity.gain.is_none() {
            continue;
        }
        let callers = incoming[at].len();
        let held = |intents: &[Intent]| intents.iter().any(|i| matches!(i, Intent::Write | Intent::Compute));
        let kept = incoming[at].iter().filter(|i| held(&graph.dependencies()[**i].intents)).count();
        let freed = simulation.freed(&start, Move::Publish(at as u32)).len();
        all[at].rank_because = if freed == 0 {
            format!("all {callers} callers also send commands or need computations, which stay")
        } else if entity.rank > entity.rank_by_fan_in {
            format!("{callers} call it, but only {freed} of these edges go: {kept} carry commands or computations")
        } else {
            format!("only {callers} call it, but {} services stand above them and {} below it", down[at], up[at])
        };
    }
}
