//! Ruby, by tree-sitter: what a file binds, calls and declares. `@x` is a field; the last expression is returned.

use tree_sitter::Node;

use crate::ingest::grammar::Asked as _;
use crate::ingest::syntax::{self, Builder, DEPTH_LIMIT, Depth, children, field_text, is_each, line, text, unquote};
use crate::model::code::{Import, Parameter};
use crate::model::{Argument, Expr, Function, TypeDecl, Unit};

use super::Language;

/// Ruby.
pub const LANGUAGE: Language = Language { id: "ruby", extensions: &["rb", "ru"], extract };

fn extract(source: &str) -> Unit {
    let mut walk = Walk { source, builder: Builder::new("ruby") };
    if let Some(tree) = syntax::parse(&tree_sitter_ruby::LANGUAGE.into(), source) {
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

    fn visit(&mut self, node: Node<'_>, depth: usize) {
        if depth > DEPTH_LIMIT {
            return;
        }
        match node.kind() {
            "class" | "module" => {
                let name = self.field(node, "name").to_owned();
                let supertypes =
                    node.field("superclass").map(|s| self.text(s).trim_start_matches('<').trim().to_owned());
                let line = line(node);
                self.builder.unit.types.push(TypeDecl {
                    name: name.clone(),
                    line,
                    supertypes: supertypes.into_iter().collect(),
                    ..TypeDecl::default()
                });
                self.builder.enter_type(&name);
                self.visit_children(node, depth);
                self.builder.leave_type();
            }
            "method" | "singleton_method" => self.function(node, depth),
            "block" | "do_block" | "lambda" => {
                let parameters = node.field("parameters").map(|p| self.parameters(p)).unwrap_or_default();
                self.builder.enter_lambda(parameters, line(node), node.end_position().row as u32 + 1);
                self.visit_children(node, depth);
                self.builder.leave_function();
            }
            "assignment" | "operator_assignment" => self.assignment(node, depth),
            "return" => {
                if let Some(value) = children(node).first().and_then(|list| children(*list).first().copied()) {
                    let value = self.expr(value, Depth::TOP);
                    self.builder.returns(value);
                }
                self.visit_children(node, depth);
            }
            "for" | "while" | "until" => {
                self.builder.enter_loop();
                self.visit_children(node, depth);
                self.builder.leave_loop();
            }
            "call" => self.call(node, depth),
            _ => self.visit_children(node, depth),
        }
    }

    fn parameters(&self, node: Node<'_>) -> Vec<Parameter> {
        children(node)
            .into_iter()
            .map(|p| Parameter {
                name: match self.field(p, "name") {
                    "" => self.text(p).to_owned(),
                    name => name.to_owned(),
                },
                default: p.field("value").map(|v| self.expr(v, Depth::TOP)),
                ..Parameter::default()
            })
            .collect()
    }

    fn function(&mut self, node: Node<'_>, depth: usize) {
        let name = self.field(node, "name");
        let function = Function {
            name: if name == "initialize" { "new".to_owned() } else { name.to_owned() },
            line: line(node),
            end_line: node.end_position().row as u32 + 1,
            parameters: node.field("parameters").map(|p| self.parameters(p)).unwrap_or_default(),
            ..Function::default()
        };
        self.builder.enter_function(function);
        let body = node.field("body").map(children).unwrap_or_default();
        if let Some(last) = body.last()
            && last.kind() != "return"
        {
            let value = self.expr(*last, Depth::TOP);
            self.builder.returns(value);
        }
        for statement in body {
            self.visit(statement, depth + 1);
        }
        self.builder.leave_function();
    }

    fn assignment(&mut self, node: Node<'_>, depth: usize) {
        if let (Some(left), Some(right)) = (node.field("left"), node.field("right")) {
            let value = self.expr(right, Depth::TOP);
            let place = match self.expr(left, Depth::TOP) {
                // `http.use_ssl = true` is a call in the grammar.
                Expr::Call(Some(object), name, arguments) if arguments.is_empty() => {
                    object.dotted().map(|o| format!("{o}.{name}"))
                }
                other => other.dotted(),
            };
            if let Some(place) = place {
                if node.kind() == "assignment" || self.text(node).contains("||=") {
                    self.builder.bind(&place, None, value, line(node));
                } else {
                    self.builder.append(&place, value, line(node));
                }
            }
            self.visit(right, depth + 1);
        }
    }

    fn call(&mut self, node: Node<'_>, depth: usize) {
        let used =
            node.parent().is_none_or(|p| !matches!(p.kind(), "body_statement" | "program" | "block_body" | "then"));
        let mut each = false;
        if let Expr::Call(receiver, name, arguments) = self.expr(node, Depth::TOP) {
            if matches!(name.as_str(), "require" | "require_relative")
                && let Some(Expr::Literal(path)) = arguments.first().map(|a| &a.value)
            {
                let short = path.rsplit('/').next().unwrap_or(path).to_owned();
                let near = name == "require_relative" && !path.starts_with('.');
                let path = if near { format!("./{path}") } else { path.clone() };
                self.builder.unit.imports.push(Import { name: short, path });
            }
            each = is_each(&name);
            self.builder.call(line(node), receiver.map(|r| *r), &name, arguments, used, false);
        }
        for child in children(node) {
            let body = each && matches!(child.kind(), "block" | "do_block");
            if body {
                self.builder.enter_loop();
            }
            self.visit(child, depth + 1);
            if body {
                self.builder.leave_loop();
            }
        }
    }

    fn arguments(&self, node: Node<'_>, depth: Depth) -> Vec<Argument> {
        children(node)
            .into_iter()
            .map(|a| match a.kind() {
                "pair" => Argument {
                    name: Some(self.key(a)),
                    value: a.field("value").map_or_else(|| Expr::opaque("missing"), |v| self.expr(v, depth)),
                },
                _ => Argument::positional(self.expr(a, depth)),
            })
            .collect()
    }

    fn key(&self, pair: Node<'_>) -> String {
        let key = self.field(pair, "key").trim_matches(':');
        unquote(key)
    }

    fn expr(&self, node: Node<'_>, depth: Depth) -> Expr {
        let Some(depth) = depth.deeper() else { return Expr::opaque("nested too deep") };
        let part =
            |name: &'static str| node.field(name).map_or_else(|| Expr::opaque("missing"), |n| self.expr(n, depth));
        match node.kind() {
            "string" | "string_array" | "bare_string" | "heredoc_body" | "subshell" => self.string(node, depth),
            "chained_string" => Expr::concat(children(node).into_iter().map(|c| self.expr(c, depth)).collect()),
            "simple_symbol" | "hash_key_symbol" => Expr::literal(self.text(node).trim_matches(':')),
            "integer" | "true" | "false" => Expr::literal(self.text(node)),
            "identifier" | "constant" | "self" => {
                Expr::Ref(if self.text(node) == "self" { "this".to_owned() } else { self.text(node).to_owned() })
            }
            "instance_variable" | "class_variable" => {
                let name = self.text(node).trim_start_matches('@').to_owned();
                Expr::Field(Box::new(Expr::Ref("this".to_owned())), name)
            }
            "global_variable" => Expr::Ref(self.text(node).to_owned()),
            "scope_resolution" => match node.field("scope") {
                Some(scope) => Expr::Field(Box::new(self.expr(scope, depth)), self.field(node, "name").to_owned()),
                None => Expr::Ref(self.field(node, "name").to_owned()),
            },
            "element_reference" => {
                let kids = children(node);
                let at = |i: usize| kids.get(i).map_or_else(|| Expr::opaque("missing"), |n| self.expr(*n, depth));
                Expr::Index(Box::new(at(0)), Box::new(at(1)))
            }
            "parenthesized_statements" | "argument_list" | "begin" => {
                children(node).first().map_or_else(|| Expr::opaque("empty"), |n| self.expr(*n, depth))
            }
            "binary" => match self.field(node, "operator") {
                "+" => Expr::concat(vec![part("left"), part("right")]),
                "||" | "or" => Expr::Choice(vec![part("left"), part("right")]),
                other => Expr::opaque(other),
            },
            "conditional" => Expr::Choice(vec![part("consequence"), part("alternative")]),
            "assignment" | "operator_assignment" => part("right"),
            "hash" => Expr::Map(
                children(node)
                    .into_iter()
                    .filter(|c| c.kind() == "pair")
                    .map(|p| {
                        (self.key(p), p.field("value").map_or_else(|| Expr::opaque("missing"), |v| self.expr(v, depth)))
                    })
                    .collect(),
            ),
            "array" => Expr::List(children(node).into_iter().map(|c| self.expr(c, depth)).collect()),
            "block" | "do_block" | "lambda" => {
                let body = node.field("body").map_or_else(|| children(node), children);
                Expr::Lambda(body.last().map(|v| self.expr(*v, depth)).into_iter().collect())
            }
            "call" => self.call_expr(node, depth),
            other => Expr::opaque(other),
        }
    }

    fn call_expr(&self, node: Node<'_>, depth: Depth) -> Expr {
        let receiver = node.field("receiver").map(|r| Box::new(self.expr(r, depth)));
        let mut arguments = node.field("arguments").map(|a| self.arguments(a, depth)).unwrap_or_default();
        if let Some(block) = node.field("block") {
            arguments.push(Argument::positional(self.expr(block, depth)));
        }
        let name = self.field(node, "method");
        // `Client.new(x)` constructs a Client.
        if name == "new"
            && let Some(dotted) = receiver.as_deref().and_then(Expr::dotted)
        {
            return Expr::Call(None, format!("new {dotted}"), arguments);
        }
        Expr::Call(receiver, name.to_owned(), arguments)
    }

    fn string(&self, node: Node<'_>, depth: Depth) -> Expr {
        let mut parts = Vec::new();
        for child in children(node) {
            match child.kind() {
                "string_content" | "heredoc_content" => parts.push(Expr::Literal(self.text(child).to_owned())),
                "escape_sequence" => parts.push(Expr::Literal(unquote(self.text(child)))),
                "interpolation" => {
                    parts.push(children(child).first().map_or_else(|| Expr::opaque("empty"), |n| self.expr(*n, depth)))
                }
                _ => {}
            }
        }
        if parts.is_empty() { Expr::literal("") } else { Expr::concat(parts) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_classes_interpolation_and_blocks() {
        let unit = extract(
            r##"require "net/http"
class Drivers < Base
  def initialize(base = ENV.fetch("DRIVERS_URL", "http://drivers"))
    @base = base
  end
  def find(id)
    uri = URI("#{@base}/drivers/#{id}")
    ids.each { |i| Net::HTTP.get(uri) }
  end
end
"##,
        );
        assert_eq!(unit.imports[0].path, "net/http");
        assert!(unit.bindings.iter().any(|b| b.place == "this.base"));
        let uri = unit.calls.iter().find(|c| c.name == "URI").expect("uri");
        assert!(matches!(&uri.arguments[0].value, Expr::Concat(parts) if parts.len() == 3));
        let get = unit.calls.iter().find(|c| c.name == "get").expect("get");
        assert!(get.in_loop);
    }
}
