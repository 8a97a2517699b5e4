//! Calls without an address of their own: methods of generated stubs and of declared client interfaces.
//!
//! A stub that is built but never called is no call; only called methods count.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::code::{Call, CallSite};
use crate::model::{Confidence, Expr, Facts, SiteKind};

use super::scope::plain_type;
use super::sites::{Outbound, Settled, SiteReader};
use super::texts::Text;
use super::values::{Found, Frame, Head};

/// RPC names and services that specifications declare, and who implements them.
#[derive(Debug, Default)]
pub struct Rpcs {
    /// Flat rpc name → (`package.Service`, rpc name as declared).
    methods: BTreeMap<String, BTreeSet<(String, String)>>,
    /// Flat service name → nodes that implement it.
    pub implementers: BTreeMap<String, BTreeSet<usize>>,
}

/// `GetOrder`, `getOrder`, `get_order`, `GetOrderAsync` are one name.
#[must_use]
pub fn flat(name: &str) -> String {
    name.chars().filter(|c| *c != '_').flat_map(char::to_lowercase).collect()
}

impl Rpcs {
    /// Collects the declared methods.
    #[must_use]
    pub fn of(facts: &Facts) -> Self {
        let mut rpcs = Self::default();
        for operation in facts.operations.iter().filter(|o| o.format == "proto") {
            rpcs.methods
                .entry(flat(&operation.id))
                .or_default()
                .insert((operation.title.clone(), operation.id.clone()));
        }
        rpcs
    }

    /// The declared operation `package.Service/Method` of a called method, by the stub's service name.
    #[must_use]
    pub fn operation(&self, service: &str, method: &str) -> String {
        let plain = flat(method);
        let short = plain.strip_suffix("async").unwrap_or(&plain);
        let service = service_stem(service);
        let known = self.methods.get(&plain).or_else(|| self.methods.get(short));
        let fits = known.into_iter().flatten().find(|(s, _)| flat(s.rsplit('.').next().unwrap_or(s)) == flat(&service));
        match fits.or_else(|| known.and_then(|k| if k.len() == 1 { k.iter().next() } else { None })) {
            Some((service, method)) => format!("{service}/{method}"),
            None => format!("{service}/{method}"),
        }
    }

    fn knows(&self, name: &str) -> bool {
        let plain = flat(name);
        self.methods.contains_key(&plain)
            || plain.strip_suffix("async").is_some_and(|short| self.methods.contains_key(short))
    }

    /// Could `/Service/Method` be an operation? A method that a declared service does not have is a helper of the type
    /// that implements it.
    #[must_use]
    pub fn may_serve(&self, path: &str) -> bool {
        let (service, method) = path.trim_start_matches('/').split_once('/').unwrap_or_default();
        let stem = service_stem(service);
        if !self.serves(&stem) {
            return true;
        }
        let plain = flat(method);
        let declared =
            self.methods.get(&plain).or_else(|| self.methods.get(plain.strip_suffix("async").unwrap_or(&plain)));
        let fits = |s: &str| flat(s.rsplit('.').next().unwrap_or(s)) == flat(&stem);
        declared.into_iter().flatten().any(|(s, _)| fits(s))
    }

    /// Is a service of this name declared?
    fn serves(&self, service: &str) -> bool {
        let wanted = flat(service);
        let declared = self.methods.values().flatten();
        declared.into_iter().any(|(s, _)| flat(s.rsplit('.').next().unwrap_or(s)) == wanted)
    }

    /// The only node that implements a service.
    #[must_use]
    pub fn implementer(&self, service: &str) -> Option<usize> {
        let found = self.implementers.get(&flat(&service_stem(service)))?;
        if found.len() == 1 { found.first().copied() } else { None }
    }
}

