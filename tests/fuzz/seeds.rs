//! Good inputs of every format, to be changed.

use std::io::Write;
use std::sync::Arc;

use parquet::data_type::{ByteArray, ByteArrayType, Int64Type};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;

/// Targets with their seeds.
pub fn targets() -> Vec<(&'static str, Vec<Vec<u8>>)> {
    let bare = request();
    let framed = [&(bare.len() as u32).to_be_bytes()[..], &bare].concat();
    let packed = zstd::encode_all(&bare[..], 1).unwrap_or_default();
    let packed_frame = [&(packed.len() as u32).to_be_bytes()[..], &packed].concat();
    let delimited = [varint(bare.len() as u64), bare.clone()].concat();
    let text = |all: &[&str]| all.iter().map(|t| t.as_bytes().to_vec()).collect::<Vec<_>>();
    vec![
        ("otlp", vec![bare.clone(), framed.repeat(3), packed_frame.repeat(2), delimited.repeat(3)]),
        ("otlp-json", text(&[OTLP_JSON, OTLP_LINES, TEMPO])),
        ("jaeger", text(&[JAEGER, JAEGER_LINES])),
        ("zipkin", text(&[ZIPKIN, ZIPKIN_1])),
        ("csv", text(&[CSV, CSV_PODS])),
        ("parquet", vec![parquet()]),
        ("packed", vec![gzip(&bare), packed, gzip(OTLP_LINES.as_bytes()), gzip(ZIPKIN.as_bytes())]),
    ]
}

/// Packed with gzip.
pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    drop(encoder.write_all(bytes));
    encoder.finish().unwrap_or_default()
}

fn varint(mut n: u64) -> Vec<u8> {
    let mut out = Vec::new();
    while n > 127 {
        out.push(n as u8 | 128);
        n >>= 7;
    }
    out.push(n as u8);
    out
}

fn field(number: u64, bytes: &[u8]) -> Vec<u8> {
    [varint(number << 3 | 2), varint(bytes.len() as u64), bytes.to_vec()].concat()
}

fn attribute(key: &str, value: &str) -> Vec<u8> {
    [field(1, key.as_bytes()), field(2, &field(1, value.as_bytes()))].concat()
}

/// (id, parent, kind, attributes, link)
type Made = (u8, u8, u8, &'static [(&'static str, &'static str)], Option<u8>);

const SPANS: &[(&str, &[Made])] = &[
    ("web", &[(1, 0, 2, &[], None), (2, 1, 1, &[], None), (3, 2, 3, &[("server.address", "orders")], None)]),
    (
        "orders",
        &[
            (4, 3, 2, &[], None),
            (5, 4, 3, &[("db.system", "mysql"), ("db.statement", "select * from orders where id = ?")], None),
            (6, 4, 4, &[("messaging.system", "kafka"), ("messaging.destination.name", "made")], None),
            (8, 4, 3, &[("url.full", "https://pay.example/v1/42"), ("http.request.resend_count", "1")], None),
        ],
    ),
    ("mail", &[(7, 0, 5, &[("messaging.system", "kafka"), ("messaging.destination.name", "made")], Some(6))]),
];

fn request() -> Vec<u8> {
    let mut out = Vec::new();
    for (service, spans) in SPANS {
        let mut scope = Vec::new();
        for (id, parent, kind, attributes, link) in *spans {
            let mut span = [field(1, &[7; 16]), field(2, &[0, 0, 0, 0, 0, 0, 0, *id])].concat();
            if *parent != 0 {
                span.extend(field(4, &[0, 0, 0, 0, 0, 0, 0, *parent]));
            }
            span.extend(field(5, b"GET /orders/42"));
            span.extend([0x30, *kind, 0x39]);
            span.extend((1_760_000_000_000_000_000 + u64::from(*id) * 1_000).to_le_bytes());
            span.push(0x41);
            span.extend((1_760_000_000_000_900_000 - u64::from(*id) * 1_000).to_le_bytes());
            for (key, value) in *attributes {
                span.extend(field(9, &attribute(key, value)));
            }
            if let Some(link) = link {
                span.extend(field(13, &[field(1, &[7; 16]), field(2, &[0, 0, 0, 0, 0, 0, 0, *link])].concat()));
            }
            span.extend(field(15, &[0x18, 2]));
            scope.extend(field(2, &span));
        }
        let resource = field(1, &attribute("service.name", service));
        out.extend(field(1, &[field(1, &resource), field(2, &scope)].concat()));
    }
    out
}

const OTLP_JSON: &str = r#"{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"web"}}]},"scopeSpans":[{"scope":{"name":"x"},"spans":[
{"traceId":"5B8EFFF798038103D269B633813FC60C","spanId":"EEE19B7EC3C1B174","name":"GET /","kind":2,"startTimeUnixNano":"1760000000000000000","endTimeUnixNano":"1760000000000900000","attributes":[{"key":"a","value":{"arrayValue":{"values":[{"intValue":"1"}]}}}],"status":{"code":2}},
{"traceId":"5b8efff798038103d269b633813fc60c","spanId":"EEE19B7EC3C1B175","parentSpanId":"EEE19B7EC3C1B174","name":"call","kind":"SPAN_KIND_CLIENT","startTimeUnixNano":1760000000000000001,"endTimeUnixNano":1760000000000000002,"attributes":[{"value":{"stringValue":"or\u0064ers"},"key":"server.address"}],"links":[{"traceId":"W47/95gDgQPSabYzgT/GDA==","spanId":"7uGbfsPBsXQ="}]}]}]}]}"#;

