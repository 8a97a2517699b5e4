//! The Synchronous Coupling Score (analysis §3): 0 to 100, higher is worse.
//!
//! `SCS = 100 · mean over V of (1 − 0.9^(up + down))`, over the blocking graph of the members V. The base 0.9 is
//! the rule of the extra nine (Treynor, Dahlin, Rau, Beyer, "The Calculus of Service Availability", 2017).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use crate::config::Config;
use crate::graph::digraph::{self, Digraph};
use crate::graph::{Parts, ServiceGraph};
use crate::model::{
    Band, Confidence, Coverage, Dependency, EdgeMarginal, GraphFigures, Membership, Mode, ScoreReport, ServiceKind,
    SubScores, Term,
};

use super::knowledge::Knowledge;

/// Independence left after one dependency.
pub const BASE: f64 = 0.9;

/// What is left of a service's independence when it depends on others, or others on it, `k` times: `0.9^k`. Searches
/// ask for it a million times, so that the powers are worked out once; those behind them are less than 1e-90.
#[must_use]
pub fn independence(k: u32) -> f64 {
    static POWERS: LazyLock<[f64; 2_048]> = LazyLock::new(|| std::array::from_fn(|k| BASE.powi(k as i32)));
    POWERS.get(k as usize).copied().unwrap_or(0.0)
}

/// More edges or members than this get no marginals: each costs one evaluation of the whole score.
const MARGINALS: usize = 4_000;

/// Score of a graph, 0 for one node or none.
#[must_use]
pub fn score(graph: &Digraph) -> f64 {
    if graph.len() <= 1 {
        return 0.0;
    }
    let (up, down) = graph.reach();
    let sum: f64 = up.iter().zip(&down).map(|(u, d)| 1.0 - independence(u + d)).sum();
    100.0 * sum / graph.len() as f64
}

/// Score of `n` nodes and weighted edges: with every weight 1 that of [`score`], else each pair counts as much as the
/// best way between them, the product of its weights.
#[must_use]
pub fn score_of(n: usize, edges: impl Iterator<Item = (u32, u32, f64)>) -> f64 {
    let all: Vec<(u32, u32, f64)> = edges.collect();
    if all.iter().all(|e| e.2 >= 1.0) {
        return score(&Digraph::new(n, all.into_iter().map(|(a, b, _)| (a, b))));
    }
    if n <= 1 {
        return 0.0;
    }
    let (up, down) = digraph::strengths(n, &all);
    100.0 * up.iter().zip(&down).map(|(u, d)| 1.0 - BASE.powf(u + d)).sum::<f64>() / n as f64
}

/// Weight of an edge whose every call has a proven fallback (analysis §3, criticality).
const WITH_FALLBACK: f64 = 0.5;

/// The blocking graph over the members.
#[derive(Debug, Clone)]
pub struct Coupling {
    /// Members by name, in order.
    pub members: Vec<String>,
    /// Edges between members: (caller, callee) → index of the dependency.
    pub edges: BTreeMap<(u32, u32), Option<usize>>,
    /// Edges that weigh less than 1.
    weights: BTreeMap<(u32, u32), f64>,
    at: BTreeMap<String, u32>,
}

impl Coupling {
    /// The members and blocking edges of a graph; with `criticality` a proven fallback halves an edge.
    #[must_use]
    pub fn of(graph: &ServiceGraph, criticality: bool) -> Self {
        let members: Vec<String> = graph
            .services()
            .iter()
            .filter(|s| s.membership.as_ref().is_some_and(|m| m.member))
            .map(|s| s.name.clone())
            .collect();
        let at: BTreeMap<String, u32> = members.iter().enumerate().map(|(i, n)| (n.clone(), i as u32)).collect();
        let mut edges = BTreeMap::new();
        for (index, dependency) in graph.dependencies().iter().enumerate() {
            if let (true, Some(from), Some(to)) =
                (blocks(dependency), at.get(&dependency.source), at.get(&dependency.target))
            {
                edges.insert((*from, *to), Some(index));
            }
        }
        let guarded = |index: &Option<usize>| {
            index.is_some_and(|i| {
                let mut sites = graph.dependencies()[i].sites.iter().filter(|s| s.blocking).peekable();
                sites.peek().is_some() && sites.all(|s| s.fallback)
            })
        };
        let halved = edges.iter().filter(|(_, i)| criticality && guarded(i)).map(|(e, _)| (*e, WITH_FALLBACK));
        let weights = halved.collect();
        let mut coupling = Self { members, edges, weights, at };
        for (from, to) in coupling.shared(graph) {
            coupling.edges.entry((from, to)).or_insert(None);
            coupling.weights.remove(&(from, to));
        }
        coupling
    }

