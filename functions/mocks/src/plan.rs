//! The page of a provider that pays the merchant at once, and whom the payer pays later, by the plan that it shows.

use askama::Template;
use models::{MinorUnits, Money, Session};
use pages::Language;
use providers::mock::{Conclusion, Decision, NamedMock};

use crate::house::House;
use crate::route::{bank_path, checkout_path, return_path};

/// When the instalments are due.
const DUE: [&str; 3] = ["Today", "In 30 days", "In 60 days"];

/// Offers the payer a plan.
#[derive(Template)]
#[template(path = "plan.html")]
pub(crate) struct PlanPage<'a> {
    house: House,
    note: &'static str,
    checkout: String,
    action: String,
    token: &'a str,
    payee: &'a str,
    amount: String,
    reference: &'a str,
    instalments: Vec<(&'static str, String)>,
    decisions: Vec<DecisionButton>,
}

/// One of the buttons.
struct DecisionButton {
    value: &'static str,
    label: &'static str,
    meaning: String,
}

impl DecisionButton {
    /// None of a decision that nobody makes about a plan.
    fn new(decision: Decision) -> Option<Self> {
        let (label, meaning) = match decision {
            Decision::ApproveThenSettle => {
                ("Agree to the plan", format!("The merchant is paid after {} s.", decision.delay().as_secs()))
            }
            Decision::Refuse => ("Be refused", "The provider offers you no plan, and nothing is paid.".to_owned()),
            Decision::Decline => ("Don’t agree", "You say no, and nothing is paid.".to_owned()),
            Decision::Approve
            | Decision::ApproveThenFail
            | Decision::ApproveThenLackFunds
            | Decision::InsufficientFunds => return None,
        };
        Some(Self { value: decision.as_str(), label, meaning })
    }
}

/// The amount in equal parts; what can't be divided is due first.
fn instalments(amount: Money) -> impl Iterator<Item = (&'static str, Money)> {
    let (minor, count) = (amount.minor(), DUE.len() as i64);
    let parts = DUE.into_iter().enumerate().map(move |(n, due)| {
        let rest = if n == 0 { minor % count } else { 0 };
        (due, Money::new(MinorUnits::new(minor / count + rest), amount.currency()))
    });
    parts.filter(|(_, part)| part.minor() > 0)
}

impl<'a> PlanPage<'a> {
    pub(crate) fn new(provider: &'static NamedMock, session: &'a Session, number: u8, token: &'a str) -> Self {
        let shown = |(due, part): (&'static str, Money)| (due, Language::English.amount(&part));
        Self {
            house: House::of(provider),
            note: provider.note,
            checkout: checkout_path(&session.id),
            action: bank_path(&session.id, number, ""),
            token,
            payee: session.payee.name.as_str(),
            amount: Language::English.amount(&session.amount),
            reference: session.reference.as_str(),
            instalments: instalments(session.amount).map(shown).collect(),
            decisions: provider.decisions.iter().copied().filter_map(DecisionButton::new).collect(),
        }
    }
}

/// What came of it, and the way back: there is no second decision.
#[derive(Template)]
#[template(path = "plan_concluded.html")]
pub(crate) struct PlanConcludedPage {
    house: House,
    heading: &'static str,
    text: &'static str,
    way_back: String,
}

impl PlanConcludedPage {
    pub(crate) fn new(provider: &'static NamedMock, session: &Session, conclusion: Conclusion) -> Self {
        let first_holds = "What is decided first holds, and can’t be decided again.";
        let (heading, text) = match conclusion {
            Conclusion::Decided(decided) => match decided.decision {
                Decision::Approve
                | Decision::ApproveThenSettle
                | Decision::ApproveThenFail
                | Decision::ApproveThenLackFunds => ("You have agreed to the plan", first_holds),
                Decision::Decline => ("You have not agreed to the plan", first_holds),
                Decision::InsufficientFunds | Decision::Refuse => ("We could not offer you a plan", first_holds),
            },
            Conclusion::Cancelled => ("This payment was cancelled", "Nothing can be agreed to here any more."),
        };
        Self { house: House::of(provider), heading, text, way_back: return_path(&session.id) }
    }
}

#[cfg(test)]
mod tests {
    use models::Currency;
    use proptest::prelude::*;
    use providers::mock::{Decided, MockPage, mocks};
    use samples::name;

