//! Names: singular nouns, past tenses, and names that are legal where they are used, mapped without collisions.

use std::collections::BTreeMap;

use crate::analyze::knowledge::{singular, words};
use crate::model::design::Renamed;

/// Past tenses that no rule makes.
const IRREGULAR: [(&str, &str); 21] = [
    ("pay", "paid"),
    ("send", "sent"),
    ("buy", "bought"),
    ("set", "set"),
    ("put", "put"),
    ("draw", "drawn"),
    ("begin", "begun"),
    ("write", "written"),
    ("sell", "sold"),
    ("withdraw", "withdrawn"),
    ("take", "taken"),
    ("give", "given"),
    ("make", "made"),
    ("reset", "reset"),
    ("rebuild", "rebuilt"),
    ("split", "split"),
    ("leave", "left"),
    ("ship", "shipped"),
    ("submit", "submitted"),
    ("stop", "stopped"),
    ("drop", "dropped"),
];
/// Verbs of storage, as facts of the business.
const FACTS: [(&str, &str); 9] = [
    ("add", "create"),
    ("insert", "create"),
    ("save", "create"),
    ("new", "create"),
    ("post", "create"),
    ("modify", "update"),
    ("edit", "update"),
    ("patch", "update"),
    ("remove", "delete"),
];

/// The singular of the last word of a name, in snake case: `stock_items` is `stock_item`.
#[must_use]
pub fn entity_name(table: &str) -> String {
    let mut all = words(table);
    if let Some(last) = all.last_mut() {
        *last = singular(last);
    }
    if all.is_empty() { "entity".to_owned() } else { all.join("_") }
}

/// `stock_item` is `StockItem`.
#[must_use]
pub fn pascal(name: &str) -> String {
    let word = |w: &String| {
        let mut chars = w.chars();
        chars.next().map(|c| c.to_uppercase().collect::<String>() + chars.as_str()).unwrap_or_default()
    };
    words(name).iter().map(word).collect()
}

/// The fact that a verb makes: `pay` is `paid`, `save` is `created`.
#[must_use]
pub fn past(verb: &str) -> String {
    let verb = FACTS.iter().find(|(v, _)| *v == verb).map_or(verb, |(_, fact)| fact);
    if let Some((_, done)) = IRREGULAR.iter().find(|(v, _)| *v == verb) {
        return (*done).to_owned();
    }
    if verb.ends_with("ed") {
        return verb.to_owned();
    }
    if verb == "cancel" {
        return "cancelled".to_owned();
    }
    match (verb.strip_suffix('e'), verb.strip_suffix('y')) {
        (Some(stem), _) => format!("{stem}ed"),
        (_, Some(stem)) if !stem.ends_with(['a', 'e', 'o', 'u']) => format!("{stem}ied"),
        _ => format!("{verb}ed"),
    }
}

/// Where a name must be legal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Space {
    /// Topics, connectors and consumer groups: letters, digits, `.`, `_`, `-`; at most 249.
    Kafka,
    /// Avro, Protobuf and SQL names that we make: letter or `_`, then letters, digits, `_`; at most 63.
    Identifier,
    /// Folders and Kubernetes objects: lower-case letters, digits, `-`; at most 63.
    Folder,
}

/// Maps names into spaces; two different names never become one.
#[derive(Debug, Default)]
pub struct Names {
    taken: BTreeMap<(Space, String), String>,
    /// What changed.
    pub renamed: Vec<Renamed>,
}

impl Names {
    /// The legal form of a name; what changes is remembered.
    pub fn legal(&mut self, space: Space, name: &str) -> String {
        let mut made = legal(space, name);
        let other = |made: &String, taken: &BTreeMap<(Space, String), String>| {
            taken.get(&(space, made.clone())).is_some_and(|n| n != name)
        };
        if other(&made, &self.taken) {
            let mark = if space == Space::Identifier { '_' } else { '-' };
            let most = if space == Space::Kafka { 249 } else { 63 };
            let end = format!("{mark}{:08x}", hash(name));
            made.truncate(most - end.len());
            made.push_str(&end);
        }
        self.taken.insert((space, made.clone()), name.to_owned());
        let renamed = Renamed { from: name.to_owned(), to: made.clone() };
        if made != name && space != Space::Folder && !self.renamed.contains(&renamed) {
            self.renamed.push(renamed);
        }
        made
    }
}

fn legal(space: Space, name: &str) -> String {
    let (fits, filler, most): (fn(char) -> bool, char, usize) = match space {
        Space::Kafka => (|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-'), '-', 249),
        Space::Identifier => (|c| c.is_ascii_alphanumeric() || c == '_', '_', 63),
        Space::Folder => (|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-', '-', 63),
    };
    let lower = if space == Space::Folder { name.to_ascii_lowercase() } else { name.to_owned() };
    let mut made: String = lower.chars().map(|c| if fits(c) { c } else { filler }).collect();
    if space == Space::Identifier && !made.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') {
        made.insert(0, '_');
    }
    if space == Space::Folder {
        made = made.trim_matches('-').to_owned();
    }
    if made.is_empty() || made.chars().all(|c| c == '.') {
        made = format!("x{:08x}", hash(name));
    }
    made.truncate(most);
    made
}

/// FNV-1a, 32 bits: the same on every machine.
#[must_use]
pub fn hash(text: &str) -> u32 {
    text.bytes().fold(0x811c_9dc5, |h, b| (h ^ u32::from(b)).wrapping_mul(0x0100_0193))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_are_in_the_past() {
        for (verb, fact) in [
            ("create", "created"),
            ("pay", "paid"),
            ("cancel", "cancelled"),
            ("modify", "updated"),
            ("ship", "shipped"),
            ("apply", "applied"),
            ("approve", "approved"),
            ("reserve", "reserved"),
        ] {
            assert_eq!(past(verb), fact);
        }
    }

    #[test]
    fn nouns_are_singular() {
        for (many, one) in [
            ("customers", "customer"),
            ("addresses", "address"),
            ("categories", "category"),
            ("status", "status"),
            ("boxes", "box"),
            ("stock_items", "stock_item"),
        ] {
            assert_eq!(entity_name(many), one);
        }
        assert_eq!(pascal("stock_item"), "StockItem");
    }

    #[test]
    fn illegal_names_are_mapped_visibly_and_never_meet() {
        let mut names = Names::default();
        let (a, b) = (names.legal(Space::Identifier, "a b"), names.legal(Space::Identifier, "a_b"));
        assert_eq!(a, "a_b");
        assert_ne!(a, b);
        assert_eq!(names.legal(Space::Identifier, "a b"), "a_b");
        assert_eq!(names.renamed.len(), 2);
        for hostile in ["..", "../../etc/passwd", "", "a\nb", "'; DROP TABLE x; --", "é", &"x".repeat(300)] {
            for space in [Space::Kafka, Space::Identifier, Space::Folder] {
                let made = names.legal(space, hostile);
                assert!(!made.is_empty() && made.len() <= 249 && !made.contains(['/', '\n', '\'', ' ']), "{made}");
                assert!(made.chars().any(|c| c != '.'), "{made}");
            }
        }
    }
}
