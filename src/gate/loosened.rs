//! The gate of a change is that of its base: what applies, and what the change tried to loosen.

use crate::config::{Budget, Config, FailOn, GateConfig, Level, Stale};
use crate::result::Result;

use super::items::item;
use super::outcome::Item;
use super::rules::{RULES, ids, level_of};

/// The configuration that a change is read and judged by: of each limit the stricter one, of each service that the
/// base knows the role that the base gives it, and whatever else is new.
#[must_use]
pub fn effective(head: &Config, base: &Config, before: &Result) -> Config {
    let mut config = head.clone();
    config.exclude.retain(|pattern| base.exclude.contains(pattern));
    config.liberated.extend(base.liberated.iter().cloned());
    config.liberated.sort();
    config.liberated.dedup();
    for (_, mine) in config.services.iter_mut().filter(|(name, _)| known(before, name)) {
        (mine.role, mine.member, mine.ignore) = (None, None, None);
    }
    for (name, declared) in &base.services {
        let mine = config.services.entry(name.clone()).or_default();
        (mine.role, mine.member) = (declared.role, declared.member);
        mine.ignore.clone_from(&declared.ignore);
        mine.tags.clone_from(&declared.tags);
        mine.owner = declared.owner.clone().or(mine.owner.take());
    }
    for (name, selector) in &base.groups {
        config.groups.insert(name.clone(), selector.clone());
    }
    // A rule of the base stays as it was; rules that are new are added.
    config.architecture.retain(|rule| !base.architecture.iter().any(|b| b.id == rule.id));
    config.architecture.extend(base.architecture.iter().cloned());
    config.architecture.sort_by(|a, b| a.id.cmp(&b.id));
    config.analysis = base.analysis.clone();
    config.gate = stricter(&head.gate, &base.gate);
    config
}

fn least<T: PartialOrd>(a: Option<T>, b: Option<T>) -> Option<T> {
    match (a, b) {
        (Some(a), Some(b)) => Some(if b < a { b } else { a }),
        (a, b) => a.or(b),
    }
}

fn most<T: PartialOrd>(a: Option<T>, b: Option<T>) -> Option<T> {
    match (a, b) {
        (Some(a), Some(b)) => Some(if b > a { b } else { a }),
        (a, b) => a.or(b),
    }
}

fn stricter(head: &GateConfig, base: &GateConfig) -> GateConfig {
    let mut levels = base.levels.clone();
    for (id, level) in &head.levels {
        let own = RULES.iter().find(|r| r.id == id).map(|r| r.level);
        match (base.levels.get(id).copied().or(own), level) {
            (Some(was), is) => drop(levels.insert(id.clone(), was.max(*is))),
            // Without a level in the base, a smell is as severe as each of its findings.
            (None, Level::Error) => drop(levels.insert(id.clone(), Level::Error)),
            (None, _) => {}
        }
    }
    let mut budgets = head.budgets.clone();
    for (name, budget) in &base.budgets {
        let mine = budgets.entry(name.clone()).or_default();
        *mine = Budget {
            needs: least(mine.needs, budget.needs),
            needed_by: least(mine.needed_by, budget.needed_by),
            calls: least(mine.calls, budget.calls),
        };
    }
    // What is watched is the union; watching everything is the empty list.
    let mut new_sync_edges = Vec::new();
    if !head.new_sync_edges.is_empty() && !base.new_sync_edges.is_empty() {
        new_sync_edges.clone_from(&base.new_sync_edges);
        new_sync_edges.extend(head.new_sync_edges.iter().filter(|b| !base.new_sync_edges.contains(b)).cloned());
    }
    GateConfig {
        max_score: least(head.max_score, base.max_score),
        max_increase: least(head.max_increase, base.max_increase),
        ratchet: head.ratchet || base.ratchet,
        max_depth: least(head.max_depth, base.max_depth),
        min_coverage: most(head.min_coverage, base.min_coverage),
        fail_on: head.fail_on.max(base.fail_on),
        levels,
        new_sync_edges,
        budgets,
        stale: head.stale.max(base.stale),
    }
}

