//! Published metrics of the blocking graph (analysis §2), each with its source in `model::metrics`.
//!
//! Takes the blocking graph and what traces measured along its edges; gives facts, no judgement.

use std::collections::BTreeMap;

use crate::graph::ServiceGraph;
use crate::graph::digraph::Digraph;
use crate::model::metrics::{EdgeMetrics, Metrics, ServiceMetrics, SystemMetrics};

use super::score::Coupling;

/// With more members than this betweenness is estimated.
const EXACT: usize = 5_000;
/// Sources of the estimate.
const PIVOTS: usize = 256;
/// With more members than this no availability bound is multiplied out: it needs every pair.
const PAIRS: usize = 5_000;

/// All metrics.
#[must_use]
pub fn metrics(graph: &ServiceGraph, coupling: &Coupling) -> Metrics {
    let digraph = coupling.digraph();
    let (up, down) = digraph.reach();
    let callers = digraph.reversed();
    let mut services = services(coupling, &digraph, &callers, &down);
    let betweenness = digraph.betweenness(EXACT, PIVOTS);
    for (service, value) in services.iter_mut().zip(&betweenness.values) {
        service.betweenness = *value;
    }
    let mut system = system(&digraph, &up, &services);
    (system.betweenness_sampled, system.betweenness_error) = (betweenness.sampled, betweenness.error);
    let measured = availabilities(graph, coupling);
    if measured.iter().any(Option::is_some) && digraph.len() <= PAIRS {
        for (at, service) in services.iter_mut().enumerate() {
            let needs = digraph.reached_from(&[at as u32]);
            let others = needs.into_iter().filter(|n| *n as usize != at);
            service.availability_bound = Some(availability_bound(others.filter_map(|n| measured[n as usize])));
        }
    }
    let edges = edges(graph, coupling, &services);
    Metrics { system, services, edges }
}

fn system(digraph: &Digraph, up: &[u32], services: &[ServiceMetrics]) -> SystemMetrics {
    let n = digraph.len();
    let cycles: Vec<usize> = digraph.components().iter().map(Vec::len).filter(|c| *c > 1).collect();
    let reachable: u64 = up.iter().map(|u| u64::from(*u)).sum();
    let ccd = reachable + n as u64;
    let pairs = (n > 1).then(|| (n * (n - 1)) as f64);
    let per = |value: f64| (n > 0).then(|| value / n as f64);
    let acd = per(ccd as f64);
    SystemMetrics {
        siy: digraph.edges().filter(|(a, b)| a < b && digraph.has(*b, *a)).count() as u32,
        scf: pairs.map(|p| digraph.size() as f64 / p),
        propagation_cost: pairs.map(|p| reachable as f64 / p),
        ccd,
        acd,
        racd: acd.and_then(per),
        nccd: (n > 0).then(|| ccd as f64 / balanced_tree(n) as f64),
        cycles: cycles.len() as u32,
        largest_cycle: cycles.iter().max().map_or(0, |c| *c as u32),
        depth: services.iter().map(|s| s.depth).max().unwrap_or(0),
        mean_reach: per(reachable as f64),
        max_blast_radius: services.iter().filter_map(|s| s.blast_radius).max_by(f64::total_cmp),
        betweenness_sampled: None,
        betweenness_error: 0.0,
    }
}

/// CCD of the balanced binary tree of `n` nodes, exactly: a node at depth d is counted by itself and d ancestors.
fn balanced_tree(n: usize) -> u64 {
    (1..=n as u64).map(|node| u64::from(node.ilog2()) + 1).sum()
}

/// The product of the availabilities of what is needed, each once.
pub(super) fn availability_bound(needed: impl Iterator<Item = f64>) -> f64 {
    needed.product()
}

