//! What is refused, and how: a sender hears why, everything is counted, and nothing else suffers.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use hyper::Method;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse;
use prost::Message;
use serde_json::Value;

use super::client::{Receiver, program};
use super::made::{Made, SERVER, otlp, otlp_json};
use super::{JSON, PROTOBUF, of_file, result, shop};

#[test]
fn spans_without_ids_are_a_partial_success() {
    let mut spans = shop(1);
    spans.extend([Made::new("a", 0, 2, 0, SERVER), Made::new("a", 1, 0, 0, SERVER)]);
    let folder = tempfile::tempdir().expect("temp dir");
    let receiver = Receiver::start(folder.path(), &[]);
    let answer = receiver.grpc(&otlp(&spans), false, &[]);
    assert_eq!(answer.grpc, Some(0));
    let of_grpc = ExportTraceServiceResponse::decode(&answer.body[5..]).expect("a response");
    let partial = of_grpc.partial_success.expect("a partial success");
    assert!(partial.rejected_spans == 2 && partial.error_message.contains("2 spans have no"), "{partial:?}");
    let answer = receiver.post(&otlp(&spans), &[PROTOBUF]);
    let of_http = ExportTraceServiceResponse::decode(answer.body).expect("a response");
    assert_eq!((answer.status, of_http.partial_success), (200, Some(partial)));
    let answer = receiver.post(&otlp_json(&spans), &[JSON]);
    let of_json: Value = serde_json::from_slice(&answer.body).expect("JSON");
    assert_eq!(of_json["partialSuccess"]["rejectedSpans"], "2");
    let health = receiver.http(Method::GET, "/health", b"", &[]);
    let health: Value = serde_json::from_slice(&health.body).expect("JSON");
    assert_eq!((&health["status"], &health["spans"], &health["without_ids"]), (&"ready".into(), &27.into(), &6.into()));
    receiver.end();
    let (traffic, _) = result(folder.path());
    assert_eq!(traffic["ledger"]["rejected_no_id"], 6);
    assert_eq!(traffic["ledger"]["duplicate"], 14);
}

#[test]
fn what_cannot_be_taken_is_refused_and_says_why() {
    let folder = tempfile::tempdir().expect("temp dir");
    let receiver = Receiver::start(folder.path(), &["--message-limit", "1M"]);
    let large = otlp(&[Made::new("a", 1, 1, 0, SERVER).with("x", &"y".repeat(1 << 20))]);
    assert_eq!(receiver.grpc(&large, false, &[]).grpc, Some(8));
    let answer = receiver.post(&large, &[PROTOBUF]);
    assert_eq!(answer.status, 413);
    assert!(String::from_utf8_lossy(&answer.body).contains("more than 1048576 bytes"));
    let bomb = super::gzip(&vec![0; 4 << 20]);
    assert_eq!(receiver.grpc(&bomb, true, &[]).grpc, Some(8));
    assert_eq!(receiver.post(&bomb, &[PROTOBUF, super::GZIP]).status, 413);
    assert_eq!(receiver.grpc(b"nonsense", false, &[]).grpc, Some(3));
    assert_eq!(receiver.grpc(b"nonsense", true, &[]).grpc, Some(3));
    assert_eq!(receiver.post(b"nonsense", &[PROTOBUF]).status, 400);
    let answer = receiver.post(b"{\"resourceSpans\": [}", &[JSON]);
    let status: Value = serde_json::from_slice(&answer.body).expect("a status in JSON");
    assert_eq!((answer.status, &status["code"]), (400, &3.into()));
    assert_eq!(receiver.post(b"x", &[("content-type", "text/plain")]).status, 415);
    assert_eq!(receiver.post(b"x", &[PROTOBUF, ("content-encoding", "br")]).status, 415);
    assert_eq!(receiver.http(Method::POST, "/v1/metrics", b"", &[PROTOBUF]).status, 404);
    assert_eq!(receiver.http(Method::PUT, "/v1/traces", b"", &[PROTOBUF]).status, 405);
    assert_eq!(receiver.call("/a.b/C", b"", false, &[]).grpc, Some(12));
    assert_eq!(receiver.grpc(b"", false, &[("grpc-encoding", "br")]).grpc, Some(12));
    assert_eq!(receiver.grpc(&otlp(&shop(2)), false, &[]).grpc, Some(0));
    receiver.end();
    assert_eq!(result(folder.path()), of_file(&shop(2)));
}

