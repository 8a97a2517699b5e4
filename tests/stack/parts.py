"""Parts of the stack: processes, ports, Kafka, Connect, the registry, and what reads them. Knows nothing of a plan."""

import json
import os
import re
import socket
import subprocess
import time
import urllib.error
import urllib.request
import zipfile
from pathlib import Path

from kafka import KafkaConsumer, TopicPartition

CACHE, WORK, ROOT = (Path(os.environ[k]) for k in ("CACHE", "WORK", "ROOT"))
STARTED = time.time()
PROCESSES = []
CUSTOMERS, ORDERS = 400, 300


def say(text):
    print(f"[{time.time() - STARTED:5.0f} s] {text}", flush=True)


def hold(condition, what):
    if not condition:
        raise AssertionError(what)
    say(f"ok: {what}")


def free_port(first):
    # Below the range of outgoing connections, so that no client of ours can take it.
    for port in range(first, first + 400):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) != 0:
                try:
                    probe.close()
                    with socket.socket() as bind:
                        bind.bind(("127.0.0.1", port))
                    return port
                except OSError:
                    continue
    raise RuntimeError("no free port")


PORT = {name: free_port(first) for name, first in
        {"pg": 25432, "maria": 23306, "kafka": 29092, "controller": 29592, "connect": 28083, "registry": 28481}.items()}
BOOTSTRAP = f"127.0.0.1:{PORT['kafka']}"
CONNECT = f"http://127.0.0.1:{PORT['connect']}"
REGISTRY = f"http://127.0.0.1:{PORT['registry']}/apis/ccompat/v7"


def start(name, command, ready, env=None, cwd=None):
    log = open(WORK / f"{name}.log", "ab")
    process = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, cwd=cwd,
                               env={**os.environ, **(env or {})}, start_new_session=True)
    PROCESSES.append(process)
    for _ in range(900):
        if process.poll() is not None:
            raise RuntimeError(f"{name} ended: {(WORK / f'{name}.log').read_text()[-2000:]}")
        if ready():
            say(f"{name} is up, pid {process.pid}")
            return process
        time.sleep(0.1)
    raise RuntimeError(f"{name} is not ready")


def stop(process):
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def run(command, env=None, seconds=120, stdin=None):
    done = subprocess.run(command, capture_output=True, text=True, timeout=seconds, input=stdin,
                          env={**os.environ, **(env or {})})
    if done.returncode != 0:
        raise RuntimeError(f"{command}: {done.stdout[-1500:]}{done.stderr[-1500:]}")
    return done.stdout


