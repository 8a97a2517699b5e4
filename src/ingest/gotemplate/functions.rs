//! Functions of Helm's templates (Go's own, and those of Sprig that plain charts use).

use serde_json::{Map, Value};

/// Longest text that `repeat` or an indentation may make.
const TEXT_LIMIT: usize = 1 << 18;

/// Go's truth: what is empty does not hold.
pub(super) fn holds(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(value) => *value,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(all) => !all.is_empty(),
        Value::Object(all) => !all.is_empty(),
    }
}

/// A value as it is printed.
pub(super) fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// Calls a function.
///
/// # Errors
/// It is not known, or was given what it cannot take.
pub(super) fn call(name: &str, arguments: &[Value]) -> Result<Value, String> {
    logic(name, arguments)
        .or_else(|| texts(name, arguments))
        .or_else(|| collections(name, arguments))
        .or_else(|| numbers(name, arguments))
        .ok_or_else(|| format!("the function `{name}` is not known here"))
}

fn logic(name: &str, arguments: &[Value]) -> Option<Value> {
    let order = |a: &Value, b: &Value| a.as_f64().zip(b.as_f64()).and_then(|(a, b)| a.partial_cmp(&b));
    Some(match (name, arguments) {
        ("default", [default, value]) => if holds(value) { value } else { default }.clone(),
        ("default", [only]) => only.clone(),
        ("required", [_, value]) => value.clone(),
        ("coalesce", all) => all.iter().find(|v| holds(v)).cloned().unwrap_or(Value::Null),
        ("ternary", [yes, no, condition]) => if holds(condition) { yes } else { no }.clone(),
        ("and", all) => all.iter().find(|v| !holds(v)).or(all.last())?.clone(),
        ("or", all) => all.iter().find(|v| holds(v)).or(all.last())?.clone(),
        ("not", [value]) => Value::Bool(!holds(value)),
        ("empty", [value]) => Value::Bool(!holds(value)),
        ("eq", [first, rest @ ..]) => Value::Bool(rest.iter().any(|r| text(r) == text(first))),
        ("ne", [a, b]) => Value::Bool(text(a) != text(b)),
        ("lt", [a, b]) => Value::Bool(order(a, b)?.is_lt()),
        ("le", [a, b]) => Value::Bool(order(a, b)?.is_le()),
        ("gt", [a, b]) => Value::Bool(order(a, b)?.is_gt()),
        ("ge", [a, b]) => Value::Bool(order(a, b)?.is_ge()),
        ("kindIs" | "typeIs", [Value::String(kind), value]) => Value::Bool(match kind.as_str() {
            "string" => value.is_string(),
            "map" | "map[string]interface {}" => value.is_object(),
            "slice" | "[]interface {}" => value.is_array(),
            "bool" => value.is_boolean(),
            "invalid" => value.is_null(),
            _ => value.is_number(),
        }),
        ("lookup", _) => Value::Object(Map::new()),
        // A chart is taken for a present-day cluster.
        ("semverCompare", [_, _]) => Value::Bool(true),
        _ => return None,
    })
}

fn texts(name: &str, arguments: &[Value]) -> Option<Value> {
    let made = match (name, arguments) {
        ("quote", all) => {
            all.iter().filter(|v| !v.is_null()).map(|v| format!("{:?}", text(v))).collect::<Vec<_>>().join(" ")
        }
        ("squote", all) => all.iter().map(|v| format!("'{}'", text(v))).collect::<Vec<_>>().join(" "),
        ("toString" | "toStrings", [value]) => text(value),
        ("upper", [value]) => text(value).to_uppercase(),
        ("lower", [value]) => text(value).to_lowercase(),
        ("title", [value]) => {
            let value = text(value);
            let mut chars = value.chars();
            chars.next().map(|c| c.to_uppercase().chain(chars).collect()).unwrap_or_default()
        }
        ("trim", [value]) => text(value).trim().to_owned(),
        ("nospace", [value]) => text(value).replace(' ', ""),
        ("trimSuffix", [end, value]) => {
            let (value, end) = (text(value), text(end));
            value.strip_suffix(&end).unwrap_or(&value).to_owned()
        }
        ("trimPrefix", [start, value]) => {
            let (value, start) = (text(value), text(start));
            value.strip_prefix(&start).unwrap_or(&value).to_owned()
        }
        ("trimAll", [set, value]) => text(value).trim_matches(|c| text(set).contains(c)).to_owned(),
        ("trunc", [length, value]) => text(value).chars().take(usize::try_from(length.as_i64()?).ok()?).collect(),
        ("replace", [old, new, value]) => text(value).replace(&text(old), &text(new)),
        ("indent" | "nindent", [width, value]) => {
            let width = usize::try_from(width.as_i64()?).ok().filter(|w| *w < 200)?;
            let (value, pad) = (text(value), " ".repeat(width));
            let lines: Vec<String> = value.lines().map(|l| format!("{pad}{l}")).collect();
            let joined = lines.join("\n");
            if name == "nindent" { format!("\n{joined}") } else { joined }
        }
        ("printf", [Value::String(pattern), rest @ ..]) => printf(pattern, rest),
        ("print", all) => all.iter().map(text).collect(),
        ("println", all) => all.iter().map(text).collect::<Vec<_>>().join(" ") + "\n",
        ("join", [separator, Value::Array(all)]) => all.iter().map(text).collect::<Vec<_>>().join(&text(separator)),
        ("toYaml" | "toPrettyYaml", [value]) => serde_yaml::to_string(value).ok()?.trim_end().to_owned(),
        ("toJson" | "toRawJson", [value]) => value.to_string(),
        // Values that only a run knows: they name nobody.
        (
            "b64enc" | "sha256sum" | "randAlphaNum" | "randAlpha" | "genPassword" | "uuidv4" | "now" | "date"
            | "htmlDate" | "dateInZone" | "htpasswd",
            _,
        ) => "***".to_owned(),
        ("contains", [part, value]) => return Some(Value::Bool(text(value).contains(&text(part)))),
        ("hasPrefix", [start, value]) => return Some(Value::Bool(text(value).starts_with(&text(start)))),
        ("hasSuffix", [end, value]) => return Some(Value::Bool(text(value).ends_with(&text(end)))),
        _ => return None,
    };
    (made.len() <= TEXT_LIMIT).then_some(Value::String(made))
}

