//! A service that is mostly data for others.

use super::{Found, Scene, Smell, dependency_evidence};
use crate::model::{EntityClass, Finding, Mode, Severity};

/// The smell.
pub const SMELL: Smell = Smell { id: "entity-service", text: include_str!("entity_service.md"), find };

fn find(scene: &Scene<'_>) -> Result<Vec<Finding>, String> {
    if scene.graph.parts().endpoints.is_empty() {
        return Err("no operation is known: no code or specification shows what services serve".to_owned());
    }
    let made = scene.entities.iter().filter(|e| e.class == EntityClass::Entity).map(|entity| {
        let because =
            ["E1", "E2", "E4"].iter().filter_map(|id| entity.because.get(*id)).cloned().collect::<Vec<_>>().join("; ");
        let callers = scene.incoming(&entity.service).iter().filter(|d| d.mode == Mode::Sync);
        let evidence = callers.flat_map(|d| dependency_evidence(d).into_iter().take(1)).collect();
        let refactorings = &["publish the entity to a compacted topic", "move the behaviour to the data"];
        let services = &[entity.service.as_str()];
        Found { smell: SMELL.id, severity: Severity::Low, services, subject: None, because, evidence, refactorings }
            .make()
    });
    Ok(made.collect())
}
