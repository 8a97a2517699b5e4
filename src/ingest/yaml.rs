//! YAML (and JSON) as a small tree with line numbers, document by document.
//!
//! A broken document is a note; the others still count. Nesting and alias expansion are bounded by the library.

use saphyr::{LoadableYamlNode, MarkedYaml, Scalar, YamlData};

use crate::files::Source;
use crate::model::{Note, Place};

/// A node with the line where it starts, from 1.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// Line.
    pub line: u32,
    /// Value.
    pub value: Value,
}

/// A value; scalars are text.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Nothing.
    Null,
    /// A scalar as text.
    Text(String),
    /// A sequence.
    List(Vec<Node>),
    /// A mapping in the order of the file.
    Map(Vec<(String, Node)>),
}

static NOTHING: Node = Node { line: 0, value: Value::Null };

impl Node {
    /// The value under a key; a null node if there is none.
    #[must_use]
    pub fn get(&self, key: &str) -> &Node {
        match &self.value {
            Value::Map(entries) => entries.iter().find(|(k, _)| k == key).map_or(&NOTHING, |(_, v)| v),
            _ => &NOTHING,
        }
    }

    /// The value at a path of keys.
    #[must_use]
    pub fn at(&self, path: &[&str]) -> &Node {
        path.iter().fold(self, |node, key| node.get(key))
    }

    /// The scalar text.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The scalar text, or an empty one.
    #[must_use]
    pub fn str(&self) -> &str {
        self.text().unwrap_or_default()
    }

    /// Elements of a sequence.
    #[must_use]
    pub fn list(&self) -> &[Node] {
        match &self.value {
            Value::List(parts) => parts,
            _ => &[],
        }
    }

    /// Entries of a mapping.
    #[must_use]
    pub fn entries(&self) -> &[(String, Node)] {
        match &self.value {
            Value::Map(entries) => entries,
            _ => &[],
        }
    }

    /// Is there nothing?
    #[must_use]
    pub fn is_null(&self) -> bool {
        self.value == Value::Null
    }

    /// All leaves with dotted keys (`a.b[0].c`), in the order of the file.
    #[must_use]
    pub fn flatten(&self) -> Vec<(String, String, u32)> {
        let mut all = Vec::new();
        flatten(self, String::new(), &mut all, 0);
        all
    }
}

fn flatten(node: &Node, key: String, into: &mut Vec<(String, String, u32)>, depth: usize) {
    if depth > 32 || into.len() > 20_000 {
        return;
    }
    match &node.value {
        Value::Null => {}
        Value::Text(text) => into.push((key, text.clone(), node.line)),
        Value::List(parts) => {
            for (i, part) in parts.iter().enumerate() {
                flatten(part, format!("{key}[{i}]"), into, depth + 1);
            }
        }
        Value::Map(entries) => {
            for (name, value) in entries {
                let inner = if key.is_empty() { name.clone() } else { format!("{key}.{name}") };
                flatten(value, inner, into, depth + 1);
            }
        }
    }
}

/// What could be read: documents, and (line, reason) of those that could not.
#[derive(Debug, Default)]
pub struct Documents {
    /// Intact documents.
    pub nodes: Vec<Node>,
    /// Broken ones.
    pub broken: Vec<(u32, String)>,
}

impl Documents {
    /// Notes on what of a file could not be read.
    #[must_use]
    pub fn notes(&self, source: &Source) -> Vec<Note> {
        let note = |(line, reason): &(u32, String)| {
            Note::new(Place::new(&source.root, &source.path, *line), format!("not read: {reason}"))
        };
        self.broken.iter().map(note).collect()
    }
}

/// Reads all documents of a text.
#[must_use]
pub fn parse(text: &str) -> Documents {
    let mut documents = Documents::default();
    for (first, part) in split(text) {
        if part.trim().is_empty() {
            continue;
        }
        let mut text = part.to_owned();
        if MarkedYaml::load_from_str(&text).is_err() {
            text = deeper_brackets(&text);
        }
        for _ in 0..=RETRIES {
            match MarkedYaml::load_from_str(&text) {
                Ok(nodes) => {
                    documents.nodes.extend(nodes.iter().map(|n| convert(n, first, 0)).filter(|n| !n.is_null()));
                    break;
                }
                Err(error) => {
                    let at = error.marker().line();
                    documents.broken.push((first + at as u32, error.to_string()));
                    // The entry that is broken is left out, the others are read.
                    let Some(rest) = without_entry(&text, at) else { break };
                    text = rest;
                }
            }
        }
    }
    documents
}

/// Entries of one document that may be broken before it is given up.
const RETRIES: usize = 8;

/// Closing brackets that stand alone in a line, moved to the right: many parsers take them at the indentation of
/// their key, the specification does not (YAML 1.2, 7.4).
fn deeper_brackets(text: &str) -> String {
    let alone = |l: &str| matches!(l.trim(), "]" | "}" | "]," | "},");
    let lines = text.lines().map(|l| if alone(l) { format!("        {l}") } else { l.to_owned() });
    lines.collect::<Vec<String>>().join("\n")
}

