//! Go, by tree-sitter: what a file binds, calls and declares. The receiver of a method is `this`.

use tree_sitter::Node;

use crate::ingest::grammar::Asked as _;
use crate::ingest::syntax::{self, Builder, DEPTH_LIMIT, Depth, children, field_text, line, text, unquote};
use crate::model::code::{Field, Import, Parameter};
use crate::model::{Annotation, Argument, Expr, Function, TypeDecl, Unit};

use super::Language;

/// Go.
pub const LANGUAGE: Language = Language { id: "go", extensions: &["go"], extract };

fn extract(source: &str) -> Unit {
    let mut walk = Walk { source, builder: Builder::new("go"), receivers: Vec::new() };
    if let Some(tree) = syntax::parse(&tree_sitter_go::LANGUAGE.into(), source) {
        walk.visit(tree.root_node(), 0);
        walk.builder.unit.conditions = syntax::conditions(tree.root_node(), source);
    }
    walk.builder.unit
}

struct Walk<'s> {
    source: &'s str,
    builder: Builder,
    /// Names of the receivers of the enclosing methods.
    receivers: Vec<&'s str>,
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
            "package_clause" => {
                self.builder.unit.package = children(node).first().map_or("", |n| self.text(*n)).to_owned()
            }
            "import_spec" => self.import(node),
            "type_spec" => self.declare(node),
            "function_declaration" | "method_declaration" => self.function(node, depth),
            "func_literal" => {
                let parameters = node.field("parameters").map(|p| self.parameters(p)).unwrap_or_default();
                self.builder.enter_lambda(parameters, line(node), node.end_position().row as u32 + 1);
                self.visit_children(node, depth);
                self.builder.leave_function();
            }
            "const_spec" | "var_spec" => self.variables(node, depth),
            "short_var_declaration" | "assignment_statement" => self.assignment(node, depth),
            "range_clause" => {
                self.range(node);
                self.visit_children(node, depth);
            }
            "return_statement" => {
                if let Some(values) = children(node).first() {
                    // The first value is the result, the rest are errors and flags.
                    if let Some(value) = children(*values).first() {
                        let value = self.expr(*value, Depth::TOP);
                        self.builder.returns(value);
                    }
                }
                self.visit_children(node, depth);
            }
            "for_statement" => {
                self.builder.enter_loop();
                self.visit_children(node, depth);
                self.builder.leave_loop();
            }
            "call_expression" => {
                self.call(node);
                self.visit_children(node, depth);
            }
            _ => self.visit_children(node, depth),
        }
    }

    fn import(&mut self, node: Node<'_>) {
        let path = unquote(self.field(node, "path"));
        let last = path.rsplit('/').next().unwrap_or(&path);
        // `github.com/x/y/v5` is package `y`.
        let versioned = last.strip_prefix('v').is_some_and(|v| !v.is_empty() && v.bytes().all(|b| b.is_ascii_digit()));
        let last = if versioned { path.rsplit('/').nth(1).unwrap_or(last) } else { last };
        let last = last.strip_prefix("go-").unwrap_or(last).split('.').next().unwrap_or(last);
        let name = match self.field(node, "name") {
            "" => last.to_owned(),
            alias => alias.to_owned(),
        };
        self.builder.unit.imports.push(Import { name, path });
    }

    fn declare(&mut self, node: Node<'_>) {
        let Some(body) = node.field("type") else { return };
        let mut decl = TypeDecl {
            name: self.field(node, "name").to_owned(),
            line: line(node),
            is_interface: body.kind() == "interface_type",
            ..TypeDecl::default()
        };
        for list in children(body).into_iter().filter(|c| c.kind() == "field_declaration_list") {
            for field in children(list).into_iter().filter(|c| c.kind() == "field_declaration") {
                let type_name = self.field(field, "type").to_owned();
                let annotations = field.field("tag").map(|t| tags(self.text(t), line(t))).unwrap_or_default();
                let mut cursor = field.walk();
                let names: Vec<Node<'_>> = field.children_by_field_name("name", &mut cursor).collect();
                if names.is_empty() {
                    decl.supertypes.push(type_name.trim_start_matches('*').to_owned());
                }
                for name in names {
                    decl.fields.push(Field {
                        name: self.text(name).to_owned(),
                        type_name: type_name.clone(),
                        line: line(field),
                        annotations: annotations.clone(),
                    });
                }
            }
        }
        let name = decl.name.clone();
        let is_interface = decl.is_interface;
        self.builder.unit.types.push(decl);
        if is_interface {
            self.builder.enter_type(&name);
            for method in children(body).into_iter().filter(|c| matches!(c.kind(), "method_elem" | "method_spec")) {
                let function = Function {
                    name: self.field(method, "name").to_owned(),
                    line: line(method),
                    end_line: line(method),
                    parameters: method.field("parameters").map(|p| self.parameters(p)).unwrap_or_default(),
                    ..Function::default()
                };
                self.builder.enter_function(function);
                self.builder.leave_function();
            }
            self.builder.leave_type();
        }
    }

    fn parameters(&self, node: Node<'_>) -> Vec<Parameter> {
        let mut all = Vec::new();
        for child in children(node) {
            // `names ...string` takes all the arguments that are left.
            let rest = if child.kind() == "variadic_parameter_declaration" { "..." } else { "" };
            let type_name = format!("{rest}{}", self.field(child, "type"));
            let mut cursor = child.walk();
            let names: Vec<Node<'_>> = child.children_by_field_name("name", &mut cursor).collect();
            for name in names {
                all.push(Parameter {
                    name: self.text(name).to_owned(),
                    type_name: type_name.clone(),
                    ..Parameter::default()
                });
            }
        }
        all
    }

    fn function(&mut self, node: Node<'_>, depth: usize) {
        let receiver = node.field("receiver").map(|r| self.parameters_with_types(r)).and_then(|p| p.into_iter().next());
        let owner = receiver.as_ref().map(|(_, t)| {
            let plain = t.trim_start_matches('*');
            plain.split('[').next().unwrap_or(plain).to_owned()
        });
        let result = self.field(node, "result").trim_start_matches('(').trim_end_matches(')');
        let result = result.split(',').next().unwrap_or(result).trim();
        let function = Function {
            name: self.field(node, "name").to_owned(),
            owner,
            line: line(node),
            end_line: node.end_position().row as u32 + 1,
            parameters: node.field("parameters").map(|p| self.parameters(p)).unwrap_or_default(),
            return_type: result.rsplit(' ').next().unwrap_or(result).to_owned(),
            ..Function::default()
        };
        self.builder.enter_function(function);
        self.receivers.push(receiver.map_or("", |(name, _)| name));
        if let Some(body) = node.field("body") {
            self.visit_children(body, depth);
        }
        self.receivers.pop();
        self.builder.leave_function();
    }

    fn parameters_with_types(&self, node: Node<'_>) -> Vec<(&'s str, &'s str)> {
        children(node).into_iter().map(|c| (self.field(c, "name"), self.field(c, "type"))).collect()
    }

    fn variables(&mut self, node: Node<'_>, depth: usize) {
        let type_name = self.field(node, "type").to_owned();
        let mut cursor = node.walk();
        let names: Vec<Node<'_>> = node.children_by_field_name("name", &mut cursor).collect();
        let values: Vec<Node<'_>> = node.field("value").map(children).unwrap_or_default();
        for (i, name) in names.iter().enumerate() {
            let value = values.get(i).map_or_else(|| Expr::opaque("declared"), |v| self.expr(*v, Depth::TOP));
            self.builder.bind(self.text(*name), Some(&type_name), value, line(node));
        }
        self.visit_children(node, depth);
    }

    fn assignment(&mut self, node: Node<'_>, depth: usize) {
        let lefts = node.field("left").map(children).unwrap_or_default();
        let rights = node.field("right").map(children).unwrap_or_default();
        for (i, left) in lefts.iter().enumerate() {
            let right = if rights.len() == lefts.len() { rights.get(i) } else { rights.first().filter(|_| i == 0) };
            let Some(right) = right else { continue };
            let value = self.expr(*right, Depth::TOP);
            let place = match left.kind() {
                // `*target = …` writes through a pointer parameter.
                "unary_expression" => self.text(*left).to_owned(),
                _ => match self.expr(*left, Depth::TOP) {
                    Expr::Index(object, key) => match (object.dotted(), *key) {
                        (Some(object), Expr::Literal(key)) => format!("{object}.{key}"),
                        _ => String::new(),
                    },
                    other => other.dotted().unwrap_or_default(),
                },
            };
            if place == "_" {
                continue;
            }
            if node.field("operator").is_some_and(|o| self.text(o) == "+=") {
                self.builder.append(&place, value, line(node));
            } else {
                self.builder.bind(&place, None, value, line(node));
            }
        }
        self.visit_children(node, depth);
    }

    /// `for _, url := range urls` binds each element.
    fn range(&mut self, node: Node<'_>) {
        let lefts = node.field("left").map(children).unwrap_or_default();
        let Some(right) = node.field("right") else { return };
        let over = self.expr(right, Depth::TOP);
        if let Some(value) = lefts.get(1) {
            let each = Expr::Index(Box::new(over), Box::new(Expr::opaque("each")));
            self.builder.bind(self.text(*value), None, each, line(node));
        }
    }

    fn call(&mut self, node: Node<'_>) {
        let parent = node.parent();
        let used =
            parent.is_none_or(|p| !matches!(p.kind(), "expression_statement" | "go_statement" | "defer_statement"));
        let spawned = self.is_spawned(node);
        let Expr::Call(receiver, name, arguments) = self.expr(node, Depth::TOP) else { return };
        // What is passed as a pointer may be written there: `mustMapEnv(&svc.addr, "X")`.
        let nodes = node.field("arguments").map(children).unwrap_or_default();
        for (at, argument) in nodes.iter().enumerate() {
            if argument.kind() == "unary_expression"
                && self.text(*argument).starts_with('&')
                && let Some(place) = self.expr(*argument, Depth::TOP).dotted()
            {
                let call = Expr::Call(receiver.clone(), name.clone(), arguments.clone());
                self.builder.bind(&place, None, Expr::Out(Box::new(call), at), line(node));
            }
        }
        self.builder.call(line(node), receiver.map(|r| *r), &name, arguments, used, spawned);
    }

    /// In `go f()` itself, or in a function literal that `go` starts.
    fn is_spawned(&self, node: Node<'_>) -> bool {
        let mut at = node.parent();
        for _ in 0..DEPTH_LIMIT {
            let Some(parent) = at else { return false };
            match parent.kind() {
                "go_statement" => return true,
                "function_declaration" | "method_declaration" => return false,
                _ => at = parent.parent(),
            }
        }
        false
    }

    fn expr(&self, node: Node<'_>, depth: Depth) -> Expr {
        let Some(depth) = depth.deeper() else { return Expr::opaque("nested too deep") };
        let part =
            |name: &'static str| node.field(name).map_or_else(|| Expr::opaque("missing"), |n| self.expr(n, depth));
        match node.kind() {
            "interpreted_string_literal" | "raw_string_literal" => Expr::Literal(unquote(self.text(node))),
            "int_literal" | "true" | "false" => Expr::literal(self.text(node)),
            "identifier" | "type_identifier" | "package_identifier" | "field_identifier" => {
                let name = self.text(node);
                let receiver = self.receivers.last().is_some_and(|r| !r.is_empty() && *r == name);
                Expr::Ref(if receiver { "this".to_owned() } else { name.to_owned() })
            }
            "selector_expression" => Expr::Field(Box::new(part("operand")), self.field(node, "field").to_owned()),
            "index_expression" => Expr::Index(Box::new(part("operand")), Box::new(part("index"))),
            "slice_expression" => part("operand"),
            "parenthesized_expression" | "expression_list" | "literal_element" => {
                children(node).first().map_or_else(|| Expr::opaque("empty"), |n| self.expr(*n, depth))
            }
            "unary_expression" => part("operand"),
            "type_assertion_expression" => part("operand"),
            "type_conversion_expression" => part("operand"),
            "binary_expression" if self.field(node, "operator") == "+" => {
                Expr::concat(vec![part("left"), part("right")])
            }
            "binary_expression" if self.field(node, "operator") == "*" => {
                duration(self.field(node, "left"), self.field(node, "right"))
            }
            "composite_literal" => self.composite(node, depth),
            "literal_value" => self.list(node, depth),
            "func_literal" => Expr::Lambda(self.returned(node, depth)),
            "call_expression" => {
                let arguments: Vec<Argument> = node
                    .field("arguments")
                    .map(|a| children(a).into_iter().map(|a| Argument::positional(self.expr(a, depth))).collect())
                    .unwrap_or_default();
                match node.field("function") {
                    Some(f) if f.kind() == "selector_expression" => {
                        let operand = f.field("operand").map(|o| Box::new(self.expr(o, depth)));
                        Expr::Call(operand, self.field(f, "field").to_owned(), arguments)
                    }
                    // `new(T)` makes a T.
                    Some(f) if self.text(f) == "new" && arguments.len() == 1 => {
                        let made = arguments[0].value.dotted().unwrap_or_default();
                        Expr::Call(None, format!("new {made}"), Vec::new())
                    }
                    // Conversions hand their value on.
                    Some(f) if matches!(self.text(f), "string" | "[]byte") => {
                        arguments.into_iter().next().map_or_else(|| Expr::opaque("empty"), |a| a.value)
                    }
                    Some(f) => {
                        Expr::Call(None, self.text(f).split('[').next().unwrap_or_default().to_owned(), arguments)
                    }
                    None => Expr::opaque("call"),
                }
            }
            other => Expr::opaque(other),
        }
    }

    /// `T{a: x}` is a constructor call with named arguments; maps and slices are what they are.
    fn composite(&self, node: Node<'_>, depth: Depth) -> Expr {
        let (Some(kind), Some(body)) = (node.field("type"), node.field("body")) else {
            return Expr::opaque("literal");
        };
        match kind.kind() {
            "map_type" => match self.list(body, depth) {
                Expr::List(parts) if parts.is_empty() => Expr::Map(Vec::new()),
                other => other,
            },
            "slice_type" | "array_type" | "implicit_length_array_type" => self.list(body, depth),
            _ => {
                let arguments = match self.list(body, depth) {
                    Expr::Map(entries) => {
                        entries.into_iter().map(|(k, value)| Argument { name: Some(k), value }).collect()
                    }
                    Expr::List(parts) => parts.into_iter().map(Argument::positional).collect(),
                    _ => Vec::new(),
                };
                Expr::Call(None, format!("new {}", self.text(kind)), arguments)
            }
        }
    }

    fn list(&self, body: Node<'_>, depth: Depth) -> Expr {
        let parts = children(body);
        if parts.first().is_some_and(|p| p.kind() == "keyed_element") {
            let entries = parts
                .into_iter()
                .filter_map(|p| {
                    let inner = children(p);
                    let (key, value) = (inner.first()?, inner.get(1)?);
                    Some((unquote(self.text(*key)), self.expr(*value, depth)))
                })
                .collect();
            return Expr::Map(entries);
        }
        Expr::List(parts.into_iter().map(|p| self.expr(p, depth)).collect())
    }

    /// Values returned directly in a function literal.
    fn returned(&self, node: Node<'_>, depth: Depth) -> Vec<Expr> {
        let Some(body) = node.field("body") else { return Vec::new() };
        let mut statements = children(body);
        if let [one] = statements.as_slice()
            && one.kind() == "statement_list"
        {
            statements = children(*one);
        }
        let returns = statements.into_iter().filter(|s| s.kind() == "return_statement");
        returns
            .filter_map(|s| children(s).first().and_then(|list| children(*list).first().map(|v| self.expr(*v, depth))))
            .collect()
    }
}

