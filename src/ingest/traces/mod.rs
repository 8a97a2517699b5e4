//! Spans of any format -> one fold -> `Traffic`.
//!
//! Formats are recognised by content, never by name. Files are read in parallel; the fold is independent of their
//! order and of how spans are split among them.

mod csv;
mod fold;
mod jaeger;
mod json;
mod otlp;
mod otlp_json;
mod span;
mod zipkin;

use std::collections::BTreeMap;
use std::io::Read;

use rayon::prelude::*;

use crate::files::Source;
use crate::model::{Note, Traffic};

use span::{Batch, Span, Strings};

/// A trace format.
pub struct Format {
    /// Id.
    pub id: &'static str,
    /// Does the start of a file look like it?
    pub claims: fn(&Head<'_>) -> bool,
    /// Reads spans into the batch; an error is the reason and place where reading stopped.
    pub read: fn(&[u8], &mut Batch) -> Result<(), String>,
}

/// All formats; each in a file of its own. The first that claims a file reads it.
#[rustfmt::skip]
pub const FORMATS: &[Format] = &[
    otlp_json::FORMAT,
    jaeger::FORMAT,
    zipkin::FORMAT,
    csv::FORMAT,
    otlp::FORMAT,
];

/// The start of a file, decompressed.
pub struct Head<'h> {
    /// Its first bytes.
    pub bytes: &'h [u8],
    /// The size of the whole; of a compressed file not known, and then very large.
    pub size: u64,
}

impl Head<'_> {
    /// As text.
    #[must_use]
    pub fn text(&self) -> std::borrow::Cow<'_, str> {
        String::from_utf8_lossy(self.bytes)
    }

    /// Does a text occur in it?
    #[must_use]
    pub fn has(&self, text: &str) -> bool {
        memchr::memmem::find(self.bytes, text.as_bytes()).is_some()
    }

    /// Does it start like JSON?
    #[must_use]
    pub fn is_json(&self) -> bool {
        let bytes = self.bytes.strip_prefix(&[0xEF, 0xBB, 0xBF]).unwrap_or(self.bytes);
        bytes.iter().find(|b| !b.is_ascii_whitespace()).is_some_and(|b| matches!(b, b'{' | b'['))
    }
}

/// What reading gives.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Traffic, if there were spans.
    pub traffic: Option<Traffic>,
    /// What could not be read.
    pub notes: Vec<Note>,
    /// Files by format.
    pub files_read: BTreeMap<&'static str, u64>,
}

const GZIP: [u8; 2] = [0x1f, 0x8b];
const ZSTD: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// Bytes at the start of a file that tell its format.
const HEAD: usize = 16 << 10;

/// A compressed file is unpacked up to this size (4 GiB): a bomb ends here, a day of one service's traces does not.
const UNPACKED: u64 = 4 << 30;

/// Is it a trace file?
#[must_use]
pub fn claims(source: &Source) -> bool {
    source.size > 8 && format_of(source).is_some()
}

fn format_of(source: &Source) -> Option<&'static Format> {
    let packed = source.head(HEAD).ok()?;
    let (head, size) = if packed.starts_with(&GZIP) || packed.starts_with(&ZSTD) {
        (unpack_head(&packed), u64::MAX >> 1)
    } else {
        (packed, source.size)
    };
    let head = Head { bytes: &head, size };
    FORMATS.iter().find(|f| (f.claims)(&head))
}

/// As much of a compressed start as can be unpacked.
fn unpack_head(packed: &[u8]) -> Vec<u8> {
    let mut out = vec![0; HEAD];
    let mut filled = 0;
    let mut reader: Box<dyn Read> = if packed.starts_with(&GZIP) {
        Box::new(flate2::read::MultiGzDecoder::new(packed))
    } else {
        match zstd::stream::read::Decoder::new(packed) {
            Ok(decoder) => Box::new(decoder),
            Err(_) => return Vec::new(),
        }
    };
    while filled < HEAD {
        match reader.read(&mut out[filled..]) {
            Ok(0) | Err(_) => break,
            Ok(n) => filled += n,
        }
    }
    out.truncate(filled);
    out
}

