//! A result, indexed: who calls whom by number, teams, cycles, chains, private stores, and when an edge goes.
//!
//! Takes the result alone; every format that draws or lists asks here. Knows no format.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{Dependency, Mode, Service, ServiceKind, SourceKind, Term};
use crate::result::Result;

use super::clean;
use super::layout::{adjacency, components};

/// An indexed result.
pub struct System<'r> {
    /// The result.
    pub result: &'r Result,
    /// Names by number, safe to show.
    pub names: Vec<String>,
    /// (source, target) of each dependency; `None` where an end is no service of the result.
    pub ends: Vec<Option<(usize, usize)>>,
    /// Dependencies by source.
    pub out: Vec<Vec<usize>>,
    /// Dependencies by target.
    pub into: Vec<Vec<usize>>,
    /// The first owner of each service.
    pub teams: Vec<Option<String>>,
    /// The term of each member of the score.
    pub terms: Vec<Option<&'r Term>>,
    /// The number of the cycle that a service stands in.
    pub cycles: Vec<Option<usize>>,
    /// The step, from 1, after which a waiting edge is gone.
    pub gone: BTreeMap<(usize, usize), usize>,
    /// The only user of a store that nobody else uses.
    pub owner_of: Vec<Option<usize>>,
    at: BTreeMap<&'r str, usize>,
}

impl<'r> System<'r> {
    /// Indexes a result.
    #[must_use]
    pub fn of(result: &'r Result) -> Self {
        let at: BTreeMap<&str, usize> = result.services.iter().enumerate().map(|(i, s)| (s.name.as_str(), i)).collect();
        let n = result.services.len();
        let find = |name: &str| at.get(name).copied();
        let ends: Vec<Option<(usize, usize)>> =
            result.dependencies.iter().map(|d| Some((find(&d.source)?, find(&d.target)?))).collect();
        let (mut out, mut into) = (vec![Vec::new(); n], vec![Vec::new(); n]);
        for (index, pair) in ends.iter().enumerate() {
            if let Some((a, b)) = pair {
                out[*a].push(index);
                into[*b].push(index);
            }
        }
        let mut terms = vec![None; n];
        let mut cycles = vec![None; n];
        if let Some(score) = &result.score {
            for term in &score.terms {
                if let Some(i) = find(&term.service) {
                    terms[i] = Some(term);
                }
            }
            for (number, cycle) in score.figures.cycles.iter().enumerate() {
                cycle.iter().filter_map(|name| find(name)).for_each(|i| cycles[i] = Some(number));
            }
        }
        let mut gone = BTreeMap::new();
        for (step, s) in result.plan.iter().flat_map(|p| p.steps.iter().enumerate()) {
            for [a, b] in &s.frees_edges {
                if let (Some(a), Some(b)) = (find(a), find(b)) {
                    gone.entry((a, b)).or_insert(step + 1);
                }
            }
        }
        let names = result.services.iter().map(|s| clean(&s.name)).collect();
        let teams = result.services.iter().map(|s| s.owners.first().map(|o| clean(o))).collect();
        let mut system =
            Self { result, names, ends, out, into, teams, terms, cycles, gone, owner_of: vec![None; n], at };
        system.owner_of = (0..n).map(|i| system.only_user(i)).collect();
        system
    }

