//! A service far larger than the others of its system.

use super::{Found, Scene, Smell};
use crate::model::{Finding, Mode, Service, Severity};

/// The smell.
pub const SMELL: Smell = Smell { id: "god-service", text: include_str!("god_service.md"), find };

/// Less than this of anything is not much, whatever the others have (ours).
const LEAST: u64 = 3;

/// The measures that are compared, in this order.
const MEASURES: [&str; 4] = ["operations", "lines of code", "tables", "services it calls"];

fn find(scene: &Scene<'_>) -> Result<Vec<Finding>, String> {
    let limits = scene.knowledge.thresholds.smells.god;
    let services: Vec<&Service> = scene.coded().collect();
    if services.len() < limits.services {
        let least = limits.services;
        return Err(format!("{} services with code: a comparison needs at least {least}", services.len()));
    }
    let measured: Vec<[Option<u64>; 4]> = services.iter().map(|s| measure(scene, &s.name)).collect();
    let limit = |m: usize| {
        let mut values: Vec<u64> = measured.iter().filter_map(|v| v[m]).collect();
        values.sort_unstable();
        let at = (limits.percentile * (values.len().saturating_sub(1)) as f64).round() as usize;
        values.get(at).copied()
    };
    let tops: Vec<Option<u64>> = (0..MEASURES.len()).map(limit).collect();
    let mut all = Vec::new();
    for (service, values) in services.iter().zip(&measured) {
        let above: Vec<String> = (0..MEASURES.len())
            .filter_map(|m| {
                let (value, top) = (values[m]?, tops[m]?);
                (value > top && value >= LEAST)
                    .then(|| format!("{value} {} (nine of ten have at most {top})", MEASURES[m]))
            })
            .collect();
        let is_far = |m: usize| values[m].zip(tops[m]).is_some_and(|(v, top)| v as f64 > top as f64 * limits.far);
        if above.len() < limits.measures || !(0..MEASURES.len()).any(is_far) {
            continue;
        }
        let refactorings = &[
            "split by the resources that its operations are about",
            "publish its data, so that callers need less of it",
        ];
        let (services, evidence) = (&[service.name.as_str()], service.evidence.iter().take(2).cloned().collect());
        let (severity, because) = (Severity::Medium, above.join(", "));
        all.push(Found { smell: SMELL.id, severity, services, subject: None, because, evidence, refactorings }.make());
    }
    Ok(all)
}

fn measure(scene: &Scene<'_>, service: &str) -> [Option<u64>; 4] {
    let mut tables: Vec<&str> = scene.tables(service).iter().map(|t| t.table.as_str()).collect();
    tables.sort_unstable();
    tables.dedup();
    let mut callees: Vec<&str> = scene
        .outgoing(service)
        .iter()
        .filter(|d| d.mode == Mode::Sync && d.blocking)
        .map(|d| d.target.as_str())
        .collect();
    callees.dedup();
    [
        Some(scene.endpoints(service).len() as u64),
        scene.profile(service).and_then(|p| p.lines).map(u64::from),
        Some(tables.len() as u64),
        Some(callees.len() as u64),
    ]
}
