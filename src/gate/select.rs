//! Which services a selector of `unbraid.yaml` means.

use std::collections::BTreeMap;

use crate::config::{Config, Selector};
use crate::result::{Result, Service};

/// Services with what the configuration says of them.
pub struct Selection<'s> {
    services: BTreeMap<&'s str, &'s Service>,
    config: &'s Config,
}

impl<'s> Selection<'s> {
    /// Over the services of a result.
    pub fn of(result: &'s Result, config: &'s Config) -> Self {
        Self { services: result.services.iter().map(|s| (s.name.as_str(), s)).collect(), config }
    }

    /// Does the selector mean the service of this name?
    pub fn has(&self, selector: &Selector, name: &str) -> bool {
        let Some(service) = self.services.get(name) else { return false };
        let grouped = |group: &String| self.config.groups.get(group).is_some_and(|s| self.fits(s, service));
        self.fits(selector, service) && (selector.groups.is_empty() || selector.groups.iter().any(grouped))
    }

    /// All conditions but the groups.
    fn fits(&self, selector: &Selector, service: &Service) -> bool {
        let any = |list: &[String], holds: &dyn Fn(&String) -> bool| list.is_empty() || list.iter().any(holds);
        let named = |pattern: &String| {
            std::iter::once(&service.name).chain(&service.aliases).any(|name| matches(pattern, name))
        };
        let declared = || {
            let all = self.config.services.iter();
            all.filter(|(name, _)| **name == service.name || service.aliases.contains(name)).map(|(_, c)| c)
        };
        any(&selector.names, &named)
            && (selector.roles.is_empty() || selector.roles.contains(&service.kind))
            && any(&selector.owners, &|owner| {
                service.owners.contains(owner) || declared().any(|c| c.owner.as_ref() == Some(owner))
            })
            && any(&selector.tags, &|tag| declared().any(|c| c.tags.contains(tag)))
    }
}

/// Does a name fit a pattern of characters, `?` (any one) and `*` (any number)?
fn matches(pattern: &str, name: &str) -> bool {
    let (pattern, name): (Vec<char>, Vec<char>) = (pattern.chars().collect(), name.chars().collect());
    let (mut p, mut n) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while n < name.len() {
        if p < pattern.len() && pattern[p] == '*' {
            star = Some((p, n));
            p += 1;
        } else if p < pattern.len() && (pattern[p] == '?' || pattern[p] == name[n]) {
            p += 1;
            n += 1;
        } else if let Some((at, taken)) = star {
            // The last star takes one character more.
            p = at + 1;
            n = taken + 1;
            star = Some((at, taken + 1));
        } else {
            return false;
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_whole_names() {
        assert!(matches("orders", "orders") && !matches("orders", "orders-api"));
        assert!(matches("*-api", "orders-api") && matches("o*s*", "orders-api") && matches("o?ders", "orders"));
        assert!(!matches("*-api", "orders-apis") && matches("*", "") && !matches("?", ""));
    }
}
