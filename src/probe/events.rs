//! Events about the gateway, and what its containers wait for, as text evidence.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde_json::Value;

use super::Seen;
use super::service_account::ready_condition;
use crate::client::field;
use crate::fact::{Deployment, Observation, Outcome, Pod, TEXT_EVENTS, TextEvidence, TextRead, TextSource};
use crate::redact::redact_line;

/// Events about the gateway's present pods, its Deployment and its `ReplicaSets`. What was said of a pod before
/// it became ready is over, and so is what was said of the Deployment before it was complete.
pub(super) fn put_events(
    seen: &mut Seen,
    events: Observation<Vec<Value>>,
    pods: &Observation<Vec<Pod>>,
    deployment: &Observation<Deployment>,
    raw_pods: &[Value],
) {
    let Outcome::Known(items) = &events.outcome else {
        seen.put_same(&TEXT_EVENTS, &events);
        return;
    };
    let Some(present) = pods.value() else {
        seen.put_same(&TEXT_EVENTS, pods);
        return;
    };
    let complete = deployment.value().is_some_and(|it| it.replicas > 0 && it.ready >= it.replicas);
    let deployment_name = deployment.value().map(|it| it.name.clone());
    let mut places = BTreeSet::new();
    let mut found: Vec<TextEvidence> = items
        .iter()
        .filter_map(|event| {
            let kind = field::text(event, "/involvedObject/kind")?;
            let name = field::text(event, "/involvedObject/name")?;
            let at = event_time(event);
            let concerns = match kind.as_str() {
                "Pod" => present.iter().any(|pod| pod.name == name) && !is_over(raw_pods, &name, at),
                "Deployment" | "ReplicaSet" => {
                    !complete && deployment_name.as_ref().is_some_and(|wanted| belongs(&name, wanted))
                }
                _ => false,
            };
            concerns.then(|| event_evidence(event, &kind, &name, at))
        })
        .collect();
    for pod in raw_pods {
        found.extend(waiting_messages(pod));
    }
    for (number, evidence) in (1..).zip(&mut found) {
        evidence.line = number;
        places.insert(evidence.place.clone());
    }
    let read = TextRead { lines: found.len() as u64, places: places.into_iter().collect(), cut: false };
    seen.text.extend(found);
    seen.put(&TEXT_EVENTS, Observation::known(read, events.origin));
}

/// A `ReplicaSet`'s name is its Deployment's with a dash and a hash.
fn belongs(name: &str, deployment: &str) -> bool {
    name == deployment
        || name
            .strip_prefix(deployment)
            .and_then(|rest| rest.strip_prefix('-'))
            .is_some_and(|hash| !hash.contains('-'))
}

fn event_time(event: &Value) -> Option<Timestamp> {
    ["/lastTimestamp", "/series/lastObservedTime", "/eventTime", "/firstTimestamp"]
        .iter()
        .find_map(|pointer| field::time(event, pointer))
}

fn is_over(pods: &[Value], name: &str, at: Option<Timestamp>) -> bool {
    let pod = pods.iter().find(|pod| field::text(pod, "/metadata/name").as_deref() == Some(name));
    let Some(ready) = pod.and_then(ready_condition) else { return false };
    field::text(ready, "/status").as_deref() == Some("True")
        && match (at, field::time(ready, "/lastTransitionTime")) {
            (Some(at), Some(since)) => at <= since,
            _ => true,
        }
}

fn event_evidence(event: &Value, kind: &str, name: &str, at: Option<Timestamp>) -> TextEvidence {
    let reason = field::text(event, "/reason").unwrap_or_default();
    let message = field::text(event, "/message").unwrap_or_default();
    let count = field::number(event, "/count").or_else(|| field::number(event, "/series/count"));
    TextEvidence {
        source: TextSource::KubernetesEvent,
        place: format!("event/{}/{name}", kind.to_lowercase()),
        line: 0,
        at,
        count: count.and_then(|count| u32::try_from(count).ok()).unwrap_or(1).max(1),
        text: worded(&reason, &message),
    }
}

/// Reason and message as one line. The reason is one word of the kubelet's (`FailedToCreateSecret`), which read
/// together with the message would look like the name of a secret value.
fn worded(reason: &str, message: &str) -> String {
    if reason.chars().all(|one| one.is_ascii_alphanumeric()) {
        format!("{reason}: {}", redact_line(message))
    } else {
        redact_line(&format!("{reason}: {message}")).into_owned()
    }
}

/// Why containers wait: the kubelet says it in the status even after its events have expired.
fn waiting_messages(pod: &Value) -> Vec<TextEvidence> {
    let name = field::text(pod, "/metadata/name").unwrap_or_default();
    let statuses = field::list(pod, "/status/containerStatuses")
        .iter()
        .chain(field::list(pod, "/status/initContainerStatuses"));
    statuses
        .filter_map(|status| {
            let reason = field::text(status, "/state/waiting/reason")?;
            let message = field::text(status, "/state/waiting/message").unwrap_or_default();
            Some(TextEvidence {
                source: TextSource::KubernetesEvent,
                place: format!("status/pod/{name}/{}", field::text(status, "/name").unwrap_or_default()),
                line: 0,
                at: None,
                count: 1,
                text: worded(&reason, &message),
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::belongs;

    #[test]
    fn a_replica_set_is_told_from_another_deployment_with_the_same_beginning() {
        assert!(belongs("mazevault-gateway-npr-7d9f", "mazevault-gateway-npr"));
        assert!(!belongs("mazevault-gateway-npr-canary-7d9f", "mazevault-gateway-npr"));
    }
}
