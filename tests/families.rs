//! The files of a step for each family of databases: all are there, all pass their checks, every broken one is refused.

use std::collections::{BTreeMap, BTreeSet};

use unbraid::plan::artefacts::File;
use unbraid::plan::document::PlanFile;
use unbraid::plan::options::{Options, Platform, SchemaKind};
use unbraid::plan::verify::verify;
use unbraid::{Request, analyze_with, plan_files, read};

const OWNER: &str = "import os\nimport psycopg\nfrom flask import Flask\napp = Flask(__name__)\ndb = psycopg.connect(os.environ[\"DATABASE_URL\"])\n@app.get(\"/users/<id>\")\ndef get_user(id):\n    return db.execute(\"SELECT * FROM users WHERE id = %s\", [id]).fetchone()\n@app.post(\"/users\")\ndef create_user():\n    db.execute(\"INSERT INTO users (id) VALUES (1)\")\n    return \"\"\n";
const READER: &str = "import os\nimport requests\ndef show(id):\n    return requests.get(os.environ[\"USERS_URL\"] + \"/users/\" + id).json()\n";
const TABLE: &str = "CREATE TABLE users (\n  id bigint PRIMARY KEY,\n  email text NOT NULL,\n  active boolean NOT NULL,\n  balance decimal(10,2),\n  status text NOT NULL\n);\n";

/// A system with users on a database of this image, one reader without a store and one on MySQL.
fn system(image: &str, scheme: &str) -> (PlanFile, BTreeMap<String, String>) {
    system_with(image, scheme, &[], &Options::default())
}

fn system_with(
    image: &str,
    scheme: &str,
    more: &[(&str, String)],
    options: &Options,
) -> (PlanFile, BTreeMap<String, String>) {
    let folder = tempfile::tempdir().expect("temp dir");
    let compose = format!(
        "services:\n  users:\n    build: ./users\n    environment: {{DATABASE_URL: '{scheme}://u@users-db/users'}}\n  users-db:\n    image: {image}\n  desk:\n    build: ./desk\n    environment: {{USERS_URL: 'http://users:8000'}}\n  mail:\n    build: ./mail\n    environment: {{USERS_URL: 'http://users:8000', DATABASE_URL: 'mysql://m@mail-db/mail'}}\n  mail-db:\n    image: mysql:8\n"
    );
    let reader = format!("{READER}import psycopg\ndb = psycopg.connect(os.environ[\"DATABASE_URL\"])\n");
    for (name, text) in [
        ("docker-compose.yml", compose.as_str()),
        ("users/app.py", OWNER),
        ("users/requirements.txt", "flask\npsycopg\n"),
        ("users/1.sql", TABLE),
        ("desk/app.py", READER),
        ("mail/app.py", reader.as_str()),
    ]
    .into_iter()
    .chain(more.iter().map(|(name, text)| (*name, text.as_str())))
    {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("folder");
        std::fs::write(path, text).expect("written");
    }
    let reading = read(&Request { inputs: vec![folder.path().to_path_buf()], ..Request::default() }).expect("read");
    let (file, files) = plan_files(&analyze_with(&reading, options), options, &[], None);
    (file, files.into_iter().map(|f| (f.path, f.text)).collect())
}

fn refused(path: &str, good: &str, from: &str, to: &str) {
    assert!(good.contains(from), "{path} holds no {from}:\n{good}");
    let file = |text: String| File { path: path.to_owned(), text };
    assert_eq!(verify(&[file(good.to_owned())])[0].problems, Vec::<String>::new(), "{path} is bad as it is");
    let checked = verify(&[file(good.replace(from, to))]);
    assert!(!checked[0].problems.is_empty(), "{path} with {to} was not refused");
}

