"""The same spans on real engines give the same traffic as here. Started by `run`, which sets up what is installed."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from pathlib import Path

from same import compare

WORK, PYTHON, HERE = Path(os.environ["WORK"]), os.environ["PYTHON"], Path(__file__).parent
UNBRAID, FOLD = os.environ["UNBRAID"], os.environ["FOLD"]
TRACES = os.environ.get("TRACES", "2000")
STARTED = time.time()
PROCESSES = []
SECRET = "s3cret-that-nobody-may-see"


def say(text):
    print(f"[{time.time() - STARTED:5.0f} s] {text}", flush=True)


def hold(condition, what):
    if not condition:
        raise AssertionError(what)
    say(f"ok: {what}")


def free_port(first):
    # Below the range of outgoing connections, so that no client of ours can take it.
    for port in range(first, first + 400):
        with socket.socket() as bind:
            try:
                bind.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue
    raise RuntimeError("no free port")


def is_open(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def start(name, command, ready, env=None, seconds=150):
    log = open(WORK / f"{name}.log", "ab")
    process = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, cwd=WORK,
                               env={**os.environ, **(env or {})}, start_new_session=True)
    PROCESSES.append(process)
    for _ in range(seconds * 10):
        if process.poll() is not None:
            raise RuntimeError(f"{name} ended: {(WORK / f'{name}.log').read_text()[-2000:]}")
        if ready():
            say(f"{name} is up, pid {process.pid}")
            return process
        time.sleep(0.1)
    raise RuntimeError(f"{name} is not ready")


def stop(process):
    for kind in (signal.SIGTERM, signal.SIGKILL):
        if process.poll() is None:
            # Its own session, so that what it started ends with it.
            os.killpg(process.pid, kind)
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                continue


def unbraid(*arguments, facts=None, env=None, stdin=None, seconds=240):
    command = [UNBRAID, *arguments]
    if facts:
        command += ["--facts-out", str(facts), "-o", f"json={WORK}/result.json"]
    own = {k: v for k, v in os.environ.items() if not k.startswith("UNBRAID_ENGINE")}
    return subprocess.run(command, capture_output=True, text=True, input=stdin, timeout=seconds, cwd=WORK, env={**own, **(env or {})})


def folded(name, *arguments, expected=None, pairs=False, env=None):
    """Runs an engine and compares its traffic with the local one."""
    facts, begun = WORK / f"{name}.json", time.time()
    done = unbraid("analyze", *arguments, facts=facts, env=env)
    if done.returncode != 0:
        raise AssertionError(f"{name}: exit {done.returncode}: {done.stderr[-1500:]}")
    wrong = compare(expected or WORK / "local.json", facts, pairs)
    hold(wrong is None, f"{name}: the traffic of the local run{' (pairs)' if pairs else ''}, {time.time() - begun:.1f} s"
         + (f": {wrong}" if wrong else ""))
    return done


def refused(what, done, *says):
    text = done.stderr + done.stdout
    hold(done.returncode == 2 and all(s in text for s in says) and SECRET not in text and "panicked" not in text,
         f"{what}: exit {done.returncode}, {done.stderr.strip().splitlines()[-1:]}")
    hold(len([line for line in done.stderr.splitlines() if line.startswith("error")]) == 1, f"{what}: one line says so")


def post(port, path):
    urllib.request.urlopen(urllib.request.Request(f"http://127.0.0.1:{port}{path}", data=b"", method="POST"), timeout=10).read()


def config(name, text):
    path = WORK / f"{name}.yaml"
    path.write_text(text)
    return ["--config", str(path)]


def clickhouse():
    port = free_port(28123)
    start("clickhouse", [PYTHON, str(HERE / "shim.py"), str(port), str(WORK / "data/parquet")], lambda: is_open(port))
    at = f"clickhouse=http://127.0.0.1:{port}"
    secret = {"UNBRAID_ENGINE_USER": "reader", "UNBRAID_ENGINE_PASSWORD": SECRET}
    done = folded("clickhouse-5-slices", "--engine", at, "--slices", "5", env=secret)
    hold("max_memory_usage=" in done.stderr and "readonly=2" in done.stderr and SECRET not in done.stderr + done.stdout,
         "ClickHouse: settings are shown before the run, no password")
    folded("clickhouse-whole", "--engine", f"{at}/?max_threads=1")
    windows = WORK / "windows"
    windows.mkdir(exist_ok=True)
    # The made-up traces begin 3 ms apart from here on; a margin of an hour.
    cut, around = "1750000003", config("margin", "engine: {margin: 3600}\n")
    for name, window in {"before": ["--until", cut], "after": ["--from", cut]}.items():
        done = unbraid("analyze", "--engine", at, *window, *around, facts=WORK / f"{name}.json")
        hold(done.returncode == 0, f"ClickHouse: a window {' '.join(window)}")
    halves = [json.load(open(WORK / f"{n}.json"))["traffic"]["ledger"]["spans"] for n in ("before", "after")]
    hold(sum(halves) == json.load(open(WORK / "local.json"))["traffic"]["ledger"]["spans"] and min(halves) > 0,
         f"ClickHouse: two windows that follow each other hold all spans once: {halves}")
    post(port, "/fault/cut")
    done = folded("clickhouse-broken-once", "--engine", at, "--slices", "2")
    hold("is read again" in done.stderr, "ClickHouse: a slice whose answer broke off was read again")
    post(port, "/fault/dead")
    refused("ClickHouse that dies in the middle", unbraid("analyze", "--engine", at, facts=WORK / "x.json"))
    post(port, "/fault/lose")
    refused("ClickHouse that loses a row", unbraid("analyze", "--engine", at, facts=WORK / "x.json"), "counts", "were folded")
    post(port, "/fault/none")
    done = unbraid("analyze", "--engine", at, *config("table", "engine: {table: no_such}\n"), facts=WORK / "x.json", env=secret)
    refused("ClickHouse without the table", done, "engine.table in unbraid.yaml")
    done = unbraid("analyze", "--engine", at, *config("column", "engine: {columns: {service: app}}\n"), facts=WORK / "x.json")
    refused("ClickHouse without the column", done, "engine.columns in unbraid.yaml")
    refused("a server that is not there", unbraid("analyze", "--engine", "clickhouse=http://127.0.0.1:9", facts=WORK / "x.json", env=secret))
    refused("a password in the address", unbraid("analyze", "--engine", f"clickhouse=http://u:{SECRET}@127.0.0.1:{port}"))


def adbc():
    made = subprocess.run([PYTHON, str(HERE / "databases.py"), str(WORK)], capture_output=True, text=True, timeout=120)
    hold(made.returncode == 0, f"SQLite is filled{made.stderr[-800:]}")
    for name, (library, path) in json.loads(made.stdout).items():
        columns = config(name, "engine: {table: spans, time_unit: ns, json_attributes: true, columns: {link_traces: links, link_spans: ''}}\n")
        folded(f"adbc-{name}", "--engine", f"adbc={library}:{path}", *columns)
        folded(f"adbc-{name}-7-slices", "--engine", f"adbc={library}:", "--slices", "7", *columns, env={"UNBRAID_ENGINE_URI": path})
    refused("a driver that is not there", unbraid("analyze", "--engine", "adbc=/no/driver.so:x", *columns, facts=WORK / "x.json"), "driver")


def executors():
    """Pids of our executors."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                line, folder = (entry / "cmdline").read_bytes(), os.readlink(entry / "cwd")
            except OSError:
                continue
            if b"CoarseGrainedExecutorBackend" in line and folder.startswith(str(WORK)):
                found.append(int(entry.name))
    return found


