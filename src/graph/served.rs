//! What a service serves: endpoints, and what their handlers do to the store and to others.
//!
//! Follows calls by name and receiver type inside the service, not values.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::code::{Call, CallSite, TypeDecl};
use crate::model::facts::StoreEffect;
use crate::model::{Endpoint, Expr, Place, SiteKind, SourceKind};

use super::rpc::{flat, interface_types};
use super::scope::{FunctionId, Scope, plain_type};
use super::sites::{Outbound, SiteReader, plain_path};
use super::stores;

/// More functions of one name than this are not followed: the name says too little.
const NAMESAKES: usize = 4;
/// How deep a handler is followed.
const DEPTH: usize = 14;

/// What functions do by themselves.
#[derive(Debug, Default)]
pub struct Effects {
    reads: BTreeSet<FunctionId>,
    writes: BTreeSet<FunctionId>,
    /// Lines of calls to the store.
    store_calls: BTreeMap<FunctionId, BTreeSet<u32>>,
    aggregates: BTreeSet<FunctionId>,
    emits: BTreeSet<FunctionId>,
    calls_out: BTreeMap<FunctionId, BTreeSet<Place>>,
}

/// What a handler reaches.
#[derive(Debug, Default)]
struct Reached {
    effect: Option<StoreEffect>,
    store_calls: u32,
    aggregates: bool,
    emits: bool,
    calls_out: BTreeSet<Place>,
}

impl Effects {
    /// Collects the direct effects of the functions of a service.
    #[must_use]
    pub fn of(reader: &SiteReader<'_, '_>, outbound: &[Outbound]) -> Self {
        let mut effects = Self::default();
        for (unit, site) in reader.live() {
            let Some(function) = site.function else { continue };
            let id = FunctionId { unit, function };
            if matches!(site.kind, SiteKind::Publish | SiteKind::Mail) {
                effects.emits.insert(id);
            }
            let Some(access) = stores::access(reader, unit, site) else { continue };
            if access == crate::model::TableAccess::Reads {
                effects.reads.insert(id);
                if stores::aggregates(reader, unit, site) {
                    effects.aggregates.insert(id);
                }
            } else {
                effects.writes.insert(id);
            }
            effects.store_calls.entry(id).or_default().insert(site.line);
        }
        for out in outbound.iter().filter(|o| o.mode == crate::model::Mode::Sync) {
            if let (unit, Some(function)) = out.held_by {
                let place = Place::new(&out.site.root, &out.site.path, out.site.line);
                effects.calls_out.entry(FunctionId { unit, function }).or_default().insert(place);
            }
        }
        effects
    }

    /// What a handler reaches: its effect on the store and the outbound call sites.
    fn reached(&self, scope: &Scope<'_>, handler: FunctionId) -> Reached {
        let mut seen: BTreeSet<FunctionId> = BTreeSet::new();
        let mut queue = vec![(handler, 0)];
        let mut all = Reached { effect: Some(StoreEffect::Nothing), ..Reached::default() };
        while let Some((at, depth)) = queue.pop() {
            if depth > DEPTH || !seen.insert(at) {
                continue;
            }
            if self.writes.contains(&at) {
                all.effect = Some(StoreEffect::Writes);
            } else if self.reads.contains(&at) && all.effect == Some(StoreEffect::Nothing) {
                all.effect = Some(StoreEffect::Reads);
            }
            all.store_calls += self.store_calls.get(&at).map_or(0, |lines| lines.len() as u32);
            all.aggregates |= self.aggregates.contains(&at);
            all.emits |= self.emits.contains(&at);
            all.calls_out.extend(self.calls_out.get(&at).into_iter().flatten().cloned());
            let unit = scope.unit(at.unit);
            for (i, _) in unit.functions.iter().enumerate() {
                if unit.functions[i].parent == Some(at.function) {
                    queue.push((FunctionId { unit: at.unit, function: i as u32 }, depth + 1));
                }
            }
            for call in unit.calls.iter().filter(|c| c.function == Some(at.function) && !names_only(c)) {
                queue.extend(callees(scope, at, call).into_iter().map(|id| (id, depth + 1)));
            }
        }
        all
    }
}

/// `methodOn(Controller.class).method(…)` names a method for a link; nothing is called.
fn names_only(call: &Call) -> bool {
    matches!(&call.receiver, Some(Expr::Call(_, name, _)) if matches!(name.as_str(), "methodOn" | "on" | "controller"))
}

