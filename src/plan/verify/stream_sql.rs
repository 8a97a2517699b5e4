//! ksqlDB and Flink SQL: the shapes of statements that unbraid writes, their WITH keys, formats, types and sources.
//!
//! General SQL parsers refuse `CREATE STREAM`, `EMIT CHANGES` and `WATERMARK` and take misspelt options.

use std::collections::BTreeSet;

use super::Check;

/// ksqlDB and Flink SQL.
pub const CHECK: Check = Check {
    id: "stream_sql",
    by: "statement shapes, options and types (ksqlDB reference; Flink 2.2 connectors)",
    fits: |p| p.ends_with(".ksql") || p.ends_with("flink.sql"),
    check,
};

fn check(_: &str, text: &str) -> Vec<String> {
    let tokens = match tokens(text) {
        Ok(tokens) => tokens,
        Err(problem) => return vec![problem],
    };
    let flink = tokens.iter().any(|t| t.eq_ignore_ascii_case("ENFORCED"));
    let mut parser = Parser { tokens: &tokens, at: 0, flink, defined: BTreeSet::new() };
    let mut problems = Vec::new();
    while parser.at < tokens.len() {
        if let Err(problem) = parser.statement() {
            let near: Vec<&str> = tokens[parser.at.saturating_sub(2)..].iter().take(5).map(String::as_str).collect();
            problems.push(format!("{problem}, near `{}`", near.join(" ")));
            while parser.at < tokens.len() && tokens[parser.at] != ";" {
                parser.at += 1;
            }
            parser.at += 1;
        }
    }
    if tokens.is_empty() {
        problems.push("no statement in it".to_owned());
    }
    problems
}

/// Words, quoted names and texts with their quotes, numbers, signs; comments are left out.
fn tokens(text: &str) -> Result<Vec<String>, String> {
    let mut all = Vec::new();
    let plain: Vec<&str> = text.lines().filter(|l| !l.trim_start().starts_with("--")).collect();
    let plain = plain.join("\n");
    let mut rest = plain.trim_start();
    while let Some(c) = rest.chars().next() {
        let end = match c {
            '\'' | '`' => closing(rest, c).ok_or_else(|| format!("a {c} is not closed"))?,
            c if c.is_alphanumeric() || c == '_' => {
                rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(rest.len())
            }
            ':' if rest.starts_with(":=") => 2,
            _ => c.len_utf8(),
        };
        all.push(rest[..end].to_owned());
        rest = rest[end..].trim_start();
    }
    Ok(all)
}

/// The end of a quoted text; a doubled quote is part of it.
fn closing(text: &str, quote: char) -> Option<usize> {
    let mut from = 1;
    loop {
        let at = from + text[from..].find(quote)?;
        if text[at + 1..].starts_with(quote) {
            from = at + 2;
        } else {
            return Some(at + 1);
        }
    }
}

struct Parser<'t> {
    tokens: &'t [String],
    at: usize,
    flink: bool,
    defined: BTreeSet<String>,
}

type Step = Result<(), String>;

