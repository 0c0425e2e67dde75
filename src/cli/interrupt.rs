//! Ctrl-C and the orchestrator's request to stop.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};

/// Signals that come within this time are one: a shell and a terminal may both pass it on.
const AT_ONCE: Duration = Duration::from_millis(300);
/// Time that is left for reports when somebody wants to stop while they are written.
const LAST: Duration = Duration::from_secs(2);

/// Whether nobody waits for a signal any more.
static WRITING: AtomicBool = AtomicBool::new(false);

/// From here on the first signal ends the program, after a moment for what is being written.
pub(super) fn ends_at_once() {
    WRITING.store(true, Ordering::Relaxed);
}

/// Waits for a request to stop. From its making on, none is missed.
pub(super) struct Interrupt(Vec<Signal>);

impl Interrupt {
    /// Begins to listen. Where a signal cannot be waited for, it is not. The first one asks for a report of what was
    /// learned; a later one ends the program wherever it is, as in a pipe that nobody reads.
    pub(super) fn listen() -> Self {
        tokio::spawn(async {
            Self::signals().wait().await;
            if WRITING.load(Ordering::Relaxed) {
                tokio::time::sleep(LAST).await;
            } else {
                tokio::time::sleep(AT_ONCE).await;
                Self::signals().wait().await;
            }
            super::output::complain("interrupted: ended before every report was written");
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