fn collections(name: &str, arguments: &[Value]) -> Option<Value> {
    Some(match (name, arguments) {
        ("list" | "tuple", all) => Value::Array(all.to_vec()),
        ("dict", all) => {
            Value::Object(all.chunks(2).map(|p| (text(&p[0]), p.get(1).cloned().unwrap_or_default())).collect())
        }
        ("get", [Value::Object(all), key]) => all.get(&text(key)).cloned().unwrap_or_else(|| Value::from("")),
        ("hasKey", [Value::Object(all), key]) => Value::Bool(all.contains_key(&text(key))),
        ("hasKey", _) => Value::Bool(false),
        ("has", [value, Value::Array(all)]) => Value::Bool(all.contains(value)),
        ("index", [first, keys @ ..]) => keys.iter().fold(first.clone(), |value, key| {
            let inner = match key.as_u64().and_then(|k| usize::try_from(k).ok()) {
                Some(at) if value.is_array() => value.get(at),
                _ => value.get(text(key)),
            };
            inner.cloned().unwrap_or(Value::Null)
        }),
        ("first", [Value::Array(all)]) => all.first().cloned().unwrap_or(Value::Null),
        ("last", [Value::Array(all)]) => all.last().cloned().unwrap_or(Value::Null),
        ("keys", [Value::Object(all)]) => Value::Array(all.keys().map(|k| Value::from(k.as_str())).collect()),
        ("values", [Value::Object(all)]) => Value::Array(all.values().cloned().collect()),
        ("concat", all) => Value::Array(all.iter().filter_map(Value::as_array).flatten().cloned().collect()),
        ("append", [Value::Array(all), value]) => Value::Array(all.iter().cloned().chain([value.clone()]).collect()),
        ("splitList" | "split", [separator, value]) => {
            Value::Array(text(value).split(&text(separator)).map(Value::from).collect())
        }
        ("merge" | "mergeOverwrite", all) => {
            let ordered: Vec<&Value> = if name == "merge" { all.iter().rev().collect() } else { all.iter().collect() };
            ordered.into_iter().fold(Value::Object(Map::new()), |mut into, next| {
                overlay(&mut into, next, 0);
                into
            })
        }
        ("deepCopy", [value]) => value.clone(),
        ("len", [value]) => Value::from(match value {
            Value::Array(all) => all.len(),
            Value::Object(all) => all.len(),
            other => text(other).len(),
        }),
        _ => return None,
    })
}

fn numbers(name: &str, arguments: &[Value]) -> Option<Value> {
    let number = |v: &Value| v.as_i64().or_else(|| v.as_f64().map(|f| f as i64)).or_else(|| text(v).parse().ok());
    let all: Vec<i64> = arguments.iter().map(|v| number(v).unwrap_or(0)).collect();
    Some(Value::from(match (name, all.as_slice()) {
        ("int" | "int64" | "atoi" | "float64", [n]) => *n,
        ("add", all) => all.iter().fold(0i64, |a, b| a.saturating_add(*b)),
        ("add1", [n]) => n.saturating_add(1),
        ("sub", [a, b]) => a.saturating_sub(*b),
        ("mul", all) => all.iter().fold(1i64, |a, b| a.saturating_mul(*b)),
        ("div", [a, b]) => a.checked_div(*b)?,
        ("mod", [a, b]) => a.checked_rem(*b)?,
        ("max", all) => *all.iter().max()?,
        ("min", all) => *all.iter().min()?,
        _ => return None,
    }))
}

/// Writes the entries of one object over those of another.
pub(in crate::ingest) fn overlay(into: &mut Value, from: &Value, depth: usize) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) if depth < 32 => {
            for (key, value) in from {
                overlay(into.entry(key.clone()).or_insert(Value::Null), value, depth + 1);
            }
        }
        (into, from) => *into = from.clone(),
    }
}

/// `%s`, `%d`, `%v`, `%q` in their order; other verbs print the value.
fn printf(pattern: &str, values: &[Value]) -> String {
    let mut out = String::new();
    let mut values = values.iter();
    let mut chars = pattern.chars().peekable();
    while let Some(c) = chars.next() {
        if c != '%' {
            out.push(c);
            continue;
        }
        while chars.peek().is_some_and(|c| c.is_ascii_digit() || matches!(c, '-' | '+' | '.' | '#')) {
            chars.next();
        }
        match chars.next() {
            Some('%') | None => out.push('%'),
            Some('q') => out.push_str(&format!("{:?}", values.next().map(text).unwrap_or_default())),
            Some(_) => out.push_str(&values.next().map(text).unwrap_or_default()),
        }
    }
    out
}
