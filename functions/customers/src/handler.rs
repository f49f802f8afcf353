//! Customers: one conditional write each.

use api::{
    Answer, ApiError, Authenticator, Caller, CustomerListRequest, Format, Formats, IdempotencyKey, Operation, PageEnd,
    Refusal, Route,
};
use lambda_http::Request;
use models::{Customer, CustomerCreation, CustomerId};
use runtime::{Clock, Random, SettingError};
use store::{
    Counted, Counts, CustomerChanged, CustomerCreated, CustomerRecord, Customers, KeyedRequest, ListCursor, ListRange,
    ListStart, Merchants, Table,
};

/// Creates, shows, lists, changes and deletes customers.
#[derive(Debug)]
pub struct CustomersFunction {
    authenticator: Authenticator,
    customers: Customers,
    counts: Counts,
    /// The formats in which customers may be created.
    formats: Formats,
    clock: Clock,
    random: Random,
}

impl CustomersFunction {
    /// From the variables that template.yaml sets. An error names the one that is missing or wrong.
    pub async fn from_env() -> Result<Self, SettingError> {
        Ok(Self::new(Table::from_env()?, Formats::from_env()?, Clock::System, Random::System).await)
    }

    /// Over this table, by this clock and randomness; customers may be created in these formats.
    pub async fn new(table: Table, formats: Formats, clock: Clock, random: Random) -> Self {
        Self {
            authenticator: Authenticator::start(Merchants::new(table.clone()), clock.clone()).await,
            customers: Customers::new(table.clone()),
            counts: Counts::new(table),
            formats,
            clock,
            random,
        }
    }

    /// Answers a request; an error is what the client is shown instead.
    pub async fn handle(&self, request: Request) -> Answer {
        let caller = self.authenticator.authenticate(&request).await?;
        let format = Format::of(&request);
        match Route::of(&request) {
            Some(Route::CreateCustomer) => self.create(&request, &caller, format).await,
            Some(Route::Customers) => self.list(&request, &caller, format).await,
            Some(Route::Customer(id)) => {
                let id = format.customer_id(id)?;
                match self.customers.find(&id, &caller.owner_in(format)).await? {
                    Some(CustomerRecord::Present(customer)) => format.customer(&customer),
                    Some(CustomerRecord::Deleted) => format.customer_deleted(id),
                    None => Err(Refusal::NotFound.into()),
                }
            }
            Some(Route::ChangeCustomer(id)) => self.change(format.customer_id(id)?, &request, &caller, format).await,
            Some(Route::DeleteCustomer(id)) => self.delete(format.customer_id(id)?, &request, &caller, format).await,
            Some(_) | None => Err(api::unrouted(&request).into()),
        }
    }

    async fn create(&self, request: &Request, caller: &Caller, format: Format) -> Answer {
        self.formats.check(format)?;
        let (mode, at) = (caller.mode(), self.clock.now());
        let idempotency_key = IdempotencyKey::of(request, format)?;
        let body = api::json_body(request)?;
        let (id, fingerprint) = match &idempotency_key {
            Some(key) => (key.customer_id(&caller.merchant, mode, format), Some(body.fingerprint()?)),
            None => (CustomerId::new(self.random.uuid_v7(at)), None),
        };
        let new = format.read_customer(&body)?;
        let creation = CustomerCreation {
            id,
            merchant_id: caller.merchant.id.clone(),
            mode,
            list_shard: caller.merchant.list_sharding.shard_of(&id, at),
            at,
        };
        let customer = Customer::create(new.clone(), creation.clone());
        match self.customers.create(customer, fingerprint).await? {
            CustomerCreated::New(customer) => {
                tracing::info!(request_id = api::request_id(request), customer_id = %id, key_id = %caller.key_id, "customer created");
                format.customer(&customer)
            }
            // The first answer again, whatever has been changed since: it was made of the same request.
            CustomerCreated::Existing(existing, first) if first == fingerprint => {
                let first = CustomerCreation { at: existing.created_at, ..creation };
                format.customer(&Customer::create(new, first)).map(api::replayed)
            }
            CustomerCreated::Existing(..) | CustomerCreated::Deleted => Err(Refusal::IdempotencyConflict.into()),
        }
    }

    async fn change(&self, id: CustomerId, request: &Request, caller: &Caller, format: Format) -> Answer {
        let idempotency_key = IdempotencyKey::of(request, format)?;
        let body = api::json_body(request)?;
        let keyed = match &idempotency_key {
            Some(key) => {
                let operation = Operation::ChangeCustomer(id);
                let write_id = key.write_id(&caller.merchant, caller.mode(), format, operation);
                Some(KeyedRequest { write_id, fingerprint: body.fingerprint()? })
            }
            None => None,
        };
        let change = format.read_customer_change(&body)?;
        let apply = |customer| change.apply(customer).map_err(ApiError::from);
        let owner = caller.owner_in(format);
        match self.customers.change(&id, &owner, self.clock.now(), keyed.as_ref(), apply).await? {
            CustomerChanged::Done { customer, repeated } => {
                tracing::info!(request_id = api::request_id(request), customer_id = %id, key_id = %caller.key_id, repeated, "customer changed");
                let answer = format.customer(&customer)?;
                Ok(if repeated { api::replayed(answer) } else { answer })
            }
            CustomerChanged::KeyUsed => Err(Refusal::IdempotencyConflict.into()),
            CustomerChanged::NotFound => Err(Refusal::NotFound.into()),
        }
    }

    /// Whatever its key: deleting one again has nothing to do, and is answered alike.
    async fn delete(&self, id: CustomerId, request: &Request, caller: &Caller, format: Format) -> Answer {
        IdempotencyKey::of(request, format)?;
        if !self.customers.delete(&id, &caller.owner_in(format), self.clock.now()).await? {
            return Err(Refusal::NotFound.into());
        }
        tracing::info!(request_id = api::request_id(request), customer_id = %id, key_id = %caller.key_id, "customer deleted");
        format.customer_deleted(id)
    }

    async fn list(&self, request: &Request, caller: &Caller, format: Format) -> Answer {
        let CustomerListRequest { limit, beside } = format.read_customer_list(request.uri().query().unwrap_or(""))?;
        let owner = caller.owner_in(format);
        let start = match &beside {
            Some(beside) => {
                let customer = self.customers.get(beside.id(), &owner).await?;
                beside.start(ListCursor::at_customer(&customer.ok_or_else(|| format.unknown_in_list(beside))?))
            }
            None => ListStart::Newest,
        };
        let range = ListRange { start, limit, ..ListRange::default() };
        let page = self.customers.list(&owner, caller.merchant.list_sharding.shards(), range).await?;
        let count = self.counts.of(&owner, Counted::Customers).await?;
        format.customers(&page.items, &PageEnd { next: page.next, count })
    }
}
