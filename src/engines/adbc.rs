//! Any database with an ADBC driver: rows in the order of traces, folded here. No program runs there.
//!
//! Arrow stays inside: batches become the same lines of text as every other engine gives.

use std::io::Read;

use adbc_core::options::{AdbcVersion, OptionDatabase, OptionValue};
use adbc_core::{Connection, Database, Driver, LOAD_FLAG_DEFAULT, Statement};
use adbc_driver_manager::{ManagedConnection, ManagedDriver, ManagedStatement};
use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, RecordBatch, RecordBatchReader};
use arrow_cast::display::{ArrayFormatter, FormatOptions};
use arrow_schema::DataType;

use crate::error::Error;
use crate::ingest::fold::PartialGraph;
use crate::ingest::rows::{self, Options};

use super::address::Credentials;
use super::join::escape;
use super::table::{Dialect, Slice, Table};
use super::{Answer, Engine, Request, Tell, checked};

/// Batches of an answer. The statement outlives them: drivers read on from it.
struct Asked {
    batches: Box<dyn RecordBatchReader + Send>,
    _statement: ManagedStatement,
}

impl Iterator for Asked {
    type Item = Result<RecordBatch, arrow_schema::ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.batches.next()
    }
}

/// A database behind a driver.
pub struct Adbc {
    name: String,
    driver: String,
    uri: String,
    credentials: Credentials,
}

impl Adbc {
    /// A database; an empty address is taken from the credentials.
    #[must_use]
    pub fn new(driver: &str, uri: &str, credentials: &Credentials, name: &str) -> Self {
        let uri = if uri.is_empty() { credentials.uri.clone().unwrap_or_default() } else { uri.to_owned() };
        Self { name: name.to_owned(), driver: driver.to_owned(), uri, credentials: credentials.clone() }
    }

    fn fail(&self, reason: &str) -> Error {
        Error::Engine { engine: self.name.clone(), reason: self.credentials.mask(reason) }
    }

    fn connect(&self) -> Result<ManagedConnection, Error> {
        let fail = |e: adbc_core::error::Error| self.fail(&e.message);
        // DuckDB's own library has its entry under its own name and takes a path, not an address.
        let is_duckdb = self.driver.contains("duckdb");
        let entry: Option<&[u8]> = is_duckdb.then_some(b"duckdb_adbc_init");
        let is_path = self.driver.contains(['/', '\\']);
        let driver = if is_path {
            ManagedDriver::load_dynamic_from_filename(&self.driver, entry, AdbcVersion::V100)
        } else {
            ManagedDriver::load_from_name(&self.driver, entry, AdbcVersion::V100, LOAD_FLAG_DEFAULT, None)
        };
        let mut driver = driver.map_err(|e| {
            self.fail(&format!("the driver cannot be loaded: {}; give its library's path or install it", e.message))
        })?;
        let mut options: Vec<(OptionDatabase, OptionValue)> = Vec::new();
        if !self.uri.is_empty() {
            let key = if is_duckdb { OptionDatabase::Other("path".to_owned()) } else { OptionDatabase::Uri };
            options.push((key, self.uri.as_str().into()));
        }
        if let Some(user) = &self.credentials.user {
            options.push((OptionDatabase::Username, user.as_str().into()));
        }
        if let Some(password) = &self.credentials.password {
            options.push((OptionDatabase::Password, password.as_str().into()));
        }
        let database = driver.new_database_with_opts(options).map_err(fail)?;
        database.new_connection().map_err(fail)
    }

    fn ask(&self, connection: &mut ManagedConnection, sql: &str) -> Result<Asked, Error> {
        let fail = |e: adbc_core::error::Error| self.fail(&e.message);
        let mut statement = connection.new_statement().map_err(fail)?;
        statement.set_sql_query(sql).map_err(fail)?;
        let batches = statement.execute().map_err(fail)?;
        Ok(Asked { batches, _statement: statement })
    }

    fn count(&self, connection: &mut ManagedConnection, sql: &str) -> Result<u64, Error> {
        for batch in self.ask(connection, sql)? {
            let batch = batch.map_err(|e| self.fail(&e.to_string()))?;
            if batch.num_rows() > 0 {
                let text = line(&batch, 0);
                return text
                    .trim()
                    .parse()
                    .map_err(|_| self.fail(&format!("it was asked for a number and said: {text}")));
            }
        }
        Err(self.fail("it counts no rows"))
    }

