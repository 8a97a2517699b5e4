//! Debezium source connectors: one for the entity (retired later), one for the outbox (stays).
//!
//! The first turns raw changes into the public entity by transforms in the connector: unwrap, rename, route. Kafka
//! Connect does not report unknown keys, so every key here is checked against the connectors' own definitions.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::model::Step;
use crate::model::design::{Design, EntityDesign, FieldType, StoreDesign};
use crate::plan::options::{Options, Platform, SchemaKind};
use crate::plan::{agreed, names, schema, write};

use super::{Artefact, Context, File, Render};

/// Connectors.
pub const ARTEFACT: Artefact = Artefact {
    id: "connectors",
    about: "Debezium source connectors for the entity and the outbox",
    render: Render::Step(render),
};

type Config = BTreeMap<String, String>;

fn render(context: &Context<'_>, step: &Step, design: &Design) -> Vec<File> {
    let Some(database) = &design.database else { return Vec::new() };
    let mut all: Vec<(String, &str, Config)> = Vec::new();
    if !design.entities.is_empty() && !agreed::engine(design).is_empty() {
        all.push((agreed::connector(design), "entity", entities(context, design, database)));
    }
    if agreed::makes_outbox(design) {
        all.push((agreed::outbox_connector(design), "outbox", outbox(context, design, database)));
    }
    let mut files = Vec::new();
    for (name, kind, config) in all {
        if context.options.platform == Platform::Strimzi {
            let text = write::head("#", "source connector as a Strimzi resource", step, design);
            files.push(File::of(
                design,
                &format!("connectors/{kind}.yaml"),
                text + &write::yaml(&resource(&name, config)),
            ));
        } else {
            let mut config: serde_json::Map<String, Value> = config.into_iter().map(|(k, v)| (k, json!(v))).collect();
            config.insert(
                "_generated".into(),
                json!(write::mark("source connector; POST it to /connectors", step, design)),
            );
            files.push(File::of(
                design,
                &format!("connectors/{kind}.json"),
                write::json(&json!({"config": config, "name": name})),
            ));
        }
    }
    files
}

/// Strimzi sets name, class and tasks itself, and refuses them in `config`.
fn resource(name: &str, mut config: Config) -> Value {
    let class = config.remove("connector.class").unwrap_or_default();
    config.remove("tasks.max");
    json!({
        "apiVersion": "kafka.strimzi.io/v1",
        "kind": "KafkaConnector",
        "metadata": {"name": agreed::kubernetes(name), "labels": {"strimzi.io/cluster": "connect"}},
        "spec": {"class": class, "tasksMax": 1, "autoRestart": {"enabled": true, "maxRestarts": 10}, "config": config},
    })
}

fn set(config: &mut Config, key: &str, value: impl Into<String>) {
    config.insert(key.to_owned(), value.into());
}

/// What every connector of a database has: address and login by reference, position, delivery.
fn base(design: &Design, database: &StoreDesign, prefix: &str, slot: &str) -> Config {
    let mut config = Config::new();
    let variable = |what: &str| format!("${{env:{}_{what}}}", database.variables);
    let engine = agreed::engine(design);
    let class = match engine {
        "postgresql" => "io.debezium.connector.postgresql.PostgresConnector",
        "mysql" => "io.debezium.connector.mysql.MySqlConnector",
        "mariadb" => "io.debezium.connector.mariadb.MariaDbConnector",
        "sqlserver" => "io.debezium.connector.sqlserver.SqlServerConnector",
        _ => "io.debezium.connector.mongodb.MongoDbConnector",
    };
    set(&mut config, "connector.class", class);
    set(&mut config, "tasks.max", "1");
    set(&mut config, "topic.prefix", prefix);
    set(&mut config, "snapshot.mode", "initial");
    set(&mut config, "tombstones.on.delete", "true");
    set(&mut config, "heartbeat.interval.ms", "10000");
    set(&mut config, "schema.name.adjustment.mode", "avro");
    if engine == "mongodb" {
        set(&mut config, "mongodb.connection.string", variable("CONNECTION_STRING"));
        set(&mut config, "capture.mode", "change_streams_update_full");
        return config;
    }
    for (key, what) in [("hostname", "HOST"), ("port", "PORT"), ("user", "USER"), ("password", "PASSWORD")] {
        set(&mut config, &format!("database.{key}"), variable(what));
    }
    set(&mut config, "time.precision.mode", "isostring");
    set(&mut config, "decimal.handling.mode", "string");
    set(&mut config, "binary.handling.mode", "base64");
    position(design, database, prefix, slot, &mut config);
    config
}

