//! Roles of services from images, libraries and names: `rules/images.yaml` applied.
//!
//! Takes names; gives a kind and an engine with the reason. Knows no graph.

use serde::Deserialize;

use crate::model::ServiceKind;
use crate::rules::Pattern;

/// The role table.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Roles {
    images: Vec<Entry>,
    libraries: Vec<Entry>,
    names: Vec<Entry>,
    clients: Vec<Client>,
    ports: Vec<Port>,
}

/// The usual port of a product.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Port {
    port: u16,
    name: String,
}

/// A library whose users talk to a piece of infrastructure without naming it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Client {
    r#match: Vec<Pattern>,
    /// Kind of what it talks to.
    pub kind: ServiceKind,
    /// Words of its engine or name; any of the kind if none is given.
    #[serde(default)]
    engines: Vec<Pattern>,
}

impl Client {
    /// Can it mean a node of this engine or name?
    #[must_use]
    pub fn fits(&self, engine: Option<&str>, name: &str) -> bool {
        let lower = name.to_lowercase();
        self.engines.is_empty()
            || self.engines.iter().any(|p| engine.is_some_and(|e| p.matches(e)) || p.matches(&lower))
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    r#match: Vec<Pattern>,
    kind: ServiceKind,
    #[serde(default)]
    engine: Option<String>,
    /// A library that other services bundle as well, a name that says little: only a hint.
    #[serde(default)]
    bundled: bool,
}

/// A role with its reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Role {
    /// Kind.
    pub kind: ServiceKind,
    /// Product.
    pub engine: Option<String>,
    /// Only a hint: other evidence wins.
    pub bundled: bool,
    /// Why.
    pub because: String,
}

impl Roles {
    /// The built-in table.
    #[must_use]
    pub fn built_in() -> Self {
        serde_yaml::from_str(include_str!("../../rules/images.yaml")).expect("rules/images.yaml is checked by a test")
    }

    /// The role of an image (`registry/org/name:tag@digest`).
    #[must_use]
    pub fn of_image(&self, image: &str) -> Option<Role> {
        let base = image_base(image);
        // `mcr.microsoft.com/mssql/server` is called by its last two parts, where a pattern says so.
        let plain = image.split('@').next().unwrap_or(image).to_lowercase();
        let two = plain.rsplit('/').nth(1).map(|above| format!("{above}/{base}")).unwrap_or_default();
        let entry = self.images.iter().find(|e| e.r#match.iter().any(|p| p.as_str().contains('/') && p.matches(&two)));
        entry.or_else(|| self.find(&self.images, &base)).map(|e| role(e, format!("image {base}")))
    }

    /// The role that one of the libraries of a module gives it.
    #[must_use]
    pub fn of_libraries(&self, libraries: &[String]) -> Option<Role> {
        let mut best: Option<(usize, &Entry, &str)> = None;
        for library in libraries {
            let last = library.rsplit(':').next().unwrap_or(library);
            let at =
                self.libraries.iter().position(|e| e.r#match.iter().any(|p| p.matches(library) || p.matches(last)));
            if let Some(at) = at
                && best.is_none_or(|(b, ..)| at < b)
            {
                best = Some((at, &self.libraries[at], library));
            }
        }
        best.map(|(_, entry, library)| role(entry, format!("library {library}")))
    }

    /// What users of a library talk to without naming it.
    pub fn targets_of<'a>(&'a self, library: &'a str) -> impl Iterator<Item = &'a Client> + 'a {
        let last = library.rsplit(':').next().unwrap_or(library);
        self.clients.iter().filter(move |c| c.r#match.iter().any(|p| p.matches(library) || p.matches(last)))
    }

    /// The product that listens at a port by default.
    #[must_use]
    pub fn at_port(&self, port: u16) -> Option<&str> {
        self.ports.iter().find(|p| p.port == port).map(|p| p.name.as_str())
    }

    /// The role that a name suggests.
    #[must_use]
    pub fn of_name(&self, name: &str) -> Option<Role> {
        let lower = name.to_lowercase();
        let flat: String = lower.chars().filter(|c| c.is_alphanumeric()).collect();
        let words: Vec<&str> = lower.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()).collect();
        let fits = |p: &Pattern| {
            let word = p.as_str();
            words.contains(&word) || flat == word || (word.len() > 4 && flat.ends_with(word))
        };
        self.names.iter().find(|e| e.r#match.iter().any(fits)).map(|e| role(e, format!("name {name}")))
    }

    fn find<'a>(&self, entries: &'a [Entry], text: &str) -> Option<&'a Entry> {
        entries.iter().find(|e| e.r#match.iter().any(|p| p.matches(text)))
    }
}

fn role(entry: &Entry, because: String) -> Role {
    Role { kind: entry.kind, engine: entry.engine.clone(), bundled: entry.bundled, because }
}

/// The last part of an image reference, without tag and digest, in lower case.
#[must_use]
pub fn image_base(image: &str) -> String {
    let image = image.split('@').next().unwrap_or(image);
    let last = image.rsplit('/').next().unwrap_or(image);
    last.split(':').next().unwrap_or(last).to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_libraries_and_names_tell_roles() {
        let roles = Roles::built_in();
        let image = |i: &str| roles.of_image(i).map(|r| (r.kind, r.engine));
        assert_eq!(image("docker.io/bitnami/postgresql:15"), Some((ServiceKind::Database, Some("postgresql".into()))));
        assert_eq!(image("confluentinc/cp-kafka:7.5@sha256:abc"), Some((ServiceKind::Broker, Some("kafka".into()))));
        assert_eq!(image("acme/orders:1"), None);
        assert_eq!(roles.of_name("api-gateway").map(|r| r.kind), Some(ServiceKind::Gateway));
        assert_eq!(roles.of_name("ts-ui-dashboard").map(|r| r.kind), Some(ServiceKind::Ui));
        assert_eq!(roles.of_name("author-service").map(|r| r.kind), None);
        let libraries = ["org.springframework.cloud:spring-cloud-config-server".to_owned()];
        assert_eq!(roles.of_libraries(&libraries).map(|r| r.kind), Some(ServiceKind::Config));
    }
}
