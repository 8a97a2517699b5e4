//! What is measured beside the edges: latency, repeated calls, fan-out, chains, calls at once, the critical path.

use super::made::{CLIENT, INTERNAL, Made, SERVER, of, rows};

/// A web request that asks b three times, and b asks c.
fn story() -> Vec<Made> {
    let mut spans = vec![Made::new("web", 1, 1, 0, SERVER).named("GET /").at(0, 10_000)];
    spans.push(Made::new("web", 1, 2, 1, INTERNAL).at(10, 9_900));
    for n in 0..3u64 {
        let id = 10 * (n + 1);
        spans.push(Made::new("web", 1, id, 2, CLIENT).at(100 + 3_000 * n, 2_000));
        spans.push(Made::new("b", 1, id + 1, id, SERVER).named("GET /b").at(200 + 3_000 * n, 1_800));
    }
    spans.push(Made::new("b", 1, 50, 31, CLIENT).at(6_300, 1_000));
    spans.push(Made::new("c", 1, 51, 50, SERVER).named("GET /c").at(6_400, 800));
    spans
}

#[test]
fn repeated_calls_fan_out_and_chains_are_counted_by_request() {
    let traffic = of(&story());
    let web = traffic.served.iter().find(|s| s.service == "web").expect("web");
    assert_eq!((web.entries, web.calls, web.fan_out_most, web.targets_most, web.depth_most), (1, 3, 3, 1, 2));
    let [again] = traffic.repeated.as_slice() else { panic!("{:?}", traffic.repeated) };
    assert_eq!((again.source.as_str(), again.target.as_str(), again.call.as_str()), ("web", "b", "GET /b"));
    assert_eq!((again.groups, again.calls, again.most), (1, 3, 3));
    let row = traffic.rows.iter().find(|r| r.source == "web").expect("web -> b");
    assert_eq!((row.calls, row.requests, row.concurrent, row.outlived), (3, 1, 0, 0));
}

#[test]
fn attempts_after_the_first_are_no_repeated_calls() {
    let mut spans = vec![Made::new("a", 1, 1, 0, SERVER).at(0, 9_000)];
    for n in 0..3u64 {
        let id = 10 * (n + 1);
        let client = Made::new("a", 1, id, 1, CLIENT).at(1_000 * n, 900);
        spans.push(if n > 0 { client.with("http.request.resend_count", &n.to_string()) } else { client });
        spans.push(Made::new("b", 1, id + 1, id, SERVER).at(1_000 * n, 800));
    }
    let traffic = of(&spans);
    assert_eq!((traffic.rows[0].calls, traffic.rows[0].retries), (3, 2));
    assert!(traffic.repeated.is_empty(), "{:?}", traffic.repeated);
}

#[test]
fn the_critical_path_is_what_the_request_waits_for() {
    let traffic = of(&story());
    let time =
        |service: &str| traffic.critical.iter().filter(|c| c.service == service).map(|c| c.duration_us).sum::<u64>();
    // c 800; b 3 · 1,800 − 1,000 of its call + the 200 that the call took beside c; the rest is web's own.
    assert_eq!((time("c"), time("b"), time("web")), (800, 3 * 1_800 - 800, 10_000 - 3 * 1_800));
    assert!(traffic.critical.iter().all(|c| (c.entry.as_str(), c.operation.as_str()) == ("web", "GET /")));
}

#[test]
fn calls_at_once_are_seen_and_only_the_longest_is_waited_for() {
    let traffic = of(&[
        Made::new("a", 1, 1, 0, SERVER).at(0, 5_000),
        Made::new("a", 1, 2, 1, CLIENT).with("server.address", "x.com").at(100, 4_000),
        Made::new("a", 1, 3, 1, CLIENT).with("server.address", "y.com").at(150, 1_000),
        Made::new("a", 1, 4, 1, CLIENT).with("server.address", "z.com").at(4_500, 2_000),
    ]);
    let concurrent: Vec<(&str, u64, u64)> =
        traffic.rows.iter().map(|r| (r.target.as_str(), r.concurrent, r.outlived)).collect();
    assert_eq!(concurrent, [("x.com", 1, 0), ("y.com", 1, 0), ("z.com", 0, 1)]);
}

#[test]
fn what_begins_at_once_is_seen_alike_in_any_order() {
    let mut spans = vec![
        Made::new("a", 1, 1, 0, SERVER).at(0, 5_000),
        Made::new("a", 1, 3, 1, CLIENT).with("db.system", "mysql").at(100, 0),
        Made::new("a", 1, 2, 1, CLIENT).with("server.address", "x.com").at(100, 4_000),
        Made::new("a", 1, 4, 1, CLIENT).at(200, 1),
        // Of two spans without a kind below one client the first by id is its server.
        Made::new("b", 1, 6, 4, 0).at(300, 2),
        Made::new("c", 1, 5, 4, 0).at(300, 3),
    ];
    let one = of(&spans);
    assert_eq!(rows(&one).iter().filter(|r| r.starts_with("sync")).collect::<Vec<_>>(), ["sync a -> c http x1"]);
    spans.reverse();
    assert_eq!(of(&spans), one);
}

