"""Answers for inventory and payments, which are not built for the recording.

It records nothing, so these calls appear only as the caller's half. As payments
does, it asks orders before it charges, and orders records a call from nobody.
"""
import json
import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit
from urllib.request import urlopen

from receiver import read_body


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self, status: int, value) -> None:
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        wanted = parse_qs(urlsplit(self.path).query)["sku"][0].split(",")
        self.answer(200, [{"sku": sku, "available": 100} for sku in wanted])

    def do_POST(self):
        body = json.loads(read_body(self))
        if self.path == "/payments":
            with urlopen(f"{os.environ['ORDERS_URL']}/orders/{body['orderId']}", timeout=4) as order:
                assert json.load(order)["status"] == "PENDING"
            self.answer(201, {"id": f"pay-{body['orderId']}", "status": "CAPTURED"})
        else:
            self.answer(201, body)

    def log_message(self, *args):
        pass


ThreadingHTTPServer(("127.0.0.1", 8086), Handler).serve_forever()
