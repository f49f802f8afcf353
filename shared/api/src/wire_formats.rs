//! docs/wire-formats.md: how each format says what the domain knows. Its tables are written from the code, which is total over
//! every state, event, way to pay and refusal.

use models::{Currency, EventType, PaymentMethod, RefundState, Scope, SessionState};

use crate::error::{ApiError, Refusal, SignatureFault};
use crate::{banked, fintecture, yorlet};

const PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/wire-formats.md");

#[test]
fn the_tables_are_what_the_code_says() {
    let document = std::fs::read_to_string(PATH).unwrap();
    let tables = [
        ("sessions", sessions()),
        ("closer", closer()),
        ("refunds", refunds()),
        ("events", events()),
        ("methods", methods()),
        ("errors", errors()),
        ("signatures", signatures()),
    ];
    let mut should = document.clone();
    for (name, table) in tables {
        let [before, _, after] = parted(&should, name);
        should = format!("{before}{table}{after}");
    }
    if std::env::var_os("UPDATE_OPENAPI").is_some() {
        std::fs::write(PATH, &should).unwrap();
    } else {
        assert!(document == should, "docs/wire-formats.md is out of date: run `make openapi`");
    }
}

/// A document in three: what comes before the table of this name, the table, and what comes after it.
pub(crate) fn parted<'a>(document: &'a str, name: &str) -> [&'a str; 3] {
    let (begin, end) = (format!("<!-- {name} -->\n"), format!("<!-- /{name} -->"));
    let from = document.find(&begin).unwrap() + begin.len();
    let (before, rest) = document.split_at(from);
    let (table, after) = rest.split_at(rest.find(&end).unwrap());
    [before, table, after]
}

/// A table in Markdown.
pub(crate) fn table<const N: usize>(head: [&str; N], rows: impl IntoIterator<Item = [String; N]>) -> String {
    let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
    let rows: String = rows.into_iter().map(|cells| line(&cells)).collect();
    format!("{}|{}\n{rows}", line(&head.map(str::to_owned)), "---|".repeat(N))
}

pub(crate) fn code(text: impl std::fmt::Display) -> String {
    format!("`{text}`")
}

fn sessions() -> String {
    let head = [
        "ours",
        "Banked's `state`",
        "Yorlet's session: `status`",
        "Yorlet's transaction: `status`",
        "Fintecture's `status`",
        "its `transfer_state`",
    ];
    let row = |state: SessionState| {
        let yorlet = [yorlet::shown_status(state), yorlet::transaction_status(state)];
        let said = [state.as_str(), banked::shown_state(state), yorlet[0], yorlet[1], fintecture::shown_status(state)];
        let [ours, banked, session, transaction, fintecture] = said.map(code);
        [ours, banked, session, transaction, fintecture, or_none(fintecture::shown_transfer_state(state))]
    };
    table(head, SessionState::ALL.map(row))
}

fn or_none(text: Option<&str>) -> String {
    text.map_or("–".to_owned(), code)
}

/// What Fintecture's format says of a session beyond its state.
fn closer() -> String {
    let rows = [
        ("the payer has instructions for a transfer, of which nothing has come", fintecture::WAITING),
        ("who lets the payer pay later has accepted the order", fintecture::ORDERED),
        ("a part of the amount has come by transfers", fintecture::PARTIAL),
        ("more than the amount has come by transfers", fintecture::OVERPAID),
    ];
    let row =
        |(when, shown): (&str, fintecture::Shown)| [when.to_owned(), code(shown.status), or_none(shown.transfer_state)];
    table(["when", "`status`", "`transfer_state`"], rows.map(row))
}

fn refunds() -> String {
    let row = |state: RefundState| {
        let [ours, banked, yorlet] = [state.as_str(), state.as_str(), yorlet::refund_status(state)].map(code);
        let said = [false, true].map(|submitted| {
            let (status, transfer_state) = fintecture::shown_refund(state, submitted);
            format!("{}, {}", code(status), code(transfer_state))
        });
        let [waits, submitted] = said;
        let fintecture = if waits == submitted { waits } else { format!("{waits}; once submitted: {submitted}") };
        [ours, banked, yorlet, fintecture]
    };
    let head = ["ours", "Banked's `state`", "Yorlet's `status`", "Fintecture's `status`, `transfer_state`"];
    table(head, RefundState::ALL.map(row))
}

