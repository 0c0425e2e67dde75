//! How secrets come to the gateway: the Secrets Store CSI driver and its classes, what pods have mounted of them,
//! or External Secrets Operator. Kubernetes secrets themselves are read only where that was asked for, and then by
//! key names and length classes.

use async_trait::async_trait;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jiff::Timestamp;
use serde_json::Value;

use super::{Clients, Probe, Seen, Touch, parsed, touching};
use crate::client::{calls, field};
use crate::fact::{
    CLUSTER_CSI, CLUSTER_CSI_DRIVER, ClassKey, CsiDriver, CsiInstallation, ExternalSecret,
    GATEWAY_DEPLOYMENT, GATEWAY_EXTERNAL_SECRETS, GATEWAY_MOUNTS, GATEWAY_SECRET_CLASSES, GATEWAY_SECRETS,
    KubernetesSecret, MountedObject, Observation, Outcome, Reason, SecretKey, SecretMount,
    SecretProviderClass, Snapshot, SystemPod,
};
use crate::redact::redact_line;
use crate::target::Target;

/// The driver's name, and the labels of its pods and of its provider's: the AKS add-on's, and Helm's.
const DRIVER: &str = "secrets-store.csi.k8s.io";
const DRIVER_APPS: &[&str] = &["secrets-store-csi-driver"];
const PROVIDER_APPS: &[&str] = &["secrets-store-provider-azure", "csi-secrets-store-provider-azure"];
/// A value shorter than this is no secret worth the name.
const SHORT: usize = 8;

pub(super) struct DeliveryProbe;

#[async_trait]
impl Probe for DeliveryProbe {
    fn name(&self) -> &'static str {
        "delivery"
    }

    fn provides(&self) -> &'static [&'static str] {
        &[
            "gateway.secret_classes",
            "gateway.mounts",
            "gateway.external_secrets",
            "cluster.csi",
            "cluster.csi_driver",
        ]
    }

    fn touches(&self, _target: &Target) -> Vec<Touch> {
        let mut touches = touching(&[calls::SECRET_CLASSES], &["gateway.secret_classes"]);
        touches.extend(touching(&[calls::MOUNTS], &["gateway.mounts"]));
        touches.extend(touching(
            &[calls::EXTERNAL_SECRETS, calls::EXTERNAL_SECRETS_OLDER],
            &["gateway.external_secrets"],
        ));
        touches.push(Touch {
            call: calls::PODS,
            facts: &["cluster.csi"],
            namespace: "kubernetes.csi_namespace",
        });
        touches.extend(touching(&[calls::CSI_DRIVER], &["cluster.csi_driver"]));
        touches.extend(touching(&[calls::NAMESPACE], &[]));
        touches
    }

    async fn observe(&self, clients: &Clients, _known: &Snapshot) -> Seen {
        let mut seen = Seen::default();
        let namespace = clients.target.text("kubernetes.namespace");
        let secrets_store = format!("/apis/secrets-store.csi.x-k8s.io/v1/namespaces/{namespace}");
        let (classes, mounts) = (
            format!("{secrets_store}/secretproviderclasses"),
            format!("{secrets_store}/secretproviderclasspodstatuses"),
        );
        let driver = format!("/apis/storage.k8s.io/v1/csidrivers/{DRIVER}");
        let (classes, mounts, external, pods, driver) = futures::join!(
            clients.listed(&classes),
            clients.listed(&mounts),
            external_secrets(clients, &namespace),
            system_pods(clients),
            clients.object(&driver),
        );
        seen.put(&GATEWAY_SECRET_CLASSES, parsed(classes, |items| items.iter().map(parse_class).collect()));
        seen.put(&GATEWAY_MOUNTS, parsed(mounts, |items| items.iter().map(parse_mount).collect()));
        seen.put(
            &GATEWAY_EXTERNAL_SECRETS,
            parsed(external, |items| items.iter().map(parse_external).collect()),
        );
        seen.put(&CLUSTER_CSI, pods);
        seen.put(
            &CLUSTER_CSI_DRIVER,
            driver.map(|driver| CsiDriver {
                audiences: field::list(&driver, "/spec/tokenRequests")
                    .iter()
                    .filter_map(|request| field::text(request, "/audience"))
                    .collect(),
            }),
        );
        seen
    }
}

/// The operator's objects in its present API, else in the one before.
async fn external_secrets(clients: &Clients, namespace: &str) -> Observation<Vec<Value>> {
    let path =
        |version: &str| format!("/apis/external-secrets.io/{version}/namespaces/{namespace}/externalsecrets");
    let present = clients.listed(&path("v1")).await;
    if matches!(present.outcome, Outcome::Absent) { clients.listed(&path("v1beta1")).await } else { present }
}

