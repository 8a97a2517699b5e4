//! What traces measured: per edge, per service, per operation where requests enter, and calls made again and again.

use std::collections::BTreeMap;

use askama::Template;

use crate::model::{Dependency, Mode, Relation, RepeatedCalls, TrafficRow, counted};
use crate::report::clean;
use crate::report::system::System;

use super::duration;

/// Rows of one table; the rest is in `graph.json`.
const ROWS: usize = 30;
/// The name of the fact that lists examples.
pub const EXAMPLES: &str = "examples, trace id / span id";
/// Operations named with an edge.
const OPERATIONS: usize = 8;

/// Traffic by the services of the graph.
pub struct Observed<'r> {
    rows: BTreeMap<(usize, usize), Vec<&'r TrafficRow>>,
    repeated: BTreeMap<(usize, usize), Vec<&'r RepeatedCalls>>,
    /// Requests and errors of each service.
    served: BTreeMap<usize, (u64, u64)>,
    /// Time on critical paths of each service, and of all.
    critical: BTreeMap<usize, u64>,
    time: u64,
}

impl<'r> Observed<'r> {
    /// Finds the services that traces name.
    #[must_use]
    pub fn of(system: &System<'r>) -> Self {
        let mut at: BTreeMap<&str, usize> = BTreeMap::new();
        for (index, service) in system.result.services.iter().enumerate() {
            for alias in &service.aliases {
                at.entry(alias).or_insert(index);
            }
        }
        let find = |name: &str| system.find(name).or_else(|| at.get(name).copied());
        let mut all = Self {
            rows: BTreeMap::new(),
            repeated: BTreeMap::new(),
            served: BTreeMap::new(),
            critical: BTreeMap::new(),
            time: 0,
        };
        let Some(traffic) = &system.result.traffic else { return all };
        for row in &traffic.rows {
            // `system:namespace@host:port`: the host names the store.
            let host = row.target.split_once('@').map_or(row.target.as_str(), |(_, host)| host);
            let host = host.split(':').next().unwrap_or(host);
            let target = if row.relation == Relation::Db { find(host) } else { find(&row.target) };
            if let (Some(a), Some(b)) = (find(&row.source), target) {
                all.rows.entry((a, b)).or_default().push(row);
            }
        }
        for calls in &traffic.repeated {
            if let (Some(a), Some(b)) = (find(&calls.source), find(&calls.target)) {
                all.repeated.entry((a, b)).or_default().push(calls);
            }
        }
        for served in &traffic.served {
            if let Some(service) = find(&served.service) {
                let own = all.served.entry(service).or_default();
                *own = (own.0 + served.requests, own.1 + served.errors);
            }
        }
        for part in &traffic.critical {
            all.time += part.duration_us;
            if let Some(service) = find(&part.service) {
                *all.critical.entry(service).or_default() += part.duration_us;
            }
        }
        all
    }

    /// What traces say of a service: requests with the share without an error, and its share of critical paths.
    #[must_use]
    pub fn service(&self, at: usize) -> String {
        let mut said = Vec::new();
        if let Some((requests, errors)) = self.served.get(&at) {
            said.push(format!("{}, {}", counted(*requests, "request"), available(*requests, *errors)));
        }
        if let Some(time) = self.critical.get(&at).filter(|_| self.time > 0) {
            said.push(format!("{} of the time on critical paths", share(*time, self.time)));
        }
        said.join("; ")
    }

    /// What traces say of a dependency, each fact with its name.
    #[must_use]
    pub fn edge(&self, ends: Option<(usize, usize)>, d: &Dependency) -> Vec<(&'static str, String)> {
        let mut facts = vec![("calls in traces", counts(d))];
        let rows: Vec<&&TrafficRow> = ends.and_then(|e| self.rows.get(&e)).into_iter().flatten().collect();
        let rows: Vec<&&TrafficRow> = rows.into_iter().filter(|r| fits(r.relation, d.mode)).collect();
        let sum = |of: &dyn Fn(&TrafficRow) -> u64| rows.iter().map(|r| of(r)).sum::<u64>();
        let (calls, requests) = (sum(&|r| r.calls), sum(&|r| r.requests));
        if calls == 0 {
            return facts;
        }
        facts.push(("available", available(calls, sum(&|r| r.errors))));
        if let [row] = rows.as_slice()
            && let Some(latency) = row.latency_us
        {
            facts.push(("99th percentile", duration(latency.p99)));
        }
        if requests > 0 {
            facts.push(("calls per request", format!("{:.1}", calls as f64 / requests as f64)));
        }
        let mut some = |what, n: u64, how: &str| {
            if n > 0 {
                facts.push((what, format!("{n} ({how})")));
            }
        };
        some("retries", sum(&|r| r.retries), "sent again");
        some("at the same time as another call", sum(&|r| r.concurrent), &share(sum(&|r| r.concurrent), calls));
        some("outlived their request", sum(&|r| r.outlived), "nobody waited");
        facts.extend(self.details(ends, &rows));
        facts
    }

