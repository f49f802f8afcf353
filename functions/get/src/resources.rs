//! The banks that payers can choose, and what an application is: read of no table, and some of it without credentials.

use api::{Answer, Caller, Format, ListParameters, OffersIn, Refusal, Route};
use lambda_http::Request;
use models::{Mode, PayerKind, PaymentMethod};
use providers::{Providers, Wanted};
use store::MockLedger;

/// Banks and applications.
#[derive(Debug)]
pub(crate) struct Resources {
    providers: Providers<MockLedger>,
}

impl Resources {
    pub(crate) const fn new(providers: Providers<MockLedger>) -> Self {
        Self { providers }
    }

    /// What the caller's payers can choose from.
    pub(crate) fn of_payers(&self, request: &Request, caller: &Caller, format: Format) -> Answer {
        api::read_query(request.uri().query().unwrap_or(""), ListParameters::NONE, |_, _| Ok(()))?;
        let (method, currency) = (PaymentMethod::PayByBank, models::Currency::GBP);
        let wanted = Wanted { mode: caller.mode(), method, currency, country: None, payers: None, provider: None };
        format.providers(&self.providers.offers(&wanted))
    }

    /// Answers a request that needs no credentials, by those that it has. Without any it is as of the key that it names, and
    /// shows nothing of that but what the name says; and as of test mode if it names none.
    pub(crate) fn handle(&self, request: &Request, caller: Option<&Caller>, format: Format) -> Answer {
        let id = match caller {
            Some(caller) => Some(caller.key_id.clone()),
            None => format.claimed_key(request)?,
        };
        let mode = id.as_ref().map_or(Mode::Test, |id| id.mode());
        match Route::of(request) {
            Some(Route::Providers) => {
                format.providers_by_country(request.uri().query().unwrap_or(""), &self.by_country(mode, format))
            }
            Some(Route::Provider(id)) => format.provider(id, &self.by_country(mode, format)),
            Some(Route::TestAccounts) => format.test_accounts(&self.by_country(mode, format)),
            Some(Route::Application) => {
                let own = caller.map(|caller| (&*caller.merchant, caller.application.as_deref()));
                format.application(&id.ok_or(Refusal::Unauthorized)?, own)
            }
            Some(_) | None => Err(api::unrouted(request).into()),
        }
    }

    /// The banks at which each kind of payer pays in each currency of the format, by country.
    fn by_country(&self, mode: Mode, format: Format) -> Vec<OffersIn> {
        let mut all = Vec::new();
        for currency in format.currencies_of_providers() {
            for country in providers::countries(*currency) {
                for payers in [PayerKind::Retail, PayerKind::Corporate] {
                    let (method, currency) = (PaymentMethod::PayByBank, *currency);
                    let (there, by) = (Some(country), Some(payers));
                    let wanted = Wanted { mode, method, currency, country: there, payers: by, provider: None };
                    all.push(OffersIn { currency, country, payers, offers: self.providers.offers(&wanted) });
                }
            }
        }
        all
    }
}
