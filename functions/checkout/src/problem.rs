//! What a payer's request can't have.

use lambda_http::http::StatusCode;
use pages::{Problem, ProblemTexts};
use payments::{BeginError, PaymentError};
use providers::ProviderError;

/// 422: not a bank that this payment can be made with.
pub(crate) fn unknown_bank() -> Problem {
    Problem::Refused(StatusCode::UNPROCESSABLE_ENTITY, |language| {
        let t = &language.texts().problems;
        ProblemTexts { heading: t.unknown_bank_heading, text: t.unknown_bank_text }
    })
}

/// 409: a bank that can't be used now.
pub(crate) fn bank_down() -> Problem {
    Problem::Refused(StatusCode::CONFLICT, |language| {
        let t = &language.texts().problems;
        ProblemTexts { heading: t.bank_down_heading, text: t.bank_down_text }
    })
}

/// 409: no further attempt.
pub(crate) fn too_many_attempts() -> Problem {
    Problem::Refused(StatusCode::CONFLICT, |language| {
        let t = &language.texts().problems;
        ProblemTexts { heading: t.too_many_attempts_heading, text: t.too_many_attempts_text }
    })
}

/// Why nothing could be done about a payment.
pub(crate) fn of_payment(error: PaymentError) -> Problem {
    match error {
        PaymentError::Provider(error) => Problem::Unavailable(Box::new(error)),
        PaymentError::Store(error) => error.into(),
        PaymentError::Inconsistent(_) => Problem::Internal(Box::new(error)),
    }
}

/// Why nothing was begun at a bank.
pub(crate) fn of_begin(error: BeginError) -> Problem {
    match error {
        BeginError::UnknownProvider => unknown_bank(),
        BeginError::NotFound => Problem::NotFound,
        BeginError::Payment(PaymentError::Provider(ProviderError::Refused(_))) => bank_down(),
        BeginError::Payment(error) => of_payment(error),
    }
}
