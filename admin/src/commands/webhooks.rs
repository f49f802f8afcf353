//! Webhook endpoints.

use clap::Subcommand;
use models::{ActKind, ActObject, DisabledBy, Endpoint, EndpointId, MerchantId};
use runtime::Clock;
use store::{Cursors, EndpointChange, Endpoints, Merchants, NotChanged, Owner, StoreError};

use super::merchants::get;
use crate::arguments::{DRY_RUN_NOTE, DryRun};
use crate::failure::Failure;
use crate::report::{Record, Report, field, maybe, plain, shown_as};
use crate::target::Service;

const RESUMED_NOTE: &str = "What waits is delivered in order, starting within a minute. `counterfoil webhooks list` shows whether it fails again.";

/// From here on, what waits is not counted: of very many, not all are found.
const COUNTED: usize = 1000;

#[derive(Debug, Subcommand)]
pub(crate) enum Webhooks {
    /// List a merchant's webhook endpoints, test and live, with their deliveries' state
    ///
    /// FAILURES is how many deliveries have failed since the last that succeeded. Nothing is tried until PARKED UNTIL.
    /// WAITING counts the payment sessions and refunds whose events wait until the endpoint is resumed: it failed for
    /// three days, or was disabled. `counterfoil sessions show` shows each delivery of a payment.
    List {
        /// The merchant's id
        merchant: MerchantId,
    },
    /// Deliver all that waits for an endpoint, in order, once its merchant has repaired it
    ///
    /// It begins within a minute. An endpoint that is disabled is not resumed: `webhooks enable` or its
    /// merchant enables it, and that resumes it too.
    Resume {
        /// The merchant's id
        merchant: MerchantId,
        /// The endpoint's id, as `webhooks list` shows it
        endpoint_id: EndpointId,
        #[command(flatten)]
        dry: DryRun,
    },
    /// Deliver nothing more to an endpoint, as its merchant would by `PATCH /v2/webhooks/{id}` with {"enabled": false}
    ///
    /// Its events wait until `webhooks enable` or its merchant enables it.
    Disable {
        /// The merchant's id
        merchant: MerchantId,
        /// The endpoint's id, as `webhooks list` shows it
        endpoint_id: EndpointId,
        #[command(flatten)]
        dry: DryRun,
    },
    /// Enable an endpoint that was disabled, and deliver all that waits for it, in order
    Enable {
        /// The merchant's id
        merchant: MerchantId,
        /// The endpoint's id, as `webhooks list` shows it
        endpoint_id: EndpointId,
        #[command(flatten)]
        dry: DryRun,
    },
}

pub(crate) async fn run(command: Webhooks, service: &Service) -> Result<Report, Failure> {
    let table = &service.table;
    let merchants = &Merchants::new(table.clone());
    let (endpoints, cursors) = (&Endpoints::new(table.clone()), &Cursors::new(table.clone()));
    match command {
        Webhooks::List { merchant } => {
            let merchant = get(merchants, merchant).await?.id;
            let mut records = Vec::new();
            for endpoint in endpoints.of(&merchant).await? {
                records.push(record(&endpoint, waiting(cursors, endpoint.id).await?));
            }
            Ok(Report::many(records))
        }
        Webhooks::Resume { merchant, endpoint_id, dry } => {
            let merchant = get(merchants, merchant).await?.id;
            resume(service, endpoints, cursors, merchant, endpoint_id, dry).await
        }
        Webhooks::Disable { merchant, endpoint_id, dry } => {
            let merchant = get(merchants, merchant).await?.id;
            enable(service, endpoints, cursors, merchant, endpoint_id, false, dry).await
        }
        Webhooks::Enable { merchant, endpoint_id, dry } => {
            let merchant = get(merchants, merchant).await?.id;
            enable(service, endpoints, cursors, merchant, endpoint_id, true, dry).await
        }
    }
}

