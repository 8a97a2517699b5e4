//! A specified interface without a version.

use super::{Found, Scene, Smell};
use crate::model::{Confidence, Evidence, Finding, Severity, SourceKind};

/// The smell.
pub const SMELL: Smell = Smell { id: "unversioned-api", text: include_str!("unversioned_api.md"), find };

fn find(scene: &Scene<'_>) -> Result<Vec<Finding>, String> {
    let profiles = &scene.graph.parts().profiles;
    if profiles.iter().all(|p| p.specification.is_none()) {
        return Err("no OpenAPI specification was read".to_owned());
    }
    let made = profiles.iter().filter_map(|profile| {
        let (place, _) = profile.specification.as_ref().filter(|(_, versioned)| !versioned)?;
        let because = "no path and no server of its specification carries a version".to_owned();
        let evidence = vec![Evidence::new(SourceKind::Specs, place.clone(), &because, Confidence::Confirmed)];
        let refactorings = &["put the major version into the path", "negotiate the version by media type"];
        let (services, severity) = (&[profile.service.as_str()], Severity::Low);
        Some(Found { smell: SMELL.id, severity, services, subject: None, because, evidence, refactorings }.make())
    });
    Ok(made.collect())
}
