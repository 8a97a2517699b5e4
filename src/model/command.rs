//! Command lines: the requests that well-known clients and load tools make.

/// Tools that put load on a service; the first word of a command, without its folder.
const LOAD_TOOLS: [&str; 12] =
    ["locust", "ab", "hey", "wrk", "wrk2", "k6", "artillery", "vegeta", "siege", "bombardier", "oha", "ghz"];

/// Other clients.
const CLIENTS: [&str; 6] = ["curl", "wget", "http", "https", "xh", "newman"];

/// Is the tool one that makes load?
#[must_use]
pub fn is_load_tool(tool: &str) -> bool {
    LOAD_TOOLS.contains(&tool)
}

/// The requests of a command line as (tool, address); variables in the address become `${NAME}`.
/// Loops that wait for somebody to answer, and health checks of the own machine, are none.
#[must_use]
pub fn requests_of(line: &str) -> Vec<(String, String)> {
    let line = line.trim();
    if line.starts_with('#') || ["until ", "while "].iter().any(|w| line.starts_with(w)) {
        return Vec::new();
    }
    let mut found = Vec::new();
    let mut tool: Option<&str> = None;
    let mut after_host = false;
    for word in words(line) {
        let name = word.rsplit('/').next().unwrap_or(word).trim_start_matches("$(");
        if matches!(word, "|" | "||" | "&&" | ";") || word.ends_with(';') {
            tool = None;
            continue;
        }
        if tool.is_none() && !word.contains("://") && (LOAD_TOOLS.contains(&name) || CLIENTS.contains(&name)) {
            tool = Some(name);
            continue;
        }
        let Some(by) = tool else { continue };
        let value = word.split_once('=').filter(|(k, _)| k.starts_with('-')).map_or(word, |(_, v)| v);
        let address = value.trim_matches(['"', '\'', ')', '(', ';']);
        let named = std::mem::replace(&mut after_host, word == "--host") && address.starts_with('$');
        if address.starts_with("http://") || address.starts_with("https://") || named {
            found.push((by.to_owned(), braced(address)));
        }
    }
    found
}

/// Words of a command, quotes kept together.
fn words(line: &str) -> Vec<&str> {
    let mut all = Vec::new();
    let (mut start, mut quote) = (None, None);
    for (at, c) in line.char_indices() {
        match quote {
            Some(open) if c == open => quote = None,
            Some(_) => {}
            None if matches!(c, '"' | '\'') => quote = Some(c),
            None if c.is_whitespace() => {
                if let Some(from) = start.take() {
                    all.push(&line[from..at]);
                }
                continue;
            }
            None => {}
        }
        start.get_or_insert(at);
    }
    all.extend(start.map(|from| &line[from..]));
    all
}

/// `$HOST/x` as `${HOST}/x`.
fn braced(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 4);
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        out.push_str(&rest[..=at]);
        rest = &rest[at + 1..];
        let name: String = rest.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
        if !name.is_empty() {
            out.push_str(&format!("{{{name}}}"));
            rest = &rest[name.len()..];
        }
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_tell_whom_they_ask() {
        let one = |line: &str| requests_of(line).into_iter().map(|(t, u)| format!("{t} {u}")).collect::<Vec<_>>();
        assert_eq!(one("locust --host=\"http://${WEB_ADDR}\" --headless"), ["locust http://${WEB_ADDR}"]);
        assert_eq!(one("/usr/bin/curl -X POST $URL http://$HOST:80/x"), ["curl http://${HOST}:80/x"]);
        assert_eq!(one("sh -c 'x' && ab -n 1 http://vote/"), ["ab http://vote/"]);
        assert_eq!(one("locust -f x.py --host \"$HOST\""), ["locust ${HOST}"]);
        assert!(one("while ! curl http://x; do").is_empty() && one("echo http://x").is_empty());
    }
}
