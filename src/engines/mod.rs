//! Engines that hold the spans -> one partial graph: where the fold of traces runs, and nothing else, is different.
//!
//! Takes an address, the names of columns, a window; gives a [`PartialGraph`] that is merged with what was read from
//! files. Each client is a module behind its own feature and none is in the default build; texts of SQL
//! ([`table`]) and the reading of addresses are always there, so that they are tested. Opens no file and reads no
//! environment. Operators read `operator.md` beside this file.
//!
//! Whatever the engine: it says what it will ask before it asks, and the number of rows folded has to be the number
//! that the engine counted, else there is no graph.

pub mod address;
pub mod join;
pub mod table;

#[cfg(feature = "adbc")]
pub mod adbc;
#[cfg(feature = "clickhouse")]
pub mod clickhouse;
#[cfg(feature = "spark")]
pub mod spark;

use crate::config::EngineConfig;
use crate::error::Error;
use crate::ingest::fold::PartialGraph;

pub use address::{Address, Credentials};
pub use table::{Slice, Window};

/// What to ask of an engine.
#[derive(Debug, Clone)]
pub struct Request {
    /// Where the spans are and what their columns are called.
    pub table: EngineConfig,
    /// Only traces that begin in it.
    pub window: Window,
    /// In how many parts the table is read, at least 1: the unit of retry, and what bounds the engine's memory.
    pub slices: u32,
    /// Memory of a fold that runs here, in bytes.
    pub memory: u64,
    /// Most spans of one trace.
    pub most_spans: u64,
    /// The program that an engine may run.
    pub program: Option<Program>,
    /// Run no program on the engine: join in SQL.
    pub join: bool,
}

/// A program that is sent to an engine: unbraid itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program {
    /// Where it is; its file name is `name`.
    pub path: String,
    /// Its name, by the hash of its content: another version never takes its place.
    pub name: String,
}

/// What an engine gave.
#[derive(Debug, Clone, Default)]
pub struct Answer {
    /// All traces that it holds in the window.
    pub graph: PartialGraph,
    /// What the reader of the result has to know.
    pub notes: Vec<String>,
}

/// What is told while an engine works.
pub type Tell<'t> = &'t dyn Fn(&str);

