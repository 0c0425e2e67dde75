//! Resource providers that are needed and not registered.

use super::{Derived, need, put};
use crate::fact::{ProviderState, SUBSCRIPTION_PROVIDERS, SUBSCRIPTION_UNREGISTERED, Snapshot};

pub(super) fn derive(snapshot: &mut Snapshot) {
    let unregistered = unregistered(snapshot);
    put(snapshot, &SUBSCRIPTION_UNREGISTERED, &[SUBSCRIPTION_PROVIDERS.name()], unregistered);
}

/// One that is registering becomes registered by itself.
fn unregistered(snapshot: &Snapshot) -> Derived<Vec<ProviderState>> {
    let mut providers = need(snapshot, &SUBSCRIPTION_PROVIDERS)?;
    providers.retain(|provider| !matches!(provider.state.as_str(), "Registered" | "Registering"));
    Ok(providers)
}
