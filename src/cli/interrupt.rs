//! Ctrl-C and the orchestrator's request to stop.

use tokio::signal::unix::{SignalKind, signal};

/// Ends when the run is to stop. Where a signal cannot be waited for, it never ends.
pub(super) async fn interrupted() {
    let (Ok(mut interrupt), Ok(mut terminate)) =
        (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
}
