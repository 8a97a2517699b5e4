//! Expressions of JavaScript and TypeScript as values: what an address, a path or a topic may travel through.

use tree_sitter::Node;

use crate::ingest::grammar::Asked as _;
use crate::ingest::syntax::{Depth, children, unquote};
use crate::model::{Argument, Expr};

use super::Walk;

impl<'s> Walk<'s> {
    pub(super) fn arguments(&self, node: Node<'_>, depth: Depth) -> Vec<Argument> {
        if node.kind() == "template_string" {
            return vec![Argument::positional(self.expr(node, depth))];
        }
        children(node).into_iter().map(|a| Argument::positional(self.expr(a, depth))).collect()
    }

    pub(super) fn expr(&self, node: Node<'_>, depth: Depth) -> Expr {
        let Some(depth) = depth.deeper() else { return Expr::opaque("nested too deep") };
        let part =
            |name: &'static str| node.field(name).map_or_else(|| Expr::opaque("missing"), |n| self.expr(n, depth));
        let first = || children(node).first().map_or_else(|| Expr::opaque("empty"), |n| self.expr(*n, depth));
        match node.kind() {
            "string" => Expr::Literal(unquote(self.text(node))),
            "template_string" => self.template(node, depth),
            "number" | "true" | "false" => Expr::literal(self.text(node)),
            "identifier" | "this" | "super" | "property_identifier" | "shorthand_property_identifier" => {
                Expr::named(self.text(node))
            }
            "import" | "meta_property" => Expr::Ref(self.text(node).to_owned()),
            "member_expression" => {
                let name = self.field(node, "property").trim_start_matches('#').to_owned();
                Expr::Field(Box::new(part("object")), name)
            }
            "subscript_expression" => Expr::Index(Box::new(part("object")), Box::new(part("index"))),
            "parenthesized_expression"
            | "await_expression"
            | "non_null_expression"
            | "spread_element"
            | "as_expression"
            | "satisfies_expression"
            | "yield_expression" => first(),
            "type_assertion" => children(node).last().map_or_else(|| Expr::opaque("empty"), |n| self.expr(*n, depth)),
            "binary_expression" => match self.field(node, "operator") {
                "+" => Expr::concat(vec![part("left"), part("right")]),
                "||" | "??" => Expr::Choice(vec![part("left"), part("right")]),
                "&&" => part("right"),
                other => Expr::opaque(other),
            },
            "ternary_expression" => Expr::Choice(vec![part("consequence"), part("alternative")]),
            "assignment_expression" => part("right"),
            "object" => Expr::Map(children(node).into_iter().filter_map(|c| self.entry(c, depth)).collect()),
            "array" => Expr::List(children(node).into_iter().map(|c| self.expr(c, depth)).collect()),
            "arrow_function" | "function_expression" => self.lambda(node, depth),
            "call_expression" => {
                let arguments = node.field("arguments").map(|a| self.arguments(a, depth)).unwrap_or_default();
                match node.field("function") {
                    Some(f) if f.kind() == "member_expression" => {
                        let object = f.field("object").map(|o| Box::new(self.expr(o, depth)));
                        Expr::Call(object, self.field(f, "property").trim_start_matches('#').to_owned(), arguments)
                    }
                    Some(f) if matches!(self.text(f), "String" | "encodeURIComponent" | "encodeURI") => {
                        arguments.into_iter().next().map_or_else(|| Expr::opaque("empty"), |a| a.value)
                    }
                    Some(f) if f.kind() == "identifier" => Expr::Call(None, self.text(f).to_owned(), arguments),
                    // `require("x")(y)`, `f(a)(b)`: the call of a call.
                    Some(f) => Expr::Call(Some(Box::new(self.expr(f, depth))), "()".to_owned(), arguments),
                    None => Expr::opaque("call"),
                }
            }
            "new_expression" => {
                let arguments = node.field("arguments").map(|a| self.arguments(a, depth)).unwrap_or_default();
                Expr::Call(None, format!("new {}", self.field(node, "constructor")), arguments)
            }
            other => Expr::opaque(other),
        }
    }

    fn entry(&self, node: Node<'_>, depth: Depth) -> Option<(String, Expr)> {
        match node.kind() {
            "pair" => {
                let value = node.field("value")?;
                let key = unquote(self.field(node, "key"));
                Some((key.trim_matches(['[', ']']).to_owned(), self.expr(value, depth)))
            }
            "shorthand_property_identifier" => {
                Some((self.text(node).to_owned(), Expr::Ref(self.text(node).to_owned())))
            }
            _ => None,
        }
    }

    fn template(&self, node: Node<'_>, depth: Depth) -> Expr {
        let mut parts = Vec::new();
        for child in children(node) {
            match child.kind() {
                "string_fragment" | "template_chars" => parts.push(Expr::Literal(self.text(child).to_owned())),
                "escape_sequence" => parts.push(Expr::Literal(unquote(self.text(child)))),
                "template_substitution" => {
                    parts.push(children(child).first().map_or_else(|| Expr::opaque("empty"), |n| self.expr(*n, depth)));
                }
                _ => {}
            }
        }
        if parts.is_empty() { Expr::literal("") } else { Expr::concat(parts) }
    }

    fn lambda(&self, node: Node<'_>, depth: Depth) -> Expr {
        let Some(body) = node.field("body") else { return Expr::opaque("function") };
        if body.kind() != "statement_block" {
            return Expr::Lambda(vec![self.expr(body, depth)]);
        }
        let returns = children(body).into_iter().filter(|s| s.kind() == "return_statement");
        Expr::Lambda(returns.filter_map(|s| children(s).first().map(|v| self.expr(*v, depth))).collect())
    }
}
