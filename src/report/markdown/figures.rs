//! Published metrics, what traces measured, ways out of cycles, proposals and verbs that hide what they do, as
//! Markdown tables.

use crate::result::Result;

use super::{cell, table};
use crate::report::action;

/// A figure that may not be defined.
fn figure(value: Option<f64>) -> String {
    value.map_or_else(|| "not measured".to_owned(), |v| format!("{v:.3}"))
}

/// The other order, ways out of cycles, and what could be done about what stays.
pub(super) fn proposals(result: &Result, out: &mut String) {
    let Some(plan) = &result.plan else { return };
    if !plan.other_order.is_empty() {
        let name = if plan.order == "ratio" { "Value early" } else { "Start small (most gain a point first)" };
        out.push_str(&format!("\n{name}:\n"));
        let rows = plan.other_order.iter().enumerate().map(|(i, s)| {
            let score = format!("{:.2} → {:.2}", s.score_before, s.score_after);
            vec![(i + 1).to_string(), action(s), score, s.effort.to_string()]
        });
        table(out, &["step", "what", "score", "points"], rows.collect());
    }
    if !plan.cycles.is_empty() {
        out.push_str("\nCycles, and the cheapest way to break each by events:\n");
        let rows = plan.cycles.iter().map(|c| {
            let edges: Vec<String> = c.edges.iter().map(|[a, b]| format!("{a} → {b}")).collect();
            let way = if c.breakable { c.steps.join(", ") } else { c.because.clone() };
            let score = c.score_after.map_or_else(String::new, |s| format!("{s:.2}"));
            vec![c.services.join(", "), edges.join(", "), way, score]
        });
        table(out, &["services", "edges", "how", "score then"], rows.collect());
    }
    if !plan.proposals.is_empty() {
        out.push_str("\nFurther proposals, each by itself:\n");
        let rows = plan.proposals.iter().map(|s| {
            let score = format!("{:.2} → {:.2}", s.score_before, s.score_after);
            vec![s.action.as_str().to_owned(), s.services.join(", "), score, s.effort.to_string(), s.because.clone()]
        });
        table(out, &["what", "services", "score", "points", "why"], rows.collect());
    }
}

/// Operations whose verb says something else than their handler does.
pub(super) fn verb_lies(result: &Result, out: &mut String) {
    if result.verb_lies.is_empty() {
        return;
    }
    out.push_str("\n## Verbs that hide what they do\n");
    let rows = result.verb_lies.iter().map(|l| {
        let what = if l.writes { "reads by its verb, writes" } else { "writes by its verb, only reads" };
        vec![
            l.service.clone(),
            l.operation.clone(),
            l.handler.clone(),
            what.to_owned(),
            l.callers.join(", "),
            l.place.to_string(),
        ]
    });
    table(out, &["service", "operation", "handler", "what", "called by", "where"], rows.collect());
}

