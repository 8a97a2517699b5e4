//! Pages of one column, unpacked within bounds: sizes that a page only claims, and packed bytes without an end, are
//! breaks. The library decodes what is in them.
//!
//! A page header is a struct in Thrift's compact protocol (parquet.thrift of apache/parquet-format).

use std::io::Read;

use bytes::Bytes;
use parquet::basic::{Compression, Encoding};
use parquet::column::page::{Page, PageMetadata, PageReader};
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::ColumnChunkMetaData;

/// A page holds at most so many bytes (64 MiB: writers aim at one, and end a dictionary at two).
const LARGEST: usize = 64 << 20;

/// A file has at most so many entries of a column, beside [`ENTRIES_A_BYTE`] for each of its bytes: a span takes a
/// tenth of that, whatever repeats.
const ENTRIES: u64 = 8 << 20;
const ENTRIES_A_BYTE: u64 = 16;

/// The pages of a column of a row group.
pub struct Pages {
    bytes: Bytes,
    codec: Compression,
    zstd: Option<zstd::bulk::Decompressor<'static>>,
    entries_left: u64,
}

fn broken(text: impl Into<String>) -> ParquetError {
    ParquetError::General(text.into())
}

impl Pages {
    /// The pages of a column of a file.
    pub fn open(file: &Bytes, column: &ColumnChunkMetaData) -> Result<Self> {
        let starts = [column.dictionary_page_offset(), Some(column.data_page_offset())];
        let start = starts.into_iter().flatten().filter(|at| *at > 0).min().unwrap_or(0);
        let range = usize::try_from(start).ok().zip(usize::try_from(column.compressed_size()).ok());
        let bytes = range.and_then(|(start, n)| Some((start, start.checked_add(n)?)));
        let (start, end) =
            bytes.filter(|(_, end)| *end <= file.len()).ok_or_else(|| broken("a column outside of the file"))?;
        let entries_left = ENTRIES + ENTRIES_A_BYTE * file.len() as u64;
        Ok(Self { bytes: file.slice(start..end), codec: column.compression(), zstd: None, entries_left })
    }

    /// The next page; pages of an index are stepped over.
    pub fn next_page(&mut self) -> Result<Option<Page>> {
        while !self.bytes.is_empty() {
            let mut thrift = Thrift { bytes: &self.bytes, at: 0 };
            let header = Header::read(&mut thrift).ok_or_else(|| broken("a broken page header"))?;
            let (begin, n) = (thrift.at, header.packed);
            let end = begin.checked_add(n).filter(|end| *end <= self.bytes.len());
            let packed = self.bytes.slice(begin..end.ok_or_else(|| broken("a page is longer than its column"))?);
            self.bytes = self.bytes.slice(begin + n..);
            if header.kind != 1 {
                return self.page(&header, packed).map(Some);
            }
        }
        Ok(None)
    }

    fn page(&mut self, header: &Header, packed: Bytes) -> Result<Page> {
        if header.unpacked > LARGEST {
            return Err(broken(format!("a page claims {} bytes", header.unpacked)));
        }
        self.entries_left = self
            .entries_left
            .checked_sub(u64::from(header.values))
            .ok_or_else(|| broken("more entries than a file of this size may have"))?;
        let levels = header.definition.saturating_add(header.repetition) as usize;
        if header.kind == 3 && (levels > packed.len() || levels > header.unpacked) {
            return Err(broken("levels are longer than their page"));
        }
        let buf = if header.kind == 3 && !header.compressed {
            packed
        } else if header.kind == 3 {
            let mut out = Vec::with_capacity(header.unpacked);
            out.extend_from_slice(&packed[..levels]);
            self.unpack(&packed[levels..], header.unpacked - levels, &mut out)?;
            Bytes::from(out)
        } else if self.codec == Compression::UNCOMPRESSED {
            packed
        } else {
            let mut out = Vec::with_capacity(header.unpacked);
            self.unpack(&packed, header.unpacked, &mut out)?;
            Bytes::from(out)
        };
        let encoding = encoding(header.encoding)?;
        let num_values = header.values;
        match header.kind {
            // A value takes a bit at least, a text four bytes.
            2 if num_values as usize > 8 * buf.len() => Err(broken("a dictionary is longer than its page")),
            2 => Ok(Page::DictionaryPage { buf, num_values, encoding, is_sorted: false }),
            0 => Ok(Page::DataPage {
                buf,
                num_values,
                encoding,
                // Older writers call it bit-packed where there are no levels.
                def_level_encoding: Encoding::RLE,
                rep_level_encoding: Encoding::RLE,
                statistics: None,
            }),
            3 => Ok(Page::DataPageV2 {
                buf,
                num_values,
                encoding,
                num_nulls: header.nulls,
                num_rows: header.rows,
                def_levels_byte_len: header.definition,
                rep_levels_byte_len: header.repetition,
                is_compressed: header.compressed,
                statistics: None,
            }),
            kind => Err(broken(format!("a page of unknown type {kind}"))),
        }
    }

