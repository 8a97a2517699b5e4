//! `unbraid receive`: traces by OTLP from running services, then the reports of `unbraid analyze`.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Result;
use clap::Args;

use super::console::Console;
use super::inputs::{self, ReadOptions};
use super::output::{self, Output};

#[derive(Debug, Args)]
#[command(after_long_help = HELP)]
pub struct Receive {
    /// Folders and files that are read beside what is received: code, manifests, specifications, traces
    #[arg(value_name = "PATH")]
    inputs: Vec<PathBuf>,
    #[command(flatten)]
    options: ReadOptions,
    /// Where to write, as for `analyze`; the default is reports/NAME
    #[arg(short, long, value_name = "[FORMAT=]PATH", value_parser = output::for_report)]
    output: Vec<Output>,
    /// Write the facts too, to be linked with those of other repositories
    #[arg(long, value_name = "FILE")]
    facts_out: Option<PathBuf>,
    /// End after so long (like 10m); without it Ctrl-C or SIGTERM ends it
    #[arg(long = "for", value_name = "TIME", value_parser = time)]
    time: Option<Duration>,
    /// Where to listen for OTLP over gRPC, or `off`
    #[arg(long, value_name = "ADDRESS", value_parser = address, default_value = "127.0.0.1:4317")]
    grpc: Door,
    /// Where to listen for OTLP over HTTP, or `off`
    #[arg(long, value_name = "ADDRESS", value_parser = address, default_value = "127.0.0.1:4318")]
    http: Door,
    /// The folder of what is received, which outlives a killed process: the same command goes on with it
    #[arg(long, value_name = "FOLDER", default_value = ".unbraid-receive")]
    state: PathBuf,
    /// Keep the folder after the report, so that the next run goes on counting
    #[arg(long)]
    keep: bool,
    /// A trace of which nothing arrived for so long is closed; what comes later is counted, not used. The default is
    /// what an SDK waits for its exporter (30 s) and the longest pause of a collector's retries (30 s)
    #[arg(long, value_name = "TIME", value_parser = time, default_value = "60s")]
    close_after: Duration,
    /// Disk that what is not folded yet may take; beyond it senders are asked to wait
    #[arg(long, value_name = "SIZE", value_parser = inputs::size, default_value = "16G")]
    disk: u64,
    /// The largest message, unpacked
    #[arg(long, value_name = "SIZE", value_parser = inputs::size, default_value = "16M")]
    message_limit: u64,
    /// Most connections at once
    #[arg(long, value_name = "N", default_value = "128")]
    connections: std::num::NonZeroU16,
    /// A request has to be there whole within this time
    #[arg(long, value_name = "TIME", value_parser = time, default_value = "30s")]
    patience: Duration,
    /// Acknowledge only what the disk has: safe against a power failure too, and slower
    #[arg(long)]
    sync: bool,
    /// A file with the token that senders have to show; the variable UNBRAID_RECEIVE_TOKEN does as well
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// The certificates of this server in PEM: then TLS is spoken
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// The private key that belongs to them in PEM
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
}

/// What an operator has to know.
const HELP: &str = "\
What is taken: OTLP traces over gRPC and over HTTP (POST /v1/traces, protobuf or JSON), packed with gzip or not. \
GET /health on either port says whether it is ready, and counts what was taken and refused.

What an acknowledgement means: the request is in the journal in --state, and survives a kill of the process; with \
--sync also a loss of power. What there is no room for is refused with UNAVAILABLE, 429 or 503, so that SDKs and \
collectors send it again; exact copies count once.

What it costs: memory stays about within --memory. On disk what arrives takes its size unpacked (some 600 bytes a \
span) for two to three times --close-after: at 10 MB/s and 60s that is 2 GB. The traces themselves are not kept.

Who may see it: the state folder is readable by its user only, for spans may tell of people. Everyone who reaches the \
ports can send, so they are on this machine's loopback only unless told otherwise; give a token and TLS for more.

Behind a collector:
  exporters:
    otlp/unbraid: {endpoint: '127.0.0.1:4317', tls: {insecure: true}}

Examples:
  unbraid receive . --for 10m
  UNBRAID_RECEIVE_TOKEN=... unbraid receive code --grpc 0.0.0.0:4317 --http off --tls-cert cert.pem --tls-key key.pem";

/// Where to listen, if at all.
#[derive(Debug, Clone, Copy)]
#[cfg_attr(
    not(any(feature = "receive", test)),
    expect(dead_code, reason = "a build without the receiver only refuses")
)]
struct Door(Option<SocketAddr>);