    /// The number of a service.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<usize> {
        self.at.get(name).copied()
    }

    /// A service.
    #[must_use]
    pub fn service(&self, at: usize) -> &'r Service {
        &self.result.services[at]
    }

    /// A dependency.
    #[must_use]
    pub fn dependency(&self, at: usize) -> &'r Dependency {
        &self.result.dependencies[at]
    }

    fn only_user(&self, store: usize) -> Option<usize> {
        if self.service(store).kind != ServiceKind::Database || !self.out[store].is_empty() {
            return None;
        }
        let users: BTreeSet<usize> = self.into[store].iter().filter_map(|d| Some(self.ends[*d]?.0)).collect();
        let data = self.into[store].iter().all(|d| self.dependency(*d).mode == Mode::Data);
        if data && users.len() == 1 { users.first().copied() } else { None }
    }

    /// Does the caller wait, and do both count in the score?
    #[must_use]
    pub fn waits(&self, dependency: usize) -> Option<(usize, usize)> {
        let d = self.dependency(dependency);
        let (a, b) = self.ends[dependency]?;
        (d.mode == Mode::Sync && d.blocking && self.terms[a].is_some() && self.terms[b].is_some()).then_some((a, b))
    }

    /// Services that a picture shows: those with a dependency that is not infrastructure, less stores of one user.
    #[must_use]
    pub fn drawn(&self) -> Vec<usize> {
        let linked = |i: usize| {
            let mut all = self.out[i].iter().chain(&self.into[i]);
            all.any(|d| self.dependency(*d).mode != Mode::Infra)
        };
        (0..self.names.len()).filter(|i| self.owner_of[*i].is_none() && linked(*i)).collect()
    }

    /// Stores that only this service uses.
    #[must_use]
    pub fn stores(&self, service: usize) -> Vec<usize> {
        (0..self.names.len()).filter(|i| self.owner_of[*i] == Some(service)).collect()
    }

    /// The order of the matrix: callers first, the members of a cycle together, ties by name.
    #[must_use]
    pub fn levelised(&self, of: &[usize]) -> Vec<usize> {
        let keep: BTreeSet<usize> = of.iter().copied().collect();
        let edges = (0..self.ends.len()).filter(|d| self.dependency(*d).mode == Mode::Sync);
        let edges = edges.filter_map(|d| self.ends[d]).filter(|(a, b)| keep.contains(a) && keep.contains(b));
        let next = adjacency(self.names.len(), edges);
        let component = components(&next);
        // Components are numbered callee first: the longest way down to a leaf gives the level.
        let count = component.iter().max().map_or(0, |m| m + 1);
        let mut members = vec![Vec::new(); count];
        (0..self.names.len()).for_each(|i| members[component[i]].push(i));
        let mut level = vec![0usize; count];
        for c in 0..count {
            let below = members[c].iter().flat_map(|i| &next[*i]).map(|to| component[*to]).filter(|to| *to != c);
            level[c] = below.map(|to| level[to] + 1).max().unwrap_or(0);
        }
        let mut order = of.to_vec();
        order.sort_by_key(|i| (std::cmp::Reverse(level[component[*i]]), component[*i], &self.names[*i]));
        order
    }

    /// Who is held by whom: waiting calls, and both ways between the writers of one table, as the score counts them.
    fn held(&self) -> BTreeSet<(usize, usize)> {
        let mut held: BTreeSet<(usize, usize)> = (0..self.ends.len()).filter_map(|d| self.waits(d)).collect();
        for shared in &self.result.shared_writes {
            let members = |n: &String| self.find(n).filter(|i| self.terms[*i].is_some());
            let writers: Vec<usize> = shared.services.iter().filter_map(members).collect();
            held.extend(writers.iter().flat_map(|a| writers.iter().map(move |b| (*a, *b))).filter(|(a, b)| a != b));
        }
        held
    }

    /// The longest chains of waiting calls with their hops, one for each first caller, longest first; a cycle counts
    /// once.
    #[must_use]
    pub fn chains(&self) -> Vec<(usize, Vec<usize>)> {
        let next = adjacency(self.names.len(), self.held().into_iter());
        let component = components(&next);
        let count = component.iter().max().map_or(0, |m| m + 1);
        let mut best: Vec<(usize, Option<(usize, usize)>)> = vec![(0, None); count];
        let mut members = vec![Vec::new(); count];
        (0..self.names.len()).for_each(|i| members[component[i]].push(i));
        let mut called = vec![false; count];
        for c in 0..count {
            for from in &members[c] {
                for to in next[*from].iter().filter(|to| component[**to] != c) {
                    called[component[*to]] = true;
                    if best[component[*to]].0 + 1 > best[c].0 {
                        best[c] = (best[component[*to]].0 + 1, Some((*from, *to)));
                    }
                }
            }
        }
        let mut chains: Vec<(usize, Vec<usize>)> = Vec::new();
        for start in (0..count).filter(|c| !called[*c] && best[*c].0 > 0) {
            let mut chain = Vec::new();
            let mut at = start;
            while let Some((from, to)) = best[at].1 {
                if chain.last() != Some(&from) {
                    chain.push(from);
                }
                chain.push(to);
                at = component[to];
            }
            chains.push((best[start].0, chain));
        }
        chains.sort_by_key(|(hops, chain)| (std::cmp::Reverse(*hops), chain.clone()));
        chains
    }
}

/// Is an edge seen in traces, and elsewhere?
#[must_use]
pub fn agreement(d: &Dependency) -> (bool, bool) {
    let traced = d.seen_in.contains(&SourceKind::Traces);
    (traced, d.seen_in.iter().any(|s| *s != SourceKind::Traces))
}

/// The name of a source in words.
#[must_use]
pub fn source(kind: SourceKind) -> &'static str {
    match kind {
        SourceKind::Code => "code",
        SourceKind::Specs => "specs",
        SourceKind::Manifests => "manifests",
        SourceKind::Traces => "traces",
        SourceKind::Declared => "declared",
        SourceKind::History => "history",
    }
}
