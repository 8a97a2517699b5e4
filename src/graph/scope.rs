//! The code of one service as one place to look names up: its own units and those of libraries it uses.
//!
//! Takes facts and nodes; gives indices by name and "is this function live?". Follows no value.

mod mentions;

use std::collections::{BTreeMap, BTreeSet};

use hashbrown::HashMap;

use crate::model::code::{Binding, Call, Function, TypeDecl};
use crate::model::{Argument, Expr, Facts, SiteKind, Unit};

use super::services::Nodes;

/// A function of a scope: unit and index in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FunctionId {
    /// Position of the unit in the scope.
    pub unit: u32,
    /// Index of the function in the unit.
    pub function: u32,
}

/// Positions (unit, index in the unit) by name.
type ByName<'a> = HashMap<&'a str, Vec<(u32, u32)>>;

/// An object written out: `T{a: x}`, `T { a: x }`, `new T { A = x }`.
#[derive(Debug, Clone, Copy)]
pub struct Literal<'a> {
    /// Unit of the scope.
    pub unit: u32,
    /// Function in which it stands.
    pub function: Option<u32>,
    /// Its fields, named.
    pub fields: &'a [Argument],
}

/// The code that runs in one service.
#[derive(Debug, Default)]
pub struct Scope<'a> {
    /// Own units first, then those of libraries.
    pub units: Vec<&'a Unit>,
    /// How many units are the service's own.
    pub own: usize,
    functions: ByName<'a>,
    types: ByName<'a>,
    /// Types by the supertypes that they name.
    subtypes: HashMap<&'a str, Vec<&'a str>>,
    /// Annotated functions by the type that they return: what a container asks for objects.
    makers: ByName<'a>,
    /// Fields (type that has it, name) by their type, or by the type in a wrapper.
    holders: HashMap<&'a str, Vec<(&'a str, &'a str)>>,
    bindings: ByName<'a>,
    calls: ByName<'a>,
    literals: HashMap<&'a str, Vec<Literal<'a>>>,
    mentioned: BTreeSet<&'a str>,
    live: BTreeSet<FunctionId>,
}

/// Scopes of all nodes, in their order.
#[must_use]
pub fn scopes<'a>(facts: &'a Facts, nodes: &Nodes) -> Vec<Scope<'a>> {
    let mut own: Vec<Vec<&Unit>> = nodes.all.iter().map(|_| Vec::new()).collect();
    let mut libraries = own.clone();
    let mut owners: BTreeMap<(&str, &str), (Vec<usize>, bool)> = BTreeMap::new();
    for unit in &facts.units {
        let folder = nodes.home(&unit.place);
        let (users, library) = owners.entry(folder).or_insert_with(|| nodes.owners(facts, &unit.place));
        // What one service alone is built with is a part of it: the layers of a solution, with handlers that only a
        // framework calls.
        let shared = *library && users.len() > 1;
        for at in users.iter() {
            let list = if shared { &mut libraries } else { &mut own };
            list[*at].push(unit);
        }
    }
    for (at, own) in own.iter_mut().enumerate() {
        super::copies::copied(facts, nodes, at, own);
    }
    let paths = super::copies::ByPath::of(facts);
    for (own, libraries) in own.iter().zip(&mut libraries) {
        imported_packages(facts, own, libraries);
        super::copies::borrowed(facts, &paths, own, libraries);
    }
    own.into_iter().zip(libraries).map(|(own, libraries)| Scope::of(own, libraries)).collect()
}

