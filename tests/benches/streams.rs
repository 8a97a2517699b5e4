//! What streams in, until it is taken: rows of spans on standard input (`unbraid fold`), and spans that a second process
//! sends over gRPC and HTTP until each is acknowledged (`unbraid receive`, `--memory 512M`).
//!
//! `cargo bench --features receive --bench streams [-- SPANS]`, a million made spans if not told otherwise; Linux only.
//! CPU seconds are those of the program alone, all its threads; of the receiver until the last span is acknowledged and
//! with the report at its end. The floors beside them, timed in the same run: `cat` of the same rows, the sender's own
//! CPU seconds. Absolute figures depend on the machine and its load: quote the ratios.

#![expect(clippy::print_stdout, reason = "the table is its output")]

#[path = "../scale/load.rs"]
mod load;

use std::fmt::Write as _;
use std::fs::File;
use std::io::{BufRead, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::Span;

/// Says that this process is the sender, started by itself.
const SENDER: &str = "UNBRAID_BENCH_SENDER";

/// Runs of each side of a comparison; the median counts.
const RUNS: usize = 5;

fn main() {
    if std::env::var_os(SENDER).is_some() {
        return load::main();
    }
    let spans = std::env::args().skip(1).find_map(|a| a.parse().ok()).unwrap_or(1_000_000);
    let folder = tempfile::tempdir().expect("a folder");
    rows(spans, &folder.path().join("rows.tsv"));
    let file = folder.path().join("spans.otlp");
    sender(&[&format!("made:{spans}"), "--write", &file.to_string_lossy()]);
    for way in ["gRPC", "HTTP"] {
        receiver(way, &file, folder.path());
    }
}

/// Ticks of a hundredth of a second, as Linux counts for user space, in two fields of a process's `stat`.
fn seconds(process: &str, fields: [usize; 2]) -> f64 {
    let text = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    let all: Vec<&str> = text.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    fields.iter().filter_map(|at| all.get(*at)?.parse::<f64>().ok()).sum::<f64>() / 100.0
}

/// CPU seconds of a process that is fed with a file and runs to its end.
fn run(command: &mut Command, input: &Path) -> f64 {
    // Those of children that were waited for.
    let before = seconds("self", [13, 14]);
    let input = File::open(input).expect("a file");
    let status = command.stdin(input).stdout(Stdio::null()).status().expect("a program");
    assert!(status.success(), "{command:?} ended with {status}");
    seconds("self", [13, 14]) - before
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

fn unbraid() -> Command {
    Command::new(env!("CARGO_BIN_EXE_unbraid"))
}

/// Rows on standard input, folded on one thread.
fn rows(spans: usize, file: &Path) {
    let n = write_rows(spans, file);
    let (mut ours, mut cat) = (Vec::new(), Vec::new());
    for _ in 0..RUNS {
        ours.push(run(unbraid().arg("fold").env("RAYON_NUM_THREADS", "1"), file));
        cat.push(run(&mut Command::new("cat"), file));
    }
    let (ours, cat) = (median(ours), median(cat).max(0.01));
    println!(
        "fold: {n} rows of {} bytes, {ours:.2} CPU s on one thread, {:.0} rows a second, {:.1} times cat ({cat:.2})",
        std::fs::metadata(file).map_or(0, |m| m.len()) / n.max(1) as u64,
        n as f64 / ours.max(0.01),
        ours / cat
    );
}

/// Made spans as rows, those of a trace next to each other; gives how many there are.
fn write_rows(spans: usize, file: &Path) -> usize {
    let (resources, mut all) = load::shop::spans(spans);
    all.sort_by(|(_, a), (_, b)| a.trace_id.cmp(&b.trace_id));
    let mut out = std::io::BufWriter::new(File::create(file).expect("a file"));
    let head =
        ["trace_id", "span_id", "parent_span_id", "service", "name", "kind", "status", "start_ns", "duration_ns"];
    writeln!(out, "{}\tlinks\tattributes", head.join("\t")).expect("written");
    for (resource, span) in &all {
        let service = match resources[*resource as usize].attributes[0].value.as_ref().and_then(|v| v.value.as_ref()) {
            Some(Value::StringValue(name)) => name,
            _ => "",
        };
        writeln!(out, "{}", row(service, span)).expect("written");
    }
    out.flush().expect("written");
    all.len()
}

fn row(service: &str, span: &Span) -> String {
    let hex = |bytes: &[u8]| {
        bytes.iter().fold(String::new(), |mut text, b| {
            let _ = write!(text, "{b:02x}");
            text
        })
    };
    // As an engine sends them: those that matter.
    let attributes: serde_json::Map<String, serde_json::Value> = span
        .attributes
        .iter()
        .filter(|a| ["db.", "server.", "messaging."].iter().any(|start| a.key.starts_with(start)))
        .filter_map(|a| match a.value.as_ref()?.value.as_ref()? {
            Value::StringValue(text) => Some((a.key.clone(), text.clone().into())),
            _ => None,
        })
        .collect();
    let links: Vec<String> = span.links.iter().map(|l| format!("{}/{}", hex(&l.trace_id), hex(&l.span_id))).collect();
    [
        hex(&span.trace_id),
        hex(&span.span_id),
        hex(&span.parent_span_id),
        service.to_owned(),
        span.name.clone(),
        span.kind.to_string(),
        span.status.as_ref().map_or(0, |s| s.code).to_string(),
        span.start_time_unix_nano.to_string(),
        (span.end_time_unix_nano - span.start_time_unix_nano).to_string(),
        links.join(","),
        serde_json::Value::Object(attributes).to_string(),
    ]
    .join("\t")
}

/// Runs this program as the sender; gives what it says.
fn sender(arguments: &[&str]) -> serde_json::Value {
    let program = std::env::current_exe().expect("this program");
    let output = Command::new(program).args(arguments).env(SENDER, "1").output().expect("the sender");
    assert!(output.status.success(), "the sender: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap_or_default()
}

/// The most memory that a process had so far; 0 of one that ended.
fn peak_megabytes(process: &str) -> u64 {
    let text = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = text.lines().find_map(|l| l.strip_prefix("VmHWM:")).unwrap_or_default();
    line.split_whitespace().next().and_then(|n| n.parse::<u64>().ok()).unwrap_or(0) / 1024
}

/// A receiver that is stopped whatever happens.
struct Receiver(Child);

impl Drop for Receiver {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn receiver(way: &str, file: &Path, folder: &Path) {
    let mut command = unbraid();
    command.args(["receive", "--grpc", "127.0.0.1:0", "--http", "127.0.0.1:0", "--memory", "512M"]);
    command.args(["-o", &format!("json={way}.json")]).current_dir(folder);
    let child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("the receiver");
    let mut receiver = Receiver(child);
    let mut lines = BufReader::new(receiver.0.stderr.take().expect("its output")).lines().map_while(Result::ok);
    let address = lines.find_map(|line| {
        let (_, rest) = line.split_once(&format!("{way}: "))?;
        Some(rest.split(|c: char| c != ':' && c != '.' && !c.is_ascii_digit()).next()?.to_owned())
    });
    // It may write more than a pipe holds.
    let drain = std::thread::spawn(move || lines.for_each(drop));
    let (pid, url) =
        (receiver.0.id().to_string(), format!("{}://{}", way.to_lowercase(), address.expect("an address")));
    let sent = sender(&[&file.to_string_lossy(), &url, "--seconds", "600"]);
    let acknowledged = seconds(&pid, [11, 12]);
    let before = seconds("self", [13, 14]);
    Command::new("kill").args(["-INT", &pid]).status().expect("a signal");
    let mut peak = 0;
    let status = loop {
        peak = peak.max(peak_megabytes(&pid));
        match receiver.0.try_wait().expect("its end") {
            Some(status) => break status,
            None => std::thread::sleep(Duration::from_millis(10)),
        }
    };
    assert!(status.success(), "the receiver ended with {status}");
    drain.join().expect("its output");
    let spans = sent["spans"].as_f64().unwrap_or(0.0);
    println!(
        "{way}: {spans} spans acknowledged in {:.1} s; {acknowledged:.2} CPU s of the receiver, {:.0} spans a second; \
         {:.2} with the report; sender {:.2}; peak {peak} MB",
        sent["seconds"].as_f64().unwrap_or(0.0),
        spans / acknowledged.max(0.01),
        seconds("self", [13, 14]) - before,
        sent["cpu_seconds"].as_f64().unwrap_or(0.0),
    );
}
