//! Columns of the tables that types are mapped to, from the code of one service: JPA, Entity Framework, SQLAlchemy,
//! Django, TypeORM and what is annotated like them.
//!
//! Takes the reading of a service; gives one schema per mapped type, names and types as written. A column whose type
//! the code does not say has an empty type: nothing is guessed.

use std::collections::BTreeMap;

use crate::model::code::Field;
use crate::model::facts::SchemaField;
use crate::model::{Annotation, Argument, Expr, Place, SchemaFact, SiteKind, TypeDecl, Unit};

use super::scope::{inner_type, plain_type};
use super::sites::SiteReader;
use super::stores::{snake, table_name};

/// Annotations of an identifier.
const KEYS: [&str; 10] = [
    "Id",
    "EmbeddedId",
    "MongoId",
    "Key",
    "PrimaryKey",
    "BsonId",
    "PrimaryGeneratedColumn",
    "PrimaryColumn",
    "ObjectIdColumn",
    "PartitionKey",
];
/// Annotations of what is not kept, or is kept in another table.
const ELSEWHERE: [&str; 10] = [
    "Transient",
    "NotMapped",
    "OneToMany",
    "ManyToMany",
    "ElementCollection",
    "BsonIgnore",
    "OneToOne",
    "ManyToOne",
    "InverseProperty",
    "RelationId",
];
/// Annotations that say "never null".
const REQUIRED: [&str; 6] = ["NotNull", "NotBlank", "NotEmpty", "Required", "NonNull", "IsNotEmpty"];

/// The schemas of all types that are mapped to a table.
#[must_use]
pub fn schemas(reader: &SiteReader<'_, '_>) -> Vec<SchemaFact> {
    let sets = sets(reader);
    let mut all = Vec::new();
    for unit in reader.scope.units.iter().take(reader.scope.own) {
        for decl in &unit.types {
            let Some(table) = table_of(unit, decl, &sets) else { continue };
            let fields = fields(unit, decl);
            if fields.is_empty() {
                continue;
            }
            all.push(SchemaFact {
                place: Place::new(&unit.place.root, &unit.place.path, decl.line),
                format: "orm".to_owned(),
                name: decl.name.clone(),
                table: Some(table),
                fields,
                removes: Vec::new(),
                answers: Vec::new(),
                services: vec![reader.nodes.all[reader.at].name.clone()],
            });
        }
    }
    all
}

/// `DbSet<Order> Orders`: the type and the name of its table.
fn sets<'a>(reader: &SiteReader<'_, 'a>) -> BTreeMap<&'a str, String> {
    let units = reader.scope.units.iter().take(reader.scope.own);
    let fields = units.flat_map(|u| &u.types).flat_map(|t| &t.fields);
    fields
        .filter(|f| f.type_name.starts_with("DbSet<"))
        .filter_map(|f| Some((inner_type(&f.type_name)?, table_name(&f.name))))
        .collect()
}

fn table_of(unit: &Unit, decl: &TypeDecl, sets: &BTreeMap<&str, String>) -> Option<String> {
    let own = |place: &str, owner: &str| {
        let found = unit.bindings.iter().find(|b| b.place == place && b.owner.as_deref() == Some(owner))?;
        if let Expr::Literal(name) = &found.value { Some(table_name(name)) } else { None }
    };
    if let Some(name) = own("this.__tablename__", &decl.name) {
        return Some(name);
    }
    // Marks of fields (side tables) are not marks of the type.
    let site = unit
        .sites
        .iter()
        .filter(|s| s.kind == SiteKind::Table && s.owner.as_deref() == Some(decl.name.as_str()))
        .filter(|s| s.line <= decl.line || decl.annotations.iter().any(|a| a.line == s.line))
        .min_by_key(|s| s.line);
    match site.map(|s| &s.topic) {
        Some(Some(Expr::Literal(name))) if *name != decl.name => Some(table_name(name)),
        Some(_) => Some(meta_table(unit, decl).unwrap_or_else(|| snake(&decl.name))),
        None => sets.get(decl.name.as_str()).cloned(),
    }
}

