//! What a file says about the types of its names: declared types, imports, constructor calls.
//!
//! Takes a unit; answers which type names an expression may have. Looks into no other file.

use std::collections::BTreeMap;

use crate::model::{Expr, Unit};

/// Names of one file with their types.
#[derive(Debug, Default)]
pub struct Types {
    locals: BTreeMap<(u32, String), String>,
    local_values: BTreeMap<(u32, String), Expr>,
    fields: BTreeMap<(String, String), String>,
    field_values: BTreeMap<(String, String), Expr>,
    globals: BTreeMap<String, String>,
    global_values: BTreeMap<String, Expr>,
    imports: BTreeMap<String, String>,
    returns: BTreeMap<String, String>,
    parents: Vec<Option<u32>>,
}

/// A chain of inferences longer than this is given up.
const LIMIT: usize = 8;

impl Types {
    /// Collects the names of a unit.
    pub fn of(unit: &Unit) -> Self {
        let mut types = Self { parents: unit.functions.iter().map(|f| f.parent).collect(), ..Self::default() };
        for import in &unit.imports {
            types.imports.insert(import.name.clone(), import.path.clone());
        }
        for decl in &unit.types {
            for field in &decl.fields {
                if !field.type_name.is_empty() {
                    types.fields.insert((decl.name.clone(), field.name.clone()), without_generics(&field.type_name));
                }
            }
        }
        for (at, function) in unit.functions.iter().enumerate() {
            for parameter in function.parameters.iter().chain(&function.receiver) {
                if !parameter.type_name.is_empty() {
                    let key = (at as u32, parameter.name.clone());
                    types.locals.insert(key, without_generics(&parameter.type_name));
                }
            }
            if !function.return_type.is_empty() {
                types.returns.insert(function.name.clone(), without_generics(&function.return_type));
            }
        }
        for binding in &unit.bindings {
            types.bind(unit, binding);
        }
        types
    }

    fn bind(&mut self, unit: &Unit, binding: &crate::model::Binding) {
        let declared = binding.type_name.as_deref().map(without_generics).filter(|t| !is_inferred(t));
        if let Some(field) = binding.place.strip_prefix("this.") {
            let owner = binding
                .owner
                .clone()
                .or_else(|| binding.function.and_then(|f| unit.functions[f as usize].owner.clone()))
                .unwrap_or_default();
            let key = (owner, field.to_owned());
            if let Some(t) = declared {
                self.fields.entry(key.clone()).or_insert(t);
            }
            // What a constructor assigns from its parameter has the parameter's type.
            if let (Expr::Ref(name), Some(f)) = (&binding.value, binding.function)
                && let Some(t) = self.locals.get(&(f, name.clone())).cloned()
            {
                self.fields.entry(key.clone()).or_insert(t);
            }
            self.field_values.entry(key).or_insert_with(|| binding.value.clone());
            return;
        }
        match binding.function {
            Some(f) => {
                let key = (f, binding.place.clone());
                if let Some(t) = declared {
                    self.locals.entry(key.clone()).or_insert(t);
                }
                self.local_values.entry(key).or_insert_with(|| binding.value.clone());
            }
            None => {
                if let Some(t) = declared {
                    self.globals.entry(binding.place.clone()).or_insert(t);
                }
                self.global_values.entry(binding.place.clone()).or_insert_with(|| binding.value.clone());
            }
        }
    }

    /// The declared type of an expression, without generics; for a builder chain that of its root.
    pub fn declared(&self, expr: &Expr, function: Option<u32>, owner: Option<&str>) -> Option<String> {
        match expr {
            Expr::Ref(name) => self
                .in_scope(&self.locals, function, name)
                .or_else(|| self.fields.get(&(owner?.to_owned(), name.clone())))
                .or_else(|| self.globals.get(name))
                .cloned()
                .or_else(|| match self.value_of(name, function, owner)? {
                    Expr::Call(None, new, _) => new.strip_prefix("new ").map(without_generics),
                    _ => None,
                }),
            Expr::Field(object, name) => {
                let holder = match &**object {
                    Expr::Ref(this) if this == "this" => owner?.to_owned(),
                    other => self.declared(other, function, owner)?,
                };
                let holder =
                    holder.rsplit(['.', ':']).next().unwrap_or(&holder).trim_start_matches(['*', '&']).to_owned();
                self.fields.get(&(holder, name.clone())).cloned()
            }
            Expr::Call(None, name, _) => match name.strip_prefix("new ") {
                Some(new) => Some(without_generics(new)),
                None => self.returns.get(name).cloned(),
            },
            Expr::Call(Some(receiver), ..) => self.declared(receiver, function, owner),
            _ => None,
        }
    }

