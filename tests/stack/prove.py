"""Proves the generated plan of the sample shop on running components; every claim ends in an assertion."""

import hashlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import mariadb
import wire
from checkers import checkers
from parts import (BOOTSTRAP, CACHE, CONNECT, JAVA, PORT, PROCESSES, REGISTRY, ROOT, WORK, connect, delivered, hold, http, kafka, make_plan, plugins,
                   records, register_connector, registry, run, running, say, start, stop)

PG = Path(os.environ["POSTGRES"])
CUSTOMERS, ORDERS = 400, 300


# --- PostgreSQL

def psql(database, sql, seconds=120):
    command = ["psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1", "-p", str(PORT["pg"]),
               "-U", "postgres", "-d", database]
    return run(command, stdin=sql, seconds=seconds)


def postgres():
    folder = WORK / "pg"
    folder.mkdir()
    run(["chown", "postgres", str(folder)])
    os.chmod(WORK, 0o755)
    user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
    run(user + [str(PG / "initdb"), "-D", str(folder / "data"), "-A", "trust", "-E", "UTF8", "--no-sync"])
    options = f"-c port={PORT['pg']} -c listen_addresses=127.0.0.1 -c wal_level=logical -c fsync=off -c unix_socket_directories={folder}"
    ready = ["pg_isready", "-q", "-h", "127.0.0.1", "-p", str(PORT["pg"])]
    start("postgres", user + [str(PG / "postgres"), "-D", str(folder / "data"), *options.split()],
          lambda: subprocess.run(ready).returncode == 0)
    for database in ("customers", "orders", "copies"):
        psql("postgres", f"CREATE DATABASE {database}")
    shop = ROOT / "samples/shop"
    for database, files in {"customers": sorted((shop / "customers/migrations").glob("*.sql")),
                            "orders": sorted((shop / "orders/src/main/resources/db/migration").glob("*.sql"))}.items():
        for file in files:
            psql(database, file.read_text())
    psql("customers", f"""
        INSERT INTO customers (id, name, email, phone, date_of_birth, tier, status)
        SELECT 'c' || n, 'Secretname ' || n, 'secret' || n || '@example.test', '0' || n, date '1990-01-01' + n,
               (ARRAY['standard','silver','gold'])[n % 3 + 1], CASE WHEN n % 10 = 0 THEN 'blocked' ELSE 'active' END
        FROM generate_series(1, {CUSTOMERS}) n;
        INSERT INTO addresses SELECT 'c' || n, 'home', 'Secretstreet ' || n, '1' || n, 'Town', 'DE' FROM generate_series(1, {CUSTOMERS}) n;
        INSERT INTO preferences SELECT 'c' || n, 'en', n % 2 = 0 FROM generate_series(1, {CUSTOMERS}) n;""")
    psql("orders", f"""
        INSERT INTO orders SELECT md5(n::text)::uuid, 'c' || n % {CUSTOMERS}, 'secret' || n || '@example.test',
               (ARRAY['PENDING','PLACED','CANCELLED'])[n % 3 + 1], n * 100, timestamptz '2026-01-01' + n * interval '1 minute'
        FROM generate_series(1, {ORDERS}) n;""")


# --- The step, as its files say

def set_up(folder, design):
    step, owner = folder / design["folder"], design["owner"]
    for name in ("source.postgresql.sql", "outbox.postgresql.sql"):
        psql(owner, (step / name).read_text())
    psql(owner, f"ALTER ROLE \"unbraid_{owner}_cdc\" PASSWORD 'stack-only'")
    for name in ("entity", "outbox"):
        register_connector(wire.real(json.loads((step / f"connectors/{name}.json").read_text())))
    for name in (f"{owner}-entity-source", f"{owner}-outbox-source"):
        running(name)


def flushed(owner, seconds=60):
    """Waits until both slots of an owner have confirmed what is written now."""
    target = psql(owner, "SELECT pg_current_wal_lsn()").strip()
    for _ in range(seconds * 4):
        left = psql(owner, f"SELECT count(*) FROM pg_replication_slots WHERE database = '{owner}' AND slot_name LIKE 'unbraid%' "
                           f"AND (confirmed_flush_lsn < '{target}' OR NOT active)").strip()
        if left == "0":
            return True
        time.sleep(0.25)
    return False


