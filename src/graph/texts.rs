//! Values as texts with holes: literals joined, environment and properties read, placeholders filled in.
//!
//! Takes an expression where it stands and the environment of the service; gives each text that it may be, with
//! its evidence. Manifests win over defaults in code.

mod typed;

use crate::model::{Confidence, Expr};

use super::address::HOLE;
use super::settings::{Configured, Environment};
use super::values::{Found, Frame, Head, Step, Values};

/// More alternatives of one value than this are not told apart.
const ALTERNATIVES: usize = 24;
/// Placeholders inside placeholders, at most.
const NESTING: u8 = 6;

/// A text that a value may be; parts that are not known are [`HOLE`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text {
    /// The text.
    pub text: String,
    /// From the question backward.
    pub chain: Vec<Step>,
    /// The weakest link.
    pub sure: Confidence,
    /// Why there are holes, if there are.
    pub reason: Option<String>,
    /// Unit and line where the code writes how it begins, if it was followed there.
    pub written: Option<(u32, u32)>,
    /// The profile or variant that alone gives this text; empty for the base.
    pub variant: String,
}

impl Text {
    fn of(text: &str) -> Self {
        Self {
            text: text.to_owned(),
            chain: Vec::new(),
            sure: Confidence::Confirmed,
            reason: None,
            written: None,
            variant: String::new(),
        }
    }

    fn hole(reason: &str) -> Self {
        Self { reason: Some(reason.to_owned()), ..Self::of(HOLE) }
    }

    fn then(mut self, other: &Text) -> Self {
        // Behind a complete host only the path follows: it says nothing about whom the address leads to.
        let settled = names_host(&self.text);
        if self.text.is_empty() {
            self.written = other.written;
        }
        self.text.push_str(&other.text);
        if !settled {
            self.sure = self.sure.min(other.sure);
        }
        if !settled || other.reason.is_none() {
            self.chain.extend(other.chain.iter().cloned());
        }
        self.reason = self.reason.or_else(|| other.reason.clone());
        self.under(&other.variant)
    }

    fn under(mut self, variant: &str) -> Self {
        if self.variant.is_empty() {
            variant.clone_into(&mut self.variant);
        }
        self
    }

    fn after(mut self, chain: &[Step], sure: Confidence) -> Self {
        let last = chain.last().map(|step| match step {
            Step::Code(unit, line, _) => (*unit, *line),
            // What configuration says, no code writes.
            Step::Configured(_) => (u32::MAX, 0),
        });
        self.written = self.written.or(last);
        let mut all = chain.to_vec();
        all.append(&mut self.chain);
        self.chain = all;
        self.sure = self.sure.min(sure);
        self
    }

    /// Nothing is known, with the reason.
    #[must_use]
    pub fn unknown(reason: &str) -> Self {
        Self::hole(reason)
    }

    /// The same text, found by way of another.
    #[must_use]
    pub fn behind(self, way: &Text) -> Self {
        self.after(&way.chain, way.sure).under(&way.variant)
    }

    /// Is nothing of it known?
    #[must_use]
    pub fn is_hole(&self) -> bool {
        self.text == HOLE
    }
}

/// Reads texts in one service.
pub struct Texts<'s, 'a> {
    /// Follows names.
    pub values: Values<'s, 'a>,
    environment: &'s Environment,
}

impl<'s, 'a> Texts<'s, 'a> {
    /// A reader for one service.
    #[must_use]
    pub fn new(values: Values<'s, 'a>, environment: &'s Environment) -> Self {
        Self { values, environment }
    }

    /// The texts that an expression may be, best first; never empty. What only a variant says counts where the base
    /// says nothing.
    #[must_use]
    pub fn of(&self, expr: &'a Expr, frame: &Frame<'a>) -> Vec<Text> {
        base_first(self.of_all(expr, frame))
    }

    /// The texts that an expression may be, those of all variants too where no profile was chosen; never empty.
    #[must_use]
    pub fn of_all(&self, expr: &'a Expr, frame: &Frame<'a>) -> Vec<Text> {
        self.values.restart();
        self.texts(expr, frame, 0)
    }

