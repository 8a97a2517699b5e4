//! The plan: a waterfall of the score, each step with its cost, and the map before and after it.

use std::collections::BTreeSet;

use askama::Template;

use crate::model::{Action, Step};
use crate::plan::document::ASSUMED;
use crate::plan::options::Options;
use crate::report::system::System;
use crate::report::{action, clean};

use super::design::{self, DesignView};
use super::map::{edges, item};
use super::picture::{Edge, Line, Picture};

/// Call sites and edges listed with a step; the rest is in `graph.json`.
const LISTED: usize = 80;
/// Services in the picture of one step of a large system.
const NEAR: usize = 40;

/// The section.
#[derive(Template)]
#[template(path = "plan.html", escape = "html", config = "src/report/html/askama.toml")]
pub struct PlanSection {
    verdict: &'static str,
    because: String,
    floor: String,
    search: String,
    bars: Vec<Bar>,
    steps: Vec<StepView>,
    order: String,
    other: Vec<[String; 4]>,
    not_tried: u32,
    cycles: Vec<[String; 4]>,
    residue: Vec<[String; 4]>,
    proposals: Vec<[String; 4]>,
    assumed: [String; 5],
    size: (i32, i32),
    map_size: (i32, i32),
}

/// A row of the waterfall.
struct Bar {
    y: i32,
    label: String,
    x: i32,
    width: i32,
    text: String,
    /// `total`, `step` or `floor`.
    kind: &'static str,
}

struct StepView {
    number: usize,
    what: String,
    before: String,
    after: String,
    gain: String,
    effort: String,
    because: String,
    terms: Vec<(String, String)>,
    edges: Vec<String>,
    sites: Vec<String>,
    more_sites: usize,
    consumers: String,
    views: Vec<String>,
    design: Option<DesignView>,
    reused: Option<[Vec<Use>; 2]>,
    own: Option<[Picture; 2]>,
}

/// A group of edges of the main map, drawn again.
struct Use {
    id: String,
    /// `sync`, `async`, `data`, or `event`: freed, the owner tells.
    class: &'static str,
    stroke: &'static str,
    dash: &'static str,
    wide: &'static str,
    start: Option<&'static str>,
    end: Option<&'static str>,
}

/// The plan; `map` is the main picture where it shows all services.
#[must_use]
pub fn section(system: &System<'_>, map: Option<&Picture>) -> Option<PlanSection> {
    let plan = system.result.plan.as_ref()?;
    let (_, files) = crate::plan::files(&system.result.system, plan, &system.result.services, &Options::default());
    let steps = plan.steps.iter().enumerate().map(|(i, s)| StepView {
        design: s.design.as_ref().map(|d| design::view(i + 1, d, &files)),
        ..step(system, i + 1, s, map)
    });
    let steps = steps.collect();
    let residue = plan.residue.iter().map(|r| {
        let intents: Vec<&str> = r.intents.iter().map(|i| i.as_str()).collect();
        let unknown = if intents.is_empty() { "not known".to_owned() } else { intents.join(", ") };
        let after = r.score_after.map_or_else(|| "not measured".to_owned(), |s| format!("{s:.2}"));
        [format!("{} → {}", clean(&r.source), clean(&r.target)), unknown, clean(&r.proposal), after]
    });
    let proposals = plan
        .proposals
        .iter()
        .map(|s| [action(s), clean(&s.because), format!("{:.2}", s.score_before), format!("{:.2}", s.score_after)]);
    let bars = bars(system);
    let size = (780, bars.len() as i32 * 26 + 8);
    Some(PlanSection {
        verdict: plan.verdict.as_str(),
        because: clean(&plan.because),
        floor: format!("{:.2}", plan.floor),
        search: clean(&plan.search),
        bars,
        order: clean(&plan.order),
        other: plan.other_order.iter().map(other).collect(),
        not_tried: plan.not_tried,
        cycles: plan.cycles.iter().map(cycle).collect(),
        steps,
        residue: residue.collect(),
        proposals: proposals.take(LISTED).collect(),
        assumed: ASSUMED.map(|text| text.replace('`', "")),
        size,
        map_size: map.map_or((0, 0), Picture::size),
    })
}

/// A step of the other order.
fn other(s: &Step) -> [String; 4] {
    [action(s), format!("{:.2}", s.score_before), format!("{:.2}", s.score_after), s.effort.to_string()]
}

/// A cycle and how events break it.
fn cycle(c: &crate::model::CycleBreak) -> [String; 4] {
    let edges: Vec<String> = c.edges.iter().map(|[a, b]| format!("{a} → {b}")).collect();
    let after = c.score_after.map_or_else(|| "not by events".to_owned(), |s| format!("{s:.2}"));
    [clean(&c.services.join(", ")), clean(&edges.join("; ")), clean(&c.because), after]
}

