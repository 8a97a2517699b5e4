//! Where files may be cut, and how they are unpacked: part by part, with an end even for what was packed to be
//! endless.

use std::cell::Cell;
use std::io::Read;

use crate::files::{Bytes, Spill};

use super::wire::Wire;
use super::{Form, Input, elements};

const GZIP: [u8; 2] = [0x1f, 0x8b];
const ZSTD: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// Bytes at the start of a file that tell its format.
pub const HEAD: usize = 16 << 10;

/// Bytes of a part: enough to keep a thread busy for some milliseconds.
pub const PART: usize = 4 << 20;

/// A part that has no end within so many bytes is not kept in memory (256 MiB: the largest request that a collector
/// takes by default is 4 MiB).
const LONGEST: usize = 256 << 20;

/// Unpacked, a file may be so many times its size, beside [`ALWAYS`]: repeated JSON reaches a hundred.
const RATIO: u64 = 500;

/// Any file may unpack to so much.
const ALWAYS: u64 = 256 << 20;

/// Is it packed (gzip or zstd)?
#[must_use]
pub fn is_packed(bytes: &[u8]) -> bool {
    bytes.starts_with(&GZIP) || bytes.starts_with(&ZSTD)
}

/// Packed bytes that count how many of them were taken.
struct Counted<'p, 'c> {
    rest: &'p [u8],
    taken: &'c Cell<u64>,
}

impl Read for Counted<'_, '_> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let n = self.rest.read(into)?;
        self.taken.set(self.taken.get() + n as u64);
        Ok(n)
    }
}

fn decoder<'p>(packed: &'p [u8], taken: &'p Cell<u64>) -> std::io::Result<Box<dyn Read + 'p>> {
    let counted = Counted { rest: packed, taken };
    if packed.starts_with(&GZIP) {
        return Ok(Box::new(flate2::read::MultiGzDecoder::new(counted)));
    }
    let mut decoder = zstd::stream::read::Decoder::new(counted)?;
    // A window of 128 MiB is the most that the zstd program takes by default.
    decoder.window_log_max(27)?;
    Ok(Box::new(decoder))
}

/// As much of a packed start as can be unpacked.
pub fn unpack_head(packed: &[u8]) -> Vec<u8> {
    let (mut out, taken) = (Vec::new(), Cell::new(0));
    if let Ok(mut reader) = decoder(packed, &taken) {
        // A break is expected: only the start of the file is there.
        drop(fill(&mut *reader, &mut out, HEAD));
    }
    out
}

/// Reads until there are `n` bytes; `true` at the end.
fn fill(reader: &mut dyn Read, buffer: &mut Vec<u8>, n: usize) -> std::io::Result<bool> {
    let mut at = buffer.len();
    buffer.resize(n.max(at), 0);
    while at < n {
        match reader.read(&mut buffer[at..]) {
            Ok(0) => {
                buffer.truncate(at);
                return Ok(true);
            }
            Ok(more) => at += more,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => {
                buffer.truncate(at);
                return Err(error);
            }
        }
    }
    Ok(false)
}

/// Unpacks one frame of a stream of frames.
fn unpack_frame(packed: &[u8]) -> Result<Vec<u8>, String> {
    let most = (ALWAYS + RATIO * packed.len() as u64).min(LONGEST as u64);
    let (mut out, taken) = (Vec::new(), Cell::new(0));
    let read = decoder(packed, &taken).and_then(|d| d.take(most + 1).read_to_end(&mut out));
    match read {
        Err(error) => Err(format!("a packed frame is broken: {error}")),
        Ok(n) if n as u64 > most => Err(format!("a packed frame holds more than {most} bytes")),
        Ok(_) => Ok(out),
    }
}

/// A piece of what was unpacked.
pub struct Piece {
    /// Its bytes.
    pub bytes: Bytes,
    /// Where it begins.
    pub offset: u64,
    /// How what it is made of follows each other.
    pub form: Form,
    /// Packed bytes that it was made of.
    pub used: u64,
    /// Is it the last one?
    pub last: bool,
}

