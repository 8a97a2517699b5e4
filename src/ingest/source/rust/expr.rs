//! Expressions of Rust as values: what an address, a path or a topic may travel through.

use proc_macro2::TokenStream;

use crate::ingest::syntax::Depth;
use crate::model::{Argument, Expr};

use super::{path_text, tail};

pub(super) fn expr(node: &syn::Expr, depth: Depth) -> Expr {
    let Some(depth) = depth.deeper() else { return Expr::opaque("nested too deep") };
    let go = |e: &syn::Expr| expr(e, depth);
    match node {
        syn::Expr::Lit(lit) => literal(&lit.lit),
        syn::Expr::Path(path) => path_expr(&path.path),
        syn::Expr::Field(field) => match &field.member {
            syn::Member::Named(name) => Expr::Field(Box::new(go(&field.base)), name.to_string()),
            syn::Member::Unnamed(index) => {
                Expr::Index(Box::new(go(&field.base)), Box::new(Expr::Literal(index.index.to_string())))
            }
        },
        syn::Expr::Index(index) => Expr::Index(Box::new(go(&index.expr)), Box::new(go(&index.index))),
        syn::Expr::Reference(inner) => go(&inner.expr),
        syn::Expr::Paren(inner) => go(&inner.expr),
        syn::Expr::Group(inner) => go(&inner.expr),
        syn::Expr::Try(inner) => go(&inner.expr),
        syn::Expr::Await(inner) => go(&inner.base),
        syn::Expr::Cast(inner) => go(&inner.expr),
        syn::Expr::Unary(inner) => go(&inner.expr),
        syn::Expr::Binary(binary) if matches!(binary.op, syn::BinOp::Add(_)) => {
            Expr::concat(vec![go(&binary.left), go(&binary.right)])
        }
        syn::Expr::Call(call) => call_expr(call, depth),
        syn::Expr::MethodCall(call) => method_expr(call, depth),
        syn::Expr::Macro(mac) => macro_expr(&mac.mac, depth),
        syn::Expr::Struct(literal) => {
            let arguments = literal.fields.iter().map(|field| {
                let name = match &field.member {
                    syn::Member::Named(name) => name.to_string(),
                    syn::Member::Unnamed(index) => index.index.to_string(),
                };
                Argument { name: Some(name), value: go(&field.expr) }
            });
            let arguments = arguments.collect();
            Expr::Call(None, format!("new {}", path_text(&literal.path)), arguments)
        }
        syn::Expr::Array(array) => Expr::List(array.elems.iter().map(go).collect()),
        syn::Expr::Tuple(tuple) => Expr::List(tuple.elems.iter().map(go).collect()),
        syn::Expr::If(branch) => {
            let mut parts: Vec<Expr> = tail(&branch.then_branch).map(go).into_iter().collect();
            parts.extend(branch.else_branch.as_ref().map(|(_, e)| go(e)));
            Expr::Choice(parts)
        }
        syn::Expr::Match(choice) => {
            Expr::Choice(choice.arms.iter().map(|arm| go(&arm.body)).filter(|e| !e.is_opaque()).collect())
        }
        syn::Expr::Block(block) => tail(&block.block).map_or_else(|| Expr::opaque("block"), go),
        syn::Expr::Async(block) => tail(&block.block).map_or_else(|| Expr::opaque("block"), go),
        syn::Expr::Unsafe(block) => tail(&block.block).map_or_else(|| Expr::opaque("block"), go),
        syn::Expr::Closure(closure) => Expr::Lambda(vec![go(&closure.body)]),
        _ => Expr::opaque("expression"),
    }
}

fn literal(lit: &syn::Lit) -> Expr {
    match lit {
        syn::Lit::Str(text) => Expr::Literal(text.value()),
        syn::Lit::Int(number) => Expr::literal(number.base10_digits()),
        syn::Lit::Bool(value) => Expr::Literal(value.value.to_string()),
        syn::Lit::Char(value) => Expr::Literal(value.value().to_string()),
        _ => Expr::opaque("literal"),
    }
}

fn path_expr(path: &syn::Path) -> Expr {
    let mut segments = path.segments.iter().map(|s| s.ident.to_string());
    let first = segments.next().unwrap_or_default();
    let first = if matches!(first.as_str(), "self" | "Self") { "this".to_owned() } else { first };
    segments.fold(Expr::Ref(first), |object, name| Expr::Field(Box::new(object), name))
}

fn call_expr(call: &syn::ExprCall, depth: Depth) -> Expr {
    let arguments: Vec<Argument> = call.args.iter().map(|a| Argument::positional(expr(a, depth))).collect();
    let syn::Expr::Path(path) = &*call.func else { return Expr::opaque("call of a value") };
    let mut names: Vec<String> = path.path.segments.iter().map(|s| s.ident.to_string()).collect();
    let name = names.pop().unwrap_or_default();
    // Wrappers and conversions hand their value on.
    let wraps = matches!(name.as_str(), "Some" | "Ok" | "Err") && names.is_empty();
    let converts = matches!(
        (names.last().map(String::as_str), name.as_str()),
        (
            Some("String" | "Arc" | "Rc" | "Box" | "Cow" | "Mutex" | "RwLock" | "Data"),
            "from" | "new" | "clone" | "Owned" | "Borrowed"
        )
    );
    if (wraps || converts) && arguments.len() == 1 {
        return arguments.into_iter().next().map_or_else(|| Expr::opaque("empty"), |a| a.value);
    }
    let names: Vec<String> =
        names.into_iter().map(|n| if matches!(n.as_str(), "Self" | "self") { "this".to_owned() } else { n }).collect();
    let receiver = names.split_first().map(|(first, rest)| {
        Box::new(rest.iter().fold(Expr::Ref(first.clone()), |object, name| Expr::Field(Box::new(object), name.clone())))
    });
    Expr::Call(receiver, name, arguments)
}

