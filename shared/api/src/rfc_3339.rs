//! Timestamps as RFC 3339 writes them.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::Offset;

/// A timestamp by the grammar of RFC 3339, 5.6, to the millisecond: what lies within one counts as its end. What lies after the
/// latest timestamp that there is, is that one. jiff accepts more: years before 0, offsets up to 25:59, names of time zones.
pub(crate) fn rfc_3339(text: &str) -> Option<Timestamp> {
    let (date, rest) = text.split_at_checked(10).filter(|(date, _)| fits(date, "dddd-dd-dd"))?;
    let rest = rest.strip_prefix(['T', 't', ' '])?;
    let (time, rest) = rest.split_at_checked(8).filter(|(time, _)| fits(time, "dd:dd:dd"))?;
    let (fraction, offset) = match rest.strip_prefix('.') {
        Some(rest) => rest.split_at(rest.find(|letter: char| !letter.is_ascii_digit()).filter(|digits| *digits > 0)?),
        None => ("0", rest),
    };
    let offset_s = match offset {
        "Z" | "z" => 0,
        offset => {
            let (sign, offset) = offset.split_at_checked(1)?;
            let (hours, minutes) = offset.split_once(':').filter(|_| fits(offset, "dd:dd"))?;
            let (hours, minutes): (i32, i32) = (hours.parse().ok()?, minutes.parse().ok()?);
            let seconds = (hours < 24 && minutes < 60).then_some(hours * 3600 + minutes * 60)?;
            match sign {
                "+" => seconds,
                "-" => -seconds,
                _ => return None,
            }
        }
    };
    // An hour 24 or a day that the month doesn't have is refused here; a leap second is the one before it.
    let seconds: DateTime = format!("{date}T{time}").parse().ok()?;
    // There is a second 60 at a day's end in UTC alone (RFC 3339, 5.7).
    let of_day_s = i32::from(seconds.hour()) * 3600 + i32::from(seconds.minute()) * 60 + i32::from(seconds.second());
    if time.ends_with("60") && (of_day_s - offset_s).rem_euclid(86_400) != 86_399 {
        return None;
    }
    let (ms, finer) = fraction.split_at_checked(3).unwrap_or((fraction, ""));
    let ms: i64 = format!("{ms:0<3}").parse().ok()?;
    let up = i64::from(finer.bytes().any(|digit| digit != b'0'));
    let offset = Offset::from_seconds(offset_s).ok()?;
    let at = offset
        .to_timestamp(seconds)
        .ok()
        .and_then(|at| at.checked_add(jiff::SignedDuration::from_millis(ms + up)).ok());
    Some(at.unwrap_or(Timestamp::MAX))
}

/// Whether a text is of this form, in which `d` is a digit.
fn fits(text: &str, form: &str) -> bool {
    let digit_or_same = |(byte, form): (u8, u8)| if form == b'd' { byte.is_ascii_digit() } else { byte == form };
    text.len() == form.len() && text.bytes().zip(form.bytes()).all(digit_or_same)
}
