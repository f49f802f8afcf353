//! Amounts and times are written as CLDR has them. Where ours differ on purpose, this says so.

#![allow(clippy::unwrap_used, reason = "a test")]

use fixed_decimal::Decimal;
use icu_datetime::input::{Date, DateTime, Time};
use icu_datetime::options::TimePrecision;
use icu_datetime::{DateTimeFormatter, fieldsets};
use icu_experimental::dimension::currency::CurrencyType;
use icu_experimental::dimension::currency::formatter::CurrencyFormatter;
use icu_locale_core::Locale;
use jiff::Timestamp;
use jiff::civil::date;
use jiff::tz::TimeZone;
use models::{Currency, MinorUnits, Money};
use pages::{Language, Zone};
use proptest::prelude::*;

const CURRENCIES: [Currency; 9] = [
    Currency::GBP,
    Currency::EUR,
    Currency::USD,
    Currency::SEK,
    Currency::CHF,
    Currency::JPY,
    Currency::ISK,
    Currency::KWD,
    Currency::BHD,
];

fn locale(language: Language) -> Locale {
    language.tag().parse().unwrap()
}

/// The amount as CLDR has it.
fn cldr_amount(language: Language, minor: i64, currency: Currency) -> String {
    let (locale, code) = (locale(language), CurrencyType::try_from_str(currency.code()).unwrap());
    let mut decimal = Decimal::from(minor);
    decimal.multiply_pow10(-i16::try_from(currency.exponent().unwrap_or(0)).unwrap());
    let (prefs, options) = ((&locale).into(), Default::default());
    // CLDR says £GB in French and GBP in Spanish, as there are other pounds: none that could be paid here. Shops write £.
    if currency == Currency::GBP {
        let formatter = CurrencyFormatter::try_new_symbol_narrow(prefs, code, options).unwrap();
        return formatter.format_fixed_decimal(&decimal).to_string();
    }
    if [Currency::EUR, Currency::USD].contains(&currency) {
        let formatter = CurrencyFormatter::try_new_symbol(prefs, code, options).unwrap();
        return formatter.format_fixed_decimal(&decimal).to_string();
    }
    // CLDR has symbols for some others, which differ by language. A code leaves no doubt.
    CurrencyFormatter::try_new_code(prefs, code, options).unwrap().format_fixed_decimal(&decimal).to_string()
}

fn amount(language: Language, minor: i64, currency: Currency) -> String {
    language.amount(&Money::new(MinorUnits::new(minor), currency))
}

#[test]
fn amounts_are_written_as_in_cldr() {
    for language in Language::ALL {
        for currency in CURRENCIES {
            for digits in 0..=18 {
                for minor in [0, 10_i64.pow(digits), -(10_i64.pow(digits)), i64::MAX, i64::MIN] {
                    let ours = amount(language, minor, currency);
                    assert_eq!(ours, cldr_amount(language, minor, currency), "{language:?} {minor} {currency}");
                }
            }
        }
    }
    let all = |minor, currency| Language::ALL.map(|language| amount(language, minor, currency));
    assert_eq!(all(5_194, Currency::GBP), ["£51.94", "51,94\u{a0}£", "51,94\u{a0}£", "51,94\u{a0}£", "£51.94"]);
    assert_eq!(
        all(-1_234_567, Currency::EUR),
        ["-€12,345.67", "-12\u{202f}345,67\u{a0}€", "-12.345,67\u{a0}€", "-12.345,67\u{a0}€", "-€12,345.67"]
    );
    // Spaniards group from five digits on.
    assert_eq!(
        all(123_456, Currency::SEK),
        ["SEK\u{a0}1,234.56", "1\u{202f}234,56\u{a0}SEK", "1.234,56\u{a0}SEK", "1234,56\u{a0}SEK", "SEK\u{a0}1,234.56"]
    );
    assert_eq!(all(400, Currency::JPY)[..3], ["JPY\u{a0}400", "400\u{a0}JPY", "400\u{a0}JPY"]);
    assert_eq!(all(1_234, Currency::KWD)[..3], ["KWD\u{a0}1.234", "1,234\u{a0}KWD", "1,234\u{a0}KWD"]);
    assert_eq!(all(i64::MIN, Currency::GBP)[0], "-£92,233,720,368,547,758.08");
}

proptest! {
    #[test]
    fn every_amount_is_written_as_in_cldr(minor: i64, currency in proptest::sample::select(&CURRENCIES)) {
        for language in Language::ALL {
            prop_assert_eq!(amount(language, minor, currency), cldr_amount(language, minor, currency));
        }
    }

    #[test]
    fn what_is_written_has_every_digit(minor: i64, language in proptest::sample::select(&Language::ALL)) {
        for currency in [Currency::GBP, Currency::JPY, Currency::KWD] {
            let digits: String = amount(language, minor, currency).chars().filter(char::is_ascii_digit).collect();
            prop_assert_eq!(digits.parse::<u64>().unwrap(), minor.unsigned_abs());
        }
    }
}

