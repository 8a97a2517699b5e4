"""The MySQL family: the plan of a small library on MariaDB, proved like the shop's on PostgreSQL."""

import json
import re
import time

from parts import CONNECT, PORT, ROOT, WORK, delivered, hold, http, make_plan, records, register_connector, run, running, say, start

BOOKS = 300
CLIENT = ["mariadb", "--no-defaults", "-h", "127.0.0.1", "-P", str(PORT["maria"]), "-u", "root"]


def sql(database, text):
    return run([*CLIENT, "-N", "-B", "--raw", database], stdin=text)


def server():
    folder = WORK / "maria"
    folder.mkdir()
    WORK.chmod(0o755)
    run(["chown", "nobody", str(folder)])
    user = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"]
    run([*user, "mariadb-install-db", "--no-defaults", "--auth-root-authentication-method=normal", "--skip-test-db", f"--datadir={folder}/data"])

    def up():
        try:
            return run([*CLIENT, "-e", "SELECT 1", "mysql"]) is not None
        except RuntimeError:
            return False
    start("mariadb", [*user, "/usr/sbin/mariadbd", "--no-defaults", f"--datadir={folder}/data", f"--port={PORT['maria']}", "--bind-address=127.0.0.1",
                      f"--socket={folder}/sock", "--skip-name-resolve", "--server-id=1", "--log-bin", "--binlog-format=ROW", "--binlog-row-image=FULL",
                      "--binlog-row-metadata=FULL", "--innodb-flush-log-at-trx-commit=0"], up)
    sql("mysql", "CREATE DATABASE books; CREATE DATABASE lending;")
    sql("books", (ROOT / "tests/stack/library/books/migrations/001_books.sql").read_text())
    sql("books", f"""INSERT INTO books SELECT seq, CONCAT('Title ü ', seq), IF(seq % 3 = 0, NULL, CONCAT('s', seq % 7)), ELT(seq % 3 + 1, 'novel', 'science', 'history'),
        seq / 4, seq % 5 <> 0, DATE '1990-01-01' + INTERVAL seq DAY, CONCAT('secret', seq, '@example.test'), UNHEX('00ff10'), now(6) FROM seq_1_to_{BOOKS};""")


def set_up(folder, design):
    step = folder / design["folder"]
    for name in ("source.mysql.sql", "outbox.mysql.sql"):
        sql("mysql", (step / name).read_text())
    role = re.search(r"CREATE USER (\S+)", (step / "source.mysql.sql").read_text()).group(1)
    sql("mysql", f"ALTER USER {role} IDENTIFIED BY 'stack-only' ACCOUNT UNLOCK")
    for name in ("entity", "outbox"):
        register_connector(json.loads((step / f"connectors/{name}.json").read_text()))
    for name in ("books-entity-source", "books-outbox-source"):
        running(name)


def change(first, last):
    for n in range(first, last):
        sql("books", f"""UPDATE books SET shelf = 'moved', available = NOT available, price = price + 0.01 WHERE id BETWEEN {n * 5} AND {n * 5 + 3};
            INSERT INTO books VALUES ({4_000_000_000 + n}, 'New', NULL, 'novel', 1, true, NULL, 'secretn@example.test', NULL, now(6));
            DELETE FROM books WHERE id = {n + 200};""")


def table():
    rows = sql("books", "SELECT JSON_OBJECT('id', id, 'title', title, 'shelf', shelf, 'category', category, 'price', CAST(price AS char), "
                        "'available', available, 'printed_on', CAST(printed_on AS char)) FROM books")
    found = {r["id"]: r for r in map(json.loads, rows.splitlines())}
    return {k: {**r, "available": bool(r["available"])} for k, r in found.items()}


def topic(entity):
    """Last state of each key, and whether versions never step back."""
    last, ordered = {}, True
    for record in records(entity["topic"]):
        if record.value:
            key, value = json.loads(record.key)["id"], json.loads(record.value)
            ordered = ordered and (key not in last or last[key]["entity_version"] <= value["entity_version"])
            last[key] = value
    return last, ordered


def same(entity, what):
    for _ in range(60):
        rows, (last, ordered) = table(), topic(entity)
        alive = {}
        for key, value in last.items():
            if value["entity_deleted"] == "false":
                alive[key] = {**{c: value[c] for c in ("id", "title", "shelf", "category", "price", "available")},
                              "printed_on": value["printed_on"] and value["printed_on"][:10]}
        if alive == rows:
            break
        time.sleep(0.5)
    wrong = [(rows.get(k), alive.get(k)) for k in rows.keys() | alive.keys() if rows.get(k) != alive.get(k)]
    hold({v["cover"] for v in last.values()} <= {"AP8Q", None}, "bytes are texts")
    hold(alive == rows and ordered, f"{entity['topic']} is the table {what}: {len(alive)} keys, {len(wrong)} differ, in order {ordered} {wrong[:1] or ''}")


