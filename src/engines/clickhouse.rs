//! ClickHouse by HTTP: slices of the table as rows in the order of traces, folded here as they arrive.
//!
//! The table of the exporter is ordered by service, name and time, so ClickHouse sorts each slice: `--slices` bounds
//! what that takes, and a slice is what is tried again. Statements only read (`readonly=2`).

use std::io::Read;

use clickhouse::query::BytesCursor;
use clickhouse::{Client, Compression};
use tokio::runtime::Runtime;

use crate::error::Error;
use crate::ingest::fold::PartialGraph;
use crate::ingest::rows::{self, Options};

use super::address::{Credentials, Http};
use super::table::{Dialect, Slice, Table};
use super::{Answer, Engine, Request, Tell, checked};

/// What each statement is limited by unless the address says otherwise: a share of a server that others use.
const SETTINGS: &[(&str, &str)] = &[
    ("max_memory_usage", "4000000000"),
    ("max_bytes_before_external_sort", "2000000000"),
    ("max_threads", "2"),
    ("readonly", "2"),
    ("output_format_json_escape_forward_slashes", "0"),
];

/// How often a slice is read before the run ends.
const TRIES: u32 = 3;

/// A server.
pub struct ClickHouse {
    name: String,
    client: Client,
    settings: Vec<(String, String)>,
    credentials: Credentials,
    runtime: Runtime,
}

/// Why a slice was not read, and whether another try may read it.
struct Failed {
    error: Error,
    again: bool,
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        Self { error, again: false }
    }
}

impl ClickHouse {
    /// A server at an address.
    ///
    /// # Errors
    /// The machine does not let it wait for answers.
    pub fn new(http: &Http, credentials: &Credentials, name: &str) -> Result<Self, Error> {
        let mut settings: Vec<(String, String)> = Vec::new();
        let mut client = Client::default().with_url(format!("{}/", http.origin)).with_compression(Compression::Lz4);
        let own = http.settings.iter().any(|(k, v)| k == "settings" && v == "server");
        let defaults = SETTINGS.iter().filter(|_| !own).map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
        for (key, value) in defaults.chain(http.settings.iter().cloned()) {
            match key.as_str() {
                "settings" => {}
                "database" => client = client.with_database(value),
                _ => {
                    settings.retain(|(known, _)| *known != key);
                    settings.push((key, value));
                }
            }
        }
        for (key, value) in &settings {
            client = client.with_setting(key, value);
        }
        client = match (&credentials.token, &credentials.user, &credentials.password) {
            (Some(token), ..) => client.with_access_token(token),
            (None, user, password) => {
                let client = user.iter().fold(client, |c, user| c.with_user(user));
                password.iter().fold(client, |c, password| c.with_password(password))
            }
        };
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let fail = |e: std::io::Error| Error::Engine { engine: name.to_owned(), reason: e.to_string() };
        let runtime = runtime.map_err(fail)?;
        Ok(Self { name: name.to_owned(), client, settings, credentials: credentials.clone(), runtime })
    }

    fn fail(&self, reason: &str) -> Error {
        Error::Engine { engine: self.name.clone(), reason: self.credentials.mask(reason) }
    }

    /// What went wrong, with what to do where that is known. Only what broke on the way is worth another try.
    fn refused(&self, error: &clickhouse::error::Error) -> Failed {
        let again = matches!(error, clickhouse::error::Error::Network(_) | clickhouse::error::Error::TimedOut);
        Failed { error: self.explained(error), again }
    }

    fn explained(&self, error: &clickhouse::error::Error) -> Error {
        let mut text = error.to_string();
        let mut source = std::error::Error::source(error);
        while let Some(inner) = source {
            if !text.contains(&inner.to_string()) {
                text = format!("{text}: {inner}");
            }
            source = inner.source();
        }
        let hints = [
            ("MEMORY_LIMIT_EXCEEDED", "give more --slices"),
            (
                "READONLY",
                "the user may not change settings: limit them in its profile and add ?settings=server to the address",
            ),
            ("UNKNOWN_TABLE", "name it as engine.table in unbraid.yaml"),
            ("UNKNOWN_IDENTIFIER", "name the columns as engine.columns in unbraid.yaml"),
        ];
        // The statement is repeated in it, and says nothing new.
        let code = text.rfind('(').map_or("", |at| &text[at..]).to_owned();
        if let Some((says, _)) = text.split_once(" In scope ") {
            text = format!("{says} {code}");
        }
        match hints.iter().find(|(code, _)| text.contains(code)) {
            Some((_, hint)) => self.fail(&format!("{text}; {hint}")),
            None => self.fail(&text),
        }
    }

