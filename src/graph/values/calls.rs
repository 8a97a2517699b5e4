//! Calls: what functions return, methods of followed values, what is written through a pointer.

use std::rc::Rc;

use crate::model::code::Function;
use crate::model::{Argument, Confidence, Expr, SiteKind, Unit};

use crate::graph::scope::plain_type;

use super::*;

/// Methods that read an entry of a map by its key.
fn reads_entry(name: &str) -> bool {
    let lower = name.to_lowercase();
    [
        "get", "fetch", "at", "dig", "find", "lookup", "pop", "set", "value", "index", "item", "read", "section",
        "require",
    ]
    .iter()
    .any(|w| lower.starts_with(w))
}

/// Parts of a key: what is deeper is a chain of calls, not of sections.
const SECTIONS: usize = 8;

impl<'s, 'a> Values<'s, 'a> {
    pub(super) fn call(
        &self,
        expr: &'a Expr,
        receiver: Option<&'a Expr>,
        name: &'a str,
        arguments: &'a [Argument],
        frame: &Frame<'a>,
        depth: u8,
    ) -> Many<'a> {
        let itself = || vec![Found::new(Head::Expr(expr, frame.clone()))];
        if let ("@instance", Some(Expr::Ref(made))) = (name, arguments.first().map(|a| &a.value)) {
            return vec![Found::new(Head::Instance(plain_type(made)))];
        }
        if name.starts_with('@') || name.starts_with("new ") {
            return itself();
        }
        let Some(receiver) = receiver else {
            let found = self.plain_call(name, arguments, frame, depth);
            if !found.is_empty() {
                return found;
            }
            if self.constructed(expr).is_some() {
                return itself();
            }
            let through = self.through(arguments, frame, depth);
            // What is made of an object of options is not that object.
            let made = name.starts_with(char::is_uppercase);
            return through.into_iter().filter(|f| !made || !matches!(f.head, Head::Expr(Expr::Map(_), _))).collect();
        };
        let objects = self.heads(receiver, frame, depth);
        let extensions: Vec<_> = self
            .scope
            .functions(name)
            .filter(|(_, _, f)| f.receiver.is_some() && !f.returns.is_empty())
            .take(4)
            .collect();
        let mut found: Many<'a> = Vec::new();
        for object in &objects {
            for (u, i, f) in extensions.iter().copied() {
                found.extend(self.returned(u, i, f, arguments, Some(object.clone()), frame, depth));
            }
            if extensions.is_empty() || !known(&found) {
                found.extend(self.method(object, name, arguments, frame, depth));
            }
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
    pub(super) fn through(&self, arguments: &'a [Argument], frame: &Frame<'a>, depth: u8) -> Many<'a> {
        match arguments.first() {
            Some(first) => {
                let found = self.heads(&first.value, frame, depth);
                found.into_iter().map(|f| f.after(&[], Confidence::Probable)).collect()
            }
            None => vec![Found::hole("the result of an unknown function")],
        }
    }

    pub(super) fn plain_call(
        &self,
        name: &'a str,
        arguments: &'a [Argument],
        frame: &Frame<'a>,
        depth: u8,
    ) -> Many<'a> {
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
        let classes: [Fits<'_>; 4] = [
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
    pub(super) fn returned(
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
        let frame =
            Frame { unit, function: Some(index), owner: function.owner.as_deref(), line: 0, via: Some(Rc::new(via)) };
        let step = [Step::Code(unit, function.line, format!("returned by {}", function.name))];
        function
            .returns
            .iter()
            .flat_map(|value| self.heads(value, &frame, depth + 1))
            .map(|f| f.after(&step, Confidence::Confirmed))
            .collect()
    }

    /// A method of a followed value.
    pub(super) fn method(
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
            // Only what reads an entry gives one: `poll`, `send` and the like give something else.
            Head::Expr(Expr::Map(_), _) if !arguments.is_empty() && !reads_entry(name) => {
                vec![Found::hole(format!("the result of {name}"))]
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
                // A section that is bound to an object: its accessors read the keys below it.
                None if self.reads_section(object, name) => self.field_of(object, getter(name), depth),
                _ => vec![object.clone()],
            },
            Head::Hole(reason) => vec![Found::hole(reason.clone())],
            // Trimming, converting, unwrapping: the text goes on.
            Head::Expr(..) => return vec![object.clone().after(&[], Confidence::Confirmed)],
        };
        found.into_iter().map(|f| f.after(&object.chain, object.sure)).collect()
    }

    pub(super) fn method_of(
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

    /// Does a method of a configured value read a section below it: has a type that is bound to properties, or one
    /// beside it, a field of that name?
    fn reads_section(&self, object: &Found<'a>, name: &str) -> bool {
        let Head::Property(key) = &object.head else { return false };
        let field = getter(name);
        let bound = |u: &&&Unit| u.sites.iter().any(|s| s.kind == SiteKind::Properties);
        key.split('.').count() < SECTIONS
            && self
                .scope
                .units
                .iter()
                .filter(bound)
                .flat_map(|u| &u.types)
                .any(|t| t.fields.iter().any(|f| f.name.eq_ignore_ascii_case(field)))
    }

    /// What a function writes through a pointer parameter.
    pub(super) fn out(&self, call: &'a Expr, at: usize, frame: &Frame<'a>, depth: u8) -> Many<'a> {
        let Expr::Call(_, name, arguments) = call else { return vec![Found::hole("no call")] };
        let mut found = Vec::new();
        for (u, i, f) in self.scope.functions(name) {
            let Some(parameter) = f.parameters.get(at) else { continue };
            let place = format!("*{}", parameter.name);
            let unit = self.scope.unit(u);
            let via = Rc::new(Via { unit: u, function: i, arguments, caller: frame.clone(), this: None });
            let inner = Frame { unit: u, function: Some(i), owner: f.owner.as_deref(), line: 0, via: Some(via) };
            let written = unit.bindings.iter().filter(|b| b.function == Some(i) && b.place == place).map(|b| (u, b));
            found.extend(self.bindings(written, &inner, depth));
        }
        if found.is_empty() { vec![Found::hole(format!("what {name} writes is not in this code"))] } else { found }
    }
}