fn address(text: &str) -> Result<Door, String> {
    match text {
        "off" => Ok(Door(None)),
        _ => text
            .parse()
            .map(|a| Door(Some(a)))
            .map_err(|_| "write an address and a port, like 127.0.0.1:4317 or [::1]:4317, or `off`".to_owned()),
    }
}

/// A time, with ms, s, m or h.
fn time(text: &str) -> Result<Duration, String> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = match &text[digits.len()..] {
        "ms" => 0.001,
        "s" => 1.0,
        "m" => 60.0,
        "h" => 3_600.0,
        "d" => 86_400.0,
        unit => return Err(format!("`{unit}` is no unit of time; write ms, s, m, h or d, like 10m")),
    };
    let wrong = || "write a number and a unit, like 10m or 30s".to_owned();
    let seconds = digits.parse::<f64>().map_err(|_| wrong())? * unit;
    if (0.001..1e9).contains(&seconds) { Ok(Duration::from_secs_f64(seconds)) } else { Err(wrong()) }
}

#[cfg(not(feature = "receive"))]
pub fn run(_: &Receive, _: &Console) -> Result<u8> {
    anyhow::bail!(
        "this build has no receiver; install one that has: cargo install --path . --locked --features receive"
    )
}

#[cfg(feature = "receive")]
pub fn run(command: &Receive, console: &Console) -> Result<u8> {
    use super::inputs::Inputs;

    let options = options(command, console)?;
    let received = unbraid::receive::run(&options)?;
    for (name, n) in received.counts.iter().filter(|(name, n)| *n > 0 || *name == "spans") {
        console.log(&format!("{name}: {n}"));
    }
    // What was received is one more input, and named by its file.
    let mut paths = command.inputs.clone();
    paths.push(received.graph());
    let inputs = Inputs::of(paths, &command.options);
    console.stage(&format!("reading {}", inputs.names()));
    let reading = inputs.read_watched(console)?;
    let code = super::analyze::report(&reading, &inputs, command.facts_out.as_deref(), &command.output, console)?;
    // Only what stands in a report may go.
    if !command.keep {
        received.remove();
    }
    Ok(code)
}

#[cfg(feature = "receive")]
fn options(command: &Receive, console: &Console) -> Result<unbraid::receive::Options> {
    use unbraid::files::{absolute, read_text};
    use unbraid::receive::{Event, Options, Token};

    let state = absolute(&command.state);
    let named = state.file_name().is_some_and(|n| n == ".unbraid-receive");
    if let Some(input) = command.inputs.iter().find(|i| !named && state.starts_with(absolute(i))) {
        anyhow::bail!(
            "--state {} lies in {}, so what is received would be read twice; choose a folder outside",
            command.state.display(),
            input.display()
        );
    }
    let token = match &command.token_file {
        Some(path) => {
            let token = Token::new(&read_text(path)?);
            Some(token.ok_or_else(|| anyhow::anyhow!("--token-file {}: it is empty", path.display()))?)
        }
        None => std::env::var("UNBRAID_RECEIVE_TOKEN").ok().and_then(|text| Token::new(&text)),
    };
    let tls = match (&command.tls_cert, &command.tls_key) {
        (Some(certificates), Some(key)) => Some((read_text(certificates)?, read_text(key)?)),
        _ => None,
    };
    let out = console.clone();
    let tell = move |event: Event| match event {
        Event::Listening(grpc, http) => {
            let place = |address: Option<SocketAddr>| address.map_or_else(|| "off".to_owned(), |a| a.to_string());
            out.tell(&format!("receiving OTLP, gRPC: {}, HTTP: {}; Ctrl-C ends it", place(grpc), place(http)));
        }
        Event::Note(text) => out.tell(&text),
        Event::Trouble(text) => out.complain(&format!("warning: {text}")),
    };
    Ok(Options {
        grpc: command.grpc.0,
        http: command.http.0,
        state: command.state.clone(),
        time: command.time,
        close_after: command.close_after,
        memory: command.options.memory,
        disk: command.disk,
        message: command.message_limit.min(1 << 30),
        connections: usize::from(command.connections.get()),
        patience: command.patience,
        sync: command.sync,
        token,
        tls,
        tell: std::sync::Arc::new(tell),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_units() {
        assert_eq!(time("10m"), Ok(Duration::from_secs(600)));
        assert_eq!(time("1.5s"), Ok(Duration::from_millis(1_500)));
        assert!(time("10").is_err() && time("-1s").is_err() && time("0s").is_err() && time("1y").is_err());
    }

    #[test]
    fn doors_may_be_off() {
        assert!(matches!(address("off"), Ok(Door(None))));
        assert!(matches!(address("[::1]:1"), Ok(Door(Some(_)))) && address("localhost").is_err());
    }
}
