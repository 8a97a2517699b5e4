//! Ports on which the code of a service listens, as far as it writes them out or configures them.

use crate::model::SiteKind;

use super::address::Directory;
use super::scope::Scope;
use super::services::Nodes;
use super::settings::Environment;
use super::sites::SiteReader;
use super::texts::Texts;
use super::values::Values;

/// Ports with the node that listens there.
#[must_use]
pub fn listens(scopes: &[Scope<'_>], environments: &[Environment], nodes: &Nodes) -> Vec<(u16, usize)> {
    let nothing = Directory::default();
    let mut all = Vec::new();
    for (at, (scope, environment)) in scopes.iter().zip(environments).enumerate() {
        let own = || (0..scope.own as u32).flat_map(|u| scope.unit(u).sites.iter().map(move |s| (u, s)));
        if !own().any(|(_, s)| s.kind == SiteKind::Listen) {
            continue;
        }
        let texts = Texts::new(Values::new(scope), environment);
        let reader = SiteReader { at, scope, texts: &texts, nodes, directory: &nothing };
        for (unit, site) in own().filter(|(_, s)| s.kind == SiteKind::Listen) {
            let found = reader.part(site.address.as_ref(), &reader.frame(unit, site));
            all.extend(found.iter().filter_map(|t| port(&t.text)).map(|port| (port, at)));
        }
    }
    all.sort_unstable();
    all.dedup();
    all
}

/// The port of `8080`, `:8080`, `0.0.0.0:8080`, `http://*:8080/`.
fn port(text: &str) -> Option<u16> {
    let last = text.trim_end_matches('/').rsplit([':', ',']).next()?;
    last.trim().parse().ok().filter(|port| *port > 0)
}

#[cfg(test)]
mod tests {
    use super::port;

    #[test]
    fn ports_have_many_spellings() {
        for text in ["8080", ":8080", "0.0.0.0:8080", "http://*:8080/", "[::1]:8080"] {
            assert_eq!(port(text), Some(8080), "{text}");
        }
        assert_eq!((port("orders"), port("0"), port("{}"), port("99999")), (None, None, None, None));
    }
}
