//! Webhook endpoints.

use clap::Subcommand;
use futures_util::future::try_join;
use jiff::Timestamp;
use models::{ActKind, ActObject, DisabledBy, Endpoint, EndpointId, MerchantId};
use runtime::Clock;
use store::{Cursors, EndpointChange, Endpoints, FoundBackingOff, Merchants, NotChanged, Owner, Search, StoreError};

use super::merchants::get;
use crate::arguments::{DRY_RUN_NOTE, DryRun};
use crate::failure::Failure;
use crate::report::{Field, Record, Report, field, plain, shown_as, when, word};
use crate::target::Service;

const RESUMED_NOTE: &str = "What waits or backs off is delivered in order, starting within a minute. `counterfoil webhooks list` shows whether it fails again.";

/// From here on, what waits is not counted: of very many, not all are found.
const COUNTED: usize = 1000;

#[derive(Debug, Subcommand)]
pub(crate) enum Webhooks {
    /// List a merchant's webhook endpoints, test and live, with their deliveries' state
    ///
    /// FAILURES is how many deliveries have failed since the last that succeeded. Nothing is tried until PARKED UNTIL.
    /// WAITING counts the payment sessions and refunds whose events wait until the endpoint is resumed: it failed for
    /// three days, or was disabled. BACKING OFF counts those whose last delivery failed, and which are tried again by
    /// themselves, the first of them at NEXT TRY. `counterfoil sessions show` shows each delivery of a payment.
    List {
        /// The merchant's id
        merchant: MerchantId,
    },
    /// Deliver all that waits for an endpoint, in order, once its merchant has repaired it
    ///
    /// It begins within a minute, also with what backs off; what is being delivered just then and fails is tried again within three.
    /// An endpoint that is disabled is not resumed: `webhooks enable` or its merchant enables it, and that resumes it too.
    #[command(after_help = "Example:\n  counterfoil webhooks resume acme 1ae1ce03-dfa9-4593-b487-65c656991cb5")]
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
    #[command(after_help = "Example:\n  counterfoil webhooks disable acme 1ae1ce03-dfa9-4593-b487-65c656991cb5")]
    Disable {
        /// The merchant's id
        merchant: MerchantId,
        /// The endpoint's id, as `webhooks list` shows it
        endpoint_id: EndpointId,
        #[command(flatten)]
        dry: DryRun,
    },
    /// Enable an endpoint that was disabled, and deliver all that waits for it, in order
    #[command(after_help = "Example:\n  counterfoil webhooks enable acme 1ae1ce03-dfa9-4593-b487-65c656991cb5")]
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
                records.push(record(&endpoint, waits(cursors, endpoint.id).await?));
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
    let waits = waits(cursors, id).await?;
    let report = |status, waits: Waits| {
        let named = [field("endpoint_id", id), field("url", endpoint.url.as_str()), word("status", status)];
        Report::one(Record(named.into_iter().chain(waits.fields()).collect()))
    };
    if dry.dry_run {
        return Ok(report("would be resumed", waits).with_note(DRY_RUN_NOTE));
    }
    service.record(&merchant, Some(endpoint.mode), ActKind::WebhookResumed, ActObject::Endpoint(id)).await?;
    let now = models::truncate_to_ms(Clock::System.now());
    if !endpoints.resume(&merchant, &id, now, None).await? {
        return Err(Failure::NoEndpoint { merchant, id });
    }
    let hastened = Waits { next_try: waits.next_try.map(|_| now), ..waits };
    Ok(report("resumed", hastened).with_note(RESUMED_NOTE))
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
    // Enabling one that is enabled delivers again what waits; disabling one that is disabled does nothing.
    let is_so = !enabled && endpoint.disabled_by == Some(DisabledBy::Merchant);
    if !dry.dry_run && !is_so {
        service.record(&merchant, Some(endpoint.mode), ActKind::WebhookChanged, ActObject::Endpoint(id)).await?;
        let owner = Owner { merchant_id: merchant.clone(), mode: endpoint.mode, format: None };
        let change = EndpointChange { enabled: Some(enabled), ..EndpointChange::default() };
        endpoint = match endpoints.change(&owner, &id, change, Clock::System.now(), None).await {
            Ok(endpoint) => endpoint,
            Err(NotChanged::NotFound) => return Err(Failure::NoEndpoint { merchant, id }),
            Err(NotChanged::Store(error)) => return Err(error.into()),
        };
    }
    let report = Report::one(record(&endpoint, waits(cursors, id).await?));
    Ok(match (dry.dry_run, enabled) {
        (true, _) => report.with_note(DRY_RUN_NOTE),
        (false, true) => report.with_note(RESUMED_NOTE),
        (false, false) => report.with_note(format!("`counterfoil webhooks enable {merchant} {id}` undoes it.")),
    })
}

/// How many cursors of an endpoint wait, and for what.
#[derive(Debug, Clone, Copy)]
struct Waits {
    /// To be resumed.
    paused: usize,
    /// For their next try, of those that were found.
    backing_off: usize,
    /// Whether no others do.
    is_all: bool,
    /// When the first of those comes.
    next_try: Option<Timestamp>,
}

impl Waits {
    fn fields(self) -> [Field; 3] {
        let Self { paused, backing_off, is_all, next_try } = self;
        [
            shown_as("waiting", counted(paused.min(COUNTED), paused < COUNTED), paused),
            shown_as("backing_off", counted(backing_off, is_all), backing_off),
            when("next_try", next_try),
        ]
    }
}

async fn waits(cursors: &Cursors, id: EndpointId) -> Result<Waits, StoreError> {
    let paused = cursors.paused_of(&id, COUNTED);
    let backing_off = cursors.backing_off(&id, Clock::System.now(), Search::Glance);
    let (paused, FoundBackingOff { cursors, is_all }) = try_join(paused, backing_off).await?;
    let next_try = cursors.iter().map(|one| one.due_at).min();
    Ok(Waits { paused: paused.len(), backing_off: cursors.len(), is_all, next_try })
}

/// A count; where there may be more, that too.
fn counted(count: usize, is_all: bool) -> String {
    if is_all { count.to_string() } else { format!("{count}+") }
}

/// Without its secrets.
fn record(endpoint: &Endpoint, waits: Waits) -> Record {
    let status = match endpoint.disabled_by {
        None => shown_as("status", "enabled", "enabled"),
        // By its merchant or by an operator: only the acts say who.
        Some(DisabledBy::Merchant) => word("status", "disabled"),
        Some(DisabledBy::Gone) => shown_as("status", "disabled by a 410 Gone", "disabled_by_gone"),
    };
    let parked_until = endpoint.parked_until.filter(|until| *until > Clock::System.now());
    let fares = [
        field("endpoint_id", endpoint.id),
        field("mode", endpoint.mode.as_str()),
        status,
        plain("failures", endpoint.failures),
        when("parked_until", parked_until),
    ];
    Record(fares.into_iter().chain(waits.fields()).chain([field("url", endpoint.url.as_str())]).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_says_when_there_may_be_more() {
        let shown = [(0, true), (5432, true), (0, false), (1000, false)];
        assert_eq!(shown.map(|(count, is_all)| counted(count, is_all)), ["0", "5432", "0+", "1000+"]);
    }
}
