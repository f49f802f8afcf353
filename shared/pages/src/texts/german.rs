//! German.

use models::Currency;

use super::{CommonTexts, Texts, english};
use crate::money::{CurrencyPosition, Numbers};
use crate::time::Calendar;

pub(crate) const TEXTS: Texts = Texts {
    numbers: Numbers {
        decimal: ',',
        group: '.',
        grouped_digits: 4,
        currency: CurrencyPosition::After,
        symbols: &[(Currency::GBP, "£"), (Currency::EUR, "€"), (Currency::USD, "$")],
    },
    calendar: Calendar {
        months: [
            "Januar",
            "Februar",
            "März",
            "April",
            "Mai",
            "Juni",
            "Juli",
            "August",
            "September",
            "Oktober",
            "November",
            "Dezember",
        ],
        first_day: "1",
        date_and_time: "{day}. {month} {year} um {time}\u{a0}Uhr ({zone})",
    },
    common: CommonTexts {
        london_time: "Londoner Zeit",
        paris_time: "Pariser Zeit",
        stockholm_time: "Stockholmer Zeit",
        utc: "UTC",
        ..english::TEXTS.common
    },
    checkout: english::TEXTS.checkout,
    refunds: english::TEXTS.refunds,
    problems: english::TEXTS.problems,
    mails: english::TEXTS.mails,
};
