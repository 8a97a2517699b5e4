//! The score and what drives it: terms, edges that count most, cycles, chains, shared data, owners of data.

use askama::Template;

use crate::model::{Mode, SubScores};
use crate::report::system::System;
use crate::report::{clean, percent};

/// Rows shown at once; the rest opens.
const FIRST: usize = 10;
/// Chains and edges listed.
const LISTED: usize = 20;

/// The score.
#[derive(Template)]
#[template(path = "score.html", escape = "html", config = "src/report/html/askama.toml")]
pub struct ScoreSection {
    score: Option<ScoreView>,
}

struct ScoreView {
    value: String,
    low: String,
    high: String,
    band: &'static str,
    /// Positions on a scale of 500 pixels.
    at: i32,
    from: i32,
    wide: i32,
    floor: Option<(i32, String)>,
    code: String,
    traces: String,
    lower: u32,
    corpus: u32,
    services: u32,
    edges: u32,
    cycles: usize,
    depth: u32,
    settled: String,
    metrics: Vec<[String; 3]>,
    subs: Vec<[String; 3]>,
}

/// The score of a system.
#[must_use]
pub fn score(system: &System<'_>) -> ScoreSection {
    let result = system.result;
    let view = result.score.as_ref().map(|score| {
        let [low, high] = score.interval;
        let figures = &score.figures;
        let pixel = |v: f64| (v * 5.0).round() as i32;
        let counts = result.site_counts;
        ScoreView {
            value: format!("{:.1}", score.value),
            low: format!("{low:.1}"),
            high: format!("{high:.1}"),
            band: score.band.as_str(),
            at: pixel(score.value),
            from: pixel(low),
            wide: (pixel(high) - pixel(low)).max(2),
            floor: result.plan.as_ref().map(|p| (pixel(p.floor), format!("{:.1}", p.floor))),
            code: percent(score.coverage.code),
            traces: percent(score.coverage.traces),
            lower: score.compared[0],
            corpus: score.compared[1],
            services: figures.services,
            edges: figures.edges,
            cycles: figures.cycles.len(),
            depth: figures.depth,
            settled: format!(
                "{} resolved, {} external, {} ambiguous, {} unresolved",
                counts.resolved, counts.external, counts.ambiguous, counts.unresolved
            ),
            metrics: metrics(system),
            subs: further(&score.sub_scores),
        }
    });
    ScoreSection { score: view }
}

/// Scores that are never mixed into the headline, with what stands beside them.
fn further(scores: &SubScores) -> Vec<[String; 3]> {
    let measured = |v: Option<f64>| v.map_or_else(|| "not measured".to_owned(), |v| format!("{v:.1}"));
    let sub = |name: &str, v: Option<f64>, what: &str| [name.to_owned(), measured(v), what.to_owned()];
    let runtime = scores.runtime.as_ref();
    vec![
        sub(
            "runtime exposure",
            scores.runtime_exposure,
            "per cent of the requests served that other services sent, and waited for; needs traces",
        ),
        sub(
            "calls per request",
            runtime.and_then(|r| r.calls_per_request),
            "calls between services for each request that enters; needs traces",
        ),
        sub(
            "availability bound",
            runtime.and_then(|r| r.availability_bound).map(|bound| 100.0 * bound),
            "per cent of the requests that can be answered at most, by what each service was seen to answer",
        ),
        sub(
            "critical path elsewhere",
            runtime.and_then(|r| r.critical_path_share).map(|share| 100.0 * share),
            "per cent of the critical path outside the service where a request enters; needs traces",
        ),
        sub(
            "data ownership",
            scores.data_ownership,
            "per cent of service and table pairs where a service uses a table that is not its own",
        ),
        sub(
            "change coupling",
            scores.change_coupling,
            "per cent of waiting edges whose ends change together; needs the history of a full git clone",
        ),
    ]
}

/// Published metrics of the system, each with its source.
fn metrics(system: &System<'_>) -> Vec<[String; 3]> {
    let Some(m) = system.result.metrics.as_ref().map(|m| &m.system) else { return Vec::new() };
    let row = |name: &str, value: String, what: &str| [name.to_owned(), value, what.to_owned()];
    let share = |v: Option<f64>| v.map_or_else(|| "not measured".to_owned(), |v| format!("{v:.3}"));
    vec![
        row(
            "propagation cost",
            share(m.propagation_cost),
            "share of pairs where one reaches the other (MacCormack 2006)",
        ),
        row("coupling factor", share(m.scf), "share of all possible edges that exist (SCF, Hofmeister 2008)"),
        row("interdependence", m.siy.to_string(), "pairs that call each other (SIY, Rud 2006)"),
        row("normalised cumulative dependency", share(m.nccd), "above 1 more coupled than a tree (NCCD, Lakos 1996)"),
        row("mean reach", share(m.mean_reach), "services that one needs on average"),
        row("largest blast radius", share(m.max_blast_radius), "share of services that one can take down"),
        row("cycles", m.cycles.to_string(), "groups of services that wait for each other"),
        row("largest cycle", m.largest_cycle.to_string(), "services in the largest of them"),
        row("depth", m.depth.to_string(), "hops of the longest chain, a cycle counted as one"),
    ]
}

