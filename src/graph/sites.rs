//! The recognised call sites of one service, settled: what each calls, and whom that is.
//!
//! Takes the service's scope and configuration and the names of the system; gives outbound calls with their
//! chains of evidence. Sees one service at a time; joining services is `link`'s.

use crate::model::code::CallSite;
use crate::model::{Confidence, Evidence, Expr, Mode, Site, SiteKind};

use super::address::{Address, Directory, HOLE, Target};
use super::scope::Scope;
use super::services::Nodes;
use super::texts::{Text, Texts, join_paths};
use super::values::{Frame, Head, Step};

/// What one text of an outbound call leads to.
#[derive(Debug, Clone, PartialEq)]
pub enum Settled {
    /// A node of the graph.
    Node(usize),
    /// A host outside.
    External(String),
    /// No host: a path on the own origin, or on a base that is not known.
    Relative,
    /// Not known, with the reason.
    Unknown(String),
}

/// An outbound call with one target.
#[derive(Debug, Clone)]
pub struct Outbound {
    /// Mode of the edge.
    pub mode: Mode,
    /// Protocol or system.
    pub protocol: String,
    /// The call site.
    pub site: Site,
    /// Whom it leads to.
    pub settled: Settled,
    /// HTTP method, or `RPC`.
    pub method: String,
    /// Path with holes.
    pub path: String,
    /// The text that was followed, for people.
    pub value: String,
    /// Database or schema of a connection.
    pub database: Option<String>,
    /// Unit of the scope, and function in it, that hold the call.
    pub held_by: (u32, Option<u32>),
    /// The profile or variant that alone leads there; empty for the base.
    pub variant: String,
}

/// Reads the sites of one service.
pub struct SiteReader<'s, 'a> {
    /// Index of the node.
    pub at: usize,
    /// The code.
    pub scope: &'s Scope<'a>,
    /// Texts of values.
    pub texts: &'s Texts<'s, 'a>,
    /// All nodes.
    pub nodes: &'s Nodes,
    /// Names and ports.
    pub directory: &'s Directory,
}

