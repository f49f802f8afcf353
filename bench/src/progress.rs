//! Bars that show the progress of long work.

use indicatif::{ProgressBar, ProgressStyle};

/// A bar of `count` steps; nothing where there is no terminal.
pub(crate) fn bar(count: usize, what: &'static str) -> ProgressBar {
    let bar = ProgressBar::new(count.try_into().unwrap_or(u64::MAX)).with_message(what);
    let template = "{msg:24} [{bar:30}] {human_pos}/{human_len}  {per_sec}, {eta} left";
    match ProgressStyle::with_template(template) {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}