fn events() -> String {
    let row = |event: EventType| {
        let several = |name: fn(EventType, bool) -> Option<&'static str>| {
            let [first, later] = [true, false].map(|is_first| or_none(name(event, is_first)));
            if first == later || !can_be_first(event) { later } else { format!("{later}; first: {first}") }
        };
        let named = |status| code(fintecture::event_name(status));
        let fintecture = match event {
            EventType::PaymentSession(state) => named(fintecture::shown_status(state)),
            EventType::Refund(state) => {
                let [ours, theirs] = [false, true].map(|at_provider| fintecture::shown_refund(state, at_provider).0);
                let by_provider = if ours == theirs {
                    String::new()
                } else {
                    format!("; at the payment's provider: {}", named(theirs))
                };
                named(ours) + &by_provider
            }
        };
        [
            code(event),
            several(banked::webhook_event),
            several(|event, first| Some(yorlet::event_name(event, first))),
            fintecture,
        ]
    };
    let head = ["ours, and Banked's `type`", "Banked's `webhook_event`", "Yorlet's `type`", "Fintecture's `event`"];
    table(head, EventType::all().map(row))
}

/// Whether an object can begin with it.
fn can_be_first(event: EventType) -> bool {
    match event {
        EventType::PaymentSession(state) => {
            matches!(state, SessionState::AwaitingPayer | SessionState::AwaitingProvider)
        }
        EventType::Refund(state) => matches!(state, RefundState::AwaitingDetails | RefundState::AwaitingPayment),
    }
}

fn methods() -> String {
    let row = |method: PaymentMethod| {
        let currencies = [Currency::GBP, Currency::EUR, Currency::SEK, Currency::USD];
        let can_have =
            currencies.into_iter().filter(|currency| method.can_have(*currency)).map(|currency| currency.code());
        let can_have: Vec<_> = can_have.collect();
        let can_have = if can_have.is_empty() { "none: it needs a reader".to_owned() } else { can_have.join(", ") };
        let offered = providers::mock::mocks().filter(|mock| mock.method == method).map(|mock| mock.name);
        let offered: Vec<_> = offered.collect();
        let account = if method.pays_into_account() { "yes" } else { "no" };
        let banked = if method == PaymentMethod::PayByBank { "every session" } else { "–" };
        let yorlet = if yorlet::PAYMENT_METHODS.contains(&method) { code(method.as_str()) } else { "–".to_owned() };
        let fintecture = or_none(fintecture::shown_method(method));
        let [banked, account] = [banked, account].map(str::to_owned);
        [code(method.as_str()), yorlet, fintecture, banked, can_have, account, offered.join(", ")]
    };
    let head = [
        "ours",
        "Yorlet's `payment_method_types`",
        "Fintecture's `payment_methods`",
        "Banked's",
        "currencies",
        "needs an account",
        "test mode's providers",
    ];
    table(head, PaymentMethod::ALL.map(row))
}