/// Unpacks a file and gives it piece by piece. The reasons why not all was read.
pub fn unpack(packed: &[u8], form: Form, give: impl FnMut(Piece)) -> Vec<String> {
    unpack_within(ALWAYS + RATIO * packed.len() as u64, packed, form, give)
}

fn unpack_within(most: u64, packed: &[u8], mut form: Form, mut give: impl FnMut(Piece)) -> Vec<String> {
    let taken = Cell::new(0);
    let mut reader = match decoder(packed, &taken) {
        Ok(reader) => reader,
        Err(error) => return vec![format!("not unpacked: {error}")],
    };
    let mut buffer: Vec<u8> = Vec::new();
    let (mut done, mut wanted) = (0u64, PART);
    loop {
        let end = fill(&mut *reader, &mut buffer, wanted);
        let last = !matches!(end, Ok(false));
        let total = done + buffer.len() as u64;
        let mut reasons = Vec::new();
        if let Err(error) = &end {
            reasons.push(format!("unpacked {total} bytes, then: {error}"));
        }
        if total > most {
            reasons.push(format!("unpacks to more than {most} bytes: the rest was not read"));
            return reasons;
        }
        if done == 0 {
            form = settle(&buffer, form);
        }
        let n = if last { buffer.len() } else { whole(&buffer, form) };
        if n > 0 {
            let rest = buffer.split_off(n);
            wanted = PART.max(rest.len());
            let bytes = Bytes::owned(std::mem::replace(&mut buffer, rest));
            give(Piece { bytes, offset: done, form, used: taken.replace(0), last });
            done += n as u64;
        }
        if last {
            return reasons;
        }
        if n == 0 {
            if matches!(form, Form::Whole | Form::Anywhere) || buffer.len() >= LONGEST {
                return unpack_whole(&mut *reader, buffer, most, (done, form), give);
            }
            wanted = buffer.len() * 2;
        }
    }
}

/// What cannot be cut goes to disk as a whole, and is read from there.
fn unpack_whole(
    reader: &mut dyn Read,
    mut buffer: Vec<u8>,
    most: u64,
    (done, form): (u64, Form),
    mut give: impl FnMut(Piece),
) -> Vec<String> {
    let mut reasons = Vec::new();
    let mut spill = match Spill::new() {
        Ok(spill) => spill,
        Err(reason) => return vec![reason],
    };
    let mut total = done;
    loop {
        total += buffer.len() as u64;
        if let Err(reason) = spill.append(&buffer) {
            reasons.push(reason);
            break;
        }
        if total > most {
            reasons.push(format!("unpacks to more than {most} bytes: the rest was not read"));
            break;
        }
        buffer.clear();
        match fill(reader, &mut buffer, PART) {
            Ok(true) if buffer.is_empty() => break,
            Ok(_) => {}
            Err(error) => {
                total += buffer.len() as u64;
                reasons.extend(spill.append(&buffer).err());
                reasons.push(format!("unpacked {total} bytes, then: {error}"));
                break;
            }
        }
    }
    match spill.bytes() {
        Ok(bytes) => give(Piece { bytes, offset: done, form, used: 0, last: true }),
        Err(reason) => reasons.push(reason),
    }
    reasons
}

/// The form of a file whose first bytes are known: JSON that does not go on in lines is one array, mostly.
#[must_use]
pub fn settle(bytes: &[u8], form: Form) -> Form {
    let small = bytes.len() <= PART / 2;
    if small || !matches!(form, Form::Lines | Form::Whole) || elements::first(bytes).is_none() {
        return form;
    }
    if form == Form::Lines && line_after(bytes, 0).is_some() { Form::Lines } else { Form::Elements }
}

