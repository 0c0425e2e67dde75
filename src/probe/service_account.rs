//! The gateway's Deployment, pods and service account as they really are.

use std::collections::BTreeMap;

use async_trait::async_trait;
use serde_json::Value;

use super::events::put_events;
use super::{Clients, Probe, Seen, Touch, named, parsed, touching};
use crate::client::field::{self, Is};
use crate::client::{calls, variables};
use crate::fact::{
    Condition, Container, Deployment, GATEWAY_DEPLOYMENT, GATEWAY_PODS, GATEWAY_SERVICE_ACCOUNT,
    GATEWAY_SERVICE_ACCOUNTS, Observation, Outcome, Pod, PodContainer, ProjectedToken, ServiceAccount,
    Snapshot, Volume,
};
use crate::redact::redact_line;
use crate::target::Target;

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
            "text.events",
        ]
    }

    fn touches(&self, _target: &Target) -> Vec<Touch> {
        let mut touches = touching(&[calls::DEPLOYMENT], &["gateway.deployment"]);
        touches.extend(touching(&[calls::PODS], &["gateway.pods", "text.events"]));
        touches
            .extend(touching(&[calls::ACCOUNTS], &["gateway.service_account", "gateway.service_accounts"]));
        touches.extend(touching(&[calls::EVENTS], &["text.events"]));
        touches.extend(touching(&[calls::NAMESPACE, calls::CONFIG_MAP], &[]));
        touches
    }

    async fn observe(&self, clients: &Clients, _known: &Snapshot) -> Seen {
        let mut seen = Seen::default();
        let answers = Box::pin(fetch(clients)).await;
        let answered =
            answers.pods.map(|items| items.into_iter().filter(is_of_deployment).collect::<Vec<_>>());
        let raw_pods = answered.value().cloned().unwrap_or_default();
        let maps = match answers.deployment.value() {
            Some(deployment) => {
                let namespace = clients.target.text("kubernetes.namespace");
                let ask = async |path: String| clients.object(&path).await;
                variables::config_maps(&namespace, deployment, ask).await
            }
            None => BTreeMap::new(),
        };
        let pods = parsed(answered, |items| items.iter().map(|item| parse_pod(item, &maps)).collect());
        let deployment = parsed(answers.deployment, |answer| parse_deployment(answer, &maps));
        let deployment = named(clients, deployment, "kubernetes.deployment");
        let accounts =
            parsed(answers.accounts, |items| items.iter().map(parse_account).collect::<Result<Vec<_>, _>>());

        seen.put(&GATEWAY_SERVICE_ACCOUNT, account_in_use(&accounts, &pods, &deployment));
        seen.put(
            &GATEWAY_SERVICE_ACCOUNTS,
            accounts.map(|accounts| accounts.into_iter().map(|account| account.name).collect()),
        );
        put_events(&mut seen, answers.events, &pods, &deployment, &raw_pods);
        seen.put(&GATEWAY_PODS, pods);
        seen.put(&GATEWAY_DEPLOYMENT, deployment);
        seen
    }
}

struct Answers {
    deployment: Observation<Value>,
    pods: Observation<Vec<Value>>,
    accounts: Observation<Vec<Value>>,
    events: Observation<Vec<Value>>,
}

