//! Types as languages and databases write them -> what a column holds -> types as each target writes them.
//!
//! On the wire dates, instants and decimals are texts (ISO 8601, plain decimal): the connectors are set so, and all
//! three kinds of schema, ksqlDB, Flink and consumers read the same value.

use crate::model::design::FieldType;

/// What a column of a written type holds; `Unknown` where the type says too little.
#[must_use]
pub fn parse(written: &str) -> FieldType {
    let plain = written.trim().trim_end_matches('?');
    if plain.ends_with("[]") && plain != "byte[]" || plain.contains('<') || plain.contains(" array") {
        return FieldType::Unknown;
    }
    // Java's and SQLAlchemy's `Date` are different things: neither is guessed.
    if plain == "Date" || plain.ends_with("util.Date") {
        return FieldType::Unknown;
    }
    let plain_name = without_length(plain);
    let base = plain_name.as_str();
    // Half of the numbers of an unsigned integer are beyond the signed one of the same size.
    if matches!(base, "int unsigned" | "integer unsigned") {
        return FieldType::Long;
    }
    let base = base.trim_end_matches(" unsigned");
    // A choice among texts that the column itself lists.
    if matches!(base, "enum" | "set") && plain.contains('(') {
        return FieldType::Text;
    }
    match base {
        "text" | "varchar" | "char" | "character" | "character varying" | "citext" | "bpchar" | "string" | "str"
        | "tinytext" | "mediumtext" | "longtext" | "nvarchar" | "nchar" | "ntext" | "charfield" | "textfield"
        | "slugfield" | "emailfield" | "urlfield" | "unicode" | "email" | "uri" | "unicodetext" | "varchar2"
        | "objectid" => FieldType::Text,
        "uuid" | "guid" | "uniqueidentifier" | "uuidfield" => FieldType::Uuid,
        "int"
        | "integer"
        | "int4"
        | "smallint"
        | "int2"
        | "short"
        | "tinyint"
        | "mediumint"
        | "serial"
        | "serial4"
        | "smallserial"
        | "int32"
        | "integerfield"
        | "positiveintegerfield"
        | "smallintegerfield"
        | "smallinteger"
        | "byte" => FieldType::Int,
        "bigint" | "int8" | "long" | "bigserial" | "serial8" | "int64" | "biginteger" | "bigintegerfield"
        | "bigautofield" | "autofield" => FieldType::Long,
        "numeric" | "decimal" | "bigdecimal" | "decimalfield" | "money" => FieldType::Decimal,
        "real" | "float4" | "float" | "double" | "double precision" | "float8" | "floatfield" => FieldType::Double,
        "boolean" | "bool" | "bit" | "booleanfield" => FieldType::Boolean,
        "date" | "localdate" | "dateonly" | "datefield" => FieldType::Date,
        "time" | "time without time zone" | "localtime" | "timeonly" => FieldType::Time,
        "timestamptz"
        | "timestamp with time zone"
        | "instant"
        | "offsetdatetime"
        | "zoneddatetime"
        | "datetimeoffset"
        | "date-time" => FieldType::Timestamp,
        "timestamp" | "timestamp without time zone" | "datetime" | "localdatetime" | "datetime2" | "datetimefield" => {
            FieldType::LocalTimestamp
        }
        "json" | "jsonb" | "jsonfield" => FieldType::Json,
        "bytea" | "blob" | "binary" | "varbinary" | "byte[]" | "largebinary" | "bytes" | "longblob" => FieldType::Bytes,
        _ => FieldType::Unknown,
    }
}

/// `java.lang.String` is `string`, `timestamp(6) with time zone` is `timestamp with time zone`.
fn without_length(plain: &str) -> String {
    let base = match plain.split_once('(') {
        Some((head, tail)) => format!("{head}{}", tail.split_once(')').map_or("", |(_, rest)| rest)),
        None => plain.to_owned(),
    };
    base.rsplit('.').next().unwrap_or(&base).trim().to_lowercase().trim_end_matches(" zerofill").to_owned()
}

/// Is it a text on the wire?
#[must_use]
pub fn is_text(kind: FieldType) -> bool {
    !matches!(kind, FieldType::Int | FieldType::Long | FieldType::Double | FieldType::Boolean)
}

/// The type in Avro.
#[must_use]
pub fn avro(kind: FieldType) -> &'static str {
    match kind {
        FieldType::Int => "int",
        FieldType::Long => "long",
        FieldType::Double => "double",
        FieldType::Boolean => "boolean",
        _ => "string",
    }
}

/// The type and format in JSON Schema.
#[must_use]
pub fn json(kind: FieldType) -> (&'static str, Option<&'static str>) {
    match kind {
        FieldType::Int | FieldType::Long => ("integer", None),
        FieldType::Double => ("number", None),
        FieldType::Boolean => ("boolean", None),
        FieldType::Uuid => ("string", Some("uuid")),
        FieldType::Date => ("string", Some("date")),
        FieldType::Timestamp => ("string", Some("date-time")),
        _ => ("string", None),
    }
}

/// The type in Protobuf.
#[must_use]
pub fn protobuf(kind: FieldType) -> &'static str {
    match kind {
        FieldType::Int => "int32",
        FieldType::Long => "int64",
        FieldType::Double => "double",
        FieldType::Boolean => "bool",
        _ => "string",
    }
}

/// The type in Flink SQL and ksqlDB (both know these names).
#[must_use]
pub fn stream_sql(kind: FieldType) -> &'static str {
    match kind {
        FieldType::Int => "INT",
        FieldType::Long => "BIGINT",
        FieldType::Double => "DOUBLE",
        FieldType::Boolean => "BOOLEAN",
        _ => "STRING",
    }
}

/// The type of a projection's column in PostgreSQL or MySQL.
#[must_use]
pub fn table_sql(kind: FieldType, mysql: bool, key: bool) -> &'static str {
    match (kind, mysql) {
        (FieldType::Int, _) => "integer",
        (FieldType::Long, _) => "bigint",
        (FieldType::Double, false) => "double precision",
        (FieldType::Double, true) => "double",
        (FieldType::Boolean, _) => "boolean",
        (FieldType::Uuid, false) => "uuid",
        (FieldType::Uuid, true) => "char(36)",
        (FieldType::Decimal, false) => "numeric",
        (FieldType::Decimal, true) => "decimal(38, 9)",
        (FieldType::Date, _) => "date",
        (FieldType::Timestamp, false) => "timestamp with time zone",
        // A key of MySQL must have a length.
        (_, true) if key => "varchar(255)",
        _ => "text",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn written_types_are_understood_or_unknown() {
        for (written, kind) in [
            ("character varying(20)", FieldType::Text),
            ("timestamp(6) with time zone", FieldType::Timestamp),
            ("numeric(10,2)", FieldType::Decimal),
            ("java.util.UUID", FieldType::Uuid),
            ("decimal?", FieldType::Decimal),
            ("int(10) unsigned", FieldType::Long),
            ("tinyint unsigned", FieldType::Int),
            ("enum('a','b')", FieldType::Text),
            ("enum", FieldType::Unknown),
            ("text[]", FieldType::Unknown),
            ("List<Line>", FieldType::Unknown),
            ("Date", FieldType::Unknown),
            ("Status", FieldType::Unknown),
            ("", FieldType::Unknown),
        ] {
            assert_eq!(parse(written), kind, "{written}");
        }
    }
}
