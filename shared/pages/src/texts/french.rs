//! French.

use models::Currency;

use super::{CommonTexts, Texts, english};
use crate::money::{CurrencyPosition, Numbers};
use crate::time::Calendar;

pub(crate) const TEXTS: Texts = Texts {
    numbers: Numbers {
        decimal: ',',
        group: '\u{202f}',
        grouped_digits: 4,
        currency: CurrencyPosition::After,
        symbols: &[(Currency::GBP, "£"), (Currency::EUR, "€"), (Currency::USD, "$US")],
    },
    calendar: Calendar {
        months: [
            "janvier",
            "février",
            "mars",
            "avril",
            "mai",
            "juin",
            "juillet",
            "août",
            "septembre",
            "octobre",
            "novembre",
            "décembre",
        ],
        first_day: "1er",
        date_and_time: "{day} {month} {year} à {time} ({zone})",
    },
    common: CommonTexts {
        london_time: "heure de Londres",
        paris_time: "heure de Paris",
        stockholm_time: "heure de Stockholm",
        utc: "UTC",
        ..english::TEXTS.common
    },
    checkout: english::TEXTS.checkout,
    refunds: english::TEXTS.refunds,
    problems: english::TEXTS.problems,
    mails: english::TEXTS.mails,
};