/// The date and the time as CLDR has them.
fn cldr_date_and_time(language: Language, at: jiff::civil::DateTime) -> String {
    let fields = fieldsets::YMDT::long().with_time_precision(TimePrecision::Minute);
    let formatter = DateTimeFormatter::try_new((&locale(language)).into(), fields).unwrap();
    let number = |number: i8| u8::try_from(number).unwrap();
    let date = Date::try_new_gregorian(at.year().into(), number(at.month()), number(at.day())).unwrap();
    let time = Time::try_new(number(at.hour()), number(at.minute()), 0, 0).unwrap();
    let text = formatter.format(&DateTime { date, time }).to_string();
    match language {
        // Shorter.
        Language::English => text.replace(" at ", ", "),
        // A month's first day is said, and written, as the first.
        Language::French if at.day() == 1 => text.replacen("1 ", "1er ", 1),
        // CLDR says "Uhr" only with a zone, which it writes otherwise.
        Language::German => format!("{text}\u{a0}Uhr"),
        // "a las" is wrong at one o'clock.
        Language::Spanish => text.replace(" a las ", ", "),
        Language::French | Language::Welsh => text,
    }
}

#[test]
fn times_are_written_as_in_cldr() {
    for language in Language::ALL {
        for month in 1..=12 {
            for (day, hour, minute) in [(1, 0, 0), (2, 1, 5), (10, 12, 0), (28, 23, 59)] {
                let at = date(2026, month, day).at(hour, minute, 31, 999_000_000);
                let ours = language.date_and_time(at.to_zoned(TimeZone::UTC).unwrap().timestamp(), Zone::Utc);
                assert_eq!(ours, format!("{} (UTC)", cldr_date_and_time(language, at)));
            }
        }
    }
}

#[test]
fn a_time_is_that_of_the_zones_clocks() {
    let at = |text: &str| text.parse::<Timestamp>().unwrap();
    let all = |text, zone| Language::ALL.map(|language| language.date_and_time(at(text), zone));
    assert_eq!(
        all("2019-11-01T15:48:59.999Z", Zone::London),
        [
            "1 November 2019, 15:48 (London time)",
            "1er novembre 2019 à 15:48 (heure de Londres)",
            "1. November 2019 um 15:48\u{a0}Uhr (Londoner Zeit)",
            "1 de noviembre de 2019, 15:48 (hora de Londres)",
            "1 Tachwedd 2019 am 15:48 (amser Llundain)",
        ]
    );
    let english = |text, zone| Language::English.date_and_time(at(text), zone);
    for (utc, zone, local) in [
        ("2026-01-31T23:30:00Z", Zone::London, "31 January 2026, 23:30 (London time)"),
        ("2026-07-31T23:30:00Z", Zone::London, "1 August 2026, 00:30 (London time)"),
        ("2026-01-31T23:30:00Z", Zone::Paris, "1 February 2026, 00:30 (Paris time)"),
        ("2026-07-31T22:30:00Z", Zone::Paris, "1 August 2026, 00:30 (Paris time)"),
        ("2026-12-31T23:00:00Z", Zone::Stockholm, "1 January 2027, 00:00 (Stockholm time)"),
        ("2026-07-31T23:30:00Z", Zone::Utc, "31 July 2026, 23:30 (UTC)"),
        // Both switches of a year, everywhere at one in the morning of UTC.
        ("2026-03-29T00:59:59Z", Zone::London, "29 March 2026, 00:59 (London time)"),
        ("2026-03-29T01:00:00Z", Zone::London, "29 March 2026, 02:00 (London time)"),
        ("2026-10-25T00:59:59Z", Zone::London, "25 October 2026, 01:59 (London time)"),
        ("2026-10-25T01:00:00Z", Zone::London, "25 October 2026, 01:00 (London time)"),
        ("2026-03-29T00:59:59Z", Zone::Paris, "29 March 2026, 01:59 (Paris time)"),
        ("2026-03-29T01:00:00Z", Zone::Paris, "29 March 2026, 03:00 (Paris time)"),
        ("2026-10-25T01:00:00Z", Zone::Stockholm, "25 October 2026, 02:00 (Stockholm time)"),
        // By the rules alone: beyond what the time zone database lists.
        ("2060-03-28T01:00:00Z", Zone::London, "28 March 2060, 02:00 (London time)"),
        ("2060-07-01T12:00:00Z", Zone::Stockholm, "1 July 2060, 14:00 (Stockholm time)"),
    ] {
        assert_eq!(english(utc, zone), local, "{utc}");
    }
    for language in Language::ALL {
        for zone in [Zone::London, Zone::Paris, Zone::Stockholm, Zone::Utc] {
            assert!(language.date_and_time(Timestamp::MAX, zone).contains("9999"));
            assert!(!language.date_and_time(Timestamp::MIN, zone).contains('{'));
        }
    }
}

#[test]
fn who_pays_in_a_currency_lives_by_its_clock() {
    let zone = |currency| Zone::of(currency);
    assert_eq!(
        [Currency::GBP, Currency::EUR, Currency::SEK, Currency::USD].map(zone),
        [Zone::London, Zone::Paris, Zone::Stockholm, Zone::Utc]
    );
}
