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
    /// Service account of the pod template; `default` where none is written.
    pub service_account: String,
    /// Labels of the pod template.
    pub labels: BTreeMap<String, String>,
    /// Containers of the pod template.
    pub containers: Vec<Container>,
    /// `SecretProviderClass` names that the template mounts.
    pub secret_classes: Vec<String>,
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
}
