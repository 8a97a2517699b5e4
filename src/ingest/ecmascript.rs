//! What JavaScript and TypeScript share: one walk over the trees of both grammars.
//!
//! Gives what a module binds, calls and declares. Knows no library.

mod expr;
mod types;

use crate::ingest::grammar::Asked as _;
use tree_sitter::Node;

use crate::model::code::{Field, Import, Parameter};
use crate::model::{Annotation, Expr, Function, TypeDecl, Unit};

use super::syntax::{self, Builder, DEPTH_LIMIT, Depth, children, field_text, is_each, line, text, unquote};

/// Extracts a module with a grammar.
#[must_use]
pub fn extract(source: &str, language: &str, grammar: &tree_sitter::Language) -> Unit {
    let mut walk = Walk { source, builder: Builder::new(language) };
    if let Some(tree) = syntax::parse(grammar, source) {
        walk.visit(tree.root_node(), 0);
        walk.builder.unit.conditions = syntax::conditions(tree.root_node(), source);
    }
    walk.builder.unit
}

/// The script of a single-file component; the rest becomes blank lines, so that line numbers stay.
#[must_use]
pub fn script_of(source: &str) -> String {
    let mut out = String::new();
    let mut inside = false;
    for line in source.lines() {
        let trimmed = line.trim_start();
        if trimmed.starts_with("</script") {
            inside = false;
        }
        if inside {
            out.push_str(line);
        }
        if trimmed.starts_with("<script") && trimmed.contains('>') && !trimmed.contains("</script") {
            inside = true;
        }
        out.push('\n');
    }
    out
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
            "import_statement" => self.import(node),
            "class_declaration" | "class" | "abstract_class_declaration" | "interface_declaration" => {
                self.class(node, depth)
            }
            "function_declaration" | "generator_function_declaration" => {
                let name = self.field(node, "name").to_owned();
                self.function(node, &name, Vec::new(), depth);
            }
            "function_expression" | "arrow_function" | "generator_function" => {
                self.function(node, "", Vec::new(), depth)
            }
            "method_definition" => self.method(node, depth),
            "variable_declarator" => self.variable(node, depth),
            "public_field_definition" | "field_definition" => self.class_field(node, depth),
            "assignment_expression" => self.assignment(node, depth),
            "augmented_assignment_expression" => {
                if let (Some(left), Some(right)) = (node.field("left"), node.field("right"))
                    && self.field(node, "operator") == "+="
                    && let Some(place) = self.expr(left, Depth::TOP).dotted()
                {
                    let value = self.expr(right, Depth::TOP);
                    self.builder.append(&place, value, line(node));
                }
                self.visit_children(node, depth);
            }
            "export_statement" => self.export(node, depth),
            "pair" => self.pair(node, depth),
            "return_statement" => {
                if let Some(value) = children(node).first() {
                    let value = self.expr(*value, Depth::TOP);
                    self.builder.returns(value);
                }
                self.visit_children(node, depth);
            }
            "for_statement" | "for_in_statement" | "while_statement" | "do_statement" => self.in_loop(node, depth),
            "call_expression" | "new_expression" => self.call(node, depth),
            _ => self.visit_children(node, depth),
        }
    }

    fn in_loop(&mut self, node: Node<'_>, depth: usize) {
        if let (Some(left), Some(right)) = (node.field("left"), node.field("right"))
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

    // ---- imports and exports ----

    fn import(&mut self, node: Node<'_>) {
        let path = unquote(self.field(node, "source"));
        let mut aliases: Vec<(String, String)> = Vec::new();
        let mut push =
            |name: &str| self.builder.unit.imports.push(Import { name: name.to_owned(), path: path.clone() });
        for clause in children(node).into_iter().filter(|c| c.kind() == "import_clause") {
            for part in children(clause) {
                match part.kind() {
                    "identifier" => push(text(part, self.source)),
                    "namespace_import" => push(children(part).first().map_or("", |n| text(*n, self.source))),
                    _ => {
                        for specifier in children(part).into_iter().filter(|c| c.kind() == "import_specifier") {
                            let name = field_text(specifier, "name", self.source);
                            push(name);
                            let alias = field_text(specifier, "alias", self.source);
                            if !alias.is_empty() {
                                push(alias);
                                aliases.push((alias.to_owned(), name.to_owned()));
                            }
                        }
                    }
                }
            }
        }
        // An alias is another name of what is imported.
        for (alias, name) in aliases {
            self.builder.bind(&alias, None, Expr::Ref(name), line(node));
        }
    }

    /// `const { a, b: c } = require("./x")` imports a and c.
    fn required(&mut self, name: Node<'_>, value: Node<'_>) -> bool {
        let called = value.kind() == "call_expression" && self.field(value, "function") == "require";
        let argument = value.field("arguments").and_then(|a| children(a).first().copied());
        let (true, Some(path)) = (called, argument) else { return false };
        let path = unquote(self.text(path));
        let names: Vec<String> = match name.kind() {
            "object_pattern" => children(name)
                .into_iter()
                .map(|p| match p.kind() {
                    "pair_pattern" => self.field(p, "value").to_owned(),
                    _ => self.text(p).to_owned(),
                })
                .collect(),
            _ => vec![self.text(name).to_owned()],
        };
        self.builder.unit.imports.extend(names.into_iter().map(|name| Import { name, path: path.clone() }));
        true
    }

    fn export(&mut self, node: Node<'_>, depth: usize) {
        if let Some(value) = node.field("value") {
            let expr = self.expr(value, Depth::TOP);
            self.builder.bind("exports.default", None, expr, line(node));
            match value.kind() {
                "function_expression" | "arrow_function" => self.function(value, "default", Vec::new(), depth),
                _ => self.visit(value, depth + 1),
            }
            return;
        }
        let annotations = self.decorators(node);
        self.visit_decorators(node, depth);
        match node.field("declaration") {
            Some(class) if class.kind().ends_with("class_declaration") && !annotations.is_empty() => {
                self.class(class, depth);
                if let Some(decl) = self.builder.unit.types.iter_mut().rev().find(|t| t.line == line(class)) {
                    decl.annotations.extend(annotations);
                }
            }
            _ => self.visit_children(node, depth),
        }
    }

    // ---- functions ----

    fn method_name(&self, node: Node<'_>) -> String {
        match self.field(node, "name") {
            "constructor" => "new".to_owned(),
            name => name.trim_start_matches('#').trim_matches(['"', '\'']).to_owned(),
        }
    }

    fn method(&mut self, node: Node<'_>, depth: usize) {
        let name = self.method_name(node);
        self.function(node, &name, Vec::new(), depth);
    }

    fn function(&mut self, node: Node<'_>, name: &str, annotations: Vec<Annotation>, depth: usize) {
        let single =
            node.field("parameter").map(|p| vec![Parameter { name: self.text(p).to_owned(), ..Parameter::default() }]);
        let formal = node.field("parameters");
        let parameters = single.unwrap_or_else(|| formal.map(|p| self.parameters(p)).unwrap_or_default());
        let in_class =
            node.parent().is_some_and(|p| p.kind() == "class_body" || p.kind().ends_with("field_definition"));
        let getter = node.kind() == "method_definition" && in_class && self.text(node).trim_start().starts_with("get ");
        let function = Function {
            name: name.to_owned(),
            owner: (!in_class).then(String::new),
            line: line(node),
            end_line: node.end_position().row as u32 + 1,
            parameters,
            annotations,
            return_type: self.field(node, "return_type").trim_start_matches(':').trim().to_owned(),
            ..Function::default()
        };
        let at = self.builder.enter_function(function);
        if !in_class {
            self.builder.unit.functions[at as usize].owner = None;
        }
        if let Some(parameters) = formal {
            self.parameter_properties(parameters);
        }
        if let Some(body) = node.field("body") {
            if body.kind() != "statement_block" {
                let value = self.expr(body, Depth::TOP);
                self.builder.returns(value);
            }
            self.visit(body, depth + 1);
        }
        let returned = self.builder.returned(at);
        self.builder.leave_function();
        if getter && let Some(value) = returned.into_iter().next() {
            self.builder.bind(&format!("this.{name}"), None, value, line(node));
        }
    }

    fn parameters(&self, node: Node<'_>) -> Vec<Parameter> {
        children(node)
            .into_iter()
            .map(|child| {
                let (pattern, default) = match child.kind() {
                    "required_parameter" | "optional_parameter" => (child.field("pattern"), child.field("value")),
                    "assignment_pattern" => (child.field("left"), child.field("right")),
                    _ => (Some(child), None),
                };
                Parameter {
                    name: pattern.map_or("", |p| self.text(p)).trim_start_matches("...").to_owned(),
                    type_name: self.type_of(child),
                    default: default.map(|d| self.expr(d, Depth::TOP)),
                    annotations: self.decorators(child),
                }
            })
            .collect()
    }

    /// `constructor(private readonly http: HttpService)` sets a field; `({ a, b })` binds names.
    fn parameter_properties(&mut self, node: Node<'_>) {
        for child in children(node) {
            let start = line(child);
            let modifier = children(child).iter().any(|c| c.kind() == "accessibility_modifier")
                || self.text(child).starts_with("readonly ");
            let pattern = child.field("pattern").or_else(|| child.field("left")).unwrap_or(child);
            let name = self.text(pattern).to_owned();
            if modifier {
                let type_name = self.type_of(child);
                self.builder.bind(&format!("this.{name}"), Some(&type_name), Expr::Ref(name.clone()), start);
            }
            if pattern.kind() == "object_pattern" {
                self.destructure(pattern, &Expr::Ref(name), start);
            }
        }
    }

    fn variable(&mut self, node: Node<'_>, depth: usize) {
        let Some(name) = node.field("name") else { return };
        let type_name = self.type_of(node);
        let Some(value) = node.field("value") else {
            self.builder.bind(self.text(name), Some(&type_name), Expr::opaque("declared"), line(node));
            return;
        };
        if is_function(value) {
            let name = self.text(name).to_owned();
            let expr = self.expr(value, Depth::TOP);
            self.builder.bind(&name, None, expr, line(node));
            return self.function(value, &name, Vec::new(), depth);
        }
        if !self.required(name, value) {
            let expr = self.expr(value, Depth::TOP);
            match name.kind() {
                "identifier" => self.builder.bind(self.text(name), Some(&type_name), expr, line(node)),
                _ => self.destructure(name, &expr, line(node)),
            }
        }
        self.visit(value, depth + 1);
    }

    fn destructure(&mut self, pattern: Node<'_>, value: &Expr, at: u32) {
        for (i, part) in children(pattern).into_iter().enumerate() {
            let field = |name: &str| Expr::Field(Box::new(value.clone()), name.to_owned());
            match part.kind() {
                "shorthand_property_identifier_pattern" => {
                    let name = self.text(part);
                    self.builder.bind(name, None, field(name), at);
                }
                "pair_pattern" => {
                    let key = self.field(part, "key");
                    if let Some(target) = part.field("value") {
                        match target.kind() {
                            "identifier" => self.builder.bind(self.text(target), None, field(key), at),
                            _ => self.destructure(target, &field(key), at),
                        }
                    }
                }
                "object_assignment_pattern" | "assignment_pattern" => {
                    let name = self.field(part, "left");
                    let default = part.field("right").map(|r| self.expr(r, Depth::TOP));
                    let both = std::iter::once(field(name)).chain(default).collect();
                    self.builder.bind(name, None, Expr::Choice(both), at);
                }
                "identifier" => {
                    let part_value = match value {
                        Expr::List(parts) => parts.get(i).cloned().unwrap_or_else(|| Expr::opaque("missing")),
                        other => Expr::Index(Box::new(other.clone()), Box::new(Expr::Literal(i.to_string()))),
                    };
                    self.builder.bind(self.text(part), None, part_value, at);
                }
                _ => {}
            }
        }
    }

    fn assignment(&mut self, node: Node<'_>, depth: usize) {
        let (Some(left), Some(right)) = (node.field("left"), node.field("right")) else {
            return;
        };
        let place = match self.expr(left, Depth::TOP) {
            Expr::Index(object, key) => match (object.dotted(), *key) {
                (Some(object), Expr::Literal(key)) => format!("{object}.{key}"),
                _ => String::new(),
            },
            other => other.dotted().unwrap_or_default(),
        };
        let value = self.expr(right, Depth::TOP);
        self.builder.bind(&place, None, value, line(node));
        if is_function(right) && !place.is_empty() {
            let name = place.rsplit('.').next().unwrap_or(&place).to_owned();
            return self.function(right, &name, Vec::new(), depth);
        }
        self.visit(right, depth + 1);
    }

    /// A function in an object literal is named by its key.
    fn pair(&mut self, node: Node<'_>, depth: usize) {
        match node.field("value") {
            Some(value) if is_function(value) => {
                let name = unquote(self.field(node, "key"));
                self.function(value, &name, Vec::new(), depth);
            }
            _ => self.visit_children(node, depth),
        }
    }

    // ---- calls ----

    fn call(&mut self, node: Node<'_>, depth: usize) {
        // `(function () { … }())` only makes a scope: what stands in it stands in the module.
        if let Some(body) = invoked_at_once(node) {
            return self.visit_children(body, depth);
        }
        let (used, spawned) = self.use_of(node);
        if let Expr::Call(receiver, name, arguments) = self.expr(node, Depth::TOP) {
            let types: Vec<String> = node
                .field("type_arguments")
                .map(|t| children(t).into_iter().map(|c| self.text(c).to_owned()).collect())
                .unwrap_or_default();
            let each = is_each(&name);
            let call = self.builder.call(line(node), receiver.map(|r| *r), &name, arguments, used, spawned);
            call.type_arguments = types;
            for child in children(node) {
                let body = each && child.kind() == "arguments";
                if body {
                    self.builder.enter_loop();
                }
                self.visit(child, depth + 1);
                if body {
                    self.builder.leave_loop();
                }
            }
        } else {
            self.visit_children(node, depth);
        }
    }

    /// Is the result used, and is the call spawned: a statement of its own, neither awaited nor returned?
    fn use_of(&self, node: Node<'_>) -> (bool, bool) {
        let Some(parent) = node.parent() else { return (true, false) };
        match parent.kind() {
            "expression_statement" => (self.answers_function(node), false),
            "await_expression" => (parent.parent().is_none_or(|g| g.kind() != "expression_statement"), false),
            "unary_expression" if self.field(parent, "operator") == "void" => (false, true),
            _ => (true, false),
        }
    }

    /// Is an answer handed to a function among the arguments, which looks at it? By the custom of callbacks the first
    /// parameter is an error: `request(url, (error, response, body) => show(body))`.
    fn answers_function(&self, call: Node<'_>) -> bool {
        let arguments = call.field("arguments").map(children).unwrap_or_default();
        arguments.into_iter().filter_map(callback).any(|function| {
            let parameters = function.field("parameters").map(children).unwrap_or_default();
            let body = function.field("body").map(|b| self.text(b)).unwrap_or_default();
            let words = || body.split(|c: char| !c.is_alphanumeric() && !matches!(c, '_' | '$'));
            parameters.into_iter().skip(1).any(|p| {
                let name = self.text(p).split([':', '=', '?']).next().unwrap_or_default().trim();
                words().any(|word| word == name)
            })
        })
    }
}

fn is_function(node: Node<'_>) -> bool {
    matches!(node.kind(), "arrow_function" | "function_expression" | "generator_function")
}

/// A function among arguments, as it is or bound to an object: `function (error, body) { … }.bind(this)`.
fn callback(argument: Node<'_>) -> Option<Node<'_>> {
    if is_function(argument) {
        return Some(argument);
    }
    argument.field("function")?.field("object").filter(|object| is_function(*object))
}

/// The body of a function without parameters that is called where it is written.
fn invoked_at_once(call: Node<'_>) -> Option<Node<'_>> {
    let mut callee = call.field("function")?;
    while callee.kind() == "parenthesized_expression" {
        callee = callee.named_child(0)?;
    }
    let module_level = call.parent().is_some_and(|p| {
        let up =
            if p.kind() == "parenthesized_expression" || p.kind() == "unary_expression" { p.parent() } else { Some(p) };
        up.is_some_and(|u| u.kind() == "expression_statement" && u.parent().is_some_and(|g| g.kind() == "program"))
    });
    (module_level && is_function(callee)).then(|| callee.field("body")).flatten()
}

#[cfg(test)]
mod tests;
