//! The banks that TrueLayer leads to, for our own choice of a bank.
//! <https://docs.truelayer.com/docs/get-information-about-banking-providers>

use std::collections::{HashMap, HashSet};
use std::error::Error as _;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};
use models::{BankId, Country, Currency, Mode, Name, PayerKind, PaymentMethod};
use providers::{Availability, Offer, Outage, ProviderError, TRUELAYER, Wanted, truelayer_countries};
use serde_json::{Value, json};
use url::Url;

use crate::hosts::Environment;

/// What is said of an offer of the sandbox.
const SANDBOX_NOTE: &str = "TrueLayer’s sandbox: no money moves.";

/// The most banks that are read. There are some hundreds.
const MAX_BANKS: usize = 2_000;

/// The longest address of a logo, in bytes.
const MAX_LOGO_BYTES: usize = 2_048;

/// For how long a list is shown before it is asked for again.
const FRESH: SignedDuration = SignedDuration::from_mins(10);

/// For how long a list is shown while it can't be asked for again.
const KEPT: SignedDuration = SignedDuration::from_hours(24);

/// When a list is asked for again that could not be had: payers are waiting.
const AGAIN_AFTER: SignedDuration = SignedDuration::from_mins(1);

/// The countries whose banks pay in this currency, of those that are wanted: this one, or any.
pub(crate) fn countries(currency: Currency, wanted: Option<Country>) -> Vec<String> {
    let is_wanted = |country: &&&str| wanted.is_none_or(|wanted| country.as_bytes() == wanted.letters());
    truelayer_countries(currency).iter().filter(is_wanted).map(|country| (*country).to_owned()).collect()
}

/// How TrueLayer calls what payers are to a bank. Where that is not known, all of it: TrueLayer lists banks for people alone
/// unless it is asked for others.
pub(crate) const fn segments(payers: Option<PayerKind>) -> &'static [&'static str] {
    match payers {
        Some(PayerKind::Retail) => &["retail"],
        Some(PayerKind::Corporate) => &["business", "corporate"],
        None => &["retail", "business", "corporate"],
    }
}

/// Which list: it is asked for by currency and kind of payer, as an answer does not say whom a bank serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Query {
    pub(crate) currency: Currency,
    pub(crate) payers: Option<PayerKind>,
}

impl Query {
    /// What TrueLayer is asked. Its payment page can do all that a bank may want of a payer: another page, forms, consents.
    /// <https://docs.truelayer.com/reference/search-payment-providers>
    pub(crate) fn body(&self) -> String {
        let body = json!({
            "countries": countries(self.currency, None),
            "currencies": [self.currency.code()],
            "customer_segments": segments(self.payers),
            "capabilities": { "payments": { "bank_transfer": {} } },
            "authorization_flow": {
                "configuration": {
                    "redirect": {},
                    "form": { "input_types": ["text", "text_with_image", "select"] },
                    "consent": { "requirements": { "pis": {} } },
                },
            },
        });
        body.to_string()
    }
}

/// A bank.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Bank {
    id: BankId,
    name: Name,
    country: Option<Country>,
    logo: Option<Url>,
    is_available: bool,
}

impl Bank {
    /// None of what has no id or name, or none that we could use.
    fn read(item: &Value) -> Option<Self> {
        let text = |name: &str| item.get(name).and_then(Value::as_str);
        let availability = item.pointer("/capabilities/payments/bank_transfer/availability/recommended_status");
        Some(Self {
            id: format!("{TRUELAYER}.{}", text("id").filter(|id| !id.is_empty())?).parse().ok()?,
            name: text("display_name")?.to_owned().try_into().ok()?,
            country: text("country_code").and_then(|country| country.parse().ok()),
            // The name stands beside it, which the other picture holds as well.
            logo: text("icon_uri").and_then(logo),
            is_available: availability.and_then(Value::as_str) != Some("unhealthy"),
        })
    }

    /// Whether it is what is wanted, in a list that was asked for by currency and kind of payer.
    pub(crate) fn serves(&self, wanted: &Wanted<'_>) -> bool {
        wanted.provider.is_none_or(|provider| *provider == self.id)
            && wanted.country.is_none_or(|country| self.country == Some(country))
    }

    /// As a payer sees it.
    pub(crate) fn offer(&self, environment: Environment) -> Offer {
        let Self { id, name, logo, is_available, .. } = self;
        Offer {
            id: id.clone(),
            name: name.as_str().to_owned(),
            logo: logo.as_ref().map(ToString::to_string),
            note: note(environment),
            method: PaymentMethod::PayByBank,
            availability: if *is_available { Availability::Available } else { Availability::Down(Outage::Maintenance) },
        }
    }
}

