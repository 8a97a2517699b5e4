//! Parts folded apart from rows, written as text, merged in any order, are the result of the whole.

use std::collections::BTreeMap;
use std::fmt::Write;

use unbraid::files::Source;
use unbraid::ingest::fold::PartialGraph;
use unbraid::ingest::rows::{self, Options};
use unbraid::ingest::traces;
use unbraid::model::Act;

use super::made::{CLIENT, CONSUMER, Made, PRODUCER, SERVER, claims, of, otlp, read, without_files};

const OPTIONS: Options = Options { memory: 64 << 20, most_spans: 1_000 };
const HEAD: &str =
    "trace_id\tspan_id\tparent_span_id\tservice\tname\tkind\tstart_ns\tduration_ns\tstatus\tlinks\tattributes\n";

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('\t', "\\t").replace('\n', "\\n")
}

/// Rows clustered by trace, as an engine prints them.
pub fn tsv(spans: &[Made]) -> String {
    let mut out = HEAD.to_owned();
    let mut sorted: Vec<&Made> = spans.iter().collect();
    sorted.sort_by_key(|s| s.trace);
    for s in sorted {
        let parent = if s.parent == 0 { String::new() } else { format!("{:016x}", s.parent) };
        let links: Vec<String> = s.links.iter().map(|(t, id)| format!("{t:032x}/{id:016x}")).collect();
        let attributes: BTreeMap<&str, &str> = s.attributes.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
        let attributes = serde_json::to_string(&attributes).expect("JSON");
        writeln!(
            out,
            "{:032x}\t{:016x}\t{parent}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}",
            s.trace,
            s.id,
            escaped(&s.service),
            escaped(&s.name),
            s.kind,
            s.start * 1_000,
            s.duration * 1_000,
            if s.failed { "STATUS_CODE_ERROR" } else { "STATUS_CODE_UNSET" },
            links.join(","),
            escaped(&attributes)
        )
        .expect("written");
    }
    out
}

/// Folds rows and takes the way through text.
pub fn folded(rows: &str) -> PartialGraph {
    let part = rows::fold(rows.as_bytes(), OPTIONS).expect("folded");
    let text = part.to_text();
    let back = PartialGraph::from_text(&text, 0).expect("read back");
    assert_eq!(back.to_text(), text);
    back
}

fn refused(rows: &str) -> String {
    rows::fold(rows.as_bytes(), OPTIONS).expect_err("refused").to_string()
}

/// Two services, a topic between traces, a database, hostile names.
fn system() -> Vec<Made> {
    vec![
        Made::new("shop\tone", 1, 1, 0, SERVER).named("GET /x\\y\nz"),
        Made::new("shop\tone", 1, 2, 1, CLIENT).with("server.address", "pay"),
        Made::new("pay", 1, 3, 2, SERVER).failed(),
        Made::new("pay", 1, 4, 3, CLIENT)
            .with("db.system.name", "postgresql")
            .with("db.namespace", "p\"q\\")
            .with("db.query.text", "INSERT INTO pay VALUES (1)"),
        Made::new("pay", 1, 5, 3, PRODUCER).topic("kafka", "paid"),
        Made::new("mail", 2, 6, 0, CONSUMER).topic("kafka", "paid").linked(1, 5),
        Made::new("mail", 2, 7, 6, CLIENT).with("server.address", "shop\tone"),
        Made::new("mail", 3, 8, 0, CONSUMER).topic("kafka", "paid").linked(1, 5).linked(99, 1),
    ]
}

#[test]
fn rows_fold_to_what_files_give() {
    let spans = system();
    let whole = of(&spans);
    assert_eq!(without_files(folded(&tsv(&spans)).finish(&[])), whole);
    assert_eq!(whole.links_without_producer, 1);
    let acts: Vec<_> = whole.acts.iter().map(|a| (a.service.as_str(), a.act, a.other.as_str())).collect();
    assert_eq!(acts, [("pay", Act::Wrote, ""), ("pay", Act::WroteAndPublished, "paid")]);
    // Each trace apart: the link crosses parts, the service `shop` is known only to one of them.
    let mut parts: Vec<PartialGraph> = (1..=3)
        .map(|trace| folded(&tsv(&spans.iter().filter(|s| s.trace == trace).cloned().collect::<Vec<_>>())))
        .collect();
    let join = |a: &PartialGraph, b: &PartialGraph| a.clone().merge(b.clone());
    let left = join(&join(&parts[0], &parts[1]), &parts[2]);
    let right = join(&parts[0], &join(&parts[1], &parts[2]));
    parts.reverse();
    let turned = join(&join(&parts[0], &parts[1]), &parts[2]);
    assert_eq!((left.to_text(), left.to_text()), (right.to_text(), turned.to_text()));
    assert_eq!(without_files(left.finish(&[])), whole);
}

