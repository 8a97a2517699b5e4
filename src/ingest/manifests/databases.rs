//! Where frameworks keep the address of their database: Prisma, Rails, Sequelize, TypeORM, Laravel.
//!
//! Each becomes the setting `framework.database.url` of the folder's service, placeholders left for the linker.

use serde_json::Value;

use crate::files::Source;
use crate::ingest::yaml;
use crate::model::facts::SettingsScope;
use crate::model::{Facts, Place, Setting, Settings, mask_secrets};

use super::{Manifest, Neighbours};

/// Database configuration of frameworks.
pub const MANIFEST: Manifest = Manifest { id: "databases", claims, read };

/// The key under which linking finds the address.
const KEY: &str = "framework.database.url";

fn claims(source: &Source, text: &str) -> bool {
    let in_config = source.folder().rsplit('/').next().is_some_and(|f| matches!(f, "config" | "configs" | "db"));
    match source.file_name() {
        "database.yml" | "database.yaml" => text.contains("adapter"),
        "config.json" | "database.json" => in_config && text.contains("\"dialect\""),
        "ormconfig.json" => true,
        "composer.json" => text.contains("\"laravel/framework\"") || text.contains("\"laravel/lumen-framework\""),
        name => name.ends_with(".prisma") && text.contains("datasource"),
    }
}

fn read(source: &Source, text: &str, _: &Neighbours<'_>) -> Facts {
    let found = match source.file_name() {
        "composer.json" => {
            Some(("${DB_CONNECTION:mysql}://${DB_HOST}:${DB_PORT:3306}/${DB_DATABASE:laravel}".to_owned(), 1))
        }
        name if name.ends_with(".json") => of_json(text),
        name if name.ends_with(".prisma") => of_prisma(text),
        _ => of_rails(text),
    };
    let Some((value, line)) = found else { return Facts::default() };
    // The folder of the schema or configuration lies inside the service's.
    let folder = source.folder();
    let inside = matches!(folder.rsplit('/').next(), Some("prisma" | "config" | "configs" | "db" | "schema"));
    let folder = if inside { folder.rsplit_once('/').map_or("", |(head, _)| head) } else { folder };
    let place = Place::new(&source.root, &source.path, line);
    let values = vec![Setting { key: KEY.to_owned(), value: mask_secrets(&value), place: place.clone() }];
    let scope = SettingsScope::Folder(folder.to_owned());
    let settings = Settings { place, scope, format: "database".to_owned(), profile: String::new(), values };
    Facts { settings: vec![settings], ..Facts::default() }
}

/// `datasource db { provider = "postgresql" url = env("DATABASE_URL") }`
fn of_prisma(text: &str) -> Option<(String, u32)> {
    let mut inside = false;
    for (at, line) in text.lines().enumerate() {
        let line = line.split("//").next().filter(|_| !line.contains("://")).unwrap_or(line).trim();
        inside = (inside || line.starts_with("datasource ")) && line != "}";
        let Some((key, value)) = line.split_once('=').filter(|_| inside) else { continue };
        if key.trim() != "url" {
            continue;
        }
        let quoted = value.split('"').nth(1)?;
        let value = if value.contains("env(") { format!("${{{quoted}}}") } else { quoted.to_owned() };
        return Some((value, at as u32 + 1));
    }
    None
}

