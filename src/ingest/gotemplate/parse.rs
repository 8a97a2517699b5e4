//! Template text -> parts: text, actions, blocks.

use std::collections::BTreeMap;

use super::expression::{Pipeline, Reader};

/// A part of a template.
#[derive(Debug, Clone)]
pub(super) struct Part {
    /// Line where it starts, from 1.
    pub line: u32,
    /// What it is.
    pub kind: Kind,
}

/// What a part is.
#[derive(Debug, Clone)]
pub(super) enum Kind {
    Text(String),
    Print(Pipeline),
    /// A variable: name, value, whether it is new.
    Set(String, Pipeline, bool),
    Branch(Vec<(Option<Pipeline>, Vec<Part>)>),
    With(Option<String>, Pipeline, Vec<Part>, Vec<Part>),
    Range(Vec<String>, Pipeline, Vec<Part>, Vec<Part>),
}

/// A piece of text, or what stands between `{{` and `}}`.
struct Token<'t> {
    line: u32,
    text: &'t str,
    action: bool,
}

/// Blocks inside blocks.
const NESTING: usize = 64;

/// The body of a text; what it defines goes to `defined`.
pub(super) fn parse(text: &str, defined: &mut BTreeMap<String, Vec<Part>>) -> Result<Vec<Part>, String> {
    let tokens = tokens(text)?;
    let mut parser = Parser { tokens: &tokens, at: 0, defined };
    let (parts, end) = parser.block(0)?;
    match end {
        None => Ok(parts),
        Some(end) => Err(format!("line {}: `{}` without a block", end.line, end.text)),
    }
}

fn tokens(text: &str) -> Result<Vec<Token<'_>>, String> {
    let mut all = Vec::new();
    let (mut rest, mut line, mut trim) = (text, 1u32, false);
    let lines = |t: &str| t.matches('\n').count() as u32;
    while let Some(open) = rest.find("{{") {
        let (mut before, after) = (&rest[..open], &rest[open + 2..]);
        let close = end_of_action(after).ok_or_else(|| format!("line {line}: an action that does not end"))?;
        let mut action = &after[..close];
        let mut at = line;
        if trim {
            let kept = before.trim_start();
            at += lines(&before[..before.len() - kept.len()]);
            before = kept;
        }
        if let Some(inner) = action.strip_prefix('-').filter(|i| i.starts_with([' ', '\t', '\n', '/'])) {
            before = before.trim_end();
            action = inner;
        }
        trim = action.ends_with('-') && !action.ends_with("--");
        let action = if trim { &action[..action.len() - 1] } else { action };
        if !before.is_empty() {
            all.push(Token { line: at, text: before, action: false });
        }
        line += lines(&rest[..open]);
        if !action.trim().starts_with("/*") {
            all.push(Token { line, text: action.trim(), action: true });
        }
        line += lines(&after[..close]);
        rest = &after[close + 2..];
    }
    let last = if trim { rest.trim_start() } else { rest };
    if !last.is_empty() {
        all.push(Token { line: line + lines(&rest[..rest.len() - last.len()]), text: last, action: false });
    }
    Ok(all)
}

/// Where `}}` stands outside of texts and comments.
fn end_of_action(text: &str) -> Option<usize> {
    if text.trim_start_matches('-').trim_start().starts_with("/*") {
        let close = text.find("*/")?;
        return text[close..].find("}}").map(|at| close + at);
    }
    let (mut quote, mut escaped) = (None, false);
    let bytes = text.as_bytes();
    for (at, byte) in bytes.iter().enumerate() {
        match (quote, byte) {
            (Some(_), _) if escaped => escaped = false,
            (Some(b'"'), b'\\') => escaped = true,
            (Some(open), close) if open == *close => quote = None,
            (None, b'"' | b'`') => quote = Some(*byte),
            (None, b'}') if bytes.get(at + 1) == Some(&b'}') => return Some(at),
            _ => {}
        }
    }
    None
}

struct Parser<'p, 't> {
    tokens: &'p [Token<'t>],
    at: usize,
    defined: &'p mut BTreeMap<String, Vec<Part>>,
}

