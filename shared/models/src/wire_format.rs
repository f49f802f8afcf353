//! Whose wire format made a session, and what of it only that format reads.

use std::fmt;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// The wire format that a session was created in: its refunds are of the same, and webhook endpoints are notified of the
/// sessions of their own.
///
/// What is stored without one is Banked's, and Banked's is stored without one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WireFormat {
    /// Banked's.
    #[default]
    Banked,
    /// Yorlet's.
    Yorlet,
    /// Fintecture's.
    Fintecture,
}

impl WireFormat {
    /// Every format.
    pub const ALL: [Self; 3] = [Self::Banked, Self::Yorlet, Self::Fintecture];

    /// As it is stored, as `/v2/webhooks` has it, and as ids that are derived from idempotency keys spell it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Banked => "banked",
            Self::Yorlet => "yorlet",
            Self::Fintecture => "fintecture",
        }
    }

    /// What people call it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Banked => "Banked",
            Self::Yorlet => "Yorlet",
            Self::Fintecture => "Fintecture",
        }
    }

    /// Whether its refunds show where the merchant authorises what pays them; where they don't, the merchant is mailed that.
    pub const fn shows_refund_link(self) -> bool {
        match self {
            Self::Banked => true,
            Self::Yorlet | Self::Fintecture => false,
        }
    }

    /// Whether its requests are signed by applications, and its endpoints' deliveries for them.
    pub const fn has_applications(self) -> bool {
        match self {
            Self::Banked | Self::Yorlet => false,
            Self::Fintecture => true,
        }
    }

    /// In which encodings its endpoints may be notified; the first is the default.
    pub const fn encodings(self) -> &'static [EventEncoding] {
        match self {
            Self::Banked | Self::Yorlet => &[EventEncoding::Json],
            Self::Fintecture => &[EventEncoding::Form, EventEncoding::Json],
        }
    }

    /// Whether it is Banked's, which is not written.
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
    pub(crate) const fn is_banked(&self) -> bool {
        matches!(self, Self::Banked)
    }
}

/// How the body of an event is encoded.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EventEncoding {
    /// As JSON.
    #[default]
    Json,
    /// As a form (`application/x-www-form-urlencoded`).
    Form,
}

impl EventEncoding {
    /// Every encoding.
    pub const ALL: [Self; 2] = [Self::Json, Self::Form];

    /// As it is stored, and as `/v2/webhooks` has it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Form => "form",
        }
    }

    /// Whether it is JSON, which is not written.
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
    pub(crate) const fn is_json(&self) -> bool {
        matches!(self, Self::Json)
    }
}

/// What a format keeps of a session for itself: JSON that only that format's module writes and reads. Personal data may be in
/// it.
///
/// It is kept as text, since DynamoDB's numbers are not JSON's: `149.30` would come back as `149.3`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Extra(String);

/// More than [`Extra::MAX_BYTES`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("must be at most {} bytes of JSON", Extra::MAX_BYTES)]
pub struct ExtraTooLong;

impl Extra {
    /// The most that a format may keep of one session: a write unit is 1 KB, and items may have 400.
    pub const MAX_BYTES: usize = 8 * 1024;

    /// Keeps `json`, the text of an object: what the format's own module wrote, of which only the length is checked.
    ///
    /// # Errors
    /// It is too long.
    pub fn new(json: String) -> Result<Self, ExtraTooLong> {
        if json.len() <= Self::MAX_BYTES { Ok(Self(json)) } else { Err(ExtraTooLong) }
    }

    /// The JSON.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

// It may hold personal data, and debug output may reach a log.
impl fmt::Debug for Extra {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Extra(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_format_is_stored_as_it_is_spelled() {
        for format in WireFormat::ALL {
            let stored = serde_json::to_value(format).unwrap();
            assert_eq!(stored, format.as_str());
            assert_eq!(serde_json::from_value::<WireFormat>(stored).unwrap(), format);
        }
        assert!(serde_json::from_str::<WireFormat>(r#""of-a-later-release""#).is_err());
    }

    #[test]
    fn an_encoding_is_stored_as_it_is_spelled() {
        for encoding in EventEncoding::ALL {
            assert_eq!(serde_json::to_value(encoding).unwrap(), encoding.as_str());
        }
    }

    #[test]
    fn what_a_format_keeps_is_limited_and_not_debugged() {
        assert!(Extra::new("x".repeat(8192)).is_ok());
        assert_eq!(Extra::new("x".repeat(8193)), Err(ExtraTooLong));
        assert_eq!(format!("{:?}", Extra::new(r#"{"psu_name":"Ada"}"#.to_owned())), "Ok(Extra(…))");
    }
}
