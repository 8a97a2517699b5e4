//! Texts that a value's type or the section around it gives: message classes as topics, keys of sections.

use crate::model::{Confidence, Expr};

use crate::graph::scope::plain_type;
use crate::graph::values::{Frame, Head};

use super::*;

impl<'s, 'a> Texts<'s, 'a> {
    /// A setting read from what may be a section of the configuration.
    pub(super) fn in_section(&self, section: &'a Expr, values: &[&'a Expr], frame: &Frame<'a>, depth: u8) -> Vec<Text> {
        let prefixes = self.values.heads(section, frame, depth).into_iter().filter_map(|f| match f.head {
            Head::Property(key) => Some(key),
            Head::Expr(Expr::Property(key, _), _) => Some(key.clone()),
            _ => None,
        });
        let prefix = prefixes.into_iter().next().map(|p| format!("{p}.")).unwrap_or_default();
        let Some(key) = values.first() else { return vec![Text::hole("no key")] };
        let mut found: Vec<Text> = Vec::new();
        for key in self.texts(key, frame, depth + 1) {
            let name = format!("{prefix}{}", key.text.replace(':', "."));
            match (self.property(&name, depth), values.get(1)) {
                (Some(texts), _) => found.extend(texts.into_iter().map(|t| t.after(&key.chain, key.sure))),
                (None, Some(default)) => found.extend(self.texts(default, frame, depth + 1)),
                (None, None) => found.push(not_set("setting", &name)),
            }
        }
        best(found)
    }

    /// The names of the types that a value may have. Where only a common type is known (an outbox hands on events
    /// as it finds them), those of its subtypes that this code makes.
    pub(super) fn type_names(&self, expr: &'a Expr, frame: &Frame<'a>, depth: u8) -> Vec<Text> {
        let mut all = Vec::new();
        for found in self.values.heads(expr, frame, depth) {
            let names = match &found.head {
                Head::Instance(name) => self.values.made_types(name),
                Head::Expr(Expr::Literal(text), _) => vec![(plain_type(text), None)],
                Head::Expr(call, _) => match self.values.constructed(call) {
                    Some((name, _)) => vec![(name, None)],
                    None => Vec::new(),
                },
                _ => Vec::new(),
            };
            for (name, step) in names {
                let mut chain = found.chain.clone();
                chain.extend(step);
                all.push(Text { chain, sure: found.sure, ..Text::of(name) });
            }
        }
        if all.is_empty()
            && let Expr::Field(_, name) = expr
        {
            // A field of something unknown: its declared type, where all fields of the name agree.
            let declared = self.values.declared_types(name);
            if let [one] = declared.as_slice() {
                let made = self.values.made_types(one);
                all.extend(made.into_iter().map(|(name, step)| Text {
                    chain: step.into_iter().collect(),
                    sure: Confidence::Probable,
                    ..Text::of(name)
                }));
            }
        }
        if all.is_empty() {
            all.push(Text::hole("the type of the message is not known"));
        }
        best(all)
    }
}
