//! Rules applied to a unit: environment reads, properties, clients, channels and stubs become canonical values,
//! calls and annotations become call sites.
//!
//! Takes a unit as a language extracted it; gives the same unit with `sites`, receiver types and rewritten
//! values. Knows the schema of rules, no library; resolves nothing beyond the file.

mod declared;
mod read;
mod types;

use crate::model::{Argument, Binding, Call, CallSite, Confidence, Expr, Unit};
use crate::rules::{Index, Meaning, Pattern, Rule, Rules};

use read::Site;
use types::Types;

/// Canonical names of rewritten calls; no language can produce them.
pub mod canonical {
    /// A client: named arguments `address` (base) and `name` (discovery name).
    pub const CLIENT: &str = "@client";
    /// An RPC channel: one argument, the address.
    pub const CHANNEL: &str = "@channel";
    /// An RPC stub: arguments service name and channel.
    pub const STUB: &str = "@stub";
    /// A format string that is not literal: pattern and arguments.
    pub const FORMAT: &str = "@format";
    /// An environment variable whose name is not literal: name and default.
    pub const ENV: &str = "@env";
    /// A property whose key is not literal: key and default.
    pub const PROPERTY: &str = "@property";
    /// The type of a value: one argument.
    pub const TYPE: &str = "@type";
    /// A base followed by a path.
    pub const JOIN: &str = "@join";
}

/// Expands a format string written with its values beside it (`"%s/x" % base`).
#[must_use]
pub fn expand_format(pattern: &str, values: &[Expr]) -> Expr {
    read::expand(pattern, values, &[])
}

/// Applies the rules of the unit's language.
pub fn recognise(unit: &mut Unit, rules: &Rules) {
    let Some(index) = rules.of(&unit.language) else { return };
    let types = Types::of(unit);
    let context = Context { rules, index, types: &types, unit: &*unit };
    let mut sites = Vec::new();
    let calls: Vec<Call> = unit.calls.iter().map(|call| context.call(call, &mut sites)).collect();
    for object in context.literal_objects() {
        context.call(&object, &mut sites);
    }
    drop_described(&mut sites);
    context.annotations(&mut sites);
    context.supertypes(&mut sites);
    let injected = context.injected();
    let mut bindings: Vec<Binding> = unit
        .bindings
        .iter()
        .map(|b| Binding {
            place: b.place.clone(),
            function: b.function,
            owner: b.owner.clone(),
            type_name: b.type_name.clone(),
            value: context.rewrite(&b.value, b.function, b.owner.as_deref()),
            line: b.line,
        })
        .collect();
    let functions = unit
        .functions
        .iter()
        .enumerate()
        .map(|(at, f)| {
            let mut f = f.clone();
            let owner = f.owner.clone();
            for value in &mut f.returns {
                *value = context.rewrite(value, Some(at as u32), owner.as_deref());
            }
            for parameter in &mut f.parameters {
                if let Some(default) = &mut parameter.default {
                    *default = context.rewrite(default, Some(at as u32), owner.as_deref());
                }
                if let Some(value) = context.annotated_value(&parameter.annotations, Some(at as u32), owner.as_deref())
                {
                    parameter.default = Some(value);
                }
            }
            f
        })
        .collect();
    bindings.extend(injected);
    sites.sort_by(|a, b| (a.line, &a.rule).cmp(&(b.line, &b.rule)));
    unit.sites = sites;
    unit.calls = calls;
    unit.bindings = bindings;
    unit.functions = functions;
}

/// A described request that a client's own call takes is that call's.
fn drop_described(sites: &mut Vec<CallSite>) {
    let described = |s: &CallSite| s.rule.ends_with("/described");
    let taken: Vec<Option<Expr>> = sites.iter().filter(|s| !described(s)).map(|s| s.address.clone()).collect();
    let lines: Vec<(u32, Option<u32>)> = sites
        .iter()
        .filter(|s| !described(s) && s.kind == crate::model::SiteKind::Http)
        .map(|s| (s.line, s.function))
        .collect();
    sites.retain(|s| !described(s) || !taken.contains(&s.address) && !lines.contains(&(s.line, s.function)));
}

