//! Reads the marked parts of a match: arguments, options, chain calls, annotations.
//!
//! Takes a rule and what it matched; gives a call site or a canonical value.

use crate::model::{Annotation, Argument, CallSite, Expr, SiteKind, Unit};
use crate::rules::{Meaning, Reader, Readers, Rule};

use super::canonical;

/// HTTP verbs, as call names start with them. `del` and `destroy` are how some clients say DELETE.
const VERBS: [(&str, &str); 10] = [
    ("get", "GET"),
    ("post", "POST"),
    ("put", "PUT"),
    ("patch", "PATCH"),
    ("delete", "DELETE"),
    ("head", "HEAD"),
    ("options", "OPTIONS"),
    ("del", "DELETE"),
    ("send_get", "GET"),
    ("destroy", "DELETE"),
];

/// A match with everything that readers may look at.
pub struct Site<'a> {
    pub rule: &'a Rule,
    pub kind: SiteKind,
    pub unit: &'a Unit,
    pub capture: &'a str,
    pub line: u32,
    pub function: Option<u32>,
    pub owner: Option<String>,
    pub name: &'a str,
    pub receiver: Option<&'a Expr>,
    pub arguments: &'a [Argument],
    pub type_arguments: &'a [String],
    pub supertype: &'a str,
}

