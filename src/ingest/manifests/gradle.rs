//! Gradle: plugins and dependencies, read line by line from Groovy and Kotlin scripts.

use crate::files::Source;
use crate::model::{Facts, ModuleKind};

use super::{Manifest, Neighbours, module, one_module};

/// Gradle.
pub const MANIFEST: Manifest = Manifest { id: "gradle", claims, read };

fn claims(source: &Source, _: &str) -> bool {
    matches!(source.file_name(), "build.gradle" | "build.gradle.kts")
}

fn read(source: &Source, text: &str, neighbours: &Neighbours<'_>) -> Facts {
    let mut built = module(source, 1, ModuleKind::Unknown, "gradle", "java");
    let folder = source.folder().rsplit('/').next().unwrap_or_default();
    if !folder.is_empty() {
        built.names.push(folder.to_owned());
    } else if let Some(settings) = neighbours.text("settings.gradle").or_else(|| neighbours.text("settings.gradle.kts"))
    {
        let name = settings.lines().find_map(|l| l.trim().strip_prefix("rootProject.name").and_then(quoted));
        built.names.extend(name);
    }
    for line in text.lines().map(str::trim).filter(|l| !l.starts_with("//")) {
        let plugin = line.contains("id ")
            || line.contains("id(")
            || line.starts_with("apply plugin")
            || line.starts_with("application");
        let applied = !line.contains("apply false");
        if plugin
            && applied
            && (line.contains("org.springframework.boot")
                || line.contains("\"application\"")
                || line.contains("'application'")
                || line.contains("io.ktor.plugin")
                || line.contains("io.quarkus")
                || line.contains("io.micronaut.application")
                || line == "application")
        {
            built.kind = ModuleKind::Application;
        }
        if plugin && (line.contains("java-library") || line.contains("java-gradle-plugin")) {
            built.kind = ModuleKind::Library;
        }
        if let Some(at) = line.find("project(") {
            built.depends_on.extend(quoted(&line[at..]).map(|p| p.rsplit(':').next().unwrap_or(&p).to_owned()));
        } else if ["implementation", "api", "compile", "runtimeOnly", "compileOnly"].iter().any(|w| line.starts_with(w))
        {
            built.depends_on.extend(quoted(line).map(|d| d.split(':').take(2).collect::<Vec<_>>().join(":")));
        }
    }
    // The root of a multi-project build collects others: what it applies, it applies to them.
    let beside = |name: &str| {
        let folder = source.folder();
        if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") }
    };
    let includes = ["settings.gradle", "settings.gradle.kts"]
        .iter()
        .any(|n| neighbours.text(&beside(n)).is_some_and(|t| t.lines().any(|l| l.trim_start().starts_with("include"))));
    if includes && neighbours.below(&beside("src")).next().is_none() {
        built.kind = ModuleKind::Aggregate;
    }
    one_module(built)
}

/// The first quoted text of a line.
fn quoted(line: &str) -> Option<String> {
    let start = line.find(['"', '\''])?;
    let quote = line[start..].chars().next()?;
    let rest = &line[start + 1..];
    rest.find(quote).map(|end| rest[..end].to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_plugins_and_projects() {
        let text = "plugins {\n  id 'org.springframework.boot' version '3'\n}\ndependencies {\n  implementation project(':common')\n  implementation 'g:a:1'\n}\n";
        let source = Source::in_memory("orders/build.gradle", text.as_bytes());
        let facts = read(&source, text, &Neighbours::new(&[], ""));
        assert_eq!(facts.modules[0].kind, ModuleKind::Application);
        assert_eq!(facts.modules[0].depends_on, ["common", "g:a"]);
    }
}
