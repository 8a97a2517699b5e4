//! Spark by Spark Connect: the fold runs on the executors, on rows that Spark brought together by trace.
//!
//! The program is unbraid itself, sent as an artifact that is named by its content; `TRANSFORM` pipes rows to it. A
//! lost executor is Spark's own affair: it runs the task again, and takes one answer of each. Where programs are
//! refused (one row is tried first) pairs are joined in SQL, and the answer says what is then not seen.

use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

use spark_connect::{SparkSession, row::Row};

use crate::error::Error;
use crate::ingest::fold::PartialGraph;

use super::address::Credentials;
use super::join::{self, Group, Side};
use super::table::{Dialect, Slice, Table};
use super::{Answer, Engine, Program, Request, Tell, checked};

/// Memory of a fold on an executor, beside the executor's own: for batches of whole traces.
const MEMORY: &str = "512M";

/// The port where an address names none, as Spark Connect has it.
const PORT: u16 = 15_002;

/// How long a server may take to let somebody in.
const PATIENCE: Duration = Duration::from_secs(10);

/// How the line with the number of rows begins.
const COUNTED: &str = "counted";

/// A Spark Connect server.
pub struct Spark {
    name: String,
    url: String,
    credentials: Credentials,
}

/// May programs run?
enum Probe {
    Runs,
    /// They are refused, by these words.
    Refused(String),
}

impl Spark {
    /// A server at an address.
    #[must_use]
    pub fn new(url: &str, credentials: &Credentials, name: &str) -> Self {
        let mut url = url.to_owned();
        let parameters = [("token", &credentials.token), ("user_id", &credentials.user)];
        for (key, value) in parameters {
            let Some(value) = value else { continue };
            let start = if url.contains(';') { ";" } else { "/;" };
            url = format!("{}{start}{key}={value}", url.trim_end_matches(['/', ';']));
        }
        Self { name: name.to_owned(), url, credentials: credentials.clone() }
    }

    fn fail(&self, reason: &str) -> Error {
        Error::Engine { engine: self.name.clone(), reason: shorten(&self.credentials.mask(reason)) }
    }

    /// Is somebody there? The client itself would try again for minutes.
    fn dial(&self) -> Result<(), Error> {
        let rest = self.url.strip_prefix("sc://").unwrap_or(&self.url);
        let host = rest.split(['/', ';']).next().unwrap_or_default();
        let named = if host.ends_with(']') || !host.contains(':') { format!("{host}:{PORT}") } else { host.to_owned() };
        let found = named.to_socket_addrs().map_err(|e| self.fail(&format!("{named}: {e}")))?;
        let mut last = "it has no address".to_owned();
        for address in found {
            match TcpStream::connect_timeout(&address, PATIENCE) {
                Ok(_) => return Ok(()),
                Err(error) => last = error.to_string(),
            }
        }
        Err(self.fail(&format!("nobody answers at {named}: {last}")))
    }

    fn ask(&self, session: &SparkSession, sql: &str) -> Result<Vec<Row>, Error> {
        answer(session, sql).map_err(|e| self.fail(&e))
    }

    /// Sends the program and lets it fold one row.
    fn probe(&self, session: &SparkSession, program: &Program) -> Result<Probe, Error> {
        if let Err(error) = session.add_artifact(&program.path) {
            return Ok(Probe::Refused(shorten(&self.credentials.mask(&error.to_string()))));
        }
        let columns =
            ["trace_id", "span_id", "parent_span_id", "service", "name", "kind", "status", "start_ns", "duration_ns"];
        let row =
            "SELECT 'a1' AS t, 'b1' AS s, '' AS p, 'probe' AS v, 'probe' AS n, '1' AS k, '0' AS c, 1 AS b, 1 AS d";
        match answer(session, &transform("t, s, p, v, n, k, c, b, d", program, &columns, row)) {
            Ok(rows) => {
                let graph = PartialGraph::from_text(&lines(&rows), 0);
                let graph = graph.map_err(|e| self.fail(&format!("the program that was sent answers wrongly: {e}")))?;
                Ok(if checked(&self.name, graph, 1).is_ok() {
                    Probe::Runs
                } else {
                    return Err(self.fail("the program that was sent did not fold the one row that it was given"));
                })
            }
            Err(text) => {
                // The program was allowed, and failed: another one may run.
                if text.contains("exited with status") || text.contains("SubprocessFailure") {
                    return Err(self.fail(&format!(
                        "the program that was sent does not run on the executors ({text}); give one that is built for \
                         them with --fold-binary (static: --target x86_64-unknown-linux-musl), or --spark-join"
                    )));
                }
                Ok(Probe::Refused(shorten(&self.credentials.mask(&text))))
            }
        }
    }