#[test]
fn parts_are_inputs_beside_trace_files() {
    let spans = system();
    let (one, two): (Vec<Made>, Vec<Made>) = spans.iter().cloned().partition(|s| s.trace == 1);
    let part = rows::fold(tsv(&one).as_bytes(), OPTIONS).expect("folded").to_text();
    assert_eq!(read(vec![("part", part.into_bytes()), ("spans", otlp(&two))]), of(&spans));
}

#[test]
fn concatenated_and_shuffled_parts_are_read_and_broken_ones_refused() {
    let spans = system();
    let text = folded(&tsv(&spans)).to_text();
    let mut lines: Vec<&str> = text.lines().collect();
    lines.reverse();
    assert_eq!(PartialGraph::from_text(&lines.join("\n"), 0).expect("read").to_text(), text);
    let twice = PartialGraph::from_text(&format!("{text}{text}"), 0).expect("read");
    assert_eq!(twice.spans(), 2 * spans.len() as u64);
    let reason = |text: &str| PartialGraph::from_text(text, 0).expect_err("refused");
    let cut = &text[..text.rfind("check").expect("a check line")];
    assert!(reason(cut).contains("cut off"), "{}", reason(cut));
    let lost: String = text.lines().filter(|l| !l.starts_with("ledger\tused")).map(|l| format!("{l}\n")).collect();
    assert!(reason(&lost).contains("missing"), "{}", reason(&lost));
    assert!(reason(&text.replace("partial\t3", "partial\t2")).contains("another version"));
    for bad in [
        "row\tsync",
        "operation\tx",
        "served\ta\tb\t-1",
        "messages\ta\tq",
        "links\ta\tb\tc\t1/1\t2/2\t1",
        "ledger\tused\t99999999999999999999",
        "new\t1",
    ] {
        assert!(reason(&format!("{text}{bad}\n")).starts_with("line "), "{bad}");
    }
    // Among the inputs of a run a broken part is a note, and the rest is read.
    let sources = [Source::in_memory("cut", cut.as_bytes()), Source::in_memory("spans", otlp(&spans))];
    assert!(sources.iter().all(claims));
    let outcome = traces::read(&sources.iter().collect::<Vec<_>>(), traces::Options::default());
    assert_eq!(without_files(outcome.traffic.expect("spans")), of(&spans));
    assert!(outcome.notes.iter().any(|n| n.place == "cut" && n.text.contains("cut off")), "{:?}", outcome.notes);
}

#[test]
fn wrong_columns_are_one_clear_error() {
    assert!(refused("").contains("names the columns"));
    assert!(refused("trace_id\tspan_id\n").contains("the columns parent_span_id, service, name"));
    assert!(refused(&HEAD.replace("links", "lynx")).contains("no column is called `lynx`"));
    assert!(refused(&HEAD.replace("status", "name")).contains("two columns are called `name`"));
    assert!(refused(&HEAD.replace("duration_ns\t", "")).contains("neither duration_ns nor end_ns"));
}

#[test]
fn rows_that_are_not_clustered_are_refused() {
    let spans = [1, 2, 1].iter().enumerate().map(|(n, trace)| Made::new("a", *trace, n as u64 + 1, 0, SERVER));
    let rows: String = spans.map(|s| tsv(&[s]).lines().nth(1).expect("a row").to_owned() + "\n").collect();
    let reason = refused(&format!("{HEAD}{rows}"));
    assert!(reason.contains("row 4") && reason.contains("follow each other"), "{reason}");
}

#[test]
fn bad_rows_are_counted_and_the_others_read() {
    let good = tsv(&[Made::new("a", 1, 1, 0, SERVER), Made::new("a", 1, 2, 1, CLIENT).with("server.address", "x")]);
    let row = good.lines().nth(1).expect("a row");
    let bad = format!("{good}{row}\tmore\nshort\trow\n{}\n", row.replace(&1_000_000u64.to_string(), "soon"));
    let traffic = folded(&bad).finish(&[]);
    let rejected = |what: &str| traffic.ledger.get(what).copied();
    assert_eq!(rejected("rejected_row_too_wide"), Some(1));
    assert_eq!(rejected("rejected_row_too_short"), Some(1));
    assert_eq!(traffic.ledger["spans"], 5, "{:?}", traffic.ledger);
    assert_eq!(traffic.rows.len(), 1);
}

#[test]
fn a_trace_without_end_is_cut_and_counted() {
    let spans: Vec<Made> = (1..=1_500).map(|id| Made::new("a", 7, id, 0, SERVER)).collect();
    let traffic = folded(&tsv(&spans)).finish(&[]);
    assert_eq!(traffic.ledger["rejected_trace_too_large"], 500);
    assert_eq!(traffic.ledger["spans"], 1_500);
}
