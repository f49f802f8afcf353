//! Refunds by the API: what is asked for is read here, and done by `payments`.

use api::{
    Answer, ApiError, Authenticator, Caller, Format, IdempotencyKey, Operation, RefundListRequest, Refusal, Route,
};
use lambda_http::Request;
use models::{Refund, RefundEvent, RefundId};
use payments::{Connections, Made, PaymentError, Payments, RefundEndError, RefundError, RefundRequest};
use runtime::{Clock, Random, SettingError};
use store::{Merchants, RefundChangeError, RefundChanged, Refunds, Table};

/// Makes, shows and cancels refunds.
#[derive(Debug)]
pub struct RefundFunction {
    authenticator: Authenticator,
    payments: Payments,
    refunds: Refunds,
    /// Where customers and merchants reach our pages; the request's own domain if there is none.
    public_base_url: Option<String>,
    clock: Clock,
    random: Random,
}

impl RefundFunction {
    /// From the variables that template.yaml sets. An error names the one that is missing or wrong.
    pub async fn from_env() -> Result<Self, SettingError> {
        let connections = Connections::from_env(&Clock::System).await?;
        let public_base_url = runtime::optional("PUBLIC_BASE_URL");
        Ok(Self::new(Table::from_env()?, connections, Clock::System, Random::System, public_base_url).await)
    }

    /// Over this table, by this clock and randomness, at the providers of these connections.
    pub async fn new(
        table: Table,
        connections: Connections,
        clock: Clock,
        random: Random,
        public_base_url: Option<String>,
    ) -> Self {
        Self {
            authenticator: Authenticator::start(Merchants::new(table.clone()), clock.clone()).await,
            payments: Payments::new(table.clone(), connections, clock.clone(), random.clone()),
            refunds: Refunds::new(table),
            public_base_url,
            clock,
            random,
        }
    }

    /// Answers a request; an error is what the client is shown instead.
    pub async fn handle(&self, request: Request) -> Answer {
        let caller = self.authenticator.authenticate(&request).await?;
        let format = Format::of(&request);
        match Route::of(&request) {
            Some(Route::CreateRefund) => self.create(&request, &caller, format).await,
            Some(Route::Refunds) => {
                let asked = format.read_refund_list(request.uri().query().unwrap_or(""))?;
                self.list(&asked, &caller, format).await
            }
            Some(Route::RefundsOf(id)) => {
                let asked = format.refund_list_of(id, request.uri().query().unwrap_or(""))?;
                self.list(&asked, &caller, format).await
            }
            Some(Route::Refund(id)) => {
                format.refund(&self.own(&format.refund_id(id)?, &caller, format).await?, self.clock.now())
            }
            Some(Route::CancelRefund(id)) => self.cancel(format.refund_id(id)?, &request, &caller, format).await,
            Some(_) | None => Err(api::unrouted(&request).into()),
        }
    }

    /// A refund of the caller's, of this format.
    async fn own(&self, id: &RefundId, caller: &Caller, format: Format) -> Result<Refund, ApiError> {
        let refund = self.refunds.get(id).await?;
        Ok(refund.filter(|refund| caller.owner_in(format).owns_refund(refund)).ok_or(Refusal::NotFound)?)
    }

    async fn list(&self, asked: &RefundListRequest, caller: &Caller, format: Format) -> Answer {
        let found = self.refunds.of(&asked.session_id).await?;
        let owned = found.session.is_some_and(|session| caller.owner_in(format).owns(&session));
        if !owned {
            return Err(Refusal::Unknown(format.refunded_parameter()).into());
        }
        format.refunds(&found.refunds, asked, self.clock.now())
    }

