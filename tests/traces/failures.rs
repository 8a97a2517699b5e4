//! What other tools are known to get wrong, each as a test of its own: the lost edge is there, the invented one is
//! not, and every span has its reason.

use super::made::{
    CLIENT, CONSUMER, INTERNAL, Made, PRODUCER, SERVER, assert_ledger, jaeger, of, otlp, outcome, read, rows, zipkin,
};

fn call(trace: u128, id: u64, from: &str, to: &str) -> [Made; 2] {
    [Made::new(from, trace, id, 0, CLIENT), Made::new(to, trace, id + 1, id, SERVER)]
}

#[test]
fn steps_inside_a_service_are_no_links_to_itself_and_real_calls_to_itself_are_kept() {
    let traffic = of(&[
        Made::new("a", 1, 1, 0, SERVER),
        Made::new("a", 1, 2, 1, INTERNAL),
        Made::new("a", 1, 3, 2, INTERNAL),
        Made::new("a", 1, 4, 3, CLIENT),
        Made::new("a", 1, 5, 4, SERVER),
    ]);
    assert_eq!(rows(&traffic), ["sync a -> a http x1"]);
    assert_ledger(&traffic, 5);
}

#[test]
fn a_link_into_another_trace_is_followed() {
    let traffic = of(&[
        Made::new("a", 1, 1, 0, PRODUCER).topic("kafka", "t"),
        Made::new("b", 2, 2, 0, CONSUMER).topic("kafka", "t").linked(1, 1),
    ]);
    assert_eq!(rows(&traffic), ["publish a -> t kafka x1", "consume t -> b kafka x1", "async_link a -> b kafka x1"]);
}

#[test]
fn every_consumer_of_one_message_is_seen() {
    let mut spans = vec![Made::new("a", 1, 1, 0, PRODUCER).topic("kafka", "t")];
    for n in 0..5u64 {
        spans.push(Made::new(&format!("c{n}"), 1, 10 + n, 1, CONSUMER).topic("kafka", "t"));
    }
    let traffic = of(&spans);
    assert_eq!(rows(&traffic).iter().filter(|r| r.starts_with("async_parent a -> c")).count(), 5);
}

#[test]
fn one_consumer_of_a_batch_is_linked_to_every_producer_once() {
    let traffic = of(&[
        Made::new("a", 1, 1, 0, PRODUCER).topic("kafka", "t"),
        Made::new("b", 2, 2, 0, PRODUCER).topic("kafka", "t"),
        Made::new("c", 3, 3, 0, CONSUMER).topic("kafka", "t").linked(1, 1).linked(2, 2).linked(1, 1),
    ]);
    let links: Vec<String> = rows(&traffic).into_iter().filter(|r| r.starts_with("async")).collect();
    assert_eq!(links, ["async_link a -> c kafka x1", "async_link b -> c kafka x1"]);
}

#[test]
fn steps_between_client_and_server_do_not_break_the_pair() {
    let traffic = of(&[
        Made::new("a", 1, 1, 0, CLIENT),
        Made::new("a", 1, 2, 1, INTERNAL),
        Made::new("a", 1, 3, 2, INTERNAL),
        Made::new("b", 1, 4, 3, SERVER),
    ]);
    assert_eq!(rows(&traffic), ["sync a -> b http x1"]);
}

#[test]
fn a_linked_consumer_is_called_by_no_user() {
    let traffic = of(&[Made::new("b", 2, 2, 0, CONSUMER).topic("kafka", "t").linked(1, 1)]);
    assert_eq!(rows(&traffic), ["consume t -> b kafka x1"]);
    assert_eq!(traffic.links_without_producer, 1);
}

#[test]
fn link_and_parent_of_one_delivery_count_once() {
    let traffic = of(&[
        Made::new("a", 1, 1, 0, PRODUCER).topic("kafka", "t"),
        Made::new("b", 1, 2, 1, CONSUMER).topic("kafka", "t").linked(1, 1),
    ]);
    assert_eq!(
        rows(&traffic).iter().filter(|r| r.starts_with("async")).collect::<Vec<_>>(),
        ["async_link a -> b kafka x1"]
    );
}

