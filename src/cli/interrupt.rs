//! Ctrl-C and the orchestrator's request to stop.

use tokio::signal::unix::{Signal, SignalKind, signal};

/// Waits for a request to stop. From its making on, none is missed.
pub(super) struct Interrupt(Vec<Signal>);

impl Interrupt {
    /// Begins to listen. Where a signal cannot be waited for, it is not.
    pub(super) fn listen() -> Self {
        let kinds = [SignalKind::interrupt(), SignalKind::terminate()];
        Self(kinds.into_iter().filter_map(|kind| signal(kind).ok()).collect())
    }

    /// Ends when the run is to stop.
    pub(super) async fn wait(&mut self) {
        if self.0.is_empty() {
            return std::future::pending().await;
        }
        let waiting = self.0.iter_mut().map(|signal| Box::pin(signal.recv()));
        futures::future::select_all(waiting).await;
    }
}
