//! Signing out.

use lambda_http::Request;
use models::ActKind;
use pages::{Answer, Problem};

use super::answer::lead_on;
use crate::acts;
use crate::guard::check_form;
use crate::services::Services;
use crate::visitor::{self, Visitor};

/// Ends the visit, and has the browser forget it.
pub(crate) async fn sign_out(services: &Services, request: &Request) -> Answer {
    if let Some(visitor) = Visitor::find(services, request).await? {
        check_form(request, &visitor.csrf)?;
        end(services, request, &visitor).await?;
    }
    lead_on("/console/sign-in", &visitor::forgotten())
}

/// Ends the visit that a request is a part of, with the act that says so.
pub(super) async fn end(services: &Services, request: &Request, visitor: &Visitor) -> Result<(), Problem> {
    if let Some(token) = visitor::cookie(request) {
        let act = acts::by_visitor(services, visitor, ActKind::SignedOut, &visitor.person.email);
        let act = services.acts.write(&act)?;
        services.visits.end(&token, services.clock.now(), Some(&act)).await?;
    }
    tracing::info!(merchant_id = %visitor.person.merchant_id, "signed out");
    Ok(())
}