    /// What a configured text says, placeholders filled in.
    #[must_use]
    pub fn of_text(&self, text: &str) -> Vec<Text> {
        base_first(self.placeholders(text, 0))
    }

    /// What a property is configured as; `None` if nothing sets it.
    #[must_use]
    pub fn configured_as(&self, key: &str) -> Option<Vec<Text>> {
        self.property(key, 0).map(base_first)
    }

    /// The texts of a followed value.
    #[must_use]
    pub fn of_found(&self, found: &Found<'a>) -> Vec<Text> {
        base_first(self.head(found, 0))
    }

    fn texts(&self, expr: &'a Expr, frame: &Frame<'a>, depth: u8) -> Vec<Text> {
        if depth > 20 {
            return vec![Text::hole("the value is nested too deeply")];
        }
        let heads = self.values.heads(expr, frame, depth);
        let all: Vec<Text> = heads.iter().flat_map(|found| self.head(found, depth + 1)).collect();
        best(all)
    }

    fn head(&self, found: &Found<'a>, depth: u8) -> Vec<Text> {
        let texts = match &found.head {
            Head::Expr(expr, frame) => self.expr(expr, frame, depth),
            Head::Instance(name) => vec![Text::hole(&format!("an object of {name}"))],
            Head::Module(_) => vec![Text::hole("a module")],
            Head::Property(key) => self.property(key, depth).unwrap_or_else(|| vec![not_set("property", key)]),
            Head::Hole(reason) => vec![Text::hole(reason)],
        };
        texts.into_iter().map(|t| t.after(&found.chain, found.sure)).collect()
    }

    fn expr(&self, expr: &'a Expr, frame: &Frame<'a>, depth: u8) -> Vec<Text> {
        if depth > 20 {
            return vec![Text::hole("the value is nested too deeply")];
        }
        match expr {
            Expr::Literal(text) => self.placeholders(text, 0),
            Expr::Concat(parts) => self.joined(parts.iter(), frame, depth),
            Expr::Env(name, default) => match self.variable(name) {
                Some(texts) => texts,
                None => default
                    .as_ref()
                    .map_or_else(|| vec![not_set("environment variable", name)], |d| self.texts(d, frame, depth + 1)),
            },
            Expr::Property(key, default) => match self.property(key, depth) {
                Some(texts) => texts,
                None => {
                    default.as_ref().map_or_else(|| vec![not_set("property", key)], |d| self.texts(d, frame, depth + 1))
                }
            },
            Expr::List(parts) | Expr::Lambda(parts) => {
                best(parts.iter().flat_map(|p| self.texts(p, frame, depth + 1)).collect())
            }
            Expr::Call(receiver, name, arguments) => {
                let values: Vec<&'a Expr> = arguments.iter().map(|a| &a.value).collect();
                if let (Some(section), "@property") = (receiver, name.as_str()) {
                    return self.in_section(section, &values, frame, depth);
                }
                self.canonical(name, &values, frame, depth)
            }
            Expr::Opaque(reason) => vec![Text::hole(&unread(reason))],
            Expr::Map(_) => vec![Text::hole("an object")],
            _ => self.texts(expr, frame, depth + 1),
        }
    }

