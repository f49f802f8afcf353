//! A mail; and one about a payment, made of parts that its HTML and its text both say.
//!
//! No mail shows anything that the payer typed: who gives somebody else's address can't make us mail them a text of
//! their own. Nor does one show a session's id, which opens the checkout, unless it is there to lead to it.

use askama::Template;
use models::EmailAddress;
use pages::{Language, Texts};

use crate::content::{Content, Part};
use crate::payment::Payment;
use crate::sender::without_encoded_words;

/// A mail, ready to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mail {
    /// Whom it is for.
    pub to: EmailAddress,
    /// The name of the shop that it is from.
    pub shop: String,
    /// What it is written in.
    pub language: Language,
    /// Where answers go, if the shop says where it answers.
    pub reply_to: Option<EmailAddress>,
    /// One line, without control characters and encoded words.
    pub subject: String,
    /// The body as plain text.
    pub text: String,
    /// The same as HTML.
    pub html: String,
}

#[derive(Template)]
#[template(path = "mail.html")]
struct MailHtml<'a> {
    payment: &'a Payment<'a>,
    content: &'a Content<'a>,
    texts: &'static Texts,
}

impl Mail {
    /// What `content` says of `payment`; none if its reader has no address.
    pub(crate) fn of(payment: &Payment<'_>, content: &Content<'_>) -> Option<Self> {
        let shell = &payment.shell;
        let texts = shell.texts();
        let subject = without_encoded_words(&content.facts.plain(content.subject));
        // A template fails only if what it shows can't be shown, and texts always can.
        let html = MailHtml { payment, content, texts }.render().ok()?;
        Some(Self {
            to: payment.address_of(content.reader)?.clone(),
            shop: payment.shop_name().to_owned(),
            language: shell.language,
            reply_to: payment.replies_of(content.reader).cloned(),
            subject: if shell.test { format!("{} {subject}", texts.mails.test_subject) } else { subject },
            text: plain(payment, content),
            html,
        })
    }

    /// The style sheet that stands in its HTML, so that a page that frames it can allow this one.
    pub fn style(&self) -> &str {
        let (_, from) = self.html.split_once("<style>").unwrap_or_default();
        from.split_once("</style>").map_or("", |(style, _)| style)
    }
}

/// Blocks with a blank line between them, and no columns: labels are of any length in any language.
fn plain(payment: &Payment<'_>, content: &Content<'_>) -> String {
    let (texts, facts) = (payment.shell.texts(), &content.facts);
    let mut blocks = vec![format!("{}\n{}", facts.plain(content.heading), facts.plain("{amount}"))];
    if payment.shell.test {
        blocks.push(content.test.to_owned());
    }
    for part in content.sections.iter().flatten() {
        match part {
            Part::Heading(text) => blocks.push((*text).to_owned()),
            Part::Paragraph(said) => blocks.push(said.plain.clone()),
            Part::Facts(facts) => {
                let lines: Vec<_> = facts.iter().map(|(label, said)| format!("{label}: {}", said.plain)).collect();
                blocks.push(lines.join("\n"));
            }
            Part::Items(items) => blocks.push(items.plain(texts)),
            Part::Button { label, url } => blocks.push(format!("{label}:\n{url}")),
        }
    }
    blocks.push(payment.closing(content.reader).map(|said| said.plain).collect::<Vec<_>>().join(" "));
    let help = payment.plain_help(content.reader).map(|help| format!("{} {help}", texts.common.help));
    blocks.push([texts.common.payments_by.to_owned()].into_iter().chain(help).collect::<Vec<_>>().join("\n"));
    blocks.join("\n\n") + "\n"
}
