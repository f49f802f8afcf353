//! Sessions.

use models::{LineItem, Object, PaysRefund, Refund, RefundState, Session, SessionId, SessionState};

use super::waiting::Waits;
use super::{Check, Rule, text};
use crate::error::StoreError;
use crate::keys;
use crate::table::{Item, Key};
use crate::tombstone::{ERASED, Tombstone, is_tombstone};

impl Check<'_> {
    pub(super) async fn session(&mut self, key: &Key, id: &SessionId, item: &Item) -> Result<(), StoreError> {
        if is_tombstone(item) {
            return self.tombstone(key, id, item).await;
        }
        let Some(session) = self.read::<Session>(item) else { return Ok(()) };
        self.broken_unless(session.id == *id, Rule::Readable, "holds another session's id");
        self.history(&session.history, session.state);
        self.session_waits(key, item, &session);
        let list_pk = keys::list_pk(&session.merchant_id, session.mode, session.format, session.list_shard);
        if session.is_shown() {
            self.listed(item, &list_pk, &keys::list_sk(session.created_at, session.id));
        } else {
            self.broken_unless(!item.contains_key("list_pk"), Rule::Listed, "is in a list, and is not shown");
        }
        self.amount(&session);
        self.attempts(&session).await?;
        self.personal(item, &session);
        self.refundable(&session).await?;
        if let Some(pays) = &session.pays_refund {
            self.paid_refund(id, pays).await?;
        }
        let test_clock = session.test_clock;
        let object = Object::Session(Box::new(session));
        let entered_at: Vec<_> = (1..=object.history_len()).map(|sequence| object.entered_at(sequence)).collect();
        self.mails_called_for(&object).await?;
        self.counted(&object).await?;
        self.events_called_for((*id).into(), &entered_at, test_clock.as_ref()).await
    }

    async fn tombstone(&mut self, key: &Key, id: &SessionId, item: &Item) -> Result<(), StoreError> {
        for attribute in ERASED.into_iter().chain(["payer_account", "card", "submission"]) {
            self.broken_unless(
                !item.contains_key(attribute),
                Rule::Erased,
                format!("was deleted, and has still its {attribute}"),
            );
        }
        let Some(Tombstone { state, history, test_clock, .. }) = self.read(item) else { return Ok(()) };
        self.history(&history, state);
        self.broken_unless(state.is_final(), Rule::Erased, format!("was deleted, and is still {state}"));
        self.waits(key, item, Waits::Never);
        let entered_at: Vec<_> = history.iter().map(|entry| entry.at).collect();
        self.events_called_for((*id).into(), &entered_at, test_clock.as_ref()).await
    }

    fn session_waits(&mut self, key: &Key, item: &Item, session: &Session) {
        let waits = match session.state {
            // The provider is asked, and not the clock.
            SessionState::AwaitingPaymentConsent if session.open_at_consent().is_some() => Waits::NowAndAgain,
            SessionState::AwaitingPayer | SessionState::AwaitingProvider | SessionState::AwaitingPaymentConsent => {
                Waits::Until(session.expires_at)
            }
            SessionState::Pending => Waits::NowAndAgain,
            SessionState::Sent | SessionState::Failed | SessionState::Cancelled | SessionState::Expired => Waits::Never,
        };
        self.waits(key, item, waits);
    }

    pub(super) fn listed(&mut self, item: &Item, list_pk: &str, list_sk: &str) {
        let fits = text(item, "list_pk") == Some(list_pk) && text(item, "list_sk") == Some(list_sk);
        self.broken_unless(fits, Rule::Listed, "is not in its merchant's list, or not where it should be");
    }

    fn amount(&mut self, session: &Session) {
        let total = LineItem::sum(&session.line_items, session.amount.currency());
        let fits = session.line_items.is_empty() || total == Ok(session.amount);
        self.broken_unless(fits, Rule::Payment, "is not for the sum of its items");
    }

    /// What is personal is gone if it is said to be; and what is final will be found when it is time for it to go.
    fn personal(&mut self, item: &Item, session: &Session) {
        if let Some(at) = session.erased_at {
            let gone = session.clone().erased(at) == *session;
            self.broken_unless(gone, Rule::Erased, "was erased, and holds still something about its payer");
        }
        let found = item.contains_key("final_pk") && item.contains_key("final_at");
        let to_be_found = session.state.is_final() && session.erased_at.is_none();
        self.broken_unless(
            found == to_be_found,
            Rule::Final,
            if found {
                "is among those whose personal data will be removed, and is not final, or has none any more"
            } else {
                "is final, and not among those whose personal data will be removed"
            },
        );
    }

    /// What is left is what was paid less what was refunded, or is being.
    async fn refundable(&mut self, session: &Session) -> Result<(), StoreError> {
        if session.refundable.is_none() && session.refund_count == 0 {
            return Ok(());
        }
        let pk = keys::session_pk(&session.id);
        let last = format!("{}~", keys::REFUND_PREFIX);
        let items = self.query(&pk, Some((keys::REFUND_PREFIX, &last))).await?;
        let counted = usize::try_from(session.refund_count).unwrap_or(usize::MAX);
        if items.len() != counted {
            self.broken(Rule::Refundable, format!("counts {counted} refunds, and has {}", items.len()));
        }
        // One that can't be read is reported by itself.
        let refunds: Result<Vec<Refund>, _> = items.into_iter().map(serde_dynamo::from_item).collect();
        let Ok(refunds) = refunds else { return Ok(()) };
        let refunded: i64 = refunds
            .iter()
            .filter(|refund| refund.state != RefundState::Failed)
            .map(|refund| refund.amount.minor())
            .fold(0, i64::saturating_add);
        let left = session.amount.minor().saturating_sub(refunded);
        let kept = session.refundable.map(|left| left.get());
        if kept != Some(left) || left < 0 {
            let kept = kept.map_or("nothing".to_owned(), |kept| kept.to_string());
            let problem = format!("says that {kept} is left, and {} less {refunded} is {left}", session.amount.minor());
            self.broken(Rule::Refundable, problem);
        }
        Ok(())
    }

    /// A session that pays a refund is the one that the refund says pays it; the refund's own check compares the two.
    async fn paid_refund(&mut self, id: &SessionId, pays: &PaysRefund) -> Result<(), StoreError> {
        let refund = self.get(keys::refund(&pays.session_id, &pays.refund_id)).await?;
        match refund.as_ref().map(|refund| text(refund, "payment_session_id")) {
            None => self.broken(Rule::Orphan, format!("pays refund {}, which is not there", pays.refund_id)),
            Some(payment) if payment != Some(&id.to_string()) => {
                self.broken(
                    Rule::Refund,
                    format!("pays refund {}, which says that another session does", pays.refund_id),
                );
            }
            Some(_) => {}
        }
        Ok(())
    }
}