/// The address of a picture that comes safely: over TLS, or from this very machine.
fn logo(address: &str) -> Option<Url> {
    let url: Url = address.parse().ok()?;
    let is_safe = match url.scheme() {
        "https" => true,
        "http" => matches!(url.host_str(), Some("127.0.0.1" | "localhost")),
        _ => false,
    };
    (is_safe && url.as_str().len() <= MAX_LOGO_BYTES).then_some(url)
}

fn note(environment: Environment) -> Option<String> {
    (environment.mode() == Mode::Test).then(|| SANDBOX_NOTE.to_owned())
}

/// TrueLayer as one offer, where the payer chooses the bank there.
pub(crate) fn any_bank(environment: Environment) -> Option<Offer> {
    Some(Offer {
        id: TRUELAYER.parse().ok()?,
        name: "TrueLayer".to_owned(),
        logo: None,
        note: note(environment),
        method: PaymentMethod::PayByBank,
        availability: Availability::Available,
    })
}

/// The banks in an answer's JSON, in its order; none if there is not one. What can't be used of it is left out.
pub(crate) fn read(answer: &Value) -> Option<Vec<Bank>> {
    let items = answer.get("items")?.as_array()?;
    let mut ids = HashSet::new();
    let banks = items.iter().take(MAX_BANKS).filter_map(Bank::read);
    let banks: Vec<Bank> = banks.filter(|bank| ids.insert(bank.id.clone())).collect();
    (!banks.is_empty()).then_some(banks)
}

/// A list that was had, or could not be, and when it is asked for next.
#[derive(Debug, Clone)]
struct Kept {
    had: Option<(Timestamp, Arc<[Bank]>)>,
    ask_at: Timestamp,
}

impl Kept {
    /// The list, unless it is too old by now.
    fn had_at(&self, now: Timestamp) -> Option<(Timestamp, Arc<[Bank]>)> {
        self.had.clone().filter(|(at, _)| now.duration_since(*at) < KEPT)
    }
}

/// The lists, as they were last had.
#[derive(Debug, Default)]
pub(crate) struct Banks(Mutex<HashMap<Query, Kept>>);

impl Banks {
    /// A list: the last one had, or what `asked` brings if it is time to ask again. None if there is none that is a day old at
    /// most.
    pub(crate) async fn get(
        &self,
        query: Query,
        now: Timestamp,
        asked: impl Future<Output = Result<Vec<Bank>, ProviderError>>,
    ) -> Option<Arc<[Bank]>> {
        let kept = self.kept(query);
        let had = kept.as_ref().and_then(|kept| kept.had_at(now));
        if kept.is_some_and(|kept| now < kept.ask_at) {
            return had.map(|(_, banks)| banks);
        }
        let (had, ask_after) = match asked.await {
            Ok(banks) => (Some((now, banks.into())), FRESH),
            Err(error) => {
                let cause = error.source().map(ToString::to_string);
                tracing::warn!(%error, cause, "TrueLayer's list of banks could not be had");
                (had, AGAIN_AFTER)
            }
        };
        let banks = had.as_ref().map(|(_, banks)| Arc::clone(banks));
        let ask_at = now.checked_add(ask_after).unwrap_or(Timestamp::MAX);
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(query, Kept { had, ask_at });
        banks
    }

    /// A list as it was last had, at most a day ago.
    pub(crate) fn known(&self, query: Query, now: Timestamp) -> Option<Arc<[Bank]>> {
        Some(self.kept(query)?.had_at(now)?.1)
    }

