//! Services by what names them: their configuration, the configuration of routers, the team.

use crate::config::Config;
use crate::model::{Confidence, Evidence, Place, SourceKind};

use super::builder::Builder;
use super::*;

impl Builder<'_> {
    /// `spring.application.name` and the like name the folder's service.
    pub(super) fn applications(&mut self) {
        let facts = self.facts;
        for settings in &facts.settings {
            let crate::model::facts::SettingsScope::Folder(folder) = &settings.scope else { continue };
            for setting in &settings.values {
                let key = setting.key.to_lowercase();
                if !matches!(
                    key.as_str(),
                    "spring.application.name" | "quarkus.application.name" | "micronaut.application.name"
                ) {
                    continue;
                }
                let mut at_folder = folder.as_str();
                let at = loop {
                    if let Some(at) = self.by_folder.get(&(settings.place.root.clone(), at_folder.to_owned())) {
                        break Some(*at);
                    }
                    match at_folder.rsplit_once('/') {
                        Some((head, _)) => at_folder = head,
                        None if at_folder.is_empty() => break None,
                        None => at_folder = "",
                    }
                };
                if let Some(at) = at {
                    self.name(at, &setting.value, rank::APPLICATION);
                    // A library may be called like the service that is built with it.
                    let known = self.by_name.get(&normal(&setting.value)).copied();
                    if known.is_some_and(|known| known != at && self.is_built_with(at, known)) {
                        self.by_name.insert(normal(&setting.value), at);
                    }
                    self.evidence(at, &setting.place, &format!("application name {}", setting.value));
                }
            }
        }
    }

    /// Does a module of a node depend on one of another node?
    fn is_built_with(&self, at: usize, library: usize) -> bool {
        let names: Vec<&str> = self.nodes[library]
            .modules
            .iter()
            .flat_map(|m| self.facts.modules[*m].names.iter().map(String::as_str))
            .collect();
        let needs = self.nodes[at].modules.iter().flat_map(|m| &self.facts.modules[*m].depends_on);
        needs.into_iter().any(|d| names.contains(&d.rsplit(':').next().unwrap_or(d)))
    }

    /// Routers whose configuration is here but whose deployment is not.
    pub(super) fn routers(&mut self) {
        for route in self.facts.routes.iter().filter(|r| r.proxy == "apollo-router") {
            let Some(name) = route.gateway.as_deref() else { continue };
            if self.by_name.contains_key(&normal(name)) {
                continue;
            }
            let at = self.new_node();
            self.name(at, name, rank::ALIAS);
            self.nodes[at].exposed = true;
            let place = route.place.clone();
            let says = format!("configuration of {}", route.proxy);
            self.nodes[at].evidence.push(Evidence::new(SourceKind::Manifests, place, &says, Confidence::Confirmed));
            self.configured.insert(at);
        }
    }

    pub(super) fn declared(&mut self, config: &Config) {
        for (name, declared) in &config.services {
            let known =
                std::iter::once(name).chain(&declared.aliases).find_map(|n| self.by_name.get(&normal(n)).copied());
            let at = known.unwrap_or_else(|| self.new_node());
            self.name(at, name, rank::DECLARED);
            for alias in &declared.aliases {
                self.name(at, alias, rank::ALIAS);
            }
            let place = Place::new("", crate::config::FILE_NAME, 0);
            self.nodes[at].evidence.push(Evidence::new(SourceKind::Declared, place, "declared", Confidence::Confirmed));
        }
    }
}
