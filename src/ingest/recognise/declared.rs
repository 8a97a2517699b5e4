//! Rules on declarations: annotations and supertypes become call sites, injected fields and parameters get values.
//!
//! Takes the context of a unit; gives sites, and values as bindings or parameter defaults. Knows no library.

use crate::model::{Annotation, Argument, Binding, Call, CallSite, Expr};
use crate::rules::Rule;

use super::read::Site;
use super::{Context, types};

impl Context<'_> {
    /// Annotations on types, functions, parameters and fields.
    pub(super) fn annotations(&self, sites: &mut Vec<CallSite>) {
        if self.index.annotations.is_empty() {
            return;
        }
        for decl in &self.unit.types {
            for annotation in &decl.annotations {
                self.annotation(annotation, None, Some(&decl.name), sites);
            }
            for field in &decl.fields {
                for annotation in &field.annotations {
                    self.annotation(annotation, None, Some(&decl.name), sites);
                }
            }
        }
        for (at, function) in self.unit.functions.iter().enumerate() {
            for annotation in &function.annotations {
                self.annotation(annotation, Some(at as u32), function.owner.as_deref(), sites);
            }
        }
    }

    fn annotation(
        &self,
        annotation: &Annotation,
        function: Option<u32>,
        owner: Option<&str>,
        sites: &mut Vec<CallSite>,
    ) {
        for at in &self.index.annotations {
            let rule = &self.rules.all[*at];
            let Some(kind) = rule.is.site() else { continue };
            let last = annotation.name.rsplit(['.', ':']).next().unwrap_or_default();
            let names = [annotation.name.as_str(), last];
            let Some(capture) = names.iter().find_map(|n| rule.annotation.iter().find_map(|p| p.capture(n))) else {
                continue;
            };
            if !self.has_imports(rule) || !self.fits_type(rule, owner) {
                continue;
            }
            if function.is_none() && rule.only_if.as_ref().is_some_and(|c| c.on_function) {
                continue;
            }
            let arguments: Vec<Argument> = annotation
                .arguments
                .iter()
                .map(|a| Argument { name: a.name.clone(), value: self.rewrite(&a.value, function, owner) })
                .collect();
            // `@router.get("/x")` is registered on `router`.
            let holder = annotation.name.rsplit_once('.').map(|(head, _)| Expr::Ref(head.to_owned()));
            let site = Site {
                rule,
                kind,
                unit: self.unit,
                capture,
                line: annotation.line,
                function,
                owner: owner.map(str::to_owned),
                name: last,
                receiver: holder.as_ref(),
                arguments: &arguments,
                type_arguments: &[],
                supertype: "",
            };
            if let Some(made) = site.make() {
                sites.push(made);
                break;
            }
        }
    }

    /// Declared types with a supertype that a rule knows.
    pub(super) fn supertypes(&self, sites: &mut Vec<CallSite>) {
        for decl in &self.unit.types {
            for supertype in &decl.supertypes {
                let plain = types::without_generics(supertype);
                for at in &self.index.supertypes {
                    let rule = &self.rules.all[*at];
                    let Some(kind) = rule.is.site() else { continue };
                    let last = plain.rsplit(['.', ':']).next().unwrap_or_default();
                    let names = [plain.as_str(), last];
                    let Some(capture) = names.iter().find_map(|n| rule.supertype.iter().find_map(|p| p.capture(n)))
                    else {
                        continue;
                    };
                    if !self.has_imports(rule) || !self.fits_type(rule, Some(&decl.name)) {
                        continue;
                    }
                    let site = Site {
                        rule,
                        kind,
                        unit: self.unit,
                        capture,
                        line: decl.line,
                        function: None,
                        owner: Some(decl.name.clone()),
                        name: last,
                        receiver: None,
                        arguments: &[],
                        type_arguments: &[],
                        supertype,
                    };
                    sites.extend(site.make());
                    break;
                }
            }
        }
    }

    /// Objects written as literals (`&kgo.Record{…}` in Go), which no call of the unit holds.
    pub(super) fn literal_objects(&self) -> Vec<Call> {
        let mut all: Vec<Call> = Vec::new();
        // Other languages construct objects by calls, which are seen as such.
        if !matches!(self.unit.language.as_str(), "go" | "rust" | "javascript" | "typescript") {
            return all;
        }
        for binding in &self.unit.bindings {
            objects(&binding.value, binding.line, binding.function, 0, &mut all);
        }
        for call in &self.unit.calls {
            for value in call.receiver.iter().chain(call.arguments.iter().map(|a| &a.value)) {
                objects(value, call.line, call.function, 0, &mut all);
            }
        }
        for (at, function) in self.unit.functions.iter().enumerate() {
            for value in &function.returns {
                objects(value, function.line, Some(at as u32), 0, &mut all);
            }
        }
        all
    }

    /// Does the annotated or enclosing type carry what the rule's condition asks for?
    fn fits_type(&self, rule: &Rule, owner: Option<&str>) -> bool {
        let Some(condition) = &rule.only_if else { return true };
        let method = |name: &String| self.unit.functions.iter().any(|f| f.owner.as_deref() == owner && f.name == *name);
        if !condition.type_method.is_empty() && !condition.type_method.iter().any(method) {
            return false;
        }
        if condition.type_has.is_empty() && condition.type_lacks.is_empty() {
            return true;
        }
        let decl = self.unit.types.iter().find(|t| Some(t.name.as_str()) == owner);
        let has = |wanted: &String| {
            decl.is_some_and(|d| {
                d.annotations.iter().any(|a| a.name.rsplit(['.', ':']).next() == Some(wanted.as_str()))
            })
        };
        (condition.type_has.is_empty() || condition.type_has.iter().any(has)) && !condition.type_lacks.iter().any(has)
    }

    /// Fields whose annotation says what is put into them (`@Value`, struct tags), as bindings of `this.field`.
    pub(super) fn injected(&self) -> Vec<Binding> {
        let mut bindings = Vec::new();
        for decl in &self.unit.types {
            for field in &decl.fields {
                if let Some(value) = self.annotated_value(&field.annotations, None, Some(&decl.name)) {
                    bindings.push(Binding {
                        place: format!("this.{}", field.name),
                        function: None,
                        owner: Some(decl.name.clone()),
                        type_name: Some(field.type_name.clone()).filter(|t| !t.is_empty()),
                        value,
                        line: field.line,
                    });
                }
            }
        }
        bindings
    }

    /// The value that an annotation injects into a field or parameter.
    pub(super) fn annotated_value(
        &self,
        annotations: &[Annotation],
        function: Option<u32>,
        owner: Option<&str>,
    ) -> Option<Expr> {
        annotations.iter().find_map(|annotation| {
            let last = annotation.name.rsplit(['.', ':']).next().unwrap_or_default();
            let names = [annotation.name.as_str(), last];
            self.index.annotations.iter().find_map(|at| {
                let rule = &self.rules.all[*at];
                if rule.is.site().is_some() || !self.has_imports(rule) || !self.fits_type(rule, owner) {
                    return None;
                }
                let capture = names.iter().find_map(|n| rule.annotation.iter().find_map(|p| p.capture(n)))?;
                let arguments: Vec<Argument> = annotation
                    .arguments
                    .iter()
                    .map(|a| Argument { name: a.name.clone(), value: self.rewrite(&a.value, function, owner) })
                    .collect();
                let site = Site {
                    rule,
                    kind: crate::model::SiteKind::Http,
                    unit: self.unit,
                    capture,
                    line: annotation.line,
                    function,
                    owner: owner.map(str::to_owned),
                    name: last,
                    receiver: None,
                    arguments: &arguments,
                    type_arguments: &[],
                    supertype: "",
                };
                site.value()
            })
        })
    }
}