/// What drives the score.
#[derive(Template)]
#[template(path = "drivers.html", escape = "html", config = "src/report/html/askama.toml")]
pub struct Drivers {
    terms: Vec<TermView>,
    first: usize,
    marginals: Vec<(usize, String, String)>,
    measured: bool,
    cycles: Vec<CycleView>,
    chains: Vec<ChainView>,
    shared: Vec<SharedView>,
}

struct TermView {
    key: usize,
    name: String,
    up: u32,
    down: u32,
    value: String,
    wide: i32,
}

struct CycleView {
    members: Vec<(usize, String)>,
    edges: Vec<(usize, String)>,
    tables: Vec<String>,
}

struct ChainView {
    hops: usize,
    names: Vec<(usize, String)>,
    medians: Option<String>,
}

struct SharedView {
    table: String,
    database: String,
    writers: Vec<(Option<usize>, String)>,
    places: Vec<String>,
}

/// What drives the score of a system.
#[must_use]
pub fn drivers(system: &System<'_>) -> Drivers {
    let named = |i: usize| (i, system.names[i].clone());
    let score = system.result.score.as_ref();
    let terms = score.map(|s| s.terms.as_slice()).unwrap_or_default();
    let terms: Vec<TermView> = terms
        .iter()
        .filter_map(|t| {
            let key = system.find(&t.service)?;
            let wide = (t.value * 120.0).round() as i32;
            Some(TermView {
                key,
                name: system.names[key].clone(),
                up: t.up,
                down: t.down,
                value: format!("{:.3}", t.value),
                wide,
            })
        })
        .collect();
    let marginals = score.map(|s| s.marginals.as_slice()).unwrap_or_default();
    let marginals: Vec<(usize, String, String)> = marginals
        .iter()
        .filter(|m| m.value > 0.0)
        .filter_map(|m| {
            let (a, b) = (system.find(&m.source)?, system.find(&m.target)?);
            let edge = system.out[a].iter().copied().find(|d| system.waits(*d) == Some((a, b)))?;
            Some((edge, format!("{} → {}", system.names[a], system.names[b]), format!("{:.2}", m.value)))
        })
        .take(FIRST)
        .collect();
    let count = score.map_or(0, |s| s.figures.cycles.len());
    let cycles = (0..count)
        .map(|number| CycleView {
            members: (0..system.names.len()).filter(|i| system.cycles[*i] == Some(number)).map(named).collect(),
            edges: (0..system.ends.len())
                .filter_map(|d| Some((d, system.waits(d)?)))
                .filter(|(_, (a, b))| system.cycles[*a] == Some(number) && system.cycles[*b] == Some(number))
                .map(|(d, (a, b))| (d, format!("{} → {}", system.names[a], system.names[b])))
                .take(LISTED)
                .collect(),
            tables: system
                .result
                .shared_writes
                .iter()
                .filter(|w| w.services.iter().any(|s| system.find(s).and_then(|i| system.cycles[i]) == Some(number)))
                .map(|w| clean(&w.table))
                .collect(),
        })
        .collect();
    Drivers {
        terms,
        first: FIRST,
        measured: !marginals.is_empty(),
        marginals,
        cycles,
        chains: system.chains().into_iter().take(FIRST).map(|(hops, c)| chain(system, hops, &c)).collect(),
        shared: shared(system),
    }
}

fn chain(system: &System<'_>, hops: usize, services: &[usize]) -> ChainView {
    let median = |a: usize, b: usize| {
        let edge = system.out[a].iter().find(|d| system.waits(**d) == Some((a, b)))?;
        system.dependency(*edge).p50_us
    };
    let medians: Vec<Option<u64>> = services.windows(2).map(|w| median(w[0], w[1])).collect();
    let any = medians.iter().any(Option::is_some);
    let text = medians.iter().map(|m| m.map_or_else(|| "?".to_owned(), super::duration)).collect::<Vec<_>>();
    ChainView {
        hops,
        names: services.iter().map(|i| (*i, system.names[*i].clone())).collect(),
        medians: any.then(|| text.join(" → ")),
    }
}

fn shared(system: &System<'_>) -> Vec<SharedView> {
    let all = system.result.shared_writes.iter().map(|s| SharedView {
        table: clean(&s.table),
        database: clean(s.database.as_deref().unwrap_or("not known")),
        writers: s.services.iter().map(|n| (system.find(n), clean(n))).collect(),
        places: s.evidence.iter().take(LISTED).map(|e| clean(&format!("{} {}", e.place, e.says))).collect(),
    });
    all.collect()
}

