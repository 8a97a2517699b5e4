//! What names and expressions tell of a flow: endless functions, errors, results of calls.

use crate::model::Expr;

/// A function that runs as long as the program.
pub(super) fn is_endless(name: &str) -> bool {
    let lower = name.to_lowercase();
    let plain = lower.trim_end_matches("async").trim_start_matches('_');
    matches!(
        plain,
        "main"
            | "run"
            | "start"
            | "listen"
            | "consume"
            | "worker"
            | "loop"
            | "serve"
            | "execute"
            | "poll"
            | "subscribe"
    )
}

/// A name that holds an error, not a result.
pub(super) fn is_error(name: &str) -> bool {
    matches!(name.rsplit('.').next().unwrap_or(name), "err" | "error" | "e" | "ex" | "exception" | "ok" | "_")
}

/// A name that asks whether the call went through, not what it said.
pub(super) fn is_transport(name: &str) -> bool {
    let lower = name.to_lowercase();
    matches!(
        lower.as_str(),
        "statuscode"
            | "getstatuscode"
            | "status_code"
            | "issuccessstatuscode"
            | "issuccess"
            | "is_success"
            | "ok"
            | "is2xxsuccessful"
            | "raise_for_status"
            | "getstatuscodevalue"
            | "is_err"
            | "is_ok"
            | "err"
            | "error"
            | "issuccessful"
            | "iserror"
    )
}

pub(super) fn calls_something(value: &Expr, depth: usize) -> bool {
    let go = |e: &Expr| depth < 16 && calls_something(e, depth + 1);
    match value {
        Expr::Call(..) | Expr::Out(..) => true,
        Expr::Field(inner, _) => go(inner),
        Expr::Index(inner, key) => go(inner) || go(key),
        Expr::Choice(parts) | Expr::Concat(parts) | Expr::List(parts) => parts.iter().any(go),
        Expr::Opaque(reason) => reason.contains("await"),
        _ => false,
    }
}

pub(super) fn mentions(value: &Expr, name: &str, in_arguments: bool, depth: usize) -> bool {
    let go = |e: &Expr| depth < 16 && mentions(e, name, in_arguments, depth + 1);
    match value {
        Expr::Ref(other) => other == name,
        Expr::Field(inner, _) | Expr::Out(inner, _) => go(inner) || value.dotted().as_deref() == Some(name),
        Expr::Index(inner, key) => go(inner) || go(key),
        Expr::Call(receiver, _, arguments) => {
            receiver.as_deref().is_some_and(go) || in_arguments && arguments.iter().any(|a| go(&a.value))
        }
        Expr::Choice(parts) | Expr::Concat(parts) | Expr::List(parts) | Expr::Lambda(parts) => parts.iter().any(go),
        Expr::Map(entries) => entries.iter().any(|(_, v)| go(v)),
        _ => false,
    }
}

/// How many of these one request can take: the largest choice found by starting at each.
pub(super) fn compatible(all: &[&super::Branches]) -> u32 {
    let together =
        |a: &super::Branches, b: &super::Branches| !a.iter().any(|(c, x)| b.iter().any(|(d, y)| c == d && x != y));
    let most = (0..all.len()).map(|first| {
        let mut chosen = vec![all[first]];
        for (at, one) in all.iter().enumerate() {
            if at != first && chosen.iter().all(|c| together(c, one)) {
                chosen.push(one);
            }
        }
        chosen.len() as u32
    });
    most.max().unwrap_or(0)
}
