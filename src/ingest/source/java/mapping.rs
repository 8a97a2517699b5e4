//! Types that a library fills from configuration by their methods (`@ConfigMapping` of SmallRye).

use tree_sitter::Node;

use crate::ingest::grammar::Asked as _;
use crate::ingest::syntax::{DEPTH_LIMIT, children, line};
use crate::model::code::Field;

use super::Walk;

impl Walk<'_> {
    /// Is a type, or one around it, filled from configuration by its methods (`@ConfigMapping`)?
    pub(super) fn is_mapping(&self, node: Node<'_>) -> bool {
        let mut at = Some(node);
        for _ in 0..DEPTH_LIMIT {
            let Some(here) = at else { return false };
            if here.kind() == "interface_declaration"
                && self.annotations(here).iter().any(|a| a.name.ends_with("ConfigMapping"))
            {
                return true;
            }
            // Only types in types: a method's local ones are nothing of the sort.
            at = here.parent().filter(|p| matches!(p.kind(), "interface_body")).and_then(|body| body.parent());
        }
        false
    }

    /// Methods of such a type: each reads the key that is called like it.
    pub(super) fn mapped(&self, body: Node<'_>) -> Vec<Field> {
        let methods = children(body).into_iter().filter(|c| c.kind() == "method_declaration");
        let field = |m: Node<'_>| Field {
            name: self.field(m, "name").to_owned(),
            type_name: self.field(m, "type").to_owned(),
            line: line(m),
            annotations: self.annotations(m),
        };
        methods.filter(|m| m.field("body").is_none()).map(field).collect()
    }
}