    /// Members and edges as given, for graphs without dependencies.
    #[must_use]
    pub fn from_edges(members: Vec<String>, edges: impl IntoIterator<Item = (u32, u32)>) -> Self {
        let at = members.iter().enumerate().map(|(i, n)| (n.clone(), i as u32)).collect();
        Self { edges: edges.into_iter().map(|e| (e, None)).collect(), members, weights: BTreeMap::new(), at }
    }

    /// Services that write one table hold each other, both ways.
    #[must_use]
    pub fn shared(&self, graph: &ServiceGraph) -> BTreeSet<(u32, u32)> {
        let mut all = BTreeSet::new();
        for shared in &graph.parts().shared_writes {
            let ids: Vec<u32> = shared.services.iter().filter_map(|s| self.at.get(s).copied()).collect();
            for a in &ids {
                all.extend(ids.iter().filter(|b| *b != a).map(|b| (*a, *b)));
            }
        }
        all
    }

    /// How much a caller depends on a callee that it calls: 1, or less with a proven fallback.
    #[must_use]
    pub fn weight(&self, from: u32, to: u32) -> f64 {
        self.weights.get(&(from, to)).copied().unwrap_or(1.0)
    }

    /// The score of some edges among the members.
    fn score_of(&self, edges: impl Iterator<Item = (u32, u32)>) -> f64 {
        score_of(self.members.len(), edges.map(|(a, b)| (a, b, self.weight(a, b))))
    }

    /// The number of a member.
    #[must_use]
    pub fn index(&self, name: &str) -> Option<u32> {
        self.at.get(name).copied()
    }

    /// The graph.
    #[must_use]
    pub fn digraph(&self) -> Digraph {
        Digraph::new(self.members.len(), self.edges.keys().copied())
    }

    fn name(&self, at: u32) -> String {
        self.members[at as usize].clone()
    }
}

/// Does the caller wait?
fn blocks(dependency: &Dependency) -> bool {
    dependency.mode == Mode::Sync && dependency.blocking
}

/// Decides who belongs to V, and says why.
pub fn memberships(parts: &mut Parts, config: &Config, knowledge: &Knowledge) {
    let declared: BTreeMap<&str, bool> =
        config.services.iter().filter_map(|(name, c)| Some((name.as_str(), c.member?))).collect();
    let mut members: BTreeSet<String> = BTreeSet::new();
    let mut reasons: BTreeMap<String, String> = BTreeMap::new();
    for service in &parts.services {
        let names = std::iter::once(&service.name).chain(&service.aliases);
        let said = names.filter_map(|n| declared.get(n.as_str())).next();
        let (member, because) = match (said, service.kind) {
            (Some(member), _) => (*member, "declared in unbraid.yaml".to_owned()),
            (None, ServiceKind::Service | ServiceKind::Auth) => {
                (true, format!("a {} of the system", service.kind.as_str()))
            }
            (None, kind) => (false, format!("a {} is outside the score", kind.as_str())),
        };
        if member {
            members.insert(service.name.clone());
        }
        reasons.insert(service.name.clone(), because);
    }
    // A UI or gateway joins when a member calls it, or when it owns data; until nothing changes.
    loop {
        let before = members.len();
        for service in parts.services.iter().filter(|s| matches!(s.kind, ServiceKind::Ui | ServiceKind::Gateway)) {
            if members.contains(&service.name) || declared.contains_key(service.name.as_str()) {
                continue;
            }
            let caller = parts
                .dependencies
                .iter()
                .find(|d| blocks(d) && d.target == service.name && members.contains(&d.source));
            let owns = parts
                .dependencies
                .iter()
                .find(|d| d.mode == Mode::Data && d.source == service.name && is_database(parts, &d.target, knowledge));
            let because = match (caller, owns) {
                (Some(d), _) => format!("a {} that {} calls", service.kind.as_str(), d.source),
                (None, Some(d)) => format!("a {} that owns the database {}", service.kind.as_str(), d.target),
                (None, None) => continue,
            };
            members.insert(service.name.clone());
            reasons.insert(service.name.clone(), because);
        }
        if members.len() == before {
            break;
        }
    }
    for service in &mut parts.services {
        let because = reasons.remove(&service.name).unwrap_or_default();
        service.membership = Some(Membership { member: members.contains(&service.name), because });
    }
}

