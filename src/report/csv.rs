//! `edges.csv`: one line per dependency (RFC 4180).

use crate::result::Result;

/// Dependencies as CSV.
#[must_use]
pub fn render(result: &Result) -> String {
    let mut out =
        "source,target,mode,protocol,channel,blocking,confidence,seen_in,intents,sites,calls,errors\r\n".to_owned();
    for d in &result.dependencies {
        let seen: Vec<String> = d.seen_in.iter().map(|s| format!("{s:?}").to_lowercase()).collect();
        let intents: Vec<&str> = d.intents.iter().map(|i| i.as_str()).collect();
        let count = |n: Option<u64>| n.map(|n| n.to_string()).unwrap_or_default();
        let row = [
            d.source.clone(),
            d.target.clone(),
            d.mode.as_str().to_owned(),
            d.protocol.clone(),
            d.channel.clone().unwrap_or_default(),
            d.blocking.to_string(),
            format!("{:?}", d.confidence).to_lowercase(),
            seen.join("+"),
            intents.join("+"),
            d.sites.len().to_string(),
            count(d.calls),
            count(d.errors),
        ];
        out.push_str(&row.iter().map(|f| field(f)).collect::<Vec<_>>().join(","));
        out.push_str("\r\n");
    }
    out
}

/// A field: quoted where needed; a leading sign of a formula is defused for spreadsheets.
fn field(text: &str) -> String {
    let text = super::clean(text);
    let text = if text.starts_with(['=', '+', '-', '@']) { format!("'{text}") } else { text };
    if text.contains([',', '"', '\'']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}

#[cfg(test)]
mod tests {
    #[test]
    fn formulas_and_quotes_are_defused() {
        assert_eq!(super::field("=1+1"), "\"'=1+1\"");
        assert_eq!(super::field("a,\"b\""), "\"a,\"\"b\"\"\"");
    }
}