/// What each engine needs to remember its position and to keep its log moving while nothing changes.
fn position(design: &Design, database: &StoreDesign, prefix: &str, slot: &str, config: &mut Config) {
    let beat = names::hash(slot);
    match agreed::engine(design) {
        "postgresql" => {
            set(config, "plugin.name", "pgoutput");
            set(config, "database.dbname", &database.name);
            set(config, "slot.name", slot);
            set(config, "publication.name", slot);
            set(config, "publication.autocreate.mode", "disabled");
            // Asked for, not demanded: a worker without exactly-once still runs it, and consumers are idempotent.
            set(config, "exactly.once.support", "requested");
            let table = format!("{}.{}", write::name(&database.schema, '"'), write::name(agreed::HEARTBEAT, '"'));
            set(
                config,
                "heartbeat.action.query",
                format!(
                    "INSERT INTO {table} (id, beat_at) VALUES ({}, now()) ON CONFLICT (id) DO UPDATE SET beat_at = now()",
                    write::text(slot)
                ),
            );
        }
        "mysql" | "mariadb" => {
            // Unique among all readers of the log, and the same on every run.
            set(config, "database.server.id", (100_000 + beat % 900_000).to_string());
            set(config, "database.include.list", &database.name);
            // Changes of tables would go to a topic that nobody made and nobody reads.
            set(config, "include.schema.changes", "false");
            history(config, prefix);
            let table = format!("{}.{}", write::name(&database.name, '`'), write::name(agreed::HEARTBEAT, '`'));
            set(
                config,
                "heartbeat.action.query",
                format!(
                    "INSERT INTO {table} (id, beat_at) VALUES ({}, now()) ON DUPLICATE KEY UPDATE beat_at = now()",
                    write::text(slot)
                ),
            );
        }
        _ => {
            set(config, "database.names", &database.name);
            set(config, "include.schema.changes", "false");
            history(config, prefix);
        }
    }
}

fn history(config: &mut Config, prefix: &str) {
    set(config, "schema.history.internal.kafka.topic", agreed::history(prefix));
    set(config, "schema.history.internal.kafka.bootstrap.servers", "${env:BOOTSTRAP_SERVERS}");
}

/// How the connector's lists name a table.
fn listed(design: &Design, database: &StoreDesign, table: &str) -> String {
    let schema = match agreed::engine(design) {
        "sqlserver" => "dbo",
        "postgresql" => &database.schema,
        _ => &database.name,
    };
    format!("{}.{}", quoted(schema), quoted(table))
}

/// The raw topic of a table: MySQL and MongoDB name the database, SQL Server database and schema.
fn raw(design: &Design, database: &StoreDesign, prefix: &str, table: &str) -> String {
    match agreed::engine(design) {
        "sqlserver" => format!("{prefix}.{}.dbo.{table}", database.name),
        "postgresql" => format!("{prefix}.{}.{table}", database.schema),
        _ => format!("{prefix}.{}.{table}", database.name),
    }
}

/// A text inside a regular expression of Java.
fn quoted(text: &str) -> String {
    text.chars().flat_map(|c| if "\\^$.|?*+()[]{}".contains(c) { vec!['\\', c] } else { vec![c] }).collect()
}

fn list_key(design: &Design) -> &'static str {
    if agreed::engine(design) == "mongodb" { "collection.include.list" } else { "table.include.list" }
}

fn entities(context: &Context<'_>, design: &Design, database: &StoreDesign) -> Config {
    let prefix = format!("cdc.{}", design.domain);
    let mut config = base(design, database, &prefix, &agreed::slot(design));
    // The heartbeat's table is in the publication, so that its log is read, and not in this list: its rows are no data.
    let tables: Vec<String> = design.entities.iter().map(|e| listed(design, database, &e.table)).collect();
    set(&mut config, list_key(design), tables.join(","));
    hide(design, database, &mut config);
    booleans(design, database, &mut config);
    set(&mut config, "key.converter", "org.apache.kafka.connect.json.JsonConverter");
    set(&mut config, "key.converter.schemas.enable", "false");
    value_converter(context.options, &mut config);
    shape(context, design, database, &prefix, &mut config);
    config
}

/// Personal texts are masked, secrets and other personal values stay inside.
fn hide(design: &Design, database: &StoreDesign, config: &mut Config) {
    if agreed::engine(design) == "mongodb" {
        let out: Vec<String> = design
            .entities
            .iter()
            .flat_map(|e| {
                let personal = e.fields.iter().filter(|f| f.personal).map(|f| f.column.clone());
                personal
                    .chain(e.left_out.iter().map(|l| l.from.clone()))
                    .map(|c| format!("{}.{}.{c}", database.name, e.table))
                    .collect::<Vec<_>>()
            })
            .collect();
        if !out.is_empty() {
            set(config, "field.exclude.list", out.join(","));
        }
        return;
    }
    let all = |pick: &dyn Fn(&EntityDesign) -> Vec<String>| -> String {
        let names = design.entities.iter().flat_map(|e| {
            let table = listed(design, database, &e.table);
            pick(e).into_iter().map(move |c| format!("{table}.{}", quoted(&c)))
        });
        names.collect::<Vec<_>>().join(",")
    };
    let masked = all(&|e| e.fields.iter().filter(|f| f.personal).map(|f| f.column.clone()).collect());
    if !masked.is_empty() {
        set(config, "column.mask.with.12.chars", masked);
    }
    let out = all(&|e| e.left_out.iter().map(|l| l.from.clone()).collect());
    if !out.is_empty() {
        set(config, "column.exclude.list", out);
    }
}

