//! `badge.svg` of a check: the badge of its result, grey where the evidence is not enough.

use crate::gate::Verdict;
use crate::report::badge::draw;

use super::Page;

/// The badge.
#[must_use]
pub fn render(page: &Page<'_>) -> String {
    draw(page.result.score.as_ref(), page.outcome.verdict != Verdict::NotEnough)
}
