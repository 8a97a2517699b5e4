//! What every tree-sitter language needs: parsing with bounds, text and lines of nodes, and the builder of a `Unit`.
//!
//! Knows no language: a language walks its own tree and tells the builder what it sees.

use std::cell::RefCell;

use tree_sitter::{Language, Node, Parser, Tree};

use super::grammar::{self, Asked, COMMENT, DECIDES, MANY, NAMED};
use crate::model::code::Parameter;
use crate::model::{Argument, Binding, Call, Condition, Expr, Function, Unit};

/// Deeper nesting than this is not followed (generated parsers and data files; hand-written code stays below 60).
pub const DEPTH_LIMIT: usize = 400;

/// Deeper expressions than this are cut to `Opaque`: no address in the systems looked at travels deeper.
pub const EXPR_LIMIT: usize = 24;

thread_local! {
    /// One parser for a thread: its buffers are kept from file to file.
    static PARSER: RefCell<Parser> = RefCell::new(Parser::new());
}

/// Parses a text; `None` if the grammar cannot be loaded or the parser gives up.
#[must_use]
pub fn parse(language: &Language, text: &str) -> Option<Tree> {
    PARSER.with_borrow_mut(|parser| {
        parser.set_language(language).ok()?;
        let tree = parser.parse(text, None);
        // What is left of a text that was given up must not begin the next one.
        parser.reset();
        tree
    })
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
pub fn field_text<'a>(node: Node<'_>, field: &'static str, source: &'a str) -> &'a str {
    node.field(field).map_or("", |child| text(child, source))
}

/// Comments may stand anywhere, so grammars have them as extras.
fn is_comment(node: Node<'_>) -> bool {
    node.is_extra() && node.marks() & COMMENT != 0
}

/// Visits all nodes that decide something, parents first, with the marks of their kind; comments are no code.
fn each_decision<'t>(root: Node<'t>, mut see: impl FnMut(Node<'t>, u8)) {
    let (mut cursor, mut depth, table) = (root.walk(), 0, grammar::marks(root));
    loop {
        let node = cursor.node();
        // An error has a number of its own.
        let marks = table.get(usize::from(node.kind_id())).copied().unwrap_or(NAMED);
        let goes_on = marks & NAMED != 0 && depth <= DEPTH_LIMIT && !(marks & COMMENT != 0 && node.is_extra());
        if goes_on && marks & (DECIDES | MANY) != 0 {
            see(node, marks);
        }
        if goes_on && cursor.goto_first_child() {
            depth += 1;
            continue;
        }
        while !cursor.goto_next_sibling() {
            if !cursor.goto_parent() {
                return;
            }
            depth -= 1;
        }
    }
}

/// Named children, without comments.
#[must_use]
pub fn children<'t>(node: Node<'t>) -> Vec<Node<'t>> {
    let n = node.named_child_count();
    let mut all = Vec::with_capacity(n);
    if n > 0 {
        let mut cursor = node.walk();
        all.extend(node.named_children(&mut cursor).filter(|n| !is_comment(*n)));
    }
    all
}

/// Conditions of a tree, whatever the language: a node that is called an `if` (or a conditional expression) and has
/// a condition. The names in it are what the decision looks at.
#[must_use]
pub fn conditions(root: Node<'_>, source: &str) -> Vec<Condition> {
    let mut all = Vec::new();
    each_decision(root, |node, marks| {
        let field = ["condition", "value", "subject"].iter().find_map(|f| node.field(f));
        let subject = || children(node).into_iter().find(|c| c.kind() == "when_subject");
        if let Some(condition) = field.or_else(subject) {
            let mut names = Vec::new();
            mentioned(condition, source, &mut names, 0);
            names.sort();
            names.dedup();
            let (many, end_line) = (marks & MANY != 0, node.end_position().row as u32 + 1);
            let (branches, leaves) = branches(node, many);
            all.push(Condition { line: line(condition), end_line, branches, leaves, many, names });
        }
    });
    all.sort_by(|a, b| (a.line, a.end_line, &a.names).cmp(&(b.line, b.end_line, &b.names)));
    all
}

/// Lines where the further branches of a condition begin, and whether its first one leaves the function.
fn branches(node: Node<'_>, many: bool) -> (Vec<u32>, bool) {
    let mut cursor = node.walk();
    if many {
        let is_case = |kind: &str| {
            ["case", "switch_block_statement_group", "switch_rule", "switch_section", "when_entry", "default"]
                .iter()
                .any(|k| kind.contains(k))
        };
        let direct = children(node);
        let inner = direct.iter().flat_map(|c| children(*c));
        let mut lines: Vec<u32> = direct.iter().copied().chain(inner).filter(|n| is_case(n.kind())).map(line).collect();
        lines.sort_unstable();
        lines.dedup();
        return (lines, false);
    }
    let lines: Vec<u32> = node.children_by_field_name("alternative", &mut cursor).map(line).collect();
    let first = node.field("consequence").or_else(|| node.field("body"));
    let leaving = |n: Node<'_>| ["return", "throw", "raise"].iter().any(|k| n.kind().contains(k));
    let last = first.map(|f| (f, children(f).last().copied()));
    let leaves = last.is_some_and(|(whole, last)| {
        // An expression that throws stands in a statement.
        leaving(whole) || last.is_some_and(|l| leaving(l) || children(l).first().is_some_and(|i| leaving(*i)))
    });
    (lines, leaves)
}