    fn value_of(&self, name: &str, function: Option<u32>, owner: Option<&str>) -> Option<&Expr> {
        self.in_scope(&self.local_values, function, name)
            .or_else(|| self.field_values.get(&(owner?.to_owned(), name.to_owned())))
            .or_else(|| self.global_values.get(name))
    }

    /// A name in a function or the functions around it.
    fn in_scope<'a, T>(&self, map: &'a BTreeMap<(u32, String), T>, function: Option<u32>, name: &str) -> Option<&'a T> {
        let mut at = function;
        let mut steps = 0;
        while let Some(f) = at {
            if let Some(found) = map.get(&(f, name.to_owned())) {
                return Some(found);
            }
            steps += 1;
            if steps > 64 {
                return None;
            }
            at = self.parents.get(f as usize).copied().flatten();
        }
        None
    }

    /// Every name that an expression may go by: its type, its import path, the call that made it, its dotted text.
    #[expect(clippy::too_many_lines, reason = "one arm per kind of expression")]
    pub fn names(&self, expr: &Expr, function: Option<u32>, owner: Option<&str>, depth: usize) -> Vec<String> {
        let mut names = Vec::new();
        if depth > LIMIT {
            return names;
        }
        if let Some(declared) = self.declared(expr, function, owner) {
            let head = declared.split(['.', ':']).next().unwrap_or_default().trim_start_matches(['*', '&']);
            if let Some(path) = self.imports.get(head) {
                names.push(declared.replacen(head, path, 1));
            }
            names.push(declared.trim_start_matches(['*', '&']).to_owned());
        }
        match expr {
            Expr::Ref(name) => {
                if let Some(value) = self.value_of(name, function, owner) {
                    names.extend(self.names(value, function, owner, depth + 1));
                } else if let Some(path) = self.imports.get(name) {
                    names.push(path.clone());
                    names.push(name.clone());
                } else if name.starts_with(char::is_uppercase) || self.declared(expr, function, owner).is_none() {
                    names.push(name.clone());
                }
            }
            Expr::Field(object, name) => {
                if let Expr::Ref(this) = &**object
                    && this == "this"
                    && let Some(value) = self.field_values.get(&(owner.unwrap_or_default().to_owned(), name.clone()))
                {
                    names.extend(self.names(value, function, owner, depth + 1));
                }
                for head in self.names(object, function, owner, depth + 1) {
                    names.push(format!("{head}.{name}"));
                }
            }
            // `require("knex")({…})`: the module stands where an imported name would.
            Expr::Call(None, name, arguments) if name == "require" => {
                if let Some(Expr::Literal(module)) = arguments.first().map(|a| &a.value) {
                    names.push(module.clone());
                }
            }
            Expr::Call(receiver, name, _) => {
                if let Some(new) = name.strip_prefix("new ") {
                    let plain = without_generics(new);
                    if let Some(path) = self.imports.get(plain.split('.').next().unwrap_or_default()) {
                        names.push(path.clone());
                    }
                    names.push(plain);
                } else if let Some(receiver) = receiver {
                    for head in self.names(receiver, function, owner, depth + 1) {
                        names.push(format!("{head}.{name}()"));
                        names.push(head);
                    }
                } else {
                    if let Some(path) = self.imports.get(name) {
                        names.push(format!("{path}()"));
                    }
                    names.push(format!("{name}()"));
                }
            }
            Expr::Index(object, _) | Expr::Out(object, _) => {
                names.extend(self.names(object, function, owner, depth + 1))
            }
            Expr::Choice(parts) => {
                for part in parts {
                    names.extend(self.names(part, function, owner, depth + 1));
                }
            }
            _ => {}
        }
        names.sort();
        names.dedup();
        names.truncate(64);
        names
    }
}

/// Types that say nothing: `var`, `let`, `auto`, `any`, `dynamic`.
fn is_inferred(name: &str) -> bool {
    matches!(name, "var" | "let" | "val" | "auto" | "any" | "dynamic" | "object" | "Object" | "")
}

/// `List<Order>` → `List`; `*http.Client` → `http.Client`; `Foo?` → `Foo`; Rust `Arc<Client>` → `Client`.
pub fn without_generics(name: &str) -> String {
    let name = name.trim().trim_start_matches(['*', '&', '?']).trim_end_matches(['?', '!']);
    let name = name.strip_prefix("mut ").unwrap_or(name);
    if let Some((head, rest)) = name.split_once('<') {
        // Smart pointers and options stand for what they hold.
        let wraps =
            ["Arc", "Rc", "Box", "Option", "Optional", "Lazy", "Provider", "ObjectProvider", "Mutex", "RwLock", "Data"];
        if wraps.contains(&head.rsplit(['.', ':']).next().unwrap_or(head)) {
            return without_generics(rest.strip_suffix('>').unwrap_or(rest));
        }
        return head.trim().to_owned();
    }
    name.split('[').next().unwrap_or(name).trim().to_owned()
}
