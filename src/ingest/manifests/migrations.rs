//! SQL migrations and schemas: tables with their columns, and what later migrations add, rename and drop.

use crate::files::Source;
use crate::model::facts::SchemaField;
use crate::model::{Facts, Place, SchemaFact};

use super::{Manifest, Neighbours};

/// SQL files.
pub const MANIFEST: Manifest = Manifest { id: "sql", claims, read };

fn claims(source: &Source, text: &str) -> bool {
    source.extension() == "sql" && {
        let upper = text.to_uppercase();
        upper.contains("CREATE TABLE") || upper.contains("ALTER TABLE")
    }
}

fn read(source: &Source, text: &str, _: &Neighbours<'_>) -> Facts {
    let mut facts = Facts::default();
    let plain = plain(text);
    // ASCII case only: positions stay where they are.
    let upper = plain.to_ascii_uppercase();
    for (word, read) in
        [("CREATE TABLE", table as fn(&Source, &str, u32) -> Option<SchemaFact>), ("ALTER TABLE", altered)]
    {
        for (at, _) in upper.match_indices(word) {
            let line = plain[..at].bytes().filter(|b| *b == b'\n').count() as u32 + 1;
            facts.schemas.extend(read(source, &plain[at + word.len()..], line));
        }
    }
    facts
}

/// The text with comments blanked and the content of quoted texts emptied, every line in its place.
fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let (end, keep) = if rest.starts_with("--") {
            (rest.find('\n').unwrap_or(rest.len()), false)
        } else if rest.starts_with("/*") {
            (rest.find("*/").map_or(rest.len(), |e| e + 2), false)
        } else if c == '\'' {
            (rest[1..].find('\'').map_or(rest.len(), |e| e + 2), false)
        } else if let Some(end) = quoted(rest) {
            (end, true)
        } else {
            (c.len_utf8(), true)
        };
        let part = &rest[..end];
        if keep {
            out.push_str(part);
        } else {
            out.extend(part.chars().map(|c| if c == '\n' { '\n' } else { ' ' }));
        }
        rest = &rest[end..];
    }
    out
}

/// The length of a quoted name at the start of a text; a doubled quote is part of it.
fn quoted(text: &str) -> Option<usize> {
    let quote = text.chars().next().filter(|c| matches!(c, '"' | '`'))?;
    let mut from = 1;
    loop {
        let at = from + text[from..].find(quote)?;
        if !text[at + 1..].starts_with(quote) {
            return Some(at + 1);
        }
        from = at + 2;
    }
}

/// Words that follow the type of a column.
const AFTER_TYPE: [&str; 24] = [
    "NOT",
    "NULL",
    "DEFAULT",
    "PRIMARY",
    "UNIQUE",
    "REFERENCES",
    "CHECK",
    "GENERATED",
    "COLLATE",
    "CONSTRAINT",
    "AUTO_INCREMENT",
    "AUTOINCREMENT",
    "COMMENT",
    "IDENTITY",
    "ON",
    "KEY",
    "CHARACTER SET",
    "CHARSET",
    "STORAGE",
    "AS",
    "ENCODE",
    "AFTER",
    "FIRST",
    "VIRTUAL",
];

/// A name without schema and quotes.
fn bare(name: &str) -> String {
    let name = name.trim_matches([' ', ';']);
    if quoted(name) == Some(name.len()) {
        let quote = &name[..1];
        return name[1..name.len() - 1].replace(&quote.repeat(2), quote);
    }
    name.rsplit('.').next().unwrap_or(name).trim_matches(['"', '`', '[', ']', ' ', ';']).to_owned()
}

/// The first name of a text, after words like `IF NOT EXISTS`, and what follows it.
fn named(rest: &str) -> Option<(String, &str)> {
    let mut rest = rest.trim_start();
    loop {
        let end = quoted(rest)
            .filter(|end| !rest[*end..].starts_with('.'))
            .unwrap_or_else(|| rest.find(|c: char| c.is_whitespace() || c == '(').unwrap_or(rest.len()));
        let (word, after) = rest.split_at(end);
        if ["IF", "NOT", "EXISTS", "ONLY"].iter().any(|w| word.eq_ignore_ascii_case(w)) {
            rest = after.trim_start();
            continue;
        }
        let name = bare(word);
        return (!name.is_empty()).then_some((name, after));
    }
}

