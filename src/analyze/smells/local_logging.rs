//! A service that writes its log into a file of its container.

use super::{Found, Scene, Smell};
use crate::model::{Finding, PracticeKind, Severity};

/// The smell.
pub const SMELL: Smell = Smell { id: "local-logging", text: include_str!("local_logging.md"), find };

fn find(scene: &Scene<'_>) -> Result<Vec<Finding>, String> {
    if !scene.has_code() && !scene.graph.parts().read.files.contains_key("logging") {
        return Err("no source code and no logging configuration was read".to_owned());
    }
    let mut all = Vec::new();
    for service in scene.own() {
        let files: Vec<_> = scene.practices(&service.name, PracticeKind::LogFile).collect();
        let streams = scene.practices(&service.name, PracticeKind::LogStream).next().is_some();
        if files.is_empty() || streams {
            continue;
        }
        let because = "its log goes to a file, and neither to the standard output nor to a collector".to_owned();
        let evidence = files.iter().take(3).map(|p| p.as_evidence()).collect();
        let (services, severity, refactorings) =
            (&[service.name.as_str()], Severity::Low, &["log to the standard output, and let the platform collect"]);
        all.push(Found { smell: SMELL.id, severity, services, subject: None, because, evidence, refactorings }.make());
    }
    Ok(all)
}
