use super::*;
use crate::Language;

/// Each text of a language by its area and name.
fn all(texts: &Texts) -> Vec<(String, &'static str)> {
    let Texts { numbers: _, calendar: _, common, checkout, refunds, problems, mails } = texts;
    let areas = [
        ("common", common.all()),
        ("checkout", checkout.all()),
        ("refunds", refunds.all()),
        ("problems", problems.all()),
        ("mails", mails.all()),
    ];
    areas
        .into_iter()
        .flat_map(|(area, texts)| texts.into_iter().map(move |(name, text)| (format!("{area}.{name}"), text)))
        .collect()
}

fn placeholders(text: &str) -> Vec<&str> {
    let mut names: Vec<_> = text.split('{').skip(1).filter_map(|rest| rest.split('}').next()).collect();
    names.sort_unstable();
    names.dedup();
    names
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