/// The length of the next part: about `target` bytes, or everything that is left.
#[must_use]
pub fn part(bytes: &[u8], form: Form, target: usize) -> usize {
    if bytes.len() <= target + target / 2 || form == Form::Whole {
        return bytes.len();
    }
    match form {
        Form::Lines => return line_after(bytes, target).unwrap_or(bytes.len()),
        Form::Elements => return elements::next(bytes, target).unwrap_or(bytes.len()),
        // No more than some dozens of parts: each begins with the table of contents of the file.
        Form::Anywhere => return target.max(bytes.len() / 32),
        _ => {}
    }
    let mut wire = Wire::new(bytes);
    while wire.at() < target {
        if next_frame(&mut wire, form).is_none() {
            // Broken: the reader tells where.
            return bytes.len();
        }
    }
    wire.at()
}

/// The length of the whole units at the beginning.
fn whole(bytes: &[u8], form: Form) -> usize {
    match form {
        Form::Whole | Form::Anywhere => 0,
        Form::Lines => last_line(bytes),
        Form::Elements => elements::last(bytes).unwrap_or(0),
        _ => {
            let mut wire = Wire::new(bytes);
            let mut at = 0;
            while next_frame(&mut wire, form).is_some() {
                at = wire.at();
            }
            at
        }
    }
}

/// How a file of documents begins; other lines that begin so are documents, too.
fn beginning(bytes: &[u8]) -> &[u8] {
    let line = memchr::memchr(b'\n', bytes).unwrap_or(bytes.len()).min(12);
    &bytes[..line]
}

/// The first line from `target` on that begins as the file does.
fn line_after(bytes: &[u8], target: usize) -> Option<usize> {
    let begin = beginning(bytes);
    let mut at = target;
    loop {
        at += memchr::memchr(b'\n', bytes.get(at..)?)? + 1;
        if bytes[at..].starts_with(begin) {
            return Some(at);
        }
    }
}

/// The last line that begins as the file does, if there is more than one: what stands before it is whole.
fn last_line(bytes: &[u8]) -> usize {
    let begin = beginning(bytes);
    let mut end = bytes.len();
    while let Some(at) = memchr::memrchr(b'\n', &bytes[..end]) {
        if bytes[at + 1..].starts_with(begin) {
            return at + 1;
        }
        end = at;
    }
    0
}

fn next_frame<'b>(wire: &mut Wire<'b>, form: Form) -> Option<&'b [u8]> {
    if wire.rest().is_empty() {
        return None;
    }
    match form {
        Form::VarintFrames => wire.bytes(),
        Form::LengthFrames => {
            let n = u32::from_be_bytes(wire.take(4)?.try_into().ok()?);
            wire.take(u64::from(n))
        }
        _ => wire.next()?.map(|_| &[][..]),
    }
}

