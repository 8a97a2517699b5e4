//! .NET projects: kind, packages, project references.

use crate::files::Source;
use crate::ingest::paths::join;
use crate::model::{Facts, ModuleKind};

use super::{Manifest, Neighbours, module, one_module};

/// .NET projects.
pub const MANIFEST: Manifest = Manifest { id: "dotnet", claims, read };

fn claims(source: &Source, _: &str) -> bool {
    source.extension() == "csproj"
}

fn read(source: &Source, text: &str, _: &Neighbours<'_>) -> Facts {
    let web = ["Microsoft.NET.Sdk.Web", "Microsoft.NET.Sdk.Worker", "Microsoft.NET.Sdk.BlazorWebAssembly"]
        .iter()
        .any(|s| text.contains(s));
    let runs = text.contains("<OutputType>Exe")
        || text.contains("<OutputType>WinExe")
        || text.contains("$(TargetFrameworks);");
    let host = text.contains("Aspire.AppHost") || text.contains("<IsAspireHost>true");
    let test = text.contains("Microsoft.NET.Test.Sdk") || text.contains("<IsTestProject>true");
    let kind = match () {
        () if test || host => ModuleKind::Library,
        () if web || runs => ModuleKind::Application,
        () => ModuleKind::Library,
    };
    let mut built = module(source, 1, kind, "dotnet", "csharp");
    built.names.push(source.file_name().trim_end_matches(".csproj").to_owned());
    for element in text.split('<').map(|e| e.split('>').next().unwrap_or(e)) {
        if let Some(path) = attribute(element, "ProjectReference", "Include") {
            let folder = join(source.folder(), &path.replace('\\', "/"));
            built.depends_on.extend(folder.map(|f| format!("path:{}", f.rsplit_once('/').map_or("", |(f, _)| f))));
        }
        built.depends_on.extend(attribute(element, "PackageReference", "Include"));
    }
    one_module(built)
}

fn attribute(element: &str, tag: &str, name: &str) -> Option<String> {
    let rest = element.strip_prefix(tag)?;
    let value = &rest[rest.find(&format!("{name}=\""))? + name.len() + 2..];
    value.find('"').map(|end| value[..end].to_owned())
}
