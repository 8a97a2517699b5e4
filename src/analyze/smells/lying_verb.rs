//! An operation whose verb says something else than its handler does.

use super::{Found, Scene, Smell};
use crate::model::{Confidence, Finding, Severity};

/// The smell.
pub const SMELL: Smell = Smell { id: "lying-verb", text: include_str!("lying_verb.md"), find };

fn find(scene: &Scene<'_>) -> Result<Vec<Finding>, String> {
    if scene.graph.parts().endpoints.iter().all(|e| e.effect.is_none()) {
        return Err("no handler was followed: no source code of operations was read".to_owned());
    }
    let made = scene.verb_lies.iter().map(|lie| {
        let (severity, what) = match lie.writes {
            true => (Severity::High, "its verb promises to change nothing, but its handler writes"),
            false => (Severity::Low, "its verb announces a change, but its handler only reads"),
        };
        let because = format!("{} ({}): {what}", lie.operation, lie.handler);
        let evidence = vec![super::at(&lie.place, &lie.operation, Confidence::Confirmed)];
        let refactorings = &["POST, PUT or DELETE for what changes data", "GET, or a query resource, for what reads"];
        let (services, subject) = (&[lie.service.as_str()], Some(lie.operation.as_str()));
        Found { smell: SMELL.id, severity, services, subject, because, evidence, refactorings }.make()
    });
    Ok(made.collect())
}
