//! OpenAPI 2 and 3, in YAML or JSON, whole or split over files: operations, servers, component schemas.

use std::collections::BTreeMap;

use crate::files::Source;
use crate::ingest::neighbours::Neighbours;
use crate::ingest::paths::join;
use crate::ingest::yaml::{self, Node};
use crate::model::facts::SchemaField;
use crate::model::{Facts, Operation, Place, SchemaFact};

use super::Spec;

/// OpenAPI.
pub const SPEC: Spec = Spec { id: "openapi", claims, read };

const METHODS: [&str; 8] = ["get", "put", "post", "delete", "options", "head", "patch", "trace"];

fn claims(source: &Source, text: &str) -> bool {
    matches!(source.extension().as_str(), "yaml" | "yml" | "json")
        && text.contains("paths")
        && text.lines().take(60).any(|l| {
            let l = l.trim_start().trim_start_matches(['{', ' ', '"']);
            l.starts_with("openapi\"")
                || l.starts_with("openapi:")
                || l.starts_with("swagger\"")
                || l.starts_with("swagger:")
        })
}

fn read(source: &Source, text: &str, neighbours: &Neighbours<'_>) -> Facts {
    let mut facts = Facts::default();
    let documents = yaml::parse(text);
    facts.notes.extend(documents.notes(source));
    let mut parts = Parts { source, neighbours, read: BTreeMap::new() };
    for document in &documents.nodes {
        let elsewhere = operations(document, &mut parts, &mut facts);
        schemas(document, elsewhere, &mut parts, &mut facts);
    }
    facts
}

/// Other files that a specification refers to, each parsed once.
struct Parts<'p> {
    source: &'p Source,
    neighbours: &'p Neighbours<'p>,
    read: BTreeMap<String, Option<Node>>,
}

impl Parts<'_> {
    fn place(&self, path: &str, line: u32) -> Place {
        Place::new(&self.source.root, path, line)
    }

    /// What `./orders.yaml#/get` means in a file: the file it stands in, and the node.
    fn find(&mut self, from: &str, reference: &str) -> Option<(String, Node)> {
        let (file, pointer) = reference.split_once('#').unwrap_or((reference, ""));
        if file.is_empty() || file.contains("://") {
            return None;
        }
        let path = join(from.rsplit_once('/').map_or("", |(folder, _)| folder), file)?;
        let neighbours = self.neighbours;
        let read = || neighbours.text(&path).and_then(|t| yaml::parse(&t).nodes.into_iter().next());
        let whole = self.read.entry(path.clone()).or_insert_with(read).as_ref()?;
        let keys = pointer.split('/').filter(|k| !k.is_empty()).map(|k| k.replace("~1", "/").replace("~0", "~"));
        let node = keys.fold(whole, |node, key| node.get(&key));
        (!node.is_null()).then(|| (path, node.clone()))
    }

    /// A node, or what it refers to in another file.
    fn followed(&mut self, from: &str, node: &Node) -> (String, Node) {
        let found = node.get("$ref").text().and_then(|reference| self.find(from, reference));
        found.unwrap_or_else(|| (from.to_owned(), node.clone()))
    }
}

/// Operations; gives what they refer to in other files.
fn operations(document: &Node, parts: &mut Parts<'_>, facts: &mut Facts) -> Vec<(String, String)> {
    let title = document.at(&["info", "title"]).str().to_owned();
    let version = document.at(&["info", "version"]).str().to_owned();
    let mut servers: Vec<String> =
        document.get("servers").list().iter().map(|s| s.get("url").str().to_owned()).collect();
    if let Some(host) = document.get("host").text() {
        servers.push(format!("http://{host}{}", document.get("basePath").str()));
    }
    // A path of the server stands before each operation's path.
    let base = servers
        .first()
        .map_or("", |s| s.split("://").nth(1).map_or(s.as_str(), |rest| rest.find('/').map_or("", |at| &rest[at..])));
    let base = if servers.is_empty() { document.get("basePath").str() } else { base };
    let base = if base.contains('{') { "" } else { base.trim_end_matches('/') };
    let mut elsewhere = Vec::new();
    let (paths_file, paths) = parts.followed(&parts.source.path, document.get("paths"));
    for (path, item) in paths.entries() {
        let (item_file, item) = parts.followed(&paths_file, item);
        for (method, operation) in item.entries().iter().filter(|(m, _)| METHODS.contains(&m.as_str())) {
            let (file, operation) = parts.followed(&item_file, operation);
            let mut referred = Vec::new();
            references(&operation, &mut referred, 0);
            facts.operations.push(Operation {
                place: parts.place(&file, operation.line),
                format: "openapi".to_owned(),
                title: title.clone(),
                version: version.clone(),
                servers: servers.clone(),
                method: method.to_uppercase(),
                path: format!("{base}{path}"),
                id: operation.get("operationId").str().to_owned(),
                tags: operation.get("tags").list().iter().filter_map(Node::text).map(str::to_owned).collect(),
                schemas: referred.iter().map(|r| name_of(r).to_owned()).collect(),
            });
            elsewhere.extend(referred.into_iter().filter(|r| !r.starts_with('#')).map(|r| (file.clone(), r)));
        }
    }
    elsewhere
}

