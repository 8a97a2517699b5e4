//! Expressions of Kotlin as values: what an address, a path or a topic may travel through.

use tree_sitter::Node;

use crate::ingest::syntax::{Depth, children, unquote};
use crate::model::{Argument, Expr};

use super::{Walk, dollars};

impl<'s> Walk<'s> {
    pub(super) fn arguments(&self, node: Node<'_>, depth: Depth) -> Vec<Argument> {
        children(node)
            .into_iter()
            .filter(|c| c.kind() == "value_argument")
            .map(|argument| {
                let kids = children(argument);
                let value = kids.last().map_or_else(|| Expr::opaque("empty"), |v| self.expr(*v, depth));
                let named = kids.len() > 1 && self.text(argument).contains('=');
                Argument { name: named.then(|| self.text(kids[0]).to_owned()), value }
            })
            .collect()
    }

    pub(super) fn expr(&self, node: Node<'_>, depth: Depth) -> Expr {
        let Some(depth) = depth.deeper() else { return Expr::opaque("nested too deep") };
        let kids = children(node);
        let at = |i: usize| kids.get(i).map_or_else(|| Expr::opaque("missing"), |n| self.expr(*n, depth));
        match node.kind() {
            "string_literal" | "multiline_string_literal" => self.string(node, depth),
            "number_literal" | "boolean_literal" => Expr::literal(self.text(node)),
            "identifier" | "simple_identifier" | "this_expression" | "super_expression" => Expr::named(self.text(node)),
            "navigation_expression" => {
                let name = kids.last().map_or("", |n| self.text(*n)).trim_start_matches(['.', '?', ':']);
                Expr::Field(Box::new(at(0)), name.to_owned())
            }
            "index_expression" | "indexing_expression" => Expr::Index(Box::new(at(0)), Box::new(at(1))),
            "parenthesized_expression"
            | "unary_expression"
            | "as_expression"
            | "annotated_lambda"
            | "indexing_suffix" => at(0),
            "binary_expression" | "additive_expression" => match self.field(node, "operator") {
                "?:" => Expr::Choice(vec![at(0), at(1)]),
                "+" => Expr::concat(vec![at(0), at(1)]),
                "to" => Expr::List(vec![at(0), at(1)]),
                _ if self.between(node).contains("?:") => Expr::Choice(vec![at(0), at(1)]),
                _ if self.between(node).contains('+') => Expr::concat(vec![at(0), at(1)]),
                other => Expr::opaque(other),
            },
            "elvis_expression" => Expr::Choice(vec![at(0), at(1)]),
            "infix_expression" => Expr::List(vec![at(0), at(2)]),
            "if_expression" => Expr::Choice(kids.iter().skip(1).map(|k| self.expr(*k, depth)).collect()),
            "collection_literal" => Expr::List(kids.iter().map(|k| self.expr(*k, depth)).collect()),
            "callable_reference" => Expr::Ref(self.text(node).rsplit("::").next().unwrap_or_default().to_owned()),
            "lambda_literal" => Expr::Lambda(self.lambda_values(node, depth)),
            "call_expression" => self.call_expr(node, depth),
            other => Expr::opaque(other),
        }
    }

    /// The operator text between the operands.
    fn between(&self, node: Node<'_>) -> &'s str {
        let kids = children(node);
        match (kids.first(), kids.get(1)) {
            (Some(a), Some(b)) => self.source.get(a.end_byte()..b.start_byte()).unwrap_or_default(),
            _ => "",
        }
    }

    fn lambda_values(&self, node: Node<'_>, depth: Depth) -> Vec<Expr> {
        let statements = self.child(node, "statements").map_or_else(|| children(node), children);
        statements
            .into_iter()
            .map(|s| match s.kind() {
                // `{ baseUrl = x }` in a builder says what baseUrl is.
                "assignment" => {
                    let kids = children(s);
                    match (kids.first(), kids.last()) {
                        (Some(l), Some(r)) => Expr::Map(vec![(
                            self.text(*l).rsplit('.').next().unwrap_or_default().to_owned(),
                            self.expr(*r, depth),
                        )]),
                        _ => Expr::opaque("assignment"),
                    }
                }
                _ => self.expr(s, depth),
            })
            .collect()
    }

    fn call_expr(&self, node: Node<'_>, depth: Depth) -> Expr {
        let kids = children(node);
        let mut arguments: Vec<Argument> = Vec::new();
        for kid in kids.iter().skip(1) {
            match kid.kind() {
                "value_arguments" => arguments.extend(self.arguments(*kid, depth)),
                "annotated_lambda" | "lambda_literal" => arguments.push(Argument::positional(self.expr(*kid, depth))),
                _ => {}
            }
        }
        match kids.first() {
            Some(f) if f.kind() == "navigation_expression" => {
                let inner = children(*f);
                let object = inner.first().map(|o| Box::new(self.expr(*o, depth)));
                let name = inner.last().map_or("", |n| self.text(*n)).trim_start_matches(['.', '?', ':']);
                Expr::Call(object, name.to_owned(), arguments)
            }
            // `f(a) { … }` is a call of a call in the grammar.
            Some(f) if f.kind() == "call_expression" => match self.expr(*f, depth) {
                Expr::Call(receiver, name, mut first) => {
                    first.extend(arguments);
                    Expr::Call(receiver, name, first)
                }
                other => other,
            },
            Some(f) => {
                let name = self.text(*f);
                // A call of a type's name constructs it.
                let constructed = name.starts_with(char::is_uppercase);
                Expr::Call(None, if constructed { format!("new {name}") } else { name.to_owned() }, arguments)
            }
            None => Expr::opaque("call"),
        }
    }

    fn string(&self, node: Node<'_>, depth: Depth) -> Expr {
        let mut parts = Vec::new();
        let mut plain = String::new();
        for child in children(node) {
            match child.kind() {
                "string_content" => plain.push_str(self.text(child)),
                other => {
                    parts.extend(dollars(&std::mem::take(&mut plain)));
                    parts.push(match other {
                        "escape_sequence" => Expr::Literal(unquote(self.text(child))),
                        _ => children(child).first().map_or_else(|| Expr::opaque("empty"), |v| self.expr(*v, depth)),
                    });
                }
            }
        }
        parts.extend(dollars(&plain));
        if parts.is_empty() { Expr::literal("") } else { Expr::concat(parts) }
    }
}