type Broken = (&'static str, &'static str, &'static str);

/// (image, scheme of the address, end of the family's files, one broken variant of each file)
const FAMILIES: &[(&str, &str, &[Broken])] = &[
    (
        "postgres:16",
        "postgres",
        &[
            ("source.postgresql.sql", "CREATE TABLE", "CREAT TABLE"),
            ("outbox.postgresql.sql", "jsonb NOT NULL", "jsonb NOT NUL"),
            ("rollback.postgresql.sql", "DROP TABLE", "DORP TABLE"),
            ("reconcile/source.postgresql.sql", "GROUP BY", "GRUPPE BY"),
            ("reconcile/copy.postgresql.sql", "WHERE NOT", "WERE NOT"),
            ("reconcile/copy.mysql.sql", "GROUP_CONCAT(", "GROUP_CONCAT"),
            ("projections/mail.mysql.sql", "bigint NOT NULL", "bigint NOT"),
            ("projections/mail.upsert.mysql.sql", "ON DUPLICATE KEY", "ON DUPLICATE"),
        ],
    ),
    (
        "mysql:8",
        "mysql",
        &[
            ("source.mysql.sql", "CREATE TABLE", "CREAT TABLE"),
            ("outbox.mysql.sql", "PRIMARY KEY", "PRIMARY KEZ"),
            ("rollback.mysql.sql", "DROP TABLE", "DORP TABLE"),
            ("reconcile/source.mysql.sql", "GROUP BY", "GRUPPE BY"),
            ("connectors/entity.json", "\"database.server.id\"", "\"database.serverid\""),
            ("connectors/entity.json", "\"boolean.selector\"", "\"boolean.selektor\""),
            ("connectors/outbox.json", "\"schema.history.internal.kafka.topic\"", "\"schema.history.kafka.topic\""),
        ],
    ),
    (
        "mariadb:11",
        "mysql",
        &[
            ("source.mysql.sql", "CREATE TABLE", "CREAT TABLE"),
            ("connectors/entity.json", "MariaDbConnector", "MariaDBConnector"),
        ],
    ),
    (
        "mcr.microsoft.com/mssql/server:2022",
        "sqlserver",
        &[
            ("source.sqlserver.sql", "EXEC sys.sp_cdc_enable_db;", "EXEC sys.sp_cdc_enable_db = ;"),
            ("outbox.sqlserver.sql", "CREATE TABLE", "CREAT TABLE"),
            ("rollback.sqlserver.sql", "DROP TABLE", "DORP TABLE"),
            ("reconcile/source.sqlserver.sql", "WITHIN GROUP (", "WITHIN GROUP "),
            ("connectors/entity.json", "\"database.names\"", "\"database.dbname\""),
        ],
    ),
    (
        "mongo:7",
        "mongodb",
        &[
            ("source.mongodb.js", "});", "}));"),
            ("outbox.mongodb.js", "createCollection(\"event_outbox\")", "createCollection(\"event_outbox)"),
            ("rollback.mongodb.js", ".drop();", ".drop(;"),
            ("reconcile/source.mongodb.js", "compare(\"user\"", "compare[\"user\""),
            ("connectors/entity.json", "\"capture.mode\"", "\"capture.mod\""),
            ("connectors/outbox.json", "MongoEventRouter", "MongoEventRooter"),
        ],
    ),
];

#[test]
fn every_family_has_its_files_and_broken_ones_are_refused() {
    for (image, scheme, broken) in FAMILIES {
        let (file, files) = system(image, scheme);
        let design = file.plan.steps[0].design.as_ref().expect("a design");
        assert!(design.ready, "{image}: {:?}", design.todo);
        for checked in &file.files {
            assert_eq!(checked.problems, Vec::<String>::new(), "{image} {}", checked.path);
            assert!(
                !checked.by.is_empty() || checked.path.ends_with("adr.md"),
                "{} is checked by nothing",
                checked.path
            );
        }
        for (path, from, to) in *broken {
            let path = format!("{}/{path}", design.folder);
            let good = files.get(&path).unwrap_or_else(|| panic!("{image}: {path} is not made: {:?}", files.keys()));
            refused(&path, good, from, to);
        }
        // Personal values stay out of what is compared, as they do out of the topics.
        let asked = files.iter().filter(|(p, _)| p.contains("reconcile/"));
        assert!(asked.map(|(_, t)| t).all(|t| !t.contains("email")), "{image} compares masked values");
    }
}

#[test]
fn truth_values_of_mysql_are_truth_values_on_the_wire() {
    let (_, files) = system("mysql:8", "mysql");
    let config: serde_json::Value = serde_json::from_str(&files["01-users/connectors/entity.json"]).expect("JSON");
    assert_eq!(config["config"]["boolean.selector"], "users\\.users\\.active".replace("\\.", "."));
    assert_eq!(config["config"]["include.schema.changes"], "false");
}

/// One write a second from desk to users for `seconds`, each of which stands for 1,024 as its trace state says.
fn sampled(seconds: u64) -> String {
    let mut resources = Vec::new();
    for (service, kind) in [("desk", 3), ("users", 2)] {
        let spans: Vec<serde_json::Value> = (0..=seconds)
            .map(|n| {
                let start = 1_700_000_000_000_000_000 + n * 1_000_000_000;
                let (own, parent) = if kind == 3 { (n * 2 + 1, None) } else { (n * 2 + 2, Some(n * 2 + 1)) };
                let mut span = serde_json::json!({
                    "traceId": format!("{:032x}", n + 1), "spanId": format!("{own:016x}"), "name": "POST /users", "kind": kind,
                    "traceState": "ot=th:ffc", "startTimeUnixNano": start.to_string(), "endTimeUnixNano": (start + 1000).to_string(),
                    "attributes": [{"key": "http.request.method", "value": {"stringValue": "POST"}}],
                });
                if let Some(parent) = parent {
                    span["parentSpanId"] = format!("{parent:016x}").into();
                }
                span
            })
            .collect();
        resources.push(serde_json::json!({
            "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": service}}]},
            "scopeSpans": [{"spans": spans}],
        }));
    }
    serde_json::json!({"resourceSpans": resources}).to_string()
}

