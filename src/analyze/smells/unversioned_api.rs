//! A specified interface without a version, and a change of one that breaks its callers without a new version.

use std::collections::{BTreeMap, BTreeSet};

use super::{Found, Scene, Smell};
use crate::model::facts::SchemaField;
use crate::model::{Confidence, Evidence, Facts, Finding, Operation, Place, SchemaFact, Service, Severity, SourceKind};

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

/// What changed in OpenAPI specifications since `before` so that callers break, and no new version says so: an
/// operation that is gone; a field of an answer that is gone, has another type or may be absent now; a field that a
/// request must have now. One finding a service. These are the changes of the body that oasdiff calls breaking.
#[must_use]
pub fn broken(before: &Facts, now: &Facts, services: &[Service]) -> Vec<Finding> {
    let (old, new) = (Interface::by_service(before, services), Interface::by_service(now, services));
    let made = old.iter().filter_map(|(service, old)| {
        // A service without any specification now may have moved it where it is not read.
        let new = new.get(service).filter(|new| new.major <= old.major)?;
        let mut evidence = old.gone(new);
        evidence.extend(old.schemas.iter().flat_map(|(name, schema)| fields(schema, new.schemas.get(name), new)));
        let first = evidence.first()?.says.clone();
        let because = match evidence.len() {
            1 => format!("its specification breaks callers without a new version: {first}"),
            n => format!("its specification breaks callers without a new version: {first}, and {} more", n - 1),
        };
        let refactorings =
            &["serve the old version beside the new one", "keep the field and add the new one beside it"];
        let (services, severity) = (&[*service], Severity::High);
        let subject = Some("breaking change");
        Some(Found { smell: SMELL.id, severity, services, subject, because, evidence, refactorings }.make())
    });
    made.collect()
}

/// What the specifications of a service promise.
#[derive(Default)]
struct Interface<'f> {
    /// By method and path template.
    operations: BTreeMap<(&'f str, String), &'f Operation>,
    schemas: BTreeMap<&'f str, &'f SchemaFact>,
    /// The largest major version that `info.version` names.
    major: u64,
}

impl<'f> Interface<'f> {
    fn by_service<'s>(facts: &'f Facts, services: &'s [Service]) -> BTreeMap<&'s str, Self> {
        let mut all: BTreeMap<&str, Self> = BTreeMap::new();
        for operation in facts.operations.iter().filter(|o| o.format == "openapi") {
            let Some(service) = owner(services, &operation.place, &operation.title) else { continue };
            let interface = all.entry(service).or_default();
            let major = operation.version.trim_start_matches(['v', 'V']).split('.').next().and_then(|n| n.parse().ok());
            interface.major = interface.major.max(major.unwrap_or(0));
            interface.operations.insert((&operation.method, template(&operation.path)), operation);
        }
        for schema in facts.schemas.iter().filter(|s| s.format == "openapi") {
            if let Some(interface) = owner(services, &schema.place, "").and_then(|service| all.get_mut(service)) {
                interface.schemas.insert(&schema.name, schema);
            }
        }
        all
    }

    /// Operations that the newer side lacks, in this version and in any other.
    fn gone(&self, new: &Self) -> Vec<Evidence> {
        let kept: BTreeSet<(&str, String)> = new.operations.keys().map(|(m, path)| (*m, unversioned(path))).collect();
        let gone = self.operations.iter().filter(|((m, path), _)| !kept.contains(&(*m, unversioned(path))));
        gone.map(|(_, o)| evidence(&o.place, format!("{} {} is gone", o.method, o.path))).collect()
    }
}

/// The service in whose folder a specification lies, else the one in its title.
fn owner<'s>(services: &'s [Service], place: &Place, title: &str) -> Option<&'s str> {
    let inside = |folder: &String| {
        folder.is_empty() || place.path.strip_prefix(folder.as_str()).is_some_and(|r| r.starts_with('/'))
    };
    let nearest = services.iter().flat_map(|s| s.folders.iter().filter(|f| inside(f)).map(move |f| (f.len(), s)));
    let titled = title.trim_end_matches(" API");
    let named = || services.iter().find(|s| !titled.is_empty() && s.name.eq_ignore_ascii_case(titled));
    nearest.max_by_key(|(length, _)| *length).map(|(_, s)| s).or_else(named).map(|s| s.name.as_str())
}

/// `/orders/{orderId}` and `/orders/{id}` are one path.
fn template(path: &str) -> String {
    let part = |p: &str| if p.starts_with('{') { "{}".to_owned() } else { p.to_owned() };
    path.split('/').map(part).collect::<Vec<_>>().join("/")
}

fn unversioned(path: &str) -> String {
    path.split('/').filter(|part| !crate::graph::profiles::has_version(part)).collect::<Vec<_>>().join("/")
}

/// What callers miss in a schema.
fn fields(old: &SchemaFact, new: Option<&&SchemaFact>, interface: &Interface<'_>) -> Vec<Evidence> {
    // A schema that is gone is either of an operation that is gone, or answers have another schema of another name.
    let Some(new) = new else { return Vec::new() };
    let before: BTreeMap<&str, &SchemaField> = old.fields.iter().map(|f| (f.name.as_str(), f)).collect();
    let now: BTreeMap<&str, &SchemaField> = new.fields.iter().map(|f| (f.name.as_str(), f)).collect();
    let at = |field: Option<&SchemaField>, text: String| {
        let line = field.map_or(new.place.line, |f| f.line);
        evidence(&Place { line, ..new.place.clone() }, text)
    };
    let mut all = Vec::new();
    if let (Some(answered), false) = (new.answers.first(), old.answers.is_empty()) {
        for (name, was) in &before {
            let field = format!("{}.{name}", old.name);
            match now.get(name) {
                None => all.push(at(None, format!("{field} is gone from the answer of {answered}"))),
                Some(is) if !was.type_name.is_empty() && !is.type_name.is_empty() && was.type_name != is.type_name => {
                    let text =
                        format!("{field} of the answer of {answered} was {} and is {}", was.type_name, is.type_name);
                    all.push(at(Some(is), text));
                }
                Some(is) if was.required && !is.required => {
                    all.push(at(Some(is), format!("{field} may be absent from the answer of {answered}")));
                }
                Some(_) => {}
            }
        }
    }
    // Answers are named as the specification writes them, without the path of its server.
    let says =
        |o: &Operation, answer: &str| answer.split_once(' ').is_some_and(|(m, p)| m == o.method && o.path.ends_with(p));
    let answers = |o: &Operation| new.answers.iter().any(|a| says(o, a));
    let mut asking = interface.operations.values().filter(|o| o.schemas.contains(&new.name) && !answers(o));
    if let Some(asked) = asking.next() {
        for (name, is) in now.iter().filter(|(name, f)| f.required && before.get(*name).is_none_or(|b| !b.required)) {
            let text = format!("{}.{name} must be in the request of {} {}", new.name, asked.method, asked.path);
            all.push(at(Some(is), text));
        }
    }
    all
}

fn evidence(place: &Place, says: String) -> Evidence {
    Evidence::new(SourceKind::Specs, place.clone(), &says, Confidence::Confirmed)
}