def state(topic, key, decode):
    """Last state per key, and whether versions of each key never step back."""
    last, ordered, duplicates, seen = {}, True, 0, set()
    for record in records(topic):
        k = tuple(json.loads(record.key)[c] for c in key)
        value = decode(record.value) if record.value else None
        if value:
            mark = (k, value["entity_version"], hashlib.sha256(record.value).hexdigest())
            duplicates += mark in seen
            seen.add(mark)
            ordered = ordered and (k not in last or last[k]["entity_version"] <= value["entity_version"])
            last[k] = value
    return last, ordered, duplicates


def same_as_table(owner, entity, decode=json.loads):
    key = [f["column"] for f in entity["fields"] if f["key"]]
    shown = [f["column"] for f in entity["fields"] if not f["personal"] and f["kind"] not in ("timestamp",)]
    rows = psql(owner, f"SELECT row_to_json(t) FROM (SELECT {', '.join(shown)} FROM {entity['table']}) t")
    table = {tuple(r[k] for k in key): r for r in map(json.loads, rows.splitlines())}
    last, ordered, duplicates = state(entity["topic"], key, decode)
    alive = {k: {c: v[c] for c in shown} for k, v in last.items() if v["entity_deleted"] == "false"}
    missing, extra = table.keys() - alive.keys(), alive.keys() - table.keys()
    wrong = [k for k in table.keys() & alive.keys() if table[k] != alive[k]]
    say(f"{entity['topic']}: {len(alive)} keys, missing {len(missing)}, extra {len(extra)}, wrong {len(wrong)}, "
        f"duplicates {duplicates}, in order {ordered} {[(table[k], alive[k]) for k in wrong[:1]] or ''}")
    return not missing and not extra and not wrong, ordered, duplicates


def change(round_):
    psql("customers", f"""
        UPDATE customers SET tier = 'gold', name = name || '+' WHERE id IN (SELECT 'c' || n FROM generate_series({round_ * 7 % 200 + 1}, {round_ * 7 % 200 + 20}) n);
        UPDATE customers SET status = 'blocked' WHERE id = 'c{round_ % 50 + 300}';
        INSERT INTO customers VALUES ('n{round_}', 'Secretname n', 'secretn{round_}@example.test', '', date '2000-01-01', 'silver', 'active');
        INSERT INTO addresses VALUES ('n{round_}', 'billing', 'Secretstreet n', '1', 'Town', 'FR');
        DELETE FROM customers WHERE id = 'c{round_ + 350}' OR id = 'n{round_ - 5}';""")
    psql("orders", f"""
        UPDATE orders SET status = 'CANCELLED' WHERE id = md5('{round_ + 1}')::uuid;
        DELETE FROM orders WHERE id = md5('{round_ + 200}')::uuid;""")


def masked(designs):
    for design in designs:
        for topic in [e["topic"] for e in design["entities"]] + [design["event_topic"]]:
            for record in records(topic):
                raw = (record.key or b"") + (record.value or b"")
                if re.search(rb"secret(\d|n)|Secretname|Secretstreet|date_of_birth", raw):
                    return False
    return True


def outbox(designs):
    for design in designs:
        owner, entity, events = design["owner"], design["entities"][0], design["events"]
        sql = []
        for n in range(60):
            event = events[n % len(events)]
            sql.append(f"BEGIN; UPDATE {entity['table']} SET status = status WHERE false; INSERT INTO event_outbox "
                       f"(id, aggregatetype, aggregateid, type, payload, occurred_at) VALUES (gen_random_uuid(), '{entity['name']}', 'k{n % 5}', '{event['kind']}', '{{\"n\": {n}}}', now()); COMMIT;")
        sql.append("DELETE FROM event_outbox;")
        psql(owner, "\n".join(sql))
        flushed(owner)
        delivered(design, 60)