impl Site<'_> {
    /// The call site; `None` if a part that the rule needs is not there, or its condition does not hold.
    pub fn make(&self) -> Option<CallSite> {
        let rule = self.rule;
        let mut site = CallSite::new(&rule.full_id, self.kind, self.line);
        site.protocol.clone_from(&rule.protocol);
        site.function = self.function;
        site.owner.clone_from(&self.owner);
        site.receiver = self.receiver.cloned();
        site.address = self.first(&rule.address);
        site.name = self.first(&rule.name);
        site.path = self.path();
        site.method = self.first(&rule.method);
        site.topic = self.first(&rule.topic);
        site.group = self.first(&rule.group);
        site.query = self.first(&rule.query);
        site.handler = self.first(&rule.handler);
        site.confidence = rule.confidence;
        let needed = match rule.is {
            Meaning::Http | Meaning::Graphql => site.address.is_some() || site.path.is_some(),
            Meaning::Publish | Meaning::Request | Meaning::Bind | Meaning::Table => site.topic.is_some(),
            Meaning::Consume => site.topic.is_some() || rule.topic.0.is_empty(),
            Meaning::Serve => site.path.is_some(),
            _ => true,
        };
        (needed && self.condition_holds(&site)).then_some(site)
    }

    fn condition_holds(&self, site: &CallSite) -> bool {
        let Some(condition) = &self.rule.only_if else { return true };
        let is_one_of = |n: usize, wanted: &[String]| {
            let value = self.arguments.get(n).map(|a| &a.value);
            let text = value.and_then(|v| v.dotted().or_else(|| Some(leading_text(v))));
            wanted.is_empty() || text.is_some_and(|t| wanted.contains(&t))
        };
        if !is_one_of(0, &condition.first) || !is_one_of(1, &condition.second) {
            return false;
        }
        if condition.starts.is_empty() {
            return true;
        }
        let value = site.address.as_ref().or(site.path.as_ref()).or(site.topic.as_ref());
        let text = value.map(leading_text).unwrap_or_default();
        condition.starts.iter().any(|start| text.starts_with(start.as_str()))
    }

    fn path(&self) -> Option<Expr> {
        let path = self.first(&self.rule.path);
        let Some(prefix) = self.first(&self.rule.prefix) else { return path };
        let path = path.unwrap_or_else(|| Expr::literal(""));
        Some(Expr::Call(
            None,
            canonical::JOIN.to_owned(),
            vec![Argument::positional(prefix), Argument::positional(path)],
        ))
    }

    /// The canonical value of a rewriting rule.
    #[expect(clippy::too_many_lines, reason = "one arm per meaning of a value")]
    pub fn value(&self) -> Option<Expr> {
        let rule = self.rule;
        let boxed = |e: Option<Expr>| e.map(Box::new);
        let list = |parts: Vec<Option<Expr>>| parts.into_iter().flatten().map(Argument::positional).collect();
        match rule.is {
            Meaning::Environment | Meaning::Property => {
                let env = rule.is == Meaning::Environment;
                let default = self.first(&rule.default);
                Some(match self.first(&rule.name)? {
                    Expr::Literal(name) if env => Expr::Env(name, boxed(default)),
                    Expr::Literal(name) => match self.receiver {
                        Some(Expr::Property(section, _)) => {
                            Expr::Property(format!("{section}.{}", name.replace(':', ".")), boxed(default))
                        }
                        Some(section) if is_section(section) => {
                            let parts = list(vec![Some(Expr::Literal(name)), default]);
                            Expr::Call(Some(Box::new(section.clone())), canonical::PROPERTY.to_owned(), parts)
                        }
                        _ => Expr::Property(name.replace(':', "."), boxed(default)),
                    },
                    name => {
                        let call = if env { canonical::ENV } else { canonical::PROPERTY };
                        Expr::Call(None, call.to_owned(), list(vec![Some(name), default]))
                    }
                })
            }
            Meaning::Format => {
                let pattern = self.first(&rule.address)?;
                let rest: Vec<Expr> = self.format_arguments();
                Some(match &pattern {
                    Expr::Literal(text) => expand(text, &rest, self.arguments),
                    _ => {
                        let mut parts = vec![Argument::positional(pattern)];
                        parts.extend(rest.into_iter().map(Argument::positional));
                        Expr::Call(None, canonical::FORMAT.to_owned(), parts)
                    }
                })
            }
            Meaning::Identity => self.first(&rule.address),
            Meaning::Fallback => {
                let mut parts = vec![self.first(&rule.address)?];
                parts.extend(self.first(&rule.default).map(|default| match default {
                    Expr::Lambda(mut returned) if returned.len() == 1 => returned.remove(0),
                    other => other,
                }));
                Some(super::choice(parts))
            }
            Meaning::Join => {
                let parts: Vec<Argument> = list(vec![self.first(&rule.address), self.first(&rule.path)]);
                (!parts.is_empty()).then(|| Expr::Call(None, canonical::JOIN.to_owned(), parts))
            }
            Meaning::Client => {
                let named = |name: &str, value: Option<Expr>| {
                    value.map(|value| Argument { name: Some(name.to_owned()), value })
                };
                let parts: Vec<Argument> =
                    [named("address", self.first(&rule.address)), named("name", self.first(&rule.name))]
                        .into_iter()
                        .flatten()
                        .collect();
                // Without a base address it is a client all the same: its calls bring whole addresses.
                Some(Expr::Call(None, canonical::CLIENT.to_owned(), parts))
            }
            Meaning::Channel => {
                Some(Expr::Call(None, canonical::CHANNEL.to_owned(), list(vec![self.first(&rule.address)])))
            }
            Meaning::Stub => {
                let parts = list(vec![self.first(&rule.name), self.first(&rule.address)]);
                Some(Expr::Call(None, canonical::STUB.to_owned(), parts))
            }
            _ => None,
        }
    }

    /// Arguments of a format call: all but the pattern.
    fn format_arguments(&self) -> Vec<Expr> {
        let skip = match self.rule.address.0.first() {
            Some(Reader::Position(n)) => n + 1,
            _ => 0,
        };
        self.arguments.iter().skip(skip).filter(|a| a.name.is_none()).map(|a| a.value.clone()).collect()
    }

    /// What the first reader that finds something finds.
    fn first(&self, readers: &Readers) -> Option<Expr> {
        readers.0.iter().find_map(|reader| self.read(reader))
    }

    fn read(&self, reader: &Reader) -> Option<Expr> {
        match reader {
            Reader::Position(n) => {
                // Keyword arguments do not count as positions, unless all arguments are positional.
                let argument = self.arguments.get(*n)?;
                argument.name.is_none().then(|| argument.value.clone())
            }
            Reader::Keyword(name) => {
                let named = self.arguments.iter().find(|a| a.name.as_deref() == Some(name)).map(|a| a.value.clone());
                named.or_else(|| {
                    let spread = self.arguments.iter().filter(|a| a.name.as_deref() == Some("**"));
                    spread.flat_map(|a| in_value(&a.value, name, 0).or_else(|| self.kept_option(&a.value, name))).next()
                })
            }
            Reader::Option(key) => self
                .arguments
                .iter()
                .find_map(|a| option(a, key, 0))
                .or_else(|| self.arguments.iter().find_map(|a| self.kept_option(&a.value, key))),
            Reader::Rest(n) => {
                let rest: Vec<Expr> =
                    self.arguments.iter().skip(*n).filter(|a| a.name.is_none()).map(|a| a.value.clone()).collect();
                (!rest.is_empty()).then_some(Expr::List(rest))
            }
            Reader::Receiver => self.receiver.cloned(),
            Reader::Chain(name, n) => chain(self.receiver, |called, arguments| {
                (called == name).then(|| arguments.get(*n).map(|a| a.value.clone())).flatten()
            })
            .or_else(|| self.set_on_builder(name, *n)),
            Reader::ChainType(name) => chain(self.receiver, |called, arguments| {
                let made = arguments.iter().find(|a| a.name.as_deref() == Some("<>")).filter(|_| called == name);
                made.map(|a| a.value.clone())
            }),
            Reader::ChainVerb => chain_verb(self.receiver),
            Reader::VerbOf(n) => chain_verb(self.arguments.get(*n).map(|a| &a.value)),
            Reader::Prefixed(prefix, inner) => Some(Expr::concat(vec![Expr::literal(prefix), self.read(inner)?])),
            Reader::TypeOf(inner) => {
                let value = Argument::positional(self.read(inner)?);
                Some(Expr::Call(None, canonical::TYPE.to_owned(), vec![value]))
            }
            Reader::Verb => verb_of(self.name).map(Expr::literal),
            Reader::TypeArgument(n) => self.type_arguments.get(*n).map(|t| Expr::literal(t)),
            Reader::SupertypeArgument(n) => generic(self.supertype, *n).map(Expr::Literal),
            Reader::Capture => Some(Expr::literal(self.capture)),
            Reader::Text(text) => Some(Expr::literal(text)),
            Reader::TypeAnnotation(name, key) => self.type_annotation(name, key),
            Reader::FunctionAnnotation(name, key) => {
                let function = self.unit.functions.get(self.function? as usize)?;
                annotation_argument(&function.annotations, name, key)
            }
            Reader::Owner => self.owner.as_deref().map(Expr::literal),
            Reader::Function => self.function.map(|f| Expr::literal(&self.unit.functions[f as usize].name)),
            Reader::ParameterType(n) => self.parameter_type(*n),
            Reader::Value => None,
        }
    }

    /// An option of an object that a name of the same file holds: `const options = {uri: …}; request(options)`,
    /// with what is set later (`options.uri = …`).
    fn kept_option(&self, value: &Expr, key: &str) -> Option<Expr> {
        let Expr::Ref(name) = value else { return None };
        let mut function = self.function;
        loop {
            let here = || self.unit.bindings.iter().filter(|b| b.function == function && b.line <= self.line);
            let whole = here().rfind(|b| b.place == *name && matches!(b.value, Expr::Map(_)));
            let field = format!("{name}.{key}");
            let part = here().rfind(|b| b.place == field);
            let found = part.map(|b| b.value.clone()).or_else(|| whole.and_then(|b| in_value(&b.value, key, 0)));
            if found.is_some() || whole.is_some() {
                return found;
            }
            function = self.unit.functions[function? as usize].parent;
        }
    }

    /// A builder kept in a local: `builder.url(u); …; builder.build()`.
    fn set_on_builder(&self, name: &str, n: usize) -> Option<Expr> {
        let builder = self.receiver.filter(|r| matches!(r, Expr::Ref(_)))?;
        let set = self.unit.calls.iter().find(|c| {
            c.function == self.function && c.name == name && c.line <= self.line && c.receiver.as_ref() == Some(builder)
        })?;
        set.arguments.get(n).map(|a| a.value.clone())
    }

    fn parameter_type(&self, n: usize) -> Option<Expr> {
        let handles =
            |name: &str| matches!(name, "handle" | "Handle" | "HandleAsync" | "__invoke" | "Consume" | "invoke");
        let function = match self.function {
            Some(f) => self.unit.functions.get(f as usize),
            None => self.unit.functions.iter().find(|f| f.owner == self.owner && handles(&f.name)),
        };
        let written = &function?.parameters.get(n)?.type_name;
        let plain = crate::ingest::recognise::types::without_generics(written);
        let last = plain.rsplit(['.', ':', '\\', '/']).next().unwrap_or(&plain);
        (!last.is_empty()).then(|| Expr::literal(last))
    }

    fn type_annotation(&self, name: &str, key: &str) -> Option<Expr> {
        let owner = self.owner.as_deref()?;
        let decl = self.unit.types.iter().find(|t| t.name == owner)?;
        annotation_argument(&decl.annotations, name, key)
    }
}