    /// Unpacks to exactly `n` bytes, appended.
    fn unpack(&mut self, packed: &[u8], n: usize, out: &mut Vec<u8>) -> Result<()> {
        let before = out.len();
        let done = match self.codec {
            _ if n == 0 => Ok(()),
            Compression::ZSTD(_) if before == 0 => {
                let zstd = match &mut self.zstd {
                    Some(zstd) => zstd,
                    none => none.insert(zstd::bulk::Decompressor::new()?),
                };
                // It writes no more than there is room for.
                zstd.decompress_to_buffer(packed, out).map(drop)
            }
            codec => unpack(codec, packed, n, out),
        };
        done.map_err(|e| broken(format!("not unpacked: {e}")))?;
        if out.len() != before + n {
            return Err(broken(format!("a page unpacks to another size than {n} bytes")));
        }
        Ok(())
    }
}

impl Iterator for Pages {
    type Item = Result<Page>;

    fn next(&mut self) -> Option<Self::Item> {
        self.next_page().transpose()
    }
}

impl PageReader for Pages {
    fn get_next_page(&mut self) -> Result<Option<Page>> {
        self.next_page()
    }

    fn peek_next_page(&mut self) -> Result<Option<PageMetadata>> {
        Err(broken("pages are read one after the other"))
    }

    fn skip_next_page(&mut self) -> Result<()> {
        self.next_page().map(drop)
    }

    /// A row may go on in the next page; at the end it does not.
    fn at_record_boundary(&mut self) -> Result<bool> {
        Ok(self.bytes.is_empty())
    }
}

fn encoding(number: u32) -> Result<Encoding> {
    Ok(match number {
        0 => Encoding::PLAIN,
        2 => Encoding::PLAIN_DICTIONARY,
        3 => Encoding::RLE,
        5 => Encoding::DELTA_BINARY_PACKED,
        6 => Encoding::DELTA_LENGTH_BYTE_ARRAY,
        7 => Encoding::DELTA_BYTE_ARRAY,
        8 => Encoding::RLE_DICTIONARY,
        9 => Encoding::BYTE_STREAM_SPLIT,
        other => return Err(broken(format!("encoding {other} is not known"))),
    })
}

/// Unpacks to `n` bytes, appended; no more than one byte beyond.
fn unpack(codec: Compression, packed: &[u8], n: usize, out: &mut Vec<u8>) -> std::io::Result<()> {
    let from = out.len();
    let read = |reader: &mut dyn Read, out: &mut Vec<u8>| reader.take(n as u64 + 1).read_to_end(out).map(drop);
    match codec {
        Compression::UNCOMPRESSED => out.extend_from_slice(&packed[..packed.len().min(n + 1)]),
        Compression::ZSTD(_) => read(&mut zstd::stream::read::Decoder::new(packed)?, out)?,
        Compression::GZIP(_) => read(&mut flate2::read::MultiGzDecoder::new(packed), out)?,
        Compression::BROTLI(_) => read(&mut brotli::Decompressor::new(packed, 4_096), out)?,
        Compression::SNAPPY => {
            if snap::raw::decompress_len(packed)? == n {
                out.resize(from + n, 0);
                snap::raw::Decoder::new().decompress(packed, &mut out[from..])?;
            }
        }
        Compression::LZ4_RAW | Compression::LZ4 => {
            out.resize(from + n, 0);
            let got = lz4(packed, &mut out[from..], codec == Compression::LZ4)?;
            out.truncate(from + got);
        }
        other => return Err(std::io::Error::other(format!("{other:?} is not known"))),
    }
    Ok(())
}

