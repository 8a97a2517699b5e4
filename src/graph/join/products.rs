//! Products that run as they are bought: whom their command and environment tell them to talk to.
//!
//! An address handed to a service's code counts only where code reads it. An image of a known product (a load
//! generator, a proxy, a connector, a broker) has no code here and reads what it is given.

use crate::graph::address::Address;
use crate::model::{Confidence, Evidence, Mode, Place, ServiceKind, SourceKind, Workload};

use super::Joiner;

/// Words in the key of a setting whose value is an address without scheme and port.
const ADDRESS_WORDS: [&str; 13] = [
    "HOST",
    "SERVER",
    "URL",
    "URI",
    "ADDR",
    "ENDPOINT",
    "CONNECT",
    "BOOTSTRAP",
    "BROKER",
    "UPSTREAM",
    "TARGET",
    "NODES",
    "BACKEND",
];
/// Options of commands that take a host.
const HOST_OPTIONS: [&str; 7] = ["-h", "--host", "--target", "-u", "--url", "--server", "-H"];

impl Joiner<'_> {
    /// Edges of products, from their command and environment.
    pub(super) fn products(&mut self) {
        let facts = self.facts;
        for at in 0..self.nodes.all.len() {
            let node = &self.nodes.all[at];
            let reads =
                !matches!(node.kind, None | Some(ServiceKind::Service | ServiceKind::External | ServiceKind::Database));
            if !reads || !node.languages.is_empty() {
                continue;
            }
            for index in node.workloads.clone() {
                for (host, place, says) in told(&facts.workloads[index]) {
                    self.product_edge(at, &host, place, &says);
                }
            }
        }
    }

    fn product_edge(&mut self, from: usize, host: &str, place: Place, says: &str) {
        let first = host.split('.').next().unwrap_or(host);
        let Some(to) = self.nodes.find(host).or_else(|| self.nodes.find(first)).filter(|to| *to != from) else {
            return;
        };
        use ServiceKind::{Broker, Config, Database, Monitoring, Registry};
        let kind = |at: usize| self.nodes.all[at].kind.unwrap_or(ServiceKind::Service);
        let mode = match (kind(from), kind(to)) {
            (Monitoring | Registry | Config | Broker, _) | (_, Monitoring | Registry | Config | Broker) => Mode::Infra,
            (_, Database) => Mode::Data,
            // A job that runs a script in a plain image is no part of the system.
            (ServiceKind::Other, _) => return,
            _ => Mode::Sync,
        };
        let protocol = match mode {
            Mode::Data => self.nodes.all[to].engine.clone().unwrap_or_default(),
            Mode::Sync => "http".to_owned(),
            _ => String::new(),
        };
        let evidence = Evidence::new(SourceKind::Manifests, place, says, Confidence::Probable);
        self.edges.evidence((from, to, mode, None), &protocol, mode == Mode::Sync, evidence);
    }
}

/// Hosts that a workload is told, with where and how.
fn told(workload: &Workload) -> Vec<(String, Place, String)> {
    let mut all = Vec::new();
    for setting in &workload.environment {
        let upper = setting.key.to_uppercase();
        let keyed = ADDRESS_WORDS.iter().any(|w| upper.contains(w));
        for part in setting.value.split([',', ' ', ';']) {
            if let Some(host) = host_of(part, keyed) {
                all.push((host, setting.place.clone(), format!("{} = {}", setting.key, setting.value)));
            }
        }
    }
    let words: Vec<&str> = workload.command.iter().flat_map(|c| c.split_whitespace()).collect();
    for (at, word) in words.iter().enumerate() {
        // `wait-for-it.sh gateway:8018` only waits.
        if words[..at].iter().any(|w| w.contains("wait")) {
            break;
        }
        let option = at > 0 && HOST_OPTIONS.contains(&words[at - 1]);
        let value = word.split_once('=').map_or(*word, |(_, value)| value);
        let keyed = option || word.split_once('=').is_some_and(|(key, _)| HOST_OPTIONS.contains(&key));
        if let Some(host) = host_of(value, keyed) {
            all.push((host, workload.place.clone(), format!("the command names {host}", host = value)));
        }
    }
    all
}

/// The host of an address; a bare word is one only where the key says so.
fn host_of(text: &str, keyed: bool) -> Option<String> {
    let text = text.trim_matches(['"', '\'', '[', ']']);
    let address = Address::parse(text);
    let plain = |h: &str| !h.is_empty() && h.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | '.'));
    let written = text.contains("://") || address.port.is_some();
    ((written || keyed) && plain(&address.host)).then_some(address.host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_told_from_other_words() {
        assert_eq!(host_of("http://edge:80/x", false).as_deref(), Some("edge"));
        assert_eq!(host_of("zookeeper:2181", false).as_deref(), Some("zookeeper"));
        assert_eq!(host_of("edge-router", true).as_deref(), Some("edge-router"));
        assert_eq!(host_of("edge-router", false), None);
        assert_eq!(host_of("60", false), None);
    }
}