async fn system_pods(clients: &Clients) -> Observation<CsiInstallation> {
    let namespace = clients.target.text("kubernetes.csi_namespace");
    let wanted = [DRIVER_APPS, PROVIDER_APPS].concat().join(",");
    let selector: String =
        url::form_urlencoded::byte_serialize(format!("app in ({wanted})").as_bytes()).collect();
    let pods = clients.listed(&format!("/api/v1/namespaces/{namespace}/pods?labelSelector={selector}")).await;
    parsed(pods, |items| {
        let of = |apps: &[&str]| {
            items
                .iter()
                .filter(|pod| {
                    field::text(pod, "/metadata/labels/app").is_some_and(|app| apps.contains(&app.as_str()))
                })
                .map(system_pod)
                .collect::<Result<Vec<_>, _>>()
        };
        Ok(CsiInstallation { driver: of(DRIVER_APPS)?, provider: of(PROVIDER_APPS)?, namespace })
    })
}

fn system_pod(item: &Value) -> Result<SystemPod, String> {
    let ready = super::service_account::ready_condition(item);
    Ok(SystemPod {
        name: field::required(item, "/metadata/name")?,
        node: field::text(item, "/spec/nodeName"),
        ready: ready.is_some_and(|condition| field::text(condition, "/status").as_deref() == Some("True")),
    })
}

/// The identity mode as the Azure provider decides it: its flags exclude each other, and a client id
/// without any flag is workload identity.
fn parse_class(item: &Value) -> Result<SecretProviderClass, String> {
    let on = |name: &str| {
        field::text(item, &format!("/spec/parameters/{name}"))
            .is_some_and(|value| value.eq_ignore_ascii_case("true"))
    };
    let client_id = field::text(item, "/spec/parameters/clientID").map(|id| id.to_lowercase());
    let mode = if on("usePodIdentity") {
        "pod-identity"
    } else if on("useVMManagedIdentity") {
        "vm-identity"
    } else if client_id.is_some() || on("useAzureTokenProxy") {
        "workload-identity"
    } else {
        "none"
    };
    let synced = field::list(item, "/spec/secretObjects");
    let keys = synced.iter().flat_map(|secret| {
        let name = field::text(secret, "/secretName").unwrap_or_default();
        field::list(secret, "/data").iter().map(move |data| ClassKey {
            secret: name.clone(),
            key: field::text(data, "/key").unwrap_or_default(),
            object: field::text(data, "/objectName").unwrap_or_default(),
        })
    });
    Ok(SecretProviderClass {
        name: field::required(item, "/metadata/name")?,
        mode: mode.into(),
        client_id,
        tenant_id: field::text(item, "/spec/parameters/tenantID")
            .or_else(|| field::text(item, "/spec/parameters/tenantId")),
        vault: field::text(item, "/spec/parameters/keyvaultName"),
        secrets: synced.iter().filter_map(|object| field::text(object, "/secretName")).collect(),
        keys: keys.collect(),
        objects: objects(&field::text(item, "/spec/parameters/objects").unwrap_or_default()),
    })
}

/// Names in the YAML text of a class's objects. Only the names matter, and each stands on a line of its own.
fn objects(text: &str) -> Vec<String> {
    text.lines()
        .filter_map(|line| line.trim().trim_start_matches("- ").strip_prefix("objectName:"))
        .map(|name| name.trim().trim_matches(['"', '\'']).to_owned())
        .filter(|name| !name.is_empty())
        .collect()
}

fn parse_mount(item: &Value) -> Result<SecretMount, String> {
    Ok(SecretMount {
        pod: field::required(item, "/status/podName")?,
        class: field::required(item, "/status/secretProviderClassName")?,
        mounted: field::flag(item, "/status/mounted"),
        objects: field::list(item, "/status/objects")
            .iter()
            .filter_map(|object| {
                let id = field::text(object, "/id")?;
                Some(MountedObject {
                    // `secret/database-url`: the kind, then the name.
                    name: id.rsplit('/').next().unwrap_or(&id).to_owned(),
                    version: field::text(object, "/version").unwrap_or_default(),
                })
            })
            .collect(),
    })
}

fn parse_external(item: &Value) -> Result<ExternalSecret, String> {
    let name = field::required(item, "/metadata/name")?;
    let ready = field::list(item, "/status/conditions")
        .iter()
        .find(|condition| field::text(condition, "/type").as_deref() == Some("Ready"));
    let text = |pointer: &str| ready.and_then(|condition| field::text(condition, pointer));
    Ok(ExternalSecret {
        target: field::text(item, "/spec/target/name").unwrap_or_else(|| name.clone()),
        keys: field::list(item, "/spec/data").iter().filter_map(|it| field::text(it, "/secretKey")).collect(),
        ready: text("/status").as_deref() == Some("True"),
        said: [text("/reason"), text("/message").map(|said| redact_line(&said).into_owned())]
            .into_iter()
            .flatten()
            .collect::<Vec<_>>()
            .join(": "),
        name,
    })
}

