//! One service through which nearly all indirect calls pass: a bus by another name.

use super::{Found, Scene, Smell, dependency_evidence};
use crate::graph::digraph::Digraph;
use crate::model::{Finding, Mode, ServiceKind, Severity};

/// The smell.
pub const SMELL: Smell = Smell { id: "central-hub", text: include_str!("central_hub.md"), find };

/// Services that are looked at closely: those with the most callers times callees.
const CANDIDATES: usize = 16;

fn find(scene: &Scene<'_>) -> Result<Vec<Finding>, String> {
    let limits = scene.knowledge.thresholds.smells.hub;
    let digraph = scene.coupling.digraph();
    if digraph.len() < limits.services {
        return Err(format!("{} services count: a hub needs at least {}", digraph.len(), limits.services));
    }
    let (up, down) = digraph.reach();
    let indirect = up.iter().map(|u| u64::from(*u)).sum::<u64>() - digraph.edges().count() as u64;
    if indirect < limits.pairs {
        return Ok(Vec::new());
    }
    let reversed = digraph.reversed();
    let mut order: Vec<u32> = (0..digraph.len() as u32).collect();
    order.sort_by_key(|s| std::cmp::Reverse(u64::from(up[*s as usize]) * u64::from(down[*s as usize])));
    let mut all = Vec::new();
    for service in order.into_iter().take(CANDIDATES) {
        let name = scene.coupling.members[service as usize].as_str();
        let kind = scene.graph.service(name).map(|s| s.kind);
        if !matches!(kind, Some(ServiceKind::Service | ServiceKind::Auth)) {
            continue;
        }
        // No more than this can lead through it, so the rest need not be looked at.
        let most = u64::from(up[service as usize]) * u64::from(down[service as usize]);
        if (most as f64) < limits.share * indirect as f64 {
            break;
        }
        let through = pairs_through(&digraph, &reversed, service);
        let share = through as f64 / indirect as f64;
        if share < limits.share {
            continue;
        }
        let because = format!(
            "{through} of {indirect} indirect ways between services ({:.0} %) lead through {name}",
            share * 100.0
        );
        let edges =
            scene.incoming(name).iter().chain(scene.outgoing(name)).filter(|d| d.mode == Mode::Sync && d.blocking);
        let evidence = edges.flat_map(|d| dependency_evidence(d).into_iter().take(1)).take(10).collect();
        let refactorings =
            &["let callers and callees meet by events", "move routing to a gateway and logic to its owners"];
        let (services, severity) = (&[name], Severity::High);
        all.push(Found { smell: SMELL.id, severity, services, subject: None, because, evidence, refactorings }.make());
    }
    Ok(all)
}

/// Pairs (a, b) without a direct call where a reaches the service and the service reaches b.
fn pairs_through(digraph: &Digraph, reversed: &Digraph, service: u32) -> u64 {
    let reachable = |graph: &Digraph| {
        let mut marks = vec![false; graph.len()];
        graph.reached_from(&[service]).into_iter().filter(|n| *n != service).for_each(|n| marks[n as usize] = true);
        marks
    };
    let (before, after) = (reachable(reversed), reachable(digraph));
    let count = |marks: &[bool]| marks.iter().filter(|m| **m).count() as u64;
    let same = before.iter().zip(&after).filter(|(a, b)| **a && **b).count() as u64;
    let direct = digraph.edges().filter(|(a, b)| before[*a as usize] && after[*b as usize]).count() as u64;
    (count(&before) * count(&after)).saturating_sub(same + direct)
}
