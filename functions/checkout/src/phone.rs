//! The code by which a payer at a desk goes on with their phone.

use std::fmt::Write;

use fast_qr::{ECL, QRBuilder};

/// The quiet zone around it, in modules (ISO/IEC 18004, 6.3.8).
const QUIET: usize = 4;

/// A QR code (ISO/IEC 18004) of the address, as an SVG; none if the address is too long for one.
///
/// A stroke for each row, by steps from where it is: once packed, half of what a square for each module takes.
pub(crate) fn qr_code(address: &str) -> Option<String> {
    let code = QRBuilder::new(address).ecl(ECL::L).build().ok()?;
    let side = code.size + 2 * QUIET;
    let mut path = String::new();
    for row in 0..code.size {
        let dark: Vec<bool> = code[row].iter().map(|module| module.value()).collect();
        let _ = write!(path, "M{QUIET} {}.5", row + QUIET);
        for run in dark.chunk_by(PartialEq::eq) {
            let length = run.len();
            let _ = if run.first() == Some(&true) { write!(path, "h{length}") } else { write!(path, "m{length} 0") };
        }
    }
    Some(format!(
        "<svg viewBox=\"0 0 {side} {side}\" shape-rendering=\"crispEdges\" aria-hidden=\"true\" focusable=\"false\">\
         <path stroke=\"#000000\" d=\"{path}\"/></svg>"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_small_and_stands_in_a_page() {
        let svg = qr_code("https://pay.example.com/checkout/1ae1ce03-dfa9-4593-b487-65c656991cb5").unwrap();
        assert!(svg.starts_with("<svg") && !svg.contains("style") && !svg.contains("href"), "{svg}");
        assert!(svg.len() < 4_000, "{}", svg.len());
        assert_eq!(qr_code(&"x".repeat(5_000)), None);
    }

    #[test]
    fn every_dark_module_is_drawn_and_no_other() {
        let address = "https://pay.example.com/checkout/1ae1ce03-dfa9-4593-b487-65c656991cb5";
        let svg = qr_code(address).unwrap();
        let path = svg.split_once(" d=\"").unwrap().1.split_once('"').unwrap().0;
        let code = QRBuilder::new(address).ecl(ECL::L).build().unwrap();
        for (row, line) in path.split('M').skip(1).enumerate() {
            let start = line.find(['h', 'm']).unwrap();
            assert_eq!(&line[..start], format!("4 {}.5", row + QUIET));
            let mut drawn = Vec::new();
            for step in line[start..].replace(" 0", "").replace('h', " h").replace('m', " m").split_whitespace() {
                let (kind, length) = step.split_at(1);
                drawn.extend(vec![kind == "h"; length.parse().unwrap()]);
            }
            assert_eq!(drawn, code[row].iter().map(|module| module.value()).collect::<Vec<_>>(), "row {row}");
        }
    }
}
