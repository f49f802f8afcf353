//! Welsh.

use models::Currency;

use super::{CommonTexts, Texts, english};
use crate::money::{CurrencyPosition, Numbers};
use crate::time::Calendar;

pub(crate) const TEXTS: Texts = Texts {
    numbers: Numbers {
        decimal: '.',
        group: ',',
        grouped_digits: 4,
        currency: CurrencyPosition::Before,
        symbols: &[(Currency::GBP, "£"), (Currency::EUR, "€"), (Currency::USD, "US$")],
    },
    calendar: Calendar {
        months: [
            "Ionawr",
            "Chwefror",
            "Mawrth",
            "Ebrill",
            "Mai",
            "Mehefin",
            "Gorffennaf",
            "Awst",
            "Medi",
            "Hydref",
            "Tachwedd",
            "Rhagfyr",
        ],
        first_day: "1",
        date_and_time: "{day} {month} {year} am {time} ({zone})",
    },
    common: CommonTexts {
        london_time: "amser Llundain",
        paris_time: "amser Paris",
        stockholm_time: "amser Stockholm",
        utc: "UTC",
        ..english::TEXTS.common
    },
    checkout: english::TEXTS.checkout,
    refunds: english::TEXTS.refunds,
    problems: english::TEXTS.problems,
    mails: english::TEXTS.mails,
};
