//! Java, by tree-sitter: what a compilation unit binds, calls and declares.

mod mapping;

use tree_sitter::Node;

use crate::ingest::grammar::Asked as _;
use crate::ingest::syntax::{self, Builder, DEPTH_LIMIT, Depth, children, field_text, is_each, line, text, unquote};
use crate::model::code::{Field, Import, Parameter};
use crate::model::{Annotation, Argument, Expr, Function, TypeDecl, Unit};

use super::Language;

/// Java.
pub const LANGUAGE: Language = Language { id: "java", extensions: &["java"], extract };

fn extract(source: &str) -> Unit {
    let mut walk = Walk { source, builder: Builder::new("java") };
    if let Some(tree) = syntax::parse(&tree_sitter_java::LANGUAGE.into(), source) {
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
            "package_declaration" => {
                self.builder.unit.package = children(node).last().map_or("", |n| self.text(*n)).to_owned();
            }
            "import_declaration" => self.import(node),
            "class_declaration" | "interface_declaration" | "enum_declaration" | "record_declaration" => {
                self.declare(node, depth);
            }
            "method_declaration" | "constructor_declaration" | "compact_constructor_declaration" => {
                self.function(node, depth)
            }
            "lambda_expression" => self.lambda(node, depth),
            "field_declaration" | "local_variable_declaration" => self.variables(node, depth),
            "enum_constant" => self.constant(node, depth),
            "assignment_expression" => self.assignment(node, depth),
            "return_statement" => {
                if let Some(value) = children(node).first() {
                    let value = self.expr(*value, Depth::TOP);
                    self.builder.returns(value);
                }
                self.visit_children(node, depth);
            }
            "yield_statement" => self.visit_children(node, depth),
            "for_statement" | "enhanced_for_statement" | "while_statement" | "do_statement" => {
                self.builder.enter_loop();
                self.visit_children(node, depth);
                self.builder.leave_loop();
            }
            "method_invocation" | "object_creation_expression" => self.call(node, depth),
            _ => self.visit_children(node, depth),
        }
    }

    fn import(&mut self, node: Node<'_>) {
        let path = self.text(node).trim_start_matches("import").trim().trim_end_matches(';').trim();
        let path = path.trim_start_matches("static ").trim();
        let name = path.rsplit('.').next().unwrap_or(path);
        self.builder.unit.imports.push(Import { name: name.to_owned(), path: path.trim_end_matches(".*").to_owned() });
    }

    fn declare(&mut self, node: Node<'_>, depth: usize) {
        let name = self.field(node, "name").to_owned();
        let mut decl = TypeDecl {
            name: name.clone(),
            line: line(node),
            is_interface: node.kind() == "interface_declaration",
            annotations: self.annotations(node),
            ..TypeDecl::default()
        };
        for child in children(node) {
            if matches!(child.kind(), "superclass" | "super_interfaces" | "extends_interfaces") {
                self.supertypes(child, &mut decl.supertypes, 0);
            }
        }
        if let Some(parameters) = node.field("parameters") {
            decl.fields = self.parameters(parameters).into_iter().map(|p| record_field(&p, line(node))).collect();
        }
        let at = self.builder.unit.types.len();
        self.builder.unit.types.push(decl);
        self.builder.enter_type(&name);
        if let Some(body) = node.field("body") {
            let mut fields = self.fields(body);
            if self.is_mapping(node) {
                fields.extend(self.mapped(body));
            }
            self.builder.unit.types[at].fields.extend(fields);
            self.visit_children(body, depth);
        }
        if let Some(parameters) = node.field("parameters") {
            self.record_constructor(node, parameters);
        }
        self.builder.leave_type();
    }

    /// A record's canonical constructor sets its fields from its parameters.
    fn record_constructor(&mut self, node: Node<'_>, parameters: Node<'_>) {
        let parameters = self.parameters(parameters);
        let names: Vec<String> = parameters.iter().map(|p| p.name.clone()).collect();
        let start = line(node);
        self.builder.enter_function(Function {
            name: "new".into(),
            line: start,
            end_line: start,
            parameters,
            ..Function::default()
        });
        for name in names {
            self.builder.bind(&format!("this.{name}"), None, Expr::Ref(name), start);
        }
        self.builder.leave_function();
    }

    fn supertypes(&self, node: Node<'_>, into: &mut Vec<String>, depth: usize) {
        for child in children(node) {
            match child.kind() {
                "type_list" | "interface_type_list" if depth < 4 => self.supertypes(child, into, depth + 1),
                _ => into.push(self.text(child).split_whitespace().collect()),
            }
        }
    }

    fn fields(&self, body: Node<'_>) -> Vec<Field> {
        let mut fields = Vec::new();
        // What follows the constants of an enum stands in a node of its own.
        let members = children(body).into_iter().flat_map(|c| match c.kind() {
            "enum_body_declarations" => children(c),
            _ => vec![c],
        });
        for child in members.filter(|c| c.kind() == "field_declaration") {
            let type_name = self.field(child, "type").to_owned();
            for declarator in children(child).into_iter().filter(|c| c.kind() == "variable_declarator") {
                fields.push(Field {
                    name: self.field(declarator, "name").to_owned(),
                    type_name: type_name.clone(),
                    line: line(declarator),
                    annotations: self.annotations(child),
                });
            }
        }
        fields
    }

    fn annotations(&self, node: Node<'_>) -> Vec<Annotation> {
        let mut all = Vec::new();
        for modifiers in children(node).into_iter().filter(|c| c.kind() == "modifiers") {
            for child in children(modifiers) {
                if matches!(child.kind(), "annotation" | "marker_annotation") {
                    let arguments = child.field("arguments").map(|a| self.annotation_arguments(a));
                    let name = self.field(child, "name").to_owned();
                    all.push(Annotation { name, arguments: arguments.unwrap_or_default(), line: line(child) });
                }
            }
        }
        all
    }

    fn annotation_arguments(&self, node: Node<'_>) -> Vec<Argument> {
        let mut all: Vec<Argument> = children(node)
            .into_iter()
            .map(|child| match child.kind() {
                "element_value_pair" => {
                    let key = self.field(child, "key");
                    let value = child.field("value").map(|v| self.expr(v, Depth::TOP));
                    let value = value.unwrap_or_else(|| Expr::opaque("no value"));
                    // `value = x` is what `(x)` says.
                    Argument { name: (key != "value").then(|| key.to_owned()), value }
                }
                _ => Argument::positional(self.expr(child, Depth::TOP)),
            })
            .collect();
        // Wherever it is written, the value is the first argument.
        all.sort_by_key(|a| a.name.is_some());
        all
    }

    fn parameters(&self, node: Node<'_>) -> Vec<Parameter> {
        children(node)
            .into_iter()
            .filter_map(|child| match child.kind() {
                "formal_parameter" | "spread_parameter" => {
                    let name = match self.field(child, "name") {
                        "" => children(child).last().map_or("", |n| self.field(*n, "name")),
                        name => name,
                    };
                    Some(Parameter {
                        name: name.to_owned(),
                        type_name: self.field(child, "type").to_owned(),
                        default: None,
                        annotations: self.annotations(child),
                    })
                }
                "identifier" => Some(Parameter { name: self.text(child).to_owned(), ..Parameter::default() }),
                _ => None,
            })
            .collect()
    }

    fn function(&mut self, node: Node<'_>, depth: usize) {
        let constructor = node.kind() != "method_declaration";
        let function = Function {
            name: if constructor { "new".to_owned() } else { self.field(node, "name").to_owned() },
            line: line(node),
            end_line: node.end_position().row as u32 + 1,
            parameters: node.field("parameters").map(|p| self.parameters(p)).unwrap_or_default(),
            annotations: self.annotations(node),
            return_type: self.field(node, "type").to_owned(),
            ..Function::default()
        };
        self.builder.enter_function(function);
        if let Some(body) = node.field("body") {
            self.visit_children(body, depth);
        }
        self.builder.leave_function();
    }

    fn lambda(&mut self, node: Node<'_>, depth: usize) {
        let parameters = match node.field("parameters") {
            Some(p) if p.kind() == "identifier" => {
                vec![Parameter { name: self.text(p).to_owned(), ..Parameter::default() }]
            }
            Some(p) => self.parameters(p),
            None => Vec::new(),
        };
        self.builder.enter_lambda(parameters, line(node), node.end_position().row as u32 + 1);
        if let Some(body) = node.field("body") {
            if body.kind() != "block" {
                let value = self.expr(body, Depth::TOP);
                self.builder.returns(value);
            }
            self.visit(body, depth + 1);
        }
        self.builder.leave_function();
    }

    fn variables(&mut self, node: Node<'_>, depth: usize) {
        let type_name = self.field(node, "type").to_owned();
        let is_field = node.kind() == "field_declaration";
        for declarator in children(node).into_iter().filter(|c| c.kind() == "variable_declarator") {
            let name = self.field(declarator, "name");
            let value = declarator.field("value");
            let expr = value.map_or_else(|| Expr::opaque("declared"), |v| self.expr(v, Depth::TOP));
            let place = if is_field { format!("this.{name}") } else { name.to_owned() };
            self.builder.bind(&place, Some(&type_name), expr.clone(), line(declarator));
            if is_field && !expr.is_opaque() {
                // Statics are named by their type, and within it by themselves.
                let owner = self.builder.owner().unwrap_or_default().to_owned();
                self.builder.bind(&format!("{owner}.{name}"), Some(&type_name), expr, line(declarator));
            }
            if let Some(value) = value {
                self.visit(value, depth + 1);
            }
        }
    }

    fn constant(&mut self, node: Node<'_>, depth: usize) {
        let owner = self.builder.owner().unwrap_or_default().to_owned();
        let name = self.field(node, "name");
        let arguments = node.field("arguments").map(|a| self.arguments(a, Depth::TOP)).unwrap_or_default();
        let value = Expr::Call(None, format!("new {owner}"), arguments.clone());
        self.builder.bind(&format!("{owner}.{name}"), Some(&owner), value, line(node));
        self.builder.call(line(node), None, &format!("new {owner}"), arguments, true, false);
        self.visit_children(node, depth);
    }

    fn assignment(&mut self, node: Node<'_>, depth: usize) {
        if let (Some(left), Some(right)) = (node.field("left"), node.field("right")) {
            let value = self.expr(right, Depth::TOP);
            if let Some(place) = self.expr(left, Depth::TOP).dotted() {
                if self.field(node, "operator") == "+=" {
                    self.builder.append(&place, value, line(node));
                } else {
                    self.builder.bind(&place, None, value, line(node));
                }
            }
        }
        self.visit_children(node, depth);
    }

    fn call(&mut self, node: Node<'_>, depth: usize) {
        let used = node.parent().is_none_or(|p| p.kind() != "expression_statement");
        if let Expr::Call(receiver, name, arguments) = self.expr(node, Depth::TOP) {
            let types = node
                .field("type_arguments")
                .map(|t| children(t).into_iter().map(|c| self.text(c).to_owned()).collect());
            let call = self.builder.call(line(node), receiver.map(|r| *r), &name, arguments, used, false);
            call.type_arguments = types.unwrap_or_default();
        }
        let each = is_each(self.field(node, "name"));
        for child in children(node) {
            let body = each && child.kind() == "argument_list";
            if body {
                self.builder.enter_loop();
            }
            if child.kind() == "class_body" {
                let name = self.field(node, "type").to_owned();
                self.anonymous(child, &name, depth);
            } else {
                self.visit(child, depth + 1);
            }
            if body {
                self.builder.leave_loop();
            }
        }
    }

    /// An anonymous class is a type of its own that extends what it is made of.
    fn anonymous(&mut self, body: Node<'_>, supertype: &str, depth: usize) {
        let name = format!("{supertype}${}", line(body));
        let fields = self.fields(body);
        self.builder.unit.types.push(TypeDecl {
            name: name.clone(),
            line: line(body),
            supertypes: vec![supertype.to_owned()],
            fields,
            ..TypeDecl::default()
        });
        self.builder.enter_type(&name);
        self.visit_children(body, depth);
        self.builder.leave_type();
    }

    fn arguments(&self, node: Node<'_>, depth: Depth) -> Vec<Argument> {
        children(node).into_iter().map(|a| Argument::positional(self.expr(a, depth))).collect()
    }

    fn expr(&self, node: Node<'_>, depth: Depth) -> Expr {
        let Some(depth) = depth.deeper() else { return Expr::opaque("nested too deep") };
        let part =
            |name: &'static str| node.field(name).map_or_else(|| Expr::opaque("missing"), |n| self.expr(n, depth));
        match node.kind() {
            "string_literal" | "text_block" => Expr::Literal(unquote(self.text(node))),
            "character_literal" => Expr::Literal(unquote(self.text(node))),
            "decimal_integer_literal" => Expr::literal(self.text(node)),
            "true" | "false" => Expr::literal(self.text(node)),
            "identifier" | "type_identifier" | "this" | "super" => Expr::named(self.text(node)),
            "scoped_identifier" | "scoped_type_identifier" => dotted(self.text(node)),
            "field_access" => {
                let name = self.field(node, "field");
                Expr::Field(Box::new(part("object")), name.to_owned())
            }
            "array_access" => Expr::Index(Box::new(part("array")), Box::new(part("index"))),
            "parenthesized_expression" => {
                children(node).first().map_or_else(|| Expr::opaque("empty"), |n| self.expr(*n, depth))
            }
            "cast_expression" => part("value"),
            "assignment_expression" => part("right"),
            "binary_expression" if self.field(node, "operator") == "+" => {
                Expr::concat(vec![part("left"), part("right")])
            }
            "ternary_expression" => Expr::Choice(vec![part("consequence"), part("alternative")]),
            "switch_expression" => Expr::opaque("switch"),
            "element_value_array_initializer" | "array_initializer" => {
                Expr::List(children(node).into_iter().map(|c| self.expr(c, depth)).collect())
            }
            "array_creation_expression" => part("value"),
            "class_literal" => children(node).first().map_or_else(|| Expr::opaque("class"), |n| dotted(self.text(*n))),
            "method_reference" => {
                let parts = children(node);
                match (parts.first(), parts.get(1)) {
                    (Some(object), Some(name)) => {
                        Expr::Field(Box::new(self.expr(*object, depth)), self.text(*name).to_owned())
                    }
                    _ => Expr::opaque("method reference"),
                }
            }
            "lambda_expression" => match node.field("body") {
                Some(body) if body.kind() != "block" => Expr::Lambda(vec![self.expr(body, depth)]),
                Some(body) => Expr::Lambda(self.block_returns(body, depth)),
                None => Expr::opaque("lambda"),
            },
            "method_invocation" => {
                let receiver = node.field("object").map(|o| Box::new(self.expr(o, depth)));
                let arguments = node.field("arguments").map(|a| self.arguments(a, depth)).unwrap_or_default();
                Expr::Call(receiver, self.field(node, "name").to_owned(), arguments)
            }
            "object_creation_expression" => {
                let arguments = node.field("arguments").map(|a| self.arguments(a, depth)).unwrap_or_default();
                let name: String = self.field(node, "type").split_whitespace().collect();
                let name = name.split('<').next().unwrap_or(&name).to_owned();
                Expr::Call(None, format!("new {name}"), arguments)
            }
            other => Expr::opaque(other),
        }
    }

    /// Returned values directly in a block, for lambdas.
    fn block_returns(&self, block: Node<'_>, depth: Depth) -> Vec<Expr> {
        let mut all = Vec::new();
        for child in children(block) {
            if child.kind() == "return_statement"
                && let Some(value) = children(child).first()
            {
                all.push(self.expr(*value, depth));
            } else if child.kind() == "expression_statement"
                && let Some(value) = children(child).first()
            {
                all.push(self.expr(*value, depth));
            }
        }
        all
    }
}

