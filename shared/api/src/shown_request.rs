//! Requests of the API as people are shown them, who do by a form what their systems could do so.

use models::{Money, RefundId, RefundPayee, SessionId};

use crate::api_request::ApiRequest;
use crate::format::Format;
use crate::{banked, fintecture, yorlet};

impl Format {
    /// What a client sends to refund so much of a session, to this account of the customer's if the merchant gives one; none if the
    /// format can't say that.
    pub fn refund_request(self, session: SessionId, amount: Money, payee: Option<&RefundPayee>) -> Option<ApiRequest> {
        match self {
            Self::Banked(_) => banked::refund_request(session, amount, payee),
            Self::Yorlet => payee.is_none().then(|| yorlet::refund_request(session, amount)),
            Self::Fintecture => payee.is_none().then(|| fintecture::refund_request(session, amount)),
        }
    }

    /// What a client sends to cancel a session.
    pub fn cancel_request(self, session: SessionId) -> ApiRequest {
        match self {
            Self::Banked(_) => banked::cancel_request(session),
            Self::Yorlet => yorlet::cancel_request(session),
            Self::Fintecture => fintecture::cancel_request(session),
        }
    }

    /// What a client sends to cancel a refund; none if the format has no way to.
    pub fn cancel_refund_request(self, refund: RefundId) -> Option<ApiRequest> {
        match self {
            Self::Banked(_) => Some(banked::cancel_refund_request(refund)),
            Self::Yorlet | Self::Fintecture => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use lambda_http::http::Method;
    use lambda_http::{Body, Request, RequestExt};
    use models::{AccountIdentifier, Currency, MinorUnits, Name};

    use super::*;
    use crate::route::Route;

    #[test]
    fn what_is_shown_is_read_again() {
        let request = |shown: ApiRequest| {
            let mut request = Request::new(shown.body.map_or(Body::Empty, Body::Text)).with_raw_http_path(&shown.path);
            *request.method_mut() = Method::from_bytes(shown.method.as_bytes()).unwrap();
            request.headers_mut().insert("content-type", "application/json".parse().unwrap());
            request
        };
        let (session, amount) = (samples::session(), Money::new(MinorUnits::new(1005), Currency::EUR));
        let account = AccountIdentifier::uk("010203", "12345678").unwrap();
        let payee = RefundPayee { name: Some(Name::try_from("Ada O’Neil".to_owned()).unwrap()), account };
        for format in Format::served().map(|format| Format::of_stored(format).unwrap()) {
            for payee in [None, Some(&payee)] {
                let Some(shown) = format.refund_request(session.id, amount, payee) else { continue };
                assert_eq!(shown.idempotency_header, Some(format.idempotency_header()));
                let request = request(shown);
                assert_eq!(
                    (Format::of(&request).stored(), Route::of(&request)),
                    (format.stored(), Some(Route::CreateRefund))
                );
                let read = format.read_refund(&request, &crate::http::json_body(&request).unwrap()).unwrap();
                assert_eq!(
                    (read.session_id, read.amount, read.payee.as_ref()),
                    (session.id, Some(amount.minor_units()), payee)
                );
            }
            let shown = format.cancel_request(session.id);
            assert_eq!(shown.idempotency_header, Some(format.idempotency_header()));
            let cancel = request(shown);
            let Some(Route::CancelSession(id)) = Route::of(&cancel) else { panic!("{cancel:?}") };
            assert_eq!((format.session_id(id), format.check_cancel(&cancel)), (Ok(session.id), Ok(())));
            if let Some(shown) = format.cancel_refund_request(samples::refund_creation(samples::now()).id) {
                assert!(matches!(Route::of(&request(shown)), Some(Route::CancelRefund(_))));
            }
        }
    }
}
