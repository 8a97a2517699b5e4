//! Conditions of a Rust file: what each `if` and `match` looks at.

use syn::spanned::Spanned;
use syn::visit::{self, Visit};

use crate::model::Condition;

impl super::Walk {
    /// Reads a file, or a part of one, and its conditions.
    pub(super) fn file(&mut self, file: &syn::File) {
        self.visit_file(file);
        Conditions { shift: self.shift, into: &mut self.builder.unit.conditions }.visit_file(file);
    }
}

struct Conditions<'c> {
    shift: u32,
    into: &'c mut Vec<Condition>,
}

impl Conditions<'_> {
    fn add(&mut self, condition: &syn::Expr, whole: proc_macro2::Span, branches: Vec<u32>, leaves: bool, many: bool) {
        let branches = branches.into_iter().map(|l| l + self.shift).collect();
        let mut names = Vec::new();
        identifiers(quote::ToTokens::to_token_stream(condition), &mut names);
        names.sort();
        names.dedup();
        let line = condition.span().start().line as u32 + self.shift;
        self.into.push(Condition {
            line,
            end_line: whole.end().line as u32 + self.shift,
            branches,
            leaves,
            many,
            names,
        });
    }
}

impl<'ast> Visit<'ast> for Conditions<'_> {
    fn visit_expr_if(&mut self, node: &'ast syn::ExprIf) {
        let line = |span: proc_macro2::Span| span.start().line as u32;
        let other = node.else_branch.iter().map(|(_, e)| line(e.span())).collect();
        let leaves = matches!(node.then_branch.stmts.last(), Some(syn::Stmt::Expr(syn::Expr::Return(_), _)));
        self.add(&node.cond, node.span(), other, leaves, false);
        visit::visit_expr_if(self, node);
    }

    fn visit_expr_match(&mut self, node: &'ast syn::ExprMatch) {
        let arms = node.arms.iter().map(|a| a.span().start().line as u32).collect();
        self.add(&node.expr, node.span(), arms, false, true);
        visit::visit_expr_match(self, node);
    }
}

fn identifiers(tokens: proc_macro2::TokenStream, into: &mut Vec<String>) {
    for token in tokens {
        match token {
            proc_macro2::TokenTree::Ident(name) => into.push(name.to_string()),
            proc_macro2::TokenTree::Group(group) => identifiers(group.stream(), into),
            _ => {}
        }
    }
}
