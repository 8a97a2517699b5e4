//! One function that asks the same service again and again.

use std::collections::BTreeMap;

use super::{Scene, Smell, finding, site_evidence};
use crate::model::{Finding, Mode, Severity, Site};

/// The smell.
pub const SMELL: Smell = Smell { id: "chatty-calls", text: include_str!("chatty_calls.md"), find };

fn find(scene: &Scene<'_>) -> Result<Vec<Finding>, &'static str> {
    let mut all = Vec::new();
    for dependency in scene.graph.dependencies().iter().filter(|d| d.mode == Mode::Sync) {
        let mut by_function: BTreeMap<(&str, &str), Vec<&Site>> = BTreeMap::new();
        for site in dependency.sites.iter().filter(|s| !s.caller.is_empty()) {
            by_function.entry((&site.path, &site.caller)).or_default().push(site);
        }
        for ((_, caller), sites) in by_function {
            let mut lines: Vec<u32> = sites.iter().map(|s| s.line).collect();
            lines.sort_unstable();
            lines.dedup();
            if lines.len() < scene.knowledge.thresholds.chatty_sites {
                continue;
            }
            let because = format!("{caller} calls {} at {} places", dependency.target, lines.len());
            let evidence = sites.iter().map(|s| site_evidence(s)).collect();
            let services = [dependency.source.clone(), dependency.target.clone()];
            all.push(finding(
                "chatty-calls",
                Severity::Medium,
                &services,
                Some(caller),
                because,
                evidence,
                &["one coarser operation", "publish the data that is read"],
            ));
        }
    }
    Ok(all)
}
