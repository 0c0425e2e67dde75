//! Requests that may be under way at once: to one host, and in all.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore, SemaphorePermit};

/// Requests under way at once, whatever probes ask.
const IN_ALL: usize = 32;
/// Of these, to one host.
const PER_HOST: usize = 16;

/// Places for requests.
pub(super) struct Slots {
    all: Semaphore,
    hosts: Mutex<BTreeMap<String, Arc<Semaphore>>>,
}

/// A place among the requests under way, held until it is dropped.
pub(super) struct Slot<'a> {
    _of_host: Option<OwnedSemaphorePermit>,
    _in_all: Option<SemaphorePermit<'a>>,
}

impl Slots {
    pub(super) fn new() -> Self {
        Self { all: Semaphore::new(IN_ALL), hosts: Mutex::default() }
    }

    /// Waits for a place.
    pub(super) async fn take(&self, host: &str) -> Slot<'_> {
        let of_host = {
            let mut hosts = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
            let fresh = || Arc::new(Semaphore::new(PER_HOST));
            Arc::clone(hosts.entry(host.to_owned()).or_insert_with(fresh))
        };
        // They are never closed, so that there always is a place in the end. A host's own comes first: a busy host keeps no
        // place of others.
        let of_host = of_host.acquire_owned().await.ok();
        Slot { _of_host: of_host, _in_all: self.all.acquire().await.ok() }
    }
}

#[cfg(test)]
mod tests {
    use super::{IN_ALL, PER_HOST, Slots};

    #[tokio::test]
    async fn a_busy_host_keeps_no_place_of_others() {
        let slots = Slots::new();
        let soon = std::time::Duration::from_millis(20);
        let mut held = Vec::new();
        for _ in 0..PER_HOST {
            held.push(slots.take("busy").await);
        }
        assert!(tokio::time::timeout(soon, slots.take("busy")).await.is_err());
        for number in 0..IN_ALL - PER_HOST {
            held.push(slots.take(&format!("host {number}")).await);
        }
        assert!(tokio::time::timeout(soon, slots.take("another")).await.is_err());
        held.pop();
        assert!(tokio::time::timeout(soon, slots.take("another")).await.is_ok());
    }
}
