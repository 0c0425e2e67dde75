//! Facts about the gateway's objects in Kubernetes. Values of environment variables are never kept,
//! but for the few that name a mode or an address and are listed by the probe.

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A container of the pod template.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Container {
    /// Container name.
    pub name: String,
    /// Image reference as written.
    pub image: String,
    /// Names of the environment variables that the template sets.
    pub env: Vec<String>,
    /// Values of the few variables that name a mode, an address or a place; no others are kept.
    pub settings: BTreeMap<String, String>,
    /// Variables that take one key of a secret.
    pub references: Vec<KeyReference>,
    /// Secrets whose keys all become variables.
    pub secrets: Vec<String>,
    /// Config maps that could not be read, and variables from elsewhere: what they set is not known.
    pub unread: Vec<String>,
    /// Volumes that it mounts.
    pub mounts: Vec<Mount>,
}

/// A variable that takes one key of a secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct KeyReference {
    /// Variable.
    pub variable: String,
    /// Secret.
    pub secret: String,
    /// Key.
    pub key: String,
    /// Whether the container may start without it.
    pub optional: bool,
}

/// A mounted volume.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Mount {
    /// Volume.
    pub volume: String,
    /// Where.
    pub path: String,
}

/// A volume of the pod template.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Volume {
    /// Name.
    pub name: String,
    /// `emptyDir`, `persistentVolumeClaim`, `csi`, `secret`, …: the member that defines it.
    pub kind: String,
}

/// A condition of a Deployment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Condition {
    /// `Available`, `Progressing`, `ReplicaFailure`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Whether it holds.
    pub holds: bool,
    /// Reason.
    pub reason: String,
    /// Message.
    pub message: String,
}

/// The gateway's Deployment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Deployment {
    /// Name.
    pub name: String,
    /// Wanted replicas.
    pub replicas: i64,
    /// Ready replicas.
    pub ready: i64,
    /// Replicas of the newest template.
    pub updated: i64,
    /// Whether the controller has seen the newest template.
    pub observed: bool,
    /// Its conditions.
    pub conditions: Vec<Condition>,
    /// Service account of the pod template; `default` where none is written.
    pub service_account: String,
    /// Labels of the pod template.
    pub labels: BTreeMap<String, String>,
    /// Containers of the pod template.
    pub containers: Vec<Container>,
    /// `SecretProviderClass` names that the template mounts.
    pub secret_classes: Vec<String>,
    /// Volumes of the template.
    pub volumes: Vec<Volume>,
}

impl Deployment {
    /// The gateway's own container: the named one, else the one that runs in the gateway's mode, else the first.
    pub fn gateway(&self, name: Option<&str>) -> Option<&Container> {
        if let Some(name) = name {
            return self.containers.iter().find(|it| it.name == name);
        }
        let by_mode =
            |it: &&Container| it.settings.get("MAZEVAULT_MODE").is_some_and(|mode| mode == "gateway");
        self.containers.iter().find(by_mode).or(self.containers.first())
    }
}

/// A container of a running pod.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own that rules read by name")]
pub struct PodContainer {
    /// Container name.
    pub name: String,
    /// Whether it is ready.
    pub ready: bool,
    /// Restarts so far.
    pub restarts: i64,
    /// `state.waiting.reason`, where it waits.
    pub waiting: Option<String>,
    /// `lastState.terminated.reason`, where it has ended before: `OOMKilled`, `Error`, …
    pub last_end: Option<String>,
    /// When it did.
    pub last_end_at: Option<Timestamp>,
    /// Image reference as the node resolved it.
    pub image: String,
    /// Digest of the image that runs (`sha256:…`), where the node reports one.
    pub digest: Option<String>,
    /// Names of its environment variables, injected ones included.
    pub env: Vec<String>,
    /// Whether it sets `AZURE_CLIENT_ID`, by injection or by itself.
    pub has_client_id: bool,
    /// Whether it sets `AZURE_FEDERATED_TOKEN_FILE`, by injection or by itself.
    pub has_token_file: bool,
    /// Whether it mounts one of the pod's projected service account tokens for Entra.
    pub mounts_token: bool,
}

/// A projected service account token volume of a pod.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ProjectedToken {
    /// Volume name.
    pub volume: String,
    /// Audience the token is minted for.
    pub audience: String,
}

/// Audience of the proxy that AKS identity bindings run (AKS, identity bindings).
const IDENTITY_BINDING_AUDIENCE: &str = "api://AKSIdentityBinding";

impl ProjectedToken {
    /// Whether Entra is meant to take it, by the form that its audiences have in every cloud.
    pub fn is_for_entra(&self) -> bool {
        self.audience.starts_with("api://") && !self.is_for_binding()
    }

    /// Whether it is meant for the proxy of an identity binding.
    pub fn is_for_binding(&self) -> bool {
        self.audience == IDENTITY_BINDING_AUDIENCE
    }
}

/// A pod of the gateway.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Pod {
    /// Name.
    pub name: String,
    /// `status.phase`.
    pub phase: String,
    /// Whether its Ready condition is true.
    pub ready: bool,
    /// `spec.serviceAccountName`: the account the pod really runs as.
    pub service_account: String,
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// When it was created.
    pub created_at: Option<Timestamp>,
    /// Containers, init containers excluded.
    pub containers: Vec<PodContainer>,
    /// Projected service account tokens with an audience of their own.
    pub tokens: Vec<ProjectedToken>,
    /// `SecretProviderClass` names that it mounts.
    pub secret_classes: Vec<String>,
}

/// A service account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ServiceAccount {
    /// Name.
    pub name: String,
    /// Annotation `azure.workload.identity/client-id`.
    pub client_id: Option<String>,
    /// Annotation `azure.workload.identity/tenant-id`.
    pub tenant_id: Option<String>,
}

/// A `SecretProviderClass` in the gateway's namespace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SecretProviderClass {
    /// Name.
    pub name: String,
    /// `workload-identity`, `vm-identity`, `pod-identity` or `none`, from its parameters.
    pub mode: String,
    /// `parameters.clientID`.
    pub client_id: Option<String>,
    /// `parameters.tenantID` (or the older `tenantId`).
    pub tenant_id: Option<String>,
    /// `parameters.keyvaultName`.
    pub vault: Option<String>,
    /// Names of the Kubernetes secrets that it syncs.
    pub secrets: Vec<String>,
    /// Keys of those secrets, each with the object that fills it.
    pub keys: Vec<ClassKey>,
    /// Names of the vault objects that it mounts.
    pub objects: Vec<String>,
}

/// A key that a `SecretProviderClass` puts into a secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ClassKey {
    /// Secret.
    pub secret: String,
    /// Key.
    pub key: String,
    /// File that fills it: the object's alias or name.
    pub object: String,
}