    async fn create(&self, request: &Request, caller: &Caller, format: Format) -> Answer {
        let idempotency_key = IdempotencyKey::of(request, format)?;
        let body = format.comparable_refund(api::json_body(request)?);
        let (id, fingerprint) = match &idempotency_key {
            Some(key) => {
                let id = key.refund_id(&caller.merchant, caller.mode(), format);
                (id, Some(format.fingerprint(request, &body)?))
            }
            None => (RefundId::new(self.random.uuid_v7(self.clock.now())), None),
        };
        let base_url = self.public_base_url.clone().or_else(|| api::base_url(request));
        let base_url = base_url.ok_or_else(|| Refusal::BadRequest("the Host header is missing".to_owned()))?;
        let made = match format.read_refund(request, &body) {
            Ok(new) => self.make(RefundRequest { id, fingerprint, new, base_url, seen: None }, caller, format).await,
            Err(refusal) => Err(refusal.into()),
        };
        let refusal = match made {
            Ok(Made::New(refund)) => {
                tracing::info!(request_id = api::request_id(request), refund_id = %refund.id, session_id = %refund.session_id, key_id = %caller.key_id, "refund made");
                return format.refund_created(&refund);
            }
            Ok(Made::Existing(refund, first)) => return replay(refund, fingerprint == first, format),
            Err(refusal) => refusal,
        };
        // What was made once is answered again, whatever would stand in its way now.
        if let ApiError::Refused(_) = refusal
            && fingerprint.is_some()
            && let Some((refund, first)) = self.refunds.created(&id).await?
        {
            return replay(refund, fingerprint == first, format);
        }
        Err(refusal)
    }

    /// Makes a refund, unless there is one with its id.
    async fn make(&self, request: RefundRequest, caller: &Caller, format: Format) -> Result<Made, ApiError> {
        let made = self.payments.refund(request, &caller.owner_in(format), api::fill_in_return_urls, None).await;
        made.map_err(|error| match error {
            RefundError::NotFound => Refusal::Unknown(format.refunded_parameter()).into(),
            RefundError::NotRefundable(why) => format.not_refundable(why).into(),
            RefundError::Store(error) => error.into(),
            RefundError::Provider(error) => ApiError::Unavailable(Box::new(error)),
            // Nobody has seen a count here.
            error @ RefundError::OthersMeanwhile(_) => ApiError::Internal(Box::new(error)),
        })
    }

    async fn cancel(&self, id: RefundId, request: &Request, caller: &Caller, format: Format) -> Answer {
        let idempotency_key = IdempotencyKey::of(request, format)?;
        let write_id = idempotency_key.as_ref().map_or_else(
            || self.random.write_id(),
            |key| key.write_id(&caller.merchant, caller.mode(), format, Operation::CancelRefund(id)),
        );
        let refund = self.own(&id, caller, format).await?;
        match self.payments.cancel_refund(&refund, &write_id, None).await {
            Ok(RefundChanged { refund, repeated }) => {
                tracing::info!(request_id = api::request_id(request), refund_id = %id, key_id = %caller.key_id, "refund cancelled");
                let answer = format.refund(&refund, self.clock.now())?;
                Ok(if repeated && idempotency_key.is_some() { api::replayed(answer) } else { answer })
            }
            Err(
                RefundEndError::Change(RefundChangeError::Store(error))
                | RefundEndError::Payment(PaymentError::Store(error)),
            ) => Err(error.into()),
            Err(RefundEndError::Payment(PaymentError::Provider(error))) => Err(ApiError::Unavailable(Box::new(error))),
            Err(RefundEndError::Payment(error @ PaymentError::Inconsistent(_))) => {
                Err(ApiError::Internal(Box::new(error)))
            }
            Err(RefundEndError::Change(RefundChangeError::Refused(refund))) => {
                let now = self.clock.now();
                match refund.failure_reason_at(now) {
                    // It was cancelled before: what was asked for is so.
                    Some(RefundEvent::CancelledByMerchant) => format.refund(&refund, now),
                    Some(_) | None => Err(not_cancellable(&refund, now).into()),
                }
            }
        }
    }
}

fn not_cancellable(refund: &Refund, now: jiff::Timestamp) -> Refusal {
    let title = if refund.submitted {
        "a refund whose payment was submitted can't be cancelled".to_owned()
    } else {
        format!("a refund in the state {} can't be cancelled", refund.state_at(now))
    };
    Refusal::InvalidAction { title, parameter: None }
}

/// The first answer again, whatever has happened to the refund since, if the request is the same.
fn replay(refund: Refund, same_request: bool, format: Format) -> Answer {
    if same_request {
        format.refund_created(&refund.as_created()).map(api::replayed)
    } else {
        Err(Refusal::IdempotencyConflict.into())
    }
}
