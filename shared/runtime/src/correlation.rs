//! What is going on: an id that follows a request into all that it causes, and the API key that it was made with.

use std::future::Future;
use std::sync::OnceLock;

use models::{ApiKeyId, CorrelationId};

tokio::task_local! {
    static CURRENT: GoingOn;
}

struct GoingOn {
    correlation_id: Option<CorrelationId>,
    /// Once the request's credentials were checked.
    key_id: OnceLock<ApiKeyId>,
}

/// Does something in which [`correlation_id`] is the id that this text is; if it is none, nothing is known there.
pub async fn correlated<F: Future>(id: &str, doing: F) -> F::Output {
    CURRENT.scope(GoingOn { correlation_id: id.parse().ok(), key_id: OnceLock::new() }, doing).await
}

/// The id of the request, or of the run of the schedule, that this is done for, if it is known.
pub fn correlation_id() -> Option<CorrelationId> {
    CURRENT.try_with(|going_on| going_on.correlation_id.clone()).ok().flatten()
}

/// From now on, what is done for this request is done with this API key. Outside of [`correlated`] nothing is noted.
pub fn act_with_key(id: &ApiKeyId) {
    // A request has one key: it stays the first.
    let _ = CURRENT.try_with(|going_on| going_on.key_id.set(id.clone()));
}

/// The API key that this is done with, if it is done with one.
pub fn acting_key() -> Option<ApiKeyId> {
    CURRENT.try_with(|going_on| going_on.key_id.get().cloned()).ok().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_id_is_known_inside_and_nowhere_else() {
        let known = async || correlation_id().map(String::from);
        assert_eq!(correlated("JKJaXmPLvHcESHA=", known()).await.as_deref(), Some("JKJaXmPLvHcESHA="));
        assert_eq!(correlated("no id", known()).await, None);
        assert_eq!(known().await, None);
    }

    #[tokio::test]
    async fn a_key_is_known_from_when_it_was_checked_and_to_nobody_else() {
        let with_key = async || {
            let before = acting_key();
            act_with_key(&"pk_test_demo".parse().unwrap());
            (before, acting_key().map(|id| id.to_string()))
        };
        let known = (None, Some("pk_test_demo".to_owned()));
        assert_eq!(correlated("JKJaXmPLvHcESHA=", with_key()).await, known);
        assert_eq!(correlated("no id", with_key()).await, known);
        assert_eq!(with_key().await, (None, None));
        assert_eq!(correlated("JKJaXmPLvHcESHA=", async { acting_key() }).await, None);
    }
}