def spark_cluster():
    home = os.environ["SPARK_HOME"]
    env = {"SPARK_HOME": home, "SPARK_LOCAL_IP": "127.0.0.1", "SPARK_NO_DAEMONIZE": "1", "PYSPARK_PYTHON": PYTHON,
           "SPARK_LOCAL_DIRS": str(WORK / "spark-local")}
    spark_class, submit = f"{home}/bin/spark-class", f"{home}/bin/spark-submit"
    master = free_port(27077)
    start("master", [spark_class, "-Xmx256m", "org.apache.spark.deploy.master.Master", "--host", "127.0.0.1", "--port", str(master),
                     "--webui-port", str(free_port(28080))], lambda: is_open(master), env)
    for n in (1, 2):
        log = WORK / f"worker{n}.log"
        start(f"worker{n}", [spark_class, "-Xmx256m", "org.apache.spark.deploy.worker.Worker", "--host", "127.0.0.1", "--cores", "1", "--memory", "2g",
                             "--webui-port", str(free_port(28090 + 100 * n)), "--work-dir", str(WORK / f"w{n}"), f"spark://127.0.0.1:{master}"],
              lambda: log.exists() and "Successfully registered" in log.read_text(), env)
    connect = free_port(25002)
    conf = {"spark.executor.memory": "1200m", "spark.executor.cores": "1", "spark.cores.max": "2", "spark.sql.shuffle.partitions": "6",
            "spark.connect.grpc.binding.port": connect, "spark.connect.grpc.binding.address": "127.0.0.1", "spark.driver.host": "127.0.0.1",
            "spark.ui.enabled": "false", "spark.sql.adaptive.coalescePartitions.enabled": "false", "spark.sql.warehouse.dir": WORK / "warehouse",
            "spark.sql.session.timeZone": "America/New_York", "spark.task.maxFailures": "2"}
    flags = [part for k, v in conf.items() for part in ("--conf", f"{k}={v}")]
    start("connect", [submit, "--class", "org.apache.spark.sql.connect.service.SparkConnectServer", "--master", f"spark://127.0.0.1:{master}",
                      "--driver-memory", "1g", *flags, "spark-internal"], lambda: is_open(connect), env)
    return f"spark=sc://127.0.0.1:{connect}"