/// MySQL keeps truth values as small integers.
fn booleans(design: &Design, database: &StoreDesign, config: &mut Config) {
    if !matches!(agreed::engine(design), "mysql" | "mariadb") {
        return;
    }
    let listed: Vec<String> = design
        .entities
        .iter()
        .flat_map(|e| e.fields.iter().filter(|f| f.kind == FieldType::Boolean).map(move |f| (e, f)))
        .map(|(e, f)| format!("{}.{}", listed(design, database, &e.table), quoted(&f.column)))
        .collect();
    if !listed.is_empty() {
        set(config, "converters", "boolean");
        set(config, "boolean.type", "io.debezium.connector.binlog.converters.TinyIntOneToBooleanConverter");
        set(config, "boolean.selector", listed.join(","));
    }
}

fn value_converter(options: &Options, config: &mut Config) {
    match options.schema {
        SchemaKind::Json => {
            set(config, "value.converter", "org.apache.kafka.connect.json.JsonConverter");
            set(config, "value.converter.schemas.enable", "false");
        }
        kind => {
            let class = if kind == SchemaKind::Avro { "avro.AvroConverter" } else { "protobuf.ProtobufConverter" };
            set(config, "value.converter", format!("io.confluent.connect.{class}"));
            set(config, "value.converter.schema.registry.url", "${env:SCHEMA_REGISTRY_URL}");
            // The designed schema counts, not one that the connector makes up.
            set(config, "value.converter.auto.register.schemas", "false");
            set(config, "value.converter.use.latest.version", "true");
        }
    }
}

/// Raw change → public entity: unwrap, add the version, rename, name the schema, route.
fn shape(context: &Context<'_>, design: &Design, database: &StoreDesign, prefix: &str, config: &mut Config) {
    let chain = vec!["unwrap".to_owned(), "shape".to_owned()];
    let mongo = agreed::engine(design) == "mongodb";
    let class = if mongo {
        "io.debezium.connector.mongodb.transforms.ExtractNewDocumentState"
    } else {
        "io.debezium.transforms.ExtractNewRecordState"
    };
    set(config, "transforms.unwrap.type", class);
    // A deletion is a last version that says so, then a tombstone: a late older change cannot bring the row back.
    set(config, "transforms.unwrap.delete.tombstone.handling.mode", "rewrite-with-tombstone");
    // Only PostgreSQL's position in the log is one number that grows. Times of the source are cut to seconds in MySQL's
    // log, so that a change right after the snapshot would seem older than it: when the connector read it, counts.
    let version = if agreed::engine(design) == "postgresql" { ("lsn", "__lsn") } else { ("ts_ms", "__ts_ms") };
    set(config, "transforms.unwrap.add.fields", version.0);
    set(config, "transforms.unwrap.predicate", "entity");
    let mut renames = vec![format!("{}:{}", version.1, agreed::VERSION), format!("__deleted:{}", agreed::DELETED)];
    let changed = design.entities.iter().flat_map(|e| &e.fields).filter(|f| f.name != f.column);
    renames.extend(changed.map(|f| format!("{}:{}", f.column, f.name)));
    renames.dedup();
    set(config, "transforms.shape.type", "org.apache.kafka.connect.transforms.ReplaceField$Value");
    set(config, "transforms.shape.renames", renames.join(","));
    set(config, "transforms.shape.predicate", "entity");
    let topics: Vec<String> =
        design.entities.iter().map(|e| quoted(&raw(design, database, prefix, &e.table))).collect();
    set(config, "predicates.entity.type", "org.apache.kafka.connect.transforms.predicates.TopicNameMatches");
    set(config, "predicates.entity.pattern", topics.join("|"));
    route(context, design, database, prefix, chain, config);
}

