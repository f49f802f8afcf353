//! A payment and its refunds: where they stand, what comes next and when, and how they are shown.
//! <https://docs.truelayer.com/docs/payment-statuses>

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::create::NewPayment;

/// How long a link is good for, and a payer may take on the page, before the payment expires.
pub(super) const PAGE_LASTS: SignedDuration = SignedDuration::from_mins(15);
/// How long after its execution a payment into a merchant account settles, or fails.
pub(super) const SETTLES_AFTER: SignedDuration = SignedDuration::from_secs(2);
/// How long a bank takes that makes a payment later.
pub(super) const EXECUTES_LATER: SignedDuration = SignedDuration::from_secs(30);
/// How long a refund takes.
pub(super) const REFUNDS_AFTER: SignedDuration = SignedDuration::from_secs(2);

/// Where a payment stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Status {
    AuthorizationRequired,
    Authorizing,
    AttemptFailed,
    Authorized,
    Executed,
    Settled,
    Failed,
}

impl Status {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::AuthorizationRequired => "authorization_required",
            Self::Authorizing => "authorizing",
            Self::AttemptFailed => "attempt_failed",
            Self::Authorized => "authorized",
            Self::Executed => "executed",
            Self::Settled => "settled",
            Self::Failed => "failed",
        }
    }

    /// Whether the payer has not decided.
    pub(super) const fn is_open(self) -> bool {
        match self {
            Self::AuthorizationRequired | Self::Authorizing | Self::AttemptFailed => true,
            Self::Authorized | Self::Executed | Self::Settled | Self::Failed => false,
        }
    }
}

/// What the payer does on the page, and what their bank makes of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// The payer approves, and the bank executes at once.
    Approve,
    /// The payer approves, and the bank executes half a minute later.
    ApproveThenSettle,
    /// The bank doesn't let the payer in.
    AuthorisationFailed,
    /// The payer approves, and the bank refuses.
    ExecutionRejected,
    /// The payer approves, and the account holds too little.
    InsufficientFunds,
    /// The payer approves, and the bank executes; into a merchant account the payment fails after that, as where the payer's name is
    /// not the expected one. <https://docs.truelayer.com/docs/payment-statuses>
    VerificationDeclined,
    /// The bank can't be reached, and the payer may try again on the page.
    BankUnreachable,
    /// The payer cancels on the page.
    Cancel,
}

impl Decision {
    /// All of them, as the page offers them.
    pub const ALL: [Self; 8] = [
        Self::Approve,
        Self::ApproveThenSettle,
        Self::AuthorisationFailed,
        Self::ExecutionRejected,
        Self::InsufficientFunds,
        Self::VerificationDeclined,
        Self::BankUnreachable,
        Self::Cancel,
    ];

    /// As the page's form spells it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Approve => "approve",
            Self::ApproveThenSettle => "approve_then_settle",
            Self::AuthorisationFailed => "authorisation_failed",
            Self::ExecutionRejected => "execution_rejected",
            Self::InsufficientFunds => "insufficient_funds",
            Self::VerificationDeclined => "verification_declined",
            Self::BankUnreachable => "bank_unreachable",
            Self::Cancel => "cancel",
        }
    }

    /// What its button says.
    pub(super) const fn label(self) -> &'static str {
        match self {
            Self::Approve => "Approve",
            Self::ApproveThenSettle => "Approve, settles later",
            Self::AuthorisationFailed => "Authorisation failed",
            Self::ExecutionRejected => "Bank refuses",
            Self::InsufficientFunds => "Insufficient funds",
            Self::VerificationDeclined => "Executed, then fails",
            Self::BankUnreachable => "The bank could not be reached, try again",
            Self::Cancel => "Cancel",
        }
    }
}

/// One change of a payment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Authorize,
    Execute,
    Settle,
    /// For this reason.
    Fail(&'static str),
}

#[derive(Debug)]
struct Failure {
    at: Timestamp,
    stage: Status,
    reason: &'static str,
}

/// A payment.
#[derive(Debug)]
pub(super) struct Payment {
    pub(super) id: Uuid,
    user_id: Uuid,
    pub(super) resource_token: String,
    /// The key that it was created under.
    pub(super) key: String,
    pub(super) request: NewPayment,
    pub(super) status: Status,
    created_at: Timestamp,
    authorized_at: Option<Timestamp>,
    executed_at: Option<Timestamp>,
    settled_at: Option<Timestamp>,
    failure: Option<Failure>,
    /// Whether it does not settle once it is executed.
    is_declined: bool,
    /// What comes next, and when.
    next: Option<(Timestamp, Step)>,
    pub(super) refunds: Vec<Refund>,
}

/// Later by this much.
pub(super) fn after(time: Timestamp, duration: SignedDuration) -> Timestamp {
    time.checked_add(duration).unwrap_or(Timestamp::MAX)
}