def spark():
    at = spark_cluster()
    here = config("spark", f"engine: {{table: 'parquet.`{WORK}/data/parquet`'}}\n")
    sent = ["--fold-binary", FOLD]
    done = folded("spark-fold", "--engine", at, *here, *sent)
    hold("runs unbraid-" in done.stderr, "Spark: the program's name is said before the run")
    folded("spark-fold-3-slices", "--engine", at, "--slices", "3", *here, *sent)
    done = folded("spark-join", "--engine", at, "--spark-join", *here, pairs=True)
    notes = json.load(open(WORK / "result.json"))["notes"]
    hold(any("are not seen" in n["text"] for n in notes), "Spark join: the output says what is not seen")
    killed(at, here)
    program = WORK / "broken-program"
    program.write_text("#!/bin/sh\necho cannot run here >&2\nexit 3\n")
    program.chmod(0o755)
    done = unbraid("analyze", "--engine", at, *here, "--fold-binary", str(program), facts=WORK / "x.json")
    refused("a program that does not run on the executors", done, "--fold-binary")
    program.write_text("#!/bin/sh\ncat > /dev/null\n")
    done = unbraid("analyze", "--engine", at, *here, "--fold-binary", str(program), facts=WORK / "x.json")
    refused("a program that folds nothing", done)
    # It folds the one row of the probe, and loses rows of the table.
    program.write_text(f"#!/bin/sh\nsed 100d | {FOLD} \"$@\"\n")
    done = unbraid("analyze", "--engine", at, *here, "--fold-binary", str(program), facts=WORK / "x.json")
    refused("a fold that loses rows", done, "counts", "were folded")
    done = unbraid("analyze", "--engine", at, *config("none", "engine: {table: no_such}\n"), *sent, facts=WORK / "x.json")
    refused("Spark without the table", done, "no_such")


def killed(at, here):
    """One executor is killed while folds run: they are slowed, so that there is a middle."""
    slow = WORK / "slow-program"
    slow.write_text(f"#!/bin/sh\nsleep 2\nexec {FOLD} \"$@\"\n")
    slow.chmod(0o755)
    seen = {}

    def kill():
        time.sleep(8)
        before = executors()
        if before:
            os.kill(before[0], signal.SIGKILL)
            seen["pid"] = before[0]

    killer = threading.Thread(target=kill)
    killer.start()
    begun = time.time()
    folded("spark-fold-one-executor-killed", "--engine", at, *here, "--fold-binary", str(slow))
    killer.join()
    hold("pid" in seen and time.time() - begun > 8, f"Spark: executor {seen.get('pid')} was killed while the fold ran")
    text = (WORK / "connect.log").read_text()
    hold("Lost executor" in text, "Spark: the driver says that it lost the executor")


def sail():
    """A Spark Connect server that refuses programs (Sail): the fold is not run, and the output says what is not seen."""
    if "SAIL" not in os.environ:
        return say("SKIPPED: the Python index does not give Sail, refused programs were not proved")
    port = free_port(25502)
    start("sail", [os.environ["SAIL"], "spark", "server", "--ip", "127.0.0.1", "--port", str(port)], lambda: is_open(port))
    here = config("sail", f"engine: {{table: 'parquet.`{WORK}/data/parquet`'}}\n")
    done = folded("sail-join", "--engine", f"spark=sc://127.0.0.1:{port}", "--fold-binary", FOLD, *here, pairs=True)
    notes = [n["text"] for n in json.load(open(WORK / "result.json"))["notes"]]
    hold("joins pairs" in done.stderr and any("programs are refused here" in n and "are not seen" in n for n in notes),
         "Sail refuses programs: pairs are joined in SQL, and the output says so")


