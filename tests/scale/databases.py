"""The same spans in SQLite, for the ADBC client: prints the driver's library and the database as JSON.
Usage: databases.py FOLDER"""

import glob
import importlib.util
import json
import sqlite3
import sys

import pyarrow.parquet as pq

folder = sys.argv[1]
COLUMNS = ["TraceId", "SpanId", "ParentSpanId", "TraceState", "SpanName", "SpanKind", "ServiceName", "StatusCode", "Timestamp", "Duration",
           "SpanAttributes", "links"]


def rows():
    for path in sorted(glob.glob(f"{folder}/data/parquet/*.parquet")):
        for row in pq.read_table(path).to_pylist():
            stamp = row["Timestamp"]
            row["Timestamp"] = (int(stamp.timestamp()) * 1_000_000 + stamp.microsecond) * 1_000
            row["SpanAttributes"] = json.dumps(dict(row["SpanAttributes"]))
            row["links"] = ",".join(f"{t}/{s}" for t, s in zip(row["Links"]["TraceId"], row["Links"]["SpanId"]))
            yield [row[c] for c in COLUMNS]


made = ", ".join(f"{c} {'BIGINT' if c in ('Timestamp', 'Duration') else 'TEXT'}" for c in COLUMNS)
lite = sqlite3.connect(f"{folder}/spans.sqlite")
lite.execute(f"CREATE TABLE spans ({made})")
lite.executemany(f"INSERT INTO spans VALUES ({', '.join('?' * len(COLUMNS))})", rows())
lite.commit()
lite.close()
lib = importlib.util.find_spec("adbc_driver_sqlite").submodule_search_locations[0] + "/libadbc_driver_sqlite.so"
print(json.dumps({"sqlite": (lib, f"{folder}/spans.sqlite")}))
