//! An address of another service written into the code.

use super::{Scene, Smell, finding, site_evidence};
use crate::model::{Confidence, Finding, Mode, Severity, SourceKind};

/// The smell.
pub const SMELL: Smell = Smell { id: "hard-coded-endpoint", text: include_str!("hard_coded_endpoint.md"), find };

fn find(scene: &Scene<'_>) -> Result<Vec<Finding>, &'static str> {
    let mut all = Vec::new();
    for dependency in scene.graph.dependencies().iter().filter(|d| d.mode == Mode::Sync) {
        // The chain of a configured address passes a manifest, that of a path alone is not certain; what is left
        // was written where it is called.
        let written = |s: &&crate::model::Site| {
            s.chain.iter().all(|e| e.source == SourceKind::Code)
                && s.confidence == Confidence::Confirmed
                && !s.caller.is_empty()
        };
        let sites: Vec<_> = dependency.sites.iter().filter(written).collect();
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