#[test]
fn partitions_follow_what_traces_measured() {
    let because = |traces: Option<String>, peak: Option<f64>| {
        let more: Vec<(&str, String)> = traces.into_iter().map(|t| ("traces.json", t)).collect();
        let (file, _) = system_with("postgres:16", "postgres", &more, &Options { peak, ..Options::default() });
        let design = file.plan.steps[0].design.clone().expect("a design");
        (design.capacity.partitions, design.capacity.because.join("\n"))
    };
    // 101 writes in 100 s, 1,024 each: 1,034 a second, a peak of 5 times that, twice as much to be safe, 200 for one.
    let (partitions, text) = because(Some(sampled(100)), None);
    assert!(text.contains("= 1034.24/s on average") && text.contains("POST /users"), "{text}");
    assert_eq!(partitions, 52, "{text}");
    let (partitions, text) = because(Some(sampled(100)), Some(1_000.0));
    assert!(partitions == 10 && text.contains("as given"), "{text}");
    let (partitions, text) = because(Some(sampled(20)), None);
    assert!(partitions == 6 && text.contains("within 20.0 s of traces say no rate"), "{text}");
    let (partitions, text) = because(None, None);
    assert!(partitions == 6 && text.contains("no trace was read"), "{text}");
}

/// Protobuf and JSON Schema: subjects, schemas and both dialects of stream SQL are there as they are for Avro.
#[test]
fn every_kind_of_schema_has_all_files() {
    let request =
        Request { inputs: vec![concat!(env!("CARGO_MANIFEST_DIR"), "/samples/shop").into()], ..Request::default() };
    let reading = read(&request).expect("read");
    let names = |schema: SchemaKind| {
        let options = Options { schema, platform: Platform::Kafka, ..Options::default() };
        let (_, files) = plan_files(&analyze_with(&reading, &options), &options, &[], None);
        let files: BTreeMap<String, String> = files.into_iter().map(|f| (f.path, f.text)).collect();
        let name = |p: &String| {
            let ends = [".avsc", ".schema.json", ".proto"];
            ends.iter().find_map(|e| p.strip_suffix(e)).map_or_else(|| p.clone(), str::to_owned)
        };
        // Plain JSON asks no registry, so that heartbeats need no subject there.
        let needed = files.keys().filter(|p| !p.contains("__debezium-heartbeat")).map(name);
        (needed.collect::<BTreeSet<_>>(), files)
    };
    let (avro, _) = names(SchemaKind::Avro);
    for schema in [SchemaKind::Json, SchemaKind::Protobuf] {
        assert_eq!(names(schema).0, avro, "{schema:?}");
    }
    let (_, files) = names(SchemaKind::Protobuf);
    let path = "02-customers/subjects/customers.customer.v1-value.json";
    let subject: serde_json::Value = serde_json::from_str(&files[path]).expect("JSON");
    assert_eq!(subject["schemaType"], "PROTOBUF");
    assert_eq!(subject["schema"], files["02-customers/schemas/customer.proto"].as_str());
    refused(path, &files[path], "string tier = ", "strin tier = ");
    assert!(files.contains_key("02-customers/subjects/__debezium-heartbeat.cdc.customers-value.json"));
    refused("02-customers/flink.sql", &files["02-customers/flink.sql"], "'protobuf'", "'protobuff'");
    let (_, files) = names(SchemaKind::Json);
    refused(path, &files[path], "\\\"type\\\":\\\"object\\\"", "\\\"type\\\":\\\"objekt\\\"");
    let path = "02-customers/consumers/orders.properties";
    refused(path, &files[path], "errors.deadletterqueue.topic.name", "errors.deadletterqueue.topic.nam");
}