    fn kept(&self, query: Query) -> Option<Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&query).cloned()
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use proptest::prelude::*;
    use runtime::{Clock, VirtualClock};

    use super::*;

    /// An answer after the documentation.
    fn answer() -> Value {
        let bank = |id: &str, name: &str, country: &str, availability: Value| {
            json!({
                "id": id,
                "display_name": name,
                "icon_uri": format!("https://providers-assets.example/{id}/icon.svg"),
                "logo_uri": format!("https://providers-assets.example/{id}/logo.svg"),
                "bg_color": "#44689a",
                "country_code": country,
                "swift_code": "MOCKGB05XXX",
                "capabilities": { "payments": { "bank_transfer": {
                    "release_channel": "general_availability",
                    "availability": availability,
                    "schemes": [{ "id": "faster_payments_service", "requirements": [] }],
                } } },
                "bin_ranges": [],
            })
        };
        let status = |status: &str| json!({ "recommended_status": status, "updated_at": "2026-01-31T09:30:00Z" });
        json!({ "items": [
            bank("ob-monzo", "Monzo", "GB", status("healthy")),
            bank("ob-down", "down bank", "GB", status("unhealthy")),
            bank("xs2a-de", "Sparhaus", "DE", Value::Null),
            bank("ob-monzo", "Monzo", "GB", status("healthy")),
            bank("", "No id", "GB", status("healthy")),
            bank("OB_SHOUTS", "No id of ours", "GB", status("healthy")),
            bank("ob-nameless", "\u{200b}", "GB", status("healthy")),
            { "id": "ob-bare", "display_name": "Bare", "icon_uri": "http://plain.example/a.svg", "country_code": 7 },
            { "display_name": "No id" },
            "not an object",
        ] })
    }

    fn ids<'a>(banks: impl IntoIterator<Item = &'a Bank>) -> Vec<&'a str> {
        banks.into_iter().map(|bank| bank.id.as_str()).collect()
    }

    fn wanted<'a>(country: Option<&str>, provider: Option<&'a BankId>) -> Wanted<'a> {
        Wanted {
            mode: Mode::Test,
            method: PaymentMethod::PayByBank,
            currency: Currency::GBP,
            country: country.map(|country| country.parse().unwrap()),
            payers: None,
            provider,
        }
    }

    #[test]
    fn what_can_be_used_of_a_list_is_read_in_its_order() {
        let banks = read(&answer()).unwrap();
        assert_eq!(ids(&banks), ["truelayer.ob-monzo", "truelayer.ob-down", "truelayer.xs2a-de", "truelayer.ob-bare"]);
        let [monzo, down, sparhaus, bare] = banks.try_into().unwrap();
        assert_eq!([sparhaus.is_available, bare.is_available, down.is_available], [true, true, false]);
        assert_eq!((&bare.logo, &bare.country), (&None, &None));
        let offer = monzo.offer(Environment::Sandbox);
        assert_eq!(offer.name, "Monzo");
        assert_eq!(offer.logo.as_deref(), Some("https://providers-assets.example/ob-monzo/icon.svg"));
        assert_eq!(offer.note.as_deref(), Some("TrueLayer’s sandbox: no money moves."));
        assert_eq!(offer.availability, Availability::Available);
        let offer = down.offer(Environment::Live);
        assert_eq!((offer.note, offer.availability), (None, Availability::Down(Outage::Maintenance)));
        for no_list in [json!(null), json!([]), json!({}), json!({ "items": {} }), json!({ "items": [] })] {
            assert!(read(&no_list).is_none(), "{no_list}");
        }
    }

    #[test]
    fn a_long_list_is_cut_off() {
        let item = |n: usize| json!({ "id": format!("ob-{n}"), "display_name": "Bank" });
        let long = json!({ "items": (0..MAX_BANKS + 5).map(item).collect::<Vec<_>>() });
        assert_eq!(read(&long).unwrap().len(), MAX_BANKS);
    }

    #[test]
    fn a_logo_comes_safely_or_from_this_machine() {
        for (address, is_used) in [
            ("https://providers-assets.example/a.svg", true),
            ("http://127.0.0.1:9400/logos/a.svg", true),
            ("http://127.0.0.1.example/logos/a.svg", false),
            ("http://providers-assets.example/a.svg", false),
            ("javascript:alert(1)", false),
            ("data:image/svg+xml,<svg/>", false),
            ("/a.svg", false),
        ] {
            assert_eq!(logo(address).is_some(), is_used, "{address}");
        }
        let long = format!("https://a.example/{}", "a".repeat(MAX_LOGO_BYTES));
        assert_eq!(logo(&long), None);
    }

    #[test]
    fn banks_are_offered_by_country_and_by_name() {
        let banks = read(&answer()).unwrap();
        let of = |wanted: &Wanted<'_>| ids(banks.iter().filter(|bank| bank.serves(wanted))).join(" ");
        assert_eq!(of(&wanted(Some("GB"), None)), "truelayer.ob-monzo truelayer.ob-down");
        assert_eq!(of(&wanted(Some("DE"), None)), "truelayer.xs2a-de");
        assert_eq!(of(&wanted(Some("IE"), None)), "");
        let named = "truelayer.ob-monzo".parse().unwrap();
        assert_eq!(of(&wanted(None, Some(&named))), "truelayer.ob-monzo");
        assert_eq!(of(&wanted(Some("DE"), Some(&named))), "");
    }

    #[test]
    fn lists_are_asked_for_by_currency_and_kind_of_payer() {
        let body = |currency, payers| serde_json::from_str::<Value>(&Query { currency, payers }.body()).unwrap();
        let asked = body(Currency::GBP, Some(PayerKind::Corporate));
        assert_eq!(asked["countries"], json!(["GB"]));
        assert_eq!(asked["currencies"], json!(["GBP"]));
        assert_eq!(asked["customer_segments"], json!(["business", "corporate"]));
        assert_eq!(asked["capabilities"], json!({ "payments": { "bank_transfer": {} } }));
        let asked = body(Currency::EUR, None);
        assert_eq!(asked["countries"], json!(["DE", "IE"]));
        assert_eq!(asked["customer_segments"], json!(["retail", "business", "corporate"]));
    }

    #[test]
    fn countries_are_those_of_the_currency() {
        let country = |text: &str| Some(text.parse().unwrap());
        assert_eq!(countries(Currency::GBP, None), ["GB"]);
        assert_eq!(countries(Currency::EUR, None), ["DE", "IE"], "where what is opened comes to an end");
        assert_eq!(countries(Currency::EUR, country("IE")), ["IE"]);
        for (currency, wanted) in
            [(Currency::GBP, "IE"), (Currency::EUR, "GB"), (Currency::EUR, "FR"), (Currency::SEK, "SE")]
        {
            assert!(countries(currency, country(wanted)).is_empty(), "{currency:?} {wanted}");
        }
        let of_euro: Vec<String> = providers::countries(Currency::EUR).map(|country| country.to_string()).collect();
        assert!(countries(Currency::EUR, None).iter().all(|country| of_euro.contains(country)));
    }

    /// Asks for a list; says whether TrueLayer was asked, and how many banks there are.
    async fn ask(banks: &Banks, query: Query, clock: &Clock, answers: bool) -> (bool, Option<usize>) {
        let mut asked = false;
        let asking = async {
            asked = true;
            let down = || ProviderError::unreachable(io::Error::other("down"));
            if answers { read(&answer()).ok_or_else(down) } else { Err(down()) }
        };
        let count = banks.get(query, clock.now(), asking).await.map(|banks| banks.len());
        (asked, count)
    }

    #[tokio::test]
    async fn a_list_is_kept_for_ten_minutes_and_for_a_day_while_there_is_no_other() {
        let hands = VirtualClock::at("2026-01-31T09:30:00Z".parse().unwrap());
        let clock = Clock::Virtual(hands.clone());
        let banks = Banks::default();
        let query = Query { currency: Currency::GBP, payers: None };
        assert_eq!(ask(&banks, query, &clock, true).await, (true, Some(4)));
        hands.advance_ms(10 * 60 * 1_000 - 1);
        assert_eq!(ask(&banks, query, &clock, true).await, (false, Some(4)));
        // Another list is another.
        let other = Query { payers: Some(PayerKind::Retail), ..query };
        assert_eq!(ask(&banks, other, &clock, false).await, (true, None));
        hands.advance_ms(1);
        assert_eq!(ask(&banks, query, &clock, false).await, (true, Some(4)));
        assert_eq!(ask(&banks, other, &clock, true).await, (false, None));
        hands.advance_ms(59_999);
        assert_eq!(ask(&banks, query, &clock, false).await, (false, Some(4)));
        hands.advance_ms(1);
        assert_eq!(ask(&banks, query, &clock, false).await, (true, Some(4)));
        // A day after it was last had.
        hands.advance_ms(24 * 60 * 60 * 1_000);
        assert_eq!(ask(&banks, query, &clock, false).await, (true, None));
        hands.advance_ms(60_000);
        assert_eq!(ask(&banks, query, &clock, true).await, (true, Some(4)));
    }

    proptest! {
        #[test]
        fn no_bank_panics(id in ".{0,80}", name in ".{0,200}", country in ".{0,4}", logo in ".{0,40}") {
            let item = json!({ "id": id, "display_name": name, "country_code": country, "icon_uri": logo });
            for bank in read(&json!({ "items": [item] })).unwrap_or_default() {
                prop_assert_eq!(bank.id.provider(), TRUELAYER);
            }
        }
    }
}
