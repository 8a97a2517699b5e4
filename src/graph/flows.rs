//! What the entries of a service do, in order: calls, publications, reads and writes of the store, waits.
//!
//! Follows calls by name and receiver type inside the service, as `served` does, and keeps the order of the code,
//! loops, and which decisions stand between. Sees one service; whom a call leads to is joined later by its place.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::code::Call;
use crate::model::{Condition, Expr, Flow, FlowStep, Mode, Place, SiteKind, StepKind, TableAccess};

use super::scope::{FunctionId, Scope};
use super::served::{callees, handler_of};
use super::sites::{Outbound, SiteReader};
use super::stores;

/// How deep a handler is followed.
const DEPTH: usize = 14;
/// Steps of one flow that are kept.
const MOST_STEPS: usize = 300;
/// Functions that one flow enters: more means that names do not tell enough.
const MOST_VISITS: usize = 1_500;
/// Remote calls that the result of one function is traced to.
const MOST_SOURCES: usize = 8;
/// Lines that a binding may stand above the call whose result it holds.
const WRAPPED: u32 = 3;

/// Places where code waits, from the facts.
pub type Waits = BTreeSet<(String, String, u32)>;

/// Something that happens in a function, by line.
#[derive(Debug, Clone)]
enum Event {
    Step(StepKind, String, bool),
    Enter(Vec<FunctionId>, bool),
}

/// A function: its events in order, and its decisions about results of remote calls.
#[derive(Debug, Default)]
struct Body {
    events: Vec<(u32, Event)>,
    /// (line, place of the call whose result is looked at).
    checks: Vec<(u32, Place)>,
}

/// The flows of one service.
#[must_use]
pub fn flows(reader: &SiteReader<'_, '_>, outbound: &[Outbound], waits: &Waits) -> Vec<Flow> {
    let walker = Walker::of(reader, outbound, waits);
    let mut entries: Vec<FunctionId> = entries(reader);
    entries.sort();
    entries.dedup();
    let mut reached: BTreeSet<FunctionId> = BTreeSet::new();
    let mut all: Vec<Flow> = entries.iter().map(|e| walker.flow(*e, &mut reached)).collect();
    // What no entry reaches runs by other means: schedulers, start-up, frameworks.
    let rest: Vec<FunctionId> = walker.acting().into_iter().filter(|f| !reached.contains(f)).collect();
    for function in rest {
        if !reached.contains(&function) {
            all.push(walker.flow(function, &mut reached));
        }
    }
    all.retain(|f| !f.steps.is_empty());
    all.sort_by(|a, b| (&a.place, &a.handler).cmp(&(&b.place, &b.handler)));
    all
}

/// Handlers of operations and of messages.
fn entries(reader: &SiteReader<'_, '_>) -> Vec<FunctionId> {
    let mut all = Vec::new();
    for (unit, site) in reader.live() {
        match site.kind {
            SiteKind::Serve | SiteKind::Consume => all.extend(handler_of(reader, unit, site)),
            SiteKind::ServeRpc => {
                let Some(holder) = site.owner.as_deref() else { continue };
                for (u, _) in reader.scope.types(holder) {
                    let functions = reader.scope.unit(u).functions.iter().enumerate();
                    let methods = functions.filter(|(_, f)| f.owner.as_deref() == Some(holder) && f.parent.is_none());
                    all.extend(methods.map(|(i, _)| FunctionId { unit: u, function: i as u32 }));
                }
            }
            _ => {}
        }
    }
    all
}

struct Walker<'w, 'a> {
    scope: &'w Scope<'a>,
    service: &'w str,
    bodies: BTreeMap<FunctionId, Body>,
}