/// An owner that is read and that notifies has two steps: the second uses what the first made in the database.
#[test]
fn steps_of_one_owner_share_their_outbox() {
    let telling = OWNER.replace(
        "    return \"\"\n",
        "    import requests\n    requests.post(os.environ[\"POST_URL\"] + \"/notifications/send\", json={})\n    return \"\"\n",
    );
    let compose = "services:\n  users:\n    build: ./users\n    environment: {DATABASE_URL: 'postgres://u@users-db/users', POST_URL: 'http://post:8000'}\n  users-db:\n    image: postgres:16\n  desk:\n    build: ./desk\n    environment: {USERS_URL: 'http://users:8000'}\n  post:\n    build: ./post\n";
    let sender = "from flask import Flask\napp = Flask(__name__)\n@app.post(\"/notifications/send\")\ndef send():\n    return \"\"\n";
    let more = [
        ("docker-compose.yml", compose.to_owned()),
        ("users/app.py", telling),
        ("mail/app.py", String::new()),
        ("post/app.py", sender.to_owned()),
    ];
    let (file, files) = system_with("postgres:16", "postgres", &more, &Options::default());
    let owners: Vec<&str> = file.plan.steps.iter().filter_map(|s| s.entity.as_deref()).collect();
    assert_eq!(owners, ["users", "users"], "{owners:?}");
    let count = |text: &str| files.values().map(|t| t.matches(text).count()).sum::<usize>();
    for once in [
        "CREATE ROLE",
        "\"event_outbox\" (\n",
        "\"cdc_heartbeat\" (\n",
        "DROP ROLE IF EXISTS",
        "\"name\": \"users-outbox-source\"",
    ] {
        assert_eq!(count(once), 1, "{once}");
    }
    let events: Vec<&str> = file
        .plan
        .steps
        .iter()
        .filter_map(|s| s.design.as_ref())
        .flat_map(|d| &d.events)
        .map(|e| e.name.as_str())
        .collect();
    assert!(events.iter().all(|e| *e == "UserCreated") && events.len() == 2, "{events:?}");
}
