//! Generated topologies: a random tree of calls whose edges are known by construction, written in a random format,
//! shuffled, split and doubled at random.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::made::{
    CLIENT, CONSUMER, INTERNAL, Made, PRODUCER, SERVER, assert_ledger, jaeger, otlp, otlp_json, outcome, read, rows,
    without_files, zipkin,
};
use super::parts::{folded, tsv};

/// What a request does, in turn.
#[derive(Debug, Clone)]
enum Step {
    Call { to: usize, wrapped: bool, lost: bool, below: Vec<Step> },
    Ask(usize),
    Publish { to: Vec<usize>, linked: bool },
    Outside,
    Think,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let leaf = prop_oneof![
        (0..3usize).prop_map(Step::Ask),
        (proptest::collection::vec(0..6usize, 1..4), any::<bool>())
            .prop_map(|(to, linked)| Step::Publish { to, linked }),
        Just(Step::Outside),
        Just(Step::Think),
    ];
    let step = leaf.prop_recursive(4, 40, 4, |inner| {
        (0..6usize, any::<bool>(), proptest::bool::weighted(0.1), proptest::collection::vec(inner, 0..4))
            .prop_map(|(to, wrapped, lost, below)| Step::Call { to, wrapped, lost, below })
    });
    proptest::collection::vec(step, 1..6)
}

/// Spans and the rows that they must give.
#[derive(Default)]
struct World {
    spans: Vec<Made>,
    expected: BTreeMap<String, u64>,
    next: u64,
    traces: u128,
    links: bool,
}

impl World {
    fn expect(&mut self, relation: &str, source: &str, target: &str, protocol: &str) {
        *self.expected.entry(format!("{relation} {source} -> {target} {protocol}")).or_default() += 1;
    }

    fn span(&mut self, service: &str, trace: u128, parent: u64, kind: i32) -> Made {
        self.next += 1;
        Made::new(service, trace, self.next, parent, kind)
    }

    fn run(&mut self, service: &str, trace: u128, parent: u64, steps: &[Step]) {
        for step in steps {
            match step {
                Step::Think => {
                    let inside = self.span(service, trace, parent, INTERNAL);
                    self.spans.push(inside);
                }
                Step::Outside => {
                    let out = self.span(service, trace, parent, CLIENT).with("server.address", "api.example.com");
                    self.spans.push(out);
                    self.expect("external", service, "api.example.com", "http");
                }
                Step::Ask(n) => {
                    let (system, host) = [("db.system", "one"), ("db.system.name", "two"), ("db.system", "two")][*n];
                    let ask = self.span(service, trace, parent, CLIENT).with(system, "mysql");
                    let verb = ["INSERT", "SELECT", "connect"][*n];
                    self.spans.push(ask.with("server.address", host).with("db.operation.name", verb));
                    self.expect("db", service, &format!("mysql@{host}"), "mysql");
                }
                Step::Call { to, wrapped, lost, below } => {
                    self.call(service, trace, parent, *to, (*wrapped, *lost), below)
                }
                Step::Publish { to, linked } => self.publish(service, trace, parent, to, *linked && self.links),
            }
        }
    }

    fn call(&mut self, from: &str, trace: u128, parent: u64, to: usize, how: (bool, bool), below: &[Step]) {
        let target = format!("s{to}");
        let client = self.span(from, trace, parent, CLIENT).with("server.address", &target);
        let mut up = client.id;
        self.spans.push(client);
        if how.1 {
            // The server's span never came; that it is a service is known if it occurs anywhere.
            self.expect("unpaired_client", from, &target, "http");
            return;
        }
        if how.0 {
            let inside = self.span(from, trace, up, INTERNAL);
            up = inside.id;
            self.spans.push(inside);
        }
        let server = self.span(&target, trace, up, SERVER);
        let id = server.id;
        self.spans.push(server);
        self.expect("sync", from, &target, "http");
        self.run(&target, trace, id, below);
    }

    fn publish(&mut self, from: &str, trace: u128, parent: u64, to: &[usize], linked: bool) {
        let producer = self.span(from, trace, parent, PRODUCER).topic("kafka", "t");
        let id = producer.id;
        self.spans.push(producer);
        self.expect("publish", from, "t", "kafka");
        for n in to {
            let service = format!("s{n}");
            self.expect("consume", "t", &service, "kafka");
            let consumer = if linked {
                self.traces += 1;
                let own = 1_000 + self.traces;
                self.expect("async_link", from, &service, "kafka");
                self.span(&service, own, 0, CONSUMER).linked(trace, id)
            } else {
                self.expect("async_parent", from, &service, "kafka");
                self.span(&service, trace, id, CONSUMER)
            };
            self.spans.push(consumer.topic("kafka", "t"));
        }
    }
}

