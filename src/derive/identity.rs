//! Whether each container that needs workload identity gets it.

use super::workload::container;
use super::{Derived, Lack, need, put};
use crate::fact::{GATEWAY_DEPLOYMENT, GATEWAY_LACKS_IDENTITY, GATEWAY_PODS, Pod, PodContainer, Snapshot};

/// Pod label that asks the webhook for injection.
const USE_LABEL: &str = "azure.workload.identity/use";
/// The Primary's and the gateway's own variable that names a managed identity.
const IDENTITY_VARIABLE: &str = "AZURE_MANAGED_IDENTITY_CLIENT_ID";

pub(super) fn derive(snapshot: &mut Snapshot) {
    let lacking = lacking(snapshot);
    put(snapshot, &GATEWAY_LACKS_IDENTITY, &[GATEWAY_PODS.name()], lacking);
}

fn lacking(snapshot: &Snapshot) -> Derived<String> {
    let pods = need(snapshot, &GATEWAY_PODS)?;
    let newest = pods.iter().max_by_key(|pod| pod.created_at);
    let pod = newest.ok_or(Lack::Absent(GATEWAY_PODS.name()))?;
    let gateway = match need(snapshot, &GATEWAY_DEPLOYMENT) {
        Ok(deployment) => container(snapshot, &deployment).ok().map(|it| it.name),
        Err(_) => Some(snapshot.setting("kubernetes.container")).filter(|name| !name.is_empty()),
    };
    Ok(pod
        .containers
        .iter()
        .find(|container| {
            let gets_it = container.has_client_id && container.has_token_file && container.mounts_token;
            needs_it(pod, container, gateway.as_deref()) && !gets_it
        })
        .map(|container| container.name.clone())
        .unwrap_or_default())
}

/// The gateway's container needs workload identity where its pod asks for injection, and any container that is told of
/// an identity. Sidecars need none, and the CSI mount is no such need: the driver brings a token of its own.
fn needs_it(pod: &Pod, container: &PodContainer, gateway: Option<&str>) -> bool {
    let asks = pod.labels.get(USE_LABEL).is_some_and(|value| value == "true");
    (asks && gateway.is_none_or(|name| name == container.name))
        || container.env.iter().any(|name| name == IDENTITY_VARIABLE)
}
