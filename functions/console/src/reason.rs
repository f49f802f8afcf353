//! Why a person does something: one of a few reasons, or their own words.

use models::{ActReason, Note};
use pages::Language;

use crate::texts::{WordTexts, texts};

/// A reason to choose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ReasonChoice {
    Returned,
    NotDelivered,
    Duplicate,
    Goodwill,
    Other,
}

/// Why a payment is refunded.
pub(crate) const OF_REFUNDS: &[ReasonChoice] = &[
    ReasonChoice::Returned,
    ReasonChoice::NotDelivered,
    ReasonChoice::Duplicate,
    ReasonChoice::Goodwill,
    ReasonChoice::Other,
];

/// Why a payment or a refund is cancelled: nothing was delivered for it, and nothing given.
pub(crate) const OF_CANCELLATIONS: &[ReasonChoice] = &[ReasonChoice::Duplicate, ReasonChoice::Other];

impl ReasonChoice {
    /// What was chosen.
    pub(crate) const fn of(reason: &ActReason) -> Self {
        match reason {
            ActReason::Returned => Self::Returned,
            ActReason::NotDelivered => Self::NotDelivered,
            ActReason::Duplicate => Self::Duplicate,
            ActReason::Goodwill => Self::Goodwill,
            ActReason::Other(_) => Self::Other,
        }
    }

    /// As forms spell it.
    pub(crate) const fn value(self) -> &'static str {
        match self {
            Self::Returned => "returned",
            Self::NotDelivered => "not_delivered",
            Self::Duplicate => "duplicate",
            Self::Goodwill => "goodwill",
            Self::Other => "other",
        }
    }

    /// As it reads.
    pub(crate) const fn label(self, t: &WordTexts) -> &'static str {
        match self {
            Self::Returned => t.reason_returned,
            Self::NotDelivered => t.reason_not_delivered,
            Self::Duplicate => t.reason_duplicate,
            Self::Goodwill => t.reason_goodwill,
            Self::Other => t.reason_other,
        }
    }
}

/// The part of a form that asks for a reason; with what was typed, and what is wrong with it.
#[derive(Default)]
pub(crate) struct ReasonField {
    pub(crate) choices: &'static [ReasonChoice],
    pub(crate) chosen: String,
    pub(crate) note: String,
    pub(crate) choice_error: Option<&'static str>,
    pub(crate) note_error: Option<&'static str>,
}

impl ReasonField {
    /// Of these choices, with what was typed.
    pub(crate) fn new(choices: &'static [ReasonChoice], chosen: &str, note: &str) -> Self {
        Self { choices, chosen: chosen.to_owned(), note: note.to_owned(), ..Self::default() }
    }

    /// The reason; none if something is wrong, which the field says from then on.
    pub(crate) fn read(&mut self, language: Language) -> Option<ActReason> {
        let t = texts(language).refunds;
        let chosen = self.choices.iter().find(|choice| choice.value() == self.chosen);
        let note = self.note.trim();
        let reason = match chosen {
            None => {
                self.choice_error = Some(t.reason_missing);
                return None;
            }
            Some(ReasonChoice::Other) if note.is_empty() => {
                self.note_error = Some(t.note_missing);
                return None;
            }
            Some(ReasonChoice::Other) => match Note::try_from(note.to_owned()) {
                Ok(note) => return Some(ActReason::Other(note)),
                Err(_) => {
                    self.note_error = Some(t.note_wrong);
                    return None;
                }
            },
            Some(ReasonChoice::Returned) => ActReason::Returned,
            Some(ReasonChoice::NotDelivered) => ActReason::NotDelivered,
            Some(ReasonChoice::Duplicate) => ActReason::Duplicate,
            Some(ReasonChoice::Goodwill) => ActReason::Goodwill,
        };
        // It would be lost.
        if note.is_empty() {
            Some(reason)
        } else {
            self.note_error = Some(t.note_lost);
            None
        }
    }

    /// What is wrong, by the id of its field.
    pub(crate) fn errors(&self) -> Vec<(&'static str, String)> {
        let errors = [("reason", self.choice_error), ("note", self.note_error)];
        errors.into_iter().filter_map(|(field, error)| Some((field, error?.to_owned()))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(choices: &'static [ReasonChoice], chosen: &str, note: &str) -> Result<ActReason, Vec<&'static str>> {
        let mut field = ReasonField::new(choices, chosen, note);
        field.read(Language::English).ok_or_else(|| field.errors().into_iter().map(|(field, _)| field).collect())
    }

    #[test]
    fn a_reason_is_chosen_or_written() {
        for (chosen, reason) in [
            ("returned", ActReason::Returned),
            ("not_delivered", ActReason::NotDelivered),
            ("duplicate", ActReason::Duplicate),
            ("goodwill", ActReason::Goodwill),
        ] {
            assert_eq!(read(OF_REFUNDS, chosen, " "), Ok(reason.clone()));
            assert_eq!(read(OF_REFUNDS, chosen, "Came broken"), Err(vec!["note"]), "which would be lost");
            assert_eq!(serde_json::to_value(reason).unwrap(), chosen, "as it is stored");
        }
        let note = Note::try_from("Came broken".to_owned()).unwrap();
        assert_eq!(read(OF_REFUNDS, "other", " Came broken "), Ok(ActReason::Other(note)));
        assert_eq!(read(OF_REFUNDS, "other", "  "), Err(vec!["note"]));
        assert_eq!(read(OF_REFUNDS, "other", &"é".repeat(201)), Err(vec!["note"]));
        assert!(read(OF_REFUNDS, "other", &"é".repeat(200)).is_ok());
        for chosen in ["", "Returned", "nonsense"] {
            assert_eq!(read(OF_REFUNDS, chosen, ""), Err(vec!["reason"]), "{chosen}");
        }
        assert_eq!(read(OF_CANCELLATIONS, "returned", ""), Err(vec!["reason"]));
        assert_eq!(read(OF_CANCELLATIONS, "duplicate", ""), Ok(ActReason::Duplicate));
    }
}
