//! A cursor over JSON that reads what is asked for and steps over the rest: no tree, no copies.
//!
//! Tolerant: what is not asked for is not checked. A break is an error with its place; what stands before it has been
//! given already. Stepping over is a loop, so that deep nesting costs nothing. Knows no format.

use crate::ingest::fold::{Value, id_of};

use super::{Form, Input};

/// Where and why reading stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Broken {
    /// Byte.
    pub at: usize,
    /// What was expected.
    pub expected: &'static str,
}

/// The result of reading a part.
pub type Parsed<T> = Result<T, Broken>;

/// A place in a text of JSON.
#[derive(Debug, Clone, Copy)]
pub struct Cursor<'a> {
    bytes: &'a [u8],
    /// Byte.
    pub at: usize,
}

impl<'a> Cursor<'a> {
    /// The beginning; a byte order mark is stepped over.
    #[must_use]
    pub fn new(bytes: &'a [u8]) -> Self {
        let at = if bytes.starts_with(&[0xEF, 0xBB, 0xBF]) { 3 } else { 0 };
        Self { bytes, at }
    }

    fn broken<T>(&self, expected: &'static str) -> Parsed<T> {
        Err(Broken { at: self.at, expected })
    }

    /// The next byte that is no space.
    #[inline]
    pub fn peek(&mut self) -> Option<u8> {
        loop {
            let byte = *self.bytes.get(self.at)?;
            if !matches!(byte, b' ' | b'\n' | b'\r' | b'\t') {
                return Some(byte);
            }
            self.at += 1;
        }
    }

    /// Calls `see` with each key of an object, the cursor at its value; `see` must read it or step over it.
    #[inline]
    pub fn object(&mut self, mut see: impl FnMut(&mut Self, &'a [u8]) -> Parsed<()>) -> Parsed<()> {
        if self.peek() != Some(b'{') {
            return self.broken("an object");
        }
        self.at += 1;
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(());
        }
        loop {
            let key = self.key()?;
            see(self, key)?;
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b'}') => {
                    self.at += 1;
                    return Ok(());
                }
                _ => return self.broken("a comma or the end of an object"),
            }
        }
    }

    /// A key and its colon.
    #[inline]
    pub fn key(&mut self) -> Parsed<&'a [u8]> {
        if self.peek() != Some(b'"') {
            return self.broken("a key");
        }
        let key = self.raw_string()?.0;
        if self.peek() != Some(b':') {
            return self.broken("a colon");
        }
        self.at += 1;
        Ok(key)
    }

    /// Calls `see` at each element of an array; anything but an array is stepped over.
    #[inline]
    pub fn array(&mut self, mut see: impl FnMut(&mut Self) -> Parsed<()>) -> Parsed<()> {
        if self.peek() != Some(b'[') {
            return self.skip();
        }
        self.at += 1;
        if self.peek() == Some(b']') {
            self.at += 1;
            return Ok(());
        }
        loop {
            see(self)?;
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b']') => {
                    self.at += 1;
                    return Ok(());
                }
                _ => return self.broken("a comma or the end of an array"),
            }
        }
    }

    /// Like [`Self::object`]; anything but an object is stepped over.
    #[inline]
    pub fn maybe_object(&mut self, see: impl FnMut(&mut Self, &'a [u8]) -> Parsed<()>) -> Parsed<()> {
        if self.peek() == Some(b'{') { self.object(see) } else { self.skip() }
    }

    /// A string without its quotes, and whether there are escapes in it.
    #[inline]
    fn raw_string(&mut self) -> Parsed<(&'a [u8], bool)> {
        self.at += 1;
        let from = self.at;
        let mut escaped = false;
        loop {
            self.at += plain(&self.bytes[self.at..]);
            match self.bytes.get(self.at) {
                Some(b'"') => {
                    let text = &self.bytes[from..self.at];
                    self.at += 1;
                    return Ok((text, escaped));
                }
                Some(_) if self.at + 1 < self.bytes.len() => {
                    escaped = true;
                    self.at += 2;
                }
                _ => {
                    self.at = self.bytes.len();
                    return self.broken("the end of a string");
                }
            }
        }
    }

    /// A scalar; objects and arrays are stepped over and give nothing.
    #[inline]
    pub fn scalar(&mut self) -> Parsed<Value<'a>> {
        match self.peek() {
            Some(b'"') => {
                let (text, escaped) = self.raw_string()?;
                Ok(if escaped { Value::Escaped(text) } else { Value::Text(text) })
            }
            Some(b'{' | b'[') => self.skip().map(|()| Value::None),
            Some(_) => {
                let from = self.at;
                self.word()?;
                Ok(match &self.bytes[from..self.at] {
                    b"true" => Value::Bool(true),
                    b"false" => Value::Bool(false),
                    b"null" => Value::None,
                    number => Value::Text(number),
                })
            }
            None => self.broken("a value"),
        }
    }

    /// The scalar under a key of an object; nothing if there is none, or no object.
    pub fn scalar_of(&mut self, name: &[u8]) -> Parsed<Value<'a>> {
        let mut found = Value::None;
        self.maybe_object(|c, key| {
            if key == name {
                found = c.scalar()?;
                Ok(())
            } else {
                c.skip()
            }
        })?;
        Ok(found)
    }

    /// A number or a word.
    fn word(&mut self) -> Parsed<()> {
        let from = self.at;
        while self.bytes.get(self.at).is_some_and(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'+' | b'.')) {
            self.at += 1;
        }
        if self.at == from { self.broken("a value") } else { Ok(()) }
    }

    /// Steps over a value.
    pub fn skip(&mut self) -> Parsed<()> {
        let mut depth = 0usize;
        let mut after_value = false;
        loop {
            match self.peek() {
                Some(b',' | b':') if depth > 0 => {
                    self.at += 1;
                    after_value = false;
                    continue;
                }
                Some(b'}' | b']') if depth > 0 => {
                    depth -= 1;
                    self.at += 1;
                }
                // Two values in a row: the end of a line is missing, and this is the next one.
                Some(_) if after_value => return self.broken("a comma"),
                Some(b'"') => {
                    self.raw_string()?;
                }
                Some(b'{' | b'[') => {
                    depth += 1;
                    self.at += 1;
                    continue;
                }
                Some(_) => self.word()?,
                None => return self.broken("a value"),
            }
            if depth == 0 {
                return Ok(());
            }
            after_value = true;
        }
    }

    /// An id: hex, base64, or an array of bytes; 0 for none.
    pub fn id(&mut self) -> Parsed<u128> {
        if self.peek() != Some(b'[') {
            let value = self.scalar()?;
            return Ok(value.text(|text| id_of(text).unwrap_or(0)));
        }
        let (mut number, mut n) = (0u128, 0usize);
        self.array(|c| {
            let byte = whole(c.scalar()?).unwrap_or(0);
            number = number << 8 | u128::from(byte & 0xff);
            n += 1;
            Ok(())
        })?;
        Ok(if n > 16 { 0 } else { number })
    }

    /// A whole number, also as text; 0 for anything else.
    pub fn number(&mut self) -> Parsed<u64> {
        Ok(whole(self.scalar()?).unwrap_or(0))
    }
}