/// The text with the entry that holds a line (from 1) blanked: from the nearest line above that is indented by two
/// columns at most, to the next line that is indented no deeper. `None` if nothing would be left.
fn without_entry(text: &str, line: usize) -> Option<String> {
    let lines: Vec<&str> = text.lines().collect();
    let indent = |l: &str| l.len() - l.trim_start().len();
    let telling = |l: &str| !l.trim().is_empty() && !l.trim_start().starts_with('#');
    let at = line.clamp(1, lines.len()) - 1;
    let start = (0..=at).rev().find(|i| telling(lines[*i]) && indent(lines[*i]) <= 2)?;
    let depth = indent(lines[start]);
    let end = (start + 1..lines.len())
        .find(|i| *i > at && telling(lines[*i]) && indent(lines[*i]) <= depth)
        .unwrap_or(lines.len());
    if lines.len() < 3 || end - start == lines.len() {
        return None;
    }
    let kept = lines.iter().enumerate().map(|(i, l)| if (start..end).contains(&i) { "" } else { l });
    Some(kept.collect::<Vec<&str>>().join("\n"))
}

/// Documents with the number of lines before each.
fn split(text: &str) -> Vec<(u32, &str)> {
    let mut parts = Vec::new();
    let (mut start, mut first, mut offset) = (0, 0u32, 0);
    for (at, line) in text.split_inclusive('\n').enumerate() {
        let marker = line.starts_with("---") && line[3..].trim_start().is_empty() || line.starts_with("--- ");
        if marker {
            parts.push((first, &text[start..offset]));
            start = offset + line.len();
            first = at as u32 + 1;
        }
        offset += line.len();
    }
    parts.push((first, &text[start..]));
    parts
}

fn convert(node: &MarkedYaml<'_>, before: u32, depth: usize) -> Node {
    let line = node.span.start.line() as u32 + before;
    let value = if depth > 64 {
        Value::Null
    } else {
        match &node.data {
            YamlData::Value(scalar) => scalar_text(scalar).map_or(Value::Null, Value::Text),
            YamlData::Representation(text, ..) => Value::Text(text.to_string()),
            YamlData::Sequence(parts) => Value::List(parts.iter().map(|p| convert(p, before, depth + 1)).collect()),
            YamlData::Mapping(map) => {
                mapping(map.iter().map(|(k, v)| (convert(k, before, depth + 1), convert(v, before, depth + 1))))
            }
            YamlData::Tagged(_, inner) => convert(inner, before, depth + 1).value,
            YamlData::Alias(_) | YamlData::BadValue => Value::Null,
        }
    };
    Node { line, value }
}

/// Entries, with merge keys (`<<`) merged behind the mapping's own.
fn mapping(entries: impl Iterator<Item = (Node, Node)>) -> Value {
    let mut all: Vec<(String, Node)> = Vec::new();
    let mut merged: Vec<(String, Node)> = Vec::new();
    for (key, mut value) in entries {
        let name = match key.value {
            Value::Text(name) => name,
            _ => continue,
        };
        if name == "<<" {
            match value.value {
                Value::Map(inner) => merged.extend(inner),
                Value::List(parts) => merged.extend(parts.into_iter().flat_map(|p| match p.value {
                    Value::Map(inner) => inner,
                    _ => Vec::new(),
                })),
                _ => {}
            }
            continue;
        }
        // The line of an entry is that of its key.
        value.line = key.line;
        all.push((name, value));
    }
    for (key, value) in merged {
        if !all.iter().any(|(k, _)| *k == key) {
            all.push((key, value));
        }
    }
    Value::Map(all)
}

fn scalar_text(scalar: &Scalar<'_>) -> Option<String> {
    Some(match scalar {
        Scalar::Null => return None,
        Scalar::Boolean(value) => value.to_string(),
        Scalar::Integer(value) => value.to_string(),
        Scalar::FloatingPoint(value) => value.to_string(),
        Scalar::String(text) => text.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_keep_lines_merge_keys_and_survive_broken_neighbours() {
        let text = "a: &x {b: 1}\nc:\n  <<: *x\n  d: [2]\n---\nbroken: [\n---\ne: f\n";
        let documents = parse(text);
        assert_eq!(documents.nodes.len(), 2);
        assert_eq!(documents.broken.len(), 1);
        let flat = documents.nodes[0].flatten();
        assert!(flat.contains(&("c.b".into(), "1".into(), 1)) || flat.iter().any(|(k, v, _)| k == "c.b" && v == "1"));
        assert!(flat.contains(&("c.d[0]".into(), "2".into(), 4)));
        assert_eq!(documents.nodes[1].get("e").line, 8);
    }

    #[test]
    fn a_broken_entry_does_not_hide_the_others() {
        let documents = parse("services:\n  a:\n    image: x\n  b:\n    image: \"y\n   z: 1\n  c:\n    image: w\n");
        assert_eq!(documents.broken.len(), 1);
        let names: Vec<&str> = documents.nodes[0].get("services").entries().iter().map(|(k, _)| k.as_str()).collect();
        assert!(names.contains(&"a"), "{names:?}");
    }

    #[test]
    fn brackets_at_the_indentation_of_their_key_are_read() {
        let documents = parse("a:\n  b: [\n    x\n  ]\n  c: d\n");
        assert_eq!((documents.broken.len(), documents.nodes[0].at(&["a", "c"]).str()), (0, "d"));
    }

    #[test]
    fn bombs_are_refused() {
        let mut bomb = "a: &a [x,x,x,x,x,x,x,x,x]\n".to_owned();
        for (name, of) in [("b", "a"), ("c", "b"), ("d", "c"), ("e", "d"), ("f", "e"), ("g", "f")] {
            bomb.push_str(&format!("{name}: &{name} [{}]\n", vec![format!("*{of}"); 9].join(",")));
        }
        assert!(!parse(&bomb).broken.is_empty());
        assert_eq!(parse(&"[".repeat(10_000)).nodes.len(), 0);
    }
}
