//! Whom a mail is from: the shop by its name, at our address.

use mail_builder::headers::Header;
use mail_builder::headers::address::Address;
use pages::{Facts, Language};

/// The most characters of a shop's name: mail programs show fewer.
const MAX_NAME_CHARS: usize = 60;

/// The longest mailbox that SES accepts, with the name as it is encoded.
const MAX_MAILBOX_BYTES: usize = 320;

/// `"Bright Candles via Counterfoil" <receipts@pay.example>` on one line (RFC 5322, 3.4). A name that is not ASCII is made of
/// encoded words (RFC 2047), as SES has it: <https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html>
pub fn mailbox(shop: &str, language: Language, address: &str) -> String {
    let with_name_of = |most: usize| encoded(&name_of(shop, language, most), address);
    let mut mailboxes = (1..=MAX_NAME_CHARS).rev().map(with_name_of);
    mailboxes.find(|mailbox| mailbox.len() <= MAX_MAILBOX_BYTES).unwrap_or_else(|| address.to_owned())
}

/// `Bright Candles via Counterfoil`: the name alone, as mail programs show it.
pub fn display_name(shop: &str, language: Language) -> String {
    name_of(shop, language, MAX_NAME_CHARS)
}

/// With at most `most` characters of the shop's name.
fn name_of(shop: &str, language: Language, most: usize) -> String {
    let shop = truncated(shop, most);
    without_encoded_words(&Facts::new(language).name("shop", &shop).plain(language.texts().mails.sender))
}

/// A header's text in which nothing is an encoded word (`=?utf-8?q?…?=`, RFC 2047, 2), so that a mail program shows a
/// name as it is written, whether or not SES encodes what is around it.
pub(crate) fn without_encoded_words(text: &str) -> String {
    text.replace("=?", "= ?")
}

fn truncated(name: &str, most: usize) -> String {
    if name.chars().count() <= most {
        return name.to_owned();
    }
    let begin: String = name.chars().take(most.saturating_sub(1)).collect();
    format!("{}…", begin.trim_end())
}

fn encoded(name: &str, address: &str) -> String {
    let mut header = Vec::new();
    Address::new_address(Some(name), address).write_header(&mut header, 0);
    // It is folded, and ends in a line break, as headers are.
    String::from_utf8_lossy(&header).replace("\r\n", "")
}

#[cfg(test)]
mod tests {
    use mail_parser::MessageParser;

    use super::*;

    const ADDRESS: &str = "receipts@pay.example";

    /// The name and the address as a mail program reads them.
    fn read(mailbox: &str) -> (String, String) {
        let header = format!("From: {mailbox}\r\n\r\n");
        let message = MessageParser::default().parse_headers(header.as_bytes()).unwrap();
        let from = message.from().unwrap();
        assert_eq!(from.iter().count(), 1, "{mailbox}");
        let from = from.first().unwrap();
        (from.name().unwrap().to_owned(), from.address().unwrap().to_owned())
    }

    #[test]
    fn every_name_is_read_as_it_is_written() {
        assert_eq!(
            mailbox("Bright Candles", Language::English, ADDRESS),
            "\"Bright Candles via Counterfoil\" <receipts@pay.example>"
        );
        for (shop, shown) in [
            ("Gerald, Wiley & Sons; \"The\" <best> (ever): @home \\o/", None),
            ("Bougies d’Été, “Lumière”", None),
            ("ברייט נרות", None),
            ("蝋燭屋さん、株式会社", None),
            ("🕯️ 👨‍👩‍👧 Candles", None),
            ("x@evil.example> <y@evil.example", None),
            ("=?utf-8?q?=22x=22?= <x@evil.example>,", Some("= ?utf-8?q?=22x=22?= <x@evil.example>,")),
            ("é =?utf-8?q?x?=", Some("é = ?utf-8?q?x?=")),
        ] {
            let mailbox = mailbox(shop, Language::English, ADDRESS);
            assert!(mailbox.bytes().all(|b| matches!(b, b' '..=b'~')), "{mailbox}");
            let (name, address) = read(&mailbox);
            assert_eq!((&name, address.as_str()), (&format!("{} via Counterfoil", shown.unwrap_or(shop)), ADDRESS));
            assert_eq!(name, display_name(shop, Language::English));
        }
    }

    #[test]
    fn a_long_name_is_cut_and_says_so() {
        let long_address = format!("{}@{}.example", "a".repeat(64), "b".repeat(60));
        for character in ["a", "é", "蝋", "🕯", "\"", "=?", "\u{301}"] {
            for length in [1, 59, 60, 61, 140] {
                for address in [ADDRESS, &long_address] {
                    let shop = format!("B{}", character.repeat(length / character.chars().count()));
                    let mailbox = mailbox(&shop, Language::English, address);
                    assert!(mailbox.len() <= 320, "{mailbox}");
                    // RFC 2047, 2: an encoded word has at most 75 characters.
                    let words = mailbox.split(' ').filter(|word| word.starts_with("=?"));
                    assert!(words.into_iter().all(|word| word.len() <= 75), "{mailbox}");
                    let (name, read_address) = read(&mailbox);
                    let name = name.strip_suffix(" via Counterfoil").unwrap();
                    let shop = without_encoded_words(&shop);
                    assert_eq!(read_address, address);
                    assert!(
                        name == shop || name.strip_suffix('…').is_some_and(|begin| shop.starts_with(begin)),
                        "{name}"
                    );
                }
            }
        }
        assert!(mailbox(&"a".repeat(60), Language::English, ADDRESS).contains(&"a".repeat(60)));
    }

    #[test]
    fn where_no_name_fits_there_is_none() {
        let address = format!("{}@{}.example", "a".repeat(64), "b".repeat(250));
        assert_eq!(mailbox("Bright Candles", Language::English, &address), address);
    }
}
