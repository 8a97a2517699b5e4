//! The value model: how an address travels through code, in one small language-neutral tree.
//!
//! Languages only extract it, `graph::resolve` follows it. Knows no language and no library.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// An expression as far as it can carry an address, a path, a method or a topic.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Expr {
    /// A string (or number) written out.
    Literal(String),
    /// Parts one after the other: `a + b`, templates, format strings after expansion.
    Concat(Vec<Expr>),
    /// An environment variable with its default.
    Env(String, Option<Box<Expr>>),
    /// A configuration property (`spring.application.name`, `Services:Orders`) with its default.
    Property(String, Option<Box<Expr>>),
    /// A name as written: local, parameter, constant, type, imported module.
    Ref(String),
    /// `object.name`; `this`/`self` is `Ref("this")` in every language.
    Field(Box<Expr>, String),
    /// `object[key]`.
    Index(Box<Expr>, Box<Expr>),
    /// A call: receiver (absent for a plain function), function or method name, arguments.
    /// A constructor call is named `new TypeName`.
    Call(Option<Box<Expr>>, String, Vec<Argument>),
    /// What a function writes through its argument number `.1` (`&target`): the call that did it.
    Out(Box<Expr>, usize),
    /// A dictionary, object or struct literal, keyed as written.
    Map(Vec<(String, Expr)>),
    /// A list or tuple literal.
    List(Vec<Expr>),
    /// A function literal: its returned expressions (so that `() => url` can be followed).
    Lambda(Vec<Expr>),
    /// One of several (conditional, `??`, `||`, environment with code default).
    Choice(Vec<Expr>),
    /// Not representable, with the reason in a word or two.
    Opaque(String),
}

/// An argument of a call: its name where the language names it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub struct Argument {
    /// Keyword or label, when written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The value.
    pub value: Expr,
}

impl Argument {
    /// A positional argument.
    #[must_use]
    pub fn positional(value: Expr) -> Self {
        Self { name: None, value }
    }
}

impl Expr {
    /// An opaque expression.
    #[must_use]
    pub fn opaque(reason: &str) -> Self {
        Self::Opaque(reason.to_owned())
    }

    /// A string literal.
    #[must_use]
    pub fn literal(text: &str) -> Self {
        Self::Literal(text.to_owned())
    }

    /// A name; `super` is the object itself.
    #[must_use]
    pub fn named(name: &str) -> Self {
        Self::Ref(if name == "super" { "this".to_owned() } else { name.to_owned() })
    }

    /// Joins two parts, flattening concatenations and merging neighbouring literals.
    #[must_use]
    pub fn concat(parts: Vec<Expr>) -> Self {
        let mut flat: Vec<Expr> = Vec::with_capacity(parts.len());
        for part in parts {
            let inner = match part {
                Self::Concat(inner) => inner,
                other => vec![other],
            };
            for part in inner {
                match (flat.last_mut(), part) {
                    (Some(Self::Literal(last)), Self::Literal(text)) => last.push_str(&text),
                    (_, part) => flat.push(part),
                }
            }
        }
        if flat.len() == 1 { flat.remove(0) } else { Self::Concat(flat) }
    }

    /// The dotted name of a chain of references (`a.b.c`), if it is nothing else.
    #[must_use]
    pub fn dotted(&self) -> Option<String> {
        match self {
            Self::Ref(name) => Some(name.clone()),
            Self::Field(object, name) => Some(format!("{}.{name}", object.dotted()?)),
            _ => None,
        }
    }

    /// True if nothing in it can carry a value.
    #[must_use]
    pub fn is_opaque(&self) -> bool {
        match self {
            Self::Opaque(_) => true,
            Self::Concat(parts) | Self::Choice(parts) | Self::List(parts) | Self::Lambda(parts) => {
                parts.iter().all(Self::is_opaque)
            }
            Self::Map(entries) => entries.iter().all(|(_, value)| value.is_opaque()),
            _ => false,
        }
    }

    /// Nesting depth, to bound what is kept.
    #[must_use]
    pub fn depth(&self) -> usize {
        1 + match self {
            Self::Literal(_) | Self::Ref(_) | Self::Opaque(_) => 0,
            Self::Env(_, default) | Self::Property(_, default) => default.as_ref().map_or(0, |d| d.depth()),
            Self::Field(object, _) | Self::Out(object, _) => object.depth(),
            Self::Index(object, key) => object.depth().max(key.depth()),
            Self::Call(receiver, _, arguments) => receiver
                .as_ref()
                .map_or(0, |r| r.depth())
                .max(arguments.iter().map(|a| a.value.depth()).max().unwrap_or(0)),
            Self::Map(entries) => entries.iter().map(|(_, value)| value.depth()).max().unwrap_or(0),
            Self::Concat(parts) | Self::Choice(parts) | Self::List(parts) | Self::Lambda(parts) => {
                parts.iter().map(Self::depth).max().unwrap_or(0)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn concat_flattens_and_merges_literals() {
        let inner = Expr::concat(vec![Expr::literal("b"), Expr::Ref("x".into())]);
        let joined = Expr::concat(vec![Expr::literal("a"), inner]);
        assert_eq!(joined, Expr::Concat(vec![Expr::literal("ab"), Expr::Ref("x".into())]));
        assert_eq!(Expr::concat(vec![Expr::literal("a"), Expr::literal("b")]), Expr::literal("ab"));
    }
}