impl<'w, 'a> Walker<'w, 'a> {
    fn of(reader: &'w SiteReader<'_, 'a>, outbound: &[Outbound], waits: &Waits) -> Self {
        let scope: &'w Scope<'a> = reader.scope;
        let mut bodies: BTreeMap<FunctionId, Body> = BTreeMap::new();
        let mut calls: BTreeSet<(FunctionId, u32)> = BTreeSet::new();
        for out in outbound.iter().filter(|o| o.mode == Mode::Sync && !o.site.dead) {
            let (unit, Some(function)) = out.held_by else { continue };
            let id = FunctionId { unit, function };
            if calls.insert((id, out.site.line)) {
                let step = Event::Step(StepKind::Call, out.site.operation.clone(), out.site.in_loop);
                bodies.entry(id).or_default().events.push((out.site.line, step));
            }
        }
        for (unit, site) in reader.live() {
            let Some(function) = site.function else { continue };
            let kind = match (site.kind, stores::access(reader, unit, site)) {
                (SiteKind::Publish, _) => StepKind::Publish,
                (_, Some(TableAccess::Reads)) => StepKind::StoreRead,
                (_, Some(_)) => StepKind::StoreWrite,
                _ => continue,
            };
            let says = site.rule.rsplit('/').next().unwrap_or_default().to_owned();
            let body = bodies.entry(FunctionId { unit, function }).or_default();
            body.events.push((site.line, Event::Step(kind, says, site.in_loop)));
        }
        for u in 0..scope.units.len() as u32 {
            follow(scope, u, waits, &mut bodies);
        }
        for body in bodies.values_mut() {
            body.events.sort_by_key(|(line, _)| *line);
        }
        let mut walker = Self { scope, service: &reader.nodes.all[reader.at].name, bodies };
        walker.decisions();
        walker
    }

    /// Functions that act by themselves, with the named function around a closure instead of the closure.
    fn acting(&self) -> Vec<FunctionId> {
        let acts = |body: &Body| body.events.iter().any(|(_, e)| matches!(e, Event::Step(..)));
        let mut all: Vec<FunctionId> =
            self.bodies.iter().filter(|(_, b)| acts(b)).map(|(id, _)| self.outermost(*id)).collect();
        all.sort();
        all.dedup();
        all
    }

    fn outermost(&self, id: FunctionId) -> FunctionId {
        let functions = &self.scope.unit(id.unit).functions;
        let mut at = id.function;
        while let Some(parent) = functions[at as usize].parent {
            at = parent;
        }
        FunctionId { unit: id.unit, function: at }
    }

    fn place(&self, id: FunctionId, line: u32) -> Place {
        let place = &self.scope.unit(id.unit).place;
        Place::new(&place.root, &place.path, line)
    }

    fn name(&self, id: FunctionId) -> String {
        let function = &self.scope.unit(id.unit).functions[id.function as usize];
        match &function.owner {
            Some(owner) => format!("{owner}.{}", function.name),
            None => function.name.clone(),
        }
    }

    fn flow(&self, entry: FunctionId, reached: &mut BTreeSet<FunctionId>) -> Flow {
        let function = &self.scope.unit(entry.unit).functions[entry.function as usize];
        let mut flow = Flow {
            service: self.service.to_owned(),
            place: self.place(entry, function.line),
            handler: self.name(entry),
            steps: Vec::new(),
            cut: false,
        };
        let mut visit = Visit { walker: self, flow: &mut flow, reached, visited: BTreeSet::new(), stack: Vec::new() };
        visit.enter(entry, false, &BTreeSet::new());
        flow
    }

    /// Remote calls that a function reaches.
    fn sources(&self, id: FunctionId, seen: &mut BTreeSet<FunctionId>, into: &mut BTreeSet<Place>, depth: usize) {
        if depth > DEPTH || into.len() >= MOST_SOURCES || !seen.insert(id) {
            return;
        }
        let Some(body) = self.bodies.get(&id) else { return };
        for (line, event) in &body.events {
            match event {
                Event::Step(StepKind::Call, ..) => {
                    into.insert(self.place(id, *line));
                }
                Event::Enter(callees, _) => callees.iter().for_each(|c| self.sources(*c, seen, into, depth + 1)),
                Event::Step(..) => {}
            }
        }
    }

