"""What the makers of the formats have to say about the generated files."""

import os
import subprocess

from parts import CACHE, WORK, hold


def checked(command, what, env=None):
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=120, env={**os.environ, **(env or {})})
    hold(done.returncode == 0, f"{what} {(done.stdout + done.stderr)[-600:] if done.returncode else ''}")
    return done.stdout


def checkers(folders):
    node = CACHE / "node/node_modules"
    every = [f for folder in folders for f in sorted(folder.rglob("*")) if f.is_file()]
    ending = lambda end: [f for f in every if f.name.endswith(end)]
    statements, schemas, scripts = ending(".ksql"), ending(".avsc"), ending(".mongodb.js")
    # Of the other kinds of schema one file each: they differ by the name of the format alone.
    for file in [f for at, f in enumerate(statements) if f.is_relative_to(folders[0]) or not f.is_relative_to(statements[at - 1].parents[1])]:
        checked([node / ".bin/ksql-lint", file], f"ksqlDB's grammar accepts {file.relative_to(WORK)}")
    prints = checked(["java", "-jar", CACHE / "avro-tools.jar", "fingerprint", *schemas], f"avro-tools reads {len(schemas)} schemas")
    hold(len(prints.split()) >= 2 * len(schemas) > 0, "and says a fingerprint of each")
    for file in scripts:
        checked(["node", "--check", file], f"JavaScript accepts {file.relative_to(WORK)}")
    script = WORK / "asyncapi.cjs"
    script.write_text("const {Parser} = require('@asyncapi/parser');const fs = require('fs');"
                      "new Parser().parse(fs.readFileSync(process.argv[2], 'utf8')).then(r => {"
                      "const bad = r.diagnostics.filter(d => d.severity === 0);"
                      "bad.forEach(d => console.log(d.path.join('.'), d.message));process.exit(bad.length || !r.document ? 1 : 0);});")
    for folder in folders:
        checked(["node", script, folder / "asyncapi.yaml"], f"AsyncAPI's own parser accepts the document of {folder.name}", {"NODE_PATH": str(node)})
    for file, broken in ((statements[0], ("EMIT CHANGES", "EMIT")), (folders[0] / "asyncapi.yaml", ("action: send", "action: publish"))):
        bad = WORK / f"broken-{file.name}"
        bad.write_text(file.read_text().replace(*broken))
        tool = [node / ".bin/ksql-lint", bad] if file.suffix == ".ksql" else ["node", script, bad]
        done = subprocess.run(list(map(str, tool)), capture_output=True, timeout=60, env={**os.environ, "NODE_PATH": str(node)})
        hold(done.returncode != 0, f"a broken {file.name} is refused")
    bad = WORK / "broken.avsc"
    bad.write_text(schemas[0].read_text().replace('"string"', '"strin"'))
    done = subprocess.run(["java", "-jar", str(CACHE / "avro-tools.jar"), "fingerprint", str(bad)], capture_output=True, timeout=60)
    hold(done.returncode != 0, "a broken Avro schema is refused")
