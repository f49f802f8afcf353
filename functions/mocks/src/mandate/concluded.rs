//! What came of a mandate, and the claim for what was collected.

use askama::Template;
use models::{DeclineReason, Session};
use providers::Status;
use providers::mock::NamedMock;

use crate::house::House;
use crate::route::return_path;

/// How a payment by mandate stands, and the way back.
#[derive(Template)]
#[template(path = "mandate_concluded.html")]
pub(crate) struct MandateConcludedPage<'a> {
    house: House,
    heading: &'static str,
    text: &'static str,
    way_back: String,
    /// Where the claim goes, if there is something to claim.
    claim: Option<String>,
    token: &'a str,
}

impl<'a> MandateConcludedPage<'a> {
    pub(crate) fn new(
        bank: &'static NamedMock,
        session: &Session,
        status: &Status,
        action: String,
        token: &'a str,
    ) -> Self {
        let nothing_taken = "Nothing was collected, and nothing else can be signed here.";
        let (heading, text) = match status {
            Status::AwaitingConsent | Status::Consented | Status::Accepted | Status::Arrived(_) | Status::Unknown => {
                ("You have signed the mandate", "The amount is being collected.")
            }
            Status::Settled(_) => (
                "The amount was collected",
                "What is collected from an account can be claimed back from its bank. Here that takes a moment.",
            ),
            Status::TakenBack(_) => ("You have claimed the amount back", "The money is yours again."),
            Status::Refused(DeclineReason::ByPayer) => ("You have not signed", nothing_taken),
            Status::Refused(DeclineReason::ByBank) => ("Collecting from this account was refused", nothing_taken),
            Status::Refused(DeclineReason::InsufficientFunds) => ("The account held too little", nothing_taken),
            Status::Cancelled => ("This payment was cancelled", "Nothing can be signed here any more."),
        };
        let claim = matches!(status, Status::Settled(_)).then_some(action);
        Self { house: House::of(bank), heading, text, way_back: return_path(&session.id), claim, token }
    }
}

#[cfg(test)]
mod tests {
    use models::{PaidFrom, TakenBackReason};
    use providers::mock::mocks;

    use super::*;

    #[test]
    fn only_what_was_collected_can_be_claimed_back() {
        let folder = std::env::var_os("PAGES_DIR").map(std::path::PathBuf::from);
        let bank = mocks().find(|mock| mock.id == "mock-bacs").unwrap();
        let session = samples::session();
        for (status, heading, claims) in [
            (Status::Accepted, "You have signed the mandate", false),
            (Status::Settled(PaidFrom::Undisclosed), "The amount was collected", true),
            (Status::TakenBack(TakenBackReason::IndemnityClaim), "You have claimed the amount back", false),
            (Status::Refused(DeclineReason::ByPayer), "You have not signed", false),
            (Status::Refused(DeclineReason::ByBank), "Collecting from this account was refused", false),
            (Status::Refused(DeclineReason::InsufficientFunds), "The account held too little", false),
            (Status::Cancelled, "This payment was cancelled", false),
        ] {
            let action = "/mock-bank/7/1".to_owned();
            let html = MandateConcludedPage::new(bank, &session, &status, action, "a1").render().unwrap();
            if let Some(folder) = &folder {
                let name = heading.to_lowercase().replace(' ', "_");
                std::fs::write(folder.join(format!("mandate_concluded_{name}.html")), &html).unwrap();
            }
            assert!(html.contains(&format!("<h1>{heading}</h1>")), "{html}");
            assert_eq!(html.contains("name=\"act\" value=\"claim\""), claims, "{html}");
            assert_eq!(html.contains("name=\"token\" value=\"a1\""), claims, "{html}");
            assert!(html.contains(&format!("href=\"/checkout/{}/return\"", session.id)), "{html}");
        }
    }
}