fn services(coupling: &Coupling, digraph: &Digraph, callers: &Digraph, down: &[u32]) -> Vec<ServiceMetrics> {
    let n = digraph.len();
    let depths = digraph.depths();
    let page_rank = digraph.page_rank();
    let mut component = vec![1u32; n];
    for members in digraph.components() {
        members.iter().for_each(|m| component[*m as usize] = members.len() as u32);
    }
    let dominators = digraph.dominators(&digraph.entries());
    let dominates = dominated(&dominators);
    (0..n)
        .map(|at| {
            let (ais, ads) = (callers.successors(at as u32).len() as u32, digraph.successors(at as u32).len() as u32);
            ServiceMetrics {
                service: coupling.members[at].clone(),
                ais,
                ads,
                acs: u64::from(ais) * u64::from(ads),
                instability: (ais + ads > 0).then(|| f64::from(ads) / f64::from(ais + ads)),
                depth: depths[at],
                component: component[at],
                betweenness: 0.0,
                page_rank: page_rank[at],
                blast_radius: (n > 1).then(|| f64::from(down[at]) / (n - 1) as f64),
                dominator: dominators[at].map(|d| coupling.members[d as usize].clone()),
                dominates: dominates[at],
                availability_bound: None,
            }
        })
        .collect()
}

/// How many nodes each node dominates, itself excluded: sizes of the subtrees of the dominator tree.
fn dominated(dominators: &[Option<u32>]) -> Vec<u32> {
    let mut count = vec![0u32; dominators.len()];
    let mut children = count.clone();
    dominators.iter().flatten().for_each(|d| children[*d as usize] += 1);
    let mut leaves: Vec<usize> = (0..children.len()).filter(|at| children[*at] == 0).collect();
    while let Some(at) = leaves.pop() {
        let Some(above) = dominators[at].map(|d| d as usize) else { continue };
        count[above] += count[at] + 1;
        children[above] -= 1;
        if children[above] == 0 {
            leaves.push(above);
        }
    }
    count
}

/// 1 − errors / calls of each member, as its callers saw it.
fn availabilities(graph: &ServiceGraph, coupling: &Coupling) -> Vec<Option<f64>> {
    let mut seen = vec![(0u64, 0u64); coupling.members.len()];
    for ((_, to), index) in &coupling.edges {
        let Some(dependency) = index.map(|i| &graph.dependencies()[i]) else { continue };
        let (calls, errors) = (dependency.calls.unwrap_or(0), dependency.errors.unwrap_or(0));
        seen[*to as usize].0 += calls;
        seen[*to as usize].1 += errors.min(calls);
    }
    seen.into_iter().map(|(calls, errors)| availability(calls, errors)).collect()
}

/// Share of the calls without an error; `None` without a call.
pub(super) fn availability(calls: u64, errors: u64) -> Option<f64> {
    (calls > 0).then(|| 1.0 - errors as f64 / calls as f64)
}

fn edges(graph: &ServiceGraph, coupling: &Coupling, services: &[ServiceMetrics]) -> Vec<EdgeMetrics> {
    let sites = |index: &Option<usize>| index.map_or(1, |i| graph.dependencies()[i].sites.len().max(1)) as f64;
    let out: BTreeMap<(u32, u32), f64> = coupling.edges.iter().map(|(e, i)| (*e, sites(i))).collect();
    let degree =
        |(a, b): (u32, u32)| out.get(&(a, b)).copied().unwrap_or(0.0) + out.get(&(b, a)).copied().unwrap_or(0.0);
    let most = out.keys().map(|e| degree(*e)).fold(0.0, f64::max);
    let mut served = vec![0u64; services.len()];
    for ((_, to), index) in &coupling.edges {
        served[*to as usize] += index.and_then(|i| graph.dependencies()[i].calls).unwrap_or(0);
    }
    coupling
        .edges
        .iter()
        .map(|((from, to), index)| {
            let (a, b) = (&services[*from as usize], &services[*to as usize]);
            let calls = index.and_then(|i| graph.dependencies()[i].calls);
            let requests = served[*from as usize];
            EdgeMetrics {
                source: a.service.clone(),
                target: b.service.clone(),
                structural_coupling: structural_coupling(out[&(*from, *to)], degree((*from, *to)), most),
                calls_per_request: calls.filter(|_| requests > 0).map(|c| c as f64 / requests as f64),
                stability_step: a.instability.zip(b.instability).map(|(a, b)| a - b),
            }
        })
        .collect()
}

