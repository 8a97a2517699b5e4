//! Spans of a made-up system: requests that call through a few of forty services, databases, a topic that other traces
//! consume by link, errors, retries; each span with the attributes that instrumentation writes.

use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value::Value};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{Span, Status, span::Link};

use super::Numbers;

const SERVICES: usize = 40;

fn text(key: &str, value: &str) -> KeyValue {
    let value = Some(AnyValue { value: Some(Value::StringValue(value.to_owned())) });
    KeyValue { key: key.to_owned(), value, ..KeyValue::default() }
}

struct Maker {
    numbers: Numbers,
    all: Vec<(u32, Span)>,
    id: u64,
    clock: u64,
}

impl Maker {
    /// Adds a span; gives its id.
    fn add(&mut self, service: usize, trace: u128, parent: u64, kind: i32, name: &str, more: Vec<KeyValue>) -> u64 {
        self.id += 1;
        self.clock += 1_000;
        let start = 1_760_000_000_000_000_000 + self.clock;
        let failed = self.numbers.below(50) == 0;
        let mut attributes = more;
        for (key, value) in [
            ("thread.name", "http-nio-8080-exec-7"),
            ("network.protocol.version", "1.1"),
            ("user_agent.original", "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36"),
            ("code.function.name", "com.example.shop.web.OrderController.handle"),
            ("http.response.status_code", "200"),
        ] {
            attributes.push(text(key, value));
        }
        let span = Span {
            trace_id: trace.to_be_bytes().to_vec(),
            span_id: self.id.to_be_bytes().to_vec(),
            parent_span_id: if parent == 0 { Vec::new() } else { parent.to_be_bytes().to_vec() },
            name: name.to_owned(),
            kind,
            start_time_unix_nano: start,
            end_time_unix_nano: start + 1_000 * (100 + self.numbers.below(100_000) as u64),
            attributes,
            status: Some(Status { code: if failed { 2 } else { 0 }, ..Status::default() }),
            ..Span::default()
        };
        self.all.push((service as u32, span));
        self.id
    }

    fn handle(&mut self, service: usize, trace: u128, parent: u64, depth: usize) {
        let operation = format!("GET /things/{}", service % 5);
        let server = self.add(service, trace, parent, 2, &operation, vec![text("http.route", "/things")]);
        for _ in 0..1 + self.numbers.below(3) {
            let query = vec![text("db.system.name", "postgresql"), text("db.query.text", "SELECT a FROM things")];
            let query = [query, vec![text("db.namespace", &format!("db{service}"))]].concat();
            self.add(service, trace, server, 3, "SELECT things", query);
        }
        let step = self.add(service, trace, server, 1, "validate", Vec::new());
        for _ in 0..if depth == 0 { 0 } else { self.numbers.below(3) } {
            let other = (service + 1 + self.numbers.below(5)) % SERVICES;
            let peer = vec![text("server.address", &format!("service-{other}"))];
            let client = self.add(service, trace, step, 3, "GET", peer);
            if self.numbers.below(20) > 0 {
                self.handle(other, trace, client, depth - 1);
            }
        }
        if self.numbers.below(4) == 0 {
            let topic =
                |topic: String| vec![text("messaging.system", "kafka"), text("messaging.destination.name", &topic)];
            let producer = self.add(service, trace, server, 4, "send", topic(format!("topic-{}", service % 9)));
            let consumed = u128::from(self.id) << 64 | trace >> 64 | 1;
            self.add((service + 7) % SERVICES, consumed, 0, 5, "process", topic(format!("topic-{}", service % 9)));
            let link = Link {
                trace_id: trace.to_be_bytes().to_vec(),
                span_id: producer.to_be_bytes().to_vec(),
                ..Link::default()
            };
            self.all.last_mut().expect("just added").1.links.push(link);
        }
    }
}

/// About so many spans with the numbers of their resources.
pub fn spans(n: usize) -> (Vec<Resource>, Vec<(u32, Span)>) {
    let resources = (0..SERVICES).map(|at| Resource {
        attributes: vec![
            text("service.name", &format!("service-{at}")),
            text("host.name", &format!("node-{}", at % 6)),
            text("telemetry.sdk.language", "java"),
        ],
        ..Resource::default()
    });
    let mut maker = Maker { numbers: Numbers(7), all: Vec::with_capacity(n + 100), id: 0, clock: 0 };
    let mut trace = 0u128;
    while maker.all.len() < n {
        trace += 1;
        let first = maker.numbers.below(SERVICES);
        maker.handle(first, trace << 70 | trace, 0, 4);
    }
    (resources.collect(), maker.all)
}
