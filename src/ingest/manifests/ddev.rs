//! DDEV projects: one web service with a database of its own, which every project calls `db`.

use crate::files::Source;
use crate::ingest::yaml;
use crate::model::{Facts, Place, Workload, WorkloadKind};

use super::{Manifest, Neighbours};

/// DDEV.
pub const MANIFEST: Manifest = Manifest { id: "ddev", claims, read };

fn claims(source: &Source, _: &str) -> bool {
    source.file_name() == "config.yaml" && source.folder().rsplit('/').next() == Some(".ddev")
}

fn read(source: &Source, text: &str, _: &Neighbours<'_>) -> Facts {
    let documents = yaml::parse(text);
    let Some(document) = documents.nodes.first() else { return Facts::default() };
    let folder = source.folder().rsplit_once('/').map_or("", |(head, _)| head).to_owned();
    let workload = |name: &str, line: u32| {
        Workload::new(name, Place::new(&source.root, &source.path, line), WorkloadKind::Compose)
    };
    let mut workloads = Vec::new();
    if let Some(name) = document.get("name").text() {
        workloads.push(Workload { build: Some(folder), ..workload(name, document.get("name").line) });
    }
    let omitted = document.get("omit_containers").list().iter().any(|c| c.text() == Some("db"));
    if !omitted {
        let database = document.get("database");
        // Without a choice a project gets MariaDB.
        let product = database.get("type").text().unwrap_or("mariadb");
        workloads.push(Workload { image: Some(product.to_owned()), ..workload("db", database.line.max(1)) });
    }
    Facts { workloads, ..Facts::default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_project_is_a_service_and_its_database() {
        let text = "name: shop-orders\ntype: laravel\ndatabase:\n    type: mysql\n    version: \"8.0\"\n";
        let source = Source::in_memory("orders/.ddev/config.yaml", text.as_bytes());
        assert!(claims(&source, text));
        let facts = read(&source, text, &Neighbours::new(&[], ""));
        assert_eq!(facts.workloads[0].build.as_deref(), Some("orders"));
        assert_eq!((facts.workloads[1].name.as_str(), facts.workloads[1].image.as_deref()), ("db", Some("mysql")));
    }
}
