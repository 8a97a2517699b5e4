"""The self-join of DuckDB over the same Parquet files, for the ratio: `python3 tests/benches/duckdb.py FOLDER UNBRAID`.

FOLDER holds Parquet files of the collector's ClickHouse columns, UNBRAID is the program. Both run alternately, three
times each, on all cores; the medians of CPU seconds and of wall seconds are printed. Needs `pip install duckdb`.
"""
import os
import resource
import statistics
import subprocess
import sys
import time

SQL = """
import duckdb
print(duckdb.sql('''select p.ServiceName, c.ServiceName, c.SpanKind, count(*), sum(c.Duration) from '{0}' c join '{0}' p
on c.TraceId = p.TraceId and c.ParentSpanId = p.SpanId where c.SpanKind in ('Server','Consumer')
and p.SpanKind in ('Client','Producer') group by 1, 2, 3''').fetchall()[:0])
"""


def timed(command):
    before, begin = resource.getrusage(resource.RUSAGE_CHILDREN), time.time()
    subprocess.run(command, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, time.time() - begin


def main():
    folder, unbraid = sys.argv[1:3]
    sides = {
        "duckdb self-join": [sys.executable, "-c", SQL.format(os.path.join(folder, "*.parquet"))],
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