def http(method, url, body=None, expect=(200, 201, 202, 204)):
    data = None if body is None else (body if isinstance(body, bytes) else json.dumps(body).encode())
    request = urllib.request.Request(url, data=data, method=method, headers={"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            status, text = answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        status, text = error.code, error.read().decode()
    if expect and status not in expect:
        raise RuntimeError(f"{method} {url}: {status} {text[:800]}")
    return status, (json.loads(text) if text.strip().startswith(("{", "[")) else text)


def answers(url):
    try:
        return urllib.request.urlopen(url, timeout=2).status == 200
    except (OSError, urllib.error.URLError):
        return False


# --- Kafka, Connect, registry

JAVA = ["java", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"]


def log4j():
    file = WORK / "log4j2.properties"
    file.write_text("rootLogger.level=WARN\nrootLogger.appenderRef.e.ref=E\nappender.e.type=Console\nappender.e.name=E\n"
                    "appender.e.target=SYSTEM_ERR\nappender.e.layout.type=PatternLayout\nappender.e.layout.pattern=%d %p %c %m%n%ex\n")
    return f"-Dlog4j2.configurationFile={file}"


def kafka():
    classes = f"{CACHE}/lib/kafka/*"
    config = WORK / "server.properties"
    config.write_text(f"""process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{PORT['controller']}
listeners=PLAINTEXT://127.0.0.1:{PORT['kafka']},CONTROLLER://127.0.0.1:{PORT['controller']}
advertised.listeners=PLAINTEXT://127.0.0.1:{PORT['kafka']}
controller.listener.names=CONTROLLER
log.dirs={WORK}/kafka
auto.create.topics.enable=false
offsets.topic.replication.factor=1
offsets.topic.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.num.partitions=2
transaction.state.log.min.isr=1
group.initial.rebalance.delay.ms=0
""")
    run(JAVA + [log4j(), "-cp", classes, "kafka.tools.StorageTool", "format", "-t", "M3Vzb25lcyBhcmUgaGFwcA", "-c", str(config)])

    def up():
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", PORT["kafka"])) == 0
    start("kafka", JAVA + ["-Xmx512m", log4j(), "-cp", classes, "kafka.Kafka", str(config)], up)
    tools = WORK / "bin"
    tools.mkdir()
    tool = tools / "kafka-topics.sh"
    # The scripts of the plan start it for every topic: from an archive of its classes in half of the time.
    command = [*JAVA, log4j(), "-cp", classes, "org.apache.kafka.tools.TopicCommand"]
    run([*command[:1], f"-XX:ArchiveClassesAtExit={WORK}/topics.jsa", *command[1:], "--bootstrap-server", BOOTSTRAP, "--list"])
    quoted = " ".join(f"'{part}'" for part in [command[0], f"-XX:SharedArchiveFile={WORK}/topics.jsa", *command[1:]])
    tool.write_text(f"#!/bin/sh\nexec timeout 60 {quoted} \"$@\"\n")
    tool.chmod(0o755)
    os.environ["PATH"] = f"{tools}:{os.environ['PATH']}"
    os.environ.update(BOOTSTRAP_SERVERS=BOOTSTRAP, REPLICATION_FACTOR="1", MIN_INSYNC_REPLICAS="1",
                      SCHEMA_REGISTRY_URL=REGISTRY, CONNECT_URL=CONNECT)


def plugins():
    # What the worker has itself must not be in a plug-in's folder twice.
    own = ("connect-api", "connect-json", "kafka-clients", "slf4j-api", "lz4-java", "snappy-java", "zstd-jni", "jakarta.ws.rs-api")
    for name in ("debezium", "mariadb", "converter"):
        folder = WORK / "plugins" / name
        folder.mkdir(parents=True)
        for jar in (CACHE / "lib" / name).glob("*.jar"):
            if not jar.name.startswith(own):
                (folder / jar.name).symlink_to(jar)
    # The registry's converter brings no manifest, and workers find plug-ins by theirs.
    with zipfile.ZipFile(WORK / "plugins/converter/manifest.jar", "w") as manifest:
        manifest.writestr("META-INF/services/org.apache.kafka.connect.storage.Converter", "io.apicurio.registry.utils.converter.AvroConverter\n")


def connect(exactly_once):
    config = WORK / "worker.properties"
    config.write_text(f"""bootstrap.servers={BOOTSTRAP}
group.id=stack
listeners=HTTP://127.0.0.1:{PORT['connect']}
rest.advertised.host.name=127.0.0.1
key.converter=org.apache.kafka.connect.json.JsonConverter
value.converter=org.apache.kafka.connect.json.JsonConverter
config.storage.topic=connect-configs
offset.storage.topic=connect-offsets
status.storage.topic=connect-status
config.storage.replication.factor=1
offset.storage.replication.factor=1
offset.storage.partitions=1
status.storage.replication.factor=1
status.storage.partitions=1
offset.flush.interval.ms=2000
plugin.path={WORK}/plugins
plugin.discovery=service_load
exactly.once.source.support={'enabled' if exactly_once else 'disabled'}
config.providers=env
config.providers.env.class=org.apache.kafka.common.config.provider.EnvVarConfigProvider
""")
    login = {}
    for database, port in (("CUSTOMERS", "pg"), ("ORDERS", "pg"), ("BOOKS", "maria")):
        login.update({f"{database}_DB_HOST": "127.0.0.1", f"{database}_DB_PORT": str(PORT[port]),
                      f"{database}_DB_USER": f"unbraid_{database.lower()}_cdc", f"{database}_DB_PASSWORD": "stack-only"})
    return start("connect", JAVA + ["-Xmx768m", log4j(), "-cp", f"{CACHE}/lib/kafka/*",
                                    "org.apache.kafka.connect.cli.ConnectDistributed", str(config)],
                 lambda: answers(f"{CONNECT}/connectors"), env=login)


def registry():
    jar = next((CACHE / "registry").rglob("apicurio-registry-app-*-runner.jar"))
    start("registry", JAVA + ["-Xmx384m", "-jar", str(jar)], lambda: answers(f"{REGISTRY}/subjects"), cwd=jar.parent,
          env={"QUARKUS_HTTP_HOST": "127.0.0.1", "QUARKUS_HTTP_PORT": str(PORT["registry"])})


def running(name):
    for _ in range(300):
        status, body = http("GET", f"{CONNECT}/connectors/{name}/status", expect=None)
        if status == 200 and body["tasks"] and all(t["state"] == "RUNNING" for t in body["tasks"]):
            return say(f"{name} runs")
        if status == 200 and any(t["state"] == "FAILED" for t in body["tasks"]):
            raise RuntimeError(f"{name} failed: {body['tasks'][0].get('trace', '')[:1500]}")
        time.sleep(0.2)
    raise RuntimeError(f"{name} does not run: {body}")


def records(topic):
    """Everything that is committed in a topic now, partition by partition in order."""
    consumer = KafkaConsumer(bootstrap_servers=BOOTSTRAP, isolation_level="read_committed", enable_auto_commit=False,
                             auto_offset_reset="earliest")
    parts = [TopicPartition(topic, p) for p in consumer.partitions_for_topic(topic) or []]
    consumer.assign(parts)
    ends = consumer.end_offsets(parts)
    for part, first in consumer.beginning_offsets(parts).items():
        consumer.seek(part, first)
    found, idle = [], 0
    while any(consumer.position(p) < ends[p] for p in parts) and idle < 20:
        batch = consumer.poll(timeout_ms=500)
        idle = 0 if batch else idle + 1
        for part in batch.values():
            found.extend(part)
    consumer.close()
    return found


def make_plan(system, schema):
    folder = WORK / f"plan-{system.name}-{schema}"
    run([os.environ["UNBRAID"], "plan", str(system), "-o", str(folder), "--schema", schema, "--verify", "--quiet"])
    return folder, {s["entity"]: s["design"] for s in json.loads((folder / "plan.json").read_text())["plan"]["steps"]}


def register_connector(body):
    """Asks the worker's own validation first."""
    connector = body["config"]["connector.class"].rsplit(".", 1)[1]
    _, verdict = http("PUT", f"{CONNECT}/connector-plugins/{connector}/config/validate", {**body["config"], "name": body["name"]})
    errors = [(c["value"]["name"], c["value"]["errors"]) for c in verdict["configs"] if c["value"]["errors"]]
    hold(verdict["error_count"] == 0, f"the worker accepts {body['name']} {errors or ''}")
    http("POST", f"{CONNECT}/connectors", body)


def delivered(design, count):
    """Every business event that was written, as it was declared."""
    found, events = [], design["events"]
    for _ in range(40):
        found = records(design["event_topic"])
        if len(found) >= count:
            break
        time.sleep(0.5)
    headers = [dict(r.headers) for r in found]
    wanted = {"ce_id", "ce_type", "ce_time", "ce_source", "ce_specversion", "content-type"}
    hold(len(found) == count and len({h["ce_id"] for h in headers}) == count, f"{design['event_topic']} holds every event once ({len(found)})")
    hold(all(wanted <= h.keys() for h in headers), "every event has the headers of CloudEvents")
    odd = [h for h in headers if (h["ce_specversion"], h["content-type"]) != (b"1.0", b"application/json")]
    hold(not odd, f"their fixed values are right {odd[:1] or ''}")
    times = [h["ce_time"].decode() for h in headers]
    hold(all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", t) for t in times), f"their times are instants ({times[0]})")
    hold({h["ce_type"].decode() for h in headers} == {e["kind"] for e in events}, "their types are the designed ones")
    order = {}
    for record in found:
        order.setdefault(record.key.decode(), []).append(json.loads(record.value)["n"])
    hold(set(order) == {f"k{n}" for n in range(5)} and all(v == sorted(v) for v in order.values()), "keys are plain texts, events of a key in order")