    /// One slice by the fold.
    fn fold(
        &self,
        session: &SparkSession,
        table: &Table<'_>,
        slice: Slice,
        program: &Program,
    ) -> Result<PartialGraph, Error> {
        let header = table.header();
        let fields: Vec<String> = header.iter().map(|name| format!("`{name}`")).collect();
        let rows = format!("{} DISTRIBUTE BY `trace_id` SORT BY `trace_id`", table.rows(slice));
        let folded = transform(&fields.join(", "), program, &header, &rows);
        // The same statement counts, so that both see the same table.
        let count = table.count(slice);
        let sql =
            format!("{folded} UNION ALL SELECT concat('{COUNTED}\\t', CAST(c.n AS STRING)) AS line FROM ({count}) c");
        let answer = lines(&self.ask(session, &sql)?);
        let (mut parts, mut counted) = (String::with_capacity(answer.len()), None);
        for line in answer.lines() {
            match line.strip_prefix(COUNTED).and_then(|rest| rest.strip_prefix('\t')) {
                Some(n) => counted = n.parse::<u64>().ok(),
                None => {
                    parts.push_str(line);
                    parts.push('\n');
                }
            }
        }
        let counted = counted.ok_or_else(|| self.fail("it did not say how many rows there are"))?;
        // A table without rows may have no partition, and then no program runs.
        if parts.is_empty() && counted == 0 {
            return Ok(PartialGraph::default());
        }
        let graph = PartialGraph::from_text(&parts, 0).map_err(|e| self.fail(&e))?;
        checked(&self.name, graph, counted)
    }

    /// One slice by the join.
    fn join(&self, session: &SparkSession, table: &Table<'_>, slice: Slice) -> Result<PartialGraph, Error> {
        let counted = self.ask(session, &table.count(slice))?;
        let counted = counted.first().and_then(|row| number(row, 0)).ok_or_else(|| self.fail("it counts no rows"))?;
        let rows = self.ask(session, &table.pairs(slice))?;
        let groups: Option<Vec<Group>> = rows.iter().map(group).collect();
        let groups = groups.ok_or_else(|| self.fail("its pairs are not what was asked for"))?;
        join::graph(&groups, counted as u64).map_err(|e| self.fail(&e))
    }
}

impl Engine for Spark {
    fn aggregate(&self, request: &Request, tell: Tell<'_>) -> Result<Answer, Error> {
        let table = Table::new(&request.table, Dialect::Spark, request.window).map_err(|e| self.fail(&e))?;
        self.dial()?;
        let session = SparkSession::builder().remote(&self.url).get_or_create();
        let session = session.map_err(|e| self.fail(&e.to_string()))?;
        let version = session.version().map_err(|e| self.fail(&e.to_string()))?;
        let mut notes = Vec::new();
        let program = match (&request.program, request.join) {
            (Some(program), false) => match self.probe(&session, program)? {
                Probe::Runs => Some(program),
                Probe::Refused(reason) => {
                    notes.push(format!("programs are refused here ({reason}); {}", join::NOT_SEEN));
                    None
                }
            },
            _ => {
                notes.push(format!("no program was sent, as was asked; {}", join::NOT_SEEN));
                None
            }
        };
        let how = program.map_or("joins pairs in SQL".to_owned(), |p| format!("runs {} on the executors", p.name));
        tell(&format!("{}: Spark {version} reads {} in slices: {}; {how}", self.name, table.name(), request.slices));
        let mut graph = PartialGraph::default();
        for at in 0..request.slices {
            let slice = Slice { at, of: request.slices };
            let part = match program {
                Some(program) => self.fold(&session, &table, slice, program)?,
                None => self.join(&session, &table, slice)?,
            };
            graph = graph.merge(part);
            tell(&format!("slice {} of {}: {} spans so far", at + 1, request.slices, graph.spans()));
        }
        // The session ends with the connection anyhow.
        drop(session.stop());
        Ok(Answer { graph, notes })
    }
}

