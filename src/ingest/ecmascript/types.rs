//! Classes and interfaces with their decorators and fields.

use super::*;
use crate::ingest::grammar::Asked as _;

impl Walk<'_> {
    pub(super) fn decorators(&self, node: Node<'_>) -> Vec<Annotation> {
        children(node).into_iter().filter(|c| c.kind() == "decorator").filter_map(|d| self.decorator(d)).collect()
    }

    /// Calls among the arguments of decorators (`@Module({ imports: [Clients.register(…)] })`).
    pub(super) fn visit_decorators(&mut self, node: Node<'_>, depth: usize) {
        let decorators = children(node).into_iter().filter(|c| c.kind() == "decorator");
        for arguments in decorators.flat_map(children).filter_map(|c| c.field("arguments")) {
            self.visit_children(arguments, depth + 1);
        }
    }

    pub(super) fn class(&mut self, node: Node<'_>, depth: usize) {
        let name = match self.field(node, "name") {
            "" => format!("class@{}", line(node)),
            name => name.to_owned(),
        };
        let mut decl = TypeDecl {
            name: name.clone(),
            line: line(node),
            is_interface: node.kind() == "interface_declaration",
            annotations: self.decorators(node),
            ..TypeDecl::default()
        };
        for heritage in
            children(node).into_iter().filter(|c| c.kind().contains("heritage") || c.kind().contains("extends"))
        {
            let text = self.text(heritage).replace("extends", ",").replace("implements", ",");
            decl.supertypes
                .extend(text.split(',').map(|s| s.split_whitespace().collect::<String>()).filter(|s| !s.is_empty()));
        }
        let at = self.builder.unit.types.len();
        self.builder.unit.types.push(decl);
        self.builder.enter_type(&name);
        self.visit_decorators(node, depth);
        if let Some(body) = node.field("body") {
            let mut pending: Vec<Annotation> = Vec::new();
            for member in children(body) {
                match member.kind() {
                    // Decorators of a method stand before it.
                    "decorator" => {
                        let holder = self.decorator(member);
                        pending.extend(holder);
                    }
                    "method_definition" => {
                        let name = self.method_name(member);
                        let mut annotations = std::mem::take(&mut pending);
                        annotations.extend(self.decorators(member));
                        self.function(member, &name, annotations, depth);
                    }
                    kind => {
                        if matches!(kind, "public_field_definition" | "property_signature" | "field_definition") {
                            let annotations =
                                std::mem::take(&mut pending).into_iter().chain(self.decorators(member)).collect();
                            let field = Field {
                                name: self.field(member, "name").to_owned() + self.field(member, "property"),
                                type_name: self.type_of(member),
                                line: line(member),
                                annotations,
                            };
                            self.builder.unit.types[at].fields.push(field);
                        }
                        self.visit(member, depth + 1);
                    }
                }
            }
        }
        self.builder.leave_type();
    }

    pub(super) fn decorator(&self, decorator: Node<'_>) -> Option<Annotation> {
        let inner = *children(decorator).first()?;
        let (name, arguments) = match inner.kind() {
            "call_expression" => {
                let arguments = inner.field("arguments").map(|a| self.arguments(a, Depth::TOP));
                (self.field(inner, "function"), arguments.unwrap_or_default())
            }
            _ => (self.text(inner), Vec::new()),
        };
        Some(Annotation { name: name.to_owned(), arguments, line: line(decorator) })
    }

    pub(super) fn type_of(&self, node: Node<'_>) -> String {
        self.field(node, "type").trim_start_matches(':').trim().to_owned()
    }

    pub(super) fn class_field(&mut self, node: Node<'_>, depth: usize) {
        let name = match self.field(node, "name") {
            "" => self.field(node, "property"),
            name => name,
        };
        let name = name.trim_start_matches('#').to_owned();
        let type_name = self.type_of(node);
        if let Some(value) = node.field("value") {
            if is_function(value) {
                return self.function(value, &name, Vec::new(), depth);
            }
            let expr = self.expr(value, Depth::TOP);
            self.builder.bind(&format!("this.{name}"), Some(&type_name), expr, line(node));
            self.visit(value, depth + 1);
        } else {
            self.builder.bind(&format!("this.{name}"), Some(&type_name), Expr::opaque("declared"), line(node));
        }
    }
}
