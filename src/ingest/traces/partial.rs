//! Partial graphs among the inputs: traces that were folded elsewhere, merged with what is folded here.

use crate::files::Source;
use crate::ingest::fold::{PARTIAL_KIND, PartialGraph};
use crate::model::Note;

use super::drive::Outcome;

/// Does it hold partial graphs?
#[must_use]
pub fn claims(source: &Source) -> bool {
    source.head(PARTIAL_KIND.len()).is_ok_and(|head| head.starts_with(PARTIAL_KIND.as_bytes()))
}

/// Reads and merges them; the first has the number `first` among the files.
pub fn read(sources: &[&Source], first: usize, outcome: &mut Outcome) -> Option<PartialGraph> {
    let mut whole = None;
    for (at, source) in sources.iter().enumerate() {
        *outcome.files_read.entry("partial").or_default() += 1;
        let file = u32::try_from(first + at).unwrap_or(u32::MAX);
        let read = source.bytes().and_then(|bytes| match std::str::from_utf8(&bytes) {
            Ok(text) => PartialGraph::from_text(text, file),
            Err(e) => Err(format!("no UTF-8 at byte {}", e.valid_up_to())),
        });
        match read {
            Ok(part) => whole = Some(whole.unwrap_or_else(PartialGraph::default).merge(part)),
            Err(reason) => outcome.notes.push(Note::new(&source.path, format!("partial graph: {reason}"))),
        }
    }
    whole
}
