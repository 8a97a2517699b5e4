//! A service on which many kinds of requests wait for most of their time.

use std::collections::BTreeMap;

use super::{Found, Scene, Smell};
use crate::model::{Finding, Severity};

/// The smell.
pub const SMELL: Smell = Smell { id: "bottleneck-service", text: include_str!("bottleneck_service.md"), find };

/// Time on the critical path of a kind of request: in all, and by service.
type Times<'t> = (u64, BTreeMap<&'t str, u64>);

fn find(scene: &Scene<'_>) -> Result<Vec<Finding>, String> {
    let traffic = scene.traffic()?;
    if traffic.critical.is_empty() {
        return Err("the traces give no critical path: no request enters the system in them".to_owned());
    }
    let limits = scene.knowledge.thresholds.smells.bottleneck;
    // Time on the critical path by kind of request, and by service in it.
    let mut requests: BTreeMap<(&str, &str), Times<'_>> = BTreeMap::new();
    for time in &traffic.critical {
        let request = requests.entry((&time.entry, &time.operation)).or_default();
        request.0 += time.duration_us;
        // Where a request enters, it waits for itself.
        if let Some(service) = scene.traced(&time.service).filter(|_| time.service != time.entry) {
            *request.1.entry(service).or_default() += time.duration_us;
        }
    }
    let mut waits: BTreeMap<&str, Vec<(f64, String)>> = BTreeMap::new();
    for ((entry, operation), (all, services)) in requests {
        for (service, mine) in services {
            let share = mine as f64 / all.max(1) as f64;
            if share > limits.share {
                waits.entry(service).or_default().push((share, format!("{operation} of {entry}")));
            }
        }
    }
    let made = waits.into_iter().filter(|(_, kinds)| kinds.len() >= limits.entries).map(|(service, mut kinds)| {
        kinds.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
        let told: Vec<String> =
            kinds.iter().take(3).map(|(share, kind)| format!("{:.0} % of {kind}", share * 100.0)).collect();
        let because = format!(
            "{} kinds of requests spend more than {:.0} % of their critical path in {service}: {}",
            kinds.len(),
            limits.share * 100.0,
            told.join(", ")
        );
        let evidence = scene.spans(|d| d.target == service);
        let refactorings = &["publish its data, so that readers keep a copy", "scale it, or keep its answers"];
        let (severity, services) = (Severity::High, &[service]);
        Found { smell: SMELL.id, severity, services, subject: None, because, evidence, refactorings }.make()
    });
    Ok(made.collect())
}
