//! Words for people that every stage needs: a number with its noun.

use std::fmt::Display;

/// A number with its noun: `1 service`, `3 services`, `2 dependencies`.
#[must_use]
pub fn counted(n: impl Display, one: &str) -> String {
    let n = n.to_string();
    if n == "1" { format!("1 {one}") } else { format!("{n} {}", many(one)) }
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

#[cfg(test)]
mod tests {
    use super::counted;

    #[test]
    fn nouns_follow_their_number() {
        assert_eq!(counted(1, "service"), "1 service");
        assert_eq!(counted(0, "edge"), "0 edges");
        assert_eq!(counted(2u64, "dependency"), "2 dependencies");
        assert_eq!(counted(3, "gateway"), "3 gateways");
        assert_eq!(counted(2.75, "point"), "2.75 points");
        assert_eq!(counted(1.0, "point"), "1 point");
        assert_eq!(counted(2, "search"), "2 searches");
    }
}
