//! SQL migrations and schemas: tables with their columns.

use crate::files::Source;
use crate::model::facts::SchemaField;
use crate::model::{Facts, Place, SchemaFact};

use super::{Manifest, Neighbours};

/// SQL files.
pub const MANIFEST: Manifest = Manifest { id: "sql", claims, read };

fn claims(source: &Source, text: &str) -> bool {
    source.extension() == "sql" && text.to_uppercase().contains("CREATE TABLE")
}

fn read(source: &Source, text: &str, _: &Neighbours<'_>) -> Facts {
    let mut facts = Facts::default();
    let upper = text.to_uppercase();
    let mut from = 0;
    while let Some(at) = upper.get(from..).and_then(|t| t.find("CREATE TABLE")) {
        let start = from + at;
        from = start + "CREATE TABLE".len();
        // Upper case may change the length of exotic letters; then positions do not agree and the rest is left.
        if upper.len() != text.len() {
            break;
        }
        let line = text[..start].bytes().filter(|b| *b == b'\n').count() as u32 + 1;
        if let Some(schema) = table(source, &text[from..], line) {
            facts.schemas.push(schema);
        }
    }
    facts
}

fn table(source: &Source, rest: &str, line: u32) -> Option<SchemaFact> {
    let open = rest.find('(')?;
    let name = rest[..open].replace("IF NOT EXISTS", "").replace("if not exists", "");
    let name = name.trim().rsplit('.').next()?.trim_matches(['"', '`', '[', ']', ' ']).to_lowercase();
    if name.is_empty() || name.contains(char::is_whitespace) {
        return None;
    }
    let body = balanced(&rest[open + 1..])?;
    let mut fields: Vec<SchemaField> = Vec::new();
    let mut keys: Vec<String> = Vec::new();
    let mut at = line + rest[..open].bytes().filter(|b| *b == b'\n').count() as u32;
    for column in split(body) {
        let lead = column.len() - column.trim_start().len();
        let first = at + column[..lead].bytes().filter(|b| *b == b'\n').count() as u32;
        at += column.bytes().filter(|b| *b == b'\n').count() as u32;
        let text = column.lines().map(|l| l.split("--").next().unwrap_or_default()).collect::<Vec<_>>().join(" ");
        let text = text.trim();
        let upper = text.to_uppercase();
        if upper.starts_with("PRIMARY KEY") {
            let inner = text.split_once('(').map_or("", |(_, i)| i).trim_end_matches(')');
            keys.extend(inner.split(',').map(|k| k.trim().trim_matches(['"', '`']).to_lowercase()));
            continue;
        }
        if ["CONSTRAINT", "FOREIGN", "UNIQUE", "CHECK", "KEY", "INDEX", "EXCLUDE"].iter().any(|w| upper.starts_with(w))
            || text.is_empty()
        {
            continue;
        }
        let mut words = text.split_whitespace();
        let Some(column_name) = words.next() else { continue };
        fields.push(SchemaField {
            name: column_name.trim_matches(['"', '`', '[', ']']).to_owned(),
            type_name: words.next().unwrap_or_default().to_lowercase(),
            required: upper.contains("NOT NULL") || upper.contains("PRIMARY KEY"),
            key: upper.contains("PRIMARY KEY"),
            line: first,
        });
    }
    for field in &mut fields {
        field.key |= keys.contains(&field.name.to_lowercase());
        field.required |= field.key;
    }
    Some(SchemaFact {
        place: Place::new(&source.root, &source.path, line),
        format: "migration".to_owned(),
        table: Some(name.clone()),
        name,
        fields,
    })
}

/// The text up to the bracket that closes.
fn balanced(text: &str) -> Option<&str> {
    let mut depth = 1;
    for (at, c) in text.char_indices() {
        match c {
            '(' => depth += 1,
            ')' => {
                depth -= 1;
                if depth == 0 {
                    return Some(&text[..at]);
                }
            }
            _ => {}
        }
    }
    None
}

/// Columns at commas outside brackets.
fn split(body: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut depth, mut start) = (0, 0);
    for (at, c) in body.char_indices() {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(&body[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&body[start..]);
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_tables_and_columns() {
        let text = "-- x\nCREATE TABLE IF NOT EXISTS shop.orders (\n  id uuid PRIMARY KEY,\n  total numeric(10,2) NOT NULL, -- cents\n  note text\n);\n";
        let source = Source::in_memory("db/1.sql", text.as_bytes());
        let facts = read(&source, text, &Neighbours::new(&[], ""));
        let table = &facts.schemas[0];
        assert_eq!((table.name.as_str(), table.fields.len()), ("orders", 3));
        assert!(table.fields[0].key && table.fields[1].required && !table.fields[2].required);
        assert_eq!(table.fields[1].line, 4);
    }
}
