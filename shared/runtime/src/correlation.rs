//! What is going on: an id that follows a request into all that it causes.

use std::future::Future;

use models::CorrelationId;

tokio::task_local! {
    static CURRENT: CorrelationId;
}

/// Does something in which [`correlation_id`] is the id that this text is; if it is none, nothing is known there.
pub async fn correlated<F: Future>(id: &str, doing: F) -> F::Output {
    match id.parse() {
        Ok(id) => CURRENT.scope(id, doing).await,
        Err(_) => doing.await,
    }
}

/// The id of the request, or of the run of the schedule, that this is done for, if it is known.
pub fn correlation_id() -> Option<CorrelationId> {
    CURRENT.try_with(CorrelationId::clone).ok()
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
}