def heartbeat(designs):
    psql("orders", "CREATE TABLE IF NOT EXISTS foreign_load (id int, text text)")
    before = int(psql("orders", "SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')"))
    for n in range(5):
        psql("orders", f"INSERT INTO foreign_load SELECT n, repeat('x', 200) FROM generate_series(1, 4000) n")
    written = int(psql("orders", "SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')")) - before
    for _ in range(160):
        lags = psql("orders", "SELECT coalesce(max(pg_wal_lsn_diff(pg_current_wal_lsn(), confirmed_flush_lsn)), 0) FROM pg_replication_slots").strip()
        if int(lags) < 200_000:
            break
        time.sleep(0.25)
    hold(int(lags) < 200_000 < written, f"{written} bytes of foreign log, the slots keep back {lags}")


# --- A consumer that keeps a copy with the generated statements

class Copy:
    """Reads the entity topic of customers and upserts with the generated SQL; offsets are its own, so it may repeat."""

    def __init__(self, folder, design, consumer, database):
        step = folder / design["folder"]
        psql(database, (step / f"projections/{consumer}.postgresql.sql").read_text())
        statements = (step / f"projections/{consumer}.upsert.postgresql.sql").read_text()
        statements = [s for s in re.sub(r"(?m)^--.*$", "", statements).split(";\n") if s.strip()]
        wanted = next(c for c in design["consumers"] if c["service"] == consumer)["entities"]
        self.entities = [e for e in design["entities"] if e["name"] in wanted]
        self.statements = dict(zip((e["name"] for e in self.entities), statements))
        self.database, self.done = database, {}

    def catch_up(self, repeat=False):
        for entity in self.entities:
            rows = []
            for record in records(entity["topic"]):
                at = (record.topic, record.partition)
                if not repeat and record.offset <= self.done.get(at, -1):
                    continue
                self.done[at] = max(self.done.get(at, -1), record.offset)
                if record.value:
                    value = json.loads(record.value)
                    values = [value[f["name"]] for f in entity["fields"]] + [value["entity_version"], value["entity_deleted"]]
                    rows.append("EXECUTE put(" + ", ".join("NULL" if v is None else "'" + str(v).replace("'", "''") + "'" for v in values) + ");")
            if rows:
                psql(self.database, f"PREPARE put AS {self.statements[entity['name']]};\n" + "\n".join(rows))


def reconciled(folder, design, copy):
    step = folder / design["folder"]
    source = psql(design["owner"], (step / "reconcile/source.postgresql.sql").read_text())
    wanted = {e["name"] for e in copy.entities}
    query = (step / "reconcile/copy.postgresql.sql").read_text()
    statements = [s for s in query.split(";\n") if "SELECT" not in s or any(f"SELECT '{n}'" in s for n in wanted)]
    copied = psql(copy.database, ";\n".join(statements))
    source = [l for l in source.splitlines() if l.split("|")[0] in wanted]
    differing = set(source) ^ set(copied.splitlines())
    say(f"{len(source)} ranges of keys compared, {len(differing)} differ {sorted(differing)[:2] or ''}")
    return bool(source) and not differing


def crash(worker, exactly_once, designs, copy, base):
    for round_ in range(base, base + 12):
        change(round_)
        if round_ == base + 5:
            os.killpg(worker.pid, signal.SIGKILL)
            worker.wait()
            PROCESSES.remove(worker)
            worker = None
        if round_ == base + 8:
            worker = connect(exactly_once)
        if round_ % 3 == 0:
            copy.catch_up()
    for design in designs:
        for kind in ("entity", "outbox"):
            running(f"{design['owner']}-{kind}-source")
        hold(flushed(design["owner"]), f"{design['owner']} is caught up after the worker was killed")
    return worker


def same_everywhere(designs, exactly_once, decode=json.loads):
    for design in designs:
        for entity in design["entities"]:
            for _ in range(20):
                same, ordered, duplicates = same_as_table(design["owner"], entity, decode)
                if same:
                    break
                time.sleep(1)
            hold(same, f"{entity['topic']} is the table {entity['table']}")
            if exactly_once:
                hold(ordered and duplicates == 0, "with exactly-once nothing comes twice or out of order")


# --- Registry, Flink, checkers

