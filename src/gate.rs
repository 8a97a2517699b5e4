//! Result, thresholds, base and baseline -> verdict: decided before anything is rendered, the same for every format.
//!
//! Exit codes: 0 pass · 1 the gate failed · 2 could not run · 3 not enough evidence (nothing found, or coverage
//! below the floor). Never a count, never 0 when something went wrong. Knows no clock: the day is given.

pub mod baseline;
pub mod before;
pub mod date;
mod items;
mod loosened;
mod outcome;
pub mod rules;
mod select;

use std::collections::{BTreeMap, BTreeSet};

use crate::config::{Config, FailOn, Stale};
use crate::result::Result;

pub use crate::config::Level;
pub use baseline::{Accepted, Baseline};
pub use before::Before;
pub use items::{of_one_side, severity};
pub use loosened::{effective, loosened};
pub use outcome::{BaselineState, Compared, Item, Outcome, SCHEMA, State, Verdict};

use items::item;
use rules::level_of;

/// What is judged, and by what.
#[derive(Debug)]
pub struct Question<'q> {
    /// The result.
    pub result: &'q Result,
    /// Thresholds, levels and rules that apply.
    pub config: &'q Config,
    /// What to compare with; `None` = nothing.
    pub before: Option<Before>,
    /// How to name it.
    pub compared: Option<Compared>,
    /// The baseline that applies; `None` = there is none.
    pub baseline: Option<&'q Baseline>,
    /// What the change loosened.
    pub loosened: Vec<Item>,
    /// The day, `YYYY-MM-DD`.
    pub today: &'q str,
    /// Names of the roots that may fail; empty = all.
    pub mine: &'q BTreeSet<String>,
    /// What got better, in words.
    pub better: Vec<String>,
    /// What the reader should know.
    pub notes: Vec<String>,
}

impl<'q> Question<'q> {
    /// A result by itself: nothing to compare with, no baseline, nobody else to blame.
    #[must_use]
    pub fn of(result: &'q Result, config: &'q Config, mine: &'q BTreeSet<String>) -> Self {
        Self {
            result,
            config,
            before: None,
            compared: None,
            baseline: None,
            loosened: Vec::new(),
            today: "",
            mine,
            better: Vec::new(),
            notes: Vec::new(),
        }
    }
}

/// What a gate without limits says: the findings, and whether there was anything to judge by.
#[must_use]
pub fn look(result: &Result) -> Outcome {
    judge(Question::of(result, &Config::default(), &BTreeSet::new()))
}

/// Judges a result. Evidence comes first: a low score of what was not seen is worth nothing.
#[must_use]
pub fn judge(question: Question<'_>) -> Outcome {
    let (result, config) = (question.result, question.config);
    let mut items = of_one_side(result, config);
    for made in &mut items {
        made.state = state_of(made, question.before.as_ref());
    }
    if let Some(before) = &question.before {
        items.extend(items::new_edges(result, config, before).into_iter().map(|i| Item { state: State::New, ..i }));
    }
    let foreign = |i: &Item| {
        let elsewhere = |e: &crate::result::Evidence| !question.mine.contains(&e.place.root);
        !question.mine.is_empty() && !i.evidence.is_empty() && i.evidence.iter().all(elsewhere)
    };
    for made in items.iter_mut().filter(|i| foreign(i)) {
        made.state = State::Elsewhere;
    }
    let baseline = question.baseline.map(|b| accept(&mut items, b, &question, result));
    items.extend(question.loosened.iter().cloned().map(|i| Item { state: State::New, ..i }));
    items.extend(limits(result, config, question.before.as_ref()));
    items.extend(baseline.iter().flat_map(|b| stale(b, config)));
    items.retain(|i| i.level != Level::Off);
    for made in &mut items {
        let counts = match made.state {
            State::Limit | State::New | State::Worse | State::Expired => true,
            State::Existing => config.gate.fail_on == FailOn::Any,
            State::Elsewhere | State::Accepted => false,
        };
        made.fails = counts && made.level == Level::Error;
    }
    items.sort_by(|a, b| {
        (b.fails, a.state, b.level, &a.rule, &a.services, &a.subject).cmp(&(
            a.fails,
            b.state,
            a.level,
            &b.rule,
            &b.services,
            &b.subject,
        ))
    });
    outcome(question, items, baseline)
}