/// Unpacks a gzip or zstd text; what can be read before a break, and the reason.
fn unpack(packed: &[u8]) -> (Vec<u8>, Option<String>) {
    let mut out = Vec::new();
    let done = if packed.starts_with(&GZIP) {
        flate2::read::MultiGzDecoder::new(packed).take(UNPACKED).read_to_end(&mut out)
    } else {
        zstd::stream::read::Decoder::new(packed).and_then(|d| d.take(UNPACKED).read_to_end(&mut out))
    };
    let reason = match done {
        Err(error) => Some(format!("unpacked {} bytes, then: {error}", out.len())),
        Ok(n) if n as u64 >= UNPACKED => Some(format!("more than {UNPACKED} bytes unpacked: the rest was not read")),
        Ok(_) => None,
    };
    (out, reason)
}

/// Unpacks one zstd frame of a stream of frames.
fn unzstd(frame: &[u8]) -> Result<Vec<u8>, String> {
    let (bytes, reason) = unpack(frame);
    reason.map_or(Ok(bytes), Err)
}

/// One file's spans.
struct FileSpans {
    batch: Batch,
    format: &'static str,
    reasons: Vec<String>,
}

fn read_one(source: &Source) -> Option<FileSpans> {
    let format = format_of(source)?;
    let mut read = FileSpans { batch: Batch::default(), format: format.id, reasons: Vec::new() };
    match source.bytes() {
        Ok(bytes) if bytes.starts_with(&GZIP) || bytes.starts_with(&ZSTD) => {
            let (unpacked, reason) = unpack(&bytes);
            read.reasons.extend(reason);
            read.reasons.extend((format.read)(&unpacked, &mut read.batch).err());
        }
        Ok(bytes) => read.reasons.extend((format.read)(&bytes, &mut read.batch).err()),
        Err(reason) => read.reasons.push(reason),
    }
    Some(read)
}

/// Reads trace files and folds their spans.
#[must_use]
pub fn read(sources: &[&Source]) -> Outcome {
    let files: Vec<(usize, FileSpans)> =
        sources.par_iter().enumerate().filter_map(|(at, source)| Some((at, read_one(source)?))).collect();
    let mut outcome = Outcome::default();
    let mut strings = Strings::default();
    let mut spans: Vec<Span> = Vec::new();
    let mut rejected = 0;
    // The first file in order that holds a trace stands for it in evidence.
    let mut first_in: BTreeMap<u128, usize> = BTreeMap::new();
    for (at, file) in files {
        let place = &sources[at].path;
        *outcome.files_read.entry(file.format).or_default() += 1;
        outcome.notes.extend(file.reasons.iter().map(|r| Note::new(place, format!("{}: {r}", file.format))));
        if file.batch.spans.is_empty() && file.reasons.is_empty() {
            outcome.notes.push(Note::new(place, format!("{}: no span in it", file.format)));
        }
        rejected += file.batch.rejected;
        for span in &file.batch.spans {
            first_in.entry(span.trace).or_insert(at);
        }
        take(file.batch, &mut strings, &mut spans);
    }
    if spans.is_empty() && rejected == 0 {
        return outcome;
    }
    let file_of = |trace: u128| first_in.get(&trace).map(|at| sources[*at].path.clone()).unwrap_or_default();
    outcome.traffic = Some(fold::fold(spans, &strings, rejected, &file_of));
    outcome
}

/// Takes a file's spans over into the strings of all.
fn take(batch: Batch, strings: &mut Strings, spans: &mut Vec<Span>) {
    let mut known: Vec<Option<u32>> = Vec::new();
    let local = batch.strings;
    let mut moved = |text: u32| {
        let at = text as usize;
        if known.len() <= at {
            known.resize(at + 1, None);
        }
        *known[at].get_or_insert_with(|| strings.intern(local.text(text)))
    };
    for mut span in batch.spans {
        for text in [
            &mut span.service,
            &mut span.name,
            &mut span.database,
            &mut span.namespace,
            &mut span.messaging,
            &mut span.destination,
            &mut span.operation,
            &mut span.rpc,
            &mut span.peer,
            &mut span.host,
            &mut span.rpc_service,
        ] {
            *text = moved(*text);
        }
        spans.push(span);
    }
}
