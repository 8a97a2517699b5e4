//! Parquet: one row a span, columns named as the collector's ClickHouse exporter or the user names them; or one row
//! a trace, as Tempo's blocks (vParquet3 to vParquet5) have it.
//!
//! Only the columns that matter are read, some thousand rows at a time.

mod flat;
mod leaf;
mod tempo;

use std::sync::Arc;

use parquet::file::reader::FileReader;
use parquet::file::serialized_reader::SerializedFileReader;

use crate::files::Bytes;
use crate::ingest::fold::Sink;

use super::columns::Columns;
use super::{Form, Format, Head, Input};

/// Parquet.
pub const FORMAT: Format = Format { id: "parquet", claims, read };

fn claims(head: &Head<'_>) -> Option<Form> {
    head.bytes.starts_with(b"PAR1").then_some(Form::Whole)
}

/// A mapped file as the library wants it.
struct Shared(Arc<Bytes>);

impl AsRef<[u8]> for Shared {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

fn read(input: Input<'_>, sink: &mut Sink<'_>) -> Result<(), String> {
    let Some(owner) = input.owner else {
        return Err("packed a second time: unpack it first (its columns are packed already)".to_owned());
    };
    let bytes = bytes::Bytes::from_owner(Shared(Arc::clone(owner)));
    // The library checks much of what it reads, but not all; what it trips over is a broken file to us.
    let read = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| read_file(bytes, input, sink)));
    read.unwrap_or_else(|_| Err("a broken page; what stands before was read".to_owned()))
}

fn read_file(bytes: bytes::Bytes, input: Input<'_>, sink: &mut Sink<'_>) -> Result<(), String> {
    let file = SerializedFileReader::new(bytes).map_err(|e| format!("no Parquet after all: {e}"))?;
    let schema = file.metadata().file_metadata().schema_descr_ptr();
    let names: Vec<&str> = schema.root_schema().get_fields().iter().map(|f| f.name()).collect();
    let tempo = names.contains(&"rs") && names.contains(&"TraceID");
    let columns = if tempo { None } else { Some(Columns::find(&names, input.columns)?) };
    for at in 0..file.num_row_groups() {
        let group = file.get_row_group(at).map_err(|e| format!("row group {at}: {e}"))?;
        let done = match &columns {
            Some(columns) => flat::read(&*group, columns, input.columns, sink),
            None => tempo::read(&*group, sink),
        };
        done.map_err(|e| format!("row group {at}: {e}; what stands before was read"))?;
    }
    Ok(())
}