fn outcome(question: Question<'_>, items: Vec<Item>, baseline: Option<BaselineState>) -> Outcome {
    let (result, config) = (question.result, question.config);
    let (verdict, reasons) = match not_enough(result, config.gate.min_coverage) {
        Some(reason) => (Verdict::NotEnough, vec![reason]),
        None => {
            let failing: Vec<String> = items.iter().filter(|i| i.fails).map(reason).collect();
            if failing.is_empty() { (Verdict::Pass, vec![passed(result, config)]) } else { (Verdict::Fail, failing) }
        }
    };
    let score = result.score.as_ref();
    Outcome {
        schema: SCHEMA.to_owned(),
        system: result.system.clone(),
        verdict,
        exit_code: verdict.code(),
        reasons,
        score: score.map(|s| s.value),
        interval: score.map(|s| s.interval),
        coverage: score.map(|s| s.coverage),
        fail_on: config.gate.fail_on,
        compared: question.compared,
        baseline,
        items,
        better: question.better,
        notes: question.notes,
        not_evaluated: result.not_evaluated.clone(),
    }
}

/// Why there is too little to judge by.
#[must_use]
pub fn not_enough(result: &Result, floor: Option<f64>) -> Option<String> {
    let Some(score) = &result.score else {
        return Some("no service was found; give a folder with code, manifests or traces".to_owned());
    };
    let floor = floor?;
    let known = score.coverage.code.or(score.coverage.traces);
    if known.is_some_and(|c| c >= floor) {
        return None;
    }
    let seen = known.map_or_else(|| "not measured".to_owned(), |c| format!("{:.0} %", c * 100.0));
    Some(format!("coverage is {seen}, below the floor of {:.0} %", floor * 100.0))
}

fn reason(item: &Item) -> String {
    let expired = item.accepted.as_ref().filter(|_| item.state == State::Expired).and_then(|a| a.expires.as_deref());
    let expired = expired.map_or_else(String::new, |date| format!(" (accepted until {date}, which is over)"));
    format!("{}: {}{expired}", item.rule, item.because)
}

fn passed(result: &Result, config: &Config) -> String {
    let score = result.score.as_ref().map_or(0.0, |s| s.value);
    let limit = config.gate.max_score.map_or_else(String::new, |m| format!(", at most {m} allowed"));
    format!("the score is {score:.1}{limit}")
}

/// New, worse, or there before. Without anything to compare with, all is taken as there before.
fn state_of(item: &Item, before: Option<&Before>) -> State {
    let Some(before) = before else { return State::Existing };
    match before.items.get(&item.fingerprint) {
        Some(then) if item.measure > *then => State::Worse,
        Some(_) => State::Existing,
        // What is left of a larger cycle is an old cycle.
        None if before.groups.iter().any(|(rule, services)| is_part(item, rule, services)) => State::Existing,
        None => State::New,
    }
}

fn is_part(item: &Item, rule: &str, services: &BTreeSet<String>) -> bool {
    item.rule == "sync-cycle" && rule == item.rule && item.services.iter().all(|s| services.contains(s))
}

/// Marks what the baseline accepts, and says what became of its entries.
fn accept(items: &mut [Item], baseline: &Baseline, question: &Question<'_>, result: &Result) -> BaselineState {
    let by_print: BTreeMap<&str, &Accepted> = baseline.accepted.iter().map(|a| (a.fingerprint.as_str(), a)).collect();
    let mut used: BTreeSet<&str> = BTreeSet::new();
    for made in items {
        let part = || baseline.accepted.iter().find(|a| is_part(made, &a.rule, &a.services.iter().cloned().collect()));
        let Some(entry) = by_print.get(made.fingerprint.as_str()).copied().or_else(part) else { continue };
        used.insert(&entry.fingerprint);
        let grown = made.measure.is_some_and(|now| entry.measure.is_some_and(|then| now > f64::from(then)));
        made.accepted = Some(entry.clone());
        made.state = match made.state {
            _ if entry.is_expired(question.today) => State::Expired,
            State::Existing if grown => State::Existing,
            _ if grown => State::Worse,
            _ => State::Accepted,
        };
    }
    let silent = |rule: &str| result.not_evaluated.iter().any(|n| n.smell == rule);
    let gone = baseline.accepted.iter().filter(|a| !used.contains(a.fingerprint.as_str()) && !silent(&a.rule));
    BaselineState {
        accepted: baseline.accepted.len(),
        used: used.len(),
        growth: None,
        stale: gone.cloned().collect(),
        expired: baseline.accepted.iter().filter(|a| a.is_expired(question.today)).cloned().collect(),
    }
}

