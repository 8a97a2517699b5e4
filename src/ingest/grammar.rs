//! What is asked of a grammar millions of times, answered without comparing names: children by field, and what a kind says.
//!
//! tree-sitter looks names up in a list at every call; here each is looked up once for a thread and language.

use std::cell::RefCell;
use std::num::NonZeroU16;
use std::rc::Rc;

use hashbrown::HashMap;
use tree_sitter::{Language, Node};

/// A node decides between two ways.
pub const DECIDES: u8 = 1;
/// A node decides among many ways.
pub const MANY: u8 = 2;
/// A node is a comment.
pub const COMMENT: u8 = 4;
/// A node has a name, as opposed to a sign or a keyword.
pub const NAMED: u8 = 8;

/// The address and length of a name that stands in the program.
type Name = (usize, usize);

struct Grammar {
    language: Language,
    marks: Rc<[u8]>,
    fields: HashMap<Name, Option<NonZeroU16>, foldhash::fast::FixedState>,
}

impl Grammar {
    fn of(language: Language) -> Self {
        let kind = |id: usize| language.node_kind_for_id(id as u16).unwrap_or("");
        let named = |id: usize| if language.node_kind_is_named(id as u16) { NAMED } else { 0 };
        let marks = (0..language.node_kind_count()).map(|id| mark(kind(id)) | named(id)).collect();
        Self { language, marks, fields: HashMap::default() }
    }
}

thread_local! {
    /// The grammars that this thread has met, the last one first.
    static GRAMMARS: RefCell<Vec<Grammar>> = const { RefCell::new(Vec::new()) };
}

fn with<T>(node: Node<'_>, ask: impl FnOnce(&mut Grammar) -> T) -> T {
    GRAMMARS.with_borrow_mut(|all| {
        let language = node.language();
        let at = all.iter().position(|g| g.language == *language).unwrap_or_else(|| {
            all.push(Grammar::of((*language).clone()));
            all.len() - 1
        });
        all.swap(0, at);
        ask(&mut all[0])
    })
}

/// What the kinds of a node's language say, by their numbers: [`DECIDES`], [`MANY`], [`COMMENT`], [`NAMED`].
#[must_use]
pub fn marks(node: Node<'_>) -> Rc<[u8]> {
    with(node, |g| Rc::clone(&g.marks))
}

/// What the name of a kind says, whatever the language.
fn mark(kind: &str) -> u8 {
    let starts = |words: &[&str]| words.iter().any(|w| kind.starts_with(w));
    let decides = starts(&["if", "elif", "else_if", "unless", "conditional", "ternary", "guard"]);
    let many = starts(&["switch", "match", "when", "case", "expression_switch"]);
    let mut mark = 0;
    for (on, bit) in [(decides, DECIDES), (many, MANY), (kind.contains("comment"), COMMENT)] {
        mark |= if on { bit } else { 0 };
    }
    mark
}

/// Nodes, asked fast.
pub trait Asked<'t>: Sized {
    /// What its kind says, as [`marks`] has it.
    fn marks(self) -> u8;
    /// Its child in a field, as `Node::child_by_field_name` gives it.
    fn field(self, name: &'static str) -> Option<Node<'t>>;
}

impl<'t> Asked<'t> for Node<'t> {
    fn marks(self) -> u8 {
        let id = usize::from(self.kind_id());
        with(self, |g| g.marks.get(id).copied()).unwrap_or(NAMED)
    }

    fn field(self, name: &'static str) -> Option<Node<'t>> {
        let key = (name.as_ptr() as usize, name.len());
        let id = with(self, |g| {
            let language = &g.language;
            *g.fields.entry(key).or_insert_with(|| language.field_id_for_name(name))
        });
        self.child_by_field_id(id?.get())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ingest::syntax::parse;

    #[test]
    fn the_answers_are_those_of_the_library() {
        let text = "class A { /* c */ int f(int x) { if (x > 1) { return x; } else return g(x, \"y\"); } } }";
        for (language, fields) in [
            (Language::from(tree_sitter_java::LANGUAGE), ["name", "body", "condition", "arguments", "nothing"]),
            (Language::from(tree_sitter_go::LANGUAGE), ["name", "body", "condition", "arguments", "nothing"]),
        ] {
            let tree = parse(&language, text).expect("a tree");
            let mut queue = vec![tree.root_node()];
            while let Some(node) = queue.pop() {
                let named = if node.is_named() { NAMED } else { 0 };
                assert_eq!(node.marks(), mark(node.kind()) | named, "{}", node.kind());
                for field in fields {
                    assert_eq!(node.field(field), node.child_by_field_name(field));
                }
                queue.extend((0..node.child_count()).filter_map(|i| node.child(i)));
            }
        }
    }
}
