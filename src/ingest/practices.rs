//! What code, build files and configuration show about how a service is run: `rules/practices.yaml` applied.
//!
//! Takes facts as the readers gave them; gives [`Practice`]s with their places. Resolves nothing: whose practice it
//! is, the linker says.

use std::collections::{BTreeMap, HashMap};

use rayon::prelude::*;
use serde::Deserialize;

use crate::model::code::Call;
use crate::model::facts::SettingsScope;
use crate::model::{
    Argument, Expr, Facts, Module, ModuleKind, Place, Practice, PracticeKind, Setting, Unit, Workload, WorkloadKind,
};
use crate::rules::Pattern;

use super::duration::{millis, written};

/// Expressions nested deeper than this carry no options.
const DEPTH: usize = 12;

/// One entry of `rules/practices.yaml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    kind: PracticeKind,
    #[serde(default)]
    unit: String,
    #[serde(default)]
    calls: Vec<String>,
    #[serde(default)]
    at_least: usize,
    #[serde(default)]
    keys: Vec<String>,
    #[serde(default)]
    within: Vec<String>,
    #[serde(default)]
    annotations: Vec<Pattern>,
    #[serde(default)]
    imports: Vec<String>,
    #[serde(default)]
    libraries: Vec<Pattern>,
    #[serde(default)]
    settings: Vec<Pattern>,
}

/// A pattern of a call: who it is called on, and its name.
struct CallPattern<'e> {
    entry: &'e Entry,
    on: Option<Pattern>,
    name: Pattern,
}

/// All entries, found by what they match.
struct Book<'e> {
    entries: &'e [Entry],
    calls: HashMap<&'e str, Vec<CallPattern<'e>>>,
    globs: Vec<CallPattern<'e>>,
    /// By key the entries that have it.
    keys: HashMap<&'e str, Vec<&'e Entry>>,
}

/// Finds the practices that facts show.
#[must_use]
pub fn find(facts: &Facts) -> Vec<Practice> {
    let entries: Vec<Entry> = serde_yaml::from_str(include_str!("../../rules/practices.yaml"))
        .expect("rules/practices.yaml is checked by a test");
    let book = Book::of(&entries);
    let constants = Constants::of(facts);
    let mut all: Vec<Practice> = facts.units.par_iter().flat_map_iter(|unit| book.unit(unit, &constants)).collect();
    for module in &facts.modules {
        for library in &module.depends_on {
            for entry in entries.iter().filter(|e| e.libraries.iter().any(|p| p.matches(library))) {
                let says = format!("depends on {library}");
                all.push(Practice::new(entry.kind, module.place.clone(), &says));
                // What a parent of Maven depends on, all modules below it do.
                let heirs = facts.modules.iter().filter(|m| inherits(m, module));
                all.extend(heirs.map(|m| Practice::new(entry.kind, m.place.clone(), &says)));
            }
        }
    }
    for settings in &facts.settings {
        // Values for tests and for the workstation of a developer say nothing about how a service runs.
        let profile = settings.profile.to_lowercase();
        if ["test", "local", "development"].contains(&profile.as_str()) {
            continue;
        }
        let name = match &settings.scope {
            SettingsScope::Application(name) if name != "application" => Some(name.as_str()),
            _ => None,
        };
        all.extend(settings.values.iter().flat_map(|s| book.setting(s, name)));
        // What a script fetches or sets on its way is no configuration of the service.
        let file = !matches!(settings.format.as_str(), "dotenv" | "shell");
        if matches!(settings.scope, SettingsScope::Folder(_)) && file {
            all.extend(settings.values.iter().filter(|s| is_fixed(s)).map(|s| {
                let says = format!("{}: {}", s.key, s.value);
                let targets = vec![s.key.clone()];
                Practice { targets, ..Practice::new(PracticeKind::FixedValue, s.place.clone(), &says) }
            }));
        }
    }
    for workload in &facts.workloads {
        all.extend(workload.environment.iter().flat_map(|s| book.setting(s, Some(&workload.name))));
        all.extend(agent(workload));
    }
    all
}