/// The score today, what each step takes, what is left, and the floor.
fn bars(system: &System<'_>) -> Vec<Bar> {
    let (Some(plan), Some(score)) = (&system.result.plan, &system.result.score) else { return Vec::new() };
    if plan.steps.is_empty() {
        return Vec::new();
    }
    let pixel = |v: f64| (v * 3.6).round() as i32;
    let mut bars = Vec::new();
    let mut row = |label: String, from: f64, to: f64, text: String, kind: &'static str| {
        let y = bars.len() as i32 * 26 + 4;
        bars.push(Bar { y, label, x: 340 + pixel(from), width: (pixel(to) - pixel(from)).max(1), text, kind });
    };
    row("today".to_owned(), 0.0, score.value, format!("{:.1}", score.value), "total");
    for (i, s) in plan.steps.iter().enumerate() {
        let label: String = format!("{}. {}", i + 1, action(s));
        let label = if label.chars().count() > 48 { label.chars().take(47).chain(['…']).collect() } else { label };
        let text = format!("−{:.1} → {:.1}", s.score_before - s.score_after, s.score_after);
        row(label, s.score_after, s.score_before, text, "step");
    }
    let last = plan.steps.last().map_or(score.value, |s| s.score_after);
    row("after all steps".to_owned(), 0.0, last, format!("{last:.1}"), "total");
    row("floor: every read and message freed".to_owned(), 0.0, plan.floor, format!("{:.1}", plan.floor), "floor");
    bars
}

fn step(system: &System<'_>, number: usize, s: &Step, map: Option<&Picture>) -> StepView {
    let (reused, own) = match map {
        Some(map) => (Some([uses(system, map, number - 1, number), uses(system, map, number, number)]), None),
        None => (None, near(system, number, s)),
    };
    StepView {
        number,
        what: action(s),
        before: format!("{:.2}", s.score_before),
        after: format!("{:.2}", s.score_after),
        gain: format!("{:.2}", s.score_before - s.score_after),
        effort: s.effort.to_string(),
        because: clean(&s.because),
        terms: s.effort_terms.iter().map(|t| (clean(&t.what), t.points.to_string())).collect(),
        edges: s.frees_edges.iter().map(|[a, b]| format!("{} → {}", clean(a), clean(b))).collect(),
        sites: s.frees_sites.iter().take(LISTED).map(|t| clean(t)).collect(),
        more_sites: s.frees_sites.len().saturating_sub(LISTED),
        consumers: match s.consumers.as_slice() {
            [] => String::new(),
            [one] => format!("Then {} holds a copy of its own.", clean(one)),
            all => format!("Then these hold copies of their own: {}.", clean(&all.join(", "))),
        },
        views: s.views.iter().map(|v| clean(v)).collect(),
        design: None,
        reused,
        own,
    }
}

/// The groups of the main map after `done` steps: what is freed is drawn as events from its owner, thick where this
/// step frees it.
fn uses(system: &System<'_>, map: &Picture, done: usize, number: usize) -> Vec<Use> {
    map.parts()
        .into_iter()
        .map(|(line, gone, id)| {
            if line != Line::Sync || gone == 0 || gone > done {
                let [class, stroke, dash, tip] = line.style();
                return Use { id, class, stroke, dash, wide: "1.3", start: None, end: Some(tip) };
            }
            // Reads turn round: the owner tells its readers. A notification keeps its direction.
            let (start, end) =
                if emits(system, gone) { (None, Some("tip-event")) } else { (Some("tip-event-back"), None) };
            let wide = if gone == number { "2.2" } else { "1.1" };
            Use { id, class: "event", stroke: "#007a5a", dash: "7 4", wide, start, end }
        })
        .collect()
}

/// Does a step, from 1, turn notifications into events?
fn emits(system: &System<'_>, step: usize) -> bool {
    let steps = system.result.plan.as_ref().map(|p| p.steps.as_slice()).unwrap_or_default();
    steps.get(step - 1).is_some_and(|s| s.action == Action::EmitEvent)
}

/// Before and after a step for the services that it touches alone.
fn near(system: &System<'_>, number: usize, s: &Step) -> Option<[Picture; 2]> {
    let names = s.entity.iter().chain(&s.services).chain(s.frees_edges.iter().flatten());
    let touched: BTreeSet<usize> = names.filter_map(|n| system.find(n)).take(NEAR).collect();
    let touched: Vec<usize> = touched.into_iter().collect();
    if touched.len() < 2 {
        return None;
    }
    let place = |i: usize| touched.binary_search(&i).ok();
    let before = edges(system, &place, true);
    let after: Vec<Edge> = before.iter().cloned().map(|e| freed(system, e, number)).collect();
    let picture = |label: &str, edges: &[Edge]| {
        let items = touched.iter().map(|i| item(system, *i, None)).collect();
        Picture::new("", &format!("{label} step {number}"), items, &[], edges)
    };
    Some([picture("Before", &before), picture("After", &after)])
}

fn freed(system: &System<'_>, mut edge: Edge, number: usize) -> Edge {
    if edge.gone > 0 && edge.gone <= number {
        edge.line = Line::Async;
        edge.title = format!("freed in step {}: {}", edge.gone, edge.title);
        if !emits(system, edge.gone) {
            edge.ends = (edge.ends.1, edge.ends.0);
        }
        edge.gone = 0;
    }
    edge
}
