//! What specifications and the team declare: operations, channels, edges.

use crate::graph::address::Address;
use crate::graph::link::configured_at;
use crate::graph::services::normal;
use crate::graph::topics::{ChannelUse, Side};
use crate::model::{CallSite, Operation, SiteKind, TableAccess};

use super::*;

/// What stands for a rule where a specification says that a service sends or receives.
pub(super) const RULE: &str = "asyncapi";

/// The format of what connectors publish, and what stands for a rule there.
pub(super) const CAPTURED: &str = "debezium";

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
                of_outbox: false,
            });
        }
        all
    }

    /// Topics to which connectors publish the changes of a service's tables.
    pub(super) fn captured_channels(&self) -> Vec<ChannelUse> {
        let captured = self.facts.operations.iter().filter(|o| o.format == CAPTURED);
        let made = captured.filter_map(|operation| {
            let site =
                CallSite { rule: CAPTURED.to_owned(), ..CallSite::new("", SiteKind::Publish, operation.place.line) };
            let sure = if operation.path.contains("{}") { Confidence::Probable } else { Confidence::Confirmed };
            Some(ChannelUse {
                at: self.keeper(operation)?,
                side: Side::Publish,
                topic: operation.path.clone(),
                queue: String::new(),
                key: String::new(),
                protocol: "kafka".to_owned(),
                site: Site {
                    operation: format!("changes of {}", operation.id),
                    blocking: false,
                    ..configured_at(&operation.place, &site, sure)
                },
                reason: None,
                of_outbox: operation.path.contains("{}"),
            })
        });
        made.collect()
    }

    /// The service whose database a connector reads: the only one that uses a database of this name, the only one of
    /// those that writes the table, or the only one on this host.
    fn keeper(&self, operation: &Operation) -> Option<usize> {
        let name = normal(&operation.title);
        let host = operation.servers.first().map(|h| Address::parse(h).host).unwrap_or_default();
        let on = |node: usize, host: &str| self.nodes.find(host.split('.').next().unwrap_or(host)) == Some(node);
        let users = |fits: &dyn Fn(usize, &str) -> bool| -> Vec<usize> {
            let all = self.databases.iter().filter(|(_, used)| used.iter().any(|(node, schema)| fits(*node, schema)));
            all.map(|(at, _)| *at).collect()
        };
        let named = |node: usize, schema: &str| {
            !name.is_empty() && (normal(schema) == name || normal(&self.nodes.all[node].name) == name)
        };
        let table = operation.id.rsplit('.').next().unwrap_or_default();
        let writes = |at: usize| {
            let mut tables = self.readings[at].tables.iter();
            tables.any(|t| t.access == TableAccess::Writes && t.table.eq_ignore_ascii_case(table))
        };
        for found in [users(&named), users(&|node, _| on(node, &host))] {
            match found.as_slice() {
                [] => {}
                [one] => return Some(*one),
                several => {
                    let mut writers = several.iter().copied().filter(|at| writes(*at));
                    return writers.next().filter(|_| writers.next().is_none());
                }
            }
        }
        None
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
