//! Razor components as C#: `@code` blocks, injected services and the expressions of the markup, line by line.

/// Is the text a component and no compilation unit? C# starts with neither `@` nor `<`.
pub(super) fn is_component(source: &str) -> bool {
    source.trim_start_matches('\u{FEFF}').trim_start().starts_with(['@', '<'])
}

/// The C# of a component, on the lines where it stands.
pub(super) fn code(source: &str) -> String {
    let mut out = String::with_capacity(source.len() + 64);
    out.push_str("class Component : ComponentBase {");
    let mut depth: i32 = 0;
    let mut waiting = false;
    for (at, line) in source.lines().enumerate() {
        let trimmed = line.trim_start_matches('\u{FEFF}').trim();
        if waiting || depth > 0 || trimmed.starts_with("@code") || trimmed.starts_with("@functions") {
            let text = trimmed.strip_prefix("@code").or_else(|| trimmed.strip_prefix("@functions")).unwrap_or(line);
            waiting = depth == 0 && !text.contains('{');
            for c in text.chars() {
                match c {
                    '{' => {
                        depth += 1;
                        out.push(if depth == 1 { ' ' } else { c });
                    }
                    '}' => {
                        depth -= 1;
                        out.push(if depth == 0 { ' ' } else { c });
                    }
                    _ if depth > 0 => out.push(c),
                    _ => {}
                }
            }
        } else if let Some(injected) = trimmed.strip_prefix("@inject ") {
            out.push_str(injected.trim_end_matches(';'));
            out.push(';');
        } else {
            for (n, expression) in expressions(trimmed).into_iter().enumerate() {
                out.push_str(&format!(" object Markup{at}_{n}() => {expression};"));
            }
        }
        out.push('\n');
    }
    out.push('}');
    out
}

/// Calls in a line of markup: `@Catalog.Url(item)`, `@await Orders.Get()`, `@onclick="() => Basket.Add(item)"`.
fn expressions(line: &str) -> Vec<&str> {
    let mut all = Vec::new();
    if !line.contains('@') {
        return all;
    }
    let mut from = 0;
    while let Some(open) = line[from..].find('(').map(|o| o + from) {
        let start = line[..open].rfind(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '.'))).map_or(0, |s| s + 1);
        let mut depth = 0;
        let end = line[open..].char_indices().find_map(|(i, c)| {
            depth += i32::from(c == '(') - i32::from(c == ')');
            (depth == 0).then_some(open + i + 1)
        });
        let called = &line[start..open];
        let plain = called.contains('.') && called.starts_with(|c: char| c.is_alphabetic() || c == '_');
        match end {
            Some(end) if plain && line.is_char_boundary(start) => {
                all.push(&line[start..end]);
                from = end;
            }
            _ => from = open + 1,
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn components_become_types_on_their_lines() {
        let text = "@page \"/orders\"\n@inject OrdersClient Orders\n<p>@Orders.Count(1)</p>\n@code {\n  async Task Load() { await Orders.Get(); }\n}\n";
        assert!(is_component(text) && !is_component("using System;"));
        let lines: Vec<String> = code(text).lines().map(str::to_owned).collect();
        assert_eq!(lines[1], "OrdersClient Orders;");
        assert!(lines[2].contains("=> Orders.Count(1);"), "{lines:?}");
        assert!(lines[4].contains("await Orders.Get();"));
    }
}
