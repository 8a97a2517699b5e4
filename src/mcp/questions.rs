//! What can be asked: each question with its arguments and its answer, a pure function of the result.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::analyze::score::{Coupling, score};
use crate::analyze::simulate::{Move, Simulation};
use crate::analyze::smells::SMELLS;
use crate::graph::digraph::Digraph;
use crate::graph::{Parts, ServiceGraph};
use crate::result::{Mode, Result as RunResult};

/// A question.
pub struct Question {
    /// Its name.
    pub name: &'static str,
    /// What it answers.
    pub about: &'static str,
    /// Arguments: name, what it is, whether it must be given.
    pub arguments: &'static [(&'static str, &'static str, bool)],
    /// Answers it; `Err` says what was wrong with the question.
    pub answer: fn(&RunResult, &Value) -> Result<Value, String>,
}

/// All questions.
#[rustfmt::skip]
pub const QUESTIONS: &[Question] = &[
    Question { name: "services", about: "All services with role, owners, and how many services each needs and is needed by", arguments: &[], answer: services },
    Question { name: "dependencies", about: "Edges with mode, protocol, purpose and places in the code; of one service, or all", arguments: &[("service", "only edges from or to this service", false), ("mode", "only sync, async, data or infra", false)], answer: dependencies },
    Question { name: "explain", about: "Everything known of a service, of an edge (a->b), or of a smell or gate rule by its id", arguments: &[("subject", "a service, an edge as a->b, or the id of a smell or rule", true)], answer: explain },
    Question { name: "score", about: "The Synchronous Coupling Score (0 to 100, higher is worse) with its terms, cycles and findings", arguments: &[], answer: figures },
    Question { name: "what_if", about: "What a new synchronous call between two services would do to the score, cycles and chains: ask before adding one", arguments: &[("from", "the calling service", true), ("to", "the called service", true)], answer: what_if },
    Question { name: "simulate", about: "The score after steps of a migration: services that publish their data, callers that emit events instead of notifying", arguments: &[("publish", "owners, separated by commas", false), ("emit", "callers, separated by commas", false)], answer: simulate },
    Question { name: "plan", about: "The proposed steps towards events, in order, with the score before and after", arguments: &[], answer: plan },
    Question { name: "refresh", about: "Reads the system again, after files have changed", arguments: &[], answer: figures },
];

/// The questions as the protocol lists them.
pub fn list() -> Vec<Value> {
    let describe = |q: &Question| {
        let properties: serde_json::Map<String, Value> = q
            .arguments
            .iter()
            .map(|(n, d, _)| ((*n).to_owned(), json!({"type": "string", "description": d})))
            .collect();
        let required: Vec<&str> = q.arguments.iter().filter(|a| a.2).map(|a| a.0).collect();
        json!({
            "name": q.name,
            "description": q.about,
            "inputSchema": {"type": "object", "properties": properties, "required": required, "additionalProperties": false},
            "annotations": {"readOnlyHint": true, "openWorldHint": false},
        })
    };
    QUESTIONS.iter().map(describe).collect()
}

fn argument<'a>(arguments: &'a Value, name: &str) -> Option<&'a str> {
    arguments.get(name).and_then(Value::as_str).map(str::trim).filter(|s| !s.is_empty())
}

fn needed<'a>(arguments: &'a Value, name: &str) -> Result<&'a str, String> {
    argument(arguments, name).ok_or_else(|| format!("`{name}` must be given"))
}

/// The name of a service, given by name or alias.
fn named(result: &RunResult, name: &str) -> Result<String, String> {
    crate::explain::find(result, name).map(|s| s.name.clone()).ok_or_else(|| {
        let known: Vec<&str> = result.services.iter().map(|s| s.name.as_str()).collect();
        format!("there is no service `{name}`{}", crate::config::nearest(name, &known))
    })
}

fn services(result: &RunResult, _: &Value) -> Result<Value, String> {
    let terms = |name: &str| result.score.iter().flat_map(|s| &s.terms).find(|t| t.service == name);
    let all = result.services.iter().map(|s| {
        let term = terms(&s.name);
        json!({"name": s.name, "kind": s.kind, "aliases": s.aliases, "owners": s.owners, "folders": s.folders,
               "in_score": s.membership.as_ref().map(|m| m.member),
               "needs": term.map(|t| t.up), "needed_by": term.map(|t| t.down)})
    });
    Ok(json!({"services": all.collect::<Vec<_>>()}))
}

fn dependencies(result: &RunResult, arguments: &Value) -> Result<Value, String> {
    let service = argument(arguments, "service").map(|s| named(result, s)).transpose()?;
    let mode = argument(arguments, "mode");
    if let Some(mode) = mode.filter(|m| !["sync", "async", "data", "infra"].contains(m)) {
        return Err(format!("`{mode}` is no mode; there are: sync, async, data, infra"));
    }
    let wanted = result.dependencies.iter().filter(|d| {
        service.as_ref().is_none_or(|s| d.source == *s || d.target == *s) && mode.is_none_or(|m| d.mode.as_str() == m)
    });
    let all = wanted.map(|d| {
        let sites: Vec<Value> = d
            .sites
            .iter()
            .map(|s| json!({"path": s.path, "line": s.line, "operation": s.operation, "intent": s.intent}))
            .collect();
        let evidence: Vec<String> = d.evidence.iter().map(|e| format!("{}: {}", e.place, e.says)).collect();
        json!({"source": d.source, "target": d.target, "mode": d.mode, "protocol": d.protocol, "channel": d.channel,
               "waits": d.blocking, "confidence": d.confidence, "seen_in": d.seen_in, "calls_in_traces": d.calls,
               "sites": sites, "evidence": evidence})
    });
    Ok(json!({"dependencies": all.collect::<Vec<_>>()}))
}

