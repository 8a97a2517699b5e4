//! Rust, by syn: what a file binds, calls and declares. `Type::new` stays a call on the type.
//!
//! A file that does not parse as a whole is read item by item, so that its intact parts count.

mod conditions;
mod expr;
mod names;

use proc_macro2::Span;
use syn::spanned::Spanned;
use syn::visit::{self, Visit};

use crate::ingest::syntax::{Builder, Depth, is_each};
use crate::model::code::{Field, Import, Parameter};
use crate::model::{Annotation, Argument, Expr, Function, TypeDecl, Unit};

use super::Language;
use expr::{expr, token_arguments};

/// Rust.
pub const LANGUAGE: Language = Language { id: "rust", extensions: &["rs"], extract };

/// Brackets nested deeper than this would overflow the parser's stack; no hand-written code comes near.
const NESTING: usize = 200;

fn extract(source: &str) -> Unit {
    let mut walk = Walk { builder: Builder::new("rust"), shift: 0, awaited: false, used: true, spawning: 0 };
    if nesting(source) > NESTING {
        return walk.builder.unit;
    }
    match syn::parse_file(source) {
        Ok(file) => walk.file(&file),
        Err(_) => {
            for (at, item) in items(source) {
                if let Ok(file) = syn::parse_file(item) {
                    walk.shift = at;
                    walk.file(&file);
                }
            }
        }
    }
    names::add(&mut walk.builder.unit.imports, source);
    walk.builder.unit
}

