//! Refunds, and what they have to agree with.

use models::{
    Money, Object, PaymentAttempt, PaysRefund, Refund, RefundAtProvider, RefundEvent, RefundId, RefundState, SessionId,
    SessionState,
};
use serde::Deserialize;

use super::waiting::Waits;
use super::{Check, Rule, text};
use crate::error::StoreError;
use crate::keys;
use crate::table::{Item, Key};

/// What of the session that pays a refund has to agree with it, deleted or not.
#[derive(Debug, Deserialize)]
struct Payment {
    state: SessionState,
    amount: Money,
    #[serde(default)]
    pays_refund: Option<PaysRefund>,
    /// None of one that was deleted.
    #[serde(default)]
    attempt: Option<PaymentAttempt>,
}

impl Check<'_> {
    pub(super) async fn refund(
        &mut self,
        key: &Key,
        session_id: &SessionId,
        id: &RefundId,
        item: &Item,
    ) -> Result<(), StoreError> {
        let Some(refund) = self.read::<Refund>(item) else { return Ok(()) };
        self.broken_unless(
            refund.id == *id && refund.session_id == *session_id,
            Rule::Readable,
            "holds another refund's id",
        );
        self.history(&refund.history, refund.state);
        let waits = match refund.state {
            RefundState::AwaitingDetails => Waits::Until(refund.expires_at),
            RefundState::AwaitingPayment if refund.at_provider.is_some() => Waits::NowAndAgain,
            // The session that pays it waits.
            RefundState::AwaitingPayment | RefundState::Sent | RefundState::Failed => Waits::Never,
        };
        self.waits(key, item, waits);
        let pointer = self.get(keys::refund_pointer(id)).await?;
        let points_here =
            pointer.as_ref().and_then(|pointer| text(pointer, "session_id")) == Some(&session_id.to_string());
        self.broken_unless(points_here, Rule::Refund, "has no pointer that leads to it: nobody finds it by its id");
        self.refunded(&refund).await?;
        match &refund.at_provider {
            Some(at_provider) => self.at_provider(&refund, at_provider).await?,
            None => self.paying(&refund).await?,
        }
        let test_clock = refund.test_clock;
        let object = Object::Refund(Box::new(refund));
        let entered_at: Vec<_> = (1..=object.history_len()).map(|sequence| object.entered_at(sequence)).collect();
        self.mails_called_for(&object).await?;
        self.counted(&object).await?;
        self.events_called_for((*id).into(), &entered_at, test_clock.as_ref()).await
    }

    /// The session that is refunded.
    async fn refunded(&mut self, refund: &Refund) -> Result<(), StoreError> {
        let Some(session) = self.get(keys::session(&refund.session_id)).await? else {
            self.broken(Rule::Orphan, "refunds a session that is not there");
            return Ok(());
        };
        let sent = text(&session, "state") == Some(SessionState::Sent.as_str());
        self.broken_unless(sent, Rule::Refund, "refunds a session that was never paid");
        let counted = session.get("refund_count").and_then(|count| count.as_n().ok()?.parse::<u32>().ok());
        let counted = counted.is_some_and(|count| count > 0) && session.contains_key("refundable");
        self.broken_unless(counted, Rule::Refundable, "is not taken from what is left of its session");
        let owned = text(&session, "merchant_id") == Some(refund.merchant_id.as_str());
        self.broken_unless(owned, Rule::Refund, "is another merchant's than its session");
        Ok(())
    }

    /// The provider that makes it, of a payment of the refunded session's: no session pays it.
    async fn at_provider(&mut self, refund: &Refund, at_provider: &RefundAtProvider) -> Result<(), StoreError> {
        let alone = refund.payment_session_id.is_none();
        self.broken_unless(alone, Rule::Refund, "is made by its provider, and a session pays it all the same");
        self.broken_unless(refund.submitted, Rule::Refund, "is made by its provider, and could be cancelled");
        let fits = match refund.state {
            RefundState::AwaitingDetails => false,
            RefundState::AwaitingPayment => true,
            RefundState::Sent => at_provider.id.is_some(),
            RefundState::Failed => refund.history.last().map(|entry| entry.cause) == Some(RefundEvent::DeclinedByBank),
        };
        self.broken_unless(fits, Rule::Refund, format!("is {}, and not by its provider's word", refund.state));
        let payment = self.get(keys::bank_payment(&at_provider.provider, &at_provider.payment_id)).await?;
        let session_id = payment.as_ref().and_then(|payment| text(payment, "session_id"));
        let of_session = session_id == Some(&refund.session_id.to_string());
        self.broken_unless(of_session, Rule::Refund, "is made of a payment that is not its session's");
        Ok(())
    }

    /// The session that pays it.
    async fn paying(&mut self, refund: &Refund) -> Result<(), StoreError> {
        let Some(payment_id) = refund.payment_session_id else {
            let before = match refund.state {
                RefundState::AwaitingDetails | RefundState::Failed => true,
                RefundState::AwaitingPayment | RefundState::Sent => false,
            };
            self.broken_unless(before, Rule::Refund, format!("is {}, and no session pays it", refund.state));
            return Ok(());
        };
        let Some(payment) = self.get(keys::session(&payment_id)).await? else {
            self.broken(Rule::Refund, format!("is paid by session {payment_id}, which is not there"));
            return Ok(());
        };
        // One that can't be read is reported by itself.
        let Ok(payment) = serde_dynamo::from_item::<_, Payment>(payment) else { return Ok(()) };
        let this = PaysRefund { refund_id: refund.id, session_id: refund.session_id };
        if payment.pays_refund != Some(this) {
            self.broken(Rule::Refund, format!("is paid by session {payment_id}, which does not say so"));
        }
        self.broken_unless(
            payment.amount == refund.amount,
            Rule::Refund,
            format!("is for another amount than session {payment_id}, which pays it"),
        );
        let together = match payment.state {
            SessionState::AwaitingPayer | SessionState::AwaitingProvider | SessionState::AwaitingPaymentConsent => {
                let consenting = payment.state == SessionState::AwaitingPaymentConsent;
                let at_consent = payment.attempt.is_some_and(|attempt| attempt.at_consent.is_some());
                let open = refund.open_at_consent == (consenting && at_consent);
                refund.state == RefundState::AwaitingPayment && !refund.submitted && open
            }
            SessionState::Pending => refund.state == RefundState::AwaitingPayment && refund.submitted,
            SessionState::Sent => refund.state == RefundState::Sent,
            SessionState::Failed | SessionState::Cancelled | SessionState::Expired => {
                refund.state == RefundState::Failed
            }
        };
        if !together {
            let problem = format!("is {}, and session {payment_id}, which pays it, is {}", refund.state, payment.state);
            self.broken(Rule::Refund, problem);
        }
        Ok(())
    }

    pub(super) async fn pointer(&mut self, id: &RefundId, item: &Item) -> Result<(), StoreError> {
        let Some(session_id) = text(item, "session_id").and_then(|id| id.parse().ok()) else {
            self.broken(Rule::Readable, "names no session");
            return Ok(());
        };
        let there = self.get(keys::refund(&session_id, id)).await?.is_some();
        self.broken_unless(there, Rule::Orphan, "leads to a refund that is not there");
        Ok(())
    }
}
