//! Files for spreadsheets: RFC 4180, with what a spreadsheet would compute defused.

use lambda_http::http::{StatusCode, header};
use lambda_http::{Body, Response};
use pages::{Answer, Problem};

/// The answer that is a file with this name, which is made of letters, digits, `-` and `.`.
pub(crate) fn file(name: &str, csv: String) -> Answer {
    Response::builder()
        .status(StatusCode::OK)
        .header(header::CONTENT_TYPE, "text/csv; charset=utf-8; header=present")
        .header(header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\""))
        .header(header::CACHE_CONTROL, "no-store")
        .header(header::X_CONTENT_TYPE_OPTIONS, "nosniff")
        .body(Body::Text(csv))
        .map_err(|error| Problem::Internal(Box::new(error)))
}

/// A line of these cells, with its end.
pub(crate) fn line<const N: usize>(cells: [impl AsRef<str>; N]) -> String {
    let cells: Vec<_> = cells.iter().map(|text| cell(text.as_ref())).collect();
    format!("{}\r\n", cells.join(","))
}

/// A cell, quoted (RFC 4180, 2, 5): in some languages a spreadsheet splits at semicolons what is not.
fn cell(text: &str) -> String {
    format!("\"{}\"", defused(text).replace('"', "\"\""))
}

/// The same text with an apostrophe before what a spreadsheet would compute (OWASP, "CSV injection"): what begins like a formula,
/// the text or what may come to stand in a cell of its own. A number stays one, also below zero: there is nothing to compute.
fn defused(text: &str) -> String {
    if is_number(text) {
        return text.to_owned();
    }
    let (mut defused, mut begins) = (String::with_capacity(text.len()), true);
    for letter in text.chars() {
        let is_formula = matches!(letter, '=' | '+' | '-' | '@' | '\t');
        let is_line = matches!(letter, '\r' | '\n');
        if begins && (is_formula || (is_line && defused.is_empty())) {
            defused.push('\'');
        }
        defused.push(letter);
        begins = is_line || matches!(letter, ';' | '\t');
    }
    defused
}

/// `-12.50`, and nothing else.
fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let (whole, decimals) = digits.split_once('.').unwrap_or((digits, "0"));
    [whole, decimals].iter().all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_quoted_and_formulas_defused() {
        for (text, expected) in [
            ("", r#""""#),
            ("Ada", r#""Ada""#),
            ("a,b", r#""a,b""#),
            ("say \"no\"", r#""say ""no""""#),
            ("a\nb", "\"a\nb\""),
            ("=1+1", r#""'=1+1""#),
            ("+44", r#""'+44""#),
            ("-1+1", r#""'-1+1""#),
            ("-a", r#""'-a""#),
            ("-", r#""'-""#),
            ("@SUM(A1)", r#""'@SUM(A1)""#),
            ("\t=1", "\"'\t'=1\""),
            ("\r=1", "\"'\r'=1\""),
            ("\n=1", "\"'\n'=1\""),
            ("a\n=1", "\"a\n'=1\""),
            ("a;=1;b", r#""a;'=1;b""#),
            ("=HYPERLINK(\"x\",\"y\")", r#""'=HYPERLINK(""x"",""y"")""#),
            ("1=1", r#""1=1""#),
        ] {
            assert_eq!(cell(text), expected);
        }
        assert_eq!(line(["a", "b,"]), "\"a\",\"b,\"\r\n");
    }

    #[test]
    fn numbers_stay_numbers() {
        for text in ["0", "-1", "4.00", "-12.50", "400"] {
            assert_eq!(cell(text), format!("\"{text}\""));
        }
        for text in ["-1.", "-.5", "--1", "-1.0.0", "-1e3", "-٣", "-1 "] {
            assert_eq!(cell(text), format!("\"'{text}\""));
        }
    }
}