/// Calls `see` with each message of a part, unpacked where it is packed.
pub fn frames(input: Input<'_>, mut see: impl FnMut(&[u8]) -> Option<()>) -> Result<(), String> {
    let bytes = input.bytes;
    let broken = |at: usize| {
        let at = input.offset + at as u64;
        format!("broken at byte {at} or after it; what stands before was read")
    };
    if !matches!(input.form, Form::VarintFrames | Form::LengthFrames) {
        return see(bytes).ok_or_else(|| broken(0));
    }
    let mut wire = Wire::new(bytes);
    let mut first: Option<String> = None;
    while wire.at() < bytes.len() {
        let start = wire.at();
        let Some(frame) = next_frame(&mut wire, input.form) else {
            // The last frame is cut: what is there is read.
            let mut cut = Wire::new(&bytes[start..]);
            if input.form == Form::LengthFrames {
                cut.take(4).map(|_| ())
            } else {
                cut.varint().map(|_| ())
            };
            see(cut.rest());
            return Err(first.unwrap_or_else(|| broken(start)));
        };
        let done = if is_packed(frame) {
            unpack_frame(frame)
                .map(|unpacked| see(&unpacked))
                .map_err(|reason| format!("{reason} (at byte {})", input.offset + start as u64))
        } else {
            Ok(see(frame))
        };
        match done {
            Ok(Some(())) => {}
            // Frames stand for themselves: the next one may be whole.
            Ok(None) => {
                first.get_or_insert_with(|| broken(start));
            }
            Err(reason) => {
                first.get_or_insert(reason);
            }
        }
    }
    first.map_or(Ok(()), Err)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_cut_between_units_and_lose_nothing() {
        let line = b"{\"resourceSpans\":[]}\n";
        let lines: Vec<u8> = line.repeat(1_000);
        let frames: Vec<u8> = [&[0u8, 0, 0, 3][..], b"abc"].concat().repeat(1_000);
        let varint: Vec<u8> = b"\x03abc".repeat(1_000);
        for (bytes, form, unit) in
            [(lines, Form::Lines, line.len()), (frames, Form::LengthFrames, 7), (varint, Form::VarintFrames, 4)]
        {
            let (mut at, mut parts) = (0, 0);
            while at < bytes.len() {
                let n = part(&bytes[at..], form, 500);
                assert!(n > 0 && n.is_multiple_of(unit), "{form:?} {n}");
                at += n;
                parts += 1;
            }
            assert!(parts > 4);
        }
    }

    #[test]
    fn what_is_packed_comes_part_by_part() {
        let text: Vec<u8> = (0..400_000).flat_map(|n| format!("{{\"resourceSpans\":{n}}}\n").into_bytes()).collect();
        let packed = zstd::encode_all(&text[..], 1).expect("packed");
        let mut seen = Vec::new();
        let mut parts = 0;
        let reasons = unpack(&packed, Form::Lines, |piece| {
            assert_eq!((piece.offset, piece.form), (seen.len() as u64, Form::Lines));
            assert!(piece.bytes.ends_with(b"\n"));
            seen.extend_from_slice(&piece.bytes);
            parts += 1;
        });
        assert!(reasons.is_empty() && parts > 1 && seen == text, "{reasons:?} {parts}");
        let mut whole = Vec::new();
        assert!(unpack(&packed, Form::Whole, |piece| whole.extend_from_slice(&piece.bytes)).is_empty());
        assert_eq!(whole, text);
    }

    #[test]
    fn one_large_array_that_is_packed_comes_in_pieces_that_begin_with_an_element() {
        let spans: Vec<String> = (0..400_000).map(|n| format!("{{\"traceId\":\"{n}\",\"id\":\"1\"}}")).collect();
        let text = format!("[{}]", spans.join(","));
        let packed = zstd::encode_all(text.as_bytes(), 1).expect("packed");
        let (mut seen, mut pieces) = (Vec::new(), 0);
        let reasons = unpack(&packed, Form::Whole, |piece| {
            assert_eq!((piece.form, piece.last), (Form::Elements, piece.bytes.ends_with(b"]")));
            assert!(piece.bytes.starts_with(if pieces == 0 { b"[{" } else { b"{\"" }));
            seen.extend_from_slice(&piece.bytes);
            pieces += 1;
        });
        assert!(reasons.is_empty() && pieces > 1 && seen == text.as_bytes(), "{reasons:?} {pieces}");
    }

    #[test]
    fn a_bomb_has_an_end() {
        let zeros = zstd::encode_all(std::io::repeat(0).take(64 << 20), 3).expect("packed");
        for form in [Form::VarintFrames, Form::Lines, Form::Whole] {
            let mut seen = 0u64;
            let reasons = unpack_within(16 << 20, &zeros, form, |piece| seen += piece.bytes.len() as u64);
            assert_eq!(reasons.len(), 1, "{form:?}");
            assert!(seen <= (16 << 20) + PART as u64, "{form:?} {seen}");
        }
    }
}