impl<'e> Book<'e> {
    fn of(entries: &'e [Entry]) -> Self {
        let mut book = Self { entries, calls: HashMap::new(), globs: Vec::new(), keys: HashMap::new() };
        for entry in entries {
            for key in &entry.keys {
                book.keys.entry(key).or_default().push(entry);
            }
            for call in &entry.calls {
                let (on, name) = call.rsplit_once('.').map_or((None, call.as_str()), |(on, name)| (Some(on), name));
                let pattern = CallPattern { entry, on: on.map(Pattern::new), name: Pattern::new(name) };
                match name.contains('*') {
                    true => book.globs.push(pattern),
                    false => book.calls.entry(name).or_default().push(pattern),
                }
            }
        }
        book
    }

    fn unit(&self, unit: &Unit, constants: &Constants<'_>) -> Vec<Practice> {
        let mut all = Vec::new();
        let place = |line: u32| Place::new(&unit.place.root, &unit.place.path, line);
        // A file calls few names many times.
        let mut known: HashMap<&str, Vec<&CallPattern<'_>>> = HashMap::new();
        for call in &unit.calls {
            let name = call.name.as_str();
            let patterns = known.entry(name).or_insert_with(|| {
                let exact = self.calls.get(name).into_iter().flatten();
                exact.chain(self.globs.iter().filter(|p| p.name.matches(name))).collect()
            });
            for pattern in patterns {
                let enough = call.arguments.len() >= pattern.entry.at_least;
                if enough && pattern.on.as_ref().is_none_or(|on| is_called_on(call, on)) {
                    let scale = unit_of(unit, pattern.entry);
                    let value = call.arguments.iter().find_map(|a| constants.millis(unit, &a.value, scale));
                    all.push(made(unit, pattern.entry, place(call.line), call.function, name, value));
                }
            }
            if !call.arguments.iter().any(has_keys) {
                continue;
            }
            let text = format!("{}.{name}", call.receiver.as_ref().and_then(Expr::dotted).unwrap_or_default());
            self.keys(&call.arguments, &text.to_lowercase(), 0, &mut |entry, key, value| {
                let value = constants.millis(unit, value, unit_of(unit, entry));
                all.push(made(unit, entry, place(call.line), call.function, key, value));
            });
        }
        for binding in unit.bindings.iter().filter(|b| holds_keys(&b.value, 0)) {
            let text = format!("{} {}", binding.place, binding.type_name.as_deref().unwrap_or_default());
            self.inside(&binding.value, &text.to_lowercase(), 0, &mut |entry, key, value| {
                let value = constants.millis(unit, value, unit_of(unit, entry));
                all.push(made(unit, entry, place(binding.line), binding.function, key, value));
            });
        }
        let on_types = unit.types.iter().flat_map(|t| t.annotations.iter().map(|a| (None, a)));
        let on_functions =
            unit.functions.iter().enumerate().flat_map(|(i, f)| f.annotations.iter().map(move |a| (Some(i as u32), a)));
        for (function, annotation) in on_types.chain(on_functions) {
            let last = annotation.name.rsplit('.').next().unwrap_or(&annotation.name);
            for entry in self.entries {
                if entry.annotations.iter().any(|p| p.matches(&annotation.name) || p.matches(last)) {
                    all.push(made(unit, entry, place(annotation.line), function, &annotation.name, None));
                }
            }
        }
        for import in &unit.imports {
            for entry in self.entries.iter().filter(|e| e.imports.iter().any(|i| starts(&import.path, i))) {
                all.push(made(unit, entry, place(1), None, &import.path, None));
            }
        }
        all
    }

