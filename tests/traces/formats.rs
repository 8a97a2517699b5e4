//! Every format of the same spans gives the same; the official types are the oracle of the wire walk.

use super::made::{
    CLIENT, CONSUMER, INTERNAL, Made, PRODUCER, SERVER, claims, gzip, jaeger, of, otlp, otlp_json, outcome, read,
    read_with, request, rows,
};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message;
use unbraid::config::{TimeUnit, TraceColumns};
use unbraid::files::Source;
use unbraid::ingest::traces::{self, Options};

fn story() -> Vec<Made> {
    vec![
        Made::new("web", 1, 1, 0, SERVER),
        Made::new("web", 1, 2, 1, INTERNAL),
        Made::new("web", 1, 3, 2, CLIENT).with("server.address", "orders"),
        Made::new("web", 1, 9, 3, INTERNAL),
        Made::new("orders", 1, 4, 9, SERVER).failed(),
        Made::new("orders", 1, 5, 4, CLIENT)
            .with("db.system", "postgresql")
            .with("db.name", "shop")
            .with("net.peer.name", "db"),
        Made::new("orders", 1, 6, 4, PRODUCER).topic("kafka", "made"),
        Made::new("mail", 2, 7, 0, CONSUMER).topic("kafka", "made").linked(1, 6),
        Made::new("orders", 1, 8, 4, CLIENT).with("server.address", "api.pay.com"),
    ]
}

#[test]
fn a_story_becomes_its_rows() {
    assert_eq!(
        rows(&of(&story())),
        [
            "sync web -> orders http x1",
            "db orders -> postgresql:shop@db postgresql x1",
            "external orders -> api.pay.com http x1",
            "publish orders -> made kafka x1",
            "consume made -> mail kafka x1",
            "async_link orders -> mail kafka x1",
        ]
    );
}

#[test]
fn framings_packing_and_formats_say_the_same() {
    let expected = of(&story());
    let bare = otlp(&story());
    let frame = |bytes: &[u8]| [&(bytes.len() as u32).to_be_bytes()[..], bytes].concat();
    let zstd = |bytes: &[u8]| zstd::encode_all(bytes, 1).expect("packed");
    let delimited = request(&story()).encode_length_delimited_to_vec();
    let json = otlp_json(&story());
    let array = [&b"["[..], &json, b"]"].concat();
    let text = String::from_utf8(json.clone()).expect("UTF-8");
    for (name, bytes) in [
        ("framed", frame(&bare)),
        ("packed frames", frame(&zstd(&bare))),
        ("delimited", delimited.clone()),
        ("gzip", gzip(&bare)),
        ("zstd", zstd(&bare)),
        ("gzip of delimited", gzip(&delimited)),
        ("zstd in two frames", [zstd(&delimited[..40]), zstd(&delimited[40..])].concat()),
        ("json", json.clone()),
        ("json array", array),
        ("json gzip", gzip(&json)),
        ("batches", text.replacen("resourceSpans", "batches", 1).into_bytes()),
        ("data", format!("{{\"data\":{text}}}").into_bytes()),
        ("old library spans", text.replace("scopeSpans", "instrumentationLibrarySpans").into_bytes()),
        ("snake case", snake(&text).into_bytes()),
        ("jaeger", jaeger(&story())),
    ] {
        assert_eq!(read(vec![(name, bytes)]), expected, "{name}");
    }
}

/// Keys of OTLP JSON in snake case.
fn snake(text: &str) -> String {
    let keys = [
        ("resourceSpans", "resource_spans"),
        ("scopeSpans", "scope_spans"),
        ("parentSpanId", "parent_span_id"),
        ("startTimeUnixNano", "start_time_unix_nano"),
        ("endTimeUnixNano", "end_time_unix_nano"),
        ("traceId", "trace_id"),
        ("spanId", "span_id"),
        ("stringValue", "string_value"),
    ];
    keys.iter().fold(text.to_owned(), |text, (camel, snake)| text.replace(camel, snake))
}