/// Owners of data, ranked.
#[derive(Template)]
#[template(path = "entities.html", escape = "html", config = "src/report/html/askama.toml")]
pub struct Entities {
    rows: Vec<EntityView>,
    others: usize,
}

struct EntityView {
    key: Option<usize>,
    name: String,
    rank: u32,
    class: String,
    gain: String,
    fan_in: u32,
    page_rank: u32,
    why: String,
    differs: String,
    tests: Vec<[String; 3]>,
    tables: String,
    fields: String,
    operations: String,
    readers: String,
    writers: String,
}

/// The ranking: those with a gain first, each with its reasons.
#[must_use]
pub fn entities(system: &System<'_>) -> Entities {
    let mut all: Vec<_> = system.result.entities.iter().collect();
    all.sort_by_key(|e| (if e.rank == 0 { u32::MAX } else { e.rank }, e.service.clone()));
    let rows: Vec<EntityView> = all
        .iter()
        .map(|e| {
            let tests = e.tests.iter().map(|(id, passed)| {
                let said = passed.map_or("not known", |p| if p { "yes" } else { "no" });
                [id.clone(), said.to_owned(), clean(e.because.get(id).map_or("", String::as_str))]
            });
            EntityView {
                key: system.find(&e.service),
                name: clean(&e.service),
                rank: e.rank,
                class: super::word(&e.class),
                gain: e.gain.map_or_else(|| "not tried".to_owned(), |g| format!("{g:.2}")),
                fan_in: e.rank_by_fan_in,
                page_rank: e.rank_by_page_rank,
                why: why(e),
                differs: clean(&e.rank_because),
                tests: tests.collect(),
                tables: clean(&e.tables.join(", ")),
                fields: fields(e),
                operations: clean(&e.operations.iter().take(LISTED).cloned().collect::<Vec<_>>().join(", ")),
                readers: clean(&e.readers.join(", ")),
                writers: clean(&e.writers.join(", ")),
            }
        })
        .collect();
    let others = rows.iter().filter(|r| r.rank == 0).count();
    Entities { rows, others }
}

/// Stored fields with their types; a key is marked.
fn fields(e: &crate::model::Entity) -> String {
    let one = |f: &crate::model::EntityField| {
        let kind = if f.type_name.is_empty() { "type not known" } else { &f.type_name };
        format!("{} {kind}{}", f.name, if f.key { ", key" } else { "" })
    };
    let mut all: Vec<String> = e.fields.iter().take(2 * LISTED).map(one).collect();
    if e.fields.len() > 2 * LISTED {
        all.push(format!("and {} more", e.fields.len() - 2 * LISTED));
    }
    clean(&all.join("; "))
}

fn why(e: &crate::model::Entity) -> String {
    let readers = e.readers.len();
    match (e.rank, readers) {
        (0, 0) => "nobody reads it while waiting".to_owned(),
        (0, 1) => "1 service reads it, but other calls keep every edge".to_owned(),
        (0, n) => format!("{n} services read it, but other calls keep every edge"),
        (_, 1) => format!("1 service reads it; published, the score falls by {:.2}", e.gain.unwrap_or_default()),
        (_, n) => format!("{n} services read it; published, the score falls by {:.2}", e.gain.unwrap_or_default()),
    }
}

/// Dependencies by which inputs show them.
#[derive(Template)]
#[template(path = "drift.html", escape = "html", config = "src/report/html/askama.toml")]
pub struct Drift {
    measured: bool,
    static_only: bool,
    rows: Vec<[String; 4]>,
    only_traces: Vec<(usize, String)>,
    only_code: Vec<(usize, String)>,
}

/// Where code and traces agree, and where not.
#[must_use]
pub fn drift(system: &System<'_>) -> Drift {
    let measured = system.result.traffic.is_some();
    let mut rows = Vec::new();
    let (mut only_traces, mut only_code) = (Vec::new(), Vec::new());
    for mode in [Mode::Sync, Mode::Async, Mode::Data] {
        let (mut both, mut traces, mut code) = (0u32, 0u32, 0u32);
        for (index, ends) in system.ends.iter().enumerate() {
            let (Some((a, b)), true) = (ends, system.dependency(index).mode == mode) else { continue };
            let text = || format!("{} → {} ({})", system.names[*a], system.names[*b], mode.as_str());
            match crate::report::system::agreement(system.dependency(index)) {
                (true, true) => both += 1,
                (true, false) => {
                    traces += 1;
                    only_traces.push((index, text()));
                }
                _ => {
                    code += 1;
                    only_code.push((index, text()));
                }
            }
        }
        rows.push([mode.as_str().to_owned(), both.to_string(), traces.to_string(), code.to_string()]);
    }
    let static_only = !system.result.dependencies.iter().any(|d| crate::report::system::agreement(d).1);
    Drift { measured, static_only, rows, only_traces, only_code }
}
