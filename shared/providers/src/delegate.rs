//! Several connectors as one.

/// Implements [`crate::Provider`] for an enum each of whose variants holds a connector.
#[macro_export]
macro_rules! delegate_provider {
    ($connector:ident $(<$ledger:ident: $bound:path>)?; $($variant:ident),+) => {
        impl $(<$ledger: $bound>)? $crate::Provider for $connector $(<$ledger>)? {
            fn moves_money(&self) -> ::models::MovesMoney {
                match self {
                    $(Self::$variant(connector) => $crate::Provider::moves_money(connector),)+
                }
            }

            fn link_lasts(&self) -> ::core::option::Option<::jiff::SignedDuration> {
                match self {
                    $(Self::$variant(connector) => $crate::Provider::link_lasts(connector),)+
                }
            }

            fn repeats_within(&self) -> ::core::option::Option<::jiff::SignedDuration> {
                match self {
                    $(Self::$variant(connector) => $crate::Provider::repeats_within(connector),)+
                }
            }

            fn takes_back(&self) -> bool {
                match self {
                    $(Self::$variant(connector) => $crate::Provider::takes_back(connector),)+
                }
            }

            fn begin_request(
                &self,
                session: &::models::Session,
                number: u8,
            ) -> ::models::ProviderRequest {
                match self {
                    $(Self::$variant(connector) => $crate::Provider::begin_request(connector, session, number),)+
                }
            }

            async fn begin(
                &self,
                session: &::models::Session,
                number: u8,
                request: &::models::ProviderRequest,
            ) -> ::core::result::Result<$crate::Begun, $crate::ProviderError> {
                match self {
                    $(Self::$variant(connector) => $crate::Provider::begin(connector, session, number, request).await,)+
                }
            }

            async fn status(
                &self,
                session: &::models::Session,
                attempt: &::models::PaymentAttempt,
                now: ::jiff::Timestamp,
            ) -> ::core::result::Result<$crate::Status, $crate::ProviderError> {
                match self {
                    $(Self::$variant(connector) => $crate::Provider::status(connector, session, attempt, now).await,)+
                }
            }

            async fn status_by_id(
                &self,
                id: &::models::ProviderPaymentId,
                now: ::jiff::Timestamp,
            ) -> ::core::result::Result<$crate::Status, $crate::ProviderError> {
                match self {
                    $(Self::$variant(connector) => $crate::Provider::status_by_id(connector, id, now).await,)+
                }
            }

            fn prepare(
                &self,
                session: &::models::Session,
                attempt: &::models::PaymentAttempt,
                now: ::jiff::Timestamp,
            ) -> ::core::option::Option<::models::Submission> {
                match self {
                    $(Self::$variant(connector) => $crate::Provider::prepare(connector, session, attempt, now),)+
                }
            }

            async fn submit(
                &self,
                session: &::models::Session,
                attempt: &::models::PaymentAttempt,
                submission: &::models::Submission,
                now: ::jiff::Timestamp,
            ) -> ::core::result::Result<$crate::Status, $crate::ProviderError> {
                match self {
                    $(Self::$variant(connector) => $crate::Provider::submit(connector, session, attempt, submission, now).await,)+
                }
            }

            async fn cancel(
                &self,
                session: &::models::Session,
                attempt: &::models::PaymentAttempt,
                now: ::jiff::Timestamp,
            ) -> ::core::result::Result<$crate::Cancellation, $crate::ProviderError> {
                match self {
                    $(Self::$variant(connector) => $crate::Provider::cancel(connector, session, attempt, now).await,)+
                }
            }

            async fn give_up(
                &self,
                session: &::models::Session,
                attempt: &::models::PaymentAttempt,
                now: ::jiff::Timestamp,
            ) -> ::core::result::Result<$crate::Status, $crate::ProviderError> {
                match self {
                    $(Self::$variant(connector) => $crate::Provider::give_up(connector, session, attempt, now).await,)+
                }
            }

            fn refund_request(
                &self,
                session: &::models::Session,
                attempt: &::models::PaymentAttempt,
                refund_id: ::models::RefundId,
                amount: ::models::Money,
            ) -> ::core::option::Option<::models::ProviderRequest> {
                match self {
                    $(Self::$variant(connector) => $crate::Provider::refund_request(connector, session, attempt, refund_id, amount),)+
                }
            }

            async fn refund(
                &self,
                payment_id: &::models::ProviderPaymentId,
                request: &::models::ProviderRequest,
                now: ::jiff::Timestamp,
            ) -> ::core::result::Result<$crate::RefundAnswer, $crate::ProviderError> {
                match self {
                    $(Self::$variant(connector) => $crate::Provider::refund(connector, payment_id, request, now).await,)+
                }
            }

            async fn refund_status(
                &self,
                payment_id: &::models::ProviderPaymentId,
                id: &::models::ProviderRefundId,
                now: ::jiff::Timestamp,
            ) -> ::core::result::Result<$crate::RefundStatus, $crate::ProviderError> {
                match self {
                    $(Self::$variant(connector) => $crate::Provider::refund_status(connector, payment_id, id, now).await,)+
                }
            }

            async fn read_event(
                &self,
                event: &$crate::RawEvent<'_>,
            ) -> ::core::result::Result<$crate::ProviderEvent, $crate::EventRefusal> {
                match self {
                    $(Self::$variant(connector) => $crate::Provider::read_event(connector, event).await,)+
                }
            }
        }
    };
}
