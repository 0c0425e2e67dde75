//! Ctrl-C and the orchestrator's request to stop.

use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};

/// Signals that come within this time are one: a shell and a terminal may both pass it on.
const AT_ONCE: Duration = Duration::from_secs(1);

/// Waits for a request to stop. From its making on, none is missed.
pub(super) struct Interrupt(Vec<Signal>);

impl Interrupt {
    /// Begins to listen. Where a signal cannot be waited for, it is not. The first one asks for a report of what was
    /// learned; a later one ends the program wherever it is, as in a pipe that nobody reads.
    pub(super) fn listen() -> Self {
        tokio::spawn(async {
            Self::signals().wait().await;
            tokio::time::sleep(AT_ONCE).await;
            Self::signals().wait().await;
            super::output::complain("interrupted again: ended without a report");
            std::process::exit(i32::from(crate::gate::exit::INTERRUPTED));
        });
        Self::signals()
    }

    fn signals() -> Self {
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