/// One block; the older LZ4 has blocks of Hadoop behind both of their lengths, mostly.
fn lz4(packed: &[u8], out: &mut [u8], older: bool) -> std::io::Result<usize> {
    let blocks = |out: &mut [u8]| -> Option<()> {
        let (mut packed, mut at) = (packed, 0usize);
        while !packed.is_empty() {
            let (head, rest) = packed.split_first_chunk::<8>()?;
            let [a, b, c, d, e, f, g, h] = *head;
            let (n, length) = (u32::from_be_bytes([a, b, c, d]) as usize, u32::from_be_bytes([e, f, g, h]) as usize);
            let (block, rest) = rest.split_at_checked(length)?;
            let into = out.get_mut(at..at.checked_add(n)?)?;
            (lz4_flex::block::decompress_into(block, into).ok()? == n).then_some(())?;
            (packed, at) = (rest, at + n);
        }
        (at == out.len()).then_some(())
    };
    if older && blocks(out).is_some() {
        return Ok(out.len());
    }
    lz4_flex::block::decompress_into(packed, out).map_err(std::io::Error::other)
}

/// What is needed of a page header.
#[derive(Debug, Default)]
struct Header {
    /// 0 data, 1 index, 2 dictionary, 3 data of version 2.
    kind: u32,
    unpacked: usize,
    packed: usize,
    values: u32,
    encoding: u32,
    /// Bytes of the levels, in version 2.
    definition: u32,
    repetition: u32,
    nulls: u32,
    rows: u32,
    compressed: bool,
}

impl Header {
    fn read(thrift: &mut Thrift<'_>) -> Option<Self> {
        let mut header = Self { kind: u32::MAX, compressed: true, ..Self::default() };
        thrift.fields(0, &mut |id, value| match (id, value) {
            ([1, 0], Number(n)) => header.kind = n,
            ([2, 0], Number(n)) => header.unpacked = n as usize,
            ([3, 0], Number(n)) => header.packed = n as usize,
            ([5 | 7 | 8, 1], Number(n)) => header.values = n,
            ([5 | 7, 2] | [8, 4], Number(n)) => header.encoding = n,
            ([8, 5], Number(n)) => header.definition = n,
            ([8, 6], Number(n)) => header.repetition = n,
            ([8, 2], Number(n)) => header.nulls = n,
            ([8, 3], Number(n)) => header.rows = n,
            ([8, 7], Truth(yes)) => header.compressed = yes,
            _ => {}
        })?;
        Some(header)
    }
}

/// A value of Thrift that matters.
#[derive(Debug, Clone, Copy)]
enum Simple {
    Number(u32),
    Truth(bool),
}
use Simple::{Number, Truth};

/// A cursor over Thrift's compact protocol.
struct Thrift<'b> {
    bytes: &'b [u8],
    at: usize,
}

