//! A row cut into its fields, with and without its escapes, and numbers in them.

use std::ops::Range;

/// Where the fields of a row end.
#[derive(Debug, Default)]
pub struct Fields {
    /// In the row as it stands.
    ends: Vec<usize>,
    /// The row without escapes and tabs, if there are escapes in it, and where its fields end.
    plain: Vec<u8>,
    plain_ends: Vec<usize>,
    escaped: bool,
}

impl Fields {
    /// Cuts a row at its tabs, of which so many are expected.
    pub fn cut(&mut self, line: &[u8], expected: usize) {
        self.ends.clear();
        tabs(line, expected, &mut self.ends);
        self.ends.push(line.len());
        self.escaped = memchr::memchr(b'\\', line).is_some();
    }

    /// Are there escapes in it?
    #[must_use]
    pub fn escaped(&self) -> bool {
        self.escaped
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Some fields of the row that was cut, as they stand in it.
    #[must_use]
    pub fn raw<'a>(&self, line: &'a [u8], at: Range<usize>) -> &'a [u8] {
        let from = at.start.checked_sub(1).map_or(0, |before| self.ends[before] + 1);
        &line[from..self.ends[at.end - 1]]
    }

    /// Takes the escapes out of the row that was cut.
    pub fn unescape(&mut self, line: &[u8]) {
        if !self.escaped {
            return;
        }
        self.plain.clear();
        self.plain_ends.clear();
        for at in 0..self.ends.len() {
            let field = self.raw(line, at..at + 1);
            unescape(field, &mut self.plain);
            self.plain_ends.push(self.plain.len());
        }
    }

    /// A field of the row whose escapes were taken out.
    #[must_use]
    pub fn plain<'a>(&'a self, line: &'a [u8], at: usize) -> &'a [u8] {
        if !self.escaped {
            return self.raw(line, at..at + 1);
        }
        let from = at.checked_sub(1).map_or(0, |before| self.plain_ends[before]);
        &self.plain[from..self.plain_ends[at]]
    }
}

/// Where the tabs of a row are. Those that are expected are found eight bytes at a time: they are so close to each other
/// that a search which begins anew behind each (memchr) takes twice as long. Further ones by such a search.
fn tabs(line: &[u8], expected: usize, at: &mut Vec<usize>) {
    const LOW: u64 = 0x7f7f_7f7f_7f7f_7f7f;
    let (eights, _) = line.as_chunks::<8>();
    let mut from = 0;
    for eight in eights {
        if at.len() >= expected {
            break;
        }
        let word = u64::from_le_bytes(*eight) ^ (u64::from(b'\t') * 0x0101_0101_0101_0101);
        // The highest bit of each byte that is 0, and of no other.
        let mut found = !(((word & LOW) + LOW) | word | LOW);
        while found != 0 {
            at.push(from + found.trailing_zeros() as usize / 8);
            found &= found - 1;
        }
        from += 8;
    }
    at.extend(memchr::memchr_iter(b'\t', &line[from..]).map(|n| from + n));
}

/// Takes the escapes out of a field; `\N` is nothing.
pub fn unescape(field: &[u8], out: &mut Vec<u8>) {
    if field == b"\\N" {
        return;
    }
    let mut rest = field;
    while let Some(at) = memchr::memchr(b'\\', rest) {
        out.extend_from_slice(&rest[..at]);
        let next = rest.get(at + 1).copied();
        out.push(match next {
            Some(b't') => b'\t',
            Some(b'n') => b'\n',
            Some(b'r') => b'\r',
            Some(b'0') => 0,
            Some(b'b') => 8,
            Some(b'f') => 12,
            Some(other) => other,
            None => b'\\',
        });
        rest = rest.get(at + 2..).unwrap_or_default();
    }
    out.extend_from_slice(rest);
}