#[test]
fn an_unpaired_client_without_a_peer_service_is_found_by_its_address() {
    let mut spans = vec![
        Made::new("a", 1, 1, 0, CLIENT).with("server.address", "b"),
        Made::new("a", 1, 2, 0, CLIENT).with("net.peer.name", "unseen.shop.svc.cluster.local"),
        Made::new("a", 1, 3, 0, CLIENT).with("http.url", "https://api.example.com:443/v1"),
        Made::new("a", 1, 4, 0, CLIENT).with("peer.service", "told"),
        Made::new("a", 1, 5, 0, CLIENT),
    ];
    spans.extend(call(2, 10, "x", "b"));
    let traffic = of(&spans);
    assert_eq!(
        rows(&traffic),
        [
            "sync x -> b http x1",
            "unpaired_client a -> b http x1",
            "unpaired_client a -> told http x1",
            "unpaired_client a -> unseen http x1",
            "external a -> api.example.com http x1",
        ]
    );
    assert_eq!((traffic.ledger["unpaired_client"], traffic.ledger["unpaired_no_peer"]), (3, 1));
    assert_ledger(&traffic, 7);
}

#[test]
fn hours_between_the_spans_of_a_trace_do_not_matter() {
    let late = 6 * 3_600 * 1_000_000;
    let traffic = of(&[Made::new("a", 1, 1, 0, CLIENT).at(0, 9), Made::new("b", 1, 2, 1, SERVER).at(late, 5)]);
    assert_eq!(rows(&traffic), ["sync a -> b http x1"]);
}

#[test]
fn spans_of_one_trace_in_two_files_are_paired() {
    let [client, server] = call(1, 1, "a", "b");
    let traffic = read(vec![("server", otlp(&[server])), ("client", otlp(&[client]))]);
    assert_eq!(rows(&traffic), ["sync a -> b http x1"]);
}

#[test]
fn databases_under_new_and_old_attributes_are_one() {
    let old = [("db.system", "mysql"), ("db.name", "shop"), ("net.peer.name", "db")];
    let new = [("db.system.name", "mysql"), ("db.namespace", "shop"), ("server.address", "db")];
    let made = |id, attributes: [(&str, &str); 3]| {
        attributes.iter().fold(Made::new("a", 1, id, 0, CLIENT), |made, (k, v)| made.with(k, v))
    };
    let traffic = of(&[made(1, old), made(2, new)]);
    assert_eq!(rows(&traffic), ["db a -> mysql:shop@db mysql x2"]);
}

#[test]
fn databases_of_one_product_are_told_apart() {
    let traffic = of(&[
        Made::new("a", 1, 1, 0, CLIENT).with("db.system", "mysql").with("server.address", "one"),
        Made::new("a", 1, 2, 0, CLIENT).with("db.system", "mysql").with("server.address", "two"),
    ]);
    assert_eq!(rows(&traffic), ["db a -> mysql@one mysql x1", "db a -> mysql@two mysql x1"]);
}

#[test]
fn tables_are_told_by_attribute_or_statement() {
    let traffic = of(&[
        Made::new("a", 1, 1, 0, CLIENT)
            .with("db.system", "mysql")
            .with("db.sql.table", "orders")
            .with("db.operation", "select"),
        Made::new("a", 1, 2, 0, CLIENT).with("db.system", "mysql").with("db.statement", "UPDATE `items` SET x = 1"),
        Made::new("a", 1, 3, 0, CLIENT).with("db.system", "mysql").with("db.statement", "BEGIN"),
    ]);
    let row = &traffic.rows[0];
    assert_eq!(row.tables.iter().map(|(t, n)| format!("{t} {n}")).collect::<Vec<_>>(), ["items 1", "orders 1"]);
    let operations: Vec<&str> = row.operations.iter().map(|o| o.name.as_str()).collect();
    assert_eq!(operations, ["SELECT orders", "UPDATE items", "op"]);
}

#[test]
fn a_failed_call_is_no_second_edge_and_both_sides_are_told_apart() {
    let mut spans: Vec<Made> = call(1, 1, "a", "b").into();
    spans.push(Made::new("a", 1, 3, 0, CLIENT).failed());
    spans.push(Made::new("b", 1, 4, 3, SERVER));
    spans.push(Made::new("a", 1, 5, 0, CLIENT));
    spans.push(Made::new("b", 1, 6, 5, SERVER).failed());
    let traffic = of(&spans);
    assert_eq!(rows(&traffic), ["sync a -> b http x3"]);
    assert_eq!((traffic.rows[0].errors, traffic.rows[0].server_errors), (1, Some(1)));
}

#[test]
fn a_lost_parent_invents_no_call_from_the_root() {
    let spans =
        [Made::new("root", 1, 1, 0, SERVER), Made::new("root", 1, 2, 1, CLIENT), Made::new("b", 1, 9, 77, SERVER)];
    for bytes in [otlp(&spans), zipkin(&spans), jaeger(&spans)] {
        let traffic = read(vec![("spans", bytes)]);
        assert_eq!(rows(&traffic), ["orphan_server  -> b http x1"]);
        assert_eq!(traffic.ledger["orphan"], 1);
    }
}