/// Every table's changes get the name of their schema and go to their public topic.
fn route(
    context: &Context<'_>,
    design: &Design,
    database: &StoreDesign,
    prefix: &str,
    mut chain: Vec<String>,
    config: &mut Config,
) {
    let mut aliases = vec!["entity".to_owned()];
    for (at, entity) in design.entities.iter().enumerate() {
        let number = at + 1;
        if context.options.schema != SchemaKind::Json {
            let alias = format!("name{number}");
            set(
                config,
                &format!("transforms.{alias}.type"),
                "org.apache.kafka.connect.transforms.SetSchemaMetadata$Value",
            );
            set(
                config,
                &format!("transforms.{alias}.schema.name"),
                format!("{}.{}", schema::namespace(context.system, design), schema::record(entity)),
            );
            set(config, &format!("transforms.{alias}.predicate"), format!("is{number}"));
            set(
                config,
                &format!("predicates.is{number}.type"),
                "org.apache.kafka.connect.transforms.predicates.TopicNameMatches",
            );
            set(
                config,
                &format!("predicates.is{number}.pattern"),
                quoted(&raw(design, database, prefix, &entity.table)),
            );
            aliases.push(format!("is{number}"));
            chain.push(alias);
        }
    }
    for (at, entity) in design.entities.iter().enumerate() {
        let alias = format!("route{}", at + 1);
        set(config, &format!("transforms.{alias}.type"), "org.apache.kafka.connect.transforms.RegexRouter");
        set(config, &format!("transforms.{alias}.regex"), quoted(&raw(design, database, prefix, &entity.table)));
        set(config, &format!("transforms.{alias}.replacement"), &entity.topic);
        chain.push(alias);
    }
    set(config, "transforms", chain.join(","));
    set(config, "predicates", aliases.join(","));
}

fn outbox(context: &Context<'_>, design: &Design, database: &StoreDesign) -> Config {
    let prefix = format!("outbox.{}", design.domain);
    let mut config = base(design, database, &prefix, &agreed::outbox_slot(design));
    set(&mut config, list_key(design), listed(design, database, agreed::OUTBOX));
    // The outbox begins empty: what is in it is to be sent.
    set(&mut config, "tombstones.on.delete", "false");
    // Keys are texts: a JSON converter would put them in quotes.
    set(&mut config, "key.converter", "org.apache.kafka.connect.storage.StringConverter");
    set(&mut config, "value.converter", "org.apache.kafka.connect.json.JsonConverter");
    set(&mut config, "value.converter.schemas.enable", "false");
    let mongo = agreed::engine(design) == "mongodb";
    let (class, field, expand) = if mongo {
        (
            "io.debezium.connector.mongodb.transforms.outbox.MongoEventRouter",
            "collection.field",
            "collection.expand.json.payload",
        )
    } else {
        ("io.debezium.transforms.outbox.EventRouter", "table.field", "table.expand.json.payload")
    };
    // MongoDB's documents have their identity under a name of its own.
    let id = if mongo { "_id" } else { "id" };
    let mut router = |key: &str, value: &str| set(&mut config, &format!("transforms.outbox.{key}"), value);
    router("type", class);
    for (what, column) in [("id", id), ("key", "aggregateid"), ("type", "type"), ("payload", "payload")] {
        router(&format!("{field}.event.{what}"), column);
    }
    router("route.by.field", "aggregatetype");
    router("route.topic.replacement", &format!("{}.${{routedByValue}}.events.v1", design.domain));
    router(expand, "true");
    let placement = if mongo { "collection.fields.additional.placement" } else { "table.fields.additional.placement" };
    router(
        placement,
        &format!("{id}:header:ce_id,type:header:ce_type,occurred_at:header:ce_time,specversion:header:ce_specversion"),
    );
    router("predicate", "outbox");
    headers(context, design, database, &prefix, &mut config);
    config
}

/// The headers of CloudEvents that are the same for every event, on events only.
fn headers(context: &Context<'_>, design: &Design, database: &StoreDesign, prefix: &str, config: &mut Config) {
    let mut chain = vec!["outbox"];
    let source = format!(
        "/{}/{}",
        context.system.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect::<String>(),
        design.domain
    );
    for (alias, header, value) in
        [("source", "ce_source", source.as_str()), ("content", "content-type", "application/json")]
    {
        set(config, &format!("transforms.{alias}.type"), "org.apache.kafka.connect.transforms.InsertHeader");
        set(config, &format!("transforms.{alias}.header"), header);
        set(config, &format!("transforms.{alias}.value.literal"), value);
        set(config, &format!("transforms.{alias}.predicate"), "event");
        chain.push(alias);
    }
    set(config, "transforms", chain.join(","));
    set(config, "predicates", "outbox,event");
    for (alias, pattern) in [
        ("outbox", quoted(&raw(design, database, prefix, agreed::OUTBOX))),
        ("event", format!("{}\\..*\\.events\\.v1", quoted(&design.domain))),
    ] {
        set(
            config,
            &format!("predicates.{alias}.type"),
            "org.apache.kafka.connect.transforms.predicates.TopicNameMatches",
        );
        set(config, &format!("predicates.{alias}.pattern"), pattern);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_in_expressions_are_quoted() {
        assert_eq!(quoted("a$b.c"), "a\\$b\\.c");
    }
}
