//! What every tree-sitter language needs: parsing with bounds, text and lines of nodes, and the builder of a `Unit`.
//!
//! Knows no language: a language walks its own tree and tells the builder what it sees.

use tree_sitter::{Language, Node, Parser, Tree};

use crate::model::{Argument, Binding, Call, Expr, Function, Unit};

/// Deeper nesting than this is not followed (generated parsers and data files; hand-written code stays below 60).
pub const DEPTH_LIMIT: usize = 400;

/// Deeper expressions than this are cut to `Opaque`: no address in the systems looked at travels deeper.
pub const EXPR_LIMIT: usize = 24;

/// Parses a text; `None` if the grammar cannot be loaded or the parser gives up.
#[must_use]
pub fn parse(language: &Language, text: &str) -> Option<Tree> {
    let mut parser = Parser::new();
    parser.set_language(language).ok()?;
    parser.parse(text, None)
}

/// The text of a node.
#[must_use]
pub fn text<'a>(node: Node<'_>, source: &'a str) -> &'a str {
    source.get(node.byte_range()).unwrap_or_default()
}

/// The line of a node, from 1.
#[must_use]
pub fn line(node: Node<'_>) -> u32 {
    node.start_position().row as u32 + 1
}

/// The text of the child in a field; empty if there is none.
#[must_use]
pub fn field_text<'a>(node: Node<'_>, field: &str, source: &'a str) -> &'a str {
    node.child_by_field_name(field).map_or("", |child| text(child, source))
}

/// Named children, without comments.
#[must_use]
pub fn children<'t>(node: Node<'t>) -> Vec<Node<'t>> {
    let mut cursor = node.walk();
    node.named_children(&mut cursor).filter(|n| !n.kind().contains("comment")).collect()
}

/// Collects what a language sees, keeping track of the enclosing function, type and loop.
#[derive(Debug, Default)]
pub struct Builder {
    /// The unit so far.
    pub unit: Unit,
    functions: Vec<u32>,
    owners: Vec<String>,
    loops: usize,
}

impl Builder {
    /// A builder for a language.
    #[must_use]
    pub fn new(language: &str) -> Self {
        Self { unit: Unit { language: language.to_owned(), ..Unit::default() }, ..Self::default() }
    }

    /// The enclosing function, if any.
    #[must_use]
    pub fn function(&self) -> Option<u32> {
        self.functions.last().copied()
    }

    /// The enclosing type, if any.
    #[must_use]
    pub fn owner(&self) -> Option<&str> {
        self.owners.last().map(String::as_str)
    }

    /// Enters a type; pair with [`Builder::leave_type`].
    pub fn enter_type(&mut self, name: &str) {
        self.owners.push(name.to_owned());
    }

    /// Leaves a type.
    pub fn leave_type(&mut self) {
        self.owners.pop();
    }

    /// Enters a function (its `parent` and, if empty, `owner` are filled in); pair with [`Builder::leave_function`].
    pub fn enter_function(&mut self, mut function: Function) -> u32 {
        function.parent = self.function();
        if function.owner.is_none() {
            function.owner = self.owner().map(str::to_owned);
        }
        let index = self.unit.functions.len() as u32;
        self.unit.functions.push(function);
        self.functions.push(index);
        index
    }

    /// Leaves a function.
    pub fn leave_function(&mut self) {
        self.functions.pop();
    }

    /// Records a returned value of the enclosing function.
    pub fn returns(&mut self, value: Expr) {
        if let Some(at) = self.function()
            && !value.is_opaque()
        {
            self.unit.functions[at as usize].returns.push(bounded(value));
        }
    }

    /// Enters a loop body (or a stream or comprehension); pair with [`Builder::leave_loop`].
    pub fn enter_loop(&mut self) {
        self.loops += 1;
    }

    /// Leaves a loop body.
    pub fn leave_loop(&mut self) {
        self.loops = self.loops.saturating_sub(1);
    }

    /// Records `place := value`, with the declared type where the language writes one.
    /// Opaque values are kept only for their type.
    pub fn bind(&mut self, place: &str, type_name: Option<&str>, value: Expr, line: u32) {
        if place.is_empty() || (value.is_opaque() && type_name.is_none_or(str::is_empty)) {
            return;
        }
        self.unit.bindings.push(Binding {
            place: place.to_owned(),
            function: self.function(),
            owner: self.owner().map(str::to_owned),
            type_name: type_name.filter(|t| !t.is_empty()).map(str::to_owned),
            value: bounded(value),
            line,
        });
    }

    /// Records a call; `result_used` and `spawned` as the language sees them.
    pub fn call(
        &mut self,
        line: u32,
        receiver: Option<Expr>,
        name: &str,
        arguments: Vec<Argument>,
        result_used: bool,
        spawned: bool,
    ) -> &mut Call {
        let call = Call {
            line,
            function: self.function(),
            receiver: receiver.map(bounded),
            receiver_type: None,
            name: name.to_owned(),
            arguments: arguments.into_iter().map(|a| Argument { name: a.name, value: bounded(a.value) }).collect(),
            type_arguments: Vec::new(),
            in_loop: self.loops > 0,
            result_used,
            spawned,
        };
        self.unit.calls.push(call);
        let last = self.unit.calls.len() - 1;
        &mut self.unit.calls[last]
    }
}

/// Cuts expressions that are too deep to be an address.
fn bounded(value: Expr) -> Expr {
    if value.depth() > EXPR_LIMIT { Expr::opaque("nested too deep") } else { value }
}
