//! Two services, one of which calls the other, that change in the same commits.

use super::{Found, Scene, Smell, dependency_evidence};
use crate::model::{Finding, Severity};

/// The smell.
pub const SMELL: Smell = Smell { id: "lockstep-change", text: include_str!("lockstep_change.md"), find };

fn find(scene: &Scene<'_>) -> Result<Vec<Finding>, String> {
    let parts = scene.graph.parts();
    let Some(history) = &parts.history else { return Err(parts.history_missing.clone()) };
    let limits = scene.knowledge.thresholds.smells.lockstep;
    let mut all = Vec::new();
    for pair in history.pairs.iter().filter(|p| p.shared >= limits.revisions && p.degree >= limits.degree) {
        let edges = scene.calls().filter(|d| {
            d.blocking && (d.source == pair.a && d.target == pair.b || d.source == pair.b && d.target == pair.a)
        });
        let edges: Vec<_> = edges.collect();
        if edges.is_empty() {
            continue;
        }
        let across = if pair.across { " (joined by ticket or time across repositories)" } else { "" };
        let because = format!(
            "{} of the changes of {} and {} fall together ({:.0} %), and one calls the other{across}",
            pair.shared,
            pair.a,
            pair.b,
            pair.degree * 100.0
        );
        let evidence = edges
            .iter()
            .flat_map(|d| dependency_evidence(d).into_iter().take(2))
            .chain(pair.evidence.clone())
            .collect();
        let refactorings = &[
            "a contract that hides what changes",
            "merge the two services",
            "publish the data, so that the model need not be shared",
        ];
        let (services, severity) = (&[pair.a.as_str(), pair.b.as_str()], Severity::High);
        all.push(Found { smell: SMELL.id, severity, services, subject: None, because, evidence, refactorings }.make());
    }
    Ok(all)
}
