//! Python, by tree-sitter: what a module binds, calls and declares. `self` and `cls` are `this`.

use tree_sitter::Node;

use crate::ingest::grammar::Asked as _;
use crate::ingest::syntax::{self, Builder, DEPTH_LIMIT, Depth, children, field_text, line, text, unquote};
use crate::model::code::{Field, Import, Parameter};
use crate::model::{Annotation, Argument, Expr, Function, TypeDecl, Unit};

use super::Language;

/// Python.
pub const LANGUAGE: Language = Language { id: "python", extensions: &["py", "pyi"], extract };

fn extract(source: &str) -> Unit {
    let mut walk = Walk { source, builder: Builder::new("python") };
    if let Some(tree) = syntax::parse(&tree_sitter_python::LANGUAGE.into(), source) {
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
            "import_statement" => self.import(node, ""),
            "import_from_statement" => {
                let module = self.field(node, "module_name").to_owned();
                self.import(node, &module);
            }
            "decorated_definition" => {
                let annotations = self.decorators(node);
                for decorator in children(node).into_iter().filter(|c| c.kind() == "decorator") {
                    self.visit_children(decorator, depth);
                }
                if let Some(definition) = node.field("definition") {
                    self.define(definition, annotations, depth);
                }
            }
            "class_definition" | "function_definition" => self.define(node, Vec::new(), depth),
            "lambda" => {
                let parameters = node.field("parameters").map(|p| self.parameters(p)).unwrap_or_default();
                self.builder.enter_lambda(parameters, line(node), node.end_position().row as u32 + 1);
                self.visit_children(node, depth);
                self.builder.leave_function();
            }
            "assignment" | "named_expression" => self.assignment(node, depth),
            "augmented_assignment" => {
                if self.field(node, "operator") == "+="
                    && let (Some(left), Some(right)) = (node.field("left"), node.field("right"))
                {
                    let value = self.expr(right, Depth::TOP);
                    if let Some(place) = self.expr(left, Depth::TOP).dotted() {
                        self.builder.append(&place, value, line(node));
                    }
                }
                self.visit_children(node, depth);
            }
            "return_statement" | "yield" => {
                if let Some(value) = children(node).first() {
                    let value = self.expr(*value, Depth::TOP);
                    self.builder.returns(value);
                }
                self.visit_children(node, depth);
            }
            "for_statement"
            | "while_statement"
            | "list_comprehension"
            | "generator_expression"
            | "dictionary_comprehension"
            | "set_comprehension" => self.in_loop(node, depth),
            "as_pattern" => {
                self.as_pattern(node);
                self.visit_children(node, depth);
            }
            "call" => {
                self.call(node);
                self.visit_children(node, depth);
            }
            _ => self.visit_children(node, depth),
        }
    }

    fn in_loop(&mut self, node: Node<'_>, depth: usize) {
        let target = if node.kind() == "for_statement" {
            Some(node)
        } else {
            children(node).into_iter().find(|c| c.kind() == "for_in_clause")
        };
        if let Some(target) = target
            && let (Some(left), Some(right)) = (target.field("left"), target.field("right"))
            && left.kind() == "identifier"
        {
            let over = self.expr(right, Depth::TOP);
            let each = Expr::Index(Box::new(over), Box::new(Expr::opaque("each")));
            self.builder.bind(self.text(left), None, each, line(node));
        }
        self.builder.enter_loop();
        self.visit_children(node, depth);
        self.builder.leave_loop();
    }

    /// `with Client() as c` binds `c`.
    fn as_pattern(&mut self, node: Node<'_>) {
        let parts = children(node);
        if let (Some(value), Some(alias)) = (parts.first(), node.field("alias")) {
            let value = self.expr(*value, Depth::TOP);
            self.builder.bind(self.text(alias), None, value, line(node));
        }
    }

    fn import(&mut self, node: Node<'_>, module: &str) {
        let mut cursor = node.walk();
        let names: Vec<Node<'_>> = node.children_by_field_name("name", &mut cursor).collect();
        let join = |name: &str| match module {
            "" => name.to_owned(),
            m if m.ends_with('.') => format!("{m}{name}"),
            m => format!("{m}.{name}"),
        };
        for name in names {
            let (path, alias) = match name.kind() {
                "aliased_import" => (self.field(name, "name"), self.field(name, "alias")),
                _ => (self.text(name), ""),
            };
            // `import a.b` binds `a`, and `a.b` is what is written.
            let local = if alias.is_empty() { path.split('.').next().unwrap_or(path) } else { alias };
            let local = if module.is_empty() || !alias.is_empty() { local } else { path };
            self.builder.unit.imports.push(Import { name: local.to_owned(), path: join(path) });
        }
        if children(node).iter().any(|c| c.kind() == "wildcard_import") {
            self.builder.unit.imports.push(Import { name: "*".to_owned(), path: module.to_owned() });
        }
    }

    fn decorators(&self, node: Node<'_>) -> Vec<Annotation> {
        children(node)
            .into_iter()
            .filter(|c| c.kind() == "decorator")
            .filter_map(|decorator| {
                let inner = *children(decorator).first()?;
                let (name, arguments) = match inner.kind() {
                    "call" => {
                        let arguments = inner.field("arguments").map(|a| self.arguments(a, Depth::TOP));
                        (self.field(inner, "function"), arguments.unwrap_or_default())
                    }
                    _ => (self.text(inner), Vec::new()),
                };
                Some(Annotation { name: name.to_owned(), arguments, line: line(decorator) })
            })
            .collect()
    }

    fn define(&mut self, node: Node<'_>, annotations: Vec<Annotation>, depth: usize) {
        if node.kind() == "class_definition" {
            return self.class(node, annotations, depth);
        }
        let name = self.field(node, "name");
        let method = self.builder.owner().is_some() && node.parent().is_some_and(|p| in_class_body(p));
        let mut parameters = node.field("parameters").map(|p| self.parameters(p)).unwrap_or_default();
        if method && parameters.first().is_some_and(|p| matches!(p.name.as_str(), "self" | "cls")) {
            parameters.remove(0);
        }
        let property =
            annotations.iter().any(|a| matches!(a.name.as_str(), "property" | "cached_property" | "computed_field"));
        let function = Function {
            name: if name == "__init__" { "new".to_owned() } else { name.to_owned() },
            owner: if method { None } else { Some(String::new()) },
            line: line(node),
            end_line: node.end_position().row as u32 + 1,
            parameters,
            annotations,
            return_type: self.field(node, "return_type").trim_matches('"').to_owned(),
            ..Function::default()
        };
        let at = self.builder.enter_function(function);
        if !method {
            self.builder.unit.functions[at as usize].owner = None;
        }
        if let Some(body) = node.field("body") {
            self.visit_children(body, depth);
        }
        let returned = self.builder.returned(at);
        self.builder.leave_function();
        if property && let Some(value) = returned.into_iter().next() {
            self.builder.bind(&format!("this.{name}"), None, value, line(node));
        }
    }

    fn class(&mut self, node: Node<'_>, annotations: Vec<Annotation>, depth: usize) {
        let name = self.field(node, "name").to_owned();
        let supertypes = node.field("superclasses").map(children).unwrap_or_default();
        let supertypes = supertypes
            .into_iter()
            .filter(|s| s.kind() != "keyword_argument")
            .map(|s| self.text(s).to_owned())
            .collect();
        let mut decl =
            TypeDecl { name: name.clone(), line: line(node), supertypes, annotations, ..TypeDecl::default() };
        let body = node.field("body");
        for statement in body.map(children).unwrap_or_default() {
            let inner =
                if statement.kind() == "expression_statement" { children(statement).first().copied() } else { None };
            if let Some(assignment) = inner.filter(|i| i.kind() == "assignment") {
                decl.fields.push(Field {
                    name: self.field(assignment, "left").to_owned(),
                    type_name: self.field(assignment, "type").to_owned(),
                    line: line(assignment),
                    annotations: Vec::new(),
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

    fn parameters(&self, node: Node<'_>) -> Vec<Parameter> {
        children(node)
            .into_iter()
            .filter_map(|child| {
                let name = match child.kind() {
                    "identifier" => self.text(child),
                    "typed_parameter" => children(child).first().map_or("", |n| self.text(*n)),
                    "default_parameter" | "typed_default_parameter" => self.field(child, "name"),
                    _ => return None,
                };
                Some(Parameter {
                    name: name.trim_start_matches('*').to_owned(),
                    type_name: self.field(child, "type").to_owned(),
                    default: child.field("value").map(|v| self.expr(v, Depth::TOP)),
                    annotations: Vec::new(),
                })
            })
            .collect()
    }

    fn assignment(&mut self, node: Node<'_>, depth: usize) {
        let left = node.field("left").or_else(|| node.field("name"));
        let right = node.field("right").or_else(|| node.field("value"));
        let type_name = self.field(node, "type").to_owned();
        if let Some(left) = left {
            let value = right.map_or_else(|| Expr::opaque("declared"), |r| self.expr(r, Depth::TOP));
            match left.kind() {
                "pattern_list" | "tuple_pattern" => {
                    for (i, target) in children(left).into_iter().enumerate() {
                        let part = match &value {
                            Expr::List(parts) => parts.get(i).cloned().unwrap_or_else(|| Expr::opaque("missing")),
                            other => Expr::Index(Box::new(other.clone()), Box::new(Expr::Literal(i.to_string()))),
                        };
                        if let Some(place) = self.expr(target, Depth::TOP).dotted() {
                            self.builder.bind(&place, None, part, line(node));
                        }
                    }
                }
                _ => self.bind_target(left, &type_name, value, line(node)),
            }
        }
        self.visit_children(node, depth);
    }

    fn bind_target(&mut self, left: Node<'_>, type_name: &str, value: Expr, at: u32) {
        let place = match self.expr(left, Depth::TOP) {
            Expr::Index(object, key) => match (object.dotted(), *key) {
                (Some(object), Expr::Literal(key)) => format!("{object}.{key}"),
                _ => return,
            },
            other => match other.dotted() {
                Some(place) => place,
                None => return,
            },
        };
        // A class attribute is read as a field and by the class's name.
        let in_class = self.builder.owner().is_some() && self.builder.function().is_none() && !place.contains('.');
        if in_class {
            self.builder.bind(&format!("this.{place}"), Some(type_name), value, at);
        } else {
            self.builder.bind(&place, Some(type_name), value, at);
        }
    }

    fn call(&mut self, node: Node<'_>) {
        let parent = node.parent();
        let used = parent.is_none_or(|p| {
            p.kind() != "expression_statement"
                && !(p.kind() == "await" && p.parent().is_some_and(|g| g.kind() == "expression_statement"))
        });
        // `asyncio.create_task(f())` starts f and goes on.
        let spawned = parent.and_then(|p| p.parent()).is_some_and(|g| {
            g.kind() == "call" && {
                let called = self.field(g, "function");
                ["create_task", "ensure_future", "add_task", "start_soon"].iter().any(|n| called.ends_with(n))
                    && g.parent().is_none_or(|p| p.kind() != "await")
            }
        });
        if let Expr::Call(receiver, name, arguments) = self.expr(node, Depth::TOP) {
            self.builder.call(line(node), receiver.map(|r| *r), &name, arguments, used, spawned);
        }
    }

    fn arguments(&self, node: Node<'_>, depth: Depth) -> Vec<Argument> {
        if node.kind() == "generator_expression" {
            return vec![Argument::positional(self.expr(node, depth))];
        }
        children(node)
            .into_iter()
            .map(|child| match child.kind() {
                "keyword_argument" => Argument {
                    name: Some(self.field(child, "name").to_owned()),
                    value: child.field("value").map_or_else(|| Expr::opaque("missing"), |v| self.expr(v, depth)),
                },
                // `connect(**config)`: the entries are the arguments.
                "dictionary_splat" => Argument {
                    name: Some("**".to_owned()),
                    value: child.named_child(0).map_or_else(|| Expr::opaque("missing"), |v| self.expr(v, depth)),
                },
                _ => Argument::positional(self.expr(child, depth)),
            })
            .collect()
    }

    #[expect(clippy::too_many_lines, reason = "one arm per kind of node")]
    fn expr(&self, node: Node<'_>, depth: Depth) -> Expr {
        let Some(depth) = depth.deeper() else { return Expr::opaque("nested too deep") };
        let part =
            |name: &'static str| node.field(name).map_or_else(|| Expr::opaque("missing"), |n| self.expr(n, depth));
        let first = || children(node).first().map_or_else(|| Expr::opaque("empty"), |n| self.expr(*n, depth));
        match node.kind() {
            "string" => self.string(node, depth),
            "concatenated_string" => Expr::concat(children(node).into_iter().map(|c| self.expr(c, depth)).collect()),
            "integer" | "true" | "false" => Expr::literal(self.text(node)),
            "identifier" => match self.text(node) {
                "self" | "cls" => Expr::Ref("this".to_owned()),
                name => Expr::Ref(name.to_owned()),
            },
            "attribute" => Expr::Field(Box::new(part("object")), self.field(node, "attribute").to_owned()),
            "subscript" => Expr::Index(Box::new(part("value")), Box::new(part("subscript"))),
            "parenthesized_expression" | "await" | "list_splat" | "type" => first(),
            "binary_operator" => match self.field(node, "operator") {
                "+" => Expr::concat(vec![part("left"), part("right")]),
                "%" => {
                    let pattern = part("left");
                    let values = match part("right") {
                        Expr::List(parts) => parts,
                        other => vec![other],
                    };
                    match &pattern {
                        Expr::Literal(text) => crate::ingest::recognise::expand_format(text, &values),
                        _ => pattern,
                    }
                }
                other => Expr::opaque(other),
            },
            "boolean_operator" => Expr::Choice(vec![part("left"), part("right")]),
            "conditional_expression" => {
                let parts = children(node);
                let pick = |i: usize| parts.get(i).map_or_else(|| Expr::opaque("missing"), |n| self.expr(*n, depth));
                Expr::Choice(vec![pick(0), pick(2)])
            }
            "dictionary" => Expr::Map(
                children(node)
                    .into_iter()
                    .filter(|p| p.kind() == "pair")
                    .map(|p| {
                        let value = p.field("value").map_or_else(|| Expr::opaque("missing"), |v| self.expr(v, depth));
                        (unquote(self.field(p, "key")), value)
                    })
                    .collect(),
            ),
            "list" | "tuple" | "set" | "expression_list" => {
                Expr::List(children(node).into_iter().map(|c| self.expr(c, depth)).collect())
            }
            "lambda" => Expr::Lambda(vec![part("body")]),
            "named_expression" => part("value"),
            "call" => {
                let arguments = node.field("arguments").map(|a| self.arguments(a, depth)).unwrap_or_default();
                match node.field("function") {
                    Some(f) if f.kind() == "attribute" => {
                        let object = f.field("object").map(|o| Box::new(self.expr(o, depth)));
                        Expr::Call(object, self.field(f, "attribute").to_owned(), arguments)
                    }
                    // A conversion hands its value on.
                    Some(f) if matches!(self.text(f), "str") && arguments.len() == 1 => arguments[0].value.clone(),
                    Some(f) if f.kind() == "identifier" => Expr::Call(None, self.text(f).to_owned(), arguments),
                    _ => Expr::opaque("call"),
                }
            }
            other => Expr::opaque(other),
        }
    }

    fn string(&self, node: Node<'_>, depth: Depth) -> Expr {
        let mut parts = Vec::new();
        for child in children(node) {
            match child.kind() {
                "string_content" => parts.push(Expr::Literal(unquote(self.text(child)))),
                "interpolation" => {
                    let value = child.field("expression").or_else(|| children(child).first().copied());
                    parts.push(value.map_or_else(|| Expr::opaque("interpolation"), |v| self.expr(v, depth)));
                }
                _ => {}
            }
        }
        if parts.is_empty() { Expr::literal("") } else { Expr::concat(parts) }
    }
}

/// Is the definition directly in a class, perhaps decorated?
fn in_class_body(parent: Node<'_>) -> bool {
    match parent.kind() {
        "decorated_definition" => parent.parent().is_some_and(in_class_body),
        "block" => parent.parent().is_some_and(|g| g.kind() == "class_definition"),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_classes_decorators_and_strings() {
        let unit = extract(
            r#"import os, requests
from .config import settings as s
class Client(Base):
    url: str = os.environ["URL"]
    def __init__(self, base="http://a"):
        self.base = base
    @property
    def full(self): return f"{self.base}/x/{id}"
@app.route("/orders/<id>", methods=["GET"])
def get_order(id):
    base, n = load()
    for u in urls:
        r = requests.get("%s/items" % base, timeout=3)
    return r
"#,
        );
        assert_eq!(unit.imports[2].path, ".config.settings");
        assert!(unit.bindings.iter().any(|b| b.place == "this.url"));
        let init = unit.functions.iter().find(|f| f.name == "new").expect("init");
        assert_eq!((init.owner.as_deref(), init.parameters.len()), (Some("Client"), 1));
        let route = unit.functions.iter().find(|f| f.name == "get_order").expect("route");
        assert_eq!((route.annotations[0].name.as_str(), route.owner.as_deref()), ("app.route", None));
        let call = unit.calls.iter().find(|c| c.name == "get").expect("call");
        assert!(call.in_loop);
        assert_eq!(call.arguments[0].value, Expr::Concat(vec![Expr::Ref("base".into()), Expr::literal("/items")]));
        let full = unit.bindings.iter().find(|b| b.place == "this.full").expect("property");
        assert!(matches!(&full.value, Expr::Concat(parts) if parts.len() == 3));
    }
}
