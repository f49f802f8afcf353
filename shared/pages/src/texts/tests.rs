use samples::{ends_alike, has_french_spaces, has_quotes_of_print, placeholders};

use super::*;
use crate::Language;

/// Each text of a language by its area and name.
fn all(texts: &Texts) -> Vec<(String, &'static str)> {
    let Texts { numbers: _, calendar: _, common, checkout, methods, transfers, refunds, problems, mails } = texts;
    let areas = [
        ("common", common.all()),
        ("checkout", checkout.all()),
        ("methods", methods.all()),
        ("transfers", transfers.all()),
        ("refunds", refunds.all()),
        ("problems", problems.all()),
        ("mails", mails.all()),
    ];
    areas
        .into_iter()
        .flat_map(|(area, texts)| texts.into_iter().map(move |(name, text)| (format!("{area}.{name}"), text)))
        .collect()
}

#[test]
fn a_text_says_the_same_of_the_same_in_every_language() {
    for language in Language::ALL {
        for ((name, english), (_, text)) in all(&ENGLISH).into_iter().zip(all(language.texts())) {
            assert_eq!(placeholders(text), placeholders(english), "{language:?} {name}");
            assert!(!text.trim().is_empty() && text.trim() == text, "{language:?} {name}");
        }
    }
}

/// What is written as in English.
const AS_IN_ENGLISH: [(Language, &[&str]); 4] = [
    (
        Language::French,
        &["common.utc", "checkout.total", "refunds.sort_code_label", "mails.sender", "mails.test_subject"],
    ),
    (Language::German, &["common.utc", "checkout.step_bank", "refunds.check_name", "mails.test_subject"]),
    (Language::Spanish, &["common.error_prefix", "common.utc", "checkout.total", "refunds.sort_code_label"]),
    (Language::Welsh, &["common.utc"]),
];

#[test]
fn every_text_is_translated() {
    for (language, expected) in AS_IN_ENGLISH {
        let texts = all(&ENGLISH).into_iter().zip(all(language.texts()));
        let same: Vec<_> =
            texts.filter(|((_, english), (_, text))| english == text).map(|((name, _), _)| name).collect();
        assert_eq!(same, expected, "{language:?}");
    }
}

/// A text begins and ends as the English one does. No sentence begins with what may begin with a small letter.
#[test]
fn a_sentence_is_a_sentence_in_every_language() {
    let begins_small = |text: &str| text.starts_with(char::is_lowercase);
    for language in Language::ALL {
        for ((name, english), (_, text)) in all(&ENGLISH).into_iter().zip(all(language.texts())) {
            let stands_within = begins_small(english) || name.ends_with("_time");
            assert!(!begins_small(text) || stands_within, "{language:?} {name}: {text}");
            // In German it is a question, so that the article is not what it begins with.
            if (language, name.as_str()) != (Language::German, "checkout.cancel") {
                assert!(ends_alike(text, english), "{language:?} {name}: {text}");
            }
            // After a colon too begins a sentence in German.
            let ends: &[char] = if language == Language::German { &['.', '?', ':'] } else { &['.', '?'] };
            for sentence in text.split_inclusive(ends).map(str::trim) {
                assert!(!sentence.starts_with("{what}"), "{language:?} {name}: {text}");
                assert!(!sentence.starts_with("{bank}"), "{language:?} {name}: {text}");
            }
        }
    }
}

/// `{what}` is written at the vowel that it stands after.
#[test]
fn welsh_has_its_article_after_a_vowel() {
    for (name, text) in all(&WELSH) {
        for (at, _) in text.match_indices("{what}") {
            assert!(text[..at].ends_with(['a', 'e', 'i', 'o', 'u', 'w', 'y']), "{name}: {text}");
        }
    }
    for what in [WELSH.common.the_payment, WELSH.common.the_refund] {
        assert!(what.starts_with("’r "));
    }
}

#[test]
fn french_has_its_spaces() {
    for (name, text) in all(&FRENCH) {
        assert!(has_french_spaces(text), "{name}: {text}");
    }
}

/// Apostrophes and quotation marks are those of print.
#[test]
fn no_text_has_a_typewriters_quotes() {
    for language in Language::ALL {
        for (name, text) in all(language.texts()) {
            assert!(has_quotes_of_print(text), "{language:?} {name}: {text}");
        }
    }
}
