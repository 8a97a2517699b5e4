//! Names of crates in a file that no `use` brings in.

use crate::model::code::Import;

/// Adds the crates that are named in place.
pub(super) fn add(imports: &mut Vec<Import>, source: &str) {
    for name in full_paths(source) {
        if !imports.iter().any(|i| i.name == name) {
            imports.push(Import { name: name.to_owned(), path: name.to_owned() });
        }
    }
}

/// Crates that are named in place (`awc::Client::new()`) need no `use`.
fn full_paths(source: &str) -> Vec<&str> {
    let mut all: Vec<&str> = Vec::new();
    for (at, _) in source.match_indices("::") {
        let head = &source[..at];
        let start = head.rfind(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).map_or(0, |s| s + 1);
        let name = &head[start..];
        let first = !head[..start].ends_with("::")
            && !head[..start].ends_with('.')
            && name.starts_with(|c: char| c.is_ascii_lowercase());
        let own = matches!(name, "crate" | "self" | "super" | "std" | "core" | "alloc");
        if first && !own && !all.contains(&name) && all.len() < 64 {
            all.push(name);
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crates_that_are_named_in_place_are_seen_once() {
        let source = "let a = awc::Client::new(); std::env::var(\"X\"); Self::f(); awc::http::x(); a.b::<C>();";
        assert_eq!(full_paths(source), ["awc"]);
    }
}
