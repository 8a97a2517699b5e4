//! A container that starts more than one process.

use super::{Found, Scene, Smell};
use crate::model::{Finding, Practice, PracticeKind, Severity};

/// The smell.
pub const SMELL: Smell = Smell { id: "crowded-container", text: include_str!("crowded_container.md"), find };

fn find(scene: &Scene<'_>) -> Result<Vec<Finding>, String> {
    let parts = scene.graph.parts();
    let images = ["dockerfile", "processes"].iter().any(|id| parts.read.files.contains_key(*id));
    if !images {
        return Err("no Dockerfile, Procfile or supervisor configuration was read".to_owned());
    }
    let many = |p: &&Practice| p.kind == PracticeKind::Processes && p.value.is_none_or(|n| n > 1);
    let made = parts.practices.iter().filter(many).filter(|p| !p.service.is_empty()).map(|practice| {
        let because = match practice.value {
            Some(n) => format!("one container of {} starts {n} processes", practice.service),
            None => format!("one container of {} starts a process manager", practice.service),
        };
        let (services, evidence) = (&[practice.service.as_str()], vec![practice.as_evidence()]);
        let (severity, refactorings) = (Severity::Low, &["one container for each process"]);
        Found { smell: SMELL.id, severity, services, subject: None, because, evidence, refactorings }.make()
    });
    Ok(made.collect())
}
