use samples::{ends_alike, has_french_spaces, has_quotes_of_print, placeholders};

use super::*;

/// Each text of a language by its area and name.
fn all(language: Language) -> Vec<(String, &'static str)> {
    let Texts {
        frame,
        words,
        sign_in,
        overview,
        payments,
        refunds,
        links,
        webhooks,
        keys,
        accounts,
        shop,
        people,
        audit,
    } = texts(language);
    let areas = [
        ("frame", frame.all()),
        ("words", words.all()),
        ("sign_in", sign_in.all()),
        ("overview", overview.all()),
        ("payments", payments.all()),
        ("refunds", refunds.all()),
        ("links", links.all()),
        ("webhooks", webhooks.all()),
        ("keys", keys.all()),
        ("accounts", accounts.all()),
        ("shop", shop.all()),
        ("people", people.all()),
        ("audit", audit.all()),
    ];
    let named = |(area, texts): (&str, Vec<(&str, &'static str)>)| {
        texts.into_iter().map(|(name, text)| (format!("{area}.{name}"), text)).collect::<Vec<_>>()
    };
    areas.into_iter().flat_map(named).collect()
}

#[test]
fn a_text_says_the_same_of_the_same_in_every_language() {
    for language in Language::ALL {
        for ((name, english), (_, text)) in all(Language::English).into_iter().zip(all(language)) {
            assert_eq!(placeholders(text), placeholders(english), "{language:?} {name}");
            assert!(!text.trim().is_empty() && text.trim() == text, "{language:?} {name}");
            assert!(ends_alike(text, english), "{language:?} {name}: {text}");
            assert!(has_quotes_of_print(text), "{language:?} {name}: {text}");
            assert!(language != Language::French || has_french_spaces(text), "{name}: {text}");
            let begins_small = text.starts_with(char::is_lowercase);
            assert!(!begins_small || english.starts_with(char::is_lowercase), "{language:?} {name}: {text}");
        }
    }
}

#[test]
fn every_text_is_translated() {
    let areas = [
        ("frame", frame::AS_IN_ENGLISH),
        ("words", words::AS_IN_ENGLISH),
        ("sign_in", sign_in::AS_IN_ENGLISH),
        ("overview", overview::AS_IN_ENGLISH),
        ("payments", payments::AS_IN_ENGLISH),
        ("refunds", refunds::AS_IN_ENGLISH),
        ("links", links::AS_IN_ENGLISH),
        ("webhooks", webhooks::AS_IN_ENGLISH),
        ("keys", keys::AS_IN_ENGLISH),
        ("accounts", accounts::AS_IN_ENGLISH),
        ("shop", shop::AS_IN_ENGLISH),
        ("people", people::AS_IN_ENGLISH),
        ("audit", audit::AS_IN_ENGLISH),
    ];
    for language in Language::ALL.into_iter().filter(|language| *language != Language::English) {
        let named = |(area, same): (&str, &[(Language, &str)])| {
            let of_language = same.iter().filter(|(of, _)| *of == language);
            of_language.map(|(_, name)| format!("{area}.{name}")).collect::<Vec<_>>()
        };
        let mut expected: Vec<String> = areas.into_iter().flat_map(named).collect();
        let pairs = all(Language::English).into_iter().zip(all(language));
        let same = pairs.filter(|((_, english), (_, text))| english == text);
        let mut same: Vec<String> = same.map(|((name, _), _)| name).collect();
        expected.sort();
        same.sort();
        assert_eq!(same, expected, "{language:?}");
    }
}