/// Functions that a call may enter.
pub(super) fn callees(scope: &Scope<'_>, from: FunctionId, call: &Call) -> Vec<FunctionId> {
    let caller = &scope.unit(from.unit).functions[from.function as usize];
    let id = |(u, i, _): &(u32, u32, &crate::model::Function)| FunctionId { unit: *u, function: *i };
    let all: Vec<_> = scope.functions(&call.name).collect();
    if let Some(written) = &call.receiver_type {
        let plain = plain_type(written);
        let typed: Vec<FunctionId> = all
            .iter()
            .filter(|(_, _, f)| {
                f.owner.as_deref().is_some_and(|o| o == plain || scope.subtypes(plain).any(|s| s == o))
                    || f.receiver.is_some()
            })
            .map(id)
            .collect();
        // A type of the language's own library has none of the service's functions.
        let foreign = |path: &str| ["java.", "javax.", "kotlin."].iter().any(|p| path.starts_with(p));
        let imported = || scope.unit(from.unit).imports.iter().any(|i| i.name == plain && foreign(&i.path));
        if !typed.is_empty() || scope.types(plain).next().is_some() || imported() {
            return typed;
        }
    }
    let own = |f: &crate::model::Function| f.owner == caller.owner;
    let this = call.receiver.is_none() || matches!(&call.receiver, Some(Expr::Ref(n)) if n == "this" || n == "self");
    if this {
        let mine: Vec<FunctionId> =
            all.iter().filter(|(u, _, f)| own(f) && (*u == from.unit || f.owner.is_some())).map(id).collect();
        if !mine.is_empty() {
            return mine;
        }
    }
    if all.len() <= NAMESAKES { all.iter().map(id).collect() } else { Vec::new() }
}

/// Endpoints that the code of a service serves.
#[must_use]
pub fn endpoints(reader: &SiteReader<'_, '_>, effects: &Effects) -> Vec<Endpoint> {
    let clients = interface_types(reader);
    let mut all = Vec::new();
    for (unit, site) in reader.live() {
        let served = match site.kind {
            SiteKind::Serve => true,
            SiteKind::ServeRpc => {
                all.extend(rpc_endpoints(reader, effects, unit, site));
                false
            }
            _ => false,
        };
        if !served || site.owner.as_deref().is_some_and(|o| clients.contains(o)) {
            continue;
        }
        let frame = reader.frame(unit, site);
        let paths = reader.part(site.path.as_ref(), &frame);
        let mut methods: Vec<String> = site.method.as_ref().map(constants).unwrap_or_default();
        if methods.is_empty() {
            methods = reader.part(site.method.as_ref(), &frame).into_iter().map(|t| t.text.to_uppercase()).collect();
        }
        methods.retain(|m| !m.is_empty() && m.chars().all(|c| c.is_ascii_alphabetic()));
        if methods.is_empty() {
            methods.push("ANY".to_owned());
        }
        let handler = handler_of(reader, unit, site);
        for path in paths.iter().filter(|p| !p.is_hole()) {
            for method in &methods {
                all.push(endpoint(reader, effects, unit, site, method, &plain_path(&path.text), handler));
            }
        }
    }
    all
}

fn endpoint(
    reader: &SiteReader<'_, '_>,
    effects: &Effects,
    unit: u32,
    site: &CallSite,
    method: &str,
    path: &str,
    handler: Option<FunctionId>,
) -> Endpoint {
    let function = handler.map(|h| &reader.scope.unit(h.unit).functions[h.function as usize]);
    let place = &reader.scope.unit(handler.map_or(unit, |h| h.unit)).place;
    let known = handler.is_some();
    let reached = handler.map(|h| effects.reached(reader.scope, h)).unwrap_or_default();
    Endpoint {
        service: reader.nodes.all[reader.at].name.clone(),
        method: method.to_owned(),
        path: path.to_owned(),
        handler: function.map(|f| f.name.clone()).filter(|n| !n.is_empty()).unwrap_or_else(|| written_handler(site)),
        place: Place::new(&place.root, &place.path, function.map_or(site.line, |f| f.line)),
        seen_in: SourceKind::Code,
        effect: reached.effect,
        calls_out: known.then_some(reached.calls_out.len() as u32),
        call_sites: reached.calls_out.into_iter().collect(),
        store_calls: known.then_some(reached.store_calls),
        aggregates: reached.aggregates,
        emits: reached.emits,
    }
}