struct Context<'a> {
    rules: &'a Rules,
    index: &'a Index,
    types: &'a Types,
    unit: &'a Unit,
}

/// How a rule matched: what `*` stood for, and how sure.
struct Match {
    capture: String,
    confidence: Confidence,
    /// The receiver fits as a whole, not only by its last part.
    whole: bool,
}

impl Context<'_> {
    /// Rewrites a call's parts and records what rules say of it.
    fn call(&self, call: &Call, sites: &mut Vec<CallSite>) -> Call {
        let owner = call.function.and_then(|f| self.unit.functions[f as usize].owner.clone());
        let rewrite = |value: &Expr| self.rewrite(value, call.function, owner.as_deref());
        let argument = |a: &Argument| Argument { name: a.name.clone(), value: rewrite(&a.value) };
        let declared = |r: &Expr| self.types.declared(r, call.function, owner.as_deref());
        let out = Call {
            receiver: call.receiver.as_ref().map(rewrite),
            arguments: call.arguments.iter().map(argument).collect(),
            receiver_type: call.receiver.as_ref().and_then(declared),
            name: call.name.clone(),
            type_arguments: call.type_arguments.clone(),
            ..*call
        };
        let mut best: Option<(Confidence, bool, CallSite)> = None;
        for at in self.index.for_call(&call.name) {
            let rule = &self.rules.all[at];
            let Some(kind) = rule.is.site() else { continue };
            let receivers = || self.receivers(call.receiver.as_ref(), &call.name, call.function, owner.as_deref());
            let Some(found) = self.matches(rule, &call.name, call.receiver.as_ref(), &call.arguments, receivers) else {
                continue;
            };
            let site = Site {
                rule,
                kind,
                unit: self.unit,
                capture: &found.capture,
                line: call.line,
                function: call.function,
                owner: owner.clone(),
                name: &call.name,
                receiver: out.receiver.as_ref(),
                arguments: &out.arguments,
                type_arguments: &call.type_arguments,
                supertype: "",
            };
            // Several clients are registered by one call, each by an object of its own.
            if let (Meaning::Register, Some(Expr::List(entries))) = (rule.is, out.arguments.first().map(|a| &a.value)) {
                for entry in entries {
                    let alone = [Argument::positional(entry.clone())];
                    sites.extend(Site { arguments: &alone, owner: owner.clone(), ..site }.make());
                }
                break;
            }
            let Some(mut made) = site.make() else { continue };
            made.in_loop = call.in_loop;
            made.result_used = call.result_used;
            made.spawned = call.spawned;
            made.confidence = found.confidence;
            if rule.is == Meaning::Table {
                // A call says nothing of the type around it.
                made.owner = None;
            }
            if matches!(rule.is, Meaning::StoreRead | Meaning::StoreWrite) {
                sites.push(made);
            } else if best.as_ref().is_none_or(|(b, w, _)| (*b, *w) < (found.confidence, found.whole)) {
                best = Some((found.confidence, found.whole, made));
            }
        }
        sites.extend(best.map(|(_, _, site)| site));
        out
    }

    fn matches(
        &self,
        rule: &Rule,
        name: &str,
        receiver: Option<&Expr>,
        arguments: &[Argument],
        receivers: impl Fn() -> Vec<(String, bool)>,
    ) -> Option<Match> {
        let capture = rule.call.iter().find_map(|p| p.capture(name))?.to_owned();
        if arguments.len() < rule.at_least || rule.at_most.is_some_and(|most| arguments.len() > most) {
            return None;
        }
        if !self.has_imports(rule) {
            return None;
        }
        if let Some(condition) = &rule.only_if
            && condition.handler_last
            && !(arguments.len() >= 2 && arguments.last().is_some_and(|a| could_be_function(&a.value)))
        {
            return None;
        }
        if rule.on.is_empty() {
            // A plain function; or an imported one, which is written without a receiver too.
            return receiver.is_none().then_some(Match { capture, confidence: rule.confidence, whole: false });
        }
        if rule.on.iter().any(|p| p.as_str() == "*") {
            return Some(Match { capture, confidence: rule.confidence, whole: false });
        }
        let mut best: Option<(Confidence, bool, String)> = None;
        for (text, by_name) in receivers() {
            for pattern in &rule.on {
                let hit = if by_name { like_variable(pattern, &text) } else { matches_type(pattern, &text) };
                let Some(of_receiver) = hit else { continue };
                let sure = if by_name { Confidence::Probable.min(rule.confidence) } else { rule.confidence };
                let whole = !by_name && pattern.matches(&text);
                if best.as_ref().is_none_or(|(b, w, _)| (*b, *w) < (sure, whole)) {
                    best = Some((sure, whole, of_receiver));
                }
            }
        }
        // `*` in the receiver (`*Grpc`) is the capture where the call's name has none.
        best.map(|(confidence, whole, of_receiver)| Match {
            capture: if capture.is_empty() { of_receiver } else { capture },
            confidence,
            whole,
        })
    }

    fn has_imports(&self, rule: &Rule) -> bool {
        rule.requires.is_empty()
            || rule.requires.iter().any(|want| self.unit.imports.iter().any(|i| i.path.contains(want.as_str())))
    }

    /// What the receiver of a call may be called: (text, only by its variable name).
    fn receivers(
        &self,
        receiver: Option<&Expr>,
        name: &str,
        function: Option<u32>,
        owner: Option<&str>,
    ) -> Vec<(String, bool)> {
        match receiver {
            Some(receiver) => {
                let mut all: Vec<(String, bool)> =
                    self.types.names(receiver, function, owner, 0).into_iter().map(|t| (t, false)).collect();
                if let Some(variable) = last_name(receiver)
                    && self.types.declared(receiver, function, owner).is_none()
                    && !all.iter().any(|(name, _)| self.is_made_by_a_library(name))
                {
                    all.push((variable.to_owned(), true));
                }
                all
            }
            // `from requests import get` and static imports: the import path stands for the receiver.
            None => self
                .unit
                .imports
                .iter()
                .filter(|i| i.name == name)
                .flat_map(|i| [Some(i.path.as_str()), i.path.rsplit_once('.').map(|(head, _)| head)])
                .flatten()
                .map(|path| (path.to_owned(), false))
                .chain(owner.map(|o| (o.to_owned(), false)))
                .collect(),
        }
    }

    /// Is the name a call of an imported library (`redis.NewClient()`)? Then the variable's own name says nothing.
    fn is_made_by_a_library(&self, name: &str) -> bool {
        name.contains("()")
            && self
                .unit
                .imports
                .iter()
                .any(|i| !i.path.starts_with(['.', '/', '@']) && i.path.len() > 2 && name.starts_with(i.path.as_str()))
    }

    /// Rewrites an expression bottom-up into canonical values.
    fn rewrite(&self, expr: &Expr, function: Option<u32>, owner: Option<&str>) -> Expr {
        let go = |e: &Expr| self.rewrite(e, function, owner);
        match expr {
            Expr::Literal(_) | Expr::Opaque(_) | Expr::Ref(_) => expr.clone(),
            Expr::Env(name, default) => Expr::Env(name.clone(), default.as_ref().map(|d| Box::new(go(d)))),
            Expr::Property(key, default) => Expr::Property(key.clone(), default.as_ref().map(|d| Box::new(go(d)))),
            Expr::Concat(parts) => Expr::concat(parts.iter().map(go).collect()),
            Expr::Choice(parts) => choice(parts.iter().map(go).collect()),
            Expr::List(parts) => Expr::List(parts.iter().map(go).collect()),
            Expr::Lambda(parts) => Expr::Lambda(parts.iter().map(go).collect()),
            Expr::Map(entries) => Expr::Map(entries.iter().map(|(k, v)| (k.clone(), go(v))).collect()),
            // A rule that says what the call gives (`flag.StringVar(&host, "host", "db")`) says what it writes.
            Expr::Out(call, at) => match go(call) {
                written @ Expr::Call(..) => Expr::Out(Box::new(written), *at),
                value => value,
            },
            Expr::Field(object, name) => match self.member(expr) {
                Some(value) => value,
                None => Expr::Field(Box::new(go(object)), name.clone()),
            },
            Expr::Index(object, key) => {
                let key = go(key);
                let plain = Expr::Index(object.clone(), Box::new(key.clone()));
                match self.member(&plain) {
                    Some(value) => value,
                    None => match key {
                        Expr::Literal(name) if !name.is_empty() && !name.bytes().all(|b| b.is_ascii_digit()) => {
                            Expr::Field(Box::new(go(object)), name)
                        }
                        key => match self.keyed(object, &key) {
                            Some(value) => value,
                            None => Expr::Index(Box::new(go(object)), Box::new(key)),
                        },
                    },
                }
            }
            Expr::Call(receiver, name, arguments) => {
                self.rewrite_call(receiver.as_deref(), name, arguments, function, owner)
            }
        }
    }

    fn rewrite_call(
        &self,
        receiver: Option<&Expr>,
        name: &str,
        arguments: &[Argument],
        function: Option<u32>,
        owner: Option<&str>,
    ) -> Expr {
        let inner: Vec<Argument> = arguments
            .iter()
            .map(|a| Argument { name: a.name.clone(), value: self.rewrite(&a.value, function, owner) })
            .collect();
        let new_receiver = receiver.map(|r| self.rewrite(r, function, owner));
        for at in self.index.for_call(name) {
            let rule = &self.rules.all[at];
            if rule.is.site().is_some() {
                continue;
            }
            let receivers = || self.receivers(receiver, name, function, owner);
            let Some(found) = self.matches(rule, name, receiver, arguments, receivers) else { continue };
            let site = Site {
                rule,
                kind: crate::model::SiteKind::Http,
                unit: self.unit,
                capture: &found.capture,
                line: 0,
                function,
                owner: owner.map(str::to_owned),
                name,
                receiver: new_receiver.as_ref(),
                arguments: &inner,
                type_arguments: &[],
                supertype: "",
            };
            if let Some(value) = site.value() {
                return value;
            }
        }
        Expr::Call(new_receiver.map(Box::new), name.to_owned(), inner)
    }

    /// `process.env[name]`, `configuration[key]`: a setting whose name is not literal. What it is read from may be a
    /// section of the configuration, so it is kept as the receiver.
    fn keyed(&self, object: &Expr, key: &Expr) -> Option<Expr> {
        let dotted = dotted_with_keys(object)?;
        for at in &self.index.members {
            let rule = &self.rules.all[*at];
            let fits = rule.member.iter().any(|p| {
                let text = p.as_str();
                let head = text.strip_suffix("[*]").or_else(|| text.strip_suffix(".*"));
                head.is_some_and(|h| !h.is_empty() && Pattern::from(h.to_owned()).matches(&dotted))
            });
            if !fits || !self.has_imports(rule) {
                continue;
            }
            let name = match rule.is {
                Meaning::Environment => canonical::ENV,
                Meaning::Property => canonical::PROPERTY,
                _ => continue,
            };
            let receiver = (rule.is == Meaning::Property).then(|| Box::new(object.clone()));
            return Some(Expr::Call(receiver, name.to_owned(), vec![Argument::positional(key.clone())]));
        }
        None
    }

    /// `process.env.X`, `os.environ["X"]`, `configuration["a:b"]`; a pattern `configuration[*]` wants an index.
    fn member(&self, expr: &Expr) -> Option<Expr> {
        let dotted = dotted_with_keys(expr)?;
        let keyed = match expr {
            Expr::Index(object, key) => match &**key {
                Expr::Literal(key) => Some(format!("{}[{key}]", dotted_with_keys(object)?)),
                _ => None,
            },
            _ => None,
        };
        for at in &self.index.members {
            let rule = &self.rules.all[*at];
            let forms = [Some(dotted.as_str()), keyed.as_deref()];
            let capture = forms.into_iter().flatten().find_map(|t| rule.member.iter().find_map(|p| p.capture(t)));
            let Some(capture) = capture else { continue };
            if !self.has_imports(rule) {
                continue;
            }
            let capture = capture.to_owned();
            return Some(match rule.is {
                Meaning::Environment => Expr::Env(capture, None),
                Meaning::Property => Expr::Property(capture.replace(':', "."), None),
                // A constant of a library, whose value is known.
                Meaning::Identity => match rule.address.0.first() {
                    Some(crate::rules::Reader::Text(text)) => Expr::literal(text),
                    _ => continue,
                },
                _ => continue,
            });
        }
        None
    }
}

