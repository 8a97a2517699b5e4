//! Rust, by syn: what a file binds, calls and declares. `Type::new` stays a call on the type.
//!
//! A file that does not parse as a whole is read item by item, so that its intact parts count.

use proc_macro2::{Span, TokenStream};
use syn::spanned::Spanned;
use syn::visit::{self, Visit};

use crate::ingest::syntax::{Builder, Depth, is_each};
use crate::model::code::{Field, Import, Parameter};
use crate::model::{Annotation, Argument, Expr, Function, TypeDecl, Unit};

use super::Language;

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
        Ok(file) => walk.visit_file(&file),
        Err(_) => {
            for (at, item) in items(source) {
                if let Ok(file) = syn::parse_file(item) {
                    walk.shift = at;
                    walk.visit_file(&file);
                }
            }
        }
    }
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

// ---- expressions ----

fn expr(node: &syn::Expr, depth: Depth) -> Expr {
    let Some(depth) = depth.deeper() else { return Expr::opaque("nested too deep") };
    let go = |e: &syn::Expr| expr(e, depth);
    match node {
        syn::Expr::Lit(lit) => literal(&lit.lit),
        syn::Expr::Path(path) => path_expr(&path.path),
        syn::Expr::Field(field) => match &field.member {
            syn::Member::Named(name) => Expr::Field(Box::new(go(&field.base)), name.to_string()),
            syn::Member::Unnamed(index) => {
                Expr::Index(Box::new(go(&field.base)), Box::new(Expr::Literal(index.index.to_string())))
            }
        },
        syn::Expr::Index(index) => Expr::Index(Box::new(go(&index.expr)), Box::new(go(&index.index))),
        syn::Expr::Reference(inner) => go(&inner.expr),
        syn::Expr::Paren(inner) => go(&inner.expr),
        syn::Expr::Group(inner) => go(&inner.expr),
        syn::Expr::Try(inner) => go(&inner.expr),
        syn::Expr::Await(inner) => go(&inner.base),
        syn::Expr::Cast(inner) => go(&inner.expr),
        syn::Expr::Unary(inner) => go(&inner.expr),
        syn::Expr::Binary(binary) if matches!(binary.op, syn::BinOp::Add(_)) => {
            Expr::concat(vec![go(&binary.left), go(&binary.right)])
        }
        syn::Expr::Call(call) => call_expr(call, depth),
        syn::Expr::MethodCall(call) => method_expr(call, depth),
        syn::Expr::Macro(mac) => macro_expr(&mac.mac, depth),
        syn::Expr::Struct(literal) => {
            let arguments = literal.fields.iter().map(|field| {
                let name = match &field.member {
                    syn::Member::Named(name) => name.to_string(),
                    syn::Member::Unnamed(index) => index.index.to_string(),
                };
                Argument { name: Some(name), value: go(&field.expr) }
            });
            let arguments = arguments.collect();
            Expr::Call(None, format!("new {}", path_text(&literal.path)), arguments)
        }
        syn::Expr::Array(array) => Expr::List(array.elems.iter().map(go).collect()),
        syn::Expr::Tuple(tuple) => Expr::List(tuple.elems.iter().map(go).collect()),
        syn::Expr::If(branch) => {
            let mut parts: Vec<Expr> = tail(&branch.then_branch).map(go).into_iter().collect();
            parts.extend(branch.else_branch.as_ref().map(|(_, e)| go(e)));
            Expr::Choice(parts)
        }
        syn::Expr::Match(choice) => {
            Expr::Choice(choice.arms.iter().map(|arm| go(&arm.body)).filter(|e| !e.is_opaque()).collect())
        }
        syn::Expr::Block(block) => tail(&block.block).map_or_else(|| Expr::opaque("block"), go),
        syn::Expr::Async(block) => tail(&block.block).map_or_else(|| Expr::opaque("block"), go),
        syn::Expr::Unsafe(block) => tail(&block.block).map_or_else(|| Expr::opaque("block"), go),
        syn::Expr::Closure(closure) => Expr::Lambda(vec![go(&closure.body)]),
        _ => Expr::opaque("expression"),
    }
}

fn literal(lit: &syn::Lit) -> Expr {
    match lit {
        syn::Lit::Str(text) => Expr::Literal(text.value()),
        syn::Lit::Int(number) => Expr::literal(number.base10_digits()),
        syn::Lit::Bool(value) => Expr::Literal(value.value.to_string()),
        syn::Lit::Char(value) => Expr::Literal(value.value().to_string()),
        _ => Expr::opaque("literal"),
    }
}

