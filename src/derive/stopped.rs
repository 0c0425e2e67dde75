//! A cluster that is stopped: nothing of it answers, and Resource Manager says why. What could not be asked of its API
//! server for that reason is absent, since in a stopped cluster nothing runs.

use crate::fact::{CLUSTER_API, CLUSTER_RESOURCE, Observation, Outcome, Reason, Snapshot};

pub(super) fn settle(snapshot: &mut Snapshot) {
    let stopped = snapshot
        .get(&CLUSTER_RESOURCE)
        .value()
        .is_some_and(|cluster| cluster.power_state.as_deref() == Some("Stopped"));
    let server = snapshot.facts.get(CLUSTER_API.name()).map(|seen| seen.origin.against.clone());
    let Some(server) = server.filter(|server| stopped && !server.is_empty()) else { return };
    for seen in snapshot.facts.values_mut() {
        let silent =
            matches!(seen.outcome, Outcome::Unknown(Reason::Unreachable { .. } | Reason::TimedOut { .. }));
        if silent && seen.origin.against == server {
            let mut origin = seen.origin.clone();
            origin.from = vec![CLUSTER_RESOURCE.name().to_owned()];
            *seen = Observation::absent(origin);
        }
    }
}
