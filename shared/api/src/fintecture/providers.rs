//! Banks, as a merchant asks which there are; and the accounts to try them with, of which the mock banks need none.

use std::collections::BTreeSet;

use lambda_http::http::StatusCode;
use models::{BankId, Country, Currency, PayerKind};
use providers::{Availability, Offer};
use serde::Serialize;

use super::fields::two_letters;
use crate::answer::{Answer, json};
use crate::error::{Refusal, Violation};

/// By which scheme banks pay in each currency of the format.
const SCHEMES: [(Currency, &str); 2] = [(Currency::EUR, "sepa"), (Currency::GBP, "fps")];

/// Who pays at banks.
const PSU_TYPES: [(PayerKind, &str); 2] = [(PayerKind::Retail, "retail"), (PayerKind::Corporate, "corporate")];

/// How a payer agrees at every bank: on its own pages.
const REDIRECT: &str = "redirect";

/// Which banks are asked for, and in which order.
#[derive(Debug, Default)]
pub(crate) struct ProviderFilter {
    country: Option<Country>,
    scheme: Option<String>,
    payers: Option<PayerKind>,
    account_information: bool,
    other_model: bool,
    order: Option<Order>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    Ascending,
    Descending,
}

/// What payers of a kind and a country pay at in a currency, in the order in which it is shown to them.
#[derive(Debug)]
pub struct OffersIn {
    /// The country.
    pub country: Country,
    /// The currency.
    pub currency: Currency,
    /// What the payers are to a bank.
    pub payers: PayerKind,
    /// The banks.
    pub offers: Vec<Offer>,
}

/// Reads which banks are asked for; other parameters are passed over.
///
/// # Errors
/// 400 with every parameter that is wrong.
fn read(query: &str) -> Result<ProviderFilter, Refusal> {
    let pairs: Vec<(String, String)> = serde_urlencoded::from_str(query)
        .map_err(|_| Refusal::BadRequest("the query string can't be read".to_owned()))?;
    let (mut filter, mut wrong, mut given) = (ProviderFilter::default(), Vec::new(), BTreeSet::new());
    for (name, value) in &pairs {
        let read = match name.as_str() {
            "filter[country]" => country(value).map(|country| filter.country = Some(country)),
            "filter[pis]" => {
                filter.scheme = Some(value.to_ascii_lowercase());
                Ok(())
            }
            "filter[ais]" => {
                filter.account_information = true;
                Ok(())
            }
            "filter[psu_type]" => match value.as_str() {
                "all" => Ok(()),
                kind => payers(kind)
                    .map(|payers| filter.payers = Some(payers))
                    .ok_or("must be one of retail, corporate, all"),
            },
            "filter[auth_model]" => {
                filter.other_model = value != REDIRECT;
                Ok(())
            }
            "sort[name]" | "sort[full_name]" => order(value).map(|order| filter.order = Some(order)),
            _ => continue,
        };
        let read = if given.insert(name) { read } else { Err("must be given once") };
        wrong.extend(read.err().map(|rule| Violation::new(None, &format!("query.{name}"), rule)));
    }
    if wrong.is_empty() { Ok(filter) } else { Err(Refusal::Invalid(wrong)) }
}

impl ProviderFilter {
    /// Whether what is asked for is served there, by banks as they all are.
    fn fits(&self, there: &OffersIn) -> bool {
        let pays_by = |scheme: &String| SCHEMES.contains(&(there.currency, scheme.as_str()));
        self.country.is_none_or(|country| country == there.country)
            && self.payers.is_none_or(|payers| payers == there.payers)
            && self.scheme.as_ref().is_none_or(pays_by)
            && !self.account_information
            && !self.other_model
    }
}

fn country(text: &str) -> Result<Country, &'static str> {
    let capitals = two_letters(text.to_owned())?.to_ascii_uppercase();
    capitals.parse().map_err(|_| "must be two letters")
}

fn payers(text: &str) -> Option<PayerKind> {
    PSU_TYPES.into_iter().find(|(_, name)| *name == text).map(|(payers, _)| payers)
}

fn order(text: &str) -> Result<Order, &'static str> {
    match text {
        "asc" => Ok(Order::Ascending),
        "desc" => Ok(Order::Descending),
        _ => Err("must be asc or desc"),
    }
}

/// Banks.
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "FintectureProviderList"))]
#[derive(Debug, Serialize)]
pub(crate) struct ProviderList {
    data: Vec<ProviderView>,
}

/// A bank.
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(inline))]
#[derive(Debug, Serialize)]
struct ProviderView {
    /// `x-provider` of a payment names it so.
    #[cfg_attr(test, schemars(with = "String"))]
    id: BankId,
    #[serde(rename = "type")]
    #[cfg_attr(test, schemars(extend("const" = "provider")))]
    kind: &'static str,
    attributes: Attributes,
}