    /// Named arguments, keys of objects and fields of literals.
    fn keys(&self, arguments: &[Argument], within: &str, depth: usize, see: &mut impl FnMut(&'e Entry, &str, &Expr)) {
        for argument in arguments {
            if let Some(name) = &argument.name {
                self.key(name, &argument.value, within, see);
            }
            self.inside(&argument.value, within, depth + 1, see);
        }
    }

    fn key(&self, name: &str, value: &Expr, within: &str, see: &mut impl FnMut(&'e Entry, &str, &Expr)) {
        for entry in self.keys.get(name).into_iter().flatten().copied() {
            // What a server grants its clients is no limit of a call.
            let server = within.contains("server") && !within.contains("client");
            if !server && entry.within.iter().any(|w| within.contains(w.as_str())) {
                see(entry, name, value);
            }
        }
    }

    fn inside(&self, value: &Expr, within: &str, depth: usize, see: &mut impl FnMut(&'e Entry, &str, &Expr)) {
        if depth > DEPTH {
            return;
        }
        match value {
            Expr::Call(receiver, name, arguments) => {
                // A call inside a call is recorded by itself; only what is written out here counts: objects.
                if name.starts_with("new ") {
                    let text = format!("{within} {}", name.to_lowercase());
                    self.keys(arguments, &text, depth + 1, see);
                } else if let Some(receiver) = receiver {
                    self.inside(receiver, within, depth + 1, see);
                }
            }
            Expr::Map(entries) => {
                for (name, value) in entries {
                    self.key(name, value, within, see);
                    self.inside(value, within, depth + 1, see);
                }
            }
            Expr::List(parts) | Expr::Choice(parts) => {
                parts.iter().for_each(|p| self.inside(p, within, depth + 1, see));
            }
            _ => {}
        }
    }

    fn setting(&self, setting: &Setting, target: Option<&str>) -> Vec<Practice> {
        let mut all = Vec::new();
        for entry in self.entries {
            if setting.value.is_empty() || setting.value == "false" {
                continue;
            }
            if entry.settings.iter().any(|p| p.matches(&setting.key)) {
                let says = format!("{}: {}", setting.key, setting.value);
                let mut practice = Practice::new(entry.kind, setting.place.clone(), &says);
                practice.value = written(&setting.value, &entry.unit);
                practice.targets = vec![setting.key.clone()];
                practice.service = target.unwrap_or_default().to_owned();
                all.push(practice);
            }
        }
        all
    }
}

/// An agent that is started beside the program and exports what it sees.
fn agent(workload: &Workload) -> Option<Practice> {
    let starts = |text: &str| {
        let lower = text.to_lowercase();
        lower.contains("javaagent") || lower.contains("opentelemetry") || lower.contains("ddtrace")
    };
    let set = workload.environment.iter().find(|s| !s.key.starts_with("OTEL_") && starts(&s.value));
    let started = workload.command.iter().find(|c| starts(c));
    let (place, says) = match (set, started) {
        (Some(set), _) => (set.place.clone(), format!("{}: {}", set.key, set.value)),
        (None, Some(started)) => (workload.place.clone(), started.clone()),
        (None, None) => return None,
    };
    let practice = Practice::new(PracticeKind::Telemetry, place, &says);
    let named = workload.kind != WorkloadKind::Dockerfile;
    Some(Practice { service: if named { workload.name.clone() } else { String::new() }, ..practice })
}

/// Does a module of Maven lie below an aggregate one of the same root?
fn inherits(module: &Module, parent: &Module) -> bool {
    let below = parent.folder.is_empty() || module.folder.starts_with(&format!("{}/", parent.folder));
    parent.build == "maven"
        && parent.kind == ModuleKind::Aggregate
        && module.build == "maven"
        && module.place != parent.place
        && module.place.root == parent.place.root
        && below
}

/// A value that differs between environments and is written out: an address with a host, or a credential.
fn is_fixed(setting: &Setting) -> bool {
    let value = setting.value.as_str();
    let lower = setting.key.to_lowercase();
    let filled_in = value.contains("${")
        || value.contains("%{")
        || value.starts_with('$')
        || value.contains("#{")
        || value.contains("@");
    if filled_in || lower.starts_with("logging.") || lower.contains("schema") || lower.contains("$id") {
        return false;
    }
    if crate::model::evidence::is_secret_key(&setting.key) {
        // What surrounds a secret (its lifetime, the header that carries it) is none.
        let around =
            ["lifetime", "minutes", "seconds", "days", "expiration", "expiry", "ttl", "header", "prefix", "type"];
        let last = lower.rsplit(['.', '_', ':']).next().unwrap_or(&lower);
        return value == "***" && !around.iter().any(|w| last.contains(w));
    }
    let Some((scheme, rest)) = value.split_once("://") else { return false };
    let scheme = scheme.rsplit(':').next().unwrap_or(scheme);
    let known = [
        "http",
        "https",
        "mongodb",
        "mongodb+srv",
        "mysql",
        "postgresql",
        "postgres",
        "mariadb",
        "sqlserver",
        "redis",
        "rediss",
        "amqp",
        "amqps",
        "tcp",
        "ssl",
        "kafka",
        "nats",
        "grpc",
        "ws",
        "wss",
        "bolt",
        "neo4j",
        "ldap",
    ];
    if !known.contains(&scheme) {
        return false;
    }
    let host: String = rest.chars().take_while(|c| c.is_alphanumeric() || matches!(c, '.' | '-' | '_')).collect();
    let local = ["localhost", "127.0.0.1", "0.0.0.0", "www.w3.org", "schemas.microsoft.com", "json.schemastore.org"];
    !host.is_empty() && !local.contains(&host.as_str())
}

/// Numbers that are kept under a name: fields of configuration objects, constants.
struct Constants<'f>(BTreeMap<&'f str, Vec<(&'f Unit, &'f Expr)>>);

impl<'f> Constants<'f> {
    fn of(facts: &'f Facts) -> Self {
        let mut all: BTreeMap<&str, Vec<(&Unit, &Expr)>> = BTreeMap::new();
        for unit in &facts.units {
            for binding in &unit.bindings {
                let last = binding.place.rsplit('.').next().unwrap_or(&binding.place);
                let mut add = |name: &'f str, value: &'f Expr| {
                    if name.to_lowercase().contains("timeout") || name.to_lowercase().contains("deadline") {
                        all.entry(name).or_default().push((unit, value));
                    }
                };
                add(last, &binding.value);
                if let Expr::Map(entries) = &binding.value {
                    entries.iter().for_each(|(name, value)| add(name, value));
                }
            }
        }
        Self(all)
    }

    /// Milliseconds of a value, through one name: in the same file, else under the same top folder where all agree.
    fn millis(&self, unit: &Unit, value: &Expr, scale: &str) -> Option<u64> {
        if let Some(found) = millis(value, scale) {
            return Some(found);
        }
        let (Expr::Ref(name) | Expr::Field(_, name)) = value else { return None };
        let all = self.0.get(name.as_str())?;
        let here = all.iter().find(|(u, _)| u.place == unit.place).and_then(|(_, v)| millis(v, scale));
        let top = |u: &Unit| (u.place.root.clone(), u.place.path.split('/').next().unwrap_or_default().to_owned());
        let near = || {
            let mut values: Vec<u64> =
                all.iter().filter(|(u, _)| top(u) == top(unit)).filter_map(|(_, v)| millis(v, scale)).collect();
            values.dedup();
            (values.len() == 1).then(|| values[0])
        };
        here.or_else(near)
    }
}

/// Is an argument named, or are there keys in it?
fn has_keys(argument: &Argument) -> bool {
    argument.name.is_some() || holds_keys(&argument.value, 0)
}

/// Is something written out in a value that has keys: an object, or a literal with named fields?
fn holds_keys(value: &Expr, depth: usize) -> bool {
    match value {
        _ if depth > DEPTH => false,
        Expr::Map(_) => true,
        Expr::Call(_, name, arguments) if name.starts_with("new ") => {
            arguments.iter().any(|a| a.name.is_some() || holds_keys(&a.value, depth + 1))
        }
        Expr::Call(receiver, ..) => receiver.as_ref().is_some_and(|r| holds_keys(r, depth + 1)),
        Expr::List(parts) | Expr::Choice(parts) => parts.iter().any(|p| holds_keys(p, depth + 1)),
        _ => false,
    }
}

/// Of numbers without a unit: seconds in Python and Ruby, else as the entry says.
fn unit_of<'e>(unit: &Unit, entry: &'e Entry) -> &'e str {
    if matches!(unit.language.as_str(), "python" | "ruby") && entry.unit == "ms" { "s" } else { &entry.unit }
}

