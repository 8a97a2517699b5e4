//! Input that means harm or is broken: reported, bounded, never a panic.

use super::made::{CLIENT, CONSUMER, INTERNAL, Made, PRODUCER, SERVER, assert_ledger, of, otlp, outcome, read, rows};

#[test]
fn parents_in_a_circle_and_spans_that_are_their_own_parents_come_to_an_end() {
    let mut spans: Vec<Made> =
        (1..=50u64).map(|n| Made::new("a", 1, n, if n == 50 { 1 } else { n + 1 }, INTERNAL)).collect();
    spans.push(Made::new("a", 1, 100, 100, SERVER));
    spans.push(Made::new("b", 1, 101, 102, CLIENT));
    spans.push(Made::new("c", 1, 102, 101, SERVER));
    spans.push(Made::new("c", 1, 103, 104, CONSUMER).topic("kafka", "t"));
    spans.push(Made::new("c", 1, 104, 103, PRODUCER).topic("kafka", "t"));
    let traffic = of(&spans);
    assert_ledger(&traffic, 55);
}

#[test]
fn a_chain_of_many_thousand_steps_is_walked_once() {
    let mut spans: Vec<Made> = (1..=30_000u64).map(|n| Made::new("a", 1, n, n - 1, INTERNAL)).collect();
    spans.push(Made::new("a", 1, 30_001, 30_000, CLIENT).with("server.address", "x.com"));
    let traffic = of(&spans);
    assert_eq!(rows(&traffic), ["external a -> x.com http x1"]);
    assert_ledger(&traffic, 30_001);
}

#[test]
fn many_thousand_children_of_one_span_are_counted() {
    let mut spans = vec![Made::new("a", 1, 1, 0, SERVER)];
    spans.extend((2..=60_000u64).map(|n| Made::new("a", 1, n, 1, CLIENT).with("db.system", "redis")));
    let traffic = of(&spans);
    assert_eq!(rows(&traffic), ["db a -> redis redis x59999"]);
    assert_eq!(traffic.repeated[0].most, 59_999);
}

#[test]
fn one_id_for_many_spans_is_one_span_of_each_kind() {
    let spans: Vec<Made> =
        (0..300u64).map(|n| Made::new("a", 1, 7, 0, [INTERNAL, SERVER, CLIENT][n as usize % 3]).at(n, n)).collect();
    let traffic = of(&spans);
    assert_eq!(traffic.ledger["duplicate"], 297);
    assert_ledger(&traffic, 300);
}

#[test]
fn ids_of_the_wrong_length_are_rejected_with_a_reason() {
    use prost::Message;
    let mut request = super::made::request(&[1, 2, 3].map(|id| Made::new("a", 1, id, 0, SERVER)));
    request.resource_spans[0].scope_spans[0].spans[0].trace_id = vec![1; 40];
    request.resource_spans[1].scope_spans[0].spans[0].span_id = vec![];
    let traffic = read(vec![("a", request.encode_to_vec())]);
    assert_eq!(traffic.ledger["rejected_no_id"], 2);
    assert_ledger(&traffic, 3);
}

#[test]
fn absurd_times_do_not_overflow() {
    use prost::Message;
    let mut spans = vec![Made::new("a", 1, 1, 0, CLIENT), Made::new("b", 1, 2, 1, SERVER)];
    spans.extend((3..50u64).map(|n| Made::new("a", 1, n, 0, CLIENT).with("server.address", "x.com")));
    let mut request = super::made::request(&spans);
    for (n, resource) in request.resource_spans.iter_mut().enumerate() {
        let span = &mut resource.scope_spans[0].spans[0];
        (span.start_time_unix_nano, span.end_time_unix_nano) =
            [(0, u64::MAX), (u64::MAX, 0), (u64::MAX, u64::MAX), (1, u64::MAX - 1)][n % 4];
    }
    let outcome = outcome(request.encode_to_vec());
    assert!(outcome.notes[0].text.contains("end before they start"), "{:?}", outcome.notes);
    assert_ledger(&outcome.traffic.expect("spans"), 49);
}

#[test]
fn invalid_text_is_shown_as_such() {
    let mut bytes = otlp(&[Made::new("serviceXX", 1, 1, 0, CLIENT).with("server.address", "x.com")]);
    let at = bytes.windows(9).position(|w| w == b"serviceXX").expect("the name");
    bytes[at + 7..at + 9].copy_from_slice(&[0xff, 0xfe]);
    assert_eq!(rows(&read(vec![("a", bytes)])), ["external service\u{fffd}\u{fffd} -> x.com http x1"]);
}

#[test]
fn names_without_end_stop_at_the_memory_for_them() {
    let spans: Vec<Made> = (0..5_000u64)
        .map(|n| {
            Made::new("a", 1, n + 1, 0, CLIENT)
                .named(&format!("op{}x", n * 7_919))
                .with("server.address", &format!("h{n}.com"))
        })
        .collect();
    let source = unbraid::files::Source::in_memory("a", otlp(&spans));
    let options = unbraid::ingest::traces::Options { memory: Some(1 << 20), ..Default::default() };
    let outcome = unbraid::ingest::traces::read(&[&source], options);
    let traffic = outcome.traffic.expect("spans");
    assert!(traffic.ledger["rejected_too_many_names"] > 0);
    assert!(outcome.notes.iter().any(|n| n.text.contains("--memory")));
    assert_ledger(&traffic, 5_000);
}

#[test]
fn lengths_that_lie_are_breaks() {
    for bytes in [
        vec![0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f, 0x0a, 0x02, 0x0a, 0x00],
        vec![0xff; 64],
        [&[0x7f, 0xff, 0xff, 0xff][..], &otlp(&[Made::new("a", 1, 1, 0, SERVER)])].concat(),
        b"{\"resourceSpans\":".repeat(10_000),
        [b"[{\"traceID\":\"1\",\"spans\":".to_vec(), b"[".repeat(100_000)].concat(),
    ] {
        let outcome = outcome(bytes);
        assert!(outcome.traffic.is_none());
    }
}