/// All rows of a statement.
fn answer(session: &SparkSession, sql: &str) -> Result<Vec<Row>, String> {
    let frame = session.sql(sql).map_err(|e| e.to_string())?;
    frame.collect().map_err(|e| e.to_string())
}

/// Rows through the program. Both row formats are said: Spark's own separates fields by \x01, and a program that reads
/// nothing useful gives no rows and no error. What comes out is one column, a whole line.
fn transform(fields: &str, program: &Program, header: &[&str], rows: &str) -> String {
    let name = &program.name;
    let script = format!(
        "B=$(ls -t */{name} {name} 2>/dev/null | head -n 1); exec ./$B fold --threads 1 --memory {MEMORY} --columns {}",
        header.join(",")
    );
    format!(
        "SELECT TRANSFORM({fields}) ROW FORMAT DELIMITED FIELDS TERMINATED BY '\\t' LINES TERMINATED BY '\\n' NULL DEFINED \
         AS '' USING '{script}' AS (line STRING) ROW FORMAT DELIMITED FIELDS TERMINATED BY '\\u0001' LINES TERMINATED BY \
         '\\n' FROM ({rows})"
    )
}

fn lines(rows: &[Row]) -> String {
    let mut text = String::new();
    for row in rows {
        if let Some(line) = row.get(0).and_then(|v| v.as_str()) {
            text.push_str(line);
            text.push('\n');
        }
    }
    text
}

fn number(row: &Row, at: usize) -> Option<i64> {
    row.get(at).and_then(|v| v.as_i64())
}

/// A row of the join.
fn group(row: &Row) -> Option<Group> {
    let side = |from: usize| {
        let text = |at: usize| row.get(from + at).and_then(|v| v.as_str()).unwrap_or_default().to_owned();
        Side { texts: std::array::from_fn(text) }
    };
    let sum = |at: usize| number(row, at).map(|n| n.max(0) as u64);
    Some(Group {
        client: side(0),
        server: side(5),
        pairs: sum(11)?,
        duration: u128::from(sum(12)?),
        server_duration: u128::from(sum(13)?),
        first: sum(14)?,
        last: sum(15)?,
    })
}

/// Java's errors go on for pages; the first lines say it.
fn shorten(text: &str) -> String {
    let text = text.split(" at org.apache.").next().unwrap_or(text);
    let short: String = text.chars().take(600).collect();
    if short.len() < text.len() { format!("{short}…") } else { short }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_program_is_called_by_its_content_and_formats_are_said() {
        let program = Program { path: "/x/unbraid-0123".to_owned(), name: "unbraid-0123".to_owned() };
        let sql = transform("`a`, `b`", &program, &["trace_id", "span_id"], "SELECT 1");
        assert_eq!(
            sql,
            "SELECT TRANSFORM(`a`, `b`) ROW FORMAT DELIMITED FIELDS TERMINATED BY '\\t' LINES TERMINATED BY '\\n' NULL \
             DEFINED AS '' USING 'B=$(ls -t */unbraid-0123 unbraid-0123 2>/dev/null | head -n 1); exec ./$B fold --threads \
             1 --memory 512M --columns trace_id,span_id' AS (line STRING) ROW FORMAT DELIMITED FIELDS TERMINATED BY \
             '\\u0001' LINES TERMINATED BY '\\n' FROM (SELECT 1)"
        );
    }

    #[test]
    fn a_token_goes_to_the_server_and_into_no_text() {
        let secret = Credentials { token: Some("t0k".to_owned()), ..Credentials::default() };
        let spark = Spark::new("sc://h:1/;use_ssl=true", &secret, "spark sc://h:1");
        assert_eq!(spark.url, "sc://h:1/;use_ssl=true;token=t0k");
        assert!(!spark.fail("bad t0k").to_string().contains("t0k"));
        assert_eq!(Spark::new("sc://h:1", &secret, "").url, "sc://h:1/;token=t0k");
    }
}
