//! Arguments that several commands take, and how they are read.

use clap::Args;
use jiff::{SignedDuration, Timestamp};

/// Whether a command only says what it would do.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct DryRun {
    /// Change nothing: say what would be done
    #[arg(long)]
    pub(crate) dry_run: bool,
}

/// What is said after a dry run.
pub(crate) const DRY_RUN_NOTE: &str = "Nothing was changed, for this was a dry run.";

/// A length of time, such as `90s`, `1h` or `72h`.
pub(crate) fn duration(text: &str) -> Result<SignedDuration, &'static str> {
    match text.parse::<SignedDuration>() {
        Ok(duration) if !duration.is_negative() => Ok(duration),
        Ok(_) | Err(_) => Err("must be a length of time, such as 90s, 30m or 72h"),
    }
}

/// A time, as itself or as how long ago it is.
pub(crate) fn time(text: &str) -> Result<Timestamp, &'static str> {
    let ago = || duration(text).ok().and_then(|ago| runtime::Clock::System.now().checked_sub(ago).ok());
    text.parse()
        .ok()
        .or_else(ago)
        .ok_or("must be a time such as 2026-01-31T09:30:00Z, or how long ago, such as 30m or 72h")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_given_by_themselves_or_by_how_long_ago() {
        assert_eq!(time("2026-01-31T09:30:00Z").unwrap().to_string(), "2026-01-31T09:30:00Z");
        let ago = runtime::Clock::System.now().duration_since(time("72h").unwrap());
        assert!((71..=72).contains(&ago.as_hours()), "{ago}");
        for text in ["", "yesterday", "-1h", "2026-01-31"] {
            assert!(time(text).is_err(), "{text}");
        }
        assert_eq!(duration("1h30m").unwrap(), SignedDuration::from_mins(90));
    }
}
