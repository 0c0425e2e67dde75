//! Facts about how secrets reach the gateway. Of a Kubernetes secret only names, length classes and an end date
//! are ever kept, and only where that was asked for.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A pod of the cluster's own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SystemPod {
    /// Name.
    pub name: String,
    /// Node that it runs on.
    pub node: Option<String>,
    /// Whether its Ready condition is true.
    pub ready: bool,
}

/// How the Secrets Store CSI driver is installed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CsiInstallation {
    /// Namespace that was looked in.
    pub namespace: String,
    /// Pods of the driver.
    pub driver: Vec<SystemPod>,
    /// Pods of the provider for Azure.
    pub provider: Vec<SystemPod>,
}

/// A CSI driver that the cluster knows (`CSIDriver`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CsiDriver {
    /// Audiences of the tokens that the kubelet hands to the driver.
    pub audiences: Vec<String>,
}

/// What a pod has mounted of a `SecretProviderClass`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SecretMount {
    /// Pod.
    pub pod: String,
    /// `SecretProviderClass`.
    pub class: String,
    /// Whether it is mounted.
    pub mounted: bool,
    /// What was mounted.
    pub objects: Vec<MountedObject>,
}

/// One mounted object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MountedObject {
    /// Name in the vault.
    pub name: String,
    /// Version that was mounted.
    pub version: String,
}

/// A key of a Kubernetes secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SecretKey {
    /// Name.
    pub name: String,
    /// `empty`, `short` (under 8 bytes) or `filled`.
    pub length: String,
    /// Where the value is a token with an end, that end.
    pub ends_at: Option<Timestamp>,
}

/// A Kubernetes secret that the gateway refers to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct KubernetesSecret {
    /// Name.
    pub name: String,
    /// Whether it is there.
    pub exists: bool,
    /// Its keys.
    pub keys: Vec<SecretKey>,
}

/// An `ExternalSecret` of External Secrets Operator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExternalSecret {
    /// Name.
    pub name: String,
    /// Kubernetes secret that it fills.
    pub target: String,
    /// Keys that it fills; empty where it takes everything it finds.
    pub keys: Vec<String>,
    /// Whether its Ready condition is true.
    pub ready: bool,
    /// Reason and message of that condition.
    pub said: String,
}
