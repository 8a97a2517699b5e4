//! A sender for trials of the receiver: takes a file of framed OTLP requests (`made:N` makes about N spans), deals its
//! spans out anew in random order, and sends them over gRPC or HTTP until each is acknowledged.
//!
//!   load made:1000000 --write FILE
//!   load FILE grpc://127.0.0.1:4317|http://…|json://…|gzip://… [--batch N] [--connections N] [--seed N] [--part I/N]
//!        [--acked FILE] [--seconds N] [--shuffle no]
//!
//! A request that is refused for now, or whose connection breaks, is sent again. `--acked` appends the number of each
//! request that was acknowledged. With `--part` only requests I, I+N, … are sent. It says how many spans were
//! acknowledged, how many requests were sent again, seconds and its own CPU seconds as one line of JSON.

/// Spans to send.
#[path = "load/shop.rs"]
pub mod shop;

use std::io::Write;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::Request;
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use prost::Message;
use tokio::net::TcpStream;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Grpc,
    Http,
    Json,
    Gzip,
}

struct Arguments {
    file: String,
    way: Way,
    address: SocketAddr,
    batch: usize,
    connections: usize,
    seed: u64,
    part: (usize, usize),
    acked: Option<String>,
    seconds: u64,
    shuffle: bool,
    write: Option<String>,
}

fn arguments() -> Arguments {
    let all: Vec<String> = std::env::args().skip(1).collect();
    let option = |name: &str| all.iter().position(|a| a == name).and_then(|at| all.get(at + 1)).cloned();
    let number = |name: &str, or: u64| option(name).map_or(or, |n| n.parse().expect("a number"));
    if let Some(file) = option("--write") {
        return Arguments::to_write(&all[0], &file);
    }
    let (way, address) = all.get(1).and_then(|url| url.split_once("://")).expect("grpc://ADDRESS");
    let way = match way {
        "grpc" => Way::Grpc,
        "http" => Way::Http,
        "json" => Way::Json,
        "gzip" => Way::Gzip,
        _ => panic!("grpc, http, json or gzip"),
    };
    let part = option("--part").map_or((0, 1), |part| {
        let (i, n) = part.split_once('/').expect("I/N");
        (i.parse().expect("a number"), n.parse().expect("a number"))
    });
    Arguments {
        file: all[0].clone(),
        way,
        address: address.parse().expect("an address"),
        batch: number("--batch", 1_000) as usize,
        connections: number("--connections", 4) as usize,
        seed: number("--seed", 1),
        part,
        acked: option("--acked"),
        seconds: number("--seconds", 300),
        shuffle: option("--shuffle").as_deref() != Some("no"),
        write: None,
    }
}

impl Arguments {
    fn to_write(source: &str, file: &str) -> Self {
        Self {
            file: source.to_owned(),
            way: Way::Grpc,
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
            batch: 1_000,
            connections: 1,
            seed: 1,
            part: (0, 1),
            acked: None,
            seconds: 0,
            shuffle: false,
            write: Some(file.to_owned()),
        }
    }
}

/// Numbers that look random and are the same every time (splitmix64, Steele et al. 2014).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % n as u64) as usize
    }
}

/// The spans of a file with the number of their resource.
fn spans(file: &str) -> (Vec<Resource>, Vec<(u32, Span)>) {
    if let Some(n) = file.strip_prefix("made:") {
        return shop::spans(n.parse().expect("a number"));
    }
    let bytes = std::fs::read(file).expect("a file");
    let (mut resources, mut all) = (Vec::<Resource>::new(), Vec::new());
    let mut known = std::collections::HashMap::<Vec<u8>, u32>::new();
    let mut rest = bytes.as_slice();
    while let Some((length, more)) = rest.split_first_chunk::<4>() {
        let (frame, more) = more.split_at(u32::from_be_bytes(*length) as usize);
        rest = more;
        for group in ExportTraceServiceRequest::decode(frame).expect("a request").resource_spans {
            let resource = group.resource.unwrap_or_default();
            let at = *known.entry(resource.encode_to_vec()).or_insert_with(|| {
                resources.push(resource);
                resources.len() as u32 - 1
            });
            all.extend(group.scope_spans.into_iter().flat_map(|scope| scope.spans).map(|span| (at, span)));
        }
    }
    (resources, all)
}

/// Requests of a batch of spans each, a resource once in each; with the number of their spans.
fn requests(arguments: &Arguments) -> Vec<(u64, Bytes)> {
    let (resources, mut all) = spans(&arguments.file);
    let mut numbers = Numbers(arguments.seed);
    for at in (1..all.len()).rev().filter(|_| arguments.shuffle) {
        all.swap(at, numbers.below(at + 1));
    }
    let mut made = Vec::new();
    let mut spans = all.into_iter().peekable();
    while spans.peek().is_some() {
        let mut groups: std::collections::BTreeMap<u32, Vec<Span>> = std::collections::BTreeMap::new();
        let mut n = 0;
        for (resource, span) in spans.by_ref().take(arguments.batch) {
            groups.entry(resource).or_default().push(span);
            n += 1;
        }
        let request = ExportTraceServiceRequest {
            resource_spans: groups
                .into_iter()
                .map(|(resource, spans)| ResourceSpans {
                    resource: Some(resources[resource as usize].clone()),
                    scope_spans: vec![ScopeSpans { spans, ..ScopeSpans::default() }],
                    ..ResourceSpans::default()
                })
                .collect(),
        };
        made.push((n, body(arguments.way, &request)));
    }
    let (i, n) = arguments.part;
    made.into_iter().skip(i).step_by(n).collect()
}

