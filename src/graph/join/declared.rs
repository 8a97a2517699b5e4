//! What specifications and the team declare: operations, channels, edges.

use crate::graph::link::configured_at;
use crate::graph::topics::{ChannelUse, Side};
use crate::model::{CallSite, Operation, SiteKind};

use super::*;

/// What stands for a rule where a specification says that a service sends or receives.
pub(super) const RULE: &str = "asyncapi";

impl Joiner<'_> {
    /// The service that a specification speaks of: the only one whose folder it lies in, else the one in its title.
    fn declaring(&self, operation: &Operation) -> Option<usize> {
        let (owners, library) = self.nodes.owners(self.facts, &operation.place);
        match owners.as_slice() {
            [one] if !library => Some(*one),
            _ => self.nodes.find(operation.title.trim_end_matches(" API")),
        }
    }

    /// Operations of specifications that the code does not show.
    pub(super) fn declared_operations(&mut self) {
        for operation in self.facts.operations.iter().filter(|o| o.format == "openapi") {
            let Some(at) = self.declaring(operation) else { continue };
            let path = plain_path(&operation.path);
            let known = self.endpoints[at].iter_mut().find(|e| {
                (e.method == operation.method || e.method == "ANY")
                    && (path_fits(&path, &e.path) || path_fits(&e.path, &path))
            });
            match known {
                Some(endpoint) if endpoint.handler.is_empty() => endpoint.handler.clone_from(&operation.id),
                Some(_) => {}
                None => self.endpoints[at].push(Endpoint {
                    service: self.nodes.all[at].name.clone(),
                    method: operation.method.clone(),
                    path,
                    handler: operation.id.clone(),
                    place: operation.place.clone(),
                    seen_in: SourceKind::Specs,
                    effect: None,
                    calls_out: None,
                    call_sites: Vec::new(),
                    store_calls: None,
                    aggregates: false,
                    emits: false,
                }),
            }
        }
    }

    /// Channels that specifications say a service sends to or receives from.
    pub(super) fn declared_channels(&self) -> Vec<ChannelUse> {
        let mut all = Vec::new();
        for operation in self.facts.operations.iter().filter(|o| o.format == "asyncapi") {
            let Some(at) = self.declaring(operation) else { continue };
            let (side, kind) = match operation.method.as_str() {
                "SEND" => (Side::Publish, SiteKind::Publish),
                _ => (Side::Consume, SiteKind::Consume),
            };
            let protocol = operation.servers.first().and_then(|s| s.split("://").next()).unwrap_or_default();
            let site = configured_at(
                &operation.place,
                &CallSite { rule: RULE.to_owned(), ..CallSite::new("", kind, operation.place.line) },
                Confidence::Probable,
            );
            all.push(ChannelUse {
                at,
                side,
                topic: plain_channel(&operation.path),
                queue: String::new(),
                key: String::new(),
                protocol: protocol.to_owned(),
                site: Site {
                    operation: operation.path.clone(),
                    handler: handler(&operation.id),
                    blocking: false,
                    ..site
                },
                reason: None,
            });
        }
        all
    }

    pub(super) fn declared_edges(&mut self) {
        let place = Place::new("", crate::config::FILE_NAME, 0);
        for edge in &self.config.edges {
            let (Some(from), Some(to)) = (self.nodes.find(&edge.from), self.nodes.find(&edge.to)) else {
                let missing = if self.nodes.find(&edge.from).is_none() { &edge.from } else { &edge.to };
                let text =
                    format!("the declared edge {} → {} matches nothing: no service {missing}", edge.from, edge.to);
                self.unmatched.push(Note::new(place.clone(), text));
                continue;
            };
            let evidence = Evidence::new(SourceKind::Declared, place.clone(), &edge.reason, Confidence::Confirmed);
            self.edges.evidence((from, to, edge.mode, edge.channel.clone()), "", edge.mode == Mode::Sync, evidence);
        }
    }
}

fn handler(id: &str) -> Option<String> {
    Some(id.to_owned()).filter(|id| !id.is_empty())
}

/// A channel address with its parameters as holes.
fn plain_channel(address: &str) -> String {
    let mut out = String::new();
    let mut rest = address;
    while let Some((before, after)) = rest.split_once('{') {
        out.push_str(before);
        out.push_str("{}");
        rest = after.split_once('}').map_or("", |(_, rest)| rest);
    }
    out + rest
}