    /// Operations, repeated calls and examples.
    fn details(&self, ends: Option<(usize, usize)>, rows: &[&&TrafficRow]) -> Vec<(&'static str, String)> {
        let mut facts = Vec::new();
        let mut operations: Vec<_> = rows.iter().flat_map(|r| &r.operations).collect();
        operations.sort_by_key(|o| (std::cmp::Reverse(o.calls), &o.name));
        if !operations.is_empty() {
            let more = operations.len().saturating_sub(OPERATIONS);
            let mut all: Vec<String> =
                operations.iter().take(OPERATIONS).map(|o| format!("{} ({})", o.name, o.calls)).collect();
            if more > 0 {
                all.push(format!("and {more} more"));
            }
            facts.push(("operations in traces", clean(&all.join(", "))));
        }
        let repeated = ends.and_then(|e| self.repeated.get(&e)).into_iter().flatten();
        let repeated: Vec<String> = repeated
            .take(OPERATIONS)
            .map(|r| {
                let requests = counted(r.groups, "request");
                format!("{} up to {} times in one request ({requests})", clean(&r.call), r.most)
            })
            .collect();
        if !repeated.is_empty() {
            facts.push(("called again and again", repeated.join("; ")));
        }
        let mut examples: Vec<String> = rows.iter().flat_map(|r| &r.exemplars).map(|e| clean(e)).collect();
        examples.sort();
        examples.truncate(crate::model::traffic::EXEMPLARS);
        if !examples.is_empty() {
            facts.push((EXAMPLES, examples.join(", ")));
        }
        facts
    }
}

/// Does a relation show a dependency of this mode?
fn fits(relation: Relation, mode: Mode) -> bool {
    match relation {
        Relation::Sync | Relation::Inferred | Relation::UnpairedClient | Relation::External => mode == Mode::Sync,
        Relation::Db => mode == Mode::Data,
        Relation::AsyncLink | Relation::AsyncParent => mode == Mode::Async,
        _ => false,
    }
}

/// Calls, errors and latency in words.
fn counts(d: &Dependency) -> String {
    let Some(calls) = d.calls else { return "not measured".to_owned() };
    let mut text = counted(calls, "call");
    if let Some(errors) = d.errors {
        text.push_str(&format!(", {errors} with an error"));
    }
    if let (Some(p50), Some(p95)) = (d.p50_us, d.p95_us) {
        text.push_str(&format!(", median {}, 95th percentile {}", duration(p50), duration(p95)));
    }
    text
}

fn available(requests: u64, errors: u64) -> String {
    format!("{} without an error", share(requests.saturating_sub(errors), requests))
}

/// A share in per cent; three digits where it is nearly all.
fn share(part: u64, all: u64) -> String {
    let percent = part as f64 * 100.0 / all.max(1) as f64;
    if percent > 99.0 && part < all { format!("{percent:.3}\u{a0}%") } else { format!("{percent:.0}\u{a0}%") }
}

/// The section.
#[derive(Template)]
#[template(path = "traffic.html", escape = "html", config = "src/report/html/askama.toml")]
pub struct TrafficSection {
    measured: bool,
    entries: Vec<[String; 7]>,
    more_entries: usize,
    paths: Vec<[String; 2]>,
    repeated: Vec<[String; 6]>,
    more_repeated: usize,
}

/// Where requests enter, what their time is spent on, and what is called again and again.
#[must_use]
pub fn section(system: &System<'_>) -> TrafficSection {
    let Some(traffic) = &system.result.traffic else {
        return TrafficSection {
            measured: false,
            entries: Vec::new(),
            more_entries: 0,
            paths: Vec::new(),
            repeated: Vec::new(),
            more_repeated: 0,
        };
    };
    let mut entries: Vec<_> = traffic.served.iter().filter(|s| s.entries > 0).collect();
    entries.sort_by_key(|s| (std::cmp::Reverse(s.entries), &s.service, &s.operation));
    let mut repeated: Vec<_> = traffic.repeated.iter().collect();
    repeated.sort_by_key(|r| (std::cmp::Reverse(r.calls), &r.source, &r.target, &r.call));
    TrafficSection {
        measured: true,
        more_entries: entries.len().saturating_sub(ROWS),
        entries: entries.iter().take(ROWS).map(|s| entry(s)).collect(),
        paths: paths(system),
        more_repeated: repeated.len().saturating_sub(ROWS),
        repeated: repeated
            .iter()
            .take(ROWS)
            .map(|r| {
                let call = clean(&format!("{} → {}: {}", r.source, r.target, r.call));
                let [groups, calls, most] = [r.groups, r.calls, r.most].map(|n| n.to_string());
                [call, clean(&r.operation), groups, calls, most, clean(&r.exemplar)]
            })
            .collect(),
    }
}

fn entry(s: &crate::model::OperationServed) -> [String; 7] {
    let latency = s.latency_us.map_or_else(
        || "not measured".to_owned(),
        |l| format!("{} / {} / {}", duration(l.p50), duration(l.p95), duration(l.p99)),
    );
    let per_request = |n: u64| format!("{:.1}", n as f64 / s.requests.max(1) as f64);
    [
        clean(&format!("{}: {}", s.service, s.operation)),
        s.entries.to_string(),
        available(s.requests, s.errors),
        latency,
        per_request(s.calls),
        s.targets_most.to_string(),
        format!("{} (at most {})", per_request(s.depth_sum), s.depth_most),
    ]
}

/// Services by their share of the time on critical paths.
fn paths(system: &System<'_>) -> Vec<[String; 2]> {
    let mut by: BTreeMap<&str, u64> = BTreeMap::new();
    for part in system.result.traffic.iter().flat_map(|t| &t.critical) {
        *by.entry(&part.service).or_default() += part.duration_us;
    }
    let all: u64 = by.values().sum();
    let mut by: Vec<(&str, u64)> = by.into_iter().collect();
    by.sort_by_key(|(name, time)| (std::cmp::Reverse(*time), *name));
    by.into_iter().take(ROWS / 2).map(|(name, time)| [clean(name), share(time, all)]).collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn nearly_all_is_not_all() {
        assert_eq!(super::share(1, 3), "33\u{a0}%");
        assert_eq!(super::share(9_999, 10_000), "99.990\u{a0}%");
        assert_eq!(super::share(5, 5), "100\u{a0}%");
    }
}
