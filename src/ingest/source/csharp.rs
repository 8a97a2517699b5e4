//! C#, by tree-sitter: what a compilation unit binds, calls and declares. Top-level statements are module level.

use tree_sitter::Node;

use crate::ingest::syntax::{self, Builder, DEPTH_LIMIT, Depth, children, field_text, is_each, line, text, unquote};
use crate::model::code::{Field, Import, Parameter};
use crate::model::{Annotation, Argument, Expr, Function, TypeDecl, Unit};

use super::Language;

/// C#.
pub const LANGUAGE: Language = Language { id: "csharp", extensions: &["cs", "razor"], extract };

fn extract(source: &str) -> Unit {
    let mut walk = Walk { source, builder: Builder::new("csharp") };
    if let Some(tree) = syntax::parse(&tree_sitter_c_sharp::LANGUAGE.into(), source) {
        walk.visit(tree.root_node(), 0);
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

    fn field(&self, node: Node<'_>, name: &str) -> &'s str {
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
            "using_directive" => self.using(node),
            "namespace_declaration" | "file_scoped_namespace_declaration" => {
                self.field(node, "name").clone_into(&mut self.builder.unit.package);
                self.visit_children(node, depth);
            }
            "class_declaration"
            | "record_declaration"
            | "struct_declaration"
            | "interface_declaration"
            | "enum_declaration" => {
                self.declare(node, depth);
            }
            "method_declaration" | "constructor_declaration" | "local_function_statement" => self.function(node, depth),
            "lambda_expression" | "anonymous_method_expression" => self.lambda(node, depth),
            "property_declaration" => self.property(node, depth),
            "variable_declaration" => self.variables(node, depth),
            "assignment_expression" => self.assignment(node, depth),
            "return_statement" => {
                if let Some(value) = children(node).first() {
                    let value = self.expr(*value, Depth::TOP);
                    self.builder.returns(value);
                }
                self.visit_children(node, depth);
            }
            "foreach_statement" => {
                if let (Some(left), Some(right)) = (node.child_by_field_name("left"), node.child_by_field_name("right"))
                {
                    let over = self.expr(right, Depth::TOP);
                    let each = Expr::Index(Box::new(over), Box::new(Expr::opaque("each")));
                    self.builder.bind(self.text(left), None, each, line(node));
                }
                self.in_loop(node, depth);
            }
            "for_statement" | "while_statement" | "do_statement" => self.in_loop(node, depth),
            "invocation_expression" | "object_creation_expression" | "implicit_object_creation_expression" => {
                self.call(node, depth)
            }
            "primary_constructor_base_type" => self.visit_children(node, depth),
            _ => self.visit_children(node, depth),
        }
    }

    fn in_loop(&mut self, node: Node<'_>, depth: usize) {
        self.builder.enter_loop();
        self.visit_children(node, depth);
        self.builder.leave_loop();
    }

    fn using(&mut self, node: Node<'_>) {
        let text =
            self.text(node).trim_start_matches("global ").trim_start_matches("using").trim().trim_end_matches(';');
        let text = text.trim_start_matches("static ").trim();
        let (name, path) = match text.split_once('=') {
            Some((alias, path)) => (alias.trim(), path.trim()),
            None => (text.rsplit('.').next().unwrap_or(text), text),
        };
        self.builder.unit.imports.push(Import { name: name.to_owned(), path: path.to_owned() });
    }

    // ---- declarations ----

    fn declare(&mut self, node: Node<'_>, depth: usize) {
        let name = self.field(node, "name").to_owned();
        let mut decl = TypeDecl {
            name: name.clone(),
            line: line(node),
            is_interface: node.kind() == "interface_declaration",
            annotations: self.attributes(node),
            ..TypeDecl::default()
        };
        for bases in children(node).into_iter().filter(|c| c.kind() == "base_list") {
            for base in children(bases).into_iter().filter(|b| b.kind() != "argument_list") {
                let text = self.text(base).split('(').next().unwrap_or_default();
                decl.supertypes.push(text.split_whitespace().collect());
            }
        }
        let primary = children(node).into_iter().find(|c| c.kind() == "parameter_list");
        let at = self.builder.unit.types.len();
        self.builder.unit.types.push(decl);
        self.builder.enter_type(&name);
        if let Some(parameters) = primary {
            self.primary_constructor(node, parameters, at);
        }
        if let Some(body) = node.child_by_field_name("body") {
            let fields = self.fields(body);
            self.builder.unit.types[at].fields.extend(fields);
            self.visit_children(body, depth);
        }
        self.builder.leave_type();
    }

    /// Parameters of a primary constructor are visible in the whole type, like fields.
    fn primary_constructor(&mut self, node: Node<'_>, parameters: Node<'_>, at: usize) {
        let parameters = self.parameters(parameters);
        let start = line(node);
        let fields: Vec<Field> = parameters
            .iter()
            .map(|p| Field {
                name: p.name.clone(),
                type_name: p.type_name.clone(),
                line: start,
                annotations: Vec::new(),
            })
            .collect();
        self.builder.unit.types[at].fields.extend(fields);
        let names: Vec<(String, String)> = parameters.iter().map(|p| (p.name.clone(), p.type_name.clone())).collect();
        self.builder.enter_function(Function {
            name: "new".into(),
            line: start,
            end_line: start,
            parameters,
            ..Function::default()
        });
        for (name, type_name) in names {
            self.builder.bind(&format!("this.{name}"), Some(&type_name), Expr::Ref(name), start);
        }
        self.builder.leave_function();
    }

    fn fields(&self, body: Node<'_>) -> Vec<Field> {
        let mut fields = Vec::new();
        for child in children(body) {
            match child.kind() {
                "property_declaration" => fields.push(Field {
                    name: self.field(child, "name").to_owned(),
                    type_name: self.field(child, "type").to_owned(),
                    line: line(child),
                    annotations: self.attributes(child),
                }),
                "field_declaration" => {
                    for declaration in children(child).into_iter().filter(|c| c.kind() == "variable_declaration") {
                        let type_name = self.field(declaration, "type").to_owned();
                        for declarator in
                            children(declaration).into_iter().filter(|c| c.kind() == "variable_declarator")
                        {
                            fields.push(Field {
                                name: self.field(declarator, "name").to_owned(),
                                type_name: type_name.clone(),
                                line: line(declarator),
                                annotations: self.attributes(child),
                            });
                        }
                    }
                }
                _ => {}
            }
        }
        fields
    }

    fn attributes(&self, node: Node<'_>) -> Vec<Annotation> {
        let lists = children(node).into_iter().filter(|c| c.kind() == "attribute_list");
        lists
            .flat_map(children)
            .filter(|c| c.kind() == "attribute")
            .map(|attribute| {
                let list = children(attribute).into_iter().find(|c| c.kind() == "attribute_argument_list");
                let arguments =
                    list.map(children).unwrap_or_default().into_iter().map(|a| self.argument(a, Depth::TOP)).collect();
                let name = self.field(attribute, "name").trim_end_matches("Attribute");
                Annotation { name: name.to_owned(), arguments, line: line(attribute) }
            })
            .collect()
    }

    fn parameters(&self, node: Node<'_>) -> Vec<Parameter> {
        children(node)
            .into_iter()
            .filter(|c| c.kind() == "parameter" || c.kind() == "implicit_parameter" || c.kind() == "identifier")
            .map(|child| match child.kind() {
                "parameter" => Parameter {
                    name: self.field(child, "name").to_owned(),
                    type_name: self.field(child, "type").to_owned(),
                    default: self.default_of(child),
                    annotations: self.attributes(child),
                },
                _ => Parameter { name: self.text(child).to_owned(), ..Parameter::default() },
            })
            .collect()
    }

    fn default_of(&self, parameter: Node<'_>) -> Option<Expr> {
        let (_, after) = self.text(parameter).split_once('=')?;
        let last = *children(parameter).last()?;
        (!after.is_empty() && last.kind() != "identifier").then(|| self.expr(last, Depth::TOP))
    }

    fn function(&mut self, node: Node<'_>, depth: usize) {
        let constructor = node.kind() == "constructor_declaration";
        let return_type = match self.field(node, "returns") {
            "" => self.field(node, "type"),
            written => written,
        };
        let mut parameters = node.child_by_field_name("parameters").map(|p| self.parameters(p)).unwrap_or_default();
        // `this IServiceCollection services` is the receiver of an extension method.
        if let Some(first) = node.child_by_field_name("parameters").and_then(|p| children(p).first().copied())
            && self.text(first).trim_start().starts_with("this ")
        {
            parameters.remove(0);
        }
        let function = Function {
            name: if constructor { "new".to_owned() } else { self.field(node, "name").to_owned() },
            line: line(node),
            end_line: node.end_position().row as u32 + 1,
            parameters,
            annotations: self.attributes(node),
            return_type: if constructor { String::new() } else { return_type.to_owned() },
            ..Function::default()
        };
        self.builder.enter_function(function);
        self.body(node, depth);
        self.builder.leave_function();
    }

    fn body(&mut self, node: Node<'_>, depth: usize) {
        let Some(body) = node.child_by_field_name("body") else { return };
        let value = match body.kind() {
            "arrow_expression_clause" => children(body).first().copied(),
            "block" => None,
            _ => Some(body),
        };
        if let Some(value) = value {
            let value = self.expr(value, Depth::TOP);
            self.builder.returns(value);
        }
        if matches!(body.kind(), "block" | "arrow_expression_clause") {
            self.visit_children(body, depth);
        } else {
            self.visit(body, depth + 1);
        }
    }

    fn lambda(&mut self, node: Node<'_>, depth: usize) {
        let parameters = match node.child_by_field_name("parameters") {
            Some(p) if p.kind() == "parameter_list" => self.parameters(p),
            Some(p) => vec![Parameter { name: self.text(p).to_owned(), ..Parameter::default() }],
            None => Vec::new(),
        };
        self.builder.enter_lambda(parameters, line(node), node.end_position().row as u32 + 1);
        self.body(node, depth);
        self.builder.leave_function();
    }

    fn property(&mut self, node: Node<'_>, depth: usize) {
        let name = self.field(node, "name").to_owned();
        let type_name = self.field(node, "type").to_owned();
        let value = node
            .child_by_field_name("value")
            .map(|v| if v.kind() == "arrow_expression_clause" { children(v).first().copied().unwrap_or(v) } else { v });
        let expr = value.map_or_else(|| Expr::opaque("declared"), |v| self.expr(v, Depth::TOP));
        self.member(&name, &type_name, expr, line(node));
        self.visit_children(node, depth);
    }

    fn member(&mut self, name: &str, type_name: &str, value: Expr, at: u32) {
        self.builder.bind(&format!("this.{name}"), Some(type_name), value.clone(), at);
        if !value.is_opaque() {
            let owner = self.builder.owner().unwrap_or_default().to_owned();
            self.builder.bind(&format!("{owner}.{name}"), Some(type_name), value, at);
        }
    }

    fn variables(&mut self, node: Node<'_>, depth: usize) {
        let type_name = self.field(node, "type").to_owned();
        let is_field = node.parent().is_some_and(|p| p.kind() == "field_declaration");
        for declarator in children(node).into_iter().filter(|c| c.kind() == "variable_declarator") {
            let name = self.field(declarator, "name").to_owned();
            let value = children(declarator)
                .into_iter()
                .rfind(|c| c.kind() != "identifier" && c.kind() != "bracketed_argument_list")
                .or_else(|| children(declarator).into_iter().nth(1));
            let expr = value.map_or_else(|| Expr::opaque("declared"), |v| self.typed(v, &type_name));
            if is_field {
                self.member(&name, &type_name, expr, line(declarator));
            } else {
                self.builder.bind(&name, Some(&type_name), expr, line(declarator));
            }
            if let Some(value) = value {
                self.visit(value, depth + 1);
            }
        }
    }

    /// `T x = new(…)` makes a T.
    fn typed(&self, value: Node<'_>, type_name: &str) -> Expr {
        match self.expr(value, Depth::TOP) {
            Expr::Call(None, name, arguments) if name == "new " => {
                Expr::Call(None, format!("new {type_name}"), arguments)
            }
            other => other,
        }
    }

    fn assignment(&mut self, node: Node<'_>, depth: usize) {
        if let (Some(left), Some(right)) = (node.child_by_field_name("left"), node.child_by_field_name("right")) {
            let value = self.expr(right, Depth::TOP);
            let place = match self.expr(left, Depth::TOP) {
                Expr::Index(object, key) => match (object.dotted(), *key) {
                    (Some(object), Expr::Literal(key)) => format!("{object}.{key}"),
                    _ => String::new(),
                },
                other => other.dotted().unwrap_or_default(),
            };
            // In an object initialiser the name is a member of the new object, not of this one.
            let initialiser = node.parent().is_some_and(|p| p.kind() == "initializer_expression");
            if !initialiser {
                let operator = children(node).len();
                let appended =
                    self.text(node).get(left.byte_range().len()..).is_some_and(|t| t.trim_start().starts_with("+="));
                if appended && operator > 0 {
                    self.builder.append(&place, value, line(node));
                } else {
                    self.builder.bind(&place, None, value, line(node));
                }
            }
        }
        self.visit_children(node, depth);
    }

    // ---- calls ----

    fn call(&mut self, node: Node<'_>, depth: usize) {
        let parent = node.parent();
        let awaited = parent.is_some_and(|p| p.kind() == "await_expression");
        let holder = if awaited { parent.and_then(|p| p.parent()) } else { parent };
        let used = holder.is_none_or(|p| p.kind() != "expression_statement");
        // `_ = f()` and `Task.Run(() => f())` go on without waiting.
        let discarded = holder.is_some_and(|p| p.kind() == "assignment_expression" && self.field(p, "left") == "_");
        if let Expr::Call(receiver, name, arguments) = self.expr(node, Depth::TOP) {
            let each = is_each(&name);
            let types = self.type_arguments(node);
            let call = self.builder.call(
                line(node),
                receiver.map(|r| *r),
                &name,
                arguments,
                used && !discarded,
                discarded && !awaited,
            );
            call.type_arguments = types;
            for child in children(node) {
                let body = each && child.kind() == "argument_list";
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

    fn type_arguments(&self, node: Node<'_>) -> Vec<String> {
        let Some(function) = node.child_by_field_name("function") else { return Vec::new() };
        let name = function.child_by_field_name("name").unwrap_or(function);
        if name.kind() != "generic_name" {
            return Vec::new();
        }
        let list = children(name).into_iter().find(|c| c.kind() == "type_argument_list");
        list.map(children).unwrap_or_default().into_iter().map(|t| self.text(t).to_owned()).collect()
    }

    fn argument(&self, node: Node<'_>, depth: Depth) -> Argument {
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
        let list = node.child_by_field_name("arguments");
        let mut all: Vec<Argument> =
            list.map(children).unwrap_or_default().into_iter().map(|a| self.argument(a, depth)).collect();
        if let Some(initializer) = node.child_by_field_name("initializer") {
            for entry in children(initializer) {
                if entry.kind() == "assignment_expression" {
                    let value = entry
                        .child_by_field_name("right")
                        .map_or_else(|| Expr::opaque("missing"), |r| self.expr(r, depth));
                    all.push(Argument {
                        name: Some(self.field(entry, "left").trim_matches(['[', ']', '"']).to_owned()),
                        value,
                    });
                }
            }
        }
        all
    }

    fn expr(&self, node: Node<'_>, depth: Depth) -> Expr {
        let Some(depth) = depth.deeper() else { return Expr::opaque("nested too deep") };
        let part = |name: &str| {
            node.child_by_field_name(name).map_or_else(|| Expr::opaque("missing"), |n| self.expr(n, depth))
        };
        let first = || children(node).first().map_or_else(|| Expr::opaque("empty"), |n| self.expr(*n, depth));
        match node.kind() {
            "string_literal" | "character_literal" => Expr::Literal(unquote(self.text(node))),
            "verbatim_string_literal" => {
                Expr::Literal(self.text(node).trim_start_matches('@').trim_matches('"').replace("\"\"", "\""))
            }
            "raw_string_literal" => Expr::Literal(self.text(node).trim_matches('"').trim().to_owned()),
            "interpolated_string_expression" => self.interpolated(node, depth),
            "integer_literal" | "boolean_literal" => Expr::literal(self.text(node)),
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
                let key = node.child_by_field_name("subscript").and_then(|s| children(s).first().copied());
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
            "lambda_expression" => match node.child_by_field_name("body") {
                Some(body) if body.kind() != "block" => Expr::Lambda(vec![self.lambda_value(body, depth)]),
                Some(body) => Expr::Lambda(self.block_values(body, depth)),
                None => Expr::opaque("lambda"),
            },
            "invocation_expression" => self.invocation(node, depth),
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
                let (left, right) = (node.child_by_field_name("left"), node.child_by_field_name("right"));
                match (left, right) {
                    (Some(l), Some(r)) => self.source.get(l.end_byte()..r.start_byte()).unwrap_or_default().trim(),
                    _ => "",
                }
            }
            operator => operator,
        }
    }

    fn invocation(&self, node: Node<'_>, depth: Depth) -> Expr {
        let arguments = self.arguments(node, depth);
        match node.child_by_field_name("function") {
            Some(f) if f.kind() == "member_access_expression" => {
                let object = f.child_by_field_name("expression").map(|o| Box::new(self.expr(o, depth)));
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
            && let (Some(left), Some(right)) = (body.child_by_field_name("left"), body.child_by_field_name("right"))
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

fn dotted(path: &str) -> Expr {
    let mut parts = path.split('.');
    let first = Expr::Ref(parts.next().unwrap_or_default().to_owned());
    parts.fold(first, |object, name| Expr::Field(Box::new(object), name.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_clients_records_and_top_level_statements() {
        let unit = extract(
            r#"using System.Net.Http;
namespace Shop;
var builder = WebApplication.CreateBuilder(args);
builder.Services.AddHttpClient<CatalogClient>(c => c.BaseAddress = new Uri(builder.Configuration["Catalog:Url"]!));
app.MapGet("/stock/{id}", async (string id) => await store.Find(id));
[Route("api/[controller]")]
public class CatalogClient(HttpClient http) : ICatalog {
  private readonly string path = "/products";
  public async Task<Product?> Find(string id) => await http.GetFromJsonAsync<Product>($"{path}/{id}");
}
"#,
        );
        let register = unit.calls.iter().find(|c| c.name == "AddHttpClient").expect("register");
        assert_eq!(register.type_arguments, ["CatalogClient"]);
        assert!(
            matches!(&register.arguments[0].value, Expr::Lambda(parts) if matches!(&parts[0], Expr::Map(m) if m[0].0 == "BaseAddress"))
        );
        let decl = &unit.types[0];
        assert_eq!(
            (decl.supertypes.as_slice(), decl.annotations[0].name.as_str()),
            (&["ICatalog".to_owned()][..], "Route")
        );
        let get = unit.calls.iter().find(|c| c.name == "GetFromJsonAsync").expect("call");
        assert!(matches!(&get.arguments[0].value, Expr::Concat(parts) if parts.len() == 3), "{:?}", get.arguments);
        assert!(unit.bindings.iter().any(|b| b.place == "this.http"));
        assert!(unit.bindings.iter().any(|b| b.place == "CatalogClient.path"));
        assert!(unit.bindings.iter().any(|b| b.place == "builder"));
    }
}
