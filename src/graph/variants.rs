//! Profiles, compose variants, overlays and values files among which nobody chose.
//!
//! Takes the outbound calls of one service; gives those that stand, and those that are only possible: what the base
//! says stands; what variants alone say stands where they agree, and is possible where they do not.

use std::collections::{BTreeMap, BTreeSet};

use super::sites::{Outbound, Settled};

/// A call of which it depends on the variant whom it reaches.
#[derive(Debug)]
pub struct Possible {
    /// The first of its outbound calls.
    pub outbound: Outbound,
    /// Whom it may reach.
    pub targets: Vec<Settled>,
    /// Why it is not certain.
    pub reason: String,
    /// Nothing stands for the call but these.
    pub alone: bool,
}

/// Parts what stands from what is only possible, in the order of the calls.
#[must_use]
pub fn decide(all: Vec<Outbound>) -> (Vec<Outbound>, Vec<Possible>) {
    if all.iter().all(|out| out.variant.is_empty()) {
        return (all, Vec::new());
    }
    let mut sites: BTreeMap<_, Vec<Outbound>> = BTreeMap::new();
    let mut order = Vec::new();
    for out in all {
        let key = (out.site.root.clone(), out.site.path.clone(), out.site.line, out.mode);
        if !sites.contains_key(&key) {
            order.push(key.clone());
        }
        sites.entry(key).or_default().push(out);
    }
    let (mut standing, mut possible) = (Vec::new(), Vec::new());
    for key in order {
        let outs = sites.remove(&key).unwrap_or_default();
        decide_site(outs, &mut standing, &mut possible);
    }
    (standing, possible)
}

fn decide_site(outs: Vec<Outbound>, standing: &mut Vec<Outbound>, possible: &mut Vec<Possible>) {
    let known = |out: &&Outbound| matches!(out.settled, Settled::Node(_) | Settled::External(_));
    let (base, variants): (Vec<Outbound>, Vec<Outbound>) = outs.into_iter().partition(|out| out.variant.is_empty());
    let reached: Vec<Settled> = base.iter().filter(known).map(|out| out.settled.clone()).collect();
    let others: Vec<Outbound> =
        variants.iter().filter(known).filter(|out| !reached.contains(&out.settled)).cloned().collect();
    let mut targets: Vec<Settled> = Vec::new();
    for out in &others {
        if !targets.contains(&out.settled) {
            targets.push(out.settled.clone());
        }
    }
    let stands = !reached.is_empty();
    match (stands, targets.len()) {
        (true, _) => standing.extend(base),
        (false, 0) => standing.extend(if base.is_empty() { variants } else { base }),
        (false, 1) => standing.extend(others.iter().cloned()),
        _ => {}
    }
    if targets.len() + usize::from(stands) > 1
        && let Some(first) = others.first()
    {
        let names: BTreeSet<&str> = others.iter().map(|out| out.variant.as_str()).collect();
        let names: Vec<&str> = names.into_iter().collect();
        let base = if stands { "; the base leads elsewhere" } else { "" };
        let reason = format!("it depends on the variant ({}){base}: choose one with --profile", names.join(", "));
        possible.push(Possible { outbound: first.clone(), targets, reason, alone: !stands });
    }
}
