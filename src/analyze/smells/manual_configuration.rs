//! Values of one environment written out in a file of the image.

use super::{Found, Scene, Smell};
use crate::model::{Finding, Practice, PracticeKind, Severity};

/// The smell.
pub const SMELL: Smell = Smell { id: "manual-configuration", text: include_str!("manual_configuration.md"), find };

fn find(scene: &Scene<'_>) -> Result<Vec<Finding>, String> {
    let read = ["spring", "appsettings", "dotenv"].iter().any(|id| scene.graph.parts().read.files.contains_key(*id));
    if !read {
        return Err("no configuration file of a service was read".to_owned());
    }
    let mut all = Vec::new();
    for service in scene.own() {
        let set = scene.profile(&service.name).map_or(&[][..], |p| &p.environment);
        let set: Vec<String> = set.iter().map(|k| flat(k)).collect();
        let fixed: Vec<&Practice> = scene
            .practices(&service.name, PracticeKind::FixedValue)
            .filter(|p| !p.targets.iter().any(|key| set.contains(&flat(key))))
            .collect();
        if fixed.is_empty() {
            continue;
        }
        let keys: Vec<&str> = fixed.iter().take(4).flat_map(|p| p.targets.iter().map(String::as_str)).collect();
        let more = fixed.len().saturating_sub(keys.len());
        let rest = if more > 0 { format!(" and {more} more") } else { String::new() };
        let because = format!("written out in the image: {}{rest}", keys.join(", "));
        let evidence = fixed.iter().take(5).map(|p| p.as_evidence()).collect();
        let (services, severity, refactorings) = (
            &[service.name.as_str()],
            Severity::Low,
            &["take it from the environment, with a default for development only"],
        );
        all.push(Found { smell: SMELL.id, severity, services, subject: None, because, evidence, refactorings }.make());
    }
    Ok(all)
}

/// Keys of files and of the environment name the same thing: `spring.data.url`, `SPRING_DATA_URL`, `Spring__Data__Url`.
fn flat(key: &str) -> String {
    key.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}