/// Django's `class Meta: db_table = "…"` right after its model.
fn meta_table(unit: &Unit, decl: &TypeDecl) -> Option<String> {
    let next = unit.types.iter().map(|t| t.line).filter(|l| *l > decl.line).collect::<Vec<_>>();
    let meta = unit.types.iter().find(|t| t.name == "Meta" && next.iter().min() == Some(&t.line))?;
    let found = unit.bindings.iter().find(|b| b.place == "this.db_table" && b.line > meta.line)?;
    if let Expr::Literal(name) = &found.value { Some(table_name(name)) } else { None }
}

fn fields(unit: &Unit, decl: &TypeDecl) -> Vec<SchemaField> {
    decl.fields.iter().filter_map(|f| field(unit, decl, f)).collect()
}

fn field(unit: &Unit, decl: &TypeDecl, field: &Field) -> Option<SchemaField> {
    let marked = |names: &[&str]| field.annotations.iter().any(|a| names.contains(&plain_type(&a.name)));
    if marked(&ELSEWHERE) || field.name.starts_with("__") || is_constant(&field.name) {
        return None;
    }
    let made = match unit.language.as_str() {
        "python" => python(unit, decl, field)?,
        "csharp" if is_collection(&field.type_name) || field.name.starts_with('_') => return None,
        _ => annotated(unit, decl, field, marked(&KEYS), marked(&REQUIRED)),
    };
    (!made.name.is_empty()).then_some(made)
}

fn is_constant(name: &str) -> bool {
    name.len() > 1 && name.chars().all(|c| c.is_uppercase() || c == '_' || c.is_ascii_digit())
        || name == "serialVersionUID"
}

fn is_collection(type_name: &str) -> bool {
    ["ICollection<", "List<", "IList<", "HashSet<", "IEnumerable<", "IReadOnly", "Collection<"]
        .iter()
        .any(|p| type_name.starts_with(p))
}

fn annotated(unit: &Unit, decl: &TypeDecl, field: &Field, marked_key: bool, marked_required: bool) -> SchemaField {
    let column = field.annotations.iter().find(|a| {
        matches!(plain_type(&a.name), "Column" | "PrimaryColumn" | "PrimaryGeneratedColumn" | "Field" | "JsonProperty")
    });
    let named = column.and_then(|a| argument(a, &["name", "value", "Name"]).or_else(|| first_text(a, &unit.language)));
    let nullable = column.and_then(|a| argument(a, &["nullable"]));
    let conventional = unit.language == "csharp"
        && (field.name.eq_ignore_ascii_case("id") || field.name == format!("{}Id", decl.name));
    // Documents keep the names of their properties, and their identity under a name of its own.
    let document = decl.annotations.iter().any(|a| plain_type(&a.name) == "Document");
    let name = named.unwrap_or_else(|| match unit.language.as_str() {
        "java" | "kotlin" if document && (marked_key || field.name == "id") => "_id".to_owned(),
        "java" | "kotlin" if document => field.name.clone(),
        // Spring's naming strategy, and what Exposed and Panache do.
        "java" | "kotlin" => snake(&field.name),
        _ => field.name.clone(),
    });
    let key = marked_key || conventional || name == "_id";
    let by_type = match unit.language.as_str() {
        "java" => {
            matches!(field.type_name.as_str(), "int" | "long" | "double" | "float" | "boolean" | "short" | "byte")
        }
        "kotlin" => !field.type_name.is_empty() && !field.type_name.ends_with('?'),
        "csharp" => {
            let value = ["int", "long", "decimal", "double", "float", "bool", "Guid", "DateTime", "DateTimeOffset"];
            value.contains(&field.type_name.as_str())
        }
        "typescript" => column.is_some() && !matches!(nullable.as_deref(), Some("true" | "True")),
        _ => false,
    };
    SchemaField {
        name,
        type_name: field.type_name.clone(),
        required: key || marked_required || by_type || matches!(nullable.as_deref(), Some("false" | "False")),
        key,
        line: field.line,
    }
}

