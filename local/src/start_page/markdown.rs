//! What the API's document uses of Markdown, as HTML: paragraphs, lists, tables, bold, code and links.

/// A text's HTML. All of the text is escaped.
pub(super) fn html(text: &str) -> String {
    text.split("\n\n").filter(|block| !block.trim().is_empty()).map(block).collect()
}

/// A text as HTML shows it, also within quotation marks.
pub(super) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

fn block(block: &str) -> String {
    let lines: Vec<&str> = block.lines().filter(|line| !line.trim().is_empty()).collect();
    if lines.iter().all(|line| line.trim_start().starts_with('|')) {
        return table(&lines);
    }
    // An item goes on until the next begins.
    let (mut paragraph, mut items): (Vec<&str>, Vec<String>) = (Vec::new(), Vec::new());
    for line in lines {
        match (line.trim_start().strip_prefix("- "), items.last_mut()) {
            (Some(item), _) => items.push(item.to_owned()),
            (None, Some(item)) => *item = format!("{item} {}", line.trim()),
            (None, None) => paragraph.push(line.trim()),
        }
    }
    let items: String = items.iter().map(|item| format!("<li>{}</li>", inline(item))).collect();
    let paragraph = inline(&paragraph.join(" "));
    match (paragraph.is_empty(), items.is_empty()) {
        (_, true) => format!("<p>{paragraph}</p>"),
        (true, false) => format!("<ul>{items}</ul>"),
        (false, false) => format!("<p>{paragraph}</p><ul>{items}</ul>"),
    }
}

/// Rows, of which the first is the head and the second a line.
fn table(lines: &[&str]) -> String {
    let rows = lines.iter().enumerate().filter(|(number, _)| *number != 1).map(|(number, line)| {
        let name = if number == 0 { "th" } else { "td" };
        let cells = line.trim().trim_matches('|').split('|');
        // A head without words is no head.
        let cells = cells.map(|cell| inline(cell.trim())).map(|cell| {
            let name = if cell.is_empty() { "td" } else { name };
            format!("<{name}>{cell}</{name}>")
        });
        format!("<tr>{}</tr>", cells.collect::<String>())
    });
    format!("<table>{}</table>", rows.collect::<String>())
}

/// Code is every other part between backticks; within it, nothing else is meant.
fn inline(text: &str) -> String {
    let (mut html, mut is_bold) = (String::new(), false);
    for (number, part) in escaped(text).split('`').enumerate() {
        if number % 2 == 1 {
            html.push_str(&format!("<code>{part}</code>"));
            continue;
        }
        for (number, part) in part.split("**").enumerate() {
            if number > 0 {
                html.push_str(if is_bold { "</strong>" } else { "<strong>" });
                is_bold = !is_bold;
            }
            html.push_str(&links(part));
        }
    }
    if is_bold { html + "</strong>" } else { html }
}

/// `[words](https://…)` as a link. What leads elsewhere is shown as it is.
fn links(text: &str) -> String {
    let link = |text: &str| {
        let (before, rest) = text.split_once('[')?;
        let (words, rest) = rest.split_once("](")?;
        let (url, after) = rest.split_once(')')?;
        let link = format!("{before}<a href=\"{url}\">{words}</a>{}", links(after));
        url.starts_with("https://").then_some(link)
    };
    link(text).unwrap_or_else(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_document_uses_becomes_html() {
        for (text, expected) in [
            ("a\nb\n\nc", "<p>a b</p><p>c</p>"),
            ("**Bold `x**`** on", "<p><strong>Bold <code>x**</code></strong> on</p>"),
            ("- a\n  b\n- c", "<ul><li>a b</li><li>c</li></ul>"),
            ("Of these:\n- a", "<p>Of these:</p><ul><li>a</li></ul>"),
            ("| a |  |\n|---|---|\n| b |", "<table><tr><th>a</th><td></td></tr><tr><td>b</td></tr></table>"),
            ("[a](https://b.c/#d).", "<p><a href=\"https://b.c/#d\">a</a>.</p>"),
            ("**open", "<p><strong>open</strong></p>"),
            ("", ""),
        ] {
            assert_eq!(html(text), expected, "{text}");
        }
    }

    #[test]
    fn everything_is_escaped() {
        assert_eq!(html("<b>`<i>`"), "<p>&lt;b&gt;<code>&lt;i&gt;</code></p>");
        for text in ["[a](javascript:b)", "[a](b\"c)"] {
            assert!(!html(text).contains("href"), "{text}");
        }
        assert!(!html("[a](https://b\" onclick=\"c)").contains("\" onclick"));
    }
}
