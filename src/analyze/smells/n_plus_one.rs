//! A call to another service inside a loop.

use super::{Scene, Smell, finding, site_evidence};
use crate::model::{Finding, Mode, Severity};

/// The smell.
pub const SMELL: Smell = Smell { id: "n-plus-one", text: include_str!("n_plus_one.md"), find };

fn find(scene: &Scene<'_>) -> Result<Vec<Finding>, &'static str> {
    let mut all = Vec::new();
    for dependency in scene.graph.dependencies().iter().filter(|d| d.mode == Mode::Sync) {
        for site in dependency.sites.iter().filter(|s| s.in_loop && s.blocking) {
            let services = [dependency.source.clone(), dependency.target.clone()];
            let because = format!(
                "{} calls {} once per element",
                if site.caller.is_empty() { &dependency.source } else { &site.caller },
                dependency.target
            );
            all.push(finding(
                "n-plus-one",
                Severity::Medium,
                &services,
                Some(&site.operation),
                because,
                vec![site_evidence(site)],
                &["an operation that takes many", "a local copy of the data"],
            ));
        }
    }
    all.dedup_by(|a, b| a.fingerprint == b.fingerprint);
    Ok(all)
}
