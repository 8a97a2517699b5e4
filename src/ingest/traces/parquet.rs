//! Parquet: one row a span, columns named as the collector's ClickHouse exporter or the user names them; or one row
//! a trace, as Tempo's blocks (vParquet3 to vParquet5) have it.
//!
//! Only the columns that matter are read, some hundred rows at a time. A file is read in parts, by all threads: a part
//! holds the row groups that begin in it.

mod flat;
mod hybrid;
mod leaf;
mod pages;
mod tempo;
mod text;

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::sync::{Arc, Once};

use parquet::file::metadata::{ParquetMetaData, ParquetMetaDataReader, RowGroupMetaData};

use crate::files::Bytes;
use crate::ingest::fold::Sink;

use super::columns::Columns;
use super::{Form, Format, Head, Input};

use leaf::Group;

/// How a file begins.
pub const MAGIC: &[u8] = b"PAR1";

/// Parquet.
pub const FORMAT: Format = Format { id: "parquet", claims, read };

fn claims(head: &Head<'_>) -> Option<Form> {
    head.bytes.starts_with(MAGIC).then_some(Form::Anywhere)
}

/// A mapped file as the library wants it.
struct Shared(Arc<Bytes>);

impl AsRef<[u8]> for Shared {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

fn read(input: Input<'_>, sink: &mut Sink<'_>) -> Result<(), String> {
    let Some(owner) = input.owner else { return Err("no whole file".to_owned()) };
    let bytes = bytes::Bytes::from_owner(Shared(Arc::clone(owner)));
    // The library checks much of what it reads, but not all; what it trips over is a broken file to us.
    quietly(|| read_part(&bytes, input, sink))
        .unwrap_or_else(|| Err("a broken page; what stands before was read".to_owned()))
}

thread_local! {
    /// Is this thread in the library, whose panics are breaks of a file?
    static QUIET: Cell<bool> = const { Cell::new(false) };
}

/// Runs what may panic without a message; none if it did.
fn quietly<T>(run: impl FnOnce() -> T) -> Option<T> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let hook = take_hook();
        set_hook(Box::new(move |info| {
            if !QUIET.get() {
                hook(info);
            }
        }));
    });
    QUIET.set(true);
    let done = catch_unwind(AssertUnwindSafe(run));
    QUIET.set(false);
    done.ok()
}

/// Reads the row groups that begin in a part; the first part tells what is wrong with the file.
fn read_part(bytes: &bytes::Bytes, input: Input<'_>, sink: &mut Sink<'_>) -> Result<(), String> {
    let first = input.offset == 0;
    let parsed = ParquetMetaDataReader::new().parse_and_finish(bytes);
    let file = match parsed {
        Ok(file) => file,
        Err(error) if first => return Err(format!("no Parquet after all: {error}")),
        Err(_) => return Ok(()),
    };
    let schema = file.file_metadata().schema_descr_ptr();
    let names: Vec<&str> = schema.root_schema().get_fields().iter().map(|f| f.name()).collect();
    let tempo = names.contains(&"rs") && names.contains(&"TraceID");
    let columns = match (!tempo).then(|| Columns::find(&names, input.columns)) {
        Some(Err(reason)) if first => return Err(reason),
        Some(Err(_)) => return Ok(()),
        Some(Ok(columns)) => Some(columns),
        None => None,
    };
    let part = input.offset..input.offset + input.bytes.len() as u64;
    for (at, metadata) in own(&file, &part, bytes.len() as u64) {
        let group = Group { file: bytes, metadata };
        let done = match &columns {
            Some(columns) => flat::read(group, columns, input.columns, sink),
            None => tempo::read(group, sink),
        };
        done.map_err(|e| format!("row group {at}: {e}; what stands before was read"))?;
    }
    Ok(())
}

/// The row groups that begin in a part.
fn own<'f>(
    file: &'f ParquetMetaData,
    part: &'f std::ops::Range<u64>,
    size: u64,
) -> impl Iterator<Item = (usize, &'f RowGroupMetaData)> {
    let begin = move |group: &RowGroupMetaData| {
        let starts = group.columns().iter().map(|c| c.dictionary_page_offset().unwrap_or(c.data_page_offset()));
        // A group that lies about its place belongs to the last part.
        starts.min().and_then(|at| u64::try_from(at).ok()).unwrap_or(0).min(size.saturating_sub(1))
    };
    file.row_groups().iter().enumerate().filter(move |(_, group)| part.contains(&begin(group)))
}
