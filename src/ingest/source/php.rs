//! PHP, by tree-sitter: what a file binds, calls and declares. `$this->x` is a field, `self::X` and `static::x` too.

use tree_sitter::Node;

use crate::ingest::grammar::Asked as _;
use crate::ingest::syntax::{self, Builder, DEPTH_LIMIT, Depth, children, field_text, line, text, unquote};
use crate::model::code::{Field, Import, Parameter};
use crate::model::{Annotation, Argument, Expr, Function, TypeDecl, Unit};

use super::Language;

/// PHP.
pub const LANGUAGE: Language = Language { id: "php", extensions: &["php"], extract };

fn extract(source: &str) -> Unit {
    let mut walk = Walk { source, builder: Builder::new("php") };
    if let Some(tree) = syntax::parse(&tree_sitter_php::LANGUAGE_PHP.into(), source) {
        walk.visit(tree.root_node(), 0);
        walk.builder.unit.conditions = syntax::conditions(tree.root_node(), source);
    }
    walk.builder.unit
}

struct Walk<'s> {
    source: &'s str,
    builder: Builder,
}

impl<'s> Walk<'s> {
    fn text(&self, node: Node<'_>) -> &'s str {
        text(node, self.source)
    }

    fn field(&self, node: Node<'_>, name: &'static str) -> &'s str {
        field_text(node, name, self.source)
    }

    fn visit_children(&mut self, node: Node<'_>, depth: usize) {
        for child in children(node) {
            self.visit(child, depth + 1);
        }
    }

    #[expect(clippy::too_many_lines, reason = "one arm per kind of node")]
    fn visit(&mut self, node: Node<'_>, depth: usize) {
        if depth > DEPTH_LIMIT {
            return;
        }
        match node.kind() {
            "namespace_definition" => {
                self.field(node, "name").clone_into(&mut self.builder.unit.package);
                self.visit_children(node, depth);
            }
            "namespace_use_clause" => {
                let text = self.text(node);
                let (path, alias) = text.split_once(" as ").map_or((text, ""), |(p, a)| (p.trim(), a.trim()));
                let name = if alias.is_empty() { path.rsplit('\\').next().unwrap_or(path) } else { alias };
                self.builder.unit.imports.push(Import { name: name.to_owned(), path: path.replace('\\', ".") });
            }
            "class_declaration" | "interface_declaration" | "trait_declaration" => self.declare(node, depth),
            "method_declaration" | "function_definition" => self.function(node, depth),
            "anonymous_function" | "arrow_function" | "anonymous_function_creation_expression" => {
                let parameters = node.field("parameters").map(|p| self.parameters(p)).unwrap_or_default();
                self.builder.enter_lambda(parameters, line(node), node.end_position().row as u32 + 1);
                self.visit_children(node, depth);
                self.builder.leave_function();
            }
            "assignment_expression" => self.assignment(node, depth),
            "augmented_assignment_expression" => {
                if let (Some(left), Some(right)) = (node.field("left"), node.field("right"))
                    && let Some(place) = self.expr(left, Depth::TOP).dotted()
                {
                    let value = self.expr(right, Depth::TOP);
                    self.builder.append(&place, value, line(node));
                }
                self.visit_children(node, depth);
            }
            "const_element" => {
                let parts = children(node);
                if let (Some(name), Some(value)) = (parts.first(), parts.get(1)) {
                    let expr = self.expr(*value, Depth::TOP);
                    self.member(self.text(*name), "", expr, line(node));
                }
            }
            "property_element" => {
                let name = self.field(node, "name").trim_start_matches('$');
                let value = node.field("default_value");
                let expr = value.map_or_else(|| Expr::opaque("declared"), |v| self.expr(v, Depth::TOP));
                self.member(name, "", expr, line(node));
            }
            "return_statement" => {
                if let Some(value) = children(node).first() {
                    let value = self.expr(*value, Depth::TOP);
                    self.builder.returns(value);
                }
                self.visit_children(node, depth);
            }
            "for_statement" | "foreach_statement" | "while_statement" | "do_statement" => {
                self.builder.enter_loop();
                self.visit_children(node, depth);
                self.builder.leave_loop();
            }
            "function_call_expression"
            | "member_call_expression"
            | "scoped_call_expression"
            | "object_creation_expression"
            | "nullsafe_member_call_expression" => {
                let used = node.parent().is_none_or(|p| p.kind() != "expression_statement");
                if let Expr::Call(receiver, name, arguments) = self.expr(node, Depth::TOP) {
                    self.builder.call(line(node), receiver.map(|r| *r), &name, arguments, used, false);
                }
                self.visit_children(node, depth);
            }
            _ => self.visit_children(node, depth),
        }
    }

