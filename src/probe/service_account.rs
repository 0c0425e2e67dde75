//! The gateway's Deployment, pods and service account as they really are, and the events about them.

use std::collections::BTreeSet;

use async_trait::async_trait;
use jiff::Timestamp;
use serde_json::Value;

use super::{Clients, Probe, Seen, field, parsed};
use crate::client::Kubernetes;
use crate::fact::{
    Container, Deployment, GATEWAY_DEPLOYMENT, GATEWAY_PODS, GATEWAY_SECRET_CLASSES, GATEWAY_SERVICE_ACCOUNT,
    GATEWAY_SERVICE_ACCOUNTS, Observation, Outcome, Pod, PodContainer, ProjectedToken, Reason,
    SecretProviderClass, ServiceAccount, Snapshot, TEXT_EVENTS, TextEvidence, TextRead, TextSource,
};
use crate::redact::redact_line;

/// Annotations, variables and the driver's name: the workload identity webhook's and the CSI driver's contracts.
const CLIENT_ID: &str = "/metadata/annotations/azure.workload.identity~1client-id";
const TENANT_ID: &str = "/metadata/annotations/azure.workload.identity~1tenant-id";
const CLIENT_ID_VARIABLE: &str = "AZURE_CLIENT_ID";
const TOKEN_FILE_VARIABLE: &str = "AZURE_FEDERATED_TOKEN_FILE";
const CSI_DRIVER: &str = "secrets-store.csi.k8s.io";

pub(super) struct ServiceAccountProbe;

#[async_trait]
impl Probe for ServiceAccountProbe {
    fn name(&self) -> &'static str {
        "service-account"
    }

    fn provides(&self) -> &'static [&'static str] {
        &[
            "gateway.deployment",
            "gateway.pods",
            "gateway.service_account",
            "gateway.service_accounts",
            "gateway.secret_classes",
            "text.events",
        ]
    }

    async fn observe(&self, clients: &Clients, _known: &Snapshot) -> Seen {
        let mut seen = Seen::default();
        let connected = clients.kubernetes().await;
        let Outcome::Known(kubernetes) = &connected.outcome else {
            seen.put_same(&GATEWAY_DEPLOYMENT, connected);
            seen.put_same(&GATEWAY_PODS, connected);
            seen.put_same(&GATEWAY_SERVICE_ACCOUNT, connected);
            seen.put_same(&GATEWAY_SERVICE_ACCOUNTS, connected);
            seen.put_same(&GATEWAY_SECRET_CLASSES, connected);
            seen.put_same(&TEXT_EVENTS, connected);
            return seen;
        };
        let answers = fetch(clients, kubernetes).await;
        let pods = parsed(answers.pods, |items| items.iter().map(parse_pod).collect());
        let deployment = parsed(answers.deployment, parse_deployment);
        let accounts =
            parsed(answers.accounts, |items| items.iter().map(parse_account).collect::<Result<Vec<_>, _>>());

        seen.put(&GATEWAY_SERVICE_ACCOUNT, account_in_use(&accounts, &pods, &deployment));
        seen.put(
            &GATEWAY_SERVICE_ACCOUNTS,
            accounts.map(|accounts| accounts.into_iter().map(|account| account.name).collect()),
        );
        seen.put(
            &GATEWAY_SECRET_CLASSES,
            parsed(answers.classes, |items| items.iter().map(parse_class).collect()),
        );
        put_events(&mut seen, answers.events, &pods, &deployment, &answers.raw_pods);
        seen.put(&GATEWAY_PODS, pods);
        seen.put(&GATEWAY_DEPLOYMENT, deployment);
        seen
    }
}

struct Answers {
    deployment: Observation<Value>,
    pods: Observation<Vec<Value>>,
    raw_pods: Vec<Value>,
    accounts: Observation<Vec<Value>>,
    classes: Observation<Vec<Value>>,
    events: Observation<Vec<Value>>,
}