fn made(unit: &Unit, entry: &Entry, place: Place, function: Option<u32>, says: &str, value: Option<u64>) -> Practice {
    let mut practice = Practice::new(entry.kind, place, says);
    practice.function = function.map_or_else(|| "-".to_owned(), |f| unit.functions[f as usize].name.clone());
    practice.value = value;
    practice
}

/// Is a call made on what a pattern says: its type, its text, or the last part of it?
fn is_called_on(call: &Call, on: &Pattern) -> bool {
    let plain = |t: &str| {
        let t = t.trim_start_matches(['*', '&']).split(['<', '[']).next().unwrap_or_default().to_owned();
        t.rsplit(['.', ':', '\\']).next().unwrap_or_default().to_owned()
    };
    if call.receiver_type.as_deref().is_some_and(|t| on.matches(&plain(t)) || on.matches(t)) {
        return true;
    }
    let mut receiver = call.receiver.as_ref();
    for _ in 0..DEPTH {
        match receiver {
            Some(Expr::Call(inner, name, _)) => {
                let name = name.strip_prefix("new ").unwrap_or(name);
                if on.matches(name) {
                    return true;
                }
                receiver = inner.as_deref();
            }
            Some(other) => {
                let Some(text) = other.dotted().map(|t| t.replace("::", ".")) else { return false };
                return on.matches(&text) || on.matches(text.rsplit('.').next().unwrap_or(&text));
            }
            None => return false,
        }
    }
    false
}

