//! What the entries of a service do, in order: calls, publications, reads and writes of the store, waits.
//!
//! Follows calls by name and receiver type inside the service, as `served` does, and keeps the order of the code,
//! loops, and which decisions stand between. Sees one service; whom a call leads to is joined later by its place.

mod words;

use std::collections::{BTreeMap, BTreeSet};

use crate::model::code::Call;
use crate::model::{Condition, Expr, Flow, FlowStep, Mode, Place, SiteKind, StepKind, TableAccess};

use super::scope::{FunctionId, Scope};
use super::served::{callees, handler_of};
use super::sites::{Outbound, SiteReader};
use super::stores;
use words::{calls_something, compatible, is_endless, is_error, is_transport, mentions};

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

/// Lines of conditions, and the place of the call whose result each looks at.
type Checks = Vec<(u32, Place)>;

/// A function: its events in order, and its decisions about results of remote calls.
#[derive(Debug, Default)]
struct Body {
    events: Vec<(u32, Event)>,
    /// Takes messages: its loop is one over messages, not over elements.
    consumes: bool,
    /// (line, place of the call whose result is looked at).
    checks: Checks,
    /// Conditions with more than one way on.
    forks: Vec<Fork>,
}

/// Branches of conditions in which something stands: condition, and which of its branches.
type Branches = Vec<(u32, u32)>;

/// A condition with several ways on.
#[derive(Debug)]
struct Fork {
    /// Number of the condition in the service.
    id: u32,
    /// Its line, and the last line of the whole statement.
    lines: (u32, u32),
    /// Lines where further branches begin.
    branches: Vec<u32>,
    /// What follows the statement is its other branch, up to this line.
    until: Option<u32>,
}

impl Fork {
    /// The branch in which a line stands; `None` if it stands in none.
    fn branch(&self, line: u32) -> Option<u32> {
        if line > self.lines.0 && line <= self.lines.1 || line == self.lines.0 && !self.branches.is_empty() {
            let at = self.branches.iter().filter(|b| **b <= line).count() as u32;
            return (line > self.lines.0).then_some(at);
        }
        self.until.filter(|end| line > self.lines.1 && line <= *end).map(|_| 1 + self.branches.len() as u32)
    }
}

