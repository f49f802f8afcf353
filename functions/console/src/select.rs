//! What a select of a form offers.

/// One of its options.
pub(crate) struct SelectOption {
    pub(crate) value: &'static str,
    pub(crate) text: &'static str,
    pub(crate) is_chosen: bool,
}

/// All of its options, from their values and texts.
pub(crate) fn options(chosen: &str, all: impl IntoIterator<Item = (&'static str, &'static str)>) -> Vec<SelectOption> {
    all.into_iter().map(|(value, text)| SelectOption { value, text, is_chosen: chosen == value }).collect()
}