fn mentioned(node: Node<'_>, source: &str, into: &mut Vec<String>, depth: usize) {
    if depth > DEPTH_LIMIT {
        return;
    }
    let parts = children(node);
    if parts.is_empty() && (node.kind().contains("identifier") || node.kind().contains("name")) {
        into.push(text(node, source).trim_start_matches('$').to_owned());
    }
    for child in parts {
        mentioned(child, source, into, depth + 1);
    }
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
        let value = self.without_itself(place, value);
        self.unit.bindings.push(Binding {
            place: place.to_owned(),
            function: self.function(),
            owner: self.owner().map(str::to_owned),
            type_name: type_name.filter(|t| !t.is_empty()).map(str::to_owned),
            value: bounded(value),
            line,
        });
    }

    /// Records `place += value`: what the place held before, followed by the value.
    pub fn append(&mut self, place: &str, value: Expr, line: u32) {
        let before = self.last_value(place).unwrap_or_else(|| Expr::opaque("what was there before"));
        self.bind(place, None, Expr::concat(vec![before, value]), line);
    }

    /// What the place was last set to in this function.
    fn last_value(&self, place: &str) -> Option<Expr> {
        let function = self.function();
        self.unit.bindings.iter().rev().find(|b| b.place == place && b.function == function).map(|b| b.value.clone())
    }

    /// `url = url + "/x"`: the place's earlier value stands for itself.
    fn without_itself(&self, place: &str, value: Expr) -> Expr {
        if !mentions(&value, place, 0) {
            return value;
        }
        let before = self.last_value(place).unwrap_or_else(|| Expr::opaque("its own value"));
        replace(value, place, &before, 0)
    }

    /// Enters a function without a name (lambda, closure, block).
    pub fn enter_lambda(&mut self, parameters: Vec<Parameter>, start: u32, end: u32) -> u32 {
        self.enter_function(Function { parameters, line: start, end_line: end, ..Function::default() })
    }

    /// What the enclosing function returned so far, for a lambda that is being left.
    #[must_use]
    pub fn returned(&self, function: u32) -> Vec<Expr> {
        self.unit.functions[function as usize].returns.clone()
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

fn mentions(value: &Expr, place: &str, depth: usize) -> bool {
    if depth > EXPR_LIMIT {
        return false;
    }
    let go = |e: &Expr| mentions(e, place, depth + 1);
    match value {
        Expr::Ref(name) => name == place,
        Expr::Field(object, name) => {
            place
                .strip_suffix(name.as_str())
                .and_then(|h| h.strip_suffix('.'))
                .is_some_and(|h| object.dotted().as_deref() == Some(h))
                || go(object)
        }
        Expr::Concat(parts) | Expr::Choice(parts) | Expr::List(parts) => parts.iter().any(go),
        Expr::Call(receiver, _, arguments) => {
            receiver.as_deref().is_some_and(go) || arguments.iter().any(|a| go(&a.value))
        }
        Expr::Index(object, key) => go(object) || go(key),
        Expr::Env(_, Some(inner)) | Expr::Property(_, Some(inner)) | Expr::Out(inner, _) => go(inner),
        _ => false,
    }
}

fn replace(value: Expr, place: &str, by: &Expr, depth: usize) -> Expr {
    if depth > EXPR_LIMIT {
        return value;
    }
    if value.dotted().as_deref() == Some(place) {
        return by.clone();
    }
    let go = |e: Expr| replace(e, place, by, depth + 1);
    let boxed = |e: Box<Expr>| Box::new(replace(*e, place, by, depth + 1));
    match value {
        Expr::Concat(parts) => Expr::concat(parts.into_iter().map(go).collect()),
        Expr::Choice(parts) => Expr::Choice(parts.into_iter().map(go).collect()),
        Expr::List(parts) => Expr::List(parts.into_iter().map(go).collect()),
        Expr::Field(object, name) => Expr::Field(boxed(object), name),
        Expr::Index(object, key) => Expr::Index(boxed(object), boxed(key)),
        Expr::Out(call, at) => Expr::Out(boxed(call), at),
        Expr::Env(name, default) => Expr::Env(name, default.map(boxed)),
        Expr::Property(key, default) => Expr::Property(key, default.map(boxed)),
        Expr::Call(receiver, name, arguments) => Expr::Call(
            receiver.map(boxed),
            name,
            arguments.into_iter().map(|a| Argument { name: a.name, value: go(a.value) }).collect(),
        ),
        other => other,
    }
}

/// The content of a quoted literal: quotes off, the usual escapes undone.
#[must_use]
pub fn unquote(text: &str) -> String {
    let text = text.trim();
    let inner = ["\"\"\"", "'''", "\"", "'", "`"]
        .iter()
        .find_map(|q| text.strip_prefix(q).and_then(|t| t.strip_suffix(q)))
        .unwrap_or(text);
    if !inner.contains('\\') {
        return inner.to_owned();
    }
    let mut out = String::with_capacity(inner.len());
    let mut chars = inner.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some('n') => out.push('\n'),
                Some('t') => out.push('\t'),
                Some('r') => out.push('\r'),
                Some(other) => out.push(other),
                None => {}
            },
            other => out.push(other),
        }
    }
    out
}

/// Methods whose function argument runs once per element.
#[must_use]
pub fn is_each(name: &str) -> bool {
    matches!(
        name,
        "forEach"
            | "map"
            | "flatMap"
            | "filter"
            | "Select"
            | "ForEach"
            | "each"
            | "for_each"
            | "collect"
            | "reduce"
            | "mapNotNull"
            | "associate"
            | "SelectMany"
            | "concatMap"
    )
}

/// Reads an expression unless the tree is too deep.
#[derive(Debug, Clone, Copy)]
pub struct Depth(usize);

impl Depth {
    /// The top.
    pub const TOP: Self = Self(0);

    /// One deeper; `None` below [`EXPR_LIMIT`] nested expressions, times a margin for wrappers.
    #[must_use]
    pub fn deeper(self) -> Option<Self> {
        (self.0 < 4 * EXPR_LIMIT).then_some(Self(self.0 + 1))
    }
}