/// The name that a reference ends with: of a schema, or of its file.
fn name_of(reference: &str) -> &str {
    let last = reference.rsplit(['/', '#']).next().unwrap_or(reference);
    [".yaml", ".yml", ".json"].iter().find_map(|end| last.strip_suffix(end)).unwrap_or(last)
}

/// What an operation refers to.
fn references(node: &Node, into: &mut Vec<String>, depth: usize) {
    if depth > 24 {
        return;
    }
    for (key, value) in node.entries() {
        match value.text().filter(|_| key == "$ref") {
            Some(reference) if !into.iter().any(|r| r == reference) => into.push(reference.to_owned()),
            Some(_) => {}
            None => references(value, into, depth + 1),
        }
    }
    for value in node.list() {
        references(value, into, depth + 1);
    }
}

fn schemas(document: &Node, elsewhere: Vec<(String, String)>, parts: &mut Parts<'_>, facts: &mut Facts) {
    let components =
        document.at(&["components", "schemas"]).entries().iter().chain(document.get("definitions").entries());
    let from = parts.source.path.clone();
    let mut all: BTreeMap<String, (String, Node)> = BTreeMap::new();
    for (name, schema) in components {
        all.insert(name.clone(), parts.followed(&from, schema));
    }
    for (file, reference) in elsewhere {
        if let Some(found) = parts.find(&file, &reference).filter(|(_, n)| is_schema(n)) {
            all.entry(name_of(&reference).to_owned()).or_insert(found);
        }
    }
    let by_name: BTreeMap<&str, &Node> = all.iter().map(|(name, (_, schema))| (name.as_str(), schema)).collect();
    for (name, (file, schema)) in &all {
        let mut fields = Vec::new();
        collect(schema, &by_name, &mut fields, 0);
        if !fields.is_empty() {
            facts.schemas.push(SchemaFact {
                place: parts.place(file, schema.line),
                format: "openapi".to_owned(),
                name: name.clone(),
                table: None,
                fields,
                removes: Vec::new(),
                answers: answers(document, name),
                services: Vec::new(),
            });
        }
    }
}

/// Operations whose successful answer is a component schema, or a list of it.
fn answers(document: &Node, name: &str) -> Vec<String> {
    let mut all = Vec::new();
    for (path, item) in document.get("paths").entries() {
        for (method, operation) in item.entries().iter().filter(|(m, _)| METHODS.contains(&m.as_str())) {
            let fine = operation.get("responses").entries().iter().filter(|(code, _)| code.starts_with('2'));
            // OpenAPI 3 names a schema per type of content, OpenAPI 2 one for the answer.
            let is_it = fine.flat_map(|(_, answer)| {
                answer.get("content").entries().iter().map(|(_, c)| c.get("schema")).chain([answer.get("schema")])
            });
            let refers = |schema: &Node| {
                [schema, schema.get("items")].iter().any(|s| s.get("$ref").str().rsplit('/').next() == Some(name))
            };
            if is_it.into_iter().any(refers) {
                all.push(format!("{} {path}", method.to_uppercase()));
            }
        }
    }
    all
}

fn is_schema(node: &Node) -> bool {
    !node.get("properties").is_null() || !node.get("allOf").is_null()
}