#[test]
fn ids_kinds_and_numbers_have_many_spellings() {
    let spans = |trace: &str, id: &str, parent: &str, kinds: [&str; 2]| {
        format!(
            r#"{{"resourceSpans":[{{"scopeSpans":[{{"spans":[
            {{"traceId":{trace},"spanId":{id},"kind":{},"startTimeUnixNano":"1760000000000000000","endTimeUnixNano":1760000000000005000}}]}}],
            "resource":{{"attributes":[{{"key":"service.name","value":{{"stringValue":"a"}}}}]}}}},
            {{"resource":{{"attributes":[{{"value":{{"stringValue":"b"}},"key":"service.name"}}]}},"scopeSpans":[{{"spans":[
            {{"traceId":{trace},"spanId":{parent},"parentSpanId":{id},"kind":{},"status":{{"code":"STATUS_CODE_ERROR"}}}}]}}]}}]}}"#,
            kinds[0], kinds[1]
        )
    };
    let bytes = "[0,0,0,0,0,0,0,0,0,0,0,0,0,0,10,11]";
    for (trace, id, other, kinds) in [
        ("\"00000000000000000000000000000A0B\"", "\"000000000000000C\"", "\"000000000000000d\"", ["3", "2"]),
        (
            "\"AAAAAAAAAAAAAAAAAAAKCw==\"",
            "\"AAAAAAAAAAw=\"",
            "\"AAAAAAAAAA0=\"",
            ["\"SPAN_KIND_CLIENT\"", "\"SERVER\""],
        ),
        (bytes, "[0,0,0,0,0,0,0,12]", "[0,0,0,0,0,0,0,13]", ["\"3\"", "\"server\""]),
    ] {
        let traffic = read(vec![("json", spans(trace, id, other, kinds).into_bytes())]);
        assert_eq!(rows(&traffic), ["sync a -> b http x1"], "{trace}");
        let row = &traffic.rows[0];
        assert_eq!((row.duration_us, row.server_errors), (5, Some(1)));
        assert_eq!(row.exemplars, ["00000000000000000000000000000a0b/000000000000000c"]);
    }
}

#[test]
fn the_official_types_decode_what_the_walk_reads() {
    let bytes = otlp(&story());
    let decoded = ExportTraceServiceRequest::decode(&bytes[..]).expect("a request");
    let spans = decoded.resource_spans.iter().flat_map(|r| &r.scope_spans).flat_map(|s| &s.spans).count() as u64;
    let traffic = read(vec![("a", bytes)]);
    assert_eq!(traffic.ledger["spans"], spans);
    // And written again by them, in their own order of fields, it reads the same.
    assert_eq!(read(vec![("a", decoded.encode_to_vec())]), traffic);
}

#[test]
fn a_cut_tail_is_read_up_to_the_break_and_told() {
    let bytes = otlp(&story());
    let outcome_of_cut = outcome(bytes[..bytes.len() - 40].to_vec());
    assert_eq!(outcome_of_cut.traffic.expect("spans").ledger["spans"], 8);
    assert!(outcome_of_cut.notes[0].text.contains("broken at byte"), "{:?}", outcome_of_cut.notes);
    let framed = [request(&story()).encode_length_delimited_to_vec(), vec![0x7f, 0x0a, 0x10, 0x0a]].concat();
    let outcome_of_tail = outcome(framed);
    assert_eq!((outcome_of_tail.notes.len(), outcome_of_tail.traffic.expect("spans").ledger["spans"]), (1, 9));
    let json = otlp_json(&story());
    let lines = [&json[..], b"\n", &json[..json.len() / 2], b"\n", &json[..]].concat();
    let outcome_of_lines = outcome(lines);
    assert_eq!(outcome_of_lines.notes.len(), 1);
    let ledger = outcome_of_lines.traffic.expect("spans").ledger;
    assert_eq!(ledger["spans"] - ledger["duplicate"], 9);
    let packed = gzip(&otlp(&story()).repeat(50));
    let outcome_of_packed = outcome(packed[..packed.len() / 2].to_vec());
    assert!(!outcome_of_packed.notes.is_empty());
}

#[test]
fn columns_of_ones_own_are_named_in_the_configuration() {
    let text = "t;s;up;app;what;side;began;took\n1;1;;a;GET;client;1760000000;4\n1;2;1;b;GET;server;1760000000;3\n";
    let source = Source::in_memory("own", text);
    assert!(!claims(&source));
    let name = |n: &str| Some(n.to_owned());
    let columns = TraceColumns {
        trace_id: name("t"),
        span_id: name("s"),
        parent_id: name("up"),
        service: name("app"),
        name: name("what"),
        kind: name("side"),
        start: name("began"),
        duration: name("took"),
        duration_unit: Some(TimeUnit::Ms),
        ..TraceColumns::default()
    };
    assert!(traces::claims(&source, &columns));
    let options = Options { columns: Some(&columns), ..Options::default() };
    let traffic = traces::read(&[&source], options).traffic.expect("spans");
    assert_eq!(rows(&traffic), ["sync a -> b http x1"]);
    assert_eq!(traffic.rows[0].duration_us, 4_000);
}

#[test]
fn memory_that_does_not_suffice_changes_nothing() {
    let spans: Vec<Made> = (0..4_000u64)
        .flat_map(|n| {
            let trace = u128::from(n % 700) + 1;
            [
                Made::new("a", trace, 2 * n + 1, 0, CLIENT).at(n, n),
                Made::new("b", trace, 2 * n + 2, 2 * n + 1, SERVER).at(n, n / 2),
            ]
        })
        .collect();
    let files = || vec![("a", otlp(&spans[..5_000])), ("b", otlp(&spans[5_000..]))];
    let little = Options { memory: Some(200_000), ..Options::default() };
    assert_eq!(read_with(files(), little), read(files()));
}
