//! The way to the provider, for a payer who presses its link.

use models::{AtConsent, PaymentAttempt, Session};
use providers::{Next, PayerLink, Provider};

use crate::Payments;
use crate::at_consent::consenting;
use crate::begin::BeginError;
use crate::error::PaymentError;

/// Where a payer goes who presses the link to the provider.
#[derive(Debug)]
pub enum Way {
    /// The provider's page. The link may hold a token: it goes to the payer alone.
    Provider(PayerLink),
    /// Our own page, which shows where the payment stands.
    Page,
}

impl Payments {
    /// The way to the provider of attempt `number`, as often as the payer likes: the recorded request is sent again under its
    /// key, which changes nothing. Once its link has expired, the provider is asked to cancel it, and the way leads to the next
    /// attempt at the same bank.
    ///
    /// # Errors
    /// See [`PaymentError`].
    pub async fn way_to_provider(&self, session: &Session, number: u8) -> Result<Way, PaymentError> {
        let now = self.now(session);
        let Some((attempt, at_consent)) = consenting(session).filter(|(attempt, _)| attempt.number == number) else {
            return Ok(Way::Page);
        };
        // The clock does not end it while the provider's word is out, but nobody is led there any more.
        if now >= session.expires_at {
            self.follow_up(session).await?;
            return Ok(Way::Page);
        }
        let lasts = self.connector(attempt, session)?.link_lasts();
        if lasts.is_some_and(|lasts| now.duration_since(at_consent.begun_at) >= lasts) {
            return Box::pin(self.way_to_next(session, attempt)).await;
        }
        self.way_to(session, attempt, at_consent).await
    }

    /// The way to the provider of an attempt that awaits consent.
    async fn way_to(
        &self,
        session: &Session,
        attempt: &PaymentAttempt,
        at_consent: &AtConsent,
    ) -> Result<Way, PaymentError> {
        match self.ask_to_begin(session, attempt, at_consent).await {
            Ok(Some(Next::Redirect(link))) => Ok(Way::Provider(link)),
            Ok(Some(Next::Transfer(_))) => Ok(Way::Page),
            // It has moved on, or the provider leads nobody there any more: the page is to show what became of it.
            Ok(None) => self.follow_up(session).await.map(|()| Way::Page),
            Err(error) => Err(error),
        }
    }

    /// The way to the attempt after this one, whose link has expired.
    ///
    /// The next is recorded only if this one is the session's latest still, and after its provider has cancelled it: who presses
    /// twice is led to one attempt, and what was consented to in the meantime goes on, as the page shows then.
    async fn way_to_next(&self, session: &Session, expired: &PaymentAttempt) -> Result<Way, PaymentError> {
        let next = expired.number.checked_add(1).filter(|_| session.may_choose_again());
        // The provider may have given it up by itself: the page is to show what became of it.
        let Some(next) = next else { return self.follow_up(session).await.map(|()| Way::Page) };
        let begun = match self.begin(session, expired.chosen(), next).await {
            Ok(begun) => begun,
            Err(BeginError::NotFound | BeginError::UnknownProvider) => return Ok(Way::Page),
            Err(BeginError::Payment(error)) => return Err(error),
        };
        match consenting(&begun).filter(|(latest, _)| latest.number == next) {
            Some((latest, at_consent)) => self.way_to(&begun, latest, at_consent).await,
            None => Ok(Way::Page),
        }
    }
}
