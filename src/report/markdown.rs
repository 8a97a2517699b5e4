//! `report.md`: the report for reviews, wikis and step summaries.

use crate::result::Result;

use super::{action, clean, percent, verdict};

mod figures;

/// Rows of one table; the rest is in `graph.json`.
const ROWS: usize = 200;

/// The report as Markdown.
#[must_use]
pub fn render(result: &Result) -> String {
    let mut out = format!("# {}\n\n{}\n", cell(&result.system), cell(&verdict(result)));
    score(result, &mut out);
    plan(result, &mut out);
    figures::proposals(result, &mut out);
    entities(result, &mut out);
    figures::verb_lies(result, &mut out);
    figures::metrics(result, &mut out);
    figures::traffic(result, &mut out);
    findings(result, &mut out);
    edges(result, &mut out);
    honesty(result, &mut out);
    out
}

/// Text in a table cell or paragraph: what Markdown or HTML would obey is escaped.
pub(super) fn cell(text: &str) -> String {
    let mut out = String::new();
    for c in clean(text).chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '|' | '*' | '_' | '`' | '[' | ']' | '#' | '\\' | '~' | '!' => {
                out.push('\\');
                out.push(c);
            }
            _ => out.push(c),
        }
    }
    out
}

fn table(out: &mut String, head: &[&str], rows: Vec<Vec<String>>) {
    let left = rows.len().saturating_sub(ROWS);
    out.push_str(&format!("\n| {} |\n|{}\n", head.join(" | "), " --- |".repeat(head.len())));
    for row in rows.into_iter().take(ROWS) {
        let cells: Vec<String> = row.iter().map(|c| cell(c)).collect();
        out.push_str(&format!("| {} |\n", cells.join(" | ")));
    }
    if left > 0 {
        out.push_str(&format!("\nand {left} more, see graph.json\n"));
    }
}

fn score(result: &Result, out: &mut String) {
    let Some(score) = &result.score else { return };
    let [low, high] = score.interval;
    out.push_str("\n## Score\n");
    let figures = &score.figures;
    let rows = vec![
        vec![
            "Synchronous Coupling Score".to_owned(),
            format!("{:.2} ({}), between {low:.2} and {high:.2}", score.value, score.band.as_str()),
        ],
        vec![
            "coverage".to_owned(),
            format!("code {}, traces {}", percent(score.coverage.code), percent(score.coverage.traces)),
        ],
        vec!["services in the score, waiting edges".to_owned(), format!("{}, {}", figures.services, figures.edges)],
        vec!["cycles".to_owned(), figures.cycles.iter().map(|c| c.join(", ")).collect::<Vec<_>>().join("; ")],
        vec![
            "longest chain".to_owned(),
            format!("{}: {}", crate::model::counted(figures.depth, "hop"), figures.longest_chain.join(" → ")),
        ],
        vec![
            "compared".to_owned(),
            format!("higher than {} of {} public sample systems", score.compared[0], score.compared[1]),
        ],
    ];
    table(out, &["figure", "value"], rows);
    out.push_str("\nThe score is the mean of one term per service, `1 − 0.9^(needs + needed by)`, times 100.\n");
    let rows = score
        .terms
        .iter()
        .map(|t| vec![t.service.clone(), t.up.to_string(), t.down.to_string(), format!("{:.3}", t.value)])
        .collect();
    table(out, &["service", "needs", "needed by", "term"], rows);
}

fn plan(result: &Result, out: &mut String) {
    let Some(plan) = &result.plan else { return };
    out.push_str(&format!(
        "\n## Plan\n\nVerdict: **{}**: {}. Floor {:.2}. {}.\n",
        plan.verdict.as_str(),
        cell(&plan.because),
        plan.floor,
        cell(&plan.search)
    ));
    let rows = plan
        .steps
        .iter()
        .enumerate()
        .map(|(i, s)| {
            vec![
                (i + 1).to_string(),
                action(s),
                format!("{:.2} → {:.2}", s.score_before, s.score_after),
                s.effort.to_string(),
                s.because.clone(),
            ]
        })
        .collect();
    table(out, &["step", "what", "score", "points", "why"], rows);
    if !plan.residue.is_empty() {
        out.push_str("\nWhat events cannot remove:\n");
        let rows = plan
            .residue
            .iter()
            .map(|r| {
                let intents: Vec<&str> = r.intents.iter().map(|i| i.as_str()).collect();
                vec![
                    format!("{} → {}", r.source, r.target),
                    intents.join(", "),
                    r.proposal.clone(),
                    r.score_after.map_or_else(String::new, |s| format!("{s:.2}")),
                ]
            })
            .collect();
        table(out, &["edge", "because it is", "proposal", "score then"], rows);
    }
}