/// Panichella, Rahman, Taibi 2021; checked against the 315 values of their data.
fn structural_coupling(out: f64, degree: f64, most: f64) -> f64 {
    let (local, global) = ((1.0 + out) / (1.0 + degree), degree / most);
    1.0 - (1.0 / degree) * local * global
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(names: &[&str], edges: &[(u32, u32)]) -> (Metrics, Coupling) {
        let coupling = Coupling::from_edges(names.iter().map(|n| (*n).to_owned()).collect(), edges.iter().copied());
        (metrics(&ServiceGraph::default(), &coupling), coupling)
    }

    fn near(a: Option<f64>, b: f64) {
        let a = a.expect("defined");
        assert!((a - b).abs() < 0.005, "{a} is not {b}");
    }

    /// The examples that the user guide of ArchUnit prints for Lakos' metrics.
    #[test]
    fn vectors_of_lakos() {
        let (m, _) = of(&["a", "b", "c", "d"], &[(0, 1), (1, 2), (0, 3)]);
        assert_eq!(m.system.ccd, 8);
        near(m.system.acd, 2.0);
        near(m.system.racd, 0.5);
        near(m.system.nccd, 1.0);
        assert_eq!((balanced_tree(4), balanced_tree(6)), (8, 14));
        let layers = [(0, 1), (0, 2), (1, 3), (1, 4), (2, 3), (2, 4), (3, 5)];
        let (m, _) = of(&["a", "b", "c", "d", "e", "f"], &layers);
        assert_eq!(m.system.ccd, 18);
        near(m.system.acd, 3.0);
        near(m.system.racd, 0.5);
        near(m.system.nccd, 1.29);
    }

    /// Counted by hand: a diamond with a mutual pair at its end.
    #[test]
    fn importance_dependence_and_reach() {
        let (m, _) = of(&["a", "b", "c", "d", "e"], &[(0, 1), (0, 2), (1, 3), (2, 3), (3, 4), (4, 3)]);
        let d = &m.services[3];
        assert_eq!((d.ais, d.ads, d.acs, d.component, d.depth), (3, 1, 3, 2, 0));
        near(d.instability, 0.25);
        near(d.blast_radius, 1.0);
        assert_eq!((d.dominator.as_deref(), m.services[0].dominates, d.dominates), (Some("a"), 4, 1));
        assert_eq!((m.system.siy, m.system.cycles, m.system.largest_cycle, m.system.depth), (1, 1, 2, 2));
        near(m.system.scf, 6.0 / 20.0);
        near(m.system.propagation_cost, (4.0 + 2.0 + 2.0 + 1.0 + 1.0) / 20.0);
        let step = m.edges.iter().find(|e| e.source == "a" && e.target == "b").and_then(|e| e.stability_step);
        near(step, 1.0 - 0.5);
    }

    /// 1 − 1/M for the callee's side of the widest pair, 1 − 1/(2M) for single calls the other way (the published data).
    #[test]
    fn structural_coupling_is_as_published() {
        for most in [1.0, 2.0, 4.0, 9.0] {
            near(Some(structural_coupling(1.0, 1.0, most)), 1.0 - 1.0 / most);
            near(Some(structural_coupling(0.0, 1.0, most)), 1.0 - 1.0 / (2.0 * most));
        }
    }

    /// .995³ = 98.5 % (Calculus of Service Availability).
    #[test]
    fn availability_multiplies() {
        near(Some(availability_bound([0.995, 0.995, 0.995].into_iter())), 0.985);
        near(Some(availability_bound(std::iter::empty())), 1.0);
    }

    #[test]
    fn nothing_and_one_have_no_ratios() {
        let (m, _) = of(&[], &[]);
        assert_eq!((m.system.ccd, m.system.scf, m.system.acd, m.system.nccd), (0, None, None, None));
        let (m, _) = of(&["a"], &[]);
        assert_eq!(
            (m.system.propagation_cost, m.services[0].instability, m.services[0].blast_radius),
            (None, None, None)
        );
        assert!(m.services[0].availability_bound.is_none());
    }
}