/// A whole number, also as text; what is below 0 is 0, what is too large the largest.
#[must_use]
pub fn whole(value: Value<'_>) -> Option<u64> {
    let (Value::Text(text) | Value::Escaped(text)) = value else { return None };
    if text.len() <= 19 && !text.is_empty() && text.iter().all(u8::is_ascii_digit) {
        return Some(text.iter().fold(0, |n, b| n * 10 + u64::from(b - b'0')));
    }
    let text = std::str::from_utf8(text).ok()?.trim();
    text.parse().ok().or_else(|| text.parse::<f64>().ok().map(|f| f as u64))
}

/// Bytes before the next quote or backslash, eight at a time.
#[inline]
fn plain(bytes: &[u8]) -> usize {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGHS: u64 = 0x8080_8080_8080_8080;
    let zeros = |word: u64| word.wrapping_sub(ONES) & !word & HIGHS;
    let mut at = 0;
    while let Some((part, _)) = bytes.get(at..).and_then(<[u8]>::split_first_chunk::<8>) {
        let word = u64::from_le_bytes(*part);
        let found = zeros(word ^ (ONES * b'"' as u64)) | zeros(word ^ (ONES * b'\\' as u64));
        if found != 0 {
            return at + found.trailing_zeros() as usize / 8;
        }
        at += 8;
    }
    let rest = &bytes[at..];
    at + rest.iter().position(|b| matches!(b, b'"' | b'\\')).unwrap_or(rest.len())
}

/// Where to go on after a break. Lines stand for themselves: the one that the break lies in may be whole, for a line
/// that lacks its end breaks in the one after it.
fn next_document(bytes: &[u8], begin: usize, broken: usize) -> usize {
    let mut next = memchr::memrchr(b'\n', &bytes[..broken.min(bytes.len())]).map_or(0, |at| at + 1);
    while next <= begin || !matches!(bytes.get(next), Some(b'{' | b'[')) {
        match memchr::memchr(b'\n', bytes.get(next..).unwrap_or_default()) {
            Some(line) => next += line + 1,
            None => return bytes.len(),
        }
    }
    next
}

/// Breaks in a text: how many, and the first one.
#[derive(Default)]
struct Breaks {
    n: u64,
    first: Option<Broken>,
}

impl Breaks {
    fn add(&mut self, broken: Broken) {
        self.n += 1;
        self.first.get_or_insert(broken);
    }

