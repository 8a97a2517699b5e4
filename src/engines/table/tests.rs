//! The texts of SQL, word by word where an engine was seen to run them.

use super::*;
use crate::config::Config;

fn config(text: &str) -> EngineConfig {
    Config::parse("unbraid.yaml", text).expect("a configuration").engine
}

const WHOLE: Slice = Slice { at: 0, of: 1 };

#[test]
fn the_exporters_table_needs_no_configuration() {
    let config = EngineConfig::default();
    let table = Table::new(&config, Dialect::ClickHouse, Window::default()).expect("a table");
    let sql = table.rows(Slice { at: 3, of: 16 });
    assert!(sql.starts_with(
        "SELECT `TraceId` AS `trace_id`, `SpanId` AS `span_id`, `ParentSpanId` AS `parent_span_id`, `ServiceName` AS \
         `service`, `SpanName` AS `name`, `SpanKind` AS `kind`, `StatusCode` AS `status`, \
         toUnixTimestamp64Nano(toDateTime64(`Timestamp`, 9)) AS `start_ns`, `Duration` AS `duration_ns`, `TraceState` \
         AS `tracestate`, arrayStringConcat(arrayMap((t, s) -> concat(t, '/', s), `Links.TraceId`, `Links.SpanId`), ',') \
         AS `links`, toJSONString(mapFilter((k, v) -> has(['db.system.name', "
    ), "{sql}");
    assert!(
        sql.ends_with(
            ", k), `SpanAttributes`)) AS `attributes` FROM `otel_traces` WHERE cityHash64(`TraceId`) % 16 = 3"
        ),
        "{sql}"
    );
    assert_eq!(table.count(WHOLE), "SELECT count(*) AS n FROM `otel_traces`");
    assert_eq!(table.header().len(), 12);
}

#[test]
fn a_window_takes_whole_traces_that_begin_in_it() {
    let config = config("engine: {margin: 60}");
    let window = Window { from: Some(3_600_000_000_000), until: Some(7_200_000_000_000) };
    let table = Table::new(&config, Dialect::ClickHouse, window).expect("a table");
    assert_eq!(
        table.count(WHOLE),
        "SELECT count(*) AS n FROM `otel_traces` WHERE `Timestamp` >= fromUnixTimestamp64Nano(toInt64(3540000000000)) AND \
         `Timestamp` < fromUnixTimestamp64Nano(toInt64(7260000000000)) AND `TraceId` IN (SELECT `TraceId` FROM \
         `otel_traces` WHERE `Timestamp` >= fromUnixTimestamp64Nano(toInt64(3540000000000)) AND `Timestamp` < \
         fromUnixTimestamp64Nano(toInt64(7260000000000)) GROUP BY `TraceId` HAVING min(`Timestamp`) >= \
         fromUnixTimestamp64Nano(toInt64(3600000000000)) AND min(`Timestamp`) < \
         fromUnixTimestamp64Nano(toInt64(7200000000000)))"
    );
    let wrong = Window { from: Some(2), until: Some(1) };
    assert!(Table::new(&config, Dialect::ClickHouse, wrong).expect_err("a window").contains("--from"));
}

#[test]
fn a_view_renames_columns() {
    let text = "engine: {table: shop.spans, columns: {trace_id: trace, service: resource.app, start: begun, end: ended, \
        attributes: '', link_traces: '', trace_state: ''}, keys: {server.address: peer_host}, time_unit: us}";
    let config = config(text);
    let table = Table::new(&config, Dialect::Spark, Window::default()).expect("a table");
    let sql = table.rows(Slice { at: 1, of: 4 });
    let escaped = |e: &str| format!(r"replace(replace(replace({e}, '\\', '\\\\'), '\t', '\\t'), '\n', '\\n')");
    assert!(sql.contains(&format!("{} AS `service`", escaped("`resource`.`app`"))), "{sql}");
    assert!(
        sql.contains("CAST(`begun` * 1000 AS BIGINT) AS `start_ns`, CAST(`ended` * 1000 AS BIGINT) AS `end_ns`"),
        "{sql}"
    );
    assert!(sql.contains(&format!("{} AS `server.address` FROM `shop`.`spans`", escaped("`peer_host`"))), "{sql}");
    assert!(sql.ends_with("WHERE pmod(xxhash64(`trace`), 4) = 1"), "{sql}");
    assert!(!sql.contains("links") && !sql.contains("map_filter"), "{sql}");
}

#[test]
fn quotes_cannot_be_left() {
    let config = config("engine: {table: 'a`; DROP TABLE b', columns: {name: \"x\\\" OR `1\"}}");
    let sql = Table::new(&config, Dialect::ClickHouse, Window::default()).expect("a table").rows(WHOLE);
    assert!(sql.contains("FROM `a\\`; DROP TABLE b`") && sql.contains("`x\" OR \\`1` AS `name`"), "{sql}");
}

#[test]
fn other_databases_need_whole_numbers_and_json() {
    let error =
        |text: &str| Table::new(&config(text), Dialect::Standard, Window::default()).expect_err("none").to_owned();
    assert!(error("engine: {}").contains("engine.time_unit"));
    assert!(error("engine: {time_unit: ns}").contains("json_attributes"));
    assert!(error("engine: {time_unit: ns, json_attributes: true}").contains("link_traces"));
    assert!(error("engine: {time_unit: ns, columns: {attributes: '', link_traces: ''}, keys: {a: b}}").contains("`a`"));
    let config =
        config("engine: {time_unit: ns, json_attributes: true, columns: {link_traces: links, link_spans: ''}}");
    let table = Table::new(&config, Dialect::Standard, Window::default()).expect("a table");
    let sql = table.rows(Slice { at: 1, of: 128 });
    assert!(sql.contains("\"links\" AS \"links\", \"SpanAttributes\" AS \"attributes\" FROM \"otel_traces\""), "{sql}");
    assert!(sql.ends_with("lower(substr(\"TraceId\", length(\"TraceId\") - 1, 2)) IN ('01', '81')"), "{sql}");
    // What is no hex is in the first class.
    assert!(table.count(Slice { at: 0, of: 2 }).contains("NOT IN ('00', '01'"));
    let all: usize = (1..7).map(|at| table.count(Slice { at, of: 7 }).matches('\'').count() / 2).sum();
    assert_eq!(all, 256 - 256usize.div_ceil(7));
}

#[test]
fn pairs_are_joined_by_trace_and_parent() {
    let config = config("engine: {table: 'parquet.`/data/spans`'}");
    let sql = Table::new(&config, Dialect::Spark, Window::default()).expect("a table").pairs(WHOLE);
    assert!(sql.starts_with("WITH r AS (SELECT `TraceId` AS trace_id, "), "{sql}");
    assert!(sql.contains("FROM parquet.`/data/spans`) SELECT c.service, "), "{sql}");
    assert!(
        sql.contains("ON s.trace_id = c.trace_id AND s.parent_span_id = c.span_id WHERE lower(c.kind) IN ('client', "),
        "{sql}"
    );
    assert!(!sql.contains("server.address"), "addresses would make too many groups: {sql}");
}
