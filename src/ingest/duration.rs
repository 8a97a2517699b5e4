//! Durations as people write them: numbers with a unit, ISO 8601, and calls such as `Duration.ofSeconds(5)`.
//!
//! Takes a value or a text; gives milliseconds, or nothing where it is not written out.

use crate::model::Expr;

/// Longer than a day is no time limit of a call: a number that means something else.
const MOST: f64 = 86_400_000.0;

/// Milliseconds of an expression that is written out; numbers without a unit are in `unit`.
#[must_use]
pub fn millis(value: &Expr, unit: &str) -> Option<u64> {
    match value {
        Expr::Literal(text) => written(text, unit),
        Expr::Env(_, Some(default)) | Expr::Property(_, Some(default)) => millis(default, unit),
        Expr::Choice(parts) => parts.iter().find_map(|p| millis(p, unit)),
        Expr::Call(_, name, arguments)
            if matches!(name.as_str(), "Number" | "parseInt" | "int" | "float" | "valueOf" | "Atoi") =>
        {
            arguments.first().and_then(|a| millis(&a.value, unit))
        }
        Expr::Call(_, name, arguments) => {
            let unit = match name.rsplit('.').next().unwrap_or(name) {
                "ofSeconds" | "FromSeconds" | "from_secs" | "seconds" | "from_secs_f64" | "Seconds" => "s",
                "ofMillis" | "FromMilliseconds" | "from_millis" | "milliseconds" => "ms",
                "ofMinutes" | "FromMinutes" | "from_mins" | "minutes" => "min",
                "timedelta" | "Duration" | "new Duration" | "ClientTimeout" | "new Timeout" | "Timeout" => "s",
                _ => return None,
            };
            arguments.iter().find_map(|a| {
                let unit = match a.name.as_deref() {
                    Some("milliseconds" | "millis") => "ms",
                    Some("minutes") => "min",
                    _ => unit,
                };
                millis(&a.value, unit)
            })
        }
        Expr::List(parts) => parts.iter().filter_map(|p| millis(p, unit)).max(),
        _ => None,
    }
}

/// Milliseconds of a text: `500`, `5s`, `200ms`, `PT5S`, `00:00:05`.
#[must_use]
pub fn written(text: &str, unit: &str) -> Option<u64> {
    let text = text.trim().trim_matches(['"', '\'']);
    let lower = text.to_lowercase().replace('_', "");
    if let Some(rest) = lower.strip_prefix("pt") {
        return written(rest, "s");
    }
    let parts: Vec<&str> = lower.split(':').collect();
    if let [hours, minutes, seconds] = parts.as_slice() {
        let of = |p: &str| p.parse::<f64>().ok();
        return bounded(((of(hours)? * 60.0 + of(minutes)?) * 60.0 + of(seconds)?) * 1_000.0);
    }
    let end = lower.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(lower.len());
    let number: f64 = lower[..end].parse().ok()?;
    let factor = match (lower[end..].trim(), unit) {
        ("ms" | "millis" | "milliseconds", _) | ("", "ms") => 1.0,
        ("s" | "sec" | "seconds" | "second", _) | ("", "s") => 1_000.0,
        ("m" | "min" | "minutes", _) | ("", "min") => 60_000.0,
        ("", "") => 1.0,
        _ => return None,
    };
    bounded(number * factor)
}

fn bounded(millis: f64) -> Option<u64> {
    (0.0..=MOST).contains(&millis).then_some(millis.round() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_people_write() {
        for (text, unit, want) in [
            ("500", "ms", Some(500)),
            ("3", "s", Some(3_000)),
            ("5s", "ms", Some(5_000)),
            ("200ms", "s", Some(200)),
            ("PT2.5S", "ms", Some(2_500)),
            ("00:00:05", "ms", Some(5_000)),
            ("1m", "ms", Some(60_000)),
            ("never", "ms", None),
            ("99999999999", "ms", None),
            ("", "ms", None),
        ] {
            assert_eq!(written(text, unit), want, "{text}");
        }
    }
}