/// What a change loosens: one violation for each key, with what was applied instead.
#[must_use]
pub fn loosened(head: &Config, base: &Config, before: &Result) -> Vec<Item> {
    let level = level_of(base, "loosened-gate");
    let mut keys = limits(head, base);
    keys.extend(levels(head, base));
    for rule in &base.architecture {
        match head.architecture.iter().find(|r| r.id == rule.id) {
            None => keys.push((format!("architecture.{}", rule.id), "the rule is dropped".to_owned())),
            Some(now) if now != rule => {
                keys.push((format!("architecture.{}", rule.id), "the rule is changed".to_owned()));
            }
            Some(_) => {}
        }
    }
    for (name, selector) in &base.groups {
        if head.groups.get(name) != Some(selector) {
            keys.push((format!("groups.{name}"), "the group is changed".to_owned()));
        }
    }
    if head.analysis != base.analysis {
        keys.push(("analysis".to_owned(), "the score is made in another way".to_owned()));
    }
    keys.extend(roles(head, base, before));
    for pattern in head.exclude.iter().filter(|p| !base.exclude.contains(p)) {
        keys.push(("exclude".to_owned(), format!("`{pattern}` would no longer be read")));
    }
    for name in base.liberated.iter().filter(|n| !head.liberated.contains(n)) {
        keys.push(("liberated".to_owned(), format!("{name} is taken out")));
    }
    keys.into_iter()
        .filter(|_| level != Level::Off)
        .map(|(key, what)| {
            let because = format!("this change loosens its own gate: {key}: {what}; what the base says was applied");
            item("loosened-gate", level, &[], Some(&format!("{key}: {what}")), because)
        })
        .collect()
}

fn limits(head: &Config, base: &Config) -> Vec<(String, String)> {
    let (h, b) = (&head.gate, &base.gate);
    let mut keys = Vec::new();
    let mut upper = |key: &str, was: Option<f64>, is: Option<f64>| match (was, is) {
        (Some(was), None) => keys.push((key.to_owned(), format!("the limit of {was} is dropped"))),
        (Some(was), Some(is)) if is > was => keys.push((key.to_owned(), format!("from {was} to {is}"))),
        _ => {}
    };
    upper("gate.max_score", b.max_score, h.max_score);
    upper("gate.max_increase", b.max_increase, h.max_increase);
    upper("gate.max_depth", b.max_depth.map(f64::from), h.max_depth.map(f64::from));
    for (name, was) in &b.budgets {
        let is = h.budgets.get(name).copied().unwrap_or_default();
        let pairs = [
            ("needs", was.needs, is.needs),
            ("needed_by", was.needed_by, is.needed_by),
            ("calls", was.calls, is.calls),
        ];
        for (key, was, is) in pairs {
            upper(&format!("gate.budgets.{name}.{key}"), was.map(f64::from), is.map(f64::from));
        }
    }
    match (b.min_coverage, h.min_coverage) {
        (Some(was), None) => keys.push(("gate.min_coverage".to_owned(), format!("the floor of {was} is dropped"))),
        (Some(was), Some(is)) if is < was => keys.push(("gate.min_coverage".to_owned(), format!("from {was} to {is}"))),
        _ => {}
    }
    let switches = [
        ("gate.ratchet", b.ratchet && !h.ratchet, "it is switched off"),
        ("gate.fail_on", b.fail_on == FailOn::Any && h.fail_on == FailOn::New, "from any to new"),
        ("gate.stale", b.stale == Stale::Error && h.stale == Stale::Warn, "from error to warn"),
    ];
    keys.extend(switches.iter().filter(|(_, is, _)| *is).map(|(key, _, what)| ((*key).to_owned(), (*what).to_owned())));
    let unwatched = b.new_sync_edges.iter().any(|w| !h.new_sync_edges.contains(w)) && !h.new_sync_edges.is_empty();
    if unwatched || (b.new_sync_edges.is_empty() && !h.new_sync_edges.is_empty()) {
        keys.push(("gate.new_sync_edges".to_owned(), "fewer edges are watched".to_owned()));
    }
    keys
}