/// Go says exactly which packages a program is made of: those that it imports, directly or through others.
fn imported_packages(facts: &Facts, own: &[&Unit], libraries: &mut Vec<&Unit>) {
    let go = |u: &&Unit| u.language == "go";
    let mut packages: BTreeMap<(&str, &str), Vec<&Unit>> = BTreeMap::new();
    for unit in libraries.iter().copied().filter(go) {
        packages.entry((unit.place.root.as_str(), unit.place.folder())).or_default().push(unit);
    }
    // An import names a package by the way from its module, whatever folder the module lies in.
    let way = |root: &str, folder: &str| {
        let modules = facts.modules.iter().filter(|m| m.build == "go" && m.place.root == root);
        let of =
            modules.filter_map(|m| folder.strip_prefix(m.folder.as_str()).map(|rest| rest.trim_start_matches('/')));
        of.min_by_key(|rest| rest.len()).unwrap_or(folder).to_owned()
    };
    let mut by_way: BTreeMap<String, Vec<(&str, &str)>> = BTreeMap::new();
    for (root, folder) in packages.keys() {
        by_way.entry(way(root, folder)).or_default().push((root, folder));
    }
    let mut reached: BTreeSet<(&str, &str)> = BTreeSet::new();
    let mut queue: Vec<&Unit> = own.iter().copied().filter(go).collect();
    while let Some(unit) = queue.pop() {
        for import in &unit.imports {
            let ends = import.path.match_indices('/').map(|(at, _)| &import.path[at + 1..]);
            for package in ends.filter_map(|end| by_way.get(end)).flatten() {
                if package.0 == unit.place.root && reached.insert(*package) {
                    queue.extend(packages[package].iter().copied());
                }
            }
        }
    }
    if !reached.is_empty() {
        libraries.retain(|l| l.language != "go" || reached.contains(&(l.place.root.as_str(), l.place.folder())));
    }
}

impl<'a> Scope<'a> {
    /// Indexes units.
    #[must_use]
    pub fn of(own: Vec<&'a Unit>, libraries: Vec<&'a Unit>) -> Self {
        let mut scope = Self { own: own.len(), units: own, ..Self::default() };
        scope.units.extend(libraries);
        for (u, unit) in scope.units.iter().enumerate() {
            let u = u as u32;
            for (i, function) in unit.functions.iter().enumerate() {
                scope.functions.entry(&function.name).or_default().push((u, i as u32));
                if !function.annotations.is_empty() && !function.returns.is_empty() {
                    scope.makers.entry(plain_type(&function.return_type)).or_default().push((u, i as u32));
                }
            }
            for (i, decl) in unit.types.iter().enumerate() {
                scope.types.entry(&decl.name).or_default().push((u, i as u32));
                for above in decl.supertypes.iter().map(|s| plain_type(s)).collect::<BTreeSet<_>>() {
                    scope.subtypes.entry(above).or_default().push(&decl.name);
                }
            }
            for (decl, field) in unit.types.iter().flat_map(|t| t.fields.iter().map(move |f| (t, f))) {
                let (plain, inner) = (plain_type(&field.type_name), inner_type(&field.type_name));
                for held in [Some(plain), inner.filter(|inner| *inner != plain)].into_iter().flatten() {
                    scope.holders.entry(held).or_default().push((&decl.name, &field.name));
                }
            }
            for (i, binding) in unit.bindings.iter().enumerate() {
                let last = binding.place.rsplit('.').next().unwrap_or(&binding.place);
                scope.bindings.entry(last).or_default().push((u, i as u32));
            }
            for (i, call) in unit.calls.iter().enumerate() {
                scope.calls.entry(&call.name).or_default().push((u, i as u32));
            }
            mentions::of(unit, &mut scope.mentioned);
            literals(u, unit, &mut scope.literals);
        }
        scope.find_live();
        scope
    }

