//! Services that are released together: one pipeline, or one tag for all.

use std::collections::{BTreeMap, BTreeSet};

use super::{Found, Scene, Smell};
use crate::model::{Confidence, Evidence, Finding, Place, PracticeKind, Severity, SourceKind};

/// The smell.
pub const SMELL: Smell = Smell { id: "lockstep-deploy", text: include_str!("lockstep_deploy.md"), find };

fn find(scene: &Scene<'_>) -> Result<Vec<Finding>, String> {
    let parts = scene.graph.parts();
    let pipelines = parts.practices.iter().any(|p| p.kind == PracticeKind::Release);
    if !pipelines && parts.profiles.iter().all(|p| p.deployments.is_empty()) {
        return Err("no pipeline and no deployment was read".to_owned());
    }
    let least = scene.knowledge.thresholds.smells.release_services;
    let mut all = Vec::new();
    for practice in scene.practices("", PracticeKind::Release) {
        let services: BTreeSet<&str> = scene
            .coded()
            .filter(|s| practice.targets.iter().any(|t| is_meant(t, s)))
            .map(|s| s.name.as_str())
            .collect();
        if services.len() < least {
            continue;
        }
        let because = format!("one pipeline builds and releases {} services", services.len());
        let evidence = vec![practice.as_evidence()];
        all.push(made(&services, &practice.place.path, because, evidence));
    }
    let mut widest: BTreeMap<&str, (&str, BTreeMap<&str, &Place>)> = BTreeMap::new();
    for ((root, tag), users) in tags(scene) {
        let known = widest.get(root).map_or(0, |(_, users)| users.len());
        if users.len() > known && users.len() >= least {
            widest.insert(root, (tag, users));
        }
    }
    for (root, (tag, users)) in widest {
        let services: BTreeSet<&str> = users.keys().copied().collect();
        let because = format!("{} services are deployed with the one tag {tag}", services.len());
        let evidence = users.into_values().take(5).map(|place| {
            Evidence::new(SourceKind::Manifests, place.clone(), &format!("image tag {tag}"), Confidence::Probable)
        });
        let subject = if root.is_empty() { "tag".to_owned() } else { format!("tag in {root}") };
        all.push(made(&services, &subject, because, evidence.collect()));
    }
    Ok(all)
}

fn made(services: &BTreeSet<&str>, subject: &str, because: String, evidence: Vec<Evidence>) -> Finding {
    let services: Vec<&str> = services.iter().copied().collect();
    let refactorings =
        &["a pipeline and a version for each service", "contracts that are tested, so that each can go alone"];
    let (services, severity, subject) = (services.as_slice(), Severity::Low, Some(subject));
    Found { smell: SMELL.id, severity, services, subject, because, evidence, refactorings }.make()
}

/// Is a service meant by what a pipeline builds: its name, or its folder?
fn is_meant(target: &str, service: &crate::model::Service) -> bool {
    let target = target.trim_start_matches("./").trim_end_matches('/');
    let last = target.rsplit('/').next().unwrap_or(target);
    service.folders.iter().any(|f| !f.is_empty() && (f == target || f.rsplit('/').next() == Some(last)))
        || service.name == last
        || service.aliases.iter().any(|a| a == last)
}

/// Tags that images of own services share, by root: a tag that moves (`latest`) is none.
fn tags<'s>(scene: &Scene<'s>) -> BTreeMap<(&'s str, &'s str), BTreeMap<&'s str, &'s Place>> {
    let mut found: BTreeMap<(&str, &str), BTreeMap<&str, &Place>> = BTreeMap::new();
    for service in scene.built() {
        for deployment in scene.profile(&service.name).map_or(&[][..], |p| &p.deployments) {
            let Some(image) = deployment.image.as_deref() else { continue };
            let last = image.rsplit('/').next().unwrap_or(image);
            let Some((_, tag)) = last.split_once(':') else { continue };
            if tag.is_empty() || tag.starts_with("latest") || !deployment.profile.is_empty() {
                continue;
            }
            found.entry((&deployment.place.root, tag)).or_default().entry(&service.name).or_insert(&deployment.place);
        }
    }
    found
}
