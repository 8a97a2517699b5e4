//! Spans as comma-separated lines with a head that names trace, span, parent and pod or service.
//!
//! Such files carry no kinds: an edge is inferred where the parent belongs to another service.

use super::span::{Batch, Span};
use super::{Format, Head};

/// CSV.
pub const FORMAT: Format = Format { id: "csv", claims, read };

fn claims(head: &Head<'_>) -> bool {
    let first = head.text().lines().next().unwrap_or_default().to_lowercase();
    first.contains(',') && first.contains("traceid") && first.contains("spanid") && first.contains("parentid")
}

fn read(bytes: &[u8], batch: &mut Batch) -> Result<(), String> {
    let text = String::from_utf8_lossy(bytes);
    let mut lines = text.lines();
    let head: Vec<String> =
        fields(lines.next().unwrap_or_default()).into_iter().map(|f| f.trim().to_lowercase()).collect();
    let column = |names: &[&str]| head.iter().position(|h| names.contains(&h.as_str()));
    let (trace, id, parent) = (column(&["traceid"]), column(&["spanid"]), column(&["parentid", "parentspanid"]));
    let service = column(&["servicename", "service", "podname", "pod"]);
    let pod = service.is_some_and(|s| head[s].starts_with("pod"));
    let (Some(trace), Some(id), Some(parent), Some(service)) = (trace, id, parent, service) else {
        return Err("the head names no trace, span, parent and service".to_owned());
    };
    let (name, duration) = (column(&["operationname", "name", "spanname"]), column(&["duration"]));
    let (start, end) = (column(&["starttimeunixnano", "starttime"]), column(&["endtimeunixnano", "endtime"]));
    let mut short = 0u64;
    for line in lines.filter(|l| !l.trim().is_empty()) {
        let row = fields(line);
        let get = |at: Option<usize>| at.and_then(|a| row.get(a)).map_or("", |f| f.trim());
        if row.len() < head.len() {
            short += 1;
            continue;
        }
        let time = |at: Option<usize>| get(at).parse::<u64>().ok();
        let by_times = time(end).zip(time(start)).map(|(e, s)| e.saturating_sub(s));
        let owner = get(Some(service));
        let owner = if pod { pod_service(owner) } else { owner };
        batch_push(
            batch,
            get(Some(trace)),
            get(Some(id)),
            get(Some(parent)),
            owner,
            get(name),
            by_times.or(time(duration)).unwrap_or(0),
        );
    }
    if short > 0 { Err(format!("{short} lines have too few fields; the others were read")) } else { Ok(()) }
}

fn batch_push(batch: &mut Batch, trace: &str, id: &str, parent: &str, service: &str, name: &str, duration: u64) {
    let number = |t: &str| super::span::id_of(t).unwrap_or(0);
    let span = Span {
        trace: number(trace),
        id: number(id) as u64,
        parent: if parent == "root" { 0 } else { number(parent) as u64 },
        service: batch.strings.intern(service),
        name: batch.strings.intern(name),
        duration,
        ..Span::default()
    };
    batch.push(span);
}

/// `ts-station-service-5c8d6f7b9-x2k4j` is a pod of `ts-station-service` (Kubernetes names of Deployments).
fn pod_service(pod: &str) -> &str {
    let hash = |t: &str, n: std::ops::RangeInclusive<usize>| {
        n.contains(&t.len())
            && t.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
            && (t.bytes().any(|b| b.is_ascii_digit()) || !t.bytes().any(|b| b"aeiou".contains(&b)))
    };
    let Some((head, last)) = pod.rsplit_once('-') else { return pod };
    if !hash(last, 5..=5) {
        return pod;
    }
    match head.rsplit_once('-') {
        Some((service, middle)) if hash(middle, 6..=10) => service,
        _ => head,
    }
}

/// Fields of a line; quotes protect commas and doubled quotes.
fn fields(line: &str) -> Vec<String> {
    let mut all = vec![String::new()];
    let mut quoted = false;
    let mut chars = line.chars().peekable();
    while let Some(c) = chars.next() {
        let last = all.len() - 1;
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => {
                chars.next();
                all[last].push('"');
            }
            '"' => quoted = !quoted,
            ',' if !quoted => all.push(String::new()),
            c => all[last].push(c),
        }
    }
    all
}

#[cfg(test)]
mod tests {
    #[test]
    fn pods_lose_their_hashes() {
        assert_eq!(super::pod_service("ts-station-service-5c8d6f7b9-x2k4j"), "ts-station-service");
        assert_eq!(super::pod_service("frontend-579b9bff58-t2dbm"), "frontend");
        assert_eq!(super::pod_service("orders"), "orders");
        assert_eq!(super::fields("a,\"b,\"\"c\"\"\",d"), ["a", "b,\"c\"", "d"]);
    }
}
