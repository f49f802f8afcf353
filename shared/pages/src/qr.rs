//! QR codes: what a camera reads from a screen.

use std::fmt::Write;

use qrcode::canvas::{Canvas, MaskPattern};
use qrcode::types::QrResult;
use qrcode::{Color, bits, ec};

pub use qrcode::EcLevel as QrCorrection;

/// The quiet zone around it, in modules (ISO/IEC 18004, 6.3.8).
const QUIET: usize = 4;

/// A QR code (ISO/IEC 18004) of the address, as an SVG; none if the address is too long for one.
///
/// A stroke for each row, by steps from where it is: once packed, half of what a square for each module takes.
pub fn qr_code(address: &str) -> Option<String> {
    qr_code_at(address, QrCorrection::L)
}

/// A QR code of any text, with this much error correction; none if the text is too long for one.
pub fn qr_code_at(text: &str, correction: QrCorrection) -> Option<String> {
    let (size, modules) = modules(text, correction).ok()?;
    let side = size + 2 * QUIET;
    let mut path = String::new();
    for (row, line) in modules.chunks(size).enumerate() {
        let _ = write!(path, "M{QUIET} {}.5", row + QUIET);
        for run in line.chunk_by(PartialEq::eq) {
            let length = run.len();
            let _ = match run.first() {
                Some(Color::Dark) => write!(path, "h{length}"),
                Some(Color::Light) | None => write!(path, "m{length} 0"),
            };
        }
    }
    Some(format!(
        "<svg viewBox=\"0 0 {side} {side}\" shape-rendering=\"crispEdges\" aria-hidden=\"true\" focusable=\"false\">\
         <path stroke=\"#000000\" d=\"{path}\"/></svg>"
    ))
}

/// How many modules it has in a row, and each of them.
///
/// Always by the same mask. To try all eight and keep the best for a damaged print (8.8.2) takes ten times as long, on every page.
fn modules(text: &str, level: QrCorrection) -> QrResult<(usize, Vec<Color>)> {
    let bits = bits::encode_auto(text.as_bytes(), level)?;
    let version = bits.version();
    let (codewords, correction) = ec::construct_codewords(&bits.into_bytes(), version, level)?;
    let mut canvas = Canvas::new(version, level);
    canvas.draw_all_functional_patterns();
    canvas.draw_data(&codewords, &correction);
    canvas.apply_mask(MaskPattern::Checkerboard);
    Ok((usize::try_from(version.width()).unwrap_or_default(), canvas.into_colors()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use samples::read_qr;

    use super::*;

    #[test]
    fn a_code_is_small_and_stands_in_a_page() {
        let svg = qr_code("https://pay.example.com/checkout/1ae1ce03-dfa9-4593-b487-65c656991cb5").unwrap();
        assert!(svg.starts_with("<svg") && !svg.contains("style") && !svg.contains("href"), "{svg}");
        assert!(svg.len() < 4_000, "{}", svg.len());
        assert_eq!(qr_code(&"x".repeat(5_000)), None);
    }

    proptest! {
        #[test]
        fn a_code_reads_as_the_address(host in "[a-z0-9.-]{1,200}", id in "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}") {
            let address = format!("https://{host}/checkout/{id}");
            prop_assert_eq!(read_qr(&qr_code(&address).unwrap()), address);
        }
    }
}
