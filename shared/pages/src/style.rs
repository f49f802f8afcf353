//! Style sheets, minified. They stand in the page; the policy knows them by their hashes.

/// That of every page of ours.
pub(crate) const STYLE: &str = include_str!(concat!(env!("OUT_DIR"), "/style.css"));

/// What it begins with: colours, text, cards, facts and buttons, for pages with a look of their own on top of it.
pub const BASE_STYLE: &str = include_str!(concat!(env!("OUT_DIR"), "/base.css"));

/// What the merchant's console has on top of that of every page: lists, timelines, navigation.
pub const CONSOLE_STYLE: &str = include_str!(concat!(env!("OUT_DIR"), "/console.css"));

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_style_sheets_can_stand_in_a_page() {
        for style in [STYLE, BASE_STYLE] {
            assert!(!style.contains('<') && !style.contains("url(") && !style.contains("@import"));
            assert!(!style.contains("/*") && style.contains("prefers-color-scheme"), "{style}");
        }
        assert!(STYLE.starts_with(BASE_STYLE));
        assert!(!CONSOLE_STYLE.contains('<') && !CONSOLE_STYLE.contains("url(") && !CONSOLE_STYLE.contains("@import"));
    }
}
