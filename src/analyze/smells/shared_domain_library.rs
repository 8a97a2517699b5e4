//! A library of the system with types of the domain in it, used by several services.

use super::{Found, Scene, Smell};
use crate::model::{Confidence, Evidence, Finding, Severity, SourceKind};

/// The smell.
pub const SMELL: Smell = Smell { id: "shared-domain-library", text: include_str!("shared_domain_library.md"), find };

fn find(scene: &Scene<'_>) -> Result<Vec<Finding>, String> {
    if !scene.has_code() {
        return Err("no source code was read".to_owned());
    }
    let made = scene.graph.parts().libraries.iter().filter_map(|library| {
        let inside = |s: &&String| scene.graph.service(s).is_some();
        let users: Vec<&str> = library.users.iter().filter(inside).map(String::as_str).collect();
        if users.len() < 2 {
            return None;
        }
        let names: Vec<&str> = library.types.iter().take(8).map(|(n, _)| n.as_str()).collect();
        let more = library.types.len().saturating_sub(names.len());
        let rest = if more > 0 { format!(" and {more} more") } else { String::new() };
        let because = format!("{} services use {} with {}{rest}", users.len(), library.name, names.join(", "));
        let says = format!("the library {}", library.name);
        let file = Evidence::new(SourceKind::Manifests, library.place.clone(), &says, Confidence::Confirmed);
        let types = library.types.iter().take(5).map(|(name, place)| super::at(place, name, Confidence::Confirmed));
        let evidence = std::iter::once(file).chain(types).collect();
        let refactorings =
            &["each service has its own types of what it needs", "share a schema with versions, not classes"];
        let (services, subject, severity) = (users.as_slice(), Some(library.name.as_str()), Severity::Medium);
        Some(Found { smell: SMELL.id, severity, services, subject, because, evidence, refactorings }.make())
    });
    Ok(made.collect())
}