    fn told(self, offset: u64) -> Result<(), String> {
        let Some(Broken { at, expected }) = self.first else { return Ok(()) };
        let times = if self.n == 1 { String::new() } else { format!(" (the first of {} breaks)", self.n) };
        let at = offset + at as u64;
        Err(format!("broken at byte {at}{times}: {expected} was expected; what stands before was read"))
    }
}

/// Calls `see` at every document: one, one after the other, or the elements of one. After a broken one the next one
/// is tried.
///
/// # Errors
/// How many breaks there were, and where the first one is.
pub fn documents<'a>(input: Input<'a>, mut see: impl FnMut(&mut Cursor<'a>) -> Parsed<()>) -> Result<(), String> {
    let bytes = input.bytes;
    if input.form == Form::Elements {
        return elements(input, see);
    }
    let mut cursor = Cursor::new(bytes);
    let mut breaks = Breaks::default();
    while let Some(byte) = cursor.peek() {
        // What is left of a broken array.
        if breaks.n > 0 && matches!(byte, b',' | b']' | b'}') {
            cursor.at += 1;
            continue;
        }
        let begin = cursor.at;
        if let Err(broken) = see(&mut cursor) {
            breaks.add(broken);
            cursor.at = next_document(bytes, begin, broken.at);
        }
    }
    breaks.told(input.offset)
}

/// Calls `see` at every element of a part of one document; brackets and what stands beside the array are stepped over.
fn elements<'a>(input: Input<'a>, mut see: impl FnMut(&mut Cursor<'a>) -> Parsed<()>) -> Result<(), String> {
    let bytes = input.bytes;
    let mut cursor = Cursor::new(bytes);
    let (mut breaks, mut closed) = (Breaks::default(), false);
    while let Some(byte) = cursor.peek() {
        let mut begin = cursor.at;
        let done = match byte {
            b'{' => {
                begin += super::elements::first(&bytes[begin..]).unwrap_or(0);
                cursor.at = begin;
                see(&mut cursor)
            }
            b'[' | b']' | b'}' | b',' | b':' => {
                closed |= byte == b']';
                cursor.at += 1;
                continue;
            }
            _ => cursor.scalar().map(drop),
        };
        if let Err(broken) = done {
            breaks.add(broken);
            let next = super::elements::next(&bytes[begin..], broken.at.saturating_sub(begin).max(1));
            cursor.at = next.map_or(bytes.len(), |at| begin + at);
        }
    }
    if input.last && !closed {
        breaks.add(Broken { at: bytes.len(), expected: "the end of an array" });
    }
    breaks.told(input.offset)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_is_asked_and_steps_over_the_rest() {
        let text =
            br#" {"a": {"x": [1, {"y": "}"}], "z": null}, "b": "q\"uote", "c": [1,2,3], "d": -1.5e3, "e": true}"#;
        let mut cursor = Cursor::new(text);
        let mut seen = Vec::new();
        cursor
            .object(|c, key| {
                seen.push((String::from_utf8_lossy(key).into_owned(), c.scalar()?));
                Ok(())
            })
            .expect("JSON");
        assert_eq!(
            seen.iter().map(|(_, v)| *v).collect::<Vec<_>>(),
            [Value::None, Value::Escaped(br#"q\"uote"#), Value::None, Value::Text(b"-1.5e3"), Value::Bool(true)]
        );
    }

    #[test]
    fn ids_may_be_bytes_and_numbers_may_be_text() {
        assert_eq!(Cursor::new(b"[0,0,0,0,0,0,1,2]").id(), Ok(0x102));
        assert_eq!(Cursor::new(b"\"0102\"").id(), Ok(0x102));
        assert_eq!(Cursor::new(b"\"1760000000000000000\"").number(), Ok(1_760_000_000_000_000_000));
        assert_eq!(Cursor::new(b"1.76e18").number(), Ok(1_760_000_000_000_000_000));
        assert_eq!(Cursor::new(b"-5").number(), Ok(0));
    }

    #[test]
    fn a_million_brackets_are_stepped_over() {
        let deep = [vec![b'['; 1_000_000], vec![b']'; 1_000_000]].concat();
        assert_eq!(Cursor::new(&deep).skip(), Ok(()));
        assert!(Cursor::new(&deep[..1_500_000]).skip().is_err());
    }

    #[test]
    fn after_a_broken_line_the_next_is_read() {
        let mut seen = 0;
        let text = b"{\"a\":1}\n{\"a\":[1,\"x\n{\"a\":2}\n{\"a\":3}";
        let columns = crate::config::TraceColumns::default();
        let done = documents(Input::of(text, Form::Lines, &columns), |c| {
            c.object(|c, _| {
                c.number()?;
                Ok(())
            })?;
            seen += 1;
            Ok(())
        });
        assert_eq!(seen, 3);
        assert!(done.is_err());
    }
}