    fn canonical(&self, name: &str, arguments: &[&'a Expr], frame: &Frame<'a>, depth: u8) -> Vec<Text> {
        let first = || arguments.first().map(|e| self.texts(e, frame, depth + 1)).unwrap_or_default();
        match name {
            "@join" => {
                let (Some(base), Some(path)) = (arguments.first(), arguments.get(1)) else { return first() };
                let (bases, paths) = (self.texts(base, frame, depth + 1), self.texts(path, frame, depth + 1));
                product(&bases, &paths, join_paths)
            }
            "@format" => first().into_iter().map(|t| Text { text: expand_percent(&t.text), ..t }).collect(),
            "@env" | "@property" => {
                let mut found: Vec<Text> = Vec::new();
                for key in first() {
                    let read = if name == "@env" { self.variable(&key.text) } else { self.property(&key.text, depth) };
                    found.extend(read.unwrap_or_default().into_iter().map(|t| t.after(&key.chain, key.sure)));
                    if found.is_empty() {
                        match arguments.get(1) {
                            Some(default) => found.extend(self.texts(default, frame, depth + 1)),
                            None => found.push(not_set("setting", &key.text)),
                        }
                    }
                }
                best(found)
            }
            "@type" => arguments.first().map(|e| self.type_names(e, frame, depth)).unwrap_or_default(),
            "@client" | "@channel" => first(),
            _ if name.starts_with("new ") && arguments.len() == 1 => {
                first().into_iter().map(|t| t.after(&[], Confidence::Probable)).collect()
            }
            _ => vec![Text::hole(&format!("the result of {}", name.trim_start_matches('@')))],
        }
    }

    fn joined(&self, parts: impl Iterator<Item = &'a Expr>, frame: &Frame<'a>, depth: u8) -> Vec<Text> {
        let mut all = vec![Text::of("")];
        for part in parts {
            let next = self.texts(part, frame, depth + 1);
            let written = matches!(part, Expr::Literal(_));
            all = product(&all, &next, |a, b| if written { format!("{a}{b}") } else { appended(a, b) });
        }
        all
    }

    /// What an environment variable is set to; `None` if nothing sets it.
    fn variable(&self, name: &str) -> Option<Vec<Text>> {
        self.configured(self.environment.variable(name), 0)
    }

    /// What a property is set to; `None` if nothing sets it.
    #[must_use]
    pub fn property_of(&self, key: &str) -> Option<Vec<Text>> {
        self.property(key, 0).map(base_first)
    }

    fn property(&self, key: &str, depth: u8) -> Option<Vec<Text>> {
        if depth > 20 {
            return None;
        }
        self.configured(&self.environment.property(key), 0)
    }

    /// Values of a base configuration come before those of its variants.
    fn configured(&self, values: &[Configured], nesting: u8) -> Option<Vec<Text>> {
        let mut all: Vec<Text> = Vec::new();
        for value in self.environment.counting(values) {
            let step = [Step::Configured(value.evidence())];
            let hidden = value.value == "***";
            let texts = if hidden {
                vec![Text::hole("a secret, not shown")]
            } else {
                self.placeholders(&value.value, nesting + 1)
            };
            let variant = if self.environment.is_chosen() { "" } else { &value.profile };
            all.extend(texts.into_iter().map(|t| t.after(&step, Confidence::Confirmed).under(variant)));
        }
        (!all.is_empty()).then(|| best(all))
    }

    /// Fills in `${key:default}`, `${KEY:-default}`, `$(KEY)` and leaves everything else.
    fn placeholders(&self, text: &str, nesting: u8) -> Vec<Text> {
        let Some(at) = text.find("${").or_else(|| text.find("$(")).filter(|_| nesting < NESTING) else {
            return vec![Text::of(text)];
        };
        let close = if text[at..].starts_with("${") { '}' } else { ')' };
        let Some(end) = matching(&text[at + 2..], close) else { return vec![Text::of(text)] };
        let inner = &text[at + 2..at + 2 + end];
        let filled = self.placeholder(inner, nesting);
        let rest = self.placeholders(&text[at + 3 + end..], nesting);
        let head = vec![Text::of(&text[..at])];
        let start = product(&head, &filled, |a, b| format!("{a}{b}"));
        product(&start, &rest, |a, b| format!("{a}{b}"))
    }

    fn placeholder(&self, inner: &str, nesting: u8) -> Vec<Text> {
        let (key, default) = match inner.find(":-").or_else(|| inner.find(':')) {
            Some(at) => (&inner[..at], Some(inner[at + 1..].trim_start_matches('-'))),
            None => (inner, None),
        };
        let key = key.trim();
        if key.is_empty() || !key.chars().all(|c| c.is_alphanumeric() || matches!(c, '.' | '_' | '-' | '[' | ']')) {
            return vec![Text::hole("an expression in a placeholder")];
        }
        let found = self
            .configured(self.environment.variable(key), nesting)
            .or_else(|| self.configured(&self.environment.property(key), nesting));
        match (found, default) {
            (Some(texts), _) => texts,
            (None, Some(default)) => self.placeholders(default, nesting + 1),
            (None, None) => vec![not_set("placeholder", key)],
        }
    }
}

/// A followed value behind the text before it. Nothing after a slash, or a second address, is a value that was not
/// followed to its end (an initial `""`, a name that means something else elsewhere): a hole.
fn appended(text: &str, value: &str) -> String {
    let unlikely = value.is_empty() && text.ends_with('/') || value.contains("://") && text.contains("://");
    format!("{text}{}", if unlikely { HOLE } else { value })
}

/// Is the host of an address complete: `http://orders/`, `http://orders:80/v1`?
#[must_use]
pub fn names_host(text: &str) -> bool {
    text.split_once("://").and_then(|(_, rest)| rest.split_once('/')).is_some_and(|(host, _)| !host.contains('{'))
}

fn not_set(what: &str, name: &str) -> Text {
    Text::hole(&format!("{what} {name} is set nowhere"))
}

/// The place of the bracket that closes, with nested ones skipped.
fn matching(text: &str, close: char) -> Option<usize> {
    let mut open = 1;
    for (at, c) in text.char_indices() {
        if c == '{' || c == '(' {
            open += 1;
        } else if c == close {
            open -= 1;
            if open == 0 {
                return Some(at);
            }
        }
    }
    None
}

fn product(left: &[Text], right: &[Text], join: impl Fn(&str, &str) -> String) -> Vec<Text> {
    let mut all = Vec::new();
    // Within one variant what it says itself stands for what the base says.
    let of = |list: &[Text], variant: &str| list.iter().any(|t| t.variant == variant);
    for a in left {
        for b in right {
            let mixed = match (a.variant.as_str(), b.variant.as_str()) {
                ("", "") => false,
                ("", variant) => of(left, variant),
                (variant, "") => of(right, variant),
                (one, other) => one != other,
            };
            if mixed {
                continue;
            }
            if all.len() >= ALTERNATIVES {
                return all;
            }
            let text = join(&a.text, &b.text);
            all.push(Text { text, ..a.clone().then(b) });
        }
    }
    all
}

/// `base/` + `/path` with exactly one slash between.
#[must_use]
pub fn join_paths(base: &str, path: &str) -> String {
    if path.contains("://") || base.is_empty() {
        return path.to_owned();
    }
    if path.is_empty() || path.starts_with('?') {
        return format!("{base}{path}");
    }
    format!("{}/{}", base.trim_end_matches('/'), path.trim_start_matches('/'))
}

/// One of each text, known ones before holes; a hole only where nothing else is known.
fn best(mut all: Vec<Text>) -> Vec<Text> {
    if all.iter().any(|t| !t.is_hole()) {
        all.retain(|t| !t.is_hole());
    }
    let mut kept: Vec<Text> = Vec::new();
    for text in all {
        let room = kept.len() < ALTERNATIVES;
        match kept.iter_mut().find(|k| k.text == text.text) {
            Some(known) if (known.variant.is_empty(), known.sure) < (text.variant.is_empty(), text.sure) => {
                *known = text
            }
            Some(_) => {}
            None if room => kept.push(text),
            None => {}
        }
    }
    if kept.is_empty() { vec![Text::hole("no value")] } else { kept }
}

/// What only variants say counts where the base says nothing.
fn base_first(mut all: Vec<Text>) -> Vec<Text> {
    if all.iter().any(|t| t.variant.is_empty() && !t.is_hole()) {
        all.retain(|t| t.variant.is_empty());
    }
    all
}

/// Conversions of a format string (`%s`, `%d`) become holes.
fn expand_percent(pattern: &str) -> String {
    let mut out = String::with_capacity(pattern.len());
    let mut chars = pattern.chars().peekable();
    while let Some(c) = chars.next() {
        match (c, chars.peek()) {
            ('%', Some('%')) => {
                chars.next();
                out.push('%');
            }
            ('%', Some(next)) if next.is_ascii_alphabetic() => {
                chars.next();
                out.push_str(HOLE);
            }
            _ => out.push(c),
        }
    }
    out
}

/// Why a value ends here, in words: what the grammar calls a piece of code is no reason.
fn unread(what: &str) -> String {
    match what {
        "declared" => "it is only declared here, and nothing that was read sets it".to_owned(),
        "null_literal" | "null" | "nil" | "none" => "it is null".to_owned(),
        what => what.replace('_', " "),
    }
}

#[cfg(test)]
mod tests;
