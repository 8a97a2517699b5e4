//! Expressions of C# as values: what an address, a path or a topic may travel through.

use tree_sitter::Node;

use crate::ingest::grammar::Asked as _;
use crate::ingest::syntax::{Depth, children, unquote};
use crate::model::{Argument, Expr};

use super::{Walk, dotted};

impl<'s> Walk<'s> {
    pub(super) fn argument(&self, node: Node<'_>, depth: Depth) -> Argument {
        let inner = children(node);
        let written = self.field(node, "name");
        let named = if written.is_empty() {
            inner.first().filter(|n| matches!(n.kind(), "name_colon" | "name_equals")).map(|n| self.text(*n))
        } else {
            Some(written)
        };
        let name = named.map(|n| n.trim_end_matches([':', '=', ' ']).trim().to_owned());
        let value = inner.last().map_or_else(|| Expr::opaque("empty"), |v| self.expr(*v, depth));
        // `[Route(Name = "x")]` is an assignment in the grammar of expressions.
        if name.is_none()
            && let Some(assignment) = inner.last().filter(|n| n.kind() == "assignment_expression")
            && node.kind() == "attribute_argument"
        {
            return Argument { name: Some(self.field(*assignment, "left").to_owned()), value };
        }
        Argument { name, value }
    }

    fn arguments(&self, node: Node<'_>, depth: Depth) -> Vec<Argument> {
        let list = node.field("arguments").or_else(|| children(node).into_iter().find(|c| c.kind() == "argument_list"));
        let mut all: Vec<Argument> =
            list.map(children).unwrap_or_default().into_iter().map(|a| self.argument(a, depth)).collect();
        if let Some(initializer) = node.field("initializer") {
            for entry in children(initializer) {
                if entry.kind() == "assignment_expression" {
                    let value = entry.field("right").map_or_else(|| Expr::opaque("missing"), |r| self.expr(r, depth));
                    all.push(Argument {
                        name: Some(self.field(entry, "left").trim_matches(['[', ']', '"']).to_owned()),
                        value,
                    });
                }
            }
        }
        all
    }

    #[expect(clippy::too_many_lines, reason = "one arm per kind of node")]
    pub(super) fn expr(&self, node: Node<'_>, depth: Depth) -> Expr {
        let Some(depth) = depth.deeper() else { return Expr::opaque("nested too deep") };
        let part =
            |name: &'static str| node.field(name).map_or_else(|| Expr::opaque("missing"), |n| self.expr(n, depth));
        let first = || children(node).first().map_or_else(|| Expr::opaque("empty"), |n| self.expr(*n, depth));
        match node.kind() {
            "string_literal" | "character_literal" => Expr::Literal(unquote(self.text(node))),
            "verbatim_string_literal" => {
                Expr::Literal(self.text(node).trim_start_matches('@').trim_matches('"').replace("\"\"", "\""))
            }
            "raw_string_literal" => Expr::Literal(self.text(node).trim_matches('"').trim().to_owned()),
            "interpolated_string_expression" => self.interpolated(node, depth),
            "integer_literal" | "real_literal" | "boolean_literal" => Expr::literal(self.text(node)),
            "identifier" | "this" | "base" | "this_expression" | "base_expression" => match self.text(node) {
                "base" => Expr::Ref("this".to_owned()),
                name => Expr::named(name),
            },
            "generic_name" => Expr::Ref(self.text(node).split('<').next().unwrap_or_default().to_owned()),
            "qualified_name" => dotted(self.text(node)),
            "member_access_expression" => Expr::Field(
                Box::new(part("expression")),
                self.field(node, "name").split('<').next().unwrap_or_default().to_owned(),
            ),
            "conditional_access_expression" => match children(node).as_slice() {
                [object, binding] => Expr::Field(
                    Box::new(self.expr(*object, depth)),
                    self.text(*binding).trim_start_matches(['.', '?']).to_owned(),
                ),
                _ => first(),
            },
            "element_access_expression" => {
                let key = node.field("subscript").and_then(|s| children(s).first().copied());
                let key = key.map_or_else(|| Expr::opaque("missing"), |k| self.argument(k, depth).value);
                Expr::Index(Box::new(part("expression")), Box::new(key))
            }
            "parenthesized_expression"
            | "await_expression"
            | "postfix_unary_expression"
            | "checked_expression"
            | "argument" => first(),
            "cast_expression" => part("value"),
            "as_expression" => part("left"),
            "assignment_expression" => part("right"),
            "binary_expression" => match self.operator(node) {
                "+" => Expr::concat(vec![part("left"), part("right")]),
                "??" if node.field("right").is_some_and(|r| r.kind() == "throw_expression") => part("left"),
                "??" => Expr::Choice(vec![part("left"), part("right")]),
                "as" => part("left"),
                other => Expr::opaque(other),
            },
            "conditional_expression" => Expr::Choice(vec![part("consequence"), part("alternative")]),
            "collection_expression" | "initializer_expression" | "tuple_expression" => {
                Expr::List(children(node).into_iter().map(|c| self.expr(c, depth)).collect())
            }
            "array_creation_expression" | "implicit_array_creation_expression" => {
                children(node).last().map_or_else(|| Expr::opaque("array"), |n| self.expr(*n, depth))
            }
            "anonymous_object_creation_expression" => Expr::opaque("anonymous object"),
            "typeof_expression" => Expr::Ref(self.field(node, "type").to_owned()),
            "lambda_expression" => match node.field("body") {
                Some(body) if body.kind() != "block" => Expr::Lambda(vec![self.lambda_value(body, depth)]),
                Some(body) => Expr::Lambda(self.block_values(body, depth)),
                None => Expr::opaque("lambda"),
            },
            "invocation_expression" => match self.made_of(node) {
                Some(name) => Expr::Call(None, "@instance".to_owned(), vec![Argument::positional(Expr::Ref(name))]),
                None => self.invocation(node, depth),
            },
            "object_creation_expression" => {
                let name: String = self.field(node, "type").split_whitespace().collect();
                Expr::Call(
                    None,
                    format!("new {}", name.split('<').next().unwrap_or(&name)),
                    self.arguments(node, depth),
                )
            }
            "implicit_object_creation_expression" => Expr::Call(None, "new ".to_owned(), self.arguments(node, depth)),
            other => Expr::opaque(other),
        }
    }

