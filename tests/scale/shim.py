"""ClickHouse's engine (chdb) behind its HTTP interface: as much of it as one client needs, on loopback.

POST / runs a statement with the settings behind `?`; POST /fault/NAME makes the next answers go wrong: `cut` breaks the
connection in the middle of one answer, `dead` of every one, `lose` leaves out the last row, `none` ends it.
Usage: shim.py PORT PARQUET"""

import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

from chdb import session

# The exporter's own statement (opentelemetry-collector-contrib, exporter/clickhouseexporter), without its materialized view.
TABLE = """CREATE TABLE otel_traces (
    Timestamp DateTime64(9) CODEC(Delta, ZSTD(1)), TraceId String CODEC(ZSTD(1)), SpanId String CODEC(ZSTD(1)),
    ParentSpanId String CODEC(ZSTD(1)), TraceState String CODEC(ZSTD(1)), SpanName LowCardinality(String) CODEC(ZSTD(1)),
    SpanKind LowCardinality(String) CODEC(ZSTD(1)), ServiceName LowCardinality(String) CODEC(ZSTD(1)),
    ResourceAttributes Map(LowCardinality(String), String) CODEC(ZSTD(1)), ScopeName String CODEC(ZSTD(1)), ScopeVersion String CODEC(ZSTD(1)),
    SpanAttributes Map(LowCardinality(String), String) CODEC(ZSTD(1)), Duration UInt64 CODEC(ZSTD(1)),
    StatusCode LowCardinality(String) CODEC(ZSTD(1)), StatusMessage String CODEC(ZSTD(1)),
    Events Nested (Timestamp DateTime64(9), Name LowCardinality(String), Attributes Map(LowCardinality(String), String)) CODEC(ZSTD(1)),
    Links Nested (TraceId String, SpanId String, TraceState String, Attributes Map(LowCardinality(String), String)) CODEC(ZSTD(1)),
    INDEX idx_trace_id TraceId TYPE bloom_filter(0.001) GRANULARITY 1,
    INDEX idx_res_attr_key mapKeys(ResourceAttributes) TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX idx_span_attr_key mapKeys(SpanAttributes) TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX idx_duration Duration TYPE minmax GRANULARITY 1
) ENGINE = MergeTree() PARTITION BY toDate(Timestamp) ORDER BY (ServiceName, SpanName, toDateTime(Timestamp))
SETTINGS index_granularity = 8192, ttl_only_drop_parts = 1"""

FILL = """INSERT INTO otel_traces (Timestamp, TraceId, SpanId, ParentSpanId, TraceState, SpanName, SpanKind, ServiceName, ResourceAttributes,
    SpanAttributes, Duration, StatusCode, Links.TraceId, Links.SpanId, Links.TraceState, Links.Attributes)
SELECT Timestamp, TraceId, SpanId, ParentSpanId, TraceState, SpanName, SpanKind, ServiceName, ResourceAttributes, SpanAttributes, Duration,
    StatusCode, tupleElement(Links, 'TraceId'), tupleElement(Links, 'SpanId'), arrayMap(x -> '', tupleElement(Links, 'TraceId')),
    arrayMap(x -> map(), tupleElement(Links, 'TraceId'))
FROM file('{parquet}/*.parquet', Parquet)"""

ENGINE, LOCK = session.Session(), threading.Lock()
FAULT = {"now": "none"}
SEEN = []
# What the interface takes and no statement does.
NOT_SETTINGS = {"default_format", "database", "query", "query_id", "user", "password"}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_GET(self):
        self.answer(200, ("\n".join(SEEN) + "\n").encode())

    def do_POST(self):
        url = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        if url.path.startswith("/fault/"):
            FAULT["now"] = url.path.rsplit("/", 1)[1]
            return self.answer(200, b"ok\n")
        parameters = dict(parse_qsl(url.query))
        settings = {k: v for k, v in parameters.items() if k not in NOT_SETTINGS}
        if settings:
            body += " SETTINGS " + ", ".join(f"{k} = {v}" for k, v in settings.items())
        SEEN.append(body.replace("\n", " "))
        try:
            with LOCK:
                data = ENGINE.query(body, parameters.get("default_format", "TabSeparated")).bytes()
        except Exception as error:
            return self.answer(500, str(error).encode())
        self.rows(bytes(data), body)

    def rows(self, data, body):
        fault = FAULT["now"] if "ORDER BY" in body else "none"
        if fault == "lose":
            data = data[:data.rstrip(b"\n").rfind(b"\n") + 1]
        if fault in ("cut", "dead"):
            FAULT["now"] = "none" if fault == "cut" else "dead"
            data = data[:len(data) // 2]
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for at in range(0, len(data), 1 << 16):
            part = data[at:at + (1 << 16)]
            self.wfile.write(f"{len(part):x}\r\n".encode() + part + b"\r\n")
        if fault in ("cut", "dead"):
            self.wfile.flush()
            self.close_connection = True
            return self.connection.shutdown(2)
        self.wfile.write(b"0\r\n\r\n")

    def answer(self, code, data):
        self.send_response(code)
        self.send_header("Content-Length", str(len(data)))
        if code != 200:
            self.send_header("X-ClickHouse-Exception-Code", "1")
        self.end_headers()
        self.wfile.write(data)


def main():
    port, parquet = int(sys.argv[1]), sys.argv[2]
    ENGINE.query(TABLE)
    ENGINE.query(FILL.format(parquet=parquet))
    print("rows:", ENGINE.query("SELECT count(*) FROM otel_traces", "TabSeparated").bytes(), flush=True)
    ThreadingHTTPServer(("127.0.0.1", port), Handler).serve_forever()


main()
