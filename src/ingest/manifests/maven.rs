//! Maven: artifact names, packaging, dependencies.

use quick_xml::Reader;
use quick_xml::events::Event;

use crate::files::Source;
use crate::model::{Facts, ModuleKind, Note, Place};

use super::{Manifest, Neighbours, module, one_module};

/// Maven.
pub const MANIFEST: Manifest = Manifest { id: "maven", claims, read };

fn claims(source: &Source, _: &str) -> bool {
    source.file_name() == "pom.xml"
}

fn read(source: &Source, text: &str, _: &Neighbours<'_>) -> Facts {
    let mut reader = Reader::from_str(text);
    reader.config_mut().check_end_names = false;
    let mut path: Vec<String> = Vec::new();
    let mut built = module(source, 1, ModuleKind::Library, "maven", "java");
    let mut group = String::new();
    let mut facts = Facts::default();
    loop {
        match reader.read_event() {
            Ok(Event::Start(tag)) => path.push(tag.local_name().as_ref().to_owned()),
            Ok(Event::End(_)) => {
                path.pop();
            }
            Ok(Event::Text(content)) => {
                let content = content.trim().to_owned();
                if content.is_empty() {
                    continue;
                }
                let at: Vec<&str> = path.iter().map(String::as_str).collect();
                match at.as_slice() {
                    ["project", "artifactId"] => built.names.push(content),
                    ["project", "packaging"] if content == "pom" => built.kind = ModuleKind::Aggregate,
                    ["project", "packaging"] if content == "war" => built.kind = ModuleKind::Application,
                    ["project", .., "dependency", "groupId"] => group = content,
                    ["project", "dependencies", "dependency", "artifactId"] => {
                        built.depends_on.push(format!("{group}:{content}"))
                    }
                    ["project", .., "plugin", "artifactId"]
                        if content == "spring-boot-maven-plugin"
                            && built.kind == ModuleKind::Library
                            && !at.contains(&"pluginManagement") =>
                    {
                        built.kind = ModuleKind::Application;
                    }
                    _ => {}
                }
            }
            Ok(Event::Eof) => break,
            Ok(_) => {}
            Err(error) => {
                let place = Place::new(&source.root, &source.path, 0);
                facts.notes.push(Note::new(place, format!("read up to byte {}: {error}", reader.buffer_position())));
                break;
            }
        }
        if path.len() > 200 {
            break;
        }
    }
    // An aggregator with sources of its own is a module as well; without a plugin the linker looks for a main.
    if built.kind == ModuleKind::Library && text.contains("spring-boot-starter") {
        built.kind = ModuleKind::Unknown;
    }
    facts.append(one_module(built));
    facts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_names_and_dependencies() {
        let text = "<project><parent><artifactId>p</artifactId></parent><artifactId>orders</artifactId><dependencies><dependency><groupId>g</groupId><artifactId>common</artifactId></dependency></dependencies><build><plugins><plugin><artifactId>spring-boot-maven-plugin</artifactId></plugin></plugins></build></project>";
        let source = Source::in_memory("orders/pom.xml", text.as_bytes());
        let facts = read(&source, text, &Neighbours::new(&[], ""));
        let m = &facts.modules[0];
        assert_eq!(
            (m.names.as_slice(), m.kind, m.depends_on.as_slice()),
            (&["orders".to_owned()][..], ModuleKind::Application, &["g:common".to_owned()][..])
        );
        assert_eq!(read(&source, "<project><artifactId>x</artifactId><", &Neighbours::new(&[], "")).modules.len(), 1);
    }
}