/// Each way in which a request is not done, but for what is our own fault, as its sender would say it.
pub(crate) fn refusals() -> [(&'static str, ApiError); 18] {
    let internal = || Box::new(std::io::Error::other("quiet"));
    [
        ("the body or a parameter can't be read", Refusal::BadRequest(String::new()).into()),
        ("a field breaks a rule", Refusal::Invalid(Vec::new()).into()),
        ("no credentials that hold", Refusal::Unauthorized.into()),
        ("a provider's webhook that it did not sign", Refusal::NotGenuine.into()),
        ("another application than the credentials', or none", Refusal::NotAnApplication.into()),
        ("a URL that the application has not registered", Refusal::InvalidAppUrl("query.redirect_uri").into()),
        ("a token for scopes that there aren't", Refusal::InvalidScopes.into()),
        ("a request that its application did not sign", Refusal::Signature(SignatureFault::Wrong).into()),
        ("the credentials lack a scope", Refusal::Forbidden(Scope::PaymentSessionsRead).into()),
        ("a test clock, with a live key", Refusal::ClockForLiveKey.into()),
        ("nothing there that is yours", Refusal::NotFound.into()),
        ("a field names nothing that is yours", Refusal::Unknown("customer").into()),
        ("the path doesn't take the method", Refusal::MethodNotAllowed(String::new()).into()),
        (
            "it can't be done to the object as it is",
            Refusal::InvalidAction { title: String::new(), parameter: None }.into(),
        ),
        ("the idempotency key was used for something else", Refusal::IdempotencyConflict.into()),
        ("the body is too long", Refusal::TooLarge(0).into()),
        ("the body is of another type", Refusal::UnsupportedMediaType("application/json").into()),
        ("we can't at the moment: repeat it", ApiError::Unavailable(internal())),
    ]
}

fn errors() -> String {
    let last = ("our fault", ApiError::Internal(Box::new(std::io::Error::other("quiet"))));
    let row = |(what, error): (&str, ApiError)| {
        // A variant that is new is missing here until it is put into the list above.
        match &error {
            ApiError::Refused(
                Refusal::BadRequest(_)
                | Refusal::Invalid(_)
                | Refusal::Unauthorized
                | Refusal::NotGenuine
                | Refusal::NotAnApplication
                | Refusal::InvalidAppUrl(_)
                | Refusal::InvalidScopes
                | Refusal::Signature(_)
                | Refusal::Forbidden(_)
                | Refusal::ClockForLiveKey
                | Refusal::NotFound
                | Refusal::Unknown(_)
                | Refusal::MethodNotAllowed(_)
                | Refusal::InvalidAction { .. }
                | Refusal::IdempotencyConflict
                | Refusal::TooLarge(_)
                | Refusal::UnsupportedMediaType(_),
            )
            | ApiError::Unavailable(_)
            | ApiError::Internal(_) => {}
        }
        let yorlet = serde_json::to_value(yorlet::ErrorView::new(&error)).unwrap();
        let kind = yorlet["error"]["type"].as_str().unwrap();
        let banked = format!("{} `{}`", error.status().as_u16(), banked::code(&error));
        let status = fintecture::error_status(&error);
        let [general, entry] = [fintecture::error_code(status), fintecture::entry_code(&error)];
        let fintecture = if general == entry { code(entry) } else { format!("`{general}`: `{entry}`") };
        [
            what.to_owned(),
            banked,
            format!("{} `{kind}`", yorlet::status(&error).as_u16()),
            format!("{} {fintecture}", status.as_u16()),
        ]
    };
    table(["what", "Banked", "Yorlet", "Fintecture"], refusals().into_iter().chain([last]).map(row))
}

/// Each way in which a signature is not right, in the order in which they are checked.
pub(crate) fn signature_faults() -> impl Iterator<Item = SignatureFault> {
    use SignatureFault as F;
    let server = samples::NOW;
    let all = [
        F::Missing,
        F::Malformed,
        F::Algorithm,
        F::KeyId,
        F::NoKeys,
        F::Headers,
        F::RequestIdMissing,
        F::RequestIdMalformed,
        F::DigestMissing,
        F::DigestMalformed,
        F::DigestMismatch,
        F::DateMissing,
        F::DateMalformed,
        F::DateSkewed { server },
        F::Wrong,
    ];
    all.into_iter().inspect(|fault| match fault {
        // A variant that is new is missing here until it is put into the list above.
        F::Missing
        | F::Malformed
        | F::Algorithm
        | F::KeyId
        | F::NoKeys
        | F::Headers
        | F::RequestIdMissing
        | F::RequestIdMalformed
        | F::DigestMissing
        | F::DigestMalformed
        | F::DigestMismatch
        | F::DateMissing
        | F::DateMalformed
        | F::DateSkewed { .. }
        | F::Wrong => {}
    })
}

fn signatures() -> String {
    let row = |fault: SignatureFault| [code(fault.code()), fault.to_string()];
    table(["entry's `code`", "`message`"], signature_faults().map(row))
}