#[test]
fn a_client_with_steps_below_it_is_a_client() {
    let spans = [Made::new("a", 1, 1, 0, CLIENT).with("server.address", "x.com"), Made::new("a", 1, 2, 1, INTERNAL)];
    assert_eq!(rows(&of(&spans)), ["external a -> x.com http x1"]);
}

#[test]
fn a_span_without_kind_is_no_client_though_it_names_another_side() {
    let text =
        br#"[{"traceId":"1","id":"1","localEndpoint":{"serviceName":"a"},"remoteEndpoint":{"serviceName":"b"}}]"#;
    let traffic = read(vec![("zipkin", text.to_vec())]);
    assert_eq!((rows(&traffic), traffic.ledger["internal"]), (vec![], 1));
}

#[test]
fn topics_are_told_apart() {
    let traffic = of(&[
        Made::new("a", 1, 1, 0, PRODUCER).topic("kafka", "one"),
        Made::new("a", 1, 2, 0, PRODUCER).topic("kafka", "two"),
    ]);
    assert_eq!(rows(&traffic), ["publish a -> one kafka x1", "publish a -> two kafka x1"]);
}

#[test]
fn a_delivery_goes_from_producer_to_consumer() {
    let traffic = of(&[
        Made::new("a", 1, 1, 0, PRODUCER).topic("kafka", "t"),
        Made::new("b", 1, 2, 1, CONSUMER).topic("kafka", "t"),
    ]);
    assert_eq!(rows(&traffic), ["publish a -> t kafka x1", "consume t -> b kafka x1", "async_parent a -> b kafka x1"]);
}

#[test]
fn the_same_span_id_in_two_traces_is_two_spans() {
    let spans = [Made::new("a", 1, 1, 0, CLIENT), Made::new("b", 2, 2, 1, SERVER)];
    let traffic = of(&spans);
    assert_eq!(rows(&traffic), ["orphan_server  -> b http x1"]);
}

#[test]
fn exact_copies_count_once() {
    let spans: Vec<Made> = call(1, 1, "a", "b").into();
    let traffic = read(vec![("one", otlp(&spans)), ("again", otlp(&spans)), ("other format", jaeger(&spans))]);
    assert_eq!((rows(&traffic), traffic.ledger["duplicate"]), (vec!["sync a -> b http x1".to_owned()], 4));
    assert_ledger(&traffic, 6);
}

#[test]
fn shared_ids_are_two_halves_whatever_other_tags_say() {
    let text = br#"[
        {"traceId":"1","id":"2","kind":"CLIENT","localEndpoint":{"serviceName":"a"},"duration":9,"tags":{"role":"server"}},
        {"traceId":"1","id":"2","kind":"SERVER","shared":true,"localEndpoint":{"serviceName":"b"},"tags":{"role":"client"}},
        {"traceId":"1","id":"3","parentId":"2","kind":"CLIENT","localEndpoint":{"serviceName":"b"}},
        {"traceId":"1","id":"4","parentId":"3","kind":"SERVER","localEndpoint":{"serviceName":"c"}},
        {"traceId":"1","id":"5","parentId":"2","shared":true,"kind":"SERVER","localEndpoint":{"serviceName":"d"}}]"#;
    let traffic = read(vec![("zipkin", text.to_vec())]);
    assert_eq!(rows(&traffic), ["sync a -> b http x1", "sync b -> c http x1", "orphan_server  -> d http x1"]);
}

#[test]
fn both_halves_of_version_1_are_a_pair() {
    let text = br#"[{"traceId":"1","id":"2","name":"get","annotations":[
        {"timestamp":10,"value":"cs","endpoint":{"serviceName":"a"}},
        {"timestamp":12,"value":"sr","endpoint":{"serviceName":"b"}},
        {"timestamp":17,"value":"ss","endpoint":{"serviceName":"b"}},
        {"timestamp":20,"value":"cr","endpoint":{"serviceName":"a"}}],
        "binaryAnnotations":[{"key":"error","value":"","endpoint":{"serviceName":"a"}}]}]"#;
    let traffic = read(vec![("zipkin", text.to_vec())]);
    assert_eq!(rows(&traffic), ["sync a -> b http x1"]);
    let row = &traffic.rows[0];
    assert_eq!((row.duration_us, row.server_duration_us, row.errors), (10, Some(5), 1));
}

