//! The style sheet of every page. It stands in the page; the policy knows it by its hash.

/// The style sheet, minified.
pub const STYLE: &str = include_str!(concat!(env!("OUT_DIR"), "/style.css"));

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_style_sheet_can_stand_in_a_page() {
        assert!(!STYLE.contains('<') && !STYLE.contains("url(") && !STYLE.contains("@import"));
        assert!(!STYLE.contains("/*") && STYLE.contains("prefers-color-scheme"), "{STYLE}");
    }
}
