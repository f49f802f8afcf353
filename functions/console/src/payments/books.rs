//! Whether the books of a payment agree: by the rules that `counterfoil verify` has of the whole table.

use jiff::{SignedDuration, Timestamp};
use models::SessionId;
use store::{StoreError, Verify};

use crate::services::Services;

/// After how long what is due counts as forgotten, as for `counterfoil verify`.
const LATE_AFTER: SignedDuration = SignedDuration::from_hours(1);

/// What does not agree of a payment and its refunds; nothing, most often. It is logged, for operators hear of it so.
pub(super) async fn disagreements(
    services: &Services,
    id: &SessionId,
    now: Timestamp,
) -> Result<Vec<String>, StoreError> {
    let checked = Verify::new(services.table.clone(), now, LATE_AFTER).books(id).await?;
    for violation in &checked.violations {
        let (rule, item, problem) = (violation.rule.as_str(), &violation.item, &violation.problem);
        tracing::error!(session_id = %id, rule, item, problem, "the books of a payment do not agree");
    }
    Ok(checked.violations.into_iter().map(|broken| format!("{}: {}", broken.item, broken.problem)).collect())
}