const OTLP_LINES: &str = r#"{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"01","spanId":"02","kind":3,"attributes":[{"key":"db.system","value":{"stringValue":"redis"}}]}]}],"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"late"}}]}}]}
{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"b"}}]},"instrumentationLibrarySpans":[{"spans":[{"trace_id":[0,0,0,0,0,0,0,1],"span_id":[0,0,0,0,0,0,0,3],"parent_span_id":"02","kind":"SERVER"}]}]}]}
"#;

const TEMPO: &str = r#"{"batches":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"a"}}]},"scopeSpans":[{"spans":[{"traceId":"AAAAAAAAAAEAAAAAAAAAAQ==","spanId":"AAAAAAAAAAE=","kind":"SPAN_KIND_SERVER"}]}]}]}"#;

const JAEGER: &str = r#"{"data":[{"traceID":"1","spans":[
{"traceID":"1","spanID":"a","operationName":"GET /x","references":[],"startTime":1760000000000000,"duration":900,"tags":[{"key":"span.kind","type":"string","value":"client"},{"key":"peer.service","value":"b"}],"processID":"p1"},
{"traceID":"1","spanID":"b","operationName":"GET /x","references":[{"refType":"CHILD_OF","traceID":"1","spanID":"a"},{"refType":"FOLLOWS_FROM","traceID":"2","spanID":"c"}],"startTime":1760000000000001,"duration":800,"tags":[{"key":"span.kind","type":"string","value":"server"},{"key":"error","type":"bool","value":true}],"processID":"p2","logs":[{"fields":[]}]}],
"processes":{"p1":{"serviceName":"a","tags":[]},"p2":{"serviceName":"b"}}}],"total":0}"#;

const JAEGER_LINES: &str = r#"{"traceID":"1","spanID":"a","operationName":"x","startTime":1,"duration":2,"process":{"serviceName":"a"},"tags":{"span.kind":"server"}}
{"traceID":"1","spanID":"b","parentSpanID":"a","operationName":"y","startTime":1,"duration":2,"process":{"serviceName":"b"}}
"#;

