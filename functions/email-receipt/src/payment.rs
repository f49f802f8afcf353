//! What every mail says of the payment that it is about, and whose mail it is.

use jiff::Timestamp;
use models::{Colour, EmailAddress, Refund, Session, Shop};
use pages::{Face, Facts, Language, Shell, Zone};

use crate::content::{Part, Said};

/// A payment that was sent, as its mails show it: in the payer's language, by the clocks where its currency is paid.
#[derive(Debug)]
pub(crate) struct Payment<'a> {
    pub(crate) session: &'a Session,
    pub(crate) shell: Shell<'a>,
    face: Face<'a>,
    /// What the texts are filled with: `{amount}` and `{total}` are all of it, `{time}` is when it was sent.
    pub(crate) facts: Facts<'a>,
    zone: Zone,
}

impl<'a> Payment<'a> {
    /// None if it was not sent. Where nothing is known of the shop, the payee's name is shown.
    pub(crate) fn of(session: &'a Session, shop: Option<&'a Shop>) -> Option<Self> {
        let face = Face::new(shop, session.payee.name.as_str());
        let shell = Shell::of(face, session.mode, Language::choose(session.locale.as_ref(), None));
        let zone = Zone::of(session.amount.currency());
        let facts = shell
            .facts()
            .amount("amount", &session.amount)
            .amount("total", &session.amount)
            .name("payee", session.payee.name.as_str())
            .text("account", session.payee.account.last_four())
            .name("reference", session.reference.as_str())
            .time("time", session.sent_at()?, zone)
            .text("id", session.end_to_end_id);
        Some(Self { session, shell, face, facts, zone })
    }

    /// What is known of a refund of it: `{amount}` is refunded, of `{total}`.
    pub(crate) fn refund_facts(&self, refund: &Refund) -> Facts<'a> {
        self.facts.clone().amount("amount", &refund.amount)
    }

    /// How much of it is refunded.
    pub(crate) fn part_refunded(&self, refund: &Refund) -> Part<'a> {
        let texts = &self.shell.texts().mails;
        let all = refund.amount == self.session.amount;
        Part::Paragraph(Said::new(if all { texts.all_refunded } else { texts.part_refunded }, &self.facts))
    }

    /// The facts, `{time}` being another.
    pub(crate) fn at(&self, at: Timestamp) -> Facts<'a> {
        self.facts.clone().time("time", at, self.zone)
    }

    pub(crate) fn shop_name(&self) -> &'a str {
        self.face.name
    }

    pub(crate) fn support_email(&self) -> Option<&'a EmailAddress> {
        self.face.shop?.support_email.as_ref()
    }

    /// What a button is painted with: the shop's colour if white can be read on it, else ours.
    pub(crate) fn button_colour(&self) -> Colour {
        let colour = self.face.shop.and_then(|shop| shop.colour);
        let is_readable = |colour: &Colour| colour.contrast(Colour::WHITE) >= Colour::TEXT_CONTRAST;
        colour.filter(is_readable).unwrap_or(Colour::rgb(0x0b, 0x5d, 0x4b))
    }

    /// The reference by which a payer knows the order.
    pub(crate) fn reference(&self) -> (&'static str, Said) {
        (self.shell.texts().checkout.reference, Said::new("{reference}", &self.facts))
    }

    /// Who was paid, and the payment's id.
    pub(crate) fn proof(&self) -> Part<'a> {
        let texts = &self.shell.texts().checkout;
        let to = format!("{{payee}}, {}", texts.account_ending);
        Part::Facts(vec![(texts.to, Said::new(&to, &self.facts)), (texts.payment_id, Said::new("{id}", &self.facts))])
    }

    /// Why the mail was sent, and whom to ask.
    pub(crate) fn closing(&self, ask: &'static str) -> impl Iterator<Item = Said> {
        let texts = &self.shell.texts().mails;
        let replies = self.support_email().map(|_| texts.replies);
        let closing = [texts.why_you, ask].into_iter().chain(replies);
        closing.map(|text| Said::new(text, &self.facts)).collect::<Vec<_>>().into_iter()
    }
}