impl<'s, 'a> SiteReader<'s, 'a> {
    /// Sites that run in this service, with their units: own ones, and those of libraries that are reached.
    pub fn live(&self) -> impl Iterator<Item = (u32, &'a CallSite)> + '_ {
        (0..self.scope.units.len() as u32)
            .flat_map(|u| self.scope.unit(u).sites.iter().map(move |s| (u, s)))
            .filter(|(u, s)| self.scope.is_live(*u, s.function))
    }

    /// The frame in which a site's parts stand.
    #[must_use]
    pub fn frame(&self, unit: u32, site: &'a CallSite) -> Frame<'a> {
        Frame::new(unit, site.function, site.owner.as_deref()).at(site.line)
    }

    /// The texts of a part of a site; nothing if the part is absent.
    #[must_use]
    pub fn part(&self, part: Option<&'a Expr>, frame: &Frame<'a>) -> Vec<Text> {
        part.map(|expr| self.texts.of(expr, frame)).unwrap_or_default()
    }

    /// The texts of an address, those of all variants too; nothing if the part is absent.
    #[must_use]
    pub fn addresses(&self, part: Option<&'a Expr>, frame: &Frame<'a>) -> Vec<Text> {
        part.map(|expr| self.texts.of_all(expr, frame)).unwrap_or_default()
    }

    /// The model's site.
    #[must_use]
    pub fn site(&self, unit: u32, site: &CallSite, line: u32) -> Site {
        let u = self.scope.unit(unit);
        let caller = site.function.map(|f| &u.functions[f as usize]);
        let caller = caller.map(|f| match &f.owner {
            Some(owner) => format!("{owner}.{}", f.name),
            None => f.name.clone(),
        });
        Site {
            root: u.place.root.clone(),
            path: u.place.path.clone(),
            line,
            call_line: None,
            address_line: None,
            operation: String::new(),
            caller: caller.unwrap_or_default(),
            handler: None,
            handler_place: None,
            intent: None,
            decided_by: None,
            consistency: None,
            in_loop: site.in_loop,
            result_used: site.result_used,
            blocking: !site.spawned,
            fallback: super::fallbacks::of_function(self, unit, site.function),
            dead: self.scope.is_dead(unit, site.function),
            rule: site.rule.clone(),
            confidence: site.confidence,
            chain: Vec::new(),
        }
    }

    /// Outbound HTTP calls of a site: one per text of its address.
    #[must_use]
    pub fn http(&self, unit: u32, site: &'a CallSite) -> Vec<Outbound> {
        let frame = self.frame(unit, site);
        let mut addresses = self.addresses(site.address.as_ref(), &frame);
        // An initial `""` says nothing where something else is given too.
        if addresses.iter().any(|t| !t.text.is_empty() && !t.is_hole()) {
            addresses.retain(|t| !t.text.is_empty());
        }
        let names = self.part(site.name.as_ref(), &frame);
        if addresses.is_empty() {
            addresses.extend(names.iter().map(|n| Text { text: format!("http://{}", n.text), ..n.clone() }));
        }
        let paths = self.part(site.path.as_ref(), &frame);
        let needs_base = addresses.is_empty() || addresses.iter().all(|a| is_relative(&a.text));
        if needs_base {
            let bases = self.bases(unit, site, &frame);
            if !bases.is_empty() {
                addresses = if addresses.is_empty() { bases } else { joined(&bases, &addresses) };
            }
        }
        if addresses.is_empty() {
            addresses = paths.clone();
        } else if !paths.is_empty() {
            addresses = joined(&addresses, &paths);
        }
        // A client of HTTP takes `accounts/current` for a path, whatever it looks like.
        for text in
            addresses.iter_mut().filter(|t| is_relative(&t.text) && !t.text.starts_with('/') && !t.text.is_empty())
        {
            text.text.insert(0, '/');
        }
        let method = self.method(site, &frame);
        let mut all: Vec<Outbound> =
            addresses.iter().map(|text| self.outbound(unit, site, site.line, &method, text)).collect();
        if let Some(operation) = self.document(site, &frame) {
            all.iter_mut().for_each(|out| out.site.operation.clone_from(&operation));
        }
        all
    }

    /// The operation of a GraphQL document: `mutation placeOrder`, `query orders`.
    fn document(&self, site: &'a CallSite, frame: &Frame<'a>) -> Option<String> {
        let query = site.query.as_ref().filter(|_| site.kind == SiteKind::Graphql)?;
        let texts = self.part(Some(query), frame);
        let text = texts.iter().map(|t| t.text.trim_start()).find(|t| !t.starts_with(HOLE))?;
        let kind = ["mutation", "subscription", "query"].into_iter().find(|k| text.starts_with(k));
        let named = kind.map_or(text, |k| &text[k.len()..]);
        // An anonymous document is called by its first field.
        let name = named.split(|c: char| !c.is_alphanumeric() && c != '_').find(|w| !w.is_empty())?;
        Some(format!("{} {name}", kind.unwrap_or("query")))
    }

    /// The HTTP method of a site; GET where it names none, `*` where it is not known.
    #[must_use]
    pub fn method(&self, site: &'a CallSite, frame: &Frame<'a>) -> String {
        let Some(expr) = &site.method else { return "GET".to_owned() };
        // `HttpMethod.POST`: the constant's name says it, wherever it is defined.
        if let Some(dotted) = expr.dotted() {
            let last = dotted.rsplit('.').next().unwrap_or_default().to_uppercase();
            let last = last.strip_prefix("METHOD").map_or(last.clone(), str::to_owned);
            if matches!(last.as_str(), "GET" | "POST" | "PUT" | "PATCH" | "DELETE" | "HEAD" | "OPTIONS") {
                return last;
            }
        }
        let text = self.texts.of(expr, frame).into_iter().next().map(|t| t.text).unwrap_or_default();
        let upper = text.to_uppercase();
        if !upper.is_empty() && upper.chars().all(|c| c.is_ascii_alphabetic()) { upper } else { "*".to_owned() }
    }

    /// One outbound call over HTTP to what a text says.
    #[must_use]
    pub fn outbound(&self, unit: u32, site: &CallSite, line: u32, method: &str, text: &Text) -> Outbound {
        let address = Address::parse(&text.text);
        let settled = self.settle(&address, text);
        let path = if address.path.is_empty() { "/".to_owned() } else { plain_path(&address.path) };
        let mut made = self.site(unit, site, line);
        made.operation = format!("{method} {path}");
        made.confidence = made.confidence.min(text.sure);
        made.chain = self.chain(text);
        made.address_line = text.written.filter(|(u, at)| *u == unit && *at != line).map(|(_, at)| at);
        let protocol = if site.protocol.is_empty() { "http".to_owned() } else { site.protocol.clone() };
        Outbound {
            mode: Mode::Sync,
            protocol,
            site: made,
            settled,
            method: method.to_owned(),
            path,
            value: crate::model::mask_secrets(&text.text),
            database: address.database().map(str::to_owned),
            held_by: (unit, site.function),
            variant: text.variant.clone(),
        }
    }

    /// What configuration says of a name that Stork looks up (`stork://orders`, Quarkus and SmallRye): the application
    /// of a registry, or the first of a list of addresses.
    fn discovered(&self, address: &Address) -> Option<Address> {
        if address.scheme != "stork" {
            return None;
        }
        ["application", "address-list"].iter().find_map(|key| {
            let key = format!("quarkus.stork.{}.service-discovery.{key}", address.host);
            let texts = self.texts.property_of(&key)?;
            let listed = texts.into_iter().find(|t| !t.is_hole())?.text;
            Some(Address { path: address.path.clone(), ..Address::parse(listed.split(',').next()?.trim()) })
        })
    }

    /// Whom an address leads to.
    #[must_use]
    pub fn settle(&self, address: &Address, text: &Text) -> Settled {
        if let Some(listed) = self.discovered(address) {
            return self.settle(&listed, text);
        }
        match self.directory.find(self.nodes, address, self.at) {
            Target::Node(at, _) => Settled::Node(at),
            Target::External(host) => Settled::External(host),
            Target::Unknown(_) if address.is_relative() && !text.is_hole() => Settled::Relative,
            Target::Unknown(reason) => Settled::Unknown(text.reason.clone().unwrap_or(reason)),
        }
    }

    /// Chain of a text as evidence, without repeats.
    #[must_use]
    pub fn chain(&self, text: &Text) -> Vec<Evidence> {
        let mut steps: Vec<Step> = Vec::new();
        for step in &text.chain {
            if !steps.contains(step) && steps.len() < 12 {
                steps.push(step.clone());
            }
        }
        self.texts.values.evidence(&steps)
    }

    /// Base addresses that reach a site through the client it is called on.
    fn bases(&self, unit: u32, site: &'a CallSite, frame: &Frame<'a>) -> Vec<Text> {
        if let Some(receiver) = site.receiver.as_ref() {
            let mut all = self.client_bases(receiver, frame);
            if all.is_empty() {
                all = self.set_bases(unit, receiver);
            }
            if !all.is_empty() {
                return all;
            }
        }
        // A typed client: the type that holds the call was registered with a base address.
        let owner = site.owner.as_deref().or_else(|| {
            let f = site.function?;
            self.scope.unit(unit).functions[f as usize].owner.as_deref()
        });
        owner.map(|o| self.registered_type(o)).unwrap_or_default()
    }

    /// Base addresses of the client that an expression is, or that its builder chain starts from.
    #[must_use]
    pub fn client_bases(&self, client: &'a Expr, frame: &Frame<'a>) -> Vec<Text> {
        let mut all: Vec<Text> = Vec::new();
        let mut receiver = Some(client);
        for _ in 0..24 {
            let Some(expr) = receiver else { break };
            self.texts.values.restart();
            for found in self.texts.values.heads(expr, frame, 0) {
                match &found.head {
                    Head::Expr(Expr::Call(_, name, arguments), inner) if name == "@client" => {
                        for argument in arguments {
                            let texts = self.texts.of_all(&argument.value, inner);
                            let named = argument.name.as_deref() == Some("name");
                            for text in texts {
                                let text = text_after(text, &found.chain, found.sure);
                                all.extend(if named { self.registered(&text) } else { vec![text] });
                            }
                        }
                    }
                    Head::Instance(name) => all.extend(self.registered_type(name)),
                    _ => {}
                }
            }
            if !all.is_empty() {
                break;
            }
            receiver = match expr {
                Expr::Call(Some(inner), ..) => Some(inner),
                _ => None,
            };
        }
        all
    }

    /// `client.BaseAddress = new Uri(url)`: what a file sets on the client that a name holds.
    fn set_bases(&self, unit: u32, client: &Expr) -> Vec<Text> {
        let Some(name) = client.dotted().map(|d| d.strip_prefix("this.").unwrap_or(&d).to_owned()) else {
            return Vec::new();
        };
        let mut all = Vec::new();
        for key in ["BaseAddress", "baseURL"] {
            for (u, binding) in self.scope.bindings(key).filter(|(u, _)| *u == unit) {
                let place = binding.place.strip_prefix("this.").unwrap_or(&binding.place);
                let holder = place.strip_suffix(key).and_then(|h| h.strip_suffix('.')).unwrap_or_default();
                if holder.strip_suffix(".defaults").unwrap_or(holder) != name {
                    continue;
                }
                let step = [Step::Code(u, binding.line, format!("{name} is given its base address"))];
                let frame = Frame::new(u, binding.function, binding.owner.as_deref());
                let texts = self.texts.of(&binding.value, &frame).into_iter().filter(|t| !t.is_hole());
                all.extend(texts.map(|t| text_after(t, &step, Confidence::Confirmed)));
            }
        }
        all
    }

    /// A client by name: its registered address, else the name is that of a service.
    fn registered(&self, name: &Text) -> Vec<Text> {
        let found = self.registrations(|key| key == name.text);
        if found.is_empty() { vec![Text { text: format!("http://{}", name.text), ..name.clone() }] } else { found }
    }

    pub(super) fn registered_type(&self, name: &str) -> Vec<Text> {
        let interface = format!("I{name}");
        self.registrations(|key| {
            let plain = super::scope::plain_type(key);
            plain == name || plain == interface
        })
    }

    /// Addresses with which a stub's type was registered.
    pub(super) fn registered_stub(&self, name: &str) -> Vec<Text> {
        self.registrations(|key| super::scope::plain_type(key) == name)
    }

    fn registrations(&self, fits: impl Fn(&str) -> bool) -> Vec<Text> {
        let mut all = Vec::new();
        for (u, unit) in self.scope.units.iter().enumerate() {
            for site in unit.sites.iter().filter(|s| s.kind == SiteKind::Register) {
                let frame = self.frame(u as u32, site);
                let hit = site.name.iter().any(|n| self.texts.of(n, &frame).iter().any(|t| fits(&t.text)));
                if !hit {
                    continue;
                }
                let step = [Step::Code(u as u32, site.line, "the client is registered".to_owned())];
                let mut texts = self.addresses(site.address.as_ref(), &frame);
                if texts.iter().all(Text::is_hole)
                    && let Some(client) = &site.address
                {
                    let given = self.set_bases(u as u32, client);
                    texts = if given.is_empty() { texts } else { given };
                }
                for text in texts {
                    all.push(text_after(text, &step, Confidence::Confirmed));
                }
            }
        }
        all
    }
}

fn text_after(mut text: Text, chain: &[Step], sure: Confidence) -> Text {
    let mut all = chain.to_vec();
    all.append(&mut text.chain);
    Text { chain: all, sure: text.sure.min(sure), ..text }
}

pub(super) fn joined(bases: &[Text], paths: &[Text]) -> Vec<Text> {
    let mut all = Vec::new();
    for base in bases {
        for path in paths {
            if all.len() >= 24 {
                return all;
            }
            let mut chain = base.chain.clone();
            if path.reason.is_none() {
                chain.extend(path.chain.iter().cloned());
            }
            let path_text = if path.is_hole() { "/{}" } else { &path.text };
            // The base names the host; the path only says which operation is called there.
            let hosted = base.text.contains("://") && !path_text.contains("://");
            let sure = if hosted { base.sure } else { base.sure.min(path.sure) };
            let text = join_paths(&base.text, path_text);
            let (reason, variant) = (base.reason.clone(), base.variant.clone());
            all.push(Text { text, chain, sure, reason, written: None, variant });
        }
    }
    all
}

/// No host is written: a path, or nothing.
fn is_relative(text: &str) -> bool {
    if text == HOLE {
        return false;
    }
    let before_query = text.split(['?', '#']).next().unwrap_or(text);
    !before_query.contains("://") && (before_query.starts_with('/') || !before_query.contains(':'))
}

/// A path whose parts that are not known are holes, without query and doubled slashes.
#[must_use]
pub fn plain_path(path: &str) -> String {
    let mut parts: Vec<String> = Vec::new();
    for segment in path.split(['?', '#']).next().unwrap_or(path).split('/').filter(|s| !s.is_empty()) {
        let hole = segment.starts_with([':', '<', '{', '$']) || segment == "*" || segment == "**";
        if hole {
            parts.push(HOLE.to_owned());
        } else if segment.contains('{') {
            parts.push(holes(segment));
        } else {
            parts.push(segment.to_owned());
        }
    }
    format!("/{}", parts.join("/"))
}

/// `{id}` inside a segment becomes `{}`.
fn holes(segment: &str) -> String {
    let mut out = String::new();
    let mut rest = segment;
    while let Some(at) = rest.find('{') {
        out.push_str(&rest[..at]);
        out.push_str(HOLE);
        rest = rest[at..].find('}').map_or("", |end| &rest[at + end + 1..]);
    }
    out.push_str(rest);
    out
}
