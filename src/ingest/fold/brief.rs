//! A shape in one word: what folding asks of every span. Shapes are many, and most of what they say is names.

use super::shape::{Role, Shape, Text};
use super::span::Kind;

/// Ended in an error: a mark of a shape, as the others here.
pub const ERROR: u8 = 1;
/// An attempt after the first.
pub const RESENT: u8 = 2;
/// Zipkin's shared server half.
pub const SHARED: u8 = 4;
/// See [`Shape::weak_peer`].
pub const WEAK: u8 = 8;
/// See [`Shape::puts`].
pub const PUTS: u8 = 16;
/// See [`Shape::takes`].
pub const TAKES: u8 = 32;
/// Has links.
pub const LINKED: u8 = 64;

/// What folding asks of a span.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Brief {
    /// What it is.
    pub role: Role,
    /// Kind as told.
    pub kind: Kind,
    marks: u8,
    /// It says how many calls it stands for.
    pub weighted: bool,
    /// Service.
    pub service: Text,
}

impl Brief {
    /// Of a shape.
    #[must_use]
    pub fn of(shape: &Shape) -> Self {
        let mark = |on: bool, mark: u8| if on { mark } else { 0 };
        let marks = mark(shape.error, ERROR)
            | mark(shape.resent, RESENT)
            | mark(shape.shared, SHARED)
            | mark(shape.puts, PUTS)
            | mark(shape.takes, TAKES)
            | mark(shape.linked, LINKED);
        Self { role: shape.role, kind: shape.kind, marks, weighted: shape.weight != 0, service: shape.service }
    }

    /// Does it bear a mark?
    #[inline]
    #[must_use]
    pub fn is(self, mark: u8) -> bool {
        self.marks & mark != 0
    }

    /// Does it put a message in?
    #[must_use]
    #[inline]
    pub fn produces(self) -> bool {
        self.role == Role::Publish || self.role == Role::BrokerCall && self.is(PUTS)
    }
}