fn schema(source: &Source, line: u32, name: &str, fields: Vec<SchemaField>, removes: Vec<String>) -> SchemaFact {
    let name = name.to_lowercase();
    SchemaFact {
        place: Place::new(&source.root, &source.path, line),
        format: "migration".to_owned(),
        table: Some(name.clone()),
        name,
        fields,
        removes,
        answers: Vec::new(),
        services: Vec::new(),
    }
}

fn table(source: &Source, rest: &str, line: u32) -> Option<SchemaFact> {
    let (name, after) = named(rest)?;
    let after_name = after.trim_start();
    let inner = after_name.strip_prefix('(')?;
    let body = balanced(inner)?;
    let before = rest.len() - inner.len();
    let mut at = line + newlines(&rest[..before]);
    let mut fields: Vec<SchemaField> = Vec::new();
    let mut keys: Vec<String> = Vec::new();
    for part in split(body) {
        let lead = part.len() - part.trim_start().len();
        let first = at + newlines(&part[..lead]);
        at += newlines(part);
        let text = part.trim();
        let upper = text.to_ascii_uppercase();
        let constraint = upper.starts_with("CONSTRAINT");
        if upper.starts_with("PRIMARY KEY") || constraint && upper.contains("PRIMARY KEY") {
            let from = upper.find("PRIMARY KEY").unwrap_or_default();
            let inner = text[from..].split_once('(').map_or("", |(_, i)| i.split(')').next().unwrap_or(i));
            keys.extend(inner.split(',').map(|k| bare(k.split_whitespace().next().unwrap_or_default()).to_lowercase()));
        } else if !constraint {
            fields.extend(column(text, first));
        }
    }
    for field in &mut fields {
        field.key |= keys.contains(&field.name.to_lowercase());
        field.required |= field.key;
    }
    Some(schema(source, line, &name, fields, Vec::new()))
}

fn column(text: &str, line: u32) -> Option<SchemaField> {
    let upper = text.to_ascii_uppercase();
    let first = upper.split(|c: char| c.is_whitespace() || c == '(').next().unwrap_or_default();
    if text.is_empty()
        || ["FOREIGN", "UNIQUE", "CHECK", "KEY", "INDEX", "EXCLUDE", "LIKE", "FULLTEXT", "SPATIAL", "PERIOD"]
            .contains(&first)
    {
        return None;
    }
    let (name, after) = named(text)?;
    Some(SchemaField {
        name,
        type_name: column_type(after),
        required: upper.contains("NOT NULL") || upper.contains("PRIMARY KEY") || upper.contains("SERIAL"),
        key: upper.contains("PRIMARY KEY"),
        line,
    })
}

/// `timestamp with time zone` of ` timestamp with time zone NOT NULL`.
fn column_type(after: &str) -> String {
    let mut depth = 0;
    let mut kept: Vec<String> = Vec::new();
    for word in after.split_whitespace() {
        let name = word.split('(').next().unwrap_or(word);
        if depth == 0 && AFTER_TYPE.iter().any(|w| name.eq_ignore_ascii_case(w)) {
            break;
        }
        depth += word.matches('(').count() as i32 - word.matches(')').count() as i32;
        kept.push(word.to_lowercase());
    }
    kept.join(" ")
        .replace("( ", "(")
        .replace(" )", ")")
        .replace(", ", ",")
        .replace(" (", "(")
        .trim_end_matches(';')
        .to_owned()
}