/// A whole number; one below 0 counts as 0.
#[must_use]
pub fn number(field: &[u8]) -> Option<u64> {
    if let Some(number) = short_number(field) {
        return Some(number);
    }
    let text = std::str::from_utf8(field).ok()?;
    text.parse::<i128>().ok().map(|n| u64::try_from(n.max(0)).unwrap_or(u64::MAX))
}

/// Up to nineteen digits.
fn short_number(field: &[u8]) -> Option<u64> {
    if field.is_empty() || field.len() > 19 {
        return None;
    }
    let (rest, eights) = field.as_rchunks::<8>();
    let one = |n: u64, byte: &u8| byte.is_ascii_digit().then(|| n * 10 + u64::from(byte - b'0'));
    let first = rest.iter().try_fold(0, one)?;
    eights.iter().try_fold(first, |n, eight| Some(n * 100_000_000 + eight_digits(u64::from_le_bytes(*eight))?))
}

/// Eight digits at once: pairs, then fours, then all (Lemire, "Quickly parsing eight digits", 2018).
fn eight_digits(text: u64) -> Option<u64> {
    const ALL: u64 = 0x0101_0101_0101_0101;
    let digits = text.wrapping_sub(ALL * b'0' as u64);
    // A byte below 0 borrows, one above 9 carries into the high bit when what is missing to 128 is added.
    if (digits | digits.wrapping_add(ALL * (0x7f - 9)) | text) & (ALL * 0x80) != 0 {
        return None;
    }
    let pairs = (digits * 10 + (digits >> 8)) & 0x00ff_00ff_00ff_00ff;
    let fours = (pairs * 100 + (pairs >> 16)) & 0x0000_ffff_0000_ffff;
    Some((fours * 10_000 + (fours >> 32)) & 0xffff_ffff)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_those_of_the_standard_library() {
        let texts = ["", "0", "7", "12345678", "123456789", "1760000004067920000", "9999999999999999999", "00000001"];
        let others =
            ["-5", "+5", "1.5", "1234567a", "/2345678", ":2345678", "1234567\u{ff}", " 1", "18446744073709551616"];
        for text in texts.iter().chain(&others) {
            let wanted = text.parse::<i128>().ok().map(|n| u64::try_from(n.max(0)).unwrap_or(u64::MAX));
            assert_eq!(number(text.as_bytes()), wanted, "{text}");
        }
        for byte in 0..=255 {
            let text = [b'1', byte, b'3', b'4', b'5', b'6', b'7', byte];
            assert_eq!(short_number(&text).is_some(), byte.is_ascii_digit(), "{byte}");
        }
    }

    #[test]
    fn tabs_are_found_where_they_stand() {
        for n in 0..40 {
            let line: Vec<u8> = (0..n).map(|at: usize| [b'\t', 8, 10, 0x89, b'a'][at * at % 5]).collect();
            for expected in [0, 1, 2, 100] {
                let mut found = Vec::new();
                tabs(&line, expected, &mut found);
                assert_eq!(found, memchr::memchr_iter(b'\t', &line).collect::<Vec<_>>());
            }
        }
    }

    #[test]
    fn fields_lose_their_escapes_and_stay_apart() {
        let mut fields = Fields::default();
        let mut cut = |line: &str| -> Vec<String> {
            fields.cut(line.as_bytes(), 3);
            fields.unescape(line.as_bytes());
            let field = |at| String::from_utf8_lossy(fields.plain(line.as_bytes(), at)).into_owned();
            (0..fields.len()).map(field).collect()
        };
        assert_eq!(cut("a\t\tb"), ["a", "", "b"]);
        assert_eq!(cut(""), [""]);
        assert_eq!(
            cut("a\\tb\t\\N\t\\Nx\tx\\N\t\\\\N\t{\"k\":\"\\\\\"\"}\t\\"),
            ["a\tb", "", "Nx", "xN", "\\N", "{\"k\":\"\\\"\"}", "\\"]
        );
        assert_eq!(cut("\\N\t"), ["", ""]);
    }
}
