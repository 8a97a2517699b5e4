//! Partitions, replicas and retention of the topics of a step, each with its formula and the figures in it.
//!
//! Takes the user's peak, or what traces measured: how often the owner was asked to write, and over which time. Traces
//! give a mean; the peak is taken as a multiple of it, and both stand in the sentence. Without either a default stands.

use crate::analyze::Analysis;
use crate::analyze::knowledge::{Lexicon, words};
use crate::model::design::Capacity;
use crate::model::{Relation, Traffic, TrafficRow, counted};

use super::options::Options;

/// Partitions without a measured peak: a common default that divides well among 2, 3 and 6 consumers (ours).
const PARTITIONS: u32 = 6;
/// Events that one consumer is sure to keep up with, in events a second (ours, deliberately low).
const CONSUMER_RATE: f64 = 200.0;
/// Reserve above a peak (ours).
const RESERVE: f64 = 2.0;
/// The peak of a load of which only the mean is known, as a multiple of the mean (ours).
const PEAK_TO_MEAN: f64 = 5.0;
/// A rate over less than this many seconds is a moment, no load (ours).
const SHORTEST: f64 = 60.0;
/// Replicas of a topic, so that one broker may be down while writes need two (Kafka's usual advice).
const REPLICAS: u32 = 3;
/// How long business events are kept: 7 days, Kafka's own default of `log.retention.hours`.
const RETENTION_MS: u64 = 7 * 24 * 3_600_000;

/// Writes that an owner was asked for, and the seconds from the first to the last call of it.
struct Measured {
    writes: f64,
    seconds: f64,
    operations: Vec<String>,
    sampled: bool,
}

/// Figures for the topics of an owner.
#[must_use]
pub fn capacity(analysis: &Analysis, options: &Options, owner: &str, consumers: usize) -> Capacity {
    let mut because = Vec::new();
    let measured = measured(analysis, owner);
    let rate = measured.as_ref().filter(|m| m.seconds >= SHORTEST && m.writes > 0.0).map(|m| m.writes / m.seconds);
    let peak = match (options.peak, rate, &measured) {
        (Some(peak), _, _) => Some((peak, format!("peak {peak} changes/s as given"))),
        (None, Some(rate), Some(m)) => {
            because.push(mean(owner, rate, m));
            let peak = rate * PEAK_TO_MEAN;
            Some((peak, format!("peak {peak:.2} changes/s = {PEAK_TO_MEAN} × the mean, since traces say no peak")))
        }
        _ => None,
    };
    let partitions = if let Some((peak, said)) = peak {
        let needed = (peak * RESERVE / CONSUMER_RATE).ceil().clamp(1.0, f64::from(u16::MAX)) as u32;
        because.push(format!(
            "partitions = max({PARTITIONS}, ⌈peak × {RESERVE} / {CONSUMER_RATE} events/s of one consumer⌉ = {needed}), {said}"
        ));
        needed.max(PARTITIONS)
    } else {
        let why = match &measured {
            None => "no peak was given (--peak) and no trace was read".to_owned(),
            Some(m) if m.writes == 0.0 => "no peak was given (--peak) and traces show no write".to_owned(),
            Some(m) => format!(
                "no peak was given (--peak), and {} within {:.1} s of traces say no rate (at least {SHORTEST} s)",
                counted(m.writes as usize, "write"),
                m.seconds
            ),
        };
        because.push(format!(
            "partitions = {PARTITIONS}: {why}; with a peak it is max({PARTITIONS}, ⌈peak × {RESERVE} / {CONSUMER_RATE}⌉)"
        ));
        PARTITIONS
    };
    because.push("no consumer may run more instances than there are partitions: raise them before the step, since a change later moves keys".to_owned());
    because.push(format!("replicas = {REPLICAS} with min.insync.replicas = 2: one broker may be down"));
    because.push("entity topics are compacted: the last state of every key stays for ever".to_owned());
    let held = rate.map_or_else(String::new, |rate| {
        format!("; at the mean about {:.0} events of one topic", rate * RETENTION_MS as f64 / 1000.0)
    });
    because.push(format!(
        "event topics keep {} days: as long as {} may be down{held}",
        RETENTION_MS / 86_400_000,
        if consumers == 1 { "the consumer".to_owned() } else { format!("one of the {consumers} consumers") }
    ));
    Capacity { partitions, replicas: REPLICAS, retention_ms: RETENTION_MS, because }
}