#[test]
fn a_wrong_clock_does_not_move_the_critical_path() {
    let spans = |skew: u64| {
        [
            Made::new("a", 1, 1, 0, SERVER).at(100_000, 5_000),
            Made::new("a", 1, 2, 1, CLIENT).at(101_000, 3_000),
            Made::new("b", 1, 3, 2, SERVER).at(101_500 - skew, 2_000),
        ]
    };
    assert_eq!(of(&spans(0)).critical, of(&spans(90_000)).critical);
}

#[test]
fn latency_is_within_the_error_of_the_sketch() {
    let spans: Vec<Made> = (1..=1_000u64)
        .map(|n| Made::new("a", 1, n, 0, CLIENT).with("server.address", "x.com").at(0, n * 100))
        .collect();
    let latency = of(&spans).rows[0].latency_us.expect("calls");
    for (seen, exact) in [(latency.p50, 50_000.0), (latency.p95, 95_000.0), (latency.p99, 99_000.0)] {
        assert!((seen as f64 / exact - 1.0).abs() < 0.03, "{seen} {exact}");
    }
}

#[test]
fn names_with_identifiers_are_one_operation() {
    let spans: Vec<Made> = (1..=500u64)
        .map(|n| Made::new("a", 1, n, 0, CLIENT).named(&format!("GET /orders/{n}")).with("server.address", "x.com"))
        .collect();
    let traffic = of(&spans);
    let names: Vec<&str> = traffic.rows[0].operations.iter().map(|o| o.name.as_str()).collect();
    assert_eq!(names, ["GET /orders/{}"]);
}

/// Children of one request of 1,000 µs as (service, parent, start, duration), and what each service has on the path.
fn path(children: &[(&str, u64, u64, u64)]) -> Vec<(String, u64)> {
    let mut spans = vec![Made::new("R", 1, 1, 0, SERVER).at(0, 1_000)];
    for (n, (service, parent, start, duration)) in children.iter().enumerate() {
        spans.push(Made::new(service, 1, n as u64 + 2, *parent, INTERNAL).at(*start, *duration));
    }
    of(&spans).critical.into_iter().map(|c| (c.service, c.duration_us)).filter(|(_, time)| *time > 0).collect()
}

fn shares(shares: &[(&str, u64)]) -> Vec<(String, u64)> {
    shares.iter().map(|(service, time)| ((*service).to_owned(), *time)).collect()
}

/// Cases of the definition in "CRISP: Critical Path Analysis of Large-Scale Microservice Architectures" (Zhang and
/// others, USENIX ATC 2022) and of its published program, computed by hand.
#[test]
fn critical_paths_are_those_that_crisp_defines() {
    for (children, wanted) in [
        // A chain: all of it.
        (vec![("A", 1, 100, 800), ("B", 2, 200, 500)], shares(&[("A", 300), ("B", 500), ("R", 200)])),
        // One after the other: both, the gap is the parent's.
        (vec![("A", 1, 0, 400), ("B", 1, 500, 500)], shares(&[("A", 400), ("B", 500), ("R", 100)])),
        // At once: only the one that returns last.
        (vec![("A", 1, 0, 600), ("B", 1, 500, 500)], shares(&[("B", 500), ("R", 500)])),
        // An overlap below a hundredth of the parent is one of clocks.
        (vec![("A", 1, 0, 505), ("B", 1, 500, 500)], shares(&[("A", 500), ("B", 500)])),
        // But not if a third one begins within it.
        (vec![("A", 1, 0, 505), ("B", 1, 500, 500), ("C", 1, 502, 8)], shares(&[("B", 500), ("R", 500)])),
        // And not a hundredth itself.
        (vec![("A", 1, 0, 510), ("B", 1, 500, 500)], shares(&[("B", 500), ("R", 500)])),
        // The same end: the one that began last.
        (
            vec![("X", 1, 500, 500), ("Y", 1, 600, 400), ("V", 2, 500, 200), ("W", 3, 600, 200)],
            shares(&[("R", 600), ("W", 200), ("Y", 200)]),
        ),
        // Paths within paths.
        (
            vec![("A", 1, 0, 400), ("B", 1, 500, 500), ("C", 3, 900, 100), ("D", 3, 500, 300)],
            shares(&[("A", 400), ("B", 100), ("C", 100), ("D", 300), ("R", 100)]),
        ),
    ] {
        assert_eq!(path(&children), wanted, "{children:?}");
    }
}