async fn fetch(clients: &Clients, kubernetes: &Kubernetes) -> Answers {
    let namespace = clients.target.text("kubernetes.namespace");
    let name = clients.target.text("kubernetes.deployment");
    let selector: String =
        url::form_urlencoded::byte_serialize(clients.target.text("kubernetes.selector").as_bytes()).collect();
    let core = format!("/api/v1/namespaces/{namespace}");
    let paths = [
        format!("/apis/apps/v1/namespaces/{namespace}/deployments/{name}"),
        format!("{core}/pods?labelSelector={selector}"),
        format!("{core}/serviceaccounts"),
        format!("/apis/secrets-store.csi.x-k8s.io/v1/namespaces/{namespace}/secretproviderclasses"),
        format!("{core}/events"),
        core,
    ];
    let (deployment, pods, accounts, classes, events, here) = futures::join!(
        kubernetes.get(&paths[0]),
        kubernetes.list(&paths[1]),
        kubernetes.list(&paths[2]),
        kubernetes.list(&paths[3]),
        kubernetes.list(&paths[4]),
        kubernetes.get(&paths[5]),
    );
    // A list in a namespace that does not exist is empty like any other: only the namespace tells.
    let missing = matches!(here.outcome, Outcome::Absent);
    let placed = |seen: Observation<Vec<Value>>| {
        if missing {
            let reason = Reason::Malformed { detail: format!("there is no namespace {namespace}") };
            Observation::unknown(reason, here.origin.clone())
        } else {
            seen
        }
    };
    let deployment = if missing {
        let reason = Reason::Malformed { detail: format!("there is no namespace {namespace}") };
        Observation::unknown(reason, here.origin.clone())
    } else {
        deployment
    };
    Answers {
        raw_pods: pods.value().cloned().unwrap_or_default(),
        deployment,
        pods: placed(pods),
        accounts: placed(accounts),
        classes: placed(classes),
        events: placed(events),
    }
}

/// The account of the newest pod, else of the template; absent where no such account exists.
fn account_in_use(
    accounts: &Observation<Vec<ServiceAccount>>,
    pods: &Observation<Vec<Pod>>,
    deployment: &Observation<Deployment>,
) -> Observation<ServiceAccount> {
    let newest = pods.value().and_then(|pods| pods.iter().max_by_key(|pod| pod.created_at));
    let name = match (newest, &deployment.outcome) {
        (Some(pod), _) => pod.service_account.clone(),
        (None, Outcome::Known(deployment)) => deployment.service_account.clone(),
        (None, Outcome::Absent) => return Observation::absent(deployment.origin.clone()),
        (None, Outcome::Unknown(reason)) => {
            return Observation::unknown(reason.clone(), deployment.origin.clone());
        }
    };
    let outcome = match &accounts.outcome {
        Outcome::Known(accounts) => accounts
            .iter()
            .find(|account| account.name == name)
            .map_or(Outcome::Absent, |account| Outcome::Known(account.clone())),
        Outcome::Absent => Outcome::Absent,
        Outcome::Unknown(reason) => Outcome::Unknown(reason.clone()),
    };
    Observation { outcome, origin: accounts.origin.clone() }
}

fn variables(container: &Value) -> Vec<String> {
    field::list(container, "/env").iter().filter_map(|variable| field::text(variable, "/name")).collect()
}

fn classes_of(spec: &Value) -> Vec<String> {
    field::list(spec, "/volumes")
        .iter()
        .filter(|volume| field::text(volume, "/csi/driver").as_deref() == Some(CSI_DRIVER))
        .filter_map(|volume| field::text(volume, "/csi/volumeAttributes/secretProviderClass"))
        .collect()
}

fn account_name(spec: &Value) -> String {
    field::text(spec, "/serviceAccountName").unwrap_or_else(|| "default".into())
}