/// A database of record, no cache.
fn is_database(parts: &Parts, name: &str, knowledge: &Knowledge) -> bool {
    parts.services.iter().any(|s| {
        s.name == name
            && s.kind == ServiceKind::Database
            && !s.engine.as_ref().is_some_and(|e| knowledge.lexicon.caches.contains(e))
    })
}

/// The band of a score.
#[must_use]
pub fn band(value: f64, knowledge: &Knowledge) -> Band {
    let bands = knowledge.thresholds.bands;
    match value {
        v if v >= bands.distributed_monolith => Band::DistributedMonolith,
        v if v >= bands.high => Band::High,
        v if v >= bands.moderate => Band::Moderate,
        _ => Band::Loose,
    }
}

/// The score with everything that explains it; `None` without a member.
#[must_use]
pub fn report(graph: &ServiceGraph, coupling: &Coupling, knowledge: &Knowledge) -> Option<ScoreReport> {
    if coupling.members.is_empty() {
        return None;
    }
    let digraph = coupling.digraph();
    let (up, down) = digraph.reach();
    let mut terms = terms(coupling, &up, &down);
    let value = match terms.len() {
        1 => 0.0,
        n => 100.0 * terms.iter().map(|t| t.value).sum::<f64>() / n as f64,
    };
    terms.sort_by(|a, b| b.value.total_cmp(&a.value).then_with(|| a.service.cmp(&b.service)));
    let lower = knowledge.corpus.scores.iter().filter(|s| **s < value).count() as u32;
    Some(ScoreReport {
        value,
        interval: interval(graph, coupling, value),
        coverage: coverage(graph),
        band: band(value, knowledge),
        compared: [lower, knowledge.corpus.systems],
        terms,
        marginals: marginals(coupling, &digraph, value),
        figures: figures(coupling, &digraph, &up),
        sub_scores: sub_scores(graph, knowledge),
    })
}

fn terms(coupling: &Coupling, up: &[u32], down: &[u32]) -> Vec<Term> {
    let strengths = (!coupling.weights.is_empty()).then(|| {
        let edges: Vec<(u32, u32, f64)> =
            coupling.edges.keys().map(|(a, b)| (*a, *b, coupling.weight(*a, *b))).collect();
        digraph::strengths(coupling.members.len(), &edges)
    });
    let value = |i: usize| match &strengths {
        Some((needs, needed)) => 1.0 - BASE.powf(needs[i] + needed[i]),
        None => 1.0 - independence(up[i] + down[i]),
    };
    let term = |i: usize| Term { service: coupling.name(i as u32), up: up[i], down: down[i], value: value(i) };
    (0..up.len()).map(term).collect()
}