    fn slice(
        &self,
        c: &mut ManagedConnection,
        table: &Table<'_>,
        slice: Slice,
        options: Options,
    ) -> Result<PartialGraph, Error> {
        let counted = self.count(c, &table.count(slice))?;
        let sql = format!("{} ORDER BY 1", table.rows(slice));
        let head = table.header().join("\t") + "\n";
        let batches = self.ask(c, &sql)?;
        let stream = Stream { batches, text: head.into_bytes(), at: 0 };
        let graph = rows::fold(stream, options).map_err(|e| self.fail(&e.to_string()))?;
        checked(&self.name, graph, counted)
    }
}

impl Engine for Adbc {
    fn aggregate(&self, request: &Request, tell: Tell<'_>) -> Result<Answer, Error> {
        let table = Table::new(&request.table, Dialect::Standard, request.window).map_err(|e| self.fail(&e))?;
        if request.slices > 256 {
            return Err(self.fail("at most 256 slices: they are told by the last two digits of the trace id"));
        }
        tell(&format!("{}: reads {} in slices: {}, in the order of traces", self.name, table.name(), request.slices));
        let mut connection = self.connect()?;
        let options = Options { memory: request.memory, most_spans: request.most_spans };
        let mut graph = PartialGraph::default();
        for at in 0..request.slices {
            graph = graph.merge(self.slice(&mut connection, &table, Slice { at, of: request.slices }, options)?);
            tell(&format!("slice {} of {}: {} spans so far", at + 1, request.slices, graph.spans()));
        }
        // Ids that do not end in two digits of hex are in no slice.
        let all = self.count(&mut connection, &table.count(Slice { at: 0, of: 1 }))?;
        Ok(Answer { graph: checked(&self.name, graph, all)?, notes: Vec::new() })
    }
}

/// Batches as lines.
struct Stream {
    batches: Asked,
    text: Vec<u8>,
    at: usize,
}

impl Read for Stream {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        while self.at == self.text.len() {
            let Some(batch) = self.batches.next() else { return Ok(0) };
            let batch = batch.map_err(std::io::Error::other)?;
            self.text.clear();
            self.at = 0;
            write_batch(&batch, &mut self.text).map_err(std::io::Error::other)?;
        }
        let n = into.len().min(self.text.len() - self.at);
        into[..n].copy_from_slice(&self.text[self.at..self.at + n]);
        self.at += n;
        Ok(n)
    }
}

/// How a column is written.
enum Cells<'b> {
    Text(Box<dyn Fn(usize) -> &'b str + 'b>),
    Other(ArrayFormatter<'b>),
}

fn cells(column: &ArrayRef) -> Result<Cells<'_>, arrow_schema::ArrowError> {
    static PLAIN: FormatOptions<'static> = FormatOptions::new();
    Ok(match column.data_type() {
        DataType::Utf8 => Cells::Text(Box::new(|at| column.as_string::<i32>().value(at))),
        DataType::LargeUtf8 => Cells::Text(Box::new(|at| column.as_string::<i64>().value(at))),
        DataType::Utf8View => Cells::Text(Box::new(|at| column.as_string_view().value(at))),
        _ => Cells::Other(ArrayFormatter::try_new(column.as_ref(), &PLAIN)?),
    })
}

fn write_batch(batch: &RecordBatch, out: &mut Vec<u8>) -> Result<(), arrow_schema::ArrowError> {
    let columns: Vec<Cells<'_>> = batch.columns().iter().map(cells).collect::<Result<_, _>>()?;
    for row in 0..batch.num_rows() {
        for (at, (cells, array)) in columns.iter().zip(batch.columns()).enumerate() {
            if at > 0 {
                out.push(b'\t');
            }
            if array.is_null(row) {
                continue;
            }
            match cells {
                Cells::Text(text) => {
                    let text = text(row);
                    if text.contains(['\\', '\t', '\n', '\r']) {
                        out.extend_from_slice(escape(text).as_bytes());
                    } else {
                        out.extend_from_slice(text.as_bytes());
                    }
                }
                Cells::Other(format) => out.extend_from_slice(format.value(row).try_to_string()?.as_bytes()),
            }
        }
        out.push(b'\n');
    }
    Ok(())
}

/// The first row of a batch.
fn line(batch: &RecordBatch, row: usize) -> String {
    let mut text = Vec::new();
    let _ = write_batch(&batch.slice(row, 1), &mut text);
    String::from_utf8_lossy(&text).into_owned()
}