/// A local that is called after what it holds: a section of the configuration.
fn is_section(receiver: &Expr) -> bool {
    receiver.dotted().is_some_and(|d| d.rsplit('.').next().unwrap_or_default().to_lowercase().ends_with("section"))
}

/// An argument of the annotation of a name: by position or by keyword.
fn annotation_argument(annotations: &[Annotation], name: &str, key: &str) -> Option<Expr> {
    let annotation = annotations.iter().find(|a| a.name.rsplit(['.', ':']).next() == Some(name))?;
    let found = match key.parse::<usize>() {
        Ok(n) => annotation.arguments.get(n).filter(|a| a.name.is_none()),
        Err(_) => annotation.arguments.iter().find(|a| a.name.as_deref() == Some(key)),
    };
    found.map(|a| a.value.clone())
}

/// The verb with which a call's name starts, in any case (`getForObject`, `PostAsync`, `GET`).
fn verb_of(name: &str) -> Option<&'static str> {
    let lower = name.to_ascii_lowercase();
    VERBS.iter().find(|(verb, _)| lower.starts_with(verb)).map(|(_, method)| *method)
}

/// Looks for a key in the objects of an argument.
fn option(argument: &Argument, key: &str, depth: usize) -> Option<Expr> {
    if argument.name.as_deref() == Some(key) {
        return Some(argument.value.clone());
    }
    in_value(&argument.value, key, depth)
}