def evolution(folder, design):
    entity = design["entities"][0]
    subject = f"{entity['topic']}-value"
    _, level = http("GET", f"{REGISTRY}/config/{subject}")
    hold(level.get("compatibilityLevel", level.get("compatibility")) == "FULL_TRANSITIVE", f"{subject} is registered at FULL_TRANSITIVE")
    schema = json.loads((folder / design["folder"] / f"schemas/{entity['name']}.avsc").read_text())

    def register(field):
        changed = {**schema, "fields": schema["fields"] + [field]}
        return http("POST", f"{REGISTRY}/subjects/{subject}/versions", {"schemaType": "AVRO", "schema": json.dumps(changed)}, expect=None)[0]
    hold(register({"name": "must_be", "type": "string"}) == 409, "a breaking change is refused")
    hold(register({"name": "may_be", "type": ["null", "string"], "default": None}) == 200, "an optional field is accepted")


def flink(folder, design):
    home = CACHE / "flink/pyflink"
    conf = WORK / "flink-conf"
    conf.mkdir(exist_ok=True)
    (conf / "config.yaml").write_text("execution.target: local\ntable.dml-sync: true\nparallelism.default: 1\n"
                                      "taskmanager.memory.network.min: 64mb\ntaskmanager.memory.network.max: 64mb\ntaskmanager.numberOfTaskSlots: 4\n")
    text = (folder / design["folder"] / "flink.sql").read_text()
    tables = re.findall(r"CREATE TABLE (`[^`]+`)", text)
    sql = text
    for table in tables:
        extra = {"properties.bootstrap.servers": BOOTSTRAP, "scan.bounded.mode": "latest-offset"}
        if "'value.avro-confluent.url'" in sql[sql.index(f"CREATE TABLE {table}"):].split(";\n")[0]:
            extra["value.avro-confluent.url"] = REGISTRY
        settings = ", ".join(f"'{k}' = '{v}'" for k, v in extra.items())
        # Right after the table's own statement, which stays as it was generated.
        at = sql.index(");\n", sql.index(f"CREATE TABLE {table}")) + 3
        sql = sql[:at] + f"ALTER TABLE {table} SET ({settings});\n" + sql[at:]
    file = WORK / "flink.sql"
    file.write_text(sql)
    lib = [j for j in (home / "lib").glob("*.jar") if "flink-scala" not in j.name]
    opt = [j for j in (home / "opt").glob("*.jar") if j.name.startswith(("flink-sql-client", "flink-python"))]
    classes = ":".join(map(str, [*lib, *opt, *(CACHE / "lib/flink").glob("*.jar"), *(CACHE / "lib/kafka").glob("kafka-clients-*.jar")]))
    opens = [f"--add-opens=java.base/{p}=ALL-UNNAMED" for p in
             ("java.lang", "java.util", "java.net", "java.io", "java.nio", "sun.nio.ch", "java.lang.reflect", "java.text", "java.time", "java.util.concurrent", "java.util.concurrent.atomic", "java.util.concurrent.locks")]
    done = subprocess.run(["timeout", "150", *JAVA, "-Xmx1g", *opens, "-cp", classes, "org.apache.flink.table.client.SqlClient", "-f", str(file)],
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, env={**os.environ, "FLINK_CONF_DIR": str(conf)})
    (WORK / "flink.log").write_text(done.stdout + done.stderr)
    hold("[ERROR]" not in done.stdout and done.returncode == 0, f"Flink runs the statements {done.stdout[-600:] if '[ERROR]' in done.stdout else ''}")
    entity = design["entities"][0]
    topic = re.search(r"'topic' = '([^']+-by-[^']+)'", text).group(1)
    field = re.search(r"-by-(.+)\.view\.v1", topic).group(1)
    decode = wire.Decoder() if "'avro-confluent'" in text else json.loads
    view = {}
    for record in records(topic):
        view[record.key] = decode(record.value) if record.value else None
    view = {v[field]: v["number"] for v in view.values() if v}
    rows = psql(design["owner"], f"SELECT {field}, count(*) FROM {entity['table']} GROUP BY 1").splitlines()
    table = {r.split("|")[0]: int(r.split("|")[1]) for r in rows}
    hold(view == table and table, f"Flink's view by {field} is the query in PostgreSQL: {table}")