fn parse_deployment(answer: &Value) -> Result<Deployment, String> {
    let spec = answer.pointer("/spec/template/spec").ok_or("the answer has no spec/template/spec")?;
    Ok(Deployment {
        name: field::required(answer, "/metadata/name")?,
        replicas: field::number(answer, "/spec/replicas").unwrap_or(1),
        ready: field::number(answer, "/status/readyReplicas").unwrap_or(0),
        service_account: account_name(spec),
        labels: field::map(answer, "/spec/template/metadata/labels"),
        containers: field::list(spec, "/containers")
            .iter()
            .map(|container| {
                Ok(Container {
                    name: field::required(container, "/name")?,
                    image: field::text(container, "/image").unwrap_or_default(),
                    env: variables(container),
                })
            })
            .collect::<Result<_, String>>()?,
        secret_classes: classes_of(spec),
    })
}

fn parse_pod(item: &Value) -> Result<Pod, String> {
    let spec = item.pointer("/spec").ok_or("the answer has a pod without spec")?;
    let tokens = projected_tokens(spec);
    let statuses = field::list(item, "/status/containerStatuses");
    Ok(Pod {
        name: field::required(item, "/metadata/name")?,
        phase: field::text(item, "/status/phase").unwrap_or_else(|| "Unknown".into()),
        ready: ready_condition(item)
            .is_some_and(|condition| field::text(condition, "/status").as_deref() == Some("True")),
        service_account: account_name(spec),
        labels: field::map(item, "/metadata/labels"),
        created_at: field::time(item, "/metadata/creationTimestamp"),
        containers: field::list(spec, "/containers")
            .iter()
            .map(|container| parse_container(container, statuses, &tokens))
            .collect::<Result<_, String>>()?,
        secret_classes: classes_of(spec),
        tokens,
    })
}

fn ready_condition(pod: &Value) -> Option<&Value> {
    field::list(pod, "/status/conditions")
        .iter()
        .find(|condition| field::text(condition, "/type").as_deref() == Some("Ready"))
}

fn parse_container(
    container: &Value,
    statuses: &[Value],
    tokens: &[ProjectedToken],
) -> Result<PodContainer, String> {
    let name = field::required(container, "/name")?;
    let status = statuses.iter().find(|status| field::text(status, "/name").as_deref() == Some(&name));
    let env = variables(container);
    let mounts_token = field::list(container, "/volumeMounts")
        .iter()
        .filter_map(|mount| field::text(mount, "/name"))
        .any(|mounted| tokens.iter().any(|token| token.volume == mounted));
    Ok(PodContainer {
        ready: status.is_some_and(|status| field::flag(status, "/ready")),
        restarts: status.and_then(|status| field::number(status, "/restartCount")).unwrap_or(0),
        waiting: status.and_then(|status| field::text(status, "/state/waiting/reason")),
        has_client_id: env.iter().any(|name| name == CLIENT_ID_VARIABLE),
        has_token_file: env.iter().any(|name| name == TOKEN_FILE_VARIABLE),
        mounts_token,
        env,
        name,
    })
}

/// Tokens with an audience of their own; the API server's default token has none.
fn projected_tokens(spec: &Value) -> Vec<ProjectedToken> {
    let mut tokens = Vec::new();
    for volume in field::list(spec, "/volumes") {
        let Some(name) = field::text(volume, "/name") else { continue };
        for source in field::list(volume, "/projected/sources") {
            if let Some(audience) = field::text(source, "/serviceAccountToken/audience") {
                tokens.push(ProjectedToken { volume: name.clone(), audience });
            }
        }
    }
    tokens
}

fn parse_account(item: &Value) -> Result<ServiceAccount, String> {
    Ok(ServiceAccount {
        name: field::required(item, "/metadata/name")?,
        client_id: field::text(item, CLIENT_ID),
        tenant_id: field::text(item, TENANT_ID),
    })
}