impl<'p, 't> Parser<'p, 't> {
    /// Parts up to the `end` or `else` that closes the block, which is given too.
    fn block(&mut self, depth: usize) -> Result<(Vec<Part>, Option<&'p Token<'t>>), String> {
        if depth > NESTING {
            return Err("blocks are nested too deeply".to_owned());
        }
        let mut parts = Vec::new();
        let tokens = self.tokens;
        while let Some(token) = tokens.get(self.at) {
            self.at += 1;
            if !token.action {
                parts.push(Part { line: token.line, kind: Kind::Text(token.text.to_owned()) });
                continue;
            }
            let (word, rest) = token.text.split_once(char::is_whitespace).unwrap_or((token.text, ""));
            let place = |e: String| format!("line {}: {e}", token.line);
            match word {
                "end" | "else" => return Ok((parts, Some(token))),
                "define" | "block" => {
                    let name = rest.trim().trim_start_matches(['"', '`']).split(['"', '`']).next().unwrap_or_default();
                    let body = self.closed(depth, token.line)?;
                    self.defined.insert(name.to_owned(), body);
                }
                "if" => {
                    let kind = self.branches(rest, depth, token.line)?;
                    parts.push(Part { line: token.line, kind });
                }
                "with" | "range" => {
                    let (names, over) = named(rest);
                    let over = Reader::pipeline(over).map_err(place)?;
                    let (body, end) = self.block(depth + 1)?;
                    let otherwise = match end.map(|e| e.text) {
                        Some("end") => Vec::new(),
                        Some("else") => self.closed(depth, token.line)?,
                        _ => return Err(format!("line {}: a block that does not end", token.line)),
                    };
                    let kind = if word == "with" {
                        Kind::With(names.into_iter().next(), over, body, otherwise)
                    } else {
                        Kind::Range(names, over, body, otherwise)
                    };
                    parts.push(Part { line: token.line, kind });
                }
                "break" | "continue" => return Err(place(format!("`{word}` is not supported"))),
                _ => parts.push(Part { line: token.line, kind: action(token.text).map_err(place)? }),
            }
        }
        Ok((parts, None))
    }

    fn closed(&mut self, depth: usize, line: u32) -> Result<Vec<Part>, String> {
        let (body, end) = self.block(depth + 1)?;
        if end.is_none_or(|e| e.text != "end") {
            return Err(format!("line {line}: a block that does not end"));
        }
        Ok(body)
    }

    fn branches(&mut self, condition: &str, depth: usize, line: u32) -> Result<Kind, String> {
        let mut all = Vec::new();
        let mut condition = Some(condition);
        loop {
            let read = condition.map(Reader::pipeline).transpose().map_err(|e| format!("line {line}: {e}"))?;
            let (body, end) = self.block(depth + 1)?;
            all.push((read, body));
            let end = end.ok_or_else(|| format!("line {line}: a block that does not end"))?;
            if end.text == "end" {
                return Ok(Kind::Branch(all));
            }
            condition = end.text.strip_prefix("else").and_then(|e| e.trim_start().strip_prefix("if "));
        }
    }
}

/// `$a, $b := over` as names and what follows.
fn named(text: &str) -> (Vec<String>, &str) {
    match text.split_once(":=") {
        Some((names, over)) if names.trim_start().starts_with('$') => {
            (names.split(',').map(|n| n.trim().trim_start_matches('$').to_owned()).collect(), over)
        }
        _ => (Vec::new(), text),
    }
}

fn action(text: &str) -> Result<Kind, String> {
    if text.starts_with('$') {
        let end = text.find(|c: char| !(c.is_alphanumeric() || matches!(c, '$' | '_'))).unwrap_or(text.len());
        let (name, rest) = (text[1..end].to_owned(), text[end..].trim_start());
        if let Some(value) = rest.strip_prefix(":=") {
            return Ok(Kind::Set(name, Reader::pipeline(value)?, true));
        }
        if let Some(value) = rest.strip_prefix('=').filter(|v| !v.starts_with('=')) {
            return Ok(Kind::Set(name, Reader::pipeline(value)?, false));
        }
    }
    Reader::pipeline(text).map(Kind::Print)
}
