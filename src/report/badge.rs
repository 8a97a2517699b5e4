//! `badge.svg`: the score on a badge, coloured by its band, with a text for those who do not see it.

use crate::model::{Band, ScoreReport};
use crate::result::Result;

/// The badge of a result.
#[must_use]
pub fn render(result: &Result) -> String {
    draw(result.score.as_ref(), true)
}

/// A badge; grey where the evidence is not enough.
pub(super) fn draw(score: Option<&ScoreReport>, enough: bool) -> String {
    let value = score.map_or_else(|| "not measured".to_owned(), |s| format!("{:.1} {}", s.value, s.band.as_str()));
    // The palette of Okabe and Ito, told apart by colour-blind readers; the words say the same.
    let color = match score.map(|s| s.band).filter(|_| enough) {
        None => "#666666",
        Some(Band::Loose) => "#007a58",
        Some(Band::Moderate) => "#0060a0",
        Some(Band::High) => "#a04800",
        Some(Band::DistributedMonolith) => "#a02050",
    };
    let (left, right) = (62, 12 + 7 * value.chars().count());
    let width = left + right;
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"20\" role=\"img\" \
         aria-label=\"coupling: {value}\"><title>coupling: {value}</title>\
         <rect width=\"{left}\" height=\"20\" fill=\"#444444\"/>\
         <rect x=\"{left}\" width=\"{right}\" height=\"20\" fill=\"{color}\"/>\
         <g fill=\"#ffffff\" font-family=\"Verdana,DejaVu Sans,sans-serif\" font-size=\"11\" text-anchor=\"middle\">\
         <text x=\"{}\" y=\"14\">coupling</text><text x=\"{}\" y=\"14\">{value}</text></g></svg>\n",
        left / 2,
        left + right / 2
    )
}