fn world(requests: &[Vec<Step>], links: bool) -> World {
    let mut world = World { links, ..World::default() };
    // Every service answers once, so that all are known.
    for n in 0..6 {
        let answer = world.span(&format!("s{n}"), 900 + n, 0, SERVER);
        world.spans.push(answer);
    }
    for (n, steps) in requests.iter().enumerate() {
        let trace = n as u128 + 1;
        let root = world.span("edge", trace, 0, SERVER);
        let id = root.id;
        world.spans.push(root);
        world.run("edge", trace, id, steps);
    }
    world
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// Rows equal the construction, and the ledger the number of spans, whatever the format, order and split.
    #[test]
    fn generated_topologies_equal_their_construction(
        requests in proptest::collection::vec(steps(), 1..4),
        format in 0..4usize,
        keys in proptest::collection::vec(any::<u32>(), 64),
        files in 1..4usize,
        doubled in any::<bool>(),
    ) {
        let world = world(&requests, format != 3);
        let mut spans = world.spans.clone();
        // A shuffle by keys, and a split among files.
        let n = spans.len() as u64;
        spans.sort_by_key(|s| keys[s.id as usize % keys.len()].wrapping_mul(s.id as u32 | 1));
        let mut parts: Vec<Vec<Made>> = vec![Vec::new(); files];
        for (at, span) in spans.into_iter().enumerate() {
            parts[keys[at % keys.len()] as usize % files].push(span);
        }
        if doubled {
            parts.push(parts[0].clone());
        }
        let copies = if doubled { parts[0].len() as u64 } else { 0 };
        let write = [otlp, otlp_json, jaeger, zipkin][format];
        let files: Vec<(&str, Vec<u8>)> =
            parts.iter().filter(|p| !p.is_empty()).map(|p| ("part", write(p))).collect();
        let traffic = read(files);
        let mut expected: Vec<String> = world.expected.iter().map(|(row, n)| format!("{row} x{n}")).collect();
        let mut seen = rows(&traffic);
        expected.sort();
        seen.sort();
        prop_assert_eq!(seen, expected);
        assert_ledger(&traffic, n + copies);
        prop_assert_eq!(traffic.ledger.get("duplicate").copied().unwrap_or(0), copies);
    }

    /// The whole result, not only its rows, is the same for every order and split.
    #[test]
    fn order_and_split_do_not_matter(requests in proptest::collection::vec(steps(), 1..3), turn in any::<u32>(), cut in 1..100usize) {
        let spans = world(&requests, true).spans;
        let whole = read(vec![("a", otlp(&spans))]);
        let mut other = spans.clone();
        other.sort_by_key(|s| (s.id as u32).wrapping_mul(turn | 1));
        let (left, right) = other.split_at(cut.min(other.len() - 1).max(1).min(other.len()));
        let files = [left, right].into_iter().filter(|p| !p.is_empty()).map(|p| ("x", otlp(p))).collect();
        prop_assert_eq!(read(files), whole.clone());
        other.reverse();
        prop_assert_eq!(read(vec![("a", jaeger(&other))]), whole);
    }

    /// Results of parts of the traces add up to the result of the whole.
    #[test]
    fn results_of_separate_traces_merge(requests in proptest::collection::vec(steps(), 2..5)) {
        let world = world(&requests, false);
        let whole = read(vec![("a", otlp(&world.spans))]);
        let mut merged: Option<unbraid::model::Traffic> = None;
        // Every part knows all services by the six answers.
        let (answers, rest): (Vec<Made>, Vec<Made>) = world.spans.into_iter().partition(|s| s.trace >= 900);
        for trace in 1..=requests.len() as u128 {
            let mut part: Vec<Made> = rest.iter().filter(|s| s.trace == trace).cloned().collect();
            part.extend(answers.iter().cloned().map(|mut s| { s.trace += trace * 10_000; s }));
            let traffic = read(vec![("a", otlp(&part))]);
            match &mut merged {
                Some(all) => all.merge(traffic),
                None => merged = Some(traffic),
            }
        }
        let merged = merged.expect("parts");
        prop_assert_eq!(rows(&merged), rows(&whole));
        for (a, b) in merged.rows.iter().zip(&whole.rows) {
            prop_assert_eq!((&a.histogram, a.requests, a.duration_us), (&b.histogram, b.requests, b.duration_us));
        }
    }

    /// Parts folded apart, whole traces in each, are the whole result when merged, whatever the split.
    #[test]
    fn parts_of_rows_merge(requests in proptest::collection::vec(steps(), 1..4), turn in any::<u64>()) {
        let spans = world(&requests, true).spans;
        let whole = read(vec![("a", otlp(&spans))]);
        let mut merged = unbraid::ingest::fold::PartialGraph::default();
        for part in 0..3 {
            let own = |s: &&Made| (s.trace as u64).wrapping_mul(turn | 1) >> 13 & 3 == part || part == 0 && (s.trace as u64).wrapping_mul(turn | 1) >> 13 & 3 == 3;
            merged = merged.merge(folded(&tsv(&spans.iter().filter(own).cloned().collect::<Vec<_>>())));
        }
        prop_assert_eq!(without_files(merged.finish(&[])), whole);
    }

    /// Random bytes, also behind a good start, never panic.
    #[test]
    fn random_bytes_are_data(tail in proptest::collection::vec(any::<u8>(), 0..400), keep in 0usize..600) {
        let mut bytes = otlp(&[Made::new("a", 1, 1, 0, CLIENT), Made::new("b", 1, 2, 1, SERVER)]);
        bytes.truncate(keep);
        bytes.extend(tail);
        drop(outcome(bytes));
    }
}