    fn operator(&self, node: Node<'_>) -> &'s str {
        match self.field(node, "operator") {
            "" => {
                let (left, right) = (node.field("left"), node.field("right"));
                match (left, right) {
                    (Some(l), Some(r)) => self.source.get(l.end_byte()..r.start_byte()).unwrap_or_default().trim(),
                    _ => "",
                }
            }
            operator => operator,
        }
    }

    /// `T` of `AddHttpClient<T>()`; the last of several.
    fn registered_type(&self, node: Node<'_>) -> Option<&'s str> {
        let function = node.field("function")?;
        let name = function.field("name").unwrap_or(function);
        let (called, rest) = self.text(name).split_once('<').filter(|_| name.kind() == "generic_name")?;
        called.starts_with("Add").then(|| rest.trim_end_matches('>').rsplit(',').next().unwrap_or(rest).trim())
    }

    /// The type of what a generic method gives: `provider.GetRequiredService<T>()`, `order.Adapt<T>()`.
    fn made_of(&self, node: Node<'_>) -> Option<String> {
        let function = node.field("function")?;
        let name = function.field("name").unwrap_or(function);
        if name.kind() != "generic_name" {
            return None;
        }
        let (called, rest) = self.text(name).split_once('<')?;
        let gives = matches!(
            called,
            "GetRequiredService" | "GetService" | "Adapt" | "Map" | "Deserialize" | "DeserializeObject" | "Resolve"
        );
        let plain = rest.trim_end_matches('>').trim();
        (gives && !plain.contains(',') && !plain.is_empty()).then(|| plain.to_owned())
    }

    pub(super) fn invocation(&self, node: Node<'_>, depth: Depth) -> Expr {
        let mut arguments = self.arguments(node, depth);
        // Which type a registration is for is asked by what is chained after it.
        if let Some(types) = self.registered_type(node) {
            arguments.push(Argument { name: Some("<>".to_owned()), value: Expr::literal(types) });
        }
        match node.field("function") {
            Some(f) if f.kind() == "member_access_expression" => {
                let object = f.field("expression").map(|o| Box::new(self.expr(o, depth)));
                let name = self.field(f, "name").split('<').next().unwrap_or_default();
                Expr::Call(object, name.to_owned(), arguments)
            }
            Some(f) if f.kind() == "conditional_access_expression" => {
                let parts = children(f);
                let object = parts.first().map(|o| Box::new(self.expr(*o, depth)));
                let name = parts.last().map_or("", |n| self.text(*n)).trim_start_matches(['.', '?']);
                Expr::Call(object, name.to_owned(), arguments)
            }
            Some(f) if self.text(f) == "nameof" => arguments
                .into_iter()
                .next()
                .and_then(|a| a.value.dotted())
                .map_or_else(|| Expr::opaque("nameof"), |d| Expr::literal(d.rsplit('.').next().unwrap_or(&d))),
            Some(f) => Expr::Call(None, self.text(f).split('<').next().unwrap_or_default().to_owned(), arguments),
            None => Expr::opaque("call"),
        }
    }

    /// `c => c.BaseAddress = new Uri(x)` says what BaseAddress is.
    fn lambda_value(&self, body: Node<'_>, depth: Depth) -> Expr {
        if body.kind() == "assignment_expression"
            && let (Some(left), Some(right)) = (body.field("left"), body.field("right"))
        {
            let name = self.text(left).rsplit('.').next().unwrap_or_default().to_owned();
            return Expr::Map(vec![(name, self.expr(right, depth))]);
        }
        self.expr(body, depth)
    }

    fn block_values(&self, block: Node<'_>, depth: Depth) -> Vec<Expr> {
        children(block)
            .into_iter()
            .filter(|s| matches!(s.kind(), "return_statement" | "expression_statement"))
            .filter_map(|s| children(s).first().map(|v| self.lambda_value(*v, depth)))
            .collect()
    }

    fn interpolated(&self, node: Node<'_>, depth: Depth) -> Expr {
        let mut parts = Vec::new();
        for child in children(node) {
            match child.kind() {
                "interpolation" => {
                    let value = children(child).into_iter().find(|c| !c.kind().starts_with("interpolation_"));
                    parts.push(value.map_or_else(|| Expr::opaque("empty"), |v| self.expr(v, depth)));
                }
                "string_content" | "interpolated_string_text" | "string_literal_content" => {
                    parts.push(Expr::Literal(self.text(child).replace("{{", "{").replace("}}", "}")));
                }
                "escape_sequence" => parts.push(Expr::Literal(unquote(self.text(child)))),
                _ => {}
            }
        }
        if parts.is_empty() { Expr::literal("") } else { Expr::concat(parts) }
    }
}
