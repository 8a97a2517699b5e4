//! Names that code mentions without calling them: what may be called from elsewhere.

use std::collections::BTreeSet;

use crate::model::{Expr, Unit};

/// Calls that look a method up by its name as text.
const REFLECTION: [&str; 6] =
    ["GetMethod", "GetRuntimeMethod", "getMethod", "getDeclaredMethod", "getattr", "public_send"];

/// Function names that a unit mentions other than by calling them: passed, returned, registered, looked up by text.
pub fn of<'a>(unit: &'a Unit, into: &mut BTreeSet<&'a str>) {
    for call in &unit.calls {
        let by_text = REFLECTION.contains(&call.name.as_str());
        for argument in &call.arguments {
            names(&argument.value, into, 0);
            if let (true, Expr::Literal(name)) = (by_text, &argument.value) {
                into.insert(name);
            }
        }
    }
    for binding in &unit.bindings {
        names(&binding.value, into, 0);
    }
    for function in &unit.functions {
        for value in &function.returns {
            names(value, into, 0);
        }
    }
    for site in &unit.sites {
        if let Some(handler) = &site.handler {
            names(handler, into, 0);
        }
    }
}

/// Names in a value.
pub fn names<'a>(expr: &'a Expr, into: &mut BTreeSet<&'a str>, depth: usize) {
    if depth > 16 {
        return;
    }
    match expr {
        Expr::Ref(name) => {
            into.insert(name);
        }
        Expr::Field(object, name) => {
            into.insert(name);
            names(object, into, depth + 1);
        }
        Expr::Index(object, key) => {
            names(object, into, depth + 1);
            names(key, into, depth + 1);
        }
        Expr::Call(receiver, _, arguments) => {
            if let Some(receiver) = receiver {
                names(receiver, into, depth + 1);
            }
            for argument in arguments {
                names(&argument.value, into, depth + 1);
            }
        }
        Expr::Out(inner, _) => names(inner, into, depth + 1),
        Expr::Env(_, Some(inner)) | Expr::Property(_, Some(inner)) => names(inner, into, depth + 1),
        Expr::Concat(parts) | Expr::Choice(parts) | Expr::List(parts) | Expr::Lambda(parts) => {
            for part in parts {
                names(part, into, depth + 1);
            }
        }
        Expr::Map(entries) => {
            for (_, value) in entries {
                names(value, into, depth + 1);
            }
        }
        Expr::Literal(_) | Expr::Env(..) | Expr::Property(..) | Expr::Opaque(_) => {}
    }
}