/// From confirmed edges alone to every candidate added; V stays.
fn interval(graph: &ServiceGraph, coupling: &Coupling, value: f64) -> [f64; 2] {
    let sure =
        |index: &Option<usize>| index.is_none_or(|i| graph.dependencies()[i].confidence == Confidence::Confirmed);
    let confirmed = coupling.edges.iter().filter(|(_, index)| sure(index)).map(|(e, _)| *e);
    let all_sure = coupling.edges.values().all(sure);
    let low = if all_sure { value } else { coupling.score_of(confirmed) };
    let mut more: BTreeSet<(u32, u32)> = BTreeSet::new();
    for candidate in graph.parts().candidates.iter().filter(|c| c.mode == Mode::Sync) {
        let Some(from) = coupling.index(&candidate.source) else { continue };
        more.extend(candidate.targets.iter().filter_map(|t| Some((from, coupling.index(t)?))));
    }
    more.retain(|e| !coupling.edges.contains_key(e));
    let high = if more.is_empty() { value } else { coupling.score_of(coupling.edges.keys().copied().chain(more)) };
    [low.min(value), high.max(value)]
}

fn coverage(graph: &ServiceGraph) -> Coverage {
    let counts = graph.parts().site_counts;
    let settled = counts.resolved + counts.external;
    let all = settled + counts.ambiguous + counts.unresolved;
    Coverage {
        code: (all > 0).then(|| f64::from(settled) / f64::from(all)),
        traces: graph.parts().traffic.as_ref().and_then(crate::model::Traffic::coverage),
    }
}

fn marginals(coupling: &Coupling, digraph: &Digraph, value: f64) -> Vec<EdgeMarginal> {
    use rayon::prelude::*;
    let edges: Vec<(u32, u32)> = digraph.edges().collect();
    if edges.len() > MARGINALS || digraph.len() > MARGINALS {
        return Vec::new();
    }
    let mut all: Vec<EdgeMarginal> = edges
        .par_iter()
        .map(|gone| EdgeMarginal {
            source: coupling.name(gone.0),
            target: coupling.name(gone.1),
            value: value - coupling.score_of(edges.iter().copied().filter(|e| e != gone)),
        })
        .collect();
    all.sort_by(|a, b| b.value.total_cmp(&a.value).then_with(|| (&a.source, &a.target).cmp(&(&b.source, &b.target))));
    all
}

fn figures(coupling: &Coupling, digraph: &Digraph, up: &[u32]) -> GraphFigures {
    let n = digraph.len();
    let (mut callers, mut callees) = (vec![0u32; n], vec![0u32; n]);
    for (from, to) in digraph.edges() {
        callees[from as usize] += 1;
        callers[to as usize] += 1;
    }
    let entangled = callers.iter().zip(&callees).filter(|(a, b)| **a + **b > 0).count();
    let by_name = |counts: Vec<u32>| coupling.members.iter().cloned().zip(counts).collect::<BTreeMap<String, u32>>();
    let (fan_in, fan_out) = (by_name(callers), by_name(callees));
    let named = |c: &Vec<u32>| c.iter().map(|i| coupling.name(*i)).collect::<Vec<_>>();
    let mut cycles: Vec<Vec<String>> = digraph.components().iter().filter(|c| c.len() > 1).map(named).collect();
    cycles.sort();
    let (depth, chain) = digraph.longest_chain();
    let reachable: u64 = up.iter().map(|u| u64::from(*u)).sum();
    GraphFigures {
        services: n as u32,
        edges: digraph.size() as u32,
        entangled: entangled as u32,
        cycles,
        depth,
        longest_chain: named(&chain),
        propagation_cost: (n > 1).then(|| reachable as f64 / (n * (n - 1)) as f64),
        fan_in,
        fan_out,
        page_rank: digraph.page_rank().into_iter().enumerate().map(|(i, r)| (coupling.name(i as u32), r)).collect(),
    }
}

/// Runtime exposure: of the requests that services served, the share that came from other services, which waited.
fn runtime_exposure(traffic: &crate::model::Traffic) -> Option<f64> {
    let waiting = |r: &&crate::model::TrafficRow| {
        matches!(r.relation, crate::model::Relation::Sync | crate::model::Relation::Inferred) && r.source != r.target
    };
    let inside: u64 = traffic.rows.iter().filter(waiting).map(|r| r.calls).sum();
    let entries = traffic.ledger.get("entry").copied().unwrap_or(0);
    let all = inside + entries;
    (all > 0).then(|| 100.0 * inside as f64 / all as f64)
}

