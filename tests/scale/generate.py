"""Spans of a made-up shop, the same for the same numbers: as OTLP JSON for the local run and as Parquet in the columns of
the ClickHouse exporter for the engines. Usage: generate.py FOLDER TRACES [FILES]"""

import json
import random
import sys
from datetime import datetime, timezone
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

# (caller, callee, operation, protocol): what one request may do, three levels deep.
CALLS = {
    "gateway": [("orders", "GET /orders/{id}", "http"), ("carts", "carts.Carts/Get", "grpc"), ("users", "GET /users/{id}", "http")],
    "orders": [("stock", "stock.Stock/Reserve", "grpc"), ("payments", "POST /payments", "http")],
    "carts": [("stock", "stock.Stock/Look", "grpc")],
    "payments": [("users", "GET /users/{id}/card", "http")],
    "users": [], "stock": [],
}
# Names that a separator, an escape or a quote would break.
ODD = ["plain", "tab\tin it", "line\nin it", "back\\slash \\N \\t", "quote ' \" `", "ümlaut → 漢字"]
START = 1_750_000_000_000_000_000


class Trace:
    def __init__(self, number, spans):
        self.random = random.Random(number)
        self.id = f"{self.random.getrandbits(128):032x}"
        self.spans, self.number = spans, number
        self.now = START + number * 3_000_000

    def span(self, service, name, kind, parent, attributes=None, error=False, links=()):
        # Whole microseconds: what every engine's timestamps can hold.
        self.now += self.random.randrange(1, 500) * 1_000
        span = {"trace": self.id, "span": f"{self.random.getrandbits(64) | 1:016x}", "parent": parent, "service": service,
                "name": name, "kind": kind, "start": self.now, "duration": self.random.randrange(1, 10 ** self.random.randrange(4, 9)),
                "error": error, "attributes": attributes or {}, "links": list(links)}
        self.spans.append(span)
        return span["span"]

    def call(self, caller, parent, depth):
        r = self.random
        for callee, operation, protocol in CALLS[caller]:
            if r.random() < 0.3:
                continue
            attributes = {"server.address": callee}
            if protocol == "grpc":
                attributes |= {"rpc.system": "grpc", "rpc.service": operation.split("/")[0]}
            if r.random() < 0.05:
                attributes["http.request.resend_count"] = 1
            error = r.random() < 0.02
            client = self.span(caller, operation, 3, parent, attributes, error)
            if r.random() < 0.02:
                continue  # The other side told nothing.
            server = self.span(callee, operation, 2, client, {"rpc.system": "grpc"} if protocol == "grpc" else {}, error)
            self.leaves(callee, server)
            if depth < 3:
                self.call(callee, server, depth + 1)

    def leaves(self, service, parent):
        r = self.random
        inside = self.span(service, r.choice(ODD), 1, parent, {"note": r.choice(ODD), "thread.id": r.randrange(40)})
        if r.random() < 0.5:
            self.span(service, "SELECT", 3, inside, {"db.system.name": "postgresql", "db.namespace": service, "server.address": "db",
                                                     "db.query.text": f"SELECT * FROM {service} WHERE name = 'it''s\t\\{r.randrange(9)}'"})
        if r.random() < 0.05:
            self.span(service, "GET", 3, parent, {"server.address": "api.example.com", "url.full": "https://api.example.com/x?\"y\""})
        if r.random() < 0.1:
            sent = self.span(service, "send events", 4, parent, {"messaging.system": "kafka", "messaging.destination.name": f"{service}-events"})
            self.consume(service, sent)

    def consume(self, service, sent):
        # The consumer is a trace of its own that is linked to the producer.
        other = Trace(self.number + 1_000_000_007, self.spans)
        attributes = {"messaging.system": "kafka", "messaging.destination.name": f"{service}-events", "messaging.operation.type": "process"}
        parent = other.span("mailer", "process events", 5, "", attributes, links=[(self.id, sent)])
        other.leaves("mailer", parent) if other.random.random() < 0.5 else None


def spans(traces):
    out = []
    for number in range(traces):
        trace = Trace(number, out)
        # Now and then the first span is missing: an orphan.
        parent = f"{number + 1:016x}" if number % 97 == 0 else ""
        root = trace.span("gateway", "GET /", 2, parent)
        trace.call("gateway", root, 0)
    return out


def otlp(span):
    value = lambda v: {"intValue": str(v)} if isinstance(v, int) else {"stringValue": v}
    made = {"traceId": span["trace"], "spanId": span["span"], "parentSpanId": span["parent"], "name": span["name"], "kind": span["kind"],
            "startTimeUnixNano": str(span["start"]), "endTimeUnixNano": str(span["start"] + span["duration"]),
            "attributes": [{"key": k, "value": value(v)} for k, v in span["attributes"].items()],
            "status": {"code": 2} if span["error"] else {}, "links": [{"traceId": t, "spanId": s} for t, s in span["links"]]}
    return made


def write_otlp(path, all_spans):
    with open(path, "w") as out:
        for at in range(0, len(all_spans), 200):
            by_service = {}
            for span in all_spans[at:at + 200]:
                by_service.setdefault(span["service"], []).append(otlp(span))
            resources = [{"resource": {"attributes": [{"key": "service.name", "value": {"stringValue": s}}]}, "scopeSpans": [{"spans": of}]}
                         for s, of in by_service.items()]
            out.write(json.dumps({"resourceSpans": resources}) + "\n")


KINDS = ["Unspecified", "Internal", "Server", "Client", "Producer", "Consumer"]


def table(part):
    stamp = lambda s: datetime.fromtimestamp(s["start"] // 1_000_000_000, timezone.utc).replace(microsecond=s["start"] // 1_000 % 1_000_000)
    text = pa.string()
    pair = pa.struct([("TraceId", pa.list_(text)), ("SpanId", pa.list_(text))])
    columns = {
        "Timestamp": pa.array([stamp(s) for s in part], pa.timestamp("us", tz="UTC")),
        "TraceId": [s["trace"] for s in part], "SpanId": [s["span"] for s in part], "ParentSpanId": [s["parent"] for s in part],
        "TraceState": [""] * len(part), "SpanName": [s["name"] for s in part], "SpanKind": [KINDS[s["kind"]] for s in part],
        "ServiceName": [s["service"] for s in part],
        "ResourceAttributes": pa.array([[("service.name", s["service"])] for s in part], pa.map_(text, text)),
        "SpanAttributes": pa.array([[(k, str(v)) for k, v in s["attributes"].items()] for s in part], pa.map_(text, text)),
        "Duration": pa.array([s["duration"] for s in part], pa.int64()),
        "StatusCode": ["Error" if s["error"] else "Unset" for s in part],
        "Links": pa.array([{"TraceId": [t for t, _ in s["links"]], "SpanId": [i for _, i in s["links"]]} for s in part], pair),
    }
    return pa.table(columns)


def main():
    folder, traces = Path(sys.argv[1]), int(sys.argv[2])
    files = int(sys.argv[3]) if len(sys.argv) > 3 else 8
    folder.mkdir(parents=True, exist_ok=True)
    all_spans = spans(traces)
    # Spans of a trace are scattered over the files, as collectors write them.
    random.Random(0).shuffle(all_spans)
    write_otlp(folder / "traces.jsonl", all_spans)
    (folder / "parquet").mkdir(exist_ok=True)
    for at in range(files):
        pq.write_table(table(all_spans[at::files]), folder / "parquet" / f"{at}.parquet", compression="zstd")
    print(len(all_spans))


main()