    fn member(&mut self, name: &str, type_name: &str, value: Expr, at: u32) {
        let owner = self.builder.owner().unwrap_or_default().to_owned();
        self.builder.bind(&format!("this.{name}"), Some(type_name), value.clone(), at);
        if !value.is_opaque() {
            self.builder.bind(&format!("{owner}.{name}"), None, value, at);
        }
    }

    fn declare(&mut self, node: Node<'_>, depth: usize) {
        let name = self.field(node, "name").to_owned();
        let mut decl = TypeDecl {
            name: name.clone(),
            line: line(node),
            is_interface: node.kind() == "interface_declaration",
            annotations: self.attributes(node),
            ..TypeDecl::default()
        };
        for clause in
            children(node).into_iter().filter(|c| matches!(c.kind(), "base_clause" | "class_interface_clause"))
        {
            decl.supertypes
                .extend(children(clause).into_iter().map(|c| self.text(c).trim_start_matches('\\').to_owned()));
        }
        let body = node.field("body");
        for property in
            body.map(children).unwrap_or_default().into_iter().filter(|c| c.kind() == "property_declaration")
        {
            let type_name = self.field(property, "type").to_owned();
            for element in children(property).into_iter().filter(|c| c.kind() == "property_element") {
                let name = children(element).first().map_or("", |n| self.text(*n)).trim_start_matches('$');
                decl.fields.push(Field {
                    name: name.to_owned(),
                    type_name: type_name.clone(),
                    line: line(element),
                    annotations: self.attributes(property),
                });
            }
        }
        self.builder.unit.types.push(decl);
        self.builder.enter_type(&name);
        if let Some(body) = body {
            self.visit_children(body, depth);
        }
        self.builder.leave_type();
    }

    fn attributes(&self, node: Node<'_>) -> Vec<Annotation> {
        let mut all = Vec::new();
        for list in children(node).into_iter().filter(|c| c.kind() == "attribute_list") {
            for group in children(list) {
                for attribute in children(group).into_iter().filter(|c| c.kind() == "attribute") {
                    let name =
                        children(attribute).first().map_or("", |n| self.text(*n)).trim_start_matches('\\').to_owned();
                    let arguments = attribute.field("parameters").map(|a| self.arguments(a, Depth::TOP));
                    all.push(Annotation { name, arguments: arguments.unwrap_or_default(), line: line(attribute) });
                }
            }
        }
        all
    }

    fn parameters(&self, node: Node<'_>) -> Vec<Parameter> {
        children(node)
            .into_iter()
            .filter(|c| c.kind().ends_with("parameter"))
            .map(|p| Parameter {
                name: self.field(p, "name").trim_start_matches('$').to_owned(),
                type_name: self.field(p, "type").to_owned(),
                default: p.field("default_value").map(|d| self.expr(d, Depth::TOP)),
                annotations: Vec::new(),
            })
            .collect()
    }

