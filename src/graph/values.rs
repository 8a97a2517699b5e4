//! Follows a value backward through bindings, parameters, fields, returns and objects of one service.
//!
//! Takes an expression where it stands; gives what it may be, each with the chain of places it came by. Shared
//! by all languages; knows no library. What has no definition in the code ends in a hole with its reason.

use std::cell::Cell;
use std::rc::Rc;

use crate::model::code::{Binding, Call, Function};
use crate::model::{Argument, Confidence, Evidence, Expr, Place, SiteKind, SourceKind};

use super::scope::{Scope, inner_type, plain_type};

/// Steps spent on one question before it is given up, and how deep one chain may go. The longest chain seen in
/// the verified systems has 9 steps.
const STEPS: u32 = 6_000;
const DEPTH: u8 = 40;
/// More callers of one function than this say nothing about one of them.
const CALLERS: usize = 40;

/// Where an expression stands, and how its function was entered.
#[derive(Debug, Clone)]
pub struct Frame<'a> {
    /// Unit of the scope.
    pub unit: u32,
    /// Function in it.
    pub function: Option<u32>,
    /// Type in which it stands.
    pub owner: Option<&'a str>,
    via: Option<Rc<Via<'a>>>,
}

/// The call by which a function was entered: its arguments stand in for the parameters.
#[derive(Debug)]
struct Via<'a> {
    unit: u32,
    function: u32,
    arguments: &'a [Argument],
    caller: Frame<'a>,
    this: Option<Found<'a>>,
}

impl<'a> Frame<'a> {
    /// A place in a unit.
    #[must_use]
    pub fn new(unit: u32, function: Option<u32>, owner: Option<&'a str>) -> Self {
        Self { unit, function, owner, via: None }
    }
}

/// What a value is, as far as it could be followed.
#[derive(Debug, Clone)]
pub enum Head<'a> {
    /// An expression that is no name: literal, concatenation, environment, object, call.
    Expr(&'a Expr, Frame<'a>),
    /// Some object of a type.
    Instance(&'a str),
    /// A module of the scope.
    Module(u32),
    /// A configuration property or section.
    Property(String),
    /// Not known, with the reason.
    Hole(String),
}

/// One step of a chain of evidence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// A line of code and what stands there.
    Code(u32, u32, String),
    /// A configured value.
    Configured(Evidence),
}

/// A value with the way it came.
#[derive(Debug, Clone)]
pub struct Found<'a> {
    /// What it is.
    pub head: Head<'a>,
    /// From the question backward.
    pub chain: Vec<Step>,
    /// The weakest link.
    pub sure: Confidence,
}

impl<'a> Found<'a> {
    fn new(head: Head<'a>) -> Self {
        Self { head, chain: Vec::new(), sure: Confidence::Confirmed }
    }

    fn hole(reason: impl Into<String>) -> Self {
        Self::new(Head::Hole(reason.into()))
    }

    fn is_hole(&self) -> bool {
        matches!(self.head, Head::Hole(_)) || matches!(self.head, Head::Expr(Expr::Opaque(_), _))
    }

    /// Puts what led here before the chain.
    fn after(mut self, before: &[Step], sure: Confidence) -> Self {
        let mut chain = before.to_vec();
        chain.append(&mut self.chain);
        self.chain = chain;
        self.sure = self.sure.min(sure);
        self
    }
}

/// Follows values in one scope.
pub struct Values<'s, 'a> {
    scope: &'s Scope<'a>,
    steps: Cell<u32>,
}

type Many<'a> = Vec<Found<'a>>;

fn known<'a>(found: &Many<'a>) -> bool {
    found.iter().any(|f| !f.is_hole())
}

impl<'s, 'a> Values<'s, 'a> {
    /// A follower for one scope.
    #[must_use]
    pub fn new(scope: &'s Scope<'a>) -> Self {
        Self { scope, steps: Cell::new(0) }
    }

    /// The scope.
    #[must_use]
    pub fn scope(&self) -> &'s Scope<'a> {
        self.scope
    }

    /// Starts a new question with a full budget.
    pub fn restart(&self) {
        self.steps.set(0);
    }

    /// Chain steps as evidence.
    #[must_use]
    pub fn evidence(&self, chain: &[Step]) -> Vec<Evidence> {
        chain
            .iter()
            .map(|step| match step {
                Step::Code(unit, line, says) => {
                    let place = &self.scope.unit(*unit).place;
                    let place = Place::new(&place.root, &place.path, *line);
                    Evidence::new(SourceKind::Code, place, says, Confidence::Confirmed)
                }
                Step::Configured(evidence) => evidence.clone(),
            })
            .collect()
    }