/// `config/database.yml`, the production section before others; `<%= ENV.fetch("X", "y") %>` is a placeholder.
fn of_rails(text: &str) -> Option<(String, u32)> {
    let documents = yaml::parse(&placeholders(text));
    let document = documents.nodes.first()?;
    let sections = ["production", "default", "development"];
    let usable = |section: &&yaml::Node| !section.get("adapter").is_null() || !section.get("url").is_null();
    let mut section = sections.iter().map(|s| document.get(s)).find(usable)?;
    // Rails allows several databases in one section; the primary one counts.
    if !section.get("primary").is_null() {
        section = section.get("primary");
    }
    if let Some(url) = section.get("url").text() {
        return Some((url.to_owned(), section.get("url").line));
    }
    let part = |key: &str| {
        let own = section.get(key).text();
        own.or_else(|| document.get("default").get(key).text())
    };
    let host = part("host")?;
    let port = part("port").map(|p| format!(":{p}")).unwrap_or_default();
    let scheme = match part("adapter").unwrap_or_default() {
        adapter if adapter.starts_with("sqlite") => return None,
        "mysql2" | "trilogy" => "mysql",
        other => other,
    };
    Some((format!("{scheme}://{host}{port}/{}", part("database").unwrap_or_default()), section.line))
}

/// `<%= ENV["X"] || "y" %>` and its like as `${X:y}`.
fn placeholders(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("<%") {
        let Some(end) = rest[at..].find("%>").map(|e| at + e) else { break };
        out.push_str(&rest[..at]);
        let code = &rest[at..end];
        let mut quoted = code.split(['"', '\'']).skip(1).step_by(2);
        if let (true, Some(name)) = (code.contains("ENV"), quoted.next()) {
            let default = quoted.next().map(|d| format!(":{d}")).unwrap_or_default();
            out.push_str(&format!("${{{name}{default}}}"));
        }
        rest = &rest[end + 2..];
    }
    out + rest
}

/// `config/config.json` of Sequelize and `ormconfig.json` of TypeORM.
fn of_json(text: &str) -> Option<(String, u32)> {
    let json: Value = serde_json::from_str(text.trim_start_matches('\u{FEFF}')).ok()?;
    let json = json.as_array().and_then(|all| all.first()).unwrap_or(&json);
    let section = ["production", "development"].iter().map(|s| &json[*s]).find(|s| s.is_object()).unwrap_or(json);
    if let Some(name) = section["use_env_variable"].as_str() {
        return Some((format!("${{{name}}}"), 1));
    }
    if let Some(url) = section["url"].as_str() {
        return Some((url.to_owned(), 1));
    }
    let scheme = section["dialect"].as_str().or_else(|| section["type"].as_str())?;
    let host = section["host"].as_str()?;
    let port = section["port"].as_u64().map(|p| format!(":{p}")).unwrap_or_default();
    let line = text.lines().position(|l| l.contains("\"host\"")).map_or(1, |n| n as u32 + 1);
    Some((format!("{scheme}://{host}{port}/{}", section["database"].as_str().unwrap_or_default()), line))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(path: &str, text: &str) -> (String, SettingsScope) {
        let source = Source::in_memory(path, text.as_bytes());
        assert!(claims(&source, text), "{path}");
        let mut facts = read(&source, text, &Neighbours::new(&[], ""));
        let settings = facts.settings.remove(0);
        (settings.values[0].value.clone(), settings.scope)
    }

    #[test]
    fn every_framework_says_where_its_database_is() {
        let folder = || SettingsScope::Folder("orders".to_owned());
        let prisma = "datasource db {\n  provider = \"postgresql\"\n  url = env(\"DATABASE_URL\")\n}\n";
        assert_eq!(url("orders/prisma/schema.prisma", prisma), ("${DATABASE_URL}".to_owned(), folder()));
        let rails = "default: &default\n  adapter: postgresql\n  host: <%= ENV.fetch(\"DB_HOST\", \"db\") %>\nproduction:\n  <<: *default\n  database: orders\n";
        assert_eq!(url("orders/config/database.yml", rails).0, "postgresql://${DB_HOST:db}/orders");
        let sequelize = "{\"development\": {\"host\": \"db\", \"database\": \"orders\", \"dialect\": \"mysql\"}}";
        assert_eq!(url("orders/config/config.json", sequelize), ("mysql://db/orders".to_owned(), folder()));
        let laravel = "{\"require\": {\"laravel/framework\": \"^11\"}}";
        assert!(url("orders/composer.json", laravel).0.contains("${DB_HOST}"));
    }
}