/// The service of a stub's name: `OrderServiceClient`, `OrderServiceGrpc`, `pkg.OrderServiceStub` → `OrderService`.
#[must_use]
pub fn service_stem(name: &str) -> String {
    let last = name.rsplit(['.', ':', '/', '\\']).next().unwrap_or(name);
    let mut stem = last;
    for end in [
        "Client",
        "Stub",
        "Grpc",
        "GrpcKt",
        "BlockingStub",
        "FutureStub",
        "CoroutineStub",
        "Servicer",
        "Server",
        "ImplBase",
        "Base",
    ] {
        if let Some(short) = stem.strip_suffix(end).filter(|s| !s.is_empty()) {
            stem = short;
        }
    }
    stem.to_owned()
}

/// Methods of a builder or of the stub itself that make no call.
const NO_CALLS: [&str; 12] = [
    "build",
    "withDeadlineAfter",
    "withInterceptors",
    "withCompression",
    "close",
    "shutdown",
    "newBuilder",
    "connect",
    "new",
    "waitForReady",
    "withWaitForReady",
    "withDeadline",
];

impl<'s, 'a> SiteReader<'s, 'a> {
    /// Calls of stub methods.
    #[must_use]
    pub fn rpcs(&self, rpcs: &Rpcs) -> Vec<Outbound> {
        let holders = self.stub_holders();
        let mut all = Vec::new();
        for (u, unit) in self.scope.units.iter().enumerate() {
            let u = u as u32;
            for call in &unit.calls {
                let Some(receiver) = &call.receiver else { continue };
                if NO_CALLS.contains(&call.name.as_str()) || !self.scope.is_live(u, call.function) {
                    continue;
                }
                let held = last_name(receiver).is_some_and(|n| holders.contains(n));
                if !held && !rpcs.knows(&call.name) && !is_stub(receiver) {
                    continue;
                }
                let owner = call.function.and_then(|f| unit.functions[f as usize].owner.as_deref());
                let frame = Frame::new(u, call.function, owner);
                self.texts.values.restart();
                for found in self.texts.values.heads(receiver, &frame, 0) {
                    match &found.head {
                        Head::Instance(name) => all.extend(self.injected_stub(u, call, name, &found, rpcs)),
                        _ => all.extend(self.stub_call(u, call, &found, rpcs)),
                    }
                }
            }
        }
        all
    }

