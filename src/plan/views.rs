//! Computed results that become topics of their own: what a specification says about them, and what is missing.

use crate::analyze::Analysis;
use crate::analyze::knowledge::words;
use crate::model::design::{EntityDesign, FieldDesign, FieldType, Renamed, ViewDesign};
use crate::model::is_secret_key;

use super::design::{Asked, schemas};
use super::names::{Names, Space};
use super::types;

/// The views of a step: what a specification says about them, else a TODO. One that depends on what is sent with the
/// request has no key, and no input can say one.
#[must_use]
pub fn views(
    analysis: &Analysis,
    asked: &Asked<'_>,
    domain: &str,
    names: &mut Names,
    todo: &mut Vec<String>,
) -> Vec<ViewDesign> {
    let mut all = Vec::new();
    for operation in asked.views {
        let path: Vec<String> = words(operation).into_iter().skip(1).collect();
        let topic = names.legal(Space::Kafka, &format!("{domain}.{}.view.v1", path.join("-")));
        let shape = shape(analysis, asked.owner, operation, &topic, &path.join("_"), names);
        match &shape {
            None => todo.push(format!(
                "the view {operation}: no specification says the fields of its answer (OpenAPI would; --no-views plans without views)"
            )),
            Some(shape) if shape.key().is_empty() => todo.push(format!(
                "the view {operation}: its fields are known ({}), but its answer depends on the request: decide by which key it is computed ahead (--no-views plans without views)",
                shape.place
            )),
            Some(shape) => todo.extend(shape.fields.iter().filter(|f| f.kind == FieldType::Unknown).map(|f| {
                format!("the view {operation}: `{}` of {} ({}) is no plain value", f.written, f.name, f.place)
            })),
        }
        all.push(ViewDesign { operation: operation.clone(), topic, shape });
    }
    all
}

/// The schema with which a specification says that an operation answers. Its key is what the path names.
fn shape(
    analysis: &Analysis,
    owner: &str,
    operation: &str,
    topic: &str,
    name: &str,
    names: &mut Names,
) -> Option<EntityDesign> {
    let plain = |written: &str| {
        let parts: Vec<&str> = written.split('/').map(|p| if p.starts_with('{') { "{}" } else { p }).collect();
        parts.join("/")
    };
    let (schema, written) = schemas(analysis, owner)
        .find_map(|s| s.answers.iter().find(|a| plain(a) == operation).map(|written| (s, written.clone())))?;
    let place = schema.place.clone();
    let mut view = EntityDesign {
        name: names.legal(Space::Identifier, name),
        topic: topic.to_owned(),
        place: place.clone(),
        ..EntityDesign::default()
    };
    for field in &schema.fields {
        if analysis.knowledge.lexicon.is_personal(&view.name, &field.name) || is_secret_key(&field.name) {
            view.left_out
                .push(Renamed { from: field.name.clone(), to: "personal or secret: nothing masks it here".to_owned() });
            continue;
        }
        view.fields.push(FieldDesign {
            name: names.legal(Space::Identifier, &field.name),
            column: field.name.clone(),
            kind: types::parse(&field.type_name),
            written: field.type_name.clone(),
            required: field.required,
            key: written.contains(&format!("{{{}}}", field.name)),
            personal: false,
            place: crate::model::Place { line: field.line, ..place.clone() },
        });
    }
    Some(view)
}