    /// Fills in which conditions look at results of remote calls.
    fn decisions(&mut self) {
        let mut found: Vec<(FunctionId, Vec<(u32, Place)>)> = Vec::new();
        for (u, unit) in self.scope.units.iter().enumerate() {
            let mut by_function: BTreeMap<u32, Vec<&Condition>> = BTreeMap::new();
            for condition in &unit.conditions {
                let holder = unit
                    .functions
                    .iter()
                    .enumerate()
                    .filter(|(_, f)| f.line <= condition.line && condition.line <= f.end_line)
                    .min_by_key(|(_, f)| f.end_line - f.line);
                if let Some((at, _)) = holder {
                    by_function.entry(at as u32).or_default().push(condition);
                }
            }
            for (function, conditions) in by_function {
                let id = FunctionId { unit: u as u32, function };
                let checks = self.checks(id, &conditions);
                if !checks.is_empty() {
                    found.push((id, checks));
                }
            }
        }
        for (id, checks) in found {
            self.bodies.entry(id).or_default().checks = checks;
        }
    }

    fn checks(&self, id: FunctionId, conditions: &[&Condition]) -> Vec<(u32, Place)> {
        let Some(body) = self.bodies.get(&id) else { return Vec::new() };
        let unit = self.scope.unit(id.unit);
        // Lines of calls with the remote calls behind them.
        let mut behind: BTreeMap<u32, BTreeSet<Place>> = BTreeMap::new();
        for (line, event) in &body.events {
            let mut places = BTreeSet::new();
            match event {
                Event::Step(StepKind::Call, ..) => {
                    places.insert(self.place(id, *line));
                }
                Event::Enter(callees, _) => {
                    callees.iter().for_each(|c| self.sources(*c, &mut BTreeSet::from([id]), &mut places, 1));
                }
                Event::Step(..) => {}
            }
            if !places.is_empty() {
                behind.entry(*line).or_default().extend(places);
            }
        }
        if behind.is_empty() {
            return Vec::new();
        }
        let mut names: BTreeMap<&str, BTreeSet<Place>> = BTreeMap::new();
        let mut bindings: Vec<_> = unit.bindings.iter().filter(|b| b.function == Some(id.function)).collect();
        bindings.sort_by_key(|b| b.line);
        for binding in bindings {
            let mut places: BTreeSet<Place> = BTreeSet::new();
            if calls_something(&binding.value, 0) {
                let near = behind.range(binding.line..=binding.line + WRAPPED).next();
                places.extend(near.into_iter().flat_map(|(_, p)| p.iter().cloned()));
            }
            let known = names.iter().filter(|(name, _)| mentions(&binding.value, name, 0));
            places.extend(known.flat_map(|(_, p)| p.iter().cloned()));
            if !places.is_empty() && !is_error(&binding.place) {
                names.entry(&binding.place).or_default().extend(places);
            }
        }
        let mut checks = Vec::new();
        for condition in conditions.iter().filter(|c| !c.names.iter().any(|n| is_transport(n))) {
            let by_name = condition.names.iter().filter_map(|n| names.get(n.as_str())).flatten();
            let direct = behind.get(&condition.line).into_iter().flatten();
            let places: BTreeSet<&Place> = by_name.chain(direct).collect();
            checks.extend(places.into_iter().map(|p| (condition.line, p.clone())));
        }
        checks
    }
}

/// Adds the calls of a unit that enter other functions, its closures, and its waits.
fn follow(scope: &Scope<'_>, u: u32, waits: &Waits, bodies: &mut BTreeMap<FunctionId, Body>) {
    let unit = scope.unit(u);
    for call in &unit.calls {
        let Some(function) = call.function else { continue };
        let id = FunctionId { unit: u, function };
        if waits.contains(&(unit.place.root.clone(), unit.place.path.clone(), call.line)) {
            let step = Event::Step(StepKind::Wait, call.name.clone(), call.in_loop);
            bodies.entry(id).or_default().events.push((call.line, step));
        }
        let entered = entered(scope, id, call);
        if !entered.is_empty() {
            bodies.entry(id).or_default().events.push((call.line, Event::Enter(entered, call.in_loop)));
        }
    }
    for (i, function) in unit.functions.iter().enumerate() {
        if let Some(parent) = function.parent {
            let inner = FunctionId { unit: u, function: i as u32 };
            let outer = bodies.entry(FunctionId { unit: u, function: parent }).or_default();
            outer.events.push((function.line, Event::Enter(vec![inner], false)));
        }
    }
}

fn entered(scope: &Scope<'_>, id: FunctionId, call: &Call) -> Vec<FunctionId> {
    // What is spawned and never awaited is no part of what the entry does before it answers.
    if call.spawned { Vec::new() } else { callees(scope, id, call) }
}

