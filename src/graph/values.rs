//! Follows a value backward through bindings, parameters, fields, returns and objects of one service.
//!
//! Takes an expression where it stands; gives what it may be, each with the chain of places it came by. Shared
//! by all languages; knows no library. What has no definition in the code ends in a hole with its reason.

mod calls;
mod fields;
mod names;

use std::cell::Cell;
use std::rc::Rc;

use crate::model::code::{Function, Parameter};
use crate::model::{Argument, Confidence, Evidence, Expr, Place, SourceKind};

use super::scope::Scope;

/// Steps spent on one question before it is given up, and how deep one chain may go. The longest chain seen in
/// the verified systems has 9 steps.
const STEPS: u32 = 6_000;
const DEPTH: u8 = 40;
/// Values of one name that are told apart; twice the texts that are kept of them.
const VALUES: usize = 48;
/// More callers of one function than this say nothing about one of them.
const CALLERS: usize = 40;

/// Where an expression stands, and how its function was entered.
#[derive(Debug, Clone)]
pub struct Frame<'a> {
    /// Unit of the scope.
    pub unit: u32,
    /// Function in it.
    pub function: Option<u32>,
    /// Type in which it stands.
    pub owner: Option<&'a str>,
    /// Line from which a question is asked; 0 = not known.
    pub line: u32,
    via: Option<Rc<Via<'a>>>,
}

/// The call by which a function was entered: its arguments stand in for the parameters.
#[derive(Debug)]
struct Via<'a> {
    unit: u32,
    function: u32,
    arguments: &'a [Argument],
    caller: Frame<'a>,
    this: Option<Found<'a>>,
}

impl<'a> Frame<'a> {
    /// A place in a unit.
    #[must_use]
    pub fn new(unit: u32, function: Option<u32>, owner: Option<&'a str>) -> Self {
        Self { unit, function, owner, line: 0, via: None }
    }

    /// The place, seen from a line.
    #[must_use]
    pub fn at(self, line: u32) -> Self {
        Self { line, ..self }
    }
}

/// What a value is, as far as it could be followed.
#[derive(Debug, Clone)]
pub enum Head<'a> {
    /// An expression that is no name: literal, concatenation, environment, object, call.
    Expr(&'a Expr, Frame<'a>),
    /// Some object of a type.
    Instance(&'a str),
    /// A module of the scope.
    Module(u32),
    /// A configuration property or section.
    Property(String),
    /// Not known, with the reason.
    Hole(String),
}

/// One step of a chain of evidence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// A line of code and what stands there.
    Code(u32, u32, String),
    /// A configured value.
    Configured(Evidence),
}

/// A value with the way it came.
#[derive(Debug, Clone)]
pub struct Found<'a> {
    /// What it is.
    pub head: Head<'a>,
    /// From the question backward.
    pub chain: Vec<Step>,
    /// The weakest link.
    pub sure: Confidence,
}

impl<'a> Found<'a> {
    fn new(head: Head<'a>) -> Self {
        Self { head, chain: Vec::new(), sure: Confidence::Confirmed }
    }

    fn hole(reason: impl Into<String>) -> Self {
        Self::new(Head::Hole(reason.into()))
    }

    fn is_hole(&self) -> bool {
        matches!(self.head, Head::Hole(_)) || matches!(self.head, Head::Expr(Expr::Opaque(_), _))
    }

    /// Puts what led here before the chain.
    fn after(mut self, before: &[Step], sure: Confidence) -> Self {
        let mut chain = before.to_vec();
        chain.append(&mut self.chain);
        self.chain = chain;
        self.sure = self.sure.min(sure);
        self
    }
}

/// Follows values in one scope.
pub struct Values<'s, 'a> {
    scope: &'s Scope<'a>,
    steps: Cell<u32>,
}

type Many<'a> = Vec<Found<'a>>;

/// Could a call mean this function (unit, index)?
type Fits<'f> = &'f dyn Fn(&(u32, u32, &Function)) -> bool;

fn known<'a>(found: &Many<'a>) -> bool {
    found.iter().any(|f| !f.is_hole())
}

impl<'s, 'a> Values<'s, 'a> {
    /// A follower for one scope.
    #[must_use]
    pub fn new(scope: &'s Scope<'a>) -> Self {
        Self { scope, steps: Cell::new(0) }
    }

    /// The scope.
    #[must_use]
    pub fn scope(&self) -> &'s Scope<'a> {
        self.scope
    }

    /// Starts a new question with a full budget.
    pub fn restart(&self) {
        self.steps.set(0);
    }

