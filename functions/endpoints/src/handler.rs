//! Webhook endpoints: the URL is checked before it is written down, and the secret is shown when it is made.

use api::{
    Answer, ApiError, AttemptView, Authenticator, Caller, Format, IdempotencyKey, ListParameters, NewEndpoint, Refusal,
    Route, WebhookView, parse_webhook,
};
use deliveries::TestEvents;
use lambda_http::Request;
use lambda_http::http::StatusCode;
use models::{Endpoint, EndpointId, EndpointSecret, MAX_ENDPOINTS, MerchantUrl, Mode};
use outbound::{Lookup, Policy, RefusedUrl, WebhookSecret};
use runtime::{Clock, Random, SettingError};
use store::{EndpointChange, EndpointCreated, Endpoints, Merchants, NotChanged, Owner, Registration, Table};

/// Registers, shows, changes, tests and removes webhook endpoints.
#[derive(Debug)]
pub struct EndpointsFunction {
    authenticator: Authenticator,
    endpoints: Endpoints,
    merchants: Merchants,
    /// Which addresses may be called.
    policy: Policy,
    lookup: Lookup,
    clock: Clock,
    random: Random,
}

impl EndpointsFunction {
    /// From the variables that template.yaml sets. An error names the one that is missing or wrong.
    pub async fn from_env() -> Result<Self, SettingError> {
        let policy = Policy { loopback_allowed: runtime::local_loopback_webhooks() };
        Ok(Self::new(Table::from_env()?, policy, Lookup::system(), Clock::System, Random::System).await)
    }

    /// Over this table, for the addresses that this policy allows and this look-up finds, by this clock and randomness.
    pub async fn new(table: Table, policy: Policy, lookup: Lookup, clock: Clock, random: Random) -> Self {
        Self {
            authenticator: Authenticator::start(Merchants::new(table.clone()), clock.clone()).await,
            endpoints: Endpoints::new(table.clone()),
            merchants: Merchants::new(table),
            policy,
            lookup,
            clock,
            random,
        }
    }

    /// Answers a request; an error is what the client is shown instead.
    pub async fn handle(&self, request: Request) -> Answer {
        let caller = self.authenticator.authenticate(&request).await?;
        let owner = caller.owner();
        match Route::of(&request) {
            Some(Route::RegisterWebhook) => self.register(&request, &caller).await,
            Some(Route::Webhooks) => self.list(&request, &caller).await,
            Some(Route::Webhook(id)) => self.show(&self.own(&api::path_id(id)?, &owner).await?),
            Some(Route::ChangeWebhook(id)) => self.change(&api::path_id(id)?, &request, &caller).await,
            Some(Route::DeleteWebhook(id)) => {
                let deleted = self.endpoints.delete(&owner, &api::path_id(id)?).await?;
                if deleted { Ok(api::no_content()) } else { Err(Refusal::NotFound.into()) }
            }
            Some(Route::RotateSecret(id)) => {
                let now = self.clock.now();
                let rotated = self.endpoints.rotate(&owner, &api::path_id(id)?, &self.new_secret(), now).await;
                self.show_with_secret(StatusCode::OK, &rotated.map_err(refused)?)
            }
            Some(Route::FinishRotation(id)) => {
                self.show(&self.endpoints.finish_rotation(&owner, &api::path_id(id)?, None).await.map_err(refused)?)
            }
            Some(Route::TestWebhook(id)) => self.test(&self.own(&api::path_id(id)?, &owner).await?, &request).await,
            Some(_) | None => Err(api::unrouted(&request).into()),
        }
    }

    /// An endpoint of the caller's.
    async fn own(&self, id: &EndpointId, owner: &Owner) -> Result<Endpoint, ApiError> {
        let endpoint = self.endpoints.get(&owner.merchant_id, id).await?;
        Ok(endpoint.filter(|endpoint| endpoint.mode == owner.mode).ok_or(Refusal::NotFound)?)
    }

    async fn list(&self, request: &Request, caller: &Caller) -> Answer {
        api::read_query(request.uri().query().unwrap_or(""), ListParameters::NONE, |_, _| Ok(()))?;
        let endpoints = self.endpoints.of(&caller.merchant.id).await?;
        let own = endpoints.iter().filter(|endpoint| endpoint.mode == caller.mode());
        let now = self.clock.now();
        api::list(own.map(|endpoint| WebhookView::new(endpoint, now)), None)
    }

