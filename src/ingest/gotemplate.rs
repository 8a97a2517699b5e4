//! Go templates as Helm charts write them: enough for charts whose values are plain.
//!
//! Takes template texts and data; gives text, with the line of the template that each line came from. What it does
//! not know (files, the cluster, functions that only a cluster answers) is an error, never a guess.

mod expression;
mod functions;
mod parse;

use std::collections::BTreeMap;

use serde_json::Value;

use expression::{Operand, Pipeline};
use parse::{Kind, Part};

pub(in crate::ingest) use functions::overlay;

/// Longest text that a template gives (a chart that writes more writes data, not a deployment).
const OUTPUT_LIMIT: usize = 1 << 20;
/// Turns of loops and includes, in all.
const STEPS: usize = 20_000;
/// Includes inside includes.
const NESTING: usize = 24;

/// Templates by name, and bodies of files.
#[derive(Debug, Default)]
pub struct Templates {
    defined: BTreeMap<String, Vec<Part>>,
}

/// What a template gave.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Rendered {
    /// The text.
    pub text: String,
    /// For each line of the text the line of the template, from 1.
    pub lines: Vec<u32>,
}

impl Rendered {
    fn write(&mut self, text: &str, line: u32, moves: bool) {
        let mut at = line;
        for c in text.chars() {
            if self.lines.is_empty() {
                self.lines.push(at);
            }
            self.text.push(c);
            if c == '\n' {
                at += u32::from(moves);
                self.lines.push(at);
            } else if let Some(last) = self.lines.last_mut()
                && self.text.ends_with(|l: char| !l.is_whitespace())
                && moves
            {
                *last = at;
            }
        }
    }
}

impl Templates {
    /// Keeps what a text defines.
    ///
    /// # Errors
    /// It is no template.
    pub fn define(&mut self, text: &str) -> Result<(), String> {
        parse::parse(text, &mut self.defined).map(|_| ())
    }

    /// Renders a text with data.
    ///
    /// # Errors
    /// It is no template, or needs what is not known here.
    pub fn render(&mut self, text: &str, data: &Value) -> Result<Rendered, String> {
        let body = parse::parse(text, &mut self.defined)?;
        let mut run = Run { templates: self, steps: 0, depth: 0 };
        let mut out = Rendered::default();
        let mut scope = Scope { root: data.clone(), dot: data.clone(), variables: Vec::new() };
        run.parts(&body, &mut scope, &mut out)?;
        Ok(out)
    }
}

/// What names mean at a place.
#[derive(Debug, Clone)]
struct Scope {
    /// `$`
    root: Value,
    /// `.`
    dot: Value,
    /// `$name`, the innermost last.
    variables: Vec<(String, Value)>,
}

struct Run<'t> {
    templates: &'t Templates,
    steps: usize,
    depth: usize,
}

