//! A ledger that answers late, or not at all.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;

use models::EndToEndId;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::mock::{Entry, Ledger};
use crate::port::ProviderError;

/// What becomes of one read or write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Nothing bad.
    None,
    /// It is done after whatever else goes on has had its turn.
    Slow,
    /// It is not done, and fails.
    RequestLost,
    /// It is done, and fails.
    AnswerLost,
}

impl Fault {
    /// Every one.
    pub const ALL: [Self; 4] = [Self::None, Self::Slow, Self::RequestLost, Self::AnswerLost];
}

/// A ledger that has these faults, one for each read and write in turn, and then no more. Its clones share them.
#[derive(Debug, Clone)]
pub struct FlakyLedger<L> {
    ledger: L,
    faults: Arc<Mutex<VecDeque<Fault>>>,
}

impl<L> FlakyLedger<L> {
    /// Over a ledger that has none.
    pub fn new(ledger: L, faults: impl IntoIterator<Item = Fault>) -> Self {
        Self { ledger, faults: Arc::new(Mutex::new(faults.into_iter().collect())) }
    }

    /// What becomes of the next read or write. Waits if it is slow.
    async fn fault(&self) -> Fault {
        let fault = self.faults.lock().unwrap_or_else(PoisonError::into_inner).pop_front().unwrap_or(Fault::None);
        let mut waits = fault == Fault::Slow;
        poll_fn(|context| {
            if std::mem::take(&mut waits) {
                context.waker().wake_by_ref();
                return Poll::Pending;
            }
            Poll::Ready(())
        })
        .await;
        fault
    }
}

fn lost<T>() -> Result<T, ProviderError> {
    Err(ProviderError::unreachable(io::Error::from(io::ErrorKind::ConnectionReset)))
}

impl<L: Ledger> Ledger for FlakyLedger<L> {
    async fn get<T: DeserializeOwned>(&self, payment: EndToEndId, entry: Entry) -> Result<Option<T>, ProviderError> {
        match self.fault().await {
            Fault::None | Fault::Slow => self.ledger.get(payment, entry).await,
            Fault::RequestLost | Fault::AnswerLost => lost(),
        }
    }

    async fn put<T: Serialize + DeserializeOwned>(
        &self,
        payment: EndToEndId,
        entry: Entry,
        value: T,
    ) -> Result<T, ProviderError> {
        match self.fault().await {
            Fault::None | Fault::Slow => self.ledger.put(payment, entry, value).await,
            Fault::RequestLost => lost(),
            Fault::AnswerLost => {
                self.ledger.put(payment, entry, value).await?;
                lost()
            }
        }
    }
}
