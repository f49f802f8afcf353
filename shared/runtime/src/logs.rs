//! Logs: one JSON object a line on standard output, which Lambda hands to CloudWatch.

use tracing_subscriber::filter::LevelFilter;

use crate::settings;

/// Starts logging at the level of `LOG_LEVEL` (`info` where it is not set or not a level).
///
/// A filter by level alone: a filter by module would bring a regex engine to the cold start.
pub fn init_logs() {
    let level = settings::optional("LOG_LEVEL").and_then(|level| level.parse().ok()).unwrap_or(LevelFilter::INFO);
    tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_current_span(false)
        .with_span_list(false)
        .with_target(true)
        .with_max_level(level)
        .init();
}