/// The deepest nesting of brackets, without looking at strings.
fn nesting(source: &str) -> usize {
    let (mut depth, mut most) = (0usize, 0usize);
    for byte in source.bytes() {
        match byte {
            b'(' | b'[' | b'{' => {
                depth += 1;
                most = most.max(depth);
            }
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    most
}

/// Top-level items: a line at column 0 that begins one (attributes belong to what follows them) ends the one before.
fn items(source: &str) -> Vec<(u32, &str)> {
    const STARTS: [&str; 14] = [
        "fn ", "pub ", "pub(", "struct ", "impl", "use ", "mod ", "const ", "static ", "enum ", "trait ", "async ",
        "type ", "#[",
    ];
    let mut all = Vec::new();
    let (mut start, mut first, mut offset, mut attribute) = (0, 0u32, 0, false);
    for (at, line) in source.split_inclusive('\n').enumerate() {
        if STARTS.iter().any(|s| line.starts_with(s)) && !attribute && offset > start {
            all.push((first, &source[start..offset]));
            (start, first) = (offset, at as u32);
        }
        attribute = line.starts_with("#[");
        offset += line.len();
    }
    all.push((first, &source[start..]));
    all
}

struct Walk {
    builder: Builder,
    /// Lines before the item that is being read.
    shift: u32,
    awaited: bool,
    used: bool,
    spawning: usize,
}

impl Walk {
    fn line(&self, span: Span) -> u32 {
        span.start().line as u32 + self.shift
    }

    fn last_line(&self, span: Span) -> u32 {
        span.end().line as u32 + self.shift
    }

    fn attributes(&self, attributes: &[syn::Attribute]) -> Vec<Annotation> {
        attributes
            .iter()
            .filter(|a| !a.path().is_ident("doc"))
            .map(|attribute| Annotation {
                name: path_text(attribute.path()),
                arguments: match &attribute.meta {
                    syn::Meta::List(list) => token_arguments(list.tokens.clone()),
                    syn::Meta::NameValue(pair) => vec![Argument::positional(expr(&pair.value, Depth::TOP))],
                    syn::Meta::Path(_) => Vec::new(),
                },
                line: self.line(attribute.span()),
            })
            .collect()
    }

    fn function(
        &mut self,
        signature: &syn::Signature,
        attributes: &[syn::Attribute],
        span: Span,
        block: Option<&syn::Block>,
    ) {
        let parameters = signature
            .inputs
            .iter()
            .filter_map(|input| match input {
                syn::FnArg::Typed(typed) => Some(Parameter {
                    name: pattern_name(&typed.pat),
                    type_name: type_text(&typed.ty),
                    ..Parameter::default()
                }),
                syn::FnArg::Receiver(_) => None,
            })
            .collect();
        let return_type = match &signature.output {
            syn::ReturnType::Type(_, ty) => result_type(&type_text(ty)),
            syn::ReturnType::Default => String::new(),
        };
        self.builder.enter_function(Function {
            name: signature.ident.to_string(),
            line: self.line(signature.fn_token.span),
            end_line: self.last_line(span),
            parameters,
            annotations: self.attributes(attributes),
            return_type,
            ..Function::default()
        });
        if let Some(block) = block {
            if let Some(value) = tail(block) {
                self.builder.returns(expr(value, Depth::TOP));
            }
            self.visit_block(block);
        }
        self.builder.leave_function();
    }

    fn constant(&mut self, name: &str, ty: &syn::Type, value: &syn::Expr, span: Span) {
        let at = self.line(span);
        self.builder.bind(name, Some(&type_text(ty)), expr(value, Depth::TOP), at);
        if let Some(owner) = self.builder.owner().map(str::to_owned) {
            self.builder.bind(&format!("{owner}.{name}"), None, expr(value, Depth::TOP), at);
        }
    }

    fn call(&mut self, span: Span, value: Expr) {
        let Expr::Call(receiver, name, arguments) = value else { return };
        let (used, spawned) = (self.used, self.spawning > 0 && !self.awaited);
        self.builder.call(self.line(span), receiver.map(|r| *r), &name, arguments, used, spawned || self.spawning > 0);
    }

    fn bind_pattern(&mut self, pattern: &syn::Pat, value: Expr, at: u32) {
        match pattern {
            syn::Pat::Ident(ident) => self.builder.bind(&ident.ident.to_string(), None, value, at),
            syn::Pat::Type(typed) => {
                let name = pattern_name(&typed.pat);
                self.builder.bind(&name, Some(&type_text(&typed.ty)), value, at);
            }
            // `Some(x)`, `Ok(x)`: the wrapper is transparent.
            syn::Pat::TupleStruct(inner) if inner.elems.len() == 1 => self.bind_pattern(&inner.elems[0], value, at),
            syn::Pat::Reference(inner) => self.bind_pattern(&inner.pat, value, at),
            syn::Pat::Struct(inner) => {
                for field in &inner.fields {
                    if let syn::Member::Named(name) = &field.member {
                        self.bind_pattern(&field.pat, Expr::Field(Box::new(value.clone()), name.to_string()), at);
                    }
                }
            }
            syn::Pat::Tuple(inner) => {
                for (i, element) in inner.elems.iter().enumerate() {
                    self.bind_pattern(
                        element,
                        Expr::Index(Box::new(value.clone()), Box::new(Expr::Literal(i.to_string()))),
                        at,
                    );
                }
            }
            _ => {}
        }
    }
}

impl<'ast> Visit<'ast> for Walk {
    fn visit_item_use(&mut self, node: &'ast syn::ItemUse) {
        imports(&node.tree, String::new(), &mut self.builder.unit.imports);
    }

    fn visit_item_mod(&mut self, node: &'ast syn::ItemMod) {
        // Unit tests in the file are test code.
        let test = node.attrs.iter().any(|a| a.path().is_ident("cfg") && token_text(a).contains("test"));
        if !test {
            visit::visit_item_mod(self, node);
        }
    }

    fn visit_item_struct(&mut self, node: &'ast syn::ItemStruct) {
        let fields = node
            .fields
            .iter()
            .filter_map(|field| {
                Some(Field {
                    name: field.ident.as_ref()?.to_string(),
                    type_name: type_text(&field.ty),
                    line: self.line(field.span()),
                    annotations: self.attributes(&field.attrs),
                })
            })
            .collect();
        let decl = TypeDecl {
            name: node.ident.to_string(),
            line: self.line(node.struct_token.span),
            annotations: self.attributes(&node.attrs),
            fields,
            ..TypeDecl::default()
        };
        self.builder.unit.types.push(decl);
    }

    fn visit_item_enum(&mut self, node: &'ast syn::ItemEnum) {
        let line = self.line(node.enum_token.span);
        self.builder.unit.types.push(TypeDecl { name: node.ident.to_string(), line, ..TypeDecl::default() });
    }

    fn visit_item_trait(&mut self, node: &'ast syn::ItemTrait) {
        let name = node.ident.to_string();
        let decl = TypeDecl {
            name: name.clone(),
            line: self.line(node.trait_token.span),
            is_interface: true,
            annotations: self.attributes(&node.attrs),
            ..TypeDecl::default()
        };
        self.builder.unit.types.push(decl);
        self.builder.enter_type(&name);
        for item in &node.items {
            if let syn::TraitItem::Fn(f) = item {
                self.function(&f.sig, &f.attrs, f.span(), f.default.as_ref());
            }
        }
        self.builder.leave_type();
    }

    fn visit_item_impl(&mut self, node: &'ast syn::ItemImpl) {
        let name = type_text(&node.self_ty);
        let name = name.split('<').next().unwrap_or(&name).rsplit("::").next().unwrap_or_default().to_owned();
        if let Some((path, _)) = &node.trait_
            && let Some(decl) = self.builder.unit.types.iter_mut().find(|t| t.name == name)
        {
            decl.supertypes.push(path_text(path).replace("::", "."));
        }
        self.builder.enter_type(&name);
        for item in &node.items {
            match item {
                syn::ImplItem::Fn(f) => self.function(&f.sig, &f.attrs, f.span(), Some(&f.block)),
                syn::ImplItem::Const(c) => self.constant(&c.ident.to_string(), &c.ty, &c.expr, c.span()),
                _ => {}
            }
        }
        self.builder.leave_type();
    }

    fn visit_item_fn(&mut self, node: &'ast syn::ItemFn) {
        if node.attrs.iter().any(|a| path_text(a.path()).ends_with("test")) {
            return;
        }
        self.function(&node.sig, &node.attrs, node.span(), Some(&node.block));
    }

    fn visit_item_const(&mut self, node: &'ast syn::ItemConst) {
        self.constant(&node.ident.to_string(), &node.ty, &node.expr, node.span());
        visit::visit_item_const(self, node);
    }

    fn visit_item_static(&mut self, node: &'ast syn::ItemStatic) {
        self.constant(&node.ident.to_string(), &node.ty, &node.expr, node.span());
        visit::visit_item_static(self, node);
    }

    fn visit_local(&mut self, node: &'ast syn::Local) {
        if let Some(init) = &node.init {
            let at = self.line(node.let_token.span);
            self.bind_pattern(&node.pat, expr(&init.expr, Depth::TOP), at);
        }
        visit::visit_local(self, node);
    }

    fn visit_expr_let(&mut self, node: &'ast syn::ExprLet) {
        let at = self.line(node.let_token.span);
        self.bind_pattern(&node.pat, expr(&node.expr, Depth::TOP), at);
        visit::visit_expr_let(self, node);
    }

    fn visit_expr_assign(&mut self, node: &'ast syn::ExprAssign) {
        let at = self.line(node.span());
        if let Some(place) = expr(&node.left, Depth::TOP).dotted() {
            self.builder.bind(&place, None, expr(&node.right, Depth::TOP), at);
        }
        visit::visit_expr_assign(self, node);
    }

    fn visit_stmt(&mut self, node: &'ast syn::Stmt) {
        // `f();` drops its result; `f()?;` and `f().await;` drop it as well.
        let dropped = matches!(node, syn::Stmt::Expr(_, Some(_)));
        let before = std::mem::replace(&mut self.used, !dropped);
        visit::visit_stmt(self, node);
        self.used = before;
    }

    fn visit_expr_return(&mut self, node: &'ast syn::ExprReturn) {
        if let Some(value) = &node.expr {
            self.builder.returns(expr(value, Depth::TOP));
        }
        let before = std::mem::replace(&mut self.used, true);
        visit::visit_expr_return(self, node);
        self.used = before;
    }

    fn visit_expr_for_loop(&mut self, node: &'ast syn::ExprForLoop) {
        let at = self.line(node.for_token.span);
        let each = Expr::Index(Box::new(expr(&node.expr, Depth::TOP)), Box::new(Expr::opaque("each")));
        self.bind_pattern(&node.pat, each, at);
        self.visit_expr(&node.expr);
        self.builder.enter_loop();
        self.visit_block(&node.body);
        self.builder.leave_loop();
    }

    fn visit_expr_while(&mut self, node: &'ast syn::ExprWhile) {
        self.builder.enter_loop();
        visit::visit_expr_while(self, node);
        self.builder.leave_loop();
    }

    fn visit_expr_loop(&mut self, node: &'ast syn::ExprLoop) {
        self.builder.enter_loop();
        visit::visit_expr_loop(self, node);
        self.builder.leave_loop();
    }

    fn visit_expr_closure(&mut self, node: &'ast syn::ExprClosure) {
        let parameters =
            node.inputs.iter().map(|p| Parameter { name: pattern_name(p), ..Parameter::default() }).collect();
        self.builder.enter_lambda(parameters, self.line(node.span()), self.last_line(node.span()));
        self.builder.returns(expr(&node.body, Depth::TOP));
        let before = std::mem::replace(&mut self.used, true);
        self.visit_expr(&node.body);
        self.used = before;
        self.builder.leave_function();
    }

    fn visit_expr_call(&mut self, node: &'ast syn::ExprCall) {
        let value = expr(&syn::Expr::Call(node.clone()), Depth::TOP);
        let spawns = matches!(&value, Expr::Call(_, name, _) if name == "spawn");
        self.call(node.span(), value);
        let before = std::mem::replace(&mut self.used, true);
        self.spawning += usize::from(spawns);
        visit::visit_expr_call(self, node);
        self.spawning -= usize::from(spawns);
        self.used = before;
    }

    fn visit_expr_method_call(&mut self, node: &'ast syn::ExprMethodCall) {
        let value = expr(&syn::Expr::MethodCall(node.clone()), Depth::TOP);
        let name = node.method.to_string();
        self.call(node.span(), value);
        let before = std::mem::replace(&mut self.used, true);
        self.visit_expr(&node.receiver);
        let each = is_each(&name);
        if each {
            self.builder.enter_loop();
        }
        for argument in &node.args {
            self.visit_expr(argument);
        }
        if each {
            self.builder.leave_loop();
        }
        self.used = before;
    }

    fn visit_macro(&mut self, node: &'ast syn::Macro) {
        // Arguments of macros are expressions in most macros that matter (`json!` and SQL macros are not).
        let span = node.span();
        let name = path_text(&node.path);
        let arguments = token_arguments(node.tokens.clone());
        if !arguments.is_empty() {
            let at = self.line(span);
            let name = name.rsplit("::").next().unwrap_or_default().to_owned();
            self.builder.call(at, None, &format!("{name}!"), arguments, true, false);
        }
        use syn::parse::Parser;
        let parser = syn::punctuated::Punctuated::<syn::Expr, syn::Token![,]>::parse_terminated;
        if let Ok(list) = parser.parse2(node.tokens.clone()) {
            for value in &list {
                self.visit_expr(value);
            }
        }
    }
}

fn tail(block: &syn::Block) -> Option<&syn::Expr> {
    match block.stmts.last()? {
        syn::Stmt::Expr(value, None) => Some(value),
        _ => None,
    }
}

fn path_text(path: &syn::Path) -> String {
    path.segments.iter().map(|s| s.ident.to_string()).collect::<Vec<_>>().join("::")
}

fn token_text(attribute: &syn::Attribute) -> String {
    match &attribute.meta {
        syn::Meta::List(list) => list.tokens.to_string(),
        _ => String::new(),
    }
}

fn type_text(ty: &syn::Type) -> String {
    use quote::ToTokens;
    let text = ty.to_token_stream().to_string();
    let text = text.replace(" :: ", "::").replace(" < ", "<").replace(" >", ">").replace("< ", "<").replace(" <", "<");
    text.replace("& ", "&").replace("dyn ", "").replace("impl ", "").replace(" ,", ",")
}

/// `Result<T, E>` and `Option<T>`, by any path, stand for T.
fn result_type(text: &str) -> String {
    let Some((wrapper, inner)) = text.split_once('<') else { return text.to_owned() };
    if !matches!(wrapper.rsplit("::").next(), Some("Result" | "Option")) {
        return text.to_owned();
    }
    let inner = inner.strip_suffix('>').unwrap_or(inner);
    let mut depth = 0;
    let end = inner.find(|c| {
        match c {
            '<' => depth += 1,
            '>' => depth -= 1,
            _ => {}
        }
        c == ',' && depth == 0
    });
    inner[..end.unwrap_or(inner.len())].trim().to_owned()
}

fn pattern_name(pattern: &syn::Pat) -> String {
    match pattern {
        syn::Pat::Ident(ident) => ident.ident.to_string(),
        syn::Pat::Type(typed) => pattern_name(&typed.pat),
        syn::Pat::Reference(inner) => pattern_name(&inner.pat),
        // Extractors: `State(state): State<App>`.
        syn::Pat::TupleStruct(inner) => inner.elems.first().map(pattern_name).unwrap_or_default(),
        _ => String::new(),
    }
}

fn imports(tree: &syn::UseTree, path: String, into: &mut Vec<Import>) {
    let join = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}::{name}") };
    match tree {
        syn::UseTree::Path(inner) => imports(&inner.tree, join(&inner.ident.to_string()), into),
        syn::UseTree::Name(name) => {
            let name = name.ident.to_string();
            into.push(Import {
                path: if name == "self" { path.clone() } else { join(&name) },
                name: if name == "self" { path.rsplit("::").next().unwrap_or_default().to_owned() } else { name },
            });
        }
        syn::UseTree::Rename(rename) => {
            into.push(Import { name: rename.rename.to_string(), path: join(&rename.ident.to_string()) });
        }
        syn::UseTree::Glob(_) => into.push(Import { name: "*".to_owned(), path }),
        syn::UseTree::Group(group) => {
            for inner in &group.items {
                imports(inner, path.clone(), into);
            }
        }
    }
}

#[cfg(test)]
mod tests;
