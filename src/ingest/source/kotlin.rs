//! Kotlin, by tree-sitter: what a file binds, calls and declares.

mod expr;

use tree_sitter::Node;

use crate::ingest::syntax::{self, Builder, DEPTH_LIMIT, Depth, children, field_text, is_each, line, text};
use crate::model::code::{Field, Import, Parameter};
use crate::model::{Annotation, Argument, Expr, Function, TypeDecl, Unit};

use super::Language;

/// Kotlin.
pub const LANGUAGE: Language = Language { id: "kotlin", extensions: &["kt"], extract };

fn extract(source: &str) -> Unit {
    let mut walk = Walk { source, builder: Builder::new("kotlin"), implicit: Vec::new() };
    if let Some(tree) = syntax::parse(&tree_sitter_kotlin_ng::LANGUAGE.into(), source) {
        walk.visit(tree.root_node(), 0);
        walk.builder.unit.conditions = syntax::conditions(tree.root_node(), source);
    }
    walk.builder.unit
}

struct Walk<'s> {
    source: &'s str,
    builder: Builder,
    /// What calls without a receiver are made on inside `x.apply { … }` and `x.run { … }`.
    implicit: Vec<Expr>,
}

impl<'s> Walk<'s> {
    fn text(&self, node: Node<'_>) -> &'s str {
        text(node, self.source)
    }

    fn field(&self, node: Node<'_>, name: &'static str) -> &'s str {
        field_text(node, name, self.source)
    }