impl Run<'_> {
    fn parts(&mut self, parts: &[Part], scope: &mut Scope, out: &mut Rendered) -> Result<(), String> {
        let outer = scope.variables.len();
        for part in parts {
            self.steps += 1;
            if self.steps > STEPS || out.text.len() > OUTPUT_LIMIT {
                return Err("the template writes too much".to_owned());
            }
            self.part(part, scope, out)?;
        }
        scope.variables.truncate(outer);
        Ok(())
    }

    fn part(&mut self, part: &Part, scope: &mut Scope, out: &mut Rendered) -> Result<(), String> {
        match &part.kind {
            Kind::Text(text) => out.write(text, part.line, true),
            Kind::Print(pipeline) => {
                let value = self.pipeline(pipeline, scope)?;
                out.write(&functions::text(&value), part.line, false);
            }
            Kind::Set(name, pipeline, new) => {
                let value = self.pipeline(pipeline, scope)?;
                match scope.variables.iter_mut().rev().find(|(n, _)| n == name).filter(|_| !new) {
                    Some((_, known)) => *known = value,
                    None => scope.variables.push((name.clone(), value)),
                }
            }
            Kind::Branch(branches) => {
                for (condition, body) in branches {
                    let holds = match condition {
                        Some(condition) => functions::holds(&self.pipeline(condition, scope)?),
                        None => true,
                    };
                    if holds {
                        return self.parts(body, scope, out);
                    }
                }
            }
            Kind::With(name, over, body, otherwise) => {
                let value = self.pipeline(over, scope)?;
                if !functions::holds(&value) {
                    return self.parts(otherwise, scope, out);
                }
                let mut inner = scope.clone();
                inner.variables.extend(name.clone().map(|n| (n, value.clone())));
                inner.dot = value;
                self.parts(body, &mut inner, out)?;
            }
            Kind::Range(names, over, body, otherwise) => {
                let entries: Vec<(Value, Value)> = match self.pipeline(over, scope)? {
                    Value::Array(all) => all.into_iter().enumerate().map(|(i, v)| (Value::from(i), v)).collect(),
                    Value::Object(all) => all.into_iter().map(|(k, v)| (Value::from(k), v)).collect(),
                    _ => Vec::new(),
                };
                if entries.is_empty() {
                    return self.parts(otherwise, scope, out);
                }
                for (key, value) in entries {
                    let mut inner = scope.clone();
                    match names.as_slice() {
                        [one] => inner.variables.push((one.clone(), value.clone())),
                        [first, second, ..] => {
                            inner.variables.push((first.clone(), key));
                            inner.variables.push((second.clone(), value.clone()));
                        }
                        [] => {}
                    }
                    inner.dot = value;
                    self.parts(body, &mut inner, out)?;
                }
            }
        }
        Ok(())
    }

    fn pipeline(&mut self, pipeline: &Pipeline, scope: &Scope) -> Result<Value, String> {
        let mut before: Option<Value> = None;
        for command in &pipeline.commands {
            before = Some(self.command(command, before, scope)?);
        }
        Ok(before.unwrap_or(Value::Null))
    }

    fn command(&mut self, command: &[Operand], before: Option<Value>, scope: &Scope) -> Result<Value, String> {
        let Some((first, rest)) = command.split_first() else { return Err("an empty command".to_owned()) };
        let Operand::Function(name) = first else {
            // `.Capabilities.APIVersions.Has "x"`: what a cluster can do is not known, so it is taken not to.
            let value = self.operand(first, scope)?;
            return Ok(if rest.is_empty() && before.is_none() { value } else { Value::Bool(false) });
        };
        let mut arguments = Vec::new();
        for operand in rest {
            arguments.push(self.operand(operand, scope)?);
        }
        arguments.extend(before);
        match (name.as_str(), arguments.as_slice()) {
            ("include" | "template", [Value::String(name), rest @ ..]) => {
                self.include(name, rest.first().cloned().unwrap_or(Value::Null)).map(Value::from)
            }
            ("tpl", [Value::String(text), rest @ ..]) => {
                let mut defined = BTreeMap::new();
                let body = parse::parse(text, &mut defined)?;
                self.body(&body, rest.first().cloned().unwrap_or(Value::Null)).map(Value::from)
            }
            _ => functions::call(name, &arguments),
        }
    }

    fn include(&mut self, name: &str, data: Value) -> Result<String, String> {
        let templates = self.templates;
        let body = templates.defined.get(name).ok_or_else(|| format!("the template `{name}` is not in this chart"))?;
        self.body(body, data)
    }

    fn body(&mut self, body: &[Part], data: Value) -> Result<String, String> {
        if self.depth >= NESTING {
            return Err("templates are nested too deeply".to_owned());
        }
        self.depth += 1;
        let mut out = Rendered::default();
        let mut scope = Scope { root: data.clone(), dot: data, variables: Vec::new() };
        let done = self.parts(body, &mut scope, &mut out);
        self.depth -= 1;
        done.map(|()| out.text)
    }

    fn operand(&mut self, operand: &Operand, scope: &Scope) -> Result<Value, String> {
        let (value, path) = match operand {
            Operand::Literal(value) => return Ok(value.clone()),
            Operand::Function(name) => return functions::call(name, &[]),
            Operand::Field(path) => (scope.dot.clone(), path),
            Operand::Variable(name, path) if name.is_empty() => (scope.root.clone(), path),
            Operand::Variable(name, path) => {
                let known = scope.variables.iter().rev().find(|(n, _)| n == name).map(|(_, v)| v.clone());
                (known.ok_or_else(|| format!("${name} is not set"))?, path)
            }
            Operand::Inner(pipeline, path) => (self.pipeline(pipeline, scope)?, path),
        };
        if path.first().is_some_and(|p| p == "Files") {
            return Err("it reads other files of the chart".to_owned());
        }
        Ok(path.iter().fold(value, |v, key| v.get(key).cloned().unwrap_or(Value::Null)))
    }
}

#[cfg(test)]
mod tests;