    fn function(&mut self, node: Node<'_>, depth: usize) {
        let name = self.field(node, "name");
        let list = node.field("parameters");
        let function = Function {
            name: if name == "__construct" { "new".to_owned() } else { name.to_owned() },
            line: line(node),
            end_line: node.end_position().row as u32 + 1,
            parameters: list.map(|p| self.parameters(p)).unwrap_or_default(),
            annotations: self.attributes(node),
            return_type: self.field(node, "return_type").trim_start_matches([':', ' ']).to_owned(),
            ..Function::default()
        };
        self.builder.enter_function(function);
        // `public function __construct(private Client $client)` sets a field.
        for promoted in
            list.map(children).unwrap_or_default().into_iter().filter(|c| c.kind() == "property_promotion_parameter")
        {
            let name = self.field(promoted, "name").trim_start_matches('$').to_owned();
            let type_name = self.field(promoted, "type").to_owned();
            self.builder.bind(&format!("this.{name}"), Some(&type_name), Expr::Ref(name), line(promoted));
        }
        if let Some(body) = node.field("body") {
            self.visit_children(body, depth);
        }
        self.builder.leave_function();
    }

    fn assignment(&mut self, node: Node<'_>, depth: usize) {
        if let (Some(left), Some(right)) = (node.field("left"), node.field("right")) {
            let value = self.expr(right, Depth::TOP);
            if let Some(place) = self.expr(left, Depth::TOP).dotted() {
                self.builder.bind(&place, None, value, line(node));
            }
        }
        self.visit_children(node, depth);
    }

    fn arguments(&self, node: Node<'_>, depth: Depth) -> Vec<Argument> {
        children(node)
            .into_iter()
            .filter(|c| c.kind() == "argument")
            .map(|a| {
                let name = self.field(a, "name");
                let value = children(a).last().map_or_else(|| Expr::opaque("empty"), |v| self.expr(*v, depth));
                Argument { name: (!name.is_empty()).then(|| name.to_owned()), value }
            })
            .collect()
    }

    #[expect(clippy::too_many_lines, reason = "one arm per kind of node")]
    fn expr(&self, node: Node<'_>, depth: Depth) -> Expr {
        let Some(depth) = depth.deeper() else { return Expr::opaque("nested too deep") };
        let part =
            |name: &'static str| node.field(name).map_or_else(|| Expr::opaque("missing"), |n| self.expr(n, depth));
        let arguments = || node.field("arguments").map(|a| self.arguments(a, depth)).unwrap_or_default();
        match node.kind() {
            "string" => Expr::Literal(unquote(self.text(node))),
            "encapsed_string" | "heredoc" | "heredoc_body" => self.string(node, depth),
            "integer" | "boolean" => Expr::literal(self.text(node)),
            "variable_name" => Expr::Ref(self.text(node).trim_start_matches('$').to_owned()),
            "name" | "relative_scope" => match self.text(node) {
                "self" | "static" | "parent" => Expr::Ref("this".to_owned()),
                name => Expr::Ref(name.to_owned()),
            },
            "qualified_name" => Expr::Ref(self.text(node).rsplit('\\').next().unwrap_or_default().to_owned()),
            "member_access_expression" | "nullsafe_member_access_expression" => {
                Expr::Field(Box::new(part("object")), self.field(node, "name").to_owned())
            }
            "class_constant_access_expression" | "scoped_property_access_expression" => {
                let parts = children(node);
                match (parts.first(), parts.get(1)) {
                    // `Order::class` names the type.
                    (Some(scope), Some(name)) if self.text(*name) == "class" => self.expr(*scope, depth),
                    (Some(scope), Some(name)) => Expr::Field(
                        Box::new(self.expr(*scope, depth)),
                        self.text(*name).trim_start_matches('$').to_owned(),
                    ),
                    _ => Expr::opaque("constant"),
                }
            }
            "subscript_expression" => {
                let parts = children(node);
                let at = |i: usize| parts.get(i).map_or_else(|| Expr::opaque("missing"), |n| self.expr(*n, depth));
                Expr::Index(Box::new(at(0)), Box::new(at(1)))
            }
            "parenthesized_expression" | "cast_expression" | "argument" => {
                children(node).last().map_or_else(|| Expr::opaque("empty"), |n| self.expr(*n, depth))
            }
            "binary_expression" => match self.field(node, "operator") {
                "." => Expr::concat(vec![part("left"), part("right")]),
                "??" | "||" => Expr::Choice(vec![part("left"), part("right")]),
                other => Expr::opaque(other),
            },
            "conditional_expression" => {
                let first = node.field("body").map_or_else(|| part("condition"), |b| self.expr(b, depth));
                Expr::Choice(vec![first, part("alternative")])
            }
            "assignment_expression" => part("right"),
            "array_creation_expression" => self.array(node, depth),
            "arrow_function" => Expr::Lambda(vec![part("body")]),
            "function_call_expression" => {
                Expr::Call(None, self.field(node, "function").trim_start_matches('\\').to_owned(), arguments())
            }
            "member_call_expression" | "nullsafe_member_call_expression" => {
                Expr::Call(Some(Box::new(part("object"))), self.field(node, "name").to_owned(), arguments())
            }
            "scoped_call_expression" => {
                Expr::Call(Some(Box::new(part("scope"))), self.field(node, "name").to_owned(), arguments())
            }
            "object_creation_expression" => {
                let kids = children(node);
                let name = kids.first().map_or("", |n| self.text(*n)).rsplit('\\').next().unwrap_or_default();
                let arguments = kids
                    .iter()
                    .find(|k| k.kind() == "arguments")
                    .map(|a| self.arguments(*a, depth))
                    .unwrap_or_default();
                Expr::Call(None, format!("new {name}"), arguments)
            }
            other => Expr::opaque(other),
        }
    }

