//! The banks that can be reached: invented ones, and TrueLayer's own mock bank under its own id.
//! <https://docs.truelayer.com/docs/get-information-about-banking-providers>

use serde_json::{Value, json};

/// Where banks are that can be asked for by country (<https://docs.truelayer.com/docs/eu-payments-guide>).
pub(super) const COUNTRIES: [&str; 13] = ["AT", "BE", "DE", "ES", "FI", "FR", "GB", "IE", "IT", "LT", "NL", "PL", "PT"];

/// One bank.
#[derive(Debug)]
pub(super) struct Bank {
    pub(super) id: &'static str,
    pub(super) name: &'static str,
    /// `GB`, and then it pays pounds, or a country that pays euros.
    pub(super) country: &'static str,
    available: bool,
    /// Whether a payment can be cancelled that the payer has opened. Nobody promises it.
    /// <https://docs.truelayer.com/docs/cancel-a-payment>
    pub(super) cancels: bool,
}

const fn bank(id: &'static str, name: &'static str, country: &'static str) -> Bank {
    Bank { id, name, country, available: true, cancels: true }
}

/// All of them, as they are listed.
pub(super) static BANKS: [Bank; 21] = [
    bank("mock-payments-gb-redirect", "TrueLayer (simulated)", "GB"),
    bank("ob-alderbrook", "Alderbrook", "GB"),
    bank("ob-ashford-county", "Ashford County Bank", "GB"),
    bank("ob-cairnstone", "Cairnstone", "GB"),
    bank("ob-dunmere", "Dunmere Building Society", "GB"),
    bank("ob-fenwick-sons", "Fenwick & Sons", "GB"),
    bank("ob-glenhaven", "Glenhaven Bank", "GB"),
    bank("ob-harrowgate", "Harrowgate", "GB"),
    bank("ob-juniper", "Juniper", "GB"),
    bank("ob-kestrel", "Kestrel Bank", "GB"),
    bank("ob-larchmont", "Larchmont", "GB"),
    Bank { cancels: false, ..bank("ob-lyndhurst-mutual", "Lyndhurst Mutual", "GB") },
    Bank { available: false, ..bank("ob-northmoor", "Northmoor Bank", "GB") },
    bank("ob-penrose", "Penrose", "GB"),
    bank("ob-westerby", "Westerby Savings", "GB"),
    bank("xs2a-banque-aubiere", "Banque Aubière", "FR"),
    bank("xs2a-brennerbank", "Brennerbank", "DE"),
    bank("xs2a-caixa-ferrol", "Caixa Ferrol", "ES"),
    bank("xs2a-donegal-bay", "Donegal Bay Bank", "IE"),
    bank("xs2a-sparhaus-lindau", "Sparhaus Lindau", "DE"),
    bank("xs2a-westerkade", "Westerkade Bank", "NL"),
];

/// The bank of this id.
pub(super) fn find(id: &str) -> Option<&'static Bank> {
    BANKS.iter().find(|bank| bank.id == id)
}

impl Bank {
    pub(super) fn currency(&self) -> &'static str {
        if self.country == "GB" { "GBP" } else { "EUR" }
    }

    /// Whether a payment expires that the payer has opened.
    /// <https://docs.truelayer.com/docs/cancel-a-payment>
    pub(super) fn expires(&self) -> bool {
        ["DE", "GB", "IE"].contains(&self.country)
    }

    pub(super) fn scheme(&self) -> &'static str {
        if self.country == "GB" { "faster_payments_service" } else { "sepa_credit_transfer_instant" }
    }

    /// Without a picture: there is none of an invented bank.
    fn document(&self) -> Value {
        json!({
            "id": self.id,
            "display_name": self.name,
            "bg_color": "#FFFFFF",
            "country_code": self.country,
            "capabilities": { "payments": { "bank_transfer": {
                "release_channel": "general_availability",
                "availability": { "recommended_status": if self.available { "healthy" } else { "unhealthy" } },
                "schemes": [{ "id": self.scheme(), "requirements": [] }],
            } } },
        })
    }
}

/// Those that a search asks for: `countries` and `currencies`, each of which may be left out.
pub(super) fn search(request: &Value) -> Value {
    let asks_for = |name: &str, value: &str| match request.get(name).and_then(Value::as_array) {
        Some(wanted) => wanted.iter().any(|wanted| wanted == value),
        None => true,
    };
    let wanted =
        BANKS.iter().filter(|bank| asks_for("countries", bank.country) && asks_for("currencies", bank.currency()));
    json!({ "items": wanted.map(Bank::document).collect::<Vec<_>>() })
}