/// What traces measured: between whom, and where requests enter.
pub(super) fn traffic(result: &Result, out: &mut String) {
    let Some(traffic) = &result.traffic else { return };
    out.push_str("\n## What traces measured\n\nTimes in microseconds.\n");
    let number = |n: Option<u64>| n.map_or_else(|| "not measured".to_owned(), |n| n.to_string());
    let mut rows: Vec<_> = traffic.rows.iter().collect();
    rows.sort_by_key(|r| (std::cmp::Reverse(r.calls), &r.source, &r.target, &r.protocol));
    let listed = rows.iter().map(|r| {
        let latency = r.latency_us.map_or_else(String::new, |l| format!("{} / {} / {}", l.p50, l.p95, l.p99));
        let each = (r.requests > 0).then(|| format!("{:.1}", r.calls as f64 / r.requests as f64));
        vec![
            format!("{} → {}", r.source, r.target),
            r.relation.as_str().to_owned(),
            r.protocol.clone(),
            r.calls.to_string(),
            r.errors.to_string(),
            number(r.server_errors),
            r.retries.to_string(),
            each.unwrap_or_default(),
            r.concurrent.to_string(),
            latency,
        ]
    });
    let head =
        ["who", "relation", "over", "calls", "errors", "of the server", "retries", "each request", "at the same time"];
    table(out, &[&head[..], &["p50 / p95 / p99"]].concat(), listed.collect());
    let mut served: Vec<_> = traffic.served.iter().filter(|s| s.entries > 0).collect();
    served.sort_by_key(|s| (std::cmp::Reverse(s.entries), &s.service, &s.operation));
    if !served.is_empty() {
        out.push_str("\nWhere requests enter:\n");
        let listed = served.iter().map(|s| {
            let latency = s.latency_us.map_or_else(String::new, |l| format!("{} / {} / {}", l.p50, l.p95, l.p99));
            let each = |n: u64| format!("{:.1}", n as f64 / s.requests.max(1) as f64);
            let operation = format!("{}: {}", s.service, s.operation);
            let (calls, chain) = (each(s.calls), format!("{} (at most {})", each(s.depth_sum), s.depth_most));
            vec![operation, s.entries.to_string(), s.errors.to_string(), latency, calls, chain]
        });
        table(out, &["operation", "requests", "errors", "p50 / p95 / p99", "calls each", "chain"], listed.collect());
    }
    if !traffic.repeated.is_empty() {
        out.push_str("\nThe same operation several times during one request:\n");
        let mut all: Vec<_> = traffic.repeated.iter().collect();
        all.sort_by_key(|r| (std::cmp::Reverse(r.calls), &r.source, &r.target, &r.call));
        let listed = all.iter().map(|r| {
            let call = format!("{} → {}: {}", r.source, r.target, r.call);
            let [requests, calls, most] = [r.groups, r.calls, r.most].map(|n| n.to_string());
            vec![call, r.operation.clone(), requests, calls, most, r.exemplar.clone()]
        });
        table(out, &["call", "during", "requests", "calls", "most in one", "example"], listed.collect());
    }
}

/// Metrics of the system and of each service.
pub(super) fn metrics(result: &Result, out: &mut String) {
    let Some(metrics) = &result.metrics else { return };
    let m = &metrics.system;
    out.push_str("\n## Published metrics\n");
    let row = |name: &str, value: String| vec![name.to_owned(), value];
    let mut rows = vec![
        row("SIY, pairs that call each other", m.siy.to_string()),
        row("SCF, coupling factor", figure(m.scf)),
        row("propagation cost", figure(m.propagation_cost)),
        row("CCD, ACD, RACD, NCCD", format!("{}, {}, {}, {}", m.ccd, figure(m.acd), figure(m.racd), figure(m.nccd))),
        row("services that one reaches, mean", figure(m.mean_reach)),
        row("largest blast radius", figure(m.max_blast_radius)),
    ];
    if let Some(score) = &result.score {
        let sub = &score.sub_scores;
        rows.push(row("runtime exposure, 0 to 100", figure(sub.runtime_exposure)));
        if let Some(runtime) = &sub.runtime {
            rows.push(row("calls between services for a request that enters", figure(runtime.calls_per_request)));
            rows.push(row("availability bound of requests", figure(runtime.availability_bound)));
            rows.push(row("share of the critical path outside the entry", figure(runtime.critical_path_share)));
        }
        rows.push(row("data ownership, 0 to 100", figure(sub.data_ownership)));
        rows.push(row("change coupling, 0 to 100", figure(sub.change_coupling)));
    }
    if let Some(sources) = m.betweenness_sampled {
        let text = format!("estimated from {sources} sources, standard error {:.5}", m.betweenness_error);
        rows.push(row("betweenness", text));
    }
    table(out, &["metric", "value"], rows);
    out.push_str(&format!("\n{}\n", cell("Sources and definitions stand in the schema of graph.json.")));
    let rows = metrics.services.iter().map(|s| {
        vec![
            s.service.clone(),
            s.ais.to_string(),
            s.ads.to_string(),
            s.acs.to_string(),
            figure(s.instability),
            s.depth.to_string(),
            format!("{:.4}", s.betweenness),
            format!("{:.4}", s.page_rank),
            figure(s.blast_radius),
            s.dominator.clone().unwrap_or_default(),
            s.dominates.to_string(),
            figure(s.availability_bound),
        ]
    });
    let head = [
        "service",
        "AIS",
        "ADS",
        "ACS",
        "instability",
        "depth",
        "betweenness",
        "PageRank",
        "blast radius",
        "dominator",
        "dominates",
        "availability, at most",
    ];
    table(out, &head, rows.collect());
}
