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

fn read(source: &Source, text: &str, neighbours: &Neighbours<'_>) -> Facts {
    let web = ["Microsoft.NET.Sdk.Web", "Microsoft.NET.Sdk.Worker", "Microsoft.NET.Sdk.BlazorWebAssembly"]
        .iter()
        .any(|s| text.contains(s));
    let runs = text.contains("<OutputType>Exe")
        || text.contains("<OutputType>WinExe")
        || text.contains("$(TargetFrameworks);");
    let host = text.contains("Aspire.AppHost") || text.contains("<IsAspireHost>true");
    let test = text.contains("Microsoft.NET.Test.Sdk") || text.contains("<IsTestProject>true");
    // A page that another project hands out is a part of that project.
    let hosted = text.contains("Microsoft.NET.Sdk.BlazorWebAssembly") && is_referred_to(source, neighbours);
    let kind = match () {
        () if test || host || hosted => ModuleKind::Library,
        () if web || runs => ModuleKind::Application,
        () => ModuleKind::Library,
    };
    let mut built = module(source, 1, kind, "dotnet", "csharp");
    built.names.push(source.file_name().trim_end_matches(".csproj").to_owned());
    // A library is referred to by the name of its package too.
    if kind == ModuleKind::Library {
        for tag in ["<AssemblyName>", "<PackageId>"] {
            let value = text.split_once(tag).and_then(|(_, rest)| rest.split('<').next()).map(str::trim);
            built.names.extend(value.filter(|v| !v.is_empty() && !v.contains('$')).map(str::to_owned));
        }
        built.names.dedup();
    }
    for element in text.split('<').map(|e| e.split('>').next().unwrap_or(e)) {
        if let Some(path) = attribute(element, "ProjectReference", "Include") {
            let folder = join(source.folder(), &path.replace('\\', "/"));
            built.depends_on.extend(folder.map(|f| format!("path:{}", f.rsplit_once('/').map_or("", |(f, _)| f))));
        }
        built.depends_on.extend(attribute(element, "PackageReference", "Include"));
    }
    one_module(built)
}

/// Does another project that runs refer to this one?
fn is_referred_to(source: &Source, neighbours: &Neighbours<'_>) -> bool {
    let projects = neighbours.below("").filter(|s| s.extension() == "csproj" && s.path != source.path);
    projects.filter_map(|s| s.text().ok().map(|text| (s, text))).any(|(project, text)| {
        text.contains("Microsoft.NET.Sdk.Web\"")
            && text
                .split('<')
                .filter_map(|e| attribute(e, "ProjectReference", "Include"))
                .any(|path| join(project.folder(), &path.replace('\\', "/")).is_some_and(|path| path == source.path))
    })
}

fn attribute(element: &str, tag: &str, name: &str) -> Option<String> {
    let rest = element.strip_prefix(tag)?;
    let value = &rest[rest.find(&format!("{name}=\""))? + name.len() + 2..];
    value.find('"').map(|end| value[..end].to_owned())
}
