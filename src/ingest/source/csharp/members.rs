//! Members of C# types as their methods name them: fields by bare names, other constructors, declared types.

use tree_sitter::Node;

use crate::ingest::syntax::{Depth, children, line};

use super::Walk;

impl<'s> Walk<'s> {
    /// Is a name a field of the enclosing type, and no parameter or local of the enclosing functions?
    pub(super) fn is_field(&self, name: &str) -> bool {
        let unit = &self.builder.unit;
        let Some(owner) = self.builder.owner() else { return false };
        let declared = unit.types.iter().rfind(|t| t.name == owner);
        let mut at = self.builder.function();
        while let Some(f) = at {
            let function = &unit.functions[f as usize];
            let local = |b: &crate::model::Binding| b.function == Some(f) && b.place == name;
            if function.parameters.iter().any(|p| p.name == name) || unit.bindings.iter().any(local) {
                return false;
            }
            at = function.parent;
        }
        declared.is_some_and(|t| t.fields.iter().any(|f| f.name == name))
    }

    /// `: this(…)` and `: base(…)` enter another constructor.
    pub(super) fn other_constructor(&mut self, node: Node<'_>) {
        let Some(initializer) = children(node).into_iter().find(|c| c.kind() == "constructor_initializer") else {
            return;
        };
        let unit = &self.builder.unit;
        let Some(owner) = self.builder.owner().map(str::to_owned) else { return };
        let base = unit.types.iter().rfind(|t| t.name == owner).and_then(|t| t.supertypes.first().cloned());
        let own = self.text(initializer).trim_start_matches([':', ' ']).starts_with("this");
        let Some(target) = (if own { Some(owner) } else { base }) else { return };
        let list = children(initializer).into_iter().find(|c| c.kind() == "argument_list");
        let arguments =
            list.map(children).unwrap_or_default().into_iter().map(|a| self.argument(a, Depth::TOP)).collect();
        let name = format!("new {}", target.split('<').next().unwrap_or(&target));
        self.builder.call(line(initializer), None, &name, arguments, false, false);
    }

    /// The type that a declaration around `new(…)` writes.
    pub(super) fn declared_for(&self, node: Node<'_>) -> &'s str {
        let mut at = node.parent();
        while let Some(holder) = at.filter(|h| matches!(h.kind(), "variable_declarator" | "equals_value_clause")) {
            at = holder.parent();
        }
        match at.map(|h| (h, h.kind())) {
            Some((holder, "variable_declaration" | "property_declaration")) => {
                self.field(holder, "type").split(['<', '?']).next().unwrap_or_default()
            }
            _ => "",
        }
    }
}
