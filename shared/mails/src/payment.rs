//! What every mail says of the payment that it is about, and whose mail it is.

use jiff::Timestamp;
use models::{Colour, EmailAddress, Refund, Session, Shop};
use pages::{Face, Facts, Html, Language, Shell, Zone};

use crate::content::{Part, Reader, Said};

/// What a button is painted with that is no shop's own.
pub(crate) const OUR_COLOUR: Colour = Colour::rgb(0x0b, 0x5d, 0x4b);

/// A payment, as its mails show it: in the payer's language, by the clocks where its currency is paid.
#[derive(Debug)]
pub(crate) struct Payment<'a> {
    pub(crate) session: &'a Session,
    pub(crate) shell: Shell<'a>,
    face: Face<'a>,
    /// What the texts are filled with: `{amount}` and `{total}` are all of it, `{time}` is when it was sent, or until when it can be
    /// made.
    pub(crate) facts: Facts<'a>,
    zone: Zone,
}

impl<'a> Payment<'a> {
    /// One that was sent, if it was.
    pub(crate) fn sent(session: &'a Session, shop: Option<&'a Shop>) -> Option<Self> {
        Some(Self::of(session, shop, session.sent_at()?))
    }

    /// One that is still to be made.
    pub(crate) fn to_come(session: &'a Session, shop: Option<&'a Shop>) -> Self {
        Self::of(session, shop, session.expires_at)
    }

    /// Where nothing is known of the shop, the payee's name is shown.
    fn of(session: &'a Session, shop: Option<&'a Shop>, at: Timestamp) -> Self {
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
            .time("time", at, zone)
            .text("id", session.end_to_end_id);
        Self { session, shell, face, facts, zone }
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

    /// Where a mail for this reader goes.
    pub(crate) fn address_of(&self, reader: Reader) -> Option<&'a EmailAddress> {
        match reader {
            Reader::Payer { .. } => self.session.payer.as_ref()?.email.as_ref(),
            Reader::Shop => self.support_email(),
        }
    }

    /// Where this reader's answers go, if somebody reads them.
    pub(crate) fn replies_of(&self, reader: Reader) -> Option<&'a EmailAddress> {
        match reader {
            Reader::Payer { .. } => self.support_email(),
            Reader::Shop => None,
        }
    }

    /// Where this reader finds help.
    pub(crate) fn help(&self, reader: Reader) -> Option<Html> {
        match reader {
            Reader::Payer { .. } => self.shell.help(),
            Reader::Shop => None,
        }
    }

    /// The same where there is no markup.
    pub(crate) fn plain_help(&self, reader: Reader) -> Option<String> {
        match reader {
            Reader::Payer { .. } => self.shell.plain_help(),
            Reader::Shop => None,
        }
    }

    fn support_email(&self) -> Option<&'a EmailAddress> {
        self.face.shop?.support_email.as_ref()
    }

    /// What a button is painted with: the shop's colour if white can be read on it, else ours.
    pub(crate) fn button_colour(&self) -> Colour {
        let colour = self.face.shop.and_then(|shop| shop.colour);
        let is_readable = |colour: &Colour| colour.contrast(Colour::WHITE) >= Colour::TEXT_CONTRAST;
        colour.filter(is_readable).unwrap_or(OUR_COLOUR)
    }

    /// The reference by which a payer knows the order.
    pub(crate) fn reference(&self) -> (&'static str, Said) {
        (self.shell.texts().checkout.reference, Said::new("{reference}", &self.facts))
    }

    /// The card it was paid with, if it was.
    pub(crate) fn paid_with(&self) -> Option<(&'static str, Said)> {
        let texts = &self.shell.texts().methods;
        let card = self.session.card.map(|card| self.shell.card(&card))?;
        Some((texts.paid_with, Said::new("{card}", &self.facts.clone().text("card", card))))
    }

    /// Who was paid, and the payment's id.
    pub(crate) fn proof(&self) -> Part<'a> {
        let texts = &self.shell.texts().checkout;
        let to = format!("{{payee}}, {}", texts.account_ending);
        Part::Facts(vec![(texts.to, Said::new(&to, &self.facts)), (texts.payment_id, Said::new("{id}", &self.facts))])
    }

    /// Why the mail was sent, and whom to ask.
    pub(crate) fn closing(&self, reader: Reader) -> impl Iterator<Item = Said> {
        let texts = &self.shell.texts().mails;
        let closing = match reader {
            Reader::Payer { ask } => vec![texts.why_you, ask],
            Reader::Shop => vec![texts.why_shop],
        };
        let replies = self.replies_of(reader).map(|_| texts.replies);
        let closing = closing.into_iter().chain(replies);
        closing.map(|text| Said::new(text, &self.facts)).collect::<Vec<_>>().into_iter()
    }
}
