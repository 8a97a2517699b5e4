//! Fields: what constructors, bindings, properties and containers put into them.

use std::rc::Rc;

use crate::model::code::Binding;
use crate::model::{Argument, Confidence, Expr, SiteKind};

use crate::graph::scope::plain_type;

use super::*;

/// Does a key say that its value is an address?
fn names_address(key: &str) -> bool {
    let lower = key.to_lowercase();
    ["address", "addr", "url", "uri", "host", "endpoint", "dsn", "connection"].iter().any(|w| lower.contains(w))
}

impl<'s, 'a> Values<'s, 'a> {
    /// A field of a type, of a known object or of any.
    pub(super) fn field(
        &self,
        owner: &str,
        name: &'a str,
        this: Option<&Found<'a>>,
        from: Option<u32>,
        depth: u8,
    ) -> Many<'a> {
        let home = from.and_then(|unit| self.home(owner, unit));
        let near = |unit: u32| home.is_none_or(|h| self.scope().unit(unit).place.folder() == h);
        let family = self.supertypes(owner);
        let is_ours = |o: Option<&str>| o.is_some_and(|o| o == owner || family.contains(&o));
        let mut found: Many<'a> = Vec::new();
        for (unit, binding) in self.scope.bindings(name) {
            let head = &binding.place[..binding.place.len() - name.len()];
            let holder = self.owner_of(unit, binding);
            let fits = match head {
                "this." => is_ours(holder),
                "" => {
                    (binding.function.is_none() || self.sets_field(unit, binding)) && is_ours(binding.owner.as_deref())
                }
                other => {
                    let other = other.trim_end_matches('.');
                    binding.function.is_none() && (other == owner || family.contains(&other))
                        || self.declared_as(unit, binding, other, owner)
                }
            };
            if !fits || !near(unit) {
                continue;
            }
            let frame = self.enter_constructor(unit, binding, holder, this);
            let step = [Step::Code(unit, binding.line, format!("{}.{name} is set", holder.unwrap_or(owner)))];
            found.extend(
                self.heads(&binding.value, &frame, depth).into_iter().map(|f| f.after(&step, Confidence::Confirmed)),
            );
        }
        let types = family.iter().copied().chain((!family.contains(&owner)).then_some(owner));
        let literals = types.flat_map(|t| self.scope().literals(t)).filter(|l| near(l.unit));
        for literal in literals.collect::<Vec<_>>() {
            let Some(field) = literal.fields.iter().find(|a| a.name.as_deref() == Some(name)) else { continue };
            let holder =
                literal.function.and_then(|f| self.scope().unit(literal.unit).functions[f as usize].owner.as_deref());
            let frame = Frame::new(literal.unit, literal.function, holder);
            found.extend(self.heads(&field.value, &frame, depth));
        }
        if known(&found) {
            return found;
        }
        found.extend(self.declared_field(&family, owner, name, depth));
        found
    }

    /// `url = value` in a method sets the field where no parameter or local is called so.
    fn sets_field(&self, unit: u32, binding: &Binding) -> bool {
        let unit = self.scope().unit(unit);
        let Some(f) = binding.function.filter(|_| matches!(unit.language.as_str(), "java" | "kotlin" | "csharp"))
        else {
            return false;
        };
        let declared = |b: &Binding| b.function == Some(f) && b.place == binding.place && b.type_name.is_some();
        let parameters = &unit.functions[f as usize].parameters;
        !parameters.iter().any(|p| p.name == binding.place) && !unit.bindings.iter().any(declared)
    }

    /// Where several packages have a type of this name, the one of the asking code is meant.
    fn home(&self, owner: &str, unit: u32) -> Option<&'a str> {
        let folder = self.scope().unit(unit).place.folder();
        let mut folders: Vec<&str> =
            self.scope().types(owner).map(|(u, _)| self.scope().unit(u).place.folder()).collect();
        folders.sort_unstable();
        folders.dedup();
        (folders.len() > 1 && folders.contains(&folder)).then_some(folder)
    }

    /// A local of type `owner` whose field is set from outside: `cfg.url = …` where `cfg` is a `Config`.
    pub(super) fn declared_as(&self, unit: u32, binding: &Binding, variable: &str, owner: &str) -> bool {
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
    pub(super) fn enter_constructor(
        &self,
        unit: u32,
        binding: &'a Binding,
        owner: Option<&'a str>,
        this: Option<&Found<'a>>,
    ) -> Frame<'a> {
        let mut frame = Frame::new(unit, binding.function, owner).at(binding.line);
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
    pub(super) fn declared_field(&self, family: &[&'a str], owner: &str, name: &'a str, depth: u8) -> Many<'a> {
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
                    let given = self.provided(&field.type_name, name, depth);
                    return if known(&given) { given } else { self.unmarshalled(unit, holder, owner, name) };
                }
            }
        }
        vec![Found::hole(format!("nothing sets {owner}.{name}"))]
    }

    /// A field that a library fills from a configuration file: the way to it through the types that hold it is the
    /// key (`Configuration { database: Database { url } }` is `database.url`). Options of .NET that no other object
    /// holds are mostly bound to the section that is called like them (`GetSection(nameof(OrdersOptions))`).
    fn unmarshalled(&self, unit: u32, holder: &'a str, owner: &str, name: &'a str) -> Many<'a> {
        let dotnet = self.scope().unit(unit).language == "csharp";
        let found = self.paths_to(holder, 0).into_iter().map(|path| {
            let key = match path.as_str() {
                "" if dotnet => format!("{owner}.{name}"),
                "" => name.to_owned(),
                path => format!("{path}.{name}"),
            };
            Found::new(Head::Property(key)).after(&[], Confidence::Probable)
        });
        found.collect()
    }

    /// Has a type no tag on its fields, where the type of one of them has some? Then it only uses what a file fills.
    fn only_uses(&self, outer: &str, held: &str) -> bool {
        let tagged =
            |name: &str| self.scope().types(name).any(|(_, t)| t.fields.iter().any(|f| !f.annotations.is_empty()));
        let go = self.scope().types(outer).any(|(unit, _)| self.scope().unit(unit).language == "go");
        go && tagged(held) && !tagged(outer)
    }

    /// Keys under which an object of a type may stand; the empty one for a type that no other holds.
    fn paths_to(&self, holder: &str, depth: usize) -> Vec<String> {
        let mut all = Vec::new();
        for (outer, field) in self.scope().holders(holder) {
            if depth > 4 || outer == holder || all.len() > 8 || self.only_uses(outer, holder) {
                continue;
            }
            for path in self.paths_to(outer, depth + 1) {
                all.push(if path.is_empty() { field.to_owned() } else { format!("{path}.{field}") });
            }
        }
        if all.is_empty() {
            all.push(String::new());
        }
        all.sort();
        all.dedup();
        all
    }

    pub(super) fn member(
        &self,
        expr: &'a Expr,
        object: &'a Expr,
        name: &'a str,
        frame: &Frame<'a>,
        depth: u8,
    ) -> Many<'a> {
        if let Expr::Ref(this) = object
            && matches!(this.as_str(), "this" | "self" | "super")
            && let Some(owner) = self.object_of(frame)
        {
            return self.field(owner, name, frame.this(), Some(frame.unit), depth);
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
        if known(&unique) {
            return unique;
        }
        // A map that a library fills from a file of configuration: its key is the setting's.
        if names_address(name) && name.len() > 6 {
            return vec![Found::new(Head::Property(name.to_owned())).after(&[], Confidence::Probable)];
        }
        found
    }

    /// The only place of the scope that ends with this name and is set outside functions' locals.
    pub(super) fn unique(&self, name: &'a str, dotted: Option<&str>, frame: &Frame<'a>, depth: u8) -> Many<'a> {
        // A constant that a framework copies from a module of settings keeps its name.
        let constant = name.len() > 3 && name.chars().all(|c| c.is_uppercase() || c.is_ascii_digit() || c == '_');
        if constant {
            let all: Vec<(u32, &'a Binding)> =
                self.scope().bindings(name).filter(|(_, b)| b.function.is_none() && b.place == name).collect();
            if !all.is_empty() {
                let found = self.bindings(all.into_iter(), &Frame::new(frame.unit, None, None), depth);
                return found.into_iter().map(|f| f.after(&[], Confidence::Probable)).collect();
            }
        }
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
    pub(super) fn field_of(&self, object: &Found<'a>, name: &'a str, depth: u8) -> Many<'a> {
        let found = match &object.head {
            Head::Expr(Expr::Map(entries), frame) => match entries.iter().find(|(k, _)| k == name) {
                Some((_, value)) => self.heads(value, frame, depth + 1),
                None => vec![Found::hole(format!("the object has no {name}"))],
            },
            Head::Expr(Expr::Property(key, _), _) => vec![Found::new(Head::Property(format!("{key}.{name}")))],
            Head::Property(key) => vec![Found::new(Head::Property(format!("{key}.{name}")))],
            // A section of the configuration whose name is given to a function.
            Head::Expr(Expr::Call(None, call, arguments), frame) if call == "@property" => {
                let keys = arguments.first().map(|key| self.heads(&key.value, frame, depth + 1)).unwrap_or_default();
                let named = keys.into_iter().map(|key| match &key.head {
                    Head::Expr(Expr::Literal(section), _) => {
                        let property = Head::Property(format!("{}.{name}", section.replace(':', ".")));
                        Found::new(property).after(&key.chain, key.sure)
                    }
                    _ => Found::hole(format!("{name} of a section whose name is not known")),
                });
                named.collect()
            }
            Head::Expr(call @ Expr::Call(..), frame) => match self.constructed(call) {
                Some((owner, arguments)) => match arguments.iter().find(|a| a.name.as_deref() == Some(name)) {
                    Some(argument) => self.heads(&argument.value, frame, depth + 1),
                    None => self.field(owner, name, Some(object), Some(frame.unit), depth + 1),
                },
                None => vec![Found::hole(format!("{name} of a call's result"))],
            },
            // `IOptions<T>.Value`: the wrapper stands for what it holds.
            Head::Instance(owner)
                if matches!(name, "Value" | "CurrentValue")
                    && !self.scope().types(owner).any(|(_, t)| t.fields.iter().any(|f| f.name == name)) =>
            {
                vec![object.clone().after(&[], Confidence::Confirmed)]
            }
            Head::Instance(owner) => self.field(owner, name, None, None, depth + 1),
            Head::Module(unit) => self.module_member(*unit, name, depth + 1),
            Head::Hole(reason) => vec![Found::hole(reason.clone())],
            // What a library gives for a name (a declared queue) knows the name.
            Head::Expr(Expr::Literal(_) | Expr::Concat(_) | Expr::Env(..), _)
                if matches!(name, "Name" | "name" | "queue" | "QueueName" | "method" | "Value" | "value") =>
            {
                vec![object.clone().after(&[], Confidence::Confirmed)]
            }
            Head::Expr(..) => vec![Found::hole(format!("{name} of a value that is no object"))],
        };
        found.into_iter().map(|f| f.after(&object.chain, object.sure)).collect()
    }

    pub(super) fn module_member(&self, unit: u32, name: &'a str, depth: u8) -> Many<'a> {
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

    pub(super) fn index(&self, object: &'a Expr, key: &'a Expr, frame: &Frame<'a>, depth: u8) -> Many<'a> {
        let keys: Vec<&'a str> = self
            .heads(key, frame, depth)
            .into_iter()
            .filter_map(|k| match k.head {
                Head::Expr(Expr::Literal(text), _) => Some(text.as_str()),
                _ => None,
            })
            .collect();
        let each = matches!(key, Expr::Opaque(what) if what == "each");
        let entries = |o: &Found<'a>| match &o.head {
            // One of the arguments that were passed one by one.
            Head::Expr(Expr::Literal(_), _) if each => vec![o.clone().after(&[], Confidence::Probable)],
            _ => self.entries(o, &keys, depth),
        };
        self.heads(object, frame, depth).iter().flat_map(entries).collect()
    }

    /// The entries of an object under one of these keys; all of them where the key is not known.
    pub(super) fn entries(&self, object: &Found<'a>, keys: &[&'a str], depth: u8) -> Many<'a> {
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
}
