//! Idempotency without a second write: a key names the object that the request makes, or the write it does; of a webhook
//! endpoint, its registration.
//!
//! The id is an HMAC of the key under the merchant's salt, so the conditional write itself finds out whether the request
//! was done before. There is no window after which a repeat would pay twice, and no lock to be left behind.

use aws_lc_rs::hmac;
use lambda_http::Request;
use models::{CustomerId, EmailAddress, EndpointId, Merchant, Mode, RefundId, SessionId, WriteId};
use uuid::Uuid;

use crate::error::Refusal;
use crate::format::Format;

/// The header `Idempotency-Key`, in one format `X-Request-ID`: 1 to 255 printable ASCII characters other than commas. API
/// Gateway joins the values of a header that is given twice by a comma
/// (<https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html>), so that a key
/// with one may be two.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdempotencyKey(String);

/// What a key is used for. The same key for another operation, or on another session, is another request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// Creating a session.
    Create,
    /// Cancelling this one.
    Cancel(SessionId),
    /// Deleting this one.
    Delete(SessionId),
    /// Registering a webhook endpoint.
    Register,
    /// Making a refund.
    Refund,
    /// Cancelling this refund.
    CancelRefund(RefundId),
    /// Creating a customer.
    CreateCustomer,
    /// Changing this one.
    ChangeCustomer(CustomerId),
}

impl IdempotencyKey {
    /// The request's key, if it has one.
    ///
    /// # Errors
    /// 400 if it is empty, too long, given twice, not printable ASCII, or holds a comma.
    pub fn of(request: &Request, format: Format) -> Result<Option<Self>, Refusal> {
        let header = format.idempotency_header();
        let mut values = request.headers().get_all(header).iter();
        let (first, second) = (values.next(), values.next());
        let Some(value) = first else { return Ok(None) };
        match value.to_str() {
            Ok(key) if second.is_none() && (1..=255).contains(&key.len()) && key.bytes().all(is_allowed) => {
                Ok(Some(Self(format.idempotency_key(key))))
            }
            Ok(_) | Err(_) => {
                let rule = "must be given once, with 1 to 255 printable ASCII characters and no comma";
                Err(Refusal::BadRequest(format!("{header} {rule}")))
            }
        }
    }

    /// The id of the session that this request creates: a UUIDv8.
    pub fn session_id(&self, merchant: &Merchant, mode: Mode, format: Format) -> SessionId {
        SessionId::new(self.derive(merchant, mode, format.stored().as_str(), Operation::Create))
    }

    /// The id of the refund that this request makes: a UUIDv8.
    pub fn refund_id(&self, merchant: &Merchant, mode: Mode, format: Format) -> RefundId {
        RefundId::new(self.derive(merchant, mode, format.stored().as_str(), Operation::Refund))
    }

    /// The id of the customer that this request creates: a UUIDv8.
    pub fn customer_id(&self, merchant: &Merchant, mode: Mode, format: Format) -> CustomerId {
        CustomerId::new(self.derive(merchant, mode, format.stored().as_str(), Operation::CreateCustomer))
    }

    /// What this request to register a webhook endpoint is called: a UUIDv8. The endpoint's id is another, since a key may be
    /// used again once the endpoint is removed.
    pub fn registration_name(&self, merchant: &Merchant, mode: Mode, format: Format) -> EndpointId {
        EndpointId::new(self.derive(merchant, mode, format.stored().as_str(), Operation::Register))
    }

    /// Marks the write that this request does.
    pub fn write_id(&self, merchant: &Merchant, mode: Mode, format: Format, operation: Operation) -> WriteId {
        self.derive(merchant, mode, format.stored().as_str(), operation).into()
    }

    fn derive(&self, merchant: &Merchant, mode: Mode, format: &str, operation: Operation) -> Uuid {
        let (operation, target) = match operation {
            Operation::Create => ("create", String::new()),
            Operation::Cancel(id) => ("cancel", id.to_string()),
            Operation::Delete(id) => ("delete", id.to_string()),
            Operation::Register => ("register", String::new()),
            Operation::Refund => ("refund", String::new()),
            Operation::CancelRefund(id) => ("cancel-refund", id.to_string()),
            Operation::CreateCustomer => ("create-customer", String::new()),
            Operation::ChangeCustomer(id) => ("change-customer", id.to_string()),
        };
        derive(merchant, [mode.as_str(), format, operation, &target, &self.0])
    }
}

/// The id of the refund that a person makes of a session of which they saw this many refunds: a UUIDv8. It is one refund,
/// by however many people the form is sent, and however often. No client's key derives it, since none is of this operation.
pub fn refund_id_after(merchant: &Merchant, mode: Mode, session: SessionId, seen: u32) -> RefundId {
    RefundId::new(derive(merchant, [mode.as_str(), "", "refund-after", &session.to_string(), &seen.to_string()]))
}

/// The id of the session that this person makes by the form that bears this `token`: a UUIDv8. However often the form is sent, it
/// is one session. No client's key derives it, since none is of this operation.
pub fn session_id_of_form(merchant: &Merchant, mode: Mode, person: &EmailAddress, token: &WriteId) -> SessionId {
    SessionId::new(derive(merchant, [mode.as_str(), "", "payment-link", person.as_str(), token.as_str()]))
}

