//! The gate on small systems: services by name, edges as declared.

use super::*;
use crate::files::Source;

/// A system of edges `a>b`, with a configuration.
fn result(edges: &[&str], config: &Config) -> Result {
    let mut config = config.clone();
    let mut names: BTreeSet<&str> = ["a", "b", "c", "d"].into();
    for edge in edges {
        let (from, to) = edge.split_once('>').expect("an edge");
        names.extend([from, to]);
        let text = format!("edges: [{{from: {from}, to: {to}, reason: test}}]");
        config.edges.extend(Config::parse("x", &text).expect("an edge").edges);
    }
    let services: String = names.iter().map(|n| format!("  {n}:\n    build: ./{n}\n")).collect();
    let mut sources = vec![Source::in_memory("docker-compose.yml", format!("services:\n{services}"))];
    for name in names {
        sources.push(Source::in_memory(&format!("{name}/go.mod"), format!("module {name}\n")));
        sources.push(Source::in_memory(&format!("{name}/main.go"), "package main\nfunc main() {}\n"));
    }
    crate::analyze(&crate::Reading::in_memory(sources, config).expect("readable"))
}

fn config(text: &str) -> Config {
    Config::parse("unbraid.yaml", text).expect("a configuration")
}

/// What fails, as `rule state`, when `edges` follow `before`.
fn failing(text: &str, before: Option<&[&str]>, edges: &[&str]) -> Vec<String> {
    let (config, mine) = (config(text), BTreeSet::new());
    let now = result(edges, &config);
    let mut question = Question::of(&now, &config, &mine);
    if let Some(before) = before {
        let old = result(before, &config);
        question.before = Some(Before::of_result("before", &old, &of_one_side(&old, &config)));
    }
    let outcome = judge(question);
    assert_eq!(outcome.verdict == Verdict::Fail, outcome.failing().next().is_some());
    outcome.failing().map(|i| format!("{} {}", i.rule, i.state.as_str())).collect()
}

#[test]
fn limits_hold_whoever_broke_them() {
    assert_eq!(failing("gate: {max_score: 50}", None, &["a>b"]), Vec::<String>::new());
    assert_eq!(failing("gate: {max_score: 1}", None, &["a>b"]), ["max-score limit"]);
    assert_eq!(failing("gate: {max_increase: 1}", Some(&[]), &["a>b"]), ["max-increase limit"]);
    assert_eq!(failing("gate: {max_increase: 50}", Some(&[]), &["a>b"]), Vec::<String>::new());
    let levels = "gate: {max_score: 1, levels: {max-score: warning}}";
    assert_eq!(failing(levels, None, &["a>b"]), Vec::<String>::new());
}

#[test]
fn the_ratchet_is_not_bought_off_by_services_that_call_nobody() {
    assert_eq!(failing("gate: {ratchet: true}", Some(&["a>b"]), &["a>b"]), Vec::<String>::new());
    assert_eq!(failing("gate: {ratchet: true}", Some(&["a>b"]), &["b>a"]), Vec::<String>::new());
    assert_eq!(failing("gate: {ratchet: true}", Some(&["a>b"]), &["a>b", "c>d"]), ["ratchet limit"]);
    // Two more services dilute the mean; the sum over the old ones still rises.
    let lonely = config("services: {}");
    let now = result(&["a>b", "b>c", "x>x", "y>y", "z>z", "v>v", "w>w", "u>u"], &lonely);
    let old = result(&["a>b", "c>d"], &lonely);
    let mine = BTreeSet::new();
    let ratchet = config("gate: {ratchet: true}");
    let mut question = Question::of(&now, &ratchet, &mine);
    question.before = Some(Before::of_result("before", &old, &[]));
    let outcome = judge(question);
    assert!(outcome.score < old.score.as_ref().map(|s| s.value), "the mean fell");
    let reasons = outcome.reasons.join("\n");
    let (then, is) = (old.score.as_ref().map(|s| s.value), outcome.score);
    assert_eq!(outcome.verdict, Verdict::Fail, "{reasons} {then:?} {is:?}");
    assert!(reasons.contains("the sum of their terms rises"), "{reasons}");
}

#[test]
fn a_new_edge_is_shown_and_fails_where_it_is_asked_to() {
    let error = "gate: {levels: {new-sync-edge: error}}";
    assert_eq!(failing("", Some(&["a>b"]), &["a>b", "c>d"]), Vec::<String>::new());
    assert_eq!(failing(error, Some(&["a>b"]), &["a>b", "c>d"]), ["new-sync-edge new"]);
    assert_eq!(failing(error, Some(&["a>b"]), &["a>b"]), Vec::<String>::new());
    let between = "groups: {left: {names: [a]}}\ngate:\n  levels: {new-sync-edge: error}\n  new_sync_edges: [{from: {groups: [left]}, to: {names: ['d*']}}]\n";
    assert_eq!(failing(between, Some(&["a>b"]), &["a>b", "c>d"]), Vec::<String>::new());
    assert_eq!(failing(between, Some(&["a>b"]), &["a>b", "a>d"]), ["new-sync-edge new"]);
    // What is published already is not asked again.
    assert_eq!(failing("liberated: [d]", Some(&[]), &["a>d"]), ["liberated-entity new"]);
    assert_eq!(failing("liberated: [d]", Some(&["a>d"]), &["a>d"]), Vec::<String>::new());
}

