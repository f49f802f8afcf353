//! Arguments that several commands take, and how they are read.

use api::{any_refund_id, any_session_id};
use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use jiff::{SignedDuration, Timestamp};
use models::{ActReason, InvalidText, Mode, ObjectId, RefundId, SessionId};

/// Whether a command only says what it would do.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct DryRun {
    /// Change nothing: say what would be done
    #[arg(long)]
    pub(crate) dry_run: bool,
}

/// What is said after a dry run.
pub(crate) const DRY_RUN_NOTE: &str = "Nothing was changed, for this was a dry run.";

const NO_SESSION_ID: &str = "must be a payment session's whole id: `counterfoil sessions find` finds it by less";
const NO_REFUND_ID: &str = "must be a refund's whole id: `counterfoil sessions show` shows those of a payment session";
const NO_OBJECT_ID: &str = "must be the whole id of a payment session or refund: try `counterfoil sessions find`";

/// A payment session's id in whichever spelling a merchant's system has it.
pub(crate) fn session_id(text: &str) -> Result<SessionId, &'static str> {
    any_session_id(text).ok_or(NO_SESSION_ID)
}

/// A refund's id, likewise.
pub(crate) fn refund_id(text: &str) -> Result<RefundId, &'static str> {
    any_refund_id(text).ok_or(NO_REFUND_ID)
}

/// The id of a payment session or refund, likewise.
pub(crate) fn object_id(text: &str) -> Result<ObjectId, &'static str> {
    let refund_id = || any_refund_id(text).map(ObjectId::from);
    any_session_id(text).map(ObjectId::from).or_else(refund_id).ok_or(NO_OBJECT_ID)
}

/// A text of a kind that says itself what it may be.
pub(crate) fn text<Text: TryFrom<String, Error = InvalidText>>(text: &str) -> Result<Text, InvalidText> {
    text.to_owned().try_into()
}

/// Why something is done: one of a few words, or a note.
pub(crate) fn reason(text: &str) -> Result<ActReason, InvalidText> {
    Ok(match text {
        "returned" => ActReason::Returned,
        // As other commands print words, too, and the console writes it.
        "not-delivered" | "not_delivered" => ActReason::NotDelivered,
        "duplicate" => ActReason::Duplicate,
        "goodwill" => ActReason::Goodwill,
        note => ActReason::Other(self::text(note)?),
    })
}

/// One of a few words, which the help and the shell's completion name.
pub(crate) fn one_of<T, const N: usize>(all: [T; N], word: fn(T) -> &'static str) -> impl TypedValueParser<Value = T>
where
    T: Copy + Send + Sync + 'static,
{
    let named = move |name: String| all.into_iter().find(|one| word(*one) == name).ok_or("must be one of these words");
    PossibleValuesParser::new(all.map(word)).try_map(named)
}

/// Test or live.
pub(crate) fn mode() -> impl TypedValueParser<Value = Mode> {
    one_of([Mode::Test, Mode::Live], Mode::as_str)
}

/// A length of time, such as `90s`, `1h`, `72h` or, in days of 24 hours, `30d`.
pub(crate) fn duration(text: &str) -> Result<SignedDuration, &'static str> {
    let days = || text.strip_suffix('d')?.parse::<u32>().ok();
    let in_days = || days().map(|days| SignedDuration::from_hours(i64::from(days) * 24));
    let parsed = text.parse::<SignedDuration>().ok().or_else(in_days);
    parsed.filter(|duration| !duration.is_negative()).ok_or("must be a length of time, such as 90s, 30m, 72h or 30d")
}

/// A time, as itself or as how long ago it is.
pub(crate) fn time(text: &str) -> Result<Timestamp, &'static str> {
    let ago = || duration(text).ok().and_then(|ago| runtime::Clock::System.now().checked_sub(ago).ok());
    text.parse()
        .ok()
        .or_else(ago)
        .ok_or("must be a time such as 2026-01-31T09:30:00Z, or how long ago, such as 30m, 72h or 30d")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_given_as_any_format_shows_it() {
        let id: SessionId = "1ae1ce03-dfa9-4593-b487-65c656991cb5".parse().unwrap();
        for spelled in [id.to_string(), id.to_hex().to_uppercase(), format!("py_sess_{}", id.to_base62())] {
            assert_eq!((session_id(&spelled), object_id(&spelled)), (Ok(id), Ok(id.into())), "{spelled}");
        }
        let refund: RefundId = id.to_string().parse().unwrap();
        let spelled = format!("re_{}", refund.to_base62());
        assert_eq!((refund_id(&spelled), object_id(&spelled)), (Ok(refund), Ok(refund.into())));
        assert!(session_id(&spelled).is_err());
        let checkout = format!(" http://127.0.0.1:3000/checkout/{id} ");
        assert_eq!((session_id(&checkout), object_id(&checkout)), (Ok(id), Ok(id.into())));
        for less in ["", "1ae1ce03", "py_sess_1"] {
            assert!(session_id(less).is_err() && refund_id(less).is_err() && object_id(less).is_err(), "{less}");
        }
    }

    #[test]
    fn a_reason_is_a_word_or_a_note() {
        for word in ["not-delivered", "not_delivered"] {
            assert_eq!(reason(word), Ok(ActReason::NotDelivered), "{word}");
        }
        assert_eq!(reason("Came broken"), Ok(ActReason::Other(samples::text("Came broken"))));
        for text in ["", " ", "two\nlines", &"n".repeat(201)] {
            assert!(reason(text).is_err(), "{text}");
        }
    }

    #[test]
    fn times_are_given_by_themselves_or_by_how_long_ago() {
        assert_eq!(time("2026-01-31T09:30:00Z").unwrap().to_string(), "2026-01-31T09:30:00Z");
        let ago = runtime::Clock::System.now().duration_since(time("72h").unwrap());
        assert!((71..=72).contains(&ago.as_hours()), "{ago}");
        for text in ["", "yesterday", "-1h", "2026-01-31", "d", "-1d", "1.5d", "99999999999d"] {
            assert!(time(text).is_err(), "{text}");
        }
        assert_eq!(duration("30d").unwrap(), SignedDuration::from_hours(720));
        assert_eq!(duration("1h30m").unwrap(), SignedDuration::from_mins(90));
    }
}