impl Payment {
    pub(super) fn new(
        [id, user_id]: [Uuid; 2],
        resource_token: String,
        key: String,
        request: NewPayment,
        now: Timestamp,
    ) -> Self {
        Self {
            id,
            user_id,
            resource_token,
            key,
            request,
            status: Status::AuthorizationRequired,
            created_at: now,
            authorized_at: None,
            executed_at: None,
            settled_at: None,
            failure: None,
            is_declined: false,
            next: Some((after(now, PAGE_LASTS), Step::Fail("expired"))),
            refunds: Vec::new(),
        }
    }

    /// What its creation answers.
    pub(super) fn created(&self) -> Value {
        json!({
            "id": self.id,
            "user": { "id": self.user_id },
            "resource_token": self.resource_token,
            "status": Status::AuthorizationRequired.as_str(),
        })
    }

    /// Whether this is the token of its page, and its time is not over.
    pub(super) fn admits(&self, token: &str, now: Timestamp) -> bool {
        token == self.resource_token && now < after(self.created_at, PAGE_LASTS)
    }

    /// The payer opens the page, or tries again there.
    pub(super) fn open(&mut self, now: Timestamp) {
        match self.status {
            Status::AuthorizationRequired => {
                self.status = Status::Authorizing;
                let expires = self.request.bank.expires();
                self.next = expires.then(|| (after(now, PAGE_LASTS), Step::Fail("expired")));
            }
            Status::AttemptFailed => self.status = Status::Authorizing,
            Status::Authorizing | Status::Authorized | Status::Executed | Status::Settled | Status::Failed => {}
        }
    }

    /// The payer decides, on the open page. Once they have, it changes nothing.
    pub(super) fn decide(&mut self, decision: Decision, now: Timestamp, events: &mut Vec<Value>) {
        self.open(now);
        if !self.status.is_open() {
            return;
        }
        let (first, next) = match decision {
            Decision::Approve => (Step::Authorize, Some((now, Step::Execute))),
            Decision::ApproveThenSettle => (Step::Authorize, Some((after(now, EXECUTES_LATER), Step::Execute))),
            Decision::AuthorisationFailed => (Step::Fail("authorization_failed"), None),
            Decision::ExecutionRejected => (Step::Authorize, Some((now, Step::Fail("provider_rejected")))),
            Decision::InsufficientFunds => (Step::Authorize, Some((now, Step::Fail("insufficient_funds")))),
            Decision::VerificationDeclined => {
                self.is_declined = true;
                (Step::Authorize, Some((now, Step::Execute)))
            }
            Decision::BankUnreachable => {
                self.status = Status::AttemptFailed;
                return;
            }
            Decision::Cancel => (Step::Fail("canceled"), None),
        };
        self.take(first, now, events);
        self.next = next;
        self.pass(now, events);
    }

    /// The client cancels; whether it was in time. That promises nothing (<https://docs.truelayer.com/changelog/october-2025>).
    pub(super) fn cancel(&mut self, now: Timestamp, events: &mut Vec<Value>) -> bool {
        let in_time = self.status.is_open();
        if in_time && (self.request.bank.cancels || self.status == Status::AuthorizationRequired) {
            self.take(Step::Fail("canceled"), now, events);
        } else if in_time {
            events.push(json!({ "type": "payment_cancellation_failed", "payment_id": self.id }));
        }
        in_time
    }