/// The identity mode as the Azure provider decides it: its flags exclude each other, and a client id
/// without any flag is workload identity.
fn parse_class(item: &Value) -> Result<SecretProviderClass, String> {
    let on = |name: &str| {
        field::text(item, &format!("/spec/parameters/{name}"))
            .is_some_and(|value| value.eq_ignore_ascii_case("true"))
    };
    let client_id = field::text(item, "/spec/parameters/clientID");
    let mode = if on("usePodIdentity") {
        "pod-identity"
    } else if on("useVMManagedIdentity") {
        "vm-identity"
    } else if client_id.is_some() {
        "workload-identity"
    } else {
        "none"
    };
    Ok(SecretProviderClass {
        name: field::required(item, "/metadata/name")?,
        mode: mode.into(),
        client_id,
        tenant_id: field::text(item, "/spec/parameters/tenantID")
            .or_else(|| field::text(item, "/spec/parameters/tenantId")),
        vault: field::text(item, "/spec/parameters/keyvaultName"),
        secrets: field::list(item, "/spec/secretObjects")
            .iter()
            .filter_map(|object| field::text(object, "/secretName"))
            .collect(),
    })
}

/// Events about the gateway's present pods, its Deployment and its `ReplicaSets`. What was said of a pod before
/// it became ready is over, and so is what was said of the Deployment before it was complete.
fn put_events(
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
        text: redact_line(&format!("{reason}: {message}")).into_owned(),
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
                text: redact_line(&format!("{reason}: {message}")).into_owned(),
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{belongs, parse_class, parse_pod};

    #[test]
    fn a_pod_without_an_account_of_its_own_runs_as_default() {
        let pod = parse_pod(&json!({"metadata": {"name": "p"}, "spec": {"containers": []}})).unwrap();
        assert_eq!(pod.service_account, "default");
        assert!(!pod.ready);
    }

    #[test]
    fn injection_is_seen_in_variables_and_in_the_mounted_token() {
        let pod = parse_pod(&json!({
            "metadata": {"name": "p"},
            "spec": {
                "serviceAccountName": "sa",
                "containers": [
                    {"name": "one", "env": [{"name": "AZURE_CLIENT_ID", "value": "x"},
                                             {"name": "AZURE_FEDERATED_TOKEN_FILE", "value": "y"}],
                     "volumeMounts": [{"name": "azure-identity-token", "mountPath": "/var/run/secrets/azure/tokens"}]},
                    {"name": "two"}
                ],
                "volumes": [{"name": "azure-identity-token", "projected": {"sources": [
                    {"serviceAccountToken": {"audience": "api://AzureADTokenExchange", "path": "t"}}]}}]
            }
        }))
        .unwrap();
        let got: Vec<_> = pod
            .containers
            .iter()
            .map(|it| (it.name.as_str(), it.has_client_id, it.has_token_file, it.mounts_token))
            .collect();
        assert_eq!(got, [("one", true, true, true), ("two", false, false, false)]);
    }

    #[test]
    fn the_identity_mode_follows_the_flags() {
        for (parameters, mode) in [
            (json!({"clientID": "c", "usePodIdentity": "false"}), "workload-identity"),
            (json!({"clientID": "c", "usePodIdentity": "true"}), "pod-identity"),
            (json!({"useVMManagedIdentity": "TRUE"}), "vm-identity"),
            (json!({}), "none"),
        ] {
            let class = json!({"metadata": {"name": "n"}, "spec": {"parameters": parameters}});
            assert_eq!(parse_class(&class).unwrap().mode, mode, "{class}");
        }
    }

    #[test]
    fn a_replica_set_is_told_from_another_deployment_with_the_same_beginning() {
        assert!(belongs("mazevault-gateway-npr-7d9f", "mazevault-gateway-npr"));
        assert!(!belongs("mazevault-gateway-npr-canary-7d9f", "mazevault-gateway-npr"));
    }
}