    /// Chain steps as evidence.
    #[must_use]
    pub fn evidence(&self, chain: &[Step]) -> Vec<Evidence> {
        chain
            .iter()
            .map(|step| match step {
                Step::Code(unit, line, says) => {
                    let place = &self.scope.unit(*unit).place;
                    let place = Place::new(&place.root, &place.path, *line);
                    Evidence::new(SourceKind::Code, place, says, Confidence::Confirmed)
                }
                Step::Configured(evidence) => evidence.clone(),
            })
            .collect()
    }

    /// What an expression may be.
    #[must_use]
    pub fn heads(&self, expr: &'a Expr, frame: &Frame<'a>, depth: u8) -> Many<'a> {
        self.steps.set(self.steps.get() + 1);
        if depth > DEPTH || self.steps.get() > STEPS {
            return vec![Found::hole("the chain of values is too long")];
        }
        let found: Many<'a> = match expr {
            Expr::Choice(parts) => parts.iter().flat_map(|p| self.heads(p, frame, depth + 1)).collect(),
            Expr::Ref(name) => self.name(name, frame, depth + 1),
            Expr::Field(object, name) => self.member(expr, object, name, frame, depth + 1),
            Expr::Index(object, key) => self.index(object, key, frame, depth + 1),
            Expr::Call(receiver, name, arguments) => {
                self.call(expr, receiver.as_deref(), name, arguments, frame, depth + 1)
            }
            Expr::Out(call, at) => self.out(call, *at, frame, depth + 1),
            _ => vec![Found::new(Head::Expr(expr, frame.clone()))],
        };
        distinct(found)
    }
}

/// One of each value, all holes as one, and not more than are told apart: the same helper called from everywhere
/// would otherwise multiply what every question carries.
fn distinct(found: Many<'_>) -> Many<'_> {
    if found.len() < 2 {
        return found;
    }
    let mut kept: Many<'_> = Vec::new();
    for one in found {
        if kept.len() >= VALUES {
            break;
        }
        if !kept.iter().any(|k| same(&k.head, &one.head)) {
            kept.push(one);
        }
    }
    kept
}

fn same(a: &Head<'_>, b: &Head<'_>) -> bool {
    match (a, b) {
        (Head::Expr(x @ (Expr::Literal(_) | Expr::Opaque(_)), _), Head::Expr(y, _)) => x == y,
        (Head::Expr(x, f), Head::Expr(y, g)) => {
            std::ptr::eq(*x, *y) && f.unit == g.unit && f.function == g.function && f.via.is_none() && g.via.is_none()
        }
        (Head::Instance(x), Head::Instance(y)) => x == y,
        (Head::Module(x), Head::Module(y)) => x == y,
        (Head::Property(x), Head::Property(y)) => x == y,
        (Head::Hole(_), Head::Hole(_)) => true,
        _ => false,
    }
}

impl<'a> Frame<'a> {
    fn this(&self) -> Option<&Found<'a>> {
        self.via.as_deref().and_then(|via| via.this.as_ref())
    }
}

/// Types of text and numbers: no container makes them.
fn is_plain(name: &str) -> bool {
    matches!(
        name,
        "string"
            | "String"
            | "str"
            | "int"
            | "Integer"
            | "long"
            | "Long"
            | "number"
            | "bool"
            | "boolean"
            | "Boolean"
            | "Int"
            | "float"
            | "double"
            | "any"
            | "object"
            | "Object"
            | "bytes"
            | "byte"
            | "u16"
            | "usize"
            | "i32"
            | "u64"
    )
}

/// The argument for a parameter: by name, else by position among those without a name.
fn argument<'a>(arguments: &'a [Argument], index: usize, name: &str) -> Option<&'a Expr> {
    let named = arguments.iter().find(|a| a.name.as_deref() == Some(name));
    named.or_else(|| arguments.get(index).filter(|a| a.name.is_none())).map(|a| &a.value)
}

/// The arguments for a parameter: one, or for `...` all that are left.
fn passed<'a>(arguments: &'a [Argument], index: usize, parameter: &Parameter) -> Vec<&'a Expr> {
    if parameter.type_name.starts_with("...") {
        return arguments.iter().skip(index).map(|a| &a.value).collect();
    }
    argument(arguments, index, &parameter.name).into_iter().collect()
}

/// `getBaseUrl` and `baseUrl` read the field `baseUrl`.
fn getter(name: &str) -> &str {
    name.strip_prefix("get")
        .or_else(|| name.strip_prefix("is"))
        .filter(|rest| rest.starts_with(char::is_uppercase))
        .unwrap_or(name)
}
