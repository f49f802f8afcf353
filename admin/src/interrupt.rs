//! Ctrl-C.

use std::io;

use crate::failure::{Failure, Interrupted};

/// Does it, unless Ctrl-C or SIGTERM comes first: then it is left where it waits. That is safe, as each write is made whole or
/// not at all, and a crash may come anywhere, too. One inside another is interrupted first, and must then end without
/// waiting.
///
/// # Errors
/// What it fails with, or that it was interrupted, as `interruption` says it.
pub(crate) async fn unless_interrupted<T>(
    interruption: Interrupted,
    doing: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    // Without a handler, the system ends the process.
    let Ok(interrupted) = interrupted() else { return doing.await };
    tokio::select! {
        biased;
        done = doing => done,
        () = interrupted => Err(Failure::Interrupted(interruption)),
    }
}

/// Resolves at Ctrl-C or SIGTERM. From the call on, neither ends the process by itself.
///
/// # Errors
/// The system takes no handler.
#[cfg(unix)]
pub(crate) fn interrupted() -> io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

/// Resolves at Ctrl-C.
///
/// # Errors
/// None here.
#[cfg(not(unix))]
pub(crate) fn interrupted() -> io::Result<impl Future<Output = ()>> {
    Ok(async {
        let _ = tokio::signal::ctrl_c().await;
    })
}
