//! English.

use super::FrameTexts;

pub(super) const TEXTS: FrameTexts = FrameTexts {
    console: "Counterfoil console",
    navigation: "Console",
    overview: "Overview",
    payments: "Payments",
    refunds: "Refunds",
    webhooks: "Webhooks",
    keys: "API keys",
    accounts: "Accounts",
    shop: "Shop",
    people: "People",
    audit: "Audit",
    go_to_live: "Go to live",
    go_to_test: "Go to test",
    another_merchant: "Another merchant",
    sign_out: "Sign out",
    same_by_api: "The same by the API",
    same_by_operator: "The same on the operator’s command line",
    back_to_payment: "Back to the payment",
    to_overview: "To the overview",
    not_there_text: "This page isn’t there, or it isn’t part of your console.",
    not_allowed_heading: "Your role doesn’t allow this",
    not_allowed_text: "Ask somebody whose role is “own” to change your role, or to do it.",
    not_our_form_heading: "This form can’t be used any more",
    not_our_form_text: "It was opened before you signed in, or on another site. Nothing was changed. Go back, load the page again, and send it from there.",
};