def speed():
    """Not among the proofs: the fold on Spark beside an empty TRANSFORM (`cat`) on the same rows, in CPU seconds of the
    executors and what they start. Give TRACES=60000 for about a million spans."""
    from pyspark.sql import SparkSession
    at = spark_cluster()
    session = SparkSession.builder.remote(at.removeprefix("spark=")).getOrCreate()
    source = (HERE.parent.parent / "src/ingest/fold/keys.rs").read_text()
    keys = ", ".join(f"'{k}'" for k in re.findall(r'\(b"([a-z0-9_.]+)", ', source))
    plain = lambda e: f"replace(replace(replace({e}, '\\\\', '\\\\\\\\'), '\\t', '\\\\t'), '\\n', '\\\\n')"
    fields = ["TraceId", "SpanId", "ParentSpanId", plain("ServiceName"), plain("SpanName"), "SpanKind", "StatusCode", "unix_micros(Timestamp) * 1000",
              "Duration", plain("TraceState"), "concat_ws(',', zip_with(Links.TraceId, Links.SpanId, (t, s) -> concat(t, '/', s)))",
              plain(f"to_json(map_filter(SpanAttributes, (k, v) -> k IN ({keys})))")]
    rows = (f"SELECT {', '.join(f'{e} AS c{i}' for i, e in enumerate(fields))} FROM parquet.`{WORK}/data/parquet` DISTRIBUTE BY c0 SORT BY c0")
    delimited = lambda by: f"ROW FORMAT DELIMITED FIELDS TERMINATED BY '{by}' LINES TERMINATED BY '\\n'"
    cat = (f"SELECT count(*) FROM (SELECT TRANSFORM({', '.join(f'c{i}' for i in range(len(fields)))}) {delimited(chr(92) + 't')} NULL DEFINED AS '' "
           f"USING 'cat' AS (line STRING) {delimited(chr(92) + 'u0001')} FROM ({rows}))")
    here = config("spark", f"engine: {{table: 'parquet.`{WORK}/data/parquet`'}}\n")
    ticks = os.sysconf("SC_CLK_TCK")
    # Own time and that of children that ended: utime, stime, cutime, cstime.
    used = lambda: sum(sum(map(int, (Path("/proc") / str(pid) / "stat").read_text().rsplit(")", 1)[1].split()[11:15])) for pid in executors()) / ticks
    header = "trace_id,span_id,parent_span_id,service,name,kind,status,start_ns,duration_ns,tracestate,links,attributes"
    sql = {"cat": cat, "fold alone": cat.replace("'cat'", f"'{FOLD} fold --columns {header}'")}
    taken = {"cat": [], "fold alone": [], "analyze": []}
    for attempt in range(5):
        for name in taken:
            before, begun = used(), time.time()
            if name in sql:
                lines = session.sql(sql[name]).collect()[0][0]
                counted = lines if name == "cat" else counted
            else:
                hold(unbraid("analyze", "--engine", at, *here, "--fold-binary", FOLD, facts=WORK / "x.json").returncode == 0, "folded")
            taken[name].append((round(used() - before, 2), round(time.time() - begun, 2)))
    say(f"{counted} rows; (CPU s, wall s) by attempt, the first is cold: {taken}")
    best = {name: min(cpu for cpu, _ in all_of[1:]) for name, all_of in taken.items()}
    # Else the client waits for a server that is stopped before it.
    session.stop()
    say(f"CPU s: cat {best['cat']}; fold {best['fold alone']}, {best['fold alone'] / best['cat']:.2f} times; with the probe, the count of rows and "
        f"the lines brought here {best['analyze']}, {best['analyze'] / best['cat']:.2f} times")


def default_build():
    refused("a Spark server that is not there", unbraid("analyze", "--engine", "spark=sc://127.0.0.1:9", facts=WORK / "x.json"), "nobody answers")
    if FOLD == UNBRAID:
        return say("no default build is here, what it says is left to the tests in Rust")
    done = subprocess.run([FOLD, "analyze", "--engine", "spark=sc://127.0.0.1:1"], capture_output=True, text=True, timeout=60)
    hold(done.returncode == 2 and "--features spark" in done.stderr, "the default build says how to build with Spark's client")


def main():
    made = subprocess.run([PYTHON, str(HERE / "generate.py"), str(WORK / "data"), TRACES], capture_output=True, text=True, check=True)
    done = unbraid("analyze", str(WORK / "data/traces.jsonl"), facts=WORK / "local.json")
    hold(done.returncode == 0, f"{made.stdout.strip()} spans are read here")
    parts = {"default": default_build, "clickhouse": clickhouse, "adbc": adbc, "sail": sail, "spark": spark}
    for name in sys.argv[1:] or parts:
        {**parts, "speed": speed}[name]()


try:
    main()
    code = 0
except Exception as error:
    print(f"FAILED: {type(error).__name__}: {error}", flush=True)
    code = 1
finally:
    for process in reversed(PROCESSES):
        stop(process)
sys.exit(code)
