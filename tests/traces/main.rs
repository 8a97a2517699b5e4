//! Traces to exact edges: what other tools get wrong, every format alike, any order and split alike, hostile input,
//! generated topologies with known truth, and the official types as the oracle.

mod failures;
mod formats;
mod hostile;
mod large;
mod made;
mod measures;
mod parts;
mod properties;
mod truth;
