//! One large document is read in parts, packed or not, and says the same as many small ones.

use std::sync::Mutex;

use unbraid::files::Source;
use unbraid::ingest::traces::{self, Options, Progress};
use unbraid::model::Traffic;

use super::made::{
    CLIENT, INTERNAL, Made, SERVER, assert_ledger, gzip, jaeger, otlp_json, outcome, read, without_files, zipkin,
};

/// Spans of a trace of its own, with texts that look like the beginning of an element.
fn trace(n: u64) -> Vec<Made> {
    let trace = u128::from(n) + 1;
    let odd = "},{\"traceId\":\"1\",\"id\":\"2\"},{\"resource\":{}},{\"processes\":{\"x";
    vec![
        Made::new("web", trace, 4 * n + 1, 0, SERVER).with("app.note", odd),
        Made::new("web", trace, 4 * n + 2, 4 * n + 1, CLIENT).with("server.address", "orders").at(n, 30 + n % 70),
        Made::new("web", trace, 4 * n + 3, 4 * n + 2, INTERNAL).with("app.text", &odd.repeat(1 + n as usize % 9)),
        Made::new("orders", trace, 4 * n + 4, 4 * n + 3, SERVER).at(n, 20 + n % 50),
    ]
}

const TRACES: u64 = 6_000;

type Write = fn(&[Made]) -> Vec<u8>;

/// What is around the elements, and what writes them.
const FORMATS: [(&str, &str, &str, Write); 3] =
    [("{\"data\":[", "]}", "]}", jaeger), ("[", "]", "]", zipkin), ("{\"resourceSpans\":[", "]}", "]}", otlp_json)];

/// One document of all traces.
fn document(open: &str, close: &str, end: &str, write: Write) -> Vec<u8> {
    let inner: Vec<String> = (0..TRACES)
        .map(|n| {
            let text = String::from_utf8(write(&trace(n))).expect("UTF-8");
            text.strip_prefix(open).and_then(|t| t.strip_suffix(close)).expect("a document").to_owned()
        })
        .collect();
    format!("{open}{}{end}", inner.join(",")).into_bytes()
}

fn check(traffic: &Traffic) {
    assert_ledger(traffic, 4 * TRACES);
    assert_eq!((traffic.rows.len(), traffic.rows[0].calls, traffic.ledger["used"]), (1, TRACES, 2 * TRACES));
}

#[test]
fn one_large_array_is_read_in_parts() {
    for (open, close, end, write) in FORMATS {
        let text = document(open, close, end, write);
        assert!(text.len() > 7 << 20, "{open} {}", text.len());
        let whole = read(vec![("whole", text.clone())]);
        check(&whole);
        assert_eq!(read(vec![("packed", gzip(&text))]), whole, "{open}");
        let packed = zstd::encode_all(&text[..], 1).expect("packed");
        assert_eq!(read(vec![("packed", packed)]), whole, "{open}");
    }
}

#[test]
fn a_large_array_without_its_end_is_told() {
    for (open, close, _, write) in FORMATS {
        let cut = outcome(document(open, close, "", write));
        assert!(cut.notes.len() == 1 && cut.notes[0].text.contains("the end of an array"), "{open} {:?}", cut.notes);
        check(&without_files(cut.traffic.expect("spans")));
        let mut text = document(open, close, "", write);
        text.truncate(text.len() - 90);
        let broken = outcome(text);
        let ledger = broken.traffic.expect("spans").ledger;
        assert_eq!(broken.notes.len(), 1, "{open} {:?}", broken.notes);
        assert!(ledger["spans"] >= 4 * TRACES - 4 && ledger["spans"] < 4 * TRACES, "{open} {ledger:?}");
    }
}

#[test]
fn a_break_in_the_middle_costs_one_element() {
    for (open, close, end, write) in FORMATS {
        let text = String::from_utf8(document(open, close, end, write)).expect("UTF-8");
        let (id, broken) = (format!("\"{:016x}\"", 4 * 2_500 + 1), "\"000000\n\u{1}");
        let at = text.find(&id).expect("the span");
        let text = format!("{}{broken}{}", &text[..at], &text[at + id.len()..]);
        let outcome = outcome(text.into_bytes());
        let spans = outcome.traffic.expect("spans").ledger["spans"];
        assert_eq!(outcome.notes.len(), 1, "{open} {:?}", outcome.notes);
        assert!((4 * TRACES - 8..4 * TRACES).contains(&spans), "{open} {spans}");
    }
}

#[test]
fn progress_reaches_all_bytes_and_all_spans_of_packed_files_too() {
    let text = document("[", "]", "]", zipkin);
    for bytes in [text.clone(), gzip(&text), text[..4_000].to_vec()] {
        let source = Source::in_memory("a", bytes);
        let last = Mutex::new(Progress { bytes: 0, of: 0, spans: 0 });
        let see = |progress: Progress| {
            let mut last = last.lock().expect("a lock");
            if progress.bytes >= last.bytes {
                *last = Progress { spans: progress.spans.max(last.spans), ..progress };
            }
        };
        let outcome = traces::read(&[&source], Options { progress: Some(&see), ..Options::default() });
        let last = last.into_inner().expect("a lock");
        let spans = outcome.traffic.expect("spans").ledger["spans"];
        assert_eq!((last.bytes, last.of, last.spans), (source.size, source.size, spans));
    }
}