/// Does an imported path begin with another, at the end of a part?
fn starts(path: &str, with: &str) -> bool {
    path.strip_prefix(with).is_some_and(|rest| !rest.starts_with(|c: char| c.is_alphanumeric()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn practices(language: &str, source: &str) -> Vec<(PracticeKind, u32, Option<u64>)> {
        let found = crate::ingest::source::LANGUAGES.iter().find(|l| l.id == language).expect("a language");
        let mut unit = (found.extract)(source);
        unit.place = Place::new("", "a", 0);
        let facts = Facts { units: vec![unit], ..Facts::default() };
        let mut all: Vec<_> = find(&facts).into_iter().map(|p| (p.kind, p.place.line, p.value)).collect();
        all.sort();
        all.dedup();
        all
    }

    #[test]
    fn time_limits_are_seen_with_their_value() {
        let go = "package a\nvar c = &http.Client{Timeout: 5 * time.Second}\nfunc f() {\n\tctx, _ := context.WithTimeout(x, 200*time.Millisecond)\n}\n";
        assert_eq!(
            practices("go", go),
            [(PracticeKind::Timeout, 2, Some(5_000)), (PracticeKind::Timeout, 4, Some(200))]
        );
        let python = "import requests\ndef f():\n    requests.get('http://a', timeout=3)\n    show(timeout=9)\n";
        assert_eq!(practices("python", python), [(PracticeKind::Timeout, 3, Some(3_000))]);
        let node = "axios.get('http://a', { timeout: 1500 })\ntoast({ timeout: 3 })\n";
        assert_eq!(practices("javascript", node), [(PracticeKind::Timeout, 1, Some(1_500))]);
        let java = "class A { @CircuitBreaker(name = \"x\") void f() { b.setConnectTimeout(Duration.ofSeconds(2)); } }";
        assert_eq!(
            practices("java", java),
            [(PracticeKind::Timeout, 1, Some(2_000)), (PracticeKind::Breaker, 1, None)]
        );
    }

    #[test]
    fn settings_and_libraries_count_and_development_values_do_not() {
        let setting = |key: &str, value: &str| Setting {
            key: key.to_owned(),
            value: value.to_owned(),
            place: Place::new("", "application.yml", 3),
        };
        let settings = |profile: &str| crate::model::Settings {
            place: Place::new("", "application.yml", 0),
            scope: SettingsScope::Folder(String::new()),
            format: "spring".to_owned(),
            profile: profile.to_owned(),
            values: vec![setting("feign.client.config.orders.readTimeout", "2s"), setting("server.port", "8080")],
        };
        let facts = Facts { settings: vec![settings(""), settings("test")], ..Facts::default() };
        let found = find(&facts);
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].kind, found[0].value), (PracticeKind::Timeout, Some(2_000)));
    }
}