/// Data ownership: the share of (service, table) pairs where a service that does not own the table uses it.
fn sub_scores(graph: &ServiceGraph, knowledge: &Knowledge) -> SubScores {
    let mut users: BTreeMap<(&str, &str), BTreeSet<&str>> = BTreeMap::new();
    for use_ in &graph.parts().tables {
        if let Some(database) = &use_.database {
            users.entry((database, &use_.table)).or_default().insert(&use_.service);
        }
    }
    let pairs: usize = users.values().map(BTreeSet::len).sum();
    let foreign: usize = users.values().map(|u| u.len() - 1).sum();
    SubScores {
        runtime_exposure: graph.parts().traffic.as_ref().and_then(runtime_exposure),
        runtime: None,
        data_ownership: (pairs > 0).then(|| 100.0 * foreign as f64 / pairs as f64),
        change_coupling: change_coupling(graph, knowledge),
    }
}

/// Change coupling: the share of synchronous edges between services whose two ends change together (analysis §3).
fn change_coupling(graph: &ServiceGraph, knowledge: &Knowledge) -> Option<f64> {
    let history = graph.parts().history.as_ref()?;
    let limits = knowledge.thresholds.smells.lockstep;
    let together: BTreeSet<(&str, &str)> = history
        .pairs
        .iter()
        .filter(|p| p.shared >= limits.revisions && p.degree >= limits.degree)
        .map(|p| (p.a.as_str(), p.b.as_str()))
        .collect();
    let inside: BTreeSet<&str> = graph
        .services()
        .iter()
        .filter(|s| s.membership.as_ref().is_some_and(|m| m.member))
        .map(|s| s.name.as_str())
        .collect();
    let edges: Vec<(&str, &str)> = graph
        .dependencies()
        .iter()
        .filter(|d| blocks(d) && inside.contains(d.source.as_str()) && inside.contains(d.target.as_str()))
        .map(|d| (d.source.as_str().min(&d.target), d.source.as_str().max(&d.target)))
        .collect();
    let coupled = edges.iter().filter(|e| together.contains(*e)).count();
    (!edges.is_empty()).then(|| 100.0 * coupled as f64 / edges.len() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(n: usize, edges: &[(u32, u32)]) -> f64 {
        score(&Digraph::new(n, edges.iter().copied()))
    }

    #[test]
    fn golden_vectors() {
        let near = |a: f64, b: f64| assert!((a - b).abs() < 0.005, "{a} is not {b}");
        near(of(0, &[]), 0.0);
        near(of(1, &[]), 0.0);
        near(of(2, &[(0, 1)]), 10.0);
        near(of(3, &[(0, 1), (1, 2)]), 19.0);
        near(of(5, &[(0, 1), (1, 2), (2, 3), (3, 4)]), 34.39);
        near(of(2, &[(0, 1), (1, 0)]), 19.0);
        near(of(3, &[(0, 1), (1, 2), (2, 0)]), 34.39);
        near(of(5, &[(0, 1), (0, 2), (0, 3), (0, 4)]), 14.88);
        for (n, expected) in [(3u32, 13.0), (10, 15.1), (20, 13.8)] {
            let hub: Vec<(u32, u32)> = (1..n).map(|i| (0, i)).collect();
            assert!((of(n as usize, &hub) - expected).abs() < 0.05);
        }
        for (n, expected) in [(10u32, 85.0), (20, 98.2)] {
            let ring: Vec<(u32, u32)> = (0..n).map(|i| (i, (i + 1) % n)).collect();
            assert!((of(n as usize, &ring) - expected).abs() < 0.05);
        }
    }

    proptest! {
        #[test]
        fn removing_an_edge_never_raises_it(edges in proptest::collection::vec((0u32..12, 0u32..12), 1..40), gone in 0usize..40) {
            let all = of(12, &edges);
            prop_assert!((0.0..=100.0).contains(&all));
            let mut fewer = edges.clone();
            fewer.remove(gone % edges.len());
            prop_assert!(of(12, &fewer) <= all + 1e-9);
            let mut turned = edges.clone();
            turned.reverse();
            prop_assert!((of(12, &turned) - all).abs() < 1e-9);
        }
    }
}