fn body(way: Way, request: &ExportTraceServiceRequest) -> Bytes {
    let bytes = request.encode_to_vec();
    match way {
        Way::Grpc => {
            let mut framed = vec![0];
            framed.extend_from_slice(&(bytes.len() as u32).to_be_bytes());
            framed.extend_from_slice(&bytes);
            framed.into()
        }
        Way::Http => bytes.into(),
        Way::Json => serde_json::to_vec(request).expect("JSON").into(),
        Way::Gzip => {
            let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            packed.write_all(&bytes).expect("packed");
            packed.finish().expect("packed").into()
        }
    }
}

enum Connection {
    One(http1::SendRequest<Full<Bytes>>),
    Two(http2::SendRequest<Full<Bytes>>),
}

async fn connect(arguments: &Arguments) -> Option<Connection> {
    let stream = TcpStream::connect(arguments.address).await.ok()?;
    stream.set_nodelay(true).ok()?;
    let io = TokioIo::new(stream);
    if arguments.way == Way::Grpc {
        let (send, connection) = http2::Builder::new(TokioExecutor::new()).handshake(io).await.ok()?;
        tokio::spawn(connection);
        return Some(Connection::Two(send));
    }
    let (send, connection) = http1::handshake(io).await.ok()?;
    tokio::spawn(connection);
    Some(Connection::One(send))
}

/// Was it acknowledged? `None` if the connection broke.
async fn send(connection: &mut Connection, arguments: &Arguments, body: Bytes) -> Option<bool> {
    let request = |uri: &str| Request::post(uri).header("host", "localhost");
    let path = "http://localhost/opentelemetry.proto.collector.trace.v1.TraceService/Export";
    let answer = match connection {
        Connection::Two(send) => {
            let request = request(path).header("content-type", "application/grpc").header("te", "trailers");
            send.ready().await.ok()?;
            send.send_request(request.body(Full::new(body)).expect("a request")).await.ok()?
        }
        Connection::One(send) => {
            let kind = if arguments.way == Way::Json { "application/json" } else { "application/x-protobuf" };
            let mut request = request("/v1/traces").header("content-type", kind);
            if arguments.way == Way::Gzip {
                request = request.header("content-encoding", "gzip");
            }
            send.ready().await.ok()?;
            send.send_request(request.body(Full::new(body)).expect("a request")).await.ok()?
        }
    };
    let status = answer.status();
    let of_headers = answer.headers().get("grpc-status").map(|s| s == "0");
    let collected = answer.into_body().collect().await.ok()?;
    let of_trailers = collected.trailers().and_then(|t| t.get("grpc-status")).map(|s| s == "0");
    Some(match of_trailers.or(of_headers) {
        Some(well) => well,
        None => arguments.way != Way::Grpc && status.is_success(),
    })
}

struct Work {
    arguments: Arguments,
    requests: Vec<(u64, Bytes)>,
    next: AtomicUsize,
    spans: AtomicU64,
    again: AtomicU64,
    acked: Option<std::sync::Mutex<std::fs::File>>,
    end: Instant,
}

async fn work(work: Arc<Work>) {
    let mut connection = None;
    loop {
        let at = work.next.fetch_add(1, Ordering::Relaxed);
        let Some((n, body)) = work.requests.get(at) else { return };
        loop {
            if Instant::now() > work.end {
                return;
            }
            if connection.is_none() {
                connection = connect(&work.arguments).await;
            }
            let well = match connection.as_mut() {
                Some(open) => send(open, &work.arguments, body.clone()).await,
                None => None,
            };
            if well == Some(true) {
                work.spans.fetch_add(*n, Ordering::Relaxed);
                if let Some(file) = &work.acked {
                    writeln!(file.lock().expect("not poisoned"), "{at}").expect("written");
                }
                break;
            }
            if well.is_none() {
                connection = None;
            }
            work.again.fetch_add(1, Ordering::Relaxed);
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

/// User and system seconds of this process.
fn cpu() -> f64 {
    let text = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<&str> = text.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |at: usize| fields.get(at).and_then(|f| f.parse::<f64>().ok()).unwrap_or(0.0);
    (ticks(11) + ticks(12)) / 100.0
}

/// Sends what the arguments say.
#[expect(clippy::print_stdout, reason = "what was sent is what it is asked for")]
pub fn main() {
    let arguments = arguments();
    let requests = requests(&arguments);
    if let Some(file) = &arguments.write {
        // A message of gRPC is framed as a file is, behind one byte.
        let framed: Vec<u8> = requests.iter().flat_map(|(_, body)| body[1..].to_vec()).collect();
        return std::fs::write(file, framed).expect("written");
    }
    let file = arguments.acked.as_ref().map(|path| {
        std::sync::Mutex::new(std::fs::OpenOptions::new().append(true).create(true).open(path).expect("a file"))
    });
    let bytes: usize = requests.iter().map(|(_, body)| body.len()).sum();
    let (connections, of) = (arguments.connections, requests.len());
    let (begin, before) = (Instant::now(), cpu());
    let end = begin + Duration::from_secs(arguments.seconds);
    let all = Arc::new(Work {
        arguments,
        requests,
        next: AtomicUsize::new(0),
        spans: AtomicU64::new(0),
        again: AtomicU64::new(0),
        acked: file,
        end,
    });
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("threads");
    runtime.block_on(async {
        let mut workers = tokio::task::JoinSet::new();
        (0..connections).for_each(|_| drop(workers.spawn(work(Arc::clone(&all)))));
        while workers.join_next().await.is_some() {}
    });
    let (spans, again) = (all.spans.load(Ordering::Relaxed), all.again.load(Ordering::Relaxed));
    println!(
        "{}",
        serde_json::json!({"spans": spans, "requests": of, "bytes": bytes, "sent_again": again,
            "seconds": begin.elapsed().as_secs_f64(), "cpu_seconds": cpu() - before})
    );
}