    fn child<'t>(&self, node: Node<'t>, kind: &str) -> Option<Node<'t>> {
        children(node).into_iter().find(|c| c.kind() == kind)
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
            "package_header" => {
                self.builder.unit.package = self.text(node).trim_start_matches("package").trim().to_owned();
            }
            "import" => self.import(node),
            "class_declaration" | "object_declaration" | "companion_object" => self.declare(node, depth),
            "function_declaration" | "secondary_constructor" => self.function(node, depth),
            "lambda_literal" | "anonymous_function" => self.lambda(node, depth),
            "property_declaration" => self.property(node, depth),
            "assignment" => self.assignment(node, depth),
            "return_expression" => {
                if let Some(value) = children(node).last() {
                    let value = self.expr(*value, Depth::TOP);
                    self.builder.returns(value);
                }
                self.visit_children(node, depth);
            }
            "for_statement" | "while_statement" | "do_while_statement" => {
                self.builder.enter_loop();
                self.visit_children(node, depth);
                self.builder.leave_loop();
            }
            "call_expression" => self.call(node, depth),
            _ => self.visit_children(node, depth),
        }
    }

    fn import(&mut self, node: Node<'_>) {
        let text = self.text(node).trim_start_matches("import").trim();
        let (path, alias) = text.split_once(" as ").map_or((text, ""), |(p, a)| (p.trim(), a.trim()));
        let name = if alias.is_empty() { path.rsplit('.').next().unwrap_or(path) } else { alias };
        self.builder.unit.imports.push(Import { name: name.to_owned(), path: path.trim_end_matches(".*").to_owned() });
    }

    fn name_of(&self, node: Node<'_>) -> &'s str {
        match self.field(node, "name") {
            "" => self
                .child(node, "identifier")
                .or_else(|| self.child(node, "simple_identifier"))
                .map_or("", |n| self.text(n)),
            name => name,
        }
    }

    fn declare(&mut self, node: Node<'_>, depth: usize) {
        // What a companion holds is named by the class around it.
        let companion = node.kind() == "companion_object";
        let name =
            if companion { self.builder.owner().unwrap_or_default().to_owned() } else { self.name_of(node).to_owned() };
        let mut decl = TypeDecl {
            name: name.clone(),
            line: line(node),
            is_interface: self
                .text(node)
                .split('{')
                .next()
                .unwrap_or_default()
                .split_whitespace()
                .any(|w| w == "interface"),
            annotations: self.annotations(node),
            ..TypeDecl::default()
        };
        if let Some(list) = self.child(node, "delegation_specifiers") {
            for specifier in children(list) {
                let text: String =
                    self.text(specifier).split('(').next().unwrap_or_default().split_whitespace().collect();
                decl.supertypes.push(text);
            }
        }
        let at = self.builder.unit.types.len();
        if !companion {
            self.builder.unit.types.push(decl);
        }
        self.builder.enter_type(&name);
        if let Some(constructor) = self.child(node, "primary_constructor") {
            self.primary_constructor(constructor, at);
        }
        for body in children(node).into_iter().filter(|c| matches!(c.kind(), "class_body" | "enum_class_body")) {
            if !companion {
                let fields = self.fields(body);
                self.builder.unit.types[at].fields.extend(fields);
            }
            self.visit_children(body, depth);
        }
        self.builder.leave_type();
    }

    fn primary_constructor(&mut self, node: Node<'_>, at: usize) {
        let list = self.child(node, "class_parameters").unwrap_or(node);
        let start = line(node);
        let mut parameters = Vec::new();
        for child in children(list).into_iter().filter(|c| c.kind() == "class_parameter") {
            let parameter = self.parameter(child);
            self.builder.unit.types[at].fields.push(Field {
                name: parameter.name.clone(),
                type_name: parameter.type_name.clone(),
                line: line(child),
                annotations: parameter.annotations.clone(),
            });
            parameters.push(parameter);
        }
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

    fn parameter(&self, node: Node<'_>) -> Parameter {
        let kids = children(node);
        let type_at = kids.iter().position(|c| c.kind().ends_with("_type"));
        Parameter {
            name: self.name_of(node).to_owned(),
            type_name: type_at.map_or("", |i| self.text(kids[i])).to_owned(),
            default: type_at.and_then(|i| kids.get(i + 1)).map(|d| self.expr(*d, Depth::TOP)),
            annotations: self.annotations(node),
        }
    }

    fn fields(&self, body: Node<'_>) -> Vec<Field> {
        children(body)
            .into_iter()
            .filter(|c| c.kind() == "property_declaration")
            .filter_map(|property| {
                let variable = self.child(property, "variable_declaration")?;
                let type_name =
                    children(variable).into_iter().find(|c| c.kind().ends_with("_type")).map_or("", |t| self.text(t));
                Some(Field {
                    name: self.name_of(variable).to_owned(),
                    type_name: type_name.to_owned(),
                    line: line(property),
                    annotations: self.annotations(property),
                })
            })
            .collect()
    }

    fn annotations(&self, node: Node<'_>) -> Vec<Annotation> {
        let modifiers = children(node).into_iter().filter(|c| matches!(c.kind(), "modifiers" | "parameter_modifiers"));
        modifiers
            .flat_map(children)
            .filter(|c| c.kind() == "annotation")
            .filter_map(|annotation| {
                let inner = children(annotation).into_iter().rfind(|c| c.kind() != "use_site_target")?;
                let (name, arguments) = match inner.kind() {
                    "constructor_invocation" => {
                        let list = self.child(inner, "value_arguments");
                        (
                            children(inner).first().map_or("", |n| self.text(*n)),
                            list.map(|l| self.arguments(l, Depth::TOP)).unwrap_or_default(),
                        )
                    }
                    _ => (self.text(inner), Vec::new()),
                };
                let arguments = arguments
                    .into_iter()
                    .map(|a| Argument { name: a.name.filter(|n| n != "value"), value: a.value })
                    .collect();
                Some(Annotation { name: name.to_owned(), arguments, line: line(annotation) })
            })
            .collect()
    }

    fn function(&mut self, node: Node<'_>, depth: usize) {
        let parameters = self.child(node, "function_value_parameters").map(children).unwrap_or_default();
        let parameters =
            parameters.into_iter().filter(|c| c.kind() == "parameter").map(|p| self.parameter(p)).collect();
        let return_type = children(node)
            .into_iter()
            .skip_while(|c| c.kind() != "function_value_parameters")
            .find(|c| c.kind().ends_with("_type"))
            .map_or("", |t| self.text(t));
        let function = Function {
            name: if node.kind() == "secondary_constructor" { "new".to_owned() } else { self.name_of(node).to_owned() },
            line: line(node),
            end_line: node.end_position().row as u32 + 1,
            parameters,
            annotations: self.annotations(node),
            return_type: return_type.to_owned(),
            ..Function::default()
        };
        self.builder.enter_function(function);
        if let Some(body) = self.child(node, "function_body") {
            if self.text(body).trim_start().starts_with('=')
                && let Some(value) = children(body).first()
            {
                let value = self.expr(*value, Depth::TOP);
                self.builder.returns(value);
            }
            self.visit_children(body, depth);
        }
        self.builder.leave_function();
    }

    fn lambda(&mut self, node: Node<'_>, depth: usize) {
        let parameters = self.child(node, "lambda_parameters").map(children).unwrap_or_default();
        let mut parameters: Vec<Parameter> = parameters
            .into_iter()
            .map(|p| Parameter { name: self.name_of(p).to_owned(), ..Parameter::default() })
            .collect();
        if parameters.is_empty() {
            parameters.push(Parameter { name: "it".to_owned(), ..Parameter::default() });
        }
        self.builder.enter_lambda(parameters, line(node), node.end_position().row as u32 + 1);
        self.visit_children(node, depth);
        self.builder.leave_function();
    }

    fn property(&mut self, node: Node<'_>, depth: usize) {
        if let Some(variable) = self.child(node, "variable_declaration") {
            let name = self.name_of(variable).to_owned();
            let type_name = children(variable)
                .into_iter()
                .find(|c| c.kind().ends_with("_type"))
                .map_or("", |t| self.text(t))
                .to_owned();
            let kids = children(node);
            let after = kids.iter().position(|c| c.kind() == "variable_declaration").unwrap_or(0);
            let value = kids[after + 1..]
                .iter()
                .find(|c| !matches!(c.kind(), "getter" | "setter" | "type_constraints"))
                .copied();
            let value = value
                .map(|v| if v.kind() == "property_delegate" { children(v).first().copied().unwrap_or(v) } else { v });
            let expr = value.map_or_else(|| Expr::opaque("declared"), |v| self.expr(v, Depth::TOP));
            let member = self.builder.function().is_none() && self.builder.owner().is_some();
            if member {
                let owner = self.builder.owner().unwrap_or_default().to_owned();
                self.builder.bind(&format!("this.{name}"), Some(&type_name), expr.clone(), line(node));
                if !expr.is_opaque() {
                    self.builder.bind(&format!("{owner}.{name}"), Some(&type_name), expr, line(node));
                }
            } else {
                self.builder.bind(&name, Some(&type_name), expr, line(node));
            }
        }
        self.visit_children(node, depth);
    }

    fn assignment(&mut self, node: Node<'_>, depth: usize) {
        let kids = children(node);
        if let (Some(left), Some(right)) = (kids.first(), kids.last())
            && kids.len() >= 2
        {
            let value = self.expr(*right, Depth::TOP);
            if let Some(place) = self.expr(*left, Depth::TOP).dotted() {
                self.builder.bind(&place, None, value, line(node));
            }
        }
        self.visit_children(node, depth);
    }

    fn call(&mut self, node: Node<'_>, depth: usize) {
        let used = is_used(node);
        let (mut name, mut on) = (String::new(), None);
        if let Expr::Call(receiver, called, arguments) = self.expr(node, Depth::TOP) {
            let types = self.child(node, "type_arguments").map(children).unwrap_or_default();
            let types = types.into_iter().map(|t| self.text(t).to_owned()).collect();
            on = receiver.as_deref().filter(|_| matches!(called.as_str(), "apply" | "run")).cloned();
            let implicit = || self.implicit.last().filter(|_| !called.starts_with("new ")).cloned();
            let receiver = receiver.map(|r| *r).or_else(implicit);
            let call = self.builder.call(line(node), receiver, &called, arguments, used, false);
            call.type_arguments = types;
            name = called;
        }
        let each = is_each(&name);
        for child in children(node) {
            let lambda = child.kind() == "annotated_lambda";
            let body = each && (lambda || child.kind() == "value_arguments");
            if body {
                self.builder.enter_loop();
            }
            let entered = on.clone().filter(|_| lambda);
            let deeper = entered.is_some();
            self.implicit.extend(entered);
            self.visit(child, depth + 1);
            if deeper {
                self.implicit.pop();
            }
            if body {
                self.builder.leave_loop();
            }
        }
    }
}

/// `$name` inside a string is a reference; the grammar leaves it in the text.
fn dollars(text: &str) -> Vec<Expr> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        let after = &rest[at + 1..];
        let end = after.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(after.len());
        parts.push(Expr::literal(&rest[..at]));
        parts.push(if end == 0 { Expr::literal("$") } else { Expr::Ref(after[..end].to_owned()) });
        rest = &after[end..];
    }
    parts.push(Expr::literal(rest));
    parts.retain(|p| *p != Expr::literal(""));
    parts
}

