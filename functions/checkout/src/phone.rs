//! The code by which a payer at a desk goes on with their phone.

use fast_qr::convert::Builder;
use fast_qr::convert::svg::SvgBuilder;
use fast_qr::{ECL, QRBuilder};

/// A QR code (ISO/IEC 18004) of the address, as an SVG; none if the address is too long for one.
pub(crate) fn qr_code(address: &str) -> Option<String> {
    let code = QRBuilder::new(address).ecl(ECL::L).build().ok()?;
    Some(SvgBuilder::default().margin(4).to_str(&code))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_small_and_stands_in_a_page() {
        let svg = qr_code("https://pay.example.com/checkout/1ae1ce03-dfa9-4593-b487-65c656991cb5").unwrap();
        assert!(svg.starts_with("<svg") && !svg.contains("style") && !svg.contains("href"), "{svg}");
        assert!(svg.len() < 12_000, "{}", svg.len());
        assert_eq!(qr_code(&"x".repeat(5_000)), None);
    }
}
