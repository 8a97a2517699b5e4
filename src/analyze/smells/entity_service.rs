//! A service that is mostly data for others.

use super::{Scene, Smell, dependency_evidence, finding};
use crate::model::{EntityClass, Finding, Mode, Severity};

/// The smell.
pub const SMELL: Smell = Smell { id: "entity-service", text: include_str!("entity_service.md"), find };

fn find(scene: &Scene<'_>) -> Result<Vec<Finding>, &'static str> {
    let mut all = Vec::new();
    for entity in scene.entities.iter().filter(|e| e.class == EntityClass::Entity) {
        let because =
            ["E1", "E2", "E4"].iter().filter_map(|id| entity.because.get(*id)).cloned().collect::<Vec<_>>().join("; ");
        let evidence = scene
            .graph
            .incoming(&entity.service)
            .filter(|d| d.mode == Mode::Sync)
            .flat_map(|d| dependency_evidence(d).into_iter().take(1))
            .collect();
        let services = std::slice::from_ref(&entity.service);
        all.push(finding(
            "entity-service",
            Severity::Low,
            services,
            None,
            because,
            evidence,
            &["publish the entity to a compacted topic", "move the behaviour to the data"],
        ));
    }
    Ok(all)
}