struct Visit<'v, 'w, 'a> {
    walker: &'v Walker<'w, 'a>,
    flow: &'v mut Flow,
    reached: &'v mut BTreeSet<FunctionId>,
    visited: BTreeSet<(FunctionId, bool)>,
    stack: Vec<FunctionId>,
}

impl Visit<'_, '_, '_> {
    fn enter(&mut self, id: FunctionId, in_loop: bool, checked: &BTreeSet<Place>) {
        let deep = self.stack.len() > DEPTH || self.visited.len() > MOST_VISITS;
        self.flow.cut |= deep;
        if deep || self.stack.contains(&id) || !self.visited.insert((id, in_loop)) {
            return;
        }
        self.reached.insert(id);
        let Some(body) = self.walker.bodies.get(&id) else { return };
        self.stack.push(id);
        for (line, event) in &body.events {
            let mut known = checked.clone();
            known.extend(body.checks.iter().filter(|(at, _)| at < line).map(|(_, p)| p.clone()));
            match event {
                Event::Enter(callees, looped) => {
                    callees.iter().for_each(|c| self.enter(*c, in_loop || *looped, &known));
                }
                Event::Step(kind, says, looped) => {
                    let place = self.walker.place(id, *line);
                    self.step(*kind, place, self.walker.name(id), says, in_loop || *looped, known);
                }
            }
        }
        self.stack.pop();
    }

    fn step(
        &mut self,
        kind: StepKind,
        place: Place,
        function: String,
        says: &str,
        looped: bool,
        known: BTreeSet<Place>,
    ) {
        if let Some(step) = self.flow.steps.iter_mut().find(|s| s.kind == kind && s.place == place) {
            step.in_loop |= looped;
            return;
        }
        if self.flow.steps.len() >= MOST_STEPS {
            self.flow.cut = true;
            return;
        }
        let says = says.to_owned();
        let after_check_of = known.into_iter().filter(|p| *p != place).collect();
        self.flow.steps.push(FlowStep { kind, place, function, in_loop: looped, says, after_check_of });
    }
}

/// A name that holds an error, not a result.
fn is_error(name: &str) -> bool {
    matches!(name.rsplit('.').next().unwrap_or(name), "err" | "error" | "e" | "ex" | "exception" | "ok" | "_")
}

/// A name that asks whether the call went through, not what it said.
fn is_transport(name: &str) -> bool {
    let lower = name.to_lowercase();
    matches!(
        lower.as_str(),
        "statuscode"
            | "getstatuscode"
            | "status_code"
            | "issuccessstatuscode"
            | "issuccess"
            | "is_success"
            | "ok"
            | "is2xxsuccessful"
            | "raise_for_status"
            | "getstatuscodevalue"
            | "is_err"
            | "is_ok"
            | "err"
            | "error"
            | "issuccessful"
            | "iserror"
    )
}

fn calls_something(value: &Expr, depth: usize) -> bool {
    let go = |e: &Expr| depth < 16 && calls_something(e, depth + 1);
    match value {
        Expr::Call(..) | Expr::Out(..) => true,
        Expr::Field(inner, _) => go(inner),
        Expr::Index(inner, key) => go(inner) || go(key),
        Expr::Choice(parts) | Expr::Concat(parts) | Expr::List(parts) => parts.iter().any(go),
        Expr::Opaque(reason) => reason.contains("await"),
        _ => false,
    }
}

fn mentions(value: &Expr, name: &str, depth: usize) -> bool {
    let go = |e: &Expr| depth < 16 && mentions(e, name, depth + 1);
    match value {
        Expr::Ref(other) => other == name,
        Expr::Field(inner, _) | Expr::Out(inner, _) => go(inner) || value.dotted().as_deref() == Some(name),
        Expr::Index(inner, key) => go(inner) || go(key),
        Expr::Call(receiver, _, arguments) => {
            receiver.as_deref().is_some_and(go) || arguments.iter().any(|a| go(&a.value))
        }
        Expr::Choice(parts) | Expr::Concat(parts) | Expr::List(parts) | Expr::Lambda(parts) => parts.iter().any(go),
        Expr::Map(entries) => entries.iter().any(|(_, v)| go(v)),
        _ => false,
    }
}