fn mean(owner: &str, rate: f64, measured: &Measured) -> String {
    let sampled = if measured.sampled { ", counted up by the sampling that spans state" } else { "" };
    let more = measured.operations.len().saturating_sub(3);
    let mut named = measured.operations.iter().take(3).cloned().collect::<Vec<_>>().join(", ");
    if more > 0 {
        named.push_str(&format!(" and {more} more"));
    }
    format!(
        "measured: {} of {owner} ({named}) in {:.0} s of traces{sampled} = {rate:.2}/s on average",
        counted(measured.writes as usize, "write"),
        measured.seconds
    )
}

/// What traces say about writes of an owner; `None` where none were read.
fn measured(analysis: &Analysis, owner: &str) -> Option<Measured> {
    let traffic = analysis.graph.parts().traffic.as_ref()?;
    let mut names = vec![owner.to_owned()];
    names.extend(analysis.graph.service(owner).map(|s| s.aliases.clone()).unwrap_or_default());
    let (first, last, sampling) = window(traffic, &names);
    let lexicon = &analysis.knowledge.lexicon;
    let asked = traffic.served.iter().filter(|s| names.contains(&s.service) && is_write(lexicon, &s.operation));
    let mut operations = Vec::new();
    let mut writes = 0;
    for served in asked {
        operations.push(served.operation.clone());
        writes += served.requests;
    }
    Some(Measured {
        writes: (writes as f64 * sampling.unwrap_or(1.0)).round(),
        seconds: last.saturating_sub(first) as f64 / 1e6,
        operations,
        sampled: sampling.is_some(),
    })
}

/// First and last call of a service in microseconds (of the whole system where nobody is seen to call it), and how many
/// calls one recorded call stands for.
fn window(traffic: &Traffic, names: &[String]) -> (u64, u64, Option<f64>) {
    let called = |row: &&TrafficRow| names.contains(&row.target);
    let own = |row: &&TrafficRow| called(row) || names.contains(&row.source) && row.relation == Relation::Db;
    let span = |rows: &[&TrafficRow]| {
        let first = rows.iter().filter_map(|r| r.first_us).min()?;
        rows.iter().filter_map(|r| r.last_us).max().filter(|last| *last > first).map(|last| (first, last))
    };
    let rows: Vec<&TrafficRow> = traffic.rows.iter().collect();
    let owned: Vec<&TrafficRow> = rows.iter().copied().filter(own).collect();
    let (first, last) = span(&owned).or_else(|| span(&rows)).unwrap_or_default();
    let estimates = owned.iter().copied().filter(called).filter_map(|r| r.estimated_calls.map(|e| (r.calls, e)));
    let (calls, estimated) = estimates.fold((0, 0), |sum, (calls, estimated)| (sum.0 + calls, sum.1 + estimated));
    let sampling = (calls > 0 && estimated > calls).then(|| estimated as f64 / calls as f64);
    (first, last, sampling)
}

/// `POST /orders`, or a method of an interface whose first word commands.
fn is_write(lexicon: &Lexicon, operation: &str) -> bool {
    if let Some((method, _)) = operation.split_once(' ') {
        return ["POST", "PUT", "PATCH", "DELETE"].iter().any(|m| m.eq_ignore_ascii_case(method));
    }
    let method = operation.rsplit(['/', '.']).next().unwrap_or(operation);
    words(method).first().is_some_and(|first| lexicon.command.contains(first) && !lexicon.query.contains(first))
}