/// The flows of one service.
#[must_use]
pub fn flows(reader: &SiteReader<'_, '_>, outbound: &[Outbound], waits: &Waits) -> Vec<Flow> {
    let walker = Walker::of(reader, outbound, waits);
    let mut entries: Vec<FunctionId> = entries(reader);
    entries.sort();
    entries.dedup();
    let mut reached: BTreeSet<FunctionId> = BTreeSet::new();
    let mut all: Vec<Flow> = entries.iter().map(|e| walker.flow(*e, true, &mut reached)).collect();
    // What no entry reaches runs by other means: schedulers, start-up, frameworks.
    let rest: Vec<FunctionId> = walker.acting().into_iter().filter(|f| !reached.contains(f)).collect();
    for function in rest {
        if !reached.contains(&function) {
            all.push(walker.flow(function, false, &mut reached));
        }
    }
    all.retain(|f| !f.steps.is_empty() || f.switches_on.is_some());
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
            if site.kind == SiteKind::Consume {
                bodies.entry(FunctionId { unit, function }).or_default().consumes = true;
            }
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

    /// What a function has checked when it returns: one that is called to check, and throws otherwise.
    fn guards(&self, id: FunctionId) -> Vec<Place> {
        let name = self.scope.unit(id.unit).functions[id.function as usize].name.to_lowercase();
        let checks = ["require", "ensure", "check", "validate", "verify", "assert", "guard"];
        if !checks.iter().any(|c| name.starts_with(c)) {
            return Vec::new();
        }
        self.bodies.get(&id).map(|b| b.checks.iter().map(|(_, p)| p.clone()).collect()).unwrap_or_default()
    }

    /// Functions that act by themselves, with the named function around a closure instead of the closure.
    fn acting(&self) -> Vec<FunctionId> {
        let acts = |body: &Body| body.events.iter().any(|(_, e)| matches!(e, Event::Step(..)));
        let mut all: Vec<FunctionId> =
            self.bodies.iter().filter(|(_, b)| acts(b)).map(|(id, _)| self.named(*id)).collect();
        all.sort();
        all.dedup();
        all
    }

    /// The nearest function with a name around a closure.
    fn named(&self, id: FunctionId) -> FunctionId {
        let functions = &self.scope.unit(id.unit).functions;
        let mut at = id.function;
        while let (true, Some(parent)) = (functions[at as usize].name.is_empty(), functions[at as usize].parent) {
            at = parent;
        }
        FunctionId { unit: id.unit, function: at }
    }

    fn place(&self, id: FunctionId, line: u32) -> Place {
        let place = &self.scope.unit(id.unit).place;
        Place::new(&place.root, &place.path, line)
    }

    fn name(&self, id: FunctionId) -> String {
        let functions = &self.scope.unit(id.unit).functions;
        let mut at = id.function;
        at = self.named(FunctionId { unit: id.unit, function: at }).function;
        let function = &functions[at as usize];
        match &function.owner {
            Some(owner) => format!("{owner}.{}", function.name),
            None if function.name.is_empty() => format!("the function at {}", self.place(id, function.line)),
            None => function.name.clone(),
        }
    }

    fn flow(&self, entry: FunctionId, serves: bool, reached: &mut BTreeSet<FunctionId>) -> Flow {
        let function = &self.scope.unit(entry.unit).functions[entry.function as usize];
        let mut flow = Flow {
            service: self.service.to_owned(),
            place: self.place(entry, function.line),
            handler: self.name(entry),
            entry: serves,
            switches_on: self.switch(entry),
            steps: Vec::new(),
            cut: false,
        };
        let mut visit = Visit {
            walker: self,
            flow: &mut flow,
            reached,
            visited: BTreeSet::new(),
            stack: Vec::new(),
            branches: Vec::new(),
            ways: BTreeMap::new(),
            holders: Vec::new(),
        };
        visit.enter(entry, None, false, &BTreeSet::new());
        let (ways, holders) = (visit.ways, visit.holders);
        for (step, holder) in flow.steps.iter_mut().zip(&holders) {
            step.ways = ways.get(holder).map_or(0, |w| compatible(&w.values().collect::<Vec<_>>()));
        }
        flow
    }

    /// A choice among several cases by a value that names a kind of work.
    fn switch(&self, entry: FunctionId) -> Option<(String, Place)> {
        let unit = self.scope.unit(entry.unit);
        let function = &unit.functions[entry.function as usize];
        let kinds = ["type", "kind", "action", "command", "operation", "op", "requesttype", "gettype", "getaction"];
        let inside = unit.conditions.iter().filter(|c| function.line <= c.line && c.end_line <= function.end_line);
        inside.filter(|c| c.many).find_map(|c| {
            let name = c.names.iter().find(|n| kinds.contains(&n.to_lowercase().as_str()))?;
            Some((name.clone(), self.place(entry, c.line)))
        })
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

    /// Fills in which conditions look at results of remote calls, and where ways part.
    fn decisions(&mut self) {
        let mut found: Vec<(FunctionId, Checks, Vec<Fork>)> = Vec::new();
        let mut number = 0;
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
                let end = unit.functions[function as usize].end_line;
                let forks = conditions.iter().filter(|c| c.leaves || !c.branches.is_empty()).map(|c| {
                    number += 1;
                    let until = (c.leaves && c.branches.is_empty()).then_some(end);
                    Fork { id: number, lines: (c.line, c.end_line), branches: c.branches.clone(), until }
                });
                let forks: Vec<Fork> = forks.collect();
                let checks = self.checks(id, &conditions);
                if self.bodies.contains_key(&id) && !(checks.is_empty() && forks.is_empty()) {
                    found.push((id, checks, forks));
                }
            }
        }
        for (id, checks, forks) in found {
            let body = self.bodies.entry(id).or_default();
            (body.checks, body.forks) = (checks, forks);
        }
    }

    fn checks(&self, id: FunctionId, conditions: &[&Condition]) -> Checks {
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
                // A value may be wrapped over lines, but it ends where a condition begins.
                let ends = |at: u32| conditions.iter().any(|c| binding.line < c.line && c.line <= at);
                let near = behind.range(binding.line..=binding.line + WRAPPED).next().filter(|(at, _)| !ends(**at));
                places.extend(near.into_iter().flat_map(|(_, p)| p.iter().cloned()));
            }
            // A call that acts gives a result of its own, whatever it is handed.
            let acts = body.events.iter().any(|(l, _)| (binding.line..=binding.line + WRAPPED).contains(l));
            let known = names.iter().filter(|(name, _)| mentions(&binding.value, name, !acts, 0));
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
        // A closure runs where it stands; an inner function with a name runs where it is called.
        if let Some(parent) = function.parent.filter(|_| function.name.is_empty()) {
            let inner = FunctionId { unit: u, function: i as u32 };
            let outer = bodies.entry(FunctionId { unit: u, function: parent }).or_default();
            outer.events.push((function.line, Event::Enter(vec![inner], false)));
        }
    }
}

