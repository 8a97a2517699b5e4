//! Runs the examples that rules carry: code in which a rule must match, and code in which it must not.

use crate::rules::{Rule, Rules};

use super::recognise::recognise;
use super::source::LANGUAGES;

/// Every example that does not do what its rule says: one sentence each.
#[must_use]
pub fn failures(rules: &Rules) -> Vec<String> {
    let mut all = Vec::new();
    for rule in &rules.all {
        for code in &rule.matches {
            if !matches(rules, rule, code) {
                all.push(format!("{}: does not match `{}`", rule.full_id, code.trim()));
            }
        }
        for code in &rule.ignores {
            if matches(rules, rule, code) {
                all.push(format!("{}: matches `{}`, which it must ignore", rule.full_id, code.trim()));
            }
        }
    }
    all
}

/// Does a rule match in a piece of code, in any of its languages?
fn matches(rules: &Rules, rule: &Rule, code: &str) -> bool {
    let languages = LANGUAGES.iter().filter(|l| rule.languages.iter().any(|id| id == l.id));
    languages.into_iter().any(|language| {
        let mut unit = (language.extract)(code);
        language.id.clone_into(&mut unit.language);
        match rule.is.site() {
            Some(_) => {
                recognise(&mut unit, rules);
                unit.sites.iter().any(|s| s.rule == rule.full_id)
            }
            // A rule on values shows by what it rewrites.
            None => {
                let before = unit.clone();
                recognise(&mut unit, rules);
                unit.bindings != before.bindings || unit.calls != before.calls || unit.functions != before.functions
            }
        }
    })
}
