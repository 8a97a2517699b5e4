"""Avro on the wire: the registered schema is the generated one, and consumers decode with it."""

import json
import re
import time
from io import BytesIO

import fastavro
from kafka import KafkaAdminClient

from parts import PORT, REGISTRY, hold, http, records, run

CONFLUENT = "io.confluent.connect.avro.AvroConverter"


def real(body):
    """The generated connector with a converter that Maven Central has: the same wire format and the same rule, that
    the registered schema counts. Nothing else changes."""
    config = body["config"]
    if config.get("value.converter") == CONFLUENT:
        hold((config.pop("value.converter.auto.register.schemas"), config.pop("value.converter.use.latest.version")) == ("false", "true"),
             f"{body['name']} registers nothing of its own")
        config.pop("value.converter.schema.registry.url")
        config["value.converter"] = "io.apicurio.registry.utils.converter.AvroConverter"
        for key, value in {"url": f"http://127.0.0.1:{PORT['registry']}/apis/registry/v2", "as-confluent": "true", "use-id": "contentId",
                           "headers.enabled": "false", "auto-register": "false", "find-latest": "true"}.items():
            config[f"value.converter.apicurio.registry.{key}"] = value
    return body


def anew(folder, design):
    """The entity topics of a step, empty again: they held JSON."""
    lines = (folder / design["folder"] / "topics.sh").read_text().splitlines()
    is_of = lambda line: any(f" {topic} " in line for topic in topics)
    topics = [e["topic"] for e in design["entities"]] + re.findall(r"--topic (\S+\.view\.v1)", "\n".join(lines))
    admin = KafkaAdminClient(bootstrap_servers=f"127.0.0.1:{PORT['kafka']}")
    admin.delete_topics(topics)
    while set(topics) & set(admin.list_topics()):
        time.sleep(0.2)
    admin.close()
    # Only the statements of these topics: each starts a Java machine.
    run(["sh", "-c", "\n".join(line for line in lines if "--topic" not in line or is_of(line))])
    hold(all(not records(topic) for topic in topics), f"the topics of {design['owner']} are empty")


class Decoder:
    """Reads values by the schema that their header names, as any consumer does."""

    def __init__(self):
        self.schemas = {}

    def __call__(self, value):
        if value[0] != 0:
            raise AssertionError(f"no Avro of a registry: {value[:20]}")
        number = int.from_bytes(value[1:5], "big")
        if number not in self.schemas:
            text = http("GET", f"{REGISTRY}/schemas/ids/{number}")[1]["schema"]
            self.schemas[number] = (json.loads(text), fastavro.parse_schema(json.loads(text)))
        body = BytesIO(value[5:])
        read = fastavro.schemaless_reader(body, self.schemas[number][1])
        if body.read():
            raise AssertionError("bytes are left over: another schema wrote it")
        return read


def generated(folder, design, decoder):
    """Every schema that a value named is one that was generated for this step."""
    step = folder / design["folder"]
    made = [json.loads((step / f"schemas/{e['name']}.avsc").read_text()) for e in design["entities"]]
    used = [schema for schema, _ in decoder.schemas.values()]
    hold(len(used) == len(made) and all(s in made for s in used), f"{len(used)} schemas are on the wire: the generated ones")
