//! Signing out.

use lambda_http::Request;
use models::ActKind;
use pages::{Answer, Problem};

use super::answer::{lead_on, with_cookie};
use super::browser;
use crate::acts;
use crate::guard::check_form;
use crate::services::Services;
use crate::visitor::{self, Visitor};

/// Ends the visit, and has the browser forget it. A choice of a merchant that waits in another tab signs nobody in after that.
pub(crate) async fn sign_out(services: &Services, request: &Request) -> Answer {
    if let Some(visitor) = Visitor::find(services, request).await? {
        check_form(request, &visitor.csrf)?;
        end(services, request, &visitor).await?;
    }
    let answer = lead_on("/console/sign-in", &visitor::forgotten())?;
    if browser::token_of(request).is_some() { with_cookie(answer, &browser::forgotten()) } else { Ok(answer) }
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