#[test]
fn without_the_token_nothing_is_taken() {
    let folder = tempfile::tempdir().expect("temp dir");
    std::fs::write(folder.path().join("token"), "hunter2secret\n").expect("written");
    let receiver = Receiver::start(folder.path(), &["--token-file", "token", "-vv"]);
    let spans = otlp(&shop(2));
    for wrong in ["Bearer hunter", "hunter2secret", "Basic hunter2secret", "Bearer hunter2secret2"] {
        assert_eq!(receiver.grpc(&spans, false, &[("authorization", wrong)]).grpc, Some(16), "{wrong}");
        let answer = receiver.post(&spans, &[PROTOBUF, ("authorization", wrong)]);
        assert_eq!((answer.status, answer.headers["www-authenticate"].as_bytes()), (401, &b"Bearer"[..]), "{wrong}");
    }
    let health: Value = serde_json::from_slice(&receiver.http(Method::GET, "/health", b"", &[]).body).expect("JSON");
    assert_eq!(health, serde_json::json!({"status": "ready"}), "counters need the token");
    assert_eq!(receiver.grpc(&spans, false, &[("authorization", "Bearer hunter2secret")]).grpc, Some(0));
    let output = receiver.end();
    let said = [output.stdout, output.stderr].concat();
    assert!(!String::from_utf8_lossy(&said).contains("hunter2"));
    assert_eq!(result(folder.path()), of_file(&shop(2)));
}

#[test]
fn slow_senders_do_not_hold_others_up() {
    let folder = tempfile::tempdir().expect("temp dir");
    let receiver = Receiver::start(folder.path(), &["--patience", "1s", "--connections", "8"]);
    // Nothing at all, half a head, half a body; twice, over both doors.
    let mut slow: Vec<TcpStream> = Vec::new();
    for address in [receiver.http, receiver.grpc] {
        for said in [
            "",
            "POST /v1/tr",
            "POST /v1/traces HTTP/1.1\r\nhost: x\r\ncontent-type: application/x-protobuf\r\ncontent-length: 99\r\n\r\nx",
        ] {
            let mut stream = TcpStream::connect(address).expect("connected");
            stream.write_all(said.as_bytes()).expect("sent");
            slow.push(stream);
        }
    }
    assert_eq!(receiver.grpc(&otlp(&shop(2)), false, &[]).grpc, Some(0));
    let begin = Instant::now();
    for stream in &mut slow {
        stream.set_read_timeout(Some(Duration::from_secs(20))).expect("a limit");
        let mut said = Vec::new();
        // Told so or cut off, but not kept waiting.
        let ended = stream.read_to_end(&mut said);
        let told = String::from_utf8_lossy(&said);
        assert!(ended.is_ok() || told.contains("503"), "{ended:?} {told}");
    }
    assert!(begin.elapsed() < Duration::from_secs(15), "{:?}", begin.elapsed());
    receiver.end();
    assert_eq!(result(folder.path()), of_file(&shop(2)));
}

#[test]
fn mistakes_of_the_operator_are_one_clear_error() {
    let folder = tempfile::tempdir().expect("temp dir");
    let receiver = Receiver::start(folder.path(), &[]);
    let taken = receiver.http.to_string();
    let fails = |arguments: &[&str], says: &str| {
        let output =
            program().arg("receive").args(arguments).current_dir(folder.path()).output().expect("the program starts");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.code() == Some(2) && said.contains(says), "{arguments:?}: {said}");
        assert_eq!(said.lines().filter(|l| l.starts_with("error")).count(), 1, "{said}");
    };
    fails(&["--http", "off", "--grpc", "127.0.0.1:0"], "another receiver uses it");
    fails(&["--state", "other", "--http", &taken, "--grpc", "off"], "choose another address");
    fails(&["--state", "other", "--http", "off", "--grpc", "off"], "nothing to listen on");
    fails(&[".", "--state", "other"], "would be read twice");
    fails(&["--state", "other", "--memory", "32M"], "do not fit into --memory");
    fails(&["--http", "localhost"], "127.0.0.1:4317");
    std::fs::write(folder.path().join("empty"), "\n").expect("written");
    fails(&["--state", "other", "--token-file", "empty"], "it is empty");
    fails(&["--state", "other", "--tls-cert", "empty", "--tls-key", "empty"], "no certificate in it");
    receiver.kill();
}
