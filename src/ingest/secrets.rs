//! Secrets in code are masked before anything else sees them: user info of URLs, values of secret names.
//!
//! Takes a unit as a language gave it; the same unit, its literals masked.

use crate::model::evidence::is_secret_key;
use crate::model::{Annotation, Argument, Expr, Unit, mask_secrets};

/// Masks every literal of a unit.
pub fn mask(unit: &mut Unit) {
    for binding in &mut unit.bindings {
        let last = binding.place.rsplit('.').next().unwrap_or_default().to_owned();
        named(&last, &mut binding.value);
    }
    for call in &mut unit.calls {
        if let Some(receiver) = &mut call.receiver {
            value(receiver, 0);
        }
        arguments(&mut call.arguments);
    }
    for function in &mut unit.functions {
        function.returns.iter_mut().for_each(|r| value(r, 0));
        annotations(&mut function.annotations);
        for parameter in &mut function.parameters {
            let name = parameter.name.clone();
            parameter.default.iter_mut().for_each(|d| named(&name, d));
            annotations(&mut parameter.annotations);
        }
    }
    for decl in &mut unit.types {
        annotations(&mut decl.annotations);
        decl.fields.iter_mut().for_each(|f| annotations(&mut f.annotations));
    }
}

fn annotations(all: &mut [Annotation]) {
    all.iter_mut().for_each(|a| arguments(&mut a.arguments));
}

fn arguments(all: &mut [Argument]) {
    for argument in all {
        match argument.name.clone() {
            Some(name) => named(&name, &mut argument.value),
            None => value(&mut argument.value, 0),
        }
    }
}

/// A literal under a secret name is hidden as a whole.
fn named(name: &str, expr: &mut Expr) {
    match expr {
        Expr::Literal(text) if is_secret_key(name) && !text.is_empty() => "***".clone_into(text),
        other => value(other, 0),
    }
}

fn value(expr: &mut Expr, depth: usize) {
    if depth > 64 {
        return;
    }
    match expr {
        Expr::Literal(text) => {
            if text.contains(['=', ':', '@']) {
                *text = mask_secrets(text);
            }
        }
        Expr::Concat(parts) | Expr::Choice(parts) | Expr::List(parts) | Expr::Lambda(parts) => {
            parts.iter_mut().for_each(|p| value(p, depth + 1));
        }
        Expr::Env(name, Some(default)) | Expr::Property(name, Some(default)) => match &mut **default {
            Expr::Literal(text) if is_secret_key(name) => "***".clone_into(text),
            other => value(other, depth + 1),
        },
        Expr::Field(inner, _) | Expr::Out(inner, _) => value(inner, depth + 1),
        Expr::Index(object, key) => {
            value(object, depth + 1);
            value(key, depth + 1);
        }
        Expr::Call(receiver, name, inner) => {
            if let Some(receiver) = receiver {
                value(receiver, depth + 1);
            }
            // `getenv("DB_PASSWORD", "x")`: the default of a secret is a secret.
            let secret = matches!(inner.first().map(|a| &a.value), Some(Expr::Literal(key)) if is_secret_key(key));
            for (at, argument) in inner.iter_mut().enumerate() {
                match (&argument.name, &mut argument.value) {
                    (None, Expr::Literal(text)) if secret && at == 1 && !name.starts_with('@') => {
                        "***".clone_into(text)
                    }
                    (Some(key), other) => {
                        let key = key.clone();
                        named(&key, other);
                    }
                    (None, other) => value(other, depth + 1),
                }
            }
        }
        Expr::Map(entries) => entries.iter_mut().for_each(|(key, v)| {
            let key = key.clone();
            named(&key, v);
        }),
        Expr::Env(..) | Expr::Property(..) | Expr::Ref(_) | Expr::Opaque(_) => {}
    }
}
