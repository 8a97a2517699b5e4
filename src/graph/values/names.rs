//! Names: locals, parameters, module-level names, imports, and what callers pass.

use crate::model::code::{Binding, Call, Function};
use crate::model::{Confidence, Expr};

use crate::graph::scope::{inner_type, plain_type};

use super::*;

impl<'s, 'a> Values<'s, 'a> {
    pub(super) fn name(&self, name: &'a str, frame: &Frame<'a>, depth: u8) -> Many<'a> {
        if matches!(name, "this" | "self") {
            return vec![self.this(frame)];
        }
        let Some(unit) = self.scope.units.get(frame.unit as usize) else {
            return vec![Found::hole("there is no code")];
        };
        let mut at = frame.function;
        while let Some(f) = at {
            let function = &unit.functions[f as usize];
            let mut locals: Vec<&'a Binding> =
                unit.bindings.iter().filter(|b| b.function == Some(f) && b.place == name).collect();
            if frame.line > 0 && frame.function == Some(f) {
                locals = latest(locals, frame.line);
            }
            if !locals.is_empty() {
                let inner = Frame { function: Some(f), ..frame.clone() };
                return self.bindings(locals.into_iter().map(|b| (frame.unit, b)), &inner, depth);
            }
            if let Some(index) = function.parameters.iter().position(|p| p.name == name) {
                return self.parameter(frame, f, index, depth);
            }
            if function.receiver.as_ref().is_some_and(|r| r.name == name) {
                return self.extended(frame, f, depth);
            }
            at = function.parent;
        }
        // A lambda among the arguments of a call has locals of its own.
        if let Some(outer) = frame.function {
            let inside = |b: &&'a Binding| {
                b.place == name && b.function.is_some_and(|f| f != outer && crate::graph::scope::within(unit, f, outer))
            };
            let locals: Vec<&'a Binding> = unit.bindings.iter().filter(inside).collect();
            if let Some(first) = locals.first()
                && locals.iter().all(|b| b.function == first.function)
            {
                let found = self.bindings(locals.into_iter().map(|b| (frame.unit, b)), frame, depth);
                return found.into_iter().map(|f| f.after(&[], Confidence::Probable)).collect();
            }
        }
        if let Some(owner) = frame.owner {
            let fields = self.field(owner, name, frame.this(), Some(frame.unit), depth);
            if known(&fields) {
                return fields;
            }
        }
        self.global(name, frame, depth)
    }

    /// The type whose object `this` is: a closure has that of the method around it.
    pub(super) fn object_of(&self, frame: &Frame<'a>) -> Option<&'a str> {
        let unit = self.scope.units.get(frame.unit as usize)?;
        let around = std::iter::successors(frame.function, |f| unit.functions[*f as usize].parent);
        frame.owner.or_else(|| around.into_iter().find_map(|f| unit.functions[f as usize].owner.as_deref()))
    }

    pub(super) fn this(&self, frame: &Frame<'a>) -> Found<'a> {
        match (frame.this(), self.object_of(frame)) {
            (Some(found), _) => found.clone(),
            (None, Some(owner)) => Found::new(Head::Instance(owner)),
            (None, None) => Found::new(Head::Module(frame.unit)),
        }
    }

    /// Several bindings of one place: each is possible.
    pub(super) fn bindings(
        &self,
        all: impl Iterator<Item = (u32, &'a Binding)>,
        frame: &Frame<'a>,
        depth: u8,
    ) -> Many<'a> {
        all.flat_map(|(unit, binding)| {
            let function = binding.function;
            let same = unit == frame.unit && function == frame.function;
            let inner = if same {
                Frame { line: binding.line, ..frame.clone() }
            } else {
                Frame {
                    unit,
                    function,
                    owner: self.owner_of(unit, binding),
                    line: binding.line,
                    via: frame.via.clone(),
                }
            };
            let step = [Step::Code(unit, binding.line, format!("{} is set", binding.place))];
            self.heads(&binding.value, &inner, depth)
                .into_iter()
                .map(|f| f.after(&step, Confidence::Confirmed))
                .collect::<Many<'a>>()
        })
        .collect()
    }

    pub(super) fn owner_of(&self, unit: u32, binding: &'a Binding) -> Option<&'a str> {
        let by_function = || {
            let f = binding.function?;
            self.scope.unit(unit).functions[f as usize].owner.as_deref()
        };
        binding.owner.as_deref().or_else(by_function)
    }

    /// Module-level names: this unit, imports, the same folder, types, and last a name that is unique.
    pub(super) fn global(&self, name: &'a str, frame: &Frame<'a>, depth: u8) -> Many<'a> {
        let at_module = |b: &Binding| b.function.is_none() && b.place == name;
        let all: Vec<(u32, &'a Binding)> = self.scope.bindings(name).filter(|(_, b)| at_module(b)).collect();
        let mine: Vec<_> = all.iter().copied().filter(|(u, _)| *u == frame.unit).collect();
        if !mine.is_empty() {
            let found = self.bindings(mine.into_iter(), &Frame::new(frame.unit, None, None), depth);
            return if known(&found) { found } else { self.assigned(name, frame.unit, found, depth) };
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

    /// A module-level name that is only declared there gets its value in a function of the same file (`init`, `main`).
    fn assigned(&self, name: &str, at: u32, declared: Many<'a>, depth: u8) -> Many<'a> {
        let unit = self.scope.unit(at);
        let is_parameter = |f: u32| unit.functions[f as usize].parameters.iter().any(|p| p.name == name);
        let set = unit.bindings.iter().filter(|b| b.place == name && b.function.is_some_and(|f| !is_parameter(f)));
        let found = self.bindings(set.map(|b| (at, b)), &Frame::new(at, None, None), depth);
        if found.is_empty() { declared } else { found }
    }

    /// What an import path and name lead to inside the scope.
    pub(super) fn imported(
        &self,
        path: &'a str,
        name: &'a str,
        from: u32,
        all: &[(u32, &'a Binding)],
        depth: u8,
    ) -> Many<'a> {
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
    pub(super) fn is_module(&self, unit: u32, path: &str, from: u32) -> bool {
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
        // `example.com/shop/orders/internal/config` is the folder `orders/internal/config` of this repository.
        let ends = |path: &str| path.rsplit('/').take(2).map(str::to_owned).collect::<Vec<_>>();
        if path.contains('/')
            && !path.starts_with('.')
            && place.folder().contains('/')
            && ends(wanted) == ends(place.folder())
        {
            return true;
        }
        stem == wanted || stem.ends_with(&format!("/{wanted}")) || place.folder().ends_with(&format!("/{wanted}"))
    }

    /// The default export of a module, or its only object.
    pub(super) fn exported(&self, unit: u32, name: &'a str, depth: u8) -> Many<'a> {
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

    pub(super) fn parameter(&self, frame: &Frame<'a>, function: u32, index: usize, depth: u8) -> Many<'a> {
        let declared = &self.scope.unit(frame.unit).functions[function as usize];
        let parameter = &declared.parameters[index];
        let mut found: Many<'a> = Vec::new();
        let mut default = false;
        match frame.via.as_deref().filter(|via| via.unit == frame.unit && via.function == function) {
            Some(via) => match passed(via.arguments, index, parameter).as_slice() {
                [] => default = true,
                values => return values.iter().flat_map(|v| self.heads(v, &via.caller, depth)).collect(),
            },
            None => {
                let callers = self.callers(frame.unit, declared);
                if callers.len() > CALLERS {
                    return vec![Found::hole(format!("{} has {} callers", declared.name, callers.len()))];
                }
                for (unit, call) in &callers {
                    let values = passed(&call.arguments, index, parameter);
                    default |= values.is_empty();
                    let owner = self.owner_of_function(*unit, call.function);
                    let inner = Frame::new(*unit, call.function, owner);
                    let step = [Step::Code(*unit, call.line, format!("passed to {} as {}", call.name, parameter.name))];
                    let heads = values.into_iter().flat_map(|value| self.heads(value, &inner, depth));
                    found.extend(heads.map(|f| f.after(&step, Confidence::Confirmed)));
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

    /// What an extension function is called on.
    fn extended(&self, frame: &Frame<'a>, function: u32, depth: u8) -> Many<'a> {
        let via = frame.via.as_deref().filter(|via| via.unit == frame.unit && via.function == function);
        if let Some(this) = via.and_then(|via| via.this.as_ref()) {
            return vec![this.clone()];
        }
        let declared = &self.scope.unit(frame.unit).functions[function as usize];
        let callers = self.callers(frame.unit, declared);
        let mut found: Many<'a> = Vec::new();
        for (unit, call) in callers.iter().take(CALLERS) {
            let Some(receiver) = &call.receiver else { continue };
            let inner = Frame::new(*unit, call.function, self.owner_of_function(*unit, call.function));
            let step = [Step::Code(*unit, call.line, format!("{} is called on it", call.name))];
            let heads = self.heads(receiver, &inner, depth);
            found.extend(heads.into_iter().map(|f| f.after(&step, Confidence::Confirmed)));
        }
        match &declared.receiver {
            Some(receiver) if !known(&found) => self.provided(&receiver.type_name, &receiver.name, depth),
            _ => found,
        }
    }

    pub(super) fn owner_of_function(&self, unit: u32, function: Option<u32>) -> Option<&'a str> {
        function.and_then(|f| self.scope.unit(unit).functions[f as usize].owner.as_deref())
    }

    /// Calls of a module that is a function, by the names that other files import it under.
    fn importers(&self, unit: u32) -> Vec<(u32, &'a Call)> {
        let stem = |path: &'a str| {
            let file = path.rsplit('/').next().unwrap_or(path);
            file.split('.').find(|part| !part.is_empty()).unwrap_or(file)
        };
        let place = &self.scope.unit(unit).place;
        let own = match stem(&place.path) {
            "index" => stem(place.folder()),
            own => own,
        };
        let mut all = Vec::new();
        for (at, other) in (0..).zip(&self.scope.units).filter(|(at, _)| *at != unit) {
            let imports = other.imports.iter().filter(|i| i.path.starts_with('.') && stem(&i.path) == own);
            for import in imports {
                let calls = self.scope.calls(&import.name);
                all.extend(calls.filter(|(u, call)| *u == at && call.receiver.is_none()));
            }
        }
        all
    }

    /// Calls that may enter this function.
    pub(super) fn callers(&self, unit: u32, function: &'a Function) -> Vec<(u32, &'a Call)> {
        if function.owner.is_none() && function.name == "exports" {
            return self.importers(unit);
        }
        let Some(owner) = function.owner.as_deref() else {
            return self.scope.calls(&function.name).filter(|(u, c)| self.may_be_plain(*u, c, unit)).collect();
        };
        if function.name == "new" {
            let constructed = format!("new {owner}");
            let fits =
                |c: &Call| c.receiver.as_ref().is_some_and(|r| r.dotted().is_some_and(|d| plain_type(&d) == owner));
            let overloaded =
                self.scope.functions("new").filter(|(_, _, f)| f.owner.as_deref() == Some(owner)).count() > 1;
            let least = function.parameters.iter().filter(|p| p.default.is_none()).count();
            // Of several constructors a call enters the one that takes its arguments.
            let enters = |c: &Call| !overloaded || (least..=function.parameters.len()).contains(&c.arguments.len());
            return self
                .scope
                .calls(&constructed)
                .chain(self.scope.calls(owner).filter(|(_, c)| c.receiver.is_none() || c.receiver_type.is_none()))
                .chain(self.scope.calls("new").filter(|(_, c)| fits(c)))
                .filter(|(_, c)| enters(c))
                .collect();
        }
        let extension = function.receiver.is_some();
        // Where the object is always written, a call without one enters no method.
        let written = |u: u32| {
            let language = self.scope.unit(u).language.as_str();
            matches!(language, "rust" | "go" | "python" | "javascript" | "typescript" | "php")
        };
        let fits = |u: u32, c: &Call| extension || (c.receiver.is_some() || !written(u)) && self.may_enter(c, owner);
        self.scope.calls(&function.name).filter(|(u, c)| fits(*u, c)).collect()
    }

    /// A call without a receiver, or through the module, may enter a plain function.
    pub(super) fn may_be_plain(&self, from: u32, call: &Call, unit: u32) -> bool {
        match &call.receiver {
            None => true,
            Some(Expr::Ref(name)) => {
                let caller = self.scope.unit(from);
                let target = self.scope.unit(unit);
                from == unit
                    || caller.imports.iter().any(|i| {
                        let alone =
                            || self.scope().functions(&call.name).filter(|(_, _, f)| f.owner.is_none()).count() == 1;
                        i.name == *name && (self.is_module(unit, &i.path, from) || alone())
                    })
                    || target.place.folder().rsplit('/').next() == Some(name)
            }
            Some(Expr::Field(..)) => call.receiver_type.is_none(),
            Some(_) => false,
        }
    }

    pub(super) fn may_enter(&self, call: &Call, owner: &str) -> bool {
        let Some(written) = &call.receiver_type else { return true };
        let plain = plain_type(written);
        plain == owner
            || inner_type(written).is_some_and(|t| t == owner)
            || self.supertypes(owner).contains(&plain)
            || self.scope.types(plain).next().is_none() && !self.scope.units.is_empty() && plain.len() < 3
    }

    /// The types that fields of this name are declared with.
    #[must_use]
    pub fn declared_types(&self, name: &str) -> Vec<&'a str> {
        let fields = self.scope.units.iter().flat_map(|u| &u.types).flat_map(|t| &t.fields);
        let mut all: Vec<&'a str> = fields
            .filter(|f| f.name == name && !f.type_name.is_empty())
            .map(|f| plain_type(&f.type_name))
            .filter(|t| !is_plain(t))
            .collect();
        all.sort_unstable();
        all.dedup();
        all
    }

    /// A type, or of a common type the subtypes that this code makes, each with the place.
    #[must_use]
    pub fn made_types(&self, name: &'a str) -> Vec<(&'a str, Option<Step>)> {
        let mut all: Vec<(&'a str, Option<Step>)> = Vec::new();
        let mut queue = vec![name];
        let mut seen: Vec<&str> = Vec::new();
        while let Some(at) = queue.pop() {
            if seen.contains(&at) || seen.len() > 200 {
                continue;
            }
            seen.push(at);
            if at != name {
                let calls = self.scope.calls(at).filter(|(_, c)| c.receiver.is_none());
                let made = self.scope.calls_of_constructor(at).chain(calls).find(|(u, _)| self.scope.is_own(*u));
                all.extend(made.map(|(u, c)| (at, Some(Step::Code(u, c.line, format!("a {at} is made"))))));
            }
            queue.extend(self.scope.subtypes(at));
        }
        if all.is_empty() {
            all.push((name, None));
        }
        all.sort_by_key(|(name, _)| *name);
        all
    }

    /// A type and what it extends, nearest first.
    pub(super) fn supertypes(&self, name: &str) -> Vec<&'a str> {
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
    pub(super) fn provided(&self, type_name: &'a str, name: &str, depth: u8) -> Many<'a> {
        if type_name.is_empty() {
            return vec![Found::hole(format!("nothing passes {name}"))];
        }
        let plain = plain_type(type_name);
        let wanted =
            if self.scope.types(plain).next().is_none() { inner_type(type_name).unwrap_or(plain) } else { plain };
        if is_plain(wanted) {
            return vec![Found::hole(format!("nothing sets {name}"))];
        }
        let mut makers: Vec<(u32, u32, &'a Function)> = self.scope.makers(wanted).collect();
        if makers.len() > 1 && makers.iter().any(|(_, _, f)| f.name == name) {
            makers.retain(|(_, _, f)| f.name == name);
        }
        let mut found: Many<'a> = Vec::new();
        for (u, i, f) in makers.into_iter().take(8) {
            found.extend(self.returned(u, i, f, &[], None, &Frame::new(u, Some(i), f.owner.as_deref()), depth));
        }
        if known(&found) { found } else { vec![Found::new(Head::Instance(wanted))] }
    }
}

/// A local that is made anew by the same call again and again (`c = connect(a); …; c = connect(b); …`) is what it was
/// made last, seen from a line.
fn latest(all: Vec<&Binding>, line: u32) -> Vec<&Binding> {
    let made = |b: &Binding| match &b.value {
        Expr::Call(_, name, _) => Some(name.clone()),
        _ => None,
    };
    let first = all.first().and_then(|b| made(b));
    if all.len() < 2 || first.is_none() || all.iter().any(|b| made(b) != first) {
        return all;
    }
    match all.iter().rev().find(|b| b.line <= line) {
        Some(last) => vec![last],
        None => all,
    }
}
