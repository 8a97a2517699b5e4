//! JSON of traces, read tolerantly: one object, an array, or lines; keys in camel or snake case; numbers as text.
//!
//! Shared by the JSON formats; knows no format.

use serde_json::Value;

/// Calls `see` for every document; gives the reason and place where reading stopped, if it did.
pub fn documents(bytes: &[u8], mut see: impl FnMut(&Value)) -> Result<(), String> {
    let bytes = bytes.strip_prefix(&[0xEF, 0xBB, 0xBF]).unwrap_or(bytes);
    let mut stream = serde_json::Deserializer::from_slice(bytes).into_iter::<Value>();
    let mut read = 0usize;
    while let Some(next) = stream.next() {
        match next {
            Ok(value) => {
                see(&value);
                read += 1;
            }
            Err(error) => {
                let at = stream.byte_offset();
                // Lines stand for themselves: after a broken one the next is tried.
                let Some(rest) = bytes.get(at..) else { return Err(format!("broken at byte {at}: {error}")) };
                let skipped = memchr::memchr(b'\n', rest).filter(|n| read > 0 && at + n + 1 < bytes.len());
                let Some(n) = skipped else {
                    return Err(format!("broken at byte {at}: {error}; what stands before was read"));
                };
                let later = documents(&bytes[at + n + 1..], &mut see as &mut dyn FnMut(&Value));
                let more = later.err().map(|e| format!("; {e}")).unwrap_or_default();
                return Err(format!("broken at byte {at}: {error}{more}"));
            }
        }
    }
    Ok(())
}

/// A field by its camel-case name, or the same in snake case.
#[must_use]
pub fn get<'v>(value: &'v Value, name: &str) -> &'v Value {
    match value.get(name) {
        Some(found) => found,
        None => {
            let snake: String = name
                .chars()
                .flat_map(|c| if c.is_uppercase() { vec!['_', c.to_ascii_lowercase()] } else { vec![c] })
                .collect();
            value.get(&snake).unwrap_or(&Value::Null)
        }
    }
}

/// A whole number, also as text.
#[must_use]
pub fn number(value: &Value) -> Option<u64> {
    match value {
        Value::Number(n) => n.as_u64().or_else(|| n.as_f64().filter(|f| *f >= 0.0).map(|f| f as u64)),
        Value::String(text) => text.parse().ok(),
        _ => None,
    }
}

/// A scalar as text.
#[must_use]
pub fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Number(n) => n.to_string(),
        Value::Bool(b) => b.to_string(),
        _ => String::new(),
    }
}

/// An id: hex, base64, or an array of bytes.
#[must_use]
pub fn id(value: &Value) -> u128 {
    match value {
        Value::String(text) => super::span::id_of(text).unwrap_or(0),
        Value::Array(bytes) if bytes.len() <= 16 => {
            bytes.iter().fold(0, |n, b| n << 8 | u128::from(b.as_u64().unwrap_or(0) & 0xff))
        }
        Value::Number(n) => n.as_u64().map_or(0, u128::from),
        _ => 0,
    }
}