impl Thrift<'_> {
    fn byte(&mut self) -> Option<u8> {
        let byte = *self.bytes.get(self.at)?;
        self.at += 1;
        Some(byte)
    }

    fn varint(&mut self) -> Option<u64> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }

    fn step(&mut self, n: u64) -> Option<()> {
        self.at = self.at.checked_add(usize::try_from(n).ok()?).filter(|at| *at <= self.bytes.len())?;
        Some(())
    }

    /// Tells the fields of a struct and of the structs in it: (field, field inside of it).
    fn fields(&mut self, outer: i64, see: &mut dyn FnMut([i64; 2], Simple)) -> Option<()> {
        let mut id = 0i64;
        loop {
            let head = self.byte()?;
            if head == 0 {
                return Some(());
            }
            id = if head >> 4 == 0 { self.varint()? as i64 >> 1 } else { id + i64::from(head >> 4) };
            let place = if outer == 0 { [id, 0] } else { [outer, id] };
            match head & 15 {
                kind @ (1 | 2) => see(place, Truth(kind == 1)),
                // Below zero or beyond 32 bits is nothing that matters (a checksum), or no size.
                4..=6 => {
                    let raw = self.varint()?;
                    if let Some(n) = u32::try_from(raw >> 1).ok().filter(|_| raw & 1 == 0) {
                        see(place, Number(n));
                    }
                }
                12 if outer == 0 => self.fields(id, see)?,
                kind => self.skip(kind, 0)?,
            }
        }
    }

    fn skip(&mut self, kind: u8, depth: usize) -> Option<()> {
        match kind {
            1 | 2 => Some(()),
            3 => self.step(1),
            4..=6 => self.varint().map(drop),
            7 => self.step(8),
            8 => {
                let n = self.varint()?;
                self.step(n)
            }
            9 | 10 if depth < 8 => {
                let head = self.byte()?;
                let n = if head >> 4 == 15 { self.varint()? } else { u64::from(head >> 4) };
                // Truths in a list take a byte each.
                let kind = if matches!(head & 15, 1 | 2) { 3 } else { head & 15 };
                (0..n.min(self.bytes.len() as u64)).try_for_each(|_| self.skip(kind, depth + 1))
            }
            12 if depth < 8 => loop {
                let head = self.byte()?;
                if head == 0 {
                    return Some(());
                }
                if head >> 4 == 0 {
                    self.varint()?;
                }
                self.skip(head & 15, depth + 1)?;
            },
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use parquet::basic::{BrotliLevel, GzipLevel, ZstdLevel};

    use super::*;

    /// A dictionary page with its header, as a writer has it or as a liar has it.
    fn dictionary(values: u32, unpacked: usize, packed: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        let number = |out: &mut Vec<u8>, n: u64| {
            let mut n = n << 1;
            while n > 127 {
                out.push(n as u8 | 128);
                n >>= 7;
            }
            out.push(n as u8);
        };
        for n in [2, unpacked as u64, packed.len() as u64] {
            out.push(0x15);
            number(&mut out, n);
        }
        // A checksum below zero, then field 7: values and encoding.
        out.extend_from_slice(&[0x15, 0x07, 0x3c, 0x15]);
        number(&mut out, u64::from(values));
        out.extend_from_slice(&[0x15, 0, 0, 0]);
        out.extend_from_slice(packed);
        out
    }

    fn pages(bytes: Vec<u8>, codec: Compression) -> Pages {
        Pages { bytes: Bytes::from(bytes), codec, zstd: None, entries_left: ENTRIES }
    }

    fn packed(text: &[u8], codec: Compression) -> Vec<u8> {
        match codec {
            Compression::ZSTD(_) => zstd::encode_all(text, 1).expect("packed"),
            Compression::GZIP(_) => {
                let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
                encoder.write_all(text).expect("packed");
                encoder.finish().expect("packed")
            }
            Compression::BROTLI(_) => {
                let mut out = Vec::new();
                brotli::CompressorWriter::new(&mut out, 4_096, 1, 20).write_all(text).expect("packed");
                out
            }
            Compression::SNAPPY => snap::raw::Encoder::new().compress_vec(text).expect("packed"),
            Compression::LZ4_RAW => lz4_flex::block::compress(text),
            Compression::LZ4 => {
                let block = lz4_flex::block::compress(text);
                [&(text.len() as u32).to_be_bytes()[..], &(block.len() as u32).to_be_bytes(), &block].concat()
            }
            _ => text.to_vec(),
        }
    }

    fn codecs() -> [Compression; 7] {
        let zstd = Compression::ZSTD(ZstdLevel::default());
        let gzip = Compression::GZIP(GzipLevel::default());
        let brotli = Compression::BROTLI(BrotliLevel::default());
        [zstd, gzip, brotli, Compression::SNAPPY, Compression::LZ4, Compression::LZ4_RAW, Compression::UNCOMPRESSED]
    }

    #[test]
    fn pages_of_every_codec_unpack_to_what_was_packed() {
        let text = b"\x05\x00\x00\x00hello".repeat(100);
        for codec in codecs() {
            let bytes = dictionary(100, text.len(), &packed(&text, codec)).repeat(2);
            let all: Vec<Page> = pages(bytes, codec).map(|page| page.expect("a page")).collect();
            assert_eq!(all.len(), 2, "{codec:?}");
            for page in all {
                assert_eq!((page.buffer().as_ref(), page.num_values()), (&text[..], 100), "{codec:?}");
            }
        }
    }

    #[test]
    fn sizes_that_lie_are_breaks_and_take_no_memory() {
        let bomb = vec![0u8; 8 << 20];
        for codec in codecs().into_iter().filter(|c| *c != Compression::UNCOMPRESSED) {
            let small = packed(&bomb, codec);
            for (values, unpacked) in [(1, 100), (1, LARGEST + 1), (u32::MAX >> 1, bomb.len()), (1, usize::MAX >> 40)] {
                let done = pages(dictionary(values, unpacked, &small), codec).next_page();
                let error = done.map(|_| ()).expect_err("a lie").to_string();
                assert!(!error.contains("header"), "{codec:?} {values} {unpacked}: {error}");
            }
        }
        let cut = dictionary(1, 10, b"0123456789");
        for n in 1..cut.len() {
            assert!(pages(cut[..n].to_vec(), Compression::UNCOMPRESSED).next_page().is_err(), "{n}");
        }
    }

    #[test]
    fn headers_of_nothing_but_nesting_come_to_an_end() {
        for byte in [0x1c, 0x19, 0x99, 0xfc, 0xff, 0x18] {
            assert!(pages(vec![byte; 100_000], Compression::UNCOMPRESSED).next_page().is_err(), "{byte}");
        }
    }
}
