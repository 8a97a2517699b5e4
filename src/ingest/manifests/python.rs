//! Python projects: names and requirements from pyproject.toml, requirements.txt and setup.py.

use crate::files::Source;
use crate::model::{Facts, ModuleKind};

use super::{Manifest, Neighbours, module, one_module};

/// Python projects.
pub const MANIFEST: Manifest = Manifest { id: "python-project", claims, read };

fn claims(source: &Source, _: &str) -> bool {
    matches!(source.file_name(), "pyproject.toml" | "requirements.txt" | "setup.py" | "Pipfile")
}

fn read(source: &Source, text: &str, _: &Neighbours<'_>) -> Facts {
    let mut built = module(source, 1, ModuleKind::Unknown, "python", "python");
    if source.file_name() == "pyproject.toml"
        && let Ok(table) = text.parse::<toml::Table>()
    {
        let project = table.get("project").or_else(|| table.get("tool").and_then(|t| t.get("poetry")));
        built.names.extend(project.and_then(|p| p.get("name")).and_then(|n| n.as_str()).map(str::to_owned));
        let listed = project.and_then(|p| p.get("dependencies")).and_then(|d| d.as_array()).into_iter().flatten();
        built.depends_on.extend(listed.filter_map(|d| d.as_str()).map(package));
    }
    if source.file_name() == "requirements.txt" {
        built
            .depends_on
            .extend(text.lines().map(str::trim).filter(|l| !l.is_empty() && !l.starts_with(['#', '-'])).map(package));
    }
    one_module(built)
}

/// The package of a requirement: `flask[async]>=2` is `flask`.
fn package(line: &str) -> String {
    line.split(['=', '<', '>', '~', '!', '[', ';', ' ', '@']).next().unwrap_or(line).to_owned()
}