/// The properties of a schema, those of the schemas that `allOf` adds first.
fn collect(schema: &Node, by_name: &BTreeMap<&str, &Node>, into: &mut Vec<SchemaField>, depth: usize) {
    if depth > 8 {
        return;
    }
    for part in schema.get("allOf").list() {
        let referred = part.get("$ref").text().and_then(|r| by_name.get(name_of(r)));
        collect(referred.copied().unwrap_or(part), by_name, into, depth + 1);
    }
    let required: Vec<&str> = schema.get("required").list().iter().filter_map(Node::text).collect();
    for (field, value) in schema.get("properties").entries() {
        into.retain(|f| f.name != *field);
        into.push(SchemaField {
            name: field.clone(),
            type_name: type_name(value),
            required: required.contains(&field.as_str()),
            key: field == "id",
            line: value.line,
        });
    }
    for field in into.iter_mut() {
        field.required |= required.contains(&field.name.as_str());
    }
}

/// The name of what is referred to, else the format, else the type; `X[]` for a list.
fn type_name(value: &Node) -> String {
    let reference = value.get("$ref").text().map(name_of);
    let plain = reference.or_else(|| value.get("format").text()).or_else(|| value.get("type").text());
    match plain {
        Some("array") => format!("{}[]", type_name(value.get("items"))),
        plain => plain.unwrap_or_default().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_operations_and_schemas() {
        let text = "openapi: 3.0.3\ninfo: {title: Orders}\nservers: [{url: http://orders/v1}]\npaths:\n  /orders/{id}:\n    get:\n      operationId: getOrder\n      responses: {'200': {content: {application/json: {schema: {$ref: '#/components/schemas/Order'}}}}}\ncomponents:\n  schemas:\n    Order:\n      required: [id]\n      properties:\n        id: {type: string, format: uuid}\n";
        let source = Source::in_memory("orders/openapi.yaml", text.as_bytes());
        assert!(claims(&source, text));
        let facts = read(&source, text, &Neighbours::new(&[], ""));
        let operation = &facts.operations[0];
        assert_eq!(
            (operation.method.as_str(), operation.path.as_str(), operation.place.line),
            ("GET", "/v1/orders/{id}", 6)
        );
        assert_eq!(operation.schemas, ["Order"]);
        assert_eq!(facts.schemas[0].answers, ["GET /orders/{id}"]);
        assert!(facts.schemas[0].fields[0].key && facts.schemas[0].fields[0].required);
    }

    #[test]
    fn schemas_built_of_others_have_all_fields() {
        let text = "openapi: 3.0.3\npaths: {}\ncomponents:\n  schemas:\n    Base: {required: [id], properties: {id: {type: string}}}\n    Order:\n      allOf:\n        - $ref: '#/components/schemas/Base'\n        - properties: {lines: {type: array, items: {$ref: '#/components/schemas/Line'}}}\n";
        let facts = read(&Source::in_memory("a.yaml", text.as_bytes()), text, &Neighbours::new(&[], ""));
        let order = facts.schemas.iter().find(|s| s.name == "Order").expect("Order");
        let names: Vec<(&str, &str, bool)> =
            order.fields.iter().map(|f| (f.name.as_str(), f.type_name.as_str(), f.required)).collect();
        assert_eq!(names, [("id", "string", true), ("lines", "Line[]", false)]);
    }

    #[test]
    fn parts_in_other_files_are_read_where_they_are_referred_to() {
        let text = "swagger: '2.0'\ninfo: {title: Orders}\nbasePath: /v1\npaths:\n  /orders:\n    $ref: 'paths/orders.yaml'\n  /stock:\n    $ref: 'paths/all.json#/~1stock'\n";
        let orders = "\nget:\n  operationId: list\n  responses: {'200': {schema: {$ref: '../schemas/Order.yaml'}}}\n";
        let all = "{\"/stock\": {\"post\": {\"operationId\": \"add\"}}}";
        let sources = [
            Source::in_memory("api/paths/all.json", all.as_bytes()),
            Source::in_memory("api/paths/orders.yaml", orders.as_bytes()),
            Source::in_memory("api/schemas/Order.yaml", "properties: {id: {type: string}}".as_bytes()),
            Source::in_memory("api/swagger.yaml", text.as_bytes()),
        ];
        let facts = read(&sources[3], text, &Neighbours::new(&sources, ""));
        let found: Vec<String> =
            facts.operations.iter().map(|o| format!("{} {} {} {}", o.method, o.path, o.id, o.place)).collect();
        assert_eq!(found, ["GET /v1/orders list api/paths/orders.yaml:2", "POST /v1/stock add api/paths/all.json:1"]);
        assert_eq!(facts.operations[0].schemas, ["Order"]);
        assert_eq!(facts.schemas[0].place.path, "api/schemas/Order.yaml");
    }
}
