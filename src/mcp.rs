//! A Model Context Protocol server over two streams: read-only questions about a system, so that a coding agent can
//! ask before it adds a call. JSON-RPC 2.0, one message on a line.
//!
//! Takes a reader, a writer and a way to read the system; knows no file and no clock, and changes nothing.

mod questions;

use std::io::{BufRead, Read, Write};

use serde_json::{Value, json};

use crate::error::Error;
use crate::result::Result as RunResult;

/// Versions of the protocol that are spoken, the newest first.
const VERSIONS: [&str; 3] = ["2025-06-18", "2025-03-26", "2024-11-05"];

/// A message above this is refused (1 MiB: questions are names).
const MOST_BYTES: u64 = 1 << 20;

/// How the system is read, at the first question and when the agent asks to read it again.
pub type Load<'l> = dyn Fn() -> Result<RunResult, Error> + 'l;

/// Answers until the reader ends.
///
/// # Errors
/// What the streams say; a closed one ends the server quietly.
pub fn serve(mut reader: impl BufRead, mut writer: impl Write, load: &Load<'_>) -> std::io::Result<()> {
    let mut server = Server { load, result: None };
    loop {
        let mut line = Vec::new();
        let read = Read::by_ref(&mut reader).take(MOST_BYTES).read_until(b'\n', &mut line)?;
        if read == 0 {
            return Ok(());
        }
        let answer = if read as u64 == MOST_BYTES && line.last() != Some(&b'\n') {
            drain(&mut reader)?;
            Some(failure(&Value::Null, PARSE_ERROR, "the message is too long"))
        } else if line.iter().all(u8::is_ascii_whitespace) {
            None
        } else {
            server.answer(&line)
        };
        if let Some(answer) = answer {
            let sent = writeln!(writer, "{answer}").and_then(|()| writer.flush());
            match sent {
                Err(e) if e.kind() == std::io::ErrorKind::BrokenPipe => return Ok(()),
                other => other?,
            }
        }
    }
}

/// Reads to the end of a line that is too long.
fn drain(reader: &mut impl BufRead) -> std::io::Result<()> {
    loop {
        let buffer = reader.fill_buf()?;
        let (end, length) = match buffer.iter().position(|b| *b == b'\n') {
            Some(at) => (true, at + 1),
            None => (buffer.is_empty(), buffer.len()),
        };
        reader.consume(length);
        if end {
            return Ok(());
        }
    }
}

/// Codes of JSON-RPC 2.0.
const PARSE_ERROR: i64 = -32_700;
const INVALID_REQUEST: i64 = -32_600;
const METHOD_NOT_FOUND: i64 = -32_601;
const INVALID_PARAMS: i64 = -32_602;

struct Server<'l> {
    load: &'l Load<'l>,
    result: Option<RunResult>,
}

impl Server<'_> {
    fn answer(&mut self, line: &[u8]) -> Option<Value> {
        let Ok(message) = serde_json::from_slice::<Value>(line) else {
            return Some(failure(&Value::Null, PARSE_ERROR, "no JSON on this line"));
        };
        let Some(method) = message.get("method").and_then(Value::as_str) else {
            // An answer to us needs none; anything else is no request.
            let answer = message.get("result").is_some() || message.get("error").is_some();
            return (!answer).then(|| failure(&Value::Null, INVALID_REQUEST, "no request: it names no method"));
        };
        // A message without an id is a notification: it is never answered.
        let id = message.get("id").cloned()?;
        let params = message.get("params").cloned().unwrap_or(Value::Null);
        Some(match method {
            "initialize" => success(&id, initialize(&params)),
            "ping" => success(&id, json!({})),
            "tools/list" => success(&id, json!({"tools": questions::list()})),
            "tools/call" => self.call(&id, &params),
            other => failure(&id, METHOD_NOT_FOUND, &format!("there is no method `{other}`")),
        })
    }

    fn call(&mut self, id: &Value, params: &Value) -> Value {
        let name = params.get("name").and_then(Value::as_str).unwrap_or_default();
        let Some(question) = questions::QUESTIONS.iter().find(|q| q.name == name) else {
            return failure(id, INVALID_PARAMS, &format!("there is no tool `{name}`"));
        };
        if question.name == "refresh" {
            self.result = None;
        }
        let result = match &self.result {
            Some(result) => result,
            None => match (self.load)() {
                Ok(result) => self.result.insert(result),
                Err(error) => return success(id, said(&error.to_string(), true)),
            },
        };
        let arguments = params.get("arguments").cloned().unwrap_or(Value::Null);
        match (question.answer)(result, &arguments) {
            Ok(value) => {
                let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                let mut content = said(&text, false);
                if value.is_object() {
                    content["structuredContent"] = value;
                }
                success(id, content)
            }
            // A wrong name is for the agent to correct: an answer, not an error of the protocol.
            Err(reason) => success(id, said(&reason, true)),
        }
    }
}

fn initialize(params: &Value) -> Value {
    let asked = params.get("protocolVersion").and_then(Value::as_str);
    let version = VERSIONS.iter().find(|v| Some(**v) == asked).unwrap_or(&VERSIONS[0]);
    json!({
        "protocolVersion": version,
        "capabilities": {"tools": {}},
        "serverInfo": {"name": "unbraid", "version": env!("CARGO_PKG_VERSION")},
        "instructions": "Ask what_if before you add a synchronous call between services; ask dependencies and explain \
                         for the evidence; call refresh after files have changed.",
    })
}

fn said(text: &str, error: bool) -> Value {
    json!({"content": [{"type": "text", "text": text}], "isError": error})
}

fn success(id: &Value, result: Value) -> Value {
    json!({"jsonrpc": "2.0", "id": id, "result": result})
}

fn failure(id: &Value, code: i64, message: &str) -> Value {
    json!({"jsonrpc": "2.0", "id": id, "error": {"code": code, "message": message}})
}

#[cfg(test)]
mod tests;
