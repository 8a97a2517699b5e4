//! Pipelines of Go templates: commands of operands, joined by `|`.

use serde_json::Value;

/// Commands, each given the result of the one before as its last argument.
#[derive(Debug, Clone)]
pub(super) struct Pipeline {
    pub commands: Vec<Vec<Operand>>,
}

/// A part of a command.
#[derive(Debug, Clone)]
pub(super) enum Operand {
    Literal(Value),
    Function(String),
    /// `.a.b` of what `.` is.
    Field(Vec<String>),
    /// `$name.a.b`; without a name the data as a whole.
    Variable(String, Vec<String>),
    /// `(…).a.b`
    Inner(Pipeline, Vec<String>),
}

/// Brackets inside brackets.
const NESTING: usize = 32;

/// Reads a pipeline.
pub(super) struct Reader<'t> {
    rest: &'t str,
}

impl<'t> Reader<'t> {
    /// A whole text as a pipeline.
    pub fn pipeline(text: &'t str) -> Result<Pipeline, String> {
        let mut reader = Reader { rest: text };
        let pipeline = reader.read(0)?;
        if reader.rest.trim().is_empty() { Ok(pipeline) } else { Err(format!("`{}` is not expected", reader.rest)) }
    }

    fn read(&mut self, depth: usize) -> Result<Pipeline, String> {
        if depth > NESTING {
            return Err("brackets are nested too deeply".to_owned());
        }
        let mut commands = vec![Vec::new()];
        loop {
            self.rest = self.rest.trim_start();
            let Some(first) = self.rest.chars().next() else { break };
            let operand = match first {
                ')' => break,
                '|' => {
                    self.rest = &self.rest[1..];
                    commands.push(Vec::new());
                    continue;
                }
                '(' => {
                    self.rest = &self.rest[1..];
                    let inner = self.read(depth + 1)?;
                    self.rest = self.rest.strip_prefix(')').ok_or("a bracket that does not close")?;
                    Operand::Inner(inner, self.path())
                }
                '"' | '`' => Operand::Literal(Value::from(self.quoted(first)?)),
                '.' => Operand::Field(self.path()),
                '$' => {
                    self.rest = &self.rest[1..];
                    let name = self.word();
                    Operand::Variable(name, self.path())
                }
                c if c.is_ascii_digit() || c == '-' => self.number()?,
                c if c.is_alphabetic() || c == '_' => match self.word().as_str() {
                    "true" => Operand::Literal(Value::Bool(true)),
                    "false" => Operand::Literal(Value::Bool(false)),
                    "nil" => Operand::Literal(Value::Null),
                    name => Operand::Function(name.to_owned()),
                },
                c => return Err(format!("`{c}` is not expected")),
            };
            if let Some(last) = commands.last_mut() {
                last.push(operand);
            }
        }
        Ok(Pipeline { commands })
    }

    fn word(&mut self) -> String {
        let end = self.rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(self.rest.len());
        let word = self.rest[..end].to_owned();
        self.rest = &self.rest[end..];
        word
    }

    /// `.a.b` as its names; nothing where no dot follows.
    fn path(&mut self) -> Vec<String> {
        let mut all = Vec::new();
        while let Some(rest) = self.rest.strip_prefix('.') {
            self.rest = rest;
            let name = self.word();
            if !name.is_empty() {
                all.push(name);
            }
        }
        all
    }

    fn quoted(&mut self, quote: char) -> Result<String, String> {
        let mut text = String::new();
        let mut chars = self.rest[1..].char_indices();
        while let Some((at, c)) = chars.next() {
            match c {
                _ if c == quote => {
                    self.rest = &self.rest[at + 2..];
                    return Ok(text);
                }
                '\\' if quote == '"' => match chars.next().map(|(_, c)| c) {
                    Some('n') => text.push('\n'),
                    Some('t') => text.push('\t'),
                    Some(other) => text.push(other),
                    None => break,
                },
                other => text.push(other),
            }
        }
        Err("a text that does not end".to_owned())
    }

    fn number(&mut self) -> Result<Operand, String> {
        let end = self.rest.find(|c: char| !(c.is_ascii_digit() || matches!(c, '-' | '.'))).unwrap_or(self.rest.len());
        let written = &self.rest[..end];
        self.rest = &self.rest[end..];
        let whole = written.parse::<i64>().map(Value::from);
        let value = whole.or_else(|_| written.parse::<f64>().map(Value::from));
        value.map(Operand::Literal).map_err(|_| format!("`{written}` is no number"))
    }
}
