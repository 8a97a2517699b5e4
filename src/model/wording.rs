//! Numbers in sentences: `1 service reads`, `3 services read`.

/// A number with its noun: `1 service`, `3 services`, `2 entities`, `2 classes`.
#[must_use]
pub fn counted(number: usize, one: &str) -> String {
    if number == 1 {
        return format!("1 {one}");
    }
    match one.strip_suffix('y') {
        Some(stem) if !stem.ends_with(['a', 'e', 'o', 'u']) => format!("{number} {stem}ies"),
        _ if one.ends_with(['s', 'x']) || one.ends_with("ch") => format!("{number} {one}es"),
        _ => format!("{number} {one}s"),
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
        ] {
            assert_eq!(counted(number, one), text);
        }
        assert_eq!((fitting(1, "reads", "read"), fitting(0, "reads", "read")), ("reads", "read"));
    }
}
