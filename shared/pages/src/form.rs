//! Reading what a form posted.

use api::InvalidForm;
use lambda_http::Request;
use serde::de::DeserializeOwned;

use crate::problem::Problem;

/// The longest form accepted, in bytes.
const MAX_FORM_BYTES: usize = 16 * 1024;

/// Reads the body as a form.
///
/// # Errors
/// It is too long, no form, or lacks a field.
pub fn read_form<T: DeserializeOwned>(request: &Request) -> Result<T, Problem> {
    let body: &[u8] = request.body();
    if body.len() > MAX_FORM_BYTES {
        return Err(Problem::TooLong);
    }
    api::parse_form(request.headers(), body).map_err(|invalid| match invalid {
        InvalidForm::MediaType => Problem::NotAForm,
        InvalidForm::NotUtf8 | InvalidForm::Fields => Problem::Unreadable,
    })
}

#[cfg(test)]
mod tests {
    use lambda_http::Body;
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    struct Choice {
        bank: String,
    }

    #[test]
    fn only_a_short_form_is_read() {
        let form = "application/x-www-form-urlencoded";
        let read = |content_type: &str, body: &str| {
            let request = lambda_http::http::Request::builder().header("content-type", content_type);
            read_form::<Choice>(&request.body(Body::from(body)).unwrap())
        };
        let good = read("Application/X-WWW-Form-Urlencoded; charset=UTF-8", "bank=mock-bank&more=1").unwrap();
        assert_eq!(good.bank, "mock-bank");
        assert!(matches!(read("application/json", "{}"), Err(Problem::NotAForm)));
        assert!(matches!(read("", "bank=a"), Err(Problem::NotAForm)));
        assert!(matches!(read(form, &"a".repeat(MAX_FORM_BYTES + 1)), Err(Problem::TooLong)));
        assert_eq!(read(form, "bank").unwrap().bank, "");
        for body in ["", "tank=a", "bank=a&bank=b", "bank=%FF"] {
            assert!(matches!(read(form, body), Err(Problem::Unreadable)), "{body}");
        }
    }
}