/// Does anybody look at the value of an expression? The last one of a lambda is the value of the lambda: it counts
/// where the call that takes the lambda does (`val o = retry { rest.get() }`, but not `launch { rest.post() }`).
fn is_used(node: Node<'_>) -> bool {
    let mut at = node;
    // Lambdas inside lambdas, at most as deep as any code.
    for _ in 0..32 {
        let Some(parent) = at.parent() else { return true };
        let inside = match parent.kind() {
            "statements" | "lambda_literal" => parent,
            "block" | "source_file" => return false,
            _ => return true,
        };
        let last = children(inside).last().is_some_and(|last| last.id() == at.id());
        let lambda = std::iter::successors(Some(inside), Node::parent).take(2).find(|n| n.kind() == "lambda_literal");
        let Some(lambda) = lambda.filter(|_| last) else { return false };
        let call = std::iter::successors(lambda.parent(), Node::parent)
            .take_while(|n| !matches!(n.kind(), "statements" | "block" | "lambda_literal"))
            .find(|n| n.kind() == "call_expression");
        match call {
            Some(call) => at = call,
            None => return true,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_classes_strings_and_builders() {
        let unit = extract(
            r#"package shop
import org.springframework.web.client.RestTemplate
@Service
class OrdersClient(@Value("\${orders.url}") private val base: String, private val rest: RestTemplate = RestTemplate()) : Api {
  companion object { const val PATH = "/orders" }
  fun find(id: String): Order? {
    val url = "$base$PATH/${id}"
    return rest.getForObject(url, Order::class.java)
  }
}
fun client() = HttpClient { defaultRequest { url("http://carts") } }
"#,
        );
        let decl = &unit.types[0];
        assert_eq!((decl.annotations[0].name.as_str(), decl.fields[0].name.as_str()), ("Service", "base"));
        assert_eq!(decl.fields[0].annotations[0].name, "Value");
        let url = unit.bindings.iter().find(|b| b.place == "url").expect("url");
        assert!(matches!(&url.value, Expr::Concat(parts) if parts.len() == 4), "{:?}", url.value);
        assert!(unit.bindings.iter().any(|b| b.place == "OrdersClient.PATH"));
        assert!(unit.calls.iter().any(|c| c.name == "getForObject" && c.result_used));
        assert!(unit.calls.iter().any(|c| c.name == "new HttpClient"));
    }

    #[test]
    fn the_last_expression_of_a_lambda_is_used_where_its_call_is() {
        let unit = extract(
            r#"
fun a() = rest.one()
fun b(): Order {
  val order = retry { log(); rest.two() }
  launch { rest.three() }
  rest.four()
  return withTimeout(5) { runCatching { rest.five() } }
}
"#,
        );
        let used = |name: &str| unit.calls.iter().find(|c| c.name == name).map(|c| c.result_used);
        assert_eq!(["one", "two", "five"].map(used), [Some(true); 3]);
        assert_eq!(["log", "three", "four", "launch"].map(used), [Some(false); 4]);
    }
}
