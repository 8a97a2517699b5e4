//! An address of another service written into the code.

use super::{Scene, Smell, finding, site_evidence};
use crate::model::{Finding, Mode, Severity, SourceKind};

/// The smell.
pub const SMELL: Smell = Smell { id: "hard-coded-endpoint", text: include_str!("hard_coded_endpoint.md"), find };

fn find(scene: &Scene<'_>) -> Result<Vec<Finding>, &'static str> {
    let mut all = Vec::new();
    for dependency in scene.graph.dependencies().iter().filter(|d| d.mode == Mode::Sync) {
        // The chain of a configured address passes a manifest; a literal's does not.
        let sites: Vec<_> = dependency
            .sites
            .iter()
            .filter(|s| {
                !s.rule.is_empty() && s.rule.contains("/http")
                    || !s.chain.iter().any(|e| e.source == SourceKind::Manifests)
            })
            .filter(|s| {
                s.chain.iter().all(|e| e.source == SourceKind::Code)
                    && !s.caller.is_empty()
                    && s.operation.contains(' ')
            })
            .collect();
        if sites.is_empty() || dependency.protocol != "http" {
            continue;
        }
        let because = format!(
            "{} call sites of {} reach {} by an address in the code",
            sites.len(),
            dependency.source,
            dependency.target
        );
        let evidence = sites.iter().take(5).map(|s| site_evidence(s)).collect();
        let services = [dependency.source.clone(), dependency.target.clone()];
        all.push(finding(
            "hard-coded-endpoint",
            Severity::Low,
            &services,
            None,
            because,
            evidence,
            &["take the address from the environment"],
        ));
    }
    Ok(all)
}
