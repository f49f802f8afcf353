//! By which way a refund would go, and how much may go, for who is about to make one.

use jiff::Timestamp;
use models::{AccountKind, MAX_REFUNDS, Money, NotRefundable, Payee, Refund, RefundId, Session, left_of};

use crate::Payments;

/// By which way a refund would go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefundWay<'a> {
    /// The payment's own provider makes it, without anything more that the merchant does.
    ByProvider,
    /// The merchant pays it, to the account that the payment came from.
    ToPayer(&'a Payee),
    /// The merchant pays it, to an account of this kind that has to be given, or that the customer is asked for.
    ToBeAsked(AccountKind),
    /// By none: its provider doesn't make it, and no bank of a merchant's sends this currency.
    None,
}

impl Payments {
    /// By which way a refund of this session would go, were it made now: [`Payments::refund`] decides by the same rules. Of a
    /// provider that is not connected, and so makes none now, the refund counts as its own.
    pub fn refund_way<'a>(&self, session: &'a Session) -> RefundWay<'a> {
        let any = RefundId::new(self.random.uuid_v4());
        match self.refund_at_provider(session, any, session.amount) {
            Ok(Some(_)) | Err(_) => return RefundWay::ByProvider,
            Ok(None) => {}
        }
        let currency = session.amount.currency();
        let Some(kind) = AccountKind::of_refund(currency) else { return RefundWay::None };
        let payer = session.payer_account.as_ref().filter(|payer| payer.account.receives(currency));
        payer.map_or(RefundWay::ToBeAsked(kind), RefundWay::ToPayer)
    }

    /// What is left of a session to refund at `now`, at least the least there is: also what refunds reserve whose time has passed,
    /// which is given back before another is made.
    ///
    /// # Errors
    /// Why it can't be refunded.
    pub fn left(&self, session: &Session, refunds: &[Refund], now: Timestamp) -> Result<Money, NotRefundable> {
        session.refundable(now)?;
        if session.refund_count >= MAX_REFUNDS {
            return Err(NotRefundable::TooMany);
        }
        let left = left_of(session.amount, refunds, now);
        if left.minor() < 1 {
            return Err(NotRefundable::NothingLeft { left });
        }
        match self.refund_way(session) {
            RefundWay::ByProvider | RefundWay::ToPayer(_) | RefundWay::ToBeAsked(_) => Ok(left),
            RefundWay::None => Err(NotRefundable::NotByBank(left.currency())),
        }
    }
}