/// An id out of these parts, which only who knows the merchant's salt can derive.
fn derive(merchant: &Merchant, parts: [&str; 5]) -> Uuid {
    let mut context = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, &merchant.idempotency_salt));
    for part in parts {
        // Each part with its length, so that no two lists of parts run together.
        context.update(&(part.len() as u64).to_be_bytes());
        context.update(part.as_bytes());
    }
    let mut bytes = [0; 16];
    let tag = context.sign();
    for (byte, derived) in bytes.iter_mut().zip(tag.as_ref()) {
        *byte = *derived;
    }
    Uuid::new_v8(bytes)
}

fn is_allowed(byte: u8) -> bool {
    (b' '..=b'~').contains(&byte) && byte != b','
}

#[cfg(test)]
mod tests {
    use lambda_http::http::HeaderValue;

    use super::*;
    use crate::banked::Dialect;

    const BANKED: Format = Format::Banked(Dialect::V2);

    fn merchant(salt: u8) -> Merchant {
        Merchant { idempotency_salt: [salt; 32], ..samples::merchant() }
    }

    fn key(value: &str) -> Result<Option<IdempotencyKey>, Refusal> {
        let mut request = Request::default();
        request.headers_mut().insert("idempotency-key", HeaderValue::from_bytes(value.as_bytes()).unwrap());
        IdempotencyKey::of(&request, BANKED)
    }

    #[test]
    fn a_key_is_printable_and_not_too_long() {
        assert!(matches!(IdempotencyKey::of(&Request::default(), BANKED), Ok(None)));
        assert!(key("order 42").unwrap().is_some());
        assert!(key(&"k".repeat(255)).unwrap().is_some());
        for bad in ["", &"k".repeat(256), "clé", "a\tb", "k,k", "k, k", ",", "order 4,2"] {
            assert!(matches!(key(bad), Err(Refusal::BadRequest(_))), "{bad}");
        }
        let mut twice = Request::default();
        twice.headers_mut().append("idempotency-key", HeaderValue::from_static("a"));
        twice.headers_mut().append("idempotency-key", HeaderValue::from_static("a"));
        assert!(IdempotencyKey::of(&twice, BANKED).is_err());
    }

    #[test]
    fn a_persons_refund_has_an_id_by_what_they_saw() {
        let session = SessionId::new(Uuid::from_u128(7));
        let id = refund_id_after(&merchant(1), Mode::Test, session, 1);
        assert_eq!(id, refund_id_after(&merchant(1), Mode::Test, session, 1));
        for other in [
            refund_id_after(&merchant(2), Mode::Test, session, 1),
            refund_id_after(&merchant(1), Mode::Live, session, 1),
            refund_id_after(&merchant(1), Mode::Test, SessionId::new(Uuid::from_u128(8)), 1),
            refund_id_after(&merchant(1), Mode::Test, session, 11),
            key("1").unwrap().unwrap().refund_id(&merchant(1), Mode::Test, BANKED),
        ] {
            assert_ne!(id, other);
        }
    }

    #[test]
    fn a_persons_link_has_an_id_by_its_form() {
        let (ada, bob): (EmailAddress, EmailAddress) =
            (samples::text("ada@shop.example"), samples::text("bob@shop.example"));
        let [one, two]: [WriteId; 2] = ["a", "b"].map(|token| token.parse().unwrap());
        let id = session_id_of_form(&merchant(1), Mode::Test, &ada, &one);
        assert_eq!(id, session_id_of_form(&merchant(1), Mode::Test, &ada, &one));
        for other in [
            session_id_of_form(&merchant(2), Mode::Test, &ada, &one),
            session_id_of_form(&merchant(1), Mode::Live, &ada, &one),
            session_id_of_form(&merchant(1), Mode::Test, &bob, &one),
            session_id_of_form(&merchant(1), Mode::Test, &ada, &two),
            key("a").unwrap().unwrap().session_id(&merchant(1), Mode::Test, BANKED),
        ] {
            assert_ne!(id, other);
        }
    }

    #[test]
    fn an_id_depends_on_all_that_makes_a_request_another() {
        let a = key("a").unwrap().unwrap();
        let id = a.session_id(&merchant(1), Mode::Test, BANKED);
        assert_eq!(id, a.session_id(&merchant(1), Mode::Test, BANKED));
        assert_eq!(id.to_string().as_bytes()[14], b'8', "a UUIDv8");
        let others = [
            a.session_id(&merchant(2), Mode::Test, BANKED),
            a.session_id(&merchant(1), Mode::Live, BANKED),
            SessionId::new(a.derive(&merchant(1), Mode::Test, "yorlet", Operation::Create)),
            key("b").unwrap().unwrap().session_id(&merchant(1), Mode::Test, BANKED),
        ];
        assert!(others.iter().all(|other| *other != id));
        let write = |operation| a.write_id(&merchant(1), Mode::Test, BANKED, operation);
        assert_ne!(write(Operation::Cancel(id)), write(Operation::Delete(id)));
        assert_ne!(write(Operation::Cancel(id)), write(Operation::Cancel(others[0])));
        let refund_id = a.refund_id(&merchant(1), Mode::Test, BANKED);
        assert_ne!(refund_id.to_string(), id.to_string());
        assert_ne!(write(Operation::CancelRefund(refund_id)), write(Operation::Refund));
        let customer_id = a.customer_id(&merchant(1), Mode::Test, BANKED);
        assert_ne!(customer_id.to_string(), id.to_string());
        assert_ne!(write(Operation::ChangeCustomer(customer_id)), write(Operation::CreateCustomer));
    }
}
