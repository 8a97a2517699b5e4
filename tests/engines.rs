//! `--engine` as a user meets it, without an engine: what is refused, what is said, and that no secret is in it.
//! What real engines answer is looked at by tests/scale/run.

use std::process::{Command, Output, Stdio};

const SECRET: &str = "hunter2-is-a-secret";

fn unbraid(arguments: &[&str], input: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_unbraid"));
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    for name in ["UNBRAID_ENGINE", "UNBRAID_CONFIG", "UNBRAID_THREADS"] {
        command.env_remove(name);
    }
    let mut child = command.env("UNBRAID_ENGINE_PASSWORD", SECRET).spawn().expect("the program starts");
    // A program that refuses its arguments reads nothing.
    drop(std::io::Write::write_all(&mut child.stdin.take().expect("a pipe"), input.as_bytes()));
    child.wait_with_output().expect("the program ends")
}

/// It could not run, and one line says why.
fn refused(arguments: &[&str], input: &str, says: &str) {
    let output = unbraid(arguments, input);
    let error = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{arguments:?}: {error}");
    assert!(error.contains(says), "{arguments:?}: {error}");
    assert!(!error.contains(SECRET) && output.stdout.is_empty(), "{arguments:?}: {error}");
    assert_eq!(error.lines().filter(|l| l.starts_with("error")).count(), 1, "{error}");
}

#[test]
fn an_engine_that_is_not_built_in_says_how_to_build_it() {
    for (engine, feature) in [
        ("spark=sc://127.0.0.1:1", "spark"),
        ("clickhouse=http://127.0.0.1:1", "clickhouse"),
        ("adbc=adbc_driver_sqlite:x.db", "adbc"),
    ] {
        // With `--features` the client is there, and has nobody to talk to.
        let built = match feature {
            "spark" => cfg!(feature = "spark"),
            "clickhouse" => cfg!(feature = "clickhouse"),
            _ => cfg!(feature = "adbc"),
        };
        if !built {
            refused(&["analyze", "--engine", engine], "", &format!("--features {feature}"));
        }
    }
}

#[test]
fn what_is_wrong_with_an_engine_is_said_without_its_secrets() {
    let engine = |text: &str, says: &str| refused(&["analyze", "--engine", text], "", says);
    engine("flink=x", "there are local, spark=sc://host:port");
    engine("spark=http://h", "spark=sc://host:port");
    engine(&format!("clickhouse=http://me:{SECRET}@h:8123"), "UNBRAID_ENGINE_PASSWORD");
    engine(&format!("spark=sc://h:1/;token={SECRET}"), "UNBRAID_ENGINE_TOKEN");
    engine(&format!("adbc=x:postgresql://me:{SECRET}@h/db"), "UNBRAID_ENGINE_URI");
    refused(&["check", "samples/shop", "--engine", "spark=sc://h:1"], "", "--facts-out");
}

#[test]
fn times_and_slices_are_checked_before_anything_is_asked() {
    let with = |arguments: &[&str], says: &str| {
        refused(&[&["analyze", "--engine", "clickhouse=http://127.0.0.1:1"], arguments].concat(), "", says);
    };
    with(&["--from", "yesterday"], "seconds since 1970");
    with(&["--slices", "0"], "0 is not in 1..=100000");
    refused(&["analyze", "samples/shop", "--from", "2026-01-01"], "", "--engine");
    refused(&["analyze"], "", "PATH");
}

#[test]
fn a_local_engine_is_the_inputs_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let graph = folder.path().join("graph.json");
    let output = format!("json={}", graph.display());
    let with = unbraid(&["analyze", "samples/shop", "--engine", "local", "-o", &output], "");
    assert_eq!(with.status.code(), Some(0), "{}", String::from_utf8_lossy(&with.stderr));
    let text = std::fs::read_to_string(&graph).expect("a result");
    let without = unbraid(&["analyze", "samples/shop", "-o", &output], "");
    assert_eq!(without.status.code(), Some(0));
    assert_eq!(text, std::fs::read_to_string(&graph).expect("a result"));
}

const COLUMNS: &str = "trace_id,span_id,parent_span_id,service,name,kind,start_ns,duration_ns,status";

fn rows(traces: &[u8]) -> String {
    let row = |(at, trace): (usize, &u8)| format!("{trace:032x}\t{:016x}\t\tweb\tGET /\t2\t1\t5\t0\n", at + 1);
    traces.iter().enumerate().map(row).collect()
}

#[test]
fn columns_may_be_named_on_the_command_line() {
    let named = unbraid(&["fold", "--columns", COLUMNS], &rows(&[1, 1, 2]));
    let headed = unbraid(&["fold"], &format!("{}\n{}", COLUMNS.replace(',', "\t"), rows(&[1, 1, 2])));
    assert_eq!(named.status.code(), Some(0), "{}", String::from_utf8_lossy(&named.stderr));
    assert_eq!(named.stdout, headed.stdout);
    assert!(String::from_utf8_lossy(&named.stdout).ends_with("check\t3\n"));
    // No rows are an answer too: a partition may be empty.
    let none = unbraid(&["fold", "--columns", COLUMNS], "");
    assert!(String::from_utf8_lossy(&none.stdout).ends_with("check\t0\n"));
}

#[test]
fn rows_that_break_the_contract_give_no_graph() {
    refused(&["fold", "--columns", COLUMNS], &rows(&[1, 2, 1]), "was met before and ended");
    refused(&["fold", "--columns", "trace_id,span_id"], "", "are missing");
    refused(&["fold", "--columns", &COLUMNS.replace("kind", "kin")], "", "no column is called `kin`");
    // Fields that are too few or too many are counted, and so is what is no number.
    let odd = format!("{}1\t2\n{}", rows(&[1]), rows(&[2]).replace("\t1\t5\t", "\tx\t5\t"));
    let text = unbraid(&["fold", "--columns", COLUMNS], &odd).stdout;
    let text = String::from_utf8_lossy(&text);
    assert!(text.contains("rejected_row_too_short\t1") && text.contains("rejected_no_number\t1"), "{text}");
    assert!(text.ends_with("check\t3\n"), "{text}");
}