const ZIPKIN: &str = r#"[{"traceId":"48485a3953bb6124","id":"1","kind":"CLIENT","name":"get","timestamp":1760000000000000,"duration":100,"localEndpoint":{"serviceName":"a"},"remoteEndpoint":{"serviceName":"b"},"tags":{"http.method":"GET","error":""}},
{"traceId":"48485a3953bb6124","id":"1","kind":"SERVER","shared":true,"name":"get","timestamp":1760000000000010,"duration":80,"localEndpoint":{"serviceName":"b"}},
{"traceId":"48485a3953bb6124","id":"2","parentId":"1","kind":"PRODUCER","localEndpoint":{"serviceName":"b"},"remoteEndpoint":{"serviceName":"kafka"},"tags":{"kafka.topic":"t"}}]"#;

const ZIPKIN_1: &str = r#"[{"traceId":"1","id":"2","name":"get","annotations":[{"timestamp":1,"value":"cs","endpoint":{"serviceName":"a"}},{"timestamp":2,"value":"sr","endpoint":{"serviceName":"b"}},{"timestamp":3,"value":"ss","endpoint":{"serviceName":"b"}},{"timestamp":4,"value":"cr","endpoint":{"serviceName":"a"}}],"binaryAnnotations":[{"key":"sa","value":true,"endpoint":{"serviceName":"b"}},{"key":"http.path","value":"/x","endpoint":{"serviceName":"a"}}]}]"#;

const CSV: &str = "trace_id,span_id,parent_span_id,service,name,kind,start_time,duration,status\n1,1,,a,GET,server,1760000000,5,ok\n1,2,1,a,\"GET, again\",client,1760000000,4,error\n1,3,2,b,GET,server,1760000000,3,ok\n";

const CSV_PODS: &str = "TraceID,SpanID,ParentID,PodName,OperationName,StartTimeUnixNano,EndTimeUnixNano,Duration\n0428a63abd43769a96cc051682618b37,ed609b0eabc13bbe,root,frontend-579b9bff58-t2dbm,Recv.,1661146988592291144,1661146988774282567,181991\n0428a63abd43769a96cc051682618b37,ed609b0eabc13bbf,ed609b0eabc13bbe,cart-579b9bff58-t2dbm,Get,1661146988592291144,1661146988774282567,181991\n";

/// A small file of plain columns.
fn parquet() -> Vec<u8> {
    let schema = "message spans { required binary TraceId (UTF8); required binary SpanId (UTF8); optional binary \
                  ParentSpanId (UTF8); required binary SpanName (UTF8); required binary SpanKind (UTF8); required \
                  binary ServiceName (UTF8); required int64 Timestamp; required int64 Duration; }";
    let Ok(schema) = parse_message_type(schema) else { return Vec::new() };
    let columns: [&[&str]; 6] = [
        &["01", "01", "01", "01"],
        &["1", "2", "3", "4"],
        &["1", "2", "3"],
        &["GET", "GET", "GET", "SELECT"],
        &["Server", "Client", "Server", "Client"],
        &["a", "a", "b", "b"],
    ];
    let mut out = Vec::new();
    let write = || -> parquet::errors::Result<()> {
        let mut file = SerializedFileWriter::new(&mut out, Arc::new(schema), Arc::new(WriterProperties::default()))?;
        let mut group = file.next_row_group()?;
        let mut at = 0;
        while let Some(mut column) = group.next_column()? {
            if let Some(texts) = columns.get(at) {
                let values: Vec<ByteArray> = texts.iter().map(|t| ByteArray::from(*t)).collect();
                let levels: Option<&[i16]> = if at == 2 { Some(&[0, 1, 1, 1]) } else { None };
                column.typed::<ByteArrayType>().write_batch(&values, levels, None)?;
            } else {
                column.typed::<Int64Type>().write_batch(&[1_760_000_000_000_000_000; 4], None, None)?;
            }
            column.close()?;
            at += 1;
        }
        group.close()?;
        file.close()?;
        Ok(())
    };
    if write().is_err() { Vec::new() } else { out }
}