    /// Why it failed, if it did.
    pub(super) fn failure_reason(&self) -> Option<&'static str> {
        self.failure.as_ref().map(|failure| failure.reason)
    }

    /// All that has come to be due.
    pub(super) fn pass(&mut self, now: Timestamp, events: &mut Vec<Value>) {
        while let Some((at, step)) = self.next.take_if(|(at, _)| *at <= now) {
            self.take(step, at, events);
        }
        let method = self.method();
        for refund in &mut self.refunds {
            events.extend(refund.pass(self.id, &method, now));
        }
    }

    fn take(&mut self, step: Step, at: Timestamp, events: &mut Vec<Value>) {
        let stage = self.status;
        self.next = None;
        let (kind, time) = match step {
            Step::Authorize => {
                (self.status, self.authorized_at) = (Status::Authorized, Some(at));
                ("payment_authorized", "authorized_at")
            }
            Step::Execute => {
                (self.status, self.executed_at) = (Status::Executed, Some(at));
                if self.request.merchant_account.is_some() {
                    let step = if self.is_declined { Step::Fail("verification_declined") } else { Step::Settle };
                    self.next = Some((after(at, SETTLES_AFTER), step));
                }
                ("payment_executed", "executed_at")
            }
            Step::Settle => {
                (self.status, self.settled_at) = (Status::Settled, Some(at));
                ("payment_settled", "settled_at")
            }
            Step::Fail(reason) => {
                self.status = Status::Failed;
                self.failure = Some(Failure { at, stage, reason });
                ("payment_failed", "failed_at")
            }
        };
        let mut event = json!({
            "type": kind,
            "payment_id": self.id,
            "payment_method": self.method(),
            time: at,
            "metadata": self.request.metadata,
        });
        if let (Some(failure), Some(event)) = (&self.failure, event.as_object_mut()) {
            failure.show(event);
        }
        events.push(event);
    }

    /// How a webhook says by which bank it is paid.
    fn method(&self) -> Value {
        let bank = self.request.bank;
        json!({ "type": "bank_transfer", "provider_id": bank.id, "scheme_id": bank.scheme() })
    }

    /// How `GET` shows it.
    pub(super) fn document(&self) -> Value {
        let mut shown = json!({
            "id": self.id,
            "amount_in_minor": self.request.amount_minor,
            "currency": self.request.currency,
            "user": { "id": self.user_id },
            "payment_method": self.request.payment_method,
            "created_at": self.created_at,
            "status": self.status.as_str(),
            "metadata": self.request.metadata,
        });
        let Some(fields) = shown.as_object_mut() else { return shown };
        if self.executed_at.is_some() {
            fields.insert("payment_source".to_owned(), self.source());
        }
        let times = [
            ("authorized_at", self.authorized_at),
            ("executed_at", self.executed_at),
            ("settled_at", self.settled_at),
            ("failed_at", self.failure.as_ref().map(|failure| failure.at)),
        ];
        for (name, time) in times {
            if let Some(time) = time {
                fields.insert(name.to_owned(), json!(time));
            }
        }
        if let Some(failure) = &self.failure {
            failure.show(fields);
        }
        shown
    }

    /// The account that it was paid from: an invented one.
    fn source(&self) -> Value {
        let identifier = if self.request.currency == "GBP" {
            json!({ "type": "sort_code_account_number", "sort_code": "040668", "account_number": "00012345" })
        } else {
            json!({ "type": "iban", "iban": "IE29AIBK93115212345678" })
        };
        json!({
            "account_holder_name": self.request.payer_name.as_deref().unwrap_or("John Sandbridge"),
            "account_identifiers": [identifier],
        })
    }

    /// What can still be refunded of it; none of a payment that can't be.
    pub(super) fn refundable_minor(&self) -> Option<u64> {
        let can_be = self.status == Status::Settled && self.request.merchant_account.is_some();
        can_be.then(|| self.request.amount_minor.saturating_sub(self.refunded_minor()))
    }

    /// What was refunded of it, or is being.
    pub(super) fn refunded_minor(&self) -> u64 {
        let refunds = self.refunds.iter().filter(|refund| refund.failed_at.is_none());
        refunds.map(|refund| refund.amount_minor).sum()
    }
}

impl Failure {
    fn show(&self, fields: &mut Map<String, Value>) {
        fields.insert("failure_stage".to_owned(), json!(self.stage.as_str()));
        fields.insert("failure_reason".to_owned(), json!(self.reason));
    }
}

/// Money that goes back to the payer.
#[derive(Debug)]
pub(super) struct Refund {
    pub(super) id: Uuid,
    amount_minor: u64,
    currency: &'static str,
    reference: String,
    metadata: Value,
    created_at: Timestamp,
    /// Whether it will fail.
    fails: bool,
    executed_at: Option<Timestamp>,
    failed_at: Option<Timestamp>,
}

impl Refund {
    pub(super) fn new(
        id: Uuid,
        amount_minor: u64,
        currency: &'static str,
        (reference, metadata): (String, Value),
        fails: bool,
        now: Timestamp,
    ) -> Self {
        let (executed_at, failed_at) = (None, None);
        Self { id, amount_minor, currency, reference, metadata, created_at: now, fails, executed_at, failed_at }
    }

    fn pass(&mut self, payment_id: Uuid, method: &Value, now: Timestamp) -> Option<Value> {
        let at = after(self.created_at, REFUNDS_AFTER);
        if now < at || self.executed_at.is_some() || self.failed_at.is_some() {
            return None;
        }
        let mut event = json!({ "payment_id": payment_id, "refund_id": self.id, "payment_method": method });
        let fields = event.as_object_mut()?;
        if self.fails {
            self.failed_at = Some(at);
            let reason = ("failure_reason".to_owned(), json!("rejected"));
            fields.extend([("type".to_owned(), json!("refund_failed")), ("failed_at".to_owned(), json!(at)), reason]);
        } else {
            self.executed_at = Some(at);
            fields.extend([("type".to_owned(), json!("refund_executed")), ("executed_at".to_owned(), json!(at))]);
        }
        Some(event)
    }

    /// How `GET` shows it.
    pub(super) fn document(&self) -> Value {
        let mut shown = json!({
            "id": self.id,
            "amount_in_minor": self.amount_minor,
            "currency": self.currency,
            "reference": self.reference,
            "metadata": self.metadata,
            "created_at": self.created_at,
        });
        let Some(fields) = shown.as_object_mut() else { return shown };
        let (status, time) = match (self.executed_at, self.failed_at) {
            (Some(at), _) => ("executed", Some(("executed_at", at))),
            (None, Some(at)) => ("failed", Some(("failed_at", at))),
            (None, None) => ("pending", None),
        };
        fields.insert("status".to_owned(), json!(status));
        if let Some((name, at)) = time {
            fields.insert(name.to_owned(), json!(at));
        }
        if self.failed_at.is_some() {
            fields.insert("failure_reason".to_owned(), json!("rejected"));
        }
        shown
    }
}
