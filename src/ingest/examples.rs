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

/// Does a rule match in a piece of code, in any of its languages? For a rule on properties the code is `key=value`.
fn matches(rules: &Rules, rule: &Rule, code: &str) -> bool {
    if !rule.property.is_empty() {
        let key = code.split('=').next().unwrap_or_default();
        return rule.property.iter().any(|p| p.matches(key));
    }
    let languages = LANGUAGES.iter().filter(|l| rule.languages.iter().any(|id| id == l.id));
    languages.into_iter().any(|language| {
        let mut unit = (language.extract)(code);
        language.id.clone_into(&mut unit.language);
        if rule.is.site().is_some() {
            recognise(&mut unit, rules);
            return unit.sites.iter().any(|s| s.rule == rule.full_id);
        }
        // A rule on values shows by what it rewrites when it is alone.
        let mut without = unit.clone();
        recognise(&mut unit, &Rules::alone(&rule.languages, Some(rule)));
        recognise(&mut without, &Rules::alone(&rule.languages, None));
        unit != without
    })
}