fn explain(result: &RunResult, arguments: &Value) -> Result<Value, String> {
    let subject = needed(arguments, "subject")?;
    if let Some(smell) = SMELLS.iter().find(|s| s.id == subject) {
        return Ok(json!(smell.text));
    }
    if let Some(rule) = crate::gate::rules::RULES.iter().find(|r| r.id == subject) {
        return Ok(json!(rule.text));
    }
    if let Some((from, to)) = crate::explain::as_edge(subject) {
        let (from, to) = (named(result, from)?, named(result, to)?);
        let none = || format!("{from} has no edge to {to}");
        return crate::explain::edge(result, &from, &to).map(|text| json!(text)).ok_or_else(none);
    }
    let name = named(result, subject)?;
    let service = crate::explain::find(result, &name).ok_or("it is gone")?;
    Ok(json!(crate::explain::service(result, service)))
}

fn figures(result: &RunResult, _: &Value) -> Result<Value, String> {
    let score = result.score.as_ref().ok_or("no service was found, so there is no score")?;
    let findings: Vec<Value> = result
        .findings
        .iter()
        .map(|f| json!({"smell": f.smell, "severity": f.severity, "services": f.services, "because": f.because}))
        .collect();
    Ok(json!({"score": score.value, "interval": score.interval, "band": score.band, "coverage": score.coverage,
              "terms": score.terms, "cycles": score.figures.cycles, "depth": score.figures.depth,
              "longest_chain": score.figures.longest_chain, "findings": findings,
              "not_resolved": result.unresolved.len()}))
}

/// The graph that the simulation works on, from the result.
fn coupling(result: &RunResult) -> (ServiceGraph, Coupling) {
    let graph = ServiceGraph::new(Parts {
        services: result.services.clone(),
        dependencies: result.dependencies.clone(),
        shared_writes: result.shared_writes.clone(),
        ..Parts::default()
    });
    let coupling = Coupling::of(&graph, false);
    (graph, coupling)
}

fn what_if(result: &RunResult, arguments: &Value) -> Result<Value, String> {
    let (from, to) = (named(result, needed(arguments, "from")?)?, named(result, needed(arguments, "to")?)?);
    let (_, coupling) = coupling(result);
    let mut members = coupling.members.clone();
    let mut place = |name: &str| {
        members.iter().position(|m| m == name).unwrap_or_else(|| {
            members.push(name.to_owned());
            members.len() - 1
        }) as u32
    };
    let (a, b) = (place(&from), place(&to));
    let edges: BTreeSet<(u32, u32)> = coupling.edges.keys().copied().collect();
    let (before, after) = (
        Digraph::new(members.len(), edges.iter().copied()),
        Digraph::new(members.len(), edges.iter().copied().chain([(a, b)])),
    );
    let known = result.dependencies.iter().find(|d| d.mode == Mode::Sync && d.source == from && d.target == to);
    let circle = after.components().into_iter().find(|c| c.len() > 1 && c.contains(&a) && c.contains(&b));
    let circle = circle.filter(|_| a != b && !before.has(a, b)).map(|c| {
        let mut names: Vec<&str> = c.iter().map(|n| members[*n as usize].as_str()).collect();
        names.sort_unstable();
        names
    });
    let (depth_before, depth_after) = (before.longest_chain().0, after.longest_chain().0);
    let liberated = result.entities.iter().find(|e| e.service == to).map(|e| e.class);
    Ok(json!({
        "from": from, "to": to, "exists_already": known.is_some(),
        "score_before": score(&before), "score_after": score(&after),
        "closes_cycle": circle, "longest_chain_before": depth_before, "longest_chain_after": depth_after,
        "target_is": liberated,
        "advice": if known.is_some() { "the edge is there already: another call changes nothing in the score" }
                  else { "consider a copy of the data kept by events, or an event instead of a notification" },
    }))
}

fn simulate(result: &RunResult, arguments: &Value) -> Result<Value, String> {
    let (graph, coupling) = coupling(result);
    let simulation = Simulation::of(&graph, &coupling, true);
    let mut done = simulation.start();
    let mut steps = Vec::new();
    for key in ["publish", "emit"] {
        let step = |at| if key == "publish" { Move::Publish(at) } else { Move::Emit(at) };
        for name in argument(arguments, key).unwrap_or_default().split(',').map(str::trim).filter(|n| !n.is_empty()) {
            let name = named(result, name)?;
            let at = coupling.index(&name).ok_or_else(|| format!("{name} does not count in the score"))?;
            let score_before = simulation.score(&done);
            let freed: Vec<String> = simulation
                .freed(&done, step(at))
                .into_iter()
                .map(|(a, b)| format!("{} → {}", coupling.members[a as usize], coupling.members[b as usize]))
                .collect();
            done = done.with(step(at));
            let score_after = simulation.score(&done);
            steps.push(json!({"step": key, "service": name, "score_before": score_before, "score_after": score_after, "frees": freed}));
        }
    }
    if steps.is_empty() {
        return Err("give `publish` or `emit`: services, separated by commas".to_owned());
    }
    Ok(json!({"steps": steps, "score_after": simulation.score(&done), "floor": simulation.floor()}))
}

fn plan(result: &RunResult, _: &Value) -> Result<Value, String> {
    let plan = result.plan.as_ref().ok_or("no service was found, so there is no plan")?;
    let steps: Vec<Value> = plan
        .steps
        .iter()
        .map(|s| {
            json!({"action": s.action, "entity": s.entity, "services": s.services, "score_before": s.score_before,
                   "score_after": s.score_after, "effort": s.effort, "because": s.because})
        })
        .collect();
    Ok(json!({"verdict": plan.verdict, "because": plan.because, "floor": plan.floor, "steps": steps}))
}
