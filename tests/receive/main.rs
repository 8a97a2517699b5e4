//! The receiver as its senders and its operator meet it: the same result as from files by every way, refusals that say
//! why, late spans, kills, full disks. All traffic stays on loopback.

#![cfg(unix)]

mod client;
#[path = "../traces/made.rs"]
#[expect(dead_code, reason = "spans by hand, shared with the tests of trace formats")]
mod made;
mod refusals;
mod rounds;
mod secure;

use std::path::Path;

use serde_json::Value;

use client::{Receiver, program};
use made::{CLIENT, CONSUMER, INTERNAL, Made, PRODUCER, SERVER, gzip, otlp, otlp_json};

const PROTOBUF: (&str, &str) = ("content-type", "application/x-protobuf");
const JSON: (&str, &str) = ("content-type", "application/json");
const GZIP: (&str, &str) = ("content-encoding", "gzip");

/// A shop of so many requests, each with a call, a query, an error now and then, and a message to another trace.
fn shop(requests: u128) -> Vec<Made> {
    let mut spans = Vec::new();
    for n in 1..=requests {
        let (trace, other, id) = (n << 64 | 7, n << 64 | 9, n as u64 * 16);
        let paid = Made::new("pay", trace, id + 3, id + 2, SERVER).named("POST /pay");
        spans.extend([
            Made::new("shop", trace, id, 0, SERVER).named("GET /cart"),
            Made::new("shop", trace, id + 1, id, INTERNAL),
            Made::new("shop", trace, id + 2, id + 1, CLIENT).with("server.address", "pay"),
            if n % 7 == 0 { paid.failed() } else { paid },
            Made::new("pay", trace, id + 4, id + 3, CLIENT)
                .with("db.system.name", "postgresql")
                .with("db.namespace", "pay")
                .with("db.query.text", "SELECT * FROM cards"),
            Made::new("pay", trace, id + 5, id + 3, PRODUCER).topic("kafka", "paid"),
            Made::new("mail", other, id + 6, 0, CONSUMER).topic("kafka", "paid").linked(trace, id + 5),
        ]);
    }
    spans
}

/// A value without the names of files, which differ.
fn without_files(mut value: Value) -> Value {
    match &mut value {
        Value::Object(fields) => {
            fields.retain(|key, _| !matches!(key.as_str(), "file" | "path" | "root"));
            fields.values_mut().for_each(|v| *v = without_files(v.take()));
        }
        Value::Array(all) => all.iter_mut().for_each(|v| *v = without_files(v.take())),
        _ => {}
    }
    value
}

/// Traffic of `facts.json` and dependencies of `graph.json` in a folder.
fn result(folder: &Path) -> (Value, Value) {
    let read = |name: &str| -> Value {
        serde_json::from_slice(&std::fs::read(folder.join(name)).expect("a file")).expect("JSON")
    };
    let (facts, graph) = (read("facts.json"), read("graph.json"));
    (without_files(facts["traffic"].clone()), without_files(graph["dependencies"].clone()))
}

/// What the same spans in a file give.
fn of_file(spans: &[Made]) -> (Value, Value) {
    let folder = tempfile::tempdir().expect("temp dir");
    std::fs::write(folder.path().join("otlp-receiver"), otlp(spans)).expect("written");
    let arguments = ["analyze", "otlp-receiver", "--facts-out", "facts.json", "-o", "json=graph.json"];
    let output = program().args(arguments).current_dir(folder.path()).output().expect("run");
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    result(folder.path())
}

/// Sends spans in requests of a few, the last ones first.
fn send(spans: &[Made], mut by: impl FnMut(&[Made])) {
    spans.chunks(10).rev().for_each(&mut by);
}

#[test]
fn every_way_gives_the_result_of_files() {
    let spans = shop(20);
    let expected = of_file(&spans);
    type Way = fn(&Receiver, &[Made]) -> (u16, Option<i32>);
    let ways: [(&str, Way); 6] = [
        ("grpc", |r, s| (200, r.grpc(&otlp(s), false, &[]).grpc)),
        ("grpc+gzip", |r, s| (200, r.grpc(&gzip(&otlp(s)), true, &[]).grpc)),
        ("http", |r, s| (r.post(&otlp(s), &[PROTOBUF]).status, Some(0))),
        ("http+gzip", |r, s| (r.post(&gzip(&otlp(s)), &[PROTOBUF, GZIP]).status, Some(0))),
        ("json", |r, s| (r.post(&otlp_json(s), &[JSON]).status, Some(0))),
        ("json+gzip", |r, s| (r.post(&gzip(&otlp_json(s)), &[JSON, GZIP]).status, Some(0))),
    ];
    for (name, way) in ways {
        let folder = tempfile::tempdir().expect("temp dir");
        let receiver = Receiver::start(folder.path(), &[]);
        send(&spans, |part| assert_eq!(way(&receiver, part), (200, Some(0)), "{name}"));
        receiver.end();
        assert_eq!(result(folder.path()), expected, "{name}");
        assert!(!folder.path().join(".unbraid-receive").exists(), "{name}: the state is gone");
    }
}

#[test]
fn what_is_received_meets_code() {
    let folder = tempfile::tempdir().expect("temp dir");
    let compose = "services:\n  shop:\n    image: shop\n  pay:\n    image: pay\n  idle:\n    image: idle\n";
    std::fs::write(folder.path().join("docker-compose.yml"), compose).expect("written");
    let receiver = Receiver::start(folder.path(), &["."]);
    assert_eq!(receiver.post(&otlp(&shop(3)), &[PROTOBUF]).status, 200);
    receiver.end();
    let graph = std::fs::read_to_string(folder.path().join("graph.json")).expect("a graph");
    assert!(graph.contains("\"idle\"") && graph.contains("otlp-receiver"));
    assert_eq!(result(folder.path()).0, of_file(&shop(3)).0);
}

#[test]
fn a_run_that_receives_nothing_is_not_a_good_result() {
    let folder = tempfile::tempdir().expect("temp dir");
    let receiver = Receiver::start(folder.path(), &["--for", "100ms"]);
    let output = receiver.child.wait_with_output().expect("it ends by itself");
    assert_eq!(output.status.code(), Some(3));
}