#[cfg_attr(test, derive(schemars::JsonSchema), schemars(inline))]
#[derive(Debug, Serialize)]
struct Attributes {
    name: String,
    /// The same.
    full_name: String,
    /// The country that was asked for, else the first of `countries`.
    country: String,
    /// All in which payers can choose it.
    countries: Vec<String>,
    /// How it pays: `sepa` euros, `fps` pounds.
    pis: Vec<&'static str>,
    /// What it says of accounts: nothing.
    ais: [&'static str; 0],
    /// Who can pay there.
    psu_types: Vec<&'static str>,
    /// How a payer agrees there.
    auth_models: [&'static str; 1],
    /// Whether it can be chosen now.
    available: bool,
}

impl ProviderList {
    /// Those of the banks that are asked for; in the order in which payers see them, if no other is.
    pub(crate) fn new(all: &[OffersIn], filter: &ProviderFilter) -> Self {
        let mut data = Vec::new();
        let mut seen = BTreeSet::new();
        for offer in all.iter().flat_map(|there| &there.offers) {
            if seen.insert(offer.id.as_str()) {
                data.extend(ProviderView::new(offer, all, filter));
            }
        }
        if let Some(order) = filter.order {
            data.sort_by(|one: &ProviderView, other| one.attributes.name.cmp(&other.attributes.name));
            if order == Order::Descending {
                data.reverse();
            }
        }
        Self { data }
    }

    /// The one with this id, if it is among them.
    fn only(self, id: &str) -> Option<Self> {
        let data: Vec<_> = self.data.into_iter().filter(|one| one.id.as_str() == id).collect();
        (!data.is_empty()).then_some(Self { data })
    }
}

impl ProviderView {
    /// The bank, unless the filter leaves it out.
    fn new(offer: &Offer, all: &[OffersIn], filter: &ProviderFilter) -> Option<Self> {
        let there = all.iter().filter(|there| there.offers.iter().any(|other| other.id == offer.id));
        let there: Vec<_> = there.collect();
        let countries: BTreeSet<String> = there.iter().map(|there| there.country.to_string()).collect();
        let country = filter.country.map(|country| country.to_string()).or_else(|| countries.first().cloned())?;
        let pays = |currency| there.iter().any(|there| there.currency == currency);
        let serves = |payers| there.iter().any(|there| there.payers == payers);
        let pis = SCHEMES.into_iter().filter(|(currency, _)| pays(*currency)).map(|(_, name)| name).collect();
        let psu_types = PSU_TYPES.into_iter().filter(|(payers, _)| serves(*payers)).map(|(_, name)| name).collect();
        if !there.iter().any(|there| filter.fits(there)) {
            return None;
        }
        let available = match offer.availability {
            Availability::Available => true,
            Availability::Down(_) => false,
        };
        let attributes = Attributes {
            name: offer.name.clone(),
            full_name: offer.name.clone(),
            country,
            countries: countries.into_iter().collect(),
            pis,
            ais: [],
            psu_types,
            auth_models: [REDIRECT],
            available,
        };
        Some(Self { id: offer.id.clone(), kind: "provider", attributes })
    }
}

/// Those of the banks that a query string asks for.
///
/// # Errors
/// 400 with every parameter that is wrong; 500.
pub(crate) fn providers(query: &str, all: &[OffersIn]) -> Answer {
    json(StatusCode::OK, &ProviderList::new(all, &read(query)?))
}

/// One of the banks, as a list of one.
///
/// # Errors
/// 404 if there is no such bank; 500.
pub(crate) fn provider(id: &str, all: &[OffersIn]) -> Answer {
    let list = ProviderList::new(all, &ProviderFilter::default());
    json(StatusCode::OK, &list.only(id).ok_or(Refusal::NotFound)?)
}

/// What to try the banks with.
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "FintectureTestAccountList"))]
#[derive(Debug, Serialize)]
pub(crate) struct TestAccountList<'a> {
    data: Vec<TestAccountView<'a>>,
}

/// A mock bank: it asks for no credentials.
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(inline))]
#[derive(Debug, Serialize)]
struct TestAccountView<'a> {
    id: &'a str,
    #[serde(rename = "type")]
    #[cfg_attr(test, schemars(extend("const" = "testaccount")))]
    kind: &'static str,
    attributes: TestAccount<'a>,
}

#[cfg_attr(test, derive(schemars::JsonSchema), schemars(inline))]
#[derive(Debug, Serialize)]
struct TestAccount<'a> {
    /// The bank's id.
    provider: &'a str,
    name: &'a str,
    /// What happens there.
    description: &'a str,
}

impl<'a> TestAccountList<'a> {
    pub(crate) fn new(all: &'a [OffersIn]) -> Self {
        let mut seen = BTreeSet::new();
        let each = all.iter().flat_map(|there| &there.offers).filter(|offer| seen.insert(offer.id.as_str()));
        let mocks = each.filter_map(|offer| {
            let (id, name) = (offer.id.as_str(), offer.name.as_str());
            let attributes = TestAccount { provider: id, name, description: offer.note.as_deref()? };
            Some(TestAccountView { id, kind: "testaccount", attributes })
        });
        Self { data: mocks.collect() }
    }
}

/// What to try the mock banks among these with.
///
/// # Errors
/// 500.
pub(crate) fn test_accounts(all: &[OffersIn]) -> Answer {
    json(StatusCode::OK, &TestAccountList::new(all))
}