fn path_expr(path: &syn::Path) -> Expr {
    let mut segments = path.segments.iter().map(|s| s.ident.to_string());
    let first = segments.next().unwrap_or_default();
    let first = if matches!(first.as_str(), "self" | "Self") { "this".to_owned() } else { first };
    segments.fold(Expr::Ref(first), |object, name| Expr::Field(Box::new(object), name))
}

fn call_expr(call: &syn::ExprCall, depth: Depth) -> Expr {
    let arguments: Vec<Argument> = call.args.iter().map(|a| Argument::positional(expr(a, depth))).collect();
    let syn::Expr::Path(path) = &*call.func else { return Expr::opaque("call of a value") };
    let mut names: Vec<String> = path.path.segments.iter().map(|s| s.ident.to_string()).collect();
    let name = names.pop().unwrap_or_default();
    // Wrappers and conversions hand their value on.
    let wraps = matches!(name.as_str(), "Some" | "Ok" | "Err") && names.is_empty();
    let converts = matches!(
        (names.last().map(String::as_str), name.as_str()),
        (
            Some("String" | "Arc" | "Rc" | "Box" | "Cow" | "Mutex" | "RwLock" | "Data"),
            "from" | "new" | "clone" | "Owned" | "Borrowed"
        )
    );
    if (wraps || converts) && arguments.len() == 1 {
        return arguments.into_iter().next().map_or_else(|| Expr::opaque("empty"), |a| a.value);
    }
    let names: Vec<String> =
        names.into_iter().map(|n| if matches!(n.as_str(), "Self" | "self") { "this".to_owned() } else { n }).collect();
    let receiver = names.split_first().map(|(first, rest)| {
        Box::new(rest.iter().fold(Expr::Ref(first.clone()), |object, name| Expr::Field(Box::new(object), name.clone())))
    });
    Expr::Call(receiver, name, arguments)
}

fn method_expr(call: &syn::ExprMethodCall, depth: Depth) -> Expr {
    let receiver = expr(&call.receiver, depth);
    let name = call.method.to_string();
    let passes = matches!(
        name.as_str(),
        "to_string"
            | "to_owned"
            | "into"
            | "clone"
            | "as_str"
            | "as_ref"
            | "trim"
            | "unwrap"
            | "expect"
            | "as_deref"
            | "map_err"
            | "context"
            | "with_context"
            | "borrow"
            | "into_inner"
            | "to_string_lossy"
            | "into_owned"
            | "cloned"
            | "iter"
            | "into_iter"
            | "parse"
    );
    if passes {
        return receiver;
    }
    let arguments: Vec<Argument> = call.args.iter().map(|a| Argument::positional(expr(a, depth))).collect();
    if matches!(name.as_str(), "unwrap_or" | "unwrap_or_else" | "or_else" | "or" | "unwrap_or_default") {
        let mut parts = vec![receiver];
        parts.extend(arguments.into_iter().map(|a| match a.value {
            Expr::Lambda(mut inner) if inner.len() == 1 => inner.remove(0),
            other => other,
        }));
        return if parts.len() == 1 { parts.remove(0) } else { Expr::Choice(parts) };
    }
    Expr::Call(Some(Box::new(receiver)), name, arguments)
}

/// `format!` joins its parts; `env!` reads the environment of the build; others are calls named with `!`.
fn macro_expr(mac: &syn::Macro, depth: Depth) -> Expr {
    let name = path_text(&mac.path);
    let name = name.rsplit("::").next().unwrap_or_default();
    let arguments = token_arguments_at(mac.tokens.clone(), depth);
    match (name, arguments.first().map(|a| &a.value)) {
        ("format", Some(Expr::Literal(pattern))) => {
            let rest: Vec<Argument> = arguments[1..].to_vec();
            formatted(pattern, &rest)
        }
        ("concat", _) => Expr::concat(arguments.into_iter().map(|a| a.value).collect()),
        ("vec", _) => Expr::List(arguments.into_iter().map(|a| a.value).collect()),
        _ => Expr::Call(None, format!("{name}!"), arguments),
    }
}