def rollback(folder, design):
    owner = design["owner"]
    run(["sh", str(folder / design["folder"] / "rollback.sh")], seconds=150,
        env={"PGHOST": "127.0.0.1", "PGPORT": str(PORT["pg"]), "PGUSER": "postgres", "PGDATABASE": owner})
    slots = psql(owner, f"SELECT count(*) FROM pg_replication_slots WHERE database = '{owner}'").strip()
    publications = psql(owner, "SELECT count(*) FROM pg_publication").strip()
    roles = psql(owner, f"SELECT count(*) FROM pg_roles WHERE rolname = 'unbraid_{owner}_cdc'").strip()
    _, connectors = http("GET", f"{CONNECT}/connectors")
    left = [c for c in connectors if c.startswith(f"{owner}-")]
    hold((slots, publications, roles, left) == ("0", "0", "0", []), f"the rollback of {owner} leaves no slot, publication, role or connector")


def main():
    shop = ROOT / "samples/shop"
    avro, avro_designs = make_plan(shop, "avro")
    folder, designs = make_plan(shop, "json")
    protobuf, _ = make_plan(shop, "protobuf")
    pair = [designs["customers"], designs["orders"]]
    # What needs no server runs beside those that start.
    checking = ThreadPoolExecutor(1).submit(checkers, [avro, folder, protobuf])
    postgres()
    kafka()
    registry()
    for design in pair:
        run(["sh", str(folder / design["folder"] / "topics.sh")])
        run(["sh", str(avro / design["folder"] / "register.sh")])
    checking.result()
    say("topics and subjects are made")
    plugins()
    worker = connect(True)
    bad = json.loads((folder / pair[0]["folder"] / "connectors/entity.json").read_text())["config"]
    _, verdict = http("PUT", f"{CONNECT}/connector-plugins/PostgresConnector/config/validate", {**bad, "name": "x", "snapshot.mode": "sometimes"})
    hold(verdict["error_count"] > 0, "the worker refuses a bad value")
    for design in pair:
        set_up(folder, design)
    same_everywhere(pair, True)
    for round_ in range(10):
        change(round_)
    for design in pair:
        hold(flushed(design["owner"]), f"{design['owner']} is caught up")
    same_everywhere(pair, True)
    outbox(pair)
    heartbeat(pair)
    copy = Copy(folder, designs["customers"], "shipping", "copies")
    copy.catch_up()
    worker = crash(worker, True, pair, copy, 10)
    same_everywhere(pair, True)
    copy.catch_up()
    hold(reconciled(folder, designs["customers"], copy), "the copy equals the source after a kill, exactly-once on")
    stop(worker)
    PROCESSES.remove(worker)
    worker = connect(False)
    worker = crash(worker, False, pair, copy, 30)
    same_everywhere(pair, False)
    copy.catch_up()
    copy.catch_up(repeat=True)
    hold(reconciled(folder, designs["customers"], copy), "the copy equals the source after a kill, exactly-once off, everything read twice")
    hold(masked(pair), "no personal value is in any topic")
    flink(folder, designs["customers"])
    for design in pair:
        rollback(folder, design)
    # The same steps again, now with Avro on the wire.
    pair = [avro_designs["customers"], avro_designs["orders"]]
    for design in pair:
        wire.anew(avro, design)
        set_up(avro, design)
    for round_ in range(60, 64):
        change(round_)
    for design in pair:
        hold(flushed(design["owner"]), f"the step of {design['owner']} can be done again")
        decoder = wire.Decoder()
        same_everywhere([design], False, decoder)
        wire.generated(avro, design, decoder)
    flink(avro, avro_designs["customers"])
    evolution(avro, avro_designs["customers"])
    if os.environ["MARIADB"] == "yes":
        mariadb.proof(psql)
    else:
        say("SKIPPED: no MariaDB here and none could be installed; the files for the MySQL family were not proved")
    say("all proofs hold")


# Being told to end must end what was started too.
signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
try:
    main()
except (AssertionError, RuntimeError, subprocess.TimeoutExpired) as error:
    print(f"FAILED: {error}", file=sys.stderr)
    sys.exit(1)
finally:
    for process in reversed(PROCESSES):
        stop(process)
