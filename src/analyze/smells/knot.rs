//! Services tied to each other so densely that none can be taken out alone.

use std::collections::{BTreeMap, BTreeSet};

use super::{Found, Scene, Smell, dependency_evidence};
use crate::model::{Finding, Severity};

/// The smell.
pub const SMELL: Smell = Smell { id: "knot", text: include_str!("knot.md"), find };

fn find(scene: &Scene<'_>) -> Result<Vec<Finding>, String> {
    let limits = scene.knowledge.thresholds.smells.knot;
    let digraph = scene.coupling.digraph();
    let mut knots: BTreeSet<Vec<u32>> = BTreeSet::new();
    let circles = digraph.components().into_iter().filter(|c| c.len() >= limits.circle);
    let circles: Vec<Vec<u32>> = circles.filter(|c| calls_within(scene, c) >= c.len()).collect();
    for core in cores(&digraph.edges().collect::<Vec<_>>(), limits.neighbours) {
        let members: BTreeSet<u32> = core.iter().copied().collect();
        let mut calls: BTreeMap<u32, usize> = BTreeMap::new();
        for (from, to) in digraph.edges() {
            if members.contains(&to) {
                *calls.entry(from).or_default() += 1;
            }
        }
        // Shared: a caller that uses two or more of the members.
        if calls.values().filter(|n| **n >= 2).count() >= limits.shared_callers {
            knots.insert(core);
        }
    }
    // A circle inside a larger knot is a part of it.
    let alone = circles.into_iter().filter(|c| !knots.iter().any(|k| c.iter().all(|m| k.binary_search(m).is_ok())));
    let all: Vec<Vec<u32>> = alone.collect::<Vec<_>>().into_iter().chain(knots.iter().cloned()).collect();
    Ok(all.into_iter().map(|knot| made(scene, &knot)).collect())
}

fn calls_within(scene: &Scene<'_>, members: &[u32]) -> usize {
    // Members are sorted.
    let inside = |m: u32| members.binary_search(&m).is_ok();
    let from = |a: u32| scene.coupling.edges.range((a, 0)..=(a, u32::MAX));
    members.iter().flat_map(|a| from(*a)).filter(|((_, b), index)| index.is_some() && inside(*b)).count()
}

fn made(scene: &Scene<'_>, knot: &[u32]) -> Finding {
    let services: Vec<&str> = knot.iter().map(|m| scene.coupling.members[*m as usize].as_str()).collect();
    let members: BTreeSet<&u32> = knot.iter().collect();
    let inside: Vec<usize> = scene
        .coupling
        .edges
        .iter()
        .filter(|((a, b), _)| members.contains(a) && members.contains(b))
        .filter_map(|(_, index)| *index)
        .collect();
    let dependencies = scene.graph.dependencies();
    let evidence =
        inside.iter().take(12).flat_map(|i| dependency_evidence(&dependencies[*i]).into_iter().take(1)).collect();
    let because = format!(
        "{} with {} among them",
        crate::model::counted(services.len(), "service"),
        crate::model::counted(inside.len(), "blocking call")
    );
    let refactorings = &["publish the data of the most called member first", "merge members that change together"];
    let (severity, services) = (Severity::Medium, services.as_slice());
    Found { smell: SMELL.id, severity, services, subject: None, because, evidence, refactorings }.make()
}

/// Connected parts of the k-core: what is left when nodes with fewer than k neighbours are taken away until none is.
fn cores(edges: &[(u32, u32)], k: usize) -> Vec<Vec<u32>> {
    let mut neighbours: BTreeMap<u32, BTreeSet<u32>> = BTreeMap::new();
    for (a, b) in edges {
        neighbours.entry(*a).or_default().insert(*b);
        neighbours.entry(*b).or_default().insert(*a);
    }
    let mut queue: Vec<u32> = neighbours.iter().filter(|(_, n)| n.len() < k).map(|(a, _)| *a).collect();
    while let Some(node) = queue.pop() {
        let Some(others) = neighbours.remove(&node) else { continue };
        for other in others {
            if let Some(list) = neighbours.get_mut(&other) {
                list.remove(&node);
                if list.len() < k {
                    queue.push(other);
                }
            }
        }
    }
    let mut parts = Vec::new();
    while let Some(start) = neighbours.keys().next().copied() {
        let (mut part, mut queue) = (BTreeSet::new(), vec![start]);
        while let Some(node) = queue.pop() {
            if part.insert(node) {
                queue.extend(neighbours.remove(&node).into_iter().flatten());
            }
        }
        parts.push(part.into_iter().collect());
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_core_is_what_holds_together() {
        // Four nodes that all know each other, and a tail that does not count.
        let edges = [(0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3), (3, 4), (4, 5)];
        assert_eq!(cores(&edges, 3), [vec![0, 1, 2, 3]]);
        assert!(cores(&edges[..5], 3).is_empty());
    }
}
