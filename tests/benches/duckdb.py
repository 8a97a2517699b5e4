"""DuckDB over the same Parquet files, for the ratio: `python3 tests/benches/duckdb.py FOLDER UNBRAID`.

FOLDER holds Parquet files of the collector's ClickHouse columns, UNBRAID is the program. The sides run alternately,
three times each, on all cores; the medians of CPU seconds and of wall seconds are printed. Needs `pip install duckdb`.

The self-join pairs clients with servers and opens no attribute. unbraid opens them for every span: the second side asks
DuckDB for the databases as well, by old and new names of attributes, which is still a part of what unbraid answers.
"""
import os
import resource
import statistics
import subprocess
import sys
import time

SELF_JOIN = """select p.ServiceName, c.ServiceName, c.SpanKind, count(*), sum(c.Duration) from '{0}' c join '{0}' p
on c.TraceId = p.TraceId and c.ParentSpanId = p.SpanId where c.SpanKind in ('Server','Consumer')
and p.SpanKind in ('Client','Producer') group by 1, 2, 3"""

DATABASES = """select ServiceName, coalesce(SpanAttributes['db.system.name'], SpanAttributes['db.system']),
coalesce(SpanAttributes['db.namespace'], SpanAttributes['db.name']),
coalesce(SpanAttributes['db.collection.name'], SpanAttributes['db.sql.table']), count(*), sum(Duration) from '{0}'
where SpanKind = 'Client' group by 1, 2, 3, 4"""


def asking(folder, *queries):
    path = os.path.join(folder, "*.parquet")
    lines = [f"print(len(duckdb.sql({query.format(path)!r}).fetchall()))" for query in queries]
    return [sys.executable, "-c", "\n".join(["import duckdb", *lines])]


def timed(command):
    before, begin = resource.getrusage(resource.RUSAGE_CHILDREN), time.time()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, time.time() - begin


def main():
    folder, unbraid = sys.argv[1:3]
    sides = {
        "duckdb self-join": asking(folder, SELF_JOIN),
        "and databases": asking(folder, SELF_JOIN, DATABASES),
        "unbraid": [unbraid, "check", "-q", folder],
    }
    runs = {name: [] for name in sides}
    for _ in range(3):
        for name, command in sides.items():
            runs[name].append(timed(command))
    for name, all_runs in runs.items():
        cpu, wall = (statistics.median(r[i] for r in all_runs) for i in (0, 1))
        print(f"{name:18} CPU {cpu:6.2f} s, wall {wall:6.2f} s")


main()
