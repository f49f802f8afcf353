//! The code by which a payer's bank fills in a transfer in euro: EPC069-12, version 3.1, "Quick Response Code: Guidelines to Enable
//! Data Capture for the Initiation of a SEPA Credit Transfer".

use models::{AccountIdentifier, Currency, Money, TransferInstructions};
use pages::{QrCorrection, qr_code_at};

/// The most characters of a name (section 2.1).
const MAX_NAME_CHARS: usize = 70;

/// The most bytes of it all (section 2.2).
const MAX_BYTES: usize = 331;

/// The code as an SVG, for a transfer of this amount; none unless it is one in euro to an IBAN.
pub(crate) fn transfer_code(to: &TransferInstructions, amount: Money) -> Option<String> {
    // Section 2.2: the error correction of level M.
    let svg = qr_code_at(&payload(to, amount)?, QrCorrection::M)?;
    // Large enough for a phone that is held before a screen.
    Some(svg.replacen("<svg ", "<svg width=\"192\" height=\"192\" ", 1))
}

/// Version 2, which needs no BIC; UTF-8; the reference as unstructured text.
fn payload(to: &TransferInstructions, amount: Money) -> Option<String> {
    let AccountIdentifier::Iban { iban } = &to.payee.account else { return None };
    // From a cent to 999,999,999.99.
    let fits = amount.currency() == Currency::EUR && (1..=99_999_999_999).contains(&amount.minor());
    let (euros, cents) = (amount.minor() / 100, amount.minor() % 100);
    let name: String = to.payee.name.as_str().chars().take(MAX_NAME_CHARS).collect();
    let (iban, reference) = (iban.as_str(), to.reference.as_str());
    let payload = format!("BCD\n002\n1\nSCT\n\n{name}\n{iban}\nEUR{euros}.{cents:02}\n\n\n{reference}");
    Some(payload).filter(|payload| fits && payload.len() <= MAX_BYTES)
}

#[cfg(test)]
mod tests {
    use models::{MinorUnits, Payee};
    use samples::read_qr;

    use super::*;

    fn to(account: AccountIdentifier, name: &str) -> TransferInstructions {
        let payee = Payee { name: samples::name(name), account };
        TransferInstructions { payee, reference: samples::text("91V5RSB9J75N") }
    }

    fn iban() -> AccountIdentifier {
        AccountIdentifier::Iban { iban: "DE89370400440532013000".to_owned().try_into().unwrap() }
    }

    fn amount(minor: i64, currency: Currency) -> Money {
        Money::new(MinorUnits::new(minor), currency)
    }

    #[test]
    fn a_camera_reads_what_the_guideline_wants() {
        let svg = transfer_code(&to(iban(), "Kerzen & Söhne GmbH"), amount(123_405, Currency::EUR)).unwrap();
        let expected = "BCD\n002\n1\nSCT\n\nKerzen & Söhne GmbH\nDE89370400440532013000\nEUR1234.05\n\n\n91V5RSB9J75N";
        assert_eq!(read_qr(&svg), expected);
    }

    #[test]
    fn there_is_one_for_euro_to_an_iban_alone() {
        let uk = AccountIdentifier::uk("010203", "12345678").unwrap();
        assert!(transfer_code(&to(uk, "Acme"), amount(100, Currency::EUR)).is_none());
        assert!(transfer_code(&to(iban(), "Acme"), amount(100, Currency::GBP)).is_none());
        assert!(transfer_code(&to(iban(), "Acme"), amount(0, Currency::EUR)).is_none());
        assert!(payload(&to(iban(), "Acme"), amount(7, Currency::EUR)).unwrap().contains("\nEUR0.07\n"));
        let long = payload(&to(iban(), &"Ä".repeat(140)), amount(99_999_900, Currency::EUR)).unwrap();
        assert!(long.contains(&format!("\n{}\n", "Ä".repeat(70))), "{long}");
    }
}
