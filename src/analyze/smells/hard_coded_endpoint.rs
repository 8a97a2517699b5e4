//! An address of another service written into the code.

use super::scene::is_coded;
use super::{Found, Scene, Smell};
use crate::model::{Confidence, Evidence, Finding, Severity, SourceKind};

/// The smell.
pub const SMELL: Smell = Smell { id: "hard-coded-endpoint", text: include_str!("hard_coded_endpoint.md"), find };

fn find(scene: &Scene<'_>) -> Result<Vec<Finding>, String> {
    if !scene.has_code() {
        return Err("no source code was read".to_owned());
    }
    let mut all = Vec::new();
    for dependency in scene.calls().filter(|d| is_coded(d)) {
        // The chain of a configured address passes a manifest, that of a path alone is not certain; what is left
        // was written where it is called.
        let written = |s: &&crate::model::Site| {
            s.chain.iter().all(|e| e.source == SourceKind::Code)
                && s.confidence == Confidence::Confirmed
                && !s.rule.is_empty()
        };
        let sites: Vec<_> = dependency.sites.iter().filter(written).collect();
        if sites.is_empty() || dependency.protocol != "http" {
            continue;
        }
        let because = format!(
            "{} of {} reach {} by an address in the code",
            crate::model::counted(sites.len(), "call site"),
            dependency.source,
            dependency.target
        );
        // Where it is written first, then where it is used.
        let mut evidence: Vec<Evidence> = sites.iter().filter_map(|s| s.chain.last().cloned()).collect();
        evidence.sort();
        evidence.dedup();
        evidence.truncate(3);
        evidence.extend(sites.iter().take(5).map(|s| s.as_evidence()));
        let (services, subject) = (&[dependency.source.as_str()], Some(dependency.target.as_str()));
        let (severity, refactorings) = (Severity::Low, &["take the address from the environment"]);
        all.push(Found { smell: SMELL.id, severity, services, subject, because, evidence, refactorings }.make());
    }
    Ok(all)
}