/// An argument by name, in brackets or in an object.
fn argument(annotation: &Annotation, names: &[&str]) -> Option<String> {
    let literal = |e: &Expr| if let Expr::Literal(text) = e { Some(text.clone()) } else { None };
    annotation.arguments.iter().find_map(|a| match (&a.name, &a.value) {
        (Some(name), value) if names.contains(&name.as_str()) => literal(value),
        (_, Expr::Map(entries)) => {
            entries.iter().find(|(k, _)| names.contains(&k.as_str())).and_then(|(_, v)| literal(v))
        }
        _ => None,
    })
}

/// `[Column("name")]`, `@Field("name")`: a first argument that is a name. TypeORM's first text is a type.
fn first_text(annotation: &Annotation, language: &str) -> Option<String> {
    match annotation.arguments.first() {
        Some(Argument { name: None, value: Expr::Literal(text) }) if language != "typescript" => Some(text.clone()),
        _ => None,
    }
}

/// `id = Column(Integer, primary_key=True)`, `name: Mapped[str] = mapped_column()`, `sku = models.CharField()`.
fn python(unit: &Unit, decl: &TypeDecl, field: &Field) -> Option<SchemaField> {
    let place = format!("this.{}", field.name);
    let binding = unit
        .bindings
        .iter()
        .find(|b| b.place == place && b.owner.as_deref() == Some(&decl.name) && b.line == field.line);
    let Some(Expr::Call(receiver, function, arguments)) = binding.map(|b| &b.value) else {
        // A declared type without a value is a column of a data model (SQLModel, Beanie).
        return (!field.type_name.is_empty() && binding.is_none()).then(|| SchemaField {
            name: field.name.clone(),
            type_name: field.type_name.clone(),
            required: !field.type_name.contains("Optional") && !field.type_name.contains("None"),
            key: field.name == "id",
            line: field.line,
        });
    };
    let named = |name: &str| arguments.iter().find(|a| a.name.as_deref() == Some(name)).map(|a| &a.value);
    // The value of an argument called `…_key` was masked like a secret; only `False` says no.
    let says = |name: &str| named(name).map(|v| !matches!(v, Expr::Literal(t) if t == "False"));
    let key = says("primary_key").unwrap_or(false);
    if matches!(function.as_str(), "Column" | "mapped_column") {
        let mut positional = arguments.iter().filter(|a| a.name.is_none()).map(|a| &a.value);
        let mut first = positional.next();
        let mut name = field.name.clone();
        if let Some(Expr::Literal(text)) = first {
            name.clone_from(text);
            first = positional.next();
        }
        let type_name = first.and_then(written_type).unwrap_or_else(|| mapped(&field.type_name));
        let optional = field.type_name.contains("Optional") || field.type_name.contains("None");
        let required = says("nullable").map_or(key || !field.type_name.is_empty() && !optional, |n| !n);
        return Some(SchemaField { name, type_name, required, key, line: field.line });
    }
    let by_django = receiver.as_ref().and_then(|r| r.dotted()).is_some_and(|r| r.ends_with("models"))
        && (function.ends_with("Field") || function == "ForeignKey");
    by_django.then(|| SchemaField {
        name: if function == "ForeignKey" { format!("{}_id", field.name) } else { field.name.clone() },
        type_name: if function == "ForeignKey" { String::new() } else { function.clone() },
        required: key || !says("null").unwrap_or(false),
        key,
        line: field.line,
    })
}

fn written_type(value: &Expr) -> Option<String> {
    match value {
        Expr::Call(_, name, _) if name != "ForeignKey" => Some(name.clone()),
        Expr::Ref(name) => Some(name.clone()),
        Expr::Field(_, name) => Some(name.clone()),
        _ => None,
    }
}

/// `Mapped[Optional[str]]` is written as `str`.
fn mapped(type_name: &str) -> String {
    let inner = type_name.trim_start_matches("Mapped[").trim_start_matches("Optional[").trim_end_matches(']');
    inner.split('|').next().unwrap_or(inner).trim().to_owned()
}