fn in_value(value: &Expr, key: &str, depth: usize) -> Option<Expr> {
    if depth > 4 {
        return None;
    }
    match value {
        Expr::Map(entries) => entries
            .iter()
            .find(|(k, _)| k == key)
            .map(|(_, v)| v.clone())
            .or_else(|| entries.iter().find_map(|(_, v)| in_value(v, key, depth + 1))),
        Expr::Call(_, name, arguments) if name.starts_with("new ") => {
            arguments.iter().find_map(|a| option(a, key, depth + 1))
        }
        Expr::Lambda(parts) => {
            parts.iter().find_map(|p| in_builder(p, key, depth + 1).or_else(|| in_value(p, key, depth + 1)))
        }
        Expr::List(parts) => parts.iter().find_map(|p| in_value(p, key, depth + 1)),
        _ => None,
    }
}

/// Looks for a call of the key's name in a builder lambda (`{ defaultRequest { url("…") } }`).
fn in_builder(value: &Expr, key: &str, depth: usize) -> Option<Expr> {
    let Expr::Call(_, name, arguments) = value else { return None };
    if depth > 4 {
        return None;
    }
    if name == key {
        return arguments.first().map(|a| a.value.clone());
    }
    arguments.iter().find_map(|a| match &a.value {
        Expr::Lambda(parts) => parts.iter().find_map(|p| in_builder(p, key, depth + 1)),
        _ => None,
    })
}

/// The HTTP verb among the calls of a builder chain.
fn chain_verb(value: Option<&Expr>) -> Option<Expr> {
    chain(value, |called, arguments| {
        if called == "method" {
            return arguments.first().map(|a| a.value.clone());
        }
        VERBS.iter().find(|(verb, _)| called.eq_ignore_ascii_case(verb)).map(|(_, method)| Expr::literal(method))
    })
}

/// Walks the receiver chain of a builder.
fn chain<T>(receiver: Option<&Expr>, mut pick: impl FnMut(&str, &[Argument]) -> Option<T>) -> Option<T> {
    let mut at = receiver;
    for _ in 0..64 {
        let Some(Expr::Call(inner, name, arguments)) = at else { return None };
        if let Some(found) = pick(name, arguments) {
            return Some(found);
        }
        at = inner.as_deref();
    }
    None
}