impl Parser<'_> {
    fn peek(&self, word: &str) -> bool {
        self.tokens.get(self.at).is_some_and(|t| t.eq_ignore_ascii_case(word))
    }

    fn eat(&mut self, word: &str) -> bool {
        let is = self.peek(word);
        self.at += usize::from(is);
        is
    }

    fn need(&mut self, words: &[&str]) -> Step {
        for word in words {
            if !self.eat(word) {
                return Err(format!("{word} is missing"));
            }
        }
        Ok(())
    }

    fn next(&mut self) -> Result<&str, String> {
        self.at += 1;
        self.tokens.get(self.at - 1).map(String::as_str).ok_or_else(|| "the text ends".to_owned())
    }

    fn name(&mut self) -> Result<String, String> {
        let token = self.next()?.to_owned();
        let is = token.starts_with('`') || token.starts_with(|c: char| c.is_alphabetic() || c == '_');
        if is { Ok(token) } else { Err(format!("`{token}` is no name")) }
    }

    fn statement(&mut self) -> Step {
        if self.eat("INSERT") {
            self.need(&["INTO"])?;
            self.source()?;
            self.query()?;
            return self.need(&[";"]);
        }
        self.need(&["CREATE"])?;
        if self.flink && self.eat("VIEW") {
            let name = self.name()?;
            self.need(&["AS"])?;
            self.query()?;
            self.defined.insert(name);
            return self.need(&[";"]);
        }
        let source = !self.flink && self.eat("SOURCE");
        let stream = !self.flink && self.eat("STREAM");
        if !stream {
            self.need(&["TABLE"])?;
        }
        let name = self.name()?;
        if self.peek("(") {
            self.columns(!stream)?;
            self.need(&["WITH"])?;
            self.options()?;
        } else if source || self.flink {
            return Err("its columns are missing".to_owned());
        } else {
            if self.eat("WITH") {
                self.options()?;
            }
            self.need(&["AS"])?;
            self.query()?;
            self.need(&["EMIT", "CHANGES"])?;
        }
        self.defined.insert(name);
        self.need(&[";"])
    }

    fn columns(&mut self, table: bool) -> Step {
        self.need(&["("])?;
        let mut keyed = false;
        loop {
            if self.flink && self.eat("PRIMARY") {
                self.need(&["KEY", "("])?;
                self.name()?;
                while self.eat(",") {
                    self.name()?;
                }
                self.need(&[")", "NOT", "ENFORCED"])?;
                keyed = true;
            } else {
                self.name()?;
                self.kind()?;
                if self.flink {
                    if self.eat("NOT") {
                        self.need(&["NULL"])?;
                    }
                } else if table && self.eat("PRIMARY") {
                    self.need(&["KEY"])?;
                    keyed = true;
                } else if !table {
                    self.eat("KEY");
                }
            }
            if !self.eat(",") {
                break;
            }
        }
        if table && !keyed && !self.flink {
            return Err("a table needs a PRIMARY KEY".to_owned());
        }
        self.need(&[")"])
    }

    fn kind(&mut self) -> Step {
        let word = self.next()?.to_uppercase();
        if word == "STRUCT" && !self.flink {
            self.need(&["<"])?;
            loop {
                self.name()?;
                self.kind()?;
                if !self.eat(",") {
                    break;
                }
            }
            return self.need(&[">"]);
        }
        if crate::plan::known::options().ksqldb_types.contains(&word) {
            Ok(())
        } else {
            Err(format!("`{word}` is no type"))
        }
    }

    fn options(&mut self) -> Step {
        let known = crate::plan::known::options();
        self.need(&["("])?;
        loop {
            let key = self.next()?.trim_matches('\'').to_owned();
            let is_known = if self.flink { known.flink.contains(&key) } else { known.ksqldb.contains(&key) };
            if !is_known {
                return Err(format!("`{key}` is no option"));
            }
            self.need(&["="])?;
            let value = self.next()?.trim_matches('\'').to_owned();
            let format = if self.flink {
                !key.ends_with(".format")
                    || ["json", "avro-confluent", "raw", "debezium-json", "avro", "protobuf"].contains(&value.as_str())
            } else {
                !key.ends_with("FORMAT") || key.starts_with("TIMESTAMP") || known.ksqldb_formats.contains(&value)
            };
            let connector = key != "connector" || matches!(value.as_str(), "kafka" | "upsert-kafka");
            if !format || !connector {
                return Err(format!("{key} = `{value}` does not exist"));
            }
            if !self.eat(",") {
                break;
            }
        }
        self.need(&[")"])
    }

    /// A source that an earlier statement defined.
    fn source(&mut self) -> Step {
        let name = self.name()?;
        if self.defined.contains(&name) { Ok(()) } else { Err(format!("{name} was not defined")) }
    }

    fn query(&mut self) -> Step {
        self.need(&["SELECT"])?;
        self.until(&["FROM"])?;
        self.need(&["FROM"])?;
        self.source()?;
        self.alias();
        if self.eat("JOIN") {
            self.source()?;
            self.alias();
            self.need(&["ON"])?;
            self.until(&["WHERE", "GROUP", "EMIT", ";"])?;
        }
        if self.eat("WHERE") {
            self.until(&["GROUP", "EMIT", ";"])?;
        }
        if self.eat("GROUP") {
            self.need(&["BY"])?;
            self.until(&["EMIT", ";"])?;
        }
        Ok(())
    }

    fn alias(&mut self) {
        let named = self.eat("AS");
        let keyword = ["JOIN", "WHERE", "GROUP", "EMIT", "ON", ";"].iter().any(|w| self.peek(w));
        if named || !keyword {
            self.at += 1;
        }
    }

    /// Expressions: something stands there, and brackets are closed.
    fn until(&mut self, words: &[&str]) -> Step {
        let start = self.at;
        let mut depth = 0;
        while let Some(token) = self.tokens.get(self.at) {
            if depth == 0 && words.iter().any(|w| token.eq_ignore_ascii_case(w)) {
                break;
            }
            match token.as_str() {
                "(" => depth += 1,
                ")" => depth -= 1,
                ";" => return Err("the statement ends too early".to_owned()),
                _ => {}
            }
            self.at += 1;
        }
        let last = self.tokens.get(self.at - 1).map(String::as_str);
        if self.at == start || depth != 0 || last == Some(",") {
            Err("an expression is broken".to_owned())
        } else {
            Ok(())
        }
    }
}