    /// What an expression may be.
    #[must_use]
    pub fn heads(&self, expr: &'a Expr, frame: &Frame<'a>, depth: u8) -> Many<'a> {
        self.steps.set(self.steps.get() + 1);
        if depth > DEPTH || self.steps.get() > STEPS {
            return vec![Found::hole("the chain of values is too long")];
        }
        match expr {
            Expr::Choice(parts) => parts.iter().flat_map(|p| self.heads(p, frame, depth + 1)).collect(),
            Expr::Ref(name) => self.name(name, frame, depth + 1),
            Expr::Field(object, name) => self.member(expr, object, name, frame, depth + 1),
            Expr::Index(object, key) => self.index(object, key, frame, depth + 1),
            Expr::Call(receiver, name, arguments) => {
                self.call(expr, receiver.as_deref(), name, arguments, frame, depth + 1)
            }
            Expr::Out(call, at) => self.out(call, *at, frame, depth + 1),
            _ => vec![Found::new(Head::Expr(expr, frame.clone()))],
        }
    }

    // ---- names ----

    fn name(&self, name: &'a str, frame: &Frame<'a>, depth: u8) -> Many<'a> {
        if matches!(name, "this" | "self") {
            return vec![self.this(frame)];
        }
        let Some(unit) = self.scope.units.get(frame.unit as usize) else {
            return vec![Found::hole("there is no code")];
        };
        let mut at = frame.function;
        while let Some(f) = at {
            let function = &unit.functions[f as usize];
            let locals: Vec<&'a Binding> =
                unit.bindings.iter().filter(|b| b.function == Some(f) && b.place == name).collect();
            if !locals.is_empty() {
                let inner = Frame { function: Some(f), ..frame.clone() };
                return self.bindings(locals.into_iter().map(|b| (frame.unit, b)), &inner, depth);
            }
            if let Some(index) = function.parameters.iter().position(|p| p.name == name) {
                return self.parameter(frame, f, index, depth);
            }
            at = function.parent;
        }
        if let Some(owner) = frame.owner {
            let fields = self.field(owner, name, frame.this(), depth);
            if known(&fields) {
                return fields;
            }
        }
        self.global(name, frame, depth)
    }

    fn this(&self, frame: &Frame<'a>) -> Found<'a> {
        match (frame.this(), frame.owner) {
            (Some(found), _) => found.clone(),
            (None, Some(owner)) => Found::new(Head::Instance(owner)),
            (None, None) => Found::new(Head::Module(frame.unit)),
        }
    }

    /// Several bindings of one place: each is possible.
    fn bindings(&self, all: impl Iterator<Item = (u32, &'a Binding)>, frame: &Frame<'a>, depth: u8) -> Many<'a> {
        all.flat_map(|(unit, binding)| {
            let function = binding.function;
            let same = unit == frame.unit && function == frame.function;
            let inner = if same {
                frame.clone()
            } else {
                Frame { unit, function, owner: self.owner_of(unit, binding), via: frame.via.clone() }
            };
            let step = [Step::Code(unit, binding.line, format!("{} is set", binding.place))];
            self.heads(&binding.value, &inner, depth)
                .into_iter()
                .map(|f| f.after(&step, Confidence::Confirmed))
                .collect::<Many<'a>>()
        })
        .collect()
    }

    fn owner_of(&self, unit: u32, binding: &'a Binding) -> Option<&'a str> {
        let by_function = || {
            let f = binding.function?;
            self.scope.unit(unit).functions[f as usize].owner.as_deref()
        };
        binding.owner.as_deref().or_else(by_function)
    }

    /// Module-level names: this unit, imports, the same folder, types, and last a name that is unique.
    fn global(&self, name: &'a str, frame: &Frame<'a>, depth: u8) -> Many<'a> {
        let at_module = |b: &Binding| b.function.is_none() && b.place == name;
        let all: Vec<(u32, &'a Binding)> = self.scope.bindings(name).filter(|(_, b)| at_module(b)).collect();
        let mine: Vec<_> = all.iter().copied().filter(|(u, _)| *u == frame.unit).collect();
        if !mine.is_empty() {
            return self.bindings(mine.into_iter(), &Frame::new(frame.unit, None, None), depth);
        }
        let unit = self.scope.unit(frame.unit);
        if let Some(import) = unit.imports.iter().find(|i| i.name == name) {
            let found = self.imported(&import.path, name, frame.unit, &all, depth);
            if known(&found) {
                return found;
            }
        }
        if self.scope.types(name).next().is_some() {
            return vec![Found::new(Head::Instance(name))];
        }
        let folder = unit.place.folder();
        let near: Vec<_> = all.iter().copied().filter(|(u, _)| self.scope.unit(*u).place.folder() == folder).collect();
        if !near.is_empty() {
            return self.bindings(near.into_iter(), &Frame::new(frame.unit, None, None), depth);
        }
        let is_constant = name.chars().all(|c| c.is_uppercase() || c.is_ascii_digit() || c == '_') && name.len() > 3;
        if is_constant && !all.is_empty() {
            let found = self.bindings(all.into_iter(), &Frame::new(frame.unit, None, None), depth);
            return found.into_iter().map(|f| f.after(&[], Confidence::Probable)).collect();
        }
        if name.starts_with(char::is_uppercase) {
            return vec![Found::new(Head::Instance(name))];
        }
        vec![Found::hole(format!("{name} has no value in this code"))]
    }

    /// What an import path and name lead to inside the scope.
    fn imported(&self, path: &'a str, name: &'a str, from: u32, all: &[(u32, &'a Binding)], depth: u8) -> Many<'a> {
        // `import a.b.NAME` and `from .a import NAME`: the last part is the name itself, before it the module.
        let last = path.rsplit(['.', '/', ':']).next().unwrap_or(path);
        let original = if path.contains(['.', ':']) && !path.contains('/') { last } else { name };
        let module = path.strip_suffix(last).map_or(path, |m| m.trim_end_matches(['.', ':', '/']));
        let hits = |u: u32, path: &str| !path.is_empty() && self.is_module(u, path, from);
        let bound: Vec<(u32, &'a Binding)> = if original == name {
            all.iter().copied().filter(|(u, _)| hits(*u, module) || hits(*u, path)).collect()
        } else {
            self.scope
                .bindings(original)
                .filter(|(u, b)| b.function.is_none() && b.place == original && (hits(*u, module) || hits(*u, path)))
                .collect()
        };
        if !bound.is_empty() {
            let frame = Frame::new(bound[0].0, None, None);
            return self.bindings(bound.into_iter(), &frame, depth);
        }
        if self.scope.types(original).next().is_some() {
            return vec![Found::new(Head::Instance(original))];
        }
        (0..self.scope.units.len() as u32)
            .find(|u| hits(*u, path))
            .map(|u| {
                let exported = self.exported(u, name, depth);
                if known(&exported) { exported } else { vec![Found::new(Head::Module(u))] }
            })
            .unwrap_or_default()
    }

    /// Does an import path, as written in unit `from`, name this unit?
    fn is_module(&self, unit: u32, path: &str, from: u32) -> bool {
        let place = &self.scope.unit(unit).place;
        let stem = place.path.rsplit_once('.').map_or(place.path.as_str(), |(stem, _)| stem);
        let stem = stem.trim_end_matches("/index").trim_end_matches("/__init__").trim_end_matches("/mod");
        let dotted = path.trim_start_matches(['.', '/', '@', '~']).replace("::", "/");
        let wanted = if path.contains('/') { dotted } else { dotted.replace('.', "/") };
        let wanted = wanted
            .rsplit_once('.')
            .filter(|(_, e)| matches!(*e, "js" | "ts" | "mjs" | "cjs"))
            .map_or(wanted.clone(), |(w, _)| w.to_owned());
        if unit == from {
            return false;
        }
        if wanted.is_empty() {
            return place.folder() == self.scope.unit(from).place.folder();
        }
        let wanted = wanted.trim_start_matches("../").trim_start_matches("crate/");
        stem == wanted || stem.ends_with(&format!("/{wanted}")) || place.folder().ends_with(&format!("/{wanted}"))
    }

    /// The default export of a module, or its only object.
    fn exported(&self, unit: u32, name: &'a str, depth: u8) -> Many<'a> {
        let default = |b: &&'a Binding| {
            b.function.is_none() && matches!(b.place.as_str(), "module.exports" | "exports.default" | "default")
        };
        let found: Vec<&'a Binding> = self.scope.unit(unit).bindings.iter().filter(default).collect();
        if !found.is_empty() && self.scope.unit(unit).functions.iter().all(|f| f.name != name) {
            let frame = Frame::new(unit, None, None);
            return self.bindings(found.into_iter().map(|b| (unit, b)), &frame, depth);
        }
        Vec::new()
    }

    // ---- parameters ----

    fn parameter(&self, frame: &Frame<'a>, function: u32, index: usize, depth: u8) -> Many<'a> {
        let declared = &self.scope.unit(frame.unit).functions[function as usize];
        let parameter = &declared.parameters[index];
        let mut found: Many<'a> = Vec::new();
        let mut default = false;
        match frame.via.as_deref().filter(|via| via.unit == frame.unit && via.function == function) {
            Some(via) => match argument(via.arguments, index, &parameter.name) {
                Some(value) => return self.heads(value, &via.caller, depth),
                None => default = true,
            },
            None => {
                let callers = self.callers(frame.unit, declared);
                if callers.len() > CALLERS {
                    return vec![Found::hole(format!("{} has {} callers", declared.name, callers.len()))];
                }
                for (unit, call) in &callers {
                    let Some(value) = argument(&call.arguments, index, &parameter.name) else {
                        default = true;
                        continue;
                    };
                    let owner = self.owner_of_function(*unit, call.function);
                    let inner = Frame::new(*unit, call.function, owner);
                    let step = [Step::Code(*unit, call.line, format!("passed to {} as {}", call.name, parameter.name))];
                    found.extend(
                        self.heads(value, &inner, depth).into_iter().map(|f| f.after(&step, Confidence::Confirmed)),
                    );
                }
                default |= callers.is_empty();
            }
        }
        if default && let Some(value) = &parameter.default {
            found.extend(self.heads(value, &Frame { function: Some(function), ..frame.clone() }, depth));
        }
        if !known(&found) {
            let given = self.provided(&parameter.type_name, &parameter.name, depth);
            if known(&given) || found.is_empty() {
                return given;
            }
        }
        found
    }

    fn owner_of_function(&self, unit: u32, function: Option<u32>) -> Option<&'a str> {
        function.and_then(|f| self.scope.unit(unit).functions[f as usize].owner.as_deref())
    }

    /// Calls that may enter this function.
    fn callers(&self, unit: u32, function: &'a Function) -> Vec<(u32, &'a Call)> {
        let Some(owner) = function.owner.as_deref() else {
            return self.scope.calls(&function.name).filter(|(u, c)| self.may_be_plain(*u, c, unit)).collect();
        };
        if function.name == "new" {
            let constructed = format!("new {owner}");
            let fits =
                |c: &Call| c.receiver.as_ref().is_some_and(|r| r.dotted().is_some_and(|d| plain_type(&d) == owner));
            return self
                .scope
                .calls(&constructed)
                .chain(self.scope.calls(owner).filter(|(_, c)| c.receiver.is_none() || c.receiver_type.is_none()))
                .chain(self.scope.calls("new").filter(|(_, c)| fits(c)))
                .collect();
        }
        self.scope.calls(&function.name).filter(|(_, c)| self.may_enter(c, owner)).collect()
    }

    /// A call without a receiver, or through the module, may enter a plain function.
    fn may_be_plain(&self, from: u32, call: &Call, unit: u32) -> bool {
        match &call.receiver {
            None => true,
            Some(Expr::Ref(name)) => {
                let caller = self.scope.unit(from);
                let target = self.scope.unit(unit);
                from == unit
                    || caller.imports.iter().any(|i| i.name == *name)
                    || target.place.folder().rsplit('/').next() == Some(name)
            }
            Some(Expr::Field(..)) => call.receiver_type.is_none(),
            Some(_) => false,
        }
    }

    fn may_enter(&self, call: &Call, owner: &str) -> bool {
        let Some(written) = &call.receiver_type else { return true };
        let plain = plain_type(written);
        plain == owner
            || inner_type(written).is_some_and(|t| t == owner)
            || self.supertypes(owner).iter().any(|t| *t == plain)
            || self.scope.types(plain).next().is_none() && !self.scope.units.is_empty() && plain.len() < 3
    }

    /// A type and what it extends, nearest first.
    fn supertypes(&self, name: &str) -> Vec<&'a str> {
        let mut all: Vec<&'a str> = Vec::new();
        let mut queue: Vec<&'a str> = self.scope.types(name).map(|(_, t)| t.name.as_str()).take(1).collect();
        while let Some(name) = queue.pop() {
            if all.contains(&name) || all.len() > 16 {
                continue;
            }
            all.push(name);
            queue.extend(self.scope.types(name).flat_map(|(_, t)| t.supertypes.iter().map(|s| plain_type(s))));
        }
        all
    }

    /// What a container injects for a type: what a function of the scope returns, else some object of the type.
    fn provided(&self, type_name: &'a str, name: &str, depth: u8) -> Many<'a> {
        if type_name.is_empty() {
            return vec![Found::hole(format!("nothing passes {name}"))];
        }
        let plain = plain_type(type_name);
        let wanted =
            if self.scope.types(plain).next().is_none() { inner_type(type_name).unwrap_or(plain) } else { plain };
        if is_plain(wanted) {
            return vec![Found::hole(format!("nothing sets {name}"))];
        }
        let mut makers: Vec<(u32, u32, &'a Function)> = Vec::new();
        for (u, unit) in self.scope.units.iter().enumerate() {
            for (i, f) in unit.functions.iter().enumerate() {
                if !f.annotations.is_empty() && plain_type(&f.return_type) == wanted && !f.returns.is_empty() {
                    makers.push((u as u32, i as u32, f));
                }
            }
        }
        if makers.len() > 1 && makers.iter().any(|(_, _, f)| f.name == name) {
            makers.retain(|(_, _, f)| f.name == name);
        }
        let mut found: Many<'a> = Vec::new();
        for (u, i, f) in makers.into_iter().take(8) {
            found.extend(self.returned(u, i, f, &[], None, &Frame::new(u, Some(i), f.owner.as_deref()), depth));
        }
        if known(&found) { found } else { vec![Found::new(Head::Instance(wanted))] }
    }

    // ---- fields ----

    /// A field of a type, of a known object or of any.
    fn field(&self, owner: &str, name: &'a str, this: Option<&Found<'a>>, depth: u8) -> Many<'a> {
        let family = self.supertypes(owner);
        let is_ours = |o: Option<&str>| o.is_some_and(|o| o == owner || family.contains(&o));
        let mut found: Many<'a> = Vec::new();
        for (unit, binding) in self.scope.bindings(name) {
            let head = &binding.place[..binding.place.len() - name.len()];
            let holder = self.owner_of(unit, binding);
            let fits = match head {
                "this." => is_ours(holder),
                "" => binding.function.is_none() && is_ours(binding.owner.as_deref()),
                other => {
                    let other = other.trim_end_matches('.');
                    binding.function.is_none() && (other == owner || family.contains(&other))
                        || self.declared_as(unit, binding, other, owner)
                }
            };
            if !fits {
                continue;
            }
            let frame = self.enter_constructor(unit, binding, holder, this);
            let step = [Step::Code(unit, binding.line, format!("{}.{name} is set", holder.unwrap_or(owner)))];
            found.extend(
                self.heads(&binding.value, &frame, depth).into_iter().map(|f| f.after(&step, Confidence::Confirmed)),
            );
        }
        if known(&found) {
            return found;
        }
        found.extend(self.declared_field(&family, owner, name, depth));
        found
    }

    /// A local of type `owner` whose field is set from outside: `cfg.url = …` where `cfg` is a `Config`.
    fn declared_as(&self, unit: u32, binding: &Binding, variable: &str, owner: &str) -> bool {
        let unit = self.scope.unit(unit);
        let Some(f) = binding.function else { return false };
        let typed = |t: &str| plain_type(t) == owner;
        let parameter = unit.functions[f as usize].parameters.iter().any(|p| p.name == variable && typed(&p.type_name));
        parameter
            || unit.bindings.iter().any(|b| {
                b.place == variable
                    && b.function == Some(f)
                    && (b.type_name.as_deref().is_some_and(typed)
                        || matches!(&b.value, Expr::Call(None, n, _) if n.strip_prefix("new ").is_some_and(typed)))
            })
    }

    /// The constructor of a known object was entered with its arguments.
    fn enter_constructor(
        &self,
        unit: u32,
        binding: &'a Binding,
        owner: Option<&'a str>,
        this: Option<&Found<'a>>,
    ) -> Frame<'a> {
        let mut frame = Frame::new(unit, binding.function, owner);
        let Some(found) = this else { return frame };
        let Head::Expr(Expr::Call(_, _, arguments), caller) = &found.head else { return frame };
        if let Some(f) = binding.function
            && self.scope.unit(unit).functions[f as usize].name == "new"
        {
            frame.via =
                Some(Rc::new(Via { unit, function: f, arguments, caller: caller.clone(), this: Some(found.clone()) }));
        }
        frame
    }

    /// A field that nothing in the code sets: bound to properties, injected, or just of its type.
    fn declared_field(&self, family: &[&'a str], owner: &str, name: &'a str, depth: u8) -> Many<'a> {
        for holder in family.iter().copied() {
            for (unit, decl) in self.scope.types(holder) {
                let sites = &self.scope.unit(unit).sites;
                let bound = sites.iter().find(|s| s.kind == SiteKind::Properties && s.owner.as_deref() == Some(holder));
                if let Some(site) = bound {
                    let prefix = match &site.name {
                        Some(Expr::Literal(prefix)) => format!("{prefix}."),
                        _ => String::new(),
                    };
                    let step = Step::Code(unit, site.line, format!("fields of {holder} are bound to {prefix}*"));
                    let found = Found::new(Head::Property(format!("{prefix}{name}")));
                    return vec![found.after(&[step], Confidence::Confirmed)];
                }
                if let Some(field) = decl.fields.iter().find(|f| f.name == name) {
                    return self.provided(&field.type_name, name, depth);
                }
            }
        }
        vec![Found::hole(format!("nothing sets {owner}.{name}"))]
    }

    fn member(&self, expr: &'a Expr, object: &'a Expr, name: &'a str, frame: &Frame<'a>, depth: u8) -> Many<'a> {
        if let Expr::Ref(this) = object
            && matches!(this.as_str(), "this" | "self" | "super")
            && let Some(owner) = frame.owner
        {
            return self.field(owner, name, frame.this(), depth);
        }
        let dotted = expr.dotted();
        if let Some(dotted) = &dotted {
            let exact: Vec<(u32, &'a Binding)> = self
                .scope
                .bindings(name)
                .filter(|(u, b)| *u == frame.unit && b.place == *dotted && !dotted.starts_with("this."))
                .collect();
            if !exact.is_empty() {
                return self.bindings(exact.into_iter(), frame, depth);
            }
        }
        let objects = self.heads(object, frame, depth);
        let found: Many<'a> = objects.iter().flat_map(|o| self.field_of(o, name, depth)).collect();
        if known(&found) {
            return found;
        }
        let unique = self.unique(name, dotted.as_deref(), frame, depth);
        if known(&unique) { unique } else { found }
    }

    /// The only place of the scope that ends with this name and is set outside functions' locals.
    fn unique(&self, name: &'a str, dotted: Option<&str>, frame: &Frame<'a>, depth: u8) -> Many<'a> {
        let mut places: Vec<(u32, &'a Binding)> =
            self.scope.bindings(name).filter(|(_, b)| b.place.contains('.')).collect();
        if let Some(dotted) = dotted
            && places.iter().any(|(_, b)| b.place == dotted)
        {
            places.retain(|(_, b)| b.place == dotted);
        }
        let holders: std::collections::BTreeSet<(&str, Option<&str>)> =
            places.iter().map(|(u, b)| (b.place.as_str(), self.owner_of(*u, b))).collect();
        if holders.len() != 1 || name.len() < 4 {
            return Vec::new();
        }
        let found = self.bindings(places.into_iter(), &Frame::new(frame.unit, None, None), depth);
        found.into_iter().map(|f| f.after(&[], Confidence::Probable)).collect()
    }

    /// A member of a followed value.
    fn field_of(&self, object: &Found<'a>, name: &'a str, depth: u8) -> Many<'a> {
        let found = match &object.head {
            Head::Expr(Expr::Map(entries), frame) => match entries.iter().find(|(k, _)| k == name) {
                Some((_, value)) => self.heads(value, frame, depth + 1),
                None => vec![Found::hole(format!("the object has no {name}"))],
            },
            Head::Expr(Expr::Property(key, _), _) => vec![Found::new(Head::Property(format!("{key}.{name}")))],
            Head::Property(key) => vec![Found::new(Head::Property(format!("{key}.{name}")))],
            Head::Expr(call @ Expr::Call(..), frame) => match self.constructed(call) {
                Some((owner, arguments)) => match arguments.iter().find(|a| a.name.as_deref() == Some(name)) {
                    Some(argument) => self.heads(&argument.value, frame, depth + 1),
                    None => self.field(owner, name, Some(object), depth + 1),
                },
                None => vec![Found::hole(format!("{name} of a call's result"))],
            },
            Head::Instance(owner) => self.field(owner, name, None, depth + 1),
            Head::Module(unit) => self.module_member(*unit, name, depth + 1),
            Head::Hole(reason) => vec![Found::hole(reason.clone())],
            Head::Expr(..) => vec![Found::hole(format!("{name} of a value that is no object"))],
        };
        found.into_iter().map(|f| f.after(&object.chain, object.sure)).collect()
    }

    fn module_member(&self, unit: u32, name: &'a str, depth: u8) -> Many<'a> {
        let exported = |b: &Binding| {
            b.function.is_none()
                && (b.place == name
                    || b.place == format!("exports.{name}")
                    || b.place == format!("module.exports.{name}"))
        };
        let here: Vec<(u32, &'a Binding)> =
            self.scope.bindings(name).filter(|(u, b)| *u == unit && exported(b)).collect();
        if !here.is_empty() {
            return self.bindings(here.into_iter(), &Frame::new(unit, None, None), depth);
        }
        // Packages of several files (Go): any file of the folder.
        let folder = self.scope.unit(unit).place.folder();
        let near: Vec<(u32, &'a Binding)> = self
            .scope
            .bindings(name)
            .filter(|(u, b)| self.scope.unit(*u).place.folder() == folder && exported(b))
            .collect();
        if !near.is_empty() {
            return self.bindings(near.into_iter(), &Frame::new(unit, None, None), depth);
        }
        let defaults = self.exported(unit, name, depth);
        let found: Many<'a> = defaults.iter().flat_map(|d| self.field_of(d, name, depth)).collect();
        if known(&found) {
            return found;
        }
        if self.scope.types(name).next().is_some() {
            return vec![Found::new(Head::Instance(name))];
        }
        vec![Found::hole(format!("the module has no {name}"))]
    }

    /// `new T(…)`, also where the language writes `T(…)`.
    #[must_use]
    pub fn constructed(&self, call: &'a Expr) -> Option<(&'a str, &'a [Argument])> {
        let Expr::Call(receiver, name, arguments) = call else { return None };
        if let Some(new) = name.strip_prefix("new ") {
            return Some((plain_type(new), arguments));
        }
        let plain = receiver.is_none() || matches!(receiver.as_deref(), Some(Expr::Ref(_)));
        (plain && self.scope.types(name).next().is_some()).then_some((name.as_str(), arguments))
    }

    fn index(&self, object: &'a Expr, key: &'a Expr, frame: &Frame<'a>, depth: u8) -> Many<'a> {
        let keys: Vec<&'a str> = self
            .heads(key, frame, depth)
            .into_iter()
            .filter_map(|k| match k.head {
                Head::Expr(Expr::Literal(text), _) => Some(text.as_str()),
                _ => None,
            })
            .collect();
        self.heads(object, frame, depth).iter().flat_map(|o| self.entries(o, &keys, depth)).collect()
    }

    /// The entries of an object under one of these keys; all of them where the key is not known.
    fn entries(&self, object: &Found<'a>, keys: &[&'a str], depth: u8) -> Many<'a> {
        let (values, frame): (Vec<&'a Expr>, &Frame<'a>) = match &object.head {
            Head::Expr(Expr::Map(entries), frame) => (
                entries.iter().filter(|(k, _)| keys.is_empty() || keys.contains(&k.as_str())).map(|(_, v)| v).collect(),
                frame,
            ),
            Head::Expr(Expr::List(parts), frame) => {
                let wanted = keys.first().and_then(|k| k.parse::<usize>().ok());
                (
                    parts.iter().enumerate().filter(|(i, _)| wanted.is_none_or(|w| w == *i)).map(|(_, v)| v).collect(),
                    frame,
                )
            }
            _ => return keys.iter().flat_map(|k| self.field_of(object, k, depth)).collect(),
        };
        let sure = if values.len() > 1 { Confidence::Probable } else { Confidence::Confirmed };
        let found = values.into_iter().flat_map(|v| self.heads(v, frame, depth + 1));
        found.map(|f| f.after(&object.chain, object.sure.min(sure))).collect()
    }

    // ---- calls ----

    fn call(
        &self,
        expr: &'a Expr,
        receiver: Option<&'a Expr>,
        name: &'a str,
        arguments: &'a [Argument],
        frame: &Frame<'a>,
        depth: u8,
    ) -> Many<'a> {
        let itself = || vec![Found::new(Head::Expr(expr, frame.clone()))];
        if name.starts_with('@') || name.starts_with("new ") {
            return itself();
        }
        let Some(receiver) = receiver else {
            let found = self.plain_call(name, arguments, frame, depth);
            if !found.is_empty() {
                return found;
            }
            return if self.constructed(expr).is_some() { itself() } else { self.through(arguments, frame, depth) };
        };
        let objects = self.heads(receiver, frame, depth);
        let mut found: Many<'a> = Vec::new();
        for object in &objects {
            found.extend(self.method(object, name, arguments, frame, depth));
        }
        if matches!(
            name,
            "orElse" | "getOrDefault" | "unwrap_or" | "orElseGet" | "unwrap_or_else" | "get" | "fetch" | "ifEmpty"
        ) && let Some(last) = arguments.last()
            && (arguments.len() > 1 || !matches!(name, "get" | "fetch"))
        {
            found.extend(self.heads(&last.value, frame, depth));
        }
        if !known(&found) {
            if self.constructed(expr).is_some() {
                return itself();
            }
            // A function of a module that is not here (`strings.TrimSuffix(url, "/")`) hands its argument on.
            if matches!(receiver, Expr::Ref(_)) {
                let through = self.through(arguments, frame, depth);
                if known(&through) {
                    return through;
                }
            }
        }
        if found.is_empty() { vec![Found::hole(format!("the result of {name}"))] } else { found }
    }

    /// An unknown function of one value is taken to hand it on.
    fn through(&self, arguments: &'a [Argument], frame: &Frame<'a>, depth: u8) -> Many<'a> {
        match arguments.first() {
            Some(first) => {
                let found = self.heads(&first.value, frame, depth);
                found.into_iter().map(|f| f.after(&[], Confidence::Probable)).collect()
            }
            None => vec![Found::hole("the result of an unknown function")],
        }
    }

    fn plain_call(&self, name: &'a str, arguments: &'a [Argument], frame: &Frame<'a>, depth: u8) -> Many<'a> {
        let all: Vec<(u32, u32, &'a Function)> = self.scope.functions(name).collect();
        if all.is_empty() {
            let bound = self.name(name, frame, depth);
            return bound
                .iter()
                .filter_map(|f| match &f.head {
                    Head::Expr(Expr::Lambda(parts), inner) => Some((parts, inner)),
                    _ => None,
                })
                .flat_map(|(parts, inner)| parts.iter().flat_map(|p| self.heads(p, inner, depth)).collect::<Many<'a>>())
                .collect();
        }
        let folder = self.scope.unit(frame.unit).place.folder();
        let classes: [&dyn Fn(&(u32, u32, &Function)) -> bool; 4] = [
            &|(u, _, f)| *u == frame.unit && f.owner.is_some() && f.owner.as_deref() == frame.owner,
            &|(u, _, f)| *u == frame.unit && f.owner.is_none(),
            &|(u, _, f)| self.scope.unit(*u).place.folder() == folder && f.owner.is_none(),
            &|_| true,
        ];
        let chosen = classes
            .iter()
            .map(|fits| all.iter().copied().filter(|f| fits(f)).collect::<Vec<_>>())
            .find(|c| !c.is_empty());
        let chosen = chosen.unwrap_or_default();
        if chosen.len() > 4 {
            return vec![Found::hole(format!("{} functions are called {name}", chosen.len()))];
        }
        let this = frame.this().cloned();
        chosen.into_iter().flat_map(|(u, i, f)| self.returned(u, i, f, arguments, this.clone(), frame, depth)).collect()
    }

    /// What a function returns when it is entered by this call.
    #[expect(clippy::too_many_arguments, reason = "a call has these parts")]
    fn returned(
        &self,
        unit: u32,
        index: u32,
        function: &'a Function,
        arguments: &'a [Argument],
        this: Option<Found<'a>>,
        caller: &Frame<'a>,
        depth: u8,
    ) -> Many<'a> {
        let via = Via { unit, function: index, arguments, caller: caller.clone(), this };
        let frame = Frame { unit, function: Some(index), owner: function.owner.as_deref(), via: Some(Rc::new(via)) };
        let step = [Step::Code(unit, function.line, format!("returned by {}", function.name))];
        function
            .returns
            .iter()
            .flat_map(|value| self.heads(value, &frame, depth + 1))
            .map(|f| f.after(&step, Confidence::Confirmed))
            .collect()
    }

    /// A method of a followed value.
    fn method(
        &self,
        object: &Found<'a>,
        name: &'a str,
        arguments: &'a [Argument],
        frame: &Frame<'a>,
        depth: u8,
    ) -> Many<'a> {
        let found: Many<'a> = match &object.head {
            Head::Instance(owner) => self.method_of(owner, name, arguments, object, frame, depth),
            Head::Expr(call @ Expr::Call(_, called, _), _) if !called.starts_with('@') => {
                match self.constructed(call) {
                    Some((owner, _)) => self.method_of(owner, name, arguments, object, frame, depth),
                    None => vec![Found::hole(format!("{name} of a call's result"))],
                }
            }
            Head::Module(unit) => {
                let folder = self.scope.unit(*unit).place.folder();
                let functions = self.scope.functions(name);
                let here: Vec<_> = functions
                    .filter(|(u, _, f)| {
                        (*u == *unit || self.scope.unit(*u).place.folder() == folder) && f.owner.is_none()
                    })
                    .take(4)
                    .collect();
                here.into_iter().flat_map(|(u, i, f)| self.returned(u, i, f, arguments, None, frame, depth)).collect()
            }
            Head::Expr(Expr::Map(_) | Expr::List(_), _) => match arguments.first().map(|a| &a.value) {
                Some(Expr::Literal(key)) => self.entries(object, &[key.as_str()], depth),
                Some(key) => {
                    let keys = self.heads(key, frame, depth);
                    let keys: Vec<&'a str> = keys
                        .iter()
                        .filter_map(|k| match k.head {
                            Head::Expr(Expr::Literal(text), _) => Some(text.as_str()),
                            _ => None,
                        })
                        .collect();
                    self.entries(object, &keys, depth)
                }
                None => vec![object.clone()],
            },
            Head::Property(_) | Head::Expr(Expr::Property(..), _) => match arguments.first().map(|a| &a.value) {
                Some(Expr::Literal(key)) => self.field_of(object, key, depth),
                _ => vec![object.clone()],
            },
            Head::Hole(reason) => vec![Found::hole(reason.clone())],
            // Trimming, converting, unwrapping: the text goes on.
            Head::Expr(..) => return vec![object.clone().after(&[], Confidence::Confirmed)],
        };
        found.into_iter().map(|f| f.after(&object.chain, object.sure)).collect()
    }

    fn method_of(
        &self,
        owner: &'a str,
        name: &'a str,
        arguments: &'a [Argument],
        object: &Found<'a>,
        frame: &Frame<'a>,
        depth: u8,
    ) -> Many<'a> {
        let mut family = self.supertypes(owner);
        if family.is_empty() {
            family.push(owner);
        }
        family.extend(self.scope.subtypes(owner).take(8));
        for holder in &family {
            let methods: Vec<_> = self
                .scope
                .functions(name)
                .filter(|(_, _, f)| f.owner.as_deref() == Some(holder) && !f.returns.is_empty())
                .take(4)
                .collect();
            if !methods.is_empty() {
                return methods
                    .into_iter()
                    .flat_map(|(u, i, f)| self.returned(u, i, f, arguments, Some(object.clone()), frame, depth))
                    .collect();
            }
        }
        // Accessors that nobody wrote: records, Lombok, data classes, properties.
        let field = getter(name);
        let declared = family.iter().flat_map(|t| self.scope.types(t)).flat_map(|(_, t)| &t.fields);
        let field = declared.map(|f| f.name.as_str()).find(|f| f.eq_ignore_ascii_case(field));
        match field {
            Some(field) => self.field_of(object, field, depth),
            None => vec![Found::hole(format!("{owner}.{name} is not in this code"))],
        }
    }

    /// What a function writes through a pointer parameter.
    fn out(&self, call: &'a Expr, at: usize, frame: &Frame<'a>, depth: u8) -> Many<'a> {
        let Expr::Call(_, name, arguments) = call else { return vec![Found::hole("no call")] };
        let mut found = Vec::new();
        for (u, i, f) in self.scope.functions(name) {
            let Some(parameter) = f.parameters.get(at) else { continue };
            let place = format!("*{}", parameter.name);
            let unit = self.scope.unit(u);
            let via = Rc::new(Via { unit: u, function: i, arguments, caller: frame.clone(), this: None });
            let inner = Frame { unit: u, function: Some(i), owner: f.owner.as_deref(), via: Some(via) };
            let written = unit.bindings.iter().filter(|b| b.function == Some(i) && b.place == place).map(|b| (u, b));
            found.extend(self.bindings(written, &inner, depth));
        }
        if found.is_empty() { vec![Found::hole(format!("what {name} writes is not in this code"))] } else { found }
    }
}