/// The n-th generic argument of a type as written.
fn generic(type_name: &str, n: usize) -> Option<String> {
    let inner = type_name.split_once('<')?.1.strip_suffix('>')?;
    let mut depth = 0;
    let mut parts = vec![String::new()];
    for c in inner.chars() {
        match c {
            '<' => depth += 1,
            '>' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(String::new());
                continue;
            }
            _ => {}
        }
        let last = parts.len() - 1;
        parts[last].push(c);
    }
    parts.get(n).map(|p| p.trim().to_owned())
}

/// The literal text with which a value starts.
fn leading_text(value: &Expr) -> String {
    match value {
        Expr::Literal(text) => text.clone(),
        Expr::Concat(parts) => parts.first().map(leading_text).unwrap_or_default(),
        Expr::Call(None, name, arguments) if name == canonical::JOIN => {
            arguments.first().map(|a| leading_text(&a.value)).unwrap_or_default()
        }
        _ => String::new(),
    }
}

/// Expands a format string: `%s`, `%d`, `%v`, `{}`, `{0}`, `{name}`; what has no argument stays a hole.
pub fn expand(pattern: &str, positional: &[Expr], arguments: &[Argument]) -> Expr {
    let mut parts: Vec<Expr> = Vec::new();
    let mut literal = String::new();
    let mut next = 0;
    let mut rest = pattern;
    while let Some(at) = rest.find(['%', '{']) {
        literal.push_str(&rest[..at]);
        let tail = &rest[at..];
        let (hole, len) = if let Some(after) = tail.strip_prefix('%') { percent(after) } else { braces(tail) };
        match hole {
            Hole::None => {
                let c = tail.chars().next().map_or(1, char::len_utf8);
                literal.push_str(&tail[..c]);
                rest = &tail[c..];
                continue;
            }
            Hole::Text(text) => literal.push_str(text),
            Hole::Next | Hole::Numbered(_) | Hole::Named(_) => {
                if !literal.is_empty() {
                    parts.push(Expr::Literal(std::mem::take(&mut literal)));
                }
                let value = match hole {
                    Hole::Numbered(n) => positional.get(n),
                    Hole::Named(name) => arguments.iter().find(|a| a.name.as_deref() == Some(name)).map(|a| &a.value),
                    _ => {
                        next += 1;
                        positional.get(next - 1)
                    }
                };
                parts.push(value.cloned().unwrap_or_else(|| Expr::opaque("format argument")));
            }
        }
        rest = &tail[len..];
    }
    literal.push_str(rest);
    if !literal.is_empty() || parts.is_empty() {
        parts.push(Expr::Literal(literal));
    }
    Expr::concat(parts)
}

enum Hole<'a> {
    None,
    Text(&'static str),
    Next,
    Numbered(usize),
    Named(&'a str),
}

/// A printf conversion after `%`; the length counts the `%`.
fn percent(after: &str) -> (Hole<'_>, usize) {
    if after.starts_with('%') {
        return (Hole::Text("%"), 2);
    }
    let flags = after.len()
        - after.trim_start_matches(|c: char| c.is_ascii_digit() || matches!(c, '-' | '+' | '.' | '#' | '$')).len();
    match after[flags..].chars().next() {
        Some('s' | 'd' | 'v' | 'i' | 'q' | 'x' | 'f' | 'u' | 'w' | 'n') => (Hole::Next, flags + 2),
        _ => (Hole::None, 0),
    }
}

/// A brace hole; `{{` is a literal brace.
fn braces(tail: &str) -> (Hole<'_>, usize) {
    if tail.starts_with("{{") {
        return (Hole::Text("{"), 2);
    }
    let Some(end) = tail.find('}') else { return (Hole::None, 0) };
    let inner = tail[1..end].split([':', '!']).next().unwrap_or_default();
    let hole = if inner.is_empty() {
        Hole::Next
    } else if let Ok(n) = inner.parse() {
        Hole::Numbered(n)
    } else if inner.chars().all(|c| c.is_alphanumeric() || c == '_') {
        Hole::Named(inner)
    } else {
        return (Hole::None, 0);
    };
    (hole, end + 1)
}