fn stale(baseline: &BaselineState, config: &Config) -> Vec<Item> {
    let own = level_of(config, "stale-acceptance");
    let level = match (config.gate.stale, own) {
        (Stale::Error, Level::Off) | (Stale::Warn, _) => own,
        (Stale::Error, _) => Level::Error,
    };
    let of = |entry: &Accepted| {
        let what = entry.subject.clone().unwrap_or_else(|| entry.services.join(", "));
        let because = format!("the baseline accepts {} ({what}), which is gone: prune it", entry.rule);
        Item { state: State::Limit, ..item("stale-acceptance", level, &[], Some(&entry.fingerprint), because) }
    };
    baseline.stale.iter().map(of).collect()
}

/// Limits on the score.
fn limits(result: &Result, config: &Config, before: Option<&Before>) -> Vec<Item> {
    let Some(score) = &result.score else { return Vec::new() };
    let gate = &config.gate;
    let mut all = Vec::new();
    let mut broken = |rule: &str, because: String, services: &[&str], measure: f64| {
        let mut made = item(rule, level_of(config, rule), services, None, because);
        made.fingerprint = crate::model::Finding::fingerprint_of(rule, &[], None);
        (made.state, made.measure) = (State::Limit, Some(measure));
        all.push(made);
    };
    let [low, high] = score.interval;
    let worst: Vec<&str> = score.terms.iter().filter(|t| t.value > 0.0).take(3).map(|t| t.service.as_str()).collect();
    if let Some(most) = gate.max_score.filter(|most| score.value > *most) {
        let because = format!(
            "the score is {:.1} (between {low:.1} and {high:.1}), above {most}; most entangled: {}",
            score.value,
            worst.join(", ")
        );
        broken("max-score", because, &worst, score.value);
    }
    let Some((before, then)) = before.and_then(|b| Some((b, b.score?))) else { return all };
    let rise = score.value - then;
    let mut risen: Vec<(f64, &str)> = score
        .terms
        .iter()
        .map(|t| (t.value - before.terms.get(&t.service).copied().unwrap_or(0.0), t.service.as_str()))
        .filter(|(rise, _)| *rise > NOISE)
        .collect();
    risen.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(b.1)));
    let risen: Vec<&str> = risen.into_iter().take(3).map(|(_, s)| s).collect();
    let by = if risen.is_empty() { String::new() } else { format!("; most for {}", risen.join(", ")) };
    if let Some(most) = gate.max_increase.filter(|most| rise > *most + NOISE) {
        let because = format!(
            "the score rises by {rise:.1}, from {then:.1} ({}) to {:.1}; {most} is allowed{by}",
            before.what, score.value
        );
        broken("max-increase", because, &risen, rise);
    }
    if gate.ratchet {
        let (sum_then, sum_now) = before.common_terms(result);
        if rise > NOISE {
            let because = format!("the score rises from {then:.1} ({}) to {:.1}{by}", before.what, score.value);
            broken("ratchet", because, &risen, rise);
        } else if sum_now - sum_then > NOISE {
            let because = format!(
                "services that were there before are more coupled: the sum of their terms rises from {sum_then:.2} to \
                 {sum_now:.2}{by}"
            );
            broken("ratchet", because, &risen, sum_now - sum_then);
        }
    }
    all
}

/// Smaller changes are the noise of summing floats, or of six digits in a baseline.
const NOISE: f64 = 1e-5;

#[cfg(test)]
mod tests;