/// `{ method: "GET", url: … }` handed to a library that will send it; with a handler it is a route that is served.
fn describes_request(entries: &[(String, Expr)]) -> bool {
    let verb = |e: &Expr| {
        let Expr::Literal(text) = e else { return false };
        matches!(text.to_ascii_uppercase().as_str(), "GET" | "POST" | "PUT" | "PATCH" | "DELETE")
    };
    let has = |key: &str| entries.iter().any(|(k, _)| k == key);
    let method = entries.iter().any(|(k, v)| matches!(k.as_str(), "method" | "type") && verb(v));
    method && has("url") && !["handler", "schema", "response", "preHandler", "controller"].iter().any(|k| has(k))
}

/// An object as the call `{}` with itself as the argument, so that rules can speak of it.
fn object_literal(value: &Expr, line: u32, function: Option<u32>) -> Call {
    Call {
        line,
        function,
        receiver: None,
        receiver_type: None,
        name: "{}".to_owned(),
        arguments: vec![Argument::positional(value.clone())],
        type_arguments: Vec::new(),
        in_loop: false,
        result_used: true,
        spawned: false,
    }
}

fn objects(value: &Expr, line: u32, function: Option<u32>, depth: usize, all: &mut Vec<Call>) {
    if depth > 12 {
        return;
    }
    let mut each = |parts: &[Expr]| parts.iter().for_each(|p| objects(p, line, function, depth + 1, all));
    match value {
        Expr::Call(receiver, name, arguments) => {
            if let Some(receiver) = receiver {
                objects(receiver, line, function, depth + 1, all);
            }
            for argument in arguments {
                objects(&argument.value, line, function, depth + 1, all);
            }
            let same = |c: &Call| c.function == function && c.name == *name && c.arguments == *arguments;
            if name.starts_with("new ") && !all.iter().any(same) {
                all.push(Call {
                    line,
                    function,
                    receiver: None,
                    receiver_type: None,
                    name: name.clone(),
                    arguments: arguments.clone(),
                    type_arguments: Vec::new(),
                    in_loop: false,
                    result_used: true,
                    spawned: false,
                });
            }
        }
        Expr::Concat(parts) | Expr::Choice(parts) | Expr::List(parts) | Expr::Lambda(parts) => each(parts),
        Expr::Map(entries) => {
            if describes_request(entries) {
                all.push(object_literal(value, line, function));
            }
            entries.iter().for_each(|(_, v)| objects(v, line, function, depth + 1, all));
        }
        Expr::Field(object, _) | Expr::Out(object, _) => objects(object, line, function, depth + 1, all),
        _ => {}
    }
}
