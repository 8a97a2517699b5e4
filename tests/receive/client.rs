//! A small client of both protocols, and the receiver as a process.

use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::{http1, http2};
use hyper::header::HeaderMap;
use hyper::{Method, Request};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;

pub const EXPORT: &str = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";

/// The program as a receiver on ports of its own.
pub struct Receiver {
    pub child: Child,
    pub grpc: SocketAddr,
    pub http: SocketAddr,
}

pub fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_unbraid"));
    command.env_remove("UNBRAID_RECEIVE_TOKEN").env("UNBRAID_THREADS", "2");
    command
}

impl Receiver {
    /// Starts it in a folder; its facts go to `facts.json` there.
    pub fn start(folder: &Path, arguments: &[&str]) -> Self {
        let mut command = program();
        command.args(["receive", "--grpc", "127.0.0.1:0", "--http", "127.0.0.1:0", "--facts-out", "facts.json"]);
        command.args(["-o", "json=graph.json"]).args(arguments).current_dir(folder);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program starts");
        let mut errors = BufReader::new(child.stderr.take().expect("standard error"));
        let mut said = String::new();
        let addresses = loop {
            let mut line = String::new();
            assert!(errors.read_line(&mut line).expect("text") > 0, "it ended: {said}");
            said.push_str(&line);
            if let Some((_, rest)) = line.split_once("gRPC: ") {
                break rest.replace("HTTP: ", "");
            }
        };
        // What it says further is read, so that it never waits for a reader.
        std::thread::spawn(move || drop(errors.read_to_string(&mut String::new())));
        let mut addresses = addresses.split([',', ';']).map(|a| a.trim().parse().expect("an address"));
        let (grpc, http) = (addresses.next().expect("gRPC"), addresses.next().expect("HTTP"));
        Self { child, grpc, http }
    }

    /// Asks it to end and waits for the report.
    pub fn end(self) -> Output {
        self.signal("INT");
        let output = self.child.wait_with_output().expect("it ends");
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
        output
    }

    /// As `kill -9`.
    pub fn kill(mut self) {
        self.child.kill().expect("killed");
        self.child.wait().expect("it ended");
    }

    pub fn signal(&self, name: &str) {
        let done = Command::new("kill").args([format!("-{name}"), self.child.id().to_string()]).status();
        assert!(done.expect("kill").success());
    }

    pub fn grpc(&self, message: &[u8], packed: bool, headers: &[(&str, &str)]) -> Answer {
        self.call(EXPORT, message, packed, headers)
    }

    pub fn call(&self, path: &str, message: &[u8], packed: bool, headers: &[(&str, &str)]) -> Answer {
        let mut framed = vec![u8::from(packed)];
        framed.extend_from_slice(&(message.len() as u32).to_be_bytes());
        framed.extend_from_slice(message);
        let mut all = vec![("content-type", "application/grpc"), ("te", "trailers")];
        if packed {
            all.push(("grpc-encoding", "gzip"));
        }
        all.extend_from_slice(headers);
        wait(async {
            let io = TokioIo::new(TcpStream::connect(self.grpc).await.expect("connected"));
            let (mut send, connection) =
                http2::Builder::new(TokioExecutor::new()).handshake(io).await.expect("a handshake");
            tokio::spawn(connection);
            let request = made(Method::POST, &format!("http://localhost{path}"), &all, framed);
            answer(send.send_request(request).await.expect("an answer")).await
        })
    }

    pub fn post(&self, body: &[u8], headers: &[(&str, &str)]) -> Answer {
        self.http(Method::POST, "/v1/traces", body, headers)
    }

    pub fn http(&self, method: Method, path: &str, body: &[u8], headers: &[(&str, &str)]) -> Answer {
        wait(async {
            let io = TokioIo::new(TcpStream::connect(self.http).await.expect("connected"));
            let (mut send, connection) = http1::handshake(io).await.expect("a handshake");
            tokio::spawn(connection);
            let request = made(method, path, headers, body.to_vec());
            answer(send.send_request(request).await.expect("an answer")).await
        })
    }
}

pub fn wait<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime").block_on(work)
}

pub fn made(method: Method, uri: &str, headers: &[(&str, &str)], body: Vec<u8>) -> Request<Full<Bytes>> {
    let request = Request::builder().method(method).uri(uri).header("host", "localhost");
    let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    request.body(Full::new(body.into())).expect("a request")
}

/// An answer: status of HTTP, that of gRPC, headers, body.
pub struct Answer {
    pub status: u16,
    pub grpc: Option<i32>,
    pub headers: HeaderMap,
    pub body: Bytes,
}

pub async fn answer(answer: hyper::Response<hyper::body::Incoming>) -> Answer {
    let (head, body) = answer.into_parts();
    let collected = body.collect().await.expect("a body");
    let of = |map: &HeaderMap| map.get("grpc-status")?.to_str().ok()?.parse().ok();
    let grpc = collected.trailers().and_then(of).or_else(|| of(&head.headers));
    Answer { status: head.status.as_u16(), grpc, headers: head.headers, body: collected.to_bytes() }
}
