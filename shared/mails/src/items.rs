//! What was paid for, item by item, in no more bytes than mail programs show.

use askama::Template;
use models::{LineItem, Money, Name, Session};
use pages::{Facts, Language, Texts};

/// Gmail shows the first 102 kB of a mail's HTML and hides the rest: what items may take of it. A hundred of the longest names
/// and descriptions in a script of two bytes a letter take less.
const MAX_ITEMS_BYTES: usize = 84_000;

/// The items of a payment as a mail lists them.
#[derive(Debug)]
pub(crate) struct Items<'a> {
    /// Those that are shown.
    shown: Vec<Item<'a>>,
    /// Each as a row of a table.
    pub(crate) rows: String,
    /// How many are left out, in words, and what they cost.
    pub(crate) others: Option<(String, String)>,
    /// What all cost.
    pub(crate) total: String,
}

#[derive(Debug, Template)]
#[template(path = "item.html")]
struct Item<'a> {
    name: &'a str,
    description: Option<&'a str>,
    /// `4 × £1.00`, unless it is one.
    each: Option<String>,
    total: String,
}

impl<'a> Items<'a> {
    /// None if the merchant didn't say what is paid for.
    pub(crate) fn of(session: &'a Session, language: Language) -> Option<Self> {
        let total = language.amount(&session.amount);
        if session.line_items.is_empty() {
            let name = session.description.as_ref()?.as_str();
            let item = Item { name, description: None, each: None, total: total.clone() };
            return Some(Self { rows: item.render().ok()?, shown: vec![item], others: None, total });
        }
        let all = session.line_items.iter().map(|item| Item::of(item, language)).collect::<Option<Vec<_>>>()?;
        let mut rows = all.iter().map(Template::render).collect::<Result<Vec<_>, _>>().ok()?;
        let count = fitting(&rows);
        let others = session.line_items.get(count..).filter(|others| !others.is_empty());
        let others = match others {
            None => None,
            Some(others) => {
                let cost = LineItem::sum(others, session.amount.currency()).ok()?;
                let more = Facts::new(language).text("n", others.len()).plain(language.texts().checkout.more_items);
                Some((more, language.amount(&cost)))
            }
        };
        rows.truncate(count);
        let shown = all.into_iter().take(count).collect();
        Some(Self { shown, rows: rows.concat(), others, total })
    }

    /// A block of lines for each item.
    pub(crate) fn plain(&self, texts: &Texts) -> String {
        let mut blocks: Vec<String> = self.shown.iter().map(Item::plain).collect();
        if let Some((more, cost)) = &self.others {
            blocks.push(format!("{more}\n{cost}"));
        }
        blocks.push(format!("{}: {}", texts.checkout.total, self.total));
        blocks.join("\n\n")
    }
}

/// How many of the rows are shown: all; or, where they are too long, as many as fit, and at least two are left out.
fn fitting(rows: &[String]) -> usize {
    let mut left = MAX_ITEMS_BYTES;
    let fits = |row: &&String| left.checked_sub(row.len()).map(|rest| left = rest).is_some();
    let count = rows.iter().take_while(fits).count();
    if count == rows.len() { count } else { count.min(rows.len().saturating_sub(2)) }
}

impl<'a> Item<'a> {
    /// None if price × quantity doesn't fit in 64 bits; the session's total would not have either.
    fn of(item: &'a LineItem, language: Language) -> Option<Self> {
        let each = |price: &Money| format!("{} × {}", item.quantity, language.amount(price));
        Some(Self {
            name: item.name.as_str(),
            description: item.description.as_ref().map(Name::as_str),
            each: (item.quantity != 1).then(|| each(&item.unit_price)),
            total: language.amount(&item.unit_price.checked_mul(item.quantity).ok()?),
        })
    }

    fn plain(&self) -> String {
        let cost = match &self.each {
            Some(each) => format!("{each} = {}", self.total),
            None => self.total.clone(),
        };
        [Some(self.name), self.description, Some(&cost)].into_iter().flatten().collect::<Vec<_>>().join("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::{item, sent};
    use crate::{receipt, samples::awaiting_details};

    /// What Gmail shows of a mail, less a margin for what a mail server adds.
    const SHOWN_BYTES: usize = 100_000;

    /// The longest receipt in this script: a hundred items, each name of the longest, amounts as well.
    fn longest(character: char) -> Session {
        let longest = character.to_string().repeat(140);
        let items = (0..100).map(|_| item(&longest, Some(&longest), 1_000_000_000, 99)).collect();
        sent(items, &longest)
    }

    #[test]
    fn a_hundred_of_the_longest_items_in_two_byte_scripts_are_all_shown() {
        for character in ['a', 'é', 'Ж', 'Ω', 'ש', 'ع'] {
            let session = longest(character);
            let shop = samples::shop();
            let receipt = receipt::render(&session, Some(&shop)).unwrap();
            let refund = awaiting_details(&session, 400);
            let question = crate::refund_details::render(&refund, &session, Some(&shop), refund.created_at).unwrap();
            for mail in [receipt, question] {
                assert!(mail.html.len() < SHOWN_BYTES, "{character}: {}", mail.html.len());
                assert!(mail.text.len() < SHOWN_BYTES, "{character}: {}", mail.text.len());
                let name = character.to_string().repeat(140);
                assert!(mail.html.matches(&name).count() >= 200 && !mail.html.contains("more items"), "{character}");
            }
        }
    }

    #[test]
    fn what_would_not_be_shown_is_summed_up_and_the_total_is_right() {
        // Three and four bytes in UTF-8, and five once it is escaped.
        for character in ['蝋', '🕯', '&', '"'] {
            let session = longest(character);
            let items = Items::of(&session, Language::English).unwrap();
            let (more, cost) = items.others.clone().unwrap();
            let left_out = session.line_items.len() - items.shown.len();
            assert!(items.shown.len() > 30 && left_out >= 2, "{character}: {}", items.shown.len());
            assert_eq!(more, format!("{left_out} more items"));
            assert_eq!(
                cost,
                LineItem::sum(&session.line_items[items.shown.len()..], session.amount.currency()).unwrap().to_string()
            );
            assert_eq!(items.total, session.amount.to_string());
            let mail =
                receipt::render(&session, Some(&crate::samples::shop(&character.to_string().repeat(140)))).unwrap();
            assert!(mail.html.len() < SHOWN_BYTES, "{character}: {}", mail.html.len());
            for part in [&mail.text, &mail.html] {
                assert!(part.contains(&more) && part.contains(&cost) && part.contains(&items.total), "{part}");
            }
        }
    }

    #[test]
    fn never_is_one_item_left_out() {
        let row = |bytes: usize| "a".repeat(bytes);
        assert_eq!(fitting(&[row(MAX_ITEMS_BYTES)]), 1);
        assert_eq!(fitting(&[row(MAX_ITEMS_BYTES - 1), row(1)]), 2);
        assert_eq!(fitting(&[row(1), row(1), row(MAX_ITEMS_BYTES - 1)]), 1);
        assert_eq!(fitting(&[row(1), row(MAX_ITEMS_BYTES), row(1), row(1)]), 1);
        assert_eq!(fitting(&[row(MAX_ITEMS_BYTES + 1)]), 0);
        assert_eq!(fitting(&[]), 0);
    }
}