    /// The unit at a position.
    #[must_use]
    pub fn unit(&self, at: u32) -> &'a Unit {
        self.units[at as usize]
    }

    /// Is the unit the service's own?
    #[must_use]
    pub fn is_own(&self, at: u32) -> bool {
        (at as usize) < self.own
    }

    /// Functions of this name.
    pub fn functions(&self, name: &str) -> impl Iterator<Item = (u32, u32, &'a Function)> + '_ {
        self.functions.get(name).into_iter().flatten().map(|(u, i)| (*u, *i, &self.unit(*u).functions[*i as usize]))
    }

    /// Types of this name.
    pub fn types(&self, name: &str) -> impl Iterator<Item = (u32, &'a TypeDecl)> + '_ {
        self.types.get(name).into_iter().flatten().map(|(u, i)| (*u, &self.unit(*u).types[*i as usize]))
    }

    /// Bindings whose place ends with this name.
    pub fn bindings(&self, last: &str) -> impl Iterator<Item = (u32, &'a Binding)> + '_ {
        self.bindings.get(last).into_iter().flatten().map(|(u, i)| (*u, &self.unit(*u).bindings[*i as usize]))
    }

    /// Calls of this name.
    pub fn calls(&self, name: &str) -> impl Iterator<Item = (u32, &'a Call)> + '_ {
        self.calls.get(name).into_iter().flatten().map(|(u, i)| (*u, &self.unit(*u).calls[*i as usize]))
    }

    /// Calls that construct an object of this type, written `new T(…)`.
    pub fn calls_of_constructor(&self, name: &str) -> impl Iterator<Item = (u32, &'a Call)> + '_ {
        self.calls(&format!("new {name}")).collect::<Vec<_>>().into_iter()
    }

    /// Objects of a type that are written out.
    pub fn literals(&self, name: &str) -> impl Iterator<Item = Literal<'a>> + '_ {
        self.literals.get(name).into_iter().flatten().copied()
    }

    /// Annotated functions that return a type.
    pub fn makers(&self, name: &str) -> impl Iterator<Item = (u32, u32, &'a Function)> + '_ {
        let at = self.makers.get(name).into_iter().flatten();
        at.map(|(u, i)| (*u, *i, &self.unit(*u).functions[*i as usize]))
    }

    /// Fields of a type, with the types that have them.
    pub fn holders(&self, name: &str) -> impl Iterator<Item = (&'a str, &'a str)> + '_ {
        self.holders.get(name).into_iter().flatten().copied()
    }

    /// Types that name `name` as a supertype.
    pub fn subtypes(&self, name: &str) -> impl Iterator<Item = &'a str> + '_ {
        self.subtypes.get(name).into_iter().flatten().copied()
    }

    /// Is a library's function reached from the service's own code? Own functions always are.
    #[must_use]
    pub fn is_live(&self, unit: u32, function: Option<u32>) -> bool {
        match function {
            _ if self.is_own(unit) => true,
            // Module level of a library runs when it is imported; type level when the type is used.
            None => true,
            // A closure lives in what holds it.
            Some(function) => {
                let functions = &self.unit(unit).functions;
                std::iter::successors(Some(function), |f| functions[*f as usize].parent)
                    .any(|function| self.live.contains(&FunctionId { unit, function }))
            }
        }
    }

    /// Nobody calls this function as far as the code shows: never mentioned, not declared for a framework.
    #[must_use]
    pub fn is_dead(&self, unit: u32, function: Option<u32>) -> bool {
        let Some(mut at) = function else { return false };
        let unit = self.unit(unit);
        // A closure lives as long as what holds it.
        while let Some(parent) = unit.functions[at as usize].parent {
            at = parent;
        }
        let function = &unit.functions[at as usize];
        if function.name.is_empty() || is_entry_name(&function.name) || !function.annotations.is_empty() {
            return false;
        }
        // What serves remote calls is called by the framework.
        if function.owner.is_some() && unit.sites.iter().any(|s| s.kind == SiteKind::ServeRpc) {
            return false;
        }
        if self.mentioned.contains(function.name.as_str())
            || self
                .calls(&function.name)
                .any(|(u, c)| function.receiver.is_some() || self.may_mean(u, c, function.owner.as_deref(), unit))
        {
            return false;
        }
        match &function.owner {
            Some(owner) => {
                let Some(decl) = unit.types.iter().find(|t| t.name == *owner) else { return false };
                self.is_closed(decl, 0) && !decl.is_interface
            }
            // An exported function of a script may be called by its framework (handlers, hooks).
            None => !matches!(unit.language.as_str(), "javascript" | "typescript" | "php" | "ruby" | "python"),
        }
    }

    /// Are all supertypes of a type, and theirs, in this code? A framework calls what implements a type of its own.
    fn is_closed(&self, decl: &TypeDecl, depth: usize) -> bool {
        depth < 8
            && decl.supertypes.iter().all(|s| {
                let mut known = self.types(plain_type(s)).peekable();
                known.peek().is_some() && known.all(|(_, t)| self.is_closed(t, depth + 1))
            })
    }

    /// Could a call of the right name mean a function of this owner, as far as its receiver tells?
    fn may_mean(&self, unit: u32, call: &Call, owner: Option<&str>, home: &Unit) -> bool {
        let imported = |name: &str| self.unit(unit).imports.iter().any(|i| i.name == name);
        match (owner, &call.receiver) {
            (None, _) | (Some(_), None) => true,
            // A function of an imported module is no method of a type here, unless the type is what was imported.
            (Some(owner), Some(Expr::Ref(name))) if imported(name) => {
                name == owner || self.types.contains_key(name.as_str())
            }
            (Some(owner), Some(_)) => match &call.receiver_type {
                Some(written) => {
                    let plain = plain_type(written);
                    plain == owner && is_of_package(written, home)
                        || inner_type(written) == Some(owner)
                        || self.related(plain, owner)
                        // Go's types do not name the interfaces that they implement.
                        || home.language == "go" && self.types(plain).any(|(_, t)| t.is_interface)
                }
                None => true,
            },
        }
    }

    /// Is one type declared here as a supertype of the other?
    fn related(&self, a: &str, b: &str) -> bool {
        let names =
            |of: &str, other: &str| self.types(of).any(|(_, t)| t.supertypes.iter().any(|s| plain_type(s) == other));
        names(a, b) || names(b, a)
    }

    /// Library functions reached by name from own code.
    fn find_live(&mut self) {
        if self.own == self.units.len() {
            return;
        }
        let mut names: BTreeSet<&str> = BTreeSet::new();
        let mut queue: Vec<&str> = Vec::new();
        for unit in &self.units[..self.own] {
            let mut found = BTreeSet::new();
            mentions::of(unit, &mut found);
            found.extend(unit.calls.iter().map(|c| c.name.as_str()));
            queue.extend(found);
        }
        // What serves remote calls is called by the framework: its methods are named by no code.
        for unit in &self.units[self.own..] {
            if unit.sites.iter().any(|s| s.kind == SiteKind::ServeRpc) {
                queue.extend(unit.functions.iter().filter(|f| f.owner.is_some()).map(|f| f.name.as_str()));
            }
        }
        while let Some(name) = queue.pop() {
            if !names.insert(name) {
                continue;
            }
            // `new T` makes every method of T reachable only if it is called by name; its constructor runs.
            let key = name.strip_prefix("new ").map_or(name, |_| "new");
            for (u, i) in self.functions.get(key).into_iter().flatten() {
                if (*u as usize) < self.own || !self.live.insert(FunctionId { unit: *u, function: *i }) {
                    continue;
                }
                let unit = self.units[*u as usize];
                // What it calls, and what it hands on to be called (handlers, callbacks).
                let inside = |f: Option<u32>| f.is_some_and(|f| within(unit, f, *i));
                let mut found = BTreeSet::new();
                for call in unit.calls.iter().filter(|c| inside(c.function)) {
                    found.insert(call.name.as_str());
                    call.arguments.iter().for_each(|a| mentions::names(&a.value, &mut found, 0));
                }
                for binding in unit.bindings.iter().filter(|b| inside(b.function)) {
                    mentions::names(&binding.value, &mut found, 0);
                }
                queue.extend(found);
            }
        }
    }
}

/// `customers.Client` is a type of the package `customers`, in languages that write the package before it.
fn is_of_package(written: &str, home: &Unit) -> bool {
    let Some((package, _)) = written.trim_start_matches(['*', '&']).rsplit_once('.') else { return true };
    home.language != "go" || package == home.package || home.place.folder().rsplit('/').next() == Some(package)
}

/// Is function `at` the function `outer` or nested in it?
#[must_use]
pub fn within(unit: &Unit, at: u32, outer: u32) -> bool {
    let mut at = Some(at);
    while let Some(f) = at {
        if f == outer {
            return true;
        }
        at = unit.functions[f as usize].parent;
    }
    false
}

/// Objects written out anywhere in a unit, by their type.
fn literals<'a>(at: u32, unit: &'a Unit, into: &mut HashMap<&'a str, Vec<Literal<'a>>>) {
    let bindings = unit.bindings.iter().map(|b| (b.function, &b.value));
    let returns =
        unit.functions.iter().enumerate().flat_map(|(i, f)| f.returns.iter().map(move |r| (Some(i as u32), r)));
    let arguments = unit.calls.iter().flat_map(|c| c.arguments.iter().map(move |a| (c.function, &a.value)));
    for (function, value) in bindings.chain(returns).chain(arguments) {
        find_literals(
            value,
            &mut |name, fields| {
                let owner = || function.and_then(|f| unit.functions[f as usize].owner.as_deref());
                let name = if name == "Self" { owner().unwrap_or(name) } else { name };
                let list = into.entry(name).or_default();
                if !list.iter().any(|l| l.unit == at && l.function == function && std::ptr::eq(l.fields, fields)) {
                    list.push(Literal { unit: at, function, fields });
                }
            },
            0,
        );
    }
}

fn find_literals<'a>(value: &'a Expr, see: &mut impl FnMut(&'a str, &'a [Argument]), depth: usize) {
    if depth > 16 {
        return;
    }
    match value {
        Expr::Call(receiver, name, arguments) => {
            if let Some(new) = name.strip_prefix("new ")
                && arguments.iter().any(|a| a.name.is_some())
            {
                see(plain_type(new), arguments);
            }
            if let Some(receiver) = receiver {
                find_literals(receiver, see, depth + 1);
            }
            arguments.iter().for_each(|a| find_literals(&a.value, see, depth + 1));
        }
        Expr::Choice(parts) | Expr::List(parts) | Expr::Lambda(parts) => {
            parts.iter().for_each(|p| find_literals(p, see, depth + 1));
        }
        Expr::Map(entries) => entries.iter().for_each(|(_, v)| find_literals(v, see, depth + 1)),
        _ => {}
    }
}

/// Names that a runtime calls.
fn is_entry_name(name: &str) -> bool {
    let by_convention = ["ConfigureServices", "Configure", "ConfigureContainer", "run", "handler", "setup", "default"];
    matches!(name, "main" | "Main" | "init" | "new" | "constructor")
        || by_convention.contains(&name)
        || name.starts_with('<')
}

/// A type name without generics, pointers, package and nullability: `*pb.Client<T>?` is `Client`.
#[must_use]
pub fn plain_type(name: &str) -> &str {
    let name = name.trim().trim_start_matches(['*', '&', '[', ']']).trim_start_matches("mut ").trim_end_matches('?');
    let name = name.split(['<', '[', ' ']).next().unwrap_or(name);
    name.rsplit(['.', ':', '\\', '/']).next().unwrap_or(name)
}

/// The type inside a wrapper: `Optional<Client>`, `Arc<Client>`, `IOptions<Settings>`; the last argument.
#[must_use]
pub fn inner_type(name: &str) -> Option<&str> {
    let inner = name.split_once('<')?.1.strip_suffix('>')?;
    let last = inner.rsplit(',').next().unwrap_or(inner);
    Some(plain_type(last.trim_end_matches('>')))
}
