//! Spanish.

use models::Currency;

use super::{CommonTexts, Texts, english};
use crate::money::{CurrencyPosition, Numbers};
use crate::time::Calendar;

pub(crate) const TEXTS: Texts = Texts {
    numbers: Numbers {
        decimal: ',',
        group: '.',
        grouped_digits: 5,
        currency: CurrencyPosition::After,
        symbols: &[(Currency::GBP, "£"), (Currency::EUR, "€"), (Currency::USD, "US$")],
    },
    calendar: Calendar {
        months: [
            "enero",
            "febrero",
            "marzo",
            "abril",
            "mayo",
            "junio",
            "julio",
            "agosto",
            "septiembre",
            "octubre",
            "noviembre",
            "diciembre",
        ],
        first_day: "1",
        date_and_time: "{day} de {month} de {year}, {time} ({zone})",
    },
    common: CommonTexts {
        london_time: "hora de Londres",
        paris_time: "hora de París",
        stockholm_time: "hora de Estocolmo",
        utc: "UTC",
        ..english::TEXTS.common
    },
    checkout: english::TEXTS.checkout,
    refunds: english::TEXTS.refunds,
    problems: english::TEXTS.problems,
    mails: english::TEXTS.mails,
};
