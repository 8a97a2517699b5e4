//! One large document of JSON is an array of elements, mostly: where it may be cut between two of them, so that all
//! threads read it.
//!
//! Inside a text of JSON every quote stands behind a backslash, so `{"` begins an object wherever it occurs. An
//! element is told from objects inside of it by its first keys: those of the first element of the file.

use super::json::Cursor;

/// Objects that only hold the array.
const CONTAINERS: [&[u8]; 6] = [b"data", b"batches", b"result", b"trace", b"resourceSpans", b"resource_spans"];

/// Arrays and containers that stand around the first element, at most.
const DEEPEST: usize = 6;

/// Bytes that are looked through for the next element, a length of one: the largest request that a collector takes by
/// default is 4 MiB.
const LONGEST: usize = 64 << 20;

/// Where the first element begins: behind brackets and containers that hold nothing before it.
#[must_use]
pub fn first(bytes: &[u8]) -> Option<usize> {
    let mut cursor = Cursor::new(bytes);
    for _ in 0..DEEPEST {
        match cursor.peek()? {
            b'[' => cursor.at += 1,
            b'{' => {
                let begin = cursor.at;
                cursor.at += 1;
                let key = cursor.key().ok()?;
                if !CONTAINERS.contains(&key) {
                    return Some(begin);
                }
                // `{"trace": {"resourceSpans": […`, too.
                if !matches!(cursor.peek()?, b'[' | b'{') {
                    return None;
                }
            }
            _ => return None,
        }
    }
    None
}

/// How an element begins: its first key, and the second one if the first value is a text or a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Beginning<'a> {
    first: &'a [u8],
    second: Option<&'a [u8]>,
}

fn beginning(bytes: &[u8], at: usize) -> Option<Beginning<'_>> {
    let mut cursor = Cursor::new(bytes);
    cursor.at = at + 1;
    let first = cursor.key().ok()?;
    if matches!(cursor.peek()?, b'{' | b'[') {
        return Some(Beginning { first, second: None });
    }
    cursor.scalar().ok()?;
    if cursor.peek() != Some(b',') {
        return None;
    }
    cursor.at += 1;
    Some(Beginning { first, second: Some(cursor.key().ok()?) })
}

/// What elements of a text look like.
struct Pattern<'a> {
    begin: usize,
    like: Beginning<'a>,
    quoted: Vec<u8>,
}

impl<'a> Pattern<'a> {
    fn of(bytes: &'a [u8]) -> Option<Self> {
        let begin = first(bytes)?;
        let like = beginning(bytes, begin)?;
        Some(Self { begin, like, quoted: [b"\"", like.first, b"\""].concat() })
    }

    /// The element whose first key stands at `key`, if it follows another one in an array.
    fn at(&self, bytes: &'a [u8], key: usize) -> Option<usize> {
        let mut before = (0..key).rev().filter(|at| !bytes[*at].is_ascii_whitespace());
        let begin = before.next().filter(|at| bytes[*at] == b'{')?;
        before.next().filter(|at| bytes[*at] == b',')?;
        before.next().filter(|at| bytes[*at] == b'}')?;
        (beginning(bytes, begin) == Some(self.like)).then_some(begin)
    }
}

/// The first element from `target` on.
#[must_use]
pub fn next(bytes: &[u8], target: usize) -> Option<usize> {
    let pattern = Pattern::of(bytes)?;
    let end = bytes.len().min(target.saturating_add(LONGEST));
    let hits = memchr::memmem::find_iter(bytes.get(target..end)?, &pattern.quoted);
    hits.filter_map(|key| pattern.at(bytes, target + key)).find(|at| *at >= target)
}

/// The last element, if it is not the first one: what stands before it is whole.
#[must_use]
pub fn last(bytes: &[u8]) -> Option<usize> {
    let pattern = Pattern::of(bytes)?;
    let hits = memchr::memmem::rfind_iter(bytes, &pattern.quoted);
    hits.filter_map(|key| pattern.at(bytes, key)).next().filter(|at| *at > pattern.begin)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_are_told_from_what_is_inside_of_them() {
        let trace = |n: u64| {
            let span = format!("{{\"traceID\":\"{n}\",\"spanID\":\"1\"}}");
            format!("{{\"traceID\":\"{n}\",\"spans\":[{span},{span}],\"note\":\"}},{{\\\"traceID\\\":\\\"\"}}")
        };
        for (open, comma, close) in [("{\"data\":[", ",", "],\"total\":0}"), ("[\n ", "\n ,\n ", "\n]")] {
            let text = format!("{open}{}{comma}{}{comma}{}{close}", trace(1), trace(2), trace(3));
            let bytes = text.as_bytes();
            let places: Vec<usize> =
                text.match_indices("\"spans\"").map(|(at, _)| text[..at].rfind("{\"t").unwrap_or(0)).collect();
            assert_eq!(first(bytes), Some(places[0]));
            assert_eq!(next(bytes, places[0] + 1), Some(places[1]));
            assert_eq!(next(&bytes[places[1]..], 1).map(|at| at + places[1]), Some(places[2]));
            assert_eq!(next(bytes, places[2] + 1), None);
            assert_eq!(last(bytes), Some(places[2]));
            assert_eq!(last(&bytes[places[2]..]), None);
        }
    }

    #[test]
    fn what_is_no_array_of_elements_has_none() {
        for text in [&b""[..], b"[", b"[[[[[[[[[[{", b"{\"a\"", b"{\"data\":1}", b"[1,2]", b"{\"total\":0}"] {
            assert_eq!(next(text, 1), None, "{}", String::from_utf8_lossy(text));
        }
    }
}