#[test]
fn grpc_and_messages_are_entry_points_too() {
    let traffic = of(&[
        Made::new("a", 1, 1, 0, SERVER).named("shop.Cart/Get").with("rpc.system", "grpc"),
        Made::new("b", 2, 2, 0, CONSUMER).named("process t").topic("kafka", "t"),
    ]);
    let served: Vec<(&str, &str, u64)> =
        traffic.served.iter().map(|s| (s.service.as_str(), s.operation.as_str(), s.entries)).collect();
    assert_eq!(served, [("a", "shop.Cart/Get", 1), ("b", "process t", 1)]);
}

#[test]
fn missing_flags_and_unknown_tags_of_processes_are_no_reason_to_stop() {
    let text = br#"{"data":[{"traceID":"1","spans":[{"traceID":"1","spanID":"1","operationName":"x","references":[],
        "startTime":1,"duration":1,"tags":[{"key":"span.kind","value":"server"}],"processID":"p1"}],"processes":
        {"p1":{"serviceName":"a","tags":[{"key":"telemetry.sdk.language","value":"rust"},{"key":"odd","value":[1]}]}}}]}"#;
    assert_eq!(read(vec![("jaeger", text.to_vec())]).ledger["entry"], 1);
}

#[test]
fn lines_above_a_megabyte_are_read() {
    let long = "x".repeat(3 << 20);
    let spans = [Made::new("a", 1, 1, 0, SERVER).with("long", &long)];
    let mut text = super::made::otlp_json(&spans);
    text.push(b'\n');
    text.extend(super::made::otlp_json(&[Made::new("a", 2, 2, 0, SERVER)]));
    assert_eq!(read(vec![("lines", text)]).ledger["entry"], 2);
}

#[test]
fn messages_are_no_synchronous_calls() {
    let spans = [
        Made::new("a", 1, 1, 0, CLIENT).topic("kafka", "t").with("messaging.operation.type", "receive"),
        Made::new("a", 1, 2, 1, CONSUMER).topic("kafka", "t"),
        Made::new("a", 1, 3, 2, CLIENT).topic("kafka", "t").with("messaging.operation.type", "settle"),
    ];
    assert_eq!(rows(&of(&spans)), ["consume t -> a kafka x1", "messaging_client a -> t kafka x2"]);
}

#[test]
fn receiving_and_processing_of_older_conventions_are_one_delivery() {
    let traffic = of(&[
        Made::new("a", 1, 1, 0, PRODUCER).topic("kafka", "t"),
        Made::new("b", 1, 2, 1, CONSUMER).topic("kafka", "t").with("messaging.operation", "receive"),
        Made::new("b", 1, 3, 2, CONSUMER).topic("kafka", "t").with("messaging.operation", "process"),
    ]);
    let deliveries: Vec<String> = rows(&traffic).into_iter().filter(|r| r.contains("-> b")).collect();
    assert_eq!(deliveries, ["consume t -> b kafka x1", "async_parent a -> b kafka x1"]);
}

#[test]
fn clocks_do_not_turn_calls_around() {
    let traffic =
        of(&[Made::new("a", 1, 1, 0, CLIENT).at(5_000_000, 1_000), Made::new("b", 1, 2, 1, SERVER).at(0, 500)]);
    assert_eq!(rows(&traffic), ["sync a -> b http x1"]);
}

#[test]
fn a_caller_that_is_not_there_has_no_name() {
    let traffic = of(&[Made::new("b", 1, 2, 1, SERVER)]);
    assert_eq!(traffic.rows[0].source, "");
}

#[test]
fn a_file_without_spans_says_so() {
    let outcome = outcome(br#"{"resourceSpans":[]}          "#.to_vec());
    assert!(outcome.traffic.is_none());
    assert!(outcome.notes[0].text.contains("no span in it"), "{:?}", outcome.notes);
}

#[test]
fn sampled_calls_stand_for_more() {
    let text = br#"{"data":[{"traceID":"1","spans":[
        {"traceID":"1","spanID":"1","operationName":"x","tags":[{"key":"span.kind","value":"client"},
         {"key":"sampler.type","value":"probabilistic"},{"key":"sampler.param","type":"float64","value":0.1}],"processID":"p1"},
        {"traceID":"1","spanID":"2","operationName":"x","references":[{"refType":"CHILD_OF","traceID":"1","spanID":"1"}],
         "tags":[{"key":"span.kind","value":"server"}],"processID":"p2"}],
        "processes":{"p1":{"serviceName":"a"},"p2":{"serviceName":"b"}}}]}"#;
    let traffic = read(vec![("jaeger", text.to_vec())]);
    assert_eq!((traffic.rows[0].calls, traffic.rows[0].estimated_calls), (1, Some(10)));
}