    /// Names that some binding gives a stub.
    fn stub_holders(&self) -> BTreeSet<&'a str> {
        let mut names = BTreeSet::new();
        for unit in &self.scope.units {
            for binding in &unit.bindings {
                if is_stub(&binding.value) {
                    names.insert(binding.place.rsplit('.').next().unwrap_or(&binding.place));
                }
            }
        }
        names
    }

    fn stub_call(&self, unit: u32, call: &'a Call, found: &Found<'a>, rpcs: &Rpcs) -> Vec<Outbound> {
        let Head::Expr(Expr::Call(_, name, arguments), frame) = &found.head else { return Vec::new() };
        if name != "@stub" {
            return Vec::new();
        }
        let service = match arguments.first().map(|a| self.texts.of(&a.value, frame)) {
            Some(texts) => texts.into_iter().next().map(|t| t.text).unwrap_or_default(),
            None => String::new(),
        };
        let mut addresses: Vec<Text> = Vec::new();
        if let Some(channel) = arguments.get(1) {
            addresses = self.client_bases(&channel.value, frame);
        }
        if let Some(channel) = arguments.get(1).filter(|_| addresses.is_empty()) {
            self.texts.values.restart();
            for head in self.texts.values.heads(&channel.value, frame, 0) {
                let mut texts = self.texts.of_found(&head);
                if let Head::Instance(name) = &head.head {
                    let reason = format!("a channel of {name}");
                    texts = vec![Text { sure: Confidence::Probable, ..Text::unknown(&reason) }];
                }
                addresses.extend(texts);
            }
        }
        if addresses.is_empty() {
            addresses.push(no_channel());
        }
        self.called_stub(unit, call, &service, addresses, found, rpcs)
    }

    /// A call on a stub that a container injects: registered with an address, or of a declared RPC service.
    fn injected_stub(
        &self,
        unit: u32,
        call: &'a Call,
        written: &'a str,
        found: &Found<'a>,
        rpcs: &Rpcs,
    ) -> Vec<Outbound> {
        // `using OrdersClient = Shop.Grpc.Orders.OrdersClient` gives the type another name.
        let import = self.scope.unit(unit).imports.iter().find(|i| i.name == written && i.path != written);
        let name = plain_type(import.map_or(written, |i| i.path.as_str()));
        if !["Client", "Stub"].iter().any(|end| name.ends_with(end)) || self.scope.types(name).next().is_some() {
            return Vec::new();
        }
        let mut addresses = self.registered_stub(name);
        if addresses.is_empty() {
            if !rpcs.serves(&service_stem(name)) {
                return Vec::new();
            }
            addresses.push(no_channel());
        }
        self.called_stub(unit, call, name, addresses, found, rpcs)
    }

    fn called_stub(
        &self,
        unit: u32,
        call: &'a Call,
        service: &str,
        addresses: Vec<Text>,
        found: &Found<'a>,
        rpcs: &Rpcs,
    ) -> Vec<Outbound> {
        // A method that the declared service does not have is one of its answer's, or of the stub itself.
        if !rpcs.may_serve(&format!("/{service}/{}", call.name)) {
            return Vec::new();
        }
        let site = CallSite {
            function: call.function,
            in_loop: call.in_loop,
            result_used: call.result_used,
            spawned: call.spawned,
            protocol: "grpc".to_owned(),
            ..CallSite::new("grpc/stub", SiteKind::Grpc, call.line)
        };
        addresses
            .into_iter()
            .map(|mut text| {
                let mut chain = found.chain.clone();
                chain.append(&mut text.chain);
                let text = Text { chain, sure: text.sure.min(found.sure), ..text };
                let mut out = self.outbound(unit, &site, call.line, "RPC", &text);
                let operation = rpcs.operation(service, &call.name);
                out.path = format!("/{operation}");
                out.site.operation = operation;
                self.by_service(&mut out, service, rpcs);
                out
            })
            .collect()
    }

    /// A channel that is not known leads to the only one that implements the service.
    fn by_service(&self, out: &mut Outbound, service: &str, rpcs: &Rpcs) {
        if !matches!(out.settled, Settled::Unknown(_) | Settled::Relative) {
            return;
        }
        let by_name = || self.nodes.find(&service_stem(service));
        if let Some(at) = rpcs.implementer(service).or_else(by_name).filter(|at| *at != self.at) {
            out.settled = Settled::Node(at);
            out.site.confidence = Confidence::Probable;
        }
    }

    /// Calls on clients that another file made: `orders.get("/orders")` where `orders` is imported.
    #[must_use]
    pub fn clients(&self) -> Vec<Outbound> {
        let mut all = Vec::new();
        for (u, unit) in self.scope.units.iter().enumerate() {
            let u = u as u32;
            for call in &unit.calls {
                let Some(verb) = verb_of(&call.name).filter(|_| self.scope.is_live(u, call.function)) else { continue };
                let Some(receiver @ (Expr::Ref(_) | Expr::Field(..))) = &call.receiver else { continue };
                let serves = |s: &&CallSite| s.kind == SiteKind::Serve || s.function == call.function;
                if unit.sites.iter().filter(|s| s.line == call.line).any(|s| serves(&s)) || call.arguments.is_empty() {
                    continue;
                }
                let owner = call.function.and_then(|f| unit.functions[f as usize].owner.as_deref());
                let frame = Frame::new(u, call.function, owner);
                self.texts.values.restart();
                let heads = self.texts.values.heads(receiver, &frame, 0);
                let made =
                    heads.iter().any(|f| matches!(&f.head, Head::Expr(Expr::Call(_, name, _), _) if name == "@client"));
                if !made {
                    continue;
                }
                let site = CallSite {
                    function: call.function,
                    receiver: Some(receiver.clone()),
                    in_loop: call.in_loop,
                    result_used: call.result_used,
                    spawned: call.spawned,
                    ..CallSite::new("http/client", SiteKind::Http, call.line)
                };
                let bases = self.client_bases(receiver, &frame);
                let paths = self.texts.of(&call.arguments[0].value, &frame);
                // A client without a base address is given whole addresses.
                let addresses = if bases.is_empty() { paths } else { super::sites::joined(&bases, &paths) };
                all.extend(addresses.iter().map(|t| self.outbound(u, &site, call.line, verb, t)));
            }
        }
        all
    }

    /// Calls of the methods of declared client interfaces.
    #[must_use]
    pub fn interfaces(&self) -> Vec<Outbound> {
        let mut all = Vec::new();
        for (u, unit) in self.scope.units.iter().enumerate() {
            // On a type the rule declares the client, on its methods the operations.
            let declared = |s: &&CallSite| s.kind == SiteKind::Interface;
            for site in unit.sites.iter().filter(|s| declared(s) && s.function.is_none()) {
                all.extend(self.interface(u as u32, site));
            }
            // Where only methods are annotated, a registration says where the client leads.
            let mut seen: BTreeSet<&str> = BTreeSet::new();
            for site in unit.sites.iter().filter(|s| declared(s) && s.function.is_some()) {
                let Some(owner) = site.owner.as_deref() else { continue };
                let whole = unit.sites.iter().any(|s| {
                    s.kind == SiteKind::Interface && s.function.is_none() && s.owner.as_deref() == Some(owner)
                });
                if !whole && seen.insert(owner) {
                    all.extend(self.interface(u as u32, site));
                }
            }
        }
        all
    }

    fn interface(&self, unit: u32, site: &'a CallSite) -> Vec<Outbound> {
        let Some(owner) = site.owner.as_deref() else { return Vec::new() };
        let frame = self.frame(unit, site);
        let mut bases = self.addresses(site.address.as_ref(), &frame);
        bases.retain(|t| !t.text.is_empty() && !t.is_hole());
        let on_method = site.function.is_some();
        if on_method {
            bases = self.registered_type(owner);
        }
        if bases.is_empty() {
            let names = self.part(site.name.as_ref(), &frame);
            bases = names.into_iter().map(|t| Text { text: format!("http://{}", t.text), ..t }).collect();
        }
        if bases.is_empty() {
            let reason = format!("{owner} has no address in this code");
            bases = vec![Text { sure: Confidence::Probable, ..Text::unknown(&reason) }];
        }
        let prefix = site.path.as_ref().filter(|_| !on_method);
        let prefix = self.part(prefix, &frame).into_iter().next().map(|t| t.text).unwrap_or_default();
        let guarded = super::fallbacks::of_client(self, unit, owner);
        let mut all = Vec::new();
        for (holder, function, method, path) in self.interface_methods(owner) {
            for (u, call) in self.scope.calls(function) {
                if !self.is_on(u, call, owner, holder) || !self.scope.is_live(u, call.function) {
                    continue;
                }
                let made = CallSite {
                    function: call.function,
                    in_loop: call.in_loop,
                    result_used: call.result_used,
                    spawned: call.spawned,
                    ..CallSite::new(&site.rule, SiteKind::Interface, call.line)
                };
                for base in &bases {
                    let text = super::texts::join_paths(&super::texts::join_paths(&base.text, &prefix), &path);
                    let mut chain = base.chain.clone();
                    chain
                        .insert(0, super::values::Step::Code(unit, site.line, format!("{owner} is a declared client")));
                    let text = Text { text, chain, ..base.clone() };
                    let mut out = self.outbound(u, &made, call.line, &method, &text);
                    out.site.fallback |= guarded;
                    all.push(out);
                }
            }
        }
        all
    }

    /// Methods of an interface and its supertypes: (holder, name, HTTP method, path).
    fn interface_methods(&self, owner: &'a str) -> Vec<(&'a str, &'a str, String, String)> {
        let mut all = Vec::new();
        let mut holders: Vec<&'a str> = vec![owner];
        let mut at = 0;
        while at < holders.len() && at < 8 {
            let holder = holders[at];
            at += 1;
            for (u, decl) in self.scope.types(holder) {
                holders.extend(decl.supertypes.iter().map(|s| plain_type(s)));
                let unit = self.scope.unit(u);
                for (i, function) in unit.functions.iter().enumerate() {
                    if function.owner.as_deref() != Some(holder) {
                        continue;
                    }
                    let is_operation = |k: SiteKind| matches!(k, SiteKind::Serve | SiteKind::Interface);
                    let served = unit.sites.iter().find(|s| is_operation(s.kind) && s.function == Some(i as u32));
                    let (method, path) = match served {
                        Some(site) => {
                            let frame = self.frame(u, site);
                            let first =
                                |e: &'a Option<Expr>| self.part(e.as_ref(), &frame).into_iter().next().map(|t| t.text);
                            (self.method(site, &frame), first(&site.path).unwrap_or_default())
                        }
                        None => ("*".to_owned(), String::new()),
                    };
                    all.push((holder, function.name.as_str(), method, path));
                }
            }
        }
        all
    }

    /// Is the receiver of a call of this interface's type?
    fn is_on(&self, unit: u32, call: &'a Call, owner: &str, holder: &str) -> bool {
        if let Some(written) = &call.receiver_type {
            let plain = plain_type(written);
            return plain == owner || plain == holder || super::scope::inner_type(written) == Some(owner);
        }
        let Some(receiver) = &call.receiver else { return false };
        let function_owner = call.function.and_then(|f| self.scope.unit(unit).functions[f as usize].owner.as_deref());
        self.texts.values.restart();
        let found = self.texts.values.heads(receiver, &Frame::new(unit, call.function, function_owner), 0);
        found.iter().any(|f| matches!(f.head, Head::Instance(name) if name == owner || name == holder))
    }
}

