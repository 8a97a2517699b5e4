//! Files of spans of any format -> the one fold.
//!
//! Formats are recognised by content, never by name. Files are cut into parts that are read by all threads; what is
//! packed is unpacked as it is read.

mod columns;
mod csv;
mod cut;
mod drive;
mod elements;
mod jaeger;
mod json;
mod otlp;
mod otlp_json;
mod parquet;
mod partial;
pub mod request;
pub mod request_json;
mod wire;
mod zipkin;

use std::sync::Arc;

use crate::config::TraceColumns;
use crate::files::{Bytes, Source};
use crate::ingest::fold::{Sink, SpanView, meaning};

pub use columns::is_error;
pub use cut::is_packed;
pub use drive::{Options, Outcome, Progress, read};

use cut::{HEAD, frames, unpack_head};

/// Takes the attributes that matter out of one object of JSON; what is no object tells nothing.
pub fn attributes<'a>(text: &'a [u8], view: &mut SpanView<'a>) {
    // What stands before a break was taken.
    let _ = json::Cursor::new(text).object(|cursor, key| match meaning(key) {
        Some(what) => {
            view.take(what, cursor.scalar()?);
            Ok(())
        }
        None => cursor.skip(),
    });
}

/// A trace format.
pub struct Format {
    /// Id.
    pub id: &'static str,
    /// Does the start of a file look like it, and how do its parts follow each other?
    pub claims: fn(&Head<'_>) -> Option<Form>,
    /// Reads spans; an error is the reason and place where reading stopped.
    pub read: fn(Input<'_>, &mut Sink<'_>) -> Result<(), String>,
}

/// All formats; each in a file of its own. The first that claims a file reads it.
#[rustfmt::skip]
pub const FORMATS: &[Format] = &[
    otlp_json::FORMAT,
    jaeger::FORMAT,
    zipkin::FORMAT,
    parquet::FORMAT,
    csv::FORMAT,
    otlp::FORMAT,
];

/// How the parts of a file follow each other: where it may be cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Nowhere.
    Whole,
    /// Before lines that begin as the file does: documents of JSON, one a line.
    Lines,
    /// Between elements of an array: one large document of JSON.
    Elements,
    /// Anywhere: the reader knows what begins in a part (Parquet).
    Anywhere,
    /// Between fields of a message of protobuf.
    Fields,
    /// Between messages behind a varint of their length.
    VarintFrames,
    /// Between messages behind four bytes of their length.
    LengthFrames,
}

/// The start of a file, decompressed.
pub struct Head<'h> {
    /// Its first bytes.
    pub bytes: &'h [u8],
    /// The size of the whole; of a compressed file not known, and then very large.
    pub size: u64,
    /// Columns that the user named.
    pub columns: &'h TraceColumns,
}

impl Head<'_> {
    /// Does a text occur in it?
    #[must_use]
    pub fn has(&self, text: &str) -> bool {
        memchr::memmem::find(self.bytes, text.as_bytes()).is_some()
    }

    fn first(&self) -> Option<u8> {
        let bytes = self.bytes.strip_prefix(&[0xEF, 0xBB, 0xBF]).unwrap_or(self.bytes);
        bytes.iter().copied().find(|b| !b.is_ascii_whitespace())
    }

    /// Does it start like JSON?
    #[must_use]
    pub fn is_json(&self) -> bool {
        matches!(self.first(), Some(b'{' | b'['))
    }

    /// Objects may follow each other in lines; an array is one document.
    #[must_use]
    pub fn json_form(&self) -> Form {
        if self.bytes.first() == Some(&b'{') { Form::Lines } else { Form::Whole }
    }
}

/// A part of a file.
#[derive(Debug, Clone, Copy)]
pub struct Input<'a> {
    /// Its bytes.
    pub bytes: &'a [u8],
    /// How the parts of the file follow each other.
    pub form: Form,
    /// Where it begins in the file.
    pub offset: u64,
    /// Columns that the user named.
    pub columns: &'a TraceColumns,
    /// Is it the last part?
    pub last: bool,
    /// The whole file, which the part is cut from: for formats that are read here and there.
    pub owner: Option<&'a Arc<Bytes>>,
}

impl<'a> Input<'a> {
    /// A text that is one part.
    #[cfg(test)]
    fn of(bytes: &'a [u8], form: Form, columns: &'a TraceColumns) -> Self {
        Self { bytes, form, offset: 0, last: true, columns, owner: None }
    }
}

/// Is it a trace file?
#[must_use]
pub fn claims(source: &Source, columns: &TraceColumns) -> bool {
    source.size > 8 && (partial::claims(source) || format_of(source, columns).is_some())
}

fn format_of(source: &Source, columns: &TraceColumns) -> Option<(&'static Format, Form)> {
    let packed = source.head(HEAD).ok()?;
    let (head, size) = if is_packed(&packed) { (unpack_head(&packed), u64::MAX >> 1) } else { (packed, source.size) };
    let head = Head { bytes: &head, size, columns };
    FORMATS.iter().find_map(|format| Some((format, (format.claims)(&head)?)))
}
