//! Imports that one file declares for a whole project: `global using` of C#, `_Imports.razor`.

use std::collections::BTreeMap;

use crate::files::Source;
use crate::model::Unit;
use crate::model::code::Import;

/// Imports by root and folder.
pub type GlobalImports = BTreeMap<(String, String), Vec<Import>>;

/// Collects the imports that files declare for their projects.
#[must_use]
pub fn global_imports(sources: &[Source]) -> GlobalImports {
    let mut all = GlobalImports::new();
    for source in sources.iter().filter(|s| !s.ignored) {
        let name = source.file_name().to_lowercase();
        let imports = name == "_imports.razor";
        // By convention they stand in files that are called after them, or where the program starts.
        let usings =
            name.ends_with(".cs") && (name.contains("using") || name.contains("import") || name == "program.cs");
        if !imports && !usings {
            continue;
        }
        let Ok(text) = source.text() else { continue };
        let mark = if imports { "@using " } else { "global using " };
        let found =
            text.lines().filter_map(|l| l.trim_start_matches('\u{FEFF}').trim().strip_prefix(mark)).map(|rest| {
                let path = rest.trim_start_matches("static ").trim().trim_end_matches(';').trim();
                let (name, path) = path
                    .split_once('=')
                    .map_or((path.rsplit('.').next().unwrap_or(path), path), |(n, p)| (n.trim(), p.trim()));
                Import { name: name.to_owned(), path: path.to_owned() }
            });
        let found: Vec<Import> = found.collect();
        if !found.is_empty() {
            all.entry((source.root.clone(), source.folder().to_owned())).or_default().extend(found);
        }
    }
    all
}

/// Adds to a file what its project imports for all.
pub fn add_global_imports(unit: &mut Unit, all: &GlobalImports) {
    if unit.language != "csharp" || all.is_empty() {
        return;
    }
    let mut folder = unit.place.folder().to_owned();
    loop {
        if let Some(imports) = all.get(&(unit.place.root.clone(), folder.clone())) {
            for import in imports {
                if !unit.imports.contains(import) {
                    unit.imports.push(import.clone());
                }
            }
        }
        if folder.is_empty() {
            return;
        }
        folder = folder.rsplit_once('/').map_or(String::new(), |(head, _)| head.to_owned());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Place;

    #[test]
    fn a_project_imports_for_its_files() {
        let sources =
            [Source::in_memory("src/Store/GlobalUsings.cs", b"global using Refit;\nglobal using Grpc = Shop.Grpc;\n")];
        let all = global_imports(&sources);
        let unit = |path: &str| {
            let mut unit = Unit { language: "csharp".to_owned(), place: Place::new("", path, 0), ..Unit::default() };
            add_global_imports(&mut unit, &all);
            unit.imports.len()
        };
        assert_eq!((unit("src/Store/Clients/A.cs"), unit("src/Other/A.cs")), (2, 0));
    }
}