/// Types that a rule declares as client interfaces: what they "serve" are calls.
#[must_use]
pub fn interface_types<'a>(reader: &SiteReader<'_, 'a>) -> BTreeSet<&'a str> {
    let sites = reader.scope.units.iter().flat_map(|u| &u.sites).filter(|s| s.kind == SiteKind::Interface);
    let mut types: BTreeSet<&'a str> = sites.filter_map(|s| s.owner.as_deref()).collect();
    let inherited: Vec<&'a str> = types
        .iter()
        .flat_map(|t| reader.scope.types(t))
        .flat_map(|(_, t)| t.supertypes.iter().map(|s| plain_type(s)))
        .filter(|t| reader.scope.types(t).any(|(_, d)| d.is_interface))
        .collect();
    types.extend(inherited);
    types
}

/// The HTTP verb that a client's method is named by.
fn verb_of(name: &str) -> Option<&'static str> {
    Some(match name {
        "get" | "Get" | "GetAsync" => "GET",
        "post" | "Post" | "PostAsync" => "POST",
        "put" | "Put" | "PutAsync" => "PUT",
        "patch" | "Patch" | "PatchAsync" => "PATCH",
        "delete" | "Delete" | "DeleteAsync" => "DELETE",
        "head" | "Head" => "HEAD",
        _ => return None,
    })
}

fn no_channel() -> Text {
    Text { sure: Confidence::Probable, ..Text::unknown("the stub has no channel in this code") }
}

fn is_stub(expr: &Expr) -> bool {
    match expr {
        Expr::Call(None, name, _) => name == "@stub",
        Expr::Call(Some(receiver), ..) => is_stub(receiver),
        _ => false,
    }
}

fn last_name(expr: &Expr) -> Option<&str> {
    match expr {
        Expr::Ref(name) | Expr::Field(_, name) => Some(name),
        Expr::Call(Some(receiver), ..) => last_name(receiver),
        _ => None,
    }
}