/// `ALTER TABLE t ADD COLUMN a int, DROP COLUMN b, RENAME COLUMN c TO d`.
fn altered(source: &Source, rest: &str, line: u32) -> Option<SchemaFact> {
    let statement = rest.split(';').next().unwrap_or(rest);
    let (name, after) = named(statement)?;
    let (mut fields, mut removes) = (Vec::new(), Vec::new());
    let mut at = line + newlines(&statement[..statement.len() - after.len()]);
    for part in split(after) {
        let lead = part.len() - part.trim_start().len();
        let first = at + newlines(&part[..lead]);
        at += newlines(part);
        let words: Vec<&str> = part.split_whitespace().collect();
        let is = |n: usize, word: &str| words.get(n).is_some_and(|w| w.eq_ignore_ascii_case(word));
        let skip = 1 + usize::from(is(1, "COLUMN"));
        let Some(next) =
            words.get(skip).filter(|w| !["CONSTRAINT", "PRIMARY", "FOREIGN"].iter().any(|c| w.eq_ignore_ascii_case(c)))
        else {
            continue;
        };
        if is(0, "ADD") {
            let from = next.as_ptr() as usize - part.as_ptr() as usize;
            fields.extend(column(part[from..].trim(), first));
        } else if is(0, "DROP") {
            removes.extend(named(&words[skip..].join(" ")).map(|(n, _)| n));
        } else if is(0, "RENAME") && is(skip + 1, "TO") {
            // The new name has the type of the old one, which stands in another file.
            removes.push(bare(next));
            let name = bare(words.get(skip + 2).copied().unwrap_or_default());
            fields.push(SchemaField { name, type_name: String::new(), required: false, key: false, line: first });
        }
    }
    (!fields.is_empty() || !removes.is_empty()).then(|| schema(source, line, &name, fields, removes))
}

fn newlines(text: &str) -> u32 {
    text.bytes().filter(|b| *b == b'\n').count() as u32
}

/// Positions of signs outside quoted names.
fn signs(text: &str) -> impl Iterator<Item = (usize, char)> + '_ {
    let mut skip = 0;
    text.char_indices().filter(move |(at, c)| {
        if *at < skip {
            return false;
        }
        if let Some(end) = quoted(&text[*at..]) {
            skip = at + end;
            return false;
        }
        matches!(c, '(' | ')' | ',')
    })
}

/// The text up to the bracket that closes.
fn balanced(text: &str) -> Option<&str> {
    let mut depth = 1;
    for (at, c) in signs(text) {
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
    for (at, c) in signs(body) {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ if depth == 0 => {
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

    fn of(text: &str) -> Vec<SchemaFact> {
        read(&Source::in_memory("db/1.sql", text.as_bytes()), text, &Neighbours::new(&[], "")).schemas
    }

    #[test]
    fn types_of_several_words_and_keys_of_their_own_are_whole() {
        let text = "create table t (\n a character varying(20) not null default 'x, (y', -- a, (b\n b timestamp with time zone,\n c numeric(10, 2) NULL,\n CONSTRAINT t_pk PRIMARY KEY (a)\n);";
        let table = &of(text)[0];
        let types: Vec<&str> = table.fields.iter().map(|f| f.type_name.as_str()).collect();
        assert_eq!(types, ["character varying(20)", "timestamp with time zone", "numeric(10,2)"]);
        assert!(table.fields[0].key && !table.fields[1].key);
    }

    #[test]
    fn later_migrations_add_rename_and_drop() {
        let made = &of("ALTER TABLE shop.orders ADD COLUMN note text, DROP COLUMN old, RENAME COLUMN a TO b;")[0];
        assert_eq!((made.name.as_str(), made.removes.join(",").as_str()), ("orders", "old,a"));
        assert_eq!((made.fields[0].name.as_str(), made.fields[0].type_name.as_str()), ("note", "text"));
        assert_eq!((made.fields[1].name.as_str(), made.fields[1].type_name.as_str()), ("b", ""));
        assert!(of("ALTER TABLE t ADD CONSTRAINT x PRIMARY KEY (a)").is_empty());
    }

    #[test]
    fn torn_and_hostile_texts_end_quietly() {
        for text in [
            "CREATE TABLE",
            "CREATE TABLE (",
            "CREATE TABLE x (a",
            "ALTER TABLE",
            "create table é (ß ü)",
            "/* CREATE TABLE",
            "CREATE TABLE x ('",
        ] {
            of(text);
        }
    }
}