fn levels(head: &Config, base: &Config) -> Vec<(String, String)> {
    let mut keys = Vec::new();
    for id in ids() {
        let (was, is) = (base.gate.levels.get(id).copied(), head.gate.levels.get(id).copied());
        let own = RULES.iter().find(|r| r.id == id).map(|r| r.level);
        let what = match (was.or(own), is.or(own)) {
            (Some(was), Some(is)) if is < was => format!("from {} to {}", was.as_str(), is.as_str()),
            (Some(Level::Error), None) => "the level error is dropped".to_owned(),
            (None, Some(is)) if is < Level::Error => format!("{} in place of its own level", is.as_str()),
            _ => continue,
        };
        keys.push((format!("gate.levels.{id}"), what));
    }
    keys
}

fn known(before: &Result, name: &String) -> bool {
    before.services.iter().any(|s| s.name == *name || s.aliases.contains(name))
}

/// Roles of services that the base knows.
fn roles(head: &Config, base: &Config, before: &Result) -> Vec<(String, String)> {
    let mut keys = Vec::new();
    for (name, now) in head.services.iter().filter(|(name, _)| known(before, name)) {
        let was = base.services.get(name).cloned().unwrap_or_default();
        if (now.role, now.member, &now.ignore) != (was.role, was.member, &was.ignore) {
            keys.push((format!("services.{name}"), "its role in the score is changed".to_owned()));
        }
    }
    for (name, was) in base.services.iter().filter(|(name, _)| !head.services.contains_key(*name)) {
        if was.role.is_some() || was.member.is_some() || was.ignore.is_some() {
            keys.push((format!("services.{name}"), "its role in the score is dropped".to_owned()));
        }
    }
    keys
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(text: &str) -> Config {
        Config::parse("x", text).expect("a configuration")
    }

    #[test]
    fn of_each_limit_the_stricter_one_applies() {
        let base = config("gate: {max_score: 30, min_coverage: 0.8, levels: {new-sync-edge: error}}");
        let head = config("gate: {max_score: 60, max_depth: 4, min_coverage: 0.9, levels: {sync-cycle: off}}");
        let gate = effective(&head, &base, &empty()).gate;
        assert_eq!((gate.max_score, gate.max_depth, gate.min_coverage), (Some(30.0), Some(4), Some(0.9)));
        assert_eq!(gate.levels["new-sync-edge"], Level::Error);
        assert!(!gate.levels.contains_key("sync-cycle"), "a smell keeps its own level");
    }

    #[test]
    fn each_loosened_key_is_named_and_stricter_ones_are_not() {
        let base = config(
            "gate: {max_score: 30, min_coverage: 0.8}\narchitecture:\n  - {id: a, reason: r, deny: {names: [x]}}\n",
        );
        let head = config("gate: {max_score: 60, max_depth: 4, levels: {ratchet: off}}\nexclude: ['b/**']\n");
        let items = loosened(&head, &base, &empty());
        let subjects: Vec<&str> = items.iter().filter_map(|i| i.subject.as_deref()).collect();
        assert_eq!(
            subjects,
            [
                "gate.max_score: from 30 to 60",
                "gate.min_coverage: the floor of 0.8 is dropped",
                "gate.levels.ratchet: from error to off",
                "architecture.a: the rule is dropped",
                "exclude: `b/**` would no longer be read",
            ]
        );
        assert!(loosened(&base, &base, &empty()).is_empty());
        assert!(loosened(&config("gate: {max_score: 20}"), &config("gate: {max_score: 30}"), &empty()).is_empty());
        assert!(effective(&head, &base, &empty()).exclude.is_empty());
    }

    fn empty() -> Result {
        let reading = crate::Reading::in_memory(Vec::new(), Config::default()).expect("nothing to read");
        crate::analyze(&reading)
    }
}