/// `5 * time.Second` is the literal `5s`.
fn duration(left: &str, right: &str) -> Expr {
    let unit = |text: &str| match text {
        "time.Second" => Some("s"),
        "time.Millisecond" => Some("ms"),
        "time.Minute" => Some("min"),
        _ => None,
    };
    match (unit(left), unit(right)) {
        (None, Some(unit)) => Expr::Literal(format!("{left}{unit}")),
        (Some(unit), None) => Expr::Literal(format!("{right}{unit}")),
        _ => Expr::opaque("product"),
    }
}

/// `` `env:"X" default:"y"` `` as annotations.
fn tags(text: &str, line: u32) -> Vec<Annotation> {
    let mut all = Vec::new();
    let mut rest = text.trim_matches('`').trim();
    while let Some((name, tail)) = rest.split_once(":\"") {
        let Some((value, after)) = tail.split_once('"') else { break };
        let mut arguments = vec![Argument::positional(Expr::literal(value.split(',').next().unwrap_or(value)))];
        // `env:"X,default=y"` and `envDefault:"y"` both give a default.
        for option in value.split(',').skip(1) {
            if let Some((key, value)) = option.split_once('=') {
                arguments.push(Argument { name: Some(key.trim().to_owned()), value: Expr::literal(value) });
            }
        }
        all.push(Annotation { name: name.trim().to_owned(), arguments, line });
        rest = after.trim_start();
    }
    let default = all
        .iter()
        .find(|a| matches!(a.name.as_str(), "envDefault" | "default"))
        .and_then(|a| a.arguments.first().cloned());
    if let Some(default) = default {
        for annotation in all.iter_mut().filter(|a| matches!(a.name.as_str(), "env" | "envconfig" | "mapstructure")) {
            annotation.arguments.push(Argument { name: Some("default".to_owned()), value: default.value.clone() });
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_receivers_pointers_and_composites() {
        let unit = extract(
            r#"package main
import (
  "net/http"
  pb "example.com/shop/genproto"
)
type svc struct { addr string `env:"ORDERS_ADDR" envDefault:"orders:1"`; conn *grpc.ClientConn }
func main() {
  s := &svc{addr: "x"}
  mustMapEnv(&s.addr, "ORDERS_ADDR")
  go s.run()
}
func mustMapEnv(target *string, key string) { *target = os.Getenv(key) }
func (c *svc) get(id string) (*Order, error) {
  resp, err := http.Get(c.addr + "/orders/" + id)
  return pb.NewOrdersClient(c.conn).GetOrder(ctx, &pb.Req{Id: id})
}
"#,
        );
        assert_eq!(unit.imports[1].name, "pb");
        assert_eq!(unit.types[0].fields[0].annotations[0].name, "env");
        let out = unit.bindings.iter().find(|b| b.place == "s.addr").expect("pointer");
        assert!(matches!(out.value, Expr::Out(_, 0)));
        assert!(unit.bindings.iter().any(|b| b.place == "*target"));
        let get = unit.functions.iter().find(|f| f.name == "get").expect("method");
        assert_eq!((get.owner.as_deref(), get.return_type.as_str()), (Some("svc"), "*Order"));
        let call = unit.calls.iter().find(|c| c.name == "Get").expect("call");
        assert_eq!(
            call.arguments[0].value,
            Expr::Concat(vec![
                Expr::Field(Box::new(Expr::Ref("this".into())), "addr".into()),
                Expr::literal("/orders/"),
                Expr::Ref("id".into())
            ])
        );
        assert!(unit.calls.iter().any(|c| c.name == "run" && c.spawned));
        assert!(unit.calls.iter().any(|c| c.name == "GetOrder"));
    }
}