    async fn register(&self, request: &Request, caller: &Caller) -> Answer {
        let mode = caller.mode();
        let idempotency_key = IdempotencyKey::of(request, Format::of(request))?;
        let body = api::json_body(request)?;
        let registration = match &idempotency_key {
            Some(key) => {
                let name = key.registration_name(&caller.merchant, mode, Format::of(request));
                Some(Registration { name, fingerprint: body.fingerprint()? })
            }
            None => None,
        };
        let parts = parse_webhook(&body, true, mode, |text| self.check(text, mode))?;
        let url = parts.url.clone().ok_or_else(|| invalid_url("must be given"))?;
        self.resolve(&url).await?;
        let at = self.clock.now();
        let new = NewEndpoint {
            // Random, with a key as well: an id is never given to another endpoint once it is removed.
            id: EndpointId::new(self.random.uuid_v7(at)),
            merchant_id: caller.merchant.id.clone(),
            mode,
            key_id: Some(caller.key_id.clone()),
            secret: self.new_secret(),
            at,
        };
        let endpoint = parts.endpoint(url, new);
        let fingerprint = registration.map(|registration| registration.fingerprint);
        match self.endpoints.create(&endpoint, registration).await? {
            EndpointCreated::New(endpoint) => {
                tracing::info!(request_id = api::request_id(request), endpoint_id = %endpoint.id, key_id = %caller.key_id, "registered");
                self.show_with_secret(StatusCode::CREATED, &endpoint)
            }
            // The first answer may have been lost, and the secret with it; once replaced it is not shown for an old key.
            EndpointCreated::Existing(endpoint, first) if first == fingerprint && endpoint.rotations == 0 => {
                self.show_with_secret(StatusCode::CREATED, &endpoint).map(api::replayed)
            }
            EndpointCreated::Existing(..) => Err(Refusal::IdempotencyConflict.into()),
            EndpointCreated::TooMany => {
                let title = format!("there are {MAX_ENDPOINTS} webhook endpoints, which is the most; remove one first");
                Err(Refusal::InvalidAction { title, parameter: None }.into())
            }
        }
    }

    async fn change(&self, id: &EndpointId, request: &Request, caller: &Caller) -> Answer {
        let owner = caller.owner();
        let parts = parse_webhook(&api::json_body(request)?, false, owner.mode, |text| self.check(text, owner.mode))?;
        if let Some(url) = &parts.url {
            self.resolve(url).await?;
        }
        if let Some(encoding) = parts.encoding {
            let endpoint = self.own(id, &owner).await?;
            api::check_encoding(endpoint.format, encoding)?;
        }
        let change = EndpointChange {
            url: parts.url,
            description: parts.description,
            events: parts.events,
            thin: parts.thin,
            encoding: parts.encoding,
            enabled: parts.enabled,
            faults: parts.faults,
        };
        let changed = self.endpoints.change(&owner, id, change, self.clock.now(), None).await.map_err(refused)?;
        tracing::info!(request_id = api::request_id(request), endpoint_id = %id, key_id = %caller.key_id, "changed");
        self.show(&changed)
    }

    /// Sends a test event, and shows what the endpoint answered.
    async fn test(&self, endpoint: &Endpoint, request: &Request) -> Answer {
        let events = TestEvents {
            merchants: &self.merchants,
            policy: self.policy,
            lookup: &self.lookup,
            clock: &self.clock,
            random: &self.random,
        };
        let attempt = events.send(endpoint).await?;
        let (request_id, status) = (api::request_id(request), attempt.status);
        tracing::info!(request_id, endpoint_id = %endpoint.id, status, latency_ms = attempt.latency_ms, "a test event was sent");
        api::json(StatusCode::OK, &AttemptView::new(&attempt))
    }

    /// The URL as it will be called, if it may be.
    fn check(&self, text: &str, mode: Mode) -> Result<String, RefusedUrl> {
        outbound::check_url(text, mode == Mode::Live, self.policy).map(String::from)
    }

    /// Whether the addresses that the host name has now may be called; each delivery checks them again.
    async fn resolve(&self, url: &MerchantUrl) -> Result<(), ApiError> {
        let parsed = outbound::check_url(url.as_str(), false, self.policy).map_err(invalid_url)?;
        Ok(outbound::resolve_check(&parsed, self.policy, &self.lookup).await.map_err(invalid_url)?)
    }

    fn new_secret(&self) -> EndpointSecret {
        EndpointSecret::new(WebhookSecret::generate(self.random.bytes()).expose().to_owned())
    }

    fn show(&self, endpoint: &Endpoint) -> Answer {
        api::json(StatusCode::OK, &WebhookView::new(endpoint, self.clock.now()))
    }

    fn show_with_secret(&self, status: StatusCode, endpoint: &Endpoint) -> Answer {
        api::json(status, &WebhookView::with_secret(endpoint, self.clock.now()))
    }
}

fn invalid_url(rule: impl std::fmt::Display) -> Refusal {
    Refusal::invalid("url", rule)
}

fn refused(error: NotChanged) -> ApiError {
    match error {
        NotChanged::NotFound => Refusal::NotFound.into(),
        NotChanged::Store(error) => error.into(),
    }
}
