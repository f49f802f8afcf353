//! What a text in any language is held to.

/// The names of its placeholders, each once.
pub fn placeholders(text: &str) -> Vec<&str> {
    let mut names: Vec<_> = text.split('{').skip(1).filter_map(|rest| rest.split('}').next()).collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// Whether both end as a sentence, or neither does.
pub fn ends_alike(one: &str, other: &str) -> bool {
    let end = |text: &str| text.chars().next_back().filter(|end| ".:?".contains(*end));
    end(one) == end(other)
}

/// Whether a space that doesn't break stands before `:` and inside of `« »`, and a narrow one before `?`, `!` and `;`.
pub fn has_french_spaces(text: &str) -> bool {
    let is_right = |(before, after): (char, char)| match (before, after) {
        (before, ':' | '»') => before == '\u{a0}',
        ('«', after) => after == '\u{a0}',
        (before, '?' | '!' | ';') => before == '\u{202f}',
        _ => true,
    };
    text.chars().zip(text.chars().skip(1)).all(is_right)
}

/// Whether apostrophes, quotation marks and dots are those of print, and no spaces follow each other.
pub fn has_quotes_of_print(text: &str) -> bool {
    !text.contains(['\'', '"']) && !text.contains("  ") && !text.contains("...")
}