fn entities(result: &Result, out: &mut String) {
    if result.entities.is_empty() {
        return;
    }
    out.push_str("\n## Owners of data\n");
    let mut all: Vec<_> = result.entities.iter().collect();
    all.sort_by_key(|e| (if e.rank == 0 { u32::MAX } else { e.rank }, e.service.clone()));
    let rows = all
        .iter()
        .map(|e| {
            let tests: Vec<String> = e
                .tests
                .iter()
                .map(|(id, passed)| format!("{id} {}", passed.map_or("?", |p| if p { "yes" } else { "no" })))
                .collect();
            let rank = if e.rank == 0 { "–".to_owned() } else { e.rank.to_string() };
            vec![
                rank,
                e.service.clone(),
                format!("{:?}", e.class),
                e.gain.map_or_else(|| "not tried".to_owned(), |g| format!("{g:.2}")),
                e.rank_by_fan_in.to_string(),
                e.rank_by_page_rank.to_string(),
                tests.join(", "),
            ]
        })
        .collect();
    table(out, &["rank", "service", "class", "gain", "by fan-in", "by PageRank", "tests"], rows);
}

fn findings(result: &Result, out: &mut String) {
    out.push_str("\n## Findings\n");
    let rows = result
        .findings
        .iter()
        .map(|f| {
            let place = f.evidence.first().map(|e| e.place.to_string()).unwrap_or_default();
            vec![f.smell.clone(), format!("{:?}", f.severity).to_lowercase(), f.because.clone(), place]
        })
        .collect();
    table(out, &["smell", "severity", "what", "where"], rows);
    for missing in &result.not_evaluated {
        out.push_str(&format!("\nnot evaluated: {}: {}\n", cell(&missing.smell), cell(&missing.missing)));
    }
}

fn edges(result: &Result, out: &mut String) {
    out.push_str("\n## Dependencies\n");
    let rows = result
        .dependencies
        .iter()
        .map(|d| {
            let seen: Vec<String> = d.seen_in.iter().map(|s| format!("{s:?}").to_lowercase()).collect();
            let site = d.sites.first().map(|s| format!("{}:{}", s.path, s.line));
            let place = site.or_else(|| d.evidence.first().map(|e| e.place.to_string())).unwrap_or_default();
            let calls = d.calls.map_or_else(|| "not measured".to_owned(), |n| n.to_string());
            vec![
                format!("{} → {}", d.source, d.target),
                d.mode.as_str().to_owned(),
                d.channel.clone().unwrap_or_else(|| d.protocol.clone()),
                format!("{:?}", d.confidence).to_lowercase(),
                seen.join(", "),
                calls,
                place,
            ]
        })
        .collect();
    table(out, &["edge", "mode", "over", "confidence", "seen in", "calls", "first evidence"], rows);
}

fn honesty(result: &Result, out: &mut String) {
    out.push_str("\n## What was not resolved\n");
    let rows = result
        .unresolved
        .iter()
        .map(|u| {
            vec![u.source.clone(), format!("{}:{}", u.site.path, u.site.line), u.last_value.clone(), u.reason.clone()]
        })
        .collect();
    table(out, &["caller", "where", "last value", "why"], rows);
    let rows = result
        .candidates
        .iter()
        .map(|c| {
            vec![c.source.clone(), c.targets.join(", "), format!("{}:{}", c.site.path, c.site.line), c.reason.clone()]
        })
        .collect();
    out.push_str("\n## Candidates\n");
    table(out, &["caller", "possible targets", "where", "why"], rows);
    out.push_str("\n## What was read\n");
    let rows = result.read.files.iter().map(|(id, n)| vec![id.clone(), n.to_string()]).collect();
    table(out, &["input", "files"], rows);
    let rows = result.read.skipped.iter().map(|(why, n)| vec![why.clone(), n.to_string()]).collect();
    table(out, &["left out", "files"], rows);
    if !result.notes.is_empty() {
        out.push_str("\n## Notes\n");
        table(out, &["place", "what"], result.notes.iter().map(|n| vec![n.place.clone(), n.text.clone()]).collect());
    }
}