async fn fetch(clients: &Clients) -> Answers {
    let namespace = clients.target.text("kubernetes.namespace");
    let name = clients.target.text("kubernetes.deployment");
    let selector: String =
        url::form_urlencoded::byte_serialize(clients.target.text("kubernetes.selector").as_bytes()).collect();
    let core = format!("/api/v1/namespaces/{namespace}");
    let paths = [
        format!("/apis/apps/v1/namespaces/{namespace}/deployments/{name}"),
        format!("{core}/pods?labelSelector={selector}"),
        format!("{core}/serviceaccounts"),
        format!("{core}/events"),
    ];
    let (deployment, pods, accounts, events) = futures::join!(
        clients.object(&paths[0]),
        clients.listed(&paths[1]),
        clients.listed(&paths[2]),
        clients.listed(&paths[3]),
    );
    Answers { deployment, pods, accounts, events }
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

fn parse_deployment(answer: &Value, maps: &variables::Maps) -> Result<Deployment, String> {
    let spec = answer.pointer("/spec/template/spec").ok_or("the answer has no spec/template/spec")?;
    field::shaped(
        answer,
        &[
            ("/metadata/generation", Is::Number),
            ("/spec/replicas", Is::Number),
            ("/spec/template/metadata/labels", Is::Object),
            ("/spec/template/spec/containers", Is::List),
            ("/spec/template/spec/volumes", Is::List),
            ("/status/readyReplicas", Is::Number),
            ("/status/updatedReplicas", Is::Number),
            ("/status/observedGeneration", Is::Number),
            ("/status/conditions", Is::List),
        ],
    )?;
    if field::list(spec, "/containers").is_empty() {
        return Err("the answer has a template without containers".into());
    }
    let generation = field::number(answer, "/metadata/generation").unwrap_or(0);
    Ok(Deployment {
        name: field::required(answer, "/metadata/name")?,
        replicas: field::number(answer, "/spec/replicas").unwrap_or(1),
        ready: field::number(answer, "/status/readyReplicas").unwrap_or(0),
        updated: field::number(answer, "/status/updatedReplicas").unwrap_or(0),
        observed: field::number(answer, "/status/observedGeneration").unwrap_or(0) >= generation,
        conditions: field::list(answer, "/status/conditions").iter().map(condition).collect(),
        service_account: account_name(spec),
        labels: field::map(answer, "/spec/template/metadata/labels"),
        containers: field::list(spec, "/containers")
            .iter()
            .map(|container| parse_template_container(container, maps))
            .collect::<Result<_, String>>()?,
        secret_classes: classes_of(spec),
        volumes: field::list(spec, "/volumes").iter().filter_map(volume).collect(),
    })
}

fn condition(item: &Value) -> Condition {
    let text = |pointer: &str| field::text(item, pointer).unwrap_or_default();
    Condition {
        kind: text("/type"),
        holds: text("/status") == "True",
        reason: text("/reason"),
        message: redact_line(&text("/message")).into_owned(),
    }
}

/// The member beside the name defines what a volume is.
fn volume(item: &Value) -> Option<Volume> {
    let name = field::text(item, "/name")?;
    let kind =
        item.as_object()?.keys().find(|key| *key != "name").cloned().unwrap_or_else(|| "emptyDir".into());
    Some(Volume { name, kind })
}

fn parse_template_container(container: &Value, maps: &variables::Maps) -> Result<Container, String> {
    field::shaped(container, &[("/env", Is::List), ("/envFrom", Is::List), ("/volumeMounts", Is::List)])?;
    let found = variables::of(container, maps);
    Ok(Container {
        name: field::required(container, "/name")?,
        image: field::text(container, "/image").unwrap_or_default(),
        env: found.names,
        settings: found.settings,
        references: found.references,
        secrets: found.secrets,
        unread: found.unread,
        mounts: variables::mounts(container),
    })
}

fn parse_pod(item: &Value, maps: &variables::Maps) -> Result<Pod, String> {
    let spec = item.pointer("/spec").ok_or("the answer has a pod without spec")?;
    field::shaped(
        item,
        &[
            ("/metadata/labels", Is::Object),
            ("/spec/containers", Is::List),
            ("/spec/volumes", Is::List),
            ("/status/conditions", Is::List),
            ("/status/containerStatuses", Is::List),
        ],
    )?;
    if field::list(spec, "/containers").is_empty() {
        return Err("the answer has a pod without containers".into());
    }
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
            .map(|container| parse_container(container, statuses, &tokens, maps))
            .collect::<Result<_, String>>()?,
        secret_classes: classes_of(spec),
        tokens,
    })
}

/// A pod that has ended (a job's, or one that was evicted) says nothing about the gateway, whatever its labels.
fn is_of_deployment(pod: &Value) -> bool {
    let ended = matches!(field::text(pod, "/status/phase").as_deref(), Some("Succeeded" | "Failed"));
    let others = field::list(pod, "/metadata/ownerReferences").iter().any(|owner| {
        matches!(field::text(owner, "/kind").as_deref(), Some("Job" | "DaemonSet" | "StatefulSet"))
    });
    !ended && !others
}

