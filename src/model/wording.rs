//! Numbers in sentences: `1 service reads`, `3 services read`.

use std::fmt::Display;

/// A number with its noun: `1 service`, `3 services`, `2 entities`, `2 classes`, `2.75 points`.
#[must_use]
pub fn counted(number: impl Display, one: &str) -> String {
    let number = number.to_string();
    if number == "1" { format!("1 {one}") } else { format!("{number} {}", many(one)) }
}

/// The plural of a noun, by its last letters.
fn many(one: &str) -> String {
    let ends = |with: &[&str]| with.iter().any(|end| one.ends_with(end));
    match one.strip_suffix('y') {
        Some(stem) if !ends(&["ay", "ey", "oy", "uy"]) => format!("{stem}ies"),
        _ if ends(&["s", "x", "z", "ch", "sh"]) => format!("{one}es"),
        _ => format!("{one}s"),
    }
}

/// The form of a verb, or of any other word, that fits a number.
#[must_use]
pub fn fitting<'w>(number: usize, one: &'w str, many: &'w str) -> &'w str {
    if number == 1 { one } else { many }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_singular_and_all_others_are_not() {
        for (number, one, text) in [
            (0, "edge", "0 edges"),
            (1, "service", "1 service"),
            (2, "call site", "2 call sites"),
            (2, "entity", "2 entities"),
            (2, "key", "2 keys"),
            (3, "class", "3 classes"),
            (2, "search", "2 searches"),
        ] {
            assert_eq!(counted(number, one), text);
        }
        assert_eq!((counted(2.75, "point"), counted(1.0, "point")), ("2.75 points".to_owned(), "1 point".to_owned()));
        assert_eq!((fitting(1, "reads", "read"), fitting(0, "reads", "read")), ("reads", "read"));
    }
}