    use super::*;

    fn provider() -> &'static NamedMock {
        mocks().find(|mock| mock.page == MockPage::Plan).unwrap()
    }

    /// Keeps a page, for the checks of rendered pages.
    fn keep(name: &str, html: &str) {
        if let Some(folder) = std::env::var_os("PAGES_DIR") {
            std::fs::write(std::path::Path::new(&folder).join(format!("{name}.html")), html).unwrap();
        }
    }

    #[test]
    fn it_shows_what_is_due_and_when() {
        let session = samples::session();
        let html = PlanPage::new(provider(), &session, 3, "a1b2").render().unwrap();
        keep("plan", &html);
        for fact in [
            "<span class=\"amount\">£4.00</span>",
            "<dt>Today</dt><dd class=\"amount\">£1.34</dd>",
            "<dt>In 30 days</dt><dd class=\"amount\">£1.33</dd>",
            "<dt>In 60 days</dt><dd class=\"amount\">£1.33</dd>",
            "<bdi>Bright Candles Ltd</bdi>",
            "type=\"hidden\" name=\"token\" value=\"a1b2\"",
            "name=\"decision\" value=\"approve_then_settle\"",
            "name=\"decision\" value=\"refuse\"",
            "name=\"decision\" value=\"decline\"",
            "after 10 s",
            &format!("action=\"/mock-bank/{}/3\"", session.id),
            "<p class=\"brand\">Mock Pay Later</p>",
        ] {
            assert!(html.contains(fact), "{fact}: {html}");
        }
        assert_eq!((html.matches("<h1").count(), html.matches("name=\"decision\"").count()), (1, 3), "{html}");
        assert!(!html.contains("<script") && !html.contains(" style="), "{html}");
    }

    #[test]
    fn what_others_wrote_is_text_and_nothing_else() {
        let mut session = samples::session();
        session.payee.name = name("\"><script>alert('x')</script>&");
        let html = PlanPage::new(provider(), &session, 1, "\"><script>").render().unwrap();
        assert!(!html.contains("<script") && html.contains("&#60;script&#62;alert(&#39;x&#39;)"), "{html}");
    }

    #[test]
    fn what_was_decided_offers_no_second_decision_and_the_way_back_alone() {
        let session = samples::session();
        let decided = Decision::ALL.map(|decision| Conclusion::Decided(Decided::from(decision)));
        for (n, conclusion) in decided.into_iter().chain([Conclusion::Cancelled]).enumerate() {
            let html = PlanConcludedPage::new(provider(), &session, conclusion).render().unwrap();
            keep(&format!("plan_concluded_{n}"), &html);
            assert!(!html.contains("<form") && !html.contains("<button"), "{html}");
            assert!(html.contains(&format!("href=\"/checkout/{}/return\"", session.id)), "{html}");
            assert_eq!((html.matches("<a ").count(), html.matches("<h1").count()), (1, 1), "{html}");
        }
    }

    proptest! {
        #[test]
        fn instalments_add_up_and_none_is_nothing(minor in 1..=i64::MAX) {
            let amount = Money::new(MinorUnits::new(minor), Currency::EUR);
            let parts: Vec<_> = instalments(amount).map(|(_, part)| part.minor()).collect();
            prop_assert_eq!(parts.iter().sum::<i64>(), minor);
            prop_assert!(parts.iter().all(|part| *part > 0) && parts.len() <= 3);
            prop_assert!(parts.windows(2).all(|pair| pair[0] >= pair[1]));
        }
    }
}
