//! The most that a payment may be, as the operator sets it.

use models::AmountCaps;
use runtime::SettingError;

/// What the variable `MAX_AMOUNT_MINOR` says.
///
/// # Errors
/// It is missing, or is no list of caps.
pub fn amount_caps_from_env() -> Result<AmountCaps, SettingError> {
    let name = "MAX_AMOUNT_MINOR";
    let caps = runtime::required(name)?.parse();
    caps.map_err(|_| SettingError::new(name, "is not a list of caps with one for GBP, like GBP:100000000,EUR:50000000"))
}
