//! The client's merchant accounts. <https://docs.truelayer.com/docs/get-data-about-your-merchant-accounts>

use serde_json::{Value, json};
use truelayer::MerchantAccounts;

/// All of them.
pub(super) fn list(accounts: &MerchantAccounts) -> Value {
    json!({ "items": documents(accounts).collect::<Vec<_>>() })
}

/// The one of this id.
pub(super) fn find(accounts: &MerchantAccounts, id: &str) -> Option<Value> {
    documents(accounts).find(|account| account.get("id").is_some_and(|known| known == id))
}

/// Each as it is shown, at an invented bank and with nothing in it.
fn documents(accounts: &MerchantAccounts) -> impl Iterator<Item = Value> {
    accounts.all().map(|(_, currency, id)| {
        let identifier = if currency.code() == "GBP" {
            json!({ "type": "sort_code_account_number", "sort_code": "040668", "account_number": "00054321" })
        } else {
            json!({ "type": "iban", "iban": "IE64IRCE92050112345678" })
        };
        json!({
            "id": id,
            "currency": currency.code(),
            "account_identifiers": [identifier],
            "available_balance_in_minor": 0,
            "current_balance_in_minor": 0,
            "account_holder_name": "Simulated Merchant",
        })
    })
}
