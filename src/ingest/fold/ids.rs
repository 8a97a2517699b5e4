//! Ids of traces and spans as numbers, from every spelling that exporters use.

/// An id as number: hex of any case (left-padded), base64 of 8 or 16 bytes, or any other text by its hash.
///
/// 16 and 32 letters that are hex digits are hex; base64 of an id has 11, 12, 22 or 24 letters. Words that stand for
/// no id are none.
#[must_use]
#[inline]
pub fn id_of(text: &[u8]) -> Option<u128> {
    if text.len() <= 32
        && !text.is_empty()
        && let Some(number) = hex(text)
    {
        return Some(number);
    }
    let text = text.trim_ascii();
    if let Some(number) = hex(text).filter(|_| text.len() <= 32 && !text.is_empty()) {
        return Some(number);
    }
    // 0x in front, dashes of a UUID.
    let plain = text.strip_prefix(b"0x").unwrap_or(text);
    if plain.contains(&b'-') && plain.len() == 36 {
        let digits: Vec<u8> = plain.iter().copied().filter(|b| *b != b'-').collect();
        return hex(&digits);
    }
    if plain.len() != text.len() {
        return hex(plain).filter(|_| plain.len() <= 32 && !plain.is_empty());
    }
    match base64(text) {
        Some(bytes) if matches!(bytes.len(), 8 | 16) => Some(of_bytes(&bytes)),
        _ => word(text),
    }
}

/// Ids of recordings that count or name their spans (`0.1.2`, `G`): as good as any, if they are told apart.
fn word(text: &[u8]) -> Option<u128> {
    const NO_ID: [&[u8]; 7] = [b"root", b"null", b"none", b"nil", b"nan", b"-", b"n/a"];
    let usable = !text.is_empty() && text.len() <= 128 && text.iter().all(|b| b.is_ascii_graphic());
    if !usable || NO_ID.iter().any(|no| text.eq_ignore_ascii_case(no)) {
        return None;
    }
    // FNV-1a in 64 bits: the same on every machine.
    let hash = |n: u64, b: &u8| (n ^ u64::from(*b)).wrapping_mul(0x0100_0000_01b3);
    Some(u128::from(text.iter().fold(0xcbf2_9ce4_8422_2325, hash)))
}

/// Big-endian bytes as a number; more than 16 are no id.
#[must_use]
#[inline]
pub fn of_bytes(bytes: &[u8]) -> u128 {
    match bytes.len() {
        16 => bytes.try_into().map_or(0, u128::from_be_bytes),
        8 => bytes.try_into().map_or(0, |b| u128::from(u64::from_be_bytes(b))),
        n if n > 16 => 0,
        _ => bytes.iter().fold(0, |n, b| n << 8 | u128::from(*b)),
    }
}

const NO_HEX: u8 = 0xff;

/// Values of hex digits.
const HEX: [u8; 256] = {
    let mut table = [NO_HEX; 256];
    let mut at = 0;
    while at < 10 {
        table[b'0' as usize + at] = at as u8;
        at += 1;
    }
    let mut at = 0;
    while at < 6 {
        table[b'a' as usize + at] = 10 + at as u8;
        table[b'A' as usize + at] = 10 + at as u8;
        at += 1;
    }
    table
};

fn hex(text: &[u8]) -> Option<u128> {
    // The id of a span, as nearly all are.
    if let Ok([high, low]) = <[[u8; 8]; 2]>::try_from(text.as_chunks::<8>().0)
        && text.len() == 16
    {
        let [high, low] = [high, low].map(|eight| eight_digits(u64::from_be_bytes(eight)));
        return Some(u128::from(high?) << 32 | u128::from(low?));
    }
    let (eights, rest) = text.as_chunks::<8>();
    let mut number = 0u128;
    for eight in eights {
        number = number << 32 | u128::from(eight_digits(u64::from_be_bytes(*eight))?);
    }
    let (mut part, mut wrong) = (0u64, 0u8);
    for byte in rest {
        let digit = HEX[*byte as usize];
        wrong |= digit;
        part = part << 4 | u64::from(digit & 0x0f);
    }
    (wrong & 0xf0 == 0).then_some(number << (4 * rest.len()) | u128::from(part))
}

/// The number of eight hex digits, all eight at once: each byte of the word is one of them, and no sum of a byte below
/// 0x80 with what is added here reaches into the next one.
#[inline]
fn eight_digits(text: u64) -> Option<u32> {
    const fn all(byte: u8) -> u64 {
        u64::from_le_bytes([byte; 8])
    }
    const HIGH: u64 = all(0x80);
    if text & HIGH != 0 {
        return None;
    }
    // The high bit of a byte says whether it is at least as large as a letter.
    let from = |text: u64, letter: u8| text + all(0x80 - letter);
    let small = text | all(0x20);
    let digit = from(text, b'0') & !from(text, b'9' + 1) & HIGH;
    let letter = from(small, b'a') & !from(small, b'f' + 1) & HIGH;
    if digit | letter != HIGH {
        return None;
    }
    let values = (text & all(0x0f)) + (letter >> 7) * 9;
    let values = (values | values >> 4) & 0x00ff_00ff_00ff_00ff;
    let values = (values | values >> 8) & 0x0000_ffff_0000_ffff;
    Some((values | values >> 16) as u32)
}

fn base64(text: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(16);
    let (mut bits, mut held) = (0u32, 0u32);
    if text.len() > 24 {
        return None;
    }
    for byte in text.iter().filter(|b| **b != b'=') {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            _ => return None,
        };
        bits = bits << 6 | u32::from(value);
        held += 6;
        if held >= 8 {
            held -= 8;
            out.push((bits >> held & 0xff) as u8);
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_every_spelling_are_one() {
        assert_eq!(id_of(b"0A0b"), Some(0x0a0b));
        assert_eq!(id_of(b"0a0B"), Some(0x0a0b));
        assert_eq!(id_of(b"AAAAAAAAAAo="), Some(10));
        assert_eq!(id_of(b"000000000000000a"), Some(10));
        assert_eq!(id_of(b"0x0a"), Some(10));
        assert_eq!(id_of(b"0000000000000000000000000000000a"), Some(10));
        assert_eq!(id_of(b"00000000-0000-0000-0000-00000000000a"), Some(10));
        assert_eq!(of_bytes(&[0, 10]), 10);
    }

    #[test]
    fn eight_digits_are_read_as_one_by_one() {
        for byte in 0..=u8::MAX {
            for at in 0..8 {
                let mut text = *b"09afAF73";
                text[at] = byte;
                let known = std::str::from_utf8(&text).ok().filter(|t| !t.contains('+'));
                let known = known.and_then(|t| u32::from_str_radix(t, 16).ok());
                assert_eq!(eight_digits(u64::from_be_bytes(text)), known, "{byte} at {at}");
            }
        }
    }

    #[test]
    fn what_is_no_id_is_none() {
        for text in [&b""[..], b"root", b"None", b"a b", b"\xff\xfe"] {
            assert_eq!(id_of(text), None, "{}", String::from_utf8_lossy(text));
        }
        assert_eq!(of_bytes(&[1; 17]), 0);
    }
}