pub(super) fn ready_condition(pod: &Value) -> Option<&Value> {
    field::list(pod, "/status/conditions")
        .iter()
        .find(|condition| field::text(condition, "/type").as_deref() == Some("Ready"))
}

fn parse_container(
    container: &Value,
    statuses: &[Value],
    tokens: &[ProjectedToken],
    maps: &variables::Maps,
) -> Result<PodContainer, String> {
    let name = field::required(container, "/name")?;
    let status = statuses.iter().find(|status| field::text(status, "/name").as_deref() == Some(&name));
    if let Some(status) = status {
        field::shaped(status, &[("/ready", Is::Flag), ("/restartCount", Is::Number)])?;
    }
    field::shaped(container, &[("/env", Is::List), ("/envFrom", Is::List), ("/volumeMounts", Is::List)])?;
    let env = variables::of(container, maps).names;
    let mounts_token = variables::mounts(container)
        .iter()
        .any(|mount| tokens.iter().any(|token| token.volume == mount.volume));
    let of_status = |pointer: &str| status.and_then(|status| field::text(status, pointer));
    Ok(PodContainer {
        ready: status.is_some_and(|status| field::flag(status, "/ready")),
        restarts: status.and_then(|status| field::number(status, "/restartCount")).unwrap_or(0),
        waiting: of_status("/state/waiting/reason"),
        last_end: of_status("/lastState/terminated/reason"),
        last_end_at: status.and_then(|status| field::time(status, "/lastState/terminated/finishedAt")),
        image: of_status("/image").or_else(|| field::text(container, "/image")).unwrap_or_default(),
        digest: of_status("/imageID").and_then(|id| digest(&id)),
        has_client_id: env.iter().any(|name| name == CLIENT_ID_VARIABLE),
        has_token_file: env.iter().any(|name| name == TOKEN_FILE_VARIABLE),
        mounts_token,
        env,
        name,
    })
}

/// The digest in an image id such as `registry/repository@sha256:…`; an id without a registry is the image's
/// configuration and no manifest's.
fn digest(image_id: &str) -> Option<String> {
    let (_, digest) = image_id.rsplit_once('@')?;
    digest.starts_with("sha256:").then(|| digest.to_owned())
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
        client_id: field::text(item, CLIENT_ID).map(|id| id.to_lowercase()),
        tenant_id: field::text(item, TENANT_ID),
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;

    use super::{digest, parse_pod};
    use crate::fact::Pod;

    fn pod_of(item: &serde_json::Value) -> Result<Pod, String> {
        parse_pod(item, &BTreeMap::new())
    }

    #[test]
    fn a_pod_without_an_account_of_its_own_runs_as_default() {
        let pod =
            pod_of(&json!({"metadata": {"name": "p"}, "spec": {"containers": [{"name": "c"}]}})).unwrap();
        assert_eq!(pod.service_account, "default");
        assert!(!pod.ready);
    }

    #[test]
    fn injection_is_seen_in_variables_and_in_the_mounted_token() {
        let pod = pod_of(&json!({
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
    fn a_member_of_another_type_is_told_and_not_taken_for_missing() {
        let pod = |status: serde_json::Value| {
            pod_of(&json!({
                "metadata": {"name": "p"}, "spec": {"containers": [{"name": "c"}]},
                "status": {"containerStatuses": [status]},
            }))
        };
        assert!(pod(json!({"name": "c", "ready": true, "restartCount": 3})).is_ok());
        assert_eq!(
            pod(json!({"name": "c", "ready": false, "restartCount": "99"})).unwrap_err(),
            "restartCount is not a whole number"
        );
        assert!(pod_of(&json!({"metadata": {"name": "p"}, "spec": {"containers": null}})).is_err());
    }

    #[test]
    fn only_a_manifests_digest_counts() {
        assert_eq!(digest("acr.example/backend@sha256:ab").as_deref(), Some("sha256:ab"));
        assert_eq!(digest("docker.io/library/backend:latest"), None);
        assert_eq!(digest("sha256:ab"), None);
    }
}