impl<'a> Frame<'a> {
    fn this(&self) -> Option<&Found<'a>> {
        self.via.as_deref().and_then(|via| via.this.as_ref())
    }
}

/// Types of text and numbers: no container makes them.
fn is_plain(name: &str) -> bool {
    matches!(
        name,
        "string"
            | "String"
            | "str"
            | "int"
            | "Integer"
            | "long"
            | "Long"
            | "number"
            | "bool"
            | "boolean"
            | "Boolean"
            | "Int"
            | "float"
            | "double"
            | "any"
            | "object"
            | "Object"
            | "bytes"
            | "byte"
            | "u16"
            | "usize"
            | "i32"
            | "u64"
    )
}

/// The argument for a parameter: by name, else by position among those without a name.
fn argument<'a>(arguments: &'a [Argument], index: usize, name: &str) -> Option<&'a Expr> {
    let named = arguments.iter().find(|a| a.name.as_deref() == Some(name));
    named.or_else(|| arguments.get(index).filter(|a| a.name.is_none())).map(|a| &a.value)
}

/// `getBaseUrl` and `baseUrl` read the field `baseUrl`.
fn getter(name: &str) -> &str {
    name.strip_prefix("get")
        .or_else(|| name.strip_prefix("is"))
        .filter(|rest| rest.starts_with(char::is_uppercase))
        .unwrap_or(name)
}
