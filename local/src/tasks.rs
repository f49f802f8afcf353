//! Everything the machine runs, so that stopping it stops all of it.

use std::future::Future;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;
use tokio::task::{JoinError, JoinHandle};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// A group of tasks that end together.
#[derive(Clone)]
pub(crate) struct Tasks {
    stop: CancellationToken,
    tracker: TaskTracker,
}

impl Tasks {
    pub(crate) fn new() -> Self {
        Self { stop: CancellationToken::new(), tracker: TaskTracker::new() }
    }

    /// A group that ends with this one, or earlier by itself.
    pub(crate) fn child(&self) -> Self {
        Self { stop: self.stop.child_token(), tracker: self.tracker.clone() }
    }

    /// A group that is waited for with this one, and stopped by itself alone.
    pub(crate) fn apart(&self) -> Self {
        Self { stop: CancellationToken::new(), tracker: self.tracker.clone() }
    }

    /// Runs until done or stopped, whichever is first.
    pub(crate) fn spawn<F>(&self, future: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let stop = self.stop.clone();
        self.tracker.spawn(async move {
            stop.run_until_cancelled(future).await;
        });
    }

    /// Runs to its end even when stopped: for what must clean up, and watches [`Tasks::stopped`] itself.
    pub(crate) fn spawn_to_end<F, T>(&self, future: F) -> JoinHandle<T>
    where
        F: Future<Output = T> + Send + 'static,
        T: Send + 'static,
    {
        self.tracker.spawn(future)
    }

    /// Runs work that waits for a file, on a thread that may wait: the runtime's own threads serve everybody. It runs to its
    /// end, and is waited for, even if its caller stops waiting.
    pub(crate) async fn blocking<T>(&self, work: impl FnOnce() -> T + Send + 'static) -> T
    where
        T: Send + 'static,
    {
        match self.tracker.spawn_blocking(work).await.map_err(JoinError::try_into_panic) {
            Ok(done) => done,
            Err(Ok(panic)) => std::panic::resume_unwind(panic),
            // The runtime ends, and this task with it.
            Err(Err(_)) => std::future::pending().await,
        }
    }

    /// Resolves once the group is stopped.
    pub(crate) async fn stopped(&self) {
        self.stop.cancelled().await;
    }

    /// Stops the group without waiting.
    pub(crate) fn stop(&self) {
        self.stop.cancel();
    }

    /// Resolves once all tasks have ended; only for the outermost group, after [`Tasks::stop`].
    pub(crate) async fn ended(&self) {
        self.tracker.close();
        self.tracker.wait().await;
    }
}

/// Wakes those who wait for something to happen; a signal before they wait is not missed.
#[derive(Clone)]
pub(crate) struct Signal(watch::Sender<()>);

impl Signal {
    pub(crate) fn new() -> Self {
        Self(watch::Sender::new(()))
    }

    /// Wakes every listener.
    pub(crate) fn signal(&self) {
        self.0.send_replace(());
    }

    /// Listens from now on: subscribe first, then check, then wait.
    pub(crate) fn listen(&self) -> Listener {
        Listener(self.0.subscribe())
    }
}

/// One listener of a [`Signal`].
pub(crate) struct Listener(watch::Receiver<()>);

impl Listener {
    /// Waits for a signal since the last one. Never resolves once its sender is gone.
    pub(crate) async fn signalled(&mut self) {
        if self.0.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

/// Locks, also after a panic elsewhere: every guarded value here is whole between two statements.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