    fn count(&self, sql: &str) -> Result<u64, Failed> {
        let cursor = self.client.query_raw(sql).fetch_bytes("TabSeparated");
        let bytes = cursor.and_then(|mut cursor| self.runtime.block_on(cursor.collect()));
        let bytes = bytes.map_err(|e| self.refused(&e))?;
        let text = String::from_utf8_lossy(&bytes);
        let wrong = || self.fail(&format!("it was asked for a number and said: {}", text.trim()));
        text.trim().parse().map_err(|_| wrong().into())
    }

    fn slice(&self, table: &Table<'_>, slice: Slice, options: Options) -> Result<PartialGraph, Failed> {
        let counted = self.count(&table.count(slice))?;
        let sql = format!("{} ORDER BY `trace_id`", table.rows(slice));
        let cursor = self.client.query_raw(&sql).fetch_bytes("TabSeparatedWithNames");
        let cursor = cursor.map_err(|e| self.refused(&e))?;
        let mut stream = Stream { runtime: &self.runtime, cursor, chunk: Vec::new(), at: 0, broken: None };
        let graph = rows::fold(&mut stream, options);
        if let Some(error) = stream.broken {
            return Err(self.refused(&error));
        }
        Ok(checked(&self.name, graph.map_err(|e| self.fail(&e.to_string()))?, counted)?)
    }
}

impl Engine for ClickHouse {
    fn aggregate(&self, request: &Request, tell: Tell<'_>) -> Result<Answer, Error> {
        let table = Table::new(&request.table, Dialect::ClickHouse, request.window).map_err(|e| self.fail(&e))?;
        let settings: Vec<String> = self.settings.iter().map(|(k, v)| format!("{k}={v}")).collect();
        tell(&format!("{}: reads {} in slices: {}; {}", self.name, table.name(), request.slices, settings.join(" ")));
        let options = Options { memory: request.memory, most_spans: request.most_spans };
        let mut graph = PartialGraph::default();
        for at in 0..request.slices {
            let slice = Slice { at, of: request.slices };
            let mut tries = 1;
            let part = loop {
                match self.slice(&table, slice, options) {
                    Ok(part) => break part,
                    Err(Failed { error, again }) if !again || tries >= TRIES => return Err(error),
                    Err(Failed { error, .. }) => {
                        tell(&format!("slice {} of {} is read again: {error}", at + 1, request.slices));
                        std::thread::sleep(std::time::Duration::from_secs(u64::from(tries)));
                        tries += 1;
                    }
                }
            };
            graph = graph.merge(part);
            tell(&format!("slice {} of {}: {} spans so far", at + 1, request.slices, graph.spans()));
        }
        Ok(Answer { graph, notes: Vec::new() })
    }
}

/// The bytes of an answer as they come.
struct Stream<'r> {
    runtime: &'r Runtime,
    cursor: BytesCursor,
    chunk: Vec<u8>,
    at: usize,
    broken: Option<clickhouse::error::Error>,
}

impl Read for &mut Stream<'_> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        while self.at == self.chunk.len() {
            match self.runtime.block_on(self.cursor.next()) {
                Ok(Some(bytes)) => (self.chunk, self.at) = (bytes.to_vec(), 0),
                Ok(None) => return Ok(0),
                Err(error) => {
                    self.broken = Some(error);
                    return Err(std::io::Error::other("the answer broke off"));
                }
            }
        }
        let n = into.len().min(self.chunk.len() - self.at);
        into[..n].copy_from_slice(&self.chunk[self.at..self.at + n]);
        self.at += n;
        Ok(n)
    }
}