fn record_field(parameter: &Parameter, line: u32) -> Field {
    Field {
        name: parameter.name.clone(),
        type_name: parameter.type_name.clone(),
        line,
        annotations: parameter.annotations.clone(),
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
    fn reads_declarations_bindings_and_chains() {
        let unit = extract(
            r#"package a.b;
import org.x.RestTemplate;
@Service(value = "s") public class OrderClient extends Base<Order> implements Api {
  private static final String BASE = "http://orders" + ":8080";
  @Autowired private RestTemplate rest;
  Order find(@PathVariable String id) {
    String url = BASE + "/orders/" + id;
    url += "?full=true";
    return rest.getForObject(url, Order.class);
  }
}"#,
        );
        assert_eq!(unit.package, "a.b");
        let decl = &unit.types[0];
        assert_eq!(decl.supertypes, ["Base<Order>", "Api"]);
        assert_eq!(decl.annotations[0].arguments[0].value, Expr::literal("s"));
        assert_eq!(decl.fields[1].annotations[0].name, "Autowired");
        let base = unit.bindings.iter().find(|b| b.place == "OrderClient.BASE").expect("static");
        assert_eq!(base.value, Expr::literal("http://orders:8080"));
        let call = unit.calls.iter().find(|c| c.name == "getForObject").expect("call");
        assert_eq!((call.line, call.result_used), (9, true));
        let url = unit.bindings.iter().rfind(|b| b.place == "url").expect("url");
        assert_eq!(
            url.value,
            Expr::Concat(vec![
                Expr::Ref("BASE".into()),
                Expr::literal("/orders/"),
                Expr::Ref("id".into()),
                Expr::literal("?full=true")
            ])
        );
    }

    #[test]
    fn broken_and_deep_code_yields_what_is_intact() {
        let unit = extract("class A { void f() { g(1; } void h() { k(\"x\"); } }");
        assert!(unit.calls.iter().any(|c| c.name == "k"));
        let deep = format!("class A {{ String s = {}\"a\"{}; }}", "(".repeat(5_000), ")".repeat(5_000));
        assert_eq!(extract(&deep).types.len(), 1);
    }
}
