//! Closing traces, kills, restarts and full disks: what was acknowledged counts once.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use hyper::Method;
use serde_json::Value;

use super::client::Receiver;
use super::made::{Made, otlp};
use super::{PROTOBUF, of_file, result, send, shop};

/// Waits until the running graph of a receiver is of a round at least.
fn wait_for_round(folder: &Path, round: u64) {
    let begin = Instant::now();
    loop {
        let text = std::fs::read_to_string(folder.join(".unbraid-receive/checkpoint")).unwrap_or_default();
        let done = text.lines().find_map(|l| l.strip_prefix("round ")?.parse::<u64>().ok()).unwrap_or(0);
        if done >= round {
            return;
        }
        assert!(begin.elapsed() < Duration::from_secs(30), "no round {round}: {text}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn late_spans_are_counted_and_not_used() {
    let folder = tempfile::tempdir().expect("temp dir");
    let receiver = Receiver::start(folder.path(), &["--close-after", "300ms"]);
    let spans = shop(5);
    // The last span of each request is of a trace of its own.
    let (late, early): (Vec<Made>, Vec<Made>) = spans.into_iter().partition(|s| s.id % 16 == 4);
    assert_eq!(receiver.post(&otlp(&early), &[PROTOBUF]).status, 200);
    wait_for_round(folder.path(), 1);
    assert_eq!(receiver.post(&otlp(&late), &[PROTOBUF]).status, 200);
    wait_for_round(folder.path(), 2);
    receiver.end();
    let (mut traffic, _) = result(folder.path());
    let (mut expected, _) = of_file(&early);
    assert_eq!(traffic["ledger"]["rejected_late"], 5);
    assert_eq!(traffic["ledger"]["spans"].as_u64(), Some(early.len() as u64 + 5));
    traffic["ledger"] = Value::Null;
    expected["ledger"] = Value::Null;
    assert_eq!(traffic, expected);
}

#[test]
fn traces_that_go_on_are_carried_through_rounds_and_kills() {
    let folder = tempfile::tempdir().expect("temp dir");
    let spans = shop(60);
    let arguments = ["--close-after", "1s", "--state", ".unbraid-receive"];
    let mut receiver = Receiver::start(folder.path(), &arguments);
    // Every request holds spans of many traces, so that most traces go on over several rounds and are carried.
    let mut mixed = spans.clone();
    mixed.sort_by_key(|s| (s.id % 16, s.trace));
    let mut carried = false;
    for (at, part) in mixed.chunks(12).enumerate() {
        assert_eq!(receiver.post(&otlp(part), &[PROTOBUF]).status, 200);
        // A client that did not hear the answer sends it again.
        if at % 3 == 0 {
            assert_eq!(receiver.grpc(&otlp(part), false, &[]).grpc, Some(0));
        }
        std::thread::sleep(Duration::from_millis(60));
        let checkpoint = std::fs::read_to_string(folder.path().join(".unbraid-receive/checkpoint"));
        carried |= checkpoint.is_ok_and(|text| text.contains("\ncarried "));
        if at == 9 || at == 29 {
            receiver.kill();
            receiver = Receiver::start(folder.path(), &arguments);
        }
    }
    assert!(carried, "no round met a trace that goes on");
    wait_for_round(folder.path(), 2);
    receiver.end();
    let ((mut traffic, dependencies), (mut expected, wanted)) = (result(folder.path()), of_file(&spans));
    assert!(traffic["ledger"]["duplicate"].as_u64() > Some(0), "{}", traffic["ledger"]);
    assert_eq!(traffic["ledger"]["rejected_late"], Value::Null, "{}", traffic["ledger"]);
    traffic["ledger"]["duplicate"] = Value::Null;
    traffic["ledger"]["spans"] = Value::Null;
    expected["ledger"]["duplicate"] = Value::Null;
    expected["ledger"]["spans"] = Value::Null;
    assert_eq!(traffic, expected);
    // Coverage counts copies too, the edges do not.
    assert_eq!(dependencies, wanted);
}

#[test]
fn a_kept_state_goes_on_counting_and_a_torn_tail_is_left_out() {
    let folder = tempfile::tempdir().expect("temp dir");
    let spans = shop(10);
    let (first, second) = spans.split_at(35);
    let receiver = Receiver::start(folder.path(), &["--keep"]);
    send(first, |part| assert_eq!(receiver.post(&otlp(part), &[PROTOBUF]).status, 200));
    receiver.end();
    assert_eq!(result(folder.path()), of_file(first));
    // As if the process had been killed within a write.
    let segments = std::fs::read_dir(folder.path().join(".unbraid-receive")).expect("the state");
    let names = segments.map(|e| e.expect("an entry").path());
    let last = names.filter(|p| p.to_string_lossy().ends_with(".otlp")).max().expect("a segment");
    let mut torn = std::fs::read(&last).expect("read");
    torn.extend_from_slice(&[0, 0, 1, 0, 0x0a, 0x55]);
    std::fs::write(&last, torn).expect("written");
    let receiver = Receiver::start(folder.path(), &[]);
    send(second, |part| assert_eq!(receiver.post(&otlp(part), &[PROTOBUF]).status, 200));
    receiver.end();
    assert_eq!(result(folder.path()), of_file(&spans));
}

#[test]
fn a_full_disk_refuses_and_loses_nothing() {
    let folder = tempfile::tempdir().expect("temp dir");
    let receiver = Receiver::start(folder.path(), &["--disk", "1M"]);
    let mut spans = shop(1_500);
    let mut taken = Vec::new();
    while !spans.is_empty() {
        let rest = spans.split_off(spans.len().min(70));
        let answer = receiver.post(&otlp(&spans), &[PROTOBUF]);
        if answer.status == 503 {
            assert!(answer.headers.contains_key("retry-after"));
            assert_eq!(receiver.grpc(&otlp(&spans), false, &[]).grpc, Some(14));
            break;
        }
        assert_eq!(answer.status, 200);
        taken.append(&mut spans);
        spans = rest;
    }
    assert!(!spans.is_empty(), "the limit was never met");
    assert_eq!(receiver.http(Method::GET, "/health", b"", &[]).status, 503);
    receiver.end();
    assert_eq!(result(folder.path()), of_file(&taken));
}

/// A disk that goes when it is let go.
struct Disk(std::path::PathBuf);

impl Drop for Disk {
    fn drop(&mut self) {
        drop(Command::new("umount").arg(&self.0).status());
    }
}

/// A disk of its own of one megabyte, where the system lets us make one.
#[test]
fn a_disk_that_is_really_full_refuses_and_goes_on() {
    let folder = tempfile::tempdir().expect("temp dir");
    let small = folder.path().join("small");
    std::fs::create_dir(&small).expect("a folder");
    let mount = Command::new("mount").args(["-t", "tmpfs", "-o", "size=1m", "tmpfs"]).arg(&small).output();
    if !mount.is_ok_and(|o| o.status.success()) {
        return;
    }
    let _disk = Disk(small.clone());
    let receiver = Receiver::start(folder.path(), &["--state", "small/state"]);
    let spans = shop(1_500);
    let mut taken = Vec::new();
    let mut refused = 0;
    for part in spans.chunks(700) {
        match receiver.post(&otlp(part), &[PROTOBUF]).status {
            200 => taken.extend_from_slice(part),
            503 => refused += 1,
            other => panic!("{other}"),
        }
    }
    assert!(refused > 0 && !taken.is_empty());
    // There is no room for what everything adds up to either: one clear error, and the state stays.
    receiver.signal("TERM");
    let output = receiver.child.wait_with_output().expect("it ends");
    if output.status.code() == Some(2) {
        let bigger = Command::new("mount").args(["-o", "remount,size=8m"]).arg(&small).status();
        assert!(bigger.expect("mount").success());
        Receiver::start(folder.path(), &["--state", "small/state"]).end();
    }
    assert_eq!(result(folder.path()), of_file(&taken));
}
