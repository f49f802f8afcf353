//! Somebody for whom the issuer vouches, on their way into a merchant's console.

use jiff::Timestamp;
use lambda_http::Request;
use models::{Act, ActChange, ActKind, ActObject, EmailAddress, Person};
use pages::{Answer, Problem};
use store::{Access, PeopleChanged, VisitToken};

use super::answer::{lead_on, with_cookie};
use super::refusal::Refusal;
use super::{browser, out};
use crate::acts;
use crate::back::Back;
use crate::frame::language_of;
use crate::services::Services;
use crate::visitor::{self, Visitor};

/// Who, and where to.
pub(super) struct Arrival {
    pub(super) email: EmailAddress,
    /// As their groups say.
    pub(super) access: Access,
    /// When they showed the issuer who they are, if it says so.
    pub(super) authenticated_at: Option<Timestamp>,
    /// Whether their groups let them into other merchants' consoles, too.
    pub(super) has_choice: bool,
    pub(super) back: Back,
}

impl Arrival {
    /// Signs them in, and leads on. A visit that the browser had goes on no more.
    pub(super) async fn sign_in(self, services: &Services, request: &Request, now: Timestamp) -> Answer {
        let person = match self.let_in(services, now).await? {
            Ok(person) => person,
            Err(refusal) => return refusal.page(&self.back, language_of(request)),
        };
        let act = self.act(services, ActKind::SignedIn, "", "with a company account".to_owned());
        let write = services.acts.write(&act)?;
        // As by a link: the browser forgets the cookie of its visit before.
        if let Some(earlier) = Visitor::find(services, request).await? {
            out::end(services, request, &earlier).await?;
        }
        let (cookie, has_choice) = (VisitToken::new(&services.random), self.has_choice);
        // Where the issuer doesn't say when, it may have been long ago.
        let authenticated_at = self.authenticated_at.unwrap_or(Timestamp::UNIX_EPOCH);
        let begun = services.visits.begin_vouched(&person, authenticated_at, has_choice, &cookie, now, Some(&write));
        let Some(visit) = begun.await? else { return Refusal::Meanwhile.page(&self.back, language_of(request)) };
        let (merchant_id, role) = (&visit.person.merchant_id, visit.person.role.as_str());
        tracing::info!(%merchant_id, role, "signed in with a company account");
        with_cookie(lead_on(self.back.as_str(), &visitor::kept(&cookie))?, &browser::forgotten())
    }

    /// The person, added or given another role if that isn't so already: their groups say it at each sign-in.
    async fn let_in(&self, services: &Services, now: Timestamp) -> Result<Result<Person, Refusal>, Problem> {
        let Self { email, access: Access { merchant_id, role }, .. } = self;
        let there = services.people.get(merchant_id, email).await?;
        let by_group = format!("{}, by a group", role.as_str());
        let (act, changed) = match there {
            Some(there) if there.role == *role => return Ok(Ok(there)),
            Some(there) => {
                let act = self.act(services, ActKind::RoleChanged, there.role.as_str(), by_group);
                let write = services.acts.write(&act)?;
                (act, services.people.change_role(merchant_id, email, there.role, *role, Some(&write)).await?)
            }
            None => {
                if services.merchants.get(merchant_id).await?.is_none() {
                    tracing::error!(%merchant_id, "OIDC_GROUPS names a merchant that is not there");
                    return Ok(Err(Refusal::NoGroup));
                }
                let (merchant_id, email) = (merchant_id.clone(), email.clone());
                // Not later than when the visit begins that comes of it, which the person has to be there for.
                let new = Person { merchant_id, email, role: *role, added_at: now, visits_from: now };
                let act = self.act(services, ActKind::PersonAdded, "", by_group);
                let write = services.acts.write(&act)?;
                (act, services.people.add(&new, Some(&write)).await?)
            }
        };
        let (code, refusal) = match changed {
            PeopleChanged::Done(person) | PeopleChanged::Same(person) => {
                tracing::info!(%merchant_id, role = role.as_str(), "let in by a group");
                return Ok(Ok(person));
            }
            PeopleChanged::LastOwner => ("last_owner", Refusal::LastOwner),
            PeopleChanged::TooMany => ("too_many_people", Refusal::TooMany),
            PeopleChanged::Meanwhile(_) | PeopleChanged::NotFound => ("changed_meanwhile", Refusal::Meanwhile),
        };
        services.acts.put(&acts::refused(act, code)).await?;
        Ok(Err(refusal))
    }

    /// Done by them, to themselves.
    fn act(&self, services: &Services, what: ActKind, from: &str, to: String) -> Act {
        let Self { email, access, .. } = self;
        let change = Some(ActChange { from: from.to_owned(), to });
        Act { change, ..acts::by(services, &access.merchant_id, email, what, ActObject::Person(email.clone())) }
    }
}