/// An engine that holds spans.
pub trait Engine {
    /// Gives the traces that it holds. `tell` hears the settings before the first statement, and how far it is.
    ///
    /// # Errors
    /// An engine that is not there, refuses, dies, or answers with another number of rows than it counted.
    fn aggregate(&self, request: &Request, tell: Tell<'_>) -> Result<Answer, Error>;
}

/// No engine: the inputs are all there is.
#[derive(Debug)]
struct Local;

impl Engine for Local {
    fn aggregate(&self, _: &Request, _: Tell<'_>) -> Result<Answer, Error> {
        Ok(Answer::default())
    }
}

/// The engine at an address.
///
/// # Errors
/// One that this program is not built with: says how to build it.
pub fn open(address: &Address, credentials: &Credentials) -> Result<Box<dyn Engine>, Error> {
    let _ = credentials;
    match address {
        Address::Local => Ok(Box::new(Local)),
        #[cfg(feature = "spark")]
        Address::Spark(url) => Ok(Box::new(spark::Spark::new(url, credentials, &address.to_string()))),
        #[cfg(feature = "clickhouse")]
        Address::ClickHouse(http) => {
            Ok(Box::new(clickhouse::ClickHouse::new(http, credentials, &address.to_string())?))
        }
        #[cfg(feature = "adbc")]
        Address::Adbc { driver, uri } => Ok(Box::new(adbc::Adbc::new(driver, uri, credentials, &address.to_string()))),
        #[cfg(not(all(feature = "spark", feature = "clickhouse", feature = "adbc")))]
        other => Err(not_built(other)),
    }
}

/// A default build is small and talks to nobody.
#[cfg(not(all(feature = "spark", feature = "clickhouse", feature = "adbc")))]
fn not_built(address: &Address) -> Error {
    let feature = address.feature().unwrap_or_default();
    let needs = if feature == "spark" { " (it needs protoc: Debian's protobuf-compiler)" } else { "" };
    let reason = format!(
        "this program is built without its client; build one that has it: cargo install --path . --locked --features \
         {feature}{needs}. Without it: let the engine print rows and pipe them to `unbraid fold`"
    );
    Error::Engine { engine: address.to_string(), reason }
}

/// The graph, if as many rows were folded as the engine counted.
///
/// # Errors
/// Another number: rows were lost or doubled on the way, or the table changed.
pub fn checked(engine: &str, graph: PartialGraph, counted: u64) -> Result<PartialGraph, Error> {
    let folded = graph.spans();
    if folded == counted {
        return Ok(graph);
    }
    let reason = format!(
        "it counts {counted} rows, but {folded} were folded: rows were lost, or the table changed while it was read; \
         give --until a time before which no spans arrive any more"
    );
    Err(Error::Engine { engine: engine.to_owned(), reason })
}

/// A moment as users write it, in nanoseconds since 1970: a date (`2026-11-26`), a time of UTC
/// (`2026-11-26T08:00:00Z`, with or without seconds), or whole seconds since 1970.
///
/// # Errors
/// What may be written.
pub fn moment(text: &str) -> Result<i64, String> {
    let wrong = || format!("`{text}` is no time; write 2026-11-26, 2026-11-26T08:00:00Z or seconds since 1970");
    let seconds = match text.parse::<i64>() {
        Ok(seconds) => seconds,
        Err(_) => calendar(text).ok_or_else(wrong)?,
    };
    seconds.checked_mul(1_000_000_000).ok_or_else(wrong)
}

/// Seconds since 1970 of a date with or without a time of UTC.
fn calendar(text: &str) -> Option<i64> {
    let (date, time) = text.split_once('T').unwrap_or((text, "00:00:00Z"));
    let number = |t: &str| t.parse::<i64>().ok().filter(|_| t.bytes().all(|b| b.is_ascii_digit()));
    let [year, month, day]: [i64; 3] = date.split('-').map(number).collect::<Option<Vec<_>>>()?.try_into().ok()?;
    let mut parts = time.strip_suffix('Z')?.split(':').map(number).collect::<Option<Vec<_>>>()?;
    if parts.len() == 2 {
        parts.push(0);
    }
    let [hour, minute, second]: [i64; 3] = parts.try_into().ok()?;
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = [31, 28 + i64::from(leap), 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let length = *days.get(usize::try_from(month).ok()?.checked_sub(1)?)?;
    if !(1970..2262).contains(&year) || !(1..=length).contains(&day) || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let before = |y: i64| 365 * y + y / 4 - y / 100 + y / 400;
    let passed: i64 = days.iter().take(month as usize - 1).sum();
    let day = before(year - 1) - before(1969) + passed + day - 1;
    Some(((day * 24 + hour) * 60 + minute) * 60 + second)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_dates_times_and_seconds() {
        for (text, seconds) in [
            ("1970-01-01", 0),
            ("2000-02-29T12:00:00Z", 951_825_600),
            ("2026-11-26T08:15Z", 1_795_680_900),
            ("1795680900", 1_795_680_900),
        ] {
            assert_eq!(moment(text), Ok(seconds * 1_000_000_000), "{text}");
        }
        for text in ["", "yesterday", "2026-13-01", "2026-02-29", "2026-01-01T25:00Z", "2026-01-01T08:00", "-1-1-1"] {
            assert!(moment(text).expect_err(text).contains("seconds since 1970"), "{text}");
        }
    }

    #[test]
    fn another_number_of_rows_is_no_graph() {
        assert!(checked("x", PartialGraph::default(), 0).is_ok());
        let error = checked("clickhouse http://h", PartialGraph::default(), 7).expect_err("wrong").to_string();
        assert!(error.contains("counts 7 rows, but 0 were folded") && error.contains("--until"), "{error}");
    }

    #[test]
    fn an_engine_that_is_not_built_in_says_how_to_build_it() {
        let of = |text: &str| Address::parse(text).expect("an address");
        assert!(open(&of("local"), &Credentials::default()).is_ok());
        if cfg!(not(feature = "spark")) {
            let error = open(&of("spark=sc://h:1"), &Credentials::default()).err().expect("not built").to_string();
            assert!(error.contains("--features spark") && error.contains("protoc"), "{error}");
        }
    }
}