fn method_expr(call: &syn::ExprMethodCall, depth: Depth) -> Expr {
    let receiver = expr(&call.receiver, depth);
    let name = call.method.to_string();
    let passes = matches!(
        name.as_str(),
        "to_string"
            | "to_owned"
            | "into"
            | "clone"
            | "as_str"
            | "as_ref"
            | "trim"
            | "unwrap"
            | "expect"
            | "as_deref"
            | "map_err"
            | "context"
            | "with_context"
            | "borrow"
            | "into_inner"
            | "to_string_lossy"
            | "into_owned"
            | "cloned"
            | "iter"
            | "into_iter"
            | "parse"
    );
    if passes {
        return receiver;
    }
    let arguments: Vec<Argument> = call.args.iter().map(|a| Argument::positional(expr(a, depth))).collect();
    if matches!(name.as_str(), "unwrap_or" | "unwrap_or_else" | "or_else" | "or" | "unwrap_or_default") {
        let mut parts = vec![receiver];
        parts.extend(arguments.into_iter().map(|a| match a.value {
            Expr::Lambda(mut inner) if inner.len() == 1 => inner.remove(0),
            other => other,
        }));
        return if parts.len() == 1 { parts.remove(0) } else { Expr::Choice(parts) };
    }
    Expr::Call(Some(Box::new(receiver)), name, arguments)
}

/// `format!` joins its parts; `env!` reads the environment of the build; others are calls named with `!`.
fn macro_expr(mac: &syn::Macro, depth: Depth) -> Expr {
    let name = path_text(&mac.path);
    let name = name.rsplit("::").next().unwrap_or_default();
    let arguments = token_arguments_at(mac.tokens.clone(), depth);
    match (name, arguments.first().map(|a| &a.value)) {
        ("format", Some(Expr::Literal(pattern))) => {
            let rest: Vec<Argument> = arguments[1..].to_vec();
            formatted(pattern, &rest)
        }
        ("concat", _) => Expr::concat(arguments.into_iter().map(|a| a.value).collect()),
        ("vec", _) => Expr::List(arguments.into_iter().map(|a| a.value).collect()),
        _ => Expr::Call(None, format!("{name}!"), arguments),
    }
}

/// `{}`, `{0}`, `{name}`, `{name:?}`: inline names are references.
fn formatted(pattern: &str, arguments: &[Argument]) -> Expr {
    let mut parts = Vec::new();
    let mut next = 0;
    let mut rest = pattern;
    while let Some(at) = rest.find(['{', '}']) {
        parts.push(Expr::literal(&rest[..at]));
        let tail = &rest[at..];
        if tail.starts_with("{{") || tail.starts_with("}}") {
            parts.push(Expr::literal(&tail[..1]));
            rest = &tail[2..];
            continue;
        }
        let Some(end) = tail.find('}').filter(|_| tail.starts_with('{')) else {
            rest = &tail[1..];
            continue;
        };
        let name = tail[1..end].split(':').next().unwrap_or_default().trim();
        let value = if name.is_empty() {
            next += 1;
            arguments.get(next - 1).map(|a| a.value.clone())
        } else if let Ok(n) = name.parse::<usize>() {
            arguments.get(n).map(|a| a.value.clone())
        } else {
            let named = arguments.iter().find(|a| a.name.as_deref() == Some(name)).map(|a| a.value.clone());
            Some(named.unwrap_or_else(|| Expr::Ref(name.to_owned())))
        };
        parts.push(value.unwrap_or_else(|| Expr::opaque("format argument")));
        rest = &tail[end + 1..];
    }
    parts.push(Expr::literal(rest));
    parts.retain(|p| *p != Expr::literal(""));
    if parts.is_empty() { Expr::literal("") } else { Expr::concat(parts) }
}

pub(super) fn token_arguments(tokens: TokenStream) -> Vec<Argument> {
    token_arguments_at(tokens, Depth::TOP)
}

/// Arguments of a macro or attribute, as far as they are expressions; `name = value` is named.
fn token_arguments_at(tokens: TokenStream, depth: Depth) -> Vec<Argument> {
    use syn::parse::Parser;
    let parser = syn::punctuated::Punctuated::<syn::Expr, syn::Token![,]>::parse_terminated;
    let Ok(list) = parser.parse2(tokens) else { return Vec::new() };
    list.iter()
        .map(|value| match value {
            syn::Expr::Assign(assign) => match expr(&assign.left, depth).dotted() {
                Some(name) => Argument { name: Some(name), value: expr(&assign.right, depth) },
                None => Argument::positional(expr(&assign.right, depth)),
            },
            other => Argument::positional(expr(other, depth)),
        })
        .collect()
}