async fn resume(
    service: &Service,
    endpoints: &Endpoints,
    cursors: &Cursors,
    merchant: MerchantId,
    id: EndpointId,
    dry: DryRun,
) -> Result<Report, Failure> {
    let Some(endpoint) = endpoints.get(&merchant, &id).await? else {
        return Err(Failure::NoEndpoint { merchant, id });
    };
    if let Some(by) = endpoint.disabled_by {
        return Err(Failure::EndpointDisabled { id, by });
    }
    let waiting = waiting(cursors, id).await?;
    let report = |status| {
        Report::one(Record(vec![
            field("endpoint_id", id),
            field("url", endpoint.url.as_str()),
            field("status", status),
            shown_as("waiting", at_least(waiting), waiting),
        ]))
    };
    if dry.dry_run {
        return Ok(report("would be resumed").with_note(DRY_RUN_NOTE));
    }
    service.record(&merchant, Some(endpoint.mode), ActKind::WebhookResumed, ActObject::Endpoint(id)).await?;
    if !endpoints.resume(&merchant, &id, Clock::System.now(), None).await? {
        return Err(Failure::NoEndpoint { merchant, id });
    }
    Ok(report("resumed").with_note(RESUMED_NOTE))
}

async fn enable(
    service: &Service,
    endpoints: &Endpoints,
    cursors: &Cursors,
    merchant: MerchantId,
    id: EndpointId,
    enabled: bool,
    dry: DryRun,
) -> Result<Report, Failure> {
    let Some(mut endpoint) = endpoints.get(&merchant, &id).await? else {
        return Err(Failure::NoEndpoint { merchant, id });
    };
    if !dry.dry_run {
        service.record(&merchant, Some(endpoint.mode), ActKind::WebhookChanged, ActObject::Endpoint(id)).await?;
        let owner = Owner { merchant_id: merchant.clone(), mode: endpoint.mode, format: None };
        let change = EndpointChange { enabled: Some(enabled), ..EndpointChange::default() };
        endpoint = match endpoints.change(&owner, &id, change, Clock::System.now(), None).await {
            Ok(endpoint) => endpoint,
            Err(NotChanged::NotFound) => return Err(Failure::NoEndpoint { merchant, id }),
            Err(NotChanged::Store(error)) => return Err(error.into()),
        };
    }
    let report = Report::one(record(&endpoint, waiting(cursors, id).await?));
    Ok(if dry.dry_run { report.with_note(DRY_RUN_NOTE) } else { report })
}

/// How many cursors of an endpoint wait to be resumed.
async fn waiting(cursors: &Cursors, id: EndpointId) -> Result<usize, StoreError> {
    Ok(cursors.paused_of(&id, COUNTED).await?.len())
}

/// A count; beyond some, only that it is at least that.
fn at_least(count: usize) -> String {
    if count < COUNTED { count.to_string() } else { format!("{COUNTED}+") }
}

/// Without its secrets.
fn record(endpoint: &Endpoint, waiting: usize) -> Record {
    let status = match endpoint.disabled_by {
        None => shown_as("status", "enabled", "enabled"),
        Some(DisabledBy::Merchant) => shown_as("status", "disabled by its merchant", "disabled_by_merchant"),
        Some(DisabledBy::Gone) => shown_as("status", "disabled by a 410 Gone", "disabled_by_gone"),
    };
    let parked_until = endpoint.parked_until.filter(|until| *until > Clock::System.now());
    Record(vec![
        field("endpoint_id", endpoint.id),
        field("mode", endpoint.mode.as_str()),
        status,
        plain("failures", endpoint.failures),
        maybe("parked_until", parked_until),
        shown_as("waiting", at_least(waiting), waiting),
        field("url", endpoint.url.as_str()),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_says_when_there_may_be_more() {
        assert_eq!([0, 999, 1000, 5432].map(at_least), ["0", "999", "1000+", "1000+"]);
    }
}
