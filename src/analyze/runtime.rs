//! What requests wait for, and what fails with them, as traces measured it (analysis §2 and §3).
//!
//! Takes the traffic of the graph; gives the columns beside the score and what a step would save. Never
//! mixed into the score: it depends on the workload that was traced.

use std::collections::BTreeMap;

use crate::graph::ServiceGraph;
use crate::graph::digraph::Digraph;
use crate::model::{Mode, Relation, Runtime, Traffic};

use super::metrics::{availability, availability_bound};
use super::score::Coupling;

/// What requests are exposed to; `None` without traces.
#[must_use]
pub fn runtime(graph: &ServiceGraph, coupling: &Coupling) -> Option<Runtime> {
    let traffic = graph.parts().traffic.as_ref()?;
    let savings = Savings::of(graph, coupling)?;
    let all: u64 = savings.entries.iter().sum();
    Some(Runtime {
        calls_per_request: (all > 0).then(|| inside(traffic) as f64 / all as f64),
        availability_bound: savings.availability(coupling.edges.keys().copied()),
        critical_path_share: critical_path_share(traffic),
    })
}

/// Calls between services.
fn inside(traffic: &Traffic) -> u64 {
    let waits = |r: &Relation| matches!(r, Relation::Sync | Relation::Inferred);
    traffic.rows.iter().filter(|r| waits(&r.relation) && r.source != r.target).map(|r| r.calls).sum()
}

/// Requests that enter the system, by the service where they do.
fn entries<'g>(graph: &'g ServiceGraph, traffic: &Traffic) -> BTreeMap<&'g str, u64> {
    let mut all: BTreeMap<&str, u64> = BTreeMap::new();
    for served in traffic.served.iter().filter(|s| s.entries > 0) {
        if let Some(service) = graph.parts().traced.get(&served.service) {
            *all.entry(service.as_str()).or_default() += served.entries;
        }
    }
    all
}

/// The mean of values by weight; `None` where nothing has weight.
fn weighted(values: impl Iterator<Item = (f64, u64)>) -> Option<f64> {
    let (sum, weight) = values.fold((0.0, 0u64), |(sum, weight), (value, n)| (sum + value * n as f64, weight + n));
    (weight > 0).then(|| sum / weight as f64)
}

/// The share of the critical path that requests spend outside the service where they enter.
fn critical_path_share(traffic: &Traffic) -> Option<f64> {
    let time = |outside: bool| -> u64 {
        traffic.critical.iter().filter(|c| !outside || c.service != c.entry).map(|c| c.duration_us).sum()
    };
    let all = time(false);
    (all > 0).then(|| time(true) as f64 / all as f64)
}

/// What steps would save of what traces measured.
#[derive(Debug)]
pub struct Savings<'g> {
    graph: &'g ServiceGraph,
    coupling: &'g Coupling,
    /// Availability of each member, then of all other services, as all their callers saw it: requests enter at
    /// gateways, too.
    measured: Vec<Option<f64>>,
    /// Requests that enter at each of them.
    entries: Vec<u64>,
    /// Calls that wait with an end that is no member.
    outer: Vec<(u32, u32)>,
}

impl<'g> Savings<'g> {
    /// `None` without traces.
    #[must_use]
    pub fn of(graph: &'g ServiceGraph, coupling: &'g Coupling) -> Option<Self> {
        let traffic = graph.parts().traffic.as_ref()?;
        let others = graph.services().iter().map(|s| s.name.as_str()).filter(|n| coupling.index(n).is_none());
        let names: Vec<&str> = coupling.members.iter().map(String::as_str).chain(others).collect();
        let at: BTreeMap<&str, u32> = names.iter().zip(0..).map(|(name, at)| (*name, at)).collect();
        let by_name = entries(graph, traffic);
        let (mut outer, mut seen) = (Vec::new(), vec![(0, 0); names.len()]);
        for d in graph.dependencies().iter().filter(|d| d.mode == Mode::Sync && d.blocking) {
            let (Some(from), Some(to)) = (at.get(d.source.as_str()), at.get(d.target.as_str())) else { continue };
            if (*from).max(*to) as usize >= coupling.members.len() {
                outer.push((*from, *to));
            }
            let (calls, errors) = &mut seen[*to as usize];
            let more = d.calls.unwrap_or(0);
            (*calls, *errors) = (*calls + more, *errors + d.errors.unwrap_or(0).min(more));
        }
        let measured = seen.into_iter().map(|(calls, errors)| availability(calls, errors)).collect();
        let entries = names.iter().map(|name| by_name.get(name).copied().unwrap_or(0)).collect();
        Some(Self { graph, coupling, measured, entries, outer })
    }

    /// The mean bound of the availability of the requests that enter, over these edges between members and all edges
    /// to others; `None` if none was measured.
    #[must_use]
    pub fn availability(&self, edges: impl Iterator<Item = (u32, u32)>) -> Option<f64> {
        self.measured.iter().any(Option::is_some).then_some(())?;
        let digraph = Digraph::new(self.entries.len(), edges.chain(self.outer.iter().copied()));
        let entered = self.entries.iter().enumerate().filter(|(_, n)| **n > 0);
        weighted(entered.map(|(at, n)| {
            let needs = digraph.reached_from(&[at as u32]);
            let others = needs.into_iter().filter(|other| *other as usize != at);
            (availability_bound(others.filter_map(|other| self.measured[other as usize])), *n)
        }))
    }

    /// Time on critical paths that goes with calls, in microseconds a request that enters: of each service called the
    /// share of its calls that these edges make. An upper bound, as drag is: another path may become the critical one.
    #[must_use]
    pub fn critical_time(&self, freed: &[(u32, u32)]) -> Option<f64> {
        let parts = self.graph.parts();
        let traffic = parts.traffic.as_ref()?;
        let requests: u64 = self.entries.iter().sum();
        if requests == 0 || traffic.critical.is_empty() {
            return None;
        }
        let calls = |edge: &(u32, u32)| {
            let index = self.coupling.edges.get(edge).copied().flatten()?;
            self.graph.dependencies()[index].calls
        };
        let mut of_service: BTreeMap<u32, (u64, u64)> = BTreeMap::new();
        for edge in self.coupling.edges.keys() {
            let sums = of_service.entry(edge.1).or_default();
            let n = calls(edge).unwrap_or(0);
            sums.1 += n;
            sums.0 += if freed.contains(edge) { n } else { 0 };
        }
        let saved: f64 = traffic
            .critical
            .iter()
            .filter(|c| c.service != c.entry)
            .filter_map(|c| {
                let at = self.coupling.index(parts.traced.get(&c.service)?)?;
                let (gone, all) = of_service.get(&at).copied().filter(|(_, all)| *all > 0)?;
                Some(c.duration_us as f64 * gone as f64 / all as f64)
            })
            .sum();
        Some(saved / requests as f64)
    }
}