#[cfg(test)]
mod tests {
    use providers::Outage;
    use serde_json::{Value, json};

    use super::*;

    fn offer(id: &str, name: &str, availability: Availability) -> Offer {
        let (id, name) = (id.parse().unwrap(), name.to_owned());
        let (logo, note, method) = (None, Some("It pays.".to_owned()), models::PaymentMethod::PayByBank);
        Offer { id, name, logo, note, method, availability }
    }

    fn there(country: &str, currency: Currency, payers: PayerKind, offers: &[&Offer]) -> OffersIn {
        let (country, offers) = (country.parse().unwrap(), offers.iter().copied().cloned().collect());
        OffersIn { country, currency, payers, offers }
    }

    fn all() -> Vec<OffersIn> {
        let everywhere = offer("everywhere", "Middle", Availability::Available);
        let french = offer("french", "Zest", Availability::Available);
        let down = offer("down", "Aster", Availability::Down(Outage::Maintenance));
        vec![
            there("GB", Currency::GBP, PayerKind::Retail, &[&everywhere, &down]),
            there("FR", Currency::EUR, PayerKind::Retail, &[&everywhere, &french]),
            there("BE", Currency::EUR, PayerKind::Corporate, &[&everywhere]),
        ]
    }

    fn listed(query: &str) -> Vec<String> {
        let list = ProviderList::new(&all(), &read(query).unwrap());
        list.data.iter().map(|one| one.id.to_string()).collect()
    }

    #[test]
    fn a_bank_says_where_and_how_it_pays() {
        let list = serde_json::to_value(ProviderList::new(&all(), &ProviderFilter::default())).unwrap();
        let expected = json!({
            "id": "everywhere", "type": "provider",
            "attributes": {
                "name": "Middle", "full_name": "Middle", "country": "BE", "countries": ["BE", "FR", "GB"],
                "pis": ["sepa", "fps"], "ais": [], "psu_types": ["retail", "corporate"], "auth_models": ["redirect"],
                "available": true,
            },
        });
        assert_eq!(list["data"][0], expected);
        assert_eq!(
            (&list["data"][1]["id"], &list["data"][1]["attributes"]["available"]),
            (&json!("down"), &json!(false))
        );
        let of_france = ProviderList::new(&all(), &read("filter[country]=fr").unwrap());
        assert_eq!(of_france.data[0].attributes.country, "FR");
    }

    #[test]
    fn banks_are_filtered_and_sorted_as_the_clients_ask() {
        for (query, expected) in [
            ("", &["everywhere", "down", "french"][..]),
            ("filter%5Bcountry%5D=FR", &["everywhere", "french"]),
            ("filter[country]=be", &["everywhere"]),
            ("filter[country]=SE", &[]),
            ("filter[pis]=sepa", &["everywhere", "french"]),
            ("filter[pis]=FPS", &["everywhere", "down"]),
            ("filter[pis]=swift", &[]),
            ("filter[ais]=accounts", &[]),
            ("filter[psu_type]=all&filter[auth_model]=redirect", &["everywhere", "down", "french"]),
            ("filter[psu_type]=retail", &["everywhere", "down", "french"]),
            ("filter[psu_type]=corporate", &["everywhere"]),
            ("filter[psu_type]=corporate&filter[country]=FR", &[]),
            ("filter[auth_model]=decoupled", &[]),
            ("sort[name]=asc", &["down", "everywhere", "french"]),
            ("sort[full_name]=desc&filter[country]=FR", &["french", "everywhere"]),
            ("page[size]=1&limit=1", &["everywhere", "down", "french"]),
        ] {
            assert_eq!(listed(query), expected, "{query}");
        }
        for (query, parameter) in [
            ("filter[country]=FRA", "query.filter[country]"),
            ("filter[country]=FR&filter[country]=BE", "query.filter[country]"),
            ("filter[psu_type]=person", "query.filter[psu_type]"),
            ("sort[name]=up", "query.sort[name]"),
        ] {
            let Err(Refusal::Invalid(wrong)) = read(query) else { panic!("{query}") };
            let wrong: Vec<_> = wrong.into_iter().map(|one| one.parameter.unwrap()).collect();
            assert_eq!(wrong, [parameter], "{query}");
        }
    }

    #[test]
    fn one_bank_is_a_list_of_one() {
        let answer = provider("french", &all()).unwrap();
        let shown: Value = serde_json::from_slice(answer.body()).unwrap();
        assert_eq!((shown["data"].as_array().unwrap().len(), &shown["data"][0]["id"]), (1, &json!("french")));
        assert!(provider("nobody", &all()).is_err() && provider("", &all()).is_err());
    }

    #[test]
    fn each_mock_bank_is_tried_once() {
        let list = serde_json::to_value(TestAccountList::new(&all())).unwrap();
        let attributes = json!({ "provider": "everywhere", "name": "Middle", "description": "It pays." });
        assert_eq!(list["data"][0], json!({ "id": "everywhere", "type": "testaccount", "attributes": attributes }));
        assert_eq!(list["data"].as_array().unwrap().len(), 3);
    }
}