    fn array(&self, node: Node<'_>, depth: Depth) -> Expr {
        let mut entries = Vec::new();
        let mut list = Vec::new();
        for element in children(node).into_iter().filter(|c| c.kind() == "array_element_initializer") {
            match children(element).as_slice() {
                [key, value] => {
                    let key = match self.expr(*key, depth) {
                        Expr::Literal(text) => text,
                        other => other.dotted().unwrap_or_default(),
                    };
                    entries.push((key, self.expr(*value, depth)));
                }
                [value] => list.push(self.expr(*value, depth)),
                _ => {}
            }
        }
        if entries.is_empty() { Expr::List(list) } else { Expr::Map(entries) }
    }

    fn string(&self, node: Node<'_>, depth: Depth) -> Expr {
        let mut parts = Vec::new();
        for child in children(node) {
            match child.kind() {
                "string_content" | "string_value" => parts.push(Expr::Literal(self.text(child).to_owned())),
                "escape_sequence" => parts.push(Expr::Literal(unquote(self.text(child)))),
                "heredoc_body" => parts.push(self.string(child, depth)),
                "heredoc_start" | "heredoc_end" => {}
                _ => parts.push(self.expr(child, depth)),
            }
        }
        if parts.is_empty() { Expr::literal("") } else { Expr::concat(parts) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_classes_strings_and_arrays() {
        let unit = extract(
            r#"<?php
namespace App;
use GuzzleHttp\Client;
class Quotes extends Base {
  private string $base = 'http://quote';
  public function __construct(private Client $client) {}
  public function get($id) {
    $url = $this->base . "/quotes/{$id}";
    return $this->client->request('GET', $url, ['timeout' => 3]);
  }
}
"#,
        );
        assert_eq!(unit.imports[0].path, "GuzzleHttp.Client");
        assert!(unit.bindings.iter().any(|b| b.place == "this.base"));
        assert!(unit.bindings.iter().any(|b| b.place == "this.client" && b.type_name.as_deref() == Some("Client")));
        let call = unit.calls.iter().find(|c| c.name == "request").expect("call");
        assert_eq!(call.arguments[0].value, Expr::literal("GET"));
        let url = unit.bindings.iter().find(|b| b.place == "url").expect("url");
        assert!(matches!(&url.value, Expr::Concat(parts) if parts.len() == 3), "{:?}", url.value);
    }
}