fn choice(mut parts: Vec<Expr>) -> Expr {
    // An environment variable followed by alternatives is a variable with a default.
    if parts.len() == 2
        && let (Expr::Env(_, slot @ None) | Expr::Property(_, slot @ None), [_, default]) =
            (&mut parts[0].clone(), parts.as_slice())
    {
        *slot = Some(Box::new(default.clone()));
        return match &parts[0] {
            Expr::Env(name, _) => Expr::Env(name.clone(), slot.take()),
            Expr::Property(key, _) => Expr::Property(key.clone(), slot.take()),
            other => other.clone(),
        };
    }
    if parts.len() == 1 { parts.remove(0) } else { Expr::Choice(parts) }
}

/// The last name of a receiver: `restTemplate` in `this.restTemplate`, the root's for a builder chain.
fn last_name(expr: &Expr) -> Option<&str> {
    match expr {
        Expr::Ref(name) | Expr::Field(_, name) => Some(name),
        Expr::Call(Some(receiver), ..) => last_name(receiver),
        _ => None,
    }
}

/// `a.b["c"]` as `a.b.c`.
fn dotted_with_keys(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Ref(name) => Some(name.clone()),
        Expr::Field(object, name) => Some(format!("{}.{name}", dotted_with_keys(object)?)),
        Expr::Index(object, key) => match &**key {
            Expr::Literal(key) => Some(format!("{}.{key}", dotted_with_keys(object)?)),
            _ => None,
        },
        Expr::Call(Some(receiver), name, arguments) if arguments.is_empty() => {
            Some(format!("{}.{name}()", dotted_with_keys(receiver)?))
        }
        _ => None,
    }
}

fn could_be_function(expr: &Expr) -> bool {
    matches!(expr, Expr::Lambda(_) | Expr::Ref(_) | Expr::Field(..) | Expr::Call(..) | Expr::List(_) | Expr::Opaque(_))
}

/// A type, import path or dotted name fits a pattern by its last part or as a whole; gives what `*` stood for.
fn matches_type(pattern: &Pattern, text: &str) -> Option<String> {
    let last = text.rsplit(['.', '/', ':']).next().unwrap_or(text);
    pattern.capture(last).or_else(|| pattern.capture(text)).map(str::to_owned)
}

/// A variable is named like the type (`restTemplate` for `RestTemplate`, `order_repository` for `*Repository`).
fn like_variable(pattern: &Pattern, variable: &str) -> Option<String> {
    let flat = |s: &str| s.chars().filter(|c| *c != '_').flat_map(char::to_lowercase).collect::<String>();
    let pattern = flat(pattern.as_str().rsplit(['.', '/']).next().unwrap_or_default());
    let is_variable = !variable.starts_with(char::is_uppercase);
    (is_variable && pattern.len() > 3 && Pattern::from(pattern).matches(&flat(variable))).then(String::new)
}

#[cfg(test)]
mod tests;
