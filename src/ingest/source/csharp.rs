//! C#, by tree-sitter: what a compilation unit binds, calls and declares. Top-level statements are module level.

mod expr;
mod members;
mod razor;

use tree_sitter::Node;

use crate::ingest::grammar::Asked as _;
use crate::ingest::syntax::{self, Builder, DEPTH_LIMIT, Depth, children, field_text, is_each, line, text};
use crate::model::code::{Field, Import, Parameter};
use crate::model::{Annotation, Expr, Function, TypeDecl, Unit};

use super::Language;

/// C#.
pub const LANGUAGE: Language = Language { id: "csharp", extensions: &["cs", "razor"], extract };

fn extract(source: &str) -> Unit {
    if razor::is_component(source) {
        return compiled(&razor::code(source));
    }
    compiled(source)
}

fn compiled(source: &str) -> Unit {
    let mut walk = Walk { source, builder: Builder::new("csharp") };
    if let Some(tree) = syntax::parse(&tree_sitter_c_sharp::LANGUAGE.into(), source) {
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
                if let (Some(left), Some(right)) = (node.field("left"), node.field("right")) {
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
        if let Some(body) = node.field("body") {
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
        let mut parameters = node.field("parameters").map(|p| self.parameters(p)).unwrap_or_default();
        // `this IServiceCollection services` is the receiver of an extension method.
        let mut receiver = None;
        if let Some(first) = node.field("parameters").and_then(|p| children(p).first().copied())
            && self.text(first).trim_start().starts_with("this ")
        {
            receiver = Some(parameters.remove(0));
        }
        let function = Function {
            name: if constructor { "new".to_owned() } else { self.field(node, "name").to_owned() },
            line: line(node),
            end_line: node.end_position().row as u32 + 1,
            parameters,
            receiver,
            annotations: self.attributes(node),
            return_type: if constructor { String::new() } else { return_type.to_owned() },
            ..Function::default()
        };
        self.builder.enter_function(function);
        if constructor {
            self.other_constructor(node);
        }
        self.body(node, depth);
        self.builder.leave_function();
    }

    fn body(&mut self, node: Node<'_>, depth: usize) {
        let Some(body) = node.field("body") else { return };
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
        let parameters = match node.field("parameters") {
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
            .field("value")
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
        if let (Some(left), Some(right)) = (node.field("left"), node.field("right")) {
            let value = self.expr(right, Depth::TOP);
            let place = match self.expr(left, Depth::TOP) {
                Expr::Index(object, key) => match (object.dotted(), *key) {
                    (Some(object), Expr::Literal(key)) => format!("{object}.{key}"),
                    _ => String::new(),
                },
                // A bare name may be a field of the type.
                Expr::Ref(name) if self.is_field(&name) => format!("this.{name}"),
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
        let called = match node.kind() {
            "invocation_expression" => self.invocation(node, Depth::TOP),
            _ => self.expr(node, Depth::TOP),
        };
        if let Expr::Call(receiver, mut name, mut arguments) = called {
            arguments.retain(|a| a.name.as_deref() != Some("<>"));
            if name == "new " {
                name.push_str(self.declared_for(node));
            }
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
        let Some(function) = node.field("function") else { return Vec::new() };
        let name = function.field("name").unwrap_or(function);
        if name.kind() != "generic_name" {
            return Vec::new();
        }
        let list = children(name).into_iter().find(|c| c.kind() == "type_argument_list");
        list.map(children).unwrap_or_default().into_iter().map(|t| self.text(t).to_owned()).collect()
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