pub(super) struct SecretKeysProbe;

#[async_trait]
impl Probe for SecretKeysProbe {
    fn name(&self) -> &'static str {
        "secret-keys"
    }

    fn provides(&self) -> &'static [&'static str] {
        &["gateway.secrets"]
    }

    fn needs(&self) -> &'static [&'static str] {
        &["gateway.deployment"]
    }

    fn touches(&self, target: &Target) -> Vec<Touch> {
        if target.is_on("run.secret_keys") {
            touching(&[calls::SECRET, calls::NAMESPACE], &["gateway.secrets"])
        } else {
            Vec::new()
        }
    }

    async fn observe(&self, clients: &Clients, known: &Snapshot) -> Seen {
        let mut seen = Seen::default();
        if !clients.target.is_on("run.secret_keys") {
            let reason = Reason::NotAsked { option: "--secret-keys".into() };
            let origin = clients.origin(String::new(), String::new());
            seen.put(&GATEWAY_SECRETS, Observation::unknown(reason, origin));
            return seen;
        }
        let deployment = known.get(&GATEWAY_DEPLOYMENT);
        let Some(value) = deployment.value() else {
            seen.put_same(&GATEWAY_SECRETS, &deployment);
            return seen;
        };
        let mut names: Vec<String> = value
            .containers
            .iter()
            .flat_map(|container| {
                container.secrets.iter().chain(container.references.iter().map(|it| &it.secret)).cloned()
            })
            .collect();
        names.sort();
        names.dedup();
        seen.put(&GATEWAY_SECRETS, read(clients, &names, deployment.origin.clone()).await);
        seen
    }
}

async fn read(
    clients: &Clients,
    names: &[String],
    of_deployment: crate::fact::Origin,
) -> Observation<Vec<KubernetesSecret>> {
    let namespace = clients.target.text("kubernetes.namespace");
    let mut origin = of_deployment;
    let mut found = Vec::new();
    let asked = names.iter().map(|name| {
        let path = format!("/api/v1/namespaces/{namespace}/secrets/{name}");
        async move { (name, clients.object(&path).await) }
    });
    for (name, answer) in futures::future::join_all(asked).await {
        origin = answer.origin;
        let name = name.clone();
        match answer.outcome {
            Outcome::Known(secret) => {
                found.push(KubernetesSecret { name, exists: true, keys: keys(&secret) });
            }
            Outcome::Absent => found.push(KubernetesSecret { name, exists: false, keys: Vec::new() }),
            Outcome::Unknown(reason) => return Observation::unknown(reason, origin),
        }
    }
    Observation::known(found, origin)
}

/// Key names, length classes, and the end of values that are tokens. The values themselves end here.
fn keys(secret: &Value) -> Vec<SecretKey> {
    field::map(secret, "/data")
        .into_iter()
        .map(|(name, encoded)| {
            let value = STANDARD.decode(encoded.trim()).unwrap_or_default();
            let length = match value.len() {
                0 => "empty",
                length if length < SHORT => "short",
                _ => "filled",
            };
            SecretKey { name, length: length.into(), ends_at: end_of(&value) }
        })
        .collect()
}

/// Claim `exp` of a value that is a JWT (RFC 7519).
fn end_of(value: &[u8]) -> Option<Timestamp> {
    let text = std::str::from_utf8(value).ok()?.trim();
    let mut parts = text.split('.');
    let (_, payload, _) = (parts.next()?, parts.next()?, parts.next()?);
    let claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).ok()?).ok()?;
    Timestamp::from_second(claims.get("exp")?.as_i64()?).ok()
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
    use serde_json::json;

    use super::{keys, objects, parse_class};

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
    fn names_of_objects_are_read_from_their_text() {
        let text = "array:\n  - |\n    objectName: database-url\n    objectType: secret\n  - |\n    objectName: \"redis-url\"\n";
        assert_eq!(objects(text), ["database-url", "redis-url"]);
    }

    #[test]
    fn of_a_secret_only_names_lengths_and_ends_stay() {
        let token = format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(r#"{"exp":1795442531}"#));
        let secret = json!({"data": {
            "EMPTY": "", "SHORT": STANDARD.encode("abc"), "TOKEN": STANDARD.encode(&token), "URL": STANDARD.encode("postgres://hunter2@db")
        }});
        let found = keys(&secret);
        let lengths: Vec<_> = found.iter().map(|key| (key.name.as_str(), key.length.as_str())).collect();
        assert_eq!(lengths, [("EMPTY", "empty"), ("SHORT", "short"), ("TOKEN", "filled"), ("URL", "filled")]);
        assert_eq!(found[2].ends_at.map(jiff::Timestamp::as_second), Some(1_795_442_531));
        assert!(!format!("{found:?}").contains("hunter2"));
    }
}
