"""Takes OTLP over HTTP (protobuf) and appends each request body to a file.

Every body is one ExportTraceServiceRequest and stands behind its length as a
varint, the way protobuf libraries write delimited messages.

    receiver.py FILE          listens on 127.0.0.1:4318 until it is ended
    receiver.py --count FILE  counts frames and bytes
"""
import gzip
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

LOCK = threading.Lock()


def read_body(request) -> bytes:
    """The body of a request, whether its length is given or it comes in chunks."""
    if "chunked" not in request.headers.get("transfer-encoding", ""):
        return request.rfile.read(int(request.headers.get("content-length", 0)))
    body = b""
    while size := int(request.rfile.readline().split(b";")[0], 16):
        body += request.rfile.read(size)
        request.rfile.readline()
    request.rfile.readline()
    return body


def varint(number: int) -> bytes:
    """A number in groups of seven bits, the lowest first."""
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    out.append(number)
    return bytes(out)


def handler(out):
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            body = read_body(self)
            if self.headers.get("content-encoding") == "gzip":
                body = gzip.decompress(body)
            if self.path == "/v1/traces":
                with LOCK:
                    out.write(varint(len(body)) + body)
                    out.flush()
            self.send_response(200)
            self.send_header("content-type", "application/x-protobuf")
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *args):
            pass

    return Handler


def count(path: str) -> None:
    data = open(path, "rb").read()
    at = frames = 0
    while at < len(data):
        length = shift = 0
        while True:
            length |= (data[at] & 127) << shift
            shift += 7
            at += 1
            if data[at - 1] < 128:
                break
        at += length
        frames += 1
    assert at == len(data), "the last frame is cut off"
    print(f"{frames} frames, {len(data)} bytes")


if __name__ == "__main__":
    if sys.argv[1] == "--count":
        count(sys.argv[2])
    else:
        with open(sys.argv[1], "ab") as out:
            ThreadingHTTPServer(("127.0.0.1", 4318), handler(out)).serve_forever()