fn entered(scope: &Scope<'_>, id: FunctionId, call: &Call) -> Vec<FunctionId> {
    // What is spawned and never awaited is no part of what the entry does before it answers.
    // `methodOn(Type.class).method()` makes a link to a method, it does not call it.
    let is_link = matches!(&call.receiver, Some(Expr::Call(_, name, _)) if name == "methodOn");
    if call.spawned || is_link {
        return Vec::new();
    }
    let all = callees(scope, id, call);
    // Of several methods of one name, those that take as many arguments.
    let takes = |f: &FunctionId| scope.unit(f.unit).functions[f.function as usize].parameters.len();
    let fitting: Vec<FunctionId> = all.iter().copied().filter(|f| takes(f) == call.arguments.len()).collect();
    if fitting.is_empty() { all } else { fitting }
}

struct Visit<'v, 'w, 'a> {
    walker: &'v Walker<'w, 'a>,
    flow: &'v mut Flow,
    reached: &'v mut BTreeSet<FunctionId>,
    visited: BTreeSet<(FunctionId, bool, Branches)>,
    stack: Vec<FunctionId>,
    branches: Branches,
    /// Where each function is called from.
    ways: BTreeMap<FunctionId, BTreeMap<(FunctionId, u32), Branches>>,
    /// Functions that hold the steps, in their order.
    holders: Vec<FunctionId>,
}

impl Visit<'_, '_, '_> {
    fn enter(&mut self, id: FunctionId, from: Option<(FunctionId, u32)>, in_loop: bool, checked: &BTreeSet<Place>) {
        let deep = self.stack.len() > DEPTH || self.visited.len() > MOST_VISITS;
        self.flow.cut |= deep;
        self.ways.entry(id).or_default().extend(from.map(|at| (at, self.branches.clone())));
        if deep || self.stack.contains(&id) || !self.visited.insert((id, in_loop, self.branches.clone())) {
            return;
        }
        self.reached.insert(id);
        let Some(body) = self.walker.bodies.get(&id) else { return };
        self.stack.push(id);
        let endless =
            body.consumes || is_endless(&self.walker.scope.unit(id.unit).functions[id.function as usize].name);
        let before = checked.clone();
        let mut guarded: BTreeSet<Place> = BTreeSet::new();
        for (line, event) in &body.events {
            let mut known = before.clone();
            known.extend(guarded.iter().cloned());
            known.extend(body.checks.iter().filter(|(at, _)| at < line).map(|(_, p)| p.clone()));
            let depth = self.branches.len();
            self.branches.extend(body.forks.iter().filter_map(|f| Some((f.id, f.branch(*line)?))));
            match event {
                Event::Enter(callees, looped) => {
                    for callee in callees {
                        self.enter(*callee, Some((id, *line)), in_loop || *looped && !endless, &known);
                        guarded.extend(self.walker.guards(*callee));
                    }
                }
                Event::Step(kind, says, looped) => {
                    let place = self.walker.place(id, *line);
                    self.step(*kind, place, id, says, in_loop || *looped && !endless, known);
                }
            }
            self.branches.truncate(depth);
        }
        self.stack.pop();
    }

    fn step(
        &mut self,
        kind: StepKind,
        place: Place,
        holder: FunctionId,
        says: &str,
        looped: bool,
        known: BTreeSet<Place>,
    ) {
        if let Some(step) = self.flow.steps.iter_mut().find(|s| s.kind == kind && s.place == place) {
            step.in_loop |= looped;
            // Reached on several ways: what they have in common is left.
            step.branches.retain(|b| self.branches.contains(b));
            return;
        }
        if self.flow.steps.len() >= MOST_STEPS {
            self.flow.cut = true;
            return;
        }
        let (says, function) = (says.to_owned(), self.walker.name(holder));
        let after_check_of = known.into_iter().filter(|p| *p != place).collect();
        let branches = self.branches.clone();
        self.flow.steps.push(FlowStep {
            kind,
            place,
            function,
            in_loop: looped,
            says,
            after_check_of,
            ways: 0,
            branches,
        });
        self.holders.push(holder);
    }
}
