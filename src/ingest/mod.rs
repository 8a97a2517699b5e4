//! Inputs -> facts: asks each reader in turn, in parallel by file, and sorts what they give.
//!
//! Takes the listing of `files`; gives `Facts` with names as written. Resolves nothing.

pub mod ecmascript;
pub mod manifests;
pub mod recognise;
pub mod source;
pub mod specs;
pub mod syntax;
pub mod traces;