#[test]
fn a_cycle_is_new_once_and_a_smaller_one_is_what_is_left_of_it() {
    let (ring, pair) = (["a>b", "b>c", "c>a"], ["a>b", "b>a"]);
    assert_eq!(failing("", Some(&["a>b"]), &pair), ["sync-cycle new"]);
    assert_eq!(failing("", Some(&pair), &pair), Vec::<String>::new());
    assert_eq!(failing("", Some(&["a>b", "b>a", "b>c", "c>b"]), &pair), Vec::<String>::new());
    assert_eq!(failing("", Some(&pair), &ring), ["sync-cycle new"]);
    assert_eq!(failing("gate: {fail_on: any}", Some(&pair), &pair), ["sync-cycle existing"]);
    assert_eq!(failing("gate: {levels: {sync-cycle: off}}", Some(&[]), &pair), Vec::<String>::new());
}

#[test]
fn depth_and_budgets_get_worse() {
    let depth = "gate: {max_depth: 1}";
    assert_eq!(failing(depth, Some(&["a>b"]), &["a>b", "b>c"]), ["max-depth new"]);
    assert_eq!(failing(depth, Some(&["a>b", "b>c"]), &["a>b", "b>c"]), Vec::<String>::new());
    let budget = "gate: {budgets: {a: {needs: 1}, '*': {calls: 2}}}";
    assert_eq!(failing(budget, Some(&["a>b"]), &["a>b", "b>c"]), ["service-budget new"]);
    assert_eq!(failing(budget, Some(&["a>b", "a>c"]), &["a>b", "a>c"]), Vec::<String>::new());
    assert_eq!(failing(budget, Some(&["a>b", "a>c"]), &["a>b", "a>c", "a>d"]), ["service-budget worse"]);
    assert_eq!(failing(budget, Some(&[]), &["b>a", "b>c", "b>d"]), ["service-budget new"]);
}

#[test]
fn the_architecture_says_who_may_call_whom() {
    let deny = "architecture: [{id: one-way, from: {names: [a]}, deny: {names: [d]}, reason: r}]";
    assert_eq!(failing(deny, Some(&[]), &["a>d"]), ["architecture/one-way new"]);
    assert_eq!(failing(deny, Some(&[]), &["d>a"]), Vec::<String>::new());
    let allow = "services: {b: {tags: [core]}}\narchitecture: [{id: core-only, from: {names: [a]}, allow: {tags: [core]}, reason: r, level: error}]";
    assert_eq!(failing(allow, Some(&[]), &["a>b"]), Vec::<String>::new());
    assert_eq!(failing(allow, Some(&[]), &["a>c"]), ["architecture/core-only new"]);
    let owner = "services: {d: {owner: sales}}\narchitecture: [{id: o, from: {roles: [service]}, deny: {owners: [sales]}, reason: r, level: warning}]";
    assert_eq!(failing(owner, Some(&[]), &["a>d"]), Vec::<String>::new());
}

#[test]
fn too_little_evidence_is_no_pass() {
    let (floor, mine) = (config("gate: {min_coverage: 0.5}"), BTreeSet::new());
    let outcome = judge(Question::of(&result(&["a>b"], &floor), &floor, &mine));
    assert_eq!((outcome.verdict, outcome.exit_code), (Verdict::NotEnough, 3), "coverage is not measured");
    let nothing = crate::Reading::in_memory(Vec::new(), Config::default()).expect("nothing to read");
    assert_eq!(look(&crate::analyze(&nothing)).exit_code, 3);
}

#[test]
fn acceptances_hold_until_they_expire_and_are_stale_when_their_finding_is_gone() {
    let (plain, mine) = (Config::default(), BTreeSet::new());
    let cyclic = result(&["a>b", "b>a"], &plain);
    let cycle = look(&cyclic).items.into_iter().find(|i| i.rule == "sync-cycle").expect("a cycle");
    let accepted = baseline::accept(&cycle, "known", Some("team"), Some("2026-03-31"));
    let baseline = Baseline::of(&cyclic, vec![accepted]);
    let judged = |result: &Result, baseline: &Baseline, config: &Config, today: &str| {
        let mut question = Question::of(result, config, &mine);
        (question.baseline, question.before, question.today) =
            (Some(baseline), Some(Before::of_baseline(baseline)), today);
        judge(question)
    };
    let outcome = judged(&cyclic, &baseline, &plain, "2026-03-31");
    assert_eq!((outcome.verdict, outcome.count(State::Accepted)), (Verdict::Pass, 1));
    let outcome = judged(&cyclic, &baseline, &plain, "2026-04-01");
    assert_eq!((outcome.verdict, outcome.count(State::Expired)), (Verdict::Fail, 1));
    assert!(outcome.reasons[0].contains("2026-03-31"), "{:?}", outcome.reasons);
    let fixed = result(&["a>b"], &plain);
    let outcome = judged(&fixed, &baseline, &plain, "2026-01-01");
    assert_eq!(outcome.verdict, Verdict::Pass);
    assert_eq!(outcome.baseline.map(|b| b.stale.len()), Some(1));
    let strict = config("gate: {stale: error}");
    assert_eq!(judged(&fixed, &baseline, &strict, "2026-01-01").verdict, Verdict::Fail);
    // A new finding beside the accepted one is new; so is an edge that the baseline does not know.
    let more = result(&["a>b", "b>a", "c>d", "d>c"], &plain);
    let outcome = judged(&more, &baseline, &plain, "2026-01-01");
    assert_eq!(outcome.failing().map(|i| i.services.join(" ")).collect::<Vec<_>>(), ["c d"]);
    assert_eq!(outcome.items.iter().filter(|i| i.rule == "new-sync-edge").count(), 2);
}