/// `{}`, `{0}`, `{name}`, `{name:?}`: inline names are references.
fn formatted(pattern: &str, arguments: &[Argument]) -> Expr {
    let mut parts = Vec::new();
    let mut next = 0;
    let mut rest = pattern;
    while let Some(at) = rest.find(['{', '}']) {
        parts.push(Expr::literal(&rest[..at]));
        let tail = &rest[at..];
        if tail.starts_with("{{") || tail.starts_with("}}") {
            parts.push(Expr::literal(&tail[..1]));
            rest = &tail[2..];
            continue;
        }
        let Some(end) = tail.find('}').filter(|_| tail.starts_with('{')) else {
            rest = &tail[1..];
            continue;
        };
        let name = tail[1..end].split(':').next().unwrap_or_default().trim();
        let value = if name.is_empty() {
            next += 1;
            arguments.get(next - 1).map(|a| a.value.clone())
        } else if let Ok(n) = name.parse::<usize>() {
            arguments.get(n).map(|a| a.value.clone())
        } else {
            let named = arguments.iter().find(|a| a.name.as_deref() == Some(name)).map(|a| a.value.clone());
            Some(named.unwrap_or_else(|| Expr::Ref(name.to_owned())))
        };
        parts.push(value.unwrap_or_else(|| Expr::opaque("format argument")));
        rest = &tail[end + 1..];
    }
    parts.push(Expr::literal(rest));
    parts.retain(|p| *p != Expr::literal(""));
    if parts.is_empty() { Expr::literal("") } else { Expr::concat(parts) }
}

fn token_arguments(tokens: TokenStream) -> Vec<Argument> {
    token_arguments_at(tokens, Depth::TOP)
}

/// Arguments of a macro or attribute, as far as they are expressions; `name = value` is named.
fn token_arguments_at(tokens: TokenStream, depth: Depth) -> Vec<Argument> {
    use syn::parse::Parser;
    let parser = syn::punctuated::Punctuated::<syn::Expr, syn::Token![,]>::parse_terminated;
    let Ok(list) = parser.parse2(tokens) else { return Vec::new() };
    list.iter()
        .map(|value| match value {
            syn::Expr::Assign(assign) => match expr(&assign.left, depth).dotted() {
                Some(name) => Argument { name: Some(name), value: expr(&assign.right, depth) },
                None => Argument::positional(expr(&assign.right, depth)),
            },
            other => Argument::positional(expr(other, depth)),
        })
        .collect()
}

// ---- names ----

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

/// `Result<T, E>` and `Option<T>` stand for T.
fn result_type(text: &str) -> String {
    for wrapper in ["Result<", "Option<", "anyhow::Result<", "io::Result<"] {
        if let Some(inner) = text.strip_prefix(wrapper) {
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
            return inner[..end.unwrap_or(inner.len())].trim().to_owned();
        }
    }
    text.to_owned()
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
mod tests {
    use super::*;

    #[test]
    fn reads_structs_chains_and_formats() {
        let unit = extract(
            r#"use reqwest::Client;
const PATH: &str = "/orders";
#[derive(Clone)]
pub struct Orders { base: String, http: Client }
impl Orders {
    pub fn new(base: &str) -> Self { Self { base: base.to_string(), http: Client::new() } }
    pub async fn find(&self, id: &str) -> Result<Order, Error> {
        let url = format!("{}{PATH}/{id}", self.base);
        self.http.get(&url).send().await?.json().await
    }
}
async fn main() {
    let base = std::env::var("ORDERS_URL").unwrap_or_else(|_| "http://orders".into());
    tokio::spawn(async move { notify(&base).await; });
}
"#,
        );
        assert_eq!(unit.imports[0], Import { name: "Client".into(), path: "reqwest::Client".into() });
        let url = unit.bindings.iter().find(|b| b.place == "url").expect("url");
        assert!(matches!(&url.value, Expr::Concat(parts) if parts.len() == 4), "{:?}", url.value);
        let get = unit.calls.iter().find(|c| c.name == "get").expect("get");
        assert_eq!(get.line, 9);
        let base = unit.bindings.iter().find(|b| b.place == "base").expect("base");
        assert!(matches!(&base.value, Expr::Choice(parts) if parts.len() == 2), "{:?}", base.value);
        assert!(unit.calls.iter().any(|c| c.name == "notify" && c.spawned));
    }

    #[test]
    fn broken_items_do_not_hide_the_intact_ones() {
        let unit = extract("fn a() { b(1 }\n\nfn c() {\n    d(2);\n}\n");
        assert!(unit.calls.iter().any(|c| c.name == "d" && c.line == 4));
    }
}