def literal(value):
    return "NULL" if value is None else str(int(value)) if isinstance(value, bool) else "'" + str(value).replace("\\", "\\\\").replace("'", "''") + "'"


def copies(folder, design, psql):
    """Two consumers keep copies with the generated statements: one in MariaDB, one in PostgreSQL. Everything comes twice."""
    step, entity = folder / design["folder"], design["entities"][0]
    sql("lending", (step / "projections/lending.mysql.sql").read_text())
    psql("desk", (step / "projections/desk.postgresql.sql").read_text())
    values = [json.loads(r.value) for r in records(entity["topic"]) if r.value]
    rows = [[v[f["name"]] for f in entity["fields"]] + [v["entity_version"], v["entity_deleted"]] for v in values]
    upsert = {name: re.sub(r"(?m)^--.*$", "", (step / f"projections/{name}").read_text()).strip().rstrip(";")
              for name in ("lending.upsert.mysql.sql", "desk.upsert.postgresql.sql")}
    put = upsert["lending.upsert.mysql.sql"].replace("'", "''")
    sql("lending", f"SET NAMES utf8mb4; PREPARE put FROM '{put}';\n" + "\n".join(f"EXECUTE put USING {', '.join(map(literal, r))};" for r in [*rows, *rows]))
    put = upsert["desk.upsert.postgresql.sql"]
    quoted = lambda v: "NULL" if v is None else f"'{str(v).lower() if isinstance(v, bool) else str(v)}'".replace("\\", "\\\\")
    psql("desk", f"PREPARE put AS {put};\n" + "\n".join(f"EXECUTE put({', '.join(map(quoted, r))});" for r in [*rows, *rows]))
    source = sql("books", (step / "reconcile/source.mysql.sql").read_text()).replace("\t", "|").splitlines()
    for where, text in (("MariaDB", sql("lending", (step / "reconcile/copy.mysql.sql").read_text()).replace("\t", "|")),
                        ("PostgreSQL", psql("desk", (step / "reconcile/copy.postgresql.sql").read_text()))):
        differing = set(source) ^ set(text.splitlines())
        hold(source and not differing, f"the copy in {where} equals the source in MariaDB: {len(source)} ranges of keys, {len(differing)} differ {sorted(differing)[:2] or ''}")
    sql("lending", f"UPDATE {re.search('CREATE TABLE (`[^`]+`)', (step / 'projections/lending.mysql.sql').read_text()).group(1)} SET title = 'x' WHERE id = 7")
    changed = sql("lending", (step / "reconcile/copy.mysql.sql").read_text()).replace("\t", "|").splitlines()
    hold(len(set(source) - set(changed)) == 1, "one changed row is found in its range")


def masked(design):
    for name in [e["topic"] for e in design["entities"]] + [design["event_topic"]]:
        for record in records(name):
            if re.search(rb"secret(\d|n)", (record.key or b"") + (record.value or b"")):
                return False
    return True


def rollback(folder, design):
    run(["sh", str(folder / design["folder"] / "rollback.sh")], seconds=150, env={"MYSQL_CLIENT": " ".join(CLIENT)})
    tables = sql("books", "SHOW TABLES").split()
    users = sql("mysql", "SELECT count(*) FROM mysql.user WHERE user LIKE 'unbraid%'").strip()
    _, connectors = http("GET", f"{CONNECT}/connectors")
    left = [c for c in connectors if c.startswith("books-")]
    hold((tables, users, left) == (["books"], "0", []), "the rollback of books leaves no table, user or connector behind")


def proof(psql):
    folder, designs = make_plan(ROOT / "tests/stack/library", "json")
    design = designs["books"]
    hold(design["ready"], f"the plan of the library is ready {design['todo'] or ''}")
    entity = design["entities"][0]
    server()
    psql("postgres", "CREATE DATABASE desk")
    run(["sh", str(folder / design["folder"] / "topics.sh")])
    set_up(folder, design)
    change(0, 4)  # at once: times in the log are cut to seconds, and must not lose these against the snapshot
    same(entity, "after the snapshot and changes right behind it")
    change(4, 12)
    same(entity, "after more changes")
    events = design["events"]
    sql("books", "\n".join(
        f"BEGIN; INSERT INTO event_outbox (id, aggregatetype, aggregateid, type, payload, occurred_at) VALUES (uuid(), '{entity['name']}', 'k{n % 5}', "
        f"'{events[n % len(events)]['kind']}', '{{\"n\": {n}}}', now(6)); DELETE FROM event_outbox; COMMIT;" for n in range(30)))
    delivered(design, 30)
    copies(folder, design, psql)
    hold(masked(design), "no personal value of the library is in any topic")
    rollback(folder, design)
    set_up(folder, design)
    change(20, 22)
    same(entity, "when the step is done again")
    say("MariaDB: all proofs hold")