fn written_handler(site: &CallSite) -> String {
    match &site.handler {
        Some(Expr::Ref(name) | Expr::Field(_, name) | Expr::Literal(name)) => {
            name.rsplit(['@', '.', ':']).next().unwrap_or(name).to_owned()
        }
        _ => String::new(),
    }
}

/// The function that handles: the annotated one, the registered one, or the inline one.
pub(super) fn handler_of(reader: &SiteReader<'_, '_>, unit: u32, site: &CallSite) -> Option<FunctionId> {
    let u = reader.scope.unit(unit);
    let by_name = |name: &str| {
        let name = name.rsplit(['@', '.', ':']).next().unwrap_or(name);
        let mut all: Vec<(u32, u32)> = reader.scope.functions(name).map(|(u, i, _)| (u, i)).collect();
        all.sort_by_key(|(at, _)| *at != unit);
        all.first().map(|(unit, function)| FunctionId { unit: *unit, function: *function })
    };
    match &site.handler {
        None => site.function.map(|function| FunctionId { unit, function }),
        Some(Expr::Ref(name) | Expr::Field(_, name) | Expr::Literal(name)) => by_name(name),
        Some(Expr::Call(_, _, arguments)) => arguments.iter().find_map(|a| match &a.value {
            Expr::Ref(name) | Expr::Field(_, name) => by_name(name),
            _ => None,
        }),
        Some(_) => u
            .functions
            .iter()
            .enumerate()
            .filter(|(_, f)| f.parent == site.function && f.line >= site.line && f.line <= site.line + 3)
            .min_by_key(|(_, f)| f.line)
            .map(|(i, _)| FunctionId { unit, function: i as u32 }),
    }
}

/// Methods that constants name, wherever these are defined: `RequestMethod.GET`, `{HttpMethod.PUT, HttpMethod.POST}`.
fn constants(expr: &Expr) -> Vec<String> {
    match expr {
        Expr::List(parts) => parts.iter().flat_map(constants).collect(),
        _ => {
            let last = expr.dotted().map(|d| d.rsplit('.').next().unwrap_or_default().to_uppercase());
            let known = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"];
            last.into_iter().filter(|l| known.contains(&l.as_str())).collect()
        }
    }
}

/// The methods of a type that implements an RPC service.
fn rpc_endpoints(reader: &SiteReader<'_, '_>, effects: &Effects, unit: u32, site: &CallSite) -> Vec<Endpoint> {
    let frame = reader.frame(unit, site);
    let service = reader.part(site.name.as_ref(), &frame).into_iter().next().map(|t| t.text).unwrap_or_default();
    let holder = match &site.handler {
        Some(expr) => reader.texts.values.heads(expr, &frame, 0).into_iter().find_map(|f| match f.head {
            super::values::Head::Instance(name) => Some(name),
            super::values::Head::Expr(call, _) => reader.texts.values.constructed(call).map(|(name, _)| name),
            _ => None,
        }),
        // A registration names the type; what a generated base declares stands with that base.
        None if site.function.is_some() => {
            let named = service.as_str();
            let plain = |t: &TypeDecl| !t.supertypes.iter().any(|s| s.contains('.') && s.ends_with("Base"));
            reader.scope.types(named).find(|(_, t)| plain(t)).map(|_| named)
        }
        None => site.owner.as_deref(),
    };
    let Some(holder) = holder else { return Vec::new() };
    let service = super::rpc::service_stem(&service);
    let mut all = Vec::new();
    for (u, _) in reader.scope.types(holder) {
        for (i, function) in reader.scope.unit(u).functions.iter().enumerate() {
            let is_method = function.owner.as_deref() == Some(holder) && function.parent.is_none();
            if !is_method || function.name == "new" {
                continue;
            }
            let handler = FunctionId { unit: u, function: i as u32 };
            let path = format!("/{service}/{}", function.name);
            all.push(endpoint(reader, effects, u, site, "RPC", &path, Some(handler)));
        }
    }
    all.sort_by(|a, b| (&a.path, &a.place).cmp(&(&b.path, &b.place)));
    all.dedup_by(|a, b| flat(&a.path) == flat(&b.path));
    all
}
